//! The plans of the hot statements on a table of 100 000 entries, with the server's default
//! settings: indexes, never a walk through the table.

use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor as _};

use punctaj::domain::name::TableAddress;

use crate::support::db::{Interactions, TestDb};

const GUILD: i64 = 100;

async fn filled() -> (TestDb, PgPool) {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let table = TableAddress::parse("Mare").unwrap();
    db.services
        .create_table(&now.by(GUILD, 1), table)
        .await
        .unwrap();
    let pool = db.superuser().await;
    pool.execute(
        "insert into punctaj.entries
             (entry_id, guild_id, table_id, name, name_key, points, stamps, created_at, created_op)
         select gen_random_uuid(), guild_id, table_id, 'Membru ' || n, 'membru ' || n, n % 1000, '{}', now(), '1'
         from punctaj.tables, generate_series(1, 100000) n",
    )
    .await
    .unwrap();
    pool.execute("analyze punctaj.entries").await.unwrap();
    (db, pool)
}

/// The plan that the server chooses for these arguments, and the one it chooses for any.
async fn plans(pool: &PgPool, statement: &str, arguments: &str) -> Vec<String> {
    let mut plans = Vec::new();
    for mode in ["auto", "force_generic_plan"] {
        let mut conn = pool.acquire().await.unwrap();
        conn.execute(AssertSqlSafe(format!(
            "set plan_cache_mode = {mode}; prepare hot as {statement}"
        )))
        .await
        .unwrap();
        let lines: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(format!("explain execute hot ({arguments})")))
                .fetch_all(&mut *conn)
                .await
                .unwrap();
        conn.execute("deallocate hot; reset plan_cache_mode")
            .await
            .unwrap();
        plans.push(lines.join("\n"));
    }
    plans
}

fn assert_uses_indexes(plans: &[String]) {
    for plan in plans {
        assert!(
            plan.contains("entries_name_key"),
            "the index on names serves it:\n{plan}"
        );
        assert!(
            !plan.contains("Seq Scan on entries"),
            "no walk through the table:\n{plan}"
        );
    }
}

#[tokio::test]
async fn add_finds_entries_by_index() {
    let (_db, pool) = filled().await;
    let statement = include_str!("../../src/store/operation_open.sql");
    let arguments = "100, '5', 1, now(), null, 43200, 604800, null, 'mare', null, \
                     array['membru 7', 'membru 99999', 'nou'], array[]::bigint[], array[]::uuid[], true, 'mobile'";
    assert_uses_indexes(&plans(&pool, statement, arguments).await);
}

#[tokio::test]
async fn autocomplete_finds_entries_by_index() {
    let (db, pool) = filled().await;
    let statement = include_str!("../../src/store/complete_entries.sql");
    let arguments =
        "100, 1, null, null, 43200, 604800, 'membru 4', E'membru 4\\U0010FFFF', 25, false, 'web'";
    assert_uses_indexes(&plans(&pool, statement, arguments).await);
    let now = Interactions::new();
    let found = db
        .services
        .complete_entries(&now.by(GUILD, 1), None, "MEMBRU 4242")
        .await
        .unwrap();
    assert_eq!(found.first().map(String::as_str), Some("Membru 4242"));
    assert_eq!(found.len(), 11, "itself and its ten continuations");
}

#[tokio::test]
async fn a_profile_finds_its_entry_by_index() {
    let (_db, pool) = filled().await;
    let statement = include_str!("../../src/store/profile.sql");
    for (whose, index) in [
        ("'membru 7', null::bigint", "entries_name_key"),
        ("null::text, 42", "entries_member_key"),
    ] {
        let arguments = format!(
            "100, 1, null, 43200, 604800, null, 'mare', null, {whose}, false, 25, 5, 'web'"
        );
        // Its place is counted, as a page of the table is.
        for plan in plans(&pool, statement, &arguments).await {
            assert!(plan.contains(index), "the index {index} serves it:\n{plan}");
        }
    }
}
