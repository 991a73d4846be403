"""A poller against a simulated page and a real Postgres, whose publisher is the sink as well."""

from typing import Any

import pytest

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.facebook.simulator import Simulator
from connectors.logins import Token
from connectors.polling.access import Access
from connectors.polling.poller import Poller
from connectors.polling.store import Store
from connectors.simulation.world import Comment
from connectors.tokens import token_context, token_json
from console.polling import stop_account
from infra.crypto import KeyRing
from infra.kafka import Message
from infra.postgres import Pool
from infra.settings import Settings
from schemas import topics
from schemas.codec import load
from schemas.events import EVENTS, CommentEvent, utc_now
from sinks import facts
from streams.stage import Input
from tests.connectors.conftest import TOKEN

KEYS = KeyRing({"k": b"k" * 32})


def stored(topic: str, event: Any) -> Input[Any]:
    return Input(topic=topic, partition=0, offset=0, key="", headers={}, timestamp=utc_now(), event=event)


def existing(simulator: Simulator, comment_id: str) -> Comment:
    """A comment that the simulated page has."""
    found = simulator.world.comment(comment_id)
    assert found
    return found


class Stored:
    """A publisher whose records are in Postgres at once, as the sink puts them there."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.published: list[tuple[str, object]] = []

    async def publish(self, messages: list[Message]) -> None:
        batch = []
        for message in messages:
            event = load().decode(message.value, EVENTS[topics.ALL[message.topic].schema])
            self.published.append((message.topic, event))
            batch.append(stored(message.topic, event))
        async with self._pool.acquire() as connection, connection.transaction():
            await facts.write(connection, batch)

    def take(self) -> list[CommentEvent]:
        """The comment events since the last call."""
        events = [event for _, event in self.published if isinstance(event, CommentEvent)]
        self.published.clear()
        return events


@pytest.fixture
def kafka(pool: Pool) -> Stored:
    return Stored(pool)


@pytest.fixture
async def poller(pool: Pool, kafka: Stored, clients: Clients, settings: Settings, account: Account) -> Poller:
    await give_token(pool, account, Token(access=TOKEN))
    return new_poller(pool, kafka, clients, settings)


def new_poller(pool: Pool, kafka: Stored, clients: Clients, settings: Settings) -> Poller:
    return Poller(
        Store(pool, "acme", "test", stop=stop_account),
        Access(pool, clients, KEYS),
        kafka,
        load(),
        settings,
        count=lambda *_: None,
        problems=lambda _: None,
    )


async def give_token(pool: Pool, account: Account, token: Token) -> None:
    sealed, key_id = KEYS.seal(
        token_json(token).encode(), context=token_context(account.platform, account.account_id)
    )
    await pool.execute(
        "insert into social_accounts (tenant_id, platform, account_id, name, token_ciphertext, token_key_id, "
        "token_stored_at) values ('acme', $1, $2, 'page', $3, $4, now()) on conflict (tenant_id, platform, "
        "account_id) do update set token_ciphertext = excluded.token_ciphertext, status = 'active', "
        "token_stored_at = now()",
        account.platform,
        account.account_id,
        sealed,
        key_id,
    )
    await pool.execute(
        "insert into account_polls (tenant_id, platform, account_id) values ('acme', $1, $2) "
        "on conflict do nothing",
        account.platform,
        account.account_id,
    )


async def poll(pool: Pool, poller: Poller) -> None:
    """One poll, now."""
    await pool.execute("update account_polls set next_poll_at = now()")
    await poller.tick()
