"""Facts: the same rows and states in whatever order and however often records come."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra import postgres
from infra.postgres import Pool
from schemas.errors import TransientError
from schemas.events import (
    Attachment,
    CommentEvent,
    DeadLetter,
    Platform,
    PostEvent,
    ReplyOutcome,
    Source,
)
from schemas.records import Event
from schemas.states import AttemptOutcome
from sinks.postgres_sink import postgres_sink
from tests.sinks.office import write
from tests.sinks.story import NOON, Story

TABLES = {
    "comments": "comment_id",
    "comment_revisions": "revision_id",
    "posts": "platform_post_id",
    "analyses": "revision_id",
    "generated_responses": "draft_id",
    "decisions": "decision_id",
    "review_items": "revision_id",
    "reply_outcomes": "outcome_id",
    "observed_replies": "reply_id",
    "dead_letters": "dead_letter_id",
}
LIFE = Story()


def outcome(story: Story) -> ReplyOutcome:
    decision = story.decision()
    return ReplyOutcome(
        outcome_id="6f1c0c4e-5f0b-5d0a-9c53-70a1e7c0f6d1",
        tenant_id="default",
        platform=Platform.FACEBOOK,
        account_id=story.page,
        comment_id=story.comment_id(1),
        revision_id=decision.revision_id,
        decision_id=decision.decision_id,
        outcome=AttemptOutcome.FAILED,
        reason="refused",
        attempts=1,
        at=NOON,
    )


def dead_letter(key: bytes | None, message: str = "bad") -> DeadLetter:
    return DeadLetter(
        dead_letter_id="6f1c0c4e-5f0b-5d0a-9c53-70a1e7c0f6d2",
        stage="enrich",
        reason="decode",
        error="DecodeError",
        message=message,
        stack="",
        topic="comments.raw",
        partition=0,
        offset=7,
        key=key,
        failed_at=NOON,
    )


def post(text: str, seen: int) -> PostEvent:
    return PostEvent(
        tenant_id="default",
        platform=Platform.FACEBOOK,
        account_id="page-1",
        platform_post_id="post-1",
        text=text,
        observed_at=NOON.replace(minute=seen),
    )


EVENTS: list[Event] = [
    LIFE.comment(text="Lovely!", attachments=(Attachment(kind="photo", url="https://a"),)),
    LIFE.comment(kind="edited", text="Lovely! But late", at=20),
    LIFE.comment(kind="hidden", at=30, is_hidden=True),
    LIFE.comment(kind="hidden", at=40, is_hidden=False),
    LIFE.enriched(),
    LIFE.drafted(),
    LIFE.decision(action="review"),
    LIFE.decision(action="escalate", by="Mia", about="Lovely! But late", at=50),
    LIFE.comment(2, text="Second"),
    LIFE.comment(2, kind="removed", at=9),
    replace(
        LIFE.comment(2, kind="edited", at=8), observed_at=NOON + timedelta(seconds=8), source=Source.POLL
    ),
    LIFE.staff(2),
    dead_letter(LIFE.comment_id(3).encode()),
    LIFE.comment(3, text="Third"),
    outcome(LIFE),
    post("Old", 1),
    post("New", 2),
]


async def dump(pool: Pool) -> dict[str, list[dict[str, Any]]]:
    """All rows, without the times at which the database itself noted something."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for table, order in TABLES.items():
        found = await pool.fetch(f"select * from {table} order by {order}")
        rows[table] = [{k: v for k, v in row.items() if k != "state_changed_at"} for row in found]
    return rows


async def emptied(pool: Pool) -> None:
    await pool.execute(f"truncate {', '.join(TABLES)}")


async def write_cut(pool: Pool, events: Sequence[Event], cuts: Sequence[int]) -> None:
    bounds = [0, *sorted(cuts), len(events)]
    for start, end in itertools.pairwise(bounds):
        await write(pool, LIFE.records(events[start:end]))


