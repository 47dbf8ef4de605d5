//! The audit desk as moderators use it: from a list to an event to its undo, and to files.

use fake_discord::{Device, Member, Reply};
use punctaj::exchange::events::Format;

use crate::support::app::{TestApp, assert_hides, assert_says};

fn phone() -> Device {
    Device::phone("Telefon")
}

async fn slash(who: &Member, command: &str, options: &[(&str, &str)]) -> Reply {
    who.on(&phone())
        .slash(command, options.iter().copied())
        .await
}

/// A bot, a moderator, somebody who gave Ana 5 points and then 423: events 4 and 5.
async fn with_a_mistake() -> (TestApp, Member, Member) {
    let app = TestApp::start().await;
    let (alice, bob) = (app.moderator("alice"), app.moderator("bob"));
    slash(&alice, "punctaj-admin table create", &[("table", "Clan")]).await;
    for points in ["5", "423"] {
        slash(&bob, "punctaj add", &[("names", "Ana"), ("points", points)]).await;
    }
    (app, alice, bob)
}

async fn points(app: &TestApp) -> i64 {
    let pool = app.db.superuser().await;
    sqlx::query_scalar("select points from punctaj.entries")
        .fetch_one(&pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_moderator_undoes_from_the_list_after_a_look_at_it() {
    let (mut app, alice, bob) = with_a_mistake().await;
    let who = bob.mention();
    let list = slash(&alice, "punctaj-audit search", &[("who", who.as_str())]).await;
    app.restart_bot().await;
    let on = phone();
    let shown = alice.on(&on).select(&list, "Open an event", ["5"]).await;
    assert_says(&shown, &["#5", "5 → 428", &who]);
    let preview = alice.on(&on).click(&shown, "Undo").await;
    assert_says(
        &preview,
        &["#5", "428 → 5", &who, "Nothing was changed yet"],
    );
    assert_eq!(points(&app).await, 428);
    let cancelled = alice.on(&on).click(&preview, "Cancel").await;
    assert!(!cancelled.has_button("Confirm"));
    assert_eq!(points(&app).await, 428);
    let preview = alice.on(&on).click(&shown, "Undo").await;
    let done = alice.on(&on).click(&preview, "Confirm").await;
    assert_says(&done, &["428 → 5"]);
    assert_eq!(points(&app).await, 5);
    let undone = slash(&alice, "punctaj-audit search", &[("only", "undone")]).await;
    assert_says(&undone, &["#5"]);
    assert_hides(&undone, &["#4"]);
    let again = slash(&alice, "punctaj-audit undo", &[("event", "5")]).await;
    assert!(!again.has_button("Confirm"), "{}", again.text());
    bob.set_permissions(0);
    let refused = slash(&bob, "punctaj-audit undo", &[("event", "4")]).await;
    assert_says(&refused, &["audit.undo"]);
    app.finish().await;
}

#[tokio::test]
async fn what_changes_between_preview_and_confirm_is_shown_anew_unless_forced() {
    let (app, alice, bob) = with_a_mistake().await;
    let rename = async |from: &str, to: &str| {
        let options = [("name", from), ("field", "name"), ("value", to)];
        slash(&alice, "punctaj set", &options).await
    };
    let on = phone();
    rename("Ana", "Anca").await;
    let preview = slash(&alice, "punctaj-audit undo", &[("event", "6")]).await;
    assert_says(&preview, &["Anca → Ana"]);
    rename("Anca", "Ancuța").await;
    let anew = alice.on(&on).click(&preview, "Confirm").await;
    assert_says(&anew, &["Ancuța", "#7", &alice.mention()]);
    let done = alice.on(&on).click(&anew, "Confirm").await;
    assert_says(&done, &["Ancuța → Ana"]);

    rename("Ana", "Anca").await;
    let options = [("event", "9"), ("force", "true")];
    let preview = slash(&alice, "punctaj-audit undo", &options).await;
    rename("Anca", "Ancuța").await;
    let done = alice.on(&on).click(&preview, "Confirm").await;
    assert_says(&done, &["Ancuța → Ana"]);
    drop(bob);
    app.finish().await;
}

#[tokio::test]
async fn an_export_that_one_file_can_not_hold_is_several_and_names_the_head() {
    let (app, alice, _) = with_a_mistake().await;
    for _ in 0..30 {
        slash(&alice, "punctaj add", &[("names", "Ana"), ("points", "1")]).await;
    }
    let pool = app.db.superuser().await;
    let (seq, hash): (i64, String) =
        sqlx::query_as("select head_seq, head_hash from punctaj.guilds")
            .fetch_one(&pool)
            .await
            .unwrap();
    let list = slash(&alice, "punctaj-audit search", &[("action", "points.add")]).await;
    let whole = alice.on(&phone()).click(&list, "Export").await;
    assert_says(&whole, &["32 events", &format!("#{seq}"), &hash]);
    let (name, bytes) = whole.files().remove(0);
    assert!(name.contains(&hash), "{name}");
    let expected = String::from_utf8(bytes).unwrap();
    let lines: Vec<&str> = expected.lines().collect();

    for format in [Format::Csv, Format::JsonLines] {
        app.discord.limit_attachments(3000);
        let options = [("action", "points.add"), ("format", format.as_str())];
        let first = slash(&alice, "punctaj-audit export", &options).await;
        let complete = first.wait_until(|reply| reply.text().contains(&hash)).await;
        assert_says(&complete, &["32 events"]);
        let mut files = complete.files();
        files.extend(complete.follow_ups().iter().flat_map(Reply::files));
        assert!(files.len() > 2, "{}", files.len());
        let mut seqs = Vec::new();
        for (name, bytes) in &files {
            assert!(bytes.len() <= 3000, "{name}");
            let text = std::str::from_utf8(bytes).unwrap();
            match format {
                Format::Csv => {
                    let mut of_file = text.lines();
                    assert_eq!(of_file.next(), Some(lines[0]), "each has the head");
                    seqs.extend(of_file.map(str::to_owned));
                }
                Format::JsonLines => seqs.extend(text.lines().map(str::to_owned)),
            }
        }
        match format {
            Format::Csv => assert_eq!(seqs, lines[1..], "each line once, in order"),
            Format::JsonLines => {
                let read = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap();
                let seqs: Vec<_> = seqs
                    .iter()
                    .map(|line| read(line)["seq"].as_i64().unwrap())
                    .collect();
                assert_eq!(seqs.len(), 32);
                assert!(seqs.is_sorted());
            }
        }
    }

    app.discord.limit_attachments(900);
    let refused = slash(&alice, "punctaj-audit export", &[("action", "points.add")]).await;
    assert_says(&refused, &["10 files", "Nothing was changed."]);
    assert_eq!((refused.files().len(), refused.follow_ups().len()), (0, 0));
    app.finish().await;
}

#[tokio::test]
async fn filters_that_mean_nothing_are_refused_with_a_word_on_what_does() {
    let (app, alice, _) = with_a_mistake().await;
    for (option, value, word) in [
        ("since", "ieri", "2026-11-20"),
        ("until", "mâine", "2026-11-20"),
        ("device", "Nokia 3310", "Nokia 3310"),
        ("action", "points.steal", "points.add"),
    ] {
        for command in ["punctaj-audit search", "punctaj-audit export"] {
            let reply = slash(&alice, command, &[(option, value)]).await;
            assert_says(&reply, &[word, "Nothing was changed."]);
            assert!(reply.files().is_empty());
        }
    }
    let none = slash(&alice, "punctaj-audit search", &[("until", "2020-01-01")]).await;
    assert_says(&none, &["No event matches"]);
    let all = slash(
        &alice,
        "punctaj-audit search",
        &[("since", "1h"), ("until", "9999-12-31")],
    )
    .await;
    assert_says(&all, &["#1", "#5"]);
    let login = slash(&alice, "punctaj session login", &[("device", "PC Birou")]).await;
    assert_says(&login, &["PC Birou"]);
    let offered = alice
        .on(&phone())
        .autocomplete("punctaj-audit search", [("device", "pc")], "device")
        .await;
    let values: Vec<_> = offered.iter().map(|choice| choice.value.clone()).collect();
    assert_eq!(values[0], "PC Birou");
    let by_label = slash(&alice, "punctaj-audit search", &[("device", "pc birou")]).await;
    assert_says(&by_label, &["#6", "session.open"]);
    assert_hides(&by_label, &["#5"]);
    app.finish().await;
}
