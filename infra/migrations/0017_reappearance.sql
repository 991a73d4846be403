-- A comment that a direct read finds after its removal is there again. Both are facts of which the latest counts;
-- removed_at follows from them, whatever the order in which they are read: null where it came back later.
alter table comments
    add column gone_at timestamptz,   -- the latest removal that anybody told of
    add column back_at timestamptz;   -- the latest direct read that found it there again
update comments set gone_at = removed_at where removed_at is not null;
