"""The catalogue of topics: each name, its schema, partitions and retention, defined here and nowhere else."""

from dataclasses import dataclass, field
from typing import Final

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

DEFAULT_PARTITIONS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic.

    `schema` names the Avro schema of its values; keys are UTF-8: the comment id everywhere but on
    `config.changes` (kind:tenant:id) and where there is no comment (account id).
    `settings` are Kafka topic settings; times in milliseconds.
    """

    name: str
    schema: str
    partitions: int = DEFAULT_PARTITIONS
    settings: dict[str, str] = field(default_factory=dict)


def _comments(retention_ms: int = 46 * HOUR_MS) -> dict[str, str]:
    # Comments are personal data: hourly segments, so that records really go when retention says so. A segment
    # is kept until its newest record is old enough: two hours below the strictest platform's 48 (LinkedIn).
    return {"segment.ms": str(HOUR_MS), "retention.ms": str(retention_ms)}


COMMENTS_RAW: Final = Topic(name="comments.raw", schema="comment_event", settings=_comments())
COMMENTS_BACKFILL: Final = Topic(name="comments.backfill", schema="comment_event", settings=_comments())
POSTS_RAW: Final = Topic(name="posts.raw", schema="post_event", settings=_comments())
ENGAGEMENT_RAW: Final = Topic(name="engagement.raw", schema="engagement_event", settings=_comments())
COMMENTS_ENRICHED: Final = Topic(name="comments.enriched", schema="enriched_comment", settings=_comments())
COMMENTS_SHADOW: Final = Topic(name="comments.shadow", schema="enriched_comment", settings=_comments())
"""What a second model says of the same comments: for the Postgres sink alone."""

REPLIES_DRAFTED: Final = Topic(name="replies.drafted", schema="drafted_reply", settings=_comments())
REPLIES_DECIDED: Final = Topic(name="replies.decided", schema="decision", settings=_comments())
REPLIES_OUTCOMES: Final = Topic(name="replies.outcomes", schema="reply_outcome", settings=_comments())
DEAD_LETTERS: Final = Topic(
    name="dead.letters",
    schema="dead_letter",
    partitions=1,
    settings={"retention.ms": str(30 * DAY_MS), "segment.ms": str(DAY_MS), "max.message.bytes": "4194304"},
)
CONFIG_CHANGES: Final = Topic(
    name="config.changes", schema="config_change", partitions=1, settings={"cleanup.policy": "compact"}
)

ALL: Final[dict[str, Topic]] = {
    topic.name: topic
    for topic in (
        COMMENTS_RAW,
        COMMENTS_BACKFILL,
        POSTS_RAW,
        ENGAGEMENT_RAW,
        COMMENTS_ENRICHED,
        COMMENTS_SHADOW,
        REPLIES_DRAFTED,
        REPLIES_DECIDED,
        REPLIES_OUTCOMES,
        DEAD_LETTERS,
        CONFIG_CHANGES,
    )
}
