"""New versions of policies, templates and voices: each stored and announced in one transaction."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from console import seeding
from console.configuration import POLICY_KEY, require_accounts
from infra.postgres import Pool
from replies.templates import Template
from replies.voice import EVERYWHERE, Voice
from schemas import codec
from schemas.events import ConfigChange, ConfigKind, utc_now
from schemas.identity import content_hash
from sinks.announcing import announce


async def save_policy(pool: Pool, tenant: str, document: Mapping[str, Any], person: str) -> int:
    """Stores a checked policy as the newest and announces it, in one transaction; returns its version."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtext('parley policy ' || $1))", tenant)
        version: int = await connection.fetchval(
            "insert into policies (tenant_id, version, document, hash, created_by) "
            "select $1, coalesce(max(version), 0) + 1, $2, $3, $4 from policies where tenant_id = $1 "
            "returning version",
            tenant,
            dict(document),
            content_hash(document),
            person,
        )
        change = ConfigChange(
            kind=ConfigKind.POLICY,
            tenant_id=tenant,
            key=POLICY_KEY,
            version=version,
            payload=json.dumps(document, ensure_ascii=False),
            changed_by=person,
            changed_at=utc_now(),
        )
        await announce(connection, codec.load(), change, action="policy.set")
    return version


async def save_templates(pool: Pool, tenant: str, templates: Iterable[Template], person: str) -> str:
    """Stores new versions of what differs and announces them, in one transaction; says what was done.

    Raises ConfigurationError if one is newly for an account that nobody has added.
    """
    saved = []
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtext('parley seed ' || $1))", tenant)
        known = {
            change.key: Template.from_change(change)
            for change in await seeding.current(connection, tenant)
            if change.kind is ConfigKind.TEMPLATE
        }
        for template in templates:
            before = known.get(template.name)
            version = before.version if before else 0
            if before and template.model_copy(update={"version": version}) == before:
                continue
            kept = set(before.accounts) if before else set()
            await require_accounts(connection, tenant, [key for key in template.accounts if key not in kept])
            await connection.execute(
                seeding.INSERT_TEMPLATE,
                tenant,
                template.name,
                version + 1,
                *seeding.template_row(template),
                person,
            )
            change = ConfigChange(
                kind=ConfigKind.TEMPLATE,
                tenant_id=tenant,
                key=template.name,
                version=version + 1,
                payload=template.model_copy(update={"version": version + 1}).payload,
                changed_by=person,
                changed_at=utc_now(),
            )
            await announce(connection, codec.load(), change, action="template.saved")
            saved.append(f"{template.name} version {version + 1}")
    return "saved " + ", ".join(saved) if saved else "nothing differs from what is stored"


async def save_voice(pool: Pool, tenant: str, key: str, voice: Voice | None, person: str) -> int:
    """Stores a voice as the newest of its key (None takes it away) and announces it, in one transaction.

    Raises ConfigurationError for the voice of an account that nobody has added.
    """
    async with pool.acquire() as connection, connection.transaction():
        if voice and key != EVERYWHERE:
            await require_accounts(connection, tenant, [key])
        await connection.execute("select pg_advisory_xact_lock(hashtext('parley voices ' || $1))", tenant)
        version: int = await connection.fetchval(
            "insert into voices (tenant_id, key, version, document, created_by) "
            "select $1, $2, coalesce(max(version), 0) + 1, $3, $4 from voices "
            "where tenant_id = $1 and key = $2 returning version",
            tenant,
            key,
            voice.model_dump(mode="json") if voice else None,
            person,
        )
        change = ConfigChange(
            kind=ConfigKind.VOICE,
            tenant_id=tenant,
            key=key,
            version=version,
            payload=voice.model_dump_json() if voice else "{}",
            deleted=voice is None,
            changed_by=person,
            changed_at=utc_now(),
        )
        await announce(connection, codec.load(), change, action="voice.set" if voice else "voice.removed")
    return version
