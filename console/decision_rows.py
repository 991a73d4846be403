"""The machine's decisions as Postgres keeps them, with the comment, the scores and the draft of the day."""

from typing import Any, Final

from replies.what_if import Handling, Past
from schemas.events import Analysis, Source
from schemas.labels import Intent, Sentiment
from schemas.states import Action
from sinks.stored_comments import WORDING, comment_of
from sinks.stored_drafts import DRAFT, draft_of

DECISIONS: Final = f"""
select {WORDING},
    a.model, a.model_hash, a.sentiment, a.sentiment_scores, a.intent, a.intent_scores, a.language,
    a.language_confidence, a.unknown_share,
    {DRAFT}, t.content as allowed,
    d.action, d.rule, d.decided_at, p.action as person_action, p.draft_id as person_draft
from decisions d
join comments c on c.comment_id = d.comment_id
join comment_revisions r on r.revision_id = d.revision_id
-- the scores of the day: later models' stand beside them
join lateral (
    select * from analyses a where a.revision_id = d.revision_id order by a.enriched_at, a.model_hash limit 1
) a on true
left join generated_responses g on g.draft_id = d.draft_id
left join response_templates t
    on t.tenant_id = d.tenant_id and t.name = g.template and t.version = g.template_version
left join lateral (
    select p.action, p.draft_id from decisions p
    where p.comment_id = d.comment_id and p.revision_id = d.revision_id and p.decided_by = 'person'
        and p.action in ('approve', 'reject', 'no_reply')
    order by p.is_spent, p.decided_at limit 1
) p on true
where d.decided_by = 'machine' and d.tenant_id = $1 and d.decided_at >= $2
    and d.comment_id >= $3 and d.comment_id <= $4
"""  # noqa: S608
"""Of a tenant ($1) since a time ($2), for comments whose ids lie between $3 and $4."""


def past_of(row: Any) -> Past:
    """A decision of the past from a row; raises ValueError, KeyError or TypeError if it is no event."""
    action = Action(row["action"])
    return Past(
        comment=comment_of(row, Source.SWEEP),
        analysis=Analysis(
            model=row["model"],
            model_hash=row["model_hash"],
            sentiment=Sentiment(row["sentiment"]),
            sentiment_scores=row["sentiment_scores"],
            intent=Intent(row["intent"]),
            intent_scores=row["intent_scores"],
            language=row["language"],
            language_confidence=row["language_confidence"],
            unknown_share=row["unknown_share"],
        ),
        draft=None if row["draft_id"] is None else draft_of(row),
        allowed=row["allowed"] or "",
        action=action,
        rule=row["rule"],
        decided_at=row["decided_at"],
        handling=_handling(row, action),
    )


def _handling(row: Any, action: Action) -> Handling | None:
    match row["person_action"]:
        case Action.REJECT.value:
            return Handling.REJECTED
        case Action.NO_REPLY.value:
            return Handling.NO_REPLY
        case Action.APPROVE.value:
            return Handling.APPROVED if row["person_draft"] == row["draft_id"] else Handling.EDITED
        case _:
            return Handling.WAITING if action in (Action.REVIEW, Action.ESCALATE) else None
