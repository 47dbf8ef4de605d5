//! Supabase's roles, who came first or later, and what its database linter asks.
//!
//! The roles and the default privileges are those of `supabase/postgres` (`init-scripts` and
//! `migrations`, as of October 2026).

use punctaj::domain::name::{NameList, TableAddress};
use punctaj::domain::session::SessionLimits;
use punctaj::service::Services;
use punctaj::service::points::Award;
use punctaj::store::{self, StoreOptions};
use sqlx::{AssertSqlSafe, Executor as _, PgPool};

use crate::support::db::{Interactions, TestDb};

/// The roles that the public keys stand for.
const PUBLIC_ROLES: [&str; 2] = ["anon", "authenticated"];

/// The role that the secret key stands for.
const SECRET_ROLE: &str = "service_role";

/// What a new project's database grants.
const DATABASE: &str = "
    grant all on schema public to supabase_postgres;
    grant usage on schema public to anon, authenticated, service_role;
    alter default privileges in schema public
        grant all on tables to supabase_postgres, anon, authenticated, service_role;
    alter default privileges in schema public
        grant all on functions to supabase_postgres, anon, authenticated, service_role;
    alter default privileges in schema public
        grant all on sequences to supabase_postgres, anon, authenticated, service_role;
    alter default privileges for role supabase_postgres in schema public
        grant all on tables to anon, authenticated, service_role;
    alter default privileges for role supabase_postgres in schema public
        grant all on functions to anon, authenticated, service_role;
    alter default privileges for role supabase_postgres in schema public
        grant all on sequences to anon, authenticated, service_role";

/// What Supabase's guide to custom schemas tells to run, for those who do expose one.
const EXPOSE: &str = "
    grant usage on schema punctaj to anon, authenticated, service_role;
    grant all on all tables in schema punctaj to anon, authenticated, service_role;
    grant all on all routines in schema punctaj to anon, authenticated, service_role;
    grant all on all sequences in schema punctaj to anon, authenticated, service_role";

const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// A table or view, and a column of it.
#[derive(sqlx::FromRow)]
struct Relation {
    name: String,
    column: String,
}

