"""X fulfils the contract of a platform folder."""

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from connectors.accounts import Account
from connectors.logins import Login, Token
from connectors.outcomes import Cause, Done, NotSent, Posted
from connectors.platform import PlatformClient
from connectors.x.client import x_client
from connectors.x.login import x_login
from connectors.x.signing import HEADER, signature
from connectors.x.simulator import SimulatorConfig
from connectors.x.webhook import XWebhook
from infra.settings import Settings
from tests.connectors.contract import (
    ActivityContract,
    CheckContract,
    ClientContract,
    Deliveries,
    ImpatienceContract,
    LoginContract,
    Signed,
    WebhookContract,
)
from tests.connectors.simulated import SimulatedAccount
from tests.connectors.x.payloads import COMMENT, ME, edited, event, legacy, own_post, post


class TestWebhook(WebhookContract):
    @pytest.fixture
    def webhook(self) -> XWebhook:
        return XWebhook(consumer_secret="secret")

    @pytest.fixture
    def signed(self) -> Signed:
        return lambda body: {HEADER: signature("secret", body)}

    @pytest.fixture
    def deliveries(self) -> Deliveries:
        repost = [{"type": "retweeted", "id": "5"}]
        quote = {"referenced_tweets": [{"type": "quoted", "id": "5"}], "in_reply_to_user_id": None}
        return Deliveries(
            added=event(post()),
            edited=event(edited()),
            own_reply=event(own_post(), "post.create"),
            own_reply_to=COMMENT,
            ignored={
                "event:post_delete": event({}, "post.delete"),
                "event:post_quote_create": event(post(), "post.quote.create"),
                "event:like_create": event({}, "like.create"),
                "event:other": {"data": {"event_type": 7}},
                "event:matching_rules": {"data": post(), "matching_rules": []},
                "event:tweet_delete_events": {"for_user_id": ME, "tweet_delete_events": [{}]},
                "filter:other": event(post(), user=None),
                "post:repost": event(post(referenced_tweets=repost)),
                "post:quote": event(post(**quote, entities=None), "post.create"),
                "own:post": event(own_post(referenced_tweets=None, in_reply_to_user_id=None), "post.create"),
                "own:thread": event(own_post(in_reply_to_user_id=ME), "post.create"),
            },
            malformed={
                "id": event(post(id=None)),
                "text": event(post(text=["a"])),
                "text_too_long": event(post(text="ä" * 200_000)),
                "author_id": event(post(author_id={"a": 1})),
                "conversation_id": event(post(conversation_id="x" * 1000)),
                "payload": event([]),
                "filter": event(post(), user="me"),
                "data": {"data": ["x"]},
                "for_user_id": {"for_user_id": 7},
                "tweet": {"for_user_id": ME, "tweet_create_events": [7]},
                "tweet_create_events": {"for_user_id": ME, "tweet_create_events": {}},
            },
        )


class TestLegacyWebhook(TestWebhook):
    """The same contract in the older form."""

    @pytest.fixture
    def deliveries(self) -> Deliveries:
        own = {"id_str": "20", "user": {"id_str": ME}, "in_reply_to_user_id_str": "5"}
        later = {"edit_history": {"edit_tweet_ids": [COMMENT, "1900000000000000015"]}}
        return Deliveries(
            added=legacy(),
            edited=legacy(**later, id_str="1900000000000000015", extended_tweet={"full_text": "found it"}),
            own_reply=legacy(**own, in_reply_to_status_id_str=COMMENT),
            own_reply_to=COMMENT,
            ignored={
                "post:repost": legacy(retweeted_status={"id_str": "5"}),
                "post:other": legacy(in_reply_to_user_id_str="5", entities={}),
                "own:post": legacy(**{**own, "in_reply_to_status_id_str": None}),
            },
            malformed={"id": legacy(id_str=None), "text": legacy(extended_tweet={"full_text": 7})},
        )


class TestClient(ClientContract):
    # X does not tell whether a reply is hidden, and lets nobody delete what others wrote.
    async def test_a_comment_can_be_hidden_shown_and_deleted_once(
        self, page: SimulatedAccount, client: PlatformClient
    ) -> None:
        comment = page.comment("hello")
        assert await client.hide(comment) == Done()
        assert await client.hide(comment, hidden=False) == Done()
        refused = await client.delete(comment)
        assert isinstance(refused, NotSent)
        assert refused.cause is Cause.PERMANENT
        own = await client.reply(comment, "hi")
        assert isinstance(own, Posted)
        assert await client.delete(own.reply_id) == Done()
        again = await client.delete(own.reply_id)
        assert isinstance(again, NotSent)
        assert again.cause is Cause.GONE


class TestImpatience(ImpatienceContract):
    pass


class TestActivity(ActivityContract):
    pass


class TestCheck(CheckContract):
    @pytest.fixture
    def config(self, config: SimulatorConfig) -> SimulatorConfig:
        return replace(config, callback_url="http://127.0.0.1:9/nobody")

    @pytest.fixture
    def stranger(self, account: Account, http: httpx.AsyncClient, settings: Settings) -> PlatformClient:
        return x_client(account, "stranger-token", http, settings)


class TestCheckOfAnAppsToken(TestCheck):
    @pytest.fixture
    def stranger(self, account: Account, http: httpx.AsyncClient, settings: Settings) -> PlatformClient:
        return x_client(account, "app-token", http, settings)


class TestLogin(LoginContract):
    @pytest.fixture
    def login(self, settings: Settings) -> Login:
        return x_login(settings)

    @pytest.fixture
    def client_of(
        self, account: Account, http: httpx.AsyncClient, settings: Settings
    ) -> Callable[[Token], PlatformClient]:
        return lambda token: x_client(account, token.access, http, settings)


class TestLoginOfAPublicClient(TestLogin):
    @pytest.fixture
    def config(self, config: SimulatorConfig) -> SimulatorConfig:
        return replace(config, client_secret=None)

    @pytest.fixture
    def login(self, settings: Settings) -> Login:
        return x_login(settings.model_copy(update={"x_client_secret": None}))


class TestUnderNewNames(ActivityContract):
    """The same poll where X answers, and is asked, in the names of OpenAPI 2.167."""

    @pytest.fixture
    def config(self, config: SimulatorConfig) -> SimulatorConfig:
        return replace(config, field_names="post")
