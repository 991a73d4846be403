"""What a run must show, counted from the simulator's journal and state, from Kafka and from Postgres."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from connectors.accounts import Account
from infra.postgres import Pool
from infra.scan import scan
from schemas import codec
from schemas.events import CommentEvent, EnrichedComment, Platform, Source
from schemas.identity import clean_text
from schemas.topics import COMMENTS_ENRICHED, COMMENTS_RAW, Topic

_CODEC: Final = codec.load()

SHOWS_HIDDEN: Final = (Platform.FACEBOOK, Platform.INSTAGRAM)
"""Platforms whose comments tell whether they are hidden; X and LinkedIn do not."""

_ROWS: Final = """
select c.platform_comment_id as name, c.text, c.is_hidden, c.removed_at is not null as removed,
    (select count(*) from analyses a where a.revision_id = c.current_revision_id) as analyses,
    c.current_revision_id is not null as worded
from comments c where (c.tenant_id, c.platform, c.account_id) = ($1, $2, $3)
"""


@dataclass(slots=True)
class Told:
    """The journal, counted: comments by people, whose notices were answered 2xx, and own replies."""

    created: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    deliveries: Counter[str] = field(default_factory=Counter)


def told_by(journal: Iterable[Mapping[str, Any]]) -> Told:
    """`accepted`: whose wording, first or edited, was in an accepted delivery; `added`: as `add`."""
    told = Told()
    for line in journal:
        match line["kind"]:
            case "comment":
                told.created.add(line["comment_id"])
            case "reply" | "staff_reply" if line["effect"] == "created":
                told.own.add(line["reply_id"])
            case "remove":
                told.removed.add(line["comment_id"])
            case "given_up":
                told.deliveries[line["effect"]] += 1
            case "delivery":
                told.deliveries[line["effect"]] += 1
                if line["effect"] == "accepted":
                    for verb, comment, own in line["changes"]:
                        if verb in ("add", "edited") and not own:
                            told.accepted.add(comment)
                            if verb == "add":
                                told.added.add(comment)
    return told


async def prove(
    pool: Pool,
    bootstrap: str,
    account: Account,
    journal: Sequence[Mapping[str, Any]],
    state: Sequence[Mapping[str, Any]],
    ledger: Mapping[str, Any],
    *,
    summons: str,
) -> dict[str, Any]:
    """Every count; `broken` looks at them.

    `state`: what the simulator shows; `ledger`: what Parley lists; `summons`: what X puts before an answer,
    no part of its wording.
    """
    told = told_by(journal)
    raw = [e for e in await _records(bootstrap, COMMENTS_RAW, CommentEvent) if _of(e, account)]
    enriched = [
        e for e in await _records(bootstrap, COMMENTS_ENRICHED, EnrichedComment) if _of(e.comment, account)
    ]
    place = (account.tenant_id, account.platform, account.account_id)
    rows = await pool.fetch(_ROWS, *place)
    observed = {
        row["reply_id"]
        for row in await pool.fetch(
            "select reply_id from observed_replies where (tenant_id, platform, account_id) = ($1, $2, $3)",
            *place,
        )
    }
    worded = [event for event in raw if event.kind.has_wording]
    named = {event.platform_comment_id for event in worded}
    there = {
        each["id"]: {**each, "text": each["text"].removeprefix(summons)}
        for each in state
        if not each["own"] and not each["removed"]
    }
    wanted = told.added | set(there)
    revisions = {event.revision_id for event in worded}
    times = Counter(event.comment.revision_id for event in enriched)
    return {
        "comments": len(told.created),
        "deliveries": dict(told.deliveries),
        "by_webhook": len(told.accepted),
        "removed": len(told.removed & told.created),
        "records_on_raw": len(worded),
        "not_on_raw": len(wanted - named),
        "not_enriched": len(revisions - set(times)),
        "enriched_again": sum(times.values()) - len(times),
        "enriched_of_nothing_on_raw": len(set(times) - revisions),
        "rows": _compared(rows, there, told, wanted, shows_hidden=account.platform in SHOWS_HIDDEN),
        "own_replies": {
            "written": len(told.own),
            "taken_for_comments": len(told.own & (named | {row["name"] for row in rows})),
            "not_observed": len(told.own - told.removed - observed),
        },
        "ledger": _ledger(ledger, told, worded, there),
    }


def _compared(
    rows: Sequence[asyncpg.Record],
    there: Mapping[str, Mapping[str, Any]],
    told: Told,
    wanted: set[str],
    *,
    shows_hidden: bool,
) -> dict[str, int]:
    """Rows against the simulator's state: how many differ, by what."""
    found = Counter(row["name"] for row in rows)
    by_name = {row["name"]: row for row in rows}
    alive = [(by_name[name], shown) for name, shown in there.items() if name in by_name]
    known_gone = [row for name, row in by_name.items() if name in told.removed]
    return {
        "rows": len(rows),
        "missing": len(wanted - set(found)),
        "more_than_one": sum(count > 1 for count in found.values()),
        "of_nobody": len(set(found) - told.created),
        "not_analysed_once": sum(row["worded"] and row["analyses"] != 1 for row in rows),
        "other_wording": sum(clean_text(shown["text"]) != row["text"] for row, shown in alive),
        "removed_though_there": sum(row["removed"] for row, _ in alive),
        "there_though_removed": sum(not row["removed"] for row in known_gone),
        "hidden_otherwise": sum(row["is_hidden"] != shown["hidden"] for row, shown in alive)
        if shows_hidden
        else 0,
    }


