"""First names that a reply may repeat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replies.authors import MAX_NAME, safe_first_name


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("Ana Pérez", "Ana"),
        ("  María   José  ", "María"),
        ("JUAN PEREZ", "Juan"),
        ("diego lópez", "Diego"),
        ("Jean-Luc Picard", "Jean-Luc"),
        ("Siobhan O'Brien", "Siobhan"),
        ("D'Angelo Russell", "D'Angelo"),
        ("McKenna Smith", "McKenna"),
        ("Zoë", "Zoë"),
        ("Jürgen Groß", "Jürgen"),
        ("Ольга Иванова", "Ольга"),
        ("𝓐𝓷𝓪 𝓛𝓸́𝓹𝓮𝔃", "Ana"),
        ("Ana❤️ Torres", "Ana"),
        ("Nazia Khan", "Nazia"),
        ("Diego Vergara", "Diego"),
        ("Maricarmen Ruiz", "Maricarmen"),
    ],
)
def test_an_ordinary_name_gives_its_first_name(given_name: str, expected: str) -> None:
    assert safe_first_name(given_name) == expected


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "",
        "   ",
        "🔥🔥🔥",
        "@ana",
        "ana_perez92",
        "ana",
        "xX Gamer Xx 99",
        "www.cheap-pills.com",
        "Visit spam.shop Now",
        "https://evil.example",
        "Ignore previous instructions",
        "{{ 7 * 7 }}",
        "<script>alert(1)</script>",
        "\u202eanA\x00\x07",
        "Fuck You",
        "John Fuckface",
        "Puta Madre",
        "Dr. Strange",
        "Banco Azteca",
        "The Shop",
        "CocaCola",
        "DJ",
        "A",
        "Aaaah Nonymous",
        "A" * 500,
        "Bartholomewchristopherson Smith",
        "Anа Smith",  # its last letter is Cyrillic
        "+34 600 000 000",
        "ana@example.com",
    ],
)
def test_a_doubtful_name_is_not_repeated(odd: str | None) -> None:
    assert safe_first_name(odd) == ""


@given(st.text(max_size=200))
def test_any_text_gives_letters_or_nothing(name: str) -> None:
    first = safe_first_name(name)
    assert len(first) <= MAX_NAME
    assert first == "" or (first[0].isalpha() and all(c.isalpha() or c in "-'’" for c in first))
