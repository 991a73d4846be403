"""Postgres: reachable, migrated, on time; and what waits there for somebody."""

import hashlib
import shlex
from collections.abc import Callable
from datetime import datetime
from typing import Final

import asyncpg

from console.checks.finding import Finding, Status, look, ok, problem, span, warning
from infra import postgres
from infra.crypto import KeyRing
from infra.postgres import Pool
from schemas.errors import ConfigurationError, EnvironmentFault
from sinks.senders import token_context
from sinks.sweeper import Rules, waiting

_SKEW: Final = 2.0
_WRONG: Final = 30.0
_RELAYED_WITHIN: Final = 60.0
_DOUBT: Final = 3600.0


async def check_database(
    url: str, tenant: str, rules: Rules, keys: KeyRing | None, *, clock: Callable[[], datetime]
) -> list[Finding]:
    """All of it; `clock` is this machine's."""
    try:
        async with postgres.open_pool(url, size=2) as pool:
            found = await look("database", check_migrations(pool))
            if any(each.status is Status.PROBLEM for each in found):
                return found
            for name, check in (
                ("database clock", check_clock(pool, clock)),
                ("accounts", check_accounts(pool, tenant, keys)),
                ("comments", check_comments(pool, tenant, rules)),
                ("unknown replies", check_unknown(pool, tenant)),
                ("dead letters", check_dead_letters(pool)),
                ("outbox", check_outbox(pool)),
            ):
                found += await look(name, check)
            return found
    except EnvironmentFault as error:
        return [problem("database", str(error), "start Postgres, or correct DATABASE_URL")]


async def check_migrations(pool: Pool) -> list[Finding]:
    """Whether the tables are this release's."""
    files = {file.name: file.read_bytes() for file in sorted(postgres.MIGRATIONS.glob("[0-9]*.sql"))}
    there = await pool.fetchval("select to_regclass('schema_migrations') is not null")
    rows = await pool.fetch("select name, sha256 from schema_migrations") if there else []
    applied = {row["name"]: row["sha256"] for row in rows}
    if newer := sorted(set(applied) - set(files)):
        return [problem("database", f"holds {', '.join(newer)}: it is newer", "deploy the newer release")]
    if missing := [name for name in files if name not in applied]:
        return [problem("database", f"lacks {', '.join(missing)}", "parley migrate")]
    changed = [name for name, text in files.items() if hashlib.sha256(text).hexdigest() != applied[name]]
    if changed:
        todo = "put the files back; a development database may be deleted"
        return [problem("database", f"was made by another {', '.join(changed)}", todo)]
    return [ok("database", "answers, and has this release's tables")]


async def check_clock(pool: Pool, clock: Callable[[], datetime]) -> list[Finding]:
    """The database's clock against this machine's; leases and expiry go by the database's."""
    before = clock()
    there: datetime = await pool.fetchval("select clock_timestamp()")
    after = clock()
    skew = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    said = f"{span(skew)} off this machine's" if skew >= 1 else "agrees with this machine's"
    if skew <= _SKEW:
        return [ok("database clock", said)]
    judge = problem if skew > _WRONG else warning
    return [judge("database clock", said, "set the clocks (NTP) of both machines")]


async def check_accounts(pool: Pool, tenant: str, keys: KeyRing | None) -> list[Finding]:
    """Whether each account may post: its status, and whether its token opens."""
    rows = await pool.fetch(
        "select platform, account_id, name, mode, status, status_reason, token_ciphertext, token_key_id "
        "from social_accounts where tenant_id = $1 order by 1, 2",
        tenant,
    )
    found = []
    for row in rows:
        which = f"{row['platform']} {row['account_id']}"
        name = f"account {row['platform']}/{row['account_id']}"
        again = f"parley accounts add {which} --name {shlex.quote(row['name'])} < token.txt"
        reason = f": {row['status_reason']}" if row["status_reason"] else ""
        if refused := _unopened(row, keys):
            found.append(problem(name, refused, again))
        elif row["status"] == "needs_auth":
            found.append(problem(name, f"the platform refuses its token{reason}", again))
        elif row["status"] == "blocked":
            todo = f"wait for or clear the platform's block, then parley accounts resume {which}"
            found.append(problem(name, f"blocked{reason}", todo))
        elif row["status"] != "active":
            found.append(warning(name, f"{row['status']}{reason}", f"parley accounts resume {which}"))
        else:
            found.append(ok(name, f"{row['name']}: active, mode {row['mode']}, its token opens"))
    return found or [
        warning("accounts", "there are none", "parley accounts add facebook PAGE_ID --name NAME < token.txt")
    ]


