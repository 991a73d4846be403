"""Polling against a simulated page and a real Postgres: what webhooks did not bring is found, once."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.facebook.client import FacebookClient
from connectors.facebook.simulator import Simulator
from connectors.journal import lines
from connectors.logins import Token
from connectors.outcomes import RequestRefused
from connectors.platform import CommentState
from connectors.polling import comparing
from connectors.polling.access import Access
from connectors.polling.patience import Patience
from connectors.polling.poller import Poller
from connectors.polling.store import Store
from connectors.tokens import read_token, token_context
from console import ledger
from console.polling import stop_account
from infra.postgres import Pool
from infra.settings import Settings
from schemas.events import (
    CommentEvent,
    CommentKind,
    EngagementEvent,
    Platform,
    PostEvent,
    Source,
    utc_now,
)
from sinks import facts
from tests.connectors.conftest import PAGE, TOKEN
from tests.connectors.polling.conftest import KEYS, Stored, existing, give_token, new_poller, poll, stored


async def test_what_no_webhook_brought_is_published_once(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    ids = simulator.add_comments([{"text": f"comment {number}"} for number in range(250)])
    staff = simulator.happenings.staff_reply("by our staff", ids[0])
    await poll(pool, poller)
    events = kafka.take()
    assert Counter(event.kind for event in events) == {
        CommentKind.ADDED: 250,
        CommentKind.REPLY_OBSERVED: 1,
    }
    assert {event.platform_comment_id for event in events if event.kind is CommentKind.ADDED} == set(ids)
    assert [event.reply_id for event in events if event.kind is CommentKind.REPLY_OBSERVED] == [staff.id]
    await poll(pool, poller)
    assert kafka.take() == []


async def test_a_poller_that_starts_again_knows_what_is_stored(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, clients: Clients, settings: Settings
) -> None:
    simulator.happenings.staff_reply("hi", simulator.add_comments([{"text": "hello"}])[0])
    await poll(pool, poller)
    kafka.take()
    await poll(pool, new_poller(pool, kafka, clients, settings))
    assert kafka.take() == []


async def test_edits_hiding_and_removals_that_nobody_announced_are_found(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    names = ["stays", "edited", "hidden", "removed"]
    ids = dict(zip(names, simulator.add_comments([{"text": name} for name in names]), strict=True))
    await poll(pool, poller)
    kafka.take()
    comments = {name: existing(simulator, ids[name]) for name in names}
    simulator.happenings.edit(comments["edited"], "another wording", by="author")
    simulator.happenings.set_hidden(comments["hidden"], True, by="staff")
    simulator.happenings.remove(comments["removed"], by="author")
    await poll(pool, poller)
    found = {event.platform_comment_id: event for event in kafka.take()}
    assert {found[ids[name]].kind for name in ("edited",)} == {CommentKind.EDITED}
    assert found[ids["edited"]].text == "another wording"
    assert found[ids["hidden"]].kind is CommentKind.HIDDEN
    assert found[ids["hidden"]].is_hidden
    assert found[ids["removed"]].kind is CommentKind.REMOVED
    assert ids["stays"] not in found
    row = await pool.fetchrow("select text from comments where platform_comment_id = $1", ids["edited"])
    assert row
    assert row["text"] == "another wording"
    await poll(pool, poller)
    assert kafka.take() == []


async def test_a_removed_comment_that_is_listed_again_and_read_is_there_again(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    [name] = simulator.add_comments([{"text": "hello"}])
    comment = existing(simulator, name)
    await poll(pool, poller)
    comment.removed = True
    await poll(pool, poller)
    assert await pool.fetchval("select state from comments") == "removed"
    kafka.take()
    comment.removed = False
    await poll(pool, poller)
    [event] = kafka.take()
    assert (event.kind, event.text) == (CommentKind.EDITED, "hello")
    row = await pool.fetchrow("select removed_at, state, text from comments")
    assert row
    assert tuple(row) == (None, "received", "hello")
    await poll(pool, poller)
    assert kafka.take() == []
    simulator.happenings.remove(comment, by="author")
    poller._absent = Patience(0, 0)
    await poll(pool, poller)
    assert await pool.fetchval("select state from comments") == "removed"


async def test_a_comment_comes_back_also_where_the_removals_clock_was_ahead(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    simulator.add_comments([{"text": "hello"}])
    await poll(pool, poller)
    [added] = kafka.take()
    gone = comparing.removed(added, utc_now() + timedelta(hours=1))
    async with pool.acquire() as connection, connection.transaction():
        await facts.write(connection, [stored("comments.raw", gone)])
    await poll(pool, poller)
    assert [event.kind for event in kafka.take()] == [CommentKind.EDITED]
    assert await pool.fetchval("select removed_at from comments") is None


async def test_a_removed_comment_whose_read_is_refused_is_read_again_only_after_a_while(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.add_comments([{"text": "hello"}])
    await poll(pool, poller)
    [added] = kafka.take()
    async with pool.acquire() as connection, connection.transaction():
        await facts.write(connection, [stored("comments.raw", comparing.removed(added, utc_now()))])
    reads: list[str] = []

    async def read_comment(_: FacebookClient, comment_id: str) -> CommentState:
        reads.append(comment_id)
        raise RequestRefused("not for you")

    monkeypatch.setattr(FacebookClient, "read_comment", read_comment)
    await poll(pool, poller)
    await poll(pool, poller)
    assert reads == [added.platform_comment_id]


async def test_a_listing_older_than_the_removal_brings_nothing_back(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.add_comments([{"text": "hello"}])
    await poll(pool, poller)
    [added] = kafka.take()
    gone = comparing.removed(added, utc_now())
    async with pool.acquire() as connection, connection.transaction():
        await facts.write(connection, [stored("comments.raw", gone)])
    reads: list[str] = []

    async def read_comment(_: FacebookClient, comment_id: str) -> CommentState:
        reads.append(comment_id)
        return CommentState(exists=False)

    monkeypatch.setattr(FacebookClient, "read_comment", read_comment)
    await poll(pool, poller)
    await poll(pool, poller)
    assert kafka.take() == []
    assert reads == [added.platform_comment_id]  # once, and then after a while
    assert await pool.fetchval("select state from comments") == "removed"


async def test_absence_from_a_listing_is_no_removal(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    [comment] = simulator.add_comments([{"text": "hello"}])
    await poll(pool, poller)
    kafka.take()
    existing(simulator, comment).listed_from = float("inf")
    await poll(pool, poller)
    assert kafka.take() == []
    assert await pool.fetchval("select removed_at from comments") is None


async def test_posts_are_published_once_and_again_when_they_change(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    simulator.add_comments([{"text": "hello"}])
    await poll(pool, poller)
    posts = [event for _, event in kafka.published if isinstance(event, PostEvent)]
    assert [(post.text, post.by_account) for post in posts] == [("Post number 1", True)]
    assert [event for _, event in kafka.published if isinstance(event, EngagementEvent)]
    kafka.take()
    await poll(pool, poller)
    assert kafka.published == []
    [post] = simulator.world.posts.values()
    post.text, post.likes = "another text", 3
    await poll(pool, poller)
    kinds = {type(event) for _, event in kafka.published}
    assert kinds == {PostEvent, EngagementEvent}
    assert await pool.fetchval("select max(likes) from engagement") == 3


async def test_a_post_that_was_stored_without_its_author_is_told_again(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, clients: Clients, settings: Settings
) -> None:
    simulator.add_comments([{"text": "hello"}])
    await poll(pool, poller)
    await pool.execute("update posts set by_account = null")
    await poll(pool, new_poller(pool, kafka, clients, settings))
    assert await pool.fetchval("select by_account from posts") is True


async def test_the_post_of_a_comment_that_came_by_webhook_is_fetched(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, clients: Clients, account: Account
) -> None:
    [post] = simulator.world.posts.values()
    simulator.add_comments([{"text": "hello"}])
    [event] = [each async for each in clients.client(account, TOKEN).list_comments(post.id)]
    async with pool.acquire() as connection, connection.transaction():
        await facts.write(connection, [stored("comments.raw", event)])
    await pool.execute(
        "update account_polls set next_poll_at = now() + interval '1 hour', last_attempt_at = now()"
    )
    assert await poller.tick() == 0
    assert [e.text for _, e in kafka.published if isinstance(e, PostEvent)] == ["Post number 1"]


@pytest.mark.parametrize(("fault", "problem"), [("expired_token", "auth"), ("missing_scope", "permission")])
async def test_lost_access_marks_the_account_within_one_poll_and_a_new_token_mends_it(
    simulator: Simulator,
    pool: Pool,
    poller: Poller,
    kafka: Stored,
    account: Account,
    fault: str,
    problem: str,
) -> None:
    simulator.add_comments([{"text": "hello"}])
    simulator.faults.set(fault)
    await poll(pool, poller)
    row = await pool.fetchrow("select status, status_reason from social_accounts")
    assert row
    assert row["status"] == "needs_auth"
    assert row["status_reason"]
    assert await pool.fetchval("select problem from account_polls") == problem
    assert await Store(pool, "acme", "x", stop=stop_account).problems() == {(Platform.FACEBOOK, problem): 1}
    await poll(pool, poller)
    assert kafka.take() == []
    simulator.faults.clear()
    await give_token(pool, account, Token(access=TOKEN))
    await poller.tick()
    assert [event.kind for event in kafka.take()] == [CommentKind.ADDED]
    assert await pool.fetchval("select problem from account_polls") is None
    actions = {row["action"] for row in await pool.fetch("select action from audit_log")}
    assert actions == {"account.needs_auth", f"account.{problem}", "account.recovered"}


async def test_a_token_of_the_wrong_kind_is_found_though_the_platform_answers_200(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, account: Account
) -> None:
    simulator.add_comments([{"text": "hello"}])
    await give_token(pool, account, Token(access="user-token"))
    await poll(pool, poller)
    assert await pool.fetchval("select status from social_accounts") == "needs_auth"


async def test_a_missing_subscription_is_marked_and_polling_goes_on(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    simulator.add_comments([{"text": "hello"}])
    simulator.faults.set("unsubscribed", count=1)
    await poll(pool, poller)
    assert await pool.fetchval("select problem from account_polls") == "subscription"
    assert await pool.fetchval("select status from social_accounts") == "active"
    assert len(kafka.take()) == 1


async def test_a_missing_subscription_is_no_fault_of_an_account_that_has_no_webhooks(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    simulator.add_comments([{"text": "hello"}])
    simulator.faults.set("unsubscribed")
    await poll(pool, poller)
    assert await pool.fetchval("select problem from account_polls") == "subscription"
    await pool.execute("update social_accounts set arrival = 'polling'")
    await poll(pool, poller)
    assert await pool.fetchval("select problem from account_polls") is None
    assert len(kafka.take()) == 1
    [row] = await ledger.accounts(pool, "acme")
    assert (row["found_only_by_polling"], row["gaps_filled"]) == (1, 0)


async def test_an_account_of_webhooks_alone_is_checked_and_not_listed(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, journal: Path
) -> None:
    simulator.add_comments([{"text": "hello"}])
    await pool.execute("update social_accounts set arrival = 'webhook'")
    simulator.faults.set("unsubscribed", count=1)
    await poll(pool, poller)
    assert "no comment comes" in await pool.fetchval("select problem_reason from account_polls")
    await poll(pool, poller)
    assert await pool.fetchval("select problem from account_polls") is None
    assert await pool.fetchval("select last_good_at from account_polls") is None
    kinds = {entry["kind"] for entry in lines(journal)}
    assert "me" in kinds
    assert not kinds & {"list", "list_posts"}
    assert kafka.take() == []
    simulator.faults.set("expired_token")
    await poll(pool, poller)
    assert await pool.fetchval("select status from social_accounts") == "needs_auth"


async def test_a_throttled_account_waits_and_what_was_listed_before_stays_published(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored
) -> None:
    simulator.add_comments([{"text": "hello"}])
    simulator.faults.set("throttle", count=1)
    await poll(pool, poller)
    row = await pool.fetchrow(
        "select next_poll_at > now() + interval '50 seconds' as waits, last_good_at from account_polls"
    )
    assert row
    assert row["waits"]
    assert row["last_good_at"] is None
    await poll(pool, poller)
    assert len(kafka.take()) == 1
    assert await pool.fetchval("select last_error from account_polls") is None


async def test_one_poller_at_a_time_has_an_account(pool: Pool, poller: Poller) -> None:
    one, two = Store(pool, "acme", "one", stop=stop_account), Store(pool, "acme", "two", stop=stop_account)
    assert len(await one.due(8)) == 1
    assert await two.due(8) == []
    await pool.execute("update account_polls set leased_until = now() - interval '1 second'")
    assert [due.account.account_id for due in await two.due(8)] == [PAGE]


async def test_the_ledger_tells_by_which_way_comments_came_whatever_the_order(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, clients: Clients, account: Account
) -> None:
    ids = simulator.add_comments([{"text": f"comment {number}"} for number in range(5)])
    [post] = simulator.world.posts.values()
    listed = [each async for each in clients.client(account, TOKEN).list_comments(post.id)]
    events = [replace(each, source=Source.WEBHOOK) for each in listed if isinstance(each, CommentEvent)]

    async def by_webhook(some: list[CommentEvent]) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await facts.write(connection, [stored("comments.raw", event) for event in some])

    async def told() -> tuple[object, ...]:
        [row] = await ledger.accounts(pool, "acme")
        names = ("comments", "received_by_webhook", "found_only_by_polling", "gaps_filled")
        return tuple(row[name] for name in names)

    await by_webhook(events[:3])
    await poll(pool, poller)
    assert await told() == (5, 3, 2, 2)
    await by_webhook(events[:3])  # again, and one that comes after the poll had found it
    await by_webhook([events[3]])
    assert await told() == (5, 4, 1, 1)
    comment = existing(simulator, ids[0])
    assert comment
    simulator.happenings.edit(comment, "better", by="author")
    await poll(pool, poller)
    assert await told() == (5, 4, 1, 2)


async def test_a_token_is_refreshed_once_before_it_ends_and_stored_before_it_is_used(
    pool: Pool, poller: Poller, clients: Clients, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = utc_now() + timedelta(minutes=5)
    await give_token(pool, account, Token(access="old", refresh="once", expires_at=ends))
    refreshed: list[str | None] = []

    async def refresh(_platform: Platform, token: Token) -> Token:
        refreshed.append(token.refresh)
        return Token(access=TOKEN, refresh="next", expires_at=utc_now() + timedelta(hours=2))

    monkeypatch.setattr(clients, "refresh", refresh)
    access = Access(pool, clients, KEYS)
    await asyncio.gather(*(access.client(account) for _ in range(5)))
    assert refreshed == ["once"]
    row = await pool.fetchrow("select token_ciphertext, token_key_id from social_accounts")
    assert row
    sealed = KEYS.open(
        row["token_ciphertext"],
        row["token_key_id"],
        context=token_context(account.platform, account.account_id),
    )
    assert read_token(sealed.decode()).refresh == "next"
