"""A text's language is contradicted only where it is sure: nobody's short thanks is held for nothing."""

import re

import pytest

from models.language import Languages
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
