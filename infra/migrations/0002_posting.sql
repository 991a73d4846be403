-- Each account is drained by one poster: whoever holds its lease. The epoch rises with every new holder, and a
-- reply is sent only by the holder and under the epoch it was claimed with.
alter table reply_pace
    add column lease_holder  text,
    add column lease_epoch   bigint not null default 0,
    add column leased_until  timestamptz,
    add column blocks        integer not null default 0;  -- by the platform, without a quiet day between them

-- Posters that are alive, so that each takes its share of the accounts.
create table reply_posters (
    tenant_id    text not null,
    poster       text not null,
    alive_until  timestamptz not null,
    primary key (tenant_id, poster)
);

alter table reply_queue
    add column lease_epoch  bigint,       -- under which it was claimed
    add column sending_at   timestamptz,  -- when it was released to be sent; null: this attempt sent nothing yet
    add column traceparent  text;         -- of the decision, so that its trace goes on to the reply
-- What was claimed by an earlier release may have been sent.
update reply_queue set sending_at = claimed_at where state = 'posting';
create index reply_queue_by_author on reply_queue (platform, account_id, author_id, thread_id)
    where author_id is not null;

-- Nothing of an account is sent between these local hours; null: at all hours.
alter table social_accounts
    add column time_zone    text not null default 'UTC',
    add column quiet_from   time,
    add column quiet_until  time;

create function is_quiet(zone text, quiet_from time, quiet_until time, at timestamptz) returns boolean
language sql stable as $$
    select case
        when quiet_from is null or quiet_until is null or quiet_from = quiet_until then false
        when quiet_from < quiet_until then t.here >= quiet_from and t.here < quiet_until
        else t.here >= quiet_from or t.here < quiet_until
    end
    from (select (at at time zone zone)::time as here) t
$$;

-- The kill switch: while a tenant has a row here, nothing of it is sent.
create table posting_pauses (
    tenant_id  text primary key,
    reason     text not null,
    paused_by  text not null,
    paused_at  timestamptz not null default now()
);

-- The size of a thread is counted when a reply to it is queued.
create index comments_by_thread on comments (platform, account_id, platform_parent_id)
    where platform_parent_id is not null;

-- Approved replies that were not sent, or wait, and why. `sent_meanwhile`: how many replies of the account went
-- out while this one waited; where it is not 0, an expired reply gave way to those worth more.
create view unanswered_replies as
    select q.tenant_id, q.platform, q.account_id, q.comment_id, q.decision_id, q.state, q.reason, q.priority,
           a.intent, a.sentiment, q.enqueued_at, q.expires_at, q.attempts,
           coalesce(q.settled_at, clock_timestamp()) - q.enqueued_at as waited,
           sent.replies as sent_meanwhile,
           case
               when q.state = 'expired' and q.attempts = 0 and sent.replies > 0
                   then 'the budget went to replies worth more'
               when q.state = 'expired' and q.attempts = 0 then 'the account sent nothing in its time'
               when q.state = 'queued' and (p.held_until is not null and p.held_until > clock_timestamp())
                   then coalesce(p.held_reason, 'the account waits')
               when q.state = 'queued' and s.status <> 'active' then 'the account is ' || s.status
               else q.reason
           end as why
    from reply_queue q
    left join reply_pace p using (tenant_id, platform, account_id)
    left join social_accounts s using (tenant_id, platform, account_id)
    left join lateral (
        select count(*) as replies from reply_queue o
        where (o.tenant_id, o.platform, o.account_id) = (q.tenant_id, q.platform, q.account_id)
            and o.state = 'posted'
            and o.settled_at between q.enqueued_at and coalesce(q.settled_at, clock_timestamp())
    ) sent on true
    left join lateral (
        select * from analyses an where an.revision_id = q.revision_id order by an.enriched_at desc limit 1
    ) a on true
    where q.state in ('queued', 'expired', 'failed', 'not_allowed')
        and not exists (
            select from reply_queue o where o.comment_id = q.comment_id and o.decision_id <> q.decision_id
                and o.state in ('queued', 'posting', 'posted', 'unknown'));
