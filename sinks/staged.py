"""The temporary table that a batch is copied into, and the rows that events become there.

One wide table for all kinds of rows, emptied when the transaction ends: emptying costs about 4 ms a table,
however few rows there were. JSON travels as text: COPY is binary, and asyncpg has no binary encoder for it.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from infra.postgres import Connection
from infra.tracing import context_of
from schemas import identity
from schemas.events import (
    CommentEvent,
    CommentKind,
    DeadLetter,
    Decision,
    Draft,
    DraftedReply,
    EngagementEvent,
    EnrichedComment,
    PostEvent,
    ReplyOutcome,
)
from schemas.headers import TRACEPARENT
from schemas.topics import COMMENTS_SHADOW
from streams.stage import Input

Row = dict[str, Any]
"""A staged row by column; `what` tells its kind, columns left out are null."""

_COLUMNS: Final = {
    "uuid": "comment_id revision_id draft_id decision_id outcome_id dead_letter_id",
    "text": "what kind tenant_id platform account_id platform_comment_id platform_post_id platform_parent_id"
    " author_id author_name permalink text attachments source reply_id model_hash model sentiment"
    " sentiment_scores intent intent_scores language content origin template prompt_hash thread_id action"
    " decided_by person policy_version rule reason outcome stage error message topic traceparent",
    "timestamptz": "created_at occurred_at observed_at published_at enriched_at decided_at expires_at"
    " failed_at at",
    "boolean": "is_hidden posting_allowed mentions_account by_account",
    "real": "language_confidence unknown_share confidence_score priority",
    "integer": "template_version attempts partition likes replies author_followers",
    "bigint": "offset",
    "text[]": "reasons grounds",
    "bytea": "embedding",
}
_NAMES: Final = [name for names in _COLUMNS.values() for name in names.split()]
_DEFINITION: Final = "create temporary table in_batch ({}) on commit delete rows".format(
    ", ".join(f'"{name}" {kind}' for kind, names in _COLUMNS.items() for name in names.split())
)


async def load(connection: Connection, rows: Iterable[Row]) -> None:
    """Copies rows into `in_batch`, within the caller's transaction."""
    if await connection.fetchval("select to_regclass('pg_temp.in_batch')") is None:
        await connection.execute(_DEFINITION)
    records = [tuple(map(row.get, _NAMES)) for row in rows]
    await connection.copy_records_to_table("in_batch", records=records, columns=_NAMES)


def rows_of(record: Input[Any]) -> list[Row]:
    """The staged rows of one record of any topic; none for topics that leave no facts."""
    match record.event:
        case CommentEvent() as event:
            return _comment(event)
        case EnrichedComment() as event:
            shadow = record.topic == COMMENTS_SHADOW.name
            return [_known(event.comment, event.comment.observed_at), _analysis(event, shadow=shadow)]
        case DraftedReply() as event:
            known = _known(event.comment, event.comment.observed_at)
            return [known, _draft(event.draft, event.comment, event.drafted_at)]
        case Decision() as event:
            rows = [_known(event, event.received_at), _decision(event, record)]
            return [*rows, _draft(event.draft, event, event.decided_at)] if event.draft else rows
        case PostEvent() as event:
            return [_fields(event, "post", _POST)]
        case EngagementEvent() as event:
            return [_fields(event, "engagement", _ENGAGEMENT)]
        case ReplyOutcome() as event:
            return [_fields(event, "outcome", _OUTCOME)]
        case DeadLetter() as event:
            return [_dead_letter(event)]
    return []


def _fields(event: object, what: str, names: str, more: Mapping[str, Any] | None = None) -> Row:
    return {"what": what, **{name: getattr(event, name) for name in names.split()}, **(more or {})}


_POST: Final = (
    "tenant_id platform account_id platform_post_id text permalink published_at observed_at by_account"
)
_ENGAGEMENT: Final = (
    "tenant_id platform account_id platform_post_id comment_id likes replies is_hidden observed_at"
)
_OUTCOME: Final = (
    "outcome_id decision_id comment_id revision_id draft_id tenant_id outcome reason attempts reply_id text"
    " at"
)
_ABOUT: Final = "comment_id tenant_id platform account_id platform_comment_id platform_post_id"


def _known(event: CommentEvent | Decision, received_at: datetime) -> Row:
    """Makes sure that the comment has a row: facts about it wait for each other by locking it."""
    return _fields(event, "comment", _ABOUT, {"kind": "known", "observed_at": received_at})


def _comment(event: CommentEvent) -> list[Row]:
    if event.kind is CommentKind.REPLY_OBSERVED:
        # Its author and text are the reply's; of the comment it tells only which one was answered.
        known = _known(event, event.observed_at)
        names = "comment_id reply_id tenant_id platform account_id text occurred_at observed_at"
        return [known, _fields(event, "observed", names)] if event.reply_id is not None else [known]
    names = (
        f"{_ABOUT} kind platform_parent_id author_id author_name author_followers permalink created_at"
        " occurred_at observed_at is_hidden mentions_account source"
    )
    row = _fields(event, "comment", names)
    if event.kind.has_wording:
        attachments = [{"kind": item.kind, "url": item.url} for item in event.attachments]
        row["revision_id"] = event.revision_id
        row["text"] = event.text or ""
        row["attachments"] = json.dumps(attachments, ensure_ascii=False)
    return [row]


def _analysis(event: EnrichedComment, *, shadow: bool) -> Row:
    names = "model_hash model sentiment intent language language_confidence unknown_share embedding"
    return _fields(event.analysis, "shadow" if shadow else "analysis", names, {
        "revision_id": event.comment.revision_id,
        "comment_id": event.comment.comment_id,
        "sentiment_scores": json.dumps(event.analysis.sentiment_scores),
        "intent_scores": json.dumps(event.analysis.intent_scores),
        "enriched_at": event.enriched_at,
    })  # fmt: skip


def _draft(draft: Draft, about: CommentEvent | Decision, at: datetime) -> Row:
    names = "draft_id revision_id origin template template_version language model prompt_hash"
    return _fields(draft, "draft", names, {
        "comment_id": about.comment_id,
        "tenant_id": about.tenant_id,
        "content": draft.text,
        "reasons": list(draft.reasons),
        "grounds": list(draft.grounds),
        "confidence_score": draft.confidence,
        "created_at": at,
    })  # fmt: skip


def _decision(event: Decision, record: Input[Any]) -> Row:
    names = (
        f"{_ABOUT} decision_id revision_id thread_id author_id action decided_by person text policy_version"
        " rule reason priority expires_at decided_at"
    )
    draft_id = event.draft.draft_id if event.draft else None
    return _fields(event, "decision", names, {
        "draft_id": draft_id,
        "posting_allowed": record.posting_allowed,
        "traceparent": record.headers[TRACEPARENT].decode("ascii") if context_of(record.headers) else None,
    })  # fmt: skip


def _dead_letter(event: DeadLetter) -> Row:
    # Cleaned, because a dead letter that cannot be stored would make another one.
    texts = {
        name: identity.clean_text(getattr(event, name)) for name in ("stage", "reason", "error", "message")
    }
    names = "dead_letter_id topic partition offset failed_at"
    return _fields(event, "dead", names, {**texts, "comment_id": _comment_of(event.key)})


def _comment_of(key: bytes | None) -> str | None:
    """The comment a dead record was about, if its key is an id of ours (a UUID of version 5)."""
    try:
        found = uuid.UUID((key or b"").decode("ascii"))
    except ValueError:
        return None
    return str(found) if found.version == 5 else None
