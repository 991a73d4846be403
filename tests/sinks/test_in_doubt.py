"""A reply in doubt that shows only after its row was given up: no later reply to its comment goes out."""

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from connectors.outcomes import Cause, NotSent, Unknown, WriteOutcome
from connectors.platform import OwnReply
from infra.postgres import Pool
from sinks.poster import Poster
from tests.sinks.office import FakePage, Office
from tests.sinks.story import Clock, Story

ANSWERED = "already answered: an earlier reply that was in doubt is on the platform"
SAME_OR_EDITED = pytest.mark.parametrize("text", ["Thank you!", "Dear Ann, thanks"])


async def rounds(office: Office, poster: Poster, count: int, every: float = 10) -> None:
    for _ in range(count):
        await office.round(poster)
        office.clock.advance(every)


async def uncertain(comment: str, text: str) -> WriteOutcome:
    """A platform that does not answer, and has not taken the reply."""
    return Unknown("timeout")


def took_effect_below_c1(page: FakePage) -> Callable[[str, str], Awaitable[WriteOutcome]]:
    """A platform that takes the reply, flattened below the top-level comment, and does not say so."""

    async def reply(comment: str, text: str) -> WriteOutcome:
        page.accept("c1", text)
        return Unknown("timeout")

    return reply


async def given_up(office: Office, page: FakePage) -> Poster:
    """Send 1 created nothing, send 2 took effect; both are in doubt, and no listing shows the reply yet."""
    await office.queued()
    calls = []

    async def uncertain(comment: str, text: str) -> WriteOutcome:
        calls.append(comment)
        if len(calls) == 2:
            page.accept(comment, text)
        return Unknown("timeout")

    page.on_reply = uncertain
    page.hides_replies = True
    poster = office.poster()
    for _ in range(60):
        await office.round(poster)
        if await office.state() == "failed":
            break
        office.clock.advance(10)
    assert await office.state() == "failed"
    assert len(calls) == 2
    page.on_reply = None
    return poster


async def states(office: Office, number: int = 1) -> list[tuple[str, str, str | None]]:
    return [
        (row["decided_by"], row["state"], row["reply_id"])
        for row in sorted(await office.queue(number), key=lambda row: str(row["decided_by"]))
    ]


async def settled_as_answered(office: Office, page: FakePage, pool: Pool) -> None:
    """The one reply on the page is the old row's, and the new row says why it ended."""
    assert len(page.sent) == 1
    assert await states(office) == [("machine", "posted", "r1"), ("person", "superseded", None)]
    reasons = {row["decided_by"]: row["reason"] for row in await office.queue()}
    assert reasons["person"] == ANSWERED
    assert await office.state() == "posted"
    assert not await pool.fetchval("select exists (select from review_items where is_open)")


@SAME_OR_EDITED
async def test_a_person_who_approves_what_was_given_up_finds_it_answered(
    office: Office, page: FakePage, pool: Pool, story: Story, text: str
) -> None:
    poster = await given_up(office, page)
    page.hides_replies = False
    await office.take(story.decision(action="approve", by="Mia", text=text, at=900))
    await rounds(office, poster, 20)
    await settled_as_answered(office, page, pool)


@SAME_OR_EDITED
async def test_what_was_given_up_gets_time_to_show_before_another_is_sent(
    office: Office, page: FakePage, pool: Pool, story: Story, text: str
) -> None:
    poster = await given_up(office, page)
    await office.take(story.decision(action="approve", by="Mia", text=text, at=900))
    await rounds(office, poster, 5)
    assert await office.state() == "queued"
    page.hides_replies = False
    await rounds(office, poster, 10)
    await settled_as_answered(office, page, pool)


async def test_what_never_shows_is_sent_once_more_when_a_person_says_so(
    office: Office, page: FakePage, clock: Clock, story: Story
) -> None:
    poster = await given_up(office, page)
    page.replies.clear()
    page.hides_replies = False
    page.sent.clear()
    await office.take(story.decision(action="approve", by="Mia", text="Dear Ann", at=900))
    await rounds(office, poster, 6)
    assert page.sent == []
    await rounds(office, poster, 2)
    assert page.sent == [("c1", "Dear Ann")]
    assert await office.state() == "posted"


