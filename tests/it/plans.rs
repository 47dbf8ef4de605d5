//! The plans of the hot statements on a table of 100 000 entries and a history of 100 000 events, with
//! the server's default settings: indexes, never a walk through the table.

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Executor as _};

use punctaj::domain::access::Right;
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

/// Somebody to whom things were granted.
const CALLER: &str = r#"'{"all": false, "user": 1, "roles": [5, 6], "granted": ["scorer"]}'"#;

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
    let arguments = format!(
        "100, '5', 1, now(), null, 43200, 604800, null, 'mare', null, \
         array['membru 7', 'membru 99999', 'nou'], array[]::bigint[], array[]::uuid[], {CALLER}, 'mobile'"
    );
    assert_uses_indexes(&plans(&pool, statement, &arguments).await);
}

#[tokio::test]
async fn autocomplete_finds_entries_by_index() {
    let (db, pool) = filled().await;
    let statement = include_str!("../../src/store/complete_entries.sql");
    let arguments = format!(
        "100, 1, null, null, 43200, 604800, 'membru 4', E'membru 4\\U0010FFFF', 25, {CALLER}, 'web'"
    );
    assert_uses_indexes(&plans(&pool, statement, &arguments).await);
    let now = Interactions::new();
    let found = db
        .services
        .complete_entries(&now.by(GUILD, 1), &[Right::ScoreAdd], None, "MEMBRU 4242")
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
            "100, 1, null, 43200, 604800, null, 'mare', null, {whose}, {CALLER}, 25, 5, 'web'"
        );
        // Its place is counted, as a page of the table is.
        for plan in plans(&pool, statement, &arguments).await {
            assert!(plan.contains(index), "the index {index} serves it:\n{plan}");
        }
    }
}
/// A history of 100 guilds with 1000 events each, in which few are in conflict, refused, queued or
/// undone. Made up: for the planner only its statistics count.
async fn history() -> (TestDb, PgPool) {
    let db = TestDb::new().await;
    let pool = db.superuser().await;
    pool.execute(
        "insert into punctaj.sessions (device_id, guild_id, user_id, platform, login_at, last_seen_at)
         select lpad(g || 'x' || u, 22, 'A'), g, g * 1000 + u, 'unknown', now(), now()
         from generate_series(1, 100) g, generate_series(0, 9) u;

         insert into punctaj.events (guild_id, seq, op_id, at, applied_at, actor_id, device_id, attribution,
             via, action, table_id, changes, overwrote, undoes, outcome, prev_hash, hash)
         select g, n, n, now() - n * interval '1 minute', now() - n * interval '1 minute', g * 1000 + n % 10,
             lpad(g || 'x' || n % 10, 22, 'A'), 'recent', case when n % 300 = 0 then 'journal' else 'direct' end,
             case when n % 50 = 0 then 'event.undo' when n % 7 = 0 then 'entry.set' else 'points.add' end,
             lpad((g * 10 + n % 4)::text, 32, '0')::uuid,
             case when n % 200 = 0 then '[{\"superseded\": true}]'::jsonb else '[]' end,
             case when n % 250 = 0 then '[]'::jsonb end, case when n % 50 = 0 then n - 1 end,
             case when n % 220 = 0 then 'refused' else 'applied' end, repeat('0', 64), repeat('0', 64)
         from generate_series(1, 100) g, generate_series(1, 1000) n;

         insert into punctaj.event_names (guild_id, name_key, seq)
         select g, 'nume ' || n % 60, n from generate_series(1, 100) g, generate_series(1, 1000) n;

         analyze punctaj.events; analyze punctaj.event_names; analyze punctaj.sessions",
    )
    .await
    .unwrap();
    (db, pool)
}

