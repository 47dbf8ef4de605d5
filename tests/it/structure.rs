//! Tables as people shape them: names, floors, templates, extra fields, ranks, settings, and the
//! log channel that tells of all of it. Everything comes back by an undo.

use std::time::Duration;

use fake_discord::{Channel, Device, Member, Refusal, Reply};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::app::{TestApp, all_told, assert_hides, assert_says, until, view};

fn pc() -> Device {
    Device::desktop("PC Birou")
}

async fn slash<'a>(
    who: &Member,
    command: &'a str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Reply {
    who.on(&pc()).slash(command, options).await
}

/// Presses Undo under an edit.
async fn undo(who: &Member, edit: &Reply) -> Reply {
    who.on(&pc()).click(edit, "Undo").await
}

/// Tables, ranks, fields and settings as the database holds them.
async fn shape(app: &TestApp) -> Value {
    let pool = app.db.superuser().await;
    let parts = [
        "select coalesce(jsonb_agg(jsonb_build_array(category, name, floor, private, deleted_at is not null)
            order by name), '[]') from punctaj.tables",
        "select coalesce(jsonb_agg(jsonb_build_array(number, title) order by number), '[]') from punctaj.ranks",
        "select coalesce(jsonb_agg(jsonb_build_array(name, kind, pattern) order by number), '[]')
            from punctaj.fields where not removed",
        "select coalesce(jsonb_agg(jsonb_build_array(name, rank, points, extra) order by name), '[]')
            from punctaj.entries where deleted_at is null",
        "select jsonb_build_array(language, timezone, log_channel) from punctaj.guilds",
    ];
    let mut shape = Vec::new();
    for part in parts {
        shape.push(sqlx::query_scalar(part).fetch_one(&pool).await.unwrap());
    }
    Value::Array(shape)
}

#[tokio::test]
async fn structure_is_undoable() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let table = ("table", "BlackWater/Politie");
    slash(
        &ana,
        "punctaj-admin table create",
        [table, ("template", "police")],
    )
    .await;
    slash(
        &ana,
        "punctaj add",
        [("names", "Ion, Maria"), ("points", "7")],
    )
    .await;
    slash(
        &ana,
        "punctaj set",
        [("name", "Ion"), ("field", "rank"), ("value", "Sergeant")],
    )
    .await;
    let badge = [("name", "Ion"), ("field", "Badge"), ("value", "A-12")];
    slash(&ana, "punctaj set", badge).await;

    // Each of these, and nothing is as it was; each undone, and everything is.
    let edits: [(&str, Vec<(&str, &str)>); 12] = [
        (
            "punctaj-admin table edit",
            vec![table, ("name", "Police"), ("category", "-")],
        ),
        (
            "punctaj-admin table edit",
            vec![table, ("floor", "-10"), ("private", "true")],
        ),
        (
            "punctaj-admin field add",
            vec![table, ("field", "Joined"), ("kind", "date")],
        ),
        (
            "punctaj-admin field edit",
            vec![
                table,
                ("field", "badge"),
                ("name", "Shield"),
                ("pattern", "[A-Z]-\\d+"),
            ],
        ),
        (
            "punctaj-admin field remove",
            vec![table, ("field", "Badge")],
        ),
        (
            "punctaj-admin rank set",
            vec![
                table,
                ("rank", "3"),
                ("title", "Major"),
                ("promote_at", "50"),
            ],
        ),
        ("punctaj-admin rank remove", vec![table, ("rank", "3")]),
        ("punctaj-admin settings language", vec![("language", "ro")]),
        (
            "punctaj-admin settings timezone",
            vec![("timezone", "America/New_York")],
        ),
        (
            "punctaj set",
            vec![("name", "Ion"), ("field", "Callsign"), ("value", "7")],
        ),
        (
            "punctaj set",
            vec![("name", "Ion"), ("field", "Badge"), ("value", "-")],
        ),
        ("punctaj-admin table delete", vec![table]),
    ];
    for (command, options) in edits {
        let before = shape(&app).await;
        let edit = slash(&ana, command, options.clone()).await;
        let after = shape(&app).await;
        assert_ne!(after, before, "{command} {options:?}: {}", edit.text());
        let undone = undo(&ana, &edit).await;
        assert_eq!(
            shape(&app).await,
            before,
            "{command} {options:?}: {}",
            undone.text()
        );
        let redone = undo(&ana, &undone).await;
        assert_eq!(
            shape(&app).await,
            after,
            "{command} {options:?}: {}",
            redone.text()
        );
        undo(&ana, &redone).await;
        assert_eq!(shape(&app).await, before, "{command} {options:?}");
    }

    app.finish().await;
}

