"""More replies wait than a page may post: its limit is not passed, its budget used, the best leave first.

Scale: the page blocks above `LIMIT` replies in `WINDOW` seconds where life has some 60 in 60 s; the account's
budget is two thirds of that.
"""

import asyncio
import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest

from connectors.clients import open_clients
from connectors.facebook.simulator import Simulator, SimulatorConfig
from connectors.simulation.window import Window
from infra.crypto import KeyRing
from infra.postgres import Pool
from infra.settings import Settings
from schemas import identity
from schemas.events import CommentEvent, Decision, Platform
from sinks.post_sink import post_sink
from sinks.poster import Poster
from sinks.senders import token_context
from tests.sinks.story import Story

pytestmark = pytest.mark.integration

WAITING = 2000
WINDOW = 10.0
LIMIT = 150
PER_SECOND = 10.0
ENOUGH = 200
"""Replies after which the picture is clear."""

KEYS = KeyRing({"k": bytes(32)})


class Story2000:
    """Comments on a simulated page, each with a decision to answer it."""

    def __init__(self, page: str) -> None:
        self.page = page
        self.story = Story()

    def pair(self, number: int, name: str, priority: float) -> tuple[CommentEvent, Decision]:
        comment_id = identity.comment_id(Platform.FACEBOOK, self.page, name)
        revision = identity.revision_id(comment_id, f"Nice {number}")
        about: dict[str, Any] = {
            "account_id": self.page,
            "comment_id": comment_id,
            "platform_comment_id": name,
            "revision_id": revision,
            "author_id": f"author-{number}",
        }
        comment = self.story.comment(number, text=f"Nice {number}")
        decision = self.story.decision(number, about=f"Nice {number}", priority=priority)
        draft = dataclasses.replace(decision.draft, revision_id=revision) if decision.draft else None
        return (
            dataclasses.replace(comment, **about),
            dataclasses.replace(
                decision,
                **about,
                thread_id=name,
                draft=draft,
                decision_id=identity.decision_id(revision, str(number), "machine", "auto_approve"),
            ),
        )


async def queue_up(pool: Pool, simulator: Simulator) -> list[str]:
    """Queues `WAITING` replies in no order; gives their comments in the order of their worth."""
    names = simulator.add_comments({"text": f"Nice {number}"} for number in range(WAITING))
    worth = {name: float(place) for place, name in enumerate(random.Random(4).sample(names, len(names)))}
    stories = Story2000(simulator.config.page_id)
    process: Any = post_sink(pool).process
    for begin in range(0, WAITING, 500):
        events = [
            event
            for number in range(begin, begin + 500)
            for event in stories.pair(number, names[number], worth[names[number]])
        ]
        await process(stories.story.records(events))
    return sorted(names, key=lambda name: -worth[name])


def replies(journal: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return [line for line in lines if line["kind"] == "reply"]


async def test_two_thousand_waiting_replies_never_block_the_page_and_leave_by_worth(
    pool: Pool, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.jsonl"
    simulator = Simulator(
        SimulatorConfig(posts=1, journal=journal, calls_per_hour=1e9, replies_per_minute=LIMIT)
    )
    simulator.limits._replies = Window(WINDOW)
    page = simulator.config.page_id
    sealed, key_id = KEYS.seal(
        simulator.config.page_token.encode(), context=token_context(Platform.FACEBOOK, page)
    )
    await pool.execute(
        "insert into social_accounts (tenant_id, platform, account_id, name, mode, replies_per_minute,"
        " token_ciphertext, token_key_id) values ('default', 'facebook', $1, 'Page', 'auto', $2, $3, $4)",
        page,
        60 * PER_SECOND,
        sealed,
        key_id,
    )
    async with simulator.serving() as url:
        settings = Settings(
            facebook_graph_url=url, facebook_app_secret=simulator.config.app_secret, posting_concurrency=16
        )
        best_first = await queue_up(pool, simulator)
        async with open_clients(settings) as clients:
            posters = [Poster(pool, clients, KEYS, settings) for _ in range(2)]
            running = [asyncio.create_task(poster.run()) for poster in posters]
            try:
                async with asyncio.timeout(120):
                    while len(replies(journal)) < ENOUGH:
                        await asyncio.sleep(0.2)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
    made = replies(journal)
    assert {reply["effect"] for reply in made} == {"created"}, "the page was blocked"
    assert await pool.fetchval("select status from social_accounts") == "active"
    assert [reply["comment_id"] for reply in made] == best_first[: len(made)]
    took = made[-1]["at"] - made[0]["at"]
    used = (len(made) - 1) / took / PER_SECOND
    print(f"scale: {LIMIT} replies in {WINDOW:g} s block, budget {PER_SECOND:g} a second; used {used:.1%}")
    assert used >= 0.95
    assert await pool.fetchval("select count(*) from reply_queue where state = 'queued'") == WAITING - len(
        made
    )
