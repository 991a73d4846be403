"""Which template answers a comment, and how sure the draft is.

**Choice.** The intent's templates in the comment's language, else in the account's default language, else in
English; those made for the comment's sentiment before those for any, those made for the account before those
for all. Of several, a hash of the comment's id picks one, in proportion to their weights: the same comment
always gets the same wording, neighbours get different ones, and a changed weight moves no more than it must.
The next one is taken where the account has just said that very text.

**Confidence** is the probability that the draft fits: P(intent) · P(mood) · L, each factor a calibrated
probability of the models. P(mood) is P(negative) for a negative comment, else 1 - P(negative): a neutral
comment taken for a positive one costs nothing, an angry one taken for either does. L is how sure the
language is: 1 where it is the account's own, its probability where it is another, times `OTHER_LANGUAGE` if
the reply had to be written in a language that is not the comment's. A comment of kind emoji alone has no
words to be wrong about: its confidence is 1 - P(negative).
"""

import hashlib
import math
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from replies import wording
from replies.account import AccountView
from replies.authors import safe_first_name
from replies.book import TemplateBook
from replies.guardrails import LIMITS, length_on
from replies.recent import same
from replies.signals import LANGUAGE_SURE, probability
from replies.templates import Template, Variables
from replies.verdict import revision_of
from schemas import identity
from schemas.events import Analysis, CommentEvent, Draft, DraftOrigin
from schemas.labels import Intent, Sentiment

OTHER_LANGUAGE: Final = 0.5
"""What an answer in another language than the comment's is worth."""

FALLBACK: Final = "en"


def draft(
    comment: CommentEvent,
    analysis: Analysis,
    book: TemplateBook,
    account: AccountView,
    recent: Collection[str] = (),
) -> Draft | None:
    """The reply of the best fitting template, or None where the book has none that fits.

    `recent`: texts the account has just said; one of them is taken only where there is no other.
    `reasons` say how it was chosen. Raises jinja2.TemplateError only for templates that were never checked.
    """
    wordless = wording.read(comment.text).wordless
    intent, why = _intent(analysis, wordless=wordless)
    language, why_language = _language(analysis, account, wordless=wordless)
    for candidate, fitting in _fitting(book, intent, language, comment, analysis.sentiment, account):
        chosen = _chosen(fitting, comment, account, recent)
        if chosen is None:
            continue
        template, text, skipped = chosen
        instead = "" if candidate == language else f", instead of {language}"
        revision = revision_of(comment)
        return Draft(
            draft_id=identity.draft_id(revision, text, DraftOrigin.TEMPLATE),
            revision_id=revision,
            text=text,
            origin=DraftOrigin.TEMPLATE,
            language=candidate,
            confidence=confidence(analysis, account, candidate, wordless=wordless),
            template=template.name,
            template_version=template.version,
            reasons=(
                why,
                f"language {candidate}: {why_language}{instead}",
                f"sentiment {analysis.sentiment}: template for {template.sentiment or 'any'}",
                f"template {template.name}, one of {len(fitting)}, by the comment's id and its weight "
                f"{template.weight:g}" + ("; others were said just now" if skipped else ""),
            ),
        )
    return None


class Brief(NamedTuple):
    """What a language model is asked to do: the template is filled in without the author's name."""

    language: str
    why: str
    confidence: float
    template: str | None
    template_version: int | None
    text: str | None


def brief(comment: CommentEvent, analysis: Analysis, book: TemplateBook, account: AccountView) -> Brief:
    """The language, the template and the confidence with which a language model would reply."""
    wordless = wording.read(comment.text).wordless
    intent, _ = _intent(analysis, wordless=wordless)
    language, why = _language(analysis, account, wordless=wordless)
    sure = confidence(analysis, account, language, wordless=wordless)
    for _, fitting in _fitting(book, intent, language, comment, analysis.sentiment, account):
        template = _ranked(comment.comment_id, fitting)[0]
        nameless = Variables(brand_name=account.brand_name, platform=comment.platform.value)
        return Brief(language, why, sure, template.name, template.version, template.render(nameless))
    return Brief(language, why, sure, None, None, None)


