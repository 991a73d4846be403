"""Ids are the same wherever a thing is seen, and different for different things."""

import re
import unicodedata
import uuid

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from schemas import identity

COMMENT = identity.comment_id("facebook", "page", "1_2")
anything = st.text()  # lone surrogates included
sound = st.text(st.characters(exclude_categories=["Cs"]))
part = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1f"))
gap = st.sampled_from([" ", "  ", "\n", "\t \r\n", "\u00a0", "\u3000", "\x1f"])


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        (None, ""),
        ("", ""),
        ("plain ñ 語 🙂", "plain ñ 語 🙂"),
        ("a\x00b", "a\ufffdb"),
        ("\ud83d\ude42", "🙂"),  # a pair that came as two escapes
        ("\ud83d", "\ufffd"),
        ("\ude42\ud83d", "\ufffd\ufffd"),
        ("a\ud83db", "a\ufffdb"),
        ("\ufeff\ud83d\ude42\ud83d!", "\ufeff🙂\ufffd!"),
        ("tab\tand\x07bell stay", "tab\tand\x07bell stay"),
    ],
)
def test_clean_text_replaces_what_no_store_accepts(given_text: str | None, cleaned: str) -> None:
    assert identity.clean_text(given_text) == cleaned


@given(anything)
def test_clean_text_is_always_storable_and_cleaning_twice_changes_nothing(text: str) -> None:
    cleaned = identity.clean_text(text)
    assert "\x00" not in cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert identity.clean_text(cleaned) == cleaned


@given(sound)
def test_clean_text_leaves_sound_text_alone(text: str) -> None:
    assume("\x00" not in text)
    assert identity.clean_text(text) == text


@given(sound)
@example("é")
@example("각")
def test_a_revision_is_the_same_composed_or_decomposed(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert identity.revision_id(COMMENT, composed) == identity.revision_id(COMMENT, decomposed)


@given(st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1), min_size=1), st.data())
def test_a_revision_is_the_same_whatever_the_white_space(words: list[str], data: st.DataObject) -> None:
    spaced = "".join(data.draw(gap) + word for word in words) + data.draw(gap)
    assert identity.revision_id(COMMENT, spaced) == identity.revision_id(COMMENT, " ".join(words))


def test_no_text_and_empty_text_are_one_wording() -> None:
    assert identity.revision_id(COMMENT, None) == identity.revision_id(COMMENT, " \n")


@pytest.mark.parametrize("edited", ["great", "Great!", "Gre at", "Greát", "Great 🙂", "Grеat", ""])
def test_a_real_edit_is_another_revision(edited: str) -> None:
    assert identity.revision_id(COMMENT, edited) != identity.revision_id(COMMENT, "Great")


def test_attachments_belong_to_the_wording_in_any_order() -> None:
    both = identity.revision_id(COMMENT, "look", ["photo", "video"])
    assert both == identity.revision_id(COMMENT, "look", ["video", "photo"])
    assert (
        len(
            {
                both,
                *(identity.revision_id(COMMENT, "look", kinds) for kinds in ([], ["photo"], ["photo"] * 2)),
            }
        )
        == 4
    )
    assert identity.revision_id(COMMENT, "look\x1fphoto") != identity.revision_id(COMMENT, "look", ["photo"])


def test_the_same_words_under_two_comments_are_two_revisions() -> None:
    other = identity.comment_id("facebook", "page", "1_3")
    assert identity.revision_id(COMMENT, "Great") != identity.revision_id(other, "Great")


def test_parts_that_could_be_confused_give_different_comments() -> None:
    parts = [
        ("facebook", "1", "23"),
        ("facebook", "12", "3"),
        ("facebook", "1_2", "3"),
        ("facebook", "1", "2_3"),
        ("instagram", "1", "23"),
        ("facebook1", "", "23"),
        ("facebook", "123", ""),
        ("facebook", "", "123"),
    ]
    assert len({identity.comment_id(*item) for item in parts}) == len(parts)


@given(st.tuples(part, part, part), st.tuples(part, part, part))
def test_comment_ids_differ_when_any_part_does(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert (identity.comment_id(*one) == identity.comment_id(*other)) == (one == other)


def test_ids_are_version_5_uuids_and_never_change() -> None:
    assert uuid.UUID(COMMENT).version == 5
    assert COMMENT == "2a97b022-da88-5bad-92d3-3f930ba55c5d"
    assert identity.revision_id(COMMENT, "Great", ["photo"]) == "4520ade4-9454-52ee-a804-8017b4a22100"
    assert identity.draft_id("r", "Thanks!", "template") == "ae2f9340-eb48-5a02-b179-3b508b4ed8ae"
    assert identity.decision_id("r", None, "machine", "no_reply") == "3297bd67-2613-5a90-802b-267e7ac80ff6"


def test_ids_of_different_kinds_never_meet() -> None:
    made = {
        identity.comment_id("a", "b", "c"),
        identity.revision_id("a", "b"),
        identity.draft_id("a", "b", "c"),
        identity.decision_id("a", "b", "c", "d"),
    }
    assert len(made) == 4


def test_another_text_or_origin_is_another_draft() -> None:
    made = {
        identity.draft_id("r", text, origin) for text in ("Hi", "Hi!") for origin in ("template", "person")
    }
    assert len(made) == 4


def test_a_content_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert identity.content_hash({"a": 1, "ü": [2]}) == identity.content_hash({"ü": [2], "a": 1})
    assert identity.content_hash({"a": 1}) != identity.content_hash({"a": 2})
    assert re.fullmatch("[0-9a-f]{64}", identity.content_hash({}))