#[tokio::test]
async fn a_deleted_table_is_out_of_sight_and_comes_back_whole() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let table = ("table", "BlackWater/Politie");
    slash(
        &ana,
        "punctaj-admin table create",
        [table, ("template", "police")],
    )
    .await;
    slash(
        &ana,
        "punctaj add",
        [("names", "Ion, Maria"), ("points", "7")],
    )
    .await;
    for (field, value) in [("rank", "Sergeant"), ("Badge", "A-12")] {
        let options = [("name", "Ion"), ("field", field), ("value", value)];
        slash(&ana, "punctaj set", options).await;
    }
    let deleted = slash(&ana, "punctaj-admin table delete", [table]).await;
    assert_says(&deleted, &["BlackWater/Politie", "Table deleted"]);
    assert_says(&view(&ana, &pc()).await, &["no table"]);
    let restored = slash(&ana, "punctaj-admin table restore", [table]).await;
    assert_says(&restored, &["Table restored"]);
    assert_says(
        &view(&ana, &pc()).await,
        &["Ion", "Maria", "Sergeant", "A-12", "Badge"],
    );
    app.finish().await;
}

#[tokio::test]
async fn templates_fill_a_new_table_in_the_callers_language() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let ion = app
        .guild
        .member("ion")
        .locale("ro")
        .permissions(fake_discord::permissions::MANAGE_GUILD)
        .join();
    for (who, name, template) in [
        (&ana, "A", "plain"),
        (&ana, "B", "clan"),
        (&ion, "C", "police"),
        (&ion, "D", "class"),
    ] {
        slash(
            who,
            "punctaj-admin table create",
            [("table", name), ("template", template)],
        )
        .await;
    }
    let pool = app.db.superuser().await;
    let found: Value = sqlx::query_scalar(
        "select jsonb_object_agg(t.name, jsonb_build_array(
            (select string_agg(title, ' ' order by number) from punctaj.ranks r where r.table_id = t.table_id),
            (select string_agg(f.name, ' ' order by number) from punctaj.fields f where f.table_id = t.table_id)))
         from punctaj.tables t",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(
        found,
        json!({
            "A": [null, null],
            "B": ["Recruit Member Veteran Officer Leader", "In-game name"],
            "C": ["Cadet Agent Sergent Locotenent Căpitan Comandant", "Insignă Indicativ"],
            "D": [null, "Grupă"],
        })
    );
    app.finish().await;
}

#[tokio::test]
async fn values_must_fit_their_field() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let table = ("table", "T");
    slash(&ana, "punctaj-admin table create", [table]).await;
    slash(&ana, "punctaj add", [("names", "Ion")]).await;
    for (field, kind, pattern) in [
        ("Plate", "text", Some("[A-Z]{2}-\\d{2}")),
        ("Hours", "number", None),
        ("Joined", "date", None),
    ] {
        let mut options = vec![table, ("field", field), ("kind", kind)];
        options.extend(pattern.map(|pattern| ("pattern", pattern)));
        let added = slash(&ana, "punctaj-admin field add", options).await;
        assert_says(&added, &["New field", field]);
    }
    let cases = [
        ("plate", "AB-12", "AB-12"),
        (
            "Plate",
            "AB-123",
            "must match the pattern `[A-Z]{2}-\\d{2}`",
        ),
        ("Hours", "12,50", "12\\.5"),
        ("Hours", "many", "holds a number"),
        ("JOINED", "31.01.2026", "2026-01-31"),
        ("Joined", "30.02.2026", "holds a date"),
        ("Joined", "-", "2026-01-31 → —"),
        (
            "Colour",
            "red",
            "name, rank, points, member, exempt, Plate, Hours, Joined.",
        ),
    ];
    for (field, value, said) in cases {
        let options = [("name", "Ion"), ("field", field), ("value", value)];
        assert_says(&slash(&ana, "punctaj set", options).await, &[said]);
    }
    for (field, pattern, said) in [
        ("plate", None, "field plate already"),
        ("Puncte", None, "field Puncte already"),
        ("X", Some("("), "no regular expression"),
    ] {
        let mut options = vec![table, ("field", field)];
        options.extend(pattern.map(|pattern| ("pattern", pattern)));
        let refused = slash(&ana, "punctaj-admin field add", options).await;
        assert_says(&refused, &["Nothing was changed"]);
        assert!(
            refused.text().to_lowercase().contains(&said.to_lowercase()),
            "{}",
            refused.text()
        );
    }
    let offered = ana
        .on(&pc())
        .autocomplete("punctaj set", [("name", "Ion"), ("field", "")], "field")
        .await;
    let offered: Vec<String> = offered.into_iter().map(|choice| choice.name).collect();
    assert_eq!(
        offered,
        [
            "name", "rank", "points", "member", "exempt", "Plate", "Hours", "Joined"
        ]
    );
    let export = slash(&ana, "punctaj-admin data export", [table]).await;
    assert_eq!(
        String::from_utf8(export.files().remove(0).1).unwrap(),
        "name,member,rank,points,Plate,Hours,Joined\nIon,,,0,AB-12,12.5,\n"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_floor_never_rises_above_points_and_a_rank_never_goes_unseen() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let table = ("table", "T");
    slash(&ana, "punctaj-admin table create", [table]).await;
    slash(
        &ana,
        "punctaj add",
        [("names", "Ion, Maria"), ("points", "3")],
    )
    .await;
    let refused = slash(&ana, "punctaj-admin table edit", [table, ("floor", "5")]).await;
    assert_says(
        &refused,
        &["2 entries have fewer points than 5", "Nothing was changed"],
    );
    slash(&ana, "punctaj-admin table edit", [table, ("floor", "-5")]).await;
    let taken = slash(&ana, "punctaj remove", [("names", "Ion"), ("points", "20")]).await;
    assert_says(&taken, &["3 → -5"]);
    let nothing = slash(&ana, "punctaj-admin table edit", [table]).await;
    assert_says(&nothing, &["at least one of the other options"]);

    slash(
        &ana,
        "punctaj-admin rank set",
        [table, ("rank", "2"), ("title", "Sergent")],
    )
    .await;
    slash(
        &ana,
        "punctaj set",
        [("name", "Ion"), ("field", "rank"), ("value", "2")],
    )
    .await;
    let removed = slash(&ana, "punctaj-admin rank remove", [table, ("rank", "2")]).await;
    assert_says(&removed, &["Rank deleted", "Ion"]);
    let unknown = slash(&ana, "punctaj-admin rank remove", [table, ("rank", "2")]).await;
    assert_says(&unknown, &["has no rank 2", "Nothing was changed"]);
    undo(&ana, &removed).await;
    assert_says(&view(&ana, &pc()).await, &["Sergent"]);
    app.finish().await;
}

