"""Commands that write tell the workers at once, whether a relay runs or not; faults are said clearly."""

import asyncio
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from console import database
from console.main import application
from console.servers import Servers
from infra.postgres import Pool
from infra.settings import Settings
from schemas import codec
from schemas.errors import EnvironmentFault
from schemas.events import ConfigChange
from tests.console.api.conftest import waiting_comment

pytestmark = pytest.mark.integration

NOWHERE = "127.0.0.1:1"


async def parley(*arguments: str, given: str | None = None) -> Result:
    """The command's outcome; raises what it raised."""
    done = await asyncio.to_thread(
        CliRunner().invoke, application([arguments[0]]), list(arguments), input=given
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture
def environment(
    database_url: str, kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """Commands work on the test's servers."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("PARLEY_STATE_DIR", str(tmp_path))
    return monkeypatch


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    return Path(shutil.copy("replies/default_policy.yaml", tmp_path / "policy.yaml"))


@pytest.fixture
def voice_file(tmp_path: Path) -> Path:
    file = tmp_path / "voice.yaml"
    file.write_text("tone: plain\n")
    return file


@pytest.fixture
async def account(environment: pytest.MonkeyPatch) -> tuple[str, str]:
    await parley("accounts", "add", "facebook", "1", "--name", "Acme", given="a-token")
    return "facebook", "1"


async def unpublished(pool: Pool) -> int:
    return int(await pool.fetchval("select count(*) from outbox where published_at is null"))


async def told(pool: Pool) -> set[str]:
    """The topics on which something was published."""
    rows = await pool.fetch("select topic from outbox where published_at is not null and refused is null")
    return {row["topic"] for row in rows}


WRITING = {
    "templates add": ["templates", "add", "t1", "--language", "en", "--intent", "question", "--text", "Hi."],
    "templates import": ["templates", "import", "{templates}"],
    "policy set": ["policy", "set", "--policy", "{policy}"],
    "voices set": ["voices", "set", "{voice}"],
    "accounts mode": ["accounts", "mode", "facebook", "1", "auto"],
    "accounts pause": ["accounts", "pause", "facebook", "1"],
    "accounts arrival": ["accounts", "arrival", "facebook", "1", "polling"],
    "accounts quiet": [
        *("accounts", "quiet", "facebook", "1", "--from", "22:00", "--until", "08:00"),
        *("--zone", "Europe/Madrid"),
    ],
}


@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
async def test_what_changes_the_configuration_is_on_kafka_when_the_command_returns(
    pool: Pool,
    account: tuple[str, str],
    policy_file: Path,
    voice_file: Path,
    tmp_path: Path,
    command: list[str],
) -> None:
    templates = tmp_path / "templates.yaml"
    templates.write_text("templates: [{name: t2, language: en, intent: question, content: We will look.}]\n")
    before = await pool.fetchval("select count(*) from outbox")
    files = {"policy": policy_file, "voice": voice_file, "templates": templates}
    await parley(*(word.format_map(files) for word in command))
    assert await pool.fetchval("select count(*) from outbox") > before, "nothing was announced"
    assert await unpublished(pool) == 0
    assert await told(pool) == {"config.changes"}


async def test_an_account_s_time_zone_reaches_the_workers(pool: Pool, account: tuple[str, str]) -> None:
    hours = ("--from", "22:00", "--until", "08:00", "--zone", "Europe/Madrid")
    await parley("accounts", "quiet", *account, *hours)
    value = await pool.fetchval("select value from outbox order by id desc limit 1")
    change = codec.load().decode(value, ConfigChange)
    assert '"time_zone":"Europe/Madrid"' in change.payload.replace(": ", ":")
    assert change.version == await pool.fetchval("select version from social_accounts")


async def test_a_person_s_decision_is_on_kafka_when_the_command_returns(
    pool: Pool, environment: pytest.MonkeyPatch
) -> None:
    comment = await waiting_comment(pool)
    await parley("review", "approve", comment[:8], "--as", "ana")
    assert await unpublished(pool) == 0
    assert await told(pool) == {"replies.decided"}


async def test_without_kafka_a_change_is_stored_and_the_person_told_that_workers_wait(
    pool: Pool, environment: pytest.MonkeyPatch, voice_file: Path
) -> None:
    environment.setenv("KAFKA_BOOTSTRAP_SERVERS", NOWHERE)
    done = await parley("voices", "set", str(voice_file))
    assert done.exit_code == 0
    assert "version 1 is in force" in done.stdout
    assert "the workers do not know of it yet" in done.stderr
    assert await unpublished(pool) == 1


async def test_a_database_that_is_away_is_said_with_what_to_do(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", f"postgresql://parley:secret@{NOWHERE}/parley")
    with pytest.raises(EnvironmentFault, match="Check DATABASE_URL") as caught:
        await parley("users", "list")
    assert "secret" not in str(caught.value)


async def test_a_database_that_goes_away_meanwhile_leaves_no_traceback(
    kafka_bootstrap: str, database_url: str, tmp_path: Path
) -> None:
    async def work(pool: Pool, _tenant: str) -> None:
        async with pool.acquire() as connection:
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")

    servers = Servers(kafka=kafka_bootstrap, database=database_url)
    with pytest.raises(EnvironmentFault, match="look, and run the command again"):
        await database.run_on(servers, Settings(state_dir=tmp_path), work)


async def test_a_file_s_fault_is_not_taken_for_the_database_s(
    kafka_bootstrap: str, database_url: str, tmp_path: Path
) -> None:
    async def work(_pool: Pool, _tenant: str) -> str:
        return await asyncio.to_thread((tmp_path / "missing").read_text)

    servers = Servers(kafka=kafka_bootstrap, database=database_url)
    with pytest.raises(FileNotFoundError):
        await database.run_on(servers, Settings(state_dir=tmp_path), work)
