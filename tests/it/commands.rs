//! Each command as people use it: what it answers, what it refuses, what survives a restart.

use fake_discord::{Device, Member, Reply};

use crate::support::app::{TestApp, assert_hides, assert_says, view};

fn phone() -> Device {
    Device::phone("Telefon")
}

/// A bot, a moderator, and a table with these entries at 10 points each.
async fn with_entries(names: &str) -> (TestApp, Member) {
    let app = TestApp::start().await;
    let alice = app.moderator("alice");
    slash(
        &alice,
        "punctaj-admin table create",
        &[("table", "BlackWater/Politie")],
    )
    .await;
    if !names.is_empty() {
        slash(&alice, "punctaj add", &[("names", names), ("points", "10")]).await;
    }
    (app, alice)
}

async fn slash(who: &Member, command: &str, options: &[(&str, &str)]) -> Reply {
    let reply = who
        .on(&phone())
        .slash(command, options.iter().copied())
        .await;
    assert!(reply.is_answered(), "/{command} was not answered");
    reply
}

async fn points(app: &TestApp, name: &str) -> Option<i64> {
    let pool = app.db.superuser().await;
    sqlx::query_scalar("select points from punctaj.entries where name = $1 and deleted_at is null")
        .bind(name)
        .fetch_optional(&pool)
        .await
        .unwrap()
}

