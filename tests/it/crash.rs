//! The real binary killed in the middle of its work.

use std::collections::BTreeMap;

use fake_discord::{Device, Member, Pending};
use serde_json::Value;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::task::JoinSet;

use crate::support::app::{Process, TestApp, assert_says, until};
use crate::support::db::reachable_folder;

/// Adds that are answered before the kill, at least.
const ACKNOWLEDGED: usize = 120;

/// Adds that are on their way when it comes.
const IN_FLIGHT: usize = 60;

/// Those of them that may be done by then.
const HELD_UP: usize = 10;

/// So many that nothing waits for a connection instead of the lock.
const CONNECTIONS: usize = 80;

#[tokio::test]
async fn kill_dash_nine_loses_nothing_acknowledged_and_doubles_nothing() {
    let app = TestApp::without_bot().await;
    let bot = Process::with_connections(&app.discord, &app.db, CONNECTIONS);
    app.discord.ready().await;
    let alice = app.moderator("alice");
    let pc = Device::desktop("PC");
    alice
        .on(&pc)
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;

    let acknowledged = acknowledged_adds(&alice, &pc).await;
    assert_eq!(acknowledged.len(), ACKNOWLEDGED);

    // The first are held up until most of them wait; the others come after a lock that outlives the
    // bot. So the kill strikes in the middle, however fast or slow the machine is.
    let pool = app.db.superuser().await;
    let gate = locked(pool.begin().await.unwrap()).await;
    let start = |number| {
        let name = format!("flight {number}");
        let options = [("names", name.as_str()), ("points", "1")];
        let pending = alice.on(&pc).slash_start("punctaj add", options);
        (name, pending)
    };
    let mut pending: Vec<_> = (0..HELD_UP).map(start).collect();
    let most_wait = async || waiting(&pool).await.len() > HELD_UP / 2;
    until("the first adds in line", most_wait).await;
    let mut bar = pool.begin().await.unwrap();
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut *bar)
        .await
        .unwrap();
    let barred = tokio::spawn(locked(bar));
    let in_line = async || waiting(&pool).await.contains(&pid);
    until("the bar in line", in_line).await;
    pending.extend((HELD_UP..IN_FLIGHT).map(start));
    gate.rollback().await.unwrap();
    let is_done = |(_, pending): &(String, Pending)| is_acknowledged(&app, pending);
    until("an answer", async || pending.iter().any(is_done)).await;
    bot.kill().await;
    app.discord.connected(0).await;
    barred.await.unwrap().rollback().await.unwrap();

    let (answered, unanswered): (Vec<_>, Vec<_>) = pending.iter().partition(|add| is_done(add));
    assert!(
        unanswered.len() >= IN_FLIGHT - HELD_UP,
        "the kill came too late: {} unanswered",
        unanswered.len()
    );
    println!(
        "{} acknowledged, {} unanswered",
        acknowledged.len() + answered.len(),
        unanswered.len()
    );

    let entries = points_by_name(&pool).await;
    let answered = answered.iter().map(|(name, _)| name);
    for name in acknowledged.iter().chain(answered) {
        assert_eq!(entries.get(name), Some(&1), "{name} was acknowledged");
    }
    for (name, _) in &unanswered {
        assert!(
            entries.get(name).is_none_or(|points| *points == 1),
            "{name}"
        );
    }

    // The same interactions, delivered again to a new process: each is there once then.
    let bot = Process::start(&app.discord, &app.db);
    app.discord.connected(1).await;
    for (_, pending) in &pending {
        app.discord.redeliver(pending.interaction_id()).await;
    }
    // A first attempt may be a deferral.
    let all = async || points_by_name(&pool).await.len() == ACKNOWLEDGED + IN_FLIGHT;
    until("all entries", all).await;
    let after = alice
        .on(&pc)
        .slash("punctaj add", [("names", "ack 0"), ("points", "1")])
        .await;
    assert_says(&after, &["1 → 2"]);
    bot.terminate().await;
    let mut entries = points_by_name(&pool).await;
    assert_eq!(entries.remove("ack 0"), Some(2));
    assert_eq!(entries.len(), ACKNOWLEDGED + IN_FLIGHT - 1);
    entries.retain(|_, points| *points != 1);
    assert!(entries.is_empty(), "given twice: {entries:?}");
    let mut app = app;
    let refused = app.discord.refusals().len();
    app.expect_refusals(refused);
    app.finish().await;
}

/// Waits for the lock that whatever changes the guild takes.
async fn locked(mut transaction: Transaction<'static, Postgres>) -> Transaction<'static, Postgres> {
    sqlx::query("select pg_advisory_xact_lock(guild_id) from punctaj.guilds")
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction
}

/// The server's processes that wait for it.
async fn waiting(pool: &PgPool) -> Vec<i32> {
    sqlx::query_scalar(
        "select l.pid from pg_locks l join pg_database d on d.oid = l.database
         where l.locktype = 'advisory' and not l.granted and d.datname = current_database()",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// Whether Discord took an answer that says it is done.
fn is_acknowledged(app: &TestApp, add: &Pending) -> bool {
    let attempts = app.discord.attempts(add.interaction_id());
    let says_so = |body: &Value| body.to_string().contains(r#""label":"Undo""#);
    attempts
        .iter()
        .any(|attempt| attempt.accepted() && says_so(&attempt.body))
}

/// Adds that were answered. Each is a name of its own with one point: what is there once has 1,
/// what is there twice has 2.
async fn acknowledged_adds(who: &Member, device: &Device) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let mut running = JoinSet::new();
    for number in 0..ACKNOWLEDGED {
        let acting = who.on(device);
        running.spawn(async move {
            let name = format!("ack {number}");
            let options = [("names", name.as_str()), ("points", "1")];
            let reply = acting.slash("punctaj add", options).await;
            reply.has_button("Undo").then_some(name)
        });
        // Few, since each has a connection made, which takes a busy machine its time.
        if running.len() == 5 {
            acknowledged.extend(running.join_next().await.unwrap().unwrap());
        }
    }
    acknowledged.extend(running.join_all().await.into_iter().flatten());
    acknowledged
}

async fn points_by_name(pool: &PgPool) -> BTreeMap<String, i64> {
    sqlx::query_as::<_, (String, i64)>("select name, points from punctaj.entries")
        .fetch_all(pool)
        .await
        .unwrap()
        .into_iter()
        .collect()
}

#[tokio::test]
async fn killed_with_its_own_postgres_running_it_goes_on_with_all_it_had() {
    let app = TestApp::without_bot().await;
    let data = reachable_folder();
    let bot = Process::with_embedded(&app.discord, data.path());
    app.discord.ready().await;
    let alice = app.moderator("alice");
    let pc = Device::desktop("PC");
    let table = [("table", "Clan")];
    alice
        .on(&pc)
        .slash("punctaj-admin table create", table)
        .await;
    let add = [("names", "Ana"), ("points", "5")];
    assert_says(&alice.on(&pc).slash("punctaj add", add).await, &["0 → 5"]);
    bot.kill().await;
    app.discord.connected(0).await;

    let bot = Process::with_embedded(&app.discord, data.path());
    app.discord.connected(1).await;
    assert_says(&alice.on(&pc).slash("punctaj add", add).await, &["5 → 10"]);
    assert_eq!(bot.terminate().await, Some(0));
    app.finish().await;
}
