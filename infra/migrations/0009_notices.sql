-- What people are told of outside of Parley: one row while its cause lasts, at most one open for a subject.
create table notices (
    notice_id  bigint generated always as identity primary key,
    tenant_id  text not null,
    kind       text not null check (kind in (
        'escalated', 'deadline_passed', 'account_paused', 'account_blocked', 'account_needs_auth', 'posting_paused')),
    subject    text not null,
    details    jsonb not null default '{}',  -- ids and reasons, never comment text
    opened_at  timestamptz not null default now(),
    closed_at  timestamptz
);
create unique index notices_open on notices (tenant_id, kind, subject) where closed_at is null;
create index notices_by_time on notices (tenant_id, opened_at);

create table notice_deliveries (
    notice_id     bigint not null references notices,
    channel       text not null,
    attempts      integer not null default 0,
    next_at       timestamptz not null default now(),
    delivered_at  timestamptz,
    error         text,
    primary key (notice_id, channel)
);
