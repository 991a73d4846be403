"""The poster: each reply once, the outcome by its name, at the account's pace, the most valuable first."""

import asyncio
from typing import Any

import pytest

from connectors.outcomes import AccountStopped, Cause, NotSent, Unknown, WriteOutcome
from connectors.platform import OwnReply
from infra.postgres import Pool, open_pool
from schemas import codec
from schemas.errors import ThrottledError, TransientError
from schemas.events import ReplyOutcome
from sinks.poster import Poster
from sinks.relay import Relay
from tests.sinks.office import FakePage, Office
from tests.sinks.story import NOON, Clock, Story
from tests.sinks.test_relay import FakeKafka


async def outcomes(pool: Pool) -> list[ReplyOutcome]:
    rows = await pool.fetch("select value from outbox where topic = 'replies.outcomes' order by id")
    return [codec.load().decode(row["value"], ReplyOutcome) for row in rows]


async def test_a_reply_is_posted_once_and_its_outcome_told(
    office: Office, page: FakePage, pool: Pool, story: Story
) -> None:
    decision = await office.queued()
    poster = office.poster()
    for _ in range(3):
        await office.round(poster)
    assert page.sent == [("c1", "Thank you!")]
    row = (await office.queue())[0]
    assert (row["state"], row["reply_id"], row["attempts"]) == ("posted", "r1", 1)
    assert await office.state() == "posted"
    (told,) = await outcomes(pool)
    assert (told.outcome, told.reply_id, told.text, told.decision_id) == (
        "posted", "r1", "Thank you!", decision.decision_id,
    )  # fmt: skip
    assert await pool.fetchval("select is_sent from generated_responses") is True
    attempt = await pool.fetchrow("select outcome, reply_id, finished_at from reply_attempts")
    assert attempt is not None
    assert tuple(attempt) == ("posted", "r1", NOON)
    assert page.tokens == {"token"}


async def test_the_text_is_committed_as_being_posted_before_the_call(
    office: Office, page: FakePage, pool: Pool
) -> None:
    await office.queued()
    seen = []

    async def look(comment: str, text: str) -> WriteOutcome:
        row = await pool.fetchrow(
            "select q.state, q.text, c.state as comment from reply_queue q join comments c using (comment_id)"
        )
        assert row is not None
        seen.append(tuple(row))
        return page.accept(comment, text)

    page.on_reply = look
    await office.round(office.poster())
    assert seen == [("posting", "Thank you!", "posting")]


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        ({"text": "Lovely! But late"}, "superseded"),
        ({"is_hidden": True}, "not_allowed"),
        ({"can_reply": False}, "not_allowed"),
        (None, "removed"),
    ],
)
async def test_what_the_comment_has_become_is_seen_before_the_call(
    office: Office, page: FakePage, pool: Pool, shown: dict[str, Any] | None, state: str
) -> None:
    await office.queued()
    page.show(1, **shown) if shown is not None else page.comments.clear()
    await office.round(office.poster())
    assert page.sent == []
    assert await office.state() == state
    assert [told.outcome for told in await outcomes(pool)] == [state]


async def test_a_staff_answer_found_on_the_platform_ends_it(
    office: Office, page: FakePage, pool: Pool
) -> None:
    await office.queued()
    page.replies["c1"] = [OwnReply(reply_id="s1", text="Call us", created_at=None)]
    await office.round(office.poster())
    assert page.sent == []
    assert await office.state() == "answered_elsewhere"
    assert await pool.fetchval("select author from observed_replies") == "staff"


async def test_our_own_text_found_on_the_platform_is_not_sent_again(office: Office, page: FakePage) -> None:
    await office.queued()
    page.replies["c1"] = [OwnReply(reply_id="r7", text=" Thank you! ", created_at=None)]
    await office.round(office.poster())
    assert page.sent == []
    assert [(row["state"], row["reply_id"]) for row in await office.queue()] == [("posted", "r7")]


def answering(outcome: WriteOutcome) -> Any:
    async def answer(comment: str, text: str) -> WriteOutcome:
        return outcome

    return answer


