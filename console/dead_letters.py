"""`parley dead-letters list|show`: what no stage could process, and why."""

import asyncio
import base64
import json
from collections import Counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from console.compose import key_ring
from console.servers import open_servers
from infra import settings
from infra.crypto import KeyRing
from infra.scan import scan
from schemas import codec, topics
from schemas.errors import ConfigurationError, DecodeError
from schemas.events import DeadLetter

app = typer.Typer(no_args_is_help=True, help="Records that no stage can process.")


@app.command("list")
def list_letters(
    stage: Annotated[str | None, typer.Option(help="Only of this stage.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only for this reason.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a dead letter.")] = False,
) -> None:
    """Shows the dead letters that Kafka still keeps (30 days)."""
    with open_servers(settings.load()) as servers:
        letters = [
            letter
            for letter in asyncio.run(read_letters(servers.kafka))
            if stage in (None, letter.stage) and reason in (None, letter.reason)
        ]
    if as_json:
        for letter in letters:
            print(json.dumps(_summary(letter)))
        return
    table = Table("Id", "Failed at", "Stage", "Reason", "From", "Message")
    for letter in letters:
        where = f"{letter.topic}[{letter.partition}]@{letter.offset}"
        table.add_row(
            letter.dead_letter_id,
            f"{letter.failed_at:%F %T}",
            letter.stage,
            letter.reason,
            where,
            letter.message,
        )
    console = Console()
    console.print(table)
    for (of_stage, why), count in Counter((letter.stage, letter.reason) for letter in letters).items():
        console.print(f"{count} x {of_stage}: {why}")


@app.command("show")
def show(dead_letter_id: str) -> None:
    """Shows one dead letter whole, its bytes decrypted (base64 where they are not UTF-8)."""
    loaded = settings.load()
    with open_servers(loaded) as servers:
        for letter in asyncio.run(read_letters(servers.kafka)):
            if letter.dead_letter_id == dead_letter_id:
                print(json.dumps(_whole(letter, key_ring(loaded)), indent=2, ensure_ascii=False))
                return
    raise ConfigurationError(
        f"There is no dead letter {dead_letter_id}. `parley dead-letters list` shows them."
    )


async def read_letters(bootstrap: str) -> list[DeadLetter]:
    """Every dead letter once (a repeated record is one), oldest first."""
    known = codec.load()
    letters: dict[str, DeadLetter] = {}
    async for record in scan(bootstrap, topics.DEAD_LETTERS.name):
        try:
            letter = known.decode(record.value, DeadLetter)
        except DecodeError:
            continue  # not written by Parley
        letters.setdefault(letter.dead_letter_id, letter)
    return sorted(letters.values(), key=lambda letter: letter.failed_at)


def _summary(letter: DeadLetter) -> dict[str, Any]:
    return {
        "dead_letter_id": letter.dead_letter_id,
        "failed_at": letter.failed_at.isoformat(),
        "stage": letter.stage,
        "reason": letter.reason,
        "error": letter.error,
        "message": letter.message,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
    }


def _whole(letter: DeadLetter, keys: KeyRing) -> dict[str, Any]:
    value = letter.value
    if value is not None and letter.key_id is not None:
        value = keys.open(value, letter.key_id, context=topics.DEAD_LETTERS.name)
    return _summary(letter) | {
        "stack": letter.stack,
        "key": _printable(letter.key),
        "value": _printable(value),
        "headers": {header.name: _printable(header.value) for header in letter.headers},
    }


def _printable(data: bytes | None) -> str | None:
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(data).decode()
