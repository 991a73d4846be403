"""`parley templates list|show|add|edit|import|export|suggest`: the wordings that replies are made of."""

import getpass
import sys
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from console import database, seeding, tables, versions
from console.printing import cell, json_line
from console.tables import Column
from console.yaml_files import yaml_text
from infra.postgres import Pool
from replies import book, learning
from replies.documents import validated
from replies.templates import Template
from schemas import codec
from schemas.errors import ConfigurationError
from schemas.events import ConfigKind, Platform
from schemas.labels import Intent, Sentiment

app = typer.Typer(no_args_is_help=True, help="The wordings that replies are made of.")

Name = Annotated[str, typer.Argument(help="The template's name.")]
Person = Annotated[str, typer.Option("--as", help="Who changes it; the login name without it.")]
Text = Annotated[str | None, typer.Option(help="The wording; `-` reads standard input.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a template.")]


COLUMNS: Final = (
    Column("Name", lambda each: each.name, least=20),
    Column("Version", lambda each: f"{each.version}{'' if each.active else ' (off)'}", rank=4),
    Column("Language", lambda each: each.language, rank=3),
    Column("Intent", lambda each: each.intent, rank=2),
    Column("Sentiment", lambda each: each.sentiment or "any", rank=6),
    Column("For", lambda each: ", ".join([*each.platforms, *each.accounts]) or "all", rank=5, least=10),
    Column("Weight", lambda each: f"{each.weight:g}", rank=7),
    Column("Content", lambda each: each.content[:120], rank=1, least=20),
)


@app.command("list")
def list_templates(
    language: Annotated[str, typer.Option(help="Only this language (ISO 639-1).")] = "",
    intent: Annotated[Intent | None, typer.Option(help="Only this intent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Shows the newest version of each template."""
    found = [
        each
        for each in database.run(current_templates)
        if language in ("", each.language) and intent in (None, each.intent)
    ]
    if as_json:
        for each in found:
            print(json_line(each.model_dump(mode="json")))
        return
    tables.show(COLUMNS, found, "there is no such template")


@app.command("add")
def add(
    name: Name,
    language: Annotated[str, typer.Option(help="ISO 639-1.")],
    intent: Annotated[Intent, typer.Option(help="What it answers.")],
    text: Text = "-",
    sentiment: Annotated[Sentiment | None, typer.Option(help="Any without it.")] = None,
    platform: Annotated[list[Platform] | None, typer.Option(help="Where it may be used.")] = None,
    account: Annotated[list[str] | None, typer.Option(help="For which accounts: platform:id.")] = None,
    person: Person = "",
) -> None:
    """Adds a template; it is checked first."""

    async def work(pool: Pool, tenant: str) -> str:
        if name in {each.name for each in await current_templates(pool, tenant)}:
            raise ConfigurationError(f"There is a template {name} already: `parley templates edit {name}`.")
        data = {
            "name": name,
            "language": language,
            "intent": intent,
            "sentiment": sentiment,
            "content": _content(text),
            "platforms": list(platform or ()),
            "accounts": list(account or ()),
        }
        template = validated(Template, data, f"template {name}")
        return await versions.save_templates(pool, tenant, [template], person or getpass.getuser())

    print(database.run(work, announces=True))


@app.command("edit")
def edit(
    name: Name,
    text: Text = None,
    active: Annotated[bool | None, typer.Option("--on/--off", help="Whether it is used.")] = None,
    weight: Annotated[float | None, typer.Option(min=0, max=1, help="How often it is taken.")] = None,
    account: Annotated[list[str] | None, typer.Option(help="For which accounts; `all` for all.")] = None,
    person: Person = "",
) -> None:
    """Makes a new version of a template; the old one stays with the replies that were made of it."""

    async def work(pool: Pool, tenant: str) -> str:
        known = {each.name: each for each in await current_templates(pool, tenant)}.get(name)
        if known is None:
            raise ConfigurationError(f"There is no template {name}. `parley templates list` shows them.")
        changes: dict[str, Any] = {"content": _content(text), "active": active, "weight": weight}
        if account is not None:
            changes["accounts"] = [] if account == ["all"] else account
        data = {**known.model_dump(mode="json"), **{k: v for k, v in changes.items() if v is not None}}
        template = validated(Template, data, f"template {name}")
        return await versions.save_templates(pool, tenant, [template], person or getpass.getuser())

    print(database.run(work, announces=True))


@app.command("import")
def import_templates(
    file: Annotated[Path, typer.Argument(help="YAML, as `parley templates export` prints it.")],
    person: Person = "",
) -> None:
    """Adds or renews the templates of a file, all or none; what is as it was gets no new version."""
    templates = book.from_yaml(yaml_text(file), str(file))
    who = person or getpass.getuser()
    print(
        database.run(
            lambda pool, tenant: versions.save_templates(pool, tenant, templates, who), announces=True
        )
    )


@app.command("export")
def export_templates() -> None:
    """Prints the newest version of each template as YAML."""
    print(book.to_yaml(database.run(current_templates)), end="")


@app.command("suggest")
def suggest(as_json: AsJson = False) -> None:
    """Shows how people judged each template's drafts, and the weight that this suggests."""
    rows = database.run(
        lambda pool, tenant: pool.fetch(
            "select intent, language, template, "
            "count(*) filter (where verdict = 'approved') as approved, "
            "count(*) filter (where verdict = 'edited') as edited, "
            "count(*) filter (where verdict = 'rejected') as rejected "
            "from draft_verdicts where tenant_id = $1 and template is not null and verdict is not null "
            "and intent is not null group by intent, language, template order by intent, language, template",
            tenant,
        )
    )
    table = Table("Intent", "Language", "Template", "Approved", "Edited", "Rejected", "Suggested weight")
    for _, group in groupby(rows, key=lambda row: (row["intent"], row["language"])):
        for row, weight in _suggested([dict(row) for row in group]):
            if as_json:
                print(json_line({**row, "suggested_weight": weight}))
            table.add_row(
                *(cell(row[key]) for key in ("intent", "language", "template", "approved", "edited")),
                cell(row["rejected"]),
                f"{weight:g}" if weight is not None else f"(fewer than {learning.LEAST} judged)",
            )
    if not as_json:
        Console().print(table if rows else "people have judged no template's draft yet")
        if rows:
            print("Accept one with `parley templates edit NAME --weight W`; nothing changes by itself.")


def _suggested(rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], float | None]]:
    counts = [learning.Counts(row["approved"], row["edited"], row["rejected"]) for row in rows]
    return list(zip(rows, learning.weights(counts), strict=True))


async def current_templates(pool: Pool, tenant: str) -> list[Template]:
    """The newest version of each of the tenant's templates, by name; the shipped ones of a new tenant."""
    await seeding.seed(pool, codec.load(), tenant)
    async with pool.acquire() as connection:
        changes = await seeding.current(connection, tenant)
    return [Template.from_change(change) for change in changes if change.kind is ConfigKind.TEMPLATE]


def _content(text: str | None) -> str | None:
    return sys.stdin.read().strip() if text == "-" else text
