"""Who may use the HTTP API: users with a role each, and their keys.

A key is shown once, when it is made: `parley_ID_SECRET`; Postgres keeps the secret's hash. What a role may:

    analyst      reads
    moderator    and decides items of the level `moderator`, escalates, claims
    supervisor   and decides every item, edits templates, pauses and resumes accounts
    admin        and changes the policy and the accounts' modes
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from infra import audit
from infra.postgres import Pool
from schemas.errors import ConfigurationError
from schemas.events import utc_now

_KEY: Final = re.compile(r"parley_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_USED_AGAIN: Final = timedelta(minutes=1)
"""How exactly the last use of a key is known: a write for each request would cost more than it tells."""


class Role(StrEnum):
    """What a user may do; each may what those before it may."""

    ANALYST = "analyst"
    MODERATOR = "moderator"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"

    def may(self, least: "Role") -> bool:
        """True if this role includes `least`."""
        order = list(Role)
        return order.index(self) >= order.index(least)


@dataclass(frozen=True, slots=True)
class User:
    """A person or a tool of the tenant's."""

    name: str
    role: Role


async def save_user(pool: Pool, tenant: str, name: str, role: Role, *, active: bool, actor: str) -> None:
    """Adds a user, or changes role and activity; audited. Keys of an inactive user open nothing."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "insert into users (tenant_id, name, role, is_active) values ($1, $2, $3, $4) "
            "on conflict (tenant_id, name) do update "
            "set role = excluded.role, is_active = excluded.is_active",
            tenant,
            name,
            role,
            active,
        )
        details = {"role": role, "active": active}
        await audit.write_down(connection, tenant, actor, "user.saved", f"user:{name}", details)


async def create_key(
    pool: Pool, tenant: str, name: str, *, label: str = "", expires_at: datetime | None = None, actor: str
) -> tuple[str, str]:
    """(key id, the key itself, which nobody can read again); raises ConfigurationError without the user."""
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    async with pool.acquire() as connection, connection.transaction():
        user = await connection.fetchval(
            "select user_id from users where tenant_id = $1 and name = $2 and is_active", tenant, name
        )
        if user is None:
            raise ConfigurationError(f"There is no active user {name}. Add one: `parley users add {name}`.")
        await connection.execute(
            "insert into api_keys (key_id, user_id, hash, label, expires_at) values ($1, $2, $3, $4, $5)",
            key_id,
            user,
            _hash(secret),
            label,
            expires_at,
        )
        await audit.write_down(connection, tenant, actor, "key.created", f"key:{key_id}", {"user": name})
    return key_id, f"parley_{key_id}_{secret}"


async def revoke_key(pool: Pool, tenant: str, key_id: str, *, actor: str) -> None:
    """Ends a key at once; audited. Raises ConfigurationError if there is no such key in force."""
    async with pool.acquire() as connection, connection.transaction():
        revoked = await connection.fetchval(
            "update api_keys k set revoked_at = now() from users u "
            "where k.user_id = u.user_id and u.tenant_id = $1 and k.key_id = $2 and k.revoked_at is null "
            "returning k.key_id",
            tenant,
            key_id,
        )
        if revoked is None:
            raise ConfigurationError(f"No key {key_id} is in force. `parley keys list` shows those that are.")
        await audit.write_down(connection, tenant, actor, "key.revoked", f"key:{key_id}")


async def user_of(pool: Pool, tenant: str, key: str) -> User | None:
    """Whose key this is, or None if it opens nothing; the comparison takes the same time either way."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    row = await pool.fetchrow(
        "select u.name, u.role, k.hash, k.last_used_at from api_keys k join users u using (user_id) "
        "where k.key_id = $1 and u.tenant_id = $2 and u.is_active and k.revoked_at is null "
        "and (k.expires_at is null or k.expires_at > now())",
        found[1],
        tenant,
    )
    kept = row["hash"] if row else bytes(32)
    if not hmac.compare_digest(_hash(found[2]), kept) or row is None:
        return None
    if row["last_used_at"] is None or utc_now() - row["last_used_at"] > _USED_AGAIN:
        await pool.execute("update api_keys set last_used_at = now() where key_id = $1", found[1])
    return User(row["name"], Role(row["role"]))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
