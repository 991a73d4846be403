-- Facts are written once (insert ... on conflict do nothing, or greatest/coalesce), so that every topic may be
-- read in any order and again; a comment's state is derived from them by refresh_comment_states().
-- No foreign keys between rows that come from different topics.

create table users (
    user_id     uuid primary key default gen_random_uuid(),
    tenant_id   text not null,
    name        text not null,
    role        text not null check (role in ('moderator', 'supervisor', 'analyst', 'admin')),
    is_active   boolean not null default true,
    created_at  timestamptz not null default now(),
    unique (tenant_id, name)
);

create table social_accounts (
    tenant_id           text not null,
    platform            text not null,
    account_id          text not null,
    name                text not null,
    mode                text not null default 'review' check (mode in ('observe', 'review', 'auto')),
    status              text not null default 'active' check (status in ('active', 'paused', 'blocked', 'needs_auth')),
    status_reason       text,
    may_reply           boolean not null default true,
    only_when_mentioned boolean not null default false,
    default_language    text not null default 'en',
    brand_name          text not null default '',
    replies_per_minute  double precision not null default 30 check (replies_per_minute >= 0),
    token_ciphertext    bytea,
    token_key_id        text,
    version             integer not null default 1,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    primary key (tenant_id, platform, account_id)
);

create table posts (
    tenant_id         text not null,
    platform          text not null,
    account_id        text not null,
    platform_post_id  text not null,
    text              text,
    permalink         text,
    published_at      timestamptz,
    observed_at       timestamptz not null,
    primary key (tenant_id, platform, account_id, platform_post_id)
);

create table comments (
    comment_id            uuid primary key,
    tenant_id             text not null,
    platform              text not null,
    account_id            text not null,
    platform_comment_id   text not null,
    platform_post_id      text,
    platform_parent_id    text,
    author_id             text,
    author_name           text,
    permalink             text,
    created_at            timestamptz,
    received_at           timestamptz not null,
    text                  text,
    current_revision_id   uuid,
    revised_at            timestamptz,
    hidden_changed_at     timestamptz,
    is_hidden             boolean not null default false,
    removed_at            timestamptz,
    state                 text not null default 'received',
    state_reason          text not null default '',
    state_changed_at      timestamptz not null default now(),
    swept_at              timestamptz,                 -- when the sweeper last fed it in again
    sweeps                integer not null default 0   -- and how often it has
);
create index comments_by_state on comments (tenant_id, state, received_at);
create index comments_by_platform_id on comments (platform, account_id, platform_comment_id);
create index comments_by_received on comments (received_at);

create table comment_revisions (
    revision_id  uuid primary key,
    comment_id   uuid not null,
    text         text not null,
    attachments  jsonb not null default '[]',
    revised_at   timestamptz not null,
    observed_at  timestamptz not null,
    source       text not null
);
create index comment_revisions_by_comment on comment_revisions (comment_id, revised_at);

create table analyses (
    revision_id          uuid not null,
    model_hash           text not null,
    comment_id           uuid not null,
    model                text not null,
    sentiment            text not null,
    sentiment_scores     jsonb not null,
    intent               text not null,
    intent_scores        jsonb not null,
    language             text not null,
    language_confidence  real not null,
    unknown_share        real not null,
    enriched_at          timestamptz not null,
    primary key (revision_id, model_hash)
);
create index analyses_by_comment on analyses (comment_id);

create table response_templates (
    tenant_id   text not null,
    name        text not null,
    version     integer not null,
    language    text not null,
    intent      text not null,
    sentiment   text,
    content     text not null,
    platforms   text[] not null default '{}',
    is_active   boolean not null default true,
    created_by  text not null,
    created_at  timestamptz not null default now(),
    primary key (tenant_id, name, version)
);

create table policies (
    tenant_id   text not null,
    version     integer not null,
    document    jsonb not null,
    hash        text not null,
    created_by  text not null,
    created_at  timestamptz not null default now(),
    primary key (tenant_id, version)
);

create table generated_responses (
    draft_id          uuid primary key,
    comment_id        uuid not null,
    revision_id       uuid not null,
    tenant_id         text not null,
    content           text not null,
    origin            text not null,
    template          text,
    template_version  integer,
    language          text not null,
    model             text,
    prompt_hash       text,
    reasons           text[] not null default '{}',
    confidence_score  real not null,
    is_approved       boolean not null default false,
    is_sent           boolean not null default false,
    created_at        timestamptz not null
);
create index generated_responses_by_comment on generated_responses (comment_id);

