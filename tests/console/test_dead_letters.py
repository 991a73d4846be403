"""Dead letters go back to where they came from: whole, once, and able to lead to one reply."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from console.dead_letters import app, chosen
from infra.crypto import KeyRing
from infra.postgres import Pool
from schemas import codec, headers, topics
from schemas.errors import ConfigurationError
from schemas.events import DeadLetter, Decision
from schemas.records import Event
from sinks import outbox as outbox_rows
from sinks.post_sink import post_sink
from sinks.resending import Outcome, Resent, send_back, sent_before
from streams.dead_letters import dead_letter
from streams.reading import Raw
from streams.stage import Input
from tests.sinks.office import write
from tests.sinks.story import NOON, Story

CODEC, KEYS = codec.load(), KeyRing({"new": bytes(32), "old": bytes([1] * 32)})
TRACE = ("traceparent", b"00-1-2-01")
integration = pytest.mark.integration


def died(
    event: Event,
    topic: str = "comments.raw",
    *,
    stage: str = "enrich",
    offset: int = 7,
    more: tuple[tuple[str, bytes | None], ...] = (),
    **changed: Any,
) -> DeadLetter:
    raw = Raw(
        topic, 0, offset, NOON, str(event.comment_id).encode(), CODEC.encode(event), (TRACE, *more)  # type: ignore[attr-defined]
    )  # fmt: skip
    letter = dead_letter(
        stage, raw, ValueError("odd"), seal=lambda value: KEYS.seal(value, context=topics.DEAD_LETTERS.name)
    )
    return replace(letter, **changed)


def told(letter: DeadLetter) -> Input[Any]:
    """The letter as the Postgres sink reads it."""
    return Input(letter, "", {}, topics.DEAD_LETTERS.name, 0, 0, NOON)


async def outbox(pool: Pool) -> list[Any]:
    return await pool.fetch("select topic, key, value, headers from outbox order by id")


async def state(pool: Pool, story: Story, number: int = 1) -> str:
    return str(
        await pool.fetchval("select state from comments where comment_id = $1", story.comment_id(number))
    )


@pytest.fixture
def story() -> Story:
    return Story()


@integration
async def test_a_letter_goes_back_as_it_was_once_and_its_comment_lives_on(pool: Pool, story: Story) -> None:
    comment = story.comment()
    letter = died(comment)
    await write(pool, [story.record(comment), told(letter)])
    assert await state(pool, story) == "dead_letter"
    first, second = await send_back(pool, letter, KEYS), await send_back(pool, letter, KEYS)
    assert first == Resent(letter, Outcome.SENT_BACK, "to comments.raw")
    assert second.outcome is Outcome.SENT_BEFORE
    assert "once" in second.said
    (row,) = await outbox(pool)
    assert tuple(row)[:3] == ("comments.raw", comment.comment_id, CODEC.encode(comment))
    assert row["headers"] == {
        "traceparent": "00-1-2-01"
    }  # no replay mark: the work is done for the first time
    assert await state(pool, story) == "received"
    assert list(await sent_before(pool)) == [letter.dead_letter_id]


@integration
async def test_what_dies_again_is_a_new_letter_and_can_go_back_again(pool: Pool, story: Story) -> None:
    letter, again = died(story.comment()), died(story.comment(), offset=8)
    await write(pool, [story.record(story.comment()), told(letter)])
    await send_back(pool, letter, KEYS)
    await write(pool, [told(letter), told(again)])
    assert await state(pool, story) == "dead_letter"
    assert (await send_back(pool, again, KEYS)).outcome is Outcome.SENT_BACK
    assert await state(pool, story) == "received"


@integration
async def test_a_letter_that_postgres_does_not_know_yet_is_marked_all_the_same(
    pool: Pool, story: Story
) -> None:
    letter = died(story.comment())
    assert (await send_back(pool, letter, KEYS)).outcome is Outcome.SENT_BACK
    await write(pool, [story.record(story.comment()), told(letter)])  # the Postgres sink comes to it later
    assert (await send_back(pool, letter, KEYS)).outcome is Outcome.SENT_BEFORE
    assert await state(pool, story) == "received"


@integration
async def test_a_crash_between_the_mark_and_the_record_leaves_neither(
    pool: Pool, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = died(story.comment())

    async def crash(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(outbox_rows, "enqueue_records", crash)
        with pytest.raises(RuntimeError):
            await send_back(pool, letter, KEYS)
    assert await sent_before(pool) == {}
    assert (await send_back(pool, letter, KEYS)).outcome is Outcome.SENT_BACK
    assert len(await outbox(pool)) == 1


@integration
async def test_of_two_people_at_once_one_sends_it(pool: Pool, story: Story) -> None:
    letter = died(story.comment())
    done = await asyncio.gather(*(send_back(pool, letter, KEYS) for _ in range(4)))
    assert sorted(each.outcome for each in done) == ["sent_back", *["sent_before"] * 3]
    assert len(await outbox(pool)) == 1


@integration
async def test_a_decision_that_died_leads_to_one_reply(pool: Pool, story: Story) -> None:
    decision = story.decision()
    letter = died(decision, topics.REPLIES_DECIDED.name, stage="post")
    await write(pool, [story.record(story.comment()), told(letter)])
    await send_back(pool, letter, KEYS)
    (row,) = await outbox(pool)
    back = Input(
        CODEC.decode(row["value"], Decision),
        row["key"],
        {name: text.encode() for name, text in row["headers"].items()},
        row["topic"], 0, 8, NOON,
    )  # fmt: skip
    sink = post_sink(pool)
    outcomes = [(await sink.process([back]))[0].outcome for _ in range(2)]  # type: ignore[arg-type,index]
    assert outcomes == ["queued", "known"]
    assert await pool.fetchval("select count(*) from reply_queue") == 1
    assert await state(pool, story) == "queued"


@integration
async def test_a_replay_that_died_stays_a_replay_and_odd_headers_do_not_hold_it_up(
    pool: Pool, story: Story
) -> None:
    more = ((headers.REPLAY, headers.REPLAY_MARK), ("none", None), ("zero", b"\0"), ("high", b"\xff"))
    await send_back(pool, died(story.comment(), more=more), KEYS)
    (row,) = await outbox(pool)
    assert row["headers"] == {"traceparent": "00-1-2-01", headers.REPLAY: "replay", "high": "\xff"}


@integration
async def test_what_cannot_go_back_says_why(pool: Pool, story: Story) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"topic": "webhook:facebook"}, "facebook deliver it again"),
        ({"topic": "somebody.elses"}, "no topic of this release"),
        ({"topic": "dead.letters"}, "no topic of this release"),
        ({"key": None}, "no key"),
        ({"value": None}, "no value"),
        ({"key": b"\xff"}, "no text"),
        ({"key": b"a\0"}, "no text"),
        ({"key_id": "lost"}, "PARLEY_ENCRYPTION_KEYS"),
        ({"key_id": "old"}, "does not open"),
    ]
    for changed, says in cases:
        done = await send_back(pool, died(story.comment(), **changed), KEYS)
        assert done.outcome is Outcome.IMPOSSIBLE
        assert says in done.said
    assert await outbox(pool) == []
    assert await sent_before(pool) == {}


@integration
async def test_letters_that_are_not_encrypted_go_back_too(pool: Pool, story: Story) -> None:
    plain = CODEC.encode(story.comment())
    await send_back(pool, died(story.comment(), value=plain, key_id=None), KEYS)
    assert [row["value"] for row in await outbox(pool)] == [plain]


def test_letters_are_chosen_by_every_condition_given(story: Story) -> None:
    letters = [
        died(story.comment(number), offset=number, stage=stage, failed_at=NOON + timedelta(hours=number))
        for number, stage in enumerate(["enrich", "post", "enrich"])
    ]
    assert chosen(letters) == letters
    assert chosen(letters, stage="enrich") == letters[::2]
    assert chosen(letters, since=NOON + timedelta(hours=1)) == letters[1:]
    assert chosen(letters, stage="enrich", since=NOON + timedelta(hours=1)) == letters[2:]
    assert chosen(letters, ids=[letters[1].dead_letter_id]) == [letters[1]]
    assert chosen(letters, reason="other") == []


def test_replaying_everything_by_mistake_is_refused() -> None:
    done = CliRunner().invoke(app, ["replay"])
    assert isinstance(done.exception, ConfigurationError)
    assert "--since 12h" in str(done.exception)
