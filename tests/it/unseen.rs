//! What a session was shown and what it was not, to the letter: what is replaced unseen is told to
//! whoever wrote it, and to nobody else.

use fake_discord::Device;
use serde_json::Value;

use crate::conflicts::{all_told, on, overwrote, set, told, with_entry};
use crate::support::app::{TestApp, assert_hides, assert_says, view};

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
