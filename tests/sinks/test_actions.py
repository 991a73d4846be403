"""Taking replies back, hiding and showing, against the four simulators over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.outcomes import Unknown
from infra.postgres import Pool
from schemas.errors import ConfigurationError
from schemas.events import Platform
from sinks import actions
from sinks.change import TRIES
from tests.chaos.posting.brand import Wanted
from tests.sinks.street import Street, running, street, until

pytestmark = pytest.mark.integration

ALL = [Platform.FACEBOOK, Platform.INSTAGRAM, Platform.LINKEDIN, Platform.X]
NOW = "update platform_actions set not_before = now(), claimed_at = now() - interval '1 hour'"


@pytest.fixture
async def place(pool: Pool, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Street]:
    """An account on a platform: Facebook, where the test names none."""
    platform = getattr(request, "param", Platform.FACEBOOK)
    async with street(pool, platform, tmp_path, posting_timeout=1) as made:
        yield made


async def ask(street: Street, kind: str, wanted: Wanted, *, person: str = "mia") -> list[Any]:
    """As the command does."""
    row = await street.row(wanted)
    target = row["reply_id"] if kind == "retract" else row["platform_comment_id"]
    decision = row["decision_id"] if kind == "retract" else None
    async with street.pool.acquire() as connection, connection.transaction():
        about = {**dict(row), "target": target, "decision_id": decision}
        return await actions.ask(connection, kind, [about], person=person)


async def states(pool: Pool) -> list[tuple[str, str]]:
    rows = await pool.fetch("select kind, state from platform_actions order by asked_at")
    return [(row["kind"], row["state"]) for row in rows]


@pytest.mark.parametrize("place", ALL, indirect=True)
async def test_a_reply_is_taken_back_once_however_often_it_is_asked_for(place: Street, pool: Pool) -> None:
    wanted = await place.posted()
    reply = (await place.row(wanted))["reply_id"]
    assert len(await ask(place, "retract", wanted)) == 1
    assert await ask(place, "retract", wanted, person="joe") == []
    two = [place.actions() for _ in range(2)]
    await asyncio.gather(*(worker.step() for worker in two))
    assert await ask(place, "retract", wanted) == []
    for worker in two:
        assert await worker.step() == 0
    assert len(place.journal("remove", comment_id=reply, by="api")) == 1
    assert len(place.journal("delete")) == 1
    row = await place.row(wanted)
    assert (row["state"], row["reason"]) == ("posted", "taken back by mia")
    assert row["retracted_at"] is not None
    assert await states(pool) == [("retract", "done")]
    audit = await pool.fetchrow(
        "select actor, action, details::text from audit_log where action like 'reply.%'"
    )
    assert tuple(audit or ())[:2] == ("mia", "reply.retract")


@pytest.mark.parametrize("place", [Platform.LINKEDIN], indirect=True)
async def test_the_notice_of_a_reply_taken_back_makes_no_comment(place: Street, pool: Pool) -> None:
    wanted = await place.posted()
    await ask(place, "retract", wanted)
    await place.actions().step()
    reply = (await place.row(wanted))["reply_id"]

    async def told() -> bool:
        return reply in place.removed

    await until(told)
    known = [row["platform_comment_id"] for row in await pool.fetch("select * from comments")]
    assert known == [wanted.comment.platform_comment_id]


@pytest.mark.parametrize("place", ALL, indirect=True)
async def test_a_comment_taken_back_is_not_answered_again(place: Street, pool: Pool) -> None:
    wanted = await place.posted()
    await ask(place, "retract", wanted)
    await place.actions().step()
    await place.take(wanted.comment, wanted.decision)
    poster = place.poster()
    await poster.step()
    await poster.idle()
    assert len(place.replies(wanted)) == 1


@pytest.mark.parametrize("place", [Platform.FACEBOOK, Platform.INSTAGRAM, Platform.X], indirect=True)
async def test_a_comment_is_hidden_and_shown_in_the_order_of_asking(place: Street, pool: Pool) -> None:
    wanted = await place.approved()
    made = [len(await ask(place, kind, wanted)) for kind in ("hide", "unhide", "hide")]
    assert made == [1, 1, 0]
    worker = place.actions()
    while await worker.step():
        pass
    name = wanted.comment.platform_comment_id
    assert [line["hidden"] for line in place.journal("hide", comment_id=name)] == [True, False]
    assert await states(pool) == [("hide", "done"), ("unhide", "done")]
    assert len(await ask(place, "hide", wanted)) == 1, "what was shown again can be hidden again"


@pytest.mark.parametrize("place", [Platform.LINKEDIN], indirect=True)
async def test_what_a_platform_cannot_do_is_refused_when_asked_and_fails_where_a_policy_orders_it(
    place: Street, pool: Pool
) -> None:
    wanted = await place.approved()
    for kind in ("hide", "unhide"):
        with pytest.raises(ConfigurationError, match="linkedin cannot be hidden"):
            await ask(place, kind, wanted)
    assert await states(pool) == []
    assert await pool.fetchval("select count(*) from audit_log where action like 'comment.%'") == 0
    await pool.execute(
        "insert into platform_actions "
        "(tenant_id, platform, account_id, kind, target, comment_id, decision_id, asked_by) "
        "select tenant_id, platform, account_id, 'hide', platform_comment_id, comment_id, decision_id, "
        "'policy' from reply_queue"
    )
    await place.actions().step()
    assert await states(pool) == [("hide", "failed")]
    assert await pool.fetchval("select reason from platform_actions")


async def test_a_poster_killed_in_the_middle_leaves_it_to_the_next_who_looks_first(
    place: Street, pool: Pool
) -> None:
    """The worker dies after the call and before the record: its row says `doing`."""
    wanted = await place.posted()
    await ask(place, "retract", wanted)
    worker = place.actions()
    task = asyncio.create_task(worker.step())
    async with asyncio.timeout(30):
        while not place.journal("delete"):
            task.cancel()  # as soon as it may: at each of its awaits until the call has happened
            await asyncio.gather(task, return_exceptions=True)
            await pool.execute(NOW)
            task = asyncio.create_task(place.actions().step())
            await asyncio.sleep(0.05)
    await asyncio.gather(task, return_exceptions=True)
    await pool.execute(NOW)
    while await place.actions().step():
        pass
    assert await states(pool) == [("retract", "done")]
    assert len(place.journal("remove", by="api")) == 1


async def test_what_is_claimed_by_a_dead_worker_is_looked_at_before_it_is_done_again(
    place: Street, pool: Pool
) -> None:
    wanted = await place.posted()
    reply = (await place.row(wanted))["reply_id"]
    await ask(place, "retract", wanted)
    [row] = await pool.fetch(
        "update platform_actions set state = 'doing', claimed_at = now(), attempts = 1 returning *"
    )
    comment = place.simulation.world.comment(reply)
    assert comment is not None
    assert await place.actions().step() == 0, "its worker may still be at it"
    place.simulation.happenings.remove(comment, by="api")
    await pool.execute(NOW)
    await place.actions().step()
    assert await states(pool) == [("retract", "done")]
    assert place.journal("delete") == []
    assert (await place.row(wanted))["retracted_at"] is not None
    await place.actions()._end(row, Unknown("the dead worker comes back"))
    assert await states(pool) == [("retract", "done")]


async def test_what_is_in_doubt_stays_so_while_it_cannot_be_looked_at(place: Street, pool: Pool) -> None:
    wanted = await place.posted()
    await ask(place, "retract", wanted)
    await pool.execute("update platform_actions set state = 'unknown', attempts = 1")
    place.simulation.faults.set("read_error")
    await place.actions().step()
    assert await states(pool) == [("retract", "unknown")]
    place.simulation.faults.clear()
    await pool.execute(NOW)
    await place.actions().step()
    assert await states(pool) == [("retract", "done")]
    assert len(place.journal("delete", effect="done")) == 1


@pytest.mark.parametrize(
    ("fault", "state"),
    [("throttle", "waiting"), ("expired_token", "waiting"), ("missing_permission", "waiting")],
)
async def test_an_account_that_is_stopped_or_throttled_keeps_its_actions_waiting(
    place: Street, pool: Pool, fault: str, state: str
) -> None:
    wanted = await place.posted()
    await ask(place, "retract", wanted)
    place.simulation.faults.set(fault)
    for _ in range(TRIES + 1):
        await place.actions().step()
        await pool.execute(NOW)
    assert await states(pool) == [("retract", state)]
    place.simulation.faults.clear()
    await place.actions().step()
    assert await states(pool) == [("retract", "done")]


async def test_a_reply_that_is_gone_already_counts_as_taken_back(place: Street, pool: Pool) -> None:
    wanted = await place.posted()
    reply = place.simulation.world.comment((await place.row(wanted))["reply_id"])
    assert reply is not None
    place.simulation.happenings.remove(reply, by="staff")
    await ask(place, "retract", wanted)
    await place.actions().step()
    assert await states(pool) == [("retract", "done")]


async def test_an_action_is_noticed_at_once(place: Street, pool: Pool) -> None:
    wanted = await place.posted()
    async with running(place.actions()):
        await asyncio.sleep(0.1)
        await ask(place, "retract", wanted)

        async def done() -> bool:
            return await states(pool) == [("retract", "done")]

        await until(done)
