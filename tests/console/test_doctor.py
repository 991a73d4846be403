"""What the doctor finds: each fault by name, with something to do, and nothing changed by the look."""

import asyncio
import shutil
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete

from console import doctor
from console.checks.database import check_database
from console.checks.finding import Finding, Status, look, ok, span
from console.checks.kafka import check_kafka
from console.checks.machine import check_disk, check_model, existing_keys
from infra.crypto import KeyRing
from infra.kafka import create_topics, open_admin
from infra.postgres import Pool
from infra.settings import Settings
from models.registry import MANIFEST, WEIGHTS
from schemas.events import Platform
from schemas.topics import Topic
from sinks.senders import token_context
from sinks.sweeper import Rules
from tests.sinks.office import write
from tests.sinks.story import Story

integration = pytest.mark.integration
RULES = Rules(after=900, times=3, max_age=timedelta(days=3650).total_seconds())
KEYS = KeyRing({"k": bytes(32)})
HOUR = timedelta(hours=1)


def present() -> datetime:
    return datetime.now(UTC)


def by_name(findings: Sequence[Finding]) -> dict[str, Finding]:
    for finding in findings:
        assert finding.found
        assert bool(finding.todo) == (finding.status is not Status.OK), finding
        assert "\n" not in finding.todo
    return {finding.name: finding for finding in findings}


# --- Kafka ---


class Bench(NamedTuple):
    """A topic that is kept for two hours, and a group's name."""

    bootstrap: str
    topic: Topic
    group: str

    async def look(self, after: timedelta = timedelta(0), **other: Any) -> dict[str, Finding]:
        asked: dict[str, Any] = {"catalogue": [self.topic], "groups": {self.group: [self.topic.name]}} | other
        found = await check_kafka(
            self.bootstrap, asked["catalogue"], asked["groups"], partitions=2, now=present() + after
        )
        return by_name(found)

    async def write(self, count: int, *, age: timedelta = timedelta(0)) -> None:
        stamp = int((present() - age).timestamp() * 1000)
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as producer:
            for _ in range(count):
                await producer.send_and_wait(self.topic.name, b"x", partition=0, timestamp_ms=stamp)

    async def commit(self, offset: int) -> None:
        async with AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=self.group, enable_auto_commit=False
        ) as consumer:
            place = TopicPartition(self.topic.name, 0)
            consumer.assign([place])
            await consumer.commit({place: offset})

    async def forget(self, before: int) -> None:
        async with open_admin(self.bootstrap) as admin:
            await admin.delete_records(
                {TopicPartition(self.topic.name, 0): RecordsToDelete(before_offset=before)}
            )


@pytest.fixture
async def bench(kafka_bootstrap: str) -> Bench:
    unique = uuid.uuid4().hex[:8]
    kept = {"retention.ms": "7200000", "segment.ms": "3600000"}
    topic = Topic(name=f"doctor.{unique}", schema="comment_event", partitions=2, settings=kept)
    await create_topics(kafka_bootstrap, [topic])
    return Bench(kafka_bootstrap, topic, f"parley{unique}.enrich")


@integration
async def test_topics_as_they_should_be_are_well_and_every_deviation_is_named(bench: Bench) -> None:
    found = await bench.look()
    assert found["broker"].status is found["topics"].status is Status.OK
    name = bench.topic.name
    missing = Topic(name=f"{name}.missing", schema="comment_event")
    longer = Topic(name=name, schema="comment_event", settings={"retention.ms": "1", "segment.bytes": "7"})
    single = Topic(name=name, schema="comment_event", partitions=1, settings=dict(bench.topic.settings))
    found = await bench.look(catalogue=[missing])
    assert (found["topics"].status, found["topics"].todo) == (Status.PROBLEM, "parley topics create")
    assert missing.name in found["topics"].found
    found = await bench.look(catalogue=[longer])
    assert found[f"topic {name}"].status is Status.PROBLEM
    assert found[f"topic {name}"].found == ("retention.ms is 7200000, not 1, segment.bytes is not set, not 7")
    assert found[f"topic {name}"].todo.endswith("--add-config retention.ms=1,segment.bytes=7")
    found = await bench.look(catalogue=[single])
    assert found[f"topic {name}"].status is Status.WARNING
    assert found[f"topic {name}"].found == "has 2 partitions, not 1"


@integration
async def test_a_group_is_judged_by_how_long_its_records_wait(bench: Bench) -> None:
    name = f"group {bench.group}"
    assert (await bench.look())[name].status is Status.WARNING  # never worked, but nothing waits
    await bench.write(3)
    found = (await bench.look())[name]
    assert (found.status, "3 records wait" in found.found) == (Status.PROBLEM, True)
    await bench.commit(1)
    found = (await bench.look())[name]
    assert (found.status, found.found.startswith("2 records wait")) == (Status.OK, True)
    assert (await bench.look(after=timedelta(minutes=20)))[name].status is Status.WARNING
    found = (await bench.look(after=timedelta(minutes=61)))[name]
    assert found.status is Status.PROBLEM
    assert "51% of the time it is kept for" in found.found
    await bench.commit(3)
    assert (await bench.look(after=9 * HOUR))[name].found == "nothing waits"


