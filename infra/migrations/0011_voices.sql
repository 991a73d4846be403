-- How the brand speaks: for an account ("platform:id"), or for all that have none of their own ("default").
create table voices (
    tenant_id   text not null,
    key         text not null,
    version     integer not null,
    document    jsonb,  -- null: taken away, the next wider one serves again
    created_by  text not null,
    created_at  timestamptz not null default now(),
    primary key (tenant_id, key, version)
);
