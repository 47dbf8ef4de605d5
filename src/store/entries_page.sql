-- A page of a table and all that is needed to show it, in one round trip.
-- $1 guild  $2 user  $3 device of the click  $4 idle s  $5 lifetime s
-- $6 category key  $7 table name key  $8 table id  $9 sort  $10 offset  $11 limit
-- $12 caller, who may reach private tables  $13 platform that presence names
with caller as (
    select s.*
    from punctaj.sessions s
    where s.guild_id = $1 and s.user_id = $2 and s.ended_at is null
        and s.last_seen_at > now() - make_interval(secs => $4)
        and s.login_at > now() - make_interval(secs => $5)
    order by s.last_seen_at desc, s.device_id
    limit 50
),
-- As domain::session::recognised finds it.
current_session as (
    select c.device_id, c.last_table
    from caller c
    where c.device_id = $3 or $13::text is null or c.platform = $13
    order by (c.device_id = $3) desc nulls last, c.last_seen_at desc, c.device_id
    limit 1
),
addressed as (
    select t.* from punctaj.tables t
    where t.guild_id = $1 and t.table_id = $8::uuid and t.deleted_at is null and (not t.private or punctaj.reaches(t, $12))
    union all
    select t.*
    from punctaj.tables_meant($1, $6, $7, (select last_table from current_session), $12::jsonb) t
    where $8::uuid is null
),
the_table as (
    select table_id from addressed where (select count(*) from addressed) = 1
),
page as (
    select e.*
    from punctaj.entries e
    where e.table_id = (select table_id from the_table) and e.deleted_at is null
    order by
        case when $9 = 'points' then e.points end desc,
        case when $9 = 'rank' then e.rank end desc nulls last,
        case when $9 = 'rank' then e.points end desc,
        e.name_key
    offset $10 limit $11
),
whole as (
    select count(*) as total, coalesce(sum(e.points), 0)::bigint as points
    from punctaj.entries e
    where e.table_id = (select table_id from the_table) and e.deleted_at is null
)
select
    (
        select coalesce(jsonb_agg(
            case when c.device_id = (select device_id from current_session)
                then to_jsonb(c) || jsonb_build_object('missed', punctaj.missed($1, c.device_id, c.news_seq, $12::jsonb))
                else to_jsonb(c)
            end
            order by c.last_seen_at desc, c.device_id
        ), '[]')
        from caller c
    ) as "sessions!",
    (
        select coalesce(jsonb_agg(punctaj.table_json(t) order by t.category_key, t.name_key), '[]')
        from addressed t
    ) as "tables!",
    (
        select coalesce(jsonb_agg(jsonb_build_object(
            'id', p.entry_id, 'name', p.name, 'member_id', p.member_id, 'rank', p.rank, 'points', p.points,
            'extra', p.extra
        ) order by
            case when $9 = 'points' then p.points end desc,
            case when $9 = 'rank' then p.rank end desc nulls last,
            case when $9 = 'rank' then p.points end desc,
            p.name_key
        ), '[]')
        from page p
    ) as "rows!",
    punctaj.grants_json($1, $12) as "grants!",
    coalesce((select g.head_seq from punctaj.guilds g where g.guild_id = $1), 0) as "head!",
    exists (
        select from punctaj.outbox o where o.guild_id = $1 and o.user_id = $2 and o.parked
    ) as "parked!",
    (select total from whole) as "total!",
    (select points from whole) as "points!"
