"""The comments of a run: texts shared out over the platforms, at the wanted rate."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from console.demo.platforms import SimulatedAccount
from console.texts import BadRow
from schemas.events import Platform

_AT_ONCE: Final = 200
_BACKLOG: Final = 2000
"""Comments that may wait at the simulators for delivery; more would only fill their memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run. `rate` in comments a second, None for as fast as they are taken; `scale` against life."""

    texts: Callable[[], Iterator[str | BadRow]]
    total: int | None
    rate: float | None
    duration: float | None
    scale: float
    replay: bool


class Feed:
    """People comment on the accounts by their shares; `fed` by platform, `skipped` rows by reason."""

    def __init__(self, accounts: Sequence[SimulatedAccount], plan: Plan) -> None:
        self._accounts = accounts
        self._plan = plan
        self._turns = itertools.cycle(turns(accounts))
        self._given: Counter[SimulatedAccount] = Counter()
        self._waiting: dict[SimulatedAccount, list[dict[str, str]]] = {each: [] for each in accounts}
        self.fed: Counter[Platform] = Counter()
        self.skipped: Counter[str] = Counter()

    async def run(self, http: httpx.AsyncClient) -> None:
        """Returns when the texts or the time have run out."""
        began, plan = time.monotonic(), self._plan
        for text in plan.texts():
            now = time.monotonic() - began
            if plan.duration is not None and now >= plan.duration:
                break
            if isinstance(text, BadRow):
                self.skipped[text.reason] += 1
                continue
            self._give(text)
            if plan.rate is not None:
                due = self._given.total() / plan.rate
                if due > now:
                    await self._send(http)
                    await asyncio.sleep(due - now)
            elif self._given.total() % _AT_ONCE == 0:
                await self._send(http)
                while await self._pending(http) > _BACKLOG:  # noqa: ASYNC110  another process tells
                    await asyncio.sleep(0.05)
        await self._send(http)

    def _give(self, text: str) -> None:
        """The next comment, to the account whose turn it is."""
        account = next(self._turns)
        self._waiting[account].append(account.comment(text, self._given[account]))
        self._given[account] += 1

    async def _send(self, http: httpx.AsyncClient) -> None:
        await asyncio.gather(
            *(self._comment(http, account, waiting) for account, waiting in self._waiting.items() if waiting)
        )

    async def _comment(
        self, http: httpx.AsyncClient, account: SimulatedAccount, comments: list[dict[str, str]]
    ) -> None:
        self._waiting[account] = []
        await account.add(http, comments)
        self.fed[account.platform] += len(comments)

    async def _pending(self, http: httpx.AsyncClient) -> int:
        states = await asyncio.gather(*(http.get(f"{each.url}/sim/state") for each in self._accounts))
        return sum(state.json()["pending"] for state in states)


def turns(accounts: Sequence[SimulatedAccount]) -> list[SimulatedAccount]:
    """Each account as often as its share says, evenly; the first turns are all different."""
    places = [
        ((turn + 0.5 * (turn > 0)) / account.share, number, account)
        for number, account in enumerate(accounts)
        for turn in range(account.share)
    ]
    return [account for *_, account in sorted(places, key=lambda place: place[:2])]
