"""A comment's state on a real Postgres: derived from facts, whatever order they come in.

Facts are told in words: `machine review`, `person approve` (decisions), `machine reply failed` (the queued
reply of that decision), `old ...` (about the wording before the latest edit), `staff replied`, `removed`.
"""

import asyncio
import itertools
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.postgres import Connection, Pool
from schemas.states import HOLDS_REPLY, STATE_AFTER, Action, AttemptOutcome, State

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ENDED = sorted(set(AttemptOutcome) - {AttemptOutcome.POSTED, AttemptOutcome.UNKNOWN})
FINAL = [Action.APPROVE, Action.REJECT, Action.NO_REPLY]


@dataclass
class Comment:
    """A comment that was edited once: its id and its two wordings."""

    comment_id: uuid.UUID = field(default_factory=uuid.uuid4)
    revision: uuid.UUID = field(default_factory=uuid.uuid4)
    old_revision: uuid.UUID = field(default_factory=uuid.uuid4)


async def received(connection: Connection) -> Comment:
    comment = Comment()
    await connection.execute(
        "insert into comments (comment_id, tenant_id, platform, account_id, platform_comment_id, "
        "received_at, text, current_revision_id, revised_at) "
        "values ($1, 't', 'facebook', 'page', $2, $3, 'hello', $4, $3)",
        comment.comment_id, str(comment.comment_id), NOW, comment.revision,
    )  # fmt: skip
    return comment


async def write(connection: Connection, comment: Comment, fact: str) -> None:
    """Writes one fact, as the sinks do: inserted once, or not at all."""
    words = fact.split()
    revision = comment.revision
    if words[0] == "old":
        revision, words = comment.old_revision, words[1:]
    match words:
        case ["analysed"]:
            await connection.execute(
                "insert into analyses values "
                "($1, 'hash', $2, 'model', 'positive', '{}', 'other', '{}', 'en', 1, 0, $3) "
                "on conflict do nothing",
                revision, comment.comment_id, NOW,
            )  # fmt: skip
        case ["drafted"]:
            await connection.execute(
                "insert into generated_responses (draft_id, comment_id, revision_id, tenant_id, content, "
                "origin, language, confidence_score, created_at) "
                "values ($1, $2, $3, 't', 'Hi', 'template', 'en', 1, $4) "
                "on conflict do nothing",
                uuid.uuid5(revision, "draft"), comment.comment_id, revision, NOW,
            )  # fmt: skip
        case ["machine" | "person" as who, "reply", state]:
            await connection.execute(
                "insert into reply_queue (decision_id, comment_id, revision_id, tenant_id, platform, "
                "account_id, platform_comment_id, thread_id, text, decided_by, priority, state, reason, "
                "settled_at) "
                "values ($1, $2, $3, 't', 'facebook', 'page', 'c', 'c', 'Hi', $4, 1, $5, $6, $7)",
                uuid.uuid5(revision, who), comment.comment_id, revision, who, state, f"because {state}", NOW,
            )  # fmt: skip
        case ["machine" | "person" as who, action]:
            decision = uuid.uuid5(revision, who if Action(action).sends else f"{who} {action}")
            decided_at = NOW + timedelta(seconds=list(Action).index(Action(action)))
            await connection.execute(
                "insert into decisions (decision_id, comment_id, revision_id, tenant_id, action, decided_by, "
                "policy_version, rule, reason, priority, decided_at) "
                "values ($1, $2, $3, 't', $4, $5, '1', 'rule', $6, 1, $7) on conflict do nothing",
                decision, comment.comment_id, revision, action, who, f"{who} says {action}", decided_at,
            )  # fmt: skip
        case ["approval", "spent"]:
            await connection.execute(
                "update decisions set is_spent = true where decision_id = $1", uuid.uuid5(revision, "person")
            )
        case ["staff" | "parley" as author, "replied"]:
            await connection.execute(
                "insert into observed_replies values ($1, $2, 't', 'facebook', 'page', 'Hi', $3, $3, $2) "
                "on conflict do nothing",
                comment.comment_id, author, NOW,
            )  # fmt: skip
        case ["removed"]:
            await connection.execute(
                "update comments set removed_at = $2 where comment_id = $1", comment.comment_id, NOW
            )
        case ["dead", "letter"] | ["replayed", "letter"]:
            await connection.execute(
                "insert into dead_letters values "
                "($1, 'enrich', 'bad_input', 'E', 'm', 'comments.raw', 0, 1, $2, $3, $4) "
                "on conflict do nothing",
                uuid.uuid5(comment.comment_id, fact), comment.comment_id, NOW,
                NOW if words[0] == "replayed" else None,
            )  # fmt: skip
        case _:
            raise AssertionError(f"no such fact: {fact}")


