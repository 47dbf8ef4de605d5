//! Refused attempts are events: each of the first few in a minute, the others in one with a count.

use fake_discord::{Device, Member, Reply};
use punctaj::domain::access::{Right, Standing};
use punctaj::domain::event::{Action, Event, Outcome, Via};
use punctaj::domain::ids::{ChannelId, GuildId};
use punctaj::domain::session::SessionLimits;
use punctaj::service::audit::{Only, SearchOrder};
use punctaj::service::settings::Setting;
use punctaj::service::{Request, ServiceError, Services};
use sqlx::PgPool;

use crate::support::app::{TestApp, assert_hides, assert_says, until};
use crate::support::db::{Interactions, TestDb};
use crate::support::replay::Oracle;

const GUILD: i64 = 100;

fn phone() -> Device {
    Device::phone("Telefon")
}

async fn slash(who: &Member, command: &str, options: &[(&str, &str)]) -> Reply {
    who.on(&phone())
        .slash(command, options.iter().copied())
        .await
}

/// The refused events, in order: action, reason, whether they came from a device.
async fn refused(pool: &PgPool) -> Vec<(String, String, bool)> {
    sqlx::query_as(
        "select action, reason, device_id is not null from punctaj.events where outcome = 'refused' order by seq",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// Waits until so many are there: an answer does not wait long for its own.
async fn has_refused(pool: &PgPool, count: usize) {
    let enough = async || refused(pool).await.len() >= count;
    until("the refused events", enough).await;
}

#[tokio::test]
async fn a_refused_command_or_click_is_one_event_that_names_the_missing_right() {
    let mut app = TestApp::start().await;
    let (alice, carol) = (app.moderator("alice"), app.member("carol"));
    let pool = app.db.superuser().await;
    slash(&alice, "punctaj-admin table create", &[("table", "Clan")]).await;
    app.grant(&alice, &carol, "scorer").await;
    slash(&carol, "punctaj add", &[("names", "Ana"), ("points", "5")]).await;
    let deleted = slash(&carol, "punctaj delete", &[("names", "Ana")]).await;
    assert_says(&deleted, &["entry.delete", "Nothing was changed."]);
    has_refused(&pool, 1).await;
    let created = [("table", "Alt")];
    slash(&carol, "punctaj-admin table create", &created).await;
    has_refused(&pool, 2).await;
    slash(&carol, "punctaj-audit search", &[]).await;
    has_refused(&pool, 3).await;
    // Typing is no attempt.
    let options = [("event", "")];
    carol
        .on(&phone())
        .autocomplete("punctaj-audit show", options, "event")
        .await;
    let told = |action: &str, right: &str| (action.to_owned(), right.to_owned(), true);
    let expected = [
        told("entry.delete", "entry.delete"),
        told("table.create", "table.edit"),
        told("audit.view", "audit.view"),
    ];
    assert_eq!(refused(&pool).await, expected);

    // The same interaction once more, also when it would be allowed by now.
    app.expect_refusals(1);
    app.discord
        .redeliver(deleted.interaction_id().unwrap())
        .await;
    assert_eq!(refused(&pool).await, expected);

    let found = slash(&alice, "punctaj-audit search", &[("only", "refused")]).await;
    assert_says(
        &found,
        &["`entry.delete`", "`table.create`", "`audit.view`"],
    );
    let shown = alice
        .on(&phone())
        .select(&found, "Open an event", ["6"])
        .await;
    assert_says(&shown, &["refused", "Missing right", "`entry.delete`"]);
    assert!(!shown.has_button("Undo"), "{}", shown.text());
    // Rights are asked for at the click.
    alice.set_permissions(0);
    alice.on(&phone()).click(&found, "Export").await;
    has_refused(&pool, 4).await;
    let last = refused(&pool).await.pop();
    assert_eq!(last, Some(told("audit.export", "audit.export")));
    let points: i64 = sqlx::query_scalar("select points from punctaj.entries")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(points, 5);
    app.finish().await;
}

#[tokio::test]
async fn a_refusal_that_can_not_be_noted_is_answered_all_the_same() {
    let app = TestApp::start().await;
    let carol = app.member("carol");
    let pool = app.db.superuser().await;
    sqlx::query("revoke insert on punctaj.refusals from punctaj_app")
        .execute(&pool)
        .await
        .unwrap();
    let reply = slash(&carol, "punctaj-audit verify", &[]).await;
    assert_says(&reply, &["audit.view"]);
    assert_eq!(refused(&pool).await, []);
    app.finish().await;
}

fn nobody(now: &Interactions, user: i64) -> Request {
    Request {
        standing: Standing::default(),
        ..now.by(GUILD, user)
    }
}

async fn note(services: &Services, request: &Request) {
    services
        .note_refusal(request, Action::EntryDelete, Right::EntryDelete)
        .await
        .unwrap();
}

/// The minute of the refusals so far is over.
async fn a_minute_passes(pool: &PgPool) {
    sqlx::query("update punctaj.refusals set since = since - interval '1 minute'")
        .execute(pool)
        .await
        .unwrap();
}

async fn assert_whole(db: &TestDb, pool: &PgPool) -> i64 {
    let oracle = Oracle::of(pool, GUILD).await;
    let report = db.services.verify_guild(GuildId::from_db(GUILD)).await;
    assert_eq!(report.unwrap().problem, None);
    oracle.head()
}

#[tokio::test]
async fn from_the_sixth_in_a_minute_on_they_are_one_event_with_a_count() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let pool = db.superuser().await;
    let others = TestDb::services_on(db.url(), 4, 77, SessionLimits::default());
    let requests: Vec<Request> = (0..9).map(|_| nobody(&now, 7)).collect();
    for request in &requests {
        note(&db.services, request).await;
        // Delivered to another process too.
        note(&others, request).await;
    }
    let single = ("entry.delete".to_owned(), "entry.delete".to_owned(), false);
    assert_eq!(refused(&pool).await, vec![single.clone(); 5]);
    db.services.tell_refusals().await.unwrap();
    assert_eq!(refused(&pool).await.len(), 5, "the minute is not over");
    // Another person has a minute of their own.
    note(&db.services, &nobody(&now, 8)).await;

    a_minute_passes(&pool).await;
    let (one, two, three) = tokio::join!(
        db.services.tell_refusals(),
        others.tell_refusals(),
        db.services.tell_refusals()
    );
    let results = [one, two, three];
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let told = refused(&pool).await;
    assert_eq!(told.len(), 7);
    let sum = (
        "access.refuse".to_owned(),
        "4 × entry.delete".to_owned(),
        false,
    );
    assert_eq!(told[6], sum);
    // One that is delivered once more after that is still known.
    note(&others, &requests[7]).await;
    assert_eq!(refused(&pool).await.len(), 7);

    // Without anybody who looks, the next refusal of the next minute tells of the last one.
    for _ in 0..7 {
        note(&db.services, &nobody(&now, 7)).await;
    }
    a_minute_passes(&pool).await;
    note(&others, &nobody(&now, 7)).await;
    let told = refused(&pool).await;
    let sum = (
        "access.refuse".to_owned(),
        "2 × entry.delete".to_owned(),
        false,
    );
    assert_eq!(
        told[7..],
        [vec![single.clone(); 5], vec![sum, single]].concat()
    );
    assert_eq!(assert_whole(&db, &pool).await, 14);
    let order = SearchOrder {
        only: Some(Only::Refused),
        ..SearchOrder::default()
    };
    let page = db.services.search(&now.by(GUILD, 1), order).await.unwrap();
    let events: Vec<Event> = page.events.into_iter().map(|found| found.event).collect();
    assert!(events.iter().all(|event| event.outcome == Outcome::Refused));
    assert_eq!(events[1].via, Via::Schedule);
    assert_eq!(events[1].actor_id, events[0].actor_id);
}

#[tokio::test]
async fn many_refusals_at_once_at_two_processes_are_counted_exactly() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let pool = db.superuser().await;
    let others = TestDb::services_on(db.url(), 4, 77, SessionLimits::default());
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..30 {
        let request = nobody(&now, 7);
        let services = [&db.services, &others][index % 2].clone();
        tasks.spawn(async move { note(&services, &request).await });
    }
    tasks.join_all().await;
    a_minute_passes(&pool).await;
    others.tell_refusals().await.unwrap();
    let told = refused(&pool).await;
    assert_eq!(told.len(), 6);
    assert_eq!(told[5].1, "25 × entry.delete");
    assert_whole(&db, &pool).await;
}

