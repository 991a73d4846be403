-- Templates for some accounts only, and how often each is taken beside others that fit as well.
alter table response_templates
    add column accounts text[] not null default '{}',
    add column weight double precision not null default 1 check (weight between 0 and 1);

-- What became of a template's drafts, by intent: the evidence for weights and for a confidence threshold.
-- A draft sent by itself and later retracted is not told apart here from one that was left.
create view draft_verdicts as
    select g.tenant_id, g.draft_id, g.comment_id, g.revision_id, g.origin, g.template, g.template_version,
           g.confidence_score, a.intent, a.sentiment, a.language, c.platform, c.account_id, d.decided_at,
           case
               when p.action is null then null
               when p.action = 'approve' and p.draft_id = d.draft_id then 'approved'
               when p.action = 'approve' then 'edited'
               else 'rejected'
           end as verdict
    from generated_responses g
    join decisions d on d.draft_id = g.draft_id and d.decided_by = 'machine'
    join comments c on c.comment_id = g.comment_id
    left join lateral (
        select * from analyses a where a.revision_id = g.revision_id order by a.enriched_at limit 1
    ) a on true
    left join lateral (
        select p.action, p.draft_id from decisions p
        where p.comment_id = g.comment_id and p.revision_id = g.revision_id and p.decided_by = 'person'
            and p.action in ('approve', 'reject', 'no_reply')
        order by p.is_spent, p.decided_at limit 1
    ) p on true;
