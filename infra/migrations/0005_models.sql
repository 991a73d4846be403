-- A second model's answers, kept apart from those that count: nothing that reads analyses can take them for the
-- pipeline's own.
create table shadow_analyses (
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
create index shadow_analyses_by_comment on shadow_analyses (comment_id);

-- For analysts: what every model said of every wording. A model that was in shadow and then in use has one row.
create view model_answers as
    select a.*, false as is_shadow from analyses a
    union all
    select s.*, true from shadow_analyses s
    where not exists (select from analyses a where a.revision_id = s.revision_id and a.model_hash = s.model_hash);

-- Themes: comments that say alike, as a run over a span of time found them. No embedding is stored; texts are read
-- from comments, so that what is erased there is gone here.
create table theme_runs (
    run_id      uuid primary key,
    tenant_id   text not null,
    model_hash  text not null,
    since       timestamptz not null,
    until       timestamptz not null,
    comments    integer not null,   -- read
    grouped     integer not null,   -- of these, in a theme
    made_at     timestamptz not null
);
create index theme_runs_latest on theme_runs (tenant_id, made_at desc);

create table themes (
    theme_id    uuid primary key,
    run_id      uuid not null references theme_runs on delete cascade,
    tenant_id   text not null,
    rank        integer not null,   -- 1 is the largest
    size        integer not null,   -- comments
    wordings    integer not null,   -- of these, different beyond near-duplicates
    terms       text[] not null,    -- words that mark it, each in three comments of it or more
    unique (run_id, rank)
);

create table theme_comments (
    theme_id    uuid not null references themes on delete cascade,
    comment_id  uuid not null,
    nearness    real not null,      -- cosine to the theme's centre
    wording     integer not null,   -- near-duplicates within a theme share it
    is_example  boolean not null,
    primary key (theme_id, comment_id)
);
create index theme_comments_by_comment on theme_comments (comment_id);

-- For analysts: the latest run's themes with their examples, moods and intents.
create view theme_overview as
    select t.tenant_id, t.rank, t.size, t.wordings, t.terms, e.examples, m.sentiments, m.intents,
           r.since, r.until, r.made_at, t.theme_id
    from themes t
    join theme_runs r using (run_id)
    left join lateral (
        select array_agg(c.text order by x.nearness desc) as examples
        from theme_comments x join comments c using (comment_id)
        where x.theme_id = t.theme_id and x.is_example and c.removed_at is null
    ) e on true
    left join lateral (
        select jsonb_object_agg(label, n) filter (where head = 'sentiment') as sentiments,
               jsonb_object_agg(label, n) filter (where head = 'intent') as intents
        from (
            select head, label, count(*) as n
            from theme_comments x join comments c using (comment_id)
            cross join lateral (
                select sentiment, intent from analyses a where a.revision_id = c.current_revision_id
                order by a.enriched_at desc limit 1
            ) a
            cross join lateral (values ('sentiment', a.sentiment), ('intent', a.intent)) as v (head, label)
            where x.theme_id = t.theme_id group by 1, 2
        ) counted
    ) m on true
    where r.run_id = (select run_id from theme_runs l where l.tenant_id = t.tenant_id
                      order by made_at desc limit 1);