create table decisions (
    decision_id     uuid primary key,
    comment_id      uuid not null,
    revision_id     uuid not null,
    draft_id        uuid,
    tenant_id       text not null,
    action          text not null,
    decided_by      text not null check (decided_by in ('machine', 'person')),
    person          text,
    text            text,
    policy_version  text not null,
    rule            text not null,
    reason          text not null,
    priority        real not null,
    expires_at      timestamptz,
    decided_at      timestamptz not null,
    is_spent        boolean not null default false
);
-- The first of each kind wins: a second machine decision, or a second final word of people, is not recorded.
-- A person's approval is spent once its reply has ended unsent: then people may decide again.
create unique index decisions_machine_once on decisions (revision_id) where decided_by = 'machine';
create unique index decisions_person_once on decisions (revision_id)
    where decided_by = 'person' and action in ('approve', 'reject', 'no_reply') and not is_spent;
create index decisions_by_comment on decisions (comment_id);

-- What waits for a person. Whether an item is open follows from the comment: those that a decision asked for
-- (cause 'decision') while its state says so, the others until a person has decided about that wording.
-- closed_at: when a person took it off the list, which counts before the decision has come back through Kafka.
create table review_items (
    revision_id  uuid primary key,
    comment_id   uuid not null,
    draft_id     uuid,
    tenant_id    text not null,
    cause        text not null default 'decision' check (cause in ('decision', 'edited_after_reply', 'unsent')),
    level        text not null check (level in ('moderator', 'supervisor')),
    reason       text not null,
    priority     real not null,
    is_open      boolean not null default true,
    claimed_by   text,
    claimed_at   timestamptz,
    due_at       timestamptz,
    created_at   timestamptz not null,
    closed_at    timestamptz
);
create index review_items_by_comment on review_items (comment_id);
create index review_items_open on review_items (tenant_id, priority desc, created_at) where is_open;

-- Posting: intent before the call, outcome after it.
create table reply_queue (
    decision_id          uuid primary key,
    comment_id           uuid not null,
    revision_id          uuid not null,
    draft_id             uuid,
    tenant_id            text not null,
    platform             text not null,
    account_id           text not null,
    platform_comment_id  text not null,
    platform_post_id     text,
    thread_id            text not null,
    author_id            text,
    text                 text not null,
    decided_by           text not null check (decided_by in ('machine', 'person')),
    priority             real not null,
    state                text not null default 'queued' check (state in (
        'queued', 'posting', 'posted', 'unknown',
        'failed', 'removed', 'superseded', 'answered_elsewhere', 'not_allowed', 'expired')),
    reason               text not null default '',
    attempts             integer not null default 0,
    not_before           timestamptz not null default now(),
    expires_at           timestamptz,
    claimed_by           text,
    claimed_at           timestamptz,
    uncertain            integer not null default 0,  -- attempts of which nobody knows whether they took effect
    looks                integer not null default 0,  -- look-ups since the latest of them that did not find it
    absent_since         timestamptz,                 -- when the first of these look-ups was made
    reply_id             text,
    enqueued_at          timestamptz not null default now(),
    settled_at           timestamptz
);
-- No comment is answered twice: the database refuses, whatever the programs believe.
create unique index one_reply_per_comment on reply_queue (comment_id)
    where state in ('queued', 'posting', 'posted', 'unknown');
create index reply_queue_next on reply_queue (tenant_id, platform, account_id, priority desc, enqueued_at)
    where state = 'queued';
create index reply_queue_unsettled on reply_queue (claimed_at) where state in ('posting', 'unknown');
create index reply_queue_by_reply on reply_queue (platform, account_id, reply_id) where reply_id is not null;
create index reply_queue_by_comment on reply_queue (comment_id);
create index reply_queue_by_thread on reply_queue (platform, account_id, thread_id);

-- One token bucket an account, filled at its replies_per_minute; whoever claims holds the row, so that any
-- number of posters share one budget.
create table reply_pace (
    tenant_id    text not null,
    platform     text not null,
    account_id   text not null,
    tokens       double precision not null default 1,
    filled_at    timestamptz not null default now(),
    held_until   timestamptz,
    held_reason  text,
    primary key (tenant_id, platform, account_id)
);

