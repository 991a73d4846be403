-- What each account used of a language model, by calendar month (UTC): its monthly budget counts from here.
-- Workers add what they used every few seconds; what the last seconds before a crash used is not in it.
create table usage (
    tenant_id          text not null,
    platform           text not null,
    account_id         text not null,
    month              date not null,
    model              text not null,
    calls              bigint not null default 0,
    prompt_tokens      bigint not null default 0,
    completion_tokens  bigint not null default 0,
    updated_at         timestamptz not null default now(),
    primary key (tenant_id, platform, account_id, month, model)
);

-- What a prompt holds besides the comment: its thread, and replies to others that people approved.
create index comments_by_parent on comments (platform, account_id, platform_parent_id)
    where platform_parent_id is not null;
create index reply_queue_approved on reply_queue (tenant_id, platform, account_id, enqueued_at desc)
    where state = 'posted' and decided_by = 'person';