@pytest.mark.parametrize(
    ("cause", "state", "status"),
    [
        (Cause.PERMANENT, "failed", "active"),
        (Cause.GONE, "removed", "active"),
        (Cause.BLOCKED, "queued", "blocked"),
        (Cause.AUTH, "queued", "needs_auth"),
        (Cause.PERMISSION, "queued", "needs_auth"),
    ],
)
async def test_a_refusal_has_the_effect_of_its_cause(
    office: Office, page: FakePage, pool: Pool, cause: Cause, state: str, status: str
) -> None:
    await office.queued()
    page.on_reply = answering(NotSent(cause, "because"))
    poster = office.poster()
    for _ in range(3):
        await office.round(poster)
    row = (await office.queue())[0]
    assert (row["state"], row["reason"], row["attempts"]) == (state, "because", 1)
    assert await office.state() == state
    assert await pool.fetchval("select status from social_accounts") == status
    assert await pool.fetchval("select count(*) from audit_log") == (status != "active")
    assert bool(await pool.fetchval("select count(*) from review_items where is_open")) == (state == "failed")


async def test_a_reply_that_did_not_get_through_is_sent_later(
    office: Office, page: FakePage, clock: Clock
) -> None:
    await office.queued()
    page.on_reply = answering(NotSent(Cause.TRANSIENT, "connection refused"))
    poster = office.poster()
    await office.round(poster)
    page.on_reply = None
    await office.round(poster)
    assert page.sent == []
    clock.advance(2)
    await office.round(poster)
    assert page.sent == [("c1", "Thank you!")]
    assert (await office.queue())[0]["attempts"] == 2


async def test_a_reply_that_never_gets_through_goes_to_a_person(
    office: Office, page: FakePage, pool: Pool, clock: Clock
) -> None:
    await office.queued()
    page.on_read = TransientError("no route")
    poster = office.poster()
    for _ in range(10):
        await office.round(poster)
        clock.advance(300)
    assert await office.state() == "failed"
    assert [tuple(row) for row in await pool.fetch("select cause, is_open from review_items")] == [
        ("unsent", True)
    ]


@pytest.mark.parametrize("where", ["reply", "read"])
async def test_a_throttled_account_waits_as_long_as_it_was_told(
    office: Office, page: FakePage, clock: Clock, where: str
) -> None:
    await office.queued(1, priority=2)
    await office.queued(2)
    if where == "reply":
        page.on_reply = answering(NotSent(Cause.THROTTLED, "slow down", 90))
    else:
        page.on_read = ThrottledError("slow down", retry_after=90)
    poster = office.poster(posting_concurrency=1)
    await office.round(poster)
    page.on_reply, page.on_read = None, None
    clock.advance(89)
    await office.round(poster)
    assert page.sent == []
    clock.advance(2)
    for _ in range(2):
        await office.round(poster)
        clock.advance(1)
    assert [comment for comment, _ in page.sent] == ["c1", "c2"]


async def test_reads_that_stop_the_account_stop_it(office: Office, page: FakePage, pool: Pool) -> None:
    await office.queued()
    page.on_read = AccountStopped(Cause.AUTH, "session expired")
    await office.round(office.poster())
    assert await pool.fetchval("select status from social_accounts") == "needs_auth"
    assert await office.state() == "queued"


@pytest.mark.parametrize(
    "switch",
    [
        "status = 'paused'",
        "may_reply = false",
        "mode = 'observe'",
        "mode = 'review'",
        "replies_per_minute = 0",
    ],
)
async def test_an_accounts_switch_holds_its_replies(
    office: Office, page: FakePage, pool: Pool, clock: Clock, switch: str
) -> None:
    await office.queued()
    poster = office.poster()
    await pool.execute(f"update social_accounts set {switch}")
    await office.round(poster)
    assert page.sent == []
    await pool.execute(
        "update social_accounts set status = 'active', may_reply = true, mode = 'auto',"
        " replies_per_minute = 600"
    )
    clock.advance(1)
    await office.round(poster)
    assert len(page.sent) == 1


