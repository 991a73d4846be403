from datetime import UTC, datetime

import pytest

from schemas.errors import DecodeError, PoisonError, StageHalted
from schemas.events import Header
from streams.dead_letters import Limits, dead_letter, dead_letter_id
from streams.reading import Raw
from streams.settings import DeadLetterLimits

RAW = Raw("comments.raw", 3, 7, datetime(2026, 1, 2, tzinfo=UTC), b"k", b"value", (("h", b"1"), ("h", None)))
ERROR = PoisonError("no good")


def limits(**values: float) -> Limits:
    return Limits("enrich", DeadLetterLimits(**values))  # type: ignore[arg-type]


def test_a_dead_letter_holds_the_record_as_it_was_and_why() -> None:
    try:
        raise DecodeError("not Avro") from ValueError("inner")
    except DecodeError as error:
        letter = dead_letter("enrich", RAW, error)
    assert (letter.topic, letter.partition, letter.offset, letter.key, letter.value) == (
        "comments.raw", 3, 7, b"k", b"value",
    )  # fmt: skip
    assert letter.headers == (Header(name="h", value=b"1"), Header(name="h", value=None))
    assert (letter.reason, letter.error, letter.message) == ("undecodable", "DecodeError", "not Avro")
    assert letter.stack.splitlines()[0].startswith("ValueError")
    assert f'{__file__}", line' in letter.stack
    assert letter.stack.endswith("DecodeError: not Avro")
    assert letter.key_id is None


def test_nothing_of_a_foreign_errors_words_is_kept() -> None:
    """They may quote what somebody wrote, and only the value is encrypted."""
    secret = "my number is 555 0100"
    try:
        try:
            int(secret)
        except ValueError as cause:
            raise KeyError(secret) from cause
    except KeyError as error:
        letter = dead_letter("enrich", RAW, error)
    assert secret not in letter.message + letter.stack
    assert letter.error == "KeyError"
    assert "the stack says where" in letter.message
    assert "which led to" in letter.stack


def test_its_id_is_the_same_for_the_same_record_and_stage() -> None:
    first, again = dead_letter("enrich", RAW, ERROR), dead_letter("enrich", RAW, ValueError("other"))
    assert first.dead_letter_id == again.dead_letter_id == dead_letter_id("enrich", "comments.raw", 3, 7)
    assert first.dead_letter_id != dead_letter("draft", RAW, ERROR).dead_letter_id


def test_its_value_is_sealed_and_says_with_which_key() -> None:
    letter = dead_letter("enrich", RAW, ERROR, lambda value: (value[::-1], "2026a"))
    assert (letter.value, letter.key_id) == (b"eulav", "2026a")


@pytest.mark.parametrize(
    ("key", "value", "error", "reason"),
    [
        (b"k", None, ERROR, "null_value"),
        (None, b"v", ERROR, "null_key"),
        (b"k", b"v", KeyError("x"), "unexpected_error"),
        (b"k", b"v", ERROR, "poison"),
    ],
)
def test_reasons(key: bytes | None, value: bytes | None, error: Exception, reason: str) -> None:
    assert dead_letter("s", Raw("t", 0, 0, None, key, value, ()), error).reason == reason


def test_a_run_of_dead_letters_halts_the_stage() -> None:
    counted = limits(consecutive=3)
    for _ in range(5):
        counted.dead(ERROR)
        counted.dead(ERROR)
        counted.alive()
    counted.dead(ERROR)
    counted.dead(ERROR)
    with pytest.raises(StageHalted, match=r"stage enrich halted: 3 records in a row.*no good"):
        counted.dead(ERROR)


def test_too_large_a_share_of_dead_letters_halts_the_stage() -> None:
    counted = limits(ratio=0.25, window=100, least=20, consecutive=50)
    for number in range(100):
        if number % 4 == 3:
            counted.dead(ERROR)  # exactly a quarter is allowed
        else:
            counted.alive()
    with pytest.raises(StageHalted, match="26 of the last 100 records"):
        counted.dead(ERROR)


def test_the_share_is_taken_of_the_last_records_only() -> None:
    counted = limits(ratio=0.5, window=10, least=10, consecutive=50)
    for _ in range(5):
        counted.dead(ERROR)
    for _ in range(10):
        counted.alive()
    for _ in range(5):
        counted.dead(ERROR)


def test_few_records_are_no_share() -> None:
    counted = limits(ratio=0.1, least=20, consecutive=50)
    for _ in range(19):
        counted.dead(ERROR)
    with pytest.raises(StageHalted):
        counted.dead(ERROR)