async def happen(connection: Connection, comment: Comment, fact: str) -> None:
    """A fact and the refresh that belongs to it, in one transaction."""
    async with connection.transaction():
        await write(connection, comment, fact)
        await connection.execute("select refresh_comment_states($1)", [comment.comment_id])


async def stored(connection: Connection, comment: Comment) -> tuple[str, str]:
    row = await connection.fetchrow(
        "select state, state_reason from comments where comment_id = $1", comment.comment_id
    )
    assert row
    return row["state"], row["state_reason"]


async def states_after(pool: Pool, stories: list[list[str]]) -> list[str]:
    """The stored state of a new comment after each story."""
    found = []
    async with pool.acquire() as connection:
        for story in stories:
            comment = await received(connection)
            for fact in story:
                await happen(connection, comment, fact)
            state, _ = await stored(connection, comment)
            found.append(state)
    return found


async def check(pool: Pool, expected: dict[tuple[str, ...], State]) -> None:
    """Fails with every story that does not end as expected."""
    found = await states_after(pool, [list(story) for story in expected])
    wrong = {
        " → ".join(story): f"{state}, not {wanted.value}"
        for (story, wanted), state in zip(expected.items(), found, strict=True)
        if state != wanted
    }
    assert not wrong


async def test_a_comment_goes_from_stage_to_stage(pool: Pool) -> None:
    await check(
        pool,
        {
            (): State.RECEIVED,
            ("analysed",): State.ENRICHED,
            ("analysed", "drafted"): State.DRAFTED,
            ("drafted",): State.DRAFTED,
            ("analysed", "drafted", "machine review"): State.NEEDS_REVIEW,
            ("analysed", "drafted", "machine auto_approve"): State.QUEUED,
            ("machine auto_approve", "machine reply queued"): State.QUEUED,
            ("machine auto_approve", "machine reply posting"): State.POSTING,
            ("machine auto_approve", "machine reply unknown"): State.UNKNOWN,
            ("machine auto_approve", "machine reply posted"): State.POSTED,
        },
    )


@pytest.mark.parametrize("who", ["machine", "person"])
async def test_every_decision_leads_to_the_state_that_the_contract_names(pool: Pool, who: str) -> None:
    await check(pool, {(f"{who} {action}",): STATE_AFTER[action] for action in Action})


async def test_a_person_outranks_the_machine(pool: Pool) -> None:
    await check(
        pool,
        {
            (f"machine {machine}", f"person {person}"): STATE_AFTER[person]
            for machine in Action
            for person in (*FINAL, Action.ESCALATE)
        },
    )


async def test_a_final_word_outranks_an_escalation_by_a_person(pool: Pool) -> None:
    await check(pool, {("person escalate", f"person {final}"): STATE_AFTER[final] for final in FINAL})


async def test_the_first_decision_of_each_kind_wins(pool: Pool) -> None:
    stories: dict[tuple[str, ...], State] = {}
    for first, second in itertools.permutations(FINAL, 2):
        stories[f"person {first}", f"person {second}"] = STATE_AFTER[first]
    for first, second in itertools.permutations(Action, 2):
        stories[f"machine {first}", f"machine {second}"] = STATE_AFTER[first]
    await check(pool, stories)


