-- Boards: messages that always show a table; and the hints by which every process hears of changes.

-- A board is known by its table and channel. Which boards there are is part of the history; the
-- rest is what the message is known to show, and is found anew where it is lost.
create table punctaj.boards (
    table_id uuid not null constraint boards_table_id_fkey references punctaj.tables,
    channel_id bigint not null,
    -- Null when it was removed: the row goes with its message.
    layout text constraint boards_layout_known check (layout in ('phone', 'wide')),
    message_id bigint,
    -- This board and how often it was posted make the nonce of its next post.
    mark uuid not null default gen_random_uuid(),
    posts integer not null default 0,
    -- A post was begun and not yet seen to end: its message may stand in the channel unknown.
    posting boolean not null default false,
    -- What the message shows: a hash of it, and the last event that was looked at for it.
    shows text,
    seen_seq bigint not null default 0,
    -- When its channel was written to lately.
    edited_at timestamptz[] not null default '{}',
    claimed_at timestamptz,
    -- When it was in hand last: who waited longest is next.
    taken_at timestamptz,
    -- Not before then: the last attempt failed.
    not_before timestamptz,
    -- Why it can't be posted.
    problem text,
    constraint boards_pkey primary key (table_id, channel_id)
);
alter table punctaj.boards enable row level security;
create policy boards_app on punctaj.boards to punctaj_app using (true) with check (true);
grant select, insert, update, delete on punctaj.boards to punctaj_app;
create index boards_channel on punctaj.boards (channel_id);

-- A table with its ranks, fields and boards, as the program reads it.
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
        )
    )
$$;

-- Whoever listens hears which guild something happened in; what it was is read from the tables.
create function punctaj.hint_event() returns trigger
    language plpgsql
    set search_path = ''
as $$
begin
    perform pg_catalog.pg_notify('punctaj_events', new.guild_id::text);
    return null;
end
$$;
revoke all on function punctaj.hint_event() from public;
create trigger events_hint after insert on punctaj.events
    for each row execute function punctaj.hint_event();

-- A board that can't be posted is told in the log channel: {"table", "channel"}.
alter table punctaj.outbox
    drop constraint outbox_kind_known,
    add constraint outbox_kind_known check (kind in ('event', 'head', 'overwritten', 'board'));

-- Nothing is Supabase's roles' or everyone's; see the core.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = role_name) then
            execute format('revoke all on punctaj.boards from %I', role_name);
            execute format('revoke all on function punctaj.hint_event() from %I', role_name);
        end if;
    end loop;
end
$$;
revoke all on punctaj.boards from public;
