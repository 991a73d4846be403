"""What every platform folder must do: inherit these classes, give the fixtures they ask for, and that is all.

`WebhookContract` needs `webhook`, `account`, `signed` and `deliveries`. `ClientContract`,
`ImpatienceContract`, `ActivityContract` and `CheckContract` need `page`, a `SimulatedAccount` behind real
HTTP, and `client`, which gives calls up after the fixture `patience`; the last one also `stranger`, a client
with a token that is valid but not this account's. `LoginContract` needs `login`, `http`, `account`, and
`client_of`, which makes a client of a token. What every simulator must do: `simulator_contract.py`.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from connectors.accounts import Account
from connectors.logins import Granted, Login, Token
from connectors.marks import Marks
from connectors.outcomes import AccountStopped, Cause, Done, NotSent, Posted, Unknown
from connectors.platform import PlatformClient
from connectors.webhook import Change, Ignored, MalformedChange, Webhook, event_id
from schemas import identity
from schemas.codec import load
from schemas.errors import ThrottledError, TransientError
from schemas.events import CommentEvent, CommentKind, EngagementEvent, PostEvent, Source, utc_now
from tests.connectors.simulated import SimulatedAccount

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Deliveries:
    """Parsed deliveries of a platform by what they tell; each holds one change for the test's account."""

    added: Any
    own_reply: Any
    own_reply_to: str
    ignored: Mapping[str, Any] = field(default_factory=dict)
    malformed: Mapping[str, Any] = field(default_factory=dict)
    edited: Any = None
    removed: Any = None


Signed = Callable[[bytes], dict[str, str]]


def mapped(webhook: Webhook, account: Account, payload: object) -> list[CommentEvent | Ignored | str]:
    """What a delivery becomes; a malformed change as its reason."""
    found: list[CommentEvent | Ignored | str] = []
    for change in webhook.split(payload):
        try:
            found.append(webhook.map(change, account, NOW) if isinstance(change, Change) else _plain(change))
        except MalformedChange as error:
            found.append(error.reason)
    return found


def _plain(change: Ignored | MalformedChange) -> Ignored | str:
    return change if isinstance(change, Ignored) else change.reason


def only_event(webhook: Webhook, account: Account, payload: object) -> CommentEvent:
    """The one event of a delivery."""
    [event] = mapped(webhook, account, payload)
    assert isinstance(event, CommentEvent), event
    return event