async def test_a_posted_reply_outranks_everything(pool: Pool) -> None:
    later = [
        "removed", "staff replied", "dead letter", "analysed",
        "person reject", "person no_reply", "person escalate",
    ]  # fmt: skip
    await check(
        pool,
        {
            ("machine auto_approve", f"machine reply {state}", fact): State(state)
            for state in ("posted", "unknown", "posting")
            for fact in later
        },
    )


async def test_a_removal_outranks_every_decision_and_a_staff_answer(pool: Pool) -> None:
    decisions = [f"{who} {action}" for who in ("machine", "person") for action in Action]
    stories: dict[tuple[str, ...], State] = {(fact, "removed"): State.REMOVED for fact in decisions}
    stories["machine auto_approve", "machine reply queued", "removed"] = State.REMOVED
    stories["staff replied", "removed"] = State.REMOVED
    await check(pool, stories)


async def test_an_answer_by_staff_outranks_every_decision(pool: Pool) -> None:
    decisions = [f"{who} {action}" for who in ("machine", "person") for action in Action]
    stories: dict[tuple[str, ...], State] = {
        (fact, "staff replied"): State.ANSWERED_ELSEWHERE for fact in decisions
    }
    stories["machine auto_approve", "machine reply queued", "staff replied"] = State.ANSWERED_ELSEWHERE
    await check(pool, stories)


async def test_our_own_reply_seen_on_the_platform_is_not_an_answer_by_staff(pool: Pool) -> None:
    await check(
        pool,
        {
            ("parley replied",): State.RECEIVED,
            ("machine auto_approve", "machine reply unknown", "parley replied"): State.UNKNOWN,
        },
    )


async def test_a_person_stops_a_reply_that_is_still_queued(pool: Pool) -> None:
    queued = ("machine auto_approve", "machine reply queued")
    await check(
        pool, {(*queued, "person reject"): State.REJECTED, (*queued, "person no_reply"): State.NO_REPLY}
    )


async def test_the_end_of_a_reply_is_the_end_of_its_comment(pool: Pool) -> None:
    stories: dict[tuple[str, ...], State] = {}
    for end in ENDED:
        stories["machine auto_approve", f"machine reply {end}"] = State(end)
        stories["person approve", f"person reply {end}"] = State(end)
    await check(pool, stories)


async def test_after_a_reply_that_was_not_sent_people_may_decide_again(pool: Pool) -> None:
    unsent = ("machine auto_approve", "machine reply failed")
    spent = ("machine review", "person approve", "person reply failed", "approval spent")
    await check(
        pool,
        {
            (*unsent, "person approve"): State.QUEUED,
            (*unsent, "person approve", "person reply queued"): State.QUEUED,
            (*unsent, "person approve", "person reply posted"): State.POSTED,
            (*unsent, "person reject"): State.REJECTED,
            (*unsent, "person escalate"): State.ESCALATED,
            spent: State.FAILED,
            (*spent, "person reject"): State.REJECTED,
            (*spent, "person escalate"): State.ESCALATED,
        },
    )


async def test_a_dead_letter_counts_until_it_is_replayed_or_a_later_stage_decides(pool: Pool) -> None:
    await check(
        pool,
        {
            ("dead letter",): State.DEAD_LETTER,
            ("analysed", "drafted", "dead letter"): State.DEAD_LETTER,
            ("replayed letter",): State.RECEIVED,
            ("analysed", "replayed letter"): State.ENRICHED,
            **{("dead letter", f"machine {action}"): STATE_AFTER[action] for action in Action},
            ("dead letter", "removed"): State.REMOVED,
            ("dead letter", "staff replied"): State.ANSWERED_ELSEWHERE,
        },
    )