async fn events(app: &TestApp) -> i64 {
    let pool = app.db.superuser().await;
    sqlx::query_scalar("select count(*) from punctaj.events")
        .fetch_one(&pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn add_creates_and_adds_and_tells_what_was_repeated() {
    let (app, alice) = with_entries("Ana").await;
    let reply = slash(
        &alice,
        "punctaj add",
        &[("names", "ana, Ion, \"Pop, Ana\", ANA,,"), ("points", "5")],
    )
    .await;
    assert_says(
        &reply,
        &[
            "Ana",
            "10 → 15",
            "Ion",
            "0 → 5",
            "Pop, Ana",
            "BlackWater/Politie",
        ],
    );
    assert!(reply.is_ephemeral() && reply.has_button("Undo"));
    assert_eq!(points(&app, "Pop, Ana").await, Some(5));
    let zero = slash(&alice, "punctaj add", &[("names", "Nou")]).await;
    assert_says(&zero, &["Nou"]);
    assert_eq!(points(&app, "Nou").await, Some(0));
    app.finish().await;
}

#[tokio::test]
async fn numbers_that_are_not_for_this_command_are_refused_with_a_word_on_the_other() {
    let (app, alice) = with_entries("Ana").await;
    let before = events(&app).await;
    let cases: &[(&str, &str, &str)] = &[
        ("punctaj add", "-5", "/punctaj remove"),
        ("punctaj remove", "-5", "/punctaj add"),
        ("punctaj add", "1000000001", "1,000,000,000"),
        ("punctaj remove", "1000000001", "1,000,000,000"),
        ("punctaj remove", "0", "1"),
    ];
    for (command, number, word) in cases {
        let reply = slash(&alice, command, &[("names", "Ana"), ("points", number)]).await;
        assert_says(&reply, &[word]);
        assert!(!reply.has_button("Undo"));
    }
    assert_eq!(
        (points(&app, "Ana").await, events(&app).await),
        (Some(10), before)
    );
    app.finish().await;
}

#[tokio::test]
async fn remove_stops_at_the_floor_and_offers_near_names_for_unknown_ones() {
    let (app, alice) = with_entries("Andrei Popescu, Ion").await;
    let unknown = slash(
        &alice,
        "punctaj remove",
        &[("names", "Ion, Andrei Popesc"), ("points", "1")],
    )
    .await;
    assert_says(&unknown, &["Andrei Popesc", "Andrei Popescu"]);
    assert_eq!(points(&app, "Ion").await, Some(10), "nothing was changed");
    let floored = slash(
        &alice,
        "punctaj remove",
        &[("names", "Ion"), ("points", "15")],
    )
    .await;
    assert_says(&floored, &["10 → 0"]);
    app.finish().await;
}

#[tokio::test]
async fn set_writes_each_field_and_refuses_what_does_not_fit() {
    let (app, alice) = with_entries("Ana, Ion").await;
    let table = ("table", "Politie");
    slash(
        &alice,
        "punctaj-admin rank set",
        &[table, ("rank", "2"), ("title", "Sergent")],
    )
    .await;
    let bob = app.member("bob");
    let mention = bob.mention();
    for (field, value, shown) in [
        ("points", "423", "423"),
        ("rank", "Sergent", "Sergent"),
        ("member", mention.as_str(), "bob"),
        ("name", "Ana-Maria", "Ana-Maria"),
    ] {
        let reply = slash(
            &alice,
            "punctaj set",
            &[("name", "Ana"), ("field", field), ("value", value)],
        )
        .await;
        assert!(reply.has_button("Undo"), "{field}: {}", reply.text());
        if field != "member" {
            assert_says(&reply, &[shown]);
        }
    }
    let before = events(&app).await;
    for (field, value, word) in [
        ("points", "-1", "0"),
        ("points", "99999999999999999999", "9"),
        ("points", "mult", "mult"),
        ("rank", "7", "7"),
        ("name", "Ion", "Ion"),
        ("name", "", ""),
        ("culoare", "roșu", "culoare"),
    ] {
        if value.is_empty() {
            continue;
        }
        let reply = slash(
            &alice,
            "punctaj set",
            &[("name", "Ana-Maria"), ("field", field), ("value", value)],
        )
        .await;
        assert_says(&reply, &[word]);
        assert!(
            !reply.has_button("Undo"),
            "{field} = {value}: {}",
            reply.text()
        );
    }
    assert_eq!(events(&app).await, before);
    app.finish().await;
}

#[tokio::test]
async fn delete_is_undone_with_points_by_the_button_also_after_a_restart() {
    let (mut app, alice) = with_entries("Ana, Ion").await;
    let deleted = slash(&alice, "punctaj delete", &[("names", "Ana, Ion")]).await;
    assert_eq!(points(&app, "Ana").await, None);
    app.restart_bot().await;
    let undone = alice.on(&phone()).click(&deleted, "Undo").await;
    assert_says(&undone, &["Ana", "Ion"]);
    assert_eq!(
        (points(&app, "Ana").await, points(&app, "Ion").await),
        (Some(10), Some(10))
    );
    let twice = alice.on(&phone()).click(&deleted, "Undo").await;
    assert!(!twice.has_button("Undo"), "{}", twice.text());
    assert_eq!(points(&app, "Ana").await, Some(10));
    app.finish().await;
}

#[tokio::test]
async fn undo_without_a_number_walks_backwards() {
    let (app, alice) = with_entries("Ana").await;
    for amount in ["1", "2", "3"] {
        slash(
            &alice,
            "punctaj add",
            &[("names", "Ana"), ("points", amount)],
        )
        .await;
    }
    for left in [13, 11, 10] {
        slash(&alice, "punctaj undo", &[]).await;
        assert_eq!(points(&app, "Ana").await, Some(left));
    }
    let bob = app.moderator("bob");
    let none = slash(&bob, "punctaj undo", &[]).await;
    assert!(!none.has_button("Undo"));
    let others = slash(&bob, "punctaj undo", &[("event", "3")]).await;
    assert!(!others.has_button("Undo"), "{}", others.text());
    app.finish().await;
}

#[tokio::test]
async fn undo_asks_when_another_changed_the_field_and_does_it_when_confirmed() {
    let (app, alice) = with_entries("Ana").await;
    let bob = app.moderator("bob");
    let mine = slash(
        &alice,
        "punctaj set",
        &[("name", "Ana"), ("field", "name"), ("value", "Anca")],
    )
    .await;
    slash(
        &bob,
        "punctaj set",
        &[("name", "Anca"), ("field", "name"), ("value", "Ancuța")],
    )
    .await;
    let asked = alice.on(&phone()).click(&mine, "Undo").await;
    assert_says(&asked, &["Ancuța", "Ana"]);
    assert!(asked.has_button("Confirm") && asked.has_button("Cancel"));
    let cancelled = alice.on(&phone()).click(&asked, "Cancel").await;
    assert!(!cancelled.has_button("Confirm"));
    assert_eq!(points(&app, "Ancuța").await, Some(10));
    let asked = alice.on(&phone()).click(&mine, "Undo").await;
    let done = alice.on(&phone()).click(&asked, "Confirm").await;
    assert_says(&done, &["Ana"]);
    assert_eq!(points(&app, "Ana").await, Some(10));
    app.finish().await;
}

#[tokio::test]
async fn a_view_is_paged_and_its_pager_survives_a_restart() {
    let names: Vec<String> = (1..=45).map(|number| format!("N{number:02}")).collect();
    let (mut app, alice) = with_entries(&names.join(",")).await;
    let first = view(&alice, &phone()).await;
    assert_says(&first, &["N01", "N20", "1", "3"]);
    assert_hides(&first, &["N21"]);
    app.restart_bot().await;
    let second = alice.on(&phone()).click(&first, "Next").await;
    assert_says(&second, &["N21", "N40"]);
    let third = alice.on(&phone()).click(&second, "Next").await;
    assert_says(&third, &["N45"]);
    let back = alice.on(&phone()).click(&third, "Back").await;
    assert_says(&back, &["N21"]);
    app.finish().await;
}

#[tokio::test]
async fn a_shared_view_is_public_and_everyone_pages_it() {
    let names: Vec<String> = (1..=25).map(|number| format!("N{number:02}")).collect();
    let (app, alice) = with_entries(&names.join(",")).await;
    let shared = slash(
        &alice,
        "punctaj view",
        &[("share", "true"), ("layout", "phone")],
    )
    .await;
    assert!(!shared.is_ephemeral());
    let code_lines = shared.text();
    for line in code_lines.lines().filter(|line| line.contains("N0")) {
        assert!(line.chars().count() <= 28, "{line:?}");
    }
    let carol = app.member("carol");
    let paged = carol.on(&phone()).click(&shared, "Next").await;
    assert_says(&paged, &["N25"]);
    app.finish().await;
}

#[tokio::test]
async fn without_a_table_the_bot_asks_with_a_menu_and_then_does_it() {
    let (mut app, alice) = with_entries("").await;
    slash(&alice, "punctaj-admin table create", &[("table", "Medici")]).await;
    let bob = app.moderator("bob");
    let asked = slash(&bob, "punctaj add", &[("names", "Ana"), ("points", "4")]).await;
    let menu = asked.custom_ids().first().cloned().expect("a menu");
    app.restart_bot().await;
    let values = asked.menu(&menu);
    let medici = values
        .iter()
        .find(|choice| choice.name.contains("Medici"))
        .expect("the table");
    let done = bob
        .on(&phone())
        .select(&asked, &menu, [medici.value.as_str()])
        .await;
    assert_says(&done, &["Ana", "0 → 4", "Medici"]);
    assert_eq!(points(&app, "Ana").await, Some(4));
    app.finish().await;
}

#[tokio::test]
async fn romanian_speaks_romanian() {
    let (app, _) = with_entries("").await;
    let radu = app
        .guild
        .member("radu")
        .permissions(fake_discord::permissions::MANAGE_GUILD)
        .locale("ro")
        .join();
    for (amount, words) in [("1", "1 punct"), ("2", "2 puncte"), ("20", "20 de puncte")] {
        let reply = slash(
            &radu,
            "punctaj add",
            &[("names", "Ștefan"), ("points", amount)],
        )
        .await;
        assert_says(&reply, &["Ștefan", words]);
        assert!(reply.has_button("Desfă"), "{:?}", reply.buttons());
    }
    app.finish().await;
}

#[tokio::test]
async fn a_member_may_give_points_but_not_delete() {
    let (app, alice) = with_entries("Ana").await;
    let carol = app.member("carol");
    app.grant(&alice, &carol, "scorer").await;
    let added = slash(&carol, "punctaj add", &[("names", "Ana"), ("points", "2")]).await;
    assert!(added.has_button("Undo"));
    for (command, options, code) in [
        ("punctaj delete", vec![("names", "Ana")], "entry.delete"),
        (
            "punctaj set",
            vec![("name", "Ana"), ("field", "name"), ("value", "X")],
            "entry.edit",
        ),
        (
            "punctaj-admin table create",
            vec![("table", "X")],
            "table.edit",
        ),
        ("punctaj-audit search", vec![], "audit.view"),
    ] {
        let refused = slash(&carol, command, &options).await;
        assert_says(&refused, &[code]);
    }
    assert_eq!(points(&app, "Ana").await, Some(12));
    app.finish().await;
}

#[tokio::test]
async fn autocomplete_completes_the_last_name_tables_events_and_sessions() {
    let (app, alice) = with_entries("Ana Pop, Andrei, \"Pop, Ion\", Ștefan").await;
    let on = alice.on(&phone());
    let names = on
        .autocomplete("punctaj add", [("names", "Ștefan, an")], "names")
        .await;
    let values: Vec<_> = names.iter().map(|choice| choice.value.clone()).collect();
    assert_eq!(values, ["Ștefan, Ana Pop", "Ștefan, Andrei"]);
    let quoted = on
        .autocomplete("punctaj add", [("names", "pop")], "names")
        .await;
    assert_eq!(quoted[0].value, "\"Pop, Ion\"");
    let tables = on
        .autocomplete("punctaj view", [("table", "pol")], "table")
        .await;
    assert_eq!(tables[0].value, "BlackWater/Politie");
    let single = on
        .autocomplete("punctaj set", [("name", "ște")], "name")
        .await;
    assert_eq!(single[0].value, "Ștefan");
    let fields = on
        .autocomplete("punctaj set", [("name", "Ana Pop"), ("field", "")], "field")
        .await;
    assert_eq!(fields.len(), 5);
    let own = on
        .autocomplete("punctaj undo", [("event", "")], "event")
        .await;
    assert!(!own.is_empty());
    let sessions = on
        .autocomplete("punctaj session logout", [("session", "")], "session")
        .await;
    assert!(sessions.iter().any(|choice| choice.value == "all-others"));
    let actions = on
        .autocomplete("punctaj-audit search", [("action", "points")], "action")
        .await;
    assert!(actions.iter().any(|choice| choice.value == "points.add"));
    app.finish().await;
}

#[tokio::test]
async fn the_audit_desk_searches_shows_exports_and_verifies() {
    let (mut app, alice) = with_entries("Ana, Ion").await;
    let bob = app.moderator("bob");
    slash(
        &bob,
        "punctaj add",
        &[("names", "Ana"), ("points", "5"), ("reason", "=cmd()")],
    )
    .await;
    slash(
        &alice,
        "punctaj remove",
        &[("names", "Ion"), ("points", "4")],
    )
    .await;
    let mention = bob.mention();
    let by_bob = slash(&alice, "punctaj-audit search", &[("who", mention.as_str())]).await;
    assert_says(&by_bob, &["Ana", "#"]);
    assert_hides(&by_bob, &["Ion"]);
    let by_name = slash(
        &alice,
        "punctaj-audit search",
        &[("name", "ion"), ("table", "Politie")],
    )
    .await;
    assert_says(&by_name, &["Ion"]);
    let by_action = slash(
        &alice,
        "punctaj-audit search",
        &[("action", "points.remove")],
    )
    .await;
    assert_says(&by_action, &["Ion"]);
    assert_hides(&by_action, &["Ana"]);
    let shown = slash(&alice, "punctaj-audit show", &[("event", "5")]).await;
    assert_says(&shown, &["Ana", "10", "15", "points.add"]);

    let csv = slash(&alice, "punctaj-audit export", &[]).await;
    let (name, bytes) = csv.files().remove(0);
    assert_eq!(std::path::Path::new(&name).extension().unwrap(), "csv");
    let text = String::from_utf8(bytes).unwrap();
    let header = text
        .trim_start_matches('\u{feff}')
        .lines()
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(
        header,
        "seq,at,applied_at,actor,device_id,platform,attribution,via,action,table,name,field,before,after,\
         delta,reason,outcome,overwrote,undoes,hash"
    );
    assert!(text.contains("'=cmd()"), "a formula is disarmed:\n{text}");
    let jsonl = slash(
        &alice,
        "punctaj-audit export",
        &[("format", "jsonl"), ("action", "points.add")],
    )
    .await;
    let (_, bytes) = jsonl.files().remove(0);
    let lines: Vec<serde_json::Value> = String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    let change = &lines[1]["changes"][0];
    assert_eq!(
        (&change["name"], &change["delta"]),
        (&"Ana".into(), &5.into())
    );

    app.restart_bot().await;
    let verified = slash(&alice, "punctaj-audit verify", &[]).await;
    let pool = app.db.superuser().await;
    let hash: String =
        sqlx::query_scalar("select hash from punctaj.events order by seq desc limit 1")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_says(&verified, &[&hash]);
    app.finish().await;
}

#[tokio::test]
async fn the_history_is_paged_and_its_pager_survives_a_restart() {
    let (mut app, alice) = with_entries("Ana").await;
    for _ in 0..25 {
        slash(&alice, "punctaj add", &[("names", "Ana"), ("points", "1")]).await;
    }
    let first = slash(&alice, "punctaj-audit search", &[("action", "points.add")]).await;
    assert_says(&first, &["#28"]);
    app.restart_bot().await;
    let second = alice.on(&phone()).click(&first, "Next").await;
    assert_says(&second, &["#18"]);
    assert_hides(&second, &["#28"]);
    app.finish().await;
}

#[tokio::test]
async fn a_table_is_exported_as_csv_and_json() {
    let (app, alice) = with_entries("Ana, =SUM(A1)").await;
    let csv = slash(
        &alice,
        "punctaj-admin data export",
        &[("table", "Politie"), ("format", "csv")],
    )
    .await;
    let text = String::from_utf8(csv.files().remove(0).1).unwrap();
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    assert_eq!(lines.next(), Some("name,member,rank,points"));
    assert!(
        text.contains("Ana,,,10") && text.contains("'=SUM(A1),,,10"),
        "{text}"
    );
    let json = slash(
        &alice,
        "punctaj-admin data export",
        &[("table", "Politie"), ("format", "json")],
    )
    .await;
    let value: serde_json::Value = serde_json::from_slice(&json.files().remove(0).1).unwrap();
    assert!(value.to_string().contains("\"Ana\""), "{value}");
    app.finish().await;
}

#[tokio::test]
async fn tables_ranks_sessions_and_help_are_listed() {
    let (app, alice) = with_entries("Ana").await;
    let exists = slash(
        &alice,
        "punctaj-admin table create",
        &[("table", "blackwater/POLITIE")],
    )
    .await;
    assert_says(&exists, &["BlackWater/Politie"]);
    let tables = slash(&alice, "punctaj-admin table list", &[]).await;
    assert_says(&tables, &["BlackWater/Politie", "1"]);
    let rank = [
        ("table", "Politie"),
        ("rank", "2"),
        ("title", "Sergent"),
        ("promote_at", "50"),
    ];
    slash(&alice, "punctaj-admin rank set", &rank).await;
    let ranks = slash(&alice, "punctaj-admin rank list", &[("table", "Politie")]).await;
    assert_says(&ranks, &["2", "Sergent", "50"]);
    let login = slash(&alice, "punctaj session login", &[("device", "PC Birou")]).await;
    assert_says(&login, &["PC Birou"]);
    let list = slash(&alice, "punctaj session list", &[]).await;
    assert_says(&list, &["PC Birou"]);
    let help = slash(&alice, "punctaj help", &[]).await;
    assert_says(&help, &["/punctaj add", "/punctaj-admin"]);
    let carol = app.member("carol");
    app.grant(&alice, &carol, "scorer").await;
    let less = slash(&carol, "punctaj help", &[]).await;
    assert_says(&less, &["/punctaj add"]);
    assert_hides(&less, &["/punctaj-admin table create"]);
    app.finish().await;
}