create table reply_attempts (
    decision_id  uuid not null,
    number       integer not null,
    started_at   timestamptz not null,
    finished_at  timestamptz,
    outcome      text,
    reason       text,
    reply_id     text,
    primary key (decision_id, number)
);

create table reply_outcomes (
    outcome_id   uuid primary key,
    decision_id  uuid not null,
    comment_id   uuid not null,
    revision_id  uuid not null,
    draft_id     uuid,
    tenant_id    text not null,
    outcome      text not null,
    reason       text not null,
    attempts     integer not null,
    reply_id     text,
    text         text,
    at           timestamptz not null
);
create index reply_outcomes_by_comment on reply_outcomes (comment_id);

-- Replies by the account itself as the platform shows them; whose they are is found out by the post sink.
create table observed_replies (
    comment_id   uuid not null,
    reply_id     text not null,
    tenant_id    text not null,
    platform     text not null,
    account_id   text not null,
    text         text,
    occurred_at  timestamptz not null,
    observed_at  timestamptz not null,
    author       text check (author in ('parley', 'staff')),
    primary key (comment_id, reply_id)
);
create index observed_replies_open on observed_replies (observed_at) where author is null;

create table outbox (
    id            bigint generated always as identity primary key,
    topic         text not null,
    key           text not null,
    value         bytea not null,
    headers       jsonb not null default '{}',
    created_at    timestamptz not null default now(),
    published_at  timestamptz,
    refused       text  -- why Kafka will never take it; such a row counts as published and is kept
);
create index outbox_waiting on outbox (id) where published_at is null;

create table dead_letters (
    dead_letter_id  uuid primary key,
    stage           text not null,
    reason          text not null,
    error           text not null,
    message         text not null,
    topic           text not null,
    partition       integer not null,
    "offset"        bigint not null,
    comment_id      uuid,
    failed_at       timestamptz not null,
    replayed_at     timestamptz
);
create index dead_letters_by_comment on dead_letters (comment_id) where comment_id is not null;
create index dead_letters_by_time on dead_letters (failed_at);

-- What people and the system did to configuration and privacy; ids, never comment text.
create table audit_log (
    id         bigint generated always as identity primary key,
    tenant_id  text not null,
    actor      text not null,
    action     text not null,
    subject    text not null,
    details    jsonb not null default '{}',
    at         timestamptz not null default now()
);

-- One place that says which fact outranks which: posted > a person's decision > the machine's.
create function comment_states(ids uuid[]) returns table (comment_id uuid, state text, reason text)
language sql stable as $$
    select c.comment_id,
        case
            when held.state in ('posted', 'unknown', 'posting') then held.state
            when c.removed_at is not null then 'removed'
            when staff.found then 'answered_elsewhere'
            when word.decided_by = 'person' and word.action = 'reject' then 'rejected'
            when word.decided_by = 'person' and word.action = 'no_reply' then 'no_reply'
            when held.state = 'queued' then 'queued'
            when word.action in ('approve', 'auto_approve') then
                coalesce(word.ended, case when dead.stage = 'post' then 'dead_letter' else 'queued' end)
            when word.action = 'review' then 'needs_review'
            when word.action = 'escalate' then 'escalated'
            when word.action = 'expire' then 'expired'
            when word.action = 'reject' then 'rejected'
            when word.action is not null then word.action
            when dead.reason is not null then 'dead_letter'
            -- scalar, because the planner would hash the whole tables for "exists"
            when (select true from generated_responses g
                  where g.comment_id = c.comment_id and g.revision_id = c.current_revision_id limit 1) then 'drafted'
            when (select true from analyses a where a.revision_id = c.current_revision_id limit 1) then 'enriched'
            else 'received'
        end,
        case
            when held.state in ('posted', 'unknown', 'posting') then held.reason
            when c.removed_at is not null then 'removed on the platform'
            when staff.found then 'answered by the account''s own staff'
            when word.decided_by = 'person' and word.action in ('reject', 'no_reply') then word.reason
            when held.state = 'queued' then held.reason
            when word.action in ('approve', 'auto_approve') then
                coalesce(word.ended_reason, case when dead.stage = 'post' then dead.reason end, word.reason)
            when word.action is not null then word.reason
            when dead.reason is not null then dead.reason
            else ''
        end
    from comments c
    left join lateral (
        select q.state, q.reason from reply_queue q
        where q.comment_id = c.comment_id and q.state in ('queued', 'posting', 'posted', 'unknown')
    ) held on true
    left join lateral (
        select true as found from observed_replies o where o.comment_id = c.comment_id and o.author = 'staff' limit 1
    ) staff on true
    left join lateral (
        -- the decision that counts for the current wording, and how the reply it ordered ended, if it did
        select d.action, d.decided_by, d.reason, q.state as ended, q.reason as ended_reason
        from decisions d
        left join reply_queue q on q.decision_id = d.decision_id
            and q.state not in ('queued', 'posting', 'posted', 'unknown')
        where d.comment_id = c.comment_id  -- the index that serves this
          and d.revision_id = c.current_revision_id
        order by (d.decided_by = 'person') desc, d.is_spent, (d.action = 'escalate'), d.decided_at desc limit 1
    ) word on true
    left join lateral (
        select l.reason, l.stage from dead_letters l
        where l.comment_id = c.comment_id and l.replayed_at is null
        order by l.failed_at desc limit 1
    ) dead on true
    where c.comment_id = any (ids)