async def test_rows_and_states_do_not_depend_on_order_batches_or_repetition(pool: Pool) -> None:
    await write(pool, LIFE.records(EVENTS))
    expected = await dump(pool)
    assert [row["state"] for row in expected["comments"]].count("received") == 0
    loop = asyncio.get_running_loop()

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.permutations(EVENTS + EVENTS[:4]),
        st.lists(st.integers(0, len(EVENTS) + 4), max_size=5),
    )
    def check(events: list[Event], cuts: list[int]) -> None:
        async def run() -> None:
            await emptied(pool)
            await write_cut(pool, events, cuts)
            assert await dump(pool) == expected

        asyncio.run_coroutine_threadsafe(run(), loop).result(60)

    await asyncio.to_thread(check)


async def test_concurrent_writers_of_one_comment_leave_the_same_rows(pool: Pool) -> None:
    await write(pool, LIFE.records(EVENTS))
    expected = await dump(pool)
    for turn in range(5):
        await emptied(pool)
        events = EVENTS[turn:] + EVENTS[:turn]
        await asyncio.gather(*(write(pool, [LIFE.record(event)]) for event in events))
        assert await dump(pool) == expected


async def test_the_newest_wording_counts_even_if_it_comes_first(pool: Pool, story: Story) -> None:
    await write(pool, [story.record(story.comment(kind="edited", text="New", at=9))])
    await write(pool, [story.record(story.comment(text="Old"))])
    row = await pool.fetchrow("select text, current_revision_id::text as revision from comments")
    assert row is not None
    assert (row["text"], row["revision"]) == ("New", story.revision(1, "New"))
    assert await pool.fetchval("select count(*) from comment_revisions") == 2


def seen_again(story: Story, at: float, text: str = "Lovely!") -> CommentEvent:
    """What a poll says whose direct read found a removed comment there."""
    event = story.comment(kind="edited", text=text, at=at)
    return replace(event, observed_at=event.occurred_at, source=Source.POLL)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_a_removed_comment_that_a_direct_read_finds_later_is_there_again(
    pool: Pool, story: Story, order: tuple[int, ...]
) -> None:
    facts = [
        story.comment(),
        story.comment(kind="removed", text=None, at=5),
        seen_again(story, 9),
        # Neither a late webhook nor a listing brings it back, nor do they matter once it is.
        story.comment(kind="edited", text="Better", at=7),
    ]
    for number in order:
        await write(pool, [story.record(facts[number])])
    row = await pool.fetchrow("select removed_at, state, text from comments")
    assert row is not None
    assert tuple(row) == (None, "received", "Lovely!")
    await write(pool, [story.record(story.comment(kind="removed", text=None, at=12))])
    row = await pool.fetchrow("select removed_at, state from comments")
    assert row is not None
    assert tuple(row) == (NOON + timedelta(seconds=12), "removed")
    await write(pool, [story.record(facts[number]) for number in order])  # replayed
    assert await pool.fetchval("select state from comments") == "removed"


@pytest.mark.parametrize(
    ("kind", "source"),
    [("edited", Source.WEBHOOK), ("edited", Source.POLL), ("added", Source.POLL)],
    ids=["a late webhook", "an edit that was found before", "a listing"],
)
async def test_nothing_but_a_direct_read_brings_a_removed_comment_back(
    pool: Pool, story: Story, kind: str, source: Source
) -> None:
    removed = story.comment(kind="removed", text=None, at=5)
    later = replace(story.comment(kind=kind, at=9), source=source)
    await write(pool, [story.record(each) for each in (story.comment(), removed, later)])
    assert await pool.fetchval("select state from comments") == "removed"


async def test_a_webhook_whose_two_times_are_one_brings_no_removed_comment_back(
    pool: Pool, story: Story
) -> None:
    """Where a platform tells no time of an edit, that of its arrival stands for it."""
    removed = story.comment(kind="removed", text=None, at=5)
    late = replace(seen_again(story, 9), source=Source.WEBHOOK)
    await write(pool, [story.record(each) for each in (story.comment(), removed, late)])
    assert await pool.fetchval("select state from comments") == "removed"


