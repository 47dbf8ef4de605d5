-- Names of entries that begin with a prefix, from the index on (table_id, name_key).
-- $1 guild  $2 user  $3 category key  $4 table name key  $5 idle s  $6 lifetime s
-- $7 prefix  $8 upper bound  $9 limit
with current_session as (
    select s.last_table
    from punctaj.sessions s
    where s.guild_id = $1 and s.user_id = $2 and s.ended_at is null
        and s.last_seen_at > now() - make_interval(secs => $5)
        and s.login_at > now() - make_interval(secs => $6)
    order by s.last_seen_at desc, s.device_id
    limit 1
),
live as (
    select t.* from punctaj.tables t where t.guild_id = $1 and t.deleted_at is null
),
remembered as (
    select t.table_id from live t where t.table_id = (select last_table from current_session)
),
the_table as (
    select t.table_id from live t
    where $4::text is not null and t.name_key = $4
        -- A bare name means the table without a category where there is one.
        and (
            t.category_key = coalesce($3::text, '')
            or ($3::text is null and not exists (
                select from live u where u.name_key = $4 and u.category_key = ''
            ))
        )
    union all
    select r.table_id from remembered r where $4::text is null
    union all
    select t.table_id from live t
    where $4::text is null and not exists (select from remembered) and (select count(*) from live) = 1
    limit 1
)
select e.name
from punctaj.entries e
where e.table_id = (select table_id from the_table) and e.deleted_at is null
    and e.name_key >= $7 and e.name_key < $8
order by e.name_key
limit $9