class WebhookContract:
    """Mapping and signatures, the same for every platform."""

    def test_a_signed_body_is_accepted(self, webhook: Webhook, signed: Signed) -> None:
        body = b'{"text":"caf\\u00e9"}'
        assert webhook.verify(signed(body), body)

    def test_one_changed_byte_is_refused(self, webhook: Webhook, signed: Signed) -> None:
        assert not webhook.verify(signed(b'{"a":1}'), b'{"a":2}')

    def test_no_signature_is_refused(self, webhook: Webhook) -> None:
        assert not webhook.verify({}, b"{}")

    def test_a_signature_of_odd_characters_is_refused(self, webhook: Webhook, signed: Signed) -> None:
        assert not webhook.verify(dict.fromkeys(signed(b"{}"), "sha256=é☃"), b"{}")

    def test_a_handshake_by_a_stranger_is_refused(self, webhook: Webhook) -> None:
        assert webhook.handshake({}).status == 403

    def test_an_added_comment_has_identity_wording_and_times(
        self, webhook: Webhook, account: Account, deliveries: Deliveries
    ) -> None:
        event = only_event(webhook, account, deliveries.added)
        assert event.kind is CommentKind.ADDED
        assert event.source is Source.WEBHOOK
        assert (event.tenant_id, event.account_id) == (account.tenant_id, account.account_id)
        assert event.comment_id == identity.comment_id(
            account.platform, account.account_id, event.platform_comment_id
        )
        assert event.revision_id == identity.revision_id(event.comment_id, event.text)
        assert event.occurred_at <= NOW
        assert event.observed_at == NOW

    def test_every_event_fits_its_schema(
        self, webhook: Webhook, account: Account, deliveries: Deliveries
    ) -> None:
        for payload in (deliveries.added, deliveries.own_reply, deliveries.edited, deliveries.removed):
            if payload is not None:
                event = only_event(webhook, account, payload)
                assert load().decode(load().encode(event), CommentEvent) == event

    def test_an_own_reply_is_observed_under_the_comment_it_answers(
        self, webhook: Webhook, account: Account, deliveries: Deliveries
    ) -> None:
        event = only_event(webhook, account, deliveries.own_reply)
        assert event.kind is CommentKind.REPLY_OBSERVED
        assert event.platform_comment_id == deliveries.own_reply_to
        assert event.comment_id == identity.comment_id(
            account.platform, account.account_id, deliveries.own_reply_to
        )
        assert event.reply_id not in (None, deliveries.own_reply_to)
        assert event.revision_id is None

    def test_an_edit_is_another_revision_of_the_same_comment(
        self, webhook: Webhook, account: Account, deliveries: Deliveries
    ) -> None:
        if deliveries.edited is None:
            pytest.skip("this platform tells nobody of edits")
        added = only_event(webhook, account, deliveries.added)
        edited = only_event(webhook, account, deliveries.edited)
        assert edited.kind is CommentKind.EDITED
        assert edited.comment_id == added.comment_id
        assert edited.revision_id not in (None, added.revision_id)

    def test_a_removal_names_the_comment_and_carries_no_wording(
        self, webhook: Webhook, account: Account, deliveries: Deliveries
    ) -> None:
        if deliveries.removed is None:
            pytest.skip("this platform tells nobody of removals")
        added = only_event(webhook, account, deliveries.added)
        removed = only_event(webhook, account, deliveries.removed)
        assert removed.kind is CommentKind.REMOVED
        assert removed.comment_id == added.comment_id
        assert (removed.text, removed.revision_id) == (None, None)

    def test_the_same_delivery_has_the_same_event_id_and_others_do_not(
        self, webhook: Webhook, account: Account, deliveries: Deliveries
    ) -> None:
        payloads = [deliveries.added, deliveries.own_reply, deliveries.edited, deliveries.removed]
        first, second = (
            [event_id(only_event(webhook, account, payload)) for payload in payloads if payload is not None]
            for _ in range(2)
        )
        assert first == second
        assert len(set(first)) == len(first)

    def test_what_is_no_comment_is_ignored_by_name(
        self, webhook: Webhook, account: Account, deliveries: Deliveries
    ) -> None:
        for reason, payload in deliveries.ignored.items():
            assert mapped(webhook, account, payload) == [Ignored(reason)]

    def test_what_cannot_be_understood_is_malformed_by_name(
        self, webhook: Webhook, account: Account, deliveries: Deliveries
    ) -> None:
        for reason, payload in deliveries.malformed.items():
            assert mapped(webhook, account, payload) == [reason]

    @pytest.mark.parametrize("payload", [None, [], {}, 7, "x", {"entry": 1}, [[]], {"object": {"a": []}}])
    def test_splitting_never_raises(self, webhook: Webhook, payload: object) -> None:
        for change in webhook.split(payload):
            assert isinstance(change, (Ignored, MalformedChange))


