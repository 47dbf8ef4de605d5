-- Panels: where a sitting is in which many awards are entered one after the other, for each device
-- session and table. They are not events, and not part of replay: the totals they show are read
-- from the events. Rows may be deleted at any time; whoever used one opens it anew.
--
-- A search is text that may name a person: whatever forgets people must delete these rows too.
create table punctaj.panels (
    device_id text collate "C" not null constraint panels_device_id_fkey references punctaj.sessions,
    table_id uuid not null constraint panels_table_id_fkey references punctaj.tables,
    guild_id bigint not null,
    -- Entries, in the order in which they were picked.
    picked uuid[] not null default '{}',
    -- Whether its buttons take points away.
    takes boolean not null default false,
    -- What the menu is narrowed down to, as it was typed and folded; '' for everybody.
    search text not null default '',
    search_key text collate "C" not null default '',
    -- The page of the menu, from 0.
    page integer not null default 0,
    -- The sitting: the guild's newest event when it began, and that moment.
    since_seq bigint not null,
    since timestamptz not null default clock_timestamp(),
    used_at timestamptz not null default clock_timestamp(),
    constraint panels_pkey primary key (device_id, table_id),
    constraint panels_page_not_negative check (page >= 0)
);
alter table punctaj.panels enable row level security;
create policy panels_app on punctaj.panels to punctaj_app using (true) with check (true);
grant select, insert, update, delete on punctaj.panels to punctaj_app;
create index panels_used_at on punctaj.panels (used_at);

-- Nothing is Supabase's roles' or everyone's; see the core.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = role_name) then
            execute format('revoke all on punctaj.panels from %I', role_name);
        end if;
    end loop;
end
$$;
revoke all on punctaj.panels from public;
