"""A poller's whole output, at the level of info: no token, no comment's text."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from connectors.accounts import Account
from connectors.facebook.simulator import Simulator
from connectors.logins import Token
from connectors.polling.poller import Poller
from infra import logs
from infra.postgres import Pool
from tests.connectors.conftest import APP_SECRET, TOKEN
from tests.connectors.polling.conftest import Stored, existing, give_token, poll


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in logs.NARRATORS}
    yield
    root.handlers, root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


TEXT = "a text that nobody may read in a log"


async def test_neither_tokens_nor_texts_are_in_logs_journal_errors_or_audit(
    simulator: Simulator, pool: Pool, poller: Poller, kafka: Stored, account: Account, journal: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    logs.configure("info", "json")
    long = "EAAB" + "s1Cd" * 20
    names = simulator.add_comments([{"text": TEXT}, {"text": TEXT + " too"}])
    await poll(pool, poller)
    simulator.happenings.edit(existing(simulator, names[0]), TEXT + " edited", by="author")
    for fault in ("throttle", "expired_token", "missing_scope"):
        simulator.faults.set(fault, count=1)
        await poll(pool, poller)
        await give_token(pool, account, Token(access=TOKEN))
    await give_token(pool, account, Token(access=long, refresh=long[::-1]))
    await poll(pool, poller)
    rows = [
        *await pool.fetch("select last_error, problem_reason from account_polls"),
        *await pool.fetch("select status_reason from social_accounts"),
        *await pool.fetch("select action, subject, details::text from audit_log"),
    ]
    said = capfd.readouterr()
    kept = json.dumps([list(row.values()) for row in rows])
    written = [json.loads(line) for line in journal.read_text().splitlines()]
    told = json.dumps([{key: value for key, value in line.items() if key != "text"} for line in written])
    assert "a poll failed" in said.err
    for place in (said.err, said.out, kept, told):
        for secret in (f'"{TOKEN}"', f"={TOKEN}", long, long[::-1], APP_SECRET):
            assert secret not in place
    for place in (said.err, said.out, kept):
        assert TEXT not in place
