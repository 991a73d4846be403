"""Accounts as people configure them: each change is stored and announced in one transaction.

Policies, templates and voices: `console.versions`.
"""

from collections.abc import Iterable
from typing import Final, Literal

from infra import crypto
from infra.crypto import KeyRing
from infra.postgres import Connection, Pool
from infra.settings import Settings
from replies.account import AccountStatus, AccountView, Mode
from schemas.arrival import Arrival
from schemas.codec import Codec
from schemas.errors import ConfigurationError
from schemas.events import Platform
from sinks import statuses
from sinks.senders import token_context

POLICY_KEY: Final = "default"
"""Key of a tenant's one policy on `config.changes`."""


async def save_account(
    pool: Pool,
    codec: Codec,
    account: AccountView,
    *,
    token: str | None = None,
    username: str | None = None,
    keys: KeyRing,
    replies_per_minute: float,
    actor: str,
) -> None:
    """Adds an account, or brings it up to date; its token is kept sealed, and kept as it is if None."""
    sealed, key_id = (
        keys.seal(token.encode(), context=token_context(account.platform, account.account_id))
        if token is not None
        else (None, None)
    )
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            f"""
            insert into social_accounts as a (tenant_id, platform, account_id, name, mode, may_reply,
                only_when_mentioned, arrival, default_language, brand_name, replies_per_minute,
                token_ciphertext, token_key_id, username, token_stored_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                case when $12::bytea is not null then now() end)
            on conflict (tenant_id, platform, account_id) do update set
                name = excluded.name, mode = excluded.mode, may_reply = excluded.may_reply,
                only_when_mentioned = excluded.only_when_mentioned, arrival = excluded.arrival,
                default_language = excluded.default_language,
                brand_name = excluded.brand_name, replies_per_minute = excluded.replies_per_minute,
                token_ciphertext = coalesce(excluded.token_ciphertext, a.token_ciphertext),
                token_key_id = coalesce(excluded.token_key_id, a.token_key_id),
                token_stored_at = coalesce(excluded.token_stored_at, a.token_stored_at),
                username = coalesce(excluded.username, a.username),
                status_reason = case when excluded.token_ciphertext is null or a.status = 'paused'
                    then a.status_reason end,
                status = case when excluded.token_ciphertext is null or a.status = 'paused'
                    then a.status else 'active' end,
                version = a.version + 1, updated_at = now()
            returning version, {statuses.COLUMNS}
            """,  # noqa: S608
            account.tenant_id,
            account.platform,
            account.account_id,
            account.name,
            account.mode,
            account.may_reply,
            account.only_when_mentioned,
            account.arrival,
            account.default_language,
            account.brand_name,
            replies_per_minute,
            sealed,
            key_id,
            username,
        )
        assert row is not None  # noqa: S101  an upsert gives its row
        await statuses.tell(connection, codec, row, action="account.saved", actor=actor, details={})


async def set_status(
    pool: Pool,
    codec: Codec,
    account: tuple[str, Platform, str],
    status: AccountStatus,
    *,
    reason: str,
    actor: str,
) -> None:
    """Pauses or resumes an account (tenant, platform, id); the poster reads this with every claim.

    Raises ConfigurationError if there is no such account.
    """
    async with pool.acquire() as connection, connection.transaction():
        if not await statuses.change(connection, codec, account, status, reason=reason, actor=actor):
            raise unknown_account(*account[1:])


async def set_mode(
    pool: Pool, codec: Codec, account: tuple[str, Platform, str], mode: Mode, *, actor: str
) -> None:
    """Sets how far Parley goes for an account (tenant, platform, id), and announces it.

    Raises ConfigurationError if there is no such account.
    """
    async with pool.acquire() as connection, connection.transaction():
        await _set(connection, codec, account, "mode", mode, actor=actor)


async def set_arrival(
    pool: Pool, codec: Codec, account: tuple[str, Platform, str], arrival: Arrival, *, actor: str
) -> None:
    """Sets by which ways an account's comments come, announces it, and has the poller look at it soon.

    Raises ConfigurationError if there is no such account.
    """
    async with pool.acquire() as connection, connection.transaction():
        await _set(connection, codec, account, "arrival", arrival, actor=actor)
        await connection.execute(
            "update account_polls set next_poll_at = now() "
            "where tenant_id = $1 and platform = $2 and account_id = $3",
            *account,
        )


async def _set(
    connection: Connection,
    codec: Codec,
    account: tuple[str, Platform, str],
    column: Literal["mode", "arrival"],
    value: Mode | Arrival,
    *,
    actor: str,
) -> None:
    row = await connection.fetchrow(
        f"update social_accounts set {column} = $4, version = version + 1, updated_at = clock_timestamp() "  # noqa: S608
        "where tenant_id = $1 and platform = $2 and account_id = $3 "
        f"returning version, {statuses.COLUMNS}",
        *account,
        value,
    )
    if row is None:
        raise unknown_account(*account[1:])
    await statuses.tell(connection, codec, row, action=f"account.{column}.{value}", actor=actor, details={})


def unknown_account(platform: str, account_id: str) -> ConfigurationError:
    """The error for an account that nobody has added."""
    return ConfigurationError(
        f"There is no {platform} account {account_id}. `parley accounts list` shows those that were added."
    )


async def require_accounts(connection: Connection, tenant: str, keys: Iterable[str]) -> None:
    """Raises ConfigurationError for the first key ("platform:id") that is no account of the tenant."""
    rows = await connection.fetch(
        "select platform || ':' || account_id as key from social_accounts where tenant_id = $1", tenant
    )
    known = {row["key"] for row in rows}
    for key in keys:
        if key not in known:
            platform, _, account_id = key.partition(":")
            raise unknown_account(platform, account_id)


async def stored_or(pool: Pool, new: AccountView, budget: float) -> tuple[AccountView, float]:
    """The account as it is stored, with its budget of replies a minute; `new`, `budget` if it is not yet."""
    row = await pool.fetchrow(
        f"select {statuses.COLUMNS}, replies_per_minute from social_accounts "  # noqa: S608
        "where tenant_id = $1 and platform = $2 and account_id = $3",
        new.tenant_id,
        new.platform,
        new.account_id,
    )
    if row is None:
        return new, budget
    kept = dict(row)
    budget = kept.pop("replies_per_minute")
    return AccountView.model_validate(kept), budget


def key_ring(settings: Settings) -> KeyRing:
    """The encryption keys."""
    configured = settings.encryption_keys
    return crypto.load_keys(configured.get_secret_value() if configured else None, settings.state_dir)
