-- The core: guilds, tables, ranks, entries, device sessions and the history over them.
--
-- Everything lives in schema `punctaj`, which Supabase's REST API does not expose. Each table
-- has row-level security on from the moment it exists, and nobody has rights but `punctaj_app`,
-- the role the bot works under. The schema itself is made by the program before the first
-- migration, since the migrations' own bookkeeping lives in it too.

do $$
begin
    create role punctaj_app nologin;
exception
    -- Roles belong to the whole server: another database of it, or another process, was first.
    when duplicate_object or unique_violation then null;
end
$$;

-- Whoever migrates must be able to work under the role. From Postgres 16 on, the maker of a role
-- is a member that may not yet `set role` to it.
do $$
begin
    if current_setting('server_version_num')::integer >= 160000 then
        if not pg_has_role(current_user, 'punctaj_app', 'set') then
            execute format('grant punctaj_app to %I', current_user);
        end if;
    elsif not pg_has_role(current_user, 'punctaj_app', 'member') then
        execute format('grant punctaj_app to %I', current_user);
    end if;
end
$$;

revoke all on schema punctaj from public;
alter table if exists punctaj._sqlx_migrations enable row level security;
grant usage on schema punctaj to punctaj_app;
alter default privileges in schema punctaj revoke all on tables from public;
alter default privileges in schema punctaj revoke all on sequences from public;

-- A guild: its settings and the head of its chain of events.
create table punctaj.guilds (
    guild_id bigint constraint guilds_pkey primary key,
    head_seq bigint not null default 0,
    head_hash text not null default repeat('0', 64),
    -- The newest event's applied_at; the next one is never older.
    applied_at timestamptz not null default '-infinity',
    timezone text not null default 'Europe/Bucharest',
    constraint guilds_head_seq_not_negative check (head_seq >= 0)
);
alter table punctaj.guilds enable row level security;
create policy guilds_app on punctaj.guilds to punctaj_app using (true) with check (true);
grant select, insert, update on punctaj.guilds to punctaj_app;

-- A score table. Its address is `category/name`, unique among the guild's live tables.
create table punctaj.tables (
    table_id uuid constraint tables_pkey primary key,
    guild_id bigint not null,
    category text,
    -- Unicode case folding of the category, '' without one.
    category_key text collate "C" not null default '',
    name text not null,
    name_key text collate "C" not null,
    floor bigint not null default 0,
    private boolean not null default false,
    deleted_at timestamptz,
    constraint tables_floor_in_range check (floor between -9000000000000000 and 9000000000000000)
);
alter table punctaj.tables enable row level security;
create policy tables_app on punctaj.tables to punctaj_app using (true) with check (true);
grant select, insert, update on punctaj.tables to punctaj_app;
create unique index tables_address_key on punctaj.tables (guild_id, name_key, category_key)
    where deleted_at is null;

create table punctaj.ranks (
    table_id uuid not null constraint ranks_table_id_fkey references punctaj.tables,
    number integer not null,
    title text not null,
    promote_at bigint,
    demote_below bigint,
    role_id bigint,
    constraint ranks_pkey primary key (table_id, number)
);
alter table punctaj.ranks enable row level security;
create policy ranks_app on punctaj.ranks to punctaj_app using (true) with check (true);
grant select, insert, update, delete on punctaj.ranks to punctaj_app;

-- A row of a score table. Deleted ones stay: undo restores them, and a late edit finds what
-- superseded it.
create table punctaj.entries (
    entry_id uuid constraint entries_pkey primary key,
    guild_id bigint not null,
    table_id uuid not null constraint entries_table_id_fkey references punctaj.tables,
    name text not null,
    -- Unicode case folding of the name; collation "C", so that the index serves prefixes too.
    name_key text collate "C" not null,
    member_id bigint,
    rank integer,
    points bigint not null default 0,
    -- Register -> {"at", "op"} of the edit that wrote it; "points" is that of the base.
    stamps jsonb not null,
    created_at timestamptz not null,
    created_op text not null,
    deleted_at timestamptz,
    deleted_op text,
    constraint entries_points_in_range check (points between -9000000000000000 and 9000000000000000),
    constraint entries_deleted_whole check ((deleted_at is null) = (deleted_op is null))
);
alter table punctaj.entries enable row level security;
create policy entries_app on punctaj.entries to punctaj_app using (true) with check (true);
grant select, insert, update on punctaj.entries to punctaj_app;
create unique index entries_name_key on punctaj.entries (table_id, name_key) where deleted_at is null;
create unique index entries_member_key on punctaj.entries (table_id, member_id)
    where deleted_at is null and member_id is not null;
create index entries_points_order on punctaj.entries (table_id, points desc, name_key)
    where deleted_at is null;
create index entries_deleted_name on punctaj.entries (table_id, name_key, deleted_at)
    where deleted_at is not null;

-- Names that entries had, so that an edit which was on its way meets the entry it meant.
create table punctaj.former_names (
    entry_id uuid not null constraint former_names_entry_id_fkey references punctaj.entries,
    table_id uuid not null,
    name_key text collate "C" not null,
    until_at timestamptz not null,
    until_op text not null,
    constraint former_names_pkey primary key (table_id, name_key, until_at, until_op, entry_id)
);
alter table punctaj.former_names enable row level security;
create policy former_names_app on punctaj.former_names to punctaj_app using (true) with check (true);
grant select, insert on punctaj.former_names to punctaj_app;

