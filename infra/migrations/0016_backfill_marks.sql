-- How far the listings of a backfill have been read and published, by listing (connectors.marks); null where it
-- is to begin at the beginning.
alter table account_polls add column backfill_marks jsonb;
