"""A token that is entered anew lets an account post again only where it was the token that held it."""

import base64
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.logins import Granted, Token
from console import configuration, ledger
from console.connecting import save_granted
from infra.crypto import KeyRing
from infra.postgres import Pool
from infra.settings import Settings
from replies.account import AccountStatus, AccountView, Mode
from schemas.arrival import Arrival
from schemas.codec import load
from schemas.events import ConfigChange, Platform
from tests.console.conftest import Parley

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


async def ways(pool: Pool) -> list[object]:
    return [row["arrival"] for row in await ledger.accounts(pool, "acme")]


async def test_by_which_ways_comments_come_is_set_announced_and_listed(pool: Pool) -> None:
    await save(pool, "first")
    assert await ways(pool) == ["webhook+polling"]
    await configuration.set_arrival(pool, load(), PLACE, Arrival.POLLING, actor="test")
    assert await ways(pool) == ["polling"]
    await configuration.set_status(pool, load(), PLACE, AccountStatus.PAUSED, reason="why", actor="test")
    rows = await pool.fetch("select value from outbox order by id")
    announced = [AccountView.from_change(load().decode(row["value"], ConfigChange)) for row in rows]
    assert [each.arrival for each in announced] == [Arrival.BOTH, Arrival.POLLING, Arrival.POLLING]
    assert await pool.fetchval("select count(*) from audit_log where action = 'account.arrival.polling'") == 1


async def test_connecting_again_keeps_the_ways_unless_others_are_said(pool: Pool) -> None:
    settings = Settings(tenant="acme", encryption_keys=SecretStr(f"k:{base64.b64encode(b'k' * 32).decode()}"))
    granted = Granted(account_id="1", name="one", token=Token(access="t"))

    async def connect(arrival: Arrival | None) -> Arrival:
        return await save_granted(pool, settings, Platform.X, granted, Mode.REVIEW, arrival)

    assert await connect(Arrival.WEBHOOK) is Arrival.WEBHOOK
    assert await connect(None) is Arrival.WEBHOOK
    assert await ways(pool) == ["webhook"]
    assert await connect(Arrival.BOTH) is Arrival.BOTH
    assert await ways(pool) == ["webhook+polling"]


OF_ADD = (
    "select mode, brand_name, default_language, replies_per_minute, may_reply, only_when_mentioned, arrival "
    "from social_accounts"
)


@pytest.mark.integration
def test_adding_again_renews_the_token_and_leaves_what_is_not_said(parley: Parley, tmp_path: Path) -> None:
    token = tmp_path / "token"
    add = ("accounts", "add", "facebook", "1", "--name", "Page", "--token-file", str(token))
    token.write_text("first")
    parley(*add)
    assert parley.row(OF_ADD) == ("review", "Page", "en", 30, True, False, "webhook+polling")
    said = (
        "--mode auto --brand Acme --language de --replies-per-minute 7 --no-may-reply --only-when-mentioned"
    )
    parley(*add, *said.split(), "--arrival", "polling")
    configured = ("auto", "Acme", "de", 7, False, True, "polling")
    assert parley.row(OF_ADD) == configured
    sealed = parley.row("select token_ciphertext from social_accounts")
    token.write_text("second")
    assert "mode auto" in parley(*add)
    assert parley.row(OF_ADD) == configured
    assert parley.row("select token_ciphertext from social_accounts") != sealed
    parley(*add, "--may-reply", "--mode", "observe")
    assert parley.row(OF_ADD) == ("observe", "Acme", "de", 7, True, True, "polling")


@pytest.mark.integration
async def test_connecting_again_keeps_what_was_configured(pool: Pool) -> None:
    settings = Settings(tenant="acme", encryption_keys=SecretStr(f"k:{base64.b64encode(b'k' * 32).decode()}"))
    kept = ACCOUNT.model_copy(update={"mode": Mode.AUTO, "brand_name": "Acme", "default_language": "de"})
    await configuration.save_account(
        pool, load(), kept, token="t", keys=KEYS, replies_per_minute=7, actor="test"
    )
    before = await pool.fetchrow(OF_ADD)
    granted = Granted(account_id="1", name="another name", token=Token(access="t"))
    await save_granted(pool, settings, Platform.X, granted, Mode.REVIEW, None)
    assert await pool.fetchrow(OF_ADD) == before
