"""The post sink: what enters the reply queue, and what ends a waiting reply, in either order."""

import asyncio
import itertools
from collections.abc import Callable

import asyncpg
import pytest

from infra.postgres import Pool
from schemas import headers
from schemas.errors import InvalidEventError
from schemas.records import Event
from tests.sinks.office import Office
from tests.sinks.story import Clock, Story


async def test_a_sending_decision_is_queued_once(office: Office, story: Story) -> None:
    assert await office.take(story.comment(), story.decision()) == ["added", "queued"]
    assert await office.take(story.comment(), story.decision()) == ["added", "known"]
    assert [row["state"] for row in await office.queue()] == ["queued"]
    assert await office.state() == "queued"


async def test_decisions_that_send_nothing_are_not_queued(office: Office, story: Story) -> None:
    assert await office.take(story.comment(), story.decision(action="review")) == ["added", "review"]
    assert await office.queue() == []
    assert await office.state() == "needs_review"


STORIES: dict[str, tuple[str, Callable[[Story], Event]]] = {
    "removed": ("removed", lambda story: story.comment(kind="removed", at=9)),
    "edited": ("received", lambda story: story.comment(kind="edited", text="Other", at=9)),
    "answered by staff": ("answered_elsewhere", lambda story: story.staff()),
    "rejected by a person": ("rejected", lambda story: story.decision(action="reject", by="Mia", at=9)),
    "escalated by a person": ("escalated", lambda story: story.decision(action="escalate", by="Mia", at=9)),
}


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_what_stands_against_a_reply_counts_before_and_after_its_decision(
    office: Office, story: Story, name: str, order: tuple[int, ...]
) -> None:
    state, made = STORIES[name]
    events: list[Event] = [story.comment(), story.decision(), made(story)]
    for place in order:
        await office.take(events[place])
    assert "queued" not in {row["state"] for row in await office.queue()}
    assert await office.state() == state


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_a_persons_approval_of_a_removed_comment_posts_nothing_and_says_so(
    office: Office, story: Story, order: tuple[int, ...]
) -> None:
    events = [story.comment(), story.decision(by="Mia", at=9), story.comment(kind="removed", at=8)]
    for place in order:
        await office.take(events[place])
    assert "queued" not in {row["state"] for row in await office.queue()}
    assert await office.state() == "removed"


async def test_both_in_one_batch_leave_nothing_waiting(office: Office, story: Story) -> None:
    await office.take(story.decision(), story.comment(), story.comment(kind="removed", at=9))
    assert [row["state"] for row in await office.queue()] == ["removed"]


async def test_an_expired_decision_is_not_queued(office: Office, story: Story, clock: Clock) -> None:
    clock.advance(100)
    assert await office.take(story.comment(), story.decision(expires_in=99)) == ["added", "expired"]
    assert await office.state() == "expired"


async def test_every_end_is_told_to_the_outcomes(office: Office, pool: Pool, story: Story) -> None:
    await office.take(story.comment(), story.decision())
    await office.take(story.comment(kind="removed", at=9))
    await office.take(story.comment(kind="removed", at=9))
    rows = await pool.fetch("select topic, key from outbox")
    assert [tuple(row) for row in rows] == [("replies.outcomes", story.comment_id(1))]


async def test_a_replay_queues_nothing(office: Office, story: Story) -> None:
    await office.take(story.comment(), story.decision(), replay=headers.REPLAY_MARK)
    assert [row["state"] for row in await office.queue()] == ["not_allowed"]
    assert await office.state() == "not_allowed"


async def test_a_replay_of_what_was_queued_changes_nothing(office: Office, pool: Pool, story: Story) -> None:
    await office.take(story.comment(), story.decision())
    before = await pool.fetch("select * from reply_queue")
    await office.take(story.comment(), story.decision(), replay=headers.REPLAY_MARK)
    assert await pool.fetch("select * from reply_queue") == before


async def test_a_replay_with_leave_queues_what_one_without_had_not(office: Office, story: Story) -> None:
    await office.take(story.comment(), story.decision(), replay=headers.REPLAY_MARK)
    await office.take(story.decision(), replay=headers.REPLAY_ALLOW_POSTING)
    assert [row["state"] for row in await office.queue()] == ["queued"]


async def test_a_persons_approval_replaces_a_waiting_machine_reply(office: Office, story: Story) -> None:
    await office.take(story.comment(), story.decision())
    await office.take(story.decision(action="approve", by="Mia", text="Dear Ann, thanks", at=9))
    rows = {row["decided_by"]: (row["state"], row["text"]) for row in await office.queue()}
    assert rows == {"machine": ("superseded", "Thank you!"), "person": ("queued", "Dear Ann, thanks")}


