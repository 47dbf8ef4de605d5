-- Cards of entries, and all that is needed to show them, in one round trip: the entry of a name in
-- one table; or those linked to a member, in one table or in all that may be seen.
-- $1 guild  $2 user  $3 device of the click  $4 idle s  $5 lifetime s
-- $6 category key  $7 table name key  $8 table id  $9 entry name key  $10 member
-- $11 caller, who may reach private tables  $12 most cards  $13 most events
-- $14 platform that presence names
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
    where c.device_id = $3 or $14::text is null or c.platform = $14
    order by (c.device_id = $3) desc nulls last, c.last_seen_at desc, c.device_id
    limit 1
),
live as (
    select t.* from punctaj.tables t
    where t.guild_id = $1 and t.deleted_at is null and (not t.private or punctaj.reaches(t, $11))
),
everywhere as (
    select $10::bigint is not null and $7::text is null and $8::uuid is null as holds
),
addressed as (
    select t.* from live t where t.table_id = $8::uuid
    union all
    select t.*
    from punctaj.tables_meant($1, $6, $7, (
        select last_table from current_session
    ), $11::jsonb) t
    where $8::uuid is null and not (select holds from everywhere)
),
the_tables as (
    select t.table_id from addressed t where (select count(*) from addressed) = 1
    union all
    select t.table_id from live t
    where (select holds from everywhere)
),
found as (
    select e.*
    from the_tables t join punctaj.entries e
        on e.table_id = t.table_id and e.deleted_at is null and e.name_key = $9::text
    union
    select e.*
    from the_tables t join punctaj.entries e
        on e.table_id = t.table_id and e.deleted_at is null and e.member_id = $10::bigint
),
cards as (
    select f.*, t.category_key, t.name_key as table_key
    from found f join live t using (table_id)
    order by t.category_key, t.name_key
    limit $12
),
shown_tables as (
    select t.* from live t
    where t.table_id in (select table_id from addressed) or t.table_id in (select table_id from cards)
),
-- The history is shown with one card only.
keys as (
    select c.name_key as key from cards c
    union
    select f.name_key
    from cards c join punctaj.former_names f on f.table_id = c.table_id and f.entry_id = c.entry_id
),
recent as (
    select e.*
    from (
        select distinct n.seq
        from punctaj.event_names n
        where n.guild_id = $1 and n.name_key in (select key from keys)
            and (select count(*) from cards) = 1
        order by n.seq desc
    ) n
    join punctaj.events e on e.guild_id = $1 and e.seq = n.seq
    where exists (
        select from cards c
        where e.changes @> jsonb_build_array(jsonb_build_object('what', 'entry', 'id', c.entry_id))
    )
    order by e.seq desc
    limit $13
)
select
    (
        select coalesce(jsonb_agg(
            case when c.device_id = (select device_id from current_session)
                then to_jsonb(c) || jsonb_build_object('missed', punctaj.missed($1, c.device_id, c.news_seq, $11::jsonb))
                else to_jsonb(c)
            end
            order by c.last_seen_at desc, c.device_id
        ), '[]')
        from caller c
    ) as "sessions!",
    exists (
        select from punctaj.outbox o where o.guild_id = $1 and o.user_id = $2 and o.parked
    ) as "parked!",
    (
        select coalesce(jsonb_agg(punctaj.table_json(t) order by t.category_key, t.name_key), '[]')
        from shown_tables t
    ) as "tables!",
    (
        select coalesce(jsonb_agg(jsonb_build_object(
            'entry', jsonb_build_object(
                'id', c.entry_id, 'name', c.name, 'member_id', c.member_id, 'rank', c.rank, 'points', c.points,
                'exempt', c.exempt, 'extra', c.extra
            ),
            'table_id', c.table_id,
            -- Those of equal points share a place.
            'place', 1 + (
                select count(*) from punctaj.entries e
                where e.table_id = c.table_id and e.deleted_at is null and e.points > c.points
            ),
            'entries', (
                select count(*) from punctaj.entries e
                where e.table_id = c.table_id and e.deleted_at is null
            )
        ) order by c.category_key, c.table_key), '[]')
        from cards c
    ) as "cards!",
    (select count(*) from found) as "total!",
    (select coalesce(jsonb_agg(to_jsonb(r) order by r.seq desc), '[]') from recent r) as "recent!"
