"""`parley review list|show|approve|edit|reject|escalate`: what waits for a person, and the person's word."""

import getpass
from typing import Annotated, Final

import typer

from console import database, review_decisions, review_items, tables
from console.people import Role, User
from console.printing import json_line
from console.tables import Column
from schemas.errors import ConfigurationError
from schemas.states import Action

app = typer.Typer(no_args_is_help=True, help="Comments that wait for a person.")

_LABELS: Final = ("sentiment", "intent", "language")
_DONE: Final = {Action.APPROVE: "approved", Action.REJECT: "rejected", Action.ESCALATE: "escalated"}
Person = Annotated[str, typer.Option("--as", help="Who decides; the login name without it.")]
Comment = Annotated[
    str, typer.Argument(help="The comment's id, as `parley review list` shows it, or how it begins.")
]


COLUMNS: Final = (
    Column("Id", lambda row: row["comment_id"], least=8, begins=True),
    Column("Level", lambda row: row["level"], rank=3),
    Column("Labels", lambda row: " ".join(filter(None, map(row.get, _LABELS))), rank=4, least=10),
    Column("Comment", lambda row: (row["text"] or "")[:120], rank=1, least=18),
    Column("Draft", lambda row: (row["draft"] or "")[:120], rank=2, least=18),
    Column("Why", lambda row: row["reason"], rank=5, least=16),
)


@app.command("list")
def list_items(
    limit: Annotated[int, typer.Option("-n", help="At most so many.", min=1)] = 20,
    level: Annotated[str | None, typer.Option(help="moderator or supervisor; both without it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an item.")] = False,
) -> None:
    """Shows the open items, the most urgent first."""
    rows = database.run(lambda pool, tenant: review_items.waiting(pool, tenant, limit=limit, level=level))
    if as_json:
        for row in rows:
            print(json_line(dict(row)))
        return
    tables.show(COLUMNS, rows, "nothing waits for a person")


@app.command("show")
def show(comment_id: Comment) -> None:
    """Shows one item whole."""
    row = database.run(lambda pool, tenant: review_items.item(pool, tenant, comment_id))
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
    decision = database.run(
        lambda pool, tenant: review_decisions.decide(
            pool, tenant, comment_id, action, user, text=text, reason=reason
        ),
        announces=True,
    )
    done = "edited and approved" if text is not None else _DONE[action]
    print(f"{done} by {who}: comment {decision.comment_id}")
