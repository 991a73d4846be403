-- What a comment's sentence embedding is kept for: approved replies to comments that say alike are examples for
-- the next draft. 384 signed bytes, the vector's direction; personal data, so it goes where its analysis goes.
alter table analyses add column embedding bytea;

-- What a draft states that its template does not: the texts of the brand's own that it is taken from.
alter table generated_responses add column grounds text[] not null default '{}';
