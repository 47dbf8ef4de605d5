-- The audit desk: finding events by any filter, refused attempts, the ledger in the order of events.
--
-- Building these indexes stops the writers of a long history for a moment each.

-- What no event can be. Somebody who can drop these can put it in all the same: `verify` looks at it.
alter table punctaj.events
    add constraint events_seq_positive check (seq > 0),
    add constraint events_time_finite check (isfinite(at) and isfinite(applied_at));
alter table punctaj.ledger
    add constraint ledger_seq_positive check (seq > 0),
    add constraint ledger_time_finite check (isfinite(at));

-- Which filters there are and which index serves them is held by tests/it/plans.rs.
create index events_device on punctaj.events (guild_id, device_id, seq desc) where device_id is not null;
create index events_at on punctaj.events (guild_id, at, seq);
-- Few of many: what was in conflict, refused, or waited in a journal. The conditions stand in
-- src/store/events_search.sql word for word.
create index events_conflicts on punctaj.events (guild_id, seq desc)
    where overwrote is not null or outcome = 'superseded' or changes @> '[{"superseded": true}]';
create index events_refused on punctaj.events (guild_id, seq desc) where outcome = 'refused';
create index events_queued on punctaj.events (guild_id, seq desc) where via = 'journal';

-- The event that undid an event, if it is undone now. An undo that was itself undone does not
-- count: what decides is whether the chain of undos from the event on is odd. As of an event, if one
-- is given: what was undone later does not count.
create function punctaj.undone_by(guild bigint, event bigint, as_of bigint default null) returns bigint
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
                where e.guild_id = guild and e.undoes = c.seq and e.outcome = 'applied'
                    and (as_of is null or e.seq <= as_of)
                order by e.seq desc limit 1
            ) u
    )
    select c.seq from chain c where c.depth = 1 and (select max(depth) % 2 from chain) = 1
$$;
revoke all on function punctaj.undone_by(bigint, bigint, bigint) from public;
grant execute on function punctaj.undone_by(bigint, bigint, bigint) to punctaj_app;

-- `verify` reads the ledger beside the events.
create index ledger_guild_seq on punctaj.ledger (guild_id, seq);

-- Sessions of a guild, open and ended: by label, for searching by device.
create index sessions_guild on punctaj.sessions (guild_id, login_at desc);

-- The refusals of a person within one minute. The first few are events of their own; the others are
-- counted here, and become one event when the minute is over. Not part of the history.
create table punctaj.refusals (
    guild_id bigint not null,
    user_id bigint not null,
    -- When the minute began: with its first refusal, by the database's clock.
    since timestamptz not null,
    -- The operations that were refused in it, so that none is counted twice.
    op_ids text[] not null,
    -- The rights that were missing in those that are only counted.
    rights text[] not null,
    -- They are an event by now.
    told boolean not null default false,
    constraint refusals_pkey primary key (guild_id, user_id)
);
alter table punctaj.refusals enable row level security;
create policy refusals_app on punctaj.refusals to punctaj_app using (true) with check (true);
grant select, insert, update, delete on punctaj.refusals to punctaj_app;
create index refusals_since on punctaj.refusals (since);

-- Nothing is Supabase's roles' or everyone's; see the core.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = role_name) then
            execute format('revoke all on punctaj.refusals from %I', role_name);
            execute format('revoke all on function punctaj.undone_by(bigint, bigint, bigint) from %I', role_name);
        end if;
    end loop;
end
$$;
revoke all on punctaj.refusals from public;
