"""Which template answers, and how sure the draft is."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from replies import selection, shipped
from replies.account import AccountView
from replies.book import TemplateBook
from replies.templates import Template
from schemas.events import Analysis, CommentEvent, DraftOrigin, Platform
from schemas.identity import comment_id, draft_id
from schemas.labels import Intent, Sentiment

BOOK = shipped.default_book()
Make = Callable[..., Any]


def template(name: str, **changes: Any) -> Template:
    values: dict[str, Any] = {
        "language": "en",
        "intent": Intent.COMPLIMENT,
        "content": f"Thanks from {name}!",
    }
    return Template(name=name, **{**values, **changes})


def test_a_draft_says_where_it_comes_from(comment: Make, analysis: Make, account: Make) -> None:
    said: CommentEvent = comment("Me encanta")
    made = selection.draft(said, analysis("compliment", "positive", "es"), BOOK, account())
    assert made
    assert made.origin is DraftOrigin.TEMPLATE
    assert made.language == "es"
    assert made.template in BOOK.templates
    assert made.template_version == 1
    assert made.draft_id == draft_id(made.revision_id, made.text, "template")
    assert made.revision_id == said.revision_id
    assert "Ana" in made.text
    assert made.reasons[0] == "intent compliment (0.93)"
    assert any("by the comment's id" in reason for reason in made.reasons)


def test_the_same_comment_gets_the_same_wording_and_others_differ(
    comment: Make, analysis: Make, account: Make
) -> None:
    ids = [comment_id("facebook", "page", str(number)) for number in range(300)]
    drafts = [selection.draft(comment("Nice", comment_id=each), analysis(), BOOK, account()) for each in ids]
    again = [selection.draft(comment("Nice", comment_id=each), analysis(), BOOK, account()) for each in ids]
    assert drafts == again
    used = [made.template for made in drafts if made]
    assert len(set(used)) == 6
    repeats = sum(one == other for one, other in pairwise(used))
    assert repeats < 300 / 6 * 1.6


@pytest.mark.parametrize(
    ("language", "sure", "default", "expected"),
    [
        ("pt", 0.9, "es", "pt"),
        ("ru", 0.9, "es", "es"),
        ("ru", 0.9, "ja", "en"),
        ("de", 0.2, "es", "es"),
        ("und", 0.0, "it", "it"),
    ],
)
def test_the_language_falls_back_to_the_accounts_and_then_to_english(
    language: str, sure: float, default: str, expected: str, comment: Make, analysis: Make, account: Make
) -> None:
    meant = analysis(language=language, language_confidence=sure)
    made = selection.draft(comment("Nice one"), meant, BOOK, account(default_language=default))
    assert made
    assert made.language == expected


def test_a_template_for_the_sentiment_comes_before_one_for_any(
    comment: Make, analysis: Make, account: Make
) -> None:
    book = TemplateBook.of([template("any"), template("kind", sentiment=Sentiment.POSITIVE)])
    made = selection.draft(comment(), analysis(sentiment="positive"), book, account())
    assert made
    assert made.template == "kind"
    other = selection.draft(comment(), analysis(sentiment="neutral"), book, account())
    assert other
    assert other.template == "any"


def test_without_a_fitting_template_there_is_no_draft(comment: Make, analysis: Make, account: Make) -> None:
    assert selection.draft(comment("x"), analysis("spam", "neutral"), BOOK, account()) is None
    assert selection.draft(comment("x"), analysis("other", "neutral"), BOOK, account()) is None
    assert selection.draft(comment("x"), analysis(), TemplateBook(), account()) is None


def test_platforms_keep_their_own_templates(comment: Make, analysis: Make, account: Make) -> None:
    book = TemplateBook.of([template("x-only", platforms=(Platform.X,))])
    assert selection.draft(comment("Nice"), analysis(), book, account()) is None
    assert selection.draft(comment("Nice", platform=Platform.X), analysis(), book, account())


def test_emoji_alone_are_answered_as_a_compliment_in_the_accounts_language(
    comment: Make, analysis: Make, account: Make
) -> None:
    made = selection.draft(
        comment("😍😍"), analysis("other", "positive", "und"), BOOK, account(default_language="it")
    )
    assert made
    assert made.language == "it"
    assert str(made.template).startswith("it-compliment")
    assert made.confidence == pytest.approx(0.97)


def test_praise_in_a_negative_mood_is_not_thanked_for(comment: Make, analysis: Make, account: Make) -> None:
    made = selection.draft(comment("great job, again"), analysis("compliment", "negative"), BOOK, account())
    assert made
    assert str(made.template).startswith("en-complaint")


@pytest.mark.parametrize(
    ("facts", "language", "expected"),
    [
        ({"intent_score": 0.9, "negative": 0.1}, "en", 0.81),
        ({"intent_score": 0.9, "negative": 0.1, "language_confidence": 0.2}, "en", 0.81),
        ({"language": "es", "intent_score": 0.9, "negative": 0.1, "language_confidence": 0.8}, "es", 0.648),
        ({"language": "es", "intent_score": 0.9, "negative": 0.1, "language_confidence": 0.8}, "en", 0.324),
        ({"sentiment": "negative", "intent_score": 1.0, "negative": 0.7}, "en", 0.7),
        ({"intent_score": float("nan")}, "en", 0.0),
        ({"negative": float("nan")}, "en", 0.0),
    ],
)
def test_confidence_is_the_product_it_is_said_to_be(
    facts: dict[str, Any], language: str, expected: float, analysis: Make, account: Make
) -> None:
    view: AccountView = account()
    meant: Analysis = analysis(**facts)
    assert selection.confidence(meant, view, language, wordless=False) == pytest.approx(expected)


def test_names_are_data_and_never_run(comment: Make, analysis: Make, account: Make) -> None:
    for name in ("{{ 7 * 7 }}", "https://x.example", "Fuck You", None):
        made = selection.draft(comment("Nice", author_name=name), analysis(), BOOK, account())
        assert made
        assert "49" not in made.text
        assert "http" not in made.text
        assert "{" not in made.text


def test_templates_of_an_account_are_for_it_alone_and_come_first(
    comment: Make, analysis: Make, account: Make
) -> None:
    book = TemplateBook.of(
        [template("all"), template("own", accounts=(account().config_key,)), template("x", accounts=("x:9",))]
    )
    ids = [comment_id("facebook", "page", str(number)) for number in range(50)]
    used = {selection.draft(comment("Nice", comment_id=i), analysis(), book, account()).template for i in ids}  # type: ignore[union-attr]
    assert used == {"own"}


def test_a_template_is_taken_in_proportion_to_its_weight(
    comment: Make, analysis: Make, account: Make
) -> None:
    ids = [comment_id("facebook", "page", str(number)) for number in range(600)]

    def taken(weight: float) -> list[str | None]:
        book = TemplateBook.of([template("one"), template("two"), template("rare", weight=weight)])
        drafts = [selection.draft(comment("Nice", comment_id=i), analysis(), book, account()) for i in ids]
        return [made.template for made in drafts if made]

    even, rare, never = taken(1.0), taken(0.25), taken(0.0)
    assert 150 < even.count("rare") < 250
    assert 35 < rare.count("rare") < 100
    assert never.count("rare") == 0
    # Only comments that leave the lighter template change their wording.
    assert all(before == after for before, after in zip(even, rare, strict=True) if before != "rare")
