"""`parley policy show|set|what-if|suggest`: the rules by which replies go out, tried before they count."""

import asyncio
import getpass
import json
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from console.configuration import POLICY_KEY, announce
from console.past_decisions import Question, ask
from console.printing import cell, json_line
from console.replay import moment
from console.servers import open_servers
from infra import postgres, settings
from infra.postgres import Pool
from replies import shipped
from replies.account import Mode
from replies.documents import read_yaml
from replies.learning import threshold
from replies.policy import Policy
from replies.rules import PolicyDocument
from schemas import codec
from schemas.errors import ConfigurationError
from schemas.events import ConfigChange, ConfigKind, utc_now
from schemas.identity import content_hash

app = typer.Typer(no_args_is_help=True, help="The rules by which replies go out by themselves.")

PolicyFile = Annotated[
    Path, typer.Option("--policy", help="A policy as YAML, as `parley policy show` prints.")
]
_LOCK: Final = "select pg_advisory_xact_lock(hashtext('parley policy ' || $1))"


@app.command("show")
def show(
    version: Annotated[int | None, typer.Option(help="An earlier version; the newest without it.")] = None,
) -> None:
    """Prints the policy in force as YAML: change a copy, try it with `what-if`, then `set` it."""
    config = settings.load()
    with open_servers(config) as servers:
        row = asyncio.run(_stored(servers.database, config.tenant, version))
    if row is None and version is not None:
        raise ConfigurationError(f"There is no version {version} of the policy.")
    if row is None:
        print(shipped.policy_text(), end="")
        return
    print(f"# version {row['version']}, by {row['created_by']}, {row['created_at']:%F %T} UTC")
    # Postgres keeps no order of keys; people want the rules last, as they are written.
    ordered = {key: row["document"][key] for key in PolicyDocument.model_fields if key in row["document"]}
    print(yaml.safe_dump(ordered, allow_unicode=True, sort_keys=False, width=110), end="")


@app.command("set")
def set_policy(
    file: PolicyFile,
    person: Annotated[str, typer.Option("--as", help="Who decides; the login name without it.")] = "",
) -> None:
    """Puts a policy in force. It is checked first; one that cannot be read changes nothing."""
    document, policy = read_policy(file)
    config = settings.load()
    who = person or getpass.getuser()
    with open_servers(config) as servers:
        version = asyncio.run(_save(servers.database, config.tenant, document, who))
    print(f"policy {policy.version} is in force as version {version}; workers follow within seconds")