async def test_an_edit_starts_again_whatever_was_known_about_the_old_wording(pool: Pool) -> None:
    old = ["old analysed", "old drafted"]
    await check(
        pool,
        {
            tuple(old): State.RECEIVED,
            (*old, "analysed"): State.ENRICHED,
            **{(*old, f"old machine {action}"): State.RECEIVED for action in Action},
            **{(*old, f"old person {action}"): State.RECEIVED for action in Action},
            ("old machine auto_approve", "old machine reply superseded"): State.RECEIVED,
            (
                "old machine auto_approve",
                "old machine reply superseded",
                "machine review",
            ): State.NEEDS_REVIEW,
            # its reply is still held: posted is posted, and the post sink has yet to supersede a queued one
            ("old machine auto_approve", "old machine reply posted", "machine review"): State.POSTED,
            ("old machine auto_approve", "old machine reply queued", "machine review"): State.QUEUED,
        },
    )


async def test_every_state_comes_with_the_reason_of_the_fact_that_decided_it(pool: Pool) -> None:
    expected = {
        (): "",
        ("analysed",): "",
        ("machine review",): "machine says review",
        ("machine review", "person reject"): "person says reject",
        ("machine auto_approve", "machine reply failed"): "because failed",
        ("machine auto_approve", "machine reply posted", "removed"): "because posted",
        ("machine review", "removed"): "removed on the platform",
        ("machine review", "staff replied"): "answered by the account's own staff",
        ("dead letter",): "bad_input",
    }
    async with pool.acquire() as connection:
        for story, reason in expected.items():
            comment = await received(connection)
            for fact in story:
                await happen(connection, comment, fact)
            assert (await stored(connection, comment))[1] == reason, story


@st.composite
def facts(draw: st.DrawFn) -> list[str]:
    """Facts that may be true of one comment at once."""
    held = draw(st.sampled_from([None, *sorted(HOLDS_REPLY)]))
    chosen = draw(
        st.lists(
            st.sampled_from(
                ["analysed", "drafted", "dead letter", "replayed letter", "staff replied", "parley replied",
                 "removed", "old analysed", "old drafted", "old machine auto_approve",
                 "old machine reply superseded", "old person approve"]
            ),
            unique=True,
        )
    )  # fmt: skip
    chosen += [f"machine {action}" for action in draw(st.lists(st.sampled_from(Action), max_size=1))]
    chosen += [f"person {action}" for action in draw(st.lists(st.sampled_from(FINAL), max_size=1))]
    chosen += draw(st.sampled_from([[], ["person escalate"]]))
    ended = draw(st.sampled_from([None, *ENDED]))
    replies = draw(st.permutations(["machine reply", "person reply"]))
    chosen += [f"{who} {state}" for who, state in zip(replies, (held, ended), strict=True) if state]
    return chosen


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=facts(), data=st.data())
async def test_facts_in_any_order_give_the_same_state(
    pool: Pool, story: list[str], data: st.DataObject
) -> None:
    other = data.draw(st.permutations(story))
    one, two = await states_after(pool, [story, other])
    assert one == two
    assert one in set(State)


async def test_writing_the_same_facts_again_changes_nothing(pool: Pool) -> None:
    story = ["analysed", "drafted", "machine review", "person approve", "staff replied", "dead letter"]
    async with pool.acquire() as connection:
        comment = await received(connection)
        for fact in story:
            await happen(connection, comment, fact)
        query = "select state, state_reason, state_changed_at from comments where comment_id = $1"
        before = await connection.fetchrow(query, comment.comment_id)
        for fact in story:
            await happen(connection, comment, fact)
        assert await connection.fetchrow(query, comment.comment_id) == before


