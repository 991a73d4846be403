"""The size of a thread raises the replies that wait in it, also while they wait."""

import dataclasses
from typing import Any

import pytest

from infra.postgres import Pool
from replies.priority import DEFAULT, FULL_THREAD
from schemas.events import Source
from sinks import claims, stored_comments
from tests.sinks.office import FakePage, Office
from tests.sinks.story import Story

STEP = DEFAULT.thread / FULL_THREAD


async def waits(office: Office, story: Story, number: int, *, below: str, **decision: Any) -> None:
    """Comment `number` hangs below another, and has a reply waiting."""
    office.page.show(number)
    comment = dataclasses.replace(story.comment(number), platform_parent_id=below, author_id=f"a{number}")
    made = story.decision(number, text=f"Answer {number}", **decision)
    await office.take(comment, dataclasses.replace(made, thread_id=below, author_id=f"a{number}"))


async def join(office: Office, story: Story, numbers: range, *, below: str, kind: str = "added") -> None:
    """People say something there that gets no reply."""
    await office.take(
        *(
            dataclasses.replace(story.comment(number, kind, at=number), platform_parent_id=below)
            for number in numbers
        )
    )


async def worth(office: Office, number: int) -> float:
    [row] = await office.queue(number)
    return round(float(row["priority"]), 3)


@pytest.mark.parametrize(
    ("others", "doublings"), [(0, 1), (1, 1), (2, 2), (6, 3), (30, 5), (1022, 10), (1100, 10)]
)
async def test_a_reply_gains_a_step_with_each_doubling_of_its_thread(
    office: Office, story: Story, others: int, doublings: int
) -> None:
    await join(office, story, range(100, 100 + others), below="c1")
    await waits(office, story, 2, below="c1", priority=4)
    assert await worth(office, 2) == round(4 + doublings * STEP, 3)


async def test_a_thread_that_grows_while_its_replies_wait_raises_them_and_they_leave_sooner(
    office: Office, page: FakePage, story: Story
) -> None:
    await waits(office, story, 2, below="c1", priority=4)
    await waits(office, story, 3, below="c9", priority=4.08)
    await office.queued(4, priority=4.12)
    assert await worth(office, 2) < await worth(office, 3)
    await join(office, story, range(100, 107), below="c1")
    assert await worth(office, 2) == round(4 + 3 * STEP, 3)
    assert (await worth(office, 3), await worth(office, 4)) == (round(4.08 + STEP, 3), 4.12)
    poster = office.poster()
    for _ in range(3):
        office.clock.advance(1)
        await office.round(poster)
    assert [comment for comment, _ in page.sent] == ["c2", "c3", "c4"]


async def test_a_thread_that_shrinks_gives_its_replies_less(office: Office, story: Story) -> None:
    await join(office, story, range(100, 106), below="c1")
    await waits(office, story, 2, below="c1", priority=4)
    assert await worth(office, 2) == round(4 + 3 * STEP, 3)
    await join(office, story, range(100, 106), below="c1", kind="removed")
    assert await worth(office, 2) == round(4 + STEP, 3)


async def test_the_first_comment_of_a_thread_counts_what_hangs_below_it(office: Office, story: Story) -> None:
    await office.queued(1, priority=2)
    assert await worth(office, 1) == 2
    await join(office, story, range(100, 103), below="c1")
    assert await worth(office, 1) == round(2 + 2 * STEP, 3)


async def test_the_newest_policys_weight_counts(office: Office, pool: Pool, story: Story) -> None:
    for version, weight in ((1, 9), (2, 3)):
        await pool.execute(
            "insert into policies (tenant_id, version, document, hash, created_by)"
            " values ('default', $1, $2, '', 'mia')",
            version,
            {"priority": {"thread": weight}},
        )
    await waits(office, story, 2, below="c1", priority=4)
    assert await worth(office, 2) == round(4 + 3 / FULL_THREAD, 3)


async def test_what_is_not_waiting_keeps_the_worth_that_it_left_with(
    office: Office, page: FakePage, story: Story
) -> None:
    await waits(office, story, 2, below="c1", priority=4)
    await office.round(office.poster())
    assert len(page.sent) == 1
    await join(office, story, range(100, 110), below="c1")
    assert await worth(office, 2) == round(4 + STEP, 3)


async def test_a_reply_that_somebody_holds_does_not_make_the_sink_wait(
    office: Office, pool: Pool, story: Story
) -> None:
    await waits(office, story, 2, below="c1", priority=4)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select from reply_queue for update")
        await join(office, story, range(100, 110), below="c1")
    assert await worth(office, 2) == round(4 + STEP, 3)
    await join(office, story, range(110, 111), below="c1")
    assert await worth(office, 2) == round(4 + 3 * STEP, 3)


async def test_the_thread_does_not_count_twice_when_a_person_decides_again(
    office: Office, pool: Pool, story: Story
) -> None:
    """What a person is asked about has the decision's priority; the queue adds the thread's part anew."""
    await waits(office, story, 2, below="c1", priority=4)
    await pool.execute("update reply_queue set attempts = 8")
    office.page.on_read = OSError("away")
    await office.round(office.poster())
    assert await office.state(2) == "failed"
    assert await pool.fetchval("select priority from review_items") == 4


async def test_a_comment_that_is_fed_in_again_still_tells_who_follows_its_author(
    office: Office, pool: Pool, story: Story
) -> None:
    """Reach is weighed when the comment is decided; the most that X told counts."""
    for followers in (1200, None, 1300):
        await office.take(dataclasses.replace(story.comment(1), author_followers=followers))
    row = await pool.fetchrow(
        f"select {stored_comments.WORDING} from comments c"
        " join comment_revisions r on r.revision_id = c.current_revision_id"
    )
    assert stored_comments.comment_of(row, Source.SWEEP).author_followers == 1300


async def test_a_claim_walks_the_queue_in_the_order_of_its_index(office: Office, pool: Pool) -> None:
    """However many wait: it must not look at all of them, and sort them."""
    await pool.execute(
        "insert into reply_queue (decision_id, comment_id, revision_id, tenant_id, platform, account_id,"
        " platform_comment_id, thread_id, text, decided_by, priority)"
        " select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'default', 'facebook', $1,"
        " 'x' || i, 'x' || i, 'hi', 'machine', i % 90 from generate_series(1, 5000) i",
        Story.page,
    )
    await pool.execute("analyze reply_queue")
    given = (None, "default", "facebook", Story.page, 16, "nobody", 1, 1.0, 60.0)
    plan = "\n".join(row[0] for row in await pool.fetch(f"explain {claims._CLAIM}", *given))
    assert "Index Scan using reply_queue_next" in plan
    assert "Seq Scan on reply_queue" not in plan
    assert "Seq Scan on comments" not in plan