@app.command("what-if")
def what_if(
    file: PolicyFile,
    since: Annotated[str, typer.Option(help="A time, or so long ago (12h, 30d).")] = "30d",
    mode: Annotated[
        Mode | None, typer.Option(help="As if every account were in this mode; else as they are now.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Judges the comments of the past by a policy and shows what would change. Nothing is sent or stored."""
    document, policy = read_policy(file)
    config = settings.load()
    begin = moment(since)
    terminal = Console(stderr=True)
    with open_servers(config) as servers, Progress(console=terminal, transient=True) as progress:
        task = progress.add_task("judging the past", total=1.0)
        answer = ask(
            Question(servers.database, config.tenant, begin, document, mode),
            done=lambda share: progress.update(task, completed=share),
        )
    report = {
        "policy": policy.version,
        "since": begin.isoformat(),
        "mode": mode.value if mode else None,
        "unreadable": answer.unreadable,
        **answer.tally.report(),
    }
    if as_json:
        print(json_line(report, indent=2))
    else:
        _print(report)


@app.command("suggest")
def suggest(
    target: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Share of drafts that people would send unchanged.")
    ] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an intent.")] = False,
) -> None:
    """Shows from which confidence on people sent drafts unchanged, by intent, and the rules that follow.

    A person accepts a rule by writing it into the policy; nothing changes by itself.
    """
    config = settings.load()
    with open_servers(config) as servers:
        rows = asyncio.run(_verdicts(servers.database, config.tenant))
    table = Table(
        "Intent", "Judged", "Sent unchanged", f"Confidence for {target:.0%}", "Judged there", "Unchanged"
    )
    rules = []
    for intent, group in groupby(rows, key=lambda row: str(row["intent"])):
        verdicts = [(float(row["confidence_score"]), row["verdict"] == "approved") for row in group]
        found = threshold(verdicts, target)
        good = sum(approved for _, approved in verdicts)
        if as_json:
            evidence = {"judged": len(verdicts), "unchanged": good, "judged_there": found.judged}
            print(json_line({"intent": intent, "confidence": found.confidence, **evidence}))
        shown = (
            (f"{found.confidence:.2f}", found.judged, found.approved)
            if found.confidence
            else ("none", "", "")
        )
        table.add_row(intent, str(len(verdicts)), str(good), *map(cell, shown))
        if found.confidence:
            rules.append(
                f"  - rule: unsure_{intent}\n"
                f"    when: {{intent: [{intent}], draft_below: {found.confidence:.2f}}}\n"
                f"    then: review\n    reason: people changed too many drafts below this confidence"
            )
    if as_json:
        return
    Console().print(table if rows else "people have judged no draft yet")
    if rules:
        print("Rules for `decide`, before those that approve; try them with `parley policy what-if`:")
        print("\n".join(rules))


async def _verdicts(url: str, tenant: str) -> list[Any]:
    async with postgres.open_pool(url, size=1) as pool:
        await postgres.migrate(pool)
        return list(
            await pool.fetch(
                "select intent, confidence_score, verdict from draft_verdicts "
                "where tenant_id = $1 and verdict is not null and intent is not null order by intent",
                tenant,
            )
        )


def read_policy(file: Path) -> tuple[dict[str, Any], Policy]:
    """A policy's plain data and the policy; raises ConfigurationError naming file, place and problem."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"Cannot read {file}: {error}. Name a YAML file that exists.") from error
    document = json.loads(json.dumps(read_yaml(text, str(file)), default=str))
    policy = Policy.from_data(document, str(file))
    return document, policy


async def _stored(url: str, tenant: str, version: int | None) -> Any:
    async with postgres.open_pool(url, size=1) as pool:
        return await pool.fetchrow(
            "select version, document, created_by, created_at from policies "
            "where tenant_id = $1 and ($2::integer is null or version = $2) order by version desc limit 1",
            tenant,
            version,
        )


async def _save(url: str, tenant: str, document: Mapping[str, Any], person: str) -> int:
    async with postgres.open_pool(url, size=1) as pool:
        return await save_policy(pool, tenant, document, person)


async def save_policy(pool: Pool, tenant: str, document: Mapping[str, Any], person: str) -> int:
    """Stores a checked policy as the newest and announces it, in one transaction; returns its version."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_LOCK, tenant)
        version: int = await connection.fetchval(
            "insert into policies (tenant_id, version, document, hash, created_by) "
            "select $1, coalesce(max(version), 0) + 1, $2, $3, $4 from policies where tenant_id = $1 "
            "returning version",
            tenant,
            dict(document),
            content_hash(document),
            person,
        )
        change = ConfigChange(
            kind=ConfigKind.POLICY,
            tenant_id=tenant,
            key=POLICY_KEY,
            version=version,
            payload=json.dumps(document, ensure_ascii=False),
            changed_by=person,
            changed_at=utc_now(),
        )
        await announce(connection, codec.load(), change, action="policy.set")
    return version


def _print(report: Mapping[str, Any]) -> None:
    console = Console()
    shift = report["by_itself"]
    console.print(
        f"{report['considered']} decisions since {report['since']}, {report['changed']} would change. "
        f"By themselves went {shift['before']}, would go {shift['after']} "
        f"(+{shift['more']}, -{shift['fewer']})."
    )
    if report["unreadable"]:
        console.print(f"{report['unreadable']} rows were left out: they are no events.")
    table = Table("", "went", "would go", "more", "fewer")
    for name, row in [*report["by_intent"].items(), *report["by_account"].items()]:
        table.add_row(cell(name), *(str(row[key]) for key in ("before", "after", "more", "fewer")))
    console.print(table)
    if shift["more"]:
        had = report["of_the_newly_sent_people_had"]
        told = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in had.items() if count)
        console.print(f"Of the {shift['more']} that would newly go out, people had: {told}.")
    moves = Table("then", "now", "comments")
    for move in report["moves"]:
        if move["before"] != move["after"]:
            moves.add_row(move["before"], move["after"], str(move["count"]))
    if moves.row_count:
        console.print(moves)
    examples = Table("then (rule)", "now (rule)", "people", "comment", "text")
    for each in report["examples"]:
        examples.add_row(
            f"{each['before']} ({each['rule_before']})",
            f"{each['after']} ({each['rule_after']})",
            each["handling"],
            each["comment_id"][:8],
            cell(each["text"][:100]),
        )
    if examples.row_count:
        console.print(examples)
