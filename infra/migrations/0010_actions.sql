-- What is done on the platform besides replying: taking own replies back, hiding comments and showing them.
-- Intent before the call, outcome after it. All three may be repeated without harm, but nobody should have to.
create table platform_actions (
    action_id    uuid primary key default gen_random_uuid(),
    tenant_id    text not null,
    platform     text not null,
    account_id   text not null,
    kind         text not null check (kind in ('retract', 'hide', 'unhide')),
    target       text not null,  -- the platform's id of the reply or comment
    comment_id   uuid not null,
    decision_id  uuid,           -- of the reply that is taken back, or that ordered the hiding
    state        text not null default 'waiting' check (state in ('waiting', 'doing', 'unknown', 'done', 'failed')),
    reason       text not null default '',
    attempts     integer not null default 0,
    asked_by     text not null,
    asked_at     timestamptz not null default now(),
    not_before   timestamptz not null default now(),
    claimed_at   timestamptz,
    finished_at  timestamptz
);
create unique index platform_actions_once on platform_actions (platform, account_id, target, kind)
    where state in ('waiting', 'doing', 'unknown') or (kind = 'retract' and state = 'done');
create index platform_actions_due on platform_actions (tenant_id, not_before)
    where state in ('waiting', 'doing', 'unknown');
create index platform_actions_by_comment on platform_actions (comment_id);

alter table reply_queue add column retracted_at timestamptz;

-- A comment that the policy has hidden ends as one that gets no reply. Spliced in, so that the one place that
-- ranks facts stays whole.
do $$
declare
    known constant text := 'when word.action = ''expire'' then ''expired''';
    source text := pg_get_functiondef('comment_states(uuid[])'::regprocedure);
begin
    if position(known in source) = 0 then
        raise exception 'comment_states() is not the one that this migration knows';
    end if;
    execute replace(source, known, known || ' when word.action = ''hide'' then ''no_reply''');
end $$;
