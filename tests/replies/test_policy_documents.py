"""A policy document: what it may say, and how its mistakes are told."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from replies import shipped
from replies.policy import Policy
from replies.rules import Condition
from replies.signals import CHECKS
from schemas.errors import ConfigurationError

Change = Callable[[dict[str, Any]], object]


_WRITTEN = yaml.safe_load(shipped.policy_text())


def changed(change: Change) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(_WRITTEN)
    change(document)
    return document


def test_the_version_names_the_document_and_its_content() -> None:
    policy = shipped.default_policy()
    assert policy.version.startswith("default@1:")
    assert len(policy.version) == len("default@1:") + 8
    assert Policy.from_data(changed(lambda d: None)).version == policy.version
    other = Policy.from_data(changed(lambda d: d["max_age"].update(x="12h")))
    assert other.version != policy.version


def test_every_condition_has_its_check() -> None:
    assert set(Condition.model_fields) == set(CHECKS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d.update(colour=1), "colour: unknown key"),
        (lambda d: d["decide"][0].update(wen={}), "decide.0.wen: unknown key, did you mean 'when'?"),
        (lambda d: d["decide"][0]["when"].update(intnt=["spam"]), "decide.0.when.intnt: unknown key"),
        (lambda d: d["decide"][0].update(then="approve"), "'approve' is none of auto_approve"),
        (lambda d: d["triage"][0].update(then="auto_approve"), "triage.0.then"),
        (lambda d: d["triage"][0]["when"].update(mode=["watch"]), "triage.0.when.mode.0"),
        (lambda d: d["triage"][0]["when"].update(words=["legall"]), "'legall'"),
        (lambda d: d["triage"][0]["when"].update(emoji=["sad"]), "'sad' is none of positive"),
        (lambda d: d["triage"][0]["when"].update(hours=[1]), "hours"),
        (lambda d: d["decide"][0]["when"].update(intent_below=1.5), "intent_below"),
        (lambda d: d["decide"][0]["when"].update(may_reply="yes"), "may_reply"),
        (lambda d: d["decide"].append(dict(d["decide"][0])), "there twice"),
        (
            lambda d: d["decide"].append({"rule": "a", "then": "auto_approve", "reason": "x"}),
            "must list `intent`",
        ),
        (lambda d: d["risk_groups"].append("sport"), "sport"),
        (lambda d: d["max_age"].update(x="soon"), "'soon' is no duration"),
        (lambda d: d["max_age"].update(x="0h"), "no duration"),
        (lambda d: d["max_age"].pop("x"), "max_age"),
        (lambda d: d["max_age"].update(myspace="1h"), "myspace"),
        (lambda d: d.pop("decide"), "decide: field required"),
        (lambda d: d.update(languages=[]), "languages"),
        (lambda d: d.update(languages=[False]), "languages.0"),
        (lambda d: d.update(version="1"), "version"),
        (lambda d: d.update(name="My Policy"), "name"),
        (lambda d: d["words"]["legal"]["en"].append("*"), "words: phrase '*'"),
        (lambda d: d["words"].update(legal=["lawyer"]), "words.legal"),
    ],
)
def test_a_mistake_is_told_with_its_path(change: Change, told: str) -> None:
    with pytest.raises(ConfigurationError, match="my policy") as caught:
        Policy.from_data(changed(change), "my policy")
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["", "3", "[]", "name: x", "a: [", "name: &a x\nversion: *a"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="my policy"):
        Policy.from_yaml(text, "my policy")