#[tokio::test]
async fn a_private_table_is_hidden_from_those_without_a_right_to_it() {
    let app = TestApp::start().await;
    let (ana, bob) = (app.moderator("ana"), app.member("bob"));
    for table in ["Secret", "Open"] {
        slash(&ana, "punctaj-admin table create", [("table", table)]).await;
        slash(&ana, "punctaj add", [("names", "Ion"), ("table", table)]).await;
    }
    let who = bob.mention();
    let grant = [("who", &*who), ("right", "scorer"), ("scope", "Open")];
    slash(&ana, "punctaj-admin access grant", grant).await;
    let secret = ("table", "Secret");
    slash(
        &ana,
        "punctaj-admin table edit",
        [secret, ("private", "true")],
    )
    .await;
    // The only table that bob sees is the default one.
    assert_says(&view(&bob, &pc()).await, &["Open"]);
    for (command, options) in [
        ("punctaj view", vec![secret]),
        ("punctaj view", vec![secret, ("at", "0m")]),
        (
            "punctaj add",
            vec![secret, ("names", "Ion"), ("points", "5")],
        ),
        (
            "punctaj remove",
            vec![secret, ("names", "Ion"), ("points", "5")],
        ),
        ("punctaj profile", vec![secret, ("name", "Ion")]),
        ("punctaj-admin rank list", vec![secret]),
    ] {
        let refused = slash(&bob, command, options).await;
        assert_says(&refused, &["no table Secret"]);
        assert_hides(&refused, &["Ion"]);
    }
    assert_hides(
        &slash(&bob, "punctaj-admin table list", []).await,
        &["Secret"],
    );
    for (command, options, focused) in [
        ("punctaj view", vec![("table", "")], "table"),
        ("punctaj add", vec![secret, ("names", "")], "names"),
    ] {
        let offered = bob.on(&pc()).autocomplete(command, options, focused).await;
        assert!(
            offered
                .iter()
                .all(|choice| !["Secret", "Ion"].contains(&choice.name.as_str()))
        );
    }
    assert_says(&slash(&ana, "punctaj view", [secret]).await, &["Ion"]);
    app.finish().await;
}

/// What the channel reads, once it has that many messages.
async fn read(channel: &Channel, count: usize) -> Vec<String> {
    let enough = async || channel.messages().len() >= count;
    until("messages in the channel", enough).await;
    let messages = channel.messages();
    messages
        .iter()
        .map(|message| message.content().to_owned())
        .collect()
}

