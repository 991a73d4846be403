"""A token that is entered anew lets an account post again only where it was the token that held it."""

import pytest

from console import configuration
from infra.crypto import KeyRing
from infra.postgres import Pool
from replies.account import AccountStatus, AccountView
from schemas.codec import load
from schemas.events import ConfigChange, Platform

KEYS = KeyRing({"k": b"k" * 32})
ACCOUNT = AccountView(tenant_id="acme", platform=Platform.X, account_id="1", name="one")
PLACE = ("acme", Platform.X, "1")


async def save(pool: Pool, token: str) -> None:
    await configuration.save_account(
        pool, load(), ACCOUNT, token=token, keys=KEYS, replies_per_minute=1, actor="test"
    )


@pytest.mark.parametrize(
    ("held", "then"),
    [
        (AccountStatus.NEEDS_AUTH, AccountStatus.ACTIVE),
        (AccountStatus.BLOCKED, AccountStatus.ACTIVE),
        (AccountStatus.PAUSED, AccountStatus.PAUSED),
    ],
)
async def test_a_new_token_ends_what_the_token_caused_and_no_pause(
    pool: Pool, held: AccountStatus, then: AccountStatus
) -> None:
    await save(pool, "first")
    await configuration.set_status(pool, load(), PLACE, held, reason="why", actor="test")
    await save(pool, "second")
    assert await pool.fetchval("select status from social_accounts") == then


async def test_the_handle_is_announced_and_stays_when_only_the_token_is_new(pool: Pool) -> None:
    await configuration.save_account(
        pool, load(), ACCOUNT, token="t", username="parley", keys=KEYS, replies_per_minute=1, actor="test"
    )
    await save(pool, "second")
    await configuration.set_status(pool, load(), PLACE, AccountStatus.PAUSED, reason="why", actor="test")
    rows = await pool.fetch("select value from outbox order by id")
    announced = [AccountView.from_change(load().decode(row["value"], ConfigChange)) for row in rows]
    assert [each.username for each in announced] == ["parley"] * 3
