"""`parley voices list|show|set|remove`: how the brand speaks where a language model drafts."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
import yaml
from rich.console import Console
from rich.table import Table

from console.configuration import announce
from console.printing import cell, json_line
from console.seeding import publish_outbox
from console.servers import open_servers
from infra import postgres, settings
from infra.postgres import Pool
from replies.documents import read_yaml, validated
from replies.voice import EVERYWHERE, Voice
from schemas import codec
from schemas.errors import ConfigurationError
from schemas.events import ConfigChange, ConfigKind, Platform, utc_now

app = typer.Typer(no_args_is_help=True, help="How the brand speaks where a language model drafts.")

T = TypeVar("T")
Key = Annotated[
    str, typer.Argument(help="An account as platform:id; `default` for all without a voice of their own.")
]
Person = Annotated[str, typer.Option("--as", help="Who changes it; the login name without it.")]

NEWEST: Final = (
    "select distinct on (key) key, version, document, created_by, created_at from voices "
    "where tenant_id = $1 order by key, version desc"
)


@app.command("list")
def list_voices(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a voice.")] = False,
) -> None:
    """Shows whose voice is set."""
    rows = [row for row in _with_pool(lambda pool, tenant: pool.fetch(NEWEST, tenant)) if row["document"]]
    if as_json:
        for row in rows:
            print(json_line(dict(row)))
        return
    table = Table("For", "Version", "By", "Tone")
    for row in rows:
        tone = validated(Voice, row["document"], row["key"]).tone
        table.add_row(*map(cell, (row["key"], row["version"], row["created_by"], tone[:100])))
    Console().print(table if rows else "the shipped voice serves every account; see `parley voices show`")


@app.command("show")
def show(key: Key = EVERYWHERE) -> None:
    """Prints a voice as YAML: change a copy and `set` it."""
    rows = {row["key"]: row["document"] for row in _with_pool(lambda p, tenant: p.fetch(NEWEST, tenant))}
    document = rows.get(checked(key)) or rows.get(EVERYWHERE) or Voice().model_dump(mode="json")
    print(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110), end="")


@app.command("set")
def set_voice(
    file: Annotated[Path, typer.Argument(help="YAML: tone, do, avoid.")],
    key: Annotated[str, typer.Option("--for", help="platform:id, or default.")] = EVERYWHERE,
    person: Person = "",
) -> None:
    """Sets a voice; it is checked first."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"Cannot read {file}: {error}. Name a YAML file that exists.") from error
    voice = validated(Voice, read_yaml(text, str(file)), str(file))
    print(_save(checked(key), voice, person))


@app.command("remove")
def remove(key: Key, person: Person = "") -> None:
    """Takes a voice away; the one for all, or the shipped one, serves again."""
    print(_save(checked(key), None, person))


def checked(key: str) -> str:
    """The key, if there may be a voice for it; raises ConfigurationError."""
    platform, _, account_id = key.partition(":")
    if key != EVERYWHERE and (platform not in set(Platform) or not account_id):
        raise ConfigurationError(f"{key!r} is no account; write platform:id, or {EVERYWHERE}.")
    return key


def _save(key: str, voice: Voice | None, person: str) -> str:
    who = person or getpass.getuser()
    version = _with_pool(lambda pool, tenant: save_voice(pool, tenant, key, voice, who), announced=True)
    return f"voice of {key}: " + (f"version {version} is in force" if voice else "taken away")


async def save_voice(pool: Pool, tenant: str, key: str, voice: Voice | None, person: str) -> int:
    """Stores a voice as the newest of its key (None takes it away) and announces it, in one transaction."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtext('parley voices ' || $1))", tenant)
        version: int = await connection.fetchval(
            "insert into voices (tenant_id, key, version, document, created_by) "
            "select $1, $2, coalesce(max(version), 0) + 1, $3, $4 from voices "
            "where tenant_id = $1 and key = $2 returning version",
            tenant,
            key,
            voice.model_dump(mode="json") if voice else None,
            person,
        )
        change = ConfigChange(
            kind=ConfigKind.VOICE,
            tenant_id=tenant,
            key=key,
            version=version,
            payload=voice.model_dump_json() if voice else "{}",
            deleted=voice is None,
            changed_by=person,
            changed_at=utc_now(),
        )
        await announce(connection, codec.load(), change, action="voice.set" if voice else "voice.removed")
    return version


def _with_pool(work: Callable[[Pool, str], Awaitable[T]], *, announced: bool = False) -> T:
    loaded = settings.load()

    async def run(url: str) -> T:
        async with postgres.open_pool(url, size=1) as pool:
            await postgres.migrate(pool)
            return await work(pool, loaded.tenant)

    with open_servers(loaded) as servers:
        result = asyncio.run(run(servers.database))
        if announced:
            asyncio.run(publish_outbox(servers))
        return result