class ClientContract:
    """Every outcome of a write and every failure of a read, against the platform's simulator."""

    async def test_a_reply_is_posted_under_the_id_by_which_it_is_found(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("Where is my parcel? 📦")
        outcome = await client.reply(comment, "We are looking into it, ¡gracias! 🙏")
        assert isinstance(outcome, Posted)
        [own] = await client.own_replies(comment)
        assert (own.reply_id, own.text) == (outcome.reply_id, "We are looking into it, ¡gracias! 🙏")
        assert own.created_at is not None
        assert (await client.read_comment(comment)).own_replies in ((own,), None)

    async def test_a_read_knows_all_own_replies_or_says_that_it_does_not(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("hello")
        assert (await client.read_comment(comment)).own_replies in ((), None)
        for number in range(30):
            assert isinstance(await client.reply(comment, f"reply {number}"), Posted)
            known = (await client.read_comment(comment)).own_replies
            assert known is None or len(known) == number + 1
        assert len(await client.own_replies(comment)) == 30

    @pytest.mark.parametrize("what", ["created_no_id", "created_reset", "created_error", "created_400"])
    async def test_a_reply_that_may_exist_is_unknown_and_can_be_found(
        self, page: SimulatedAccount, client: PlatformClient, what: str
    ) -> None:
        if not page.offers(what):
            pytest.skip("this platform never answers so")
        comment = page.comment("hello")
        page.fault(what)
        assert isinstance(await client.reply(comment, "hi"), Unknown)
        assert [reply.text for reply in await client.own_replies(comment)] == ["hi"]
        assert page.replies(comment) == ["hi"]

    @pytest.mark.parametrize("what", ["error", "html_503"])
    async def test_an_error_of_the_server_is_unknown_for_a_write(
        self, page: SimulatedAccount, client: PlatformClient, what: str
    ) -> None:
        comment = page.comment("hello")
        page.fault(what)
        assert isinstance(await client.reply(comment, "hi"), Unknown)
        assert page.replies(comment) == []

    @pytest.mark.parametrize(
        ("what", "cause"),
        [
            ("throttled", Cause.THROTTLED),
            ("auth", Cause.AUTH),
            ("permission", Cause.PERMISSION),
            ("blocked", Cause.BLOCKED),
            ("duplicate", Cause.PERMANENT),
            ("gone", Cause.GONE),
        ],
    )
    async def test_a_refused_reply_is_not_sent_and_says_why(
        self, page: SimulatedAccount, client: PlatformClient, what: str, cause: Cause
    ) -> None:
        comment = page.comment("hello")
        page.fault(what)
        outcome = await client.reply(comment, "hi")
        assert isinstance(outcome, NotSent)
        assert outcome.cause is cause
        assert page.replies(comment) == []

    async def test_a_reply_without_text_or_beyond_the_limit_never_leaves(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("hello")
        for text in (" ", "x" * 100_000):
            outcome = await client.reply(comment, text)
            assert isinstance(outcome, NotSent)
            assert outcome.cause is Cause.PERMANENT

    async def test_a_read_shows_wording_and_author(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("first")
        before = await client.read_comment(comment)
        page.edit(comment, "second")
        after = await client.read_comment(comment)
        assert (before.exists, before.text, after.text) == (True, "first", "second")
        assert before.author_id
        assert before.revision_id("c") == identity.revision_id("c", "first")
        assert before.revision_id("c") != after.revision_id("c")

    async def test_a_removed_comment_does_not_exist(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("hello")
        page.remove(comment)
        assert not (await client.read_comment(comment)).exists
        assert await client.own_replies(comment) == []

    async def test_an_unanswered_read_is_transient_and_never_a_removal(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("hello")
        page.fault("read_error")
        with pytest.raises(TransientError):
            await client.read_comment(comment)

    async def test_a_throttled_read_says_so(self, page: SimulatedAccount, client: PlatformClient) -> None:
        comment = page.comment("hello")
        page.fault("throttled")
        with pytest.raises(ThrottledError):
            await client.read_comment(comment)

    @pytest.mark.parametrize("what", ["auth", "permission"])
    async def test_a_read_with_a_dead_token_stops_the_account(
        self, page: SimulatedAccount, client: PlatformClient, what: str
    ) -> None:
        comment = page.comment("hello")
        page.fault(what)
        with pytest.raises(AccountStopped) as caught:
            await client.read_comment(comment)
        assert caught.value.cause == what

    async def test_a_listing_goes_to_its_end_and_maps_like_a_webhook(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comments = [page.comment(f"comment {number}") for number in range(230)]
        answered = await client.reply(comments[0], "thanks")
        assert isinstance(answered, Posted)
        page.fault("empty_page")
        events = [event async for event in client.list_comments(page.post_id)]
        added = [event for event in events if isinstance(event, CommentEvent)]
        own = [event for event in added if event.kind is CommentKind.REPLY_OBSERVED]
        assert [event.platform_comment_id for event in added if event not in own] == comments
        assert [(event.platform_comment_id, event.reply_id) for event in own] == [
            (comments[0], answered.reply_id)
        ]
        assert {event.source for event in added} == {Source.POLL}

    async def test_a_comment_can_be_hidden_shown_and_deleted_once(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("hello")
        assert await client.hide(comment) == Done()
        assert (await client.read_comment(comment)).is_hidden
        assert await client.hide(comment, hidden=False) == Done()
        assert await client.delete(comment) == Done()
        again = await client.delete(comment)
        assert isinstance(again, NotSent)
        assert again.cause is Cause.GONE


class ImpatienceContract:
    """What becomes of replies to which no answer comes; here clients give up soon."""

    @pytest.fixture
    def patience(self) -> float:
        return 1.5

    async def test_a_reply_without_an_answer_is_unknown_and_can_be_found(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("hello")
        page.fault("created_timeout")
        assert isinstance(await client.reply(comment, "hi"), Unknown)
        assert [reply.text for reply in await client.own_replies(comment)] == ["hi"]
        assert page.replies(comment) == ["hi"]

    async def test_a_reply_that_takes_effect_late_is_unknown_and_shows_then(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("hello")
        page.fault("late_write", seconds=2.5)
        assert isinstance(await client.reply(comment, "hi"), Unknown)
        async with asyncio.timeout(30):
            while not await client.own_replies(comment):
                await asyncio.sleep(0.05)
        assert page.replies(comment) == ["hi"]


class ActivityContract:
    """What a poll brings."""

    async def test_a_poll_brings_posts_before_their_comments_and_own_replies_as_observed(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comments = [page.comment(f"comment {number}") for number in range(3)]
        reply = page.staff_reply(comments[1], "by our staff")
        found = [item async for item in client.activity(since=_an_hour_ago())]
        events = [item for item in found if isinstance(item, CommentEvent)]
        added = {event.platform_comment_id: event for event in events if event.kind is CommentKind.ADDED}
        assert added.keys() == set(comments)
        [own] = [event for event in events if event.kind is CommentKind.REPLY_OBSERVED]
        assert (own.platform_comment_id, own.text) == (comments[1], "by our staff")
        assert own.reply_id == reply
        assert len(events) == len(added) + 1
        assert {event.source for event in events} == {Source.POLL}
        posts = {item.platform_post_id: found.index(item) for item in found if isinstance(item, PostEvent)}
        assert page.post_id in posts
        for event in added.values():
            assert posts[event.platform_post_id or ""] < found.index(event)

    async def test_a_poll_names_comments_as_the_listing_of_their_post_does(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("café 📦")
        [listed] = [event async for event in client.list_comments(page.post_id)]
        [polled] = [
            item async for item in client.activity(since=_an_hour_ago()) if isinstance(item, CommentEvent)
        ]
        assert isinstance(listed, CommentEvent)
        assert (polled.platform_comment_id, polled.comment_id) == (comment, listed.comment_id)
        assert (polled.revision_id, event_id(polled)) == (listed.revision_id, event_id(listed))

    async def test_a_poll_goes_to_its_end(self, page: SimulatedAccount, client: PlatformClient) -> None:
        comments = [page.comment(f"comment {number}") for number in range(230)]
        page.fault("empty_page")
        found = [
            item.platform_comment_id
            async for item in client.activity(since=_an_hour_ago())
            if isinstance(item, CommentEvent)
        ]
        assert set(found) == set(comments)

    async def test_what_lies_before_the_horizon_is_left_out(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        page.comment("hello")
        later = utc_now() + timedelta(hours=1)
        assert not [i async for i in client.activity(since=later) if isinstance(i, CommentEvent)]

    async def test_a_backfill_is_marked_as_one(self, page: SimulatedAccount, client: PlatformClient) -> None:
        page.comment("hello")
        found = [item async for item in client.activity(since=_an_hour_ago(), source=Source.BACKFILL)]
        assert {item.source for item in found if isinstance(item, CommentEvent)} == {Source.BACKFILL}

    async def test_a_poll_counts_likes_and_replies(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        page.comment("hello")
        found = [item async for item in client.activity(since=_an_hour_ago())]
        assert [item for item in found if isinstance(item, EngagementEvent)]

    async def test_every_item_fits_its_schema(self, page: SimulatedAccount, client: PlatformClient) -> None:
        page.staff_reply(page.comment("hello"), "hi")
        async for item in client.activity(since=_an_hour_ago()):
            if not isinstance(item, Ignored):
                assert load().decode(load().encode(item), type(item)) == item

    async def test_a_poll_that_was_broken_off_goes_on_where_it_was(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comments = [page.comment(f"comment {number}") for number in range(620)]
        marks, first = Marks(), list[str]()

        async def until_throttled() -> None:
            async for item in client.activity(since=utc_now() - timedelta(hours=1), marks=marks):
                if isinstance(item, CommentEvent):
                    first.append(item.platform_comment_id)
                    if len(first) == 420:
                        page.fault("throttled")

        with pytest.raises(ThrottledError):
            await until_throttled()
        kept = json.loads(json.dumps(marks.state))  # as it is stored
        rest = [
            item.platform_comment_id
            async for item in client.activity(since=utc_now() - timedelta(hours=1), marks=Marks(kept))
            if isinstance(item, CommentEvent)
        ]
        assert {*first, *rest} == set(comments)
        assert len(first) >= 420
        # It begins with the page before the one that was refused, not with the first.
        assert not {*rest[:100]} & {*first[:200]}

    @pytest.mark.parametrize(
        ("what", "error"),
        [("throttled", ThrottledError), ("read_error", TransientError), ("auth", AccountStopped)],
    )
    async def test_a_poll_that_fails_says_why(
        self, page: SimulatedAccount, client: PlatformClient, what: str, error: type[Exception]
    ) -> None:
        page.comment("hello")
        page.fault(what)
        with pytest.raises(error):
            [item async for item in client.activity(since=_an_hour_ago())]

    async def test_a_post_is_read_and_one_that_is_gone_is_none(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        post = await client.read_post(page.post_id)
        assert post is not None
        assert post.by_account is True
        assert post is not None
        assert post.platform_post_id == page.post_id
        assert post.text
        digits = "".join(filter(str.isdigit, page.post_id))[-6:]
        assert await client.read_post(page.post_id.replace(digits, "999999")) is None


class CheckContract:
    """Whether an account's access is found to be as it is."""

    async def test_a_healthy_account_has_no_problem(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        check = await client.check()
        assert (check.problem, check.reason) == (None, "")
        assert check.subscribed is not False

    async def test_a_dead_token_is_found(self, page: SimulatedAccount, client: PlatformClient) -> None:
        page.fault("auth")
        check = await client.check()
        assert check.problem is Cause.AUTH
        assert check.reason

    async def test_a_token_that_is_not_the_accounts_is_found(self, stranger: PlatformClient) -> None:
        check = await stranger.check()
        assert check.problem is Cause.AUTH
        assert check.reason

    async def test_a_missing_right_is_found(self, page: SimulatedAccount, client: PlatformClient) -> None:
        page.fault("missing_scope")
        check = await client.check()
        assert check.problem is Cause.PERMISSION
        assert check.reason

    async def test_a_missing_subscription_is_found(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        if (await client.check()).subscribed is None:
            pytest.skip("this platform does not say who is subscribed")
        page.fault("unsubscribed")
        assert (await client.check()).subscribed is False

    async def test_subscribing_takes_effect_or_a_person_is_told_what_to_do(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        outcome = await client.subscribe()
        if isinstance(outcome, NotSent):
            assert "PARLEY_" in outcome.reason
            return
        assert outcome == Done()
        assert await client.subscribe() == Done()
        assert (await client.check()).subscribed is not False

    @pytest.mark.parametrize("what", ["throttled", "read_error"])
    async def test_a_check_that_could_not_be_made_finds_nothing(
        self, page: SimulatedAccount, client: PlatformClient, what: str
    ) -> None:
        page.fault(what)
        with pytest.raises(TransientError):
            await client.check()


REDIRECT = "http://127.0.0.1:8765/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


class LoginContract:
    """How a person gives access, and how it is kept."""

    async def test_consent_opens_the_account_with_a_token_that_works(
        self,
        login: Login,
        http: httpx.AsyncClient,
        account: Account,
        client_of: Callable[[Token], PlatformClient],
    ) -> None:
        granted = await self._granted(login, http, account)
        assert granted.name
        assert (await client_of(granted.token).check()).problem is None

    async def test_a_code_is_good_for_one_use_and_with_its_verifier_only(
        self, login: Login, http: httpx.AsyncClient
    ) -> None:
        code = await _consent(login, http)
        with pytest.raises(AccountStopped):
            await login.exchange(http, code=code, redirect_uri=REDIRECT, verifier="w" * 64)
        code = await _consent(login, http)
        assert await login.exchange(http, code=code, redirect_uri=REDIRECT, verifier=VERIFIER)
        with pytest.raises(AccountStopped):
            await login.exchange(http, code=code, redirect_uri=REDIRECT, verifier=VERIFIER)

    async def test_a_token_is_refreshed_or_needs_no_refreshing(
        self,
        login: Login,
        http: httpx.AsyncClient,
        account: Account,
        client_of: Callable[[Token], PlatformClient],
    ) -> None:
        token = (await self._granted(login, http, account)).token
        fresh = await login.refresh(http, token)
        if fresh is None:
            assert token.expires_at is None or token.refresh is None
        else:
            assert fresh.expires_at is None or fresh.expires_at > utc_now()
            assert (await client_of(fresh).check()).problem is None

    async def _granted(self, login: Login, http: httpx.AsyncClient, account: Account) -> Granted:
        code = await _consent(login, http)
        accounts = await login.exchange(http, code=code, redirect_uri=REDIRECT, verifier=VERIFIER)
        [granted] = [found for found in accounts if found.account_id == account.account_id]
        return granted


async def _consent(login: Login, http: httpx.AsyncClient) -> str:
    """What the person's browser brings back: the code."""
    url = login.authorize_url(redirect_uri=REDIRECT, state="the state", challenge=CHALLENGE)
    response = await http.get(url, follow_redirects=False)
    assert response.is_redirect, response.text
    assert response.headers["location"].startswith(REDIRECT)
    back = parse_qs(urlsplit(response.headers["location"]).query)
    assert back["state"] == ["the state"]
    return back["code"][0]


def _an_hour_ago() -> datetime:
    return utc_now() - timedelta(hours=1)
