"""Leases: one poster drains an account, the accounts are shared out, and who lost a lease sends nothing."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.outcomes import WriteOutcome
from infra.postgres import Pool
from sinks import posters
from sinks.leases import Leases
from sinks.poster import Poster
from sinks.posters import MACHINE
from tests.sinks.office import FakePage, Office
from tests.sinks.story import Clock, Story

SECONDS = 65.0


async def test_an_account_has_one_poster_until_its_lease_has_run_out(
    office: Office, page: FakePage, clock: Clock, pool: Pool
) -> None:
    first, second = office.poster(), office.poster()
    await office.queued(1)
    await office.round(first, keeps=True)
    for number in (2, 3):
        await office.queued(number)
        clock.advance(3)
        await office.round(second, keeps=True)
    assert [comment for comment, _ in page.sent] == ["c1"]
    clock.advance(SECONDS)
    await office.round(second, keeps=True)
    clock.advance(1)
    await office.round(second, keeps=True)
    assert sorted(comment for comment, _ in page.sent) == ["c1", "c2", "c3"]
    assert await pool.fetchval("select lease_epoch from reply_pace") == 2


def ended() -> int:
    """The number of a process that is no more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.mark.parametrize(
    ("holder", "sent"),
    [
        (lambda: f"{MACHINE}-{ended()}-a", ["c1"]),
        (lambda: f"{MACHINE}-{os.getpid()}-a", []),
        (lambda: f"elsewhere-{ended()}-a", []),
        (lambda: f"-{ended()}-a", []),
    ],
    ids=["dead", "alive", "of another machine", "of nobody knows where"],
)
async def test_a_dead_posters_accounts_are_taken_at_once(
    office: Office,
    page: FakePage,
    clock: Clock,
    pool: Pool,
    holder: Callable[[], str],
    sent: list[str],
) -> None:
    await office.queued(1)
    before = Leases(holder(), "default", seconds=SECONDS)
    await before.keep(pool, clock(), busy=())
    assert before.epoch(("facebook", Story.page)) == 1
    after = office.poster()
    clock.advance(3)
    await office.round(after, keeps=True)
    clock.advance(3)
    await office.round(after, keeps=True)
    assert [comment for comment, _ in page.sent] == sent


