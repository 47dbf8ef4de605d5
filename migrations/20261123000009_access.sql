-- Rights: who was granted what, and where; and the statements' conditions on it as functions.

-- A grant gives a code or a bundle of codes to a role or a member: for the whole guild, for the
-- tables of a category, or for one table. It only ever adds; revoking it deletes the row.
create table punctaj.grants (
    grant_id uuid constraint grants_pkey primary key,
    guild_id bigint not null,
    role_id bigint,
    user_id bigint,
    -- A code such as 'score.add', or a bundle such as 'scorer'.
    granted text not null,
    category text,
    -- Unicode case folding of the category.
    category_key text collate "C",
    table_id uuid constraint grants_table_id_fkey references punctaj.tables,
    constraint grants_one_grantee check ((role_id is null) <> (user_id is null)),
    constraint grants_one_scope check (category_key is null or table_id is null),
    constraint grants_category_whole check ((category is null) = (category_key is null))
);
alter table punctaj.grants enable row level security;
create policy grants_app on punctaj.grants to punctaj_app using (true) with check (true);
grant select, insert, delete on punctaj.grants to punctaj_app;
create unique index grants_once on punctaj.grants (
    guild_id, coalesce(role_id, user_id), (role_id is null), granted, coalesce(category_key, ''),
    coalesce(table_id, '00000000-0000-0000-0000-000000000000')
);

-- A caller is {"all": whether everything is theirs, "user": id, "roles": [ids], "granted": [what
-- has to be granted to them, one of these]}.

-- What was granted to a caller, be it what is asked for or not.
create function punctaj.grants_of(guild bigint, caller jsonb) returns setof punctaj.grants
    language sql stable
    set search_path = ''
as $$
    select g.*
    from punctaj.grants g
    where g.guild_id = grants_of.guild and (
        g.user_id = (grants_of.caller ->> 'user')::bigint
        or g.role_id = any(array(
            select r.value::bigint from jsonb_array_elements_text(grants_of.caller -> 'roles') r
        ))
    )
$$;
revoke all on function punctaj.grants_of(bigint, jsonb) from public;
grant execute on function punctaj.grants_of(bigint, jsonb) to punctaj_app;

-- The same, as the program reads it.
create function punctaj.grants_json(guild bigint, caller jsonb) returns jsonb
    language sql stable
    set search_path = ''
as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'id', g.grant_id, 'role', g.role_id, 'member', g.user_id, 'granted', g.granted,
        'category', g.category, 'table', g.table_id
    )), '[]')
    from punctaj.grants_of(guild, caller) g
$$;
revoke all on function punctaj.grants_json(bigint, jsonb) from public;
grant execute on function punctaj.grants_json(bigint, jsonb) to punctaj_app;

-- Whether a caller was granted it in a table.
create function punctaj.reaches(t punctaj.tables, caller jsonb) returns boolean
    language sql stable
    set search_path = ''
as $$
    select (caller ->> 'all')::boolean or exists (
        select from punctaj.grants_of(t.guild_id, caller) g
        where caller -> 'granted' ? g.granted
            and (g.table_id is null or g.table_id = t.table_id)
            and (g.category_key is null or g.category_key = t.category_key)
    )
$$;
revoke all on function punctaj.reaches(punctaj.tables, jsonb) from public;
grant execute on function punctaj.reaches(punctaj.tables, jsonb) to punctaj_app;

-- The private tables of a guild that a caller does not reach: few, and asked for once where many events
-- are looked through.
create function punctaj.hidden_tables(guild bigint, caller jsonb) returns setof uuid
    language sql stable
    set search_path = ''
as $$
    select t.table_id from punctaj.tables t
    where t.guild_id = guild and t.private and not punctaj.reaches(t, caller)
$$;
revoke all on function punctaj.hidden_tables(bigint, jsonb) from public;
grant execute on function punctaj.hidden_tables(bigint, jsonb) to punctaj_app;

-- Whether a caller was granted it in the whole guild.
create function punctaj.holds(guild bigint, caller jsonb) returns boolean
    language sql stable
    set search_path = ''
as $$
    select (caller ->> 'all')::boolean or exists (
        select from punctaj.grants_of(guild, caller) g
        where caller -> 'granted' ? g.granted and g.table_id is null and g.category_key is null
    )
$$;
revoke all on function punctaj.holds(bigint, jsonb) from public;
grant execute on function punctaj.holds(bigint, jsonb) to punctaj_app;

-- The live tables that may be meant, as before: private ones exist only for callers who reach them.
create function punctaj.tables_meant(
    guild bigint, category_key text, name_key text, last_table uuid, caller jsonb
) returns setof punctaj.tables
    language sql stable rows 1
    set search_path = ''
as $$
    with live as (
        select t.* from punctaj.tables t
        where t.guild_id = guild and t.deleted_at is null
            and (not t.private or punctaj.reaches(t, caller))
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
revoke all on function punctaj.tables_meant(bigint, text, text, uuid, jsonb) from public;
grant execute on function punctaj.tables_meant(bigint, text, text, uuid, jsonb) to punctaj_app;

-- What others did that a session has not seen, as before; who was granted what is nobody's news.
create function punctaj.missed(guild bigint, device text, since bigint, caller jsonb) returns jsonb
    language sql stable
    set search_path = ''
as $$
    select jsonb_build_object('count', count(*), 'newest', coalesce(max(m.seq), 0))
    from (
        select e.seq
        from punctaj.events e
        where e.guild_id = guild and e.device_id is distinct from device
            and (e.table_id is null or e.table_id <> all(array(select punctaj.hidden_tables(guild, caller))))
            and e.seq > greatest(since, (select g.head_seq - 200 from punctaj.guilds g where g.guild_id = guild))
            and e.outcome = 'applied' and not starts_with(e.action, 'session.')
            and not starts_with(e.action, 'access.') and not e.changes @> '[{"what": "grant"}]'
        order by e.seq desc
        limit 100
    ) m
$$;
revoke all on function punctaj.missed(bigint, text, bigint, jsonb) from public;
grant execute on function punctaj.missed(bigint, text, bigint, jsonb) to punctaj_app;

-- Nothing is Supabase's roles' or everyone's; see the core.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = role_name) then
            execute format('revoke all on punctaj.grants from %I', role_name);
            execute format('revoke all on function punctaj.grants_of(bigint, jsonb) from %I', role_name);
            execute format('revoke all on function punctaj.grants_json(bigint, jsonb) from %I', role_name);
            execute format('revoke all on function punctaj.reaches(punctaj.tables, jsonb) from %I', role_name);
            execute format('revoke all on function punctaj.hidden_tables(bigint, jsonb) from %I', role_name);
            execute format('revoke all on function punctaj.holds(bigint, jsonb) from %I', role_name);
            execute format(
                'revoke all on function punctaj.tables_meant(bigint, text, text, uuid, jsonb) from %I', role_name
            );
            execute format('revoke all on function punctaj.missed(bigint, text, bigint, jsonb) from %I', role_name);
        end if;
    end loop;
end
$$;
revoke all on punctaj.grants from public;
