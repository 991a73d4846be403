"""One run of posters: approved replies on four simulated platforms, doubt of every kind, and the proofs."""

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from console import configuration
from console.servers import prepare
from infra import kafka, postgres
from infra.postgres import Pool
from infra.settings import Settings, load
from replies.account import AccountView, Mode
from schemas import codec, topics
from schemas.events import utc_now
from tests.chaos.posting import brand as brands
from tests.chaos.posting import proof
from tests.chaos.posting.brand import Account, Wanted
from tests.chaos.posting.posters import Posters
from tests.chaos.posting.scenario import Scenario
from tests.chaos.servers import servers

_STUCK_AFTER: Final = 150.0
"""Seconds without any change after which the run ends: longer than a lease and what settles a reply."""

_AT_ONCE: Final = 200
_FIGURES: Final = """
select count(*) filter (where state = 'posted') as posted,
    count(*) filter (where state in ('queued', 'posting', 'unknown')) as open, count(*) as rows,
    coalesce(sum(attempts), 0) as attempts
from reply_queue
"""
_HANDED: Final = """
select comment_id::text as comment from review_items where cause = 'unsent' and is_open and closed_at is null
"""


class PostingChaos:
    """See the module's docstring; `run` gives the findings as one JSON object."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        folder: Path,
        draw: Callable[[int, str], None] = lambda _done, _doing: None,
    ) -> None:
        self._scenario = scenario
        self._seed = seed
        self._folder = folder
        self._draw = draw
        self._posted = self._persons_words = 0
        self._wanted: list[Wanted] = []
        self._codec = codec.load()

    async def run(self) -> dict[str, Any]:
        """The whole run, servers included."""
        began, loads = time.monotonic(), [os.getloadavg()[0]]
        logs = self._folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        brand = brands.accounts(self._folder)
        settings = load(state_dir=self._folder / "state")
        async with servers(self._folder / "state") as machines, brands.served(brand) as platforms:
            addresses = machines.addresses
            await prepare(addresses, settings)
            environment = {
                **addresses.environment(),
                **platforms,
                **self._scenario.settings(),
                "PARLEY_STATE_DIR": str(settings.state_dir),
            }
            async with (
                postgres.open_pool(addresses.database, size=3) as pool,
                kafka.open_publisher(addresses.kafka) as publisher,
            ):
                self._publisher = publisher
                await self._open_accounts(pool, brand, settings)
                async with Posters(environment, logs, pool, self._seed) as posters:
                    stuck = await self._until_settled(pool, posters, brand)
                self._draw(self._posted, "counting")
                proven = await proof.prove(pool, brand, self._wanted)
        loads.append(os.getloadavg()[0])
        return {
            "seed": self._seed,
            "scale": self._scenario.told(),
            "load": [round(each, 1) for each in loads],
            "seconds": round(time.monotonic() - began, 1),
            "posters": posters.most,
            "kills": posters.kills,
            "stopped_past_their_lease": posters.stops,
            "process_ends": dict(posters.ends),
            "ended_for_good": posters.final,
            "nothing_moved_any_more": stuck,
            "words_of_persons": self._persons_words,
            **proven,
        }

    async def _open_accounts(self, pool: Pool, brand: Sequence[Account], settings: Settings) -> None:
        for account in brand:
            for name, (probability, seconds) in self._scenario.faults(
                frozenset(account.simulation.faults.catalogue)
            ).items():
                account.simulation.faults.set(name, probability=probability, seconds=seconds)
            await configuration.save_account(
                pool,
                self._codec,
                AccountView(
                    tenant_id=brands.TENANT,
                    platform=account.platform,
                    account_id=account.account_id,
                    name="Brand",
                    mode=Mode.AUTO,
                ),
                token=account.token,
                keys=configuration.key_ring(settings),
                replies_per_minute=60 * self._scenario.per_second,
                actor="chaos",
            )

    async def _feed(self, brand: list[Account]) -> None:
        """People comment and replies are approved, so that never more than so many wait."""
        while (fed := len(self._wanted)) < self._scenario.replies:
            room = self._scenario.waiting - (fed - self._posted)
            count = min(_AT_ONCE, self._scenario.replies - fed, room)
            if count > 0:
                batch = list(brands.comment_everywhere(brand, range(fed, fed + count)))
                await self._approve(batch)
                self._wanted += batch
            await asyncio.sleep(0.1)

    async def _approve(self, batch: Sequence[Wanted]) -> None:
        await self._publisher.publish(
            kafka.message(self._codec, topics.COMMENTS_RAW, each.comment.comment_id, each.comment)
            for each in batch
        )
        await self._publisher.publish(
            kafka.message(self._codec, topics.REPLIES_DECIDED, each.comment.comment_id, each.decision)
            for each in batch
        )

    async def _until_settled(self, pool: Pool, posters: Posters, brand: list[Account]) -> bool:
        """Returns when all strikes have struck and all is settled; True if nothing moves any more before."""
        feeding = asyncio.create_task(self._feed(brand))
        striking = asyncio.create_task(self._strike(posters))
        answering = asyncio.create_task(self._answer_what_is_handed_over(pool))
        moved, before = time.monotonic(), None
        try:
            while True:
                await asyncio.sleep(0.2)
                for task in (feeding, striking, answering):
                    if task.done():
                        task.result()
                now = tuple(await pool.fetchrow(_FIGURES) or ())
                self._posted = now[0]
                self._draw(self._posted, f"{posters.kills} kills, {posters.stops} stops, {now[1]} open")
                if now != before:
                    moved, before = time.monotonic(), now
                if time.monotonic() - moved > _STUCK_AFTER:
                    return True
                handed = await pool.fetch(_HANDED)
                if striking.done() and now[1] == 0 and now[2] >= self._scenario.replies and not handed:
                    return False
        finally:
            for task in (feeding, striking, answering):
                task.cancel()
            await asyncio.gather(feeding, striking, answering, return_exceptions=True)

    async def _strike(self, posters: Posters) -> None:
        happenings: list[tuple[float, str | int]] = [
            *self._scenario.posters,
            *self._scenario.strikes(self._seed),
        ]
        for share, what in sorted(happenings, key=lambda each: each[0]):
            while self._posted < share * self._scenario.replies:
                await asyncio.sleep(0.05)
            match what:
                case int():
                    await posters.grow(what)
                case "kill":
                    await posters.kill()
                case _:
                    await posters.stop_and_continue(self._scenario.lease + 2)

    async def _answer_what_is_handed_over(self, pool: Pool) -> None:
        """A moderator approves each reply that came to nothing anew, in other words."""
        times: Counter[str] = Counter()
        while True:
            for row in await pool.fetch(_HANDED):
                comment = row["comment"]
                wanted = next(each for each in self._wanted if each.comment.comment_id == comment)
                times[comment] += 1
                said = brands.approved_by_a_person(wanted, times=times[comment], at=utc_now())
                await self._publisher.publish(
                    [kafka.message(self._codec, topics.REPLIES_DECIDED, comment, said)]
                )
                self._persons_words += 1
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(20):
                        while comment in {each["comment"] for each in await pool.fetch(_HANDED)}:
                            await asyncio.sleep(0.2)
            await asyncio.sleep(0.5)
