//! Whether the schema is what the migrations made of it: read from their text, so that there is no
//! second list of rights and triggers that could grow old.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Executor as _, Row as _};

use super::{Schema, There};
use crate::store::migrator;

/// What keeps the history as it is.
const GUARDS: [&str; 4] = [
    "events_append_only",
    "events_no_truncate",
    "ledger_append_only",
    "ledger_no_truncate",
];

/// Looks at the schema.
pub(super) async fn schema(conn: &mut PgConnection) -> Result<Schema, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"select to_regclass('punctaj._sqlx_migrations') is not null as "found!""#
    )
    .fetch_one(&mut *conn)
    .await?;
    if !found {
        return Ok(Schema::Missing);
    }
    let mut there = migrations(conn).await?;
    let texts = texts(|version| !there.pending.contains(&version));
    let expected = granted(&texts);
    let held = held(conn).await?;
    rights(&expected, &held, &mut there);
    let due = common(&expected, &held);
    there.role = conn
        .execute("set role punctaj_app; reset role")
        .await
        .is_ok();
    there.open = open_tables(conn).await?;
    there.exposed = exposed(conn).await?;
    there.withheld = withheld(conn, &due).await?;
    there.unguarded = without(conn, &GUARDS.map(str::to_owned)).await?;
    there.silent = without(conn, &triggers(&texts)).await?;
    Ok(Schema::There(Box::new(there)))
}

async fn migrations(conn: &mut PgConnection) -> Result<There, sqlx::Error> {
    // The library's own table: it is not there where the other statements are checked.
    let statement = "select version, checksum, success from punctaj._sqlx_migrations order by 1";
    let rows = conn.fetch_all(statement).await?;
    let read = |row: &PgRow| {
        let checksum: Vec<u8> = row.try_get("checksum")?;
        let success: bool = row.try_get("success")?;
        Ok((row.try_get("version")?, success.then_some(checksum)))
    };
    let found: BTreeMap<i64, Option<Vec<u8>>> =
        rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?;
    let own = migrator();
    let mut there = There::default();
    for migration in own.iter() {
        match found.get(&migration.version) {
            None => there.pending.push(migration.version),
            Some(Some(checksum)) if checksum[..] == migration.checksum[..] => {}
            Some(_) => there.broken.push(migration.version),
        }
    }
    let is_unknown = |version: &i64| !own.version_exists(*version);
    there.unknown = found.into_keys().filter(is_unknown).collect();
    Ok(there)
}

/// Rights by table or function, or of the schema.
type Rights = BTreeMap<String, BTreeSet<String>>;

/// The texts of the migrations that were applied.
fn texts(is_applied: impl Fn(i64) -> bool) -> Vec<String> {
    let own = migrator();
    let applied = own.iter().filter(|it| is_applied(it.version));
    applied
        .map(|migration| migration.sql.as_str().to_owned())
        .collect()
}

/// What the migrations give to the role of the bot, read from their text: so there is no second list
/// of it that could grow old.
fn granted(texts: &[String]) -> Rights {
    #[expect(clippy::expect_used, reason = "a constant, and a test reads it")]
    static STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
        let text = r"(?m)^\s*(grant|revoke) ([a-z, ]+) on (?:table |function |schema )?(punctaj[a-z_.]*\([^)]*\)|punctaj[a-z_, .]*) (?:to|from) punctaj_app;";
        Regex::new(text).expect("a valid expression")
    });
    let mut rights = Rights::new();
    let statements = texts.iter().flat_map(|text| STATEMENT.captures_iter(text));
    for statement in statements {
        let (_, [verb, kinds, things]) = statement.extract();
        let things: Vec<&str> = if things.contains('(') {
            vec![things]
        } else {
            things.split(", ").collect()
        };
        for thing in things {
            let of = rights.entry(unqualified(thing)).or_default();
            let kinds = kinds.split(", ").map(str::to_uppercase);
            match verb {
                "grant" => of.extend(kinds),
                _ => kinds.for_each(|kind| {
                    of.remove(&kind);
                }),
            }
        }
    }
    rights
}

/// The triggers that the migrations make, without those that guard the history.
fn triggers(texts: &[String]) -> Vec<String> {
    #[expect(clippy::expect_used, reason = "a constant, and a test reads it")]
    static STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?m)^\s*create trigger ([a-z_]+)").expect("a valid expression")
    });
    let statements = texts.iter().flat_map(|text| STATEMENT.captures_iter(text));
    let names = statements.map(|statement| statement[1].to_owned());
    let is_guard = |name: &String| GUARDS.contains(&name.as_str());
    names.filter(|name| !is_guard(name)).collect()
}

fn unqualified(name: &str) -> String {
    let short = name.trim().strip_prefix("punctaj.");
    short.unwrap_or(name).to_owned()
}

