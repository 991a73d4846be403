"""Which stages there are, by name; light, so that asking Kafka about them loads no model."""

from typing import Final

from schemas import topics
from schemas.topics import Topic

GROUP_PREFIX: Final = "parley"
STAGE_INPUTS: Final[dict[str, tuple[Topic, ...]]] = {
    "enrich": (topics.COMMENTS_RAW,),
    "draft": (topics.COMMENTS_ENRICHED,),
    "decide": (topics.REPLIES_DRAFTED,),
    "postgres": (
        topics.COMMENTS_RAW,
        topics.COMMENTS_ENRICHED,
        topics.COMMENTS_SHADOW,
        topics.REPLIES_DRAFTED,
        topics.REPLIES_DECIDED,
        topics.REPLIES_OUTCOMES,
        topics.POSTS_RAW,
        topics.ENGAGEMENT_RAW,
        topics.DEAD_LETTERS,
    ),
    "post": (topics.COMMENTS_RAW, topics.REPLIES_DECIDED),
}
"""The stages by name, and what each reads; a stage's consumer group is `parley.NAME`."""
