import pytest

from console import seeding, versions, voices
from console.live_desk import LiveDesk
from infra.postgres import Pool
from replies.account import AccountView
from replies.voice import EVERYWHERE, Voice
from schemas.errors import ConfigurationError
from schemas.events import ConfigChange, ConfigKind, Platform

TENANT = "default"
ACCOUNT = AccountView(platform=Platform.FACEBOOK, account_id="1", name="Acme")


class View:
    """Stands for `config.changes`."""

    def on_change(self, callback: object) -> None:
        self.tell = callback


async def announced(pool: Pool) -> list[ConfigChange]:
    async with pool.acquire() as connection:
        changes = await seeding.current(connection, TENANT)
    return [change for change in changes if change.kind is ConfigKind.VOICE]


async def spoken(pool: Pool) -> str:
    """The tone with which a worker that starts now speaks for the account."""
    view = View()
    desk = LiveDesk(view, TENANT)  # type: ignore[arg-type]
    for change in await announced(pool):
        view.tell(change)  # type: ignore[operator]
    return desk.voice(ACCOUNT).tone


@pytest.mark.integration
async def test_an_accounts_voice_outranks_the_one_for_all_until_it_is_taken_away(pool: Pool) -> None:
    await pool.execute(
        "insert into social_accounts (tenant_id, platform, account_id, name) "
        "values ($1, 'facebook', '1', 'Acme')",
        TENANT,
    )
    shipped = await spoken(pool)
    await versions.save_voice(pool, TENANT, EVERYWHERE, Voice(tone="plain"), "ana")
    assert await spoken(pool) == "plain"
    await versions.save_voice(pool, TENANT, ACCOUNT.config_key, Voice(tone="funny"), "ana")
    assert await versions.save_voice(pool, TENANT, ACCOUNT.config_key, Voice(tone="dry"), "ben") == 2
    assert await spoken(pool) == "dry"
    await versions.save_voice(pool, TENANT, ACCOUNT.config_key, None, "ben")
    assert await spoken(pool) == "plain"
    await versions.save_voice(pool, TENANT, EVERYWHERE, None, "ben")
    assert await spoken(pool) == shipped
    actions = await pool.fetch("select action from audit_log order by id")
    assert [row["action"] for row in actions] == ["voice.set"] * 3 + ["voice.removed"] * 2


@pytest.mark.parametrize("key", ["facebook", "facebook:", "myspace:1", ""])
def test_a_voice_is_an_accounts_or_everybodys(key: str) -> None:
    with pytest.raises(ConfigurationError, match="platform:id"):
        voices.checked(key)


@pytest.mark.integration
async def test_the_voice_of_an_account_that_nobody_added_is_refused_but_may_be_taken_away(pool: Pool) -> None:
    with pytest.raises(ConfigurationError, match=r"facebook account 9\b.*`parley accounts list`"):
        await versions.save_voice(pool, TENANT, "facebook:9", Voice(tone="dry"), "ana")
    assert await pool.fetchval("select count(*) from voices") == 0
    assert await versions.save_voice(pool, TENANT, "facebook:9", None, "ana") == 1