/// Compares the rights of the role with those that it should have. What is not there at all lacks
/// all of them.
fn rights(expected: &Rights, held: &Rights, there: &mut There) {
    let line = |name: &str, kind: &String| format!("{} on {name}", kind.to_lowercase());
    let none = BTreeSet::new();
    // Tables of a newer program have rights that this one does not know.
    for (name, wanted) in expected {
        let has = held.get(name).unwrap_or(&none);
        let lacking = wanted.difference(has).map(|kind| line(name, kind));
        there.lacking.extend(lacking);
        let surplus = has.difference(wanted).map(|kind| line(name, kind));
        there.surplus.extend(surplus);
    }
}

/// The rights that the role was given.
async fn held(conn: &mut PgConnection) -> Result<Rights, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        with things as (
            select n.nspname::text as name, n.nspacl as acl
            from pg_namespace n where n.nspname = 'punctaj'
            union all
            select c.relname, c.relacl
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'punctaj' and c.relkind in ('r', 'p')
            union all
            select p.proname || '(' || oidvectortypes(p.proargtypes) || ')', p.proacl
            from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'punctaj'
        )
        select t.name as "name!", x.privilege_type as "right!"
        from things t cross join lateral aclexplode(t.acl) x join pg_roles r on r.oid = x.grantee
        where r.rolname = 'punctaj_app'
        "#,
    )
    .fetch_all(conn)
    .await?;
    let mut held = Rights::new();
    for row in rows {
        held.entry(row.name).or_default().insert(row.right);
    }
    Ok(held)
}

/// The rights that the role should have, and has.
fn common(expected: &Rights, held: &Rights) -> Rights {
    let both = expected.iter().filter_map(|(name, wanted)| {
        let kinds = wanted.intersection(held.get(name)?).cloned();
        Some((name.clone(), kinds.collect()))
    });
    both.collect()
}

/// What the role may do with the rows of a table but no policy lets it.
async fn withheld(conn: &mut PgConnection, due: &Rights) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select p.tablename::text as "table!", p.cmd as "command!"
        from pg_policies p
        where p.schemaname = 'punctaj' and 'punctaj_app' = any(p.roles) and p.permissive = 'PERMISSIVE'
        "#,
    )
    .fetch_all(conn)
    .await?;
    let is_let = |table: &str, kind: &str| {
        let mut policies = rows.iter().filter(|policy| policy.table == table);
        policies.any(|policy| policy.command == kind || policy.command == "ALL")
    };
    let of_rows =
        |kind: &&String| matches!(kind.as_str(), "SELECT" | "INSERT" | "UPDATE" | "DELETE");
    let withheld = due.iter().flat_map(|(table, kinds)| {
        let kinds = kinds.iter().filter(of_rows);
        let closed = kinds.filter(|kind| !is_let(table, kind));
        closed.map(move |kind| format!("{} on {table}", kind.to_lowercase()))
    });
    Ok(withheld.collect())
}

async fn open_tables(conn: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select c.relname::text as "name!"
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'punctaj' and c.relkind in ('r', 'p') and (
            not c.relrowsecurity
            or exists (
                select from pg_policies p
                where p.schemaname = 'punctaj' and p.tablename = c.relname and p.roles <> '{punctaj_app}'
            )
        )
        order by 1
        "#,
    )
    .fetch_all(conn)
    .await
}

async fn exposed(conn: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with objects as (
            select n.nspname::text as name, coalesce(n.nspacl, acldefault('n', n.nspowner)) as acl
            from pg_namespace n where n.nspname = 'punctaj'
            union all
            select c.relname, coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'punctaj' and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
            union all
            select p.proname, coalesce(p.proacl, acldefault('f', p.proowner))
            from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'punctaj'
        )
        select distinct coalesce(r.rolname::text, 'public') || ': ' || o.name as "what!"
        from objects o cross join lateral aclexplode(o.acl) a left join pg_roles r on r.oid = a.grantee
        where a.grantee = 0 or r.rolname in ('anon', 'authenticated', 'service_role')
        order by 1
        "#,
    )
    .fetch_all(conn)
    .await
}

/// The triggers that are missing or off.
async fn without(conn: &mut PgConnection, triggers: &[String]) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select g.name as "name!"
        from unnest($1::text[]) as g (name)
        where not exists (
            select from pg_trigger t
            join pg_class c on c.oid = t.tgrelid
            join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'punctaj' and t.tgname = g.name and t.tgenabled in ('O', 'A')
        )
        order by 1
        "#,
        triggers,
    )
    .fetch_all(conn)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rights_are_read_from_the_migrations() {
        let rights = granted(&texts(|_| true));
        let of = |table: &str| rights[table].iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(of("events"), "INSERT SELECT");
        assert_eq!(of("guilds"), "INSERT SELECT UPDATE");
        assert_eq!(of("drafts"), "DELETE INSERT SELECT");
        assert!(!rights.contains_key("_sqlx_migrations"));
        assert_eq!(of("punctaj"), "USAGE");
        assert_eq!(
            of("tables_meant(bigint, text, text, uuid, jsonb)"),
            "EXECUTE"
        );
        assert!(granted(&texts(|_| false)).is_empty());
        let triggers = triggers(&texts(|_| true));
        assert!(triggers.iter().any(|name| name == "events_hint"));
        assert!(!triggers.iter().any(|name| GUARDS.contains(&name.as_str())));
    }
}
