"""Who drafts, what is said twice, and voices: the parts of the desk that drafting by a model uses."""

import itertools
import json

import pytest
import yaml

from replies import shipped
from replies.policy import Policy, drafting
from replies.recent import Recent, same
from replies.voice import Voice, voice_of
from schemas.errors import ConfigurationError
from schemas.events import ConfigChange, ConfigKind, DraftOrigin, Platform
from tests.replies.conftest import NOW, account_of, analysis_of, comment_of, desk_of


def test_the_shipped_policy_lets_templates_answer_smiles_and_the_model_everything_else() -> None:
    desk = desk_of()
    assert desk.drafted_by(comment_of("😍😍"), analysis_of(), NOW) == (
        DraftOrigin.TEMPLATE,
        "emoji_by_template",
    )
    assert desk.drafted_by(comment_of("Great!"), analysis_of(), NOW)[0] is DraftOrigin.LANGUAGE_MODEL
    assert desk.drafted_by(comment_of("Hi", account_id="x"), analysis_of(), NOW)[0] is DraftOrigin.TEMPLATE


def test_a_policy_says_who_drafts() -> None:
    document = yaml.safe_load(shipped.policy_text())
    document["drafting"] = [
        {
            "rule": "ours",
            "when": {"intent": ["complaint"]},
            "then": "template",
            "reason": "people wrote these",
        }
    ]
    policy = Policy.from_data(document)
    found = [
        drafting(policy, comment_of("Bad"), analysis_of(intent), account_of(), NOW)
        for intent in ("complaint", "question")
    ]
    assert found == [(DraftOrigin.TEMPLATE, "ours"), (DraftOrigin.LANGUAGE_MODEL, "no_rule")]


@pytest.mark.parametrize("rule", [{"then": "person"}, {"then": "robot"}, {"rule": "observe"}])
def test_a_drafting_rule_that_cannot_be_is_refused(rule: dict[str, str]) -> None:
    document = yaml.safe_load(shipped.policy_text())
    document["drafting"] = [{"rule": "ours", "then": "template", "reason": "r", **rule}]
    with pytest.raises(ConfigurationError):
        Policy.from_data(document)


def test_what_was_just_said_is_not_said_again_while_there_is_something_else() -> None:
    desk, recent, page = desk_of(), Recent(), (Platform.FACEBOOK, "page")
    said = []
    for _ in range(12):
        draft = desk.draft(comment_of("Great!"), analysis_of(), recent.of(page))
        assert draft is not None
        recent.add(page, draft.text)
        said.append(same(draft.text))
    assert all(one != other for one, other in itertools.pairwise(said))
    assert desk.draft(comment_of("Great!"), analysis_of(), said) is not None, "the same rather than nothing"


def test_the_brief_holds_the_template_without_the_authors_name() -> None:
    found = desk_of().brief(comment_of("Great!", author_name="Ana Pérez"), analysis_of())
    assert found is not None
    brief = found[1]
    assert brief.language == "en"
    assert brief.text
    assert "Ana" not in brief.text
    assert desk_of().brief(comment_of("Great!", account_id="x"), analysis_of()) is None


def change(payload: object) -> ConfigChange:
    return ConfigChange(
        kind=ConfigKind.VOICE,
        tenant_id="default",
        key="default",
        version=1,
        payload=json.dumps(payload),
        changed_by="test",
    )


def test_an_accounts_own_voice_goes_before_the_one_for_all() -> None:
    own, everywhere = Voice(tone="Mine"), Voice.from_change(change({"tone": "Ours", "avoid": ["slang"]}))
    assert voice_of({"facebook:page": own, "default": everywhere}, "facebook:page").tone == "Mine"
    assert voice_of({"default": everywhere}, "facebook:page").tone == "Ours"
    assert voice_of({}, "facebook:page") == Voice()


def test_a_voice_that_cannot_be_read_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="voice default version 1"):
        Voice.from_change(change({"tune": "x"}))
