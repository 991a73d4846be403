import pytest

from connectors.instagram.wording import REPLY_LIMIT, refusal_of


@pytest.mark.parametrize(
    "text",
    [
        "Thanks!",
        "x" * REPLY_LIMIT,
        "#a #b #c #d",
        "see https://www.example.org/a#b/c and order no. 7#3",
        "OK",
        "🙏",
    ],
)
def test_what_instagram_takes(text: str) -> None:
    assert refusal_of(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "characters"),
        (" \n", "characters"),
        ("x" * (REPLY_LIMIT + 1), "2200 characters, not 2201"),
        ("#a #b #c #d #é", "4 hashtags, not 5"),
        ("https://a.example www.b.example", "1 URL, not 2"),
        ("HTTP://a.example http://a.example", "1 URL, not 2"),
    ],
)
def test_what_it_does_not(text: str, why: str) -> None:
    assert why in (refusal_of(text) or "")