@SAME_OR_EDITED
async def test_the_echo_of_what_was_given_up_ends_the_reply_that_waits(
    office: Office, page: FakePage, pool: Pool, story: Story, text: str
) -> None:
    poster = await given_up(office, page)
    await office.take(story.decision(action="approve", by="Mia", text=text, at=900))
    await office.take(story.staff(text="Thank you!", reply_id="r1", at=901))
    await rounds(office, poster, 20)
    await settled_as_answered(office, page, pool)
    assert await pool.fetchval("select author from observed_replies") == "parley"


async def test_the_echo_of_what_was_given_up_closes_its_review(
    office: Office, page: FakePage, pool: Pool, story: Story
) -> None:
    await given_up(office, page)
    assert await pool.fetchval("select is_open from review_items")
    await office.take(story.staff(text="Thank you!", reply_id="r1", at=901))
    assert await states(office) == [("machine", "posted", "r1")]
    assert not await pool.fetchval("select is_open from review_items")


@SAME_OR_EDITED
async def test_an_echo_while_the_new_reply_is_read_for_ends_it_when_it_was_not_sent(
    office: Office, page: FakePage, pool: Pool, story: Story, text: str
) -> None:
    poster = await given_up(office, page)
    await office.take(story.decision(action="approve", by="Mia", text=text, at=900))
    read = page.read_comment

    async def echo_meanwhile(platform_comment_id: str) -> object:
        await office.take(story.staff(text="Thank you!", reply_id="r1", at=901))
        return await read(platform_comment_id)

    page.read_comment = echo_meanwhile  # type: ignore[method-assign, assignment]
    await office.round(poster)
    await settled_as_answered(office, page, pool)


async def test_an_echo_while_the_new_reply_is_being_sent_leaves_what_was_sent(
    office: Office, page: FakePage, pool: Pool, clock: Clock, story: Story
) -> None:
    poster = await given_up(office, page)
    clock.advance(60)

    async def echo_meanwhile(comment: str, text: str) -> WriteOutcome:
        await office.take(story.staff(text="Thank you!", reply_id="r1", at=901))
        return page.accept(comment, text)

    page.on_reply = echo_meanwhile
    await office.take(story.decision(action="approve", by="Mia", text="Dear Ann", at=900))
    await office.round(poster)
    assert await states(office) == [("machine", "failed", None), ("person", "posted", "r2")]
    assert await pool.fetchval("select author from observed_replies") == "parley"
    assert await office.state() == "posted"


async def test_a_new_reply_in_doubt_yields_to_the_older_one_that_shows(
    office: Office, page: FakePage, pool: Pool, clock: Clock, story: Story
) -> None:
    poster = await given_up(office, page)
    clock.advance(60)
    page.on_reply = uncertain
    await office.take(story.decision(action="approve", by="Mia", text="Dear Ann", at=900))
    await office.round(poster)
    assert (await states(office))[1] == ("person", "unknown", None)
    page.hides_replies = False
    await rounds(office, poster, 20)
    await settled_as_answered(office, page, pool)


async def test_an_answer_that_comes_after_its_row_was_given_up_ends_the_reply_that_waits(
    office: Office, page: FakePage, pool: Pool, story: Story
) -> None:
    await office.queued()

    async def uncertain(comment: str, text: str) -> WriteOutcome:
        return Unknown("timeout")

    async def stalled(comment: str, text: str) -> WriteOutcome:
        answer = page.accept(comment, text)
        page.on_reply = uncertain
        page.hides_replies = True
        await rounds(office, office.poster(), 60)
        assert await office.state() == "failed"
        await office.take(story.decision(action="approve", by="Mia", text="Dear Ann", at=900))
        return answer

    page.on_reply = stalled
    await office.round(office.poster())
    page.on_reply = None
    await rounds(office, office.poster(), 20)
    await settled_as_answered(office, page, pool)


async def test_two_replies_of_ours_seen_at_once_are_both_ours(
    office: Office, page: FakePage, pool: Pool, clock: Clock, story: Story
) -> None:
    poster = await given_up(office, page)
    clock.advance(60)

    async def refused(comment: str, text: str) -> WriteOutcome:
        return NotSent(Cause.PERMANENT, "no")

    page.on_reply = refused
    await office.take(story.decision(action="approve", by="Mia", text="Dear Ann", at=900))
    await office.round(poster)
    await office.take(
        story.staff(text="Thank you!", reply_id="r1", at=901),
        story.staff(text="Dear Ann", reply_id="r2", at=902),
    )
    assert await states(office) == [("machine", "posted", "r1"), ("person", "failed", None)]
    authors = await pool.fetch("select distinct author from observed_replies")
    assert [row["author"] for row in authors] == ["parley"]


