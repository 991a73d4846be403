"""An own reply's webhook that comes before its id is ours; a staff answer always cancels. Over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infra.postgres import Pool
from schemas.events import Platform
from tests.sinks.street import Street, running, street, until

pytestmark = pytest.mark.integration


@pytest.fixture(params=[Platform.FACEBOOK, Platform.INSTAGRAM, Platform.LINKEDIN, Platform.X])
async def place(pool: Pool, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Street]:
    """An account on each platform, whose replies in doubt are not looked up within a test."""
    async with street(pool, request.param, tmp_path, posting_settle_after=3600, staff_grace=3600) as made:
        yield made


@pytest.mark.parametrize(
    "fault", ["created_then_timeout", "created_then_reset", "reply_without_id", "late_write", None]
)
async def test_the_echo_of_an_own_reply_settles_it_and_is_never_staffs(
    place: Street, pool: Pool, fault: str | None
) -> None:
    wanted = await place.approved()
    if fault:
        place.simulation.faults.set(fault, count=1, seconds=3)
    async with running(place.poster()):
        await until(lambda: place.is_in("posted", wanted))

        async def told() -> bool:
            return place.observed > 0

        await until(told)
    [reply] = place.replies(wanted)
    assert (await place.row(wanted))["reply_id"] == reply["reply_id"]
    observed = await pool.fetch("select reply_id, author from observed_replies")
    assert [tuple(row) for row in observed] == [(reply["reply_id"], "parley")]
    assert await place.is_in("posted", wanted)


async def test_a_staff_answer_ends_a_waiting_reply(place: Street, pool: Pool) -> None:
    wanted = await place.approved()
    place.simulation.happenings.staff_reply("We have written to you.", wanted.comment.platform_comment_id)
    await until(lambda: place.is_in("answered_elsewhere", wanted))
    poster = place.poster()
    await poster.step()
    await poster.idle()
    assert place.replies(wanted) == []
    assert await pool.fetchval("select author from observed_replies") == "staff"


async def test_a_staff_answer_whose_webhook_is_lost_is_found_before_the_call(place: Street) -> None:
    wanted = await place.approved()
    place.simulation.faults.set("drop_delivery")
    place.simulation.happenings.staff_reply("We have written to you.", wanted.comment.platform_comment_id)
    async with running(place.poster()):
        await until(lambda: place.is_in("answered_elsewhere", wanted))
    assert place.replies(wanted) == []


async def test_a_staff_answer_in_our_own_words_ends_a_waiting_reply_too(place: Street) -> None:
    wanted = await place.approved()
    place.simulation.happenings.staff_reply(wanted.decision.text or "", wanted.comment.platform_comment_id)
    await until(lambda: place.is_in("answered_elsewhere", wanted))
    async with running(place.poster()):
        await asyncio.sleep(0.3)
    assert place.replies(wanted) == []
