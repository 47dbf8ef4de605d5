-- What a session has been shown, and what it is told: values of others that were replaced unseen,
-- and changes it missed. None of it is part of the history.

create table punctaj.shown (
    device_id text collate "C" not null constraint shown_device_id_fkey references punctaj.sessions,
    table_id uuid not null constraint shown_table_id_fkey references punctaj.tables,
    -- The table was shown with all events up to this one, …
    seq bigint not null,
    -- … and names and points of everybody in it with all up to this one: a panel shows no more.
    names_seq bigint not null,
    constraint shown_pkey primary key (device_id, table_id)
);
alter table punctaj.shown enable row level security;
create policy shown_app on punctaj.shown to punctaj_app using (true) with check (true);
grant select, insert, update on punctaj.shown to punctaj_app;

alter table punctaj.sessions
    -- Events up to this one are no news for it.
    add column news_seq bigint not null default 0,
    -- The newest event of which it was told that it missed it.
    add column told_seq bigint not null default 0;
update punctaj.sessions s
set news_seq = g.head_seq, told_seq = g.head_seq
from punctaj.guilds g
where g.guild_id = s.guild_id;

-- News for one person: by direct message, else in the log channel, else it waits, parked, for
-- their next command.
alter table punctaj.outbox
    alter column channel_id drop not null,
    add column user_id bigint,
    add column parked boolean not null default false,
    drop constraint outbox_kind_known,
    -- 'overwritten': {"seq", "index"}.
    add constraint outbox_kind_known check (kind in ('event', 'head', 'overwritten')),
    add constraint outbox_addressed check ((channel_id is null) <> (user_id is null));
create index outbox_person on punctaj.outbox (user_id, outbox_id) where user_id is not null;

-- What others did that a session has not seen, in tables that its person sees: how many changes, up
-- to 100 and among the newest 200 events, and the newest of them.
create function punctaj.missed(guild bigint, device text, since bigint, sees_private boolean) returns jsonb
    language sql stable
    set search_path = ''
as $$
    select jsonb_build_object('count', count(*), 'newest', coalesce(max(m.seq), 0))
    from (
        select e.seq
        from punctaj.events e
        left join punctaj.tables t on t.table_id = e.table_id
        where e.guild_id = guild and e.device_id is distinct from device
            and (sees_private or not coalesce(t.private, false))
            and e.seq > greatest(since, (select g.head_seq - 200 from punctaj.guilds g where g.guild_id = guild))
            and e.outcome = 'applied' and not starts_with(e.action, 'session.')
        order by e.seq desc
        limit 100
    ) m
$$;
revoke all on function punctaj.missed(bigint, text, bigint, boolean) from public;
grant execute on function punctaj.missed(bigint, text, bigint, boolean) to punctaj_app;
