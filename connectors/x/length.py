"""How X counts the characters of a post. Source: "Counting Characters" of X's documentation."""

from typing import Final

from twitter_text import parse_tweet

REPLY_LIMIT: Final = 280
"""Weighted characters of a post by an account without a premium subscription."""


def weighted_length(text: str) -> int:
    """Latin letters count 1, most other scripts and every emoji 2, every link 23, after Unicode NFC."""
    return int(parse_tweet(text).weightedLength)
