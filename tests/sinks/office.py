"""The post sink and posters over a real Postgres, and a platform at the boundary."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.accounts import Account
from connectors.marks import Marks
from connectors.outcomes import Posted, WriteOutcome
from connectors.platform import CommentState, OwnReply, PlatformClient, Usage
from infra.crypto import KeyRing
from infra.postgres import Pool
from infra.settings import Settings
from schemas.events import Decision, Platform, Source
from schemas.records import Event
from sinks import facts
from sinks.post_sink import post_sink
from sinks.poster import Poster
from sinks.senders import token_context
from streams.stage import BatchProcess, Input
from tests.sinks.story import NOON, Clock, Story


class FakePage:
    """A platform at its boundary: comments, replies, and a way to make the next calls go wrong."""

    def __init__(self, clock: Clock) -> None:
        self.account = Account(tenant_id="default", platform=Platform.FACEBOOK, account_id=Story.page)
        self.usage = Usage()
        self.clock = clock
        self.comments: dict[str, CommentState] = {}
        self.replies: dict[str, list[OwnReply]] = {}
        self.sent: list[tuple[str, str]] = []
        self.tokens: set[str] = set()
        self.on_reply: Callable[[str, str], Awaitable[WriteOutcome]] | None = None
        self.on_read: Exception | None = None
        self.hides_replies = False
        self.most_at_once = 0
        self._at_once = 0
        self._ids = itertools.count(1)

    def client(self, account: Account, token: str) -> PlatformClient:
        self.tokens.add(token)
        return self

    def show(self, number: int = 1, text: str = "Lovely!", **other: Any) -> None:
        self.comments[f"c{number}"] = CommentState(exists=True, text=text, **other)

    def accept(self, comment: str, text: str) -> Posted:
        """The side effect of a reply."""
        self.sent.append((comment, text))
        reply = OwnReply(reply_id=f"r{next(self._ids)}", text=text, created_at=self.clock.now)
        self.replies.setdefault(comment, []).append(reply)
        return Posted(reply.reply_id)

    async def reply(self, platform_comment_id: str, text: str) -> WriteOutcome:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(0)
            if self.on_reply is not None:
                return await self.on_reply(platform_comment_id, text)
            return self.accept(platform_comment_id, text)
        finally:
            self._at_once -= 1

    async def read_comment(self, platform_comment_id: str) -> CommentState:
        if self.on_read is not None:
            raise self.on_read
        return self.comments.get(platform_comment_id, CommentState(exists=False))

    async def own_replies(self, platform_comment_id: str, *, thread_id: str | None = None) -> list[OwnReply]:
        if self.on_read is not None:
            raise self.on_read
        return [] if self.hides_replies else list(self.replies.get(thread_id or platform_comment_id, []))

    def list_comments(self, platform_post_id: str, *, source: Source = Source.POLL) -> AsyncIterator[Any]:
        raise NotImplementedError

    def activity(
        self, *, since: datetime, source: Source = Source.POLL, marks: Marks | None = None
    ) -> AsyncIterator[Any]:
        raise NotImplementedError

    async def check(self) -> Any:
        raise NotImplementedError

    async def read_post(self, platform_post_id: str) -> Any:
        raise NotImplementedError

    async def subscribe(self) -> Any:
        raise NotImplementedError

    async def hide(self, platform_comment_id: str, *, hidden: bool = True) -> Any:
        raise NotImplementedError

    async def delete(self, platform_comment_id: str) -> Any:
        raise NotImplementedError


@dataclass
class Office:
    """The post sink and posters over one database and one page."""

    pool: Pool
    story: Story
    clock: Clock
    page: FakePage
    settings: Settings
    keys: KeyRing
    grace: float = 30
    sink: BatchProcess = field(init=False)

    def __post_init__(self) -> None:
        stage = post_sink(self.pool, staff_grace=self.grace, clock=self.clock)
        self.sink = stage.process  # type: ignore[assignment]

    def poster(self, **other: Any) -> Poster:
        settings = self.settings.model_copy(update=other)
        return Poster(
            self.pool, self.page, self.keys, settings, clock=self.clock, monotonic=self.clock.seconds,
            wall=self.clock.seconds,
        )  # fmt: skip

    async def take(self, *events: Event, replay: bytes | None = None) -> list[str]:
        """Gives events to the post sink in one batch; returns the outcomes' names."""
        results = await self.sink([self.story.record(event, replay=replay) for event in events])
        return [result.outcome for result in results]

    async def queued(self, number: int = 1, **decision: Any) -> Decision:
        """A comment that is on the page, with a reply waiting."""
        self.page.show(number)
        made = self.story.decision(number, **decision)
        await self.take(self.story.comment(number), made)
        return made

    async def add_account(self, **columns: Any) -> None:
        sealed, key_id = self.keys.seal(b"token", context=token_context(Platform.FACEBOOK, Story.page))
        row = {
            "tenant_id": "default",
            "platform": "facebook",
            "account_id": Story.page,
            "name": "Page",
            "mode": "auto",
            "replies_per_minute": 60_000,
            "token_ciphertext": sealed,
            "token_key_id": key_id,
            **columns,
        }
        names = ", ".join(row)
        marks = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        await self.pool.execute(f"insert into social_accounts ({names}) values ({marks})", *row.values())
        await self.pool.execute(
            "insert into reply_pace (tenant_id, platform, account_id, tokens, filled_at) "
            "values ($1, $2, $3, 1, $4)",
            "default", "facebook", Story.page, NOON - timedelta(seconds=60),
        )  # fmt: skip

    async def round(self, poster: Poster, *, keeps: bool = False) -> None:
        """One round of a poster, until its calls have ended; then it gives up its leases, or `keeps` them."""
        await poster.step()
        await poster.idle()
        if not keeps:
            await poster.release()

    async def state(self, number: int = 1) -> str:
        return str(
            await self.pool.fetchval(
                "select state from comments where comment_id = $1", self.story.comment_id(number)
            )
        )

    async def queue(self, number: int = 1) -> list[dict[str, Any]]:
        rows = await self.pool.fetch(
            "select * from reply_queue where comment_id = $1 order by enqueued_at, decided_by",
            self.story.comment_id(number),
        )
        return [dict(row) for row in rows]


async def write(pool: Pool, records: Sequence[Input[Any]]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await facts.write(connection, records)
