"""Taking replies back, hiding comments and showing them: asked for by a row, done once, written down.

Intent and outcome as with replies: the row is committed as `doing` before the call, its outcome after it.
What is in doubt is looked at on the platform first; all three may be repeated without harm. Any number of
posters share the rows, since claims skip what is locked.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.outcomes import Cause, ChangeOutcome, NotSent
from infra import audit, logs, metrics
from infra.crypto import KeyRing
from infra.postgres import Connection, Pool, transient
from infra.settings import Settings
from schemas.errors import ConfigurationError, TransientError
from schemas.events import Platform
from sinks import change, facts
from sinks.senders import Clients, Senders
from sinks.wakeup import POLL, Wakeup

CHANNEL: Final = "parley_actions"
AT_ONCE: Final = 16
# Of what is asked of one comment or reply, the first comes first: showing after hiding.
_CLAIM: Final = """
update platform_actions p set state = 'doing', claimed_at = clock_timestamp(), attempts = attempts + 1
from (
    select action_id, state as before from platform_actions a
    where tenant_id = $1 and (
        (state in ('waiting', 'unknown') and not_before <= clock_timestamp())
        or (state = 'doing' and claimed_at < clock_timestamp() - make_interval(secs => $2)))
        and not exists (
            select from platform_actions e
            where (e.platform, e.account_id, e.target) = (a.platform, a.account_id, a.target)
                and e.state in ('waiting', 'doing', 'unknown')
                and (e.asked_at, e.action_id) < (a.asked_at, a.action_id))
    order by asked_at limit $3 for update skip locked
) due
where p.action_id = due.action_id
returning p.*, due.before <> 'waiting' as in_doubt
"""

_ACCOUNTS: Final = """
select platform, account_id, token_ciphertext as token, token_key_id from social_accounts
where tenant_id = $1 and token_ciphertext is not null
"""

_END: Final = """
update platform_actions set state = $2, reason = $3,
    not_before = clock_timestamp() + make_interval(secs => $4),
    finished_at = case when $2 in ('done', 'failed') then clock_timestamp() end
where action_id = $1 and state = 'doing' and attempts = $5
returning *
"""

_RETRACTED: Final = """
update reply_queue set retracted_at = clock_timestamp(), reason = 'taken back by ' || $2
where decision_id = $1 and state = 'posted'
"""

# What a policy hides (decisions in `in_batch` that were kept, and are no replays).
_ORDERED: Final = """
insert into platform_actions (
    tenant_id, platform, account_id, kind, target, comment_id, decision_id, asked_by)
select b.tenant_id, b.platform, b.account_id, 'hide', b.platform_comment_id, b.comment_id, b.decision_id,
    'policy'
from in_batch b
join decisions d on d.decision_id = b.decision_id
join comments c on c.comment_id = b.comment_id
where b.what = 'decision' and b.action = 'hide' and b.posting_allowed
    and c.removed_at is null and not c.is_hidden
    and not exists (select from platform_actions p where p.decision_id = b.decision_id)
on conflict do nothing
returning action_id
"""

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """Whose call it is, as `Senders` wants it."""

    platform: str
    account_id: str
    token: bytes
    token_key_id: str


async def order_staged(connection: Connection) -> None:
    """Asks for the hidings that the decisions in `in_batch` order, within the caller's transaction."""
    if await connection.fetch(_ORDERED):
        await connection.execute(f"notify {CHANNEL}")


class Actions:
    """Does what is asked for; `run` beside the poster until cancelled. `step` makes one round, for tests."""

    def __init__(self, pool: Pool, clients: Clients, keys: KeyRing, settings: Settings) -> None:
        self._pool = pool
        self._senders = Senders(clients, keys, settings.tenant)
        self._tenant = settings.tenant
        self._patience = 4 * settings.posting_timeout

    async def run(self) -> None:
        """Works until cancelled; while Postgres is away it waits."""
        async with Wakeup(self._pool, CHANNEL) as wakeup:
            while True:
                try:
                    busy = await self.step() == AT_ONCE
                except TransientError as error:
                    log.warning("actions wait", error=str(error))
                    busy = False
                if not busy:
                    await wakeup.wait(POLL)

    async def step(self) -> int:
        """One round; how many were tried. Raises TransientError if Postgres is away."""
        with transient():
            rows = await self._pool.fetch(_CLAIM, self._tenant, self._patience, AT_ONCE)
            if not rows:
                return 0
            accounts = {
                (row["platform"], row["account_id"]): Account(**dict(row))
                for row in await self._pool.fetch(_ACCOUNTS, self._tenant)
            }
            await asyncio.gather(*(self._do(row, accounts) for row in rows))
        return len(rows)

    async def _do(self, row: Any, accounts: dict[tuple[str, str], Account]) -> None:
        account = accounts.get((row["platform"], row["account_id"]))
        client = self._senders.of(account) if account else None
        if client is None:
            outcome: ChangeOutcome = NotSent(Cause.AUTH, "the account has no token that opens")
        else:
            outcome = await change.attempt(row, client)
        await self._end(row, outcome)

    async def _end(self, row: Any, outcome: ChangeOutcome) -> None:
        state, reason, pause = change.verdict(row, outcome)
        async with self._pool.acquire() as connection, connection.transaction():
            await facts.lock(connection, [str(row["comment_id"])])
            if (
                await connection.fetchrow(_END, row["action_id"], state, reason, pause, row["attempts"])
                is None
            ):
                return  # another poster took it over meanwhile, and writes
            if state == "done" and row["kind"] == "retract":
                await connection.execute(_RETRACTED, row["decision_id"], row["asked_by"])
                await facts.refresh(connection, [str(row["comment_id"])])
        metrics.ACTIONS.labels(row["platform"], row["kind"], state).inc()
        if state == "failed":
            log.error("an action failed", kind=row["kind"], comment=str(row["comment_id"]), reason=reason)


async def ask(connection: Connection, kind: str, rows: Sequence[Any], *, person: str) -> list[Any]:
    """Asks for an action on each row (tenant_id, platform, account_id, target, comment_id, decision_id).

    Within the caller's transaction; audited. Returns the actions that are new: what is asked for already, or
    was taken back, is not asked for twice. Raises ConfigurationError for what a platform does not offer.
    """
    from connectors.catalogue import CONNECTORS  # the platforms' libraries: not for who only stages decisions

    made = []
    for row in rows:
        if kind != "retract" and not CONNECTORS[Platform(row["platform"])].capabilities.may_hide:
            raise ConfigurationError(
                f"Comments on {row['platform']} cannot be hidden or shown: its API offers neither. Delete "
                "the comment there by hand, or leave it."
            )
        found = await connection.fetchrow(
            "insert into platform_actions (tenant_id, platform, account_id, kind, target, comment_id, "
            "decision_id, asked_by) values ($1, $2, $3, $4, $5, $6, $7, $8) "
            "on conflict do nothing returning *",
            row["tenant_id"],
            row["platform"],
            row["account_id"],
            kind,
            row["target"],
            row["comment_id"],
            row["decision_id"],
            person,
        )
        if found is None:
            continue
        made.append(found)
        await audit.write_down(
            connection,
            row["tenant_id"],
            person,
            f"reply.{kind}" if kind == "retract" else f"comment.{kind}",
            f"comment:{row['comment_id']}",
            {"target": row["target"]},
        )
    await connection.execute(f"notify {CHANNEL}")
    return made