async def test_an_approval_that_waited_behind_the_machines_reply_is_held_too(
    office: Office, page: FakePage, pool: Pool, story: Story
) -> None:
    await office.queued()

    async def approved_meanwhile(comment: str, text: str) -> WriteOutcome:
        await office.take(story.decision(action="approve", by="Mia", text="Dear Ann", at=9))
        page.accept(comment, text)
        return Unknown("timeout")

    page.on_reply = approved_meanwhile
    page.hides_replies = True
    poster = office.poster()
    await rounds(office, poster, 9)
    assert (await states(office))[1][1] == "queued"  # the machine's gave way before its second send
    page.hides_replies = False
    await rounds(office, poster, 20)
    await settled_as_answered(office, page, pool)


async def queued_in_thread(office: Office, story: Story, number: int = 2, **decision: Any) -> None:
    """Somebody else answered comment 1 with this comment, which has a reply waiting."""
    office.page.show(number)
    comment = dataclasses.replace(story.comment(number), platform_parent_id="c1")
    made = dataclasses.replace(story.decision(number, **decision), thread_id="c1", author_id=f"a{number}")
    await office.take(comment, made)


async def test_a_reply_to_a_reply_is_looked_for_in_its_thread(
    office: Office, page: FakePage, pool: Pool, story: Story
) -> None:
    await queued_in_thread(office, story)

    async def uncertain(comment: str, text: str) -> WriteOutcome:
        if not page.sent:
            page.accept("c1", text)  # flattened: it hangs below the top-level comment
        return Unknown("timeout")

    page.on_reply = uncertain
    page.hides_replies = True
    poster = office.poster()
    await rounds(office, poster, 60)
    assert await office.state(2) == "failed"
    page.on_reply = None
    page.hides_replies = False
    await queued_in_thread(office, story, action="approve", by="Mia", text="Dear Ann", at=900)
    await rounds(office, poster, 9)
    assert await states(office, 2) == [("machine", "posted", "r1"), ("person", "superseded", None)]
    assert page.sent == [("c1", "Thank you!")]


async def test_an_identical_reply_waits_until_the_one_in_doubt_in_its_thread_is_settled(
    office: Office, page: FakePage, story: Story
) -> None:
    await queued_in_thread(office, story)
    page.on_reply = took_effect_below_c1(page)
    poster = office.poster()
    await office.round(poster)
    page.on_reply = None
    await office.queued(1)
    await office.queued(7, text="Thanks a lot!")
    office.clock.advance(1)
    await office.round(poster)
    assert await states(office, 1) == [("machine", "queued", None)]
    assert await states(office, 7) == [("machine", "posted", "r2")]
    await rounds(office, poster, 3)
    assert await states(office, 2) == [("machine", "posted", "r1")]
    assert await states(office, 1) == [("machine", "posted", "r3")]
    assert len(page.sent) == 3


async def test_a_reply_that_differs_by_spaces_alone_waits_too(
    office: Office, page: FakePage, story: Story
) -> None:
    """Platforms tidy spaces, so both would look alike there."""
    await queued_in_thread(office, story)
    page.on_reply = uncertain
    poster = office.poster()
    await office.round(poster)
    await queued_in_thread(office, story, 3, text=" Thank\u00a0\nyou! ", priority=9)
    for _ in range(3):
        office.clock.advance(1)
        await office.round(poster)
    assert await states(office, 3) == [("machine", "queued", None)]


async def test_what_is_sent_once_more_goes_before_an_identical_reply_worth_more(
    office: Office, page: FakePage, story: Story
) -> None:
    """Its first send may still show: the other, in doubt, would be taken for it; it would go out again."""
    await queued_in_thread(office, story)
    page.on_reply = uncertain
    poster = office.poster()
    await office.round(poster)
    while (await office.queue(2))[0]["state"] != "queued":
        office.clock.advance(10)
        await office.round(poster)
    page.accept("c1", "Thank you!")  # it took effect after all
    await queued_in_thread(office, story, 3, priority=9)
    page.on_reply = None
    await rounds(office, poster, 1)
    assert await states(office, 2) == [("machine", "posted", "r1")]
    assert await states(office, 3) == [("machine", "queued", None)]
    await rounds(office, poster, 8)
    assert await states(office, 3) == [("machine", "posted", "r2")]
    assert page.sent == [("c1", "Thank you!"), ("c3", "Thank you!")]


