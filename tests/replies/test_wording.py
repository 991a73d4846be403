"""What the policy sees of a text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replies import wording


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ABOGÁDO", "abogado"),
        ("a\u0301bogado", "abogado"),
        ("la\u200bwyer", "lawyer"),
        ("ｌａｗｙｅｒ", "lawyer"),
        ("𝐥𝐚𝐰𝐲𝐞𝐫", "lawyer"),
        ("lаwyеr", "lawyer"),  # Cyrillic а and е
        ("l4wy3r", "lawyer"),
        ("$uicide", "suicide"),
        ("s u i c i d e", "suicide"),
        ("s.u.i.c.i.d.e", "suicide"),
        ("#Lawyer!", "lawyer"),
        ("STRASSE straße", "strasse"),
    ],
)
def test_disguises_of_a_word_are_undone(text: str, word: str) -> None:
    assert word in wording.read(text).words


@pytest.mark.parametrize(
    "text", ["", None, "❤️❤️", "@ana @luis.perez", "#love #brand", "?!", "🤮", "👍🏽 :)", "<3"]
)
def test_tags_signs_and_emoji_are_no_words(text: str | None) -> None:
    assert wording.read(text).wordless


@pytest.mark.parametrize("text", ["ok", "好吃", "3", "شكرا", "@ana look", "Привет ❤️", "ⓗⓘ"])
def test_letters_and_digits_are_words(text: str) -> None:
    assert not wording.read(text).wordless


def test_nothing_visible_is_empty() -> None:
    assert wording.read(" \n\t\u200b").empty
    assert wording.read(None).empty
    assert not wording.read("@ana").empty


@pytest.mark.parametrize(
    "text", ["see https://x.example/a", "www.shop.example", "go to cheap-pills.shop now", "bit.ly/2x"]
)
def test_links_are_seen(text: str) -> None:
    assert wording.read(text).link


@pytest.mark.parametrize("text", ["Great food.Thanks", "I paid 3.50", "e.g. this", "v1.2 is out"])
def test_ordinary_dots_are_no_links(text: str) -> None:
    assert not wording.read(text).link


@pytest.mark.parametrize(
    "text", ["mail me: a.b@c.example", "+34 600 123 456", "order 123456789", "(555) 123-4567"]
)
def test_contact_data_is_seen(text: str) -> None:
    assert wording.read(text).contact


@pytest.mark.parametrize("text", ["at 10:30", "since 2019", "3 of 12", "100% happy"])
def test_small_numbers_are_no_contact_data(text: str) -> None:
    assert not wording.read(text).contact


def test_letters_of_two_alphabets_are_noticed() -> None:
    assert wording.read("lаwyer").mixed_script
    assert wording.read("lawyer адвокат").mixed_script
    assert not wording.read("адвокат").mixed_script
    assert not wording.read("l'été à l'œuvre").mixed_script


@given(st.text(alphabet=st.characters(), max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    seen = wording.read(text)
    assert seen == wording.read(text)
    assert seen.length >= 0


@pytest.mark.parametrize(
    "piece", ["a.", "a ", "1 ", "@", "www.", "a-", ":(", "$a", "\u0301", "ﷺ", "a.b.", "1(", "<3"]
)
def test_long_hostile_text_is_read_quickly(piece: str) -> None:
    began = time.process_time()
    wording.read(piece * 100_000)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "text",
    ["call zero seven seven double zero nine", "ana arroba correo punto es", "seis cero cero uno dos tres"],
)
def test_contact_data_is_seen_where_it_is_spelled(text: str) -> None:
    assert wording.read(text).contact


@pytest.mark.parametrize("text", ["one two three go", "we are one, you are two", "five of six", "due caffè"])
def test_a_few_number_words_are_no_contact_data(text: str) -> None:
    assert not wording.read(text).contact


@pytest.mark.parametrize("text", ['say "yes"', "the „frische“ Fisch", "un mot « doux »", "your 'fresh' fish"])
def test_quotation_marks_are_seen(text: str) -> None:
    assert wording.read(text).quotes


@pytest.mark.parametrize("text", ["it's the dogs' bowl", "l'été d'avant", '5" screen', "rock 'n roll"])
def test_apostrophes_are_no_quotation_marks(text: str) -> None:
    assert not wording.read(text).quotes


def test_questions_are_seen_in_any_width() -> None:
    assert wording.read("really？").asks
    assert not wording.read("really!").asks


def test_clauses_end_at_punctuation_and_emoji() -> None:
    assert wording.read("Qué rico, gracias 😍 volveré - ¡sí!").clauses == (
        ("que", "rico"),
        ("gracias",),
        ("volvere",),
        ("si",),
    )
