import pytest

from console.serving import awaited, known_accounts
from schemas.events import ConfigChange, ConfigKind, Platform
from streams.config import ConfigView


@pytest.fixture
def view() -> ConfigView:
    return ConfigView("nowhere:1")


def add(view: ConfigView, key: str, payload: str) -> None:
    view.apply(
        ConfigChange(
            kind=ConfigKind.ACCOUNT,
            tenant_id="default",
            key=key,
            version=1,
            payload=payload,
            changed_by="test",
        )
    )


def test_an_account_whose_content_is_broken_hides_neither_itself_nor_the_others(view: ConfigView) -> None:
    add(view, "facebook:1", "{}")
    add(view, "facebook:2", '{"platform": "facebook", "account_id": "2"}')
    assert [each.account_id for each in known_accounts(view, "default")] == ["1", "2"]


def test_a_key_that_names_no_account_is_left_out(view: ConfigView) -> None:
    add(view, "myspace:1", "{}")
    add(view, "facebook:", "{}")
    add(view, "facebook:3", "{}")
    assert [each.account_id for each in known_accounts(view, "default")] == ["3"]


def test_a_handle_goes_with_its_account(view: ConfigView) -> None:
    add(view, "x:1", '{"platform": "x", "account_id": "1", "username": "parley"}')
    add(view, "x:2", '{"platform": "x", "account_id": "2"}')
    assert [each.username for each in known_accounts(view, "default")] == ["parley", None]


def test_webhooks_are_awaited_only_where_comments_come_by_them(view: ConfigView) -> None:
    add(view, "x:1", '{"platform": "x", "account_id": "1", "arrival": "polling"}')
    add(view, "facebook:1", '{"platform": "facebook", "account_id": "1"}')
    add(view, "linkedin:1", '{"platform": "linkedin", "account_id": "1", "arrival": "webhook"}')
    assert awaited(view, "default") == {Platform.FACEBOOK, Platform.LINKEDIN}
