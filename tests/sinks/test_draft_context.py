"""What is found around a comment for its draft, and what happens while Postgres is away."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest

from infra import postgres
from infra.postgres import Pool
from replies.prompt import Example, Said, Surroundings
from schemas import identity
from schemas.events import CommentEvent, DraftOrigin
from sinks import draft_context
from sinks.draft_context import DraftContext, EarlierDrafts
from streams.writing import Context
from tests.sinks.story import ANALYSIS, NOON, Story

PAGE = ("default", "facebook", Story.page)


async def stored(pool: Pool, comment: CommentEvent, *, minutes: int = 0, **changes: Any) -> None:
    await pool.execute(
        "insert into comments (comment_id, tenant_id, platform, account_id, platform_comment_id, "
        "platform_parent_id, author_name, text, created_at, received_at) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        comment.comment_id,
        *PAGE,
        comment.platform_comment_id,
        comment.platform_parent_id,
        changes.get("author", "Ana Pérez"),
        comment.text,
        NOON + timedelta(minutes=minutes),
    )


async def answered(
    pool: Pool, comment: CommentEvent, text: str, *, by: str, intent: str = "compliment"
) -> None:
    revision = str(uuid.uuid4())
    await pool.execute(
        "insert into analyses (revision_id, model_hash, comment_id, model, sentiment, sentiment_scores, "
        "intent, intent_scores, language, language_confidence, unknown_share, enriched_at) "
        "values ($1, 'h', $2, 'm', 'positive', '{}', $3, '{}', 'en', 1, 0, $4)",
        revision,
        comment.comment_id,
        intent,
        NOON,
    )
    await pool.execute(
        "insert into reply_queue (decision_id, comment_id, revision_id, tenant_id, platform, account_id, "
        "platform_comment_id, thread_id, text, decided_by, priority, state, settled_at) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, 'posted', $11)",
        str(uuid.uuid4()),
        comment.comment_id,
        revision,
        *PAGE,
        comment.platform_comment_id,
        comment.thread_id,
        text,
        by,
        NOON + timedelta(minutes=10),
    )


async def test_post_and_thread_are_found_oldest_first(pool: Pool, story: Story) -> None:
    first = story.comment(1, text="Do you open on Sunday?")
    other = story.comment(2, text="I would like to know too", platform_parent_id=first.platform_comment_id)
    mine = story.comment(3, text="Me too!", platform_parent_id=first.platform_comment_id)
    await pool.execute(
        "insert into posts (tenant_id, platform, account_id, platform_post_id, text, observed_at) "
        "values ($1, $2, $3, $4, 'New beans', now())",
        *PAGE,
        mine.platform_post_id,
    )
    for minutes, each in enumerate((first, other, mine)):
        await stored(pool, each, minutes=minutes)
    await answered(pool, first, "We do!", by="machine")
    found = await DraftContext(pool, examples=3)(mine, ANALYSIS)
    assert found.draft is None
    assert found.around.post == "New beans"
    assert list(found.around.thread) == [
        Said("Do you open on Sunday?", False),
        Said("I would like to know too", False),
        Said("We do!", True),
    ]


async def test_examples_are_the_nearest_that_people_approved_without_names(pool: Pool, story: Story) -> None:
    texts = ["Great coffee!", "What a lovely terrace", "The great coffee of my life", "Great coffee here"]
    for number, text in enumerate(texts):
        said = story.comment(number, text=text)
        await stored(pool, said)
        by = "machine" if number == 3 else "person"
        await answered(pool, said, f"Thank you, Ana! {number}", by=by)
    complaint = story.comment(9, text="Great coffee, bad service")
    await stored(pool, complaint)
    await answered(pool, complaint, "So sorry", by="person", intent="complaint")
    found = await DraftContext(pool, examples=2)(story.comment(50, text="great coffee"), ANALYSIS)
    assert list(found.around.examples) == [
        Example("Great coffee!", "Thank you! 0"),
        Example("The great coffee of my life", "Thank you! 2"),
    ]


async def test_a_draft_of_this_very_wording_is_found_whole(pool: Pool, story: Story) -> None:
    comment = story.comment(1)
    revision = comment.revision_id or ""
    for origin, text in ((DraftOrigin.TEMPLATE, "Thanks"), (DraftOrigin.LANGUAGE_MODEL, "Thank you so much")):
        await pool.execute(
            "insert into generated_responses (draft_id, comment_id, revision_id, tenant_id, content, "
            "origin, template, template_version, language, model, prompt_hash, reasons, confidence_score, "
            "created_at) "
            "values ($1, $2, $3, 'default', $4, $5, 't', 2, 'en', 'm', 'hash', '{why}', 0.75, now())",
            identity.draft_id(revision, text, origin),
            comment.comment_id,
            revision,
            text,
            origin,
        )
    look_up = DraftContext(pool, examples=3)
    others = [look_up(story.comment(number), ANALYSIS) for number in range(2, 40)]
    found, *rest = await asyncio.gather(look_up(comment, ANALYSIS), *others)
    draft = found.draft
    assert draft is not None
    assert draft.draft_id == identity.draft_id(revision, "Thank you so much", DraftOrigin.LANGUAGE_MODEL)
    assert (draft.text, draft.template, draft.template_version) == ("Thank you so much", "t", 2)
    assert (draft.model, draft.prompt_hash, draft.reasons) == ("m", "hash", ("why",))
    assert all(each.draft is None for each in rest)
    assert (await look_up(story.comment(1, text="Edited"), ANALYSIS)).draft is None, "another wording"
    earlier = await EarlierDrafts(pool)(comment)
    assert earlier is not None
    assert earlier.origin in (DraftOrigin.TEMPLATE, DraftOrigin.LANGUAGE_MODEL)
    assert await EarlierDrafts(pool)(story.comment(1, text="Edited")) is None


async def test_without_postgres_drafts_are_written_from_the_comment_alone_and_nobody_waits(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = await postgres.create_pool("postgresql://nobody@127.0.0.1:9/none", connected=False)
    look_up = DraftContext(pool, examples=3)
    assert await look_up(story.comment(1), ANALYSIS) == Context(Surroundings())
    asked: list[object] = []
    monkeypatch.setattr(draft_context, "_drafts", lambda *given: asked.append(given))
    assert await look_up(story.comment(2), ANALYSIS) == Context(Surroundings())
    assert asked == [], "for some seconds nothing is asked"
    pool.terminate()
