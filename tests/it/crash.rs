//! The real binary killed in the middle of its work.

use std::collections::BTreeMap;

use fake_discord::{Device, Member};
use sqlx::PgPool;
use tokio::task::JoinSet;

use crate::support::app::{Process, TestApp, assert_says};
use crate::support::db::reachable_folder;

/// Adds that are answered before the kill, at least.
const ACKNOWLEDGED: usize = 120;

/// Adds that are on their way when it comes.
const IN_FLIGHT: usize = 60;

#[tokio::test]
async fn kill_dash_nine_loses_nothing_acknowledged_and_doubles_nothing() {
    let app = TestApp::without_bot().await;
    let bot = Process::start(&app.discord, &app.db);
    app.discord.ready().await;
    let alice = app.moderator("alice");
    let pc = Device::desktop("PC");
    alice
        .on(&pc)
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;

    let acknowledged = acknowledged_adds(&alice, &pc).await;
    assert_eq!(acknowledged.len(), ACKNOWLEDGED);

    let pending: Vec<_> = (0..IN_FLIGHT)
        .map(|number| {
            let name = format!("flight {number}");
            let pending = alice
                .on(&pc)
                .slash_start("punctaj add", [("names", name.as_str()), ("points", "1")]);
            (name, pending)
        })
        .collect();
    let first_answered = app.discord.pending(pending[0].1.interaction_id());
    assert!(first_answered.answer().await.is_answered());
    bot.kill().await;

    let (mut answered, mut unanswered) = (Vec::new(), Vec::new());
    for (name, pending) in &pending {
        let attempts = app.discord.attempts(pending.interaction_id());
        if attempts.is_empty() {
            &mut unanswered
        } else {
            &mut answered
        }
        .push(name.clone());
    }
    assert!(
        unanswered.len() >= 10,
        "the kill came too late: {} unanswered",
        unanswered.len()
    );
    println!(
        "{} acknowledged, {} unanswered",
        acknowledged.len() + answered.len(),
        unanswered.len()
    );

    let pool = app.db.superuser().await;
    let entries = points_by_name(&pool).await;
    for name in acknowledged.iter().chain(&answered) {
        assert_eq!(entries.get(name), Some(&1), "{name} was acknowledged");
    }
    for name in &unanswered {
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
    let twice: i64 = sqlx::query_scalar("select count(*) from punctaj.entries where points <> 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(twice, 0);
    let all: i64 = sqlx::query_scalar("select count(*) from punctaj.entries")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(all, i64::try_from(ACKNOWLEDGED + IN_FLIGHT).unwrap());
    let after = alice
        .on(&pc)
        .slash("punctaj add", [("names", "ack 0"), ("points", "1")])
        .await;
    assert_says(&after, &["1 → 2"]);
    bot.terminate().await;
    let mut app = app;
    let refused = app.discord.refusals().len();
    app.expect_refusals(refused);
    app.finish().await;
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
        if running.len() == 20 {
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
