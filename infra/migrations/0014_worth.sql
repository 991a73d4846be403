-- How many people read what the author writes, where the platform tells: a comment of theirs is worth more.
alter table comments add column author_followers integer;

-- Says of what waits why it waits. The switches come first: while one is off, neither budget nor worth count.
create or replace view unanswered_replies as
    select q.tenant_id, q.platform, q.account_id, q.comment_id, q.decision_id, q.state, q.reason, q.priority,
           a.intent, a.sentiment, q.enqueued_at, q.expires_at, q.attempts,
           coalesce(q.settled_at, clock_timestamp()) - q.enqueued_at as waited,
           sent.replies as sent_meanwhile,
           case
               when q.state = 'expired' and q.attempts = 0 and sent.replies > 0
                   then 'the budget went to replies worth more'
               when q.state = 'expired' and q.attempts = 0 then 'the account sent nothing in its time'
               when q.state <> 'queued' then q.reason
               when exists (select from posting_pauses w where w.tenant_id = q.tenant_id)
                   then 'all posting is paused'
               when s.status is null then 'the account is not known'
               when s.status <> 'active' then 'the account is ' || s.status
               when s.token_ciphertext is null then 'the account has no token'
               when not s.may_reply then 'the account may not reply'
               when s.mode = 'observe' then 'the account only observes'
               when s.mode = 'review' and q.decided_by = 'machine'
                   then 'in review mode only what a person approved is sent'
               when s.replies_per_minute <= 0 then 'the account has no budget'
               when is_quiet(s.time_zone, s.quiet_from, s.quiet_until, clock_timestamp())
                   then 'the account is in its quiet hours'
               when p.held_until > clock_timestamp() then coalesce(p.held_reason, 'the account waits')
               when q.attempts > 0 then q.reason
               else 'waits for its turn in the budget'
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

-- The size of a thread is counted again for replies that wait in it.
drop index comments_by_thread;  -- comments_by_parent is the same
create index reply_queue_waiting_in_thread on reply_queue (platform, account_id, thread_id)
    where state = 'queued';
