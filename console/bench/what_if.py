"""`parley policy what-if` over a history of many drafts, in a database of its own."""

import asyncio
import itertools
import time
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from console.bench.own_database import own_database
from console.demo.command import SAMPLE
from console.past_decisions import Question, ask
from console.servers import open_servers
from console.texts import read_texts
from infra import postgres, settings
from replies.documents import read_yaml
from replies.shipped import policy_text
from schemas import identity
from schemas.events import Platform, utc_now
from schemas.labels import Intent, Sentiment

DRAFTS: Final = 100_000
_ACCOUNT: Final = "104000000000001"
_TENANT: Final = "default"
_DRAFT: Final = "Thank you so much, this makes our day!"


def measure() -> dict[str, float]:
    """Seconds, and drafts a second, on all cores."""
    with open_servers(settings.load()) as servers, own_database(servers.database) as database:
        asyncio.run(fill(database, DRAFTS))
        month = utc_now() - timedelta(days=30)
        question = Question(database, _TENANT, month, read_yaml(policy_text(), "policy"), None)
        began = time.perf_counter()
        answer = ask(question, done=lambda _share: None)
        seconds = time.perf_counter() - began
    return {
        "stored drafts": answer.tally.considered,
        "seconds": seconds,
        "drafts a second": answer.tally.considered / seconds,
    }


async def fill(url: str, number: int) -> None:
    """Migrates a database; gives it `number` comments with scores, drafts and decisions."""
    texts = [text for text in read_texts(SAMPLE) if isinstance(text, str)]
    rows: dict[str, list[dict[str, Any]]] = {
        "comments": [],
        "comment_revisions": [],
        "analyses": [],
        "generated_responses": [],
        "decisions": [],
    }
    now = utc_now()
    async with postgres.open_pool(url, size=1) as pool:
        await postgres.migrate(pool)
        await pool.execute(
            "insert into social_accounts (tenant_id, platform, account_id, name, mode, brand_name) "
            "values ($1, 'facebook', $2, 'Bench', 'auto', 'Bench')",
            _TENANT,
            _ACCOUNT,
        )
        for at, text in enumerate(itertools.islice(itertools.cycle(texts), number)):
            for table, row in _history(at, text, now).items():
                rows[table].append(row)
            if len(rows["comments"]) >= 5000 or at == number - 1:
                for table, found in rows.items():
                    columns = ", ".join(found[0])
                    await pool.execute(
                        f"insert into {table} ({columns}) select {columns} "  # noqa: S608 - names of ours
                        f"from jsonb_populate_recordset(null::{table}, $1)",
                        found,
                    )
                    found.clear()
        await pool.execute("analyze")


def _history(number: int, text: str, now: datetime) -> dict[str, dict[str, Any]]:
    """The rows of one comment, by table."""
    comment = identity.comment_id(Platform.FACEBOOK, _ACCOUNT, str(number))
    revision = identity.revision_id(comment, text, [])
    sentiment, intent = list(Sentiment)[number % 3], list(Intent)[number % 7]
    at = now - timedelta(minutes=number % 40_000)
    ids = {"comment_id": comment, "revision_id": revision}
    draft = str(uuid.UUID(int=number))
    decision = {"action": "review", "decided_by": "machine", "policy_version": "bench", "rule": "bench"}
    return {
        "comments": {
            "comment_id": comment,
            "tenant_id": _TENANT,
            "platform": "facebook",
            "account_id": _ACCOUNT,
            "platform_comment_id": str(number),
            "platform_post_id": f"{_ACCOUNT}_1",
            "author_id": str(number),
            "created_at": str(at),
            "received_at": str(at),
            "text": text,
            "current_revision_id": revision,
            "revised_at": str(at),
        },
        "comment_revisions": {
            **ids,
            "text": text,
            "attachments": [],
            "revised_at": str(at),
            "observed_at": str(at),
            "source": "webhook",
        },
        "analyses": {
            **ids,
            "model": "bench",
            "model_hash": "bench",
            "sentiment": sentiment.value,
            "sentiment_scores": {each.value: 0.9 if each is sentiment else 0.05 for each in Sentiment},
            "intent": intent.value,
            "intent_scores": {each.value: 0.88 if each is intent else 0.02 for each in Intent},
            "language": "es",
            "language_confidence": 0.95,
            "unknown_share": 0.0,
            "enriched_at": str(at),
        },
        "generated_responses": {
            **ids,
            "draft_id": draft,
            "tenant_id": _TENANT,
            "content": _DRAFT,
            "origin": "template",
            "language": "es",
            "confidence_score": 0.8,
            "created_at": str(at),
        },
        "decisions": {
            **ids,
            **decision,
            "decision_id": draft,
            "draft_id": draft,
            "tenant_id": _TENANT,
            "reason": "bench",
            "priority": 1.0,
            "decided_at": str(at),
        },
    }
