-- Names of entries that begin with a prefix, from the index on (table_id, name_key).
-- $1 guild  $2 user  $3 category key  $4 table name key  $5 prefix  $6 upper bound  $7 limit
with the_table as (
    select t.table_id
    from punctaj.tables t
    where t.guild_id = $1 and t.deleted_at is null
        and case
            when $4::text is not null
                then t.name_key = $4 and ($3::text is null or t.category_key = $3)
            else t.table_id = coalesce(
                (
                    select s.last_table
                    from punctaj.sessions s
                    where s.guild_id = $1 and s.user_id = $2 and s.ended_at is null and s.last_table is not null
                    order by s.last_seen_at desc
                    limit 1
                ),
                (
                    select (array_agg(o.table_id))[1]
                    from punctaj.tables o
                    where o.guild_id = $1 and o.deleted_at is null
                    having count(*) = 1
                )
            )
        end
    order by t.category_key
    limit 1
)
select e.name
from punctaj.entries e
where e.table_id = (select table_id from the_table) and e.deleted_at is null
    and e.name_key >= $5 and e.name_key < $6
order by e.name_key
limit $7