def own_reply_told(story: Story, way: str) -> Event:
    """What tells that c9 is the account's own reply to c1."""
    if way == "outcome":
        return replace(outcome(story), outcome=AttemptOutcome.POSTED, reply_id="c9")
    return story.staff(reply_id="c9")


@pytest.mark.parametrize("way", ["outcome", "observed"])
@pytest.mark.parametrize("removal_first", [True, False])
async def test_the_removal_of_an_own_reply_is_no_comment(
    pool: Pool, story: Story, way: str, removal_first: bool
) -> None:
    removal = replace(story.comment(9, kind="removed", text=None, at=50), author_id=None, author_name=None)
    facts = [story.comment(), own_reply_told(story, way)]
    for event in [removal, *facts] if removal_first else [*facts, removal, removal]:
        await write(pool, [story.record(event)])
    found = await pool.fetch("select platform_comment_id from comments")
    assert [row["platform_comment_id"] for row in found] == ["c1"]


@pytest.mark.parametrize("way", ["outcome", "observed"])
async def test_the_removal_of_an_own_reply_is_no_comment_while_others_write(
    pool: Pool, story: Story, way: str
) -> None:
    removal = story.comment(9, kind="removed", text=None, at=50)
    for _ in range(10):
        await emptied(pool)
        events = [removal, own_reply_told(story, way), removal]
        await asyncio.gather(*(write(pool, [story.record(event)]) for event in events))
        assert await pool.fetchval("select count(*) from comments where gone_at is not null") == 0


async def test_a_removal_that_comes_before_its_comment_keeps_its_row(pool: Pool, story: Story) -> None:
    removal = story.comment(9, kind="removed", text=None, at=50)
    elsewhere = replace(story.staff(reply_id="c9"), account_id="page-2")
    await write(pool, story.records([removal, elsewhere]))
    assert await pool.fetchval("select state from comments where platform_comment_id = 'c9'") == "removed"


async def test_an_edit_back_to_the_first_wording_counts(pool: Pool, story: Story) -> None:
    events = [
        story.comment(text="A"),
        story.comment(kind="edited", text="B", at=9),
        story.comment(kind="edited", text="A", at=12),
    ]
    await write(pool, story.records(events))
    assert await pool.fetchval("select text from comments") == "A"


async def test_the_first_machine_decision_of_a_wording_is_kept(pool: Pool, story: Story) -> None:
    await write(pool, [story.record(story.decision(text="One"))])
    await write(pool, [story.record(story.decision(text="Two"))])
    assert [row["text"] for row in await pool.fetch("select text from decisions")] == ["One"]


@pytest.mark.parametrize("order", itertools.permutations(range(4)))
async def test_of_two_drafts_of_a_wording_the_one_that_was_decided_about_stays(
    pool: Pool, story: Story, order: tuple[int, ...]
) -> None:
    """A SIGKILL between a draft's delivery and its commit: the comment may get another template."""
    first, again = story.decision(text="One"), story.decision(text="Two")
    told = [story.drafted(text="One"), story.drafted(text="Two"), first, again]
    for place in order:
        await write(pool, [story.record(told[place])])
    [kept] = await pool.fetch("select draft_id from decisions")
    assert [row["draft_id"] for row in await pool.fetch("select draft_id from generated_responses")] == [
        kept["draft_id"]
    ]


async def test_drafts_wait_for_a_decision_and_other_wordings_keep_theirs(pool: Pool, story: Story) -> None:
    await write(pool, story.records([story.drafted(text="One"), story.drafted(text="Two")]))
    await write(pool, [story.record(story.drafted(about="Other", text="Three"))])
    await write(pool, [story.record(story.decision(text="Two"))])
    rows = await pool.fetch("select content from generated_responses order by 1")
    assert [row["content"] for row in rows] == ["Three", "Two"]


