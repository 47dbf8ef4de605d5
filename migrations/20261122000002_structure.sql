-- Structure: extra fields of tables, a guild's settings, what waits to be posted; and the two
-- pieces of SQL that many statements share, as functions.

-- Settings. Null stands for the default, so that replaying the history gives the very same.
alter table punctaj.guilds
    alter column timezone drop not null,
    alter column timezone drop default,
    add column language text constraint guilds_language_known check (language in ('en', 'ro')),
    -- Where edits and the daily head of the chain are posted.
    add column log_channel bigint,
    -- Not part of the history: the day of the last posted head, and why posting failed.
    add column head_posted_on date,
    add column log_problem text;
update punctaj.guilds set timezone = null;

-- Extra fields of a table. Removed ones stay: their numbers are never given again, and undo
-- brings them back with the values that entries hold.
create table punctaj.fields (
    table_id uuid not null constraint fields_table_id_fkey references punctaj.tables,
    number integer not null,
    name text not null,
    -- Unicode case folding of the name.
    name_key text collate "C" not null,
    kind text not null,
    -- A regular expression that the whole value must fit.
    pattern text,
    removed boolean not null default false,
    constraint fields_pkey primary key (table_id, number),
    constraint fields_kind_known check (kind in ('text', 'number', 'date'))
);
alter table punctaj.fields enable row level security;
create policy fields_app on punctaj.fields to punctaj_app using (true) with check (true);
grant select, insert, update on punctaj.fields to punctaj_app;
create unique index fields_name_key on punctaj.fields (table_id, name_key) where not removed;

-- Values of extra fields: number of the field -> text.
alter table punctaj.entries add column extra jsonb not null default '{}';
create index entries_rank on punctaj.entries (table_id, rank) where deleted_at is null and rank is not null;

-- What must be told to others, written with the change it tells of. Taken from here in batches: a
-- batch is one message, and is posted under one nonce however often it is tried.
create table punctaj.outbox (
    outbox_id bigint generated always as identity constraint outbox_pkey primary key,
    guild_id bigint not null,
    channel_id bigint not null,
    kind text not null,
    -- 'event': {"seq"}; 'head': {"seq", "hash"}.
    body jsonb not null,
    created_at timestamptz not null default now(),
    batch uuid,
    claimed_at timestamptz,
    constraint outbox_kind_known check (kind in ('event', 'head')),
    constraint outbox_claimed_whole check ((batch is null) = (claimed_at is null))
);
alter table punctaj.outbox enable row level security;
create policy outbox_app on punctaj.outbox to punctaj_app using (true) with check (true);
grant select, insert, update, delete on punctaj.outbox to punctaj_app;
create index outbox_channel on punctaj.outbox (channel_id, outbox_id);
create index outbox_batch on punctaj.outbox (batch) where batch is not null;

-- A table with its ranks and fields, as the program reads it.
create function punctaj.table_json(t punctaj.tables) returns jsonb
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
        )
    )
$$;
revoke all on function punctaj.table_json(punctaj.tables) from public;
grant execute on function punctaj.table_json(punctaj.tables) to punctaj_app;

-- The live tables that may be meant by an address, or without one: the table that was used last,
-- else the only one. A bare name means the table without a category where there is one. One row,
-- unless it is unknown or ambiguous. Private tables exist only for those who may see them.
create function punctaj.tables_meant(
    guild bigint, category_key text, name_key text, last_table uuid, sees_private boolean
) returns setof punctaj.tables
    language sql stable rows 1
    set search_path = ''
as $$
    with live as (
        select t.* from punctaj.tables t
        where t.guild_id = guild and t.deleted_at is null and (sees_private or not t.private)
    ),
    remembered as (
        select t.* from live t where t.table_id = tables_meant.last_table
    )
    select t.* from live t
    where tables_meant.name_key is not null and t.name_key = tables_meant.name_key
        and (
            t.category_key = coalesce(tables_meant.category_key, '')
            or (tables_meant.category_key is null and not exists (
                select from live u where u.name_key = tables_meant.name_key and u.category_key = ''
            ))
        )
    union all
    select t.* from remembered t where tables_meant.name_key is null
    union all
    select t.* from live t
    where tables_meant.name_key is null and not exists (select from remembered)
        and (select count(*) from live) = 1
$$;
revoke all on function punctaj.tables_meant(bigint, text, text, uuid, boolean) from public;
grant execute on function punctaj.tables_meant(bigint, text, text, uuid, boolean) to punctaj_app;
