"""`parley replies show|retract|hide|unhide`: the whole story of a reply, and taking back what was done."""

import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from console import configuration, database
from console.moments import moment
from console.printing import cell, json_line
from infra.postgres import Connection, Pool
from schemas.errors import ConfigurationError
from schemas.events import Platform
from sinks import actions

app = typer.Typer(no_args_is_help=True, help="Replies: their story, and taking them back.")

Id = Annotated[
    str, typer.Argument(help="Id of the comment (or how it begins), of the decision or of the reply.")
]
Person = Annotated[str, typer.Option("--as", help="Who asks for it; the login name without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]

_FIND: Final = """
select comment_id from comments where tenant_id = $1 and starts_with(comment_id::text, $2)
union select comment_id from reply_queue where tenant_id = $1 and (decision_id::text = $2 or reply_id = $2)
union select comment_id from decisions where tenant_id = $1 and decision_id::text = $2
union select comment_id from observed_replies where tenant_id = $1 and reply_id = $2
limit 3
"""

_STORY: Final[dict[str, str]] = {
    "comment": "select * from comments where comment_id = $1",
    "wordings": "select * from comment_revisions where comment_id = $1 order by revised_at",
    "post": "select p.* from posts p join comments c "
    "using (tenant_id, platform, account_id, platform_post_id) where c.comment_id = $1",
    "scores": "select * from analyses where comment_id = $1 order by enriched_at",
    "drafts": "select g.*, t.content as template_content from generated_responses g "
    "left join response_templates t on t.tenant_id = g.tenant_id and t.name = g.template "
    "and t.version = g.template_version where g.comment_id = $1 order by g.created_at",
    "decisions": "select * from decisions where comment_id = $1 order by decided_at",
    "review": "select * from review_items where comment_id = $1 order by created_at",
    "queue": "select * from reply_queue where comment_id = $1 order by enqueued_at",
    "attempts": "select a.* from reply_attempts a join reply_queue q using (decision_id) "
    "where q.comment_id = $1 order by a.started_at",
    "outcomes": "select * from reply_outcomes where comment_id = $1 order by at",
    "seen_on_the_platform": "select * from observed_replies where comment_id = $1 order by occurred_at",
    "actions": "select * from platform_actions where comment_id = $1 order by asked_at",
    "dead_letters": "select * from dead_letters where comment_id = $1 order by failed_at",
    "audit": "select at, actor, action, details from audit_log "
    "where subject = 'comment:' || $1::uuid::text order by id",
}
"""What belongs to a comment, in the order in which it happens."""


@app.command("show")
def show(identifier: Id, as_json: AsJson = False) -> None:
    """Shows everything about a reply: comment, scores, draft, rule, people, the text sent, every attempt."""

    async def work(pool: Pool, tenant: str) -> dict[str, Any]:
        async with pool.acquire() as connection, connection.transaction(readonly=True):
            comment = await find(connection, tenant, identifier)
            return await story(connection, comment)

    told = database.run(work)
    if as_json:
        print(json_line(told, indent=2))
        return
    console = Console()
    for part, rows in told.items():
        for row in rows if isinstance(rows, list) else [rows]:
            table = Table(part.replace("_", " "), "", show_header=True, title_justify="left")
            for name, value in row.items():
                if value not in (None, "", [], {}):
                    table.add_row(name, cell(value))
            console.print(table)


@app.command("retract")
def retract(
    identifier: Annotated[str, typer.Argument(help="As for `show`; left out with --since.")] = "",
    since: Annotated[
        str, typer.Option(help="All replies posted since (12h, 3d, a time); needs --account.")
    ] = "",
    account: Annotated[str, typer.Option(help="Whose replies: platform:id.")] = "",
    person: Person = "",
    as_json: AsJson = False,
) -> None:
    """Deletes posted replies from the platform, each once. What is still in doubt is not touched."""
    if bool(identifier) is bool(since) or bool(since) is not bool(account):
        raise ConfigurationError("Name one reply, or say --since TIME --account PLATFORM:ID.")

    async def work(pool: Pool, tenant: str) -> dict[str, Any]:
        async with pool.acquire() as connection, connection.transaction():
            if identifier:
                where, values = "q.comment_id = $2", [await find(connection, tenant, identifier)]
            else:
                platform, account_id = _account(account)
                await configuration.require_accounts(connection, tenant, [account])
                where = "q.platform = $2 and q.account_id = $3 and q.settled_at >= $4"
                values = [platform, account_id, moment(since)]
            rows = await connection.fetch(
                "select q.tenant_id, q.platform, q.account_id, q.reply_id as target, q.comment_id, "  # noqa: S608
                "q.decision_id, q.state, q.retracted_at from reply_queue q "
                f"where q.tenant_id = $1 and q.state in ('posted', 'unknown', 'posting') and {where}",
                tenant,
                *values,
            )
            posted = [row for row in rows if row["state"] == "posted" and row["target"]]
            made = await actions.ask(connection, "retract", posted, person=person or getpass.getuser())
        return {
            "asked_for": len(made),
            "taken_back_or_asked_for_before": len(posted) - len(made),
            "in_doubt": len(rows) - len(posted),
        }

    _tell(database.run(work), as_json, "replies are taken back")


@app.command("hide")
def hide(identifier: Id, person: Person = "", as_json: AsJson = False) -> None:
    """Hides a comment from the public."""
    _tell(database.run(_on_comment("hide", identifier, person)), as_json, "comments are hidden")


@app.command("unhide")
def unhide(identifier: Id, person: Person = "", as_json: AsJson = False) -> None:
    """Shows a hidden comment again."""
    _tell(database.run(_on_comment("unhide", identifier, person)), as_json, "comments are shown")


def _on_comment(kind: str, identifier: str, person: str) -> Callable[[Pool, str], Awaitable[dict[str, Any]]]:
    async def work(pool: Pool, tenant: str) -> dict[str, Any]:
        async with pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "select tenant_id, platform, account_id, platform_comment_id as target, comment_id, "
                "null::uuid as decision_id from comments where comment_id = $1",
                await find(connection, tenant, identifier),
            )
            made = await actions.ask(connection, kind, [row], person=person or getpass.getuser())
        return {"asked_for": len(made), "asked_for_before": 1 - len(made)}

    return work


async def find(connection: Connection, tenant: str, identifier: str) -> Any:
    """The comment's id that an id of whatever kind leads to; raises ConfigurationError without just one."""
    if not identifier:
        raise ConfigurationError("Give an id: of a comment, a decision or a reply.")
    rows = await connection.fetch(_FIND, tenant, identifier)
    if not rows:
        raise ConfigurationError(
            f"Nothing has the id {identifier}. `parley sql` finds comments by their text."
        )
    if len(rows) > 1:
        raise ConfigurationError(f"{identifier} begins several ids, {rows[0]['comment_id']} for one.")
    return rows[0]["comment_id"]


async def story(connection: Connection, comment: Any) -> dict[str, Any]:
    """Everything stored about a comment, by part; `comment` is one row, the others are lists."""
    told: dict[str, Any] = {}
    for part, query in _STORY.items():
        told[part] = [dict(row) for row in await connection.fetch(query, comment)]
    told["comment"] = told["comment"][0]
    return told


def _account(text: str) -> tuple[str, str]:
    platform, _, account_id = text.partition(":")
    if platform not in set(Platform) or not account_id:
        raise ConfigurationError(f"{text!r} is no account; write for example facebook:104000000000001.")
    return platform, account_id


def _tell(found: dict[str, Any], as_json: bool, what: str) -> None:
    if as_json:
        print(json_line(found))
        return
    more = ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in found.items() if count)
    print(f"{what} by the poster; {more or 'nothing to do'}")
