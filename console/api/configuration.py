"""Templates, the policy, voices and the accounts over HTTP."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path

from console import configuration, seeding, versions, voices
from console.api.app import Admin, Analyst, In, Supervisor
from console.api.shapes import (
    AccountShape,
    ModeChange,
    PolicyVersion,
    Reason,
    Said,
    Template,
    TemplateContent,
    Text,
    VoiceContent,
    VoiceVersion,
    is_storable,
)
from console.people import User
from replies import shipped, templates
from replies.account import AccountStatus
from replies.documents import read_yaml, validated
from replies.policy import Policy
from replies.voice import EVERYWHERE, Voice
from schemas import codec
from schemas.errors import ConfigurationError
from schemas.events import ConfigKind, Platform

router = APIRouter()

AccountId = Annotated[Text, Path(min_length=1, max_length=200)]
TemplateName = Annotated[Text, Path(min_length=1, max_length=80)]

VoiceKey = Annotated[Text, Path(min_length=1, max_length=220, description="platform:id, or default")]


@router.get("/templates", tags=["templates"])
async def list_templates(context: In, _user: Analyst) -> list[Template]:
    """The newest version of each template."""
    async with context.pool.acquire() as connection:
        changes = await seeding.current(connection, context.tenant)
    return [
        Template.model_validate(templates.Template.from_change(change).model_dump(mode="json"))
        for change in changes
        if change.kind is ConfigKind.TEMPLATE
    ]


@router.put("/templates/{name}", tags=["templates"])
async def save_template(context: In, user: Supervisor, name: TemplateName, content: TemplateContent) -> Said:
    """Adds a template, or makes a new version of it; checked first."""
    data = {**content.model_dump(mode="json"), "name": name}
    template = validated(templates.Template, data, f"template {name}")
    said = await versions.save_templates(context.pool, context.tenant, [template], user.name)
    return Said(message=said)


@router.get("/policy", tags=["policy"])
async def policy(context: In, _user: Analyst) -> PolicyVersion:
    """The policy in force."""
    row = await context.pool.fetchrow(
        "select version, document from policies where tenant_id = $1 order by version desc limit 1",
        context.tenant,
    )
    if row is None:
        return PolicyVersion(version=0, document=read_yaml(shipped.policy_text(), "the shipped policy"))
    return PolicyVersion(version=row["version"], document=row["document"])


@router.put("/policy", tags=["policy"])
async def set_policy(
    context: In, user: Admin, document: Annotated[dict[str, Any], Body(description="As GET gives it.")]
) -> PolicyVersion:
    """Puts a policy in force; one that cannot be read changes nothing."""
    Policy.from_data(document, "the policy")
    if not is_storable(json.dumps(document, ensure_ascii=False)) or "\\u0000" in json.dumps(document):
        raise ConfigurationError("the policy: holds null characters or halves of surrogate pairs")
    version = await versions.save_policy(context.pool, context.tenant, document, user.name)
    return PolicyVersion(version=version, document=document)


@router.get("/voices/{key}", tags=["voices"])
async def voice(context: In, _user: Analyst, key: VoiceKey) -> VoiceVersion:
    """The voice that serves an account (`platform:id`), or all without one of their own (`default`)."""
    rows = await context.pool.fetch(voices.NEWEST, context.tenant)
    kept = {row["key"]: row for row in rows if row["document"]}
    row = kept.get(voices.checked(key)) or kept.get(EVERYWHERE)
    if row is None:
        shipped_voice = VoiceContent.model_validate(Voice().model_dump())
        return VoiceVersion(key=EVERYWHERE, version=0, voice=shipped_voice)
    return VoiceVersion(key=row["key"], version=row["version"], voice=row["document"])


@router.put("/voices/{key}", tags=["voices"])
async def set_voice(context: In, user: Supervisor, key: VoiceKey, content: VoiceContent) -> VoiceVersion:
    """Sets a voice; workers follow within seconds."""
    given = validated(Voice, content.model_dump(mode="json"), f"voice of {key}")
    version = await versions.save_voice(context.pool, context.tenant, voices.checked(key), given, user.name)
    return VoiceVersion(key=key, version=version, voice=content)


@router.get("/accounts", tags=["accounts"])
async def accounts(context: In, _user: Analyst) -> list[AccountShape]:
    """The brand's accounts."""
    rows = await context.pool.fetch(
        "select platform, account_id, name, mode, status, status_reason, replies_per_minute "
        "from social_accounts where tenant_id = $1 order by platform, account_id",
        context.tenant,
    )
    return [AccountShape.model_validate(dict(row)) for row in rows]


@router.put("/accounts/{platform}/{account_id}/mode", tags=["accounts"])
async def mode(
    context: In, user: Admin, platform: Platform, account_id: AccountId, change: ModeChange
) -> Said:
    """Sets how far Parley goes for an account."""
    account = (context.tenant, platform, account_id)
    await configuration.set_mode(context.pool, codec.load(), account, change.mode, actor=user.name)
    return Said(message=f"{platform} account {account_id} is in the mode {change.mode}")


@router.post("/accounts/{platform}/{account_id}/pause", tags=["accounts"])
async def pause(
    context: In, user: Supervisor, platform: Platform, account_id: AccountId, reason: Reason
) -> Said:
    """Stops posting for an account, within two seconds."""
    why = reason.reason or "paused by a person"
    return await _status(context, user, platform, account_id, AccountStatus.PAUSED, why)


@router.post("/accounts/{platform}/{account_id}/resume", tags=["accounts"])
async def resume(context: In, user: Supervisor, platform: Platform, account_id: AccountId) -> Said:
    """Goes on posting."""
    return await _status(context, user, platform, account_id, AccountStatus.ACTIVE, "")


async def _status(
    context: In, user: User, platform: Platform, account_id: str, status: AccountStatus, reason: str
) -> Said:
    account = (context.tenant, platform, account_id)
    await configuration.set_status(
        context.pool, codec.load(), account, status, reason=reason, actor=user.name
    )
    return Said(message=f"{platform} account {account_id} is {status}")
