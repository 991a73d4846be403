"""Facts about comments: written once, in any order and however often.

Guarantee: the rows after a set of records do not depend on their order, on how they were cut into batches, on
repetitions, or on what other writers write at the same time. Where two records disagree about one thing, a
rule without memory decides (greatest, least, newest wording). Exceptions: of two decisions of one kind about
one wording, and of two analyses by one model, the first to arrive is kept.

A batch is copied into a temporary table (`sinks.staged`) and merged from there (`sinks.merges`). A record
that Postgres refuses raises out of the batch; the runner finds it by halving.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from infra.postgres import Connection
from sinks import merges, removed_replies, staged
from streams.stage import Input

_WRITERS_LOCK: Final = 0x7061726C6579_01
"""Held shared by all writers, and alone by some: see `_let_run_alone`."""


async def record(connection: Connection, records: Iterable[Input[Any]]) -> list[str]:
    """Writes the facts of `records` within the caller's transaction; returns the ids of their comments.

    Afterwards the rows of these comments are locked, and the batch can be read from `in_batch`.
    The caller calls `refresh` when it has written what else it knows. Raises what asyncpg raises.
    """
    records = list(records)
    events = [each.event for each in records]
    rows = [row for each in records for row in staged.rows_of(each)]
    kinds = {row["what"] for row in rows}
    await _let_run_alone(connection, alone="dead" in kinds or any(map(removed_replies.removes, events)))
    await staged.load(connection, rows)
    for kind, statements in merges.MERGES.items():
        if kind in kinds:
            for statement in statements:
                await connection.execute(statement)
    await removed_replies.forget(connection, events)
    return sorted({row["comment_id"] for row in rows if row.get("comment_id") is not None})


async def refresh(connection: Connection, comments: Sequence[str]) -> None:
    """Derives the states of these comments anew, and what hangs on them; last in a transaction."""
    if comments:
        await connection.execute("select refresh_comment_states($1::uuid[])", comments)


async def write(connection: Connection, records: Iterable[Input[Any]]) -> None:
    """`record` and `refresh`."""
    await refresh(connection, await record(connection, records))


async def lock(connection: Connection, comments: Sequence[str]) -> None:
    """Locks the rows of these comments, in the order that everybody locks them in."""
    await connection.execute(
        "select from comments where comment_id = any ($1::uuid[]) order by comment_id for update", comments
    )


async def _let_run_alone(connection: Connection, *, alone: bool) -> None:
    """Lets a writer of dead letters or removals run alone.

    Every other fact names its comment well enough to make the row, and so meets other writers there. A dead
    letter may be about a comment whose row another transaction is just making, a removal about a reply whose
    outcome it is just writing. Both are rare.
    """
    kind = "" if alone else "_shared"
    await connection.execute(f"select pg_advisory_xact_lock{kind}({_WRITERS_LOCK})")
