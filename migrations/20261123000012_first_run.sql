-- The guilds that were welcomed: several processes hear that the bot joined, each time that one of them
-- connects, and one of them says so, once. Not events, and not part of replay.
create table punctaj.welcomes (
    guild_id bigint constraint welcomes_pkey primary key,
    -- When the bot joined, by Discord's clock: later than before where it left in between.
    joined_at timestamptz not null,
    welcomed_at timestamptz not null default clock_timestamp()
);
alter table punctaj.welcomes enable row level security;
create policy welcomes_app on punctaj.welcomes to punctaj_app using (true) with check (true);
grant select, insert, update on punctaj.welcomes to punctaj_app;

-- Nothing is Supabase's roles' or everyone's; see the core.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = role_name) then
            execute format('revoke all on punctaj.welcomes from %I', role_name);
        end if;
    end loop;
end
$$;
revoke all on punctaj.welcomes from public;
