"""Drafts as Postgres keeps them."""

from typing import Any, Final

from schemas.events import Draft, DraftOrigin

DRAFT: Final = (
    "g.draft_id, g.content, g.origin, g.language as draft_language, g.confidence_score, g.template, "
    "g.template_version, g.model as draft_model, g.prompt_hash, g.reasons, g.grounds"
)
"""What `draft_of` reads beside `revision_id`; `g` is generated_responses."""


def draft_of(row: Any) -> Draft:
    """The draft of a row; raises ValueError, KeyError or TypeError if it is none.

    Its confidence is kept in four bytes: rounded, it is what it was, and meets the same thresholds.
    """
    return Draft(
        draft_id=str(row["draft_id"]),
        revision_id=str(row["revision_id"]),
        text=row["content"],
        origin=DraftOrigin(row["origin"]),
        language=row["draft_language"],
        confidence=round(row["confidence_score"], 4),
        template=row["template"],
        template_version=row["template_version"],
        model=row["draft_model"],
        prompt_hash=row["prompt_hash"],
        reasons=tuple(row["reasons"]),
        grounds=tuple(row["grounds"]),
    )
