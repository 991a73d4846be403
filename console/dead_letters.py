"""`parley dead-letters list|show|replay`: what no stage could process, why, and the way back."""

import asyncio
import base64
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import typer

from console import database, tables
from console.configuration import key_ring
from console.moments import moment
from console.printing import json_line, printable
from console.servers import Servers, open_servers
from console.tables import Column
from infra import settings
from infra.crypto import KeyRing
from infra.postgres import Pool
from infra.scan import scan
from infra.settings import Settings
from schemas import codec, topics
from schemas.errors import ConfigurationError, DecodeError, EnvironmentFault
from schemas.events import DeadLetter
from sinks.resending import Outcome, Resent, send_back, sent_before

app = typer.Typer(no_args_is_help=True, help="Records that no stage can process.")


OfStage = Annotated[str | None, typer.Option(help="Only of this stage.")]
ForReason = Annotated[str | None, typer.Option(help="Only for this reason.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a dead letter.")]


@app.command("list")
def list_letters(stage: OfStage = None, reason: ForReason = None, as_json: AsJson = False) -> None:
    """Shows the dead letters that Kafka still keeps (30 days), and which of them were sent back."""
    loaded = settings.load()
    with open_servers(loaded) as servers:
        letters = chosen(asyncio.run(read_letters(servers.kafka)), stage=stage, reason=reason)
        sent = asyncio.run(_sent_before(servers, loaded))
    if as_json:
        for letter in letters:
            at = sent.get(letter.dead_letter_id)
            print(json_line(_summary(letter) | {"replayed_at": at.isoformat() if at else None}))
        return
    columns = (
        Column("Id", lambda letter: letter.dead_letter_id),
        Column("Failed at", lambda letter: f"{letter.failed_at:%F %T}", rank=4, least=10),
        Column("Stage", lambda letter: letter.stage, rank=1),
        Column("Reason", lambda letter: letter.reason, rank=2, least=12),
        Column(
            "From", lambda letter: f"{letter.topic}[{letter.partition}]@{letter.offset}", rank=6, least=16
        ),
        Column("Message", lambda letter: letter.message, rank=5, least=24),
        Column("Sent back at", lambda letter: _moment(sent.get(letter.dead_letter_id)), rank=3, least=10),
    )
    tables.show(columns, letters, "no dead letters")
    for (of_stage, why), count in Counter((letter.stage, letter.reason) for letter in letters).items():
        print(f"{count} x {of_stage}: {printable(why)}")


def _moment(at: datetime | None) -> str:
    return f"{at:%F %T}" if at else ""


async def _sent_before(servers: Servers, loaded: Settings) -> dict[str, datetime]:
    """What Postgres knows; nothing while it is away, for then the list is needed most."""
    try:
        return await database.run_on(servers, loaded, lambda pool, _tenant: sent_before(pool), migrates=False)
    except (EnvironmentFault, asyncpg.PostgresError):
        return {}


@app.command("show")
def show(dead_letter_id: str) -> None:
    """Shows one dead letter whole, its bytes decrypted (base64 where they are not UTF-8)."""
    loaded = settings.load()
    with open_servers(loaded) as servers:
        for letter in asyncio.run(read_letters(servers.kafka)):
            if letter.dead_letter_id == dead_letter_id:
                print(json_line(_whole(letter, key_ring(loaded)), indent=2))
                return
    raise ConfigurationError(
        f"There is no dead letter {dead_letter_id}. `parley dead-letters list` shows them."
    )


@app.command("replay")
def replay(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of dead letters.", metavar="[ID]...")] = None,
    stage: OfStage = None,
    reason: ForReason = None,
    since: Annotated[
        str | None, typer.Option(help="Only those that failed since: a time, or so long ago (90m, 12h, 3d).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sends dead letters back to where they came from, each once. What fails again is a new dead letter."""
    if not (ids or stage or reason or since):
        raise ConfigurationError(
            "Say which dead letters: ids, --stage, --reason or --since. For example: "
            "parley dead-letters replay --stage enrich --since 12h"
        )
    loaded, begin = settings.load(), moment(since) if since else None
    with open_servers(loaded) as servers:
        letters = asyncio.run(read_letters(servers.kafka))
        if unknown := sorted(set(ids or ()) - {letter.dead_letter_id for letter in letters}):
            raise ConfigurationError(
                f"There is no dead letter {', '.join(unknown)}. `parley dead-letters list` shows them."
            )
        wanted = chosen(letters, ids=ids, stage=stage, reason=reason, since=begin)
        keys = key_ring(loaded)

        async def work(pool: Pool, _tenant: str) -> list[Resent]:
            return [await send_back(pool, letter, keys) for letter in wanted]

        done = asyncio.run(database.run_on(servers, loaded, work, announces=True))
    for each in done:
        if as_json:
            print(json_line(_summary(each.letter) | {"outcome": each.outcome, "said": each.said}))
        elif each.outcome is not Outcome.SENT_BACK:
            print(f"{each.letter.dead_letter_id} was not sent: {each.said}")
    if not as_json:
        count = Counter(each.outcome for each in done)
        print(
            f"{count[Outcome.SENT_BACK]} sent back, {count[Outcome.SENT_BEFORE]} were sent back before, "
            f"{count[Outcome.IMPOSSIBLE]} cannot go back"
        )


def chosen(
    letters: Sequence[DeadLetter],
    *,
    ids: Collection[str] | None = None,
    stage: str | None = None,
    reason: str | None = None,
    since: datetime | None = None,
) -> list[DeadLetter]:
    """Those of the letters that fulfil every condition that is given."""
    return [
        letter
        for letter in letters
        if (not ids or letter.dead_letter_id in ids)
        and stage in (None, letter.stage)
        and reason in (None, letter.reason)
        and (since is None or letter.failed_at >= since)
    ]


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
