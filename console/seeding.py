"""What a tenant starts with (policy, templates), and all configuration announced on `config.changes`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from asyncpg import Record

from console.configuration import POLICY_KEY
from console.database import publish_outbox
from console.servers import Servers
from infra import postgres
from infra.audit import BY_PARLEY
from infra.postgres import Connection, Pool
from infra.settings import Settings
from replies import shipped
from replies.account import AccountView
from replies.documents import read_yaml
from replies.templates import Template
from schemas import codec as codecs
from schemas import topics
from schemas.codec import Codec
from schemas.events import ConfigChange, ConfigKind
from schemas.identity import content_hash
from sinks.announcing import announce
from sinks.outbox import enqueue


async def seed(pool: Pool, codec: Codec, tenant: str) -> None:
    """Gives a tenant the shipped policy and templates, and announces what was new.

    A new release brings its own: what nobody has changed since is replaced by a new version, what people
    wrote stays as it is.
    """
    async with pool.acquire() as connection, connection.transaction():
        # The policy's own lock too: somebody may be setting one, and both would make the same version.
        for what in ("parley seed ", "parley policy "):
            await connection.execute("select pg_advisory_xact_lock(hashtext($1))", what + tenant)
        before = {change.topic_key: change for change in await current(connection, tenant)}
        await _seed_policy(connection, tenant, before.get(f"{ConfigKind.POLICY}:{tenant}:{POLICY_KEY}"))
        for template in shipped.default_book().templates.values():
            await _seed_template(connection, tenant, template, before)
        for change in await current(connection, tenant):
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
        INSERT_TEMPLATE, tenant, template.name, version + 1, *template_row(template), BY_PARLEY
    )


INSERT_TEMPLATE: Final = (
    "insert into response_templates (tenant_id, name, version, language, intent, sentiment, content, "
    "platforms, accounts, weight, is_active, created_by) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
)


def template_row(template: Template) -> tuple[object, ...]:
    """A template's values for `INSERT_TEMPLATE`, between its version and who made it."""
    return (
        template.language,
        template.intent,
        template.sentiment,
        template.content,
        list(template.platforms),
        list(template.accounts),
        template.weight,
        template.active,
    )


async def announce_all(pool: Pool, codec: Codec, tenant: str) -> None:
    """Announces all configuration anew; harmless (the topic is compacted); mends a topic that was lost."""
    async with pool.acquire() as connection, connection.transaction():
        for change in await current(connection, tenant):
            await enqueue(connection, codec, topics.CONFIG_CHANGES, change.topic_key, change)


async def current(connection: Connection, tenant: str) -> list[ConfigChange]:
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
        "accounts, weight, is_active as active, created_by, created_at from response_templates "
        "where tenant_id = $1 order by name, version desc",
        tenant,
    )
    for row in rows:
        fields = {name: value for name, value in row.items() if not name.startswith("created_")}
        template = Template.model_validate(fields)
        changes.append(_change(ConfigKind.TEMPLATE, tenant, template.name, row, template.payload))
    rows = await connection.fetch("select * from social_accounts where tenant_id = $1", tenant)
    for row in rows:
        account = AccountView.model_validate({name: row[name] for name in AccountView.model_fields})
        changes.append(account.as_change(row["version"], by=BY_PARLEY, at=row["updated_at"]))
    rows = await connection.fetch(
        "select distinct on (key) key, version, document, created_by, created_at from voices "
        "where tenant_id = $1 order by key, version desc",
        tenant,
    )
    for row in rows:
        payload = json.dumps(row["document"] or {}, ensure_ascii=False)
        change = _change(ConfigKind.VOICE, tenant, row["key"], row, payload)
        changes.append(replace(change, deleted=row["document"] is None))
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


async def announce_configuration(servers: Servers, settings: Settings) -> None:
    """Seeds a new tenant's policy and templates and publishes all configuration, before workers start."""
    async with postgres.open_pool(servers.database, size=2) as pool:
        await seed(pool, codecs.load(), settings.tenant)
        await announce_all(pool, codecs.load(), settings.tenant)
    await publish_outbox(servers)
