-- One page of the history, newest first or oldest first; every filter combines.
-- $1 guild  $2 before seq  $3 limit  $4 who  $5 tables  $6 name key  $7 action  $8 device ids
-- $9 since  $10 until  $11 only  $12 from seq  $13 oldest first
-- $14 as of which event it is told what was undone
-- $15 caller, where not everything in the guild is in reach
--
-- Planned for its arguments each time (`force_custom_plan`): what is not asked for then drops out,
-- and the indexes of what is left serve it.
with page as (
    select e.*
    from punctaj.events e
    where e.guild_id = $1
        and ($2::bigint is null or e.seq < $2)
        and ($12::bigint is null or e.seq >= $12)
        and ($4::bigint is null or e.actor_id = $4)
        and ($5::uuid[] is null or e.table_id = any($5))
        and ($15::jsonb is null or e.table_id in (
            select t.table_id from punctaj.tables t where t.guild_id = $1 and punctaj.reaches(t, $15)
        ))
        and ($6::text is null or e.seq in (
            select n.seq from punctaj.event_names n where n.guild_id = $1 and n.name_key = $6
        ))
        and ($7::text is null or e.action = $7)
        and ($8::text[] is null or e.device_id = any($8))
        and ($9::timestamptz is null or e.at >= $9)
        and ($10::timestamptz is null or e.at <= $10)
        and ($11::text is distinct from 'conflicts'
            or e.overwrote is not null or e.outcome = 'superseded' or e.changes @> '[{"superseded": true}]')
        and ($11 is distinct from 'refused' or e.outcome = 'refused')
        and ($11 is distinct from 'queued' or e.via = 'journal')
        and ($11 is distinct from 'undone' or (
            -- An array, so that the undos lead to the events and not the other way round.
            e.seq = any(array(
                select u.undoes from punctaj.events u where u.guild_id = $1 and u.undoes is not null
            ))
            and punctaj.undone_by($1, e.seq, $14::bigint) is not null
        ))
    order by case when $13::boolean then e.seq end, case when not $13 then e.seq end desc
    limit $3
)
select
    p.seq as "seq!",
    to_jsonb(p) as "event!",
    case when t.category is null then t.name else t.category || '/' || t.name end as "table?",
    s.platform as "platform?",
    s.label as "label?",
    punctaj.undone_by($1, p.seq, $14) as "undone_by?",
    (
        select coalesce(jsonb_object_agg(r.number, r.title), '{}')
        from punctaj.ranks r where r.table_id = p.table_id
    ) as "ranks!"
from page p
-- Each with a limit, so that they are looked up for the page, and no table is read whole for it.
left join lateral (
    select x.category, x.name from punctaj.tables x where x.table_id = p.table_id limit 1
) t on true
left join lateral (
    select x.platform, x.label from punctaj.sessions x where x.device_id = p.device_id limit 1
) s on true
order by case when $13 then p.seq end, case when not $13 then p.seq end desc