async def test_in_review_mode_what_a_person_approved_is_sent(
    office: Office, page: FakePage, pool: Pool
) -> None:
    await pool.execute("update social_accounts set mode = 'review'")
    await office.queued(action="approve", by="Mia")
    await office.round(office.poster())
    assert len(page.sent) == 1


async def test_replies_leave_evenly_and_in_order_of_value(
    office: Office, page: FakePage, pool: Pool, clock: Clock
) -> None:
    await pool.execute("update social_accounts set replies_per_minute = 30")
    for number in range(10):
        await office.queued(number, priority=number)
    posters = [office.poster(), office.poster()]
    per_second = []
    for _ in range(10):
        before = len(page.sent)
        for poster in posters:
            await office.round(poster)
        per_second.append(len(page.sent) - before)
        clock.advance(1)
    assert per_second == [1, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    assert [comment for comment, _ in page.sent] == [f"c{number}" for number in (9, 8, 7, 6, 5, 4)]


async def test_a_reply_that_needed_no_call_costs_no_budget(
    office: Office, page: FakePage, pool: Pool
) -> None:
    await pool.execute("update social_accounts set replies_per_minute = 30")
    await office.queued(1, priority=2)
    await office.queued(2)
    page.comments.pop("c1")
    poster = office.poster()
    await office.round(poster)
    office.clock.advance(0.1)
    await office.round(poster)
    assert [comment for comment, _ in page.sent] == ["c2"]


async def test_no_more_calls_at_once_than_allowed(office: Office, page: FakePage) -> None:
    for number in range(12):
        await office.queued(number)
    poster = office.poster(posting_concurrency=3)
    for _ in range(6):
        await office.round(poster)
        office.clock.advance(1)
    assert len(page.sent) == 12
    assert 1 <= page.most_at_once <= 3


async def test_two_posters_racing_post_each_reply_once(office: Office, page: FakePage) -> None:
    for number in range(30):
        await office.queued(number)
    posters = [office.poster() for _ in range(3)]
    for _ in range(20):
        await asyncio.gather(*(poster.step() for poster in posters))
        await asyncio.gather(*(poster.idle() for poster in posters))
        office.clock.advance(1)
    assert sorted(page.sent) == sorted((f"c{number}", "Thank you!") for number in range(30))


async def test_a_reply_that_waited_too_long_expires(
    office: Office, page: FakePage, pool: Pool, clock: Clock
) -> None:
    await office.queued(expires_in=60)
    clock.advance(61)
    await office.round(office.poster())
    assert page.sent == []
    assert await office.state() == "expired"
    assert [told.outcome for told in await outcomes(pool)] == ["expired"]


async def test_a_removal_while_a_reply_is_being_retried_ends_it(
    office: Office, page: FakePage, story: Story
) -> None:
    await office.queued()

    async def removed_meanwhile(comment: str, text: str) -> WriteOutcome:
        await office.take(story.comment(kind="removed", at=9))
        return NotSent(Cause.TRANSIENT, "reset")

    page.on_reply = removed_meanwhile
    await office.round(office.poster())
    assert [row["state"] for row in await office.queue()] == ["removed"]


async def test_a_persons_approval_goes_out_if_the_machines_reply_came_to_nothing(
    office: Office, page: FakePage, story: Story
) -> None:
    await office.queued()

    async def approved_meanwhile(comment: str, text: str) -> WriteOutcome:
        await office.take(story.decision(action="approve", by="Mia", text="Dear Ann", at=9))
        return NotSent(Cause.TRANSIENT, "reset")

    page.on_reply = approved_meanwhile
    poster = office.poster()
    await office.round(poster)
    page.on_reply = None
    office.clock.advance(1)
    await office.round(poster)
    assert page.sent == [("c1", "Dear Ann")]
    assert await office.state() == "posted"


async def test_an_account_without_a_usable_token_holds_nobody_else_up(
    office: Office, page: FakePage, pool: Pool
) -> None:
    await office.queued()
    await pool.execute("update social_accounts set token_key_id = 'lost'")
    await office.round(office.poster())
    assert await office.state() == "queued"


async def test_a_stopped_poster_gives_back_what_it_had_not_sent(office: Office, page: FakePage) -> None:
    await office.queued()
    reading = asyncio.Event()

    async def never(platform_comment_id: str) -> Any:
        reading.set()
        await asyncio.Event().wait()

    page.read_comment = never  # type: ignore[method-assign]
    running = asyncio.create_task(office.poster().run())
    await asyncio.wait_for(reading.wait(), 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [row["state"] for row in await office.queue()] == ["queued"]


async def test_a_waiting_poster_notices_new_work_at_once(
    office: Office, page: FakePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.poster.POLL", 3600)
    sent = asyncio.Event()

    async def answer(comment: str, text: str) -> WriteOutcome:
        sent.set()
        return page.accept(comment, text)

    page.on_reply = answer
    running = asyncio.create_task(office.poster().run())
    try:
        await office.queued()
        await asyncio.wait_for(sent.wait(), 10)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await office.state() == "posted"


async def test_poster_and_relay_go_on_after_their_connections_were_cut(
    office: Office, page: FakePage, database_url: str
) -> None:
    kafka = FakeKafka()
    async with open_pool(f"{database_url}?application_name=cut", size=6) as cut:
        poster = Poster(cut, page, office.keys, office.settings, clock=office.clock)
        work = [poster.run(), Relay(cut, kafka).run()]  # type: ignore[arg-type]
        running = [asyncio.create_task(each) for each in work]
        try:
            for number in range(3):
                await office.queued(number)
                async with asyncio.timeout(30):
                    while await office.state(number) != "posted":
                        await asyncio.sleep(0.02)
                office.clock.advance(1)
                await office.pool.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut'"
                )
            async with asyncio.timeout(30):
                while await office.pool.fetchval(
                    "select exists (select from outbox where published_at is null)"
                ):
                    await asyncio.sleep(0.02)
        finally:
            for task in running:
                task.cancel()
                if task.done():
                    task.result()  # a worker that ended says why
            await asyncio.gather(*running, return_exceptions=True)
    assert [comment for comment, _ in page.sent] == ["c0", "c1", "c2"]
    assert {message.key for message in kafka.acknowledged} == {office.story.comment_id(n) for n in range(3)}


def never_answers(page: FakePage) -> Any:
    async def answer(comment: str, text: str) -> WriteOutcome:
        page.accept(comment, text)
        raise asyncio.CancelledError  # the process is gone between the call and its record

    return answer


async def crashed_in_call(office: Office, page: FakePage, *, took_effect: bool) -> Poster:
    """A poster whose call was under way when its process ended; gives the next one."""
    await office.queued()
    page.on_reply = never_answers(page) if took_effect else answering_never
    await office.round(office.poster(), keeps=True)
    assert await office.state() == "posting"
    page.on_reply = None
    return office.poster()


async def answering_never(comment: str, text: str) -> WriteOutcome:
    raise asyncio.CancelledError


@pytest.mark.parametrize("took_effect", [True, False])
async def test_a_crash_between_call_and_record_is_settled_by_looking(
    office: Office, page: FakePage, clock: Clock, pool: Pool, took_effect: bool
) -> None:
    poster = await crashed_in_call(office, page, took_effect=took_effect)
    await office.round(poster)
    assert await office.state() == "posting"
    clock.advance(66)
    await office.round(poster)
    assert await office.state() == "unknown"
    for _ in range(12):
        clock.advance(10)
        await office.round(poster)
    assert len(page.sent) == 1
    assert await office.state() == "posted"
    told = [str(each.outcome) for each in await outcomes(pool)]
    assert told == ["unknown", "posted"]


async def test_an_unknown_reply_is_sent_again_only_after_it_stayed_absent_long_enough(
    office: Office, page: FakePage, clock: Clock
) -> None:
    await office.queued()
    page.on_reply = answering(Unknown("timeout"))
    poster = office.poster()
    await office.round(poster)
    page.on_reply = None
    assert await office.state() == "unknown"
    for _ in range(13):
        clock.advance(5)
        await office.round(poster)
        assert page.sent == []
    for _ in range(8):
        clock.advance(5)
        await office.round(poster)
    assert page.sent == [("c1", "Thank you!")]
    assert await office.state() == "posted"


async def test_a_reply_that_shows_late_is_found_and_not_sent_again(
    office: Office, page: FakePage, clock: Clock
) -> None:
    await office.queued()

    async def took_effect(comment: str, text: str) -> WriteOutcome:
        page.accept(comment, text)
        return Unknown("timeout")

    page.on_reply = took_effect
    page.hides_replies = True
    poster = office.poster()
    await office.round(poster)
    for _ in range(9):
        clock.advance(5)
        await office.round(poster)
    page.hides_replies = False
    for _ in range(9):
        clock.advance(5)
        await office.round(poster)
    assert len(page.sent) == 1
    assert [(row["state"], row["reply_id"]) for row in await office.queue()] == [("posted", "r1")]


async def test_what_stays_uncertain_twice_goes_to_a_person(
    office: Office, page: FakePage, pool: Pool, clock: Clock
) -> None:
    await office.queued()
    calls = []

    async def uncertain(comment: str, text: str) -> WriteOutcome:
        calls.append(comment)
        return Unknown("timeout")

    page.on_reply = uncertain
    poster = office.poster()
    for _ in range(60):
        await office.round(poster)
        clock.advance(10)
    assert len(calls) == 2
    assert await office.state() == "failed"
    assert [tuple(row) for row in await pool.fetch("select cause, is_open from review_items")] == [
        ("unsent", True)
    ]


async def test_failed_look_ups_prove_nothing(office: Office, page: FakePage, clock: Clock) -> None:
    await office.queued()
    page.on_reply = answering(Unknown("timeout"))
    poster = office.poster()
    await office.round(poster)
    page.on_reply = None
    page.on_read = TransientError("down")
    for _ in range(30):
        clock.advance(30)
        await office.round(poster)
    assert await office.state() == "unknown"


async def test_an_own_reply_seen_by_webhook_settles_an_unknown(
    office: Office, page: FakePage, story: Story
) -> None:
    await office.queued()
    page.on_reply = answering(Unknown("timeout"))
    await office.round(office.poster())
    await office.take(story.staff(text="Thank you!", reply_id="r5"))
    assert await office.state() == "posted"


async def test_an_unexplained_reply_is_staffs_after_the_grace(
    office: Office, page: FakePage, pool: Pool, story: Story, clock: Clock
) -> None:
    await office.queued()
    page.on_reply = answering(Unknown("timeout"))
    poster = office.poster()
    await office.round(poster)
    await office.take(story.staff(text="Call us", at=0))
    clock.advance(29)
    await office.round(poster)
    assert await pool.fetchval("select author from observed_replies") is None
    clock.advance(3)
    await office.round(poster)
    assert await pool.fetchval("select author from observed_replies") == "staff"


async def test_an_edit_after_posting_asks_a_person(
    office: Office, page: FakePage, pool: Pool, story: Story
) -> None:
    await office.queued()

    async def edited_meanwhile(comment: str, text: str) -> WriteOutcome:
        await office.take(story.comment(kind="edited", text="Awful!", at=9))
        return page.accept(comment, text)

    page.on_reply = edited_meanwhile
    await office.round(office.poster())
    assert await office.state() == "posted"
    items = await pool.fetch("select cause, is_open from review_items")
    assert [tuple(item) for item in items] == [("edited_after_reply", True)]


async def test_a_paused_account_still_looks_up_what_is_in_doubt(
    office: Office, page: FakePage, pool: Pool, clock: Clock
) -> None:
    await office.queued()

    async def took_effect(comment: str, text: str) -> WriteOutcome:
        page.accept(comment, text)
        return Unknown("timeout")

    page.on_reply = took_effect
    poster = office.poster()
    await office.round(poster)
    await pool.execute("update social_accounts set status = 'paused', replies_per_minute = 0")
    clock.advance(10)
    await office.round(poster)
    assert await office.state() == "posted"
    assert len(page.sent) == 1
