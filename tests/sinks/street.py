"""One account of a simulated platform and everything between it and the queue, over HTTP, in one process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from connectors import accounts
from connectors.catalogue import webhooks
from connectors.clients import Clients, open_clients
from connectors.journal import lines
from connectors.receiver import Receiver, receiver_app
from connectors.simulation.serving import serving
from infra.crypto import KeyRing
from infra.kafka import Message
from infra.postgres import Pool
from infra.settings import Settings
from schemas import topics
from schemas.codec import load
from schemas.events import CommentEvent, CommentKind, Platform
from sinks.actions import Actions
from sinks.post_sink import post_sink
from sinks.poster import Poster
from sinks.senders import token_context
from tests.chaos.posting import brand
from tests.chaos.posting.brand import Wanted
from tests.sinks.story import Story

KEYS = KeyRing({"k": bytes(32)})


class Street:
    """The platform's webhooks reach the post sink as they come; posters and actions run when told to."""

    def __init__(self, pool: Pool, account: brand.Account, settings: Settings, clients: Clients) -> None:
        self.pool = pool
        self.account = account
        self.simulation = account.simulation
        self.settings = settings
        self.clients = clients
        self._process: Any = post_sink(pool, staff_grace=settings.staff_grace).process
        self._numbers = 0
        self._sinking = asyncio.Lock()
        self.observed = 0
        self.removed: set[str] = set()

    async def publish(self, messages: list[Message]) -> None:
        """Kafka's part: acknowledged when the sink has it."""
        events = [
            load().decode(message.value, CommentEvent)
            for message in messages
            if message.topic == topics.COMMENTS_RAW.name
        ]
        await self.take(*events)
        self.observed += sum(event.reply_id is not None for event in events)
        self.removed |= {event.platform_comment_id for event in events if event.kind is CommentKind.REMOVED}

    async def take(self, *events: Any) -> None:
        """Gives events to the post sink."""
        async with self._sinking:
            await self._process([Story().record(event) for event in events])

    async def approved(self) -> Wanted:
        """Somebody comments, and a reply is approved and waits."""
        [wanted] = brand.comment_everywhere([self.account], range(self._numbers, self._numbers + 1))
        self._numbers += 1
        await self.take(wanted.comment, wanted.decision)
        return wanted

    def poster(self, **settings: Any) -> Poster:
        """A poster; `settings` differ from the street's."""
        return Poster(self.pool, self.clients, KEYS, self.settings.model_copy(update=settings))

    def actions(self) -> Actions:
        """What takes replies back and hides comments."""
        return Actions(self.pool, self.clients, KEYS, self.settings)

    async def posted(self) -> Wanted:
        """A comment that has its reply."""
        wanted = await self.approved()
        async with running(self.poster()):
            await until(lambda: self.is_in("posted", wanted))
        return wanted

    async def row(self, wanted: Wanted) -> Any:
        """The reply's row of the queue."""
        decision = wanted.decision.decision_id
        return await self.pool.fetchrow("select * from reply_queue where decision_id = $1", decision)

    async def is_in(self, state: str, wanted: Wanted) -> bool:
        """True if the comment is in that state."""
        comment = wanted.comment.comment_id
        now = await self.pool.fetchval("select state from comments where comment_id = $1", comment)
        return bool(now == state)

    def journal(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """The journal's lines of a kind that have these fields."""
        return [
            line
            for line in lines(self.account.journal)
            if line["kind"] == kind and all(line.get(name) == value for name, value in fields.items())
        ]

    def replies(self, wanted: Wanted) -> list[dict[str, Any]]:
        """Replies that exist because of a request."""
        return self.journal("reply", effect="created", comment_id=wanted.comment.platform_comment_id)


async def until(holds: Callable[[], Awaitable[bool]], within: float = 60) -> None:
    """Returns when it holds; raises TimeoutError."""
    async with asyncio.timeout(within):
        while not await holds():
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(*workers: Poster | Actions) -> AsyncIterator[None]:
    """They run until the block ends."""
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def street(pool: Pool, platform: str, folder: Path, **settings: Any) -> AsyncIterator[Street]:
    """An account on that platform, its simulator and its webhooks served; `settings` of Parley."""
    [account] = [each for each in brand.accounts(folder) if each.platform == platform]
    async with brand.served([account]) as addresses, contextlib.AsyncExitStack() as stack:
        given = {name.removeprefix("PARLEY_").lower(): value for name, value in addresses.items()}
        made = Settings(**{**given, "x_consumer_secret": "consumer-secret", "posting_timeout": 2, **settings})
        clients = await stack.enter_async_context(open_clients(made))
        await _open_account(pool, account)
        street = Street(pool, account, made, clients)
        known = accounts.Account(
            tenant_id=brand.TENANT, platform=Platform(platform), account_id=account.account_id
        )
        receiver = Receiver(
            webhooks=webhooks(made),
            accounts=accounts.KnownAccounts([known]),
            publisher=street,
            codec=load(),
            body_limit=made.webhook_body_limit,
        )
        url = await stack.enter_async_context(serving(receiver_app(receiver)))
        account.simulation.deliveries.callback_url = f"{url}/webhooks/{platform}"
        yield street


async def _open_account(pool: Pool, account: brand.Account) -> None:
    sealed, key_id = KEYS.seal(
        account.token.encode(), context=token_context(account.platform, account.account_id)
    )
    await pool.execute(
        "insert into social_accounts (tenant_id, platform, account_id, name, mode, replies_per_minute,"
        " token_ciphertext, token_key_id) values ($1, $2, $3, 'Account', 'auto', 6000, $4, $5)",
        brand.TENANT,
        account.platform,
        account.account_id,
        sealed,
        key_id,
    )