def _unopened(row: asyncpg.Record, keys: KeyRing | None) -> str:
    """Why the account's token cannot be used; empty if it can."""
    if row["token_ciphertext"] is None:
        return "has no token"
    if keys is None:
        return "its token is encrypted, and there is no key: PARLEY_ENCRYPTION_KEYS is not set"
    try:
        context = token_context(row["platform"], row["account_id"])
        keys.open(row["token_ciphertext"], row["token_key_id"] or "", context=context)
    except ConfigurationError as error:
        return str(error)
    return ""


async def check_comments(pool: Pool, tenant: str, rules: Rules) -> list[Finding]:
    """Comments that no stage has settled in time."""
    found = await waiting(pool, tenant, rules)
    if found.stuck:
        said = (
            f"{found.stuck} stuck, for example {', '.join(found.examples)}: fed in again {rules.times} times,"
            " or too old for it"
        )
        todo = "see dead letters and the logs of enrich, draft and decide, then parley replay --allow-posting"
        return [problem("comments", said, todo)]
    if found.late:
        said = f"{found.late} wait longer than {span(rules.after)} for a stage"
        return [warning("comments", said, "a running parley worker post feeds them in again by itself")]
    return [ok("comments", f"none waits longer than {span(rules.after)} for a stage")]


async def check_unknown(pool: Pool, tenant: str) -> list[Finding]:
    """Replies of which nobody knows whether they were sent."""
    row = await pool.fetchrow(
        "select count(*) as count, extract(epoch from clock_timestamp() - min(claimed_at))::float8 as age "
        "from reply_queue where tenant_id = $1 and state = 'unknown'",
        tenant,
    )
    if row is None or not row["count"]:
        return [ok("unknown replies", "none")]
    age = row["age"] or 0.0
    said = f"{row['count']}, the oldest for {span(age)}"
    if age > _DOUBT:
        todo = "see its account above; the poster looks replies up only where it may read the platform"
        return [problem("unknown replies", said, todo)]
    return [warning("unknown replies", said, "nothing yet: the poster is looking them up")]


async def check_dead_letters(pool: Pool) -> list[Finding]:
    """Dead letters that nobody has sent back."""
    rows = await pool.fetch(
        "select stage, reason, count(*) as count from dead_letters where replayed_at is null "
        "group by 1, 2 order by 3 desc, 1, 2"
    )
    if not rows:
        return [ok("dead letters", "none is open")]
    kinds = ", ".join(f"{row['count']} x {row['stage']}: {row['reason']}" for row in rows[:3])
    total = sum(row["count"] for row in rows)
    todo = "parley dead-letters list; once the cause is mended: parley dead-letters replay"
    return [warning("dead letters", f"{total} open ({kinds}{', …' if len(rows) > 3 else ''})", todo)]


async def check_outbox(pool: Pool) -> list[Finding]:
    """What people and the poster decided and Kafka does not have yet, or never took."""
    row = await pool.fetchrow(
        "select count(*) filter (where published_at is null) as waiting, count(refused) as refused, extract("
        "epoch from clock_timestamp() - min(created_at) filter (where published_at is null))::float8 as age "
        "from outbox where published_at is null or refused is not null"
    )
    assert row is not None  # noqa: S101  aggregates give a row
    found = []
    if row["refused"]:
        todo = "select topic, key, refused from outbox where refused is not null"
        found.append(warning("outbox", f"Kafka never took {row['refused']} records", f'parley sql "{todo}"'))
    age = row["age"] or 0.0
    if age > _RELAYED_WITHIN:
        said = f"{row['waiting']} records wait, the oldest for {span(age)}"
        found.append(problem("outbox", said, "start what relays them: parley up, or parley worker post"))
    return found or [ok("outbox", f"{row['waiting']} records wait")]
