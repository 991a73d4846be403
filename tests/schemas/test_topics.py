"""The catalogue of topics: schemas that exist, settings that mean something, personal data that goes."""

import pytest

from schemas import topics
from schemas.events import EVENTS
from schemas.topics import Topic

NOT_ABOUT_COMMENTS = {topics.DEAD_LETTERS.name, topics.CONFIG_CHANGES.name}
each = pytest.mark.parametrize("topic", topics.ALL.values(), ids=topics.ALL)


@each
def test_a_topic_carries_a_known_schema(topic: Topic) -> None:
    assert topic.schema in EVENTS
    assert topics.ALL[topic.name] is topic


@each
def test_a_topic_has_partitions_and_settings_as_kafka_takes_them(topic: Topic) -> None:
    assert topic.partitions >= 1
    for name, value in topic.settings.items():
        assert name in {"segment.ms", "retention.ms", "max.message.bytes", "cleanup.policy"}
        assert value == "compact" if name == "cleanup.policy" else int(value) > 0


@pytest.mark.parametrize("name", sorted(set(topics.ALL) - NOT_ABOUT_COMMENTS))
def test_comments_really_go_within_a_day_or_two(name: str) -> None:
    settings = topics.ALL[name].settings
    assert topics.DAY_MS <= int(settings["retention.ms"]) <= 2 * topics.DAY_MS
    assert int(settings["segment.ms"]) <= topics.HOUR_MS  # what is not in a closed segment does not go
    assert settings.get("cleanup.policy", "delete") == "delete"


def test_dead_letters_stay_thirty_days() -> None:
    assert int(topics.DEAD_LETTERS.settings["retention.ms"]) == 30 * topics.DAY_MS


def test_a_dead_letter_has_room_for_the_largest_record_and_its_story() -> None:
    assert (
        int(topics.DEAD_LETTERS.settings["max.message.bytes"]) >= 2 * 1_048_588
    )  # Kafka's largest by default


def test_configuration_is_kept_whole_in_one_order() -> None:
    assert topics.CONFIG_CHANGES.settings["cleanup.policy"] == "compact"
    assert "retention.ms" not in topics.CONFIG_CHANGES.settings
    assert topics.CONFIG_CHANGES.partitions == 1


def test_topics_that_a_stage_joins_by_key_have_equal_partitions() -> None:
    assert {topics.ALL[name].partitions for name in set(topics.ALL) - NOT_ABOUT_COMMENTS} == {
        topics.DEFAULT_PARTITIONS
    }