@pytest.mark.parametrize("person_first", [True, False])
async def test_a_persons_word_outranks_the_machines(pool: Pool, story: Story, person_first: bool) -> None:
    events = [story.comment(), story.decision(action="no_reply", by="Mia"), story.decision()]
    for event in events if person_first else reversed(events):
        await write(pool, [story.record(event)])
    assert await pool.fetchval("select state from comments") == "no_reply"


async def test_a_review_item_is_open_while_the_comment_waits_for_people(pool: Pool, story: Story) -> None:
    async def is_open() -> list[tuple[str, bool]]:
        rows = await pool.fetch("select level, is_open from review_items order by created_at")
        return [(row["level"], row["is_open"]) for row in rows]

    await write(pool, story.records([story.comment(), story.decision(action="review")]))
    assert await is_open() == [("moderator", True)]
    await write(pool, [story.record(story.decision(action="escalate", by="Mia", at=6))])
    assert await is_open() == [("supervisor", True)]
    await write(pool, [story.record(story.decision(action="reject", by="Ann", at=7))])
    assert await is_open() == [("supervisor", False)]


async def test_an_edit_closes_the_item_of_the_old_wording(pool: Pool, story: Story) -> None:
    await write(pool, story.records([story.comment(), story.decision(action="review")]))
    await write(pool, [story.record(story.comment(kind="edited", text="Other", at=9))])
    assert await pool.fetchval("select is_open from review_items") is False


async def test_an_item_taken_off_the_list_by_a_person_stays_off_while_the_word_travels(
    pool: Pool, story: Story
) -> None:
    await write(pool, story.records([story.comment(), story.decision(action="review")]))
    await pool.execute("update review_items set is_open = false, closed_at = now()")
    await write(pool, [story.record(story.enriched())])
    assert await pool.fetchval("select is_open from review_items") is False


async def test_a_draft_is_marked_as_approved_whichever_comes_first(pool: Pool, story: Story) -> None:
    await write(pool, [story.record(story.decision())])
    await write(pool, [story.record(story.drafted())])
    await write(pool, story.records([story.drafted(2), story.decision(2)]))
    rows = await pool.fetch("select is_approved, is_sent from generated_responses")
    assert [tuple(row) for row in rows] == [(True, False)] * 2


async def test_dead_letters_find_their_comment_only_by_our_ids(pool: Pool, story: Story) -> None:
    await write(pool, [story.record(story.comment())])
    await write(pool, [story.record(dead_letter(b"\xff not ours"))])
    assert await pool.fetchval("select comment_id from dead_letters") is None
    await pool.execute("truncate dead_letters")
    await write(pool, [story.record(dead_letter(story.comment_id(1).encode(), "NUL \x00 and \ud800"))])
    assert await pool.fetchval("select state from comments") == "dead_letter"


@pytest.mark.parametrize("permalink", ["nul \x00", "half a pair \ud800"])
async def test_what_postgres_refuses_is_not_taken_for_a_server_that_is_away(
    pool: Pool, story: Story, permalink: str
) -> None:
    stage = postgres_sink(pool)
    bad = story.record(story.comment(permalink=permalink))
    with pytest.raises((asyncpg.DataError, UnicodeEncodeError)):
        await stage.process([story.record(story.comment(2)), bad])  # type: ignore[arg-type]
    assert await pool.fetchval("select count(*) from comments") == 0
    assert await stage.process([story.record(story.comment(2))])  # type: ignore[arg-type]


async def test_a_server_that_is_away_is_transient(database_url: str, story: Story) -> None:
    lost = await postgres.create_pool(database_url, size=1)
    stage = postgres_sink(lost)
    await lost.close()
    with pytest.raises(TransientError):
        await stage.process([story.record(story.comment())])  # type: ignore[arg-type]