@integration
async def test_records_that_were_deleted_unread_are_told(bench: Bench) -> None:
    await bench.write(5)
    await bench.commit(1)
    await bench.forget(before=4)
    found = (await bench.look())[f"group {bench.group}"]
    assert found.status is Status.PROBLEM
    assert found.found.startswith(f"3 records of {bench.topic.name} were deleted")
    assert "parley replay --stage enrich" in found.todo


@integration
async def test_records_from_the_future_show_a_wrong_clock(bench: Bench) -> None:
    await bench.write(1)
    assert (await bench.look())["clock of records"].status is Status.OK
    found = (await bench.look(after=-HOUR))["clock of records"]
    assert (found.status, "60 min ahead" in found.found) == (Status.WARNING, True)


async def test_a_broker_that_is_away_is_a_finding() -> None:
    (found,) = await check_kafka("127.0.0.1:1", [], {}, partitions=1, now=present())
    assert (found.name, found.status) == ("broker", Status.PROBLEM)
    assert "KAFKA_BOOTSTRAP_SERVERS" in found.todo


# --- Postgres ---


async def of_database(url: str, keys: KeyRing | None = KEYS, ahead: float = 0) -> dict[str, Finding]:
    clock = lambda: present() + timedelta(seconds=ahead)  # noqa: E731
    return by_name(await check_database(url, "default", RULES, keys, clock=clock))


@integration
async def test_a_new_database_is_well_and_a_wrong_clock_shows(database_url: str) -> None:
    found = await of_database(database_url)
    assert {name: finding.status for name, finding in found.items()} == {
        "database": "ok", "database clock": "ok", "accounts": "warning", "comments": "ok",
        "unknown replies": "ok", "dead letters": "ok", "outbox": "ok",
    }  # fmt: skip
    for ahead, status in ((10, Status.WARNING), (-10, Status.WARNING), (90, Status.PROBLEM)):
        assert (await of_database(database_url, ahead=ahead))["database clock"].status is status


@integration
async def test_a_database_of_another_release_is_told_before_its_rows_are_read(
    pool: Pool, database_url: str
) -> None:
    async def only(statement: str) -> Finding:
        await pool.execute(statement)
        (found,) = (await of_database(database_url)).values()
        assert (found.name, found.status) == ("database", Status.PROBLEM)
        return found

    assert "newer" in (await only("insert into schema_migrations values ('9999_x.sql', 'x')")).found
    await pool.execute("delete from schema_migrations where name = '9999_x.sql'")
    assert "another 0001_core.sql" in (await only("update schema_migrations set sha256 = 'x'")).found
    assert (await only("drop table schema_migrations")).todo == "parley migrate"


@integration
async def test_accounts_that_cannot_post_are_told_with_the_way_out(pool: Pool, database_url: str) -> None:
    async def add(account: str, status: str = "active", **token: Any) -> None:
        context = token_context(Platform.FACEBOOK, account)
        sealed, key_id = KEYS.seal(b"token", context=context)
        row = {"sealed": sealed, "key_id": key_id} | token
        await pool.execute(
            "insert into social_accounts (tenant_id, platform, account_id, name, status, status_reason, "
            "token_ciphertext, token_key_id) values ('default', 'facebook', $1, 'My page', $2, $3, $4, $5)",
            account, status, "why" if status != "active" else None, row["sealed"], row["key_id"],
        )  # fmt: skip

    await add("well")
    await add("paused", "paused")
    await add("blocked", "blocked")
    await add("expired", "needs_auth")
    await add("none", sealed=None)
    await add("other", key_id="lost")
    await add("moved", sealed=KEYS.seal(b"token", context="another account")[0])
    found = await of_database(database_url)
    status = {name.partition("/")[2]: each for name, each in found.items() if name.startswith("account")}
    assert {name: each.status for name, each in status.items()} == {
        "well": "ok", "paused": "warning", "blocked": "problem", "expired": "problem", "none": "problem",
        "other": "problem", "moved": "problem",
    }  # fmt: skip
    assert status["paused"].todo == "parley accounts resume facebook paused"
    assert status["expired"].todo == "parley accounts add facebook expired --name 'My page' < token.txt"
    without = await of_database(database_url, keys=None)
    assert without["account facebook/well"].status is Status.PROBLEM


