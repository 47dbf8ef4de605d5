-- Moves a panel to where it is to be, and reads all that it shows, in one round trip. What is null
-- stays as it is.
-- $1 guild  $2 device  $3 table  $4 user  $5 picked  $6 takes  $7 search, as typed  $8 folded
-- $9 page  $10 the event of this very press  $11 a sitting's rest s  $12 entries of a page
-- $13 caller, who may reach private tables
with before as (
    -- As it was: a statement does not see what it changes itself.
    select p.* from punctaj.panels p
    where p.guild_id = $1 and p.device_id = $2 and p.table_id = $3
),
the_table as (
    select t.* from punctaj.tables t
    where t.guild_id = $1 and t.table_id = $3 and t.deleted_at is null and (not t.private or punctaj.reaches(t, $13))
),
fitting as (
    select e.entry_id, e.name, e.name_key, e.points, b.key <> '' and starts_with(e.name_key, b.key) as begins
    from punctaj.entries e, (select coalesce($8::text, search_key) as key from before) b
    where e.table_id = (select table_id from the_table) and e.deleted_at is null
        and strpos(e.name_key, b.key) > 0
),
shown as (
    update punctaj.panels p
    set picked = array(
            select u.id
            from unnest(coalesce($5::uuid[], p.picked)) with ordinality u (id, place)
            join punctaj.entries e on e.entry_id = u.id
            where e.table_id = $3 and e.deleted_at is null
            order by u.place
        ),
        takes = coalesce($6, p.takes),
        search = coalesce($7, p.search),
        search_key = coalesce($8, p.search_key),
        page = greatest(0, least(coalesce($9, p.page), ((select count(*) from fitting) - 1) / $12)),
        -- After a long rest another sitting begins, with what was done just now.
        since_seq = case
            when p.used_at > clock_timestamp() - make_interval(secs => $11) then p.since_seq
            else coalesce($10::bigint - 1, (select g.head_seq from punctaj.guilds g where g.guild_id = $1), 0)
        end,
        since = case
            when p.used_at > clock_timestamp() - make_interval(secs => $11) then p.since
            else clock_timestamp()
        end,
        used_at = clock_timestamp()
    where p.guild_id = $1 and p.device_id = $2 and p.table_id = $3
    returning p.*
),
touched as (
    update punctaj.sessions s
    set last_seen_at = greatest(s.last_seen_at, clock_timestamp()), last_table = $3
    where s.guild_id = $1 and s.device_id = $2 and s.user_id = $4 and s.ended_at is null
    returning s.*
),
-- Names and points of everybody are seen where nobody is left out. Of a page, or of what a search
-- finds, nothing is noted, since there is one mark for a table.
marks_before as (
    select s.seq, s.names_seq from punctaj.shown s where s.device_id = $2 and s.table_id = $3
),
marked as (
    insert into punctaj.shown as s (device_id, table_id, seq, names_seq)
    select t.device_id, x.table_id, 0, g.head_seq
    from touched t, the_table x, shown p, punctaj.guilds g
    where g.guild_id = $1 and p.search = '' and not exists (select from fitting offset $12)
    on conflict (device_id, table_id) do update set names_seq = greatest(s.names_seq, excluded.names_seq)
    returning s.device_id
),
options as (
    select f.* from fitting f
    order by f.begins desc, f.name_key
    offset (select page from shown) * $12 limit $12
),
done as (
    select e.*, punctaj.undone_by($1, e.seq) as undone_by
    from shown p
    join punctaj.events e on e.guild_id = $1 and e.actor_id = $4 and e.seq > p.since_seq
    where e.device_id = $2 and e.table_id = $3 and e.outcome = 'applied'
        and e.action in ('points.add', 'points.remove', 'entry.merge', 'event.undo')
),
steps as (
    select d.* from done d where d.action <> 'event.undo' and d.undone_by is null
),
given as (
    select s.seq, (c ->> 'id')::uuid as entry_id, (c ->> 'delta')::bigint as delta
    from steps s, jsonb_array_elements(s.changes) c
    where c ->> 'what' = 'entry' and c ->> 'field' = 'points' and not c ? 'field_id'
        and c ->> 'delta' is not null
),
merged as (
    -- What went into another entry is counted there.
    select (c ->> 'id')::uuid as entry_id
    from steps s, jsonb_array_elements(s.changes) c
    where s.action = 'entry.merge' and c ->> 'what' = 'entry' and c ->> 'field' = 'name'
        and c -> 'after' = 'null'::jsonb
),
totals as (
    select g.entry_id, max(g.seq) as last_seq, sum(g.delta) as delta
    from given g
    where g.entry_id not in (select m.entry_id from merged m)
    group by g.entry_id
    having sum(g.delta) <> 0
)
select
    (select to_jsonb(t) from touched t) as "session?",
    (select punctaj.table_json(t) from the_table t) as "table?",
    punctaj.grants_json($1, $13) as "grants!",
    p.takes as "takes!",
    p.search as "search!",
    p.page as "page!",
    p.since as "since!",
    -- The newest event that it shows the effect of, if that is marked.
    (select g.head_seq from marked, punctaj.guilds g where g.guild_id = $1) as "marked?",
    coalesce((select b.seq from marks_before b), 0) as "whole_before!",
    coalesce((select b.names_seq from marks_before b), 0) as "names_before!",
    (select count(*) from fitting) as "fitting!",
    (
        select coalesce(jsonb_agg(jsonb_build_object('id', o.entry_id, 'name', o.name, 'points', o.points)
            order by o.begins desc, o.name_key), '[]')
        from options o
    ) as "options!",
    (
        select coalesce(jsonb_agg(jsonb_build_object('id', e.entry_id, 'name', e.name, 'points', e.points)
            order by u.place), '[]')
        from unnest(p.picked) with ordinality u (id, place) join punctaj.entries e on e.entry_id = u.id
    ) as "picked!",
    (
        select coalesce(jsonb_agg(e.name order by u.place), '[]')
        from before b, unnest(coalesce($5::uuid[], b.picked)) with ordinality u (id, place)
        join punctaj.entries e on e.entry_id = u.id
        where e.table_id = $3 and e.deleted_at is not null
    ) as "gone!",
    (select count(*) from steps) as "steps!",
    (
        select coalesce(jsonb_agg(jsonb_build_object('name', e.name, 'delta', x.delta)
            order by x.last_seq desc, e.name_key), '[]')
        from (
            select t.entry_id, t.last_seq,
                least(greatest(t.delta, -9223372036854775807), 9223372036854775807)::bigint as delta
            from totals t
        ) x
        join punctaj.entries e using (entry_id)
    ) as "totals!",
    (
        select least(greatest(coalesce(sum(t.delta), 0), -9223372036854775807), 9223372036854775807)::bigint
        from totals t
    ) as "total!",
    (
        select to_jsonb(d) - 'undone_by' from done d order by d.seq desc limit 1
    ) as "last?",
    (
        select d.undone_by from done d order by d.seq desc limit 1
    ) as "last_undone_by?",
    (
        select max(s.seq) from steps s
        where exists (
            select from jsonb_array_elements(s.changes) c where c -> 'before' is distinct from c -> 'after'
                and c -> 'superseded' is null
        )
    ) as "undoable?"
from shown p
