"""How a staged batch becomes rows: the statements for each kind of staged row, in the order they must run in.

Rows are written in the order of comment ids, so that writers wait for each other instead of deadlocking.
"""

from typing import Final

_GREATEST: Final = (
    "platform_post_id",
    "platform_parent_id",
    "author_id",
    "author_name",
    "author_followers",
    "permalink",
)
_LEAST: Final = ("created_at", "received_at")
_LATEST: Final = ("hidden_changed_at", "gone_at", "back_at")


def _removed(gone: str, back: str) -> str:
    """When it was removed for good, so far: the latest of both facts counts, whatever came first."""
    return f"case when {back} is null or {gone} > {back} then {gone} end"


_MERGED: Final = (
    *((name, f"greatest(c.{name}, excluded.{name})") for name in (*_GREATEST, *_LATEST)),
    *((name, f"least(c.{name}, excluded.{name})") for name in _LEAST),
    (
        "removed_at",
        _removed("greatest(c.gone_at, excluded.gone_at)", "greatest(c.back_at, excluded.back_at)"),
    ),
    ("mentions_account", "greatest(c.mentions_account, excluded.mentions_account)"),
    (
        "is_hidden",
        "case when excluded.hidden_changed_at is null"
        " or (c.hidden_changed_at, c.is_hidden) > (excluded.hidden_changed_at, excluded.is_hidden)"
        " then c.is_hidden else excluded.is_hidden end",
    ),
)
# A removed comment comes back by a direct read alone, made when the removal was known (an edit by a poll
# whose time is that of the read: `connectors.polling.comparing.restored`). Listings may be older than the
# removal, and webhooks late: what they say of a removed comment changes nothing. The reply that a removal has
# ended stays ended; people are asked (`sinks.queueing`).
_GONE: Final = "max(occurred_at) filter (where kind = 'removed')"
_BACK: Final = (
    "max(occurred_at) filter (where kind = 'edited' and source in ('poll', 'backfill')"
    " and occurred_at = observed_at)"
)
_COMMENTS: Final = f"""
insert into comments as c (
    comment_id, tenant_id, platform, account_id, platform_comment_id,
    {", ".join(_GREATEST)}, {", ".join(_LEAST)}, gone_at, back_at, removed_at, mentions_account,
    hidden_changed_at, is_hidden)
select comment_id, min(tenant_id), min(platform), min(account_id), min(platform_comment_id),
    {", ".join(f"max({name})" for name in _GREATEST)},
    min(created_at), min(observed_at), {_GONE}, {_BACK}, {_removed(_GONE, _BACK)},
    bool_or(mentions_account),
    max(occurred_at) filter (where is_hidden is not null),
    coalesce((array_agg(is_hidden order by occurred_at desc, is_hidden desc)
        filter (where is_hidden is not null))[1], false)
from in_batch where what = 'comment' group by comment_id order by comment_id
on conflict (comment_id) do update set {", ".join(f"{name} = {rule}" for name, rule in _MERGED)}
where ({", ".join(f"c.{name}" for name, _ in _MERGED)})
    is distinct from ({", ".join(rule for _, rule in _MERGED)})
"""  # noqa: S608

# A comment that was fed in again keeps the source it came by first.
_REVISIONS: Final = """
insert into comment_revisions as r (
    revision_id, comment_id, text, attachments, revised_at, observed_at, source, by_webhook, by_poll,
    by_backfill)
select revision_id, comment_id, min(text), min(attachments::jsonb::text)::jsonb, max(occurred_at),
    min(observed_at), coalesce(min(nullif(source, 'sweep')), 'sweep'), bool_or(source = 'webhook'),
    bool_or(source = 'poll'), bool_or(source = 'backfill')
from in_batch where what = 'comment' and revision_id is not null
group by comment_id, revision_id order by comment_id, revision_id
on conflict (revision_id) do update set
    text = least(r.text, excluded.text),
    attachments = least(r.attachments::text, excluded.attachments::text)::jsonb,
    revised_at = greatest(r.revised_at, excluded.revised_at),
    observed_at = least(r.observed_at, excluded.observed_at),
    source = coalesce(least(nullif(r.source, 'sweep'), nullif(excluded.source, 'sweep')), 'sweep'),
    by_webhook = r.by_webhook or excluded.by_webhook,
    by_poll = r.by_poll or excluded.by_poll,
    by_backfill = r.by_backfill or excluded.by_backfill
where (r.text, r.attachments::text, r.revised_at, r.observed_at, r.source, r.by_webhook, r.by_poll,
    r.by_backfill) is distinct from (
    least(r.text, excluded.text), least(r.attachments::text, excluded.attachments::text),
    greatest(r.revised_at, excluded.revised_at), least(r.observed_at, excluded.observed_at),
    coalesce(least(nullif(r.source, 'sweep'), nullif(excluded.source, 'sweep')), 'sweep'),
    r.by_webhook or excluded.by_webhook, r.by_poll or excluded.by_poll,
    r.by_backfill or excluded.by_backfill)
"""