#[tokio::test]
async fn the_log_channel_reads_every_edit_and_the_daily_head() {
    let app = TestApp::start().await;
    let ana = app.moderator("ana");
    let log = app.guild.channel("log");
    slash(&ana, "punctaj-admin table create", [("table", "T")]).await;
    slash(
        &ana,
        "punctaj-admin settings language",
        [("language", "ro")],
    )
    .await;
    let set = slash(
        &ana,
        "punctaj-admin settings log-channel",
        [("channel", &*log.mention())],
    )
    .await;
    assert_says(&set, &["log channel", &log.mention()]);
    let added = [
        ("names", "@everyone, Ion"),
        ("points", "5"),
        ("reason", "patrulă"),
    ];
    slash(&ana, "punctaj add", added).await;
    // One message or two: what happens meanwhile is told together.
    let said = with_heads(&app, &log, 1).await;
    for part in [
        "canal de jurnal",
        "Am adăugat câte 5 puncte la 2 înregistrări",
        "**Ion**",
        "Motiv: patrulă",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("@everyone"), "{said}");
    assert!(
        log.messages()
            .iter()
            .all(|message| message.pings().is_empty())
    );

    // The head is there once, and again on another day.
    let pool = app.db.superuser().await;
    // It may be posted before the undo, or after it.
    let mut posted = vec![head(&pool).await];
    sqlx::query("update punctaj.guilds set head_posted_on = head_posted_on - 1")
        .execute(&pool)
        .await
        .unwrap();
    let undone = slash(&ana, "punctaj undo", []).await;
    assert_says(&undone, &["Undid event"]);
    posted.push(head(&pool).await);
    let said = with_heads(&app, &log, 2).await;
    let second = said.rsplit(HEAD).next().unwrap();
    let is_told = |head: &String| second.contains(head);
    assert!(posted.iter().any(is_told), "{posted:?}: {said}");
    app.finish().await;
}

/// How the head of the chain is told.
const HEAD: &str = "Istoricul până la evenimentul";

/// What the log channel reads, once it has so many heads and nothing is left to be told.
async fn with_heads(app: &TestApp, log: &Channel, count: usize) -> String {
    for _ in 0..600 {
        all_told(app).await;
        let said = read(log, 1).await.join("\n");
        if said.matches(HEAD).count() >= count {
            assert_eq!(said.matches(HEAD).count(), count, "{said}");
            return said;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    unreachable!("{count} heads were expected: {:#?}", log.messages());
}

/// The head as it is told.
async fn head(pool: &PgPool) -> String {
    let query = "select head_seq, head_hash from punctaj.guilds";
    let (seq, hash): (i64, String) = sqlx::query_as(query).fetch_one(pool).await.unwrap();
    format!("**#{seq}**: `{hash}`")
}

#[tokio::test]
async fn news_is_told_once_whatever_happens_to_discord_and_the_bot() {
    let mut app = TestApp::start().await;
    let ana = app.moderator("ana");
    let log = app.guild.channel("log");
    slash(&ana, "punctaj-admin table create", [("table", "T")]).await;
    slash(
        &ana,
        "punctaj-admin settings log-channel",
        [("channel", &*log.mention())],
    )
    .await;
    all_told(&app).await;
    let other = TestApp::beside(&app).await;
    app.discord.connected(2).await;
    // The message arrives, but its answer is lost: the nonce makes the second try the same message.
    app.discord
        .lose_next_answer("POST", &format!("/channels/{}/messages", log.id()), 2);
    for number in 1..=30 {
        let name = format!("Ion {number}");
        slash(&ana, "punctaj add", [("names", &*name), ("points", "1")]).await;
    }
    all_told(&app).await;
    let mut other = other;
    other.stop_bot().await;
    other.forget();
    app.restart_bot().await;
    let said = log
        .messages()
        .iter()
        .map(|message| message.content().to_owned())
        .collect::<Vec<_>>()
        .join("\n");
    for number in 1..=30 {
        assert_eq!(
            said.matches(&format!("**Ion {number}** ")).count(),
            1,
            "{number}: {said}"
        );
    }

    // A channel that is gone is reported, and nothing waits for it.
    log.delete();
    // Both bots answered each interaction; Discord took one answer.
    let refusals = app.discord.refusals();
    let is_late = |refusal: &Refusal| refusal.path.starts_with("/interactions/");
    assert!(refusals.iter().all(is_late), "{refusals:#?}");
    app.expect_refusals(refusals.len() + 1);
    let added = slash(&ana, "punctaj add", [("names", "Ion 1"), ("points", "1")]).await;
    assert_says(&added, &["1 → 2"]);
    all_told(&app).await;
    let shown = slash(&ana, "punctaj-admin settings show", []).await;
    assert_says(
        &shown,
        &["can’t post in the log channel", "Unknown Channel"],
    );
    let another = app.guild.channel("another-log");
    slash(
        &ana,
        "punctaj-admin settings log-channel",
        [("channel", &*another.mention())],
    )
    .await;
    all_told(&app).await;
    assert_eq!(read(&another, 1).await.len(), 1);
    assert_hides(
        &slash(&ana, "punctaj-admin settings show", []).await,
        &["can’t post"],
    );
    app.finish().await;
}
