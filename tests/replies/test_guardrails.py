"""The checks a draft must pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replies.guardrails import LIMITS, check, length_on
from schemas.events import Draft, DraftOrigin, Platform


def draft(text: str, language: str = "en") -> Draft:
    return Draft(
        draft_id="d",
        revision_id="r",
        text=text,
        origin=DraftOrigin.TEMPLATE,
        language=language,
        confidence=0.9,
    )


def failed(text: str, platform: Platform = Platform.FACEBOOK, **options: str) -> str | None:
    failure = check(draft(text), platform=platform, language="en", **options)
    return failure.name if failure else None


def test_a_plain_reply_passes() -> None:
    assert failed("Thank you so much, Ana! 😊\nSee you soon.") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("Hi {{ author_name }}", "unfilled"),
        ("Hi [name]", "unfilled"),
        ("Look at https://x.example", "link"),
        ("Look at cheap.shop", "link"),
        ("Write to help@x.example", "e_mail"),
        ("Call +34 600 123 456", "phone"),
        ("It is 19,99 €", "price"),
        ("Only $5 today", "price"),
        ("Get 20% off", "price"),
        ("It costs 30 euros", "price"),
        ("Hi\x07", "control"),
        ("Hi \u202eevil", "control"),
    ],
)
def test_each_check_has_its_name(text: str, name: str) -> None:
    assert failed(text) == name


def test_what_the_template_holds_may_be_said() -> None:
    text = "Write to help@x.example or https://x.example/help, it is 5 €"
    assert failed(text, allowed=text) is None
    assert failed(text, allowed="Write to help@x.example") == "link"


def test_a_draft_in_another_language_fails_unless_the_comment_has_none() -> None:
    spanish = draft("¡Gracias!", "es")
    failure = check(spanish, platform=Platform.X, language="en")
    assert failure
    assert failure.name == "language"
    assert check(spanish, platform=Platform.X, language=None) is None


def test_the_text_of_a_recent_reply_fails_whatever_its_case_and_spaces() -> None:
    failure = check(draft("Thank you!"), platform=Platform.X, language="en", recent=["THANK  you!"])
    assert failure
    assert failure.name == "repeated"


@pytest.mark.parametrize("platform", list(Platform))
def test_the_platforms_limits_hold(platform: Platform) -> None:
    assert failed("a" * LIMITS[platform], platform) is None
    assert failed("a" * (LIMITS[platform] + 1), platform) == "too_long"


@pytest.mark.parametrize(
    ("text", "least"),
    [
        # from the vendor's counting rules: the exact weight, which ours must reach
        ("Hello, world! 👋", 16),
        ("👨‍👩‍👧‍👦", 2),
        ("https://example.com/a", 23),
        ("x.com/abc", 9),
        ("日本語", 6),
        ("café", 4),
        ("cafe\u0301", 4),
        ("a" * 281, 281),
    ],
)
def test_x_never_counts_more_than_we_do(text: str, least: int) -> None:
    assert length_on(Platform.X, text) >= least


@given(st.text(max_size=300), st.sampled_from(Platform))
def test_any_text_can_be_checked(text: str, platform: Platform) -> None:
    failed(text, platform)
