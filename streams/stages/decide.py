"""Stage `decide`: the policy says whether a drafted reply goes out by itself or waits for a person.

replies.drafted ──> replies.decided
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from schemas import topics
from schemas.events import DraftedReply, utc_now
from streams.stage import Batches, Hook, Input, Output, Result, Stage
from streams.stages.draft import Decide


def decide(
    policy: Decide,
    *,
    start: Hook | None = None,
    shape: Batches | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Stage:
    """The stage; `start` is awaited before its first record (a policy may have to be read first)."""

    async def process(inputs: Sequence[Input[DraftedReply]]) -> list[Result]:
        results = []
        for each in inputs:
            drafted = each.event
            decision = policy(drafted.comment, drafted.analysis, drafted.draft, now())
            results.append(
                Result((Output(topics.REPLIES_DECIDED, each.key, decision),), outcome=decision.action.value)
            )
        return results

    return Stage(
        name="decide", reads=(topics.REPLIES_DRAFTED,), process=process, shape=shape or Batches(), start=start
    )
