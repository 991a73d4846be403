"""`parley policy what-if`: what another policy would have done with the comments of the past."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from console.moments import moment
from console.past_decisions import Question, ask
from console.printing import cell, json_line
from console.servers import open_servers
from console.yaml_files import yaml_text
from infra import settings
from replies.account import Mode
from replies.documents import read_yaml
from replies.policy import Policy

PolicyFile = Annotated[
    Path, typer.Option("--policy", help="A policy as YAML, as `parley policy show` prints.")
]


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


def read_policy(file: Path) -> tuple[dict[str, Any], Policy]:
    """A policy's plain data and the policy; raises ConfigurationError naming file, place and problem."""
    document = json.loads(json.dumps(read_yaml(yaml_text(file), str(file)), default=str))
    policy = Policy.from_data(document, str(file))
    return document, policy


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
