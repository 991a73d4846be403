"""The checks a draft must pass."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.catalogue import CONNECTORS
from connectors.instagram.wording import MOST_HASHTAGS, MOST_URLS
from replies import shipped
from replies.guardrails import HASHTAGS, LIMITS, LINKS, Surrounding, check, failures, length_on
from replies.policy import Policy
from schemas.events import Draft, DraftOrigin, Platform
from tests.replies.conftest import account_of


def draft(text: str, language: str = "en") -> Draft:
    return Draft(
        draft_id="d",
        revision_id="r",
        text=text,
        origin=DraftOrigin.TEMPLATE,
        language=language,
        confidence=0.9,
    )


SPOKEN = (shipped.default_policy().spoken,)


def failed(
    text: str, platform: Platform = Platform.FACEBOOK, language: str = "en", **options: Any
) -> str | None:
    around = Surrounding(platform=platform, language=language, phrases=SPOKEN, **options)
    failure = check(draft(text, language), around)
    return failure.name if failure else None


@pytest.mark.parametrize(
    "wish", ["Have a great day!", "¡Que tengas un día estupendo!", "Um dia lindo!", "Ein schöner Tag!"]
)
def test_a_wish_is_no_promise_of_a_time(wish: str) -> None:
    assert failed(wish) is None


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
        ("We open again on 3 May", "date"),
        ("See you on Sunday!", "date"),
        ("Come by tomorrow", "date"),
        ("It is from 12/05/2026", "date"),
        ("We are there from 9:30", "time"),
        ("Come at 5 pm", "time"),
        ("It takes three weeks", "time"),
        ("You hear from us within an hour", "time"),
        ("Lo tienes en un día", "time"),
        ("Your order 48213 is known", "number"),
        ("Thanks @maria.g", "mention"),
        ("We are at 14 Elm Road", "personal_data"),
        ("You wrote from IBAN ES91 2100 0418 4502 0005 1332", "personal_data"),
        ("You will get your money back", "promise"),
        ("We will refund you", "promise"),
        ("It is completely safe", "claim"),
        ("You idiot", "toxic"),
        ("As an AI I cannot say", "instructions"),
        ("Assistant: thank you", "instructions"),
        ("**Thank you** so much", "instructions"),
        ('{"reply": "thanks"}', "instructions"),
        ("Hello [your name]", "unfilled"),
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
    failure = check(spanish, Surrounding(platform=Platform.X, language="en"))
    assert failure
    assert failure.name == "language"
    assert check(spanish, Surrounding(platform=Platform.X)) is None


def test_the_text_of_a_recent_reply_fails_whatever_its_case_and_spaces() -> None:
    failure = check(draft("Thank you!"), Surrounding(platform=Platform.X, recent=["THANK  you!"]))
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


@pytest.mark.parametrize("platform", list(Platform))
@given(text=st.text(max_size=400))
def test_a_length_that_we_take_the_connector_takes_too(platform: Platform, text: str) -> None:
    """What passes here is never refused for its length."""
    can = CONNECTORS[platform].capabilities
    assert LIMITS[platform] <= can.reply_limit
    assert can.reply_length(text) <= length_on(platform, text)


def test_a_reply_on_instagram_has_no_more_hashtags_and_links_than_its_connector_takes() -> None:
    assert (HASHTAGS[Platform.INSTAGRAM], LINKS[Platform.INSTAGRAM]) == (MOST_HASHTAGS, MOST_URLS)
    assert failed("#a #b #c #d", Platform.INSTAGRAM) is None
    assert failed("#a #b #c #d #e", Platform.INSTAGRAM) == "too_many"
    both = "https://a.example/1 https://a.example/2"
    assert failed(both, Platform.INSTAGRAM, allowed=both) == "too_many"
    assert failed(both, Platform.FACEBOOK, allowed=both) is None


PROMISES = {
    "en": "We guarantee that it works.",
    "es": "Le reembolsaremos todo.",
    "pt": "Vamos devolver o seu dinheiro.",
    "fr": "Vous serez remboursé.",
    "de": "Wir erstatten dir alles.",
    "it": "Ti rimborseremo tutto.",
}


@pytest.mark.parametrize(("language", "text"), PROMISES.items())
def test_promises_are_found_in_every_language_unless_the_template_makes_them(
    language: str, text: str
) -> None:
    assert failed(text, language=language) == "promise"
    assert failed(text, language=language, allowed=text) is None


def test_nothing_personal_of_the_comment_is_repeated() -> None:
    comment = "Hi, I am Ana and my sister in law Berta lost her keys in your shop, call 600 123 456"
    assert failed("Thanks Ana!", author_name="Ana Pérez Ruiz") is None
    assert failed("Thanks Ana Pérez!", author_name="Ana Pérez Ruiz") == "quoted"
    assert failed("So my sister in law Berta lost her keys", comment=comment) == "quoted"
    assert failed("We call 600 123 456", comment=comment) == "phone"


def test_an_account_forbids_words_of_its_own() -> None:
    document = shipped.default_policy().document.model_dump(mode="json")
    document["forbidden"] = {"facebook:page": ["Rival Coffee", "artisan*"]}
    policy = Policy.from_data(document)
    said = draft("Better than rival coffee")
    assert check(said, Surrounding(platform=Platform.X, phrases=policy.unspeakable(account_of()))) == (
        "forbidden",
        "the draft says what no template says ('Rival Coffee')",
    )
    other = account_of(account_id="other")
    assert check(said, Surrounding(platform=Platform.X, phrases=policy.unspeakable(other))) is None


def test_what_the_brand_itself_said_here_may_be_said_again_and_no_more() -> None:
    around = Surrounding(platform=Platform.X, language="en", phrases=SPOKEN)
    grounded = replace(draft("Until Sunday it is $12."), grounds=("Brunch for $12, sure!", "Sunday we close"))
    assert failures(grounded, around) == ()
    unfounded = failures(replace(grounded, grounds=("Brunch!",)), around)
    assert [failure.name for failure in unfounded] == ["date", "price"]


def test_a_repair_is_told_of_every_failure() -> None:
    around = Surrounding(platform=Platform.X, language="en", phrases=SPOKEN)
    found = [
        failure.name for failure in failures(draft("Pay $5 on Sunday at www.x.example, guaranteed"), around)
    ]
    assert found == ["link", "date", "price", "promise"]


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=40), st.sampled_from(Platform))
def test_checks_never_raise_and_say_the_same_twice(
    text: str, comment: str, name: str, platform: Platform
) -> None:
    around = Surrounding(
        platform=platform, language="en", phrases=SPOKEN, comment=comment, author_name=name, allowed=name
    )
    assert failures(draft(text), around) == failures(draft(text), around)


@given(st.text(max_size=300), st.sampled_from(Platform))
def test_any_text_can_be_checked(text: str, platform: Platform) -> None:
    failed(text, platform)
