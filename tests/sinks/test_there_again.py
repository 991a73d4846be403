"""A comment whose reply ended with its removal, and that a direct read finds again: people are asked."""

from dataclasses import replace

import pytest

from infra.postgres import Pool
from schemas.events import CommentEvent, Source
from tests.sinks.office import FakePage, Office
from tests.sinks.story import Story


def there_again(story: Story, at: int) -> CommentEvent:
    """What a poll says whose direct read found the removed comment."""
    event = story.comment(1, kind="edited", at=at)
    return replace(event, observed_at=event.occurred_at, source=Source.POLL)


async def items(pool: Pool) -> list[tuple[str, bool]]:
    return [tuple(row) for row in await pool.fetch("select cause, is_open from review_items")]


@pytest.mark.parametrize("decision", [{"action": "auto_approve"}, {"action": "approve", "by": "Mia"}])
async def test_people_are_asked_and_their_answer_is_sent(
    office: Office, page: FakePage, pool: Pool, story: Story, decision: dict[str, str]
) -> None:
    await office.queued(1, **decision)
    await office.take(story.comment(1, kind="removed", text=None, at=50))
    assert await items(pool) == []
    await office.take(there_again(story, at=90))
    assert await items(pool) == [("unsent", True)]
    await office.round(office.poster())
    assert page.sent == [], "what the removal has ended is not sent by itself"
    await office.take(story.decision(1, action="approve", by="Ada", text="There you are!", at=95))
    assert await items(pool) == [("unsent", False)]
    await office.round(office.poster())
    assert page.sent == [("c1", "There you are!")]


async def test_a_second_removal_takes_the_question_back(office: Office, pool: Pool, story: Story) -> None:
    await office.queued(1)
    await office.take(story.comment(1, kind="removed", text=None, at=50))
    await office.take(there_again(story, at=90))
    await office.take(story.comment(1, kind="removed", text=None, at=120))
    assert await items(pool) == [("unsent", False)]
    await office.take(there_again(story, at=150))
    assert await items(pool) == [("unsent", True)]


async def test_who_has_closed_the_item_is_not_asked_again(office: Office, pool: Pool, story: Story) -> None:
    await office.queued(1)
    await office.take(story.comment(1, kind="removed", text=None, at=50))
    await office.take(there_again(story, at=90))
    await pool.execute("update review_items set closed_at = now()")
    await office.take(there_again(story, at=90), there_again(story, at=95))
    assert await items(pool) == [("unsent", False)]


async def test_what_the_poster_found_gone_stays_so_whatever_else_is_told_of_it(
    office: Office, page: FakePage, story: Story
) -> None:
    await office.queued(1)
    page.comments.clear()
    await office.round(office.poster())
    assert await office.state(1) == "removed"
    await office.take(story.comment(1, kind="hidden", text=None, at=99, is_hidden=True), story.comment(1))
    assert await office.state(1) == "removed"
    assert await office.pool.fetchval("select removed_at from comments") is not None
