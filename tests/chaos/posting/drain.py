"""More replies wait than a page may post: is it ever blocked, is its budget used, do the best leave first?

Scale: 30 replies a minute in life are `PER_SECOND` a second here, so an hour's queue drains in minutes. The
page blocks above `LIMIT` replies in `WINDOW` seconds, half as much again as the budget; in life it does above
some 60 a minute, twice the budget. Counts come from the simulator's journal.
"""

import asyncio
import dataclasses
import json
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

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

WAITING: Final = 2000
PER_SECOND: Final = 10.0
WINDOW: Final = 10.0
LIMIT: Final = 150
LEAST_USED: Final = 0.95
_LIFE: Final = 30 / 60
"""Replies a second of a page in life, by default."""

_BATCH: Final = 250
_KEYS: Final = KeyRing({"k": bytes(32)})


def scale() -> str:
    """The scale, for people."""
    return (
        f"1/{PER_SECOND / _LIFE:g} of life's time: budget {PER_SECOND:g} a second, blocked above {LIMIT} in "
        f"{WINDOW:g} s"
    )


async def drain(
    pool: Pool,
    folder: Path,
    *,
    sent: int = WAITING,
    waiting: int = WAITING,
    draw: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Queues `waiting` replies, lets two posters post until `sent` have left, and counts."""
    load = os.getloadavg()[0]
    journal = folder / "journal.jsonl"
    simulator = Simulator(
        SimulatorConfig(posts=1, journal=journal, calls_per_hour=1e9, replies_per_minute=LIMIT)
    )
    simulator.limits._replies = Window(WINDOW)
    await _add_account(pool, simulator.config)
    async with simulator.serving() as url:
        settings = Settings(
            facebook_graph_url=url, facebook_app_secret=simulator.config.app_secret, posting_concurrency=16
        )
        best_first = await _queue_up(pool, simulator, waiting)
        began = time.monotonic()
        async with open_clients(settings) as clients:
            posters = [Poster(pool, clients, _KEYS, settings) for _ in range(2)]
            running = [asyncio.create_task(poster.run()) for poster in posters]
            try:
                async with asyncio.timeout(60 + 2 * sent / PER_SECOND):
                    while (done := len(_replies(journal))) < sent:
                        draw(done)
                        await asyncio.sleep(0.5)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
    made = _replies(journal)
    took = made[-1]["at"] - made[0]["at"]
    states = await pool.fetch("select state, count(*) as rows from reply_queue group by state")
    return {
        "scale": scale(),
        "waited": waiting,
        "sent": len(made),
        "blocks": sum(reply["effect"] != "created" for reply in made),
        "account": await pool.fetchval("select status from social_accounts"),
        "budget_used": round((len(made) - 1) / took / PER_SECOND, 4),
        "out_of_order": _out_of_order([reply["comment_id"] for reply in made], best_first),
        "answered_twice": len(made) - len({reply["comment_id"] for reply in made}),
        "states": {row["state"]: row["rows"] for row in states},
        "seconds": round(time.monotonic() - began, 1),
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }


def broken(found: dict[str, Any]) -> list[str]:
    """The promises that were not kept, in words."""
    said = [f"{found[what]} {what}" for what in ("blocks", "out_of_order", "answered_twice") if found[what]]
    if found["account"] != "active":
        said.append(f"the account is {found['account']}")
    if found["budget_used"] < LEAST_USED:
        said.append(f"{found['budget_used']:.1%} of the budget used, not {LEAST_USED:.0%}")
    left = {"posted": found["sent"], "queued": found["waited"] - found["sent"]}
    if found["states"] != {state: rows for state, rows in left.items() if rows}:
        said.append(f"{found['states']}, where {left} were expected")
    return said


def _out_of_order(made: Sequence[str], best_first: Sequence[str]) -> int:
    return sum(one != other for one, other in zip(made, best_first, strict=False))


def _replies(journal: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return [line for line in lines if line["kind"] == "reply"]


async def _add_account(pool: Pool, page: SimulatorConfig) -> None:
    sealed, key_id = _KEYS.seal(
        page.page_token.encode(), context=token_context(Platform.FACEBOOK, page.page_id)
    )
    await pool.execute(
        "insert into social_accounts (tenant_id, platform, account_id, name, mode, replies_per_minute,"
        " token_ciphertext, token_key_id) values ('default', 'facebook', $1, 'Page', 'auto', $2, $3, $4)",
        page.page_id,
        60 * PER_SECOND,
        sealed,
        key_id,
    )


async def _queue_up(pool: Pool, simulator: Simulator, waiting: int) -> list[str]:
    """Queues replies in no order; gives their comments in the order of their worth."""
    names = simulator.add_comments({"text": f"Nice {number}"} for number in range(waiting))
    worth = {name: float(place) for place, name in enumerate(random.Random(4).sample(names, len(names)))}
    story = Story()
    process: Any = post_sink(pool).process
    page = simulator.config.page_id
    for begin in range(0, waiting, _BATCH):
        events = [
            event
            for number, name in list(enumerate(names))[begin : begin + _BATCH]
            for event in _pair(story, page, number, name, worth[name])
        ]
        await process(story.records(events))
    return sorted(names, key=lambda name: -worth[name])


def _pair(story: Story, page: str, number: int, name: str, priority: float) -> tuple[CommentEvent, Decision]:
    """A comment on the simulated page, and the decision to answer it."""
    text = f"Nice {number}"
    comment_id = identity.comment_id(Platform.FACEBOOK, page, name)
    revision = identity.revision_id(comment_id, text)
    about: dict[str, Any] = {
        "account_id": page,
        "comment_id": comment_id,
        "platform_comment_id": name,
        "revision_id": revision,
        "author_id": f"author-{number}",
    }
    comment = story.comment(number, text=text)
    decision = story.decision(number, about=text, priority=priority)
    draft = dataclasses.replace(decision.draft, revision_id=revision) if decision.draft else None
    decision_id = identity.decision_id(revision, str(number), "machine", "auto_approve")
    return (
        dataclasses.replace(comment, **about),
        dataclasses.replace(decision, **about, thread_id=name, draft=draft, decision_id=decision_id),
    )