async def test_the_call_that_a_dead_poster_was_in_is_waited_out(
    office: Office, page: FakePage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform goes on with it: a reply looked up too soon would be sent once more."""
    await office.queued(1)
    monkeypatch.setattr(posters, "new_name", lambda: f"{MACHINE}-{ended()}-a")
    killed = office.poster(posting_timeout=60.0)
    monkeypatch.undo()
    begun = asyncio.Event()

    async def hang(comment: str, text: str) -> WriteOutcome:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    page.on_reply = hang
    await killed.step()
    await asyncio.wait_for(begun.wait(), 10)
    for task in killed._calls._tasks:
        task.cancel()
    page.on_reply = None
    other = office.poster(posting_timeout=60.0)
    await office.queued(2)
    states = set()
    for _ in range(29):
        clock.advance(3)
        await office.round(other, keeps=True)
        states.add((await office.queue(1))[0]["state"])
    assert states == {"posting"}
    assert [comment for comment, _ in page.sent] == ["c2"]
    clock.advance(6)
    await office.round(other, keeps=True)
    assert (await office.queue(1))[0]["state"] == "unknown"


async def test_a_poster_that_keeps_living_keeps_its_accounts(
    office: Office, page: FakePage, clock: Clock, pool: Pool
) -> None:
    first, second = office.poster(), office.poster()
    for number in range(20):
        await office.queued(number)
        await office.round(first, keeps=True)
        await office.round(second, keeps=True)
        clock.advance(10)
    assert await pool.fetchval("select lease_epoch from reply_pace") == 1
    assert await pool.fetchval("select count(distinct lease_epoch) from reply_queue") == 1


def at_the_gate(poster: Poster, then: Callable[[], Any]) -> None:
    """Lets something happen between the poster's last look at Postgres and the call that sends."""
    gate = poster._calls._gate

    async def gated(row: Any) -> bool:
        passed = await gate(row)
        await then()
        return passed

    poster._calls._gate = gated


async def overtaken(office: Office, page: FakePage, stopped: Poster, other: Poster) -> None:
    """The poster stands still for longer than its lease, and another one takes over and posts."""
    office.clock.advance(SECONDS + 1)
    for _ in range(30):
        await office.round(other, keeps=True)
        office.clock.advance(10)
        if await office.state() == "posted":
            break
    assert page.sent == [("c1", "Thank you!")]


async def test_a_poster_stopped_past_its_lease_while_it_reads_sends_nothing_when_it_goes_on(
    office: Office, page: FakePage, pool: Pool
) -> None:
    await office.queued()
    stopped, other = office.poster(), office.poster()
    read = page.read_comment

    async def stand_still(platform_comment_id: str) -> Any:
        page.read_comment = read  # type: ignore[method-assign]
        await overtaken(office, page, stopped, other)
        return await read(platform_comment_id)

    page.read_comment = stand_still  # type: ignore[method-assign]
    await office.round(stopped, keeps=True)
    await office.round(stopped, keeps=True)
    assert page.sent == [("c1", "Thank you!")]
    assert await office.state() == "posted"
    attempts = await pool.fetch("select outcome from reply_attempts order by number")
    assert [row["outcome"] for row in attempts] == ["not_sent", "posted"]


async def test_a_poster_stopped_past_its_lease_just_before_the_call_sends_nothing_when_it_goes_on(
    office: Office, page: FakePage
) -> None:
    await office.queued()
    stopped, other = office.poster(), office.poster()
    at_the_gate(stopped, lambda: overtaken(office, page, stopped, other))
    await office.round(stopped, keeps=True)
    assert page.sent == [("c1", "Thank you!")]
    assert await office.state() == "posted"


async def test_a_lease_too_short_for_the_call_sends_nothing(
    office: Office, page: FakePage, clock: Clock
) -> None:
    await office.queued()
    poster = office.poster()

    async def wait() -> None:
        clock.advance(50)

    at_the_gate(poster, wait)
    await office.round(poster, keeps=True)
    assert page.sent == []
    assert await office.state() == "queued"


async def test_what_was_claimed_and_never_released_to_be_sent_waits_again_without_a_doubt(
    office: Office, page: FakePage, clock: Clock, pool: Pool
) -> None:
    await office.queued()
    read = page.read_comment

    async def die(platform_comment_id: str) -> Any:
        raise asyncio.CancelledError

    page.read_comment = die  # type: ignore[method-assign]
    poster = office.poster()
    await poster.step()
    await poster._calls.join()
    poster._calls.ended.clear()  # the process is gone: nobody writes what it knew
    page.read_comment = read  # type: ignore[method-assign]
    clock.advance(SECONDS + 1)
    other = office.poster()
    for _ in range(2):
        await office.round(other, keeps=True)
        clock.advance(1)
    assert await office.state() == "posted"
    row = (await office.queue())[0]
    assert (row["attempts"], row["uncertain"]) == (2, 0)


async def test_a_poster_that_ends_hands_its_accounts_over_at_once(
    office: Office, page: FakePage, pool: Pool
) -> None:
    running = asyncio.create_task(office.poster().run())
    async with asyncio.timeout(30):
        while await pool.fetchval("select lease_holder from reply_pace") is None:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    row = await pool.fetchrow("select lease_holder, leased_until from reply_pace")
    assert row is not None
    assert tuple(row) == (None, None)
    assert await pool.fetchval("select count(*) from reply_posters") == 0
    await office.queued()
    await office.round(office.poster())
    assert len(page.sent) == 1


class Crowd:
    """Posters over some accounts, each with a clock that says how long it has stood still."""

    def __init__(self, office: Office, posters: int) -> None:
        self.office = office
        self.wall_ahead = [0.0] * posters
        self.leases = [self._made(number) for number in range(posters)]

    def _made(self, number: int) -> Leases:
        clock = self.office.clock
        return Leases(
            f"poster-{number}",
            "default",
            seconds=SECONDS,
            monotonic=clock.seconds,
            wall=lambda: clock.seconds() + self.wall_ahead[number],
        )

    async def keep(self, number: int, busy: set[tuple[str, str]] | None = None) -> None:
        await self.leases[number].keep(self.office.pool, self.office.clock(), busy=busy or set())

    def held(self, accounts: int) -> list[list[int]]:
        """Accounts by poster, as each believes."""
        return [
            [each for each in range(accounts) if lease.epoch(("facebook", f"a{each}")) is not None]
            for lease in self.leases
        ]


async def accounts(pool: Pool, count: int) -> None:
    await pool.execute("delete from social_accounts")
    await pool.execute("delete from reply_pace")
    await pool.execute("delete from reply_posters")
    names = [f"a{number}" for number in range(count)]
    await pool.execute(
        "insert into social_accounts (tenant_id, platform, account_id, name, token_ciphertext)"
        " select 'default', 'facebook', name, name, $2 from unnest($1::text[]) name",
        names,
        b"sealed",
    )
    await pool.execute(
        "insert into reply_pace (tenant_id, platform, account_id)"
        " select 'default', 'facebook', name from unnest($1::text[]) name",
        names,
    )


async def test_accounts_are_shared_out_as_posters_come_and_go(office: Office, pool: Pool) -> None:
    await accounts(pool, 5)
    crowd = Crowd(office, 3)

    async def sizes(*alive: int) -> list[int]:
        for _ in range(2):
            for number in alive:
                await crowd.keep(number)
        held = crowd.held(5)
        assert sorted(each for mine in held for each in mine) == [0, 1, 2, 3, 4]
        return sorted(len(held[number]) for number in alive)

    assert await sizes(0) == [5]
    assert await sizes(0, 1) == [2, 3]
    assert await sizes(0, 1, 2) == [1, 2, 2]
    await crowd.leases[1].release(pool)
    assert await sizes(0, 2) == [2, 3]
    office.clock.advance(SECONDS + 1)
    assert await sizes(2) == [5]


async def test_an_account_with_calls_under_way_is_not_given_up(office: Office, pool: Pool) -> None:
    await accounts(pool, 2)
    crowd = Crowd(office, 2)
    await crowd.keep(0)
    await crowd.keep(1)
    await crowd.keep(0, busy={("facebook", "a0"), ("facebook", "a1")})
    assert crowd.held(2)[0] == [0, 1]
    await crowd.keep(0, busy={("facebook", "a1")})
    assert crowd.held(2)[0] == [1]


async def test_a_wall_clock_that_jumped_ahead_ends_the_belief_in_a_lease(office: Office, pool: Pool) -> None:
    await accounts(pool, 1)
    crowd = Crowd(office, 1)
    await crowd.keep(0)
    assert crowd.held(1) == [[0]]
    crowd.wall_ahead[0] = SECONDS + 1  # as after the machine slept, which the monotonic clock may not see
    assert crowd.held(1) == [[]]


STEPS = st.one_of(
    st.tuples(st.just("keep"), st.integers(0, 2)),
    st.tuples(st.just("release"), st.integers(0, 2)),
    st.tuples(st.just("wait"), st.integers(1, 80)),
    st.tuples(st.just("sleep"), st.integers(0, 2)),
)


async def test_whatever_happens_no_two_posters_believe_in_one_lease_and_epochs_only_rise(
    office: Office, pool: Pool
) -> None:
    loop = asyncio.get_running_loop()

    @settings(max_examples=40, deadline=None)
    @given(st.lists(STEPS, max_size=40))
    def check(steps: list[tuple[str, int]]) -> None:
        async def run() -> None:
            await accounts(pool, 3)
            office.clock.now += timedelta(days=1)
            crowd = Crowd(office, 3)
            epochs: dict[tuple[int, int], set[int]] = {}
            for what, number in steps:
                if what == "keep":
                    await crowd.keep(number)
                elif what == "release":
                    await crowd.leases[number].release(pool)
                elif what == "wait":
                    office.clock.advance(number)
                else:
                    crowd.wall_ahead[number] += 40
                for account in range(3):
                    holders = [
                        (number, epoch)
                        for number, lease in enumerate(crowd.leases)
                        if (epoch := lease.epoch(("facebook", f"a{account}"))) is not None
                    ]
                    assert len(holders) <= 1
                    for holder, epoch in holders:
                        epochs.setdefault((account, epoch), set()).add(holder)
            assert all(len(holders) == 1 for holders in epochs.values())

        asyncio.run_coroutine_threadsafe(run(), loop).result(120)

    await asyncio.to_thread(check)