-- Effective changes of points, for the deltas that a late base must keep.
create table punctaj.ledger (
    guild_id bigint not null,
    seq bigint not null,
    entry_id uuid not null constraint ledger_entry_id_fkey references punctaj.entries,
    at timestamptz not null,
    op_id text not null,
    delta bigint not null,
    constraint ledger_pkey primary key (entry_id, seq)
);
alter table punctaj.ledger enable row level security;
create policy ledger_select on punctaj.ledger for select to punctaj_app using (true);
create policy ledger_insert on punctaj.ledger for insert to punctaj_app with check (true);
grant select, insert on punctaj.ledger to punctaj_app;
create index ledger_entry_at on punctaj.ledger (entry_id, at);

-- One Discord client of one person in one guild. No token of Discord's is ever stored.
create table punctaj.sessions (
    device_id text collate "C" constraint sessions_pkey primary key,
    guild_id bigint not null,
    user_id bigint not null,
    platform text not null,
    label text,
    login_at timestamptz not null,
    last_seen_at timestamptz not null,
    ended_at timestamptz,
    end_reason text,
    last_table uuid,
    layout text,
    constraint sessions_platform_known check (platform in ('desktop', 'mobile', 'web', 'unknown')),
    constraint sessions_device_id_shape check (device_id ~ '^[A-Za-z0-9_-]{22}$'),
    constraint sessions_ended_whole check ((ended_at is null) = (end_reason is null))
);
alter table punctaj.sessions enable row level security;
create policy sessions_app on punctaj.sessions to punctaj_app using (true) with check (true);
grant select, insert, update on punctaj.sessions to punctaj_app;
create index sessions_open on punctaj.sessions (guild_id, user_id, last_seen_at desc)
    where ended_at is null;

-- The history: insert only, for everyone, by rights and by trigger.
create table punctaj.events (
    guild_id bigint not null,
    seq bigint not null,
    op_id text not null,
    at timestamptz not null,
    applied_at timestamptz not null,
    actor_id bigint,
    device_id text collate "C",
    attribution text,
    via text not null,
    action text not null,
    table_id uuid,
    changes jsonb not null,
    reason text,
    overwrote jsonb,
    undoes bigint,
    outcome text not null,
    prev_hash text not null,
    hash text not null,
    -- Root of the salted commitments in the canonical form; see docs/event-format.md.
    salt text,
    constraint events_pkey primary key (guild_id, seq),
    constraint events_op_id_key unique (guild_id, op_id),
    constraint events_attribution_known check (attribution in ('exact', 'presence', 'recent', 'new')),
    constraint events_via_known check (via in ('direct', 'journal', 'schedule', 'cli')),
    constraint events_outcome_known check (outcome in ('applied', 'superseded', 'refused')),
    constraint events_changes_is_list check (jsonb_typeof(changes) = 'array'),
    constraint events_hash_shape check (hash ~ '^[0-9a-f]{64}$' and prev_hash ~ '^[0-9a-f]{64}$')
);
alter table punctaj.events enable row level security;
create policy events_select on punctaj.events for select to punctaj_app using (true);
create policy events_insert on punctaj.events for insert to punctaj_app with check (true);
grant select, insert on punctaj.events to punctaj_app;
create index events_actor on punctaj.events (guild_id, actor_id, seq desc);
create index events_table on punctaj.events (guild_id, table_id, seq desc);
create index events_action on punctaj.events (guild_id, action, seq desc);
create index events_undoes on punctaj.events (guild_id, undoes) where undoes is not null;

create function punctaj.refuse_change() returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    raise exception 'punctaj.% is append-only: % refused', tg_table_name, lower(tg_op)
        using errcode = 'insufficient_privilege';
end
$$;
create trigger events_append_only
    before update or delete on punctaj.events
    for each row execute function punctaj.refuse_change();
create trigger events_no_truncate
    before truncate on punctaj.events
    for each statement execute function punctaj.refuse_change();
create trigger ledger_append_only
    before update or delete on punctaj.ledger
    for each row execute function punctaj.refuse_change();
create trigger ledger_no_truncate
    before truncate on punctaj.ledger
    for each statement execute function punctaj.refuse_change();

-- Which names an event is about, for searching the history by name.
create table punctaj.event_names (
    guild_id bigint not null,
    name_key text collate "C" not null,
    seq bigint not null,
    constraint event_names_pkey primary key (guild_id, name_key, seq)
);
alter table punctaj.event_names enable row level security;
create policy event_names_select on punctaj.event_names for select to punctaj_app using (true);
create policy event_names_insert on punctaj.event_names for insert to punctaj_app with check (true);
grant select, insert on punctaj.event_names to punctaj_app;

-- What a reply's buttons need and a custom_id (100 characters) cannot hold: filters of a search,
-- a command that waits for the choice of a table. Not part of the history.
create table punctaj.drafts (
    draft_id uuid constraint drafts_pkey primary key,
    guild_id bigint not null,
    user_id bigint not null,
    body jsonb not null,
    created_at timestamptz not null default now()
);
alter table punctaj.drafts enable row level security;
create policy drafts_app on punctaj.drafts to punctaj_app using (true) with check (true);
grant select, insert, delete on punctaj.drafts to punctaj_app;
create index drafts_created_at on punctaj.drafts (created_at);

-- Supabase's roles, where they exist, and everyone: nothing here is theirs.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = role_name) then
            execute format('revoke all on schema punctaj from %I', role_name);
            execute format('revoke all on all tables in schema punctaj from %I', role_name);
            execute format('revoke all on all functions in schema punctaj from %I', role_name);
        end if;
    end loop;
end
$$;
revoke all on all tables in schema punctaj from public;
revoke all on all functions in schema punctaj from public;
