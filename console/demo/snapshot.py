"""What the live view shows, read from the broker and the database, never from the pipeline's own counters."""

import time
from dataclasses import dataclass, field
from datetime import datetime

from console.stages import GROUP_PREFIX, STAGE_INPUTS
from infra.lag import LagReader
from infra.postgres import Pool
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
class Snapshot:
    """Everything the view shows at one moment; counts are of this run's comments."""

    elapsed: float = 0.0
    fed: int = 0
    total: int | None = None
    outcomes: dict[str, int] = field(default_factory=dict)
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
        waiting = {state.value for state in State if state in _MOVING}
        return sum(count for state, count in self.outcomes.items() if state in waiting)

    @property
    def for_people(self) -> int:
        """Comments that wait for a person."""
        return sum(self.outcomes.get(state.value, 0) for state in OPEN_PEOPLE)


_MOVING = frozenset(
    {State.RECEIVED, State.ENRICHED, State.DRAFTED, State.QUEUED, State.POSTING, State.UNKNOWN}
)


class Reader:
    """Reads a snapshot's parts from the database and the broker, for the comments received since `began`."""

    def __init__(self, pool: Pool, lag: LagReader, account_id: str, began: datetime) -> None:
        self._pool, self._lag = pool, lag
        self._scope = (account_id, began)
        self._before: dict[str, tuple[float, int]] = {}
        self._first: dict[str, int] = {}

    async def outcomes(self) -> dict[str, int]:
        """Comments by state."""
        rows = await self._pool.fetch(
            "select state, count(*) as n from comments "
            "where account_id = $1 and received_at >= $2 group by state order by n desc",
            *self._scope,
        )
        return {row["state"]: row["n"] for row in rows}

    async def labels(self) -> tuple[dict[str, int], dict[str, int]]:
        """(comments by sentiment, comments by intent)."""
        rows = await self._pool.fetch(
            "select a.sentiment, a.intent, count(*) as n from analyses a "
            "join comments c on c.current_revision_id = a.revision_id "
            "where c.account_id = $1 and c.received_at >= $2 group by 1, 2",
            *self._scope,
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
            "where c.account_id = $1 and c.received_at >= $2 "
            "order by c.state_changed_at desc limit $3) c "
            "left join lateral (select sentiment, intent, language from analyses a "
            "  where a.revision_id = c.current_revision_id limit 1) a on true "
            "left join lateral (select text as reply from reply_queue q "
            "  where q.comment_id = c.comment_id and q.state in ('queued', 'posting', 'posted', 'unknown')) "
            "q on true",
            *self._scope,
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
            await self._pool.fetchval(
                "select count(*) from dead_letters where failed_at >= $1", self._scope[1]
            )
        )

    async def states(self) -> dict[str, tuple[str, datetime]]:
        """Every comment's (state, since when) by the platform's id."""
        rows = await self._pool.fetch(
            "select platform_comment_id, state, state_changed_at from comments "
            "where account_id = $1 and received_at >= $2",
            *self._scope,
        )
        return {row["platform_comment_id"]: (row["state"], row["state_changed_at"]) for row in rows}

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
