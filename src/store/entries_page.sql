-- A page of a table and all that is needed to show it, in one round trip.
-- $1 guild  $2 user  $3 device of the click  $4 idle s  $5 lifetime s
-- $6 category key  $7 table name key  $8 table id  $9 sort  $10 offset  $11 limit
with caller as (
    select s.*
    from punctaj.sessions s
    where s.guild_id = $1 and s.user_id = $2 and s.ended_at is null
        and s.last_seen_at > now() - make_interval(secs => $4)
        and s.login_at > now() - make_interval(secs => $5)
    order by s.last_seen_at desc, s.device_id
    limit 50
),
live as (
    select t.* from punctaj.tables t where t.guild_id = $1 and t.deleted_at is null
),
remembered as (
    select t.* from live t
    where t.table_id = (
        select c.last_table from caller c
        order by (c.device_id = $3) desc nulls last, c.last_seen_at desc, c.device_id
        limit 1
    )
),
addressed as (
    select t.* from live t where t.table_id = $8::uuid
    union all
    select t.* from live t
    where $8::uuid is null and $7::text is not null and t.name_key = $7
        and (
            t.category_key = coalesce($6::text, '')
            or ($6::text is null and not exists (
                select from live u where u.name_key = $7 and u.category_key = ''
            ))
        )
    union all
    select t.* from remembered t where $8::uuid is null and $7::text is null
    union all
    select t.* from live t
    where $8::uuid is null and $7::text is null
        and not exists (select from remembered)
        and (select count(*) from live) = 1
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
        select coalesce(jsonb_agg(to_jsonb(c) order by c.last_seen_at desc, c.device_id), '[]') from caller c
    ) as "sessions!",
    (
        select coalesce(jsonb_agg(jsonb_build_object(
            'id', t.table_id, 'category', t.category, 'name', t.name, 'floor', t.floor, 'private', t.private,
            'deleted_at', t.deleted_at,
            'ranks', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'number', r.number, 'title', r.title, 'promote_at', r.promote_at,
                    'demote_below', r.demote_below, 'role', r.role_id
                ) order by r.number), '[]')
                from punctaj.ranks r where r.table_id = t.table_id
            )
        ) order by t.category_key, t.name_key), '[]')
        from addressed t
    ) as "tables!",
    (
        select coalesce(jsonb_agg(jsonb_build_object(
            'id', p.entry_id, 'name', p.name, 'member_id', p.member_id, 'rank', p.rank, 'points', p.points
        ) order by
            case when $9 = 'points' then p.points end desc,
            case when $9 = 'rank' then p.rank end desc nulls last,
            case when $9 = 'rank' then p.points end desc,
            p.name_key
        ), '[]')
        from page p
    ) as "rows!",
    (select total from whole) as "total!",
    (select points from whole) as "points!"
