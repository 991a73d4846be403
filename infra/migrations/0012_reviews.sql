-- A reply may come to nothing before its comment's own event has been read: its wording is then not known yet,
-- which made is_open null, and the outcome could not be written.
do $$
declare
    known constant text := 'and c.current_revision_id = r.revision_id';
    source text := pg_get_functiondef('refresh_comment_states(uuid[])'::regprocedure);
begin
    if position(known in source) = 0 then
        raise exception 'refresh_comment_states() is not the one that this migration knows';
    end if;
    execute replace(source, known, 'and coalesce(c.current_revision_id, r.revision_id) = r.revision_id');
end $$;
