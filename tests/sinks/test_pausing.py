"""Pausing stops what is under way within two seconds, by the journal's times; resuming loses nothing."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from infra.postgres import Connection, Pool
from replies.account import AccountStatus
from schemas import codec
from schemas.events import Platform
from sinks import quiet, statuses
from tests.chaos.posting import brand
from tests.sinks.street import running, street, until

pytestmark = pytest.mark.integration

REPLIES = 120
WITHIN = 2.0
Switch = Callable[[Connection, tuple[str, str, str], bool], Awaitable[bool]]


async def the_account(connection: Connection, account: tuple[str, str, str], on: bool) -> bool:
    status = AccountStatus.PAUSED if on else AccountStatus.ACTIVE
    return await statuses.change(connection, codec.load(), account, status, reason="test", actor="mia")


async def everything(connection: Connection, account: tuple[str, str, str], on: bool) -> bool:
    if on:
        return await statuses.pause_all(connection, account[0], reason="test", actor="mia")
    return await statuses.resume_all(connection, account[0], actor="mia")


async def its_hours(connection: Connection, account: tuple[str, str, str], on: bool) -> bool:
    """Quiet from an hour ago to an hour from now, by the clocks of a zone that the account did not have."""
    zone = "Asia/Kolkata"
    hour, now = timedelta(hours=1), datetime.now(ZoneInfo(zone))
    begin, end = ((now - hour).time(), (now + hour).time()) if on else (None, None)
    return await quiet.set_hours(connection, account, begin=begin, end=end, zone=zone, actor="mia") == zone


@pytest.mark.parametrize("switch", [the_account, everything, its_hours])
async def test_a_pause_stops_posting_within_two_seconds_and_resuming_loses_nothing(
    pool: Pool, tmp_path: Path, switch: Switch
) -> None:
    async with street(pool, Platform.FACEBOOK, tmp_path, posting_concurrency=16) as place:
        await pool.execute("update social_accounts set replies_per_minute = 1200")
        wanted = list(brand.comment_everywhere([place.account], range(REPLIES)))
        await place.take(*(each.comment for each in wanted))
        await place.take(*(each.decision for each in wanted))
        account = (brand.TENANT, str(place.account.platform), place.account.account_id)

        def made() -> list[float]:
            return [line["at"] for line in place.journal("reply", effect="created")]

        async def so_many(count: int) -> bool:
            return len(made()) >= count

        async def all_are_known() -> bool:
            posted = await pool.fetchval("select count(*) from reply_queue where state = 'posted'")
            return bool(posted == REPLIES)

        async with running(place.poster(), place.poster()):
            await until(lambda: so_many(20))
            async with pool.acquire() as connection, connection.transaction():
                assert await switch(connection, account, True)
            paused = time.time()
            # Longer than the two seconds, to see that nothing comes after them.
            await asyncio.sleep(WITHIN + 2)
            before = made()
            assert max(before) <= paused + WITHIN
            assert len(before) < REPLIES, "there was nothing left to hold back"
            async with pool.acquire() as connection, connection.transaction():
                assert await switch(connection, account, False)
            await until(lambda: so_many(REPLIES))
            await until(all_are_known)
        print(f"the last reply left {max(before) - paused:+.3f} s after the pause")
        replies = Counter(line["comment_id"] for line in place.journal("reply", effect="created"))
        assert set(replies.values()) == {1}
        assert len(replies) == REPLIES