def confidence(analysis: Analysis, account: AccountView, language: str, *, wordless: bool) -> float:
    """How probably a draft in `language` fits, 0 to 1; the module says how it is made."""
    negative = probability(analysis.sentiment_scores.get(Sentiment.NEGATIVE), unknown=-1.0)
    if negative < 0:
        return 0.0
    mood = negative if analysis.sentiment is Sentiment.NEGATIVE else 1 - negative
    if wordless:
        return round(mood, 4)
    intent = probability(analysis.intent_scores.get(analysis.intent), unknown=0.0)
    sure = probability(analysis.language_confidence, unknown=0.0)
    if analysis.language == account.default_language:
        sure = 1.0
    if analysis.language != language:
        sure *= OTHER_LANGUAGE
    return round(intent * mood * sure, 4)


def _intent(analysis: Analysis, *, wordless: bool) -> tuple[Intent, str]:
    """The intent to answer, and why."""
    score = probability(analysis.intent_scores.get(analysis.intent), unknown=0.0)
    told = f"intent {analysis.intent} ({score:.2f})"
    if analysis.intent is Intent.COMPLIMENT and analysis.sentiment is Sentiment.NEGATIVE:
        return Intent.COMPLAINT, f"{told} in a negative mood: answered as a complaint"
    if wordless and analysis.sentiment is not Sentiment.NEGATIVE:
        return Intent.COMPLIMENT, f"{told} without words: answered as a compliment"
    return analysis.intent, told


def _language(analysis: Analysis, account: AccountView, *, wordless: bool) -> tuple[str, str]:
    """The language to answer in, and why."""
    sure = probability(analysis.language_confidence, unknown=0.0)
    if wordless:
        return account.default_language, "the account's, there are no words"
    if sure < LANGUAGE_SURE:
        return account.default_language, f"the account's, the comment's is not sure ({sure:.2f})"
    return analysis.language, f"the comment's ({sure:.2f})"


def _fitting(
    book: TemplateBook,
    intent: Intent,
    language: str,
    comment: CommentEvent,
    sentiment: Sentiment,
    account: AccountView,
) -> Iterator[tuple[str, list[Template]]]:
    """Languages in which there are templates that fit, the best first, and these templates."""
    for candidate in dict.fromkeys((language, account.default_language, FALLBACK)):
        usable = [
            t
            for t in book.active(intent, candidate)
            if (not t.platforms or comment.platform in t.platforms)
            and (not t.accounts or account.config_key in t.accounts)
        ]
        usable = [t for t in usable if t.sentiment is sentiment] or [t for t in usable if t.sentiment is None]
        if usable:
            yield candidate, [t for t in usable if t.accounts] or usable


def _chosen(
    fitting: list[Template], comment: CommentEvent, account: AccountView, recent: Collection[str]
) -> tuple[Template, str, bool] | None:
    """(template, text, whether others were passed over); None if no text can be sent."""
    said = {same(text) for text in recent}
    spare: tuple[Template, str, bool] | None = None
    for template in _ranked(comment.comment_id, fitting):
        text = _text(template, comment, account)
        if not text or length_on(comment.platform, text) > LIMITS[comment.platform]:
            continue
        if same(text) not in said:
            return template, text, spare is not None
        spare = spare or (template, text, False)
    return spare


def _ranked(comment_id: str, fitting: list[Template]) -> list[Template]:
    """The best first, always the same for a comment; weighted rendezvous hashing.

    Source: Schindelhauer and Schomaker, "Weighted Distributed Hash Tables" (2005).
    """
    return sorted(fitting, key=lambda template: (_distance(comment_id, template), template.name))


def _distance(comment_id: str, template: Template) -> float:
    digest = hashlib.sha256(f"{comment_id}\x1f{template.name}".encode("utf-8", "replace")).digest()
    share = (int.from_bytes(digest[:8]) + 0.5) / 2**64
    return -math.log(share) / template.weight if template.weight else math.inf


def _text(template: Template, comment: CommentEvent, account: AccountView) -> str:
    return template.render(
        Variables(
            author_name=safe_first_name(comment.author_name),
            brand_name=account.brand_name,
            platform=comment.platform.value,
        )
    )
