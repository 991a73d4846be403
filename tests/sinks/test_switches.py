"""What stops posting: the kill switch, quiet hours, a block; and one reply for a burst of comments."""

import asyncio
import dataclasses
from typing import Any

import pytest

from connectors.outcomes import Cause, NotSent, WriteOutcome
from connectors.platform import Usage
from infra.postgres import Pool
from replies.account import AccountStatus, AccountView
from schemas import codec
from schemas.events import ConfigChange
from sinks import statuses
from sinks.calls import FRESH
from sinks.pacing import LEAST, Pacing
from tests.sinks.office import FakePage, Office
from tests.sinks.story import Clock, Story


async def told(pool: Pool) -> list[AccountStatus]:
    """The account's statuses on config.changes, in order."""
    rows = await pool.fetch("select value from outbox where topic = 'config.changes' order by id")
    changes = [codec.load().decode(row["value"], ConfigChange) for row in rows]
    return [AccountView.from_change(change).status for change in changes]


async def test_the_kill_switch_holds_every_account_and_is_audited(
    office: Office, page: FakePage, pool: Pool
) -> None:
    await office.queued()
    poster = office.poster()
    async with pool.acquire() as connection:
        assert await statuses.pause_all(connection, "default", reason="crisis", actor="mia")
        assert not await statuses.pause_all(connection, "default", reason="crisis", actor="mia")
        await office.round(poster)
        assert page.sent == []
        assert await statuses.resume_all(connection, "default", actor="mia")
    await office.round(poster)
    assert len(page.sent) == 1
    actions = await pool.fetch("select action from audit_log order by id")
    assert [row["action"] for row in actions] == ["posting.paused", "posting.resumed"]


async def test_a_pause_during_the_last_reads_still_stops_the_reply(
    office: Office, page: FakePage, pool: Pool
) -> None:
    await office.queued()
    read = page.read_comment

    async def paused_meanwhile(platform_comment_id: str) -> Any:
        async with pool.acquire() as connection:
            await statuses.pause_all(connection, "default", reason="crisis", actor="mia")
        return await read(platform_comment_id)

    page.read_comment = paused_meanwhile  # type: ignore[method-assign]
    await office.round(office.poster())
    assert page.sent == []
    assert await office.state() == "queued"


async def test_a_pause_while_a_reply_waits_for_the_one_before_it_still_stops_it(
    office: Office, page: FakePage, pool: Pool, story: Story
) -> None:
    """The second has passed the last look at Postgres when the pause comes, and has not left yet."""
    await office.queued(1, priority=2)
    await office.take(story.comment(7), dataclasses.replace(story.decision(7, priority=1), author_id="b"))
    page.show(7)
    read = page.read_comment

    async def slow_for_the_first(platform_comment_id: str) -> Any:
        if platform_comment_id == "c1":
            async with asyncio.timeout(10):
                while await pool.fetchval("select count(sending_at) from reply_queue") == 0:
                    await asyncio.sleep(0.01)
            async with pool.acquire() as connection:
                await statuses.pause_all(connection, "default", reason="crisis", actor="mia")
            await asyncio.sleep(1.1 * FRESH)
        return await read(platform_comment_id)

    page.read_comment = slow_for_the_first  # type: ignore[method-assign]
    await pool.execute("update reply_pace set tokens = 2")
    await office.round(office.poster())
    assert page.sent == []
    assert [row["state"] for row in [*await office.queue(1), *await office.queue(7)]] == ["queued"] * 2


async def test_a_staff_answer_that_arrives_during_the_last_reads_ends_the_reply(
    office: Office, page: FakePage, story: Story
) -> None:
    await office.queued()
    read = page.read_comment

    async def answered_meanwhile(platform_comment_id: str) -> Any:
        await office.take(story.staff(text="Call us"))
        return await read(platform_comment_id)

    page.read_comment = answered_meanwhile  # type: ignore[method-assign]
    await office.round(office.poster())
    assert page.sent == []
    assert await office.state() == "answered_elsewhere"


@pytest.mark.parametrize(
    ("zone", "begin", "end", "sends"),
    [
        ("UTC", "11:00", "13:00", False),
        ("UTC", "13:00", "11:00", True),
        ("UTC", "22:00", "12:30", False),
        ("Asia/Tokyo", "20:00", "22:00", False),  # noon is nine in the evening there
        ("Asia/Tokyo", "11:00", "13:00", True),
    ],
)
async def test_nothing_is_sent_in_quiet_hours(
    office: Office, page: FakePage, pool: Pool, zone: str, begin: str, end: str, sends: bool
) -> None:
    await office.queued()
    await pool.execute(
        "update social_accounts set time_zone = $1, quiet_from = $2::text::time,"
        " quiet_until = $3::text::time",
        zone,
        begin,
        end,
    )
    await office.round(office.poster())
    assert bool(page.sent) is sends


async def test_a_block_cools_down_longer_each_time_and_workers_are_told(
    office: Office, page: FakePage, pool: Pool, clock: Clock
) -> None:
    await office.queued()

    async def blocked(comment: str, text: str) -> WriteOutcome:
        return NotSent(Cause.BLOCKED, "368")

    page.on_reply = blocked
    poster = office.poster()
    cool_down = office.settings.posting_block_cooldown
    for seconds in (cool_down, 2 * cool_down):
        await office.round(poster)
        assert await pool.fetchval("select status from social_accounts") == "blocked"
        clock.advance(seconds - 10)
        await office.round(poster)
        assert await pool.fetchval("select status from social_accounts") == "blocked"
        clock.advance(20)
    page.on_reply = None
    await office.round(poster)
    await office.round(poster)
    assert await office.state() == "posted"
    blocked_then_active = [AccountStatus.BLOCKED, AccountStatus.ACTIVE]
    assert await told(pool) == [*blocked_then_active, *blocked_then_active]


async def test_a_burst_of_one_author_in_one_thread_gets_one_reply_to_the_most_valuable(
    office: Office, page: FakePage, pool: Pool, story: Story, clock: Clock
) -> None:
    for number, priority in ((2, 1), (3, 9), (4, 2)):
        page.show(number)
        comment = dataclasses.replace(story.comment(number), platform_parent_id="c1")
        decision = story.decision(number, text=f"Answer {number}", priority=priority)
        await office.take(comment, dataclasses.replace(decision, thread_id="c1"))
    poster = office.poster()
    for _ in range(4):
        clock.advance(1)
        await office.round(poster)
    assert [comment for comment, _ in page.sent] == ["c3"]
    assert [await office.state(number) for number in (2, 3, 4)] == ["superseded", "posted", "superseded"]


def test_an_account_slows_down_before_the_limit_and_waits_as_told() -> None:
    now = [0.0]
    pacing = Pacing(lambda: now[0])
    shares = [pacing.share(Usage(percent=percent)) for percent in (0, 70, 85, 100, 130)]
    assert shares == [1, 1, 0.5, LEAST, LEAST]
    usage = Usage(percent=100, regain_after=60)
    assert pacing.wait(("facebook", "a"), usage) == 60
    now[0] = 61
    assert pacing.wait(("facebook", "a"), usage) == 0
