"""Names that are the same wherever and however often a thing is seen.

All ids are UUIDv5 strings below one namespace, so webhook, poll, replay and a second worker derive the
same id without asking each other. Parts are joined with U+001F, which no platform id contains.
"""

import hashlib
import json
import unicodedata
import uuid
from collections.abc import Iterable, Mapping

NAMESPACE = uuid.UUID("6f1c0c4e-5f0b-5d0a-9c53-70a1e7c0f6d1")


def _uuid(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(parts)))


def clean_text(text: str | None) -> str:
    """Text that every store accepts: NUL and lone surrogates become U+FFFD; nothing else changes."""
    if not text:
        return ""
    text = text.replace("\x00", "�")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # "surrogatepass" joins pairs that arrived as two escapes; what is still alone is replaced.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def normalised_text(text: str | None) -> str:
    """The form that decides whether a comment was edited: NFC, whitespace runs as one space, stripped."""
    return " ".join(unicodedata.normalize("NFC", clean_text(text)).split())


def comment_id(platform: str, account_id: str, platform_comment_id: str) -> str:
    """Id of a comment; also the Kafka key of everything about it."""
    return _uuid("comment", platform, account_id, platform_comment_id)


def revision_id(comment: str, text: str | None, attachments: Iterable[str] = ()) -> str:
    """Id of one wording of a comment: the same from a webhook and from a poll.

    `attachments` are their kinds, not their URLs: platforms sign media URLs anew on every read.
    """
    digest = hashlib.sha256("\x1f".join([normalised_text(text), *sorted(attachments)]).encode()).hexdigest()
    return _uuid("revision", comment, digest)


def draft_id(revision: str, text: str, origin: str) -> str:
    """Id of a draft by its content, because a language model asked twice writes two texts."""
    return _uuid("draft", revision, origin, hashlib.sha256(text.encode()).hexdigest())


def decision_id(revision: str, draft: str | None, decided_by: str, action: str) -> str:
    """Id of a decision; the same decision taken twice by the machine is one row."""
    return _uuid("decision", revision, draft or "", decided_by, action)


def content_hash(content: Mapping[str, object]) -> str:
    """Hex SHA-256 of a JSON-able mapping, independent of key order."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
