"""Writes what became of claimed rows: state, attempt, account, outcome event, comment state; one transaction.

A verdict counts only for the attempt it is about; that a reply was posted counts always.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from infra import logs, metrics
from infra.postgres import NOW, Connection
from schemas import identity
from schemas.codec import Codec
from sinks import accounting, facts, queueing
from sinks.attempt import Verdict
from sinks.queueing import HELD

LOOKS: Final = 3
"""Look-ups that must all have missed a reply before it counts as not sent."""

SENDS: Final = 2
"""Attempts of unknown effect after which a person decides: the second follows only a proven absence."""

_APPLY: Final = f"""
update reply_queue q set state = v.state, reason = v.reason, reply_id = coalesce(v.reply_id, q.reply_id),
    claimed_by = null,
    not_before = {NOW} + make_interval(secs => v.pause),
    uncertain = q.uncertain + (v.state = 'unknown' and q.state = 'posting')::int,
    looks = case when q.state = 'posting' then 0 else q.looks end,
    absent_since = case when q.state = 'posting' then null else q.absent_since end,
    settled_at = case when v.state in ('queued', 'unknown') then null else {NOW} end
from (
    select v.*, was.state = 'unknown' as was_in_doubt
    from unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::float8[])
        as v (decision_id, attempt, state, reason, reply_id, pause)
    join reply_queue was using (decision_id)
) v
where q.decision_id = v.decision_id and (
    (q.state in ('posting', 'unknown') and q.attempts = v.attempt)
    or (v.state = 'posted' and q.state <> 'posted' and not {HELD}))
returning q.*, {NOW} as at, v.was_in_doubt,
    case when v.state = 'posted' then (
        select extract(epoch from {NOW} - c.received_at)::float8
        from comments c where c.comment_id = q.comment_id) end as took
"""  # noqa: S608

_FINISH_ATTEMPTS: Final = f"""
update reply_attempts a
set finished_at = {NOW},
    outcome = case v.state when 'queued' then 'not_sent' else v.state end, reason = v.reason,
    reply_id = v.reply_id
from unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[])
    as v (decision_id, attempt, state, reason, reply_id)
where a.decision_id = v.decision_id and a.number = v.attempt and coalesce(a.outcome, 'unknown') = 'unknown'
"""  # noqa: S608

_STAFF: Final = f"""
insert into observed_replies as o (
    comment_id, reply_id, tenant_id, platform, account_id, text, occurred_at, observed_at, author)
values ($2, $3, $4, $5, $6, $7, coalesce($8::timestamptz, $1::timestamptz, clock_timestamp()),
    {NOW}, 'staff')
on conflict (comment_id, reply_id) do update set author = coalesce(o.author, 'staff')
"""  # noqa: S608

# Absent in enough look-ups over enough time: sent once more, or, the second time, a person's.
_ABSENT: Final = f"""
with looked as (
    update reply_queue q set looks = q.looks + 1,
        absent_since = coalesce(q.absent_since, {NOW}),
        not_before = {NOW} + make_interval(secs => $4)
    from unnest($2::uuid[], $3::int[]) as v (decision_id, attempt)
    where q.decision_id = v.decision_id and q.attempts = v.attempt and q.state = 'unknown'
    returning q.decision_id, q.attempts, q.uncertain, q.looks, q.absent_since
)
select * from looked where looks >= $5
    and absent_since <= {NOW} - make_interval(secs => $6)
"""  # noqa: S608

# Whatever else waits to answer it, or waits for a person, ends too; the platform's own notice may never come.
_GONE: Final = f"""
update comments set removed_at = {NOW}, gone_at = {NOW}
where comment_id = any ($2::uuid[]) and removed_at is null
"""  # noqa: S608

_TO_A_PERSON: Final = f"""
insert into review_items as i (
    revision_id, comment_id, draft_id, tenant_id, cause, level, reason, priority, created_at)
select q.revision_id, q.comment_id, q.draft_id, q.tenant_id, 'unsent', 'moderator', q.reason, d.priority,
    {NOW}
from reply_queue q join decisions d using (decision_id) where q.decision_id = any ($2::uuid[])
on conflict (revision_id) do update set cause = 'unsent', reason = excluded.reason, is_open = true,
    closed_at = null, draft_id = coalesce(i.draft_id, excluded.draft_id)
"""  # noqa: S608

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Times in seconds.

    `call`: that the one call that sends a reply may take. `lease`: of an account, and after which a claim
    counts as abandoned; longer than a whole attempt can take.
    `settle_after`: over which a reply in doubt must stay absent. `grace`: see `sinks.observed`. `block`: for
    which an account stops when the platform blocks it for the first time.
    """

    call: float
    lease: float
    settle_after: float
    grace: float
    block: float

    @property
    def look_every(self) -> float:
        """Between look-ups of one reply."""
        return self.settle_after / LOOKS

    @property
    def first_look(self) -> float:
        """From an outcome in doubt to its first look-up: most writes that took effect show soon."""
        return min(5.0, self.look_every)


