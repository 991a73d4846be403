"""One run: a simulated platform, the real receiver, poller and stages as processes, and what goes wrong.

The load, the faults and the kills come from a seed; the proof (`proof.py`) comes after everything was
delivered or given up and one more poll has ended. Two things are hurried: polls are due when the run says so
and not after the interval, and a killed poller's lease ends at once instead of after its two minutes.
"""

import asyncio
import os
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from connectors.clients import open_clients
from connectors.journal import lines
from connectors.outcomes import Posted
from connectors.tokens import token_json
from console.consent import challenge_of
from console.servers import Servers
from schemas.events import Platform
from tests.integration.completeness import proof
from tests.integration.completeness.ground import Ground

_REDIRECT: Final = "http://127.0.0.1:8765/callback"
_VERIFIER: Final = "v" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much happens; `edited`, `removed` and `hidden` are shares of the comments.

    `at_once`: comments that one request adds; `kills`: who is killed each time; `replies`: moments at which
    staff and Parley answer; `scale`: how much faster than life the simulator's limits and its repeated
    deliveries are.
    """

    comments: int
    at_once: int
    kills: tuple[tuple[str, ...], ...] = (("serve", "poll"),) * 5
    edited: float = 0.02
    removed: float = 0.01
    hidden: float = 0.005
    replies: int = 20
    scale: float = 300.0


FULL: Final = Load(comments=10_000, at_once=50)
SHORT: Final = Load(
    comments=200,
    at_once=10,
    # a process that dies again and again is started ever later: five times each would take a minute
    kills=(("serve",), ("poll",), ("serve", "poll"), ("poll",), ("serve",)),
    edited=0.06,
    removed=0.04,
    hidden=0.02,
    replies=8,
    scale=1500.0,
)


class Completeness:
    """See the module's docstring; `run` gives the findings as one JSON object."""

    def __init__(self, platform: Platform, load: Load, seed: int, folder: Path, servers: Servers) -> None:
        self._ground = Ground(platform, folder, servers, scale=load.scale)
        self._load = load
        self._chance = random.Random(f"{platform} {seed}")
        self._kills: Counter[str] = Counter()
        self._replies: Counter[str] = Counter()
        self._gone: set[str] = set()
        self._token = self._ground.place.token

    async def run(self) -> dict[str, Any]:
        """The whole run; the servers are there."""
        ground, began, load_before = self._ground, time.monotonic(), os.getloadavg()[0]
        async with ground.standing():
            fed = time.monotonic()
            await self._feed()
            await ground.until("all is delivered or given up", self._delivered)
            await ground.until("all is stored", ground.all_read)
            delivered = time.monotonic()
            for name in ground.place.paging:
                await ground.fault(name, count=2)
            await ground.polled()
            polled = time.monotonic()
            await ground.until("all is stored", ground.all_read)
            found = await proof.prove(
                ground.pool,
                ground.servers.kafka,
                ground.account(),
                list(lines(ground.journal)),
                await ground.ask("/sim/comments", "comments"),
                await ground.listed_account(),
                summons=ground.place.summons,
            )
            struck = await ground.ask("/sim/faults", "struck")
        return {
            "platform": ground.platform.value,
            "scale": self._load.scale,
            "load": [round(each, 1) for each in (load_before, os.getloadavg()[0])],
            "kills": dict(self._kills),
            "process_ends": dict(ground.ends),
            "replies": dict(self._replies),
            "faults": struck,
            "seconds": {
                "until_delivered": round(delivered - fed, 1),
                "last_poll": round(polled - delivered, 1),
                "all": round(time.monotonic() - began, 1),
            },
            **found,
        }

    async def _feed(self) -> None:
        """Comments in portions, and between them everything else."""
        load, ground = self._load, self._ground
        portions = -(-load.comments // load.at_once)
        moments = sorted(self._chance.sample(range(1, portions - 1), len(load.kills)))
        kills = dict(zip(moments, load.kills, strict=True))
        dies, renewed = portions * 2 // 5, portions * 3 // 5
        killing: asyncio.Task[None] | None = None
        for name, probability in (("duplicate_delivery", 0.2), ("reorder", 0.1), ("bad_signature", 0.05)):
            await ground.fault(name, probability=probability)
        await ground.fault("drop_delivery", count=1)
        for portion in range(portions):
            if portion == 1:
                await ground.fault("drop_delivery", probability=0.05)
            if portion in kills:
                if killing is not None:
                    await killing
                killing = asyncio.create_task(self._kill(kills[portion]))
            if portion == portions // 5:
                await ground.fault("throttle", count=1)
                await ground.poll_soon()
            if portion == dies:
                await ground.no_fault("throttle")
                await ground.fault(ground.place.dies[0], count=ground.place.dies[1])
                await ground.poll_soon()
            if portion == renewed:
                await self._renew()
            await self._portion(portion, portions)
        if killing is not None:
            await killing
        await ground.no_fault("reorder")

    async def _portion(self, portion: int, portions: int) -> None:
        load, ground, chance = self._load, self._ground, self._chance
        first = portion * load.at_once
        numbers = range(first, min(first + load.at_once, load.comments))
        texts = [f"{ground.place.summons}comment {number} ünïcødé 👍" for number in numbers]
        ids = await ground.comment(texts)
        for name, text in zip(ids, texts, strict=True):
            if chance.random() < load.edited:
                await ground.happen(name, "edit", f"{text} edited")
                if chance.random() < 0.25:  # and back again: the wording is the first one's
                    await ground.happen(name, "edit", text)
            if chance.random() < load.hidden:
                await ground.happen(name, "hide")
            if chance.random() < load.removed:
                await ground.happen(name, "remove")
                self._gone.add(name)
        if portion % max(1, portions // load.replies) == 0:
            name = next(each for each in reversed(ids) if each not in self._gone)
            await ground.happen(name, "staff_reply", "by our staff")
            await self._reply(name)
        await ground.until("there is room", self._room)

    async def _reply(self, name: str) -> None:
        async with open_clients(self._ground.settings()) as clients:
            outcome = await clients.client(self._ground.account(), self._token).reply(name, "by Parley")
        self._replies["posted" if isinstance(outcome, Posted) else "not sent"] += 1

    async def _kill(self, names: tuple[str, ...]) -> None:
        """SIGKILL to the receiver, the poller or both, at any moment of their work."""
        ground = self._ground
        await ground.until("the receiver answers", ground.answers)
        await ground.poll_soon()
        await asyncio.sleep(self._chance.uniform(0, 2))  # the moment is chance: that is the point
        for name in names:
            self._kills[name] += ground.kill(name)
        await ground.release()

    async def _renew(self) -> None:
        """The dead token is found and marks the account; then a person gives a new one."""
        ground = self._ground

        async def marked() -> bool:
            return bool(await ground.pool.fetchval("select status = 'needs_auth' from social_accounts"))

        await ground.until("the dead token is found", marked, again=ground.poll_soon)
        await ground.no_fault(ground.place.dies[0])
        self._token = await self._consent()
        await ground.add_account(self._token)
        await ground.fault("read_error", count=2)
        for name in ground.place.paging:
            await ground.fault(name, count=5)
        await ground.poll_soon()

    async def _consent(self) -> str:
        """A new token, as a person's consent gives it."""
        ground = self._ground
        async with open_clients(ground.settings()) as clients:
            login = clients.login(ground.platform)
            page = login.authorize_url(redirect_uri=_REDIRECT, state="s", challenge=challenge_of(_VERIFIER))
            back = (await ground.simulator.get(page)).headers["location"]
            granted = await clients.exchange(
                ground.platform,
                code=parse_qs(urlsplit(back).query)["code"][0],
                redirect_uri=_REDIRECT,
                verifier=_VERIFIER,
            )
        return token_json(next(each.token for each in granted if each.account_id == ground.place.account_id))

    async def _room(self) -> bool:
        """The simulator does not run away from whoever it delivers to."""
        return int(await self._ground.ask("/sim/state", "pending")) < 40 * self._load.at_once

    async def _delivered(self) -> bool:
        return int(await self._ground.ask("/sim/state", "pending")) == 0