def _ledger(
    ledger: Mapping[str, Any], told: Told, worded: Sequence[CommentEvent], there: Mapping[str, object]
) -> dict[str, Any]:
    """The ledger's numbers beside what they must be.

    Of a comment that no webhook brought and that is gone, the journal cannot tell whether a poll saw it
    before: those count as found if a poll's record of them is on the topic.
    """
    polled = {event.platform_comment_id for event in worded if event.source is Source.POLL}
    unannounced = told.created - told.accepted
    by_poll = (unannounced & set(there)) | (unannounced & told.removed & polled)
    sources: dict[str | None, set[Source]] = {}
    for event in worded:
        sources.setdefault(event.revision_id, set()).add(event.source)
    expected = {
        "received_by_webhook": len(told.accepted),
        "found_only_by_polling": len(by_poll),
        "gaps_filled": sum(seen == {Source.POLL} for seen in sources.values()),
    }
    return {
        "listed": {name: ledger[name] for name in (*expected, "comments", "backfilled", "last_good_poll")},
        "expected": expected,
        "gone_unseen": len(unannounced & told.removed - polled),
    }


def broken(found: Mapping[str, Any]) -> list[str]:
    """The promises that were not kept, in words."""
    counts = ("not_on_raw", "not_enriched", "enriched_again", "enriched_of_nothing_on_raw")
    said = [f"{what.replace('_', ' ')}: {found[what]}" for what in counts if found[what]]
    said += [
        f"rows {what.replace('_', ' ')}: {count}"
        for what, count in found["rows"].items()
        if count and what != "rows"
    ]
    own = found["own_replies"]
    said += [
        f"own replies {what.replace('_', ' ')}: {own[what]}"
        for what in ("taken_for_comments", "not_observed")
        if own[what]
    ]
    ledger = found["ledger"]
    said += [
        f"the ledger lists {ledger['listed'][name]} as {name}, the journal {number}"
        for name, number in ledger["expected"].items()
        if ledger["listed"][name] != number
    ]
    return said


def _of(event: CommentEvent, account: Account) -> bool:
    return (event.platform, event.account_id) == (account.platform, account.account_id)


async def _records(bootstrap: str, topic: Topic, kind: type) -> list[Any]:
    """Every record of a topic, from its beginning to its end at the time of the call."""
    return [_CODEC.decode(record.value, kind) async for record in scan(bootstrap, topic.name)]