async def settle(
    connection: Connection, codec: Codec, verdicts: Sequence[Verdict], *, rules: Rules, now: datetime | None
) -> None:
    """Writes the verdicts and everything that follows from them; within the caller's transaction."""
    comments = sorted({str(verdict.row["comment_id"]) for verdict in verdicts})
    await facts.lock(connection, comments)
    for verdict in verdicts:
        await accounting.apply(connection, codec, verdict, now, block=rules.block)
        for reply in verdict.staff:
            row = verdict.row
            about = (row["tenant_id"], row["platform"], row["account_id"])
            await connection.execute(
                _STAFF, now, row["comment_id"], reply.reply_id, *about, reply.text, reply.created_at
            )
    settled = [
        verdict for verdict in verdicts if verdict.state != "unknown" or verdict.row["state"] == "posting"
    ]
    settled += await _judge_absent(
        connection, [verdict for verdict in verdicts if verdict.absent], rules, now
    )
    if settled:
        await _apply(connection, codec, settled, rules, now)
    # What arrived while the row was being posted, and could not cancel it then.
    await queueing.cancel(connection, codec, comments, now=now, grace=rules.grace)
    await facts.refresh(connection, comments)


async def _judge_absent(
    connection: Connection, verdicts: Sequence[Verdict], rules: Rules, now: datetime | None
) -> list[Verdict]:
    """Counts look-ups that found nothing; returns what follows where a reply was absent for long enough."""
    rows = {verdict.row["decision_id"]: verdict.row for verdict in verdicts}
    if not rows:
        return []
    numbers = [row["attempts"] for row in rows.values()]
    times = (rules.look_every, LOOKS, rules.settle_after)
    judged = []
    for found in await connection.fetch(_ABSENT, now, list(rows), numbers, *times):
        row = rows[found["decision_id"]]
        if found["uncertain"] < SENDS:
            reason = "not on the platform after all; sent once more"
            judged.append(Verdict(row=row, state="queued", reason=reason))
        else:
            reason = f"uncertain {SENDS} times, and not found on the platform"
            judged.append(Verdict(row=row, state="failed", reason=reason))
    return judged


async def _apply(
    connection: Connection, codec: Codec, verdicts: Sequence[Verdict], rules: Rules, now: datetime | None
) -> None:
    ids = [verdict.row["decision_id"] for verdict in verdicts]
    numbers = [verdict.row["attempts"] for verdict in verdicts]
    states = [verdict.state for verdict in verdicts]
    reasons = [identity.clean_text(verdict.reason) for verdict in verdicts]
    replies = [verdict.reply_id for verdict in verdicts]
    pauses = [rules.first_look if verdict.state == "unknown" else verdict.pause for verdict in verdicts]
    rows = await connection.fetch(_APPLY, now, ids, numbers, states, reasons, replies, pauses)
    await connection.execute(_FINISH_ATTEMPTS, now, ids, numbers, states, reasons, replies)
    _count(rows)
    gone = [row["comment_id"] for row in rows if row["state"] == "removed"]
    if gone:
        await connection.execute(_GONE, now, gone)
    strays = _strays(verdicts, rows)
    failed = [row["decision_id"] for row in rows if row["state"] == "failed"]
    if failed:
        await connection.execute(_TO_A_PERSON, now, failed)
    ended = [row for row in rows if row["state"] != "queued"]
    seen = {
        str(verdict.earlier.decision_id): verdict.earlier.reply_id for verdict in verdicts if verdict.earlier
    }
    if seen or strays:
        ended += await queueing.settle_seen(connection, seen | strays, now=now)
    await queueing.report(connection, codec, ended)


def _count(rows: Sequence[Any]) -> None:
    for row in rows:
        platform, state = row["platform"], row["state"]
        metrics.POSTING_OUTCOMES.labels(platform, "not_sent" if state == "queued" else state).inc()
        if row["was_in_doubt"]:
            how = {"posted": "found", "queued": "sent_once_more", "failed": "to_a_person"}.get(state, state)
            metrics.POSTING_RECONCILED.labels(platform, how).inc()
        if row["took"] is not None:
            metrics.END_TO_END.labels("reply").observe(max(0.0, row["took"]))


def _strays(verdicts: Sequence[Verdict], rows: Sequence[Any]) -> dict[str, str]:
    """Replies that were posted, by decisions whose row had ended, or another held its comment, by then."""
    written = {row["decision_id"] for row in rows}
    strays = {}
    for verdict in verdicts:
        decision = verdict.row["decision_id"]
        if verdict.state == "posted" and verdict.reply_id is not None and decision not in written:
            log.warning("already settled when its outcome came", decision=str(decision))
            strays[str(decision)] = verdict.reply_id
    return strays