async fn relations(pool: &PgPool) -> Vec<Relation> {
    let found: Vec<Relation> = sqlx::query_as(
        "select c.oid::regclass::text as name, quote_ident(a.attname) as column
         from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
         where c.relnamespace = 'punctaj'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
    for name in [
        "punctaj.events",
        "punctaj.entries",
        "punctaj._sqlx_migrations",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    found
}

async fn sequences(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select oid::regclass::text from pg_class
         where relnamespace = 'punctaj'::regnamespace and relkind = 'S'",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// Runs a statement as a role; nothing of it stays. The rows, or the error's code.
async fn attempt(pool: &PgPool, role: &str, statement: &str) -> Result<u64, String> {
    let mut tx = pool.begin().await.unwrap();
    let role = format!("set local role {role}");
    tx.execute(AssertSqlSafe(role)).await.unwrap();
    let done = tx.execute(AssertSqlSafe(statement)).await;
    tx.rollback().await.unwrap();
    match done {
        Ok(done) => Ok(done.rows_affected()),
        Err(sqlx::Error::Database(error)) => Err(error.code().unwrap().into_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn statements(relation: &Relation) -> [String; 5] {
    let Relation { name, column } = relation;
    [
        format!("select {column} from {name}"),
        format!("insert into {name} default values"),
        format!("update {name} set {column} = {column}"),
        format!("delete from {name}"),
        format!("truncate {name} cascade"),
    ]
}

/// A role can neither read nor write any table, nor use a sequence, nor run a function.
async fn assert_shut_out(pool: &PgPool, role: &str) {
    let refused = Err(INSUFFICIENT_PRIVILEGE.to_owned());
    let mut all: Vec<String> = relations(pool).await.iter().flat_map(statements).collect();
    for name in sequences(pool).await {
        all.push(format!("select nextval('{name}')"));
        all.push(format!("select setval('{name}', 1)"));
        all.push(format!("select last_value from {name}"));
    }
    for statement in all {
        let done = attempt(pool, role, &statement).await;
        assert_eq!(done, refused, "{role}: {statement}");
    }
    let may_run: Vec<String> = sqlx::query_scalar(
        "select oid::regprocedure::text from pg_proc
         where pronamespace = 'punctaj'::regnamespace and has_function_privilege($1, oid, 'execute')",
    )
    .bind(role)
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(may_run, Vec::<String>::new(), "{role}");
}

/// A table with entries and a history.
async fn write_something(services: &Services) {
    let now = Interactions::new();
    let address = TableAddress::parse("Clan").unwrap();
    services.create_table(&now.by(1, 2), address).await.unwrap();
    let names = NameList::parse("Ana, Ion", 50).unwrap().into_items();
    let award = Award {
        names,
        points: 5,
        table: None,
        table_id: None,
        reason: None,
    };
    services.add_points(&now.by(1, 2), award).await.unwrap();
}

/// A project of Supabase's with our schema in it, brought there by the role that Supabase hands
/// out. Returns the superuser's connections.
async fn project() -> PgPool {
    let db = TestDb::unmigrated().await;
    let superuser = db.superuser().await;
    db.make_supabase_roles().await;
    superuser.execute(DATABASE).await.unwrap();
    let mut url = url::Url::parse(db.url()).unwrap();
    let grant = format!(
        "grant all on database {} to supabase_postgres",
        url.path().trim_start_matches('/')
    );
    superuser.execute(AssertSqlSafe(grant)).await.unwrap();
    url.set_username("supabase_postgres").unwrap();
    url.set_password(Some("test")).unwrap();
    let options = StoreOptions::new(url.as_str(), 1).unwrap();
    store::migrate(&options).await.unwrap();
    let services = TestDb::services_on(url.as_str(), 5, 7, SessionLimits::default());
    write_something(&services).await;
    superuser
}

#[tokio::test]
async fn roles_that_were_there_first_are_shut_out() {
    let pool = project().await;
    for role in PUBLIC_ROLES.into_iter().chain([SECRET_ROLE]) {
        assert_shut_out(&pool, role).await;
    }
}

#[tokio::test]
async fn roles_that_came_later_are_shut_out() {
    // Copied from a template that was migrated before any test could make a role.
    let db = TestDb::new().await;
    write_something(&db.services).await;
    let pool = db.superuser().await;
    db.make_supabase_roles().await;
    pool.execute(DATABASE).await.unwrap();
    for role in PUBLIC_ROLES.into_iter().chain([SECRET_ROLE]) {
        assert_shut_out(&pool, role).await;
    }
}

#[tokio::test]
async fn a_careless_grant_of_the_schema_shows_nothing() {
    let pool = project().await;
    pool.execute("grant usage on schema punctaj to public, anon, authenticated, service_role")
        .await
        .unwrap();
    for role in PUBLIC_ROLES.into_iter().chain([SECRET_ROLE]) {
        assert_shut_out(&pool, role).await;
    }
}

#[tokio::test]
async fn even_where_all_is_granted_the_public_keys_read_and_write_nothing() {
    let pool = project().await;
    pool.execute(EXPOSE).await.unwrap();
    for relation in relations(&pool).await {
        let [select, insert, update, delete, _] = statements(&relation);
        for role in PUBLIC_ROLES {
            for statement in [&select, &update, &delete] {
                let done = attempt(&pool, role, statement).await;
                assert_eq!(done, Ok(0), "{role}: {statement}");
            }
            let done = attempt(&pool, role, &insert).await;
            assert_eq!(
                done,
                Err(INSUFFICIENT_PRIVILEGE.to_owned()),
                "{role}: {insert}"
            );
        }
    }
    // The secret key passes row-level security, but the history stays as it is.
    let read = |table: &str| format!("select from punctaj.{table}");
    let may = async |statement: &str| attempt(&pool, SECRET_ROLE, statement).await;
    for table in ["entries", "events", "ledger"] {
        assert!(may(&read(table)).await.unwrap() > 0, "{table}");
        assert!(
            attempt(&pool, "punctaj_app", &read(table)).await.unwrap() > 0,
            "{table}"
        );
    }
    assert_eq!(may("delete from punctaj.drafts").await, Ok(0));
    for table in ["events", "ledger"] {
        for statement in [
            format!("update punctaj.{table} set guild_id = guild_id"),
            format!("delete from punctaj.{table}"),
            format!("truncate punctaj.{table} cascade"),
        ] {
            let done = may(&statement).await;
            assert_eq!(done, Err(INSUFFICIENT_PRIVILEGE.to_owned()), "{statement}");
        }
    }
}

/// What Supabase's linter calls an error or a warning, and the query for what it would name.
const LINTS: &[(&str, &str)] = &[
    (
        "rls_disabled_in_public, policy_exists_rls_disabled",
        "select relname::text from pg_class
         where relnamespace = 'punctaj'::regnamespace and relkind in ('r', 'p') and not relrowsecurity",
    ),
    (
        "rls_policy_always_true, auth_rls_initplan: a policy for anybody but punctaj_app",
        "select tablename || '.' || policyname from pg_policies
         where schemaname = 'punctaj' and roles <> '{punctaj_app}'",
    ),
    (
        "multiple_permissive_policies",
        "select p.tablename || ' for ' || c.cmd from pg_policies p
         cross join (values ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) c (cmd)
         where p.schemaname = 'punctaj' and p.permissive = 'PERMISSIVE' and p.cmd in (c.cmd, 'ALL')
         group by p.tablename, c.cmd having count(*) > 1",
    ),
    (
        "no_primary_key",
        "select relname::text from pg_class c
         where relnamespace = 'punctaj'::regnamespace and relkind in ('r', 'p')
         and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)",
    ),
    (
        "duplicate_index",
        "select min(indexname::text) from pg_indexes where schemaname = 'punctaj'
         group by tablename, replace(indexdef, indexname, '') having count(*) > 1",
    ),
    (
        "function_search_path_mutable",
        "select proname::text from pg_proc
         where pronamespace = 'punctaj'::regnamespace
         and not exists (select from unnest(proconfig) s where s like 'search_path=%')",
    ),
    (
        "security_definer_view, materialized_view_in_api, foreign_table_in_api",
        "select relname::text from pg_class
         where relnamespace = 'punctaj'::regnamespace
         and (relkind in ('m', 'f') or relkind = 'v'
             and not coalesce(reloptions, '{}') && '{security_invoker=true,security_invoker=on}')",
    ),
    (
        "extension_in_public, and none of ours anywhere",
        "select extname::text from pg_extension where extname <> 'plpgsql'",
    ),
    (
        "unsupported_reg_types",
        "select c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
         where c.relnamespace = 'punctaj'::regnamespace and a.atttypid::regtype::text like 'reg%'",
    ),
    (
        "what the migrations left in public",
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace
         union all select proname::text from pg_proc where pronamespace = 'public'::regnamespace",
    ),
];

#[tokio::test]
async fn supabases_linter_has_no_errors_or_warnings() {
    let pool = project().await;
    for (lint, query) in LINTS {
        let found: Vec<String> = sqlx::query_scalar(*query).fetch_all(&pool).await.unwrap();
        assert_eq!(found, Vec::<String>::new(), "{lint}");
    }
}
