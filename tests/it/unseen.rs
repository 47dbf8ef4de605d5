//! What a session was shown and what it was not, to the letter: what is replaced unseen is told to
//! whoever wrote it, and to nobody else.

use fake_discord::Device;
use punctaj::domain::name::TableAddress;
use punctaj::service::tables::TableEdit;
use punctaj::service::view::ViewOrder;
use serde_json::Value;
use sqlx::{PgPool, Postgres, Transaction};

use crate::conflicts::{log_in, on, overwrote, set, told, with_entry};
use crate::support::app::{TestApp, all_told, assert_hides, assert_says, until, view};
use crate::support::db::{Interactions, TestDb};

const REPLACED: &str = "Replaced what another device had written";

#[tokio::test]
async fn points_that_are_set_again_replace_only_what_came_since() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    let five = [("names", "Ion"), ("points", "5")];
    on(&bob, &pc, "punctaj add", five).await;
    let first = set(&ana, &phone, "Ion", "points", "50").await;
    assert_says(&first, &["15 → 50", REPLACED]);
    // What stands is her own; Bob was told of his.
    let second = set(&ana, &phone, "Ion", "points", "60").await;
    assert_says(&second, &["50 → 60"]);
    assert_hides(&second, &[REPLACED]);
    assert_eq!(overwrote(&app).await, Value::Null);
    assert_eq!(told(&app, &bob, 1).await.len(), 1);
    on(&bob, &pc, "punctaj add", five).await;
    assert_says(
        &set(&ana, &phone, "Ion", "points", "70").await,
        &["65 → 70", REPLACED],
    );
    assert_eq!(told(&app, &bob, 2).await.len(), 2);
    all_told(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn a_late_base_replaces_nothing_of_what_is_dated_after_it() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    let before = chrono::Utc::now();
    let three = [("names", "Ion"), ("points", "3")];
    on(&bob, &pc, "punctaj add", three).await;
    let hundred = [("name", "Ion"), ("field", "points"), ("value", "100")];
    let late = ana
        .on(&phone)
        .at(before)
        .slash("punctaj set", hundred)
        .await;
    assert_says(&late, &["13 → 103"]);
    assert_hides(&late, &[REPLACED]);
    assert_eq!(overwrote(&app).await, Value::Null, "Bob's 3 still count");
    all_told(&app).await;
    assert!(app.discord.dms(&bob).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn everybody_whose_points_were_replaced_unseen_is_told() {
    let app = TestApp::start().await;
    let (ana, bob, carol) = (
        app.moderator("ana"),
        app.moderator("bob"),
        app.moderator("carol"),
    );
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    for (who, points) in [(&bob, "5"), (&carol, "3"), (&bob, "2")] {
        on(
            who,
            &pc,
            "punctaj add",
            [("names", "Ion"), ("points", points)],
        )
        .await;
    }
    let replaced = set(&ana, &phone, "Ion", "points", "50").await;
    assert_says(&replaced, &["20 → 50", REPLACED]);
    let lost = overwrote(&app).await;
    assert_eq!(lost.as_array().map(Vec::len), Some(2), "{lost}");
    for who in [&bob, &carol] {
        let dms = told(&app, who, 1).await;
        assert_eq!(dms.len(), 1);
        let restored = who.on(&pc).click(&dms[0], "Restore mine").await;
        assert_says(&restored, &["20"]);
    }
    all_told(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn a_panel_shows_names_and_points_and_nothing_else() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    let five = [("names", "Ion"), ("points", "5")];
    on(&bob, &pc, "punctaj add", five).await;
    set(&bob, &pc, "Ion", "Callsign", "B-2").await;
    let panel = on(&ana, &phone, "punctaj panel", []).await;
    assert_says(&panel, &["meanwhile"]);
    let seen = set(&ana, &phone, "Ion", "points", "60").await;
    assert_says(&seen, &["15 → 60"]);
    assert_hides(&seen, &[REPLACED]);
    // An extra field is not on it.
    let unseen = set(&ana, &phone, "Ion", "Callsign", "A-1").await;
    assert_says(&unseen, &["B-2 → A-1", REPLACED]);

    // A press shows anew what stands.
    on(&bob, &pc, "punctaj add", five).await;
    let picked = ana.on(&phone).select(&panel, "1:panel", ["Ion"]).await;
    let given = ana.on(&phone).click(&picked, "+1").await;
    assert_says(
        &given,
        &["66", "3 changes were made on other devices meanwhile"],
    );
    let seen = set(&ana, &phone, "Ion", "points", "7").await;
    assert_hides(&seen, &[REPLACED, "meanwhile"]);

    // What a search leaves out is not shown.
    on(&bob, &pc, "punctaj add", five).await;
    let form = ana.on(&phone).click(&given, "Search…").await;
    let fields = [("Part of a name", "nobody")];
    ana.on(&phone).submit(&form, fields).await;
    let unseen = set(&ana, &phone, "Ion", "points", "8").await;
    assert_says(&unseen, &["12 → 8", REPLACED]);
    all_told(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn what_happens_in_private_tables_is_missed_by_those_who_see_them() {
    let app = TestApp::start().await;
    let (ana, carol) = (app.moderator("ana"), app.member("carol"));
    let bob = app.moderator("bob");
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    view(&carol, &phone).await;
    view(&bob, &pc).await;
    let private = [("table", "Secret")];
    on(&ana, &phone, "punctaj-admin table create", private).await;
    let private = [("table", "Secret"), ("private", "true")];
    on(&ana, &phone, "punctaj-admin table edit", private).await;
    let add = |table| [("names", "Ion"), ("points", "1"), ("table", table)];
    on(&ana, &phone, "punctaj add", add("Secret")).await;
    assert_hides(&view(&carol, &phone).await, &["meanwhile"]);
    let seen = on(&bob, &pc, "punctaj view", [("table", "T")]).await;
    assert_says(&seen, &["3 changes were made"]);
    on(&ana, &phone, "punctaj add", add("T")).await;
    assert_says(&view(&carol, &phone).await, &["One change was made"]);
    app.finish().await;
}

/// What still waits for somebody's next command.
async fn parked(app: &TestApp) -> i64 {
    let pool = app.db.superuser().await;
    let query = sqlx::query_scalar("select count(*) from punctaj.outbox where parked");
    query.fetch_one(&pool).await.unwrap()
}

/// Waits until nothing does: what was told is forgotten after it was.
async fn none_parked(app: &TestApp) {
    for _ in 0..600 {
        if parked(app).await == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    unreachable!("something still waits");
}

#[tokio::test]
async fn a_notice_that_discord_does_not_take_waits_for_the_next_command() {
    let mut app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let phone = Device::phone("Telefon");
    with_entry(&app, &ana).await;
    ana.close_dms(true);
    set(&ana, &phone, "Ion", "Callsign", "mine").await;
    set(&bob, &Device::desktop("PC"), "Ion", "Callsign", "his").await;
    all_told(&app).await;
    assert_eq!(parked(&app).await, 1);
    app.discord.fail_next("POST", "/webhooks/", 400, 50035, 1);
    let five = [("names", "Ion"), ("points", "5")];
    let lost = on(&ana, &phone, "punctaj add", five).await;
    assert_says(&lost, &["10 → 15"]);
    // Given back in a moment, and told with the next.
    let waits = "select count(*) from punctaj.outbox where parked and batch is null";
    let pool = app.db.superuser().await;
    for _ in 0..600 {
        let requests = app.discord.requests();
        let refused = requests.iter().any(|it| it.status == 400);
        let waiting: i64 = sqlx::query_scalar(waits).fetch_one(&pool).await.unwrap();
        if refused && waiting == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let next = on(&ana, &phone, "punctaj session list", []).await;
    let told = next.wait_follow_ups(1).await.remove(0);
    assert!(told.content().contains("mine"), "{}", told.content());
    let restored = ana.on(&phone).click(&told, "Restore mine").await;
    assert_says(&restored, &["his → mine"]);
    all_told(&app).await;
    none_parked(&app).await;
    // Her direct messages are closed.
    app.expect_refusals(1);
    app.finish().await;
}

#[tokio::test]
async fn of_many_notices_that_wait_each_has_its_button() {
    let mut app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let phone = Device::phone("Telefon");
    with_entry(&app, &ana).await;
    ana.close_dms(true);
    for name in ["A", "B", "C", "D", "E", "F", "G"] {
        let one = [("names", name), ("points", "1")];
        on(&ana, &phone, "punctaj add", one).await;
    }
    for name in ["A", "B", "C", "D", "E", "F", "G"] {
        set(&bob, &Device::desktop("PC"), name, "points", "9").await;
    }
    all_told(&app).await;
    assert_eq!(parked(&app).await, 7);
    let profile = on(&ana, &phone, "punctaj profile", [("name", "A")]).await;
    assert_says(
        &profile,
        &["7 changes were made on other devices meanwhile"],
    );
    let told = profile.wait_follow_ups(2).await;
    let buttons: Vec<usize> = told.iter().map(|it| it.enabled_buttons().len()).collect();
    assert_eq!(buttons, [5, 2]);
    // Each says from which session it is pressed.
    let restored = ana.on(&phone).click(&told[1], "Restore mine").await;
    assert_says(&restored, &["9 → 1"]);
    let pool = app.db.superuser().await;
    let query = "select attribution from punctaj.events where action = 'entry.set' order by seq desc limit 1";
    let attribution: String = sqlx::query_scalar(query).fetch_one(&pool).await.unwrap();
    assert_eq!(attribution, "exact");
    none_parked(&app).await;
    all_told(&app).await;
    app.expect_refusals(7);
    app.finish().await;
}

#[tokio::test]
async fn a_log_channel_that_is_gone_leaves_the_notice_for_the_next_command() {
    let mut app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    let log = app.guild.channel("log");
    let set_log = [("channel", &*log.mention())];
    on(&bob, &pc, "punctaj-admin settings log-channel", set_log).await;
    all_told(&app).await;
    ana.close_dms(true);
    log.delete();
    set(&ana, &phone, "Ion", "Callsign", "mine").await;
    set(&bob, &pc, "Ion", "Callsign", "his").await;
    all_told(&app).await;
    assert_eq!(parked(&app).await, 1);
    let next = view(&ana, &phone).await;
    let told = next.wait_follow_ups(1).await.remove(0);
    assert!(told.content().contains("mine"), "{}", told.content());
    all_told(&app).await;
    let refusals = app.discord.refusals().len();
    app.expect_refusals(refusals);
    app.finish().await;
}

#[tokio::test]
async fn a_value_comes_back_only_as_it_may_be_set_now() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    let mut notices = Vec::new();
    for (field, mine, his) in [("rank", "Cadet", "-"), ("Callsign", "A-1", "B-2")] {
        set(&ana, &phone, "Ion", field, mine).await;
        set(&bob, &pc, "Ion", field, his).await;
        let count = notices.len() + 1;
        notices.push(told(&app, &ana, count).await.pop().unwrap());
    }
    let pattern = [("table", "T"), ("field", "Callsign"), ("pattern", "B-.*")];
    on(&bob, &pc, "punctaj-admin field edit", pattern).await;
    let refused = ana.on(&phone).click(&notices[1], "Restore mine").await;
    assert_says(&refused, &["Callsign", "A-1", "Nothing was changed"]);
    let field = [("table", "T"), ("field", "Callsign")];
    on(&bob, &pc, "punctaj-admin field remove", field).await;
    let refused = ana.on(&phone).click(&notices[1], "Restore mine").await;
    assert_says(
        &refused,
        &["There is no field Callsign", "Nothing was changed"],
    );
    let rank = [("table", "T"), ("rank", "1")];
    on(&bob, &pc, "punctaj-admin rank remove", rank).await;
    let refused = ana.on(&phone).click(&notices[0], "Restore mine").await;
    assert_says(&refused, &["no rank 1", "Nothing was changed"]);
    on(&bob, &pc, "punctaj delete", [("names", "Ion")]).await;
    let refused = ana.on(&phone).click(&notices[0], "Restore mine").await;
    assert_says(&refused, &["**Ion** was deleted", "Nothing was changed"]);
    all_told(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn a_refusal_in_a_direct_message_is_in_the_history() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    set(&ana, &phone, "Ion", "Callsign", "mine").await;
    set(&bob, &pc, "Ion", "Callsign", "his").await;
    let dm = told(&app, &ana, 1).await.remove(0);
    let refused =
        "select action || ' by ' || actor_id from punctaj.events where outcome = 'refused'";
    let pool = app.db.superuser().await;
    ana.set_permissions(0);
    let told = ana.on(&phone).click(&dm, "Restore mine").await;
    assert_says(&told, &["entry.edit", "Nothing was changed"]);
    let noted: Vec<String> = sqlx::query_scalar(refused).fetch_all(&pool).await.unwrap();
    assert_eq!(noted, [format!("entry.set by {}", ana.id())]);
    all_told(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn news_that_does_not_fit_is_news_the_next_time() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    log_in(&ana, &phone).await;
    for number in 1..=17 {
        let name = format!("Nr {number:02}");
        let one = [("names", &*name), ("points", "1")];
        on(&bob, &pc, "punctaj add", one).await;
    }
    let first = on(&ana, &phone, "punctaj news", []).await;
    assert_says(&first, &["17 changes", "Nr 01", "Nr 15", "2 later changes"]);
    assert_hides(&first, &["Nr 16"]);
    let rest = on(&ana, &phone, "punctaj news", []).await;
    assert_says(&rest, &["2 changes", "Nr 16", "Nr 17"]);
    assert_hides(&rest, &["Nr 15"]);
    assert_says(
        &on(&ana, &phone, "punctaj news", []).await,
        &["Nothing changed"],
    );
    app.finish().await;
}

#[tokio::test]
async fn what_was_missed_is_told_to_its_person_alone() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    log_in(&ana, &phone).await;
    let one = [("names", "Ion"), ("points", "1")];
    on(&bob, &pc, "punctaj add", one).await;
    let shared = on(&ana, &phone, "punctaj view", [("share", "true")]).await;
    assert_hides(&shared, &["meanwhile"]);
    let listed = on(&ana, &phone, "punctaj session list", []).await;
    assert_says(
        &listed,
        &["One change was made on another device meanwhile"],
    );
    let again = on(&ana, &phone, "punctaj profile", [("name", "Ion")]).await;
    assert_hides(&again, &["meanwhile"]);
    on(&bob, &pc, "punctaj add", one).await;
    let own = on(&ana, &phone, "punctaj profile", [("name", "Ion")]).await;
    assert_says(&own, &["2 changes were made"]);
    app.finish().await;
}

#[tokio::test]
async fn an_undo_replaces_only_what_it_has_shown() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    let mine = set(&ana, &phone, "Ion", "Callsign", "A-1").await;
    view(&bob, &pc).await;
    set(&bob, &pc, "Ion", "Callsign", "B-2").await;
    let asked = ana.on(&phone).click(&mine, "Undo").await;
    assert_says(&asked, &["B-2", &bob.mention()]);
    // What comes between the question and the answer is asked for anew.
    set(&bob, &pc, "Ion", "Callsign", "B-3").await;
    let asked = ana.on(&phone).click(&asked, "Confirm").await;
    assert_says(&asked, &["B-3"]);
    assert!(asked.has_button("Confirm"));
    let undone = ana.on(&phone).click(&asked, "Confirm").await;
    assert_says(&undone, &["B-3 → —"]);
    assert_hides(&undone, &[REPLACED]);
    assert_eq!(overwrote(&app).await, Value::Null, "it was shown");

    // Whoever forces it is asked for nothing more; then it is told.
    let mine = set(&ana, &phone, "Ion", "Callsign", "A-4").await;
    let seq = mine.text();
    let seq = seq.split('#').nth(1).unwrap().split(' ').next().unwrap();
    view(&bob, &pc).await;
    let force = [("event", seq), ("force", "true")];
    let preview = on(&ana, &phone, "punctaj-audit undo", force).await;
    set(&bob, &pc, "Ion", "Callsign", "B-5").await;
    let dms = app.discord.dms(&bob).len();
    let undone = ana.on(&phone).click(&preview, "Confirm").await;
    assert_says(&undone, &["B-5 → —", REPLACED]);
    let dm = told(&app, &bob, dms + 1).await.pop().unwrap();
    let restored = bob.on(&pc).click(&dm, "Restore mine").await;
    assert_says(&restored, &["— → B-5"]);
    all_told(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn a_link_replaces_no_link_that_was_not_shown_without_a_word() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    let ion = app.member("Ion");
    // Bob has taken away a link, on purpose.
    set(&bob, &pc, "Ion", "member", &ion.mention()).await;
    set(&bob, &pc, "Ion", "member", "-").await;
    let mention = ion.mention();
    let five = [("names", &*mention), ("points", "5")];
    let offer = on(&ana, &phone, "punctaj add", five).await;
    let linked = ana.on(&phone).click(&offer, "Link").await;
    assert_says(&linked, &[REPLACED]);
    let dm = told(&app, &bob, 1).await.remove(0);
    let restored = bob.on(&pc).click(&dm, "Restore mine").await;
    assert_says(&restored, &["→ —"]);
    all_told(&app).await;
    app.finish().await;
}

/// Nothing is marked for as long as this lives.
async fn marking_held_up(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut busy = pool.begin().await.unwrap();
    sqlx::query("lock table punctaj.shown in access exclusive mode")
        .execute(&mut *busy)
        .await
        .unwrap();
    busy
}

#[tokio::test]
async fn what_is_shown_late_was_shown() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    set(&bob, &pc, "Ion", "Callsign", "B-2").await;
    let pool = app.db.superuser().await;
    let busy = marking_held_up(&pool).await;
    let late = ana.on(&phone).slash_start("punctaj view", []);
    let id = late.interaction_id();
    until("the deferral", async || {
        !app.discord.attempts(id).is_empty()
    })
    .await;
    busy.rollback().await.unwrap();
    assert_says(&late.answer().await, &["Ion"]);
    let seen = set(&ana, &phone, "Ion", "Callsign", "A-1").await;
    assert_says(&seen, &["B-2 → A-1"]);
    assert_hides(&seen, &[REPLACED]);
    all_told(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn an_answer_that_discord_does_not_take_has_shown_no_table() {
    let mut app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.moderator("bob"));
    let (phone, pc) = (Device::phone("Telefon"), Device::desktop("PC"));
    with_entry(&app, &ana).await;
    let pool = app.db.superuser().await;
    // The third one is held up, so that it is its deferral which is refused.
    for (command, is_late) in [("view", false), ("panel", false), ("view", true)] {
        view(&ana, &phone).await;
        let five = [("names", "Ion"), ("points", "5")];
        on(&bob, &pc, "punctaj add", five).await;
        let busy = if is_late {
            Some(marking_held_up(&pool).await)
        } else {
            None
        };
        app.discord.fail_next("POST", "/callback", 400, 50035, 1);
        let command = format!("punctaj {command}");
        let failed = ana.on(&phone).slash_start(&command, []);
        let id = failed.interaction_id();
        until("the answer", async || !app.discord.attempts(id).is_empty()).await;
        if let Some(busy) = busy {
            busy.rollback().await.unwrap();
        }
        // A shutdown waits until that is noted.
        app.restart_bot().await;
        let unseen = set(&ana, &phone, "Ion", "points", "50").await;
        assert_says(&unseen, &["→ 50", REPLACED]);
    }
    all_told(&app).await;
    app.finish().await;
}

/// Up to which events a session was shown the only table: everything, and names and points.
async fn marks(pool: &PgPool) -> Option<(i64, i64)> {
    let marks = sqlx::query_as("select seq, names_seq from punctaj.shown");
    marks.fetch_optional(pool).await.unwrap()
}

#[tokio::test]
async fn an_answer_takes_back_no_more_than_it_has_shown() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let (services, pool) = (&db.services, db.superuser().await);
    let table = TableAddress::parse("T").unwrap();
    let ana = || now.by(1, 1);
    services.create_table(&ana(), table).await.unwrap();
    let look = async |page| {
        let order = ViewOrder {
            page,
            ..ViewOrder::default()
        };
        services.view(&ana(), &order).await.unwrap()
    };
    let changed = async || {
        let edit = TableEdit {
            table: TableAddress::parse("T").unwrap(),
            name: None,
            category: None,
            floor: Some(-5),
            private: None,
            proposes: None,
        };
        let receipt = services.edit_table(&ana(), edit).await.unwrap();
        receipt.event.seq.0
    };
    // Past the end is nothing to be seen.
    let past_the_end = look(7).await;
    assert!(past_the_end.is_past_the_end() && past_the_end.marked.is_none());
    assert_eq!(marks(&pool).await, None);

    let first = look(0).await.marked.unwrap();
    let (head, _) = marks(&pool).await.unwrap();
    services.not_shown(&first).await.unwrap();
    assert_eq!(marks(&pool).await, Some((0, 0)));
    let first = look(0).await.marked.unwrap();
    let next = changed().await;
    assert!(next > head);
    let second = look(0).await.marked.unwrap();
    services.not_shown(&first).await.unwrap();
    assert_eq!(marks(&pool).await, Some((next, next)), "of a later answer");
    services.not_shown(&second).await.unwrap();
    assert_eq!(marks(&pool).await, Some((head, head)));

    // A panel takes back what a panel shows, and a page nothing of what a panel has shown.
    let panel = async || {
        let panel = services.open_panel(&ana(), &ViewOrder::default()).await;
        panel.unwrap().shown.marked.unwrap()
    };
    let of_panel = panel().await;
    assert_eq!(marks(&pool).await, Some((head, next)));
    services.not_shown(&of_panel).await.unwrap();
    assert_eq!(marks(&pool).await, Some((head, head)));
    panel().await;
    let page = look(0).await.marked.unwrap();
    services.not_shown(&page).await.unwrap();
    assert_eq!(marks(&pool).await, Some((head, next)));
}
