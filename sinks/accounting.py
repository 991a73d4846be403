"""What a verdict means for its account: budget given back, a pause, or a stop until somebody has looked."""

from datetime import datetime
from typing import Final

from infra import logs, metrics
from infra.postgres import NOW, Connection
from replies.account import AccountStatus
from schemas.codec import Codec
from sinks import statuses
from sinks.attempt import Verdict

_HOLD: Final = f"""
update reply_pace set held_until = greatest(held_until, {NOW}
    + make_interval(secs => $5)), held_reason = $6
where tenant_id = $2 and platform = $3 and account_id = $4
"""  # noqa: S608

_GIVE_BACK: Final = """
update reply_pace set tokens = tokens + 1 where tenant_id = $1 and platform = $2 and account_id = $3
"""

# Each block without a quiet day since the one before lasts twice as long, up to eight times.
_COOL_DOWN: Final = f"""
update reply_pace set held_reason = $6,
    blocks = case when held_until > {NOW} - interval '1 day'
        then blocks + 1 else 1 end,
    held_until = {NOW} + make_interval(secs => $5 * 2 ^ least(3,
        case when held_until > {NOW} - interval '1 day'
            then blocks else 0 end))
where tenant_id = $2 and platform = $3 and account_id = $4
"""  # noqa: S608

_COOLED_DOWN: Final = f"""
select a.tenant_id, a.platform, a.account_id from social_accounts a
join reply_pace p using (tenant_id, platform, account_id)
where a.tenant_id = $2 and a.status = 'blocked' and p.blocks > 0
    and p.held_until <= {NOW}
"""  # noqa: S608

ACTOR: Final = "poster"
"""Who the audit log names for what the poster does to an account."""

log = logs.get(__name__)


async def apply(
    connection: Connection, codec: Codec, verdict: Verdict, now: datetime | None, *, block: float
) -> None:
    """Gives unused budget back, makes the account wait, or stops it; `block`: a first cool-down's seconds."""
    row = verdict.row
    account = (row["tenant_id"], row["platform"], row["account_id"])
    if verdict.unused:
        await connection.execute(_GIVE_BACK, *account)
    if verdict.hold is not None:
        await connection.execute(_HOLD, now, *account, verdict.hold, verdict.reason)
    if verdict.stop is None:
        return
    stopped = await statuses.change(
        connection, codec, account, AccountStatus(verdict.stop), reason=verdict.reason, actor=ACTOR,
        only_from=AccountStatus.ACTIVE,
    )  # fmt: skip
    if stopped:
        if verdict.stop == AccountStatus.BLOCKED:
            await connection.execute(_COOL_DOWN, now, *account, block, verdict.reason)
        metrics.POSTING_STOPS.labels(row["platform"], verdict.stop).inc()
        log.error(
            "posting stopped for an account", account=account, status=verdict.stop, reason=verdict.reason
        )


async def end_cool_downs(connection: Connection, codec: Codec, tenant: str, now: datetime | None) -> None:
    """Lets accounts post again whose block has cooled down; those blocked otherwise wait for a person."""
    for row in await connection.fetch(_COOLED_DOWN, now, tenant):
        account = (row["tenant_id"], row["platform"], row["account_id"])
        await statuses.change(
            connection, codec, account, AccountStatus.ACTIVE, reason="its cool-down is over", actor=ACTOR,
            only_from=AccountStatus.BLOCKED,
        )  # fmt: skip
        log.warning("an account posts again after its cool-down", account=account)
