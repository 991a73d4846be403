"""`parley themes`: what the comments of a span of time are about; a bounded job, made to be run daily.

Embeddings are personal data: they are made from the texts anew, used and forgotten. Kept are which comments a
theme has, its size and its words; texts are read from `comments`, so that what is erased there is gone here.
"""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import numpy as np
import typer

from console import database
from console.moments import moment
from console.printing import json_line, printable
from infra import postgres, settings
from infra.settings import Settings

app = typer.Typer(no_args_is_help=True, help="What comments are about.")

_RUNS_KEPT: Final = 30
_READ: Final = """
select comment_id, text from comments
where tenant_id = $1 and received_at >= $2 and received_at < $3 and removed_at is null and text <> ''
order by received_at desc limit $4
"""
_SHOWN: Final = "select * from theme_overview where tenant_id = $1 order by rank limit $2"
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("find")
def find(
    since: Annotated[str, typer.Option(help="Comments since: a time, or so long ago.")] = "7d",
    limit: Annotated[int, typer.Option(help="Most comments read, the newest.", min=1, max=100_000)] = 20_000,
    least: Annotated[int, typer.Option(help="Least comments of a theme.", min=2)] = 5,
    as_json: Json = False,
) -> None:
    """Finds the themes of the last days and stores them; earlier runs stay, thirty of them."""
    known = settings.load()
    until = datetime.now(UTC)
    begin = moment(since)
    found = database.run(
        lambda pool, _tenant: find_and_store(pool, known, since=begin, until=until, limit=limit, least=least)
    )
    if as_json:
        print(json_line(found))
    else:
        print(
            f"{found['comments']} comments read, {found['grouped']} of them in {found['themes']} themes. "
            "Show them: parley themes list, or the view theme_overview."
        )


@app.command("list")
def list_themes(
    limit: Annotated[int, typer.Option("-n", help="At most so many.", min=1)] = 20, as_json: Json = False
) -> None:
    """Shows the latest run's themes, the largest first."""
    rows = database.run(lambda pool, tenant: pool.fetch(_SHOWN, tenant, limit))
    for row in rows:
        if as_json:
            print(json_line(dict(row)))
            continue
        print(f"{row['size']:5} comments, {row['wordings']} wordings: {', '.join(row['terms'])}")
        for text in (row["examples"] or [])[:3]:
            print(f"      {printable(text or '')[:100]}")
    if not rows and not as_json:
        print("No themes yet: parley themes find")


async def find_and_store(
    pool: postgres.Pool, known: Settings, *, since: datetime, until: datetime, limit: int, least: int
) -> dict[str, Any]:
    """One run over the comments received in [since, until), the newest `limit`; says what it found."""
    from console.compose import load_analyzer  # heavy: the model's libraries
    from models.themes import find_themes

    rows = await pool.fetch(_READ, known.tenant, since, until, limit)
    analyzer = await asyncio.to_thread(load_analyzer, known)
    found = await asyncio.to_thread(analyzer.analyze, [row["text"] for row in rows])
    kept = [
        (row, each.embedding) for row, each in zip(rows, found, strict=True) if each.embedding is not None
    ]
    vectors = np.stack([embedding for _, embedding in kept]) if kept else np.zeros((0, 0), np.float32)
    ids, texts = [row["comment_id"] for row, _ in kept], [row["text"] for row, _ in kept]
    themes = await asyncio.to_thread(find_themes, vectors, texts, least=least)
    run, tenant = uuid.uuid4(), known.tenant
    grouped = sum(len(theme.members) for theme in themes)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "insert into theme_runs (run_id, tenant_id, model_hash, since, until, comments, grouped, "
            "made_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
            run, tenant, analyzer.hash, since, until, len(rows), grouped, until,
        )  # fmt: skip
        for rank, theme in enumerate(themes, 1):
            made = uuid.uuid4()
            await connection.execute(
                "insert into themes (theme_id, run_id, tenant_id, rank, size, wordings, terms) "
                "values ($1, $2, $3, $4, $5, $6, $7)",
                made, run, tenant, rank, len(theme.members), len(set(theme.wordings)), list(theme.terms),
            )  # fmt: skip
            await connection.executemany(
                "insert into theme_comments (theme_id, comment_id, nearness, wording, is_example) "
                "values ($1, $2, $3, $4, $5)",
                [
                    (made, ids[place], near, wording, place in theme.examples)
                    for place, near, wording in zip(
                        theme.members, theme.nearness, theme.wordings, strict=True
                    )
                ],
            )
        await connection.execute(
            "delete from theme_runs where tenant_id = $1 and run_id not in ("
            "select run_id from theme_runs where tenant_id = $1 order by made_at desc limit $2)",
            tenant,
            _RUNS_KEPT,
        )
    return {"run_id": str(run), "comments": len(rows), "grouped": grouped, "themes": len(themes)}
