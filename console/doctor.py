"""`parley doctor`: looks at everything that Parley needs, and says what to do. It changes nothing.

Exit code 0 if there is no problem (warnings are none), 1 otherwise. Embedded servers that do not run are
started for the look, as by every command, and stopped after it.
"""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from console.checks.database import check_database
from console.checks.finding import Finding, Status, look, problem
from console.checks.kafka import check_kafka
from console.checks.machine import check_disk, check_model, existing_keys
from console.checks.service import check_service
from console.model_folders import find_model
from console.servers import Servers, open_servers
from console.stages import GROUP_PREFIX, STAGE_INPUTS
from infra import settings
from infra.crypto import KeyRing
from infra.settings import Settings
from schemas import topics
from schemas.errors import ParleyError
from schemas.events import utc_now
from sinks.sweeper import Rules

_COLOURS: Final = {Status.OK: "green", Status.WARNING: "yellow", Status.PROBLEM: "bold red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Checks servers, accounts, polling, webhooks, models, stuck work, notices, disk; says what to do."""
    findings = diagnose(settings.load())
    healthy = all(finding.status is not Status.PROBLEM for finding in findings)
    if as_json:
        checks = [asdict(finding) for finding in findings]
        print(json.dumps({"healthy": healthy, "checks": checks}, ensure_ascii=False))
    else:
        _show(findings)
    raise typer.Exit(0 if healthy else 1)


def diagnose(loaded: Settings) -> list[Finding]:
    """All findings, whatever is broken."""
    found = asyncio.run(_of_machine(loaded))
    try:
        with open_servers(loaded) as servers:
            return asyncio.run(_of_servers(servers, loaded)) + found
    except ParleyError as error:
        return [problem("servers", str(error), "see the message"), *found]


async def _of_machine(loaded: Settings) -> list[Finding]:
    return [
        *await look("model", check_model(find_model(None, loaded))),
        *await look("disk", check_disk(loaded.state_dir)),
    ]


async def _of_servers(servers: Servers, loaded: Settings) -> list[Finding]:
    keys: KeyRing | None = None
    found = []
    try:
        keys = existing_keys(loaded)
    except (ParleyError, OSError, ValueError) as error:
        found.append(problem("encryption keys", str(error), "correct PARLEY_ENCRYPTION_KEYS or the key file"))
    groups = {
        f"{GROUP_PREFIX}.{stage}": [topic.name for topic in inputs] for stage, inputs in STAGE_INPUTS.items()
    }
    of_kafka = check_kafka(
        servers.kafka, list(topics.ALL.values()), groups, partitions=loaded.topic_partitions, now=utc_now()
    )
    of_database = check_database(servers.database, loaded.tenant, Rules.of(loaded), keys, clock=utc_now)
    of_kafka_found = await look("broker", of_kafka, within=120)
    stored = await look("database", of_database, within=120)
    usable = all(each.status is not Status.PROBLEM for each in stored if each.name == "database")
    service = await look("service", check_service(servers.database, loaded), within=120) if usable else []
    return [*of_kafka_found, *stored, *service, *found]


def _show(findings: list[Finding]) -> None:
    console = Console(highlight=False)
    for finding in findings:
        status = f"[{_COLOURS[finding.status]}]{finding.status:8}[/]"
        console.print(f"{status} {escape(finding.name)}: {escape(finding.found)}", soft_wrap=True)
        if finding.todo:
            console.print(f"{'':8} -> {escape(finding.todo)}", soft_wrap=True)
