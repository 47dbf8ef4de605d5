//! The same interaction twice, slow and broken databases, and input that means harm.

use fake_discord::Device;
use sqlx::Executor as _;

use crate::support::app::{TestApp, assert_says, view};
use crate::support::db::TestDb;

fn phone() -> Device {
    Device::phone("Telefon")
}

#[tokio::test]
async fn the_same_interaction_twice_is_one_event() {
    let mut app = TestApp::start().await;
    let alice = app.moderator("alice");
    alice
        .on(&phone())
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;
    let pending = alice
        .on(&phone())
        .slash_start("punctaj add", [("names", "Ana"), ("points", "5")]);
    let id = pending.interaction_id();
    assert_says(&pending.answer().await, &["0 → 5"]);
    app.discord.redeliver(id).await;
    assert_says(&view(&alice, &phone()).await, &["Ana", "5"]);
    let pool = app.db.superuser().await;
    let events: i64 =
        sqlx::query_scalar("select count(*) from punctaj.events where action = 'points.add'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(events, 1);
    app.expect_refusals(1);
    app.finish().await;
}

#[tokio::test]
async fn two_bots_on_one_shard_answer_each_interaction_once() {
    let mut app = TestApp::start().await;
    let alice = app.moderator("alice");
    alice
        .on(&phone())
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;
    let mut second = TestApp::beside(&app).await;
    app.discord.connected(2).await;
    let add = [("names", "Ana"), ("points", "1")];
    for _ in 0..5 {
        // No more at once than a bot has connections: none waits for one.
        let acting = alice.on(&phone());
        let pending = [(); 4].map(|()| acting.slash_start("punctaj add", add));
        for answer in pending {
            assert!(answer.answer().await.is_answered());
        }
    }
    second.stop_bot().await;
    app.stop_bot().await;
    let pool = app.db.superuser().await;
    let points: i64 = sqlx::query_scalar("select points from punctaj.entries")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(points, 20);
    let refusals = app.discord.refusals();
    assert!(
        refusals.iter().all(|refusal| refusal.code == 40060),
        "{refusals:#?}"
    );
    app.expect_refusals(refusals.len());
    second.forget();
    app.finish().await;
}

#[tokio::test]
async fn what_takes_longer_is_deferred_and_completed() {
    let app = TestApp::start().await;
    let alice = app.moderator("alice");
    alice
        .on(&phone())
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;
    let pool = app.db.superuser().await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(guild_id) from punctaj.guilds")
        .execute(&mut *lock)
        .await
        .unwrap();
    let pending = alice
        .on(&phone())
        .slash_start("punctaj add", [("names", "Ana"), ("points", "5")]);
    let id = pending.interaction_id();
    while app.discord.attempts(id).is_empty() {
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    lock.rollback().await.unwrap();
    let reply = pending.answer().await;
    assert!(reply.was_deferred() && reply.is_ephemeral());
    assert_says(&reply, &["Ana", "0 → 5"]);
    app.finish().await;
}

#[tokio::test]
async fn an_internal_error_shows_a_reference_and_nothing_else() {
    let app = TestApp::start().await;
    let alice = app.moderator("alice");
    alice
        .on(&phone())
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;
    let pool = app.db.superuser().await;
    pool.execute("alter table punctaj.ledger rename to hidden_ledger")
        .await
        .unwrap();
    let reply = alice
        .on(&phone())
        .slash("punctaj add", [("names", "Ana"), ("points", "5")])
        .await;
    assert!(reply.is_ephemeral() && !reply.has_button("Undo"));
    let text = reply.text();
    assert!(
        !text.contains("ledger") && !text.contains("relation"),
        "{text}"
    );
    pool.execute("alter table punctaj.hidden_ledger rename to ledger")
        .await
        .unwrap();
    let again = alice
        .on(&phone())
        .slash("punctaj add", [("names", "Ana"), ("points", "5")])
        .await;
    assert_says(&again, &["0 → 5"]);
    app.finish().await;
}

#[tokio::test]
async fn without_a_database_the_bot_says_so() {
    let mut app = TestApp::without_bot().await;
    app.start_bot_with(TestDb::services_nowhere()).await;
    let alice = app.moderator("alice");
    let reply = alice
        .on(&phone())
        .slash("punctaj add", [("names", "Ana"), ("points", "5")])
        .await;
    assert!(reply.is_answered() && reply.is_ephemeral() && !reply.has_button("Undo"));
    app.finish().await;
}

#[tokio::test]
async fn hostile_names_are_refused_or_harmless() {
    let app = TestApp::start().await;
    let alice = app.moderator("alice");
    alice
        .on(&phone())
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;
    let long = "x".repeat(101);
    let very_long = "a,".repeat(2000);
    let refused = [
        "zero\u{200b}width",
        "bidi\u{202e}txt",
        "line\nbreak",
        "tab\tstop",
        "nul\u{0}",
        long.as_str(),
        very_long.as_str(),
        " , , ",
        "\"unclosed",
    ];
    for name in refused {
        let reply = alice
            .on(&phone())
            .slash("punctaj add", [("names", name), ("points", "1")])
            .await;
        if name == very_long {
            assert!(
                reply.has_button("Undo"),
                "one name, given often, counts once: {}",
                reply.text()
            );
        } else {
            assert!(
                reply.is_answered() && !reply.has_button("Undo"),
                "{name:?}: {}",
                reply.text()
            );
        }
    }
    let many: Vec<String> = (0..51).map(|number| format!("M{number}")).collect();
    let reply = alice
        .on(&phone())
        .slash("punctaj add", [("names", many.join(",").as_str())])
        .await;
    assert_says(&reply, &["50"]);
    let harmless = [
        "**bold** _it_ `code` ~~x~~ ||spoiler||",
        "@everyone",
        "@here",
        "# head",
        "> quote",
        "[a](https://x.y)",
        "<#1>",
        "<:e:1>",
        "👨‍👩‍👧",
        "日本語の名前",
        "'; drop table punctaj.events; --",
        "{$name}",
        "```",
    ];
    for name in harmless {
        let reply = alice
            .on(&phone())
            .slash("punctaj add", [("names", name), ("points", "1")])
            .await;
        assert!(reply.has_button("Undo"), "{name:?}: {}", reply.text());
        assert!(
            reply.pings().is_empty(),
            "{name:?} pings {:?}",
            reply.pings()
        );
        let undone = alice.on(&phone()).click(&reply, "Undo").await;
        assert!(undone.is_answered() && undone.pings().is_empty());
    }
    let worst: Vec<String> = (0..50)
        .map(|number| format!("{number:02}{}", "界".repeat(98)))
        .collect();
    let mut list = String::new();
    for name in &worst {
        if list.len() + name.len() < 6000 {
            list.push_str(name);
            list.push(',');
        }
    }
    let reply = alice
        .on(&phone())
        .slash(
            "punctaj add",
            [("names", list.as_str()), ("points", "1000000000")],
        )
        .await;
    assert!(reply.has_button("Undo"), "{}", reply.text());
    for layout in ["phone", "wide"] {
        let reply = alice
            .on(&phone())
            .slash("punctaj view", [("layout", layout)])
            .await;
        assert_says(&reply, &["1,000,000,000"]);
    }
    app.finish().await;
}
