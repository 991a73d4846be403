"""The whole product as a person runs it: the command line, the servers it starts, and real HTTP."""

import asyncio
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from console.demo import DEMO_STATE
from infra import kafka
from infra.embedded.stack import EmbeddedStack
from infra.settings import Settings
from replies.documents import read_yaml
from schemas import topics

ROOT = Path(__file__).parents[2]

ROWS = [
    {"text": "Me encanta vuestro café, sois los mejores ❤️"},
    {"text": "¿A qué hora abren el domingo?"},
    {"text": "Worst coffee ever, I want my money back"},
    {"text": ""},
    {"text": "   \n\t "},
    {"text": "largo " * 17_000},  # 100 kB
    {"text": "bell \x07 escape \x1b[2J null \x00 end"},
    {"text": "half a pair \ud800 of surrogates"},
    {"text": "\u202eright to left\u202c and zero\u200bwidth"},
    {"text": "გამარჯობა, რა ღირს?"},  # a script the model does not know
    {"text": "http http http earn money fast"},
    {"text": "😍😍😍"},
    {"text": "Merci beaucoup, l'équipe est adorable"},
    *({"text": f"Do you open on {day}?"} for day in ("Monday", "Friday", "Saturday", "Sunday", "holidays")),
    *({"text": f"¿Tenéis café de {place}?"} for place in ("Kenia", "Colombia", "Perú", "Etiopía", "Ruanda")),
    *({"text": f"Gibt es bei euch {what}?"} for what in ("Kuchen", "Tee", "Brot", "WLAN", "einen Garten")),
    *({"text": f"Do you sell {what} here?"} for what in ("beans", "mugs", "filters", "gift cards", "tea")),
    *({"text": f"¿Hay {what} en el local?"} for what in ("wifi", "terraza", "aseo", "enchufes", "parking")),
    *({"text": f"Est-ce que vous avez {what} ?"} for what in ("du thé", "une terrasse", "du lait d'avoine")),
    *(
        {"text": f"Is there {what} at your café?"}
        for what in ("parking", "wifi", "a garden", "decaf", "cake")
    ),
    *({"text": f"Habt ihr am {day} geöffnet?"} for day in ("Montag", "Freitag", "Samstag", "Sonntag")),
    *({"text": f"¿Abrís el {day}?"} for day in ("lunes", "martes", "viernes", "sábado", "domingo")),
    *({"text": f"Can I order {what} online?"} for what in ("beans", "a mug", "cake", "filters", "a grinder")),
]
"""Sixty comments, of which 24 are on Facebook, 18 on Instagram, 12 on LinkedIn, 6 on X."""
BROKEN = ["{not json", '{"other": 1}', '{"text": 5}']


