"""The templates and the policy that come with Parley."""

import re
from dataclasses import replace

import pytest

from replies import shipped
from replies.book import from_yaml, to_yaml
from replies.guardrails import LIMITS, Surrounding, check, failures, length_on
from replies.statements import prices
from replies.templates import Template, Variables
from schemas.events import Draft, DraftOrigin, Platform
from schemas.labels import Intent, Sentiment

BOOK = shipped.default_book()
LANGUAGES = shipped.default_policy().document.languages
TEMPLATES = list(BOOK.templates.values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("intent", "least"),
    [
        (Intent.COMPLIMENT, 4),
        (Intent.QUESTION, 2),
        (Intent.REQUEST, 2),
        (Intent.FEEDBACK, 2),
        (Intent.COMPLAINT, 2),
    ],
)
def test_every_language_has_several_wordings_for_every_intent(
    language: str, intent: Intent, least: int
) -> None:
    found = [template for template in BOOK.active(intent, language) if template.sentiment is None]
    assert len(found) >= least
    assert len({template.content for template in found}) == len(found)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_shipped_reply_passes_every_check_on_every_platform(template: Template) -> None:
    for name in ("", "Maximiliano"):
        text = template.render(Variables(author_name=name, brand_name="Sol", platform="x"))
        for platform in Platform:
            draft = Draft(
                draft_id="d",
                revision_id="r",
                text=text,
                origin=DraftOrigin.TEMPLATE,
                language=template.language,
                confidence=1,
            )
            around = Surrounding(
                platform=platform,
                language=template.language,
                allowed=template.content,
                phrases=(shipped.default_policy().spoken,),
                author_name=f"{name} Sol",
            )
            assert check(draft, around) is None
            assert not failures(draft, replace(around, allowed="", author_name=""))
            assert length_on(platform, text) < LIMITS[platform] * 0.9
        assert name in text
        assert text == text.strip()
        assert "  " not in text
        assert not re.search(r"\s[,.]", text)
        assert not re.search(r"\s[!?]", text) or template.language == "fr"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_shipped_reply_states_no_facts_and_uses_no_character_that_a_platform_may_read_as_markup(
    template: Template,
) -> None:
    text = template.render(Variables(author_name="Ana"))
    assert not re.search(r"\d", text)
    assert not prices(text)
    assert not set(text) & set("|{}@[]()<>#*_~\\")
    assert not re.search(
        r"\b(guarantee|refund|within|today|tomorrow|garantiz|reembols|mañana|hoy|rembours|demain|erstatt|morgen|rimbors"
        r"|domani|hoje|amanhã)\b",
        text,
        re.IGNORECASE,
    )


def test_the_shipped_templates_survive_export_and_import() -> None:
    again = from_yaml(to_yaml(TEMPLATES))
    assert {template.name: template for template in again} == BOOK.templates


def test_the_shipped_policy_escalates_what_a_supervisor_must_see_in_every_language() -> None:
    document = shipped.default_policy().document
    assert set(document.risk_groups) >= {"legal", "safety", "health", "press", "self_harm"}
    for group in document.risk_groups:
        assert set(document.words[group]) == set(LANGUAGES)


def test_nothing_negative_is_ever_approved_by_a_shipped_rule() -> None:
    for rule in shipped.default_policy().document.decide:
        if rule.then == "auto_approve":
            assert Sentiment.NEGATIVE not in (rule.when.sentiment or ())
            assert Intent.COMPLAINT not in (rule.when.intent or ())
