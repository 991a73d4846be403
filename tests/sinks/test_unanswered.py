"""`unanswered_replies`: what was approved and not sent, and why, for all that can hold a reply back."""

import pytest

from infra.postgres import Pool
from tests.sinks.office import FakePage, Office
from tests.sinks.story import Story


async def told(pool: Pool) -> dict[str, str]:
    """Why, by comment."""
    rows = await pool.fetch(
        "select u.why, c.platform_comment_id as name from unanswered_replies u"
        " join comments c using (comment_id)"
    )
    return {row["name"]: row["why"] for row in rows}


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("select", "waits for its turn in the budget"),
        ("insert into posting_pauses values ('default', 'crisis', 'mia')", "all posting is paused"),
        ("update social_accounts set status = 'paused'", "the account is paused"),
        ("update social_accounts set status = 'blocked'", "the account is blocked"),
        ("update social_accounts set token_ciphertext = null", "the account has no token"),
        ("update social_accounts set may_reply = false", "the account may not reply"),
        ("update social_accounts set mode = 'observe'", "the account only observes"),
        ("update social_accounts set mode = 'review'", "in review mode only what a person approved is sent"),
        ("update social_accounts set replies_per_minute = 0", "the account has no budget"),
        (
            "update social_accounts set quiet_from = (t - interval '1 hour')::time,"
            " quiet_until = (t + interval '1 hour')::time from (select now() at time zone 'UTC' as t) as utc",
            "the account is in its quiet hours",
        ),
        (
            "update reply_pace set held_until = now() + interval '1 hour', held_reason = 'limit of the app'",
            "limit of the app",
        ),
        ("update reply_queue set attempts = 1, reason = 'busy'", "busy"),
        ("delete from social_accounts", "the account is not known"),
    ],
)
async def test_what_waits_says_why(office: Office, pool: Pool, statement: str, why: str) -> None:
    await office.queued()
    await pool.execute(statement)
    assert await told(pool) == {"c1": why}


async def test_what_expired_in_a_shortage_says_that_others_were_worth_more(
    office: Office, page: FakePage, pool: Pool, story: Story
) -> None:
    """One is sent in the time of both; the other's time runs out meanwhile."""
    await pool.execute("update social_accounts set replies_per_minute = 1")
    await office.queued(1, priority=1, expires_in=30)
    await office.queued(2, priority=5, text="Dear you")
    await office.take(story.comment(2))
    poster = office.poster()
    for _ in range(4):
        office.clock.advance(10)
        await office.round(poster)
    assert [comment for comment, _ in page.sent] == ["c2"]
    assert await office.state(1) == "expired"
    assert await told(pool) == {"c1": "the budget went to replies worth more"}


async def test_what_expired_while_the_account_was_paused_says_that_nothing_was_sent(
    office: Office, pool: Pool
) -> None:
    await pool.execute("update social_accounts set status = 'paused'")
    await office.queued(1, expires_in=30)
    office.clock.advance(60)
    await office.round(office.poster())
    assert await told(pool) == {"c1": "the account sent nothing in its time"}


async def test_a_comment_that_has_its_reply_is_not_among_them(
    office: Office, pool: Pool, story: Story
) -> None:
    await office.queued(1, expires_in=30)
    office.clock.advance(60)
    poster = office.poster()
    await office.round(poster)
    await office.take(story.decision(1, "approve", by="mia", text="Hello!", at=70))
    await office.round(poster)
    assert await office.state(1) == "posted"
    assert await told(pool) == {}
