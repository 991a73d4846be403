"""`parley models`, `parley themes` and a model in shadow, as people use them."""

import dataclasses
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from console.main import application
from console.model_comparison import _STORED, _stored_hash
from console.themes import find_and_store
from infra.postgres import Pool
from infra.settings import Settings
from schemas import topics
from schemas.errors import ConfigurationError
from schemas.events import Analysis, CommentEvent, CommentKind, EnrichedComment, Platform, Source
from schemas.labels import Intent, Sentiment
from sinks import facts
from streams.stage import Input

NOW = datetime.now(UTC)
RUN = CliRunner()
ANALYSIS = Analysis(
    model="first",
    model_hash="a" * 64,
    sentiment=Sentiment.POSITIVE,
    sentiment_scores={"positive": 1.0},
    intent=Intent.COMPLIMENT,
    intent_scores={"compliment": 1.0},
    language="es",
    language_confidence=1.0,
    unknown_share=0.0,
)
OTHER = dataclasses.replace(ANALYSIS, model="second", model_hash="b" * 64, intent=Intent.OTHER)


def comment(number: int, text: str) -> CommentEvent:
    return CommentEvent(
        kind=CommentKind.ADDED,
        tenant_id="default",
        platform=Platform.FACEBOOK,
        account_id="a",
        comment_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"c{number}")),
        platform_comment_id=str(number),
        revision_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"r{number}")),
        text=text,
        occurred_at=NOW - timedelta(hours=1),
        observed_at=NOW - timedelta(hours=1),
        source=Source.WEBHOOK,
    )


def record(event: Any, topic: topics.Topic) -> Input[Any]:
    return Input(
        event, event.comment.comment_id if hasattr(event, "comment") else "c", {}, topic.name, 0, 0, NOW
    )


async def write(pool: Pool, records: Sequence[Input[Any]]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await facts.write(connection, records)


async def test_a_shadows_answer_is_stored_beside_and_counts_for_nothing(pool: Pool) -> None:
    about = comment(1, "hola")
    await write(pool, [record(about, topics.COMMENTS_RAW)])
    shadow = EnrichedComment(comment=about, analysis=OTHER, enriched_at=NOW)
    await write(pool, [record(shadow, topics.COMMENTS_SHADOW)] * 2)
    assert await pool.fetchval("select state from comments") == "received"
    first = EnrichedComment(comment=about, analysis=ANALYSIS, enriched_at=NOW - timedelta(minutes=1))
    await write(pool, [record(first, topics.COMMENTS_ENRICHED)])
    row = await pool.fetchrow("select state, intent from comment_overview")
    assert row is not None
    assert (row["state"], row["intent"]) == ("enriched", "compliment")
    rows = await pool.fetch("select model, is_shadow from model_answers order by model")
    assert [tuple(each) for each in rows] == [("first", False), ("second", True)]
    # later the second one is in use and history is scored again: its row is the pipeline's, once
    await write(pool, [record(shadow, topics.COMMENTS_ENRICHED)])
    rows = await pool.fetch("select model, is_shadow from model_answers order by model")
    assert [tuple(each) for each in rows] == [("first", False), ("second", False)]
    assert await pool.fetchval("select intent from comment_overview") == "other"


async def test_stored_answers_of_two_models_are_compared(pool: Pool) -> None:
    about = comment(1, "hola")
    await write(pool, [
        record(about, topics.COMMENTS_RAW),
        record(EnrichedComment(comment=about, analysis=ANALYSIS, enriched_at=NOW), topics.COMMENTS_ENRICHED),
        record(EnrichedComment(comment=about, analysis=OTHER, enriched_at=NOW), topics.COMMENTS_SHADOW),
    ])  # fmt: skip
    hashes = [await _stored_hash(pool, name) for name in ("first", "b" * 10)]
    assert hashes == ["a" * 64, "b" * 64]
    rows = await pool.fetch(_STORED, *hashes, "default", NOW - timedelta(days=1))
    assert [(row["text"], row["first_intent"], row["second_intent"]) for row in rows] == [
        ("hola", "compliment", "other")
    ]
    with pytest.raises(ConfigurationError, match="first@aaaaaaaaaaaa"):
        await _stored_hash(pool, "third")


async def test_the_weeks_themes_are_stored_without_embeddings_and_forget_what_is_erased(pool: Pool) -> None:
    said = [
        "¿Dónde está mi pedido?",
        "donde esta mi pedido",
        "¿Y mi pedido, dónde está?",
        "mi pedido dónde está",
    ]
    others = [
        "Wann macht ihr auf?",
        "Best coffee in town",
        "Gagnez 500€ par jour",
        "👍",
        "Che schifo",
        "@Ana mira",
    ]
    every = [*said, "¿Dónde está mi pedido??", *others]
    await write(pool, [record(comment(n, text), topics.COMMENTS_RAW) for n, text in enumerate(every)])
    span = {"since": NOW - timedelta(days=7), "until": NOW}
    found = await find_and_store(pool, Settings(), **span, limit=100, least=3)
    assert (found["comments"], found["themes"]) == (11, 1)
    row = await pool.fetchrow("select * from theme_overview")
    assert row is not None
    assert row["size"] == found["grouped"] >= 4
    assert "pedido" in row["terms"]
    assert set(row["examples"]) <= set(every)
    await pool.execute("update comments set removed_at = now()")
    assert await pool.fetchval("select examples from theme_overview") is None


def test_models_are_listed_and_verified() -> None:
    app = application(["models"])
    (row,) = [json.loads(line) for line in RUN.invoke(app, ["models", "list", "--json"]).stdout.splitlines()][
        :1
    ]
    assert (row["name"], row["in_use"], row["heads"]) == ("parley-e5-s", True, ["sentiment", "intent"])
    checked = json.loads(RUN.invoke(app, ["models", "verify", "--json"]).stdout)["checked"]
    assert checked[-1].startswith("known answers: 3 texts")


def test_two_models_are_compared_on_a_file(tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("hola\n¿a qué hora abren?\n")
    done = RUN.invoke(
        application(["models"]),
        ["models", "compare", "parley-e5-s", "parley-e5-s", "--file", str(file), "--json"],
    )
    report = json.loads(done.stdout)
    assert (report["texts"], report["intent"]["agreement"], report["examples"]) == (2, 1.0, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "--model", "nobody"], "there is no model 'nobody'; models: parley-e5-s"),
        (["verify", "--model", "parley-e5-s@ffff"], "has the hash"),
        (["evaluate", "--data", "/nowhere"], "--data names the folder"),
        (["train", "everything"], "There is no step"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], said: str) -> None:
    done = RUN.invoke(application(["models"]), ["models", *arguments])
    assert isinstance(done.exception, ConfigurationError)
    assert said in str(done.exception)
