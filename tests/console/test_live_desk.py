import dataclasses
import json
from datetime import UTC, datetime

import pytest

from console.live_desk import LiveDesk
from replies import shipped
from replies.account import AccountView, Mode
from replies.documents import read_yaml
from schemas import identity
from schemas.events import (
    Analysis,
    CommentEvent,
    CommentKind,
    ConfigChange,
    ConfigKind,
    Platform,
    Source,
)
from schemas.labels import Intent, Sentiment
from schemas.states import Action
from streams.config import ConfigView

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
COMMENT_ID = identity.comment_id("facebook", "page", "c1")
PRAISE = CommentEvent(
    kind=CommentKind.ADDED,
    tenant_id="default",
    platform=Platform.FACEBOOK,
    account_id="page",
    comment_id=COMMENT_ID,
    platform_comment_id="c1",
    revision_id=identity.revision_id(COMMENT_ID, "Best coffee in town, thank you!"),
    text="Best coffee in town, thank you!",
    occurred_at=NOW,
    created_at=NOW,
    observed_at=NOW,
    source=Source.WEBHOOK,
)
CLEAR = Analysis(
    model="m",
    model_hash="h",
    sentiment=Sentiment.POSITIVE,
    sentiment_scores={"positive": 0.97, "neutral": 0.02, "negative": 0.01},
    intent=Intent.COMPLIMENT,
    intent_scores={"compliment": 0.97},
    language="en",
    language_confidence=0.99,
    unknown_share=0.0,
)


@pytest.fixture
def view() -> ConfigView:
    return ConfigView("nowhere:1")


@pytest.fixture
def desk(view: ConfigView) -> LiveDesk:
    made = LiveDesk(view, "default")
    account = AccountView(platform=Platform.FACEBOOK, account_id="page", mode=Mode.AUTO)
    view.apply(change(ConfigKind.ACCOUNT, "facebook:page", 1, account.payload))
    return made


def change(kind: ConfigKind, key: str, version: int, payload: str) -> ConfigChange:
    return ConfigChange(
        kind=kind, tenant_id="default", key=key, version=version, payload=payload, changed_by="test"
    )


async def decided(desk: LiveDesk) -> tuple[Action, str]:
    draft = await desk.draft(PRAISE, CLEAR)
    decision = desk.decide(PRAISE, CLEAR, draft, NOW)
    assert (decision.text is not None) == decision.action.sends
    return decision.action, decision.rule


def good_policy() -> str:
    return json.dumps(read_yaml(shipped.policy_text(), "policy"))


async def test_clear_praise_goes_out_by_itself(desk: LiveDesk) -> None:
    assert (await decided(desk))[0] is Action.AUTO_APPROVE


async def test_a_policy_that_was_never_readable_lets_nothing_out(desk: LiveDesk, view: ConfigView) -> None:
    view.apply(change(ConfigKind.POLICY, "default", 7, "{}"))
    assert await decided(desk) == (Action.REVIEW, "policy_unreadable")


async def test_a_broken_policy_after_a_good_one_leaves_the_good_one_in_force(
    desk: LiveDesk, view: ConfigView
) -> None:
    view.apply(change(ConfigKind.POLICY, "default", 1, good_policy()))
    view.apply(change(ConfigKind.POLICY, "default", 2, "{}"))
    assert (await decided(desk))[0] is Action.AUTO_APPROVE


async def test_a_good_policy_mends_a_broken_one(desk: LiveDesk, view: ConfigView) -> None:
    view.apply(change(ConfigKind.POLICY, "default", 1, "{}"))
    view.apply(change(ConfigKind.POLICY, "default", 2, good_policy()))
    assert (await decided(desk))[0] is Action.AUTO_APPROVE


async def test_another_tenants_broken_policy_is_none_of_ours(desk: LiveDesk, view: ConfigView) -> None:
    broken = change(ConfigKind.POLICY, "default", 1, "{}")
    view.apply(dataclasses.replace(broken, tenant_id="other"))
    assert (await decided(desk))[0] is Action.AUTO_APPROVE
