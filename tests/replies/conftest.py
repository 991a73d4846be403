"""Builders of comments, analyses and accounts; every test says only what matters to it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings

from replies import shipped
from replies.account import AccountView, Mode
from replies.desk import Desk
from schemas import identity
from schemas.events import Analysis, Attachment, CommentEvent, CommentKind, Platform, Source
from schemas.labels import Intent, Sentiment

settings.register_profile("replies", deadline=None)  # a busy machine is no failure
settings.load_profile("replies")

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def comment_of(text: str | None = "Hello", **changes: Any) -> CommentEvent:
    kinds = [Attachment(kind=kind) for kind in changes.pop("attached", ())]
    platform = changes.get("platform", Platform.FACEBOOK)
    comment_id = identity.comment_id(platform, "page", changes.get("platform_comment_id", "c1"))
    values: dict[str, Any] = {
        "kind": CommentKind.ADDED,
        "tenant_id": "default",
        "platform": platform,
        "account_id": "page",
        "comment_id": comment_id,
        "platform_comment_id": "c1",
        "platform_post_id": "p1",
        "revision_id": identity.revision_id(comment_id, text, [kind.kind for kind in kinds]),
        "author_id": "u1",
        "author_name": "Ana Pérez",
        "text": text,
        "attachments": tuple(kinds),
        "occurred_at": NOW - timedelta(minutes=5),
        "created_at": NOW - timedelta(minutes=5),
        "observed_at": NOW - timedelta(minutes=4),
        "source": Source.WEBHOOK,
    }
    return CommentEvent(**{**values, **changes})


def analysis_of(
    intent: str = "compliment",
    sentiment: str = "positive",
    language: str = "en",
    *,
    intent_score: float = 0.93,
    negative: float | None = None,
    language_confidence: float = 0.95,
    unknown_share: float = 0.02,
) -> Analysis:
    if negative is None:
        negative = 0.9 if sentiment == "negative" else 0.03
    rest = 1 - negative
    major, minor = (0.9, 0.1) if sentiment != "neutral" else (0.1, 0.9)
    return Analysis(
        model="test",
        model_hash="0" * 64,
        sentiment=Sentiment(sentiment),
        sentiment_scores={"negative": negative, "positive": rest * major, "neutral": rest * minor},
        intent=Intent(intent),
        intent_scores={intent: intent_score},
        language=language,
        language_confidence=language_confidence,
        unknown_share=unknown_share,
    )


def account_of(mode: str = "auto", **changes: Any) -> AccountView:
    values: dict[str, Any] = {
        "platform": Platform.FACEBOOK,
        "account_id": "page",
        "name": "Café Sol",
        "brand_name": "Café Sol",
        "mode": Mode(mode),
        "default_language": "en",
    }
    return AccountView(**{**values, **changes})


def desk_of(account: AccountView | None = None) -> Desk:
    account = account or account_of()
    return Desk(policy=shipped.default_policy(), book=shipped.default_book(), accounts={account.key: account})


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def comment() -> Callable[..., CommentEvent]:
    return comment_of


@pytest.fixture(scope="session")
def analysis() -> Callable[..., Analysis]:
    return analysis_of


@pytest.fixture(scope="session")
def account() -> Callable[..., AccountView]:
    return account_of


@pytest.fixture(scope="session")
def desk() -> Callable[..., Desk]:
    return desk_of
