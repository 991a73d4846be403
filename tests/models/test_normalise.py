"""How a comment is cleaned before a model reads it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.normalise import MAX_CHARS, normalise


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        (r"hola \ud83d\ude21 \"ya\"", 'hola 😡 "ya"'),
        ("don\\'t\\nknow", "don't know"),
        ("\ud83d\ude21", "😡"),
        ("solo \ud800 aquí", "solo aquí"),
        ("@Juan.Perez! mira", "@user! mira"),
        ("https://a.b/c?x=1 y www.tienda.es", "http y http"),
        ("visita mi-tienda.com/oferta", "visita http"),
        ("escribe a ana@correo.es", "escribe a [email]"),
        ("llama al +34 612 345 678", "llama al [number]"),
        ("cuesta 12,50 € o 1500", "cuesta 12,50 € o 1500"),
        ("gooooool!!!!!!", "goool!!!"),
        ("👍🏽 🤷‍♀️ ❤️", "👍 🤷 ❤"),
        ("it&#39;s &quot;ok&quot;<br />bye", 'it\'s "ok" bye'),
        ("a\u200bb\u202e c\x00d", "ab c d"),
        ("𝓱𝓮𝓵𝓵𝓸", "hello"),
        ("", ""),
        (" \n\t\u200b ", ""),
    ],
)
def test_cleans(raw: str, cleaned: str) -> None:
    assert normalise(raw) == cleaned


def test_reads_a_bounded_part_of_a_very_long_comment() -> None:
    assert len(normalise("palabra " * 20_000)) <= MAX_CHARS


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=300))
def test_any_text_gives_clean_text_and_never_raises(text: str) -> None:
    cleaned = normalise(text)
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
    assert all(c.isprintable() or c not in "\n\t\r\x00" for c in cleaned)
    cleaned.encode("utf-8")


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=("L", "P", "So", "Zs", "Nd")), max_size=200))
def test_what_is_clean_stays_about_as_long(text: str) -> None:
    once = normalise(text)
    assert len(normalise(once)) <= len(once)
