"""A text's language is contradicted only where it is sure: nobody's short thanks is held for nothing."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.language import _MANY, Languages
from models.normalise import normalise
from models.training.data import comments
from replies.shipped import default_book

LANGUAGES = Languages()


def test_no_sentence_of_the_shipped_templates_is_taken_for_another_language() -> None:
    wrong = [
        (template.language, sentence)
        for template in default_book().templates.values()
        for sentence in re.split(r"(?<=[.!?])\s+", re.sub(r"\{[{%].*?[%}]\}", "", template.content))
        if LANGUAGES.checked(sentence, template.language) != template.language
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "text", ["Thanks!", "Gracias, Ana 🙌", "Obrigado!", "Danke schön!", "❤️❤️", "", "@ana merci"]
)
def test_a_few_words_prove_nothing(text: str) -> None:
    assert LANGUAGES.checked(text, "it") == "it"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "¡Muchas gracias por tu visita, te esperamos pronto de nuevo!"),
        ("de", "Vielen Dank für deinen Besuch, wir freuen uns auf dich!"),
        ("fr", "Merci beaucoup pour votre visite, à très bientôt chez nous !"),
        ("ru", "Большое спасибо за ваш отзыв, ждём вас снова!"),
    ],
)
def test_a_sentence_in_another_language_than_said_is_told(language: str, text: str) -> None:
    assert LANGUAGES.checked(text, "en") == language
    assert LANGUAGES.checked(text, language) == language
    assert LANGUAGES.checked(text, "pl") == "pl", "a language that is not told apart here"


@pytest.mark.parametrize(
    "text",
    ["Restaurant Bella Napoli Trattoria Vino", "Obrigado, gracias, te esperamos pronto amigo"],
)
def test_a_sentence_of_which_nobody_can_be_sure_is_what_it_is_said_to_be(text: str) -> None:
    assert LANGUAGES.checked(text, "en") == "en"
    assert LANGUAGES.checked(text, "fr") == "fr"


def one_by_one(texts: list[str]) -> list[tuple[str, float]]:
    return [LANGUAGES.detect([text])[0] for text in texts]


def agrees(texts: list[str]) -> bool:
    pairs = zip(LANGUAGES.detect(texts), one_by_one(texts), strict=True)
    return all(a[0] == b[0] and abs(a[1] - b[1]) < 0.001 for a, b in pairs)


def test_many_comments_at_once_are_told_as_each_alone() -> None:
    texts = [example.text for example in comments("heldout")]
    assert len(texts) > _MANY
    assert agrees(texts)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=40).map(normalise), min_size=1, max_size=8))
def test_whatever_the_texts_many_at_once_are_told_as_each_alone(texts: list[str]) -> None:
    assert agrees([*texts, *(["Hola, ¿cómo estás?", "ÇA VA", "żółć e\u0301", "1 2 3", ""] * _MANY)])
