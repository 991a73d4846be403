"""Hours of a policy are the account's, wherever it is."""

from datetime import UTC, datetime

import pytest

from replies import shipped
from replies.policy import Policy, triage
from schemas.states import Action
from tests.replies.conftest import account_of, analysis_of, comment_of

NIGHT = shipped.default_policy().document.model_dump(mode="json")
NIGHT["triage"].insert(
    0, {"rule": "night", "when": {"hours": [22, 7]}, "then": "review", "reason": "people sleep"}
)
POLICY = Policy.from_data(NIGHT)


@pytest.mark.parametrize(
    ("zone", "hour", "night"),
    [
        ("UTC", 22, True),
        ("UTC", 21, False),
        ("UTC", 6, True),
        ("UTC", 7, False),
        ("America/Mexico_City", 4, True),
        ("America/Mexico_City", 22, False),
        ("Asia/Tokyo", 13, True),
        ("Asia/Tokyo", 22, False),
        ("no such zone", 22, True),
    ],
)
def test_the_hour_is_the_one_of_the_accounts_time_zone(zone: str, hour: int, night: bool) -> None:
    now = datetime(2026, 3, 14, hour, 30, tzinfo=UTC)
    comment = comment_of("Great coffee", created_at=now, occurred_at=now)
    found = triage(POLICY, comment, analysis_of(), account_of(time_zone=zone), now)
    assert (found is not None and found.rule == "night") is night
    if found:
        assert found.action is Action.REVIEW


def test_a_list_of_authors_is_a_condition() -> None:
    document = shipped.default_policy().document.model_dump(mode="json")
    when = {"author": ["vip1", "vip2"]}
    document["triage"].insert(
        0, {"rule": "vip", "when": when, "then": "escalate", "reason": "a guest we know"}
    )
    policy = Policy.from_data(document)
    now = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
    found = triage(policy, comment_of("Hello", author_id="vip2"), analysis_of(), account_of(), now)
    assert found
    assert (found.action, found.rule) == (Action.ESCALATE, "vip")
    assert triage(policy, comment_of("Hello", author_id="u9"), analysis_of(), account_of(), now) is None
