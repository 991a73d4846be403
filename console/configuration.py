"""Changes of configuration: a row, an audit row and an outbox row in one transaction.

The relay carries the outbox to the compacted topic `config.changes`, which every worker follows.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from asyncpg import Record

from infra.crypto import KeyRing
from infra.postgres import Connection, Pool
from replies import shipped
from replies.account import AccountView
from replies.documents import read_yaml
from replies.templates import Template
from schemas import topics
from schemas.codec import Codec
from schemas.errors import ConfigurationError
from schemas.events import ConfigChange, ConfigKind, utc_now
from schemas.identity import content_hash
from sinks.outbox import enqueue
from sinks.senders import token_context

BY_PARLEY: Final = "parley"
POLICY_KEY: Final = "default"
"""Key of a tenant's one policy on `config.changes`."""


async def announce(connection: Connection, codec: Codec, change: ConfigChange, *, action: str) -> None:
    """Writes the audit row and the outbox row of a change, within the caller's transaction."""
    await connection.execute(
        "insert into audit_log (tenant_id, actor, action, subject, details) values ($1, $2, $3, $4, $5)",
        change.tenant_id,
        change.changed_by,
        action,
        change.topic_key,
        {"version": change.version},
    )
    await enqueue(connection, codec, topics.CONFIG_CHANGES, change.topic_key, change)