async def test_a_persons_approval_leaves_a_reply_alone_that_is_being_posted(
    office: Office, pool: Pool, story: Story
) -> None:
    await office.take(story.comment(), story.decision())
    await pool.execute("update reply_queue set state = 'posting'")
    await office.take(story.decision(action="approve", by="Mia", text="Dear Ann, thanks", at=9))
    rows = {row["decided_by"]: row["state"] for row in await office.queue()}
    assert rows == {"machine": "posting", "person": "superseded"}


async def test_a_machine_decision_after_a_persons_is_not_queued(office: Office, story: Story) -> None:
    await office.take(story.comment(), story.decision(action="approve", by="Mia", text="Mine"))
    await office.take(story.decision())
    rows = {row["decided_by"]: row["state"] for row in await office.queue()}
    assert rows == {"person": "queued", "machine": "superseded"}


async def test_an_edit_after_posting_goes_to_a_person(office: Office, pool: Pool, story: Story) -> None:
    await office.take(story.comment(), story.decision())
    await pool.execute("update reply_queue set state = 'posted', reply_id = 'r1'")
    await office.take(
        story.comment(kind="edited", text="Awful!", at=9), story.decision(about="Awful!", text="Sorry", at=10)
    )
    assert await office.state() == "posted"
    assert [row["state"] for row in await office.queue()] == ["posted", "superseded"]
    items = await pool.fetch("select cause, is_open from review_items")
    assert [tuple(item) for item in items] == [("edited_after_reply", True)]


async def test_a_decision_to_send_nothing_at_all_is_refused_alone(office: Office, story: Story) -> None:
    records = story.records([story.decision(text=" "), story.decision(2)])
    results = await office.sink(records)
    assert isinstance(results[0].dead, InvalidEventError)
    assert results[1].outcome == "queued"


async def test_the_database_refuses_a_second_live_reply_of_a_comment(
    office: Office, pool: Pool, story: Story
) -> None:
    await office.take(story.comment(), story.decision())
    with pytest.raises(asyncpg.UniqueViolationError, match="one_reply_per_comment"):
        await pool.execute(
            "insert into reply_queue select (jsonb_populate_record(q, jsonb_build_object("
            "'decision_id', gen_random_uuid()))).* from reply_queue q"
        )


async def test_decisions_for_different_wordings_at_the_same_time_queue_one_reply(
    office: Office, pool: Pool, story: Story
) -> None:
    # Their comment was never seen, so that neither wording is known to be old.
    decisions = [story.decision(about=f"Wording {n}", text=f"Reply {n}") for n in range(6)]
    await asyncio.gather(*(office.take(decision) for decision in decisions))
    assert await pool.fetchval("select count(*) from reply_queue where state = 'queued'") == 1


async def test_an_own_reply_seen_while_it_is_being_posted_settles_it(
    office: Office, pool: Pool, story: Story
) -> None:
    await office.take(story.comment(), story.decision())
    await pool.execute("update reply_queue set state = 'posting', attempts = 1")
    await office.take(story.staff(text="Thank  you!\n", reply_id="r9"))
    row = (await office.queue())[0]
    assert (row["state"], row["reply_id"]) == ("posted", "r9")
    assert await pool.fetchval("select author from observed_replies") == "parley"
    assert await office.state() == "posted"


async def test_an_own_reply_whose_id_is_known_is_ours(office: Office, pool: Pool, story: Story) -> None:
    await office.take(story.comment(), story.decision())
    await pool.execute("update reply_queue set state = 'posted', attempts = 1, reply_id = 'r9'")
    await office.take(story.staff(text="changed by the platform", reply_id="r9"))
    assert await pool.fetchval("select author from observed_replies") == "parley"
    assert await office.state() == "posted"


async def test_another_reply_while_an_attempt_is_in_doubt_is_staffs_only_after_the_grace(
    office: Office, pool: Pool, story: Story, clock: Clock
) -> None:
    await office.take(story.comment(), story.decision())
    await pool.execute("update reply_queue set state = 'posting', attempts = 1")
    await office.take(story.staff(text="Call us"))
    assert await pool.fetchval("select author from observed_replies") is None
    clock.advance(60)
    await office.take(story.staff(text="Call us"))
    assert await pool.fetchval("select author from observed_replies") == "staff"
