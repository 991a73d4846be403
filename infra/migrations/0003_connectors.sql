-- X lets some apps answer only comments that mention the account; null where the platform does not say.
alter table comments add column mentions_account boolean;

-- By which ways a wording came, whatever the order and however often: the completeness ledger counts these.
alter table comment_revisions
    add column by_webhook   boolean not null default false,
    add column by_poll      boolean not null default false,
    add column by_backfill  boolean not null default false;
update comment_revisions set by_webhook = source = 'webhook', by_poll = source = 'poll',
    by_backfill = source = 'backfill';

-- The poller's look at what is stored of an account since its horizon.
create index comments_by_account on comments (platform, account_id, (coalesce(created_at, received_at)));

-- What a poll saw counted on a post (comment_id null) or a comment, at a time. Samples, never changed.
create table engagement (
    tenant_id         text not null,
    platform          text not null,
    account_id        text not null,
    platform_post_id  text not null,
    comment_id        uuid,
    likes             integer,
    replies           integer,
    is_hidden         boolean,
    observed_at       timestamptz not null,
    unique nulls not distinct (tenant_id, platform, account_id, platform_post_id, comment_id, observed_at)
);

-- How far each account is polled. One poller at a time has an account: the holder of its lease.
create table account_polls (
    tenant_id        text not null,
    platform         text not null,
    account_id       text not null,
    next_poll_at     timestamptz not null default now(),
    last_attempt_at  timestamptz,
    last_good_at     timestamptz,      -- a poll that went to its end
    horizon_at       timestamptz,      -- how far back that one looked
    last_error       text,
    problem          text,             -- auth, permission, blocked or subscription, as the latest check found
    problem_reason   text,
    backfill_since   timestamptz,      -- wanted: what people wrote since then; null when done
    lease_holder     text,
    leased_until     timestamptz,
    primary key (tenant_id, platform, account_id)
);

alter table social_accounts
    add column username        text,        -- the handle, by which own comments are told
    add column token_stored_at timestamptz; -- with the token's end: when it is time to refresh it
