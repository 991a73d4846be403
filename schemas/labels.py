"""The labels a comment is given; the models predict them, the policy decides by them."""

from enum import StrEnum


class Sentiment(StrEnum):
    """How the writer feels."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Intent(StrEnum):
    """What the brand should react to first; `other` is what is none of the six."""

    QUESTION = "question"
    COMPLAINT = "complaint"
    COMPLIMENT = "compliment"
    REQUEST = "request"
    FEEDBACK = "feedback"
    SPAM = "spam"
    OTHER = "other"