$$;

create function refresh_comment_states(ids uuid[]) returns void
language sql as $$
    -- Locked in one order, so that writers queue up instead of deadlocking, and so that whoever comes second
    -- computes with the facts of whoever came first. Call it after the facts, in the same transaction.
    -- Lock order everywhere: comments, then reply_queue.
    select from comments where comments.comment_id = any (ids) order by comments.comment_id for update;

    update comments c set state = s.state, state_reason = s.reason, state_changed_at = clock_timestamp()
    from comment_states(ids) s
    where c.comment_id = s.comment_id and (c.state, c.state_reason) is distinct from (s.state, s.reason);

    update generated_responses g set is_approved = f.is_approved, is_sent = f.is_sent
    from (
        select r.draft_id,
            exists (select from decisions d where d.comment_id = r.comment_id and d.draft_id = r.draft_id
                and d.action in ('approve', 'auto_approve')) as is_approved,
            exists (select from reply_queue q where q.comment_id = r.comment_id and q.draft_id = r.draft_id
                and q.state = 'posted') as is_sent
        from generated_responses r where r.comment_id = any (ids)
    ) f
    where g.draft_id = f.draft_id and (g.is_approved, g.is_sent) is distinct from (f.is_approved, f.is_sent);

    -- An edit after the reply, whichever of the two became known first: a person looks whether the reply still fits.
    insert into review_items (revision_id, comment_id, tenant_id, cause, level, reason, priority, created_at, is_open)
    select c.current_revision_id, c.comment_id, c.tenant_id, 'edited_after_reply', 'moderator',
        'edited after its reply was posted', q.priority, clock_timestamp(), false
    from comments c join reply_queue q on q.comment_id = c.comment_id and q.state = 'posted'
        and q.revision_id <> c.current_revision_id
    where c.comment_id = any (ids) and c.removed_at is null
    on conflict (revision_id) do update set cause = excluded.cause, reason = excluded.reason
        where review_items.cause = 'decision';

    update review_items i set is_open = f.is_open
    from (
        select r.revision_id,
            r.closed_at is null and c.removed_at is null and c.current_revision_id = r.revision_id
            and case when r.cause = 'decision' then c.state in ('needs_review', 'escalated')
                else c.state <> 'answered_elsewhere' and not exists (
                    select from decisions d where d.revision_id = r.revision_id and d.decided_by = 'person'
                        and d.action <> 'escalate' and not d.is_spent)
                end as is_open
        from review_items r join comments c using (comment_id) where r.comment_id = any (ids)
    ) f
    where i.revision_id = f.revision_id and i.is_open is distinct from f.is_open;
$$;

-- For analysts: one row a comment, with its newest labels and the reply that was sent.
create view comment_overview as
    select c.comment_id, c.tenant_id, c.platform, c.account_id, c.author_name, c.text, c.state, c.state_reason,
           a.sentiment, a.intent, a.language, q.text as reply, q.settled_at as replied_at, c.received_at, c.permalink
    from comments c
    left join lateral (
        select * from analyses a where a.revision_id = c.current_revision_id order by a.enriched_at desc limit 1
    ) a on true
    left join reply_queue q on q.comment_id = c.comment_id and q.state = 'posted';
