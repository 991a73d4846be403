"""In whatever order: one live reply a comment, posted for good, nothing sent that was ended before."""

import asyncio
import itertools
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.outcomes import Cause, NotSent, Unknown, WriteOutcome
from infra.postgres import Pool
from schemas.events import CommentEvent, Decision
from tests.sinks.office import FakePage, Office
from tests.sinks.story import NOON, Clock, Story

LIVE = ("queued", "posting", "posted", "unknown")
PRESENT = "select comment_id::text as comment, decision_id, state, reply_id from reply_queue"

NUMBERS = st.integers(0, 1)
STEPS = st.one_of(
    st.tuples(
        st.sampled_from(["decide", "approve", "reject", "staff", "remove", "edit", "echo", "retract"]),
        NUMBERS,
    ),
    st.tuples(st.just("round"), st.sampled_from(["posted", "silent", "lost", "refused"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 40, 130, 400])),
)
NAMES = itertools.count(1)


class Machine:
    """Two comments, and what must be true of them after each step."""

    def __init__(self, office: Office, page: FakePage, story: Story, clock: Clock, pool: Pool) -> None:
        self.office, self.page, self.story, self.clock, self.pool = office, page, story, clock, pool
        self.numbers = [next(NAMES), next(NAMES)]
        self.posted: set[object] = set()
        self.over: dict[str, int] = {}
        """How often a comment had been answered when what ended its reply was committed."""

    async def begin(self) -> None:
        for number in self.numbers:
            self.page.show(number)
            await self.office.take(self.story.comment(number))

    async def step(self, what: str, argument: int | str) -> None:
        if what == "round":
            await self.round(str(argument))
        elif what == "wait":
            self.clock.advance(int(argument))
        else:
            await self.happen(what, self.numbers[int(argument)])
        await self.check()

    def sent(self, number: int) -> int:
        return sum(comment == f"c{number}" for comment, _ in self.page.sent)

    async def happen(self, what: str, number: int) -> None:
        at = (self.clock.now - NOON).total_seconds()
        event: CommentEvent | Decision
        match what:
            case "decide":
                event = self.story.decision(number, at=at, expires_in=at + 300)
            case "approve":
                event = self.story.decision(number, "approve", by="mia", text="Thanks a lot!", at=at)
            case "reject":
                event = self.story.decision(number, "reject", by="mia", at=at)
            case "staff":
                event = self.story.staff(number, reply_id=f"s{number}", at=at)
            case "remove":
                event = self.story.comment(number, "removed", at=at)
            case "edit":
                event = self.story.comment(number, "edited", text="Other", at=at)
                self.page.show(number, "Other")
            case "echo":
                there = self.page.replies.get(f"c{number}", [])
                if not there:
                    return
                event = self.story.staff(number, there[-1].text, there[-1].reply_id, at=at)
            case _:
                await self.pool.execute(
                    "update reply_queue set retracted_at = now() where comment_id = $1 and state = 'posted'",
                    self.story.comment_id(number),
                )
                return
        await self.office.take(event)
        if what in ("remove", "edit", "staff"):
            # What is under way, or in doubt, may have been sent: nothing new may be.
            self.over.setdefault(f"c{number}", self.sent(number))

    async def round(self, how: str) -> None:
        async def answer(comment: str, text: str) -> WriteOutcome:
            if how == "refused":
                return NotSent(Cause.TRANSIENT, "busy")
            if how == "lost":
                return Unknown("nobody knows, and it is not there")
            made = self.page.accept(comment, text)
            return made if how == "posted" else Unknown("nobody knows, and it is there")

        self.page.on_reply = answer
        await self.office.round(self.office.poster())

    async def check(self) -> None:
        rows = await self.pool.fetch(PRESENT)
        live = [row["comment"] for row in rows if row["state"] in LIVE]
        assert len(live) == len(set(live))
        posted = {row["decision_id"] for row in rows if row["state"] == "posted"}
        assert self.posted <= posted, "what was posted is not any more"
        assert all(row["reply_id"] for row in rows if row["state"] == "posted")
        self.posted = posted
        for number in self.numbers:
            assert self.sent(number) <= 1, "answered twice"
            assert self.sent(number) <= self.over.get(f"c{number}", 1), "sent after it had been ended"


async def test_the_queue_keeps_its_promises_in_every_order(
    office: Office, page: FakePage, story: Story, clock: Clock, pool: Pool
) -> None:
    loop = asyncio.get_running_loop()

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(STEPS, min_size=3, max_size=25))
    def check(steps: list[tuple[str, int | str]]) -> None:
        async def run() -> None:
            clock.now += timedelta(days=1)
            await pool.execute("truncate reply_queue, reply_attempts, observed_replies")
            page.sent.clear()
            page.on_reply = None
            machine = Machine(office, page, story, clock, pool)
            await machine.begin()
            for what, argument in steps:
                await machine.step(what, argument)

        asyncio.run_coroutine_threadsafe(run(), loop).result(240)

    await asyncio.to_thread(check)
