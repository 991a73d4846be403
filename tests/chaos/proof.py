"""What a chaos run must show, counted from the simulator's journal, the database and the dead letters."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from connectors.journal import Tally
from console.configuration import key_ring
from console.dead_letters import read_letters
from console.stages import GROUP_PREFIX, STAGE_INPUTS
from infra.lag import LagReader
from infra.postgres import Pool
from infra.settings import Settings
from schemas import topics
from streams.dead_letters import dead_letter_id
from tests.chaos.poison import Expected, Poisoner

_TWICE: Final = {
    "comments": "select count(*) from (select from comments "
    "group by platform, account_id, platform_comment_id having count(*) > 1) t",
    "analyses": "select count(*) from (select from analyses group by revision_id having count(*) > 1) t",
    "drafts": "select count(*) from (select from generated_responses "
    "group by revision_id having count(*) > 1) t",
    "decisions": "select count(*) from (select from decisions where decided_by = 'machine' "
    "group by comment_id having count(*) > 1) t",
    "reply_queue": "select count(*) from (select from reply_queue group by comment_id having count(*) > 1) t",
    "posted": "select count(*) from (select from reply_outcomes where outcome = 'posted' "
    "group by comment_id having count(*) > 1) t",
    "dead_letters": "select count(*) from (select from dead_letters "
    'group by stage, topic, partition, "offset" having count(*) > 1) t',
}
"""Things of which each comment of the run may have one; nobody edits a comment in it."""

WINDOW: Final = 10.0
FULL_AGAIN: Final = 0.8
"""From this share of the undisturbed rate on, a rate counts as full: figures of ten seconds waver."""


async def total_lag(lag: LagReader) -> int:
    """Records that groups have before them."""
    rows = [
        row
        for name, inputs in STAGE_INPUTS.items()
        for row in await lag.read(f"{GROUP_PREFIX}.{name}", [topic.name for topic in inputs])
    ]
    return sum(row.lag for row in rows)


async def prove(
    pool: Pool, bootstrap: str, tally: Tally, poisoner: Poisoner, *, account_id: str, settings: Settings
) -> dict[str, Any]:
    """Every count; `holds` looks at them."""
    rows = await pool.fetch(
        "select platform_comment_id, state, state_reason from comments where account_id = $1", account_id
    )
    states = {row["platform_comment_id"]: row["state"] for row in rows}
    replied = set(tally.replies)
    posted = {comment for comment, state in states.items() if state == "posted"}
    return {
        "received": len(tally.accepted),
        "given_up_by_platform": len(tally.given_up - set(tally.accepted)),
        "lost": len(set(tally.accepted) - set(states)),
        "outcomes": dict(Counter(states.values()).most_common()),
        "rows_twice": {what: await pool.fetchval(query) for what, query in _TWICE.items()},
        "replies": tally.posted,
        "posted_twice": len(tally.posted_twice),
        "replies_not_known": len(replied - posted),
        "replies_only_believed": len(posted - replied),
        "poison": await _poison(pool, bootstrap, poisoner, settings),
    }


async def _poison(pool: Pool, bootstrap: str, poisoner: Poisoner, settings: Settings) -> dict[str, int]:
    """Expected dead letters against those that are there, exactly named, byte for byte."""
    keys = key_ring(settings)
    letters = {letter.dead_letter_id: letter for letter in await read_letters(bootstrap)}
    stored = {
        str(row["dead_letter_id"]) for row in await pool.fetch("select dead_letter_id from dead_letters")
    }
    missing = wrong = 0
    wanted = set()
    for each in poisoner.expected:
        name = dead_letter_id(each.stage, each.topic, each.partition, each.offset)
        wanted.add(name)
        letter = letters.get(name)
        if letter is None or name not in stored:
            missing += 1
            continue
        value = letter.value
        if value is not None and letter.key_id is not None:
            value = keys.open(value, letter.key_id, context=topics.DEAD_LETTERS.name)
        place = (letter.topic, letter.partition, letter.offset)
        wrong += each != Expected(letter.stage, letter.reason, *place, letter.key or b"", value)
    return {
        "records": poisoner.records,
        "dead_letters_expected": len(wanted),
        "missing": missing,
        "wrong": wrong,
        "not_expected": len((set(letters) | stored) - wanted),
    }


def rates(series: Sequence[tuple[float, int]], first_fault: float, last_fault: float) -> dict[str, Any]:
    """Comments a second: before the first fault, and how soon after the last it is that again.

    `series`: (monotonic seconds, so many so far). Before: the median over windows of ten seconds.
    """
    before = sorted(rate for _, rate in _windows([each for each in series if each[0] <= first_fault]) if rate)
    usual = before[len(before) // 2] if before else 0.0
    after = [(at, rate) for at, rate in _windows(series) if at - WINDOW >= last_fault]
    again = next(
        (at - WINDOW - last_fault for at, rate in after if usual and rate >= FULL_AGAIN * usual), None
    )
    soon = [rate for at, rate in after if at - last_fault <= 30 + WINDOW]
    return {
        "per_second_before": round(usual, 1),
        "per_second_after": round(max(soon, default=0.0), 1),
        "full_again_after_seconds": None if again is None else round(again, 1),
    }


def _windows(series: Sequence[tuple[float, int]]) -> list[tuple[float, float]]:
    """(end, comments a second) of every window that ends at a figure."""
    found, begin = [], 0
    for at, count in series:
        while begin + 1 < len(series) and series[begin + 1][0] <= at - WINDOW:
            begin += 1
        if at - series[begin][0] >= WINDOW:
            found.append((at, (count - series[begin][1]) / (at - series[begin][0])))
    return found


def broken(found: dict[str, Any], *, speed: bool) -> list[str]:
    """The promises that were not kept, in words; `speed`: the rate counts too.

    What the platform gave up was never taken, so it is not lost; but nobody may be refused for that long.
    """
    said = [f"{what} ended for good" for what in found["ended_for_good"]]
    if found["nothing_moved_any_more"]:
        said.append("nothing moved any more, though not all was settled")
    counts = ("lost", "given_up_by_platform", "posted_twice", "replies_not_known", "replies_only_believed")
    said += [f"{found[what]} {what.replace('_', ' ')}" for what in counts if found[what]]
    said += [f"{count} twice in {table}" for table, count in found["rows_twice"].items() if count]
    poison = found["poison"]
    said += [
        f"dead letters {what}: {poison[what]}"
        for what in ("missing", "wrong", "not_expected")
        if poison[what]
    ]
    for what, rate in found["rate"].items() if speed else ():
        again = rate["full_again_after_seconds"]
        if again is None or again > 30:
            said.append(f"full rate of {what} comments again after {again} s")
    return said
