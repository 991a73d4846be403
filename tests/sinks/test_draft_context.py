"""What is found around a comment for its draft, and what happens while Postgres is away."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from infra import postgres
from infra.postgres import Pool
from replies.prompt import Example, Said, Surroundings
from replies.similarity import packed
from schemas import identity
from schemas.events import CommentEvent, DraftOrigin, PostEvent
from sinks import earlier_drafts
from sinks.draft_context import DraftContext
from sinks.earlier_drafts import EarlierDrafts
from streams.writing import Context
from tests.sinks.office import write
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
    pool: Pool,
    comment: CommentEvent,
    text: str,
    *,
    by: str = "person",
    intent: str = "compliment",
    near: bytes | None = None,
    model: str = ANALYSIS.model_hash,
) -> None:
    revision = str(uuid.uuid4())
    await pool.execute(
        "insert into analyses (revision_id, model_hash, comment_id, model, sentiment, sentiment_scores, "
        "intent, intent_scores, language, language_confidence, unknown_share, enriched_at, embedding) "
        "values ($1, $5, $2, 'm', 'positive', '{}', $3, '{}', 'en', 1, 0, $4, $6)",
        revision,
        comment.comment_id,
        intent,
        NOON,
        model,
        near,
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
    assert found.around.post == Said("New beans", False)
    assert list(found.around.thread) == [
        Said("Do you open on Sunday?", False),
        Said("I would like to know too", False),
        Said("We do!", True),
    ]


def towards(*numbers: float) -> bytes:
    return packed(np.array(numbers, np.float32))


async def test_examples_are_the_nearest_that_people_approved_without_names(pool: Pool, story: Story) -> None:
    answers: list[tuple[bytes | None, dict[str, Any]]] = [
        (towards(1, 0.9), {}),
        (towards(-1, 0.2), {}),
        (towards(1, 1), {}),
        (towards(1, 1), {"by": "machine"}),
        (towards(1, 1), {"intent": "complaint"}),
        (towards(1, 1), {"model": "another"}),
        (None, {}),
    ]
    for number, (near, more) in enumerate(answers):
        said = story.comment(number, text=f"Great coffee {number}")
        await stored(pool, said)
        await answered(pool, said, f"Thank you, Ana! {number}", near=near, **more)

    async def found(embedding: bytes | None, examples: int) -> list[Example]:
        analysis = replace(ANALYSIS, embedding=embedding)
        look_up = DraftContext(pool, examples=examples)
        return list((await look_up(story.comment(50, text="great coffee"), analysis)).around.examples)

    nearest = [Example(f"Great coffee {number}", f"Thank you! {number}") for number in (2, 0, 1, 6, 5)]
    assert await found(towards(1, 1), 2) == nearest[:2]
    assert await found(towards(1, 1), 9) == nearest, "what cannot be compared comes last, the latest first"
    assert await found(None, 2) == [nearest[3], nearest[4]], "the latest"


async def test_embeddings_and_grounds_come_by_the_sink(pool: Pool, story: Story) -> None:
    near, grounds = towards(1, -1), ("Brunch for $12",)
    enriched = replace(story.enriched(), analysis=replace(ANALYSIS, embedding=near))
    drafted = replace(story.drafted(), draft=replace(story.draft(), grounds=grounds))
    await write(pool, story.records([enriched, drafted]))
    assert await pool.fetchval("select embedding from analyses") == near
    earlier = await EarlierDrafts(pool)(enriched.comment)
    assert earlier == drafted.draft


async def test_a_draft_of_this_very_wording_is_found_whole(pool: Pool, story: Story) -> None:
    comment = story.comment(1)
    revision = comment.revision_id or ""
    for origin, text in ((DraftOrigin.TEMPLATE, "Thanks"), (DraftOrigin.LANGUAGE_MODEL, "Thank you so much")):
        await pool.execute(
            "insert into generated_responses (draft_id, comment_id, revision_id, tenant_id, content, "
            "origin, template, template_version, language, model, prompt_hash, reasons, grounds, "
            "confidence_score, created_at) "
            "values ($1, $2, $3, 'default', $4, $5, 't', 2, 'en', 'm', 'hash', '{why}', '{post}', 0.75, "
            "now())",
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
    assert (draft.model, draft.prompt_hash) == ("m", "hash")
    assert (draft.reasons, draft.grounds) == (("why",), ("post",))
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
    monkeypatch.setattr(earlier_drafts, "_drafts", lambda *given: asked.append(given))
    assert await look_up(story.comment(2), ANALYSIS) == Context(Surroundings())
    assert asked == [], "for some seconds nothing is asked"
    pool.terminate()


@pytest.mark.parametrize("told", [True, False, None])
async def test_a_post_is_the_brands_only_where_the_platform_says_so(
    pool: Pool, story: Story, told: bool | None
) -> None:
    comment = story.comment(1)
    post = PostEvent(
        tenant_id=comment.tenant_id,
        platform=comment.platform,
        account_id=comment.account_id,
        platform_post_id=comment.platform_post_id or "",
        text="Vouchers at evil.example",
        observed_at=NOON,
        by_account=told,
    )
    await write(pool, story.records([post]))
    found = await DraftContext(pool, examples=0)(comment, ANALYSIS)
    assert found.around.post == Said("Vouchers at evil.example", told is True)
    assert found.around.own == (("Vouchers at evil.example",) if told else ())