async def test_whoever_writes_second_computes_with_the_facts_of_the_first(pool: Pool) -> None:
    async with pool.acquire() as first, pool.acquire() as second, pool.acquire() as third:
        comment = await received(first)
        transaction = first.transaction()
        await transaction.start()
        await write(first, comment, "removed")
        await first.execute("select refresh_comment_states($1)", [comment.comment_id])
        waiting = asyncio.create_task(happen(second, comment, "machine review"))
        process = second.get_server_pid()
        async with asyncio.timeout(10):
            while not await third.fetchval("select cardinality(pg_blocking_pids($1)) > 0", process):
                await asyncio.sleep(0.01)
        await transaction.commit()
        await waiting
        assert (await stored(third, comment))[0] == State.REMOVED


async def test_writers_of_many_comments_in_opposite_orders_do_not_deadlock(pool: Pool) -> None:
    async with pool.acquire() as connection:
        ids = [(await received(connection)).comment_id for _ in range(50)]

    async def refresh(order: list[uuid.UUID]) -> None:
        for _ in range(10):
            await pool.execute("select refresh_comment_states($1)", order)

    await asyncio.gather(refresh(ids), refresh(ids[::-1]), refresh(ids), refresh(ids[::-1]))


async def test_a_comment_has_one_reply_in_a_state_that_may_have_been_sent(pool: Pool) -> None:
    async with pool.acquire() as connection:
        for first, second in itertools.product(sorted(HOLDS_REPLY), repeat=2):
            comment = await received(connection)
            await happen(connection, comment, f"old machine reply {first}")
            for another in (f"machine reply {second}", f"person reply {second}"):
                with pytest.raises(asyncpg.UniqueViolationError, match="one_reply_per_comment"):
                    await happen(connection, comment, another)


async def test_after_a_reply_that_was_not_sent_another_may_be_queued(pool: Pool) -> None:
    async with pool.acquire() as connection:
        for ended, held in itertools.product(ENDED, sorted(HOLDS_REPLY)):
            comment = await received(connection)
            await happen(connection, comment, f"machine reply {ended}")
            await happen(connection, comment, f"person reply {held}")
            with pytest.raises(asyncpg.UniqueViolationError, match="one_reply_per_comment"):
                await connection.execute(
                    "update reply_queue set state = 'queued' where comment_id = $1 and state = $2",
                    comment.comment_id, ended,
                )  # fmt: skip


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", ()) for node in nodes(part))]


async def test_states_are_found_by_indexes_however_much_is_stored(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("""
            insert into comments (comment_id, tenant_id, platform, account_id, platform_comment_id,
                received_at, current_revision_id)
            select md5('c' || i)::uuid, 't', 'facebook', 'page', i::text, now(), md5('r' || i)::uuid
            from generate_series(1, 20000) i;
            insert into analyses
            select current_revision_id, 'h', comment_id, 'm', 'positive', '{}', 'other', '{}', 'en', 1, 0,
                now()
            from comments;
            insert into generated_responses (draft_id, comment_id, revision_id, tenant_id, content, origin,
                language, confidence_score, created_at)
            select gen_random_uuid(), comment_id, current_revision_id, 't', 'Hi', 'template', 'en', 1, now()
            from comments;
            insert into decisions (decision_id, comment_id, revision_id, tenant_id, action, decided_by,
                policy_version, rule, reason, priority, decided_at)
            select gen_random_uuid(), comment_id, current_revision_id, 't', 'review', 'machine', '1', '', '',
                1, now()
            from comments;
            analyze comments, analyses, generated_responses, decisions;
        """)
        ids = await connection.fetchval(
            "select array_agg(comment_id) from (select * from comments limit 256) c"
        )
        listed = ",".join(f"'{each}'" for each in ids)
        plan = await connection.fetchval(
            f"explain (format json) select * from comment_states(array[{listed}]::uuid[])"
        )
    plan = json.loads(plan) if isinstance(plan, str) else plan
    scanned = {node["Relation Name"] for node in nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"}
    assert not scanned & {"comments", "analyses", "generated_responses", "decisions"}
