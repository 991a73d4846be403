"""Quiet hours are set by a command that refuses what would stop the poster."""

from datetime import UTC, datetime, time

import pytest

from infra.postgres import Pool
from replies.account import AccountView
from schemas import codec
from schemas.errors import ConfigurationError
from schemas.events import ConfigChange
from sinks import quiet
from tests.sinks.office import FakePage, Office
from tests.sinks.story import Clock, Story

ACCOUNT = ("default", "facebook", Story.page)


async def test_hours_set_by_a_person_hold_replies_and_are_audited(
    office: Office, page: FakePage, clock: Clock, pool: Pool
) -> None:
    await office.queued()
    async with pool.acquire() as connection:
        zone = await quiet.set_hours(
            connection, ACCOUNT, begin=time(22), end=time(8), zone="Europe/Madrid", actor="mia"
        )
        assert zone == "Europe/Madrid"
        clock.now = datetime(2026, 11, 1, 21, 30, tzinfo=UTC)  # half past ten in the evening there
        await office.round(office.poster())
        assert page.sent == []
        assert (
            await quiet.set_hours(connection, ACCOUNT, begin=None, end=None, zone=None, actor="mia") == zone
        )
        clock.advance(1)
        await office.round(office.poster())
    assert len(page.sent) == 1
    audit = await pool.fetch("select action, details from audit_log order by id")
    assert [row["action"] for row in audit] == ["account.quiet"] * 2


async def test_a_new_zone_is_told_to_every_worker(office: Office, pool: Pool) -> None:
    """A policy's hours are those of the account's zone."""
    before = await pool.fetchval("select version from social_accounts")
    async with pool.acquire() as connection, connection.transaction():
        await quiet.set_hours(
            connection, ACCOUNT, begin=time(22), end=time(8), zone="Asia/Tokyo", actor="mia"
        )
    rows = await pool.fetch("select key, value from outbox where topic = 'config.changes'")
    [change] = [codec.load().decode(row["value"], ConfigChange) for row in rows]
    assert AccountView.from_change(change).time_zone == "Asia/Tokyo"
    assert (change.version, change.changed_by) == (before + 1, "mia")
    assert rows[0]["key"] == f"account:default:facebook:{Story.page}"


async def test_a_zone_that_nobody_knows_is_refused(pool: Pool, office: Office) -> None:
    async with pool.acquire() as connection:
        for zone in ("Europe/Nowhere", "", "../../etc/passwd", "CET+3x"):
            with pytest.raises(ConfigurationError, match="Europe/Madrid"):
                await quiet.set_hours(
                    connection, ACCOUNT, begin=time(22), end=time(8), zone=zone, actor="mia"
                )
    assert await pool.fetchval("select time_zone from social_accounts") == "UTC"


async def test_hours_without_an_end_and_of_no_length_are_refused(pool: Pool, office: Office) -> None:
    async with pool.acquire() as connection:
        for begin, end in ((time(22), None), (None, time(8)), (time(8), time(8))):
            with pytest.raises(ConfigurationError, match="--from"):
                await quiet.set_hours(connection, ACCOUNT, begin=begin, end=end, zone=None, actor="mia")


@pytest.mark.parametrize("text", ["25:00", "ten", "22:00+01:00", ""])
def test_what_is_no_local_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="22:00"):
        quiet.local_time(text)


async def test_an_account_that_is_not_there_is_told(pool: Pool) -> None:
    async with pool.acquire() as connection:
        nobody = ("default", "facebook", "nobody")
        assert await quiet.set_hours(connection, nobody, begin=None, end=None, zone=None, actor="mia") is None
