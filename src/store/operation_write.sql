-- All that one operation changes, in one round trip. Each thing stands in its list at most once.
-- $1 guild  $2 head hash before  $3 first seq  $4 head hash after  $5 last seq  $6 applied_at
-- $7 tables  $8 entries  $9 former names  $10 sessions  $11 events  $12 ledger  $13 event names
-- $14 settings  $15 outbox  $16 by how much the entries' points change  $17 grants
with head as (
    insert into punctaj.guilds as g (
        guild_id, head_seq, head_hash, applied_at, language, timezone, log_channel
    )
    select $1, $5, $4, $6, x.language, x.timezone, x.log_channel
    from jsonb_to_record($14::jsonb) as x (language text, timezone text, log_channel bigint)
    on conflict (guild_id) do update
        set head_seq = excluded.head_seq, head_hash = excluded.head_hash, applied_at = excluded.applied_at,
            language = excluded.language, timezone = excluded.timezone, log_channel = excluded.log_channel,
            -- A channel that is set anew has another chance.
            log_problem = case when g.log_channel = excluded.log_channel then g.log_problem end
        where g.head_hash = $2 and g.head_seq = $3::bigint - 1
    returning 1
),
written_tables as (
    insert into punctaj.tables as t
        (table_id, guild_id, category, category_key, name, name_key, floor, private, deleted_at,
        promotions, schedule_every, schedule_day, schedule_time, schedule_channel, schedule_warning,
        schedule_paused, schedule_from)
    select x.id, $1, x.category, x.category_key, x.name, x.name_key, x.floor, x.private, x.deleted_at,
        x.promotions, s.every, s.day, s."time", s.channel, s.warning, s.paused, s."from"
    from jsonb_to_recordset($7::jsonb) as x (
        id uuid, category text, category_key text, name text, name_key text, floor bigint,
        private boolean, deleted_at timestamptz, promotions text, schedule jsonb
    ), lateral jsonb_to_record(x.schedule) as s (
        every text, day integer, "time" text, channel bigint, warning integer, paused boolean,
        "from" timestamptz
    )
    on conflict (table_id) do update
        set category = excluded.category, category_key = excluded.category_key, name = excluded.name,
            name_key = excluded.name_key, floor = excluded.floor, private = excluded.private,
            deleted_at = excluded.deleted_at, promotions = excluded.promotions,
            schedule_every = excluded.schedule_every, schedule_day = excluded.schedule_day,
            schedule_time = excluded.schedule_time, schedule_channel = excluded.schedule_channel,
            schedule_warning = excluded.schedule_warning, schedule_paused = excluded.schedule_paused,
            schedule_from = excluded.schedule_from
),
kept_ranks as (
    select x.id as table_id, r.*
    from jsonb_to_recordset($7::jsonb) as x (id uuid, ranks jsonb),
        lateral jsonb_to_recordset(x.ranks) as r (number integer, title text, promote_at bigint, demote_below bigint, role bigint)
),
removed_ranks as (
    delete from punctaj.ranks r
    using jsonb_to_recordset($7::jsonb) as x (id uuid)
    where r.table_id = x.id
        and not exists (select from kept_ranks k where k.table_id = r.table_id and k.number = r.number)
),
written_ranks as (
    insert into punctaj.ranks (table_id, number, title, promote_at, demote_below, role_id)
    select k.table_id, k.number, k.title, k.promote_at, k.demote_below, k.role from kept_ranks k
    on conflict (table_id, number) do update
        set title = excluded.title, promote_at = excluded.promote_at,
            demote_below = excluded.demote_below, role_id = excluded.role_id
),
written_fields as (
    insert into punctaj.fields (table_id, number, name, name_key, kind, pattern, removed)
    select x.id, f.number, f.name, f.name_key, f.kind, f.pattern, f.removed
    from jsonb_to_recordset($7::jsonb) as x (id uuid, fields jsonb),
        lateral jsonb_to_recordset(x.fields) as f (
            number integer, name text, name_key text, kind text, pattern text, removed boolean
        )
    on conflict (table_id, number) do update
        set name = excluded.name, name_key = excluded.name_key, pattern = excluded.pattern,
            removed = excluded.removed
),
kept_activities as (
    select x.id as table_id, a.*
    from jsonb_to_recordset($7::jsonb) as x (id uuid, activities jsonb),
        lateral jsonb_to_recordset(x.activities) as a (
            number integer, name text, name_key text, quantity bigint, points bigint
        )
),
removed_activities as (
    delete from punctaj.activities a
    using jsonb_to_recordset($7::jsonb) as x (id uuid)
    where a.table_id = x.id
        and not exists (select from kept_activities k where k.table_id = a.table_id and k.number = a.number)
),
written_activities as (
    insert into punctaj.activities (table_id, number, name, name_key, quantity, points)
    select k.table_id, k.number, k.name, k.name_key, k.quantity, k.points from kept_activities k
    on conflict (table_id, number) do update
        set name = excluded.name, name_key = excluded.name_key, quantity = excluded.quantity,
            points = excluded.points
),
kept_boards as (
    select x.id as table_id, b.*
    from jsonb_to_recordset($7::jsonb) as x (id uuid, boards jsonb),
        lateral jsonb_to_recordset(x.boards) as b (channel bigint, layout text)
),
removed_boards as (
    update punctaj.boards b set layout = null, problem = null, not_before = null
    from jsonb_to_recordset($7::jsonb) as x (id uuid)
    where b.table_id = x.id and b.layout is not null
        and not exists (select from kept_boards k where k.table_id = b.table_id and k.channel = b.channel_id)
),
written_boards as (
    insert into punctaj.boards as b (table_id, channel_id, layout)
    select k.table_id, k.channel, k.layout from kept_boards k
    on conflict (table_id, channel_id) do update
        set layout = excluded.layout,
            -- One that is posted anew has another chance.
            problem = null, not_before = null
        where b.layout is distinct from excluded.layout
),
written_entries as (
    insert into punctaj.entries as e (
        entry_id, guild_id, table_id, name, name_key, member_id, rank, points, exempt, extra, stamps,
        created_at, created_op, deleted_at, deleted_op
    )
    select x.id, $1, x.table_id, x.name, x.name_key, x.member_id, x.rank, x.points, x.exempt, x.extra, x.stamps,
        (x.created ->> 'at')::timestamptz, x.created ->> 'op',
        (x.deleted ->> 'at')::timestamptz, x.deleted ->> 'op'
    from jsonb_to_recordset($8::jsonb) as x (
        id uuid, table_id uuid, name text, name_key text, member_id bigint, rank integer,
        points bigint, exempt boolean, extra jsonb, stamps jsonb, created jsonb, deleted jsonb
    )
    on conflict (entry_id) do update
        set name = excluded.name, name_key = excluded.name_key, member_id = excluded.member_id,
            rank = excluded.rank, points = e.points + ($16::jsonb ->> e.entry_id::text)::bigint,
            exempt = excluded.exempt, extra = excluded.extra, stamps = excluded.stamps,
            deleted_at = excluded.deleted_at, deleted_op = excluded.deleted_op
        where e.guild_id = excluded.guild_id
    returning e.entry_id, e.points
),
written_former_names as (
    insert into punctaj.former_names (entry_id, table_id, name_key, until_at, until_op)
    select x.entry_id, x.table_id, x.name_key, (x.until ->> 'at')::timestamptz, x.until ->> 'op'
    from jsonb_to_recordset($9::jsonb) as x (entry_id uuid, table_id uuid, name_key text, until jsonb)
    on conflict do nothing
),
written_sessions as (
    insert into punctaj.sessions as s (
        device_id, guild_id, user_id, platform, label, login_at, last_seen_at, ended_at, end_reason,
        last_table, layout, news_seq, told_seq
    )
    select x.device_id, $1, x.user_id, x.platform, x.label, x.login_at, x.last_seen_at, x.ended_at,
        x.end_reason, x.last_table, x.layout, x.news_seq, x.told_seq
    from jsonb_to_recordset($10::jsonb) as x (
        device_id text, user_id bigint, platform text, label text, login_at timestamptz,
        last_seen_at timestamptz, ended_at timestamptz, end_reason text, last_table uuid, layout text,
        news_seq bigint, told_seq bigint
    )
    on conflict (device_id) do update
        set label = excluded.label, platform = excluded.platform,
            last_seen_at = greatest(s.last_seen_at, excluded.last_seen_at),
            ended_at = excluded.ended_at, end_reason = excluded.end_reason,
            last_table = excluded.last_table, told_seq = greatest(s.told_seq, excluded.told_seq)
),
written_events as (
    insert into punctaj.events (
        guild_id, seq, op_id, at, applied_at, actor_id, device_id, attribution, via, action, table_id,
        changes, reason, overwrote, undoes, outcome, prev_hash, hash, salt
    )
    select $1, x.seq, x.op_id, x.at, x.applied_at, x.actor_id, x.device_id, x.attribution, x.via,
        x.action, x.table_id, x.changes, x.reason, nullif(x.overwrote, 'null'::jsonb), x.undoes,
        x.outcome, x.prev_hash, x.hash, x.salt
    from jsonb_to_recordset($11::jsonb) as x (
        seq bigint, op_id text, at timestamptz, applied_at timestamptz, actor_id bigint,
        device_id text, attribution text, via text, action text, table_id uuid, changes jsonb,
        reason text, overwrote jsonb, undoes bigint, outcome text, prev_hash text, hash text, salt text
    )
),
written_ledger as (
    insert into punctaj.ledger (guild_id, seq, entry_id, at, op_id, delta)
    select $1, x.seq, x.entry_id, (x.stamp ->> 'at')::timestamptz, x.stamp ->> 'op', x.delta
    from jsonb_to_recordset($12::jsonb) as x (seq bigint, entry_id uuid, stamp jsonb, delta bigint)
),
written_names as (
    insert into punctaj.event_names (guild_id, name_key, seq)
    select $1, x.name_key, x.seq
    from jsonb_to_recordset($13::jsonb) as x (seq bigint, name_key text)
),
revoked as (
    delete from punctaj.grants g
    where g.guild_id = $1
        and g.grant_id in (select id::uuid from jsonb_array_elements_text($17::jsonb -> 'gone') id)
    returning g.grant_id
),
granted as (
    insert into punctaj.grants (grant_id, guild_id, role_id, user_id, granted, category, category_key, table_id)
    select x.id, $1, x.role, x.member, x.granted, x.category, x.category_key, x."table"
    from jsonb_to_recordset($17::jsonb -> 'made') as x (
        id uuid, role bigint, member bigint, granted text, category text, category_key text, "table" uuid
    )
),
queued as (
    insert into punctaj.outbox (guild_id, channel_id, user_id, kind, body)
    select $1, x.channel_id, x.user_id, x.kind, x.body
    from jsonb_to_recordset($15::jsonb) as x (channel_id bigint, user_id bigint, kind text, body jsonb)
)
select
    (select count(*) from head) as heads,
    (select count(*) from revoked) as revoked,
    (select coalesce(jsonb_object_agg(w.entry_id, w.points), '{}') from written_entries w) as points
