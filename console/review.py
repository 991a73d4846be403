"""`parley review list|show|approve|edit|reject|escalate`: what waits for a person, and the person's word.

A decision is written to the outbox in the transaction that closes the item, and travels to the poster over
`replies.decided` like the machine's. The first final word wins; a second reviewer is told who was first.
"""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from console.printing import cell, json_line
from console.servers import open_servers
from infra import postgres, settings
from infra.postgres import Connection, Pool
from schemas import codec, identity, topics
from schemas.errors import ConfigurationError
from schemas.events import Decision, Draft, DraftOrigin, Platform, utc_now
from schemas.states import Action, DecidedBy
from sinks.outbox import enqueue

app = typer.Typer(no_args_is_help=True, help="Comments that wait for a person.")

T = TypeVar("T")

_DONE: Final = {Action.APPROVE: "approved", Action.REJECT: "rejected", Action.ESCALATE: "escalated"}
Person = Annotated[str, typer.Option("--as", help="Who decides; the login name without it.")]
Comment = Annotated[
    str, typer.Argument(help="The comment's id, as `parley review list` shows it, or how it begins.")
]

_ITEM = """
select r.comment_id, r.revision_id, r.draft_id, r.level, r.reason, r.priority, r.due_at, r.created_at,
       r.is_open,
       c.tenant_id, c.platform, c.account_id, c.platform_comment_id, c.platform_post_id, c.platform_parent_id,
       c.author_id, c.author_name, c.text, c.state, c.received_at, c.current_revision_id, c.permalink,
       a.sentiment, a.intent, a.language, g.content as draft, g.origin, g.language as draft_language,
       g.confidence_score, g.template, g.template_version
from review_items r
join comments c using (comment_id)
left join lateral (
    select * from analyses a where a.revision_id = r.revision_id order by enriched_at desc limit 1
) a on true
left join generated_responses g on g.draft_id = r.draft_id
"""


@app.command("list")
def list_items(
    limit: Annotated[int, typer.Option("-n", help="At most so many.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an item.")] = False,
) -> None:
    """Shows the open items, the most urgent first."""
    rows = _with_pool(
        lambda pool: pool.fetch(
            _ITEM + "where r.is_open and r.tenant_id = $1 "
            "order by (r.level = 'supervisor') desc, r.due_at nulls last, r.priority desc, r.created_at "
            "limit $2",
            settings.load().tenant,
            limit,
        )
    )
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
    row = _with_pool(lambda pool: _item(pool, comment_id))
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
    decision = _with_pool(lambda pool: decide(pool, comment_id, action, who, text=text, reason=reason))
    done = "edited and approved" if text is not None else _DONE[action]
    print(f"{done} by {who}: comment {decision.comment_id}")


async def decide(
    pool: Pool, comment_id: str, action: Action, person: str, *, text: str | None = None, reason: str = ""
) -> Decision:
    """Writes a person's decision: item closed, outbox row, audit row, in one transaction.

    Raises ConfigurationError if there is no open item, it was decided meanwhile, or there is nothing to send.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await _item(connection, comment_id, lock=True)
        decision = _decision(dict(row), action, person, text, reason or f"{action} by a person")
        await connection.execute(
            "update review_items set is_open = $2, level = $3, closed_at = $4 where revision_id = $1",
            row["revision_id"],
            action is Action.ESCALATE,
            "supervisor" if action is Action.ESCALATE else row["level"],
            None if action is Action.ESCALATE else decision.decided_at,
        )
        await connection.execute(
            "insert into audit_log (tenant_id, actor, action, subject) values ($1, $2, $3, $4)",
            decision.tenant_id,
            person,
            f"review.{action}",
            f"comment:{comment_id}",
        )
        await enqueue(connection, codec.load(), topics.REPLIES_DECIDED, decision.comment_id, decision)
    return decision


async def _item(connection: "Connection | Pool", comment_id: str, *, lock: bool = False) -> Any:
    meant = await connection.fetch(
        "select distinct comment_id::text as id from review_items "
        "where starts_with(comment_id::text, $1) limit 3",
        comment_id,
    )
    if len(meant) > 1:
        raise ConfigurationError(
            f"{comment_id} begins several ids, {meant[0]['id']} for one. Give more of it."
        )
    row = await connection.fetchrow(
        _ITEM
        + "where r.comment_id::text = $1 order by r.is_open desc, r.created_at desc limit 1"
        + (" for update of r" if lock else ""),
        meant[0]["id"] if meant else comment_id,
    )
    if row is None:
        raise ConfigurationError(
            f"No item of comment {comment_id} waits. `parley review list` shows what does."
        )
    if lock and not row["is_open"]:
        decided = await connection.fetchrow(
            "select person, action from decisions where revision_id = $1 and decided_by = 'person' "
            "order by decided_at limit 1",
            row["revision_id"],
        )
        by = f"{decided['action']} by {decided['person']}" if decided else f"the comment is {row['state']}"
        raise ConfigurationError(f"The item of comment {comment_id} is closed: {by}.")
    return row


def _decision(row: dict[str, Any], action: Action, person: str, text: str | None, reason: str) -> Decision:
    now = utc_now()
    revision = str(row["revision_id"])
    draft = _draft(row, revision, text)
    sent = draft.text if draft and action.sends else None
    if action.sends and not sent:
        raise ConfigurationError(
            "This item has no draft. Write the reply: `parley review edit ID --text ...`."
        )
    return Decision(
        decision_id=identity.decision_id(
            revision, draft.draft_id if draft else None, f"person:{person}", action
        ),
        tenant_id=row["tenant_id"],
        platform=Platform(row["platform"]),
        account_id=row["account_id"],
        comment_id=str(row["comment_id"]),
        revision_id=revision,
        platform_comment_id=row["platform_comment_id"],
        platform_post_id=row["platform_post_id"],
        thread_id=row["platform_parent_id"] or row["platform_comment_id"],
        author_id=row["author_id"],
        action=action,
        decided_by=DecidedBy.PERSON,
        person=person,
        draft=draft,
        text=sent,
        policy_version="person",
        rule="person",
        reason=reason,
        priority=float(row["priority"]),
        received_at=row["received_at"],
        decided_at=now,
    )


def _draft(row: dict[str, Any], revision: str, text: str | None) -> Draft | None:
    if text is not None and text != row["draft"]:
        return Draft(
            draft_id=identity.draft_id(revision, text, DraftOrigin.PERSON),
            revision_id=revision,
            text=text,
            origin=DraftOrigin.PERSON,
            language=row["language"] or "und",
            confidence=1.0,
        )
    if row["draft"] is None:
        return None
    return Draft(
        draft_id=str(row["draft_id"]),
        revision_id=revision,
        text=row["draft"],
        origin=DraftOrigin(row["origin"]),
        language=row["draft_language"],
        confidence=float(row["confidence_score"]),
        template=row["template"],
        template_version=row["template_version"],
    )


def _with_pool(work: Callable[[Pool], Awaitable[T]]) -> T:
    async def run(url: str) -> T:
        async with postgres.open_pool(url, size=2) as pool:
            return await work(pool)

    with open_servers(settings.load()) as servers:
        return asyncio.run(run(servers.database))
