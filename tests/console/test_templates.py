from typing import Any

import pytest

from console import seeding, versions
from infra.postgres import Pool
from replies.documents import validated
from replies.templates import Template
from schemas import codec
from schemas.errors import ConfigurationError
from schemas.events import ConfigKind

TENANT = "default"


def template(**changes: Any) -> Template:
    data = {"name": "t1", "language": "en", "intent": "question", "content": "We will look.", **changes}
    return validated(Template, data, "template t1")


async def newest(pool: Pool) -> dict[str, Template]:
    async with pool.acquire() as connection:
        changes = await seeding.current(connection, TENANT)
    return {
        change.key: Template.from_change(change) for change in changes if change.kind is ConfigKind.TEMPLATE
    }


async def add_account(pool: Pool) -> None:
    await pool.execute(
        "insert into social_accounts (tenant_id, platform, account_id, name) "
        "values ($1, 'facebook', '1', 'Acme')",
        TENANT,
    )


@pytest.mark.integration
async def test_a_change_is_a_new_version_with_audit_and_announcement_in_one(pool: Pool) -> None:
    await add_account(pool)
    await versions.save_templates(pool, TENANT, [template()], "ana")
    said = await versions.save_templates(
        pool, TENANT, [template(weight=0.3, accounts=["facebook:1"], platforms=["facebook"])], "ben"
    )
    assert said == "saved t1 version 2"
    kept = (await newest(pool))["t1"]
    assert (kept.version, kept.weight, kept.accounts) == (2, 0.3, ("facebook:1",))
    audited = await pool.fetch("select actor, action, details from audit_log order by id")
    assert [(row["actor"], row["action"], row["details"]["version"]) for row in audited] == [
        ("ana", "template.saved", 1),
        ("ben", "template.saved", 2),
    ]
    assert await pool.fetchval("select count(*) from outbox where topic = 'config.changes'") == 2


@pytest.mark.integration
async def test_saving_what_is_there_changes_nothing(pool: Pool) -> None:
    await versions.save_templates(pool, TENANT, [template()], "ana")
    assert "nothing differs" in await versions.save_templates(pool, TENANT, [template()], "ana")
    assert await pool.fetchval("select count(*) from response_templates") == 1


@pytest.mark.integration
async def test_a_new_release_leaves_what_people_changed(pool: Pool) -> None:
    await seeding.seed(pool, codec.load(), TENANT)
    shipped = next(iter((await newest(pool)).values()))
    changed = shipped.model_copy(update={"weight": 0.2})
    await versions.save_templates(pool, TENANT, [changed], "ana")
    await seeding.seed(pool, codec.load(), TENANT)
    assert (await newest(pool))[shipped.name].weight == 0.2


@pytest.mark.integration
async def test_a_template_for_an_account_that_nobody_added_is_refused_and_one_that_was_there_stays(
    pool: Pool,
) -> None:
    await add_account(pool)
    await versions.save_templates(pool, TENANT, [template(accounts=["facebook:1"])], "ana")
    changes = [template(name="t2"), template(accounts=["facebook:1", "facebook:99"])]
    with pytest.raises(ConfigurationError, match=r"facebook account 99\b.*`parley accounts list`"):
        await versions.save_templates(pool, TENANT, changes, "ana")
    assert "t2" not in await newest(pool), "all or none"
    assert (await newest(pool))["t1"].accounts == ("facebook:1",)
    await pool.execute("delete from social_accounts")
    said = await versions.save_templates(pool, TENANT, [template(accounts=["facebook:1"], weight=0.5)], "ana")
    assert said == "saved t1 version 2", "what it was for before is no reason to refuse another change"
