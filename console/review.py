"""`parley review list|show|approve|edit|reject|escalate`: what waits for a person, and the person's word."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from console import reviewing
from console.people import Role, User
from console.printing import cell, json_line
from console.servers import open_servers
from infra import postgres, settings
from infra.postgres import Pool
from schemas.errors import ConfigurationError
from schemas.states import Action

app = typer.Typer(no_args_is_help=True, help="Comments that wait for a person.")

T = TypeVar("T")

_DONE: Final = {Action.APPROVE: "approved", Action.REJECT: "rejected", Action.ESCALATE: "escalated"}
Person = Annotated[str, typer.Option("--as", help="Who decides; the login name without it.")]
Comment = Annotated[
    str, typer.Argument(help="The comment's id, as `parley review list` shows it, or how it begins.")
]


@app.command("list")
def list_items(
    limit: Annotated[int, typer.Option("-n", help="At most so many.", min=1)] = 20,
    level: Annotated[str | None, typer.Option(help="moderator or supervisor; both without it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an item.")] = False,
) -> None:
    """Shows the open items, the most urgent first."""
    rows = _with_pool(lambda pool, tenant: reviewing.waiting(pool, tenant, limit=limit, level=level))
    if as_json:
        for row in rows:
            print(json_line(dict(row)))
        return
    table = Table()
    table.add_column("Comment id", no_wrap=True, min_width=36)
    for heading in ("Level", "Labels", "Comment", "Draft", "Why"):
        table.add_column(heading)
    for row in rows:
        labels = f"{row['sentiment'] or ''} {row['intent'] or ''} {row['language'] or ''}"
        table.add_row(
            str(row["comment_id"]),
            row["level"],
            labels,
            cell((row["text"] or "")[:120]),
            cell((row["draft"] or "")[:120]),
            cell(row["reason"]),
        )
    Console().print(table if rows else "nothing waits for a person")


@app.command("show")
def show(comment_id: Comment) -> None:
    """Shows one item whole."""
    row = _with_pool(lambda pool, tenant: reviewing.item(pool, tenant, comment_id))
    print(json_line(dict(row), indent=2))


@app.command("approve")
def approve(comment_id: Comment, person: Person = "") -> None:
    """Sends the draft as it is."""
    _decide(comment_id, Action.APPROVE, person)


@app.command("edit")
def edit(
    comment_id: Comment, text: Annotated[str, typer.Option(help="The reply to send.")], person: Person = ""
) -> None:
    """Sends another text than the draft."""
    if not text.strip():
        raise ConfigurationError("The reply is empty. Give it with --text, or use `parley review reject`.")
    _decide(comment_id, Action.APPROVE, person, text=text.strip())


@app.command("reject")
def reject(
    comment_id: Comment,
    reason: Annotated[str, typer.Option(help="Why; kept with the decision.")] = "rejected",
    person: Person = "",
) -> None:
    """Sends nothing."""
    _decide(comment_id, Action.REJECT, person, reason=reason)


@app.command("escalate")
def escalate(
    comment_id: Comment, reason: Annotated[str, typer.Option(help="Why.")] = "escalated", person: Person = ""
) -> None:
    """Hands the item to a supervisor."""
    _decide(comment_id, Action.ESCALATE, person, reason=reason)


def _decide(
    comment_id: str, action: Action, person: str, *, text: str | None = None, reason: str = ""
) -> None:
    who = person or getpass.getuser()
    # Whoever may run this command has the servers' passwords: the level is not asked again.
    user = User(who, Role.ADMIN)
    decision = _with_pool(
        lambda pool, tenant: reviewing.decide(
            pool, tenant, comment_id, action, user, text=text, reason=reason
        )
    )
    done = "edited and approved" if text is not None else _DONE[action]
    print(f"{done} by {who}: comment {decision.comment_id}")


def _with_pool(work: Callable[[Pool, str], Awaitable[T]]) -> T:
    loaded = settings.load()

    async def run(url: str) -> T:
        async with postgres.open_pool(url, size=2) as pool:
            return await work(pool, loaded.tenant)

    with open_servers(loaded) as servers:
        return asyncio.run(run(servers.database))