async def test_what_cannot_be_sent_once_more_holds_the_others_up_for_a_while_only(
    office: Office, page: FakePage, pool: Pool, story: Story
) -> None:
    await queued_in_thread(office, story)
    page.on_reply = uncertain
    poster = office.poster()
    await office.round(poster)
    while (await office.queue(2))[0]["state"] != "queued":
        office.clock.advance(10)
        await office.round(poster)
    page.on_reply = None
    await pool.execute("update social_accounts set mode = 'review'")
    await queued_in_thread(office, story, 3, action="approve", by="Mia")
    await office.round(poster)
    assert await states(office, 3) == [("person", "queued", None)]
    await rounds(office, poster, 13)
    assert await states(office, 3) == [("person", "posted", "r1")]


async def test_of_identical_replies_in_one_thread_one_is_under_way_at_a_time(
    office: Office, page: FakePage, story: Story
) -> None:
    for number in (2, 3, 4):
        await queued_in_thread(office, story, number, priority=number)
    page.on_reply = took_effect_below_c1(page)
    poster = office.poster()
    for _ in range(30):
        await office.round(poster)
        office.clock.advance(5)
        doubtful = await office.pool.fetchval("select count(*) from reply_queue where state = 'unknown'")
        assert doubtful <= 1
    assert [(await states(office, number))[0][1:] for number in (4, 3, 2)] == [
        ("posted", "r1"), ("posted", "r2"), ("posted", "r3"),
    ]  # fmt: skip


async def test_replies_that_came_with_the_comment_are_not_asked_for_again(
    office: Office, page: FakePage
) -> None:
    asked = []
    listed = page.own_replies

    async def own_replies(platform_comment_id: str, *, thread_id: str | None = None) -> list[OwnReply]:
        asked.append(platform_comment_id)
        return await listed(platform_comment_id, thread_id=thread_id)

    page.own_replies = own_replies  # type: ignore[method-assign]
    for number in (1, 2, 3):
        await office.queued(number)
    page.show(1, own_replies=())
    page.show(2, own_replies=(OwnReply(reply_id="s1", text="Call us", created_at=None),))
    poster = office.poster()
    await rounds(office, poster, 5)
    assert asked == ["c3"]
    assert [await office.state(number) for number in (1, 2, 3)] == ["posted", "answered_elsewhere", "posted"]


async def test_what_a_person_approves_of_a_comment_that_is_gone_ends_its_review(
    office: Office, page: FakePage, pool: Pool, story: Story
) -> None:
    """No notice of the removal came: the poster found out, and nobody is asked again."""
    await office.queued()

    async def refused(comment: str, text: str) -> WriteOutcome:
        return NotSent(Cause.PERMANENT, "a duplicate")

    page.on_reply = refused
    await office.round(office.poster())
    assert await pool.fetchval("select is_open from review_items")
    page.comments.clear()
    await office.take(story.decision(1, "approve", by="mia", text="Thanks a lot!", at=9))
    await office.round(office.poster())
    assert await office.state() == "removed"
    assert not await pool.fetchval("select is_open from review_items")
    await office.take(story.decision(1, "approve", by="joe", text="Thanks again!", at=12))
    assert await office.state() == "removed"
    assert {row["state"] for row in await office.queue()} == {"failed", "removed"}


async def test_a_reply_that_comes_to_nothing_before_its_comment_was_read_goes_to_a_person(
    office: Office, page: FakePage, pool: Pool, story: Story
) -> None:
    """Decisions and comments come by two topics; whichever is read first."""

    async def refused(comment: str, text: str) -> WriteOutcome:
        return NotSent(Cause.PERMANENT, "a duplicate")

    page.show(1)
    page.on_reply = refused
    await office.take(story.decision(1))
    await office.round(office.poster())
    assert [row["state"] for row in await office.queue()] == ["failed"]
    assert await pool.fetchval("select is_open from review_items")
    await office.take(story.comment(1))
    assert await pool.fetchval("select is_open from review_items")
