"""Every fault of the contracts' catalogue can be switched on somewhere, and a test names it.

Source of `CATALOGUE`: section 10 of the platform contracts.
"""

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parent
PLATFORMS: Final = ("facebook", "instagram", "linkedin", "x")

CATALOGUE: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "duplicate delivery": dict.fromkeys(PLATFORMS, ("duplicate_delivery",)),
    "reordered add, remove, edited": dict.fromkeys(PLATFORMS, ("reorder",)),
    "bad signature": dict.fromkeys(PLATFORMS, ("bad_signature",)),
    "missing signature": dict.fromkeys(PLATFORMS, ("missing_signature",)),
    "signature of the decoded text": dict.fromkeys(PLATFORMS, ("decoded_signature",)),
    "comment deleted between event and reply": dict.fromkeys(PLATFORMS, ("deleted_before_reply",)),
    "edit between draft and post": dict.fromkeys(PLATFORMS, ("edited_between",)),
    "2xx without id": dict.fromkeys(PLATFORMS, ("reply_without_id",)),
    "created, then 400": {"facebook": ("created_then_400",), "instagram": ("created_then_400",)},
    "created, then timeout or reset": dict.fromkeys(
        PLATFORMS, ("created_then_timeout", "created_then_reset")
    ),
    "empty page with a next one": dict.fromkeys(PLATFORMS, ("empty_page",)),
    "200 and empty, for the token is of the wrong kind": {
        "instagram": ("empty_answers",),
        "linkedin": ("role_without_read",),
    },
    "token expires in the middle": dict.fromkeys(PLATFORMS, ("expired_token",)),
    "throttle with and without usage headers": dict.fromkeys(PLATFORMS, ("throttle", "throttle_bare")),
    "HTML 503": {**dict.fromkeys(PLATFORMS, ("html_503",)), "language_model": ("html_503",)},
    "X: un-summoned 403": {"x": ("unsummoned",)},
    "duplicate text": dict.fromkeys(PLATFORMS, ("duplicate_text",)),
    "block for abuse (368)": dict.fromkeys(PLATFORMS, ("blocked",)),
    "LinkedIn: 426": {"linkedin": ("version_sunset",)},
    "LinkedIn: challenge answered late": {"linkedin": ("challenge_late",)},
    "OpenAI": {
        "language_model": ("insufficient_quota", "retry_after_121", "refusal", "truncated", "html_503")
    },
}

BY_A_TEST: Final[Mapping[str, tuple[str, ...]]] = {
    "1,000 changes in one batch": ("test_a_delivery_of_a_thousand_changes_takes_less_than_a_second",),
    "echo of an own comment": (
        "test_an_own_reply_is_observed_under_the_comment_it_answers",
        "test_every_comment_arrives_and_no_own_reply_is_taken_for_one",
    ),
    "reply flattened to another parent": (
        "test_a_reply_to_a_reply_hangs_where_the_platform_puts_it_and_is_found_there",
    ),
    "a person's token sees an empty listing": ("test_a_token_that_is_not_the_accounts_is_found",),
}
"""What no switch is needed for: the simulators always do it, or it is a body that a test sends."""


def _sources(place: str) -> str:
    """The tests of a platform, and the suites that it shares."""
    # drafting, which the language model is asked for, is tested beyond this folder
    others = TESTS.parent.rglob("*draft*.py") if place == "language_model" else ()
    files = [*(TESTS / place).glob("*.py"), *TESTS.glob("*.py"), *others]
    return "\n".join(path.read_text("utf-8") for path in files if path != Path(__file__))


def _offered(place: str) -> Mapping[str, object]:
    found: Mapping[str, object] = importlib.import_module(f"connectors.{place}.simulator.faults").CATALOGUE
    return found


def _required() -> Iterator[tuple[str, str, str]]:
    for what, places in CATALOGUE.items():
        for place, names in places.items():
            for name in names:
                yield what, place, name


@pytest.mark.parametrize(("what", "place", "name"), _required())
def test_a_fault_of_the_contracts_is_offered_and_named_by_a_test(what: str, place: str, name: str) -> None:
    assert name in _offered(place), what
    assert re.search(rf'["_]{name}["(\b]', _sources(place)), what


@pytest.mark.parametrize("place", [*PLATFORMS, "language_model"])
def test_every_fault_that_a_simulator_offers_is_named_by_a_test(place: str) -> None:
    sources = _sources(place)
    assert [name for name in _offered(place) if not re.search(rf'["_]{name}["(\b]', sources)] == []


@pytest.mark.parametrize(
    ("what", "test"), [(what, test) for what, all_ in BY_A_TEST.items() for test in all_]
)
def test_what_needs_no_switch_has_its_test(what: str, test: str) -> None:
    everything = "\n".join(path.read_text("utf-8") for path in TESTS.rglob("*.py"))
    assert f"def {test}" in everything, what