async def save_account(
    pool: Pool,
    codec: Codec,
    account: AccountView,
    *,
    token: str | None = None,
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
        version = await connection.fetchval(
            """
            insert into social_accounts as a (tenant_id, platform, account_id, name, mode, may_reply,
                only_when_mentioned, default_language, brand_name, replies_per_minute,
                token_ciphertext, token_key_id)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            on conflict (tenant_id, platform, account_id) do update set
                name = excluded.name, mode = excluded.mode, may_reply = excluded.may_reply,
                only_when_mentioned = excluded.only_when_mentioned,
                default_language = excluded.default_language,
                brand_name = excluded.brand_name, replies_per_minute = excluded.replies_per_minute,
                token_ciphertext = coalesce(excluded.token_ciphertext, a.token_ciphertext),
                token_key_id = coalesce(excluded.token_key_id, a.token_key_id),
                status = case when excluded.token_ciphertext is null then a.status else 'active' end,
                version = a.version + 1, updated_at = now()
            returning version
            """,
            account.tenant_id,
            account.platform,
            account.account_id,
            account.name,
            account.mode,
            account.may_reply,
            account.only_when_mentioned,
            account.default_language,
            account.brand_name,
            replies_per_minute,
            sealed,
            key_id,
        )
        await announce(
            connection, codec, _account_change(account, version, actor, utc_now()), action="account.saved"
        )


def _account_change(account: AccountView, version: int, actor: str, at: datetime) -> ConfigChange:
    return ConfigChange(
        kind=ConfigKind.ACCOUNT,
        tenant_id=account.tenant_id,
        key=f"{account.platform}:{account.account_id}",
        version=version,
        payload=account.payload,
        changed_by=actor,
        changed_at=at,
    )


async def set_status(
    pool: Pool, tenant: str, platform: str, account_id: str, *, status: str, reason: str, actor: str
) -> None:
    """Pauses or resumes an account; the poster reads this with every claim. Raises ConfigurationError."""
    async with pool.acquire() as connection, connection.transaction():
        changed = await connection.fetchval(
            "update social_accounts set status = $4, status_reason = $5, updated_at = now() "
            "where tenant_id = $1 and platform = $2 and account_id = $3 returning account_id",
            tenant,
            platform,
            account_id,
            status,
            reason,
        )
        if changed is None:
            raise unknown_account(platform, account_id)
        await connection.execute(
            "insert into audit_log (tenant_id, actor, action, subject) values ($1, $2, $3, $4)",
            tenant,
            actor,
            f"account.{status}",
            f"account:{tenant}:{platform}:{account_id}",
        )


def unknown_account(platform: str, account_id: str) -> ConfigurationError:
    """The error for an account that nobody has added."""
    return ConfigurationError(
        f"There is no {platform} account {account_id}. `parley accounts list` shows those that were added."
    )


async def load_account(
    connection: "Connection | Pool", tenant: str, platform: str, account_id: str
) -> AccountView:
    """The account's row; raises ConfigurationError if there is none."""
    row = await connection.fetchrow(
        "select tenant_id, platform, account_id, name, mode, may_reply, only_when_mentioned, "
        "default_language, brand_name from social_accounts "
        "where tenant_id = $1 and platform = $2 and account_id = $3",
        tenant,
        platform,
        account_id,
    )
    if row is None:
        raise unknown_account(platform, account_id)
    return AccountView.model_validate(dict(row))


async def seed(pool: Pool, codec: Codec, tenant: str) -> None:
    """Gives a tenant the shipped policy and templates, and announces what was new.

    A new release brings its own: what nobody has changed since is replaced by a new version, what people
    wrote stays as it is.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtext('parley seed ' || $1))", tenant)
        before = {change.topic_key: change for change in await _current(connection, tenant)}
        await _seed_policy(connection, tenant, before.get(f"{ConfigKind.POLICY}:{tenant}:{POLICY_KEY}"))
        for template in shipped.default_book().templates.values():
            await _seed_template(connection, tenant, template, before)
        for change in await _current(connection, tenant):
            if before.get(change.topic_key) != change:
                await announce(connection, codec, change, action=f"{change.kind}.shipped")


async def _seed_policy(connection: Connection, tenant: str, known: ConfigChange | None) -> None:
    document = read_yaml(shipped.policy_text(), "default_policy.yaml")
    if known and (known.changed_by != BY_PARLEY or json.loads(known.payload) == document):
        return
    await connection.execute(
        "insert into policies (tenant_id, version, document, hash, created_by) values ($1, $2, $3, $4, $5)",
        tenant,
        known.version + 1 if known else 1,
        document,
        content_hash(document),
        BY_PARLEY,
    )


async def _seed_template(
    connection: Connection, tenant: str, template: Template, before: Mapping[str, ConfigChange]
) -> None:
    known = before.get(f"{ConfigKind.TEMPLATE}:{tenant}:{template.name}")
    version = known.version if known else 0
    if known and (
        known.changed_by != BY_PARLEY
        or template.model_copy(update={"version": version}).payload == known.payload
    ):
        return
    await connection.execute(
        "insert into response_templates (tenant_id, name, version, language, intent, sentiment, content, "
        "platforms, is_active, created_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant,
        template.name,
        version + 1,
        template.language,
        template.intent,
        template.sentiment,
        template.content,
        list(template.platforms),
        template.active,
        BY_PARLEY,
    )


async def announce_all(pool: Pool, codec: Codec, tenant: str) -> None:
    """Announces all configuration anew; harmless (the topic is compacted); mends a topic that was lost."""
    async with pool.acquire() as connection, connection.transaction():
        for change in await _current(connection, tenant):
            await enqueue(connection, codec, topics.CONFIG_CHANGES, change.topic_key, change)


async def _current(connection: Connection, tenant: str) -> list[ConfigChange]:
    """The newest version of everything the tenant has configured."""
    changes = []
    row = await connection.fetchrow(
        "select version, document, created_by, created_at from policies where tenant_id = $1 "
        "order by version desc limit 1",
        tenant,
    )
    if row is not None:
        payload = json.dumps(row["document"], ensure_ascii=False)
        changes.append(_change(ConfigKind.POLICY, tenant, POLICY_KEY, row, payload))
    rows = await connection.fetch(
        "select distinct on (name) name, version, language, intent, sentiment, content, platforms, "
        "is_active as active, created_by, created_at from response_templates where tenant_id = $1 "
        "order by name, version desc",
        tenant,
    )
    for row in rows:
        fields = {name: value for name, value in row.items() if not name.startswith("created_")}
        template = Template.model_validate(fields)
        changes.append(_change(ConfigKind.TEMPLATE, tenant, template.name, row, template.payload))
    rows = await connection.fetch("select * from social_accounts where tenant_id = $1", tenant)
    for row in rows:
        account = AccountView.model_validate({name: row[name] for name in AccountView.model_fields})
        changes.append(_account_change(account, row["version"], BY_PARLEY, row["updated_at"]))
    return changes


def _change(kind: ConfigKind, tenant: str, key: str, row: Record, payload: str) -> ConfigChange:
    return ConfigChange(
        kind=kind,
        tenant_id=tenant,
        key=key,
        version=row["version"],
        payload=payload,
        changed_by=row["created_by"],
        changed_at=row["created_at"],
    )
