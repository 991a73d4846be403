"""`parley voices list|show|set|remove`: how the brand speaks where a language model drafts."""

import getpass
from pathlib import Path
from typing import Annotated, Final

import typer
import yaml
from rich.console import Console
from rich.table import Table

from console import database, versions
from console.printing import cell, json_line
from console.yaml_files import yaml_text
from replies.documents import read_yaml, validated
from replies.voice import EVERYWHERE, Voice
from schemas.errors import ConfigurationError
from schemas.events import Platform

app = typer.Typer(no_args_is_help=True, help="How the brand speaks where a language model drafts.")

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
    rows = [row for row in database.run(lambda pool, tenant: pool.fetch(NEWEST, tenant)) if row["document"]]
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
    rows = {row["key"]: row["document"] for row in database.run(lambda p, tenant: p.fetch(NEWEST, tenant))}
    document = rows.get(checked(key)) or rows.get(EVERYWHERE) or Voice().model_dump(mode="json")
    print(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110), end="")


@app.command("set")
def set_voice(
    file: Annotated[Path, typer.Argument(help="YAML: tone, do, avoid.")],
    key: Annotated[str, typer.Option("--for", help="platform:id, or default.")] = EVERYWHERE,
    person: Person = "",
) -> None:
    """Sets a voice; it is checked first."""
    voice = validated(Voice, read_yaml(yaml_text(file), str(file)), str(file))
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
    version = database.run(
        lambda pool, tenant: versions.save_voice(pool, tenant, key, voice, who), announces=True
    )
    return f"voice of {key}: " + (f"version {version} is in force" if voice else "taken away")