# The newest wording; of two with the same time the one that was first seen later, because a poll that cannot
# tell when a comment was edited gives the time it was written.
_WORDING: Final = """
update comments c set current_revision_id = r.revision_id, text = r.text, revised_at = r.revised_at
from (
    select distinct on (comment_id) comment_id, revision_id, text, revised_at from comment_revisions
    where comment_id = any (array(
        select comment_id from in_batch where what = 'comment' and revision_id is not null))
    order by comment_id, revised_at desc, observed_at desc, revision_id desc
) r
where c.comment_id = r.comment_id
    and (c.current_revision_id, c.text, c.revised_at) is distinct from (r.revision_id, r.text, r.revised_at)
"""

_OBSERVED: Final = """
insert into observed_replies as o (
    comment_id, reply_id, tenant_id, platform, account_id, text, occurred_at, observed_at)
select comment_id, reply_id, min(tenant_id), min(platform), min(account_id), min(text), min(occurred_at),
    min(observed_at)
from in_batch where what = 'observed' group by comment_id, reply_id order by comment_id, reply_id
on conflict (comment_id, reply_id) do update set text = least(o.text, excluded.text),
    occurred_at = least(o.occurred_at, excluded.occurred_at),
    observed_at = least(o.observed_at, excluded.observed_at)
where (o.text, o.occurred_at, o.observed_at) is distinct from (
    least(o.text, excluded.text), least(o.occurred_at, excluded.occurred_at),
    least(o.observed_at, excluded.observed_at))
"""

_POSTS: Final = """
insert into posts as p (
    tenant_id, platform, account_id, platform_post_id, text, permalink, published_at, observed_at, by_account)
select distinct on (tenant_id, platform, account_id, platform_post_id)
    tenant_id, platform, account_id, platform_post_id, text, permalink, published_at, observed_at, by_account
from in_batch where what = 'post'
order by tenant_id, platform, account_id, platform_post_id,
    observed_at desc, text desc nulls last, permalink desc nulls last, published_at desc nulls last,
    by_account desc nulls last
on conflict (tenant_id, platform, account_id, platform_post_id) do update set text = excluded.text,
    permalink = excluded.permalink, published_at = excluded.published_at, observed_at = excluded.observed_at,
    by_account = excluded.by_account
where (excluded.observed_at, coalesce(excluded.text, ''), coalesce(excluded.permalink, ''),
        coalesce(excluded.published_at, '-infinity'), excluded.by_account is not null, excluded.by_account)
    > (p.observed_at, coalesce(p.text, ''), coalesce(p.permalink, ''), coalesce(p.published_at, '-infinity'),
        p.by_account is not null, p.by_account)
"""

_ENGAGEMENT: Final = """
insert into engagement (
    tenant_id, platform, account_id, platform_post_id, comment_id, likes, replies, is_hidden, observed_at)
select tenant_id, platform, account_id, platform_post_id, comment_id, likes, replies, is_hidden, observed_at
from in_batch where what = 'engagement'
order by tenant_id, platform, account_id, platform_post_id, comment_id, observed_at on conflict do nothing
"""


