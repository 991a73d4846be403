"""Accounts from and to configuration."""

import json
from collections.abc import Callable
from datetime import datetime

import pytest

from replies.account import AccountView, Mode
from schemas.errors import ConfigurationError
from schemas.events import ConfigChange, ConfigKind


def change(payload: str, now: datetime) -> ConfigChange:
    return ConfigChange(
        kind=ConfigKind.ACCOUNT,
        tenant_id="acme",
        key="facebook:1",
        version=3,
        payload=payload,
        changed_by="test",
        changed_at=now,
    )


def test_an_account_survives_its_payload(account: Callable[..., AccountView], now: datetime) -> None:
    view = account(tenant_id="acme", only_when_mentioned=True)
    assert AccountView.from_change(change(view.payload, now)) == view


def test_what_is_not_said_is_careful(now: datetime) -> None:
    view = AccountView.from_change(change('{"platform": "x", "account_id": "1"}', now))
    assert view.mode is Mode.REVIEW
    assert view.tenant_id == "acme"


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("", "not readable as JSON"),
        ("[]", "object"),
        ('{"platform": "myspace", "account_id": "1"}', "platform"),
        ('{"platform": "x", "account_id": "1", "mod": "auto"}', "did you mean 'mode'"),
        ('{"platform": "x", "account_id": "1", "mode": "AUTO"}', "mode"),
        ('{"platform": "x", "account_id": "1", "may_reply": "yes"}', "may_reply"),
        ('{"platform": "x", "account_id": ""}', "account_id"),
        (json.dumps({"platform": "x", "account_id": "1", "default_language": "English"}), "default_language"),
    ],
)
def test_a_broken_account_is_refused_by_name(broken: str, told: str, now: datetime) -> None:
    with pytest.raises(ConfigurationError, match="account facebook:1 version 3") as caught:
        AccountView.from_change(change(broken, now))
    assert told in str(caught.value)
