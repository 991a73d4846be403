"""The states of a comment's life, and that the database means the same by them."""

import re
from pathlib import Path

import pytest

from infra.postgres import MIGRATIONS
from schemas.states import (
    ENDS,
    HOLDS_REPLY,
    OPEN,
    OPEN_MACHINE,
    OPEN_PEOPLE,
    OPEN_POSTING,
    STATE_AFTER,
    Action,
    AttemptOutcome,
    DecidedBy,
    State,
)

SQL = "\n".join(file.read_text(encoding="utf-8") for file in sorted(Path(MIGRATIONS).glob("[0-9]*.sql")))


def quoted(text: str) -> set[str]:
    return set(re.findall(r"'([a-z_]+)'", text))


def test_every_action_leads_to_a_state() -> None:
    assert set(STATE_AFTER) == set(Action)


@pytest.mark.parametrize("action", Action)
def test_an_action_sends_if_and_only_if_it_queues(action: Action) -> None:
    assert action.sends == (STATE_AFTER[action] is State.QUEUED)


def test_open_states_and_ends_share_out_all_states() -> None:
    assert set(State) == OPEN | ENDS
    assert not OPEN & ENDS
    assert len(OPEN_MACHINE) + len(OPEN_PEOPLE) + len(OPEN_POSTING) == len(OPEN)


def test_every_outcome_of_an_attempt_is_a_state() -> None:
    assert {outcome.value for outcome in AttemptOutcome} <= {state.value for state in State}


def test_what_holds_the_reply_is_everything_that_may_have_been_or_may_still_be_sent() -> None:
    assert OPEN_POSTING | {State.POSTED} == HOLDS_REPLY


def test_the_unique_index_covers_the_states_that_hold_the_reply() -> None:
    (where,) = re.findall(
        r"create unique index one_reply_per_comment on reply_queue \(comment_id\)\s+"
        r"where state in \(([^)]*)\)",
        SQL,
    )
    assert quoted(where) == {state.value for state in HOLDS_REPLY}


def test_the_database_takes_every_state_of_a_queued_reply_and_no_other() -> None:
    queue = SQL[SQL.index("create table reply_queue") :]
    allowed = re.search(r"check \(state in \(([^)]*)\)", queue)
    assert allowed
    assert quoted(allowed[1]) == {State.QUEUED, State.POSTING, *AttemptOutcome}


def test_the_database_takes_every_decider_and_no_other() -> None:
    for allowed in re.findall(r"check \(decided_by in \(([^)]*)\)", SQL):
        assert quoted(allowed) == set(DecidedBy)
