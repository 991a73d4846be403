"""Words and phrases of a policy in comments."""

import time
from collections.abc import Mapping

import pytest

from replies.phrases import Phrases
from replies.wording import read

GROUPS = {
    "legal": {"en": ["lawyer*", "see you in court"], "es": ["abogad*"], "fr": ["d'avocat"]},
    "abuse": {"fr": ["con"], "en": ["idiot*"]},
}


def find(text: str, language: str | None = "en") -> Mapping[str, str]:
    return Phrases(GROUPS, everywhere=["legal"]).find(read(text).words, language)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("My LAWYER will call", "lawyer*"),
        ("lawyers", "lawyer*"),
        ("See you, in court!", "see you in court"),
        ("ABOGÁDA", "abogad*"),
        ("un mot d'avocat", "d'avocat"),
    ],
)
def test_phrases_are_found_whatever_their_case_accents_and_punctuation(text: str, phrase: str) -> None:
    assert find(text)["legal"] == phrase


@pytest.mark.parametrize("text", ["flawyer", "see you at court", "see you in", "courting", ""])
def test_parts_of_words_and_of_phrases_are_not_found(text: str) -> None:
    assert find(text) == {}


def test_a_word_of_another_language_counts_only_in_groups_that_count_everywhere() -> None:
    assert find("vengo con mi abogado", "es") == {"legal": "abogad*"}
    assert find("quel con", "fr") == {"abuse": "con"}
    assert find("quel con", None) == {"abuse": "con"}
    assert find("idiots", "es") == {"abuse": "idiot*"}


@pytest.mark.parametrize(
    ("word", "found"), [("Diazepam", True), ("azepam", True), ("azepames", False), ("zepam", False)]
)
def test_a_star_before_a_word_is_any_beginning(word: str, found: bool) -> None:
    phrases = Phrases({"medicine": {"en": ["*azepam"]}})
    assert bool(phrases.find(read(f"my {word} and I").words, "en")) is found


def test_what_was_found_cannot_be_changed_by_who_asked() -> None:
    phrases = Phrases(GROUPS)
    words = read("my lawyer").words
    found = phrases.find(words, "en")
    with pytest.raises(TypeError):
        found["legal"] = "nothing"  # type: ignore[index]
    assert phrases.find(words, "en") == {"legal": "lawyer*"}


@pytest.mark.parametrize(
    "phrase",
    ["", "   ", "!!!", "*", "a*", "la*wyer", "see ** court", "*pam", "*azepam*", "my *azepam", "*a b c d"],
)
def test_a_phrase_that_could_never_match_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="phrase"):
        Phrases({"x": {"en": [phrase]}})


def test_an_idiom_excuses_what_lies_within_it_and_nothing_else() -> None:
    idioms = {"health": {"en": ["heart attack of joy"]}, "legal": {"en": ["crime how good"]}}
    phrases = Phrases({"health": {"en": ["attack", "joy of"]}, "legal": {"en": ["crime"]}}, idioms=idioms)

    def groups(text: str) -> set[str]:
        return set(phrases.find(read(text).words, "en"))

    assert groups("a heart attack of joy") == set()
    assert groups("a heart attack of joy after an attack") == {"health"}
    assert groups("an attack before a heart attack of joy") == {"health"}
    assert groups("a heart attack of joy of mine") == {"health"}, "it reaches beyond the idiom"
    assert groups("a crime, and a heart attack of joy") == {"legal"}


def test_a_comment_full_of_idioms_is_read_as_fast_as_any() -> None:
    idioms = {"health": {"en": ["died laughing"]}}
    phrases = Phrases({"health": {"en": ["died"]}}, idioms=idioms)
    words = read("died laughing " * 700).words
    began = time.process_time()
    assert phrases.find(words, "en") == {}
    assert time.process_time() - began < 0.3
