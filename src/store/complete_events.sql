-- The newest events whose number begins with some digits: somebody's own, or all within reach.
-- $1 guild  $2 actor, for their own  $3 digits  $4 limit  $5 caller, for all within reach
select e.seq, e.action, (
    -- A closing is about everybody: of so many a choice has no room.
    select string_agg(distinct c ->> 'name', ', ')
    from jsonb_path_query(e.changes, '$[0 to 49]') c where c ->> 'what' in ('entry', 'table', 'rank', 'field')
) as names
from (
    select x.seq, x.action, x.changes
    from punctaj.events x
    where x.guild_id = $1 and ($2::bigint is null or x.actor_id = $2)
        and ($3 = '' or starts_with(x.seq::text, $3))
        and ($2::bigint is null
            or x.action not in ('session.open', 'session.close', 'session.rename') and x.outcome <> 'refused')
        -- Asked once, and not of each event.
        and ($2 is not null or (select punctaj.holds($1, $5::jsonb)) or x.table_id = any(array(
            select t.table_id from punctaj.tables t where t.guild_id = $1 and punctaj.reaches(t, $5)
        )))
    order by x.seq desc
    limit $4
) e
order by e.seq desc
