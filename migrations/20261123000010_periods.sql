-- Periods: what a table was when it was closed, its schedule, and who keeps the rank all the same.

-- On leave: a closing takes no rank from it.
alter table punctaj.entries add column exempt boolean not null default false;

alter table punctaj.tables
    -- Whether a closing only proposes ranks. Null: it gives and takes them itself.
    add column promotions text constraint tables_promotions_known check (promotions in ('proposed')),
    -- The schedule. Null: none was ever set.
    add column schedule_every text constraint tables_schedule_every_known check (schedule_every in ('week', 'month')),
    -- Of the week, Monday is 1; or of the month, the last day where it is shorter.
    add column schedule_day integer,
    -- By the clocks of the guild.
    add column schedule_time text constraint tables_schedule_time_shape check (schedule_time ~ '^[0-2][0-9]:[0-5][0-9]$'),
    add column schedule_channel bigint,
    -- So many hours before a closing those below a threshold are warned.
    add column schedule_warning integer,
    add column schedule_paused boolean not null default false,
    -- Not part of the history: runs before it are none of this schedule's.
    add column schedule_from timestamptz;
create index tables_scheduled on punctaj.tables (guild_id)
    where schedule_every is not null and not schedule_paused and deleted_at is null;

-- A closing of a table. One that was undone stays, marked: undoing that closes it again.
create table punctaj.periods (
    guild_id bigint not null,
    -- The event that closed it.
    seq bigint not null,
    op_id text not null,
    table_id uuid not null constraint periods_table_id_fkey references punctaj.tables,
    number integer not null,
    -- When the one before was closed.
    since timestamptz,
    closed_at timestamptz not null,
    -- When the schedule had wanted it first, and the last day on which it did.
    due_at timestamptz,
    due_on date,
    entries bigint not null,
    total bigint not null,
    -- Ranks that were proposed and not given yet: '<entry>:<rank>,…'.
    proposed text,
    -- The table as it was, with its ranks and fields.
    structure jsonb not null,
    reopened boolean not null default false,
    constraint periods_pkey primary key (guild_id, seq),
    constraint periods_number_positive check (number > 0)
);
alter table punctaj.periods enable row level security;
create policy periods_app on punctaj.periods to punctaj_app using (true) with check (true);
grant select, insert, update on punctaj.periods to punctaj_app;
create unique index periods_number_key on punctaj.periods (table_id, number) where not reopened;
create unique index periods_due_key on punctaj.periods (table_id, due_on) where due_on is not null;
create index periods_table on punctaj.periods (table_id, seq desc);

-- The rows of a table as they were before it was closed.
create table punctaj.period_rows (
    guild_id bigint not null,
    seq bigint not null,
    entry_id uuid not null,
    name text not null,
    member_id bigint,
    rank integer,
    points bigint not null,
    extra jsonb not null,
    exempt boolean not null,
    constraint period_rows_pkey primary key (guild_id, seq, entry_id),
    constraint period_rows_period_fkey foreign key (guild_id, seq) references punctaj.periods
);
alter table punctaj.period_rows enable row level security;
create policy period_rows_select on punctaj.period_rows for select to punctaj_app using (true);
create policy period_rows_insert on punctaj.period_rows for insert to punctaj_app with check (true);
grant select, insert on punctaj.period_rows to punctaj_app;

-- Which runs of a schedule were announced. Not part of the history.
create table punctaj.period_warnings (
    table_id uuid not null constraint period_warnings_table_id_fkey references punctaj.tables,
    due_on date not null,
    constraint period_warnings_pkey primary key (table_id, due_on)
);
alter table punctaj.period_warnings enable row level security;
create policy period_warnings_app on punctaj.period_warnings to punctaj_app using (true) with check (true);
grant select, insert on punctaj.period_warnings to punctaj_app;

-- A table with its ranks, fields, boards and periods, as the program reads it.
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

-- What a closing came to: {"seq"}; who is to be warned before one: {"table", "due"}.
alter table punctaj.outbox
    drop constraint outbox_kind_known,
    add constraint outbox_kind_known check (
        kind in ('event', 'head', 'overwritten', 'board', 'outcome', 'period', 'warning')
    );

-- Nothing is Supabase's roles' or everyone's; see the core.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = role_name) then
            execute format('revoke all on punctaj.periods from %I', role_name);
            execute format('revoke all on punctaj.period_rows from %I', role_name);
            execute format('revoke all on punctaj.period_warnings from %I', role_name);
        end if;
    end loop;
end
$$;
revoke all on punctaj.periods from public;
revoke all on punctaj.period_rows from public;
revoke all on punctaj.period_warnings from public;
