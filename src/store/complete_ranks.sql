-- The ranks of a table: the addressed one, the one used last, or the only one.
-- $1 guild  $2 user  $3 category key  $4 table name key  $5 limit
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
select r.number, r.title
from punctaj.ranks r
where r.table_id = (select table_id from the_table)
order by r.number
limit $5
