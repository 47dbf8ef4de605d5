//! Activities: points for what was done, by a command and from a panel. While the database is away:
//! `journal.rs`.

use fake_discord::{Device, Member, Reply};
use sqlx::PgPool;

use crate::support::app::{TestApp, assert_hides, assert_says};

const MENU: &str = "1:panel";

fn phone() -> Device {
    Device::phone("Telefon")
}

async fn slash<'a>(
    who: &Member,
    command: &'a str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Reply {
    who.on(&phone()).slash(command, options).await
}

/// A table in which delivering 200 is worth 2 points.
async fn with_activity() -> (TestApp, Member) {
    let app = TestApp::start().await;
    let alice = app.moderator("alice");
    slash(&alice, "punctaj-admin table create", [("table", "Clan")]).await;
    let set = [
        ("table", "Clan"),
        ("activity", "Livrat"),
        ("points", "2"),
        ("quantity", "200"),
    ];
    let set = slash(&alice, "punctaj-admin activity set", set).await;
    assert_says(&set, &["Changed the activities of Clan", "Livrat"]);
    (app, alice)
}

/// The newest event: its action and reason.
async fn newest(pool: &PgPool) -> (String, Option<String>) {
    sqlx::query_as("select action, reason from punctaj.events order by seq desc limit 1")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn points_are_given_for_what_was_done() {
    let (app, alice) = with_activity().await;
    let pool = app.db.superuser().await;
    let livrat = ("activity", "livrat");
    let added = [("names", "Ana, Ion"), livrat, ("quantity", "650")];
    let added = slash(&alice, "punctaj add", added).await;
    assert_says(&added, &["0 → 6", "Livrat: 650"]);
    let why = [("names", "Ana"), livrat, ("reason", "la ordin")];
    let added = slash(&alice, "punctaj add", why).await;
    assert_says(&added, &["6 → 8"]);
    let told = (
        "points.add".to_owned(),
        Some("Livrat: 200 · la ordin".to_owned()),
    );
    assert_eq!(newest(&pool).await, told);
    // What it is worth now counts from now on; what was given stays.
    let other = [("table", "Clan"), ("activity", "LIVRAT"), ("points", "3")];
    slash(&alice, "punctaj-admin activity set", other).await;
    let added = slash(&alice, "punctaj add", [("names", "Ana"), livrat]).await;
    assert_says(&added, &["8 → 11"]);
    let undone = alice.on(&phone()).click(&added, "Undo").await;
    assert_says(&undone, &["11 → 8"]);
    for (options, why) in [
        (
            vec![livrat, ("quantity", "199")],
            "There are no points for a quantity of 199",
        ),
        (vec![livrat, ("quantity", "-5")], "There are no points"),
        (
            vec![livrat, ("quantity", "1000000000000")],
            "There are no points",
        ),
        (vec![livrat, ("points", "5")], "not both"),
        (vec![("quantity", "5")], "needs an `activity`"),
        (vec![("activity", "Pază")], "It has: LIVRAT"),
    ] {
        let options = [("names", "Ana")].into_iter().chain(options);
        let refused = slash(&alice, "punctaj add", options).await;
        assert_says(&refused, &[why, "Nothing was changed."]);
    }
    let offered = alice.on(&phone());
    let options = [("names", "Ana"), ("activity", "")];
    let offered = offered
        .autocomplete("punctaj add", options, "activity")
        .await;
    let offered: Vec<_> = offered.iter().map(|it| (&*it.name, &*it.value)).collect();
    assert_eq!(offered, [("LIVRAT 200 = 3 points", "LIVRAT")]);
    app.finish().await;
}

#[tokio::test]
async fn activities_are_structure_like_any_other() {
    let (app, alice) = with_activity().await;
    let list = async || slash(&alice, "punctaj-admin activity list", [("table", "Clan")]).await;
    assert_says(&list().await, &["Livrat 200 = 2 points"]);
    let named = [("table", "Clan"), ("activity", "Livrat")];
    let removed = slash(&alice, "punctaj-admin activity remove", named).await;
    assert_says(&removed, &["Removed an activity", "Activity removed"]);
    assert_says(&list().await, &["no activities yet"]);
    alice.on(&phone()).click(&removed, "Undo").await;
    assert_says(&list().await, &["Livrat 200 = 2 points"]);
    for (points, quantity, why) in [
        ("0", "1", "at least one point"),
        ("1", "0", "A quantity is 1 to"),
        ("2000000000", "1", "1,000,000,000"),
    ] {
        let set = [
            ("table", "Clan"),
            ("activity", "Alta"),
            ("points", points),
            ("quantity", quantity),
        ];
        let refused = slash(&alice, "punctaj-admin activity set", set).await;
        assert_says(&refused, &[why]);
    }
    let bob = app.member("bob");
    let set = [("table", "Clan"), ("activity", "Alta"), ("points", "1")];
    let refused = slash(&bob, "punctaj-admin activity set", set).await;
    assert_says(&refused, &["table.edit"]);
    for number in 2..=25 {
        let name = format!("Activitate {number}");
        let set = [("table", "Clan"), ("activity", &*name), ("points", "1")];
        slash(&alice, "punctaj-admin activity set", set).await;
    }
    let refused = slash(&alice, "punctaj-admin activity set", set).await;
    assert_says(&refused, &["at most 25 activities"]);
    app.finish().await;
}

#[tokio::test]
async fn a_panel_has_buttons_for_the_first_of_them() {
    let (mut app, alice) = with_activity().await;
    let pool = app.db.superuser().await;
    slash(&alice, "punctaj add", [("names", "Ana, Ion")]).await;
    let on = alice.on(&phone());
    let panel = slash(&alice, "punctaj panel", []).await;
    let named = |reply: &Reply, label: &str| reply.buttons().iter().any(|it| it == label);
    assert!(named(&panel, "Livrat 200 +2"), "{:?}", panel.buttons());
    let picked = on.select(&panel, MENU, ["Ana"]).await;
    app.restart_bot().await;
    let given = on.click(&picked, "Livrat 200 +2").await;
    assert_says(&given, &["0 → 2"]);
    let told = ("points.add".to_owned(), Some("Livrat: 200".to_owned()));
    assert_eq!(newest(&pool).await, told);
    // The button says +2: where that is not so any more, nothing is given.
    let other = [("table", "Clan"), ("activity", "Livrat"), ("points", "7")];
    slash(&alice, "punctaj-admin activity set", other).await;
    let stale = on.click(&given, "Livrat 200 +2").await;
    assert_says(&stale, &["worth other points by now"]);
    assert!(named(&stale, "Livrat 200 +7"), "{:?}", stale.buttons());
    let given = on.click(&stale, "Livrat 200 +7").await;
    assert_says(&given, &["2 → 9"]);
    // While points are taken, they are out of the way.
    let taking = on.click(&given, "Take away").await;
    assert!(!named(&taking, "Livrat 200 +7"), "{:?}", taking.buttons());
    assert_hides(&taking, &["worth other"]);
    app.finish().await;
}

#[tokio::test]
async fn what_was_removed_comes_back_only_where_there_is_room() {
    let (app, alice) = with_activity().await;
    let livrat = [("table", "Clan"), ("activity", "Livrat")];
    let set = |name: &'static str| {
        [
            ("table", "Clan"),
            ("activity", name),
            ("points", "2"),
            ("quantity", "200"),
        ]
    };
    slash(&alice, "punctaj-admin activity set", set("Pază")).await;
    let removed = slash(&alice, "punctaj-admin activity remove", livrat).await;
    let again = slash(&alice, "punctaj-admin activity set", set("Livrat")).await;
    let refused = alice.on(&phone()).click(&removed, "Undo").await;
    assert_says(
        &refused,
        &["an activity Livrat again already", "Nothing was changed."],
    );
    alice.on(&phone()).click(&again, "Undo").await;
    let undone = alice.on(&phone()).click(&removed, "Undo").await;
    assert_says(&undone, &["Livrat"]);
    // All places are taken meanwhile.
    let removed = slash(&alice, "punctaj-admin activity remove", livrat).await;
    let names: Vec<String> = (2..=25).map(|n| format!("Fapta {n}")).collect();
    for name in &names {
        let set = [("table", "Clan"), ("activity", name), ("points", "1")];
        slash(&alice, "punctaj-admin activity set", set).await;
    }
    let refused = alice.on(&phone()).click(&removed, "Undo").await;
    assert_says(&refused, &["at most 25 activities", "Nothing was changed."]);
    app.finish().await;
}