def parley(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"):
        environment.pop(name, None)
    environment |= {"PARLEY_STATE_DIR": str(state), "PARLEY_CACHE_DIR": str(Settings().cache_dir)}
    return subprocess.run(
        [sys.executable, "-m", "console.main", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


async def spoil(bootstrap: str) -> None:
    """Puts records on `comments.raw` that no stage can read."""
    await kafka.create_topics(bootstrap, list(topics.ALL.values()))
    async with kafka.open_publisher(bootstrap) as publisher:
        await publisher.publish(
            [
                kafka.Message(topic="comments.raw", key="a", value=b"this is not Avro"),
                kafka.Message(topic="comments.raw", key="b", value=struct.pack(">BI", 0, 999_999) + b"x"),
            ]
        )


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder whose Kafka already holds records that no stage can read."""
    folder = tmp_path_factory.mktemp("demo")
    with EmbeddedStack(folder / DEMO_STATE, cache_dir=Settings().cache_dir) as endpoints:
        asyncio.run(spoil(endpoints.kafka))
    return folder


@pytest.fixture(scope="module")
def run(state: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run of the demo over awkward comments, everything replayed afterwards."""
    file = tmp_path_factory.mktemp("texts") / "comments.jsonl"
    file.write_text("\n".join([*map(json.dumps, ROWS), *BROKEN]) + "\n", encoding="utf-8")
    done = parley(state, "demo", "--comments", str(file), "--replay", "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.integration
def test_every_comment_has_exactly_one_state_and_none_is_lost_or_answered_twice(run: dict[str, Any]) -> None:
    assert run["received"] == len(ROWS)
    assert sum(run["outcomes"].values()) == len(ROWS)
    assert (run["lost"], run["posted_twice"]) == (0, 0)


@pytest.mark.integration
def test_every_platform_receives_its_share_and_posts_and_loses_nothing(run: dict[str, Any]) -> None:
    platforms = run["platforms"]
    received = {name: found["received"] for name, found in platforms.items()}
    assert received == {"facebook": 24, "instagram": 18, "linkedin": 12, "x": 6}
    for name, found in platforms.items():
        assert found["posted"] == found["outcomes"]["posted"] > 0, name
        assert (found["lost"], found["posted_twice"]) == (0, 0), name
        assert sum(found["outcomes"].values()) == found["received"], name
    assert sum(found["posted"] for found in platforms.values()) == run["posted"]


@pytest.mark.integration
def test_questions_are_drafted_by_the_language_model_and_thanks_by_templates(run: dict[str, Any]) -> None:
    assert run["drafts"]["language_model"] >= 20
    assert run["drafts"]["template"] >= 2


@pytest.mark.integration
def test_good_comments_are_answered_and_bad_ones_wait_or_end(run: dict[str, Any]) -> None:
    assert run["posted"] == run["outcomes"]["posted"] >= 2
    assert run["outcomes"]["needs_review"] >= 1
    assert run["outcomes"]["no_reply"] >= 2


@pytest.mark.integration
def test_rows_that_hold_no_text_are_counted_by_reason(run: dict[str, Any]) -> None:
    assert run["skipped_rows"] == {"not JSON": 1, "no text": 2}


@pytest.mark.integration
def test_a_replay_of_everything_changes_no_row_and_asks_the_platforms_nothing(run: dict[str, Any]) -> None:
    assert run["replay"]["fed_again"] >= len(ROWS)
    assert run["replay"]["rows_changed"] == {}
    assert run["replay"]["requests_to_simulator"] == 0


@pytest.mark.integration
def test_unreadable_records_are_dead_letters_and_hold_nothing_up(run: dict[str, Any], state: Path) -> None:
    done = parley(state / DEMO_STATE, "dead-letters", "list", "--json")
    letters = [json.loads(line) for line in done.stdout.splitlines()]
    reasons = {(each["stage"], each["message"].split(";")[0].split(" (")[0]) for each in letters}
    for stage in ("enrich", "postgres", "post"):
        assert (stage, "not an Avro record in the Confluent wire format") in reasons
        assert (stage, "unknown schema id 999999") in reasons
    assert run["dead_letters"] == len(letters)


@pytest.mark.integration
def test_a_wrong_setting_stops_the_start_and_says_what_to_change(tmp_path: Path) -> None:
    environment = {**os.environ, "PARLEY_TOPIC_PARTITIONS": "many", "PARLEY_HTTP_PROT": "1"}
    command = [sys.executable, "-m", "console.main", "up"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 78
    assert "PARLEY_TOPIC_PARTITIONS" in done.stderr
    assert "did you mean PARLEY_HTTP_PORT?" in done.stderr
    assert "Traceback" not in done.stderr


STRICT = {
    "rule": "no_compliments",
    "when": {"intent": ["compliment"], "sentiment": ["positive", "neutral"]},
    "then": "review",
    "reason": "tried in a test",
}


@pytest.mark.integration
def test_what_if_over_the_demo_s_history_equals_a_recount_by_hand(
    run: dict[str, Any], state: Path, tmp_path: Path
) -> None:
    policy = read_yaml(parley(state / DEMO_STATE, "policy", "show").stdout, "the demo's policy")
    changed = tmp_path / "strict.yaml"
    changed.write_text(json.dumps({**policy, "decide": [STRICT, *policy["decide"]]}), encoding="utf-8")
    done = parley(state / DEMO_STATE, "policy", "what-if", "--policy", str(changed), "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)

    rows = parley(
        state / DEMO_STATE,
        "sql",
        "--json",
        "select d.action, a.intent, a.sentiment, d.rule from decisions d "
        "join analyses a using (revision_id) where d.decided_by = 'machine'",
    )
    history = [json.loads(line) for line in rows.stdout.splitlines()]
    held = [
        row
        for row in history
        if row["action"] == "auto_approve"
        and row["intent"] == "compliment"
        and row["sentiment"] != "negative"
    ]
    assert held, "the demo's comments hold praise that goes out by itself"
    assert report["considered"] == len(history) == run["received"]
    assert report["by_itself"]["before"] == sum(row["action"] == "auto_approve" for row in history)
    assert report["by_itself"]["fewer"] == len(held)
    assert report["by_itself"]["more"] == 0
    assert report["by_intent"]["compliment"]["fewer"] == len(held)
    assert {
        (move["before"], move["after"]) for move in report["moves"] if move["before"] != move["after"]
    } == {("auto_approve", "review")}
    assert {example["rule_after"] for example in report["examples"]} == {"no_compliments"}
