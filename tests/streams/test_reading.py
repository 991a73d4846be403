from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from schemas import codec, headers, topics
from schemas.errors import DecodeError, PoisonError
from schemas.events import Analysis, CommentEvent, CommentKind, EnrichedComment, Platform, Source
from schemas.labels import Intent, Sentiment
from streams.reading import Raw, Reader, from_message
from streams.stage import Result, Stage

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
COMMENT = CommentEvent(
    kind=CommentKind.ADDED,
    tenant_id="default",
    platform=Platform.X,
    account_id="a",
    comment_id="c",
    platform_comment_id="1",
    text="hi",
    occurred_at=NOW,
    observed_at=NOW,
    source=Source.POLL,
)
CODEC = codec.load()


async def nothing(_inputs: object) -> list[Result]:
    return []


READER = Reader(
    Stage(name="s", reads=(topics.COMMENTS_RAW, topics.COMMENTS_ENRICHED), process=nothing), CODEC
)


def raw(
    value: bytes | None,
    key: bytes | None = b"c",
    *,
    topic: str = "comments.raw",
    headers: tuple[tuple[str, bytes | None], ...] = (),
) -> Raw:
    return Raw(topic, 1, 2, NOW, key, value, headers)


def test_the_class_of_an_event_follows_from_its_topic() -> None:
    analysis = Analysis(
        model="m",
        model_hash="h",
        sentiment=Sentiment.NEUTRAL,
        sentiment_scores={},
        intent=Intent.OTHER,
        intent_scores={},
        language="en",
        language_confidence=1.0,
        unknown_share=0.0,
    )
    enriched = EnrichedComment(comment=COMMENT, analysis=analysis, enriched_at=NOW)
    assert READER.read(raw(CODEC.encode(COMMENT))).event == COMMENT
    assert READER.read(raw(CODEC.encode(enriched), topic="comments.enriched")).event == enriched
    with pytest.raises(DecodeError, match="this topic carries enriched_comment"):
        READER.read(raw(CODEC.encode(COMMENT), topic="comments.enriched"))


@pytest.mark.parametrize(("value", "key"), [(None, b"k"), (b"x", None), (None, None), (b"x", b"\xff\xfe")])
def test_records_without_value_or_readable_key_are_poison(value: bytes | None, key: bytes | None) -> None:
    with pytest.raises(PoisonError):
        READER.read(raw(value, key))


def test_replayed_records_may_be_posted_only_if_that_was_allowed() -> None:
    value = CODEC.encode(COMMENT)
    live = READER.read(raw(value))
    marked = READER.read(raw(value, headers=((headers.REPLAY, headers.REPLAY_MARK),)))
    allowed = READER.read(raw(value, headers=((headers.REPLAY, headers.REPLAY_ALLOW_POSTING),)))
    assert [(each.replay, each.posting_allowed) for each in (live, marked, allowed)] == [
        (False, True),
        (True, False),
        (True, True),
    ]


def test_a_message_keeps_its_headers_and_time() -> None:
    message = SimpleNamespace(
        topic="t",
        partition=0,
        offset=5,
        timestamp=NOW.timestamp(),
        key=b"k",
        value=b"v",
        headers=(("a", b"1"),),
    )
    assert from_message(message) == Raw("t", 0, 5, NOW, b"k", b"v", (("a", b"1"),))
    message.headers, message.timestamp = None, -0.001
    assert from_message(message) == Raw("t", 0, 5, None, b"k", b"v", ())