#[tokio::test]
async fn a_number_is_never_another_activitys() {
    let (app, alice) = with_activity().await;
    slash(&alice, "punctaj add", [("names", "Ana")]).await;
    let on = alice.on(&phone());
    let panel = slash(&alice, "punctaj panel", []).await;
    let picked = on.select(&panel, MENU, ["Ana"]).await;
    // Another one of the same worth takes its place.
    let livrat = [("table", "Clan"), ("activity", "Livrat")];
    slash(&alice, "punctaj-admin activity remove", livrat).await;
    let other = [("table", "Clan"), ("activity", "Pază"), ("points", "2")];
    let other = slash(&alice, "punctaj-admin activity set", other).await;
    let stale = on.click(&picked, "Livrat 200 +2").await;
    assert_hides(&stale, &["0 → 2"]);
    let (action, reason) = newest(&app.db.superuser().await).await;
    assert_eq!((&*action, reason), ("activity.set", None));
    // Nor is that of one whose making was undone.
    on.click(&other, "Undo").await;
    let third = [("table", "Clan"), ("activity", "Escortă"), ("points", "2")];
    slash(&alice, "punctaj-admin activity set", third).await;
    let numbers = "select number from punctaj.activities";
    let numbers: Vec<i32> = sqlx::query_scalar(numbers)
        .fetch_all(&app.db.superuser().await)
        .await
        .unwrap();
    assert_eq!(numbers, [3]);
    app.finish().await;
}