#[tokio::test]
async fn a_refused_interaction_stays_refused_when_it_comes_again() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let refused = nobody(&now, 7);
    note(&db.services, &refused).await;
    let again = Request {
        standing: Standing {
            manage_server: true,
            roles: Vec::new(),
        },
        ..refused
    };
    let address = punctaj::domain::name::TableAddress::parse("Clan").unwrap();
    let error = db.services.create_table(&again, address).await.unwrap_err();
    assert!(
        matches!(
            error,
            ServiceError::Forbidden {
                right: Right::EntryDelete,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_refusal_is_found_by_the_table_that_was_named() {
    let app = TestApp::start().await;
    let (alice, carol) = (app.moderator("alice"), app.member("carol"));
    slash(&alice, "punctaj-admin table create", &[("table", "Clan")]).await;
    slash(&alice, "punctaj-admin table create", &[("table", "Alt")]).await;
    let refused = [
        ("punctaj delete", vec![("names", "Ana"), ("table", "clan")]),
        ("punctaj delete", vec![("names", "Ana")]),
        ("punctaj-admin table delete", vec![("table", "Alt")]),
        ("punctaj-audit search", vec![("table", "Nimic")]),
    ];
    for (command, options) in refused {
        let reply = slash(&carol, command, &options).await;
        assert_says(&reply, &["Nothing was changed."]);
    }
    let pool = app.db.superuser().await;
    let tables: Vec<Option<String>> = sqlx::query_scalar(
        "select t.name from punctaj.events e left join punctaj.tables t using (table_id)
         where e.outcome = 'refused' order by seq",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(tables, [named("Clan"), None, named("Alt"), None]);
    let options = [("table", "Clan"), ("only", "refused")];
    let found = slash(&alice, "punctaj-audit search", &options).await;
    assert_says(&found, &["`entry.delete`", "Clan"]);
    assert_hides(&found, &["table.delete"]);
    // Nobody worked in the table by that: its creation is undone without a question.
    let undone = slash(&alice, "punctaj undo", &[]).await;
    assert_says(&undone, &["Undid event"]);
    assert!(!undone.has_button("Confirm"), "{}", undone.text());
    app.finish().await;
}

#[tokio::test]
async fn one_guild_whose_refusals_can_not_be_told_keeps_no_other_waiting() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let pool = db.superuser().await;
    for guild in [GUILD, 200, 300] {
        for _ in 0..7 {
            let request = Request {
                standing: Standing::default(),
                ..now.by(guild, 7)
            };
            note(&db.services, &request).await;
        }
        let log = Setting::LogChannel(ChannelId::from_db(guild));
        db.services
            .set_setting(&now.by(guild, 1), log)
            .await
            .unwrap();
    }
    sqlx::raw_sql(
        "create function broken() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
         create trigger broken before insert on punctaj.events for each row when (new.guild_id = 200)
             execute function broken();
         create trigger broken before insert on punctaj.outbox for each row when (new.guild_id = 200)
             execute function broken();
         delete from punctaj.outbox",
    )
    .execute(&pool)
    .await
    .unwrap();
    a_minute_passes(&pool).await;
    db.services.tell_refusals().await.unwrap();
    let told: Vec<i64> = sqlx::query_scalar(
        "select guild_id from punctaj.events where action = 'access.refuse' order by guild_id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(told, [GUILD, 300]);
    db.services.queue_heads().await.unwrap();
    let heads: Vec<i64> = sqlx::query_scalar(
        "select guild_id from punctaj.outbox where kind = 'head' order by guild_id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(heads, [GUILD, 300]);
}

#[tokio::test]
async fn refusals_that_can_not_be_told_keep_no_post_waiting() {
    let app = TestApp::start().await;
    let alice = app.moderator("alice");
    let pool = app.db.superuser().await;
    sqlx::query("revoke select, delete on punctaj.refusals from punctaj_app")
        .execute(&pool)
        .await
        .unwrap();
    app.db.services.tell_refusals().await.unwrap_err();
    let log = app.guild.channel("log");
    let mention = log.mention();
    let options = [("channel", mention.as_str())];
    slash(&alice, "punctaj-admin settings log-channel", &options).await;
    for _ in 0..200 {
        if !log.messages().is_empty() {
            return app.finish().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    unreachable!("nothing was posted");
}
