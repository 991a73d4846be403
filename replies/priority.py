"""Which comment comes first where replies are scarce: one number, higher leaves first.

The sum of documented weights. A platform lets an account post some 30 replies a minute, so an hour with a
viral post is spent on questions and requests, not on hearts. Age takes from the sum as the comment's time
runs out: an answer within minutes is worth more than one after a day.
"""

from typing import Final

from schemas.labels import Intent, Sentiment

INTENT: Final = {
    Intent.COMPLAINT: 5.0,
    Intent.QUESTION: 4.0,
    Intent.REQUEST: 4.0,
    Intent.FEEDBACK: 2.5,
    Intent.COMPLIMENT: 1.5,
    Intent.OTHER: 0.5,
    Intent.SPAM: 0.0,
}
"""What an answer changes for the writer."""

SENTIMENT: Final = {Sentiment.NEGATIVE: 2.0, Sentiment.NEUTRAL: 0.5, Sentiment.POSITIVE: 0.0}
"""The unhappy ones first."""

RISK: Final = 10.0
"""A risk word stands before everything without one (the rest sums to less than 9)."""

OPENS_THREAD: Final = 0.5
"""A comment below the post is seen by more people than a reply below a comment."""

MENTIONS: Final = 1.0
"""The author calls the account by name."""

AGE: Final = 3.0
"""What a comment loses from fresh to expired, in proportion to its age."""


def score(
    intent: Intent, sentiment: Sentiment, *, risk: bool, age_share: float, opens_thread: bool, mentions: bool
) -> float:
    """The priority. `age_share`: age as a share of the time in which the comment may be answered, 0 to 1."""
    share = min(1.0, max(0.0, age_share))
    return round(
        INTENT[intent]
        + SENTIMENT[sentiment]
        + RISK * risk
        + OPENS_THREAD * opens_thread
        + MENTIONS * mentions
        - AGE * share,
        3,
    )
