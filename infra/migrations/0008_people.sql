-- Keys by which people and their tools use the HTTP API. A key is 256 random bits, so its plain hash is kept.
create table api_keys (
    key_id        text primary key,
    user_id       uuid not null references users,
    hash          bytea not null,
    label         text not null default '',
    created_at    timestamptz not null default now(),
    expires_at    timestamptz,
    revoked_at    timestamptz,
    last_used_at  timestamptz
);
create index api_keys_by_user on api_keys (user_id);
