"""What the doctor says of replies that were approved and not sent."""

from console.checks.finding import Status
from console.checks.posting import check_unsent
from infra.postgres import Pool
from infra.settings import Settings

ROW = """
insert into reply_queue (decision_id, comment_id, revision_id, tenant_id, platform, account_id,
    platform_comment_id, thread_id, text, decided_by, priority, state, reason, enqueued_at, not_before)
values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'default', 'facebook', 'p', 'c', 'c', 'hi',
    'machine', 1, $1, $2, clock_timestamp() - make_interval(hours => $3), clock_timestamp())
"""


async def test_replies_that_were_not_sent_are_told_with_their_reason(pool: Pool) -> None:
    [found] = await check_unsent(pool, Settings())
    assert found.status is Status.OK
    await pool.execute(ROW, "queued", "auto-approved", 0)
    [found] = await check_unsent(pool, Settings())
    assert (found.status, found.found) == (Status.OK, "1 queued: the account is not known")
    await pool.execute(ROW, "expired", "waited too long", 1)
    [found] = await check_unsent(pool, Settings())
    assert found.status is Status.WARNING
    assert "1 expired: the account sent nothing in its time" in found.found
    assert "unanswered_replies" in found.todo


async def test_a_reply_that_waits_for_hours_is_worth_a_look(pool: Pool) -> None:
    await pool.execute(ROW, "queued", "auto-approved", 3)
    [found] = await check_unsent(pool, Settings())
    assert found.status is Status.WARNING
