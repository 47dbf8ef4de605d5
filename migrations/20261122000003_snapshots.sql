-- Looking at the past: which event was the last one at a moment, and states to replay from.

-- `applied_at` never goes back within a guild, so the last event at a moment is the first row of
-- this index read backwards. Building it stops the writers of a long history for a moment.
create index events_applied_at on punctaj.events (guild_id, applied_at, seq);

-- A guild's tables, ranks and entries as they were after an event, so that looking at the past
-- replays only what came after. A cache and no part of the history: rows may be deleted at any
-- time, are believed only with the very event they were made from, and `verify` never reads them.
--
-- They hold names and member ids in plain text, and no redaction of events reaches them: whatever
-- forgets a person must delete the guild's rows here in the same transaction.
create table punctaj.snapshots (
    guild_id bigint not null,
    -- The event after which it was so, and that event's hash.
    seq bigint not null,
    hash text not null,
    -- The version of what `state` holds; a bot reads only its own.
    format integer not null,
    -- Kind of thing -> its table or '' -> its id -> its fields.
    state jsonb not null,
    -- SHA-256 over hash and state: used as it was written, or not at all.
    digest text not null,
    kept_at timestamptz not null default clock_timestamp(),
    constraint snapshots_pkey primary key (guild_id, seq)
);
alter table punctaj.snapshots enable row level security;
create policy snapshots_app on punctaj.snapshots to punctaj_app using (true) with check (true);
grant select, insert, update, delete on punctaj.snapshots to punctaj_app;

-- Nothing is Supabase's roles' or everyone's; see the core.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = role_name) then
            execute format('revoke all on punctaj.snapshots from %I', role_name);
        end if;
    end loop;
end
$$;
revoke all on punctaj.snapshots from public;
