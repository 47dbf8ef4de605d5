-- The table that is meant, with its ranks and fields.
-- $1 guild  $2 user  $3 category key  $4 table name key  $5 idle s  $6 lifetime s  $7 caller, who may reach private tables
-- $8 platform that presence names
with current_session as (
    select s.last_table
    from punctaj.sessions s
    where s.guild_id = $1 and s.user_id = $2 and s.ended_at is null
        and s.last_seen_at > now() - make_interval(secs => $5)
        and s.login_at > now() - make_interval(secs => $6)
        and ($8::text is null or s.platform = $8)
    order by s.last_seen_at desc, s.device_id
    limit 1
)
select punctaj.table_json(t) as "table!"
from punctaj.tables_meant($1, $3, $4, (select last_table from current_session), $7::jsonb) t
limit 1
