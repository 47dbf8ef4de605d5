-- What happened on other devices since a session was last shown the news, in tables that its person
-- sees.
-- $1 guild  $2 device  $3 since which event  $4 caller  $5 limit  $6 user
with missed as (
    select e.*
    from punctaj.events e
    where e.guild_id = $1 and e.seq > $3 and e.device_id is distinct from $2
        and e.outcome = 'applied' and not starts_with(e.action, 'session.')
        and not starts_with(e.action, 'access.') and not e.changes @> '[{"what": "grant"}]'
        -- Asked once, and not of each event.
        and (e.table_id is null or e.table_id <> all(array(select punctaj.hidden_tables($1, $4))))
),
oldest as (
    select m.* from missed m order by m.seq limit $5
)
select
    (select coalesce(jsonb_agg(to_jsonb(o) order by o.seq), '[]') from oldest o) as "events!",
    (select count(*) from missed) as "count!",
    coalesce((select g.head_seq from punctaj.guilds g where g.guild_id = $1), 0) as "head!",
    exists (
        select from punctaj.outbox o where o.guild_id = $1 and o.user_id = $6 and o.parked
    ) as "parked!"
