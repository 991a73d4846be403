"""What a poll must survive: slow accounts, outages, what cannot be read, and what happens meanwhile."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.facebook.client import FacebookClient
from connectors.facebook.simulator import Simulator
from connectors.journal import lines
from connectors.logins import Token
from connectors.outcomes import AccountStopped, Cause, NotReadable, RequestRefused
from connectors.platform import AccountCheck, CommentState
from connectors.polling import poller as polling
from connectors.polling import posts
from connectors.polling.access import Access
from connectors.polling.patience import Patience
from connectors.polling.poller import Poller
from connectors.tokens import read_token, token_context
from console.connecting import want_backfill
from infra.crypto import KeyRing
from infra.kafka import Message
from infra.postgres import Pool
from infra.settings import Settings
from schemas.errors import ThrottledError, TransientError
from schemas.events import CommentEvent, CommentKind, Platform, PostEvent, Source, utc_now
from sinks import facts
from tests.connectors.conftest import TOKEN
from tests.connectors.polling.conftest import KEYS, Stored, existing, give_token, new_poller, poll, stored


async def eventually(true: Callable[[], Any], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def running(poller: Poller) -> Any:
    task = asyncio.create_task(poller.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_account_whose_poll_takes_long_holds_up_no_other(
    simulator: Simulator,
    pool: Pool,
    poller: Poller,
    kafka: Stored,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polling, "TICK", 0.05)
    simulator.add_comments([{"text": "hello"}])
    slow = Account(tenant_id="acme", platform=Platform.FACEBOOK, account_id="999")
    await give_token(pool, slow, Token(access=TOKEN))
    listing, forever = FacebookClient.activity, asyncio.Event()

    async def activity(self: FacebookClient, **asked: Any) -> Any:
        if self.account.account_id == slow.account_id:
            await forever.wait()
        async for item in listing(self, **asked):
            yield item

    async def fine(_: FacebookClient) -> Any:
        return AccountCheck()

    monkeypatch.setattr(FacebookClient, "activity", activity)

    async def found() -> bool:
        # A poll that was under way sets the time of the next one when it ends.
        await pool.execute(
            "update account_polls set next_poll_at = now() where account_id = $1", account.account_id
        )
        return any(event.kind is CommentKind.ADDED for event in kafka.take())

    monkeypatch.setattr(FacebookClient, "check", fine)
    async with running(poller):
        for _ in range(3):  # polled again and again, while the other one is still under way
            simulator.add_comments([{"text": "another"}])
            await eventually(found)
    assert await pool.fetchval("select last_good_at from account_polls where account_id = '999'") is None


async def test_an_account_that_is_added_while_it_runs_is_polled(
    simulator: Simulator, pool: Pool, kafka: Stored, clients: Clients, settings: Settings, account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(polling, "TICK", 0.05)
    simulator.add_comments([{"text": "hello"}])
    async with running(new_poller(pool, kafka, clients, settings)):
        await give_token(pool, account, Token(access=TOKEN))
        await eventually(lambda: any(e.kind is CommentKind.ADDED for e in kafka.take()))


async def test_an_account_removed_during_its_poll_stops_nothing(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    simulator.add_comments([{"text": "hello"}])
    check = FacebookClient.check

    async def removed_meanwhile(self: FacebookClient) -> Any:
        await pool.execute("delete from account_polls")
        await pool.execute("delete from social_accounts")
        return await check(self)

    monkeypatch.setattr(FacebookClient, "check", removed_meanwhile)
    await poll(pool, poller)
    assert await poller.tick() == 0


async def test_a_paused_account_is_polled_for_nothing_of_it_may_be_lost(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    simulator.add_comments([{"text": "hello"}])
    await pool.execute("update social_accounts set status = 'paused'")
    await poll(pool, poller)
    assert [event.kind for event in kafka.take()] == [CommentKind.ADDED]
    assert await pool.fetchval("select status from social_accounts") == "paused"


async def test_after_an_outage_longer_than_the_horizon_it_looks_back_to_the_last_good_poll(
    simulator: Simulator, pool: Pool, poller: Poller, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []
    listing = FacebookClient.activity

    def activity(self: FacebookClient, *, since: datetime, **rest: Any) -> Any:
        asked.append(since)
        return listing(self, since=since, **rest)

    monkeypatch.setattr(FacebookClient, "activity", activity)
    await poll(pool, poller)
    await pool.execute("update account_polls set last_good_at = now() - interval '9 days'")
    await poll(pool, poller)
    await poll(pool, poller)
    back = [utc_now() - each for each in asked]
    assert back[0] < timedelta(days=1, minutes=5)
    assert back[1] > timedelta(days=9)
    assert back[2] < timedelta(days=1, minutes=5)


async def test_a_backfill_that_fails_takes_nothing_from_the_poll_before_it(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.add_comments([{"text": "hello"}])
    await pool.execute("update account_polls set backfill_since = now() - interval '30 days'")
    listing = FacebookClient.activity

    async def activity(self: FacebookClient, *, source: Any, **more: Any) -> Any:
        if source == "backfill":
            raise RequestRefused("too far back")
        async for item in listing(self, source=source, **more):
            yield item

    monkeypatch.setattr(FacebookClient, "activity", activity)
    await poll(pool, poller)
    row = await pool.fetchrow("select last_good_at, last_error, backfill_since from account_polls")
    assert row is not None
    assert row["last_good_at"] is not None
    assert row["last_error"] == "too far back"
    assert row["backfill_since"] is not None
    assert len(kafka.take()) == 1


async def test_a_throttled_backfill_goes_on_where_it_stood_whoever_polls_then(
    simulator: Simulator,
    pool: Pool,
    poller: Poller,
    kafka: Stored,
    clients: Clients,
    settings: Settings,
    journal: Path,
) -> None:
    ids = simulator.add_comments([{"text": f"comment {number}"} for number in range(950)])
    for number, comment_id in enumerate(ids):
        existing(simulator, comment_id).created -= 3 * 86_400 - number
    await pool.execute("update account_polls set backfill_since = now() - interval '7 days'")
    publish, taken = kafka.publish, list[CommentEvent]()

    async def throttled_then(messages: list[Message]) -> None:
        await publish(messages)
        taken.extend(kafka.take())
        if len(taken) >= 500 and not simulator.faults.struck:
            simulator.faults.set("throttle", count=1)

    kafka.publish = throttled_then  # type: ignore[method-assign]
    await poll(pool, poller)
    row = await pool.fetchrow("select backfill_since, backfill_marks, last_good_at from account_polls")
    assert row is not None
    assert row["backfill_since"] is not None
    assert row["backfill_marks"]
    assert row["last_good_at"] is not None
    before = [event.platform_comment_id for event in taken]
    assert 500 <= len(before) < 950
    listed = pages_listed(journal)
    await poll(pool, new_poller(pool, kafka, clients, settings))
    row = await pool.fetchrow("select backfill_since, backfill_marks from account_polls")
    assert row is not None
    assert tuple(row) == (None, None)
    assert Counter(event.platform_comment_id for event in taken) == Counter(ids)
    # Ten pages of a hundred; the one before the throttled one is read again.
    assert pages_listed(journal) == 10 + 1
    assert pages_listed(journal) - listed < 6


async def test_what_kafka_did_not_take_of_a_backfill_is_published_by_the_next_look(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, clients: Clients, settings: Settings
) -> None:
    posts = [simulator.world.add_post(f"post {number}").id for number in range(20)]
    ids = simulator.add_comments([{"text": f"{at}", "post_id": posts[at // 40]} for at in range(800)])
    for number, comment_id in enumerate(ids):
        existing(simulator, comment_id).created -= 3 * 86_400 - number
    await pool.execute("update account_polls set backfill_since = now() - interval '7 days'")
    publish, calls = kafka.publish, 0

    async def fails_once(messages: list[Message]) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise TransientError("no broker")
        await publish(messages)

    kafka.publish = fails_once  # type: ignore[method-assign]
    await poll(pool, poller)
    assert await pool.fetchval("select backfill_since from account_polls") is not None
    await poll(pool, new_poller(pool, kafka, clients, settings))
    assert await pool.fetchval("select backfill_since from account_polls") is None
    assert {event.platform_comment_id for event in kafka.take()} == set(ids)


def pages_listed(journal: Path) -> int:
    """Pages of comments that the platform has answered with."""
    return sum(line["kind"] == "list" and line["status"] == 200 for line in lines(journal))


async def test_a_past_that_is_wanted_anew_is_fetched_from_its_beginning(
    pool: Pool, poller: Poller, account: Account
) -> None:
    store, earlier, later = poller._store, utc_now() - timedelta(days=30), utc_now() - timedelta(days=7)
    await pool.execute("update account_polls set backfill_since = $1", later)
    await store.due(1)
    await store.backfill_reached(account, later, {"posts": "x"})
    assert await pool.fetchval("select backfill_marks from account_polls") == {"posts": "x"}
    await want_backfill(pool, Settings(tenant="acme"), account.platform, account.account_id, 30)
    assert await pool.fetchval("select backfill_marks from account_polls") is None
    await store.backfill_reached(account, later, {"posts": "y"})  # of the look that was under way
    assert await pool.fetchval("select backfill_marks from account_polls") is None
    assert await pool.fetchval("select backfill_since < $1 from account_polls", earlier + timedelta(hours=1))


async def test_a_backfill_whose_records_kafka_did_not_take_goes_on_before_them(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    ids = simulator.add_comments([{"text": f"comment {number}"} for number in range(350)])
    for number, comment_id in enumerate(ids):
        existing(simulator, comment_id).created -= 3 * 86_400 - number
    await pool.execute("update account_polls set backfill_since = now() - interval '7 days'")
    publish, refused = kafka.publish, list[int]()

    async def away_once(messages: list[Message]) -> None:
        if len(kafka.published) > 150 and not refused:
            refused.append(len(messages))
            raise TransientError("Kafka is away")
        await publish(messages)

    kafka.publish = away_once  # type: ignore[method-assign]
    await poll(pool, poller)
    assert refused
    assert await pool.fetchval("select backfill_since from account_polls") is not None
    await poll(pool, poller)
    assert {event.platform_comment_id for event in kafka.take()} == set(ids)


async def test_what_is_written_while_the_past_is_fetched_is_no_past(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comment of this minute must not wait behind a backlog of weeks, nor be counted as one of it."""
    [old] = simulator.add_comments([{"text": "long ago"}])
    comment = existing(simulator, old)
    assert comment is not None
    comment.created -= 3 * 86_400
    await pool.execute("update account_polls set backfill_since = now() - interval '7 days'")
    listing = FacebookClient.activity

    async def activity(self: FacebookClient, *, source: Any, **more: Any) -> Any:
        if source == "backfill":
            simulator.add_comments([{"text": "just now"}])
        async for item in listing(self, source=source, **more):
            yield item

    monkeypatch.setattr(FacebookClient, "activity", activity)
    await poll(pool, poller)
    assert [(event.text, event.source) for event in kafka.take()] == [("long ago", "backfill")]
    await poll(pool, poller)
    assert [(event.text, event.source) for event in kafka.take()] == [("just now", "poll")]