/// The arguments of a search, as they are written in SQL; what is not asked for is null.
#[derive(Clone)]
struct Asked([&'static str; 8]);

impl Asked {
    const NOTHING: Self = Self(["null"; 8]);

    /// Who, table, name, action, device, since, until, only.
    const ALL: [&'static str; 7] = [
        "7003",
        "array['00000000-0000-0000-0000-000000000071'::uuid]",
        "'nume 7'",
        "'points.add'",
        "array[lpad('7x3', 22, 'A')]",
        "now() - interval '9 hours'",
        "now() - interval '1 hour'",
    ];

    fn arguments(&self, oldest_first: bool) -> String {
        let [who, table, name, action, device, since, until, only] = self.0;
        // The oldest first: by somebody who does not reach the whole guild.
        let (before, from, within) = if oldest_first {
            ("900", "5", CALLER)
        } else {
            ("null", "null", "null")
        };
        format!(
            "7, {before}, 11, {who}, {table}, {name}, {action}, {device}, {since}, {until}, {only}, {from}, {oldest_first}, null, {within}"
        )
    }
}

/// Relations that are never to be walked through.
const LARGE: [&str; 5] = ["events", "event_names", "sessions", "ledger", "entries"];

fn assert_walks_through_nothing(plan: &str, asked: &str) {
    for table in LARGE {
        let walk = format!("Seq Scan on {table} ");
        assert!(!plan.contains(&walk), "{asked}\n{plan}");
    }
}

/// The plan for these arguments, as the program has it made.
async fn search_plan(pool: &PgPool, asked: &Asked, oldest_first: bool, mode: &str) -> String {
    let statement = include_str!("../../src/store/events_search.sql");
    let arguments = asked.arguments(oldest_first);
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
    lines.join("\n")
}

#[tokio::test]
async fn a_search_by_any_filters_takes_its_page_from_indexes() {
    let (_db, pool) = history().await;
    for bits in 0..128_u32 {
        for only in ["null", "'conflicts'", "'undone'", "'refused'", "'queued'"] {
            let mut asked = Asked::NOTHING;
            for (filter, value) in Asked::ALL.iter().enumerate() {
                if bits & (1 << filter) != 0 {
                    asked.0[filter] = value;
                }
            }
            asked.0[7] = only;
            for oldest_first in [false, true] {
                let plan = search_plan(&pool, &asked, oldest_first, "force_custom_plan").await;
                assert_walks_through_nothing(&plan, &asked.arguments(oldest_first));
            }
            let plan = search_plan(&pool, &asked, false, "auto").await;
            assert_walks_through_nothing(&plan, &asked.arguments(false));
        }
    }
}

#[tokio::test]
async fn a_search_for_what_is_rare_has_an_index_of_its_own() {
    let (_db, pool) = history().await;
    let only = |word| {
        let mut asked = Asked::NOTHING;
        asked.0[7] = word;
        asked
    };
    let by = |filter: usize| {
        let mut asked = Asked::NOTHING;
        asked.0[filter] = Asked::ALL[filter];
        asked
    };
    for (asked, index) in [
        (Asked::NOTHING, "events_pkey"),
        (by(0), "events_actor"),
        (by(1), "events_table"),
        (by(2), "event_names_pkey"),
        (by(4), "events_device"),
        (only("'conflicts'"), "events_conflicts"),
        (only("'undone'"), "events_undoes"),
        (only("'refused'"), "events_refused"),
        (only("'queued'"), "events_queued"),
    ] {
        let plan = search_plan(&pool, &asked, false, "force_custom_plan").await;
        assert!(plan.contains(index), "{index} serves it:\n{plan}");
    }
    // A day long ago is not looked for from now backwards.
    let mut old = Asked::NOTHING;
    old.0[5] = "now() - interval '990 minutes'";
    old.0[6] = "now() - interval '960 minutes'";
    let plan = search_plan(&pool, &old, false, "force_custom_plan").await;
    assert!(plan.contains("events_at"), "{plan}");
}

#[tokio::test]
async fn the_sums_of_a_guild_are_taken_from_its_own_part_of_the_ledger() {
    let (_db, pool) = history().await;
    pool.execute(
        "set session_replication_role = replica;
         insert into punctaj.tables (table_id, guild_id, name, name_key)
         select lpad((g * 10)::text, 32, '0')::uuid, g, 'T', 't' from generate_series(1, 100) g;
         insert into punctaj.entries
             (entry_id, guild_id, table_id, name, name_key, points, stamps, created_at, created_op)
         select lpad((g * 1000 + n)::text, 32, '0')::uuid, g, lpad((g * 10)::text, 32, '0')::uuid,
             'Membru ' || n, 'membru ' || n, 85, '{}', now(), '1'
         from generate_series(1, 100) g, generate_series(0, 59) n;
         insert into punctaj.ledger (guild_id, seq, entry_id, at, op_id, delta)
         select g, n, lpad((g * 1000 + n % 60)::text, 32, '0')::uuid, now(), n, 5
         from generate_series(1, 100) g, generate_series(1, 1000) n;
         analyze punctaj.tables; analyze punctaj.entries; analyze punctaj.ledger",
    )
    .await
    .unwrap();
    let statement = include_str!("../../src/store/ledger_wrong_sum.sql");
    for plan in plans(&pool, statement, "7").await {
        assert!(!plan.contains("Seq Scan on ledger"), "{plan}");
        let by_entry = ["ledger_pkey", "ledger_entry_at"];
        assert!(by_entry.iter().any(|index| plan.contains(index)), "{plan}");
    }
}

/// How often rights in a table, or in the guild, were asked for on a connection.
async fn asked(conn: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "select coalesce(sum(calls), 0)::bigint from pg_stat_xact_user_functions
         where schemaname = 'punctaj' and funcname in ('reaches', 'holds')",
    )
    .fetch_one(conn)
    .await
    .unwrap()
}

/// How often they are asked for while a statement runs.
async fn reaches(pool: &PgPool, statement: &str, arguments: &str) -> i64 {
    let mut tx = pool.begin().await.unwrap();
    tx.execute("set local track_functions = 'all'")
        .await
        .unwrap();
    // What earlier transactions counted may not have been handed on yet.
    let before = asked(&mut tx).await;
    tx.execute(AssertSqlSafe(format!("prepare hot as {statement}")))
        .await
        .unwrap();
    tx.execute(AssertSqlSafe(format!("execute hot ({arguments})")))
        .await
        .unwrap();
    let after = asked(&mut tx).await;
    tx.execute("deallocate hot").await.unwrap();
    tx.rollback().await.unwrap();
    after - before
}

#[tokio::test]
async fn rights_are_asked_for_once_a_table_and_not_once_an_event() {
    let (_db, pool) = history().await;
    // Four tables, each with 250 events, of which somebody reaches one; all of them are private.
    pool.execute(
        "set session_replication_role = replica;
         insert into punctaj.tables (table_id, guild_id, name, name_key, private)
         select lpad((70 + n)::text, 32, '0')::uuid, 7, 'T' || n, 't' || n, true from generate_series(0, 3) n;
         insert into punctaj.guilds (guild_id, head_seq) values (7, 1000)
         on conflict (guild_id) do update set head_seq = 1000;
         insert into punctaj.grants (grant_id, guild_id, user_id, granted, table_id)
         values (gen_random_uuid(), 7, 1, 'scorer', lpad('71', 32, '0')::uuid);
         analyze punctaj.tables",
    )
    .await
    .unwrap();
    let events = include_str!("../../src/store/complete_events.sql");
    let found = format!("7, null, '', 1000, {CALLER}");
    let news = include_str!("../../src/store/missed_events.sql");
    let since = format!("7, '', 0, {CALLER}, 10, 1");
    let count = format!("7, '', 0, {CALLER}");
    // Once for each of four tables; for all events also once whether the whole guild is within reach.
    for (statement, arguments, times) in [
        (events, &found, 5),
        (news, &since, 4),
        (
            "select punctaj.missed($1::bigint, $2::text, $3::bigint, $4::jsonb)",
            &count,
            4,
        ),
    ] {
        assert_eq!(
            reaches(&pool, statement, arguments).await,
            times,
            "{statement}"
        );
    }
    // That it counts, and that just one table's events are within reach.
    let seen: i64 = sqlx::query_scalar(
        "select count(*) from punctaj.events e join punctaj.tables t using (table_id)
         where e.guild_id = 7 and punctaj.reaches(t, $1::jsonb)",
    )
    .bind(serde_json::from_str::<serde_json::Value>(CALLER.trim_matches('\'')).unwrap())
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(seen, 250);
}

#[tokio::test]
async fn an_event_about_everybody_is_offered_with_few_names() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let table = TableAddress::parse("Mare").unwrap();
    let services = &db.services;
    services
        .create_table(&now.by(GUILD, 1), table)
        .await
        .unwrap();
    let pool = db.superuser().await;
    pool.execute(
        "set session_replication_role = replica;
         update punctaj.events set changes = (
             select jsonb_agg(jsonb_build_object('what', 'entry', 'id', n::text, 'name', 'Membru ' || n))
             from generate_series(1, 100000) n
         )
         where action = 'table.create'",
    )
    .await
    .unwrap();
    let offered = services
        .complete_events(&now.by(GUILD, 1), false, "")
        .await
        .unwrap();
    let event = offered.iter().find(|event| event.action == "table.create");
    let names = event.unwrap().names.clone().unwrap();
    assert_eq!(names.split(", ").count(), 50);
    assert!(
        names.contains("Membru 50") && !names.contains("Membru 51"),
        "{names}"
    );
}
