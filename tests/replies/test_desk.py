"""The desk under changes of configuration."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import yaml

from replies import shipped
from replies.account import Mode
from replies.desk import Desk
from schemas.errors import ConfigurationError
from schemas.events import ConfigChange, ConfigKind, Platform
from schemas.states import Action

Make = Callable[..., Any]


def change(kind: ConfigKind, key: str, payload: object, version: int = 2, **changes: Any) -> ConfigChange:
    values: dict[str, Any] = {
        "kind": kind,
        "tenant_id": "default",
        "key": key,
        "version": version,
        "payload": payload if isinstance(payload, str) else json.dumps(payload),
        "changed_by": "test",
    }
    return ConfigChange(**{**values, **changes})


TEMPLATE = {"name": "t", "language": "en", "intent": "compliment", "content": "Cheers!"}
ACCOUNT = {"platform": "facebook", "account_id": "page", "mode": "review"}


def test_an_account_may_be_changed_while_the_old_desk_stays(
    desk: Make, comment: Make, analysis: Make, now: datetime
) -> None:
    old: Desk = desk()
    new = old.updated(change(ConfigKind.ACCOUNT, "facebook:page", ACCOUNT))
    said, meant = comment("Thank you"), analysis()
    assert new.decide(said, meant, new.draft(said, meant), now).rule == "mode_review"
    assert old.decide(said, meant, old.draft(said, meant), now).action is Action.AUTO_APPROVE
    assert new.accounts[Platform.FACEBOOK, "page"].mode is Mode.REVIEW


def test_a_deleted_account_is_unknown(desk: Make, comment: Make, analysis: Make, now: datetime) -> None:
    new = desk().updated(change(ConfigKind.ACCOUNT, "facebook:page", "", deleted=True))
    decision = new.triage(comment("my lawyer"), analysis(), now)
    assert decision
    assert (decision.action, decision.rule) == (Action.REVIEW, "unknown_account")
    assert new.draft(comment(), analysis()) is None
    assert new.decide(comment(), analysis(), None, now).action is Action.REVIEW


def test_templates_come_change_and_go(desk: Make) -> None:
    new = desk().updated(change(ConfigKind.TEMPLATE, "t", TEMPLATE))
    assert new.book.templates["t"].version == 2
    edited = new.updated(change(ConfigKind.TEMPLATE, "t", {**TEMPLATE, "content": "Hey!"}, version=3))
    assert edited.book.content("t", 3) == "Hey!"
    assert (
        "t"
        not in edited.updated(change(ConfigKind.TEMPLATE, "t", "", version=4, deleted=True)).book.templates
    )


def test_a_policy_takes_effect_with_its_version(
    desk: Make, comment: Make, analysis: Make, now: datetime
) -> None:
    document = yaml.safe_load(shipped.policy_text())
    document["name"] = "strict"
    document["decide"].insert(0, {"rule": "all", "then": "review", "reason": "we look at everything"})
    new = desk().updated(change(ConfigKind.POLICY, "default", document))
    said, meant = comment("Thank you"), analysis()
    decision = new.decide(said, meant, new.draft(said, meant), now)
    assert decision.rule == "all"
    assert decision.policy_version.startswith("strict@1:")


@pytest.mark.parametrize(
    "broken",
    [
        change(ConfigKind.POLICY, "default", "{"),
        change(ConfigKind.POLICY, "default", {"name": "x"}),
        change(ConfigKind.POLICY, "default", "", deleted=True),
        change(ConfigKind.TEMPLATE, "t", {**TEMPLATE, "content": "Hi {{ nam }}"}),
        change(ConfigKind.TEMPLATE, "another", TEMPLATE),
        change(ConfigKind.TEMPLATE, "t", "[]"),
        change(ConfigKind.ACCOUNT, "facebook:page", {**ACCOUNT, "mode": "on"}),
        change(ConfigKind.ACCOUNT, "facebook:other", ACCOUNT),
    ],
    ids=lambda change: f"{change.kind}-{change.payload[:20]}",
)
def test_a_broken_change_is_refused_by_name_and_the_desk_stays(desk: Make, broken: ConfigChange) -> None:
    held: Desk = desk()
    with pytest.raises(ConfigurationError) as caught:
        held.updated(broken)
    assert broken.key in str(caught.value)
    assert held == desk()


def test_older_changes_other_tenants_and_voices_change_nothing(desk: Make) -> None:
    held: Desk = desk().updated(change(ConfigKind.TEMPLATE, "t", TEMPLATE, version=5))
    assert held.updated(change(ConfigKind.TEMPLATE, "t", TEMPLATE, version=4)) is held
    assert held.updated(change(ConfigKind.TEMPLATE, "t", "", version=4, deleted=True)) is held
    assert held.updated(change(ConfigKind.ACCOUNT, "facebook:page", ACCOUNT, tenant_id="other")) is held
    assert held.updated(change(ConfigKind.VOICE, "v", "{}")) is held


def test_a_link_in_the_template_may_be_sent_and_one_from_elsewhere_may_not(
    desk: Make, comment: Make, analysis: Make, now: datetime
) -> None:
    linked = {**TEMPLATE, "intent": "question", "content": "See sol.example/help or www.sol.example"}
    held: Desk = desk()
    for name in list(held.book.templates):
        held = held.updated(change(ConfigKind.TEMPLATE, name, "", deleted=True))
    held = held.updated(change(ConfigKind.TEMPLATE, "t", linked))
    said, meant = comment("Where is it?"), analysis("question", "neutral")
    made = held.draft(said, meant)
    assert held.decide(said, meant, made, now).action is Action.AUTO_APPROVE
    edited = held.updated(change(ConfigKind.TEMPLATE, "t", {**linked, "content": "Ask us"}, version=3))
    assert edited.decide(said, meant, made, now).rule == "guardrail:link"