async def test_a_backfill_wanted_while_another_is_under_way_is_done_as_well(
    pool: Pool, poller: Poller, account: Account
) -> None:
    store = poller._store
    [due] = await store.due(1)
    earlier, later = utc_now() - timedelta(days=30), utc_now() - timedelta(days=7)
    await pool.execute("update account_polls set backfill_since = $1", earlier)
    await store.backfilled(due.account, later)
    assert await pool.fetchval("select backfill_since from account_polls") == earlier
    await store.backfilled(due.account, earlier)
    assert await pool.fetchval("select backfill_since from account_polls") is None


async def test_a_comment_that_cannot_be_read_ends_no_poll(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, edited, gone = simulator.add_comments([{"text": text} for text in ("odd", "edited", "gone")])
    await poll(pool, poller)
    kafka.take()
    read = FacebookClient.read_comment
    simulator.happenings.remove(existing(simulator, odd), by="author")
    simulator.happenings.remove(existing(simulator, gone), by="author")
    simulator.happenings.edit(existing(simulator, edited), "another wording", by="author")

    async def read_comment(self: FacebookClient, comment: str) -> CommentState:
        if comment == odd:
            raise RequestRefused("no such form of id")
        return await read(self, comment)

    monkeypatch.setattr(FacebookClient, "read_comment", read_comment)
    await poll(pool, poller)
    found = {event.platform_comment_id: event.kind for event in kafka.take()}
    assert found == {edited: CommentKind.EDITED, gone: CommentKind.REMOVED}
    assert await pool.fetchval("select last_error from account_polls") is None


async def test_an_absent_comment_that_was_there_is_read_again_later(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    now = 0.0
    poller._absent = Patience(600, 86_400, clock=lambda: now)
    [name] = simulator.add_comments([{"text": "hello"}])
    await poll(pool, poller)
    comment = existing(simulator, name)
    assert comment
    comment.listed_from = float("inf")
    now = 1.0
    await poll(pool, poller)  # absent, read, and there
    kafka.take()
    simulator.happenings.remove(comment, by="author")
    await poll(pool, poller)
    assert kafka.take() == []
    now += 601
    await poll(pool, poller)
    assert [event.kind for event in kafka.take()] == [CommentKind.REMOVED]


async def test_more_absent_comments_than_reads_in_a_round_are_all_found_removed(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.polling.round.MOST_READS", 10)
    names = simulator.add_comments([{"text": f"comment {number}"} for number in range(35)])
    await poll(pool, poller)
    kafka.take()
    for name in names:
        comment = existing(simulator, name)
        assert comment
        comment.listed_from = float("inf")  # absent, but there: read first, and in nobody's way
    await poll(pool, poller)
    for name in names:
        simulator.happenings.remove(existing(simulator, name), by="author")
    for _ in range(3):
        await poll(pool, poller)
    assert sum(event.kind is CommentKind.REMOVED for event in kafka.take()) == 25


async def test_removed_comments_that_are_listed_are_read_so_many_in_a_round_and_all_found_at_last(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.polling.round.MOST_READS", 10)
    names = simulator.add_comments([{"text": f"comment {number}"} for number in range(25)])
    await poll(pool, poller)
    comments = [existing(simulator, name) for name in names]
    for comment in comments:
        comment.removed = True
    for _ in range(3):
        await poll(pool, poller)
    assert await pool.fetchval("select count(*) from comments where state = 'removed'") == 25
    kafka.take()
    for comment in comments:
        comment.removed = False
    poller._absent = Patience(0, 0)
    found = []
    for _ in range(3):
        await poll(pool, poller)
        found.append(sum(event.kind is CommentKind.EDITED for event in kafka.take()))
    assert found == [10, 10, 5]


def test_patience_waits_twice_as_long_each_time() -> None:
    now = 100.0
    patience = Patience(10, 35, clock=lambda: now, most=2)
    assert patience.is_due("a")
    waits = []
    for _ in range(4):
        patience.looked("a")
        waits.append(patience.due_at("a") - now)
        assert patience.waiting() == ["a"]
        now = patience.due_at("a")
        assert patience.is_due("a")
    assert waits == [10, 20, 35, 35]
    patience.looked("b")
    patience.looked("c")
    assert patience.waiting() == ["b", "c"]


async def comment_on(pool: Pool, account: Account, *post_ids: str) -> None:
    """Comments on posts that nobody has fetched, as webhooks bring them."""
    events = [
        CommentEvent(
            kind=CommentKind.ADDED, tenant_id="acme", platform=account.platform,
            account_id=account.account_id, comment_id=f"00000000-0000-0000-0000-{number:012}",
            platform_comment_id=str(number), platform_post_id=post_id, text="hello",
            revision_id=f"00000000-0000-0000-0001-{number:012}", occurred_at=utc_now(), observed_at=utc_now(),
            source=Source.WEBHOOK,
        )
        for number, post_id in enumerate(post_ids)
    ]  # fmt: skip
    async with pool.acquire() as connection, connection.transaction():
        await facts.write(connection, [stored("comments.raw", event) for event in events])
    await pool.execute("update account_polls set next_poll_at = now() + interval '1 hour', "
                       "last_attempt_at = now()")  # fmt: skip


async def test_many_posts_that_are_gone_hide_none_that_is_there(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, account: Account
) -> None:
    [post] = simulator.world.posts.values()
    await comment_on(pool, account, *(f"{account.account_id}_{number}" for number in range(120)), post.id)
    for _ in range(3):
        await poller.tick()
    assert [e.platform_post_id for _, e in kafka.published if isinstance(e, PostEvent)] == [post.id]


@pytest.mark.parametrize(
    "failure", [TransientError("busy"), ThrottledError("slow down", retry_after=5), RequestRefused("no"),
                KeyError("a fault of ours")],
)  # fmt: skip
async def test_a_post_whose_read_failed_is_asked_for_again_and_stops_nothing(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, account: Account,
    monkeypatch: pytest.MonkeyPatch, failure: Exception,
) -> None:  # fmt: skip
    now = 1.0
    poller._posts._looked = Patience(60, 86_400, clock=lambda: now)
    [post] = simulator.world.posts.values()
    await comment_on(pool, account, post.id)
    read, reads = FacebookClient.read_post, 0

    async def read_post(self: FacebookClient, name: str) -> PostEvent | None:
        nonlocal reads
        reads += 1
        if reads == 1:
            raise failure
        return await read(self, name)

    monkeypatch.setattr(FacebookClient, "read_post", read_post)
    for _ in range(3):
        await poller.tick()
    assert reads == 1
    now += 61
    await poller.tick()
    assert [e.platform_post_id for _, e in kafka.published if isinstance(e, PostEvent)] == [post.id]


async def test_a_post_that_the_platform_shows_by_no_such_name_is_no_failure(
    simulator: Simulator, pool: Pool, poller: Poller, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    poller._posts._count = lambda _platform, what, _number: counted.append(what)
    [post] = simulator.world.posts.values()
    await comment_on(pool, account, post.id)

    async def read_post(_client: FacebookClient, _name: str) -> PostEvent | None:
        raise NotReadable("never by this name")

    monkeypatch.setattr(FacebookClient, "read_post", read_post)
    await poller.tick()
    assert counted == ["post:unreadable"]


async def soon_ending(pool: Pool, account: Account) -> None:
    ends = utc_now() + timedelta(minutes=5)
    await give_token(pool, account, Token(access="old", refresh="once", expires_at=ends))


async def now_stored(pool: Pool, account: Account) -> Token:
    row = await pool.fetchrow("select token_ciphertext, token_key_id from social_accounts")
    assert row
    context = token_context(account.platform, account.account_id)
    return read_token(KEYS.open(row["token_ciphertext"], row["token_key_id"], context=context).decode())


async def test_pausing_waits_for_no_platform_that_refreshes_a_token(
    pool: Pool, poller: Poller, clients: Clients, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    await soon_ending(pool, account)
    asked, answered = asyncio.Event(), asyncio.Event()

    async def refresh(_platform: Platform, _token: Token) -> Token:
        asked.set()
        await answered.wait()
        return Token(access=TOKEN, expires_at=utc_now() + timedelta(hours=2))

    monkeypatch.setattr(clients, "refresh", refresh)
    refreshing = asyncio.create_task(Access(pool, clients, KEYS).client(account))
    await asked.wait()
    async with asyncio.timeout(20):
        await pool.execute("update social_accounts set status = 'paused'")
    answered.set()
    await refreshing
    assert (await now_stored(pool, account)).access == TOKEN
    assert await pool.fetchval("select status from social_accounts") == "paused"


async def test_a_token_that_a_person_enters_during_a_refresh_stays(
    pool: Pool, poller: Poller, clients: Clients, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    await soon_ending(pool, account)

    async def refresh(_platform: Platform, _token: Token) -> Token:
        await give_token(pool, account, Token(access="entered"))
        return Token(access="refreshed", expires_at=utc_now() + timedelta(hours=2))

    monkeypatch.setattr(clients, "refresh", refresh)
    await Access(pool, clients, KEYS).client(account)
    assert (await now_stored(pool, account)).access == "entered"


async def test_a_refreshed_token_that_postgres_did_not_take_is_stored_later_and_not_asked_for_again(
    pool: Pool, poller: Poller, clients: Clients, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    await soon_ending(pool, account)
    asked: list[str | None] = []

    async def refresh(_platform: Platform, token: Token) -> Token:
        asked.append(token.refresh)
        return Token(access=TOKEN, refresh="next", expires_at=utc_now() + timedelta(hours=2))

    monkeypatch.setattr(clients, "refresh", refresh)
    access, store = Access(pool, clients, KEYS), Access._store

    async def away(*_: Any) -> None:
        raise asyncpg.ConnectionDoesNotExistError("gone")

    monkeypatch.setattr(Access, "_store", away)
    with pytest.raises(TransientError):
        await access.client(account)
    monkeypatch.setattr(Access, "_store", store)
    await access.client(account)
    assert asked == ["once"]
    assert (await now_stored(pool, account)).refresh == "next"


async def test_a_refresh_token_that_was_used_up_by_a_process_that_died_is_told_to_a_person(
    pool: Pool, poller: Poller, clients: Clients, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    await soon_ending(pool, account)

    async def refresh(_platform: Platform, _token: Token) -> Token:
        raise AccountStopped(Cause.AUTH, "invalid_grant; connect the account again")

    monkeypatch.setattr(clients, "refresh", refresh)
    await poll(pool, poller)
    row = await pool.fetchrow("select status, status_reason from social_accounts")
    assert row
    assert tuple(row) == ("needs_auth", "invalid_grant; connect the account again")
    assert await pool.fetchval("select count(*) from audit_log where action = 'account.auth'") == 1


async def test_a_token_that_cannot_be_opened_is_marked_until_it_can(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, clients: Clients
) -> None:
    simulator.add_comments([{"text": "hello"}])
    right, poller._access = poller._access, Access(pool, clients, KeyRing({"other": b"o" * 32}))
    await poll(pool, poller)
    assert await pool.fetchval("select problem from account_polls") == "configuration"
    assert await pool.fetchval("select status from social_accounts") == "active"
    poller._access = right
    await poll(pool, poller)
    assert await pool.fetchval("select problem from account_polls") is None
    assert len(kafka.take()) == 1


async def test_postgres_going_away_at_any_statement_ends_no_poller(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "TICK", 0.01)
    monkeypatch.setattr(posts, "TICK", 0.01)
    simulator.add_comments([{"text": "hello"}])
    connection: Any = asyncpg.Connection
    calls, fetch = 0, connection._execute

    async def failing(self: Any, *given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls < 200 and calls % 2:
            raise asyncpg.ConnectionDoesNotExistError("gone")
        return await fetch(self, *given, **named)

    monkeypatch.setattr(asyncpg.Connection, "_execute", failing)
    async with running(poller):
        await eventually(lambda: calls > 200)

        async def polled() -> bool:
            await pool.execute("update account_polls set next_poll_at = now(), leased_until = null")
            return any(event.kind is CommentKind.ADDED for event in kafka.take())

        await eventually(polled)
