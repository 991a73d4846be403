"""What the live view shows, read from the broker and the database, never from the pipeline's own counters."""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from console.stages import GROUP_PREFIX, STAGE_INPUTS
from infra.lag import LagReader
from infra.postgres import Pool
from schemas.events import Platform
from schemas.states import OPEN_PEOPLE, State


@dataclass(frozen=True, slots=True)
class StageFigures:
    """A consumer group: records finished since its start, records a second now, records behind."""

    name: str
    finished: int
    per_second: float
    lag: int


@dataclass(frozen=True, slots=True)
class Recent:
    """A comment lately settled, with what became of it."""

    author: str
    text: str
    sentiment: str
    intent: str
    language: str
    state: str
    reason: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformFigures:
    """A platform's comments: with a row, answered, under way; `delay_ms`: median until they were settled."""

    received: int = 0
    posted: int = 0
    waiting: int = 0
    delay_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything the view shows at one moment; counts are of this run's comments."""

    elapsed: float = 0.0
    fed: int = 0
    total: int | None = None
    outcomes: dict[str, int] = field(default_factory=dict)
    platforms: dict[str, PlatformFigures] = field(default_factory=dict)
    drafts: dict[str, int] = field(default_factory=dict)
    sentiments: dict[str, int] = field(default_factory=dict)
    intents: dict[str, int] = field(default_factory=dict)
    stages: tuple[StageFigures, ...] = ()
    recent: tuple[Recent, ...] = ()
    dead_letters: int = 0
    troubles: tuple[str, ...] = ()

    @property
    def stored(self) -> int:
        """Comments with a row."""
        return sum(self.outcomes.values())

    @property
    def unsettled(self) -> int:
        """Comments that Parley itself still has to do something about."""
        return sum(count for state, count in self.outcomes.items() if state in _MOVING)

    @property
    def for_people(self) -> int:
        """Comments that wait for a person."""
        return sum(self.outcomes.get(state.value, 0) for state in OPEN_PEOPLE)


_MOVING: Final = tuple(
    state.value
    for state in (State.RECEIVED, State.ENRICHED, State.DRAFTED, State.QUEUED, State.POSTING, State.UNKNOWN)
)


class Reader:
    """Reads a snapshot's parts from the database and the broker, for the comments received since `began`."""

    def __init__(self, pool: Pool, lag: LagReader, began: datetime) -> None:
        self._pool, self._lag = pool, lag
        self._began = began
        self._before: dict[str, tuple[float, int]] = {}
        self._first: dict[str, int] = {}

    async def outcomes(self) -> tuple[dict[str, int], dict[str, PlatformFigures]]:
        """(comments by state, most first; figures by platform)."""
        rows = await self._pool.fetch(
            "select platform, state, count(*) as n from comments where received_at >= $1 group by 1, 2",
            self._began,
        )
        delays = await self._pool.fetch(
            "select platform, percentile_cont(0.5) within group "
            "(order by extract(epoch from state_changed_at - received_at))::float8 as delay from comments "
            "where received_at >= $1 and state <> all($2) group by 1",
            self._began,
            _MOVING,
        )
        states: Counter[str] = Counter()
        for row in rows:
            states[row["state"]] += row["n"]
        by_platform: dict[str, Counter[str]] = {}
        for row in rows:
            by_platform.setdefault(row["platform"], Counter())[row["state"]] = row["n"]
        delay = {row["platform"]: row["delay"] for row in delays}
        figures = {
            platform: PlatformFigures(
                received=counts.total(),
                posted=counts[State.POSTED],
                waiting=sum(counts[state] for state in _MOVING),
                delay_ms=1000 * max(delay.get(platform, 0.0), 0.0),
            )
            for platform, counts in sorted(by_platform.items())
        }
        return dict(states.most_common()), figures

    async def drafts(self) -> dict[str, int]:
        """Drafts by who wrote them."""
        rows = await self._pool.fetch(
            "select origin, count(*) as n from generated_responses where created_at >= $1 "
            "group by 1 order by 2 desc",
            self._began,
        )
        return {row["origin"]: row["n"] for row in rows}

    async def labels(self) -> tuple[dict[str, int], dict[str, int]]:
        """(comments by sentiment, comments by intent)."""
        rows = await self._pool.fetch(
            "select a.sentiment, a.intent, count(*) as n from analyses a "
            "join comments c on c.current_revision_id = a.revision_id "
            "where c.received_at >= $1 group by 1, 2",
            self._began,
        )
        sentiments: dict[str, int] = {}
        intents: dict[str, int] = {}
        for row in rows:
            sentiments[row["sentiment"]] = sentiments.get(row["sentiment"], 0) + row["n"]
            intents[row["intent"]] = intents.get(row["intent"], 0) + row["n"]
        return sentiments, intents

    async def recent(self, limit: int = 24) -> tuple[Recent, ...]:
        """The comments whose state changed last, posted ones first among them."""
        rows = await self._pool.fetch(
            "select * from (select c.comment_id, c.author_name, c.text, c.state, c.state_reason, "
            "c.current_revision_id, c.state_changed_at from comments c "
            "where c.received_at >= $1 "
            "order by c.state_changed_at desc limit $2) c "
            "left join lateral (select sentiment, intent, language from analyses a "
            "  where a.revision_id = c.current_revision_id limit 1) a on true "
            "left join lateral (select text as reply from reply_queue q "
            "  where q.comment_id = c.comment_id and q.state in ('queued', 'posting', 'posted', 'unknown')) "
            "q on true",
            self._began,
            limit,
        )
        return tuple(
            Recent(
                author=row["author_name"] or "",
                text=row["text"] or "",
                sentiment=row["sentiment"] or "",
                intent=row["intent"] or "",
                language=row["language"] or "",
                state=row["state"],
                reason=row["state_reason"],
                reply=row["reply"] or "",
            )
            for row in rows
        )

    async def dead_letters(self) -> int:
        """Dead letters of this run."""
        return int(
            await self._pool.fetchval("select count(*) from dead_letters where failed_at >= $1", self._began)
        )

    async def states(self) -> dict[Platform, dict[str, tuple[str, datetime]]]:
        """Every comment's (state, since when), by platform and by the platform's id."""
        rows = await self._pool.fetch(
            "select platform, platform_comment_id, state, state_changed_at from comments "
            "where received_at >= $1",
            self._began,
        )
        found: dict[Platform, dict[str, tuple[str, datetime]]] = {platform: {} for platform in Platform}
        for row in rows:
            state = row["state"], row["state_changed_at"]
            found[Platform(row["platform"])][row["platform_comment_id"]] = state
        return found

    async def stages(self) -> tuple[StageFigures, ...]:
        """Progress and lag of every consumer group."""
        figures = []
        for name, inputs in STAGE_INPUTS.items():
            rows = await self._lag.read(f"{GROUP_PREFIX}.{name}", [topic.name for topic in inputs])
            done = sum(row.committed or row.first for row in rows)
            now = time.monotonic()
            first = self._first.setdefault(name, done)
            then, before = self._before.get(name, (now - 1, done))
            self._before[name] = (now, done)
            speed = (done - before) / max(now - then, 0.001)
            figures.append(StageFigures(name, done - first, speed, sum(row.lag for row in rows)))
        return tuple(figures)
