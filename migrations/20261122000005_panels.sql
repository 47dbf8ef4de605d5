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

-- The event that undid this one, if it is undone now. An undo that was itself undone does not
-- count: what decides is whether the chain of undos from the event on is odd.
create function punctaj.undone_by(guild bigint, event bigint) returns bigint
    language sql stable
    set search_path = ''
as $$
    with recursive chain as (
        select undone_by.event as seq, 0 as depth
        union all
        select u.seq, c.depth + 1
        from chain c,
            lateral (
                select e.seq from punctaj.events e
                where e.guild_id = undone_by.guild and e.undoes = c.seq and e.outcome = 'applied'
                order by e.seq desc limit 1
            ) u
    )
    select c.seq from chain c where c.depth = 1 and (select max(depth) % 2 from chain) = 1
$$;
revoke all on function punctaj.undone_by(bigint, bigint) from public;
grant execute on function punctaj.undone_by(bigint, bigint) to punctaj_app;

-- Nothing is Supabase's roles' or everyone's; see the core.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = role_name) then
            execute format('revoke all on punctaj.panels from %I', role_name);
            execute format('revoke all on function punctaj.undone_by(bigint, bigint) from %I', role_name);
        end if;
    end loop;
end
$$;
revoke all on punctaj.panels from public;