def _first_kept(target: str, what: str, columns: str) -> str:
    names = columns.split()
    taken = [f"{name}::jsonb" if name.endswith("_scores") else name for name in names]
    return (
        f"insert into {target} ({', '.join(names)}) select {', '.join(taken)} from in_batch "  # noqa: S608
        f"where what = '{what}' order by comment_id on conflict do nothing"
    )


_ANALYSIS: Final = (
    "revision_id model_hash comment_id model sentiment sentiment_scores intent intent_scores language"
    " language_confidence unknown_share enriched_at"
)
_ANALYSES: Final = _first_kept("analyses", "analysis", f"{_ANALYSIS} embedding")
_SHADOWS: Final = _first_kept("shadow_analyses", "shadow", _ANALYSIS)
# A draft is seen twice: when it was made, and inside the decision about it, perhaps as the first.
_DRAFTS: Final = """
insert into generated_responses as g (draft_id, comment_id, revision_id, tenant_id, content, origin, template,
    template_version, language, model, prompt_hash, reasons, grounds, confidence_score, created_at)
select distinct on (draft_id) draft_id, comment_id, revision_id, tenant_id, content, origin, template,
    template_version, language, model, prompt_hash, reasons, grounds, confidence_score, created_at
from in_batch where what = 'draft' order by draft_id, created_at
on conflict (draft_id) do update set created_at = excluded.created_at where g.created_at > excluded.created_at
"""
# A comment delivered again after a SIGKILL may get another template: the draft that its decision is not about
# goes, in whatever order they come. A decision about a draft brings it along, so this runs with it too.
_DRAFTS_LEFT: Final = """
delete from generated_responses g using decisions d
where g.comment_id = any (array(select comment_id from in_batch where what = 'draft'))
    and d.revision_id = g.revision_id and d.decided_by = 'machine' and d.draft_id <> g.draft_id
    and not exists (select from decisions o where o.comment_id = g.comment_id and o.draft_id = g.draft_id)
"""
_DECISIONS: Final = _first_kept(
    "decisions",
    "decision",
    "decision_id comment_id revision_id draft_id tenant_id action decided_by person text policy_version rule"
    " reason priority expires_at decided_at",
)
_OUTCOMES: Final = _first_kept(
    "reply_outcomes",
    "outcome",
    "outcome_id decision_id comment_id revision_id draft_id tenant_id outcome reason attempts reply_id text"
    " at",
)
_DEAD: Final = _first_kept(
    "dead_letters",
    "dead",
    'dead_letter_id stage reason error message topic partition "offset" comment_id failed_at',
)

# A decision that asks for a person makes an item; whether it is open follows from the state. A second one
# about the same wording (a moderator escalates) raises its level.
_REVIEW_ITEMS: Final = """
insert into review_items as i (
    revision_id, comment_id, draft_id, tenant_id, level, reason, priority, created_at, is_open)
select distinct on (revision_id) b.revision_id, b.comment_id, b.draft_id, b.tenant_id,
    case b.action when 'escalate' then 'supervisor' else 'moderator' end, b.reason, b.priority, b.decided_at,
    false
from in_batch b join decisions d on d.decision_id = b.decision_id
where b.what = 'decision' and b.action in ('review', 'escalate')
order by b.revision_id, b.action
on conflict (revision_id) do update set
    draft_id = coalesce(i.draft_id, excluded.draft_id),
    reason = case when excluded.level > i.level and i.cause = 'decision'
        then excluded.reason else i.reason end,
    level = greatest(i.level, excluded.level),
    priority = greatest(i.priority, excluded.priority),
    created_at = least(i.created_at, excluded.created_at)
"""

MERGES: Final = {
    "comment": (_COMMENTS, _REVISIONS, _WORDING),
    "observed": (_OBSERVED,),
    "post": (_POSTS,),
    "engagement": (_ENGAGEMENT,),
    "analysis": (_ANALYSES,),
    "shadow": (_SHADOWS,),
    "decision": (_DECISIONS, _REVIEW_ITEMS),
    "draft": (_DRAFTS, _DRAFTS_LEFT),
    "outcome": (_OUTCOMES,),
    "dead": (_DEAD,),
}
"""Statements by kind of staged row, to be run in this order."""
