-- An own reply that was deleted is no removed comment (`sinks.removed_replies`): found by its id, and rows that
-- were made of such notices go.
create index observed_replies_by_reply on observed_replies (platform, account_id, reply_id);
create index reply_outcomes_by_reply on reply_outcomes (reply_id) where reply_id is not null;

delete from comments c
where c.gone_at is not null and c.current_revision_id is null and (
    exists (
        select from observed_replies o
        where o.platform = c.platform and o.account_id = c.account_id and o.reply_id = c.platform_comment_id)
    or exists (
        select from reply_queue q
        where q.platform = c.platform and q.account_id = c.account_id and q.reply_id = c.platform_comment_id)
    or exists (
        select from reply_outcomes o
        where o.tenant_id = c.tenant_id and o.reply_id = c.platform_comment_id));
