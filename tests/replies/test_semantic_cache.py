"""Wordings used again: only for harmless comments that nearly equal each other, and never twice in a row."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from replies.recent import Recent
from replies.semantic_cache import ENOUGH, KINDS, SHELVES, SemanticCache, Written
from schemas.events import Platform
from tests.replies.conftest import analysis_of, comment_of

WRITTEN = Written(text="", language="en", confidence=0.9, model="m", prompt_hash="h")


def filled(text: str = "Great coffee!", count: int = ENOUGH) -> SemanticCache:
    cache = SemanticCache()
    for number in range(count):
        cache.put(comment_of(text), analysis_of(), replace(WRITTEN, text=f"Thanks a lot {number}!"))
    return cache


def test_near_equal_comments_share_wordings_in_turn_and_none_was_just_said() -> None:
    cache, recent, page = filled(), Recent(), (Platform.FACEBOOK, "page")
    said = []
    for text in ("great coffee", "GREAT COFFEE!!!", "Greaaaat coffee 😍", "Great coffee", "great  coffee."):
        found = cache.find(comment_of(text), analysis_of(), recent.of(page))
        assert found is not None, text
        recent.add(page, found.text)
        said.append(found.text)
    assert all(one != other for one, other in itertools.pairwise(said))
    assert len(set(said)) == ENOUGH


def test_below_enough_wordings_a_new_one_is_written() -> None:
    assert filled(count=ENOUGH - 1).find(comment_of("great coffee"), analysis_of()) is None


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("Terrible coffee", {}),
        ("Great coffee, do you open at 9?", {}),
        ("Great coffee www.example.com", {}),
        ("great coffee", {"intent": "question"}),
        ("great coffee", {"intent": "complaint"}),
        ("great coffee", {"sentiment": "negative"}),
        ("great coffee", {"language": "es"}),
        ("", {}),
        ("😍", {}),
    ],
)
def test_anything_else_is_not_answered_from_the_shelf(text: str, changes: dict[str, Any]) -> None:
    assert filled().find(comment_of(text), analysis_of(**changes)) is None


def test_accounts_do_not_share() -> None:
    assert filled().find(comment_of("great coffee", account_id="other"), analysis_of()) is None


def test_where_every_wording_was_just_said_a_new_one_is_written() -> None:
    said = [f"Thanks a lot {number}!" for number in range(ENOUGH)]
    assert filled().find(comment_of("great coffee"), analysis_of(), said) is None


def test_it_is_bounded() -> None:
    cache = SemanticCache()
    for number in range(SHELVES * 2):
        word = chr(97 + number % 26) * 3 + chr(97 + number // 26) * 4
        cache.put(comment_of(f"such {word} {word[::-1]} taste"), analysis_of(), replace(WRITTEN, text=word))
    for number in range(KINDS + 50):
        cache.put(comment_of("nice", account_id=str(number)), analysis_of(), replace(WRITTEN, text="Thanks"))
    assert len(cache._groups) <= KINDS
    assert all(len(shelves) <= SHELVES for shelves in cache._groups.values())
    cache.clear()
    assert cache.find(comment_of("nice"), analysis_of()) is None