@integration
async def test_work_that_waits_for_somebody_is_told(pool: Pool, database_url: str) -> None:
    story = Story()
    await write(pool, story.records([story.comment(1), story.comment(2)]))
    await pool.execute("update comments set state_changed_at = now() - interval '1 hour'")
    found = await of_database(database_url)
    assert (found["comments"].status, found["comments"].found[:6]) == (Status.WARNING, "2 wait")
    await pool.execute("update comments set sweeps = 3 where platform_comment_id = 'c1'")
    await pool.execute(
        "insert into reply_queue (decision_id, comment_id, revision_id, tenant_id, platform, account_id, "
        "platform_comment_id, thread_id, text, decided_by, priority, state, claimed_at) select "
        "gen_random_uuid(), comment_id, comment_id, 'default', 'facebook', 'p', 'c', 'c', 'Hi', 'machine', "
        "1, 'unknown', now() - interval '5 minutes' from comments where platform_comment_id = 'c2'"
    )
    await pool.execute(
        "insert into dead_letters select gen_random_uuid(), 'enrich', 'poison', 'E', 'm', 'comments.raw', 0, "
        "n, null, now(), case when n = 3 then now() end from generate_series(1, 3) n"
    )
    await pool.execute(
        "insert into outbox (topic, key, value, created_at, published_at, refused) values "
        "('t', 'k', 'v', now() - interval '5 minutes', null, null), "
        "('t', 'k', 'v', now(), now(), 'too large')"
    )
    tables = ("comments", "reply_queue", "dead_letters", "outbox", "audit_log")
    before = [await pool.fetch(f"select * from {table} order by 1") for table in tables]
    listed = await check_database(database_url, "default", RULES, KEYS, clock=present)
    assert [await pool.fetch(f"select * from {table} order by 1") for table in tables] == before
    assert [each.status for each in listed if each.name == "outbox"] == ["warning", "problem"]
    found = by_name(listed)
    assert found["comments"].status is Status.PROBLEM
    assert story.comment_id(1) in found["comments"].found
    assert (found["unknown replies"].status, found["unknown replies"].found[:2]) == ("warning", "1,")
    assert found["dead letters"].found == "2 open (2 x enrich: poison)"
    assert found["outbox"].found == "1 records wait, the oldest for 5 min"
    await pool.execute("update reply_queue set claimed_at = now() - interval '2 hours'")
    assert (await of_database(database_url))["unknown replies"].status is Status.PROBLEM


@integration
async def test_a_check_that_fails_is_a_finding_and_the_others_go_on(pool: Pool, database_url: str) -> None:
    await pool.execute("drop table outbox")
    found = await of_database(database_url)
    assert found["outbox"].status is Status.PROBLEM
    assert "UndefinedTableError" in found["outbox"].found
    assert found["dead letters"].status is Status.OK


async def test_a_database_that_is_away_is_a_finding() -> None:
    (found,) = (await of_database("postgresql://nobody@127.0.0.1:1/none")).values()
    assert (found.name, found.status) == ("database", Status.PROBLEM)


# --- this machine ---


async def test_a_model_is_verified_by_its_checksums(tmp_path: Path) -> None:
    (found,) = await check_model(tmp_path)
    assert found.status is Status.PROBLEM
    (tmp_path / MANIFEST).write_text("{not json")
    (found,) = await check_model(tmp_path)
    assert found.status is Status.PROBLEM
    assert found.todo


@pytest.mark.skipif(not any(WEIGHTS.glob(f"*/{MANIFEST}")), reason="no model is shipped in this checkout")
async def test_the_shipped_model_is_whole(tmp_path: Path) -> None:
    shipped = next(WEIGHTS.glob(f"*/{MANIFEST}")).parent
    (found,) = await check_model(shipped)
    assert found.status is Status.OK


async def test_a_full_disk_is_told_even_where_the_folder_is_not_made_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "not" / "yet"
    usage = shutil.disk_usage(tmp_path)
    for free, status in ((1 << 40, Status.OK), (3 << 30, Status.WARNING), (1 << 20, Status.PROBLEM)):
        given = usage._replace(total=1 << 41, free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, given=given: given)
        (found,) = await check_disk(folder)
        assert (found.status, str(tmp_path) in found.found) == (status, True)
    assert not folder.exists()


def test_no_key_is_made_by_looking_for_one(tmp_path: Path) -> None:
    assert existing_keys(Settings(state_dir=tmp_path / "new")) is None
    assert not (tmp_path / "new").exists()


async def test_a_check_that_hangs_or_breaks_is_a_finding() -> None:
    async def hangs() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    async def breaks() -> list[Finding]:
        raise ZeroDivisionError("oh")

    async def works() -> list[Finding]:
        return [ok("x", "fine")]

    assert (await look("x", hangs(), within=0.01))[0].status is Status.PROBLEM
    assert "ZeroDivisionError: oh" in (await look("x", breaks()))[0].found
    assert await look("x", works()) == [ok("x", "fine")]


def test_servers_that_cannot_be_had_do_not_hide_the_rest(tmp_path: Path) -> None:
    away = Settings(
        kafka_bootstrap_servers="127.0.0.1:1",
        database_url="postgresql://nobody@127.0.0.1:1/none",
        state_dir=tmp_path,
    )
    found = by_name(doctor.diagnose(away))
    assert {name for name, each in found.items() if each.status is Status.PROBLEM} >= {"broker", "database"}
    assert found["disk"]


def test_spans_are_told_in_the_unit_that_people_use() -> None:
    assert [span(each) for each in (3, 119, 120, 7200, 172_800)] == ["3 s", "119 s", "2 min", "2 h", "2 d"]
