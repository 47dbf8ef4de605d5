-- Activities: what points are given for in a table, with a fixed number of them for a quantity.

create table punctaj.activities (
    table_id uuid not null constraint activities_table_id_fkey references punctaj.tables,
    number integer not null,
    name text not null,
    -- Unicode case folding of the name.
    name_key text collate "C" not null,
    quantity bigint not null,
    points bigint not null,
    constraint activities_pkey primary key (table_id, number),
    constraint activities_quantity_positive check (quantity > 0),
    constraint activities_points_positive check (points > 0)
);
alter table punctaj.activities enable row level security;
create policy activities_app on punctaj.activities to punctaj_app using (true) with check (true);
grant select, insert, update, delete on punctaj.activities to punctaj_app;
create unique index activities_name_key on punctaj.activities (table_id, name_key);

-- A table as the program reads it, with its activities.
create or replace function punctaj.table_json(t punctaj.tables) returns jsonb
    language sql stable
    set search_path = ''
as $$
    select jsonb_build_object(
        'id', t.table_id, 'category', t.category, 'name', t.name, 'floor', t.floor,
        'private', t.private, 'deleted_at', t.deleted_at,
        'ranks', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'number', r.number, 'title', r.title, 'promote_at', r.promote_at,
                'demote_below', r.demote_below, 'role', r.role_id
            ) order by r.number), '[]')
            from punctaj.ranks r where r.table_id = t.table_id
        ),
        'fields', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'number', f.number, 'name', f.name, 'kind', f.kind, 'pattern', f.pattern,
                'removed', f.removed
            ) order by f.number), '[]')
            from punctaj.fields f where f.table_id = t.table_id
        ),
        'activities', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'number', a.number, 'name', a.name, 'quantity', a.quantity, 'points', a.points
            ) order by a.number), '[]')
            from punctaj.activities a where a.table_id = t.table_id
        ),
        'boards', (
            select coalesce(jsonb_agg(jsonb_build_object('channel', b.channel_id, 'layout', b.layout)), '[]')
            from punctaj.boards b where b.table_id = t.table_id and b.layout is not null
        ),
        'periods', jsonb_build_object(
            'closed', (
                select jsonb_build_object('at', p.closed_at, 'op', p.op_id)
                from punctaj.periods p
                where p.table_id = t.table_id and not p.reopened
                order by p.number desc
                limit 1
            ),
            'proposes', t.promotions is not null,
            'schedule', jsonb_build_object(
                'every', t.schedule_every, 'day', t.schedule_day, 'time', t.schedule_time,
                'channel', t.schedule_channel, 'warning', t.schedule_warning,
                'paused', t.schedule_paused, 'from', t.schedule_from
            )
        )
    )
$$;

-- Nothing is Supabase's roles' or everyone's; see the core.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = role_name) then
            execute format('revoke all on punctaj.activities from %I', role_name);
        end if;
    end loop;
end
$$;
revoke all on punctaj.activities from public;
