-- Everything an operation needs to see, in one round trip, after the guild's lock was taken.
-- $1 guild  $2 op_id  $3 user  $4 at  $5 device of the click  $6 idle s  $7 lifetime s
-- $8 category key  $9 name key of the address  $10 table id
-- $11 entry name keys  $12 members  $13 entry ids  $14 caller, who may reach private tables
-- $15 platform that presence names
with caller as (
    select s.*
    from punctaj.sessions s
    where s.guild_id = $1 and s.user_id = $3 and s.ended_at is null
    order by s.last_seen_at desc, s.device_id
    limit 50
),
-- As domain::session::recognised finds it.
current_session as (
    select c.device_id, c.last_table
    from caller c
    where c.last_seen_at > now() - make_interval(secs => $6)
        and c.login_at > now() - make_interval(secs => $7)
        and (c.device_id = $5 or $15::text is null or c.platform = $15)
    order by (c.device_id = $5) desc nulls last, c.last_seen_at desc, c.device_id
    limit 1
),
addressed as (
    select t.* from punctaj.tables t
    where t.guild_id = $1 and t.table_id = $10::uuid and (not t.private or punctaj.reaches(t, $14::jsonb))
    union all
    select t.*
    from punctaj.tables_meant($1, $8, $9, (select last_table from current_session), $14::jsonb) t
    where $10::uuid is null
),
the_table as (
    select table_id from addressed where (select count(*) from addressed) = 1
),
found as (
    -- By name: live, …
    select e.entry_id, e.name_key, null::timestamptz as until_at, null::text as until_op
    from the_table t join punctaj.entries e
        on e.table_id = t.table_id and e.deleted_at is null and e.name_key = any($11::text[])
    union
    -- … deleted after this operation was asked for, …
    select e.entry_id, e.name_key, e.deleted_at, e.deleted_op
    from the_table t join punctaj.entries e
        on e.table_id = t.table_id and e.deleted_at is not null and e.name_key = any($11::text[])
        and e.deleted_at >= $4
    union
    -- … or renamed after it, …
    select f.entry_id, f.name_key, f.until_at, f.until_op
    from the_table t join punctaj.former_names f
        on f.table_id = t.table_id and f.name_key = any($11::text[]) and f.until_at >= $4
    union
    -- … or a moment before it by another device, and this one was not shown that.
    select f.entry_id, f.name_key, f.until_at, f.until_op
    from the_table t
    join punctaj.former_names f on f.table_id = t.table_id and f.name_key = any($11::text[])
        and f.until_at < $4 and f.until_at > $4 - interval '15 minutes'
    join punctaj.entries live on live.entry_id = f.entry_id and live.deleted_at is null
    join punctaj.events e on e.guild_id = $1 and e.op_id = f.until_op
    where e.device_id is distinct from (select device_id from current_session)
        and e.seq > coalesce((
            select greatest(s.seq, s.names_seq) from punctaj.shown s
            where s.device_id = (select device_id from current_session) and s.table_id = t.table_id
        ), 0)
    union
    select e.entry_id, null, null, null
    from the_table t join punctaj.entries e
        on e.table_id = t.table_id and e.deleted_at is null and e.member_id = any($12::bigint[])
    union
    select e.entry_id, null, null, null
    from punctaj.entries e
    where e.guild_id = $1 and e.entry_id = any($13::uuid[])
)
select
    greatest(clock_timestamp(), (select g.applied_at from punctaj.guilds g where g.guild_id = $1)) as applied_at,
    (select g.head_seq from punctaj.guilds g where g.guild_id = $1) as head_seq,
    (select g.head_hash from punctaj.guilds g where g.guild_id = $1) as head_hash,
    (
        select jsonb_build_object('language', g.language, 'timezone', g.timezone, 'log_channel', g.log_channel)
        from punctaj.guilds g where g.guild_id = $1
    ) as settings,
    (
        select to_jsonb(e) from punctaj.events e where e.guild_id = $1 and e.op_id = $2
    ) as prior,
    punctaj.grants_json($1, $14::jsonb) as grants,
    exists (
        select from punctaj.outbox o where o.guild_id = $1 and o.user_id = $3 and o.parked
    ) as parked,
    (
        select coalesce(jsonb_agg(
            -- Counted for the one that is used, since it costs a look at the newest events.
            case when c.device_id = (select device_id from current_session)
                then to_jsonb(c) || jsonb_build_object('missed', punctaj.missed($1, c.device_id, c.news_seq, $14::jsonb))
                else to_jsonb(c)
            end
            order by c.last_seen_at desc, c.device_id
        ), '[]')
        from caller c
    ) as sessions,
    (
        select coalesce(jsonb_agg(punctaj.table_json(t) order by t.category_key, t.name_key), '[]')
        from addressed t
    ) as tables,
    (
        select coalesce(jsonb_agg(jsonb_build_object(
            'id', e.entry_id, 'table_id', e.table_id, 'name', e.name, 'member_id', e.member_id,
            'rank', e.rank, 'points', e.points, 'exempt', e.exempt, 'extra', e.extra, 'stamps', e.stamps,
            'created', jsonb_build_object('at', e.created_at, 'op', e.created_op),
            'deleted', case when e.deleted_at is not null
                then jsonb_build_object('at', e.deleted_at, 'op', e.deleted_op) end,
            'name_key', f.name_key,
            'until', case when f.until_at is not null
                then jsonb_build_object('at', f.until_at, 'op', f.until_op) end,
            'later_delta', (
                select coalesce(sum(l.delta), 0)
                from punctaj.ledger l
                where l.entry_id = e.entry_id and l.at >= $4
                    and (l.at, length(l.op_id), l.op_id collate "C") > ($4, length($2), $2::text collate "C")
                    -- What was applied before a closing went with its period, whatever its date.
                    and l.seq > coalesce((
                        select max(p.seq) from punctaj.periods p
                        where p.table_id = e.table_id and not p.reopened
                    ), 0)
            ),
            'last_delta', (
                select jsonb_build_object('at', l.at, 'op', l.op_id)
                from punctaj.ledger l
                where l.entry_id = e.entry_id and l.at >= $4
                order by l.at desc, length(l.op_id) desc, l.op_id collate "C" desc
                limit 1
            )
        )), '[]')
        from found f join punctaj.entries e using (entry_id)
    ) as entries
