-- Names of entries that begin with a prefix, from the index on (table_id, name_key).
-- $1 guild  $2 user  $3 category key  $4 table name key  $5 idle s  $6 lifetime s
-- $7 prefix  $8 upper bound  $9 limit  $10 caller, who may reach private tables
-- $11 platform that presence names
with current_session as (
    select s.last_table
    from punctaj.sessions s
    where s.guild_id = $1 and s.user_id = $2 and s.ended_at is null
        and s.last_seen_at > now() - make_interval(secs => $5)
        and s.login_at > now() - make_interval(secs => $6)
        and ($11::text is null or s.platform = $11)
    order by s.last_seen_at desc, s.device_id
    limit 1
),
the_table as (
    select t.table_id
    from punctaj.tables_meant($1, $3, $4, (select last_table from current_session), $10::jsonb) t
    limit 1
)
select e.name
from punctaj.entries e
where e.table_id = (select table_id from the_table) and e.deleted_at is null
    and e.name_key >= $7 and e.name_key < $8
order by e.name_key
limit $9
