"""Which comment comes first where replies are scarce: one number, higher leaves first.

The sum of documented weights, which a policy may change (`priority` in its document). A platform lets an
account post some 30 replies a minute, so an hour with a viral post is spent on questions and requests, not on
hearts. Age takes from the sum as the comment's time runs out: an answer within minutes is worth more than one
after a day. The size of the thread is weighed where the reply waits (`sinks.worth`), since it grows there.
"""

import math
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from replies.documents import Document
from schemas.labels import Intent, Sentiment

Weight = Annotated[float, Field(ge=0, le=1000)]

_INTENT: Final = {
    Intent.COMPLAINT: 5.0,
    Intent.QUESTION: 4.0,
    Intent.REQUEST: 4.0,
    Intent.FEEDBACK: 2.5,
    Intent.COMPLIMENT: 1.5,
    Intent.OTHER: 0.5,
    Intent.SPAM: 0.0,
}
_SENTIMENT: Final = {Sentiment.NEGATIVE: 2.0, Sentiment.NEUTRAL: 0.5, Sentiment.POSITIVE: 0.0}

RISK: Final = 10.0

FULL_THREAD: Final = 10
"""Doublings of a thread, to 1,024 comments, after which it is worth no more."""

_FULL_REACH: Final = 6.0
"""Powers of ten of followers, a million, after which an author is worth no more."""


class Weights(Document):
    """What counts how much; a policy names those it changes, of intents and sentiments too.

    `intent`: what an answer changes for the writer. `sentiment`: the unhappy ones first. `risk`: a risk word
    stands before everything without one (by default the rest sums to less than 10). `opens_thread`: a comment
    below the post is seen by more people than a reply below a comment. `mentions`: the author calls the
    account by name. `thread`: in a thread of 1,024 comments or more, a tenth of it for each doubling up to
    there. `reach`: from an author with a million followers or more, a sixth of it for each power of ten up to
    there; nothing where the platform does not tell (all but X). `age`: what a comment loses from fresh to
    expired, in proportion to its age.
    """

    intent: dict[Intent, Weight] = Field(default_factory=lambda: dict(_INTENT))
    sentiment: dict[Sentiment, Weight] = Field(default_factory=lambda: dict(_SENTIMENT))
    risk: Weight = RISK
    opens_thread: Weight = 0.5
    mentions: Weight = 1.0
    thread: Weight = 0.5
    reach: Weight = 0.9
    age: Weight = 3.0

    @model_validator(mode="after")
    def _fills_up(self) -> Self:
        object.__setattr__(self, "intent", {**_INTENT, **self.intent})
        object.__setattr__(self, "sentiment", {**_SENTIMENT, **self.sentiment})
        return self


DEFAULT: Final = Weights()
"""The weights of a policy that names none."""


def score(
    intent: Intent,
    sentiment: Sentiment,
    *,
    risk: bool,
    age_share: float,
    opens_thread: bool,
    mentions: bool,
    followers: int | None = None,
    weights: Weights = DEFAULT,
) -> float:
    """The priority but for the thread's size.

    `age_share`: age as a share of the time in which the comment may be answered, 0 to 1. `followers`: of the
    author, None where they are not known.
    """
    share = min(1.0, max(0.0, age_share))
    reach = min(1.0, math.log10(max(1, followers or 1)) / _FULL_REACH)
    return round(
        weights.intent[intent]
        + weights.sentiment[sentiment]
        + weights.risk * risk
        + weights.opens_thread * opens_thread
        + weights.mentions * mentions
        + weights.reach * reach
        - weights.age * share,
        3,
    )
