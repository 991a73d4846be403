"""`parley models compare`: two models side by side, on a file or on what is stored of both."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from console import database
from console.model_folders import find_model
from console.moments import moment
from console.printing import json_line, printable
from infra import settings
from infra.postgres import Pool
from models.comparing import Comparison
from schemas.errors import ConfigurationError

_AT_ONCE: Final = 2_000
_STORED: Final = """
select r.text, a.sentiment as first_sentiment, a.intent as first_intent,
       b.sentiment as second_sentiment, b.intent as second_intent
from model_answers a
join model_answers b on b.revision_id = a.revision_id and b.model_hash = $2
join comment_revisions r on r.revision_id = a.revision_id
join comments c on c.comment_id = a.comment_id and c.tenant_id = $3
where a.model_hash = $1 and a.enriched_at >= $4
order by a.enriched_at desc
"""


def compare(
    first: Annotated[str, typer.Argument(help="A model's name, NAME@HASH, folder, or (stored) hash.")],
    second: Annotated[str, typer.Argument(help="The other one.")],
    file: Annotated[
        Path | None, typer.Option(help="Label these texts by both, instead of reading what is stored.")
    ] = None,
    since: Annotated[str, typer.Option(help="Stored answers since: a time, or so long ago.")] = "30d",
    examples: Annotated[int, typer.Option("-n", help="So many texts where they differ.", min=0)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Shows how often two models agree, and where they differ."""
    found = Comparison(keep=examples)
    if file is not None:
        _on_file(found, first, second, file)
    else:
        named, begin = (first, second), moment(since)
        first, second = database.run(lambda pool, tenant: _on_stored(pool, tenant, found, named, begin))
    report = {
        "first": first,
        "second": second,
        "texts": found.texts,
        **{
            head: {
                "agreement": found.agreement(head),
                "kappa": found.kappa(head),
                "differences": [
                    {"first": a, "second": b, "texts": n} for (a, b), n in found.differences(head)
                ],
            }
            for head in found.confusion
        },
        "examples": [{"text": text, "first": list(a), "second": list(b)} for text, a, b in found.apart],
    }
    if as_json:
        print(json_line(report))
        return
    _show(report)


def _show(report: dict[str, Any]) -> None:
    print(f"{report['first']} and {report['second']}: {report['texts']} texts labelled by both")
    for head in ("sentiment", "intent"):
        part = report[head]
        if part["agreement"] is None:
            continue
        print(f"  {head}: agree on {part['agreement']:.1%}, kappa {part['kappa']}")
        for pair in part["differences"][:8]:
            print(f"    {pair['texts']:6} {pair['first']} / {pair['second']}")
    for example in report["examples"]:
        labels = " | ".join("/".join(example[which]) for which in ("first", "second"))
        print(f"  {labels}  {printable(example['text'])[:100]}")


def _on_file(found: Comparison, first: str, second: str, file: Path) -> None:
    from console.texts import read_texts
    from models.analyzer import Analyzer

    known = settings.load()
    both = [
        Analyzer.load(find_model(each, known), threads=known.model_threads, cache_texts=0)
        for each in (first, second)
    ]
    texts = [row for row in read_texts(file) if isinstance(row, str)]
    for start in range(0, len(texts), _AT_ONCE):
        part = texts[start : start + _AT_ONCE]
        rows = zip(part, both[0].analyze(part), both[1].analyze(part), strict=True)
        found.add(
            (t, (str(a.sentiment), str(a.intent)), (str(b.sentiment), str(b.intent))) for t, a, b in rows
        )


async def _on_stored(
    pool: Pool, tenant: str, found: Comparison, named: tuple[str, str], since: datetime
) -> tuple[str, str]:
    first, second = [await _stored_hash(pool, each) for each in named]
    async with pool.acquire() as connection, connection.transaction():
        async for row in connection.cursor(_STORED, first, second, tenant, since, prefetch=_AT_ONCE):
            a, b = [(row[f"{which}_sentiment"], row[f"{which}_intent"]) for which in ("first", "second")]
            found.add([(row["text"], a, b)])
    return first, second


async def _stored_hash(pool: Pool, model: str) -> str:
    """The hash of a model that has answered: by its name, its hash or how that begins."""
    name, _, digest = model.partition("@")
    rows = await pool.fetch(
        "select model, model_hash, max(enriched_at) as latest from model_answers group by 1, 2 "
        "order by latest desc"
    )
    for row in rows:
        named = row["model"] == name and row["model_hash"].startswith(digest)
        if named or (len(model) >= 6 and row["model_hash"].startswith(model)):
            return str(row["model_hash"])
    known = ", ".join(f"{row['model']}@{row['model_hash'][:12]}" for row in rows) or "none"
    raise ConfigurationError(f"No stored answers by {model!r}. Models with answers: {known}.")
