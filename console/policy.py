"""`parley policy show|set|what-if|suggest`: the rules by which replies go out, tried before they count."""

import getpass
from itertools import groupby
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.table import Table

from console import database, versions
from console.printing import cell, json_line
from console.what_if import PolicyFile, read_policy, what_if
from replies import shipped
from replies.learning import threshold
from replies.rules import PolicyDocument
from schemas.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True, help="The rules by which replies go out by themselves.")
app.command("what-if")(what_if)


@app.command("show")
def show(
    version: Annotated[int | None, typer.Option(help="An earlier version; the newest without it.")] = None,
) -> None:
    """Prints the policy in force as YAML: change a copy, try it with `what-if`, then `set` it."""
    row = database.run(
        lambda pool, tenant: pool.fetchrow(
            "select version, document, created_by, created_at from policies where tenant_id = $1 "
            "and ($2::integer is null or version = $2) order by version desc limit 1",
            tenant,
            version,
        )
    )
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
    who = person or getpass.getuser()
    version = database.run(
        lambda pool, tenant: versions.save_policy(pool, tenant, document, who), announces=True
    )
    print(f"policy {policy.version} is in force as version {version}; workers follow within seconds")


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
    rows = database.run(
        lambda pool, tenant: pool.fetch(
            "select intent, confidence_score, verdict from draft_verdicts "
            "where tenant_id = $1 and verdict is not null and intent is not null order by intent",
            tenant,
        )
    )
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
