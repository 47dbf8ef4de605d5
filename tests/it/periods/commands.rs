//! The commands, as people use them.

use std::time::Duration;

use fake_discord::{Channel, Device, Member, Reply};

use crate::support::app::{Process, TestApp, assert_hides, assert_says, until};

fn pc() -> Device {
    Device::desktop("PC")
}

const TABLE: (&str, &str) = ("table", "Clan");

async fn slash<'a>(
    who: &Member,
    command: &'a str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Reply {
    who.on(&pc()).slash(command, options).await
}

/// A table with two ranks, and two who have one of them.
async fn with_table() -> (TestApp, Member, Channel) {
    let app = TestApp::start().await;
    let (ana, channel) = (app.moderator("ana"), app.guild.channel("rapoarte"));
    slash(&ana, "punctaj-admin table create", [TABLE]).await;
    for (rank, title) in [("1", "Cadet"), ("2", "Ofițer")] {
        let options = [
            TABLE,
            ("rank", rank),
            ("title", title),
            ("promote_at", "10"),
            ("demote_below", "3"),
        ];
        slash(&ana, "punctaj-admin rank set", options).await;
    }
    for (name, points, rank) in [("Ion", "12", "1"), ("@everyone", "1", "2")] {
        slash(&ana, "punctaj add", [("names", name), ("points", points)]).await;
        let options = [("name", name), ("field", "rank"), ("value", rank)];
        slash(&ana, "punctaj set", options).await;
    }
    (app, ana, channel)
}

/// Waits for a message that says that.
async fn posted(channel: &Channel, text: &str) -> Reply {
    let says = |reply: &Reply| reply.text().contains(text);
    for _ in 0..600 {
        if let Some(message) = channel.messages().into_iter().find(says) {
            return message;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    unreachable!("nobody posted {text}");
}

#[tokio::test]
async fn closing_asks_first_and_tells_what_became_of_it() {
    let (app, ana, _) = with_table().await;
    let asked = slash(&ana, "punctaj-admin period close", [TABLE]).await;
    assert_says(
        &asked,
        &[
            "Close period 1 of Clan?",
            "13 points in all",
            "🥇 **Ion** — 12 points",
            "**Promoted (1):** Ion (Cadet → Ofițer)",
            "**Demoted (1):**",
        ],
    );
    let cancelled = ana.on(&pc()).click(&asked, "Cancel").await;
    assert_says(&cancelled, &["Nothing was changed"]);
    let asked = slash(&ana, "punctaj-admin period close", [TABLE]).await;
    let again = slash(&ana, "punctaj-admin period close", [TABLE]).await;
    let closed = ana.on(&pc()).click(&asked, "Confirm").await;
    assert_says(
        &closed,
        &["Closed a period of Clan", "12 → 0", "Cadet → Ofițer"],
    );
    let refused = ana.on(&pc()).click(&again, "Confirm").await;
    assert_says(
        &refused,
        &[
            "Period 1 of Clan is not the open one",
            "Nothing was changed",
        ],
    );

    slash(&ana, "punctaj add", [("names", "Ion"), ("points", "4")]).await;
    let report = slash(&ana, "punctaj-admin period report", [TABLE]).await;
    assert_says(
        &report,
        &["Period 1 of Clan", "Closed by", "13 points in all"],
    );
    let list = slash(&ana, "punctaj-admin period list", [TABLE]).await;
    assert_says(&list, &["Closed periods of Clan", "**1**", "13 points"]);
    let then = slash(&ana, "punctaj view", [TABLE, ("period", "1")]).await;
    assert_says(&then, &["period 1", "12", "13 points"]);
    let both = slash(&ana, "punctaj view", [TABLE, ("period", "1"), ("at", "3h")]).await;
    assert_says(&both, &["Give only one", "Nothing was changed"]);
    let unknown = slash(&ana, "punctaj view", [TABLE, ("period", "2")]).await;
    assert_says(&unknown, &["no closed period 2; the last one is 1"]);
    let file = slash(&ana, "punctaj-admin data export", [TABLE, ("period", "1")]).await;
    assert_says(&file, &["Clan: 2 entries"]);

    let undone = ana.on(&pc()).click(&closed, "Undo").await;
    assert_says(
        &undone,
        &["Period opened again", "4 → 16", "Ofițer → Cadet"],
    );
    let list = slash(&ana, "punctaj-admin period list", [TABLE]).await;
    assert_says(&list, &["undone"]);
    app.finish().await;
}

#[tokio::test]
async fn pages_of_a_closed_period_are_turned() {
    let (app, ana, _) = with_table().await;
    for chunk in 0..2 {
        let names: Vec<_> = (0..20).map(|n| format!("Entry {chunk} {n}")).collect();
        slash(&ana, "punctaj add", [("names", &*names.join(", "))]).await;
    }
    let asked = slash(&ana, "punctaj-admin period close", [TABLE]).await;
    ana.on(&pc()).click(&asked, "Confirm").await;
    slash(&ana, "punctaj add", [("names", "Nou")]).await;
    let mut page = slash(
        &ana,
        "punctaj view",
        [TABLE, ("period", "1"), ("sort", "name")],
    )
    .await;
    assert_says(&page, &["42 entries", "Page 1 of 3"]);
    for number in ["2", "3"] {
        page = ana.on(&pc()).click(&page, "Next").await;
        let of = format!("Page {number} of 3");
        assert_says(&page, &["period 1", "42 entries", &of]);
        assert_hides(&page, &["Nou"]);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_proposed_waits_for_a_button() {
    let (app, ana, channel) = with_table().await;
    let log = [("channel", &*channel.mention())];
    slash(&ana, "punctaj-admin settings log-channel", log).await;
    let edit = [TABLE, ("promotions", "proposed")];
    let edited = slash(&ana, "punctaj-admin table edit", edit).await;
    assert_says(&edited, &["promotions: automatic → only proposed"]);
    let asked = slash(&ana, "punctaj-admin period close", [TABLE]).await;
    assert_says(&asked, &["**Proposed for promotion (1):** Ion"]);
    ana.on(&pc()).click(&asked, "Confirm").await;
    let report = posted(&channel, "Period 1 of Clan").await;
    assert!(report.pings().is_empty());
    assert_says(&report, &["Proposed for promotion", "only proposed"]);
    let bob = app.member("bob");
    let refused = bob.on(&pc()).click(&report, "Apply ranks").await;
    assert_says(&refused, &["period.close"]);
    let applied = ana.on(&pc()).click(&report, "Apply ranks").await;
    assert_says(&applied, &["Applied the proposed ranks", "Cadet → Ofițer"]);
    let twice = ana.on(&pc()).click(&report, "Apply ranks").await;
    assert_says(&twice, &["wait to be applied", "Nothing was changed"]);
    let undone = ana.on(&pc()).click(&applied, "Undo").await;
    assert_says(&undone, &["Ofițer → Cadet"]);
    let exempt = [("name", "Ion"), ("field", "exempt"), ("value", "da")];
    let exempt = slash(&ana, "punctaj set", exempt).await;
    assert_says(&exempt, &["exempt: no → yes"]);
    let card = slash(&ana, "punctaj profile", [("name", "Ion")]).await;
    assert_says(&card, &["**Exempt:**"]);
    app.finish().await;
}

#[tokio::test]
async fn a_schedule_is_set_shown_and_paused() {
    let (app, ana, channel) = with_table().await;
    let none = slash(&ana, "punctaj-admin period schedule", [TABLE]).await;
    assert_says(&none, &["not closed by itself"]);
    let set = [
        TABLE,
        ("every", "week"),
        ("day", "Duminică"),
        ("time", "8:30"),
        ("warning", "5"),
    ];
    let set = slash(&ana, "punctaj-admin period schedule", set).await;
    assert_says(
        &set,
        &[
            "every week on Sunday at 08:30 (Europe/Bucharest)",
            "Next time",
            "how often: — → every week",
        ],
    );
    let more = [TABLE, ("channel", &*channel.mention())];
    slash(&ana, "punctaj-admin period schedule", more).await;
    let shown = slash(&ana, "punctaj-admin period schedule", [TABLE]).await;
    assert_says(&shown, &["08:30", &channel.mention(), "5 hours before"]);
    let off = slash(
        &ana,
        "punctaj-admin period schedule",
        [TABLE, ("every", "off")],
    )
    .await;
    assert_says(&off, &["Paused", "paused: no → yes"]);
    for (option, value, told) in [
        ("day", "Blursday", "no day of a week"),
        ("day", "8", "A week has no such day"),
        ("time", "25:00", "no time of the day"),
        ("warning", "200", "0 to 168 hours"),
    ] {
        let refused = slash(
            &ana,
            "punctaj-admin period schedule",
            [TABLE, (option, value)],
        )
        .await;
        assert_says(&refused, &[told, "Nothing was changed"]);
    }
    let undone = ana.on(&pc()).click(&off, "Undo").await;
    assert_says(&undone, &["paused: yes → no"]);
    app.finish().await;
}

#[tokio::test]
async fn a_report_whose_channel_is_gone_stands_in_the_log() {
    let (mut app, ana, channel) = with_table().await;
    let log = app.guild.channel("jurnal");
    let options = [("channel", &*log.mention())];
    slash(&ana, "punctaj-admin settings log-channel", options).await;
    let mention = channel.mention();
    let set = [TABLE, ("every", "week"), ("channel", mention.as_str())];
    slash(&ana, "punctaj-admin period schedule", set).await;
    channel.delete();
    let asked = slash(&ana, "punctaj-admin period close", [TABLE]).await;
    ana.on(&pc()).click(&asked, "Confirm").await;
    posted(&log, "**Promoted (1):** Ion").await;
    let refused = app.discord.refusals().len();
    app.expect_refusals(refused);
    app.finish().await;
}

#[tokio::test]
async fn two_bots_one_of_them_killed_close_what_was_missed_once() {
    let app = TestApp::without_bot().await;
    let bot = Process::start(&app.discord, &app.db);
    app.discord.ready().await;
    let (ana, channel) = (app.moderator("ana"), app.guild.channel("rapoarte"));
    slash(&ana, "punctaj-admin table create", [TABLE]).await;
    slash(&ana, "punctaj add", [("names", "Ion"), ("points", "5")]).await;
    let set = [TABLE, ("every", "week"), ("channel", &*channel.mention())];
    slash(&ana, "punctaj-admin period schedule", set).await;
    bot.kill().await;
    app.discord.connected(0).await;
    // Three weeks pass.
    let pool = app.db.superuser().await;
    sqlx::query("update punctaj.tables set schedule_from = now() - interval '22 days'")
        .execute(&pool)
        .await
        .unwrap();
    let bots = [(); 2].map(|()| Process::start(&app.discord, &app.db));
    let report = posted(&channel, "Period 1 of Clan").await;
    assert_says(
        &report,
        &["the schedule", "days late", "**Ion** — 5 points"],
    );
    let closed = async || {
        let count = "select count(*) from punctaj.periods";
        let count: i64 = sqlx::query_scalar(count).fetch_one(&pool).await.unwrap();
        count == 1
    };
    until("one closing", closed).await;
    for bot in bots {
        bot.terminate().await;
    }
    assert!(closed().await);
    let reports = channel.messages();
    let reports = reports
        .iter()
        .filter(|it| it.text().contains("Period 1 of Clan"));
    assert_eq!(reports.count(), 1);
    let mut app = app;
    let refused = app.discord.refusals().len();
    app.expect_refusals(refused);
    app.finish().await;
}

#[tokio::test]
async fn who_is_renamed_after_the_preview_is_closed_under_the_new_name() {
    let (app, ana, _) = with_table().await;
    let asked = slash(&ana, "punctaj-admin period close", [TABLE]).await;
    let name = [("name", "Ion"), ("field", "name"), ("value", "Ioan")];
    slash(&ana, "punctaj set", name).await;
    let table = [TABLE, ("name", "Clanul")];
    slash(&ana, "punctaj-admin table edit", table).await;
    let closed = ana.on(&pc()).click(&asked, "Confirm").await;
    assert_says(&closed, &["Closed a period of Clanul", "Ioan", "12 → 0"]);
    let table = [("table", "Clanul")];
    let report = slash(&ana, "punctaj-admin period report", table).await;
    assert_says(
        &report,
        &["🥇 **Ioan** — 12 points", "Ioan (Cadet → Ofițer)"],
    );
    app.finish().await;
}

#[tokio::test]
async fn the_preview_and_the_undo_say_what_is_easily_missed() {
    let (app, ana, _) = with_table().await;
    let weekly = [TABLE, ("every", "week")];
    slash(&ana, "punctaj-admin period schedule", weekly).await;
    let edit = [TABLE, ("promotions", "proposed")];
    slash(&ana, "punctaj-admin table edit", edit).await;
    let given = [("names", "Ion"), ("points", "2")];
    let given = slash(&ana, "punctaj add", given).await;
    let asked = slash(&ana, "punctaj-admin period close", [TABLE]).await;
    assert_says(&asked, &["The schedule closes the table again on <t:"]);
    let closed = ana.on(&pc()).click(&asked, "Confirm").await;
    let asked = ana.on(&pc()).click(&given, "Undo").await;
    assert_says(
        &asked,
        &[
            "Period 1 of **Clan** was closed since",
            "Nothing was changed",
        ],
    );
    let applied = ana.on(&pc()).click(&closed, "Apply ranks").await;
    let undone = ana.on(&pc()).click(&closed, "Undo").await;
    assert_says(
        &undone,
        &[
            "Period opened again",
            "stay (2): ",
            "Ion. To take them back too, undo event #",
        ],
    );
    assert!(undone.pings().is_empty());
    ana.on(&pc()).click(&applied, "Undo").await;
    let clear = [
        TABLE,
        ("rank", "1"),
        ("title", "Cadet"),
        ("clear", "promote_at"),
    ];
    let cleared = slash(&ana, "punctaj-admin rank set", clear).await;
    assert_says(&cleared, &["promoted at: 10 → —"]);
    app.finish().await;
}

#[tokio::test]
async fn periods_of_a_private_table_are_for_those_who_see_it() {
    let (app, ana, _) = with_table().await;
    let asked = slash(&ana, "punctaj-admin period close", [TABLE]).await;
    ana.on(&pc()).click(&asked, "Confirm").await;
    let hidden = [TABLE, ("private", "true")];
    slash(&ana, "punctaj-admin table edit", hidden).await;
    let bob = app.member("bob");
    let offered = async |who: &Member| {
        let command = "punctaj-admin period report";
        let options = [TABLE, ("period", "")];
        let on = who.on(&pc());
        on.autocomplete(command, options, "period").await.len()
    };
    assert_eq!((offered(&ana).await, offered(&bob).await), (1, 0));
    let report = slash(&bob, "punctaj-admin period report", [TABLE]).await;
    assert_hides(&report, &["Ion", "13 points"]);
    let list = slash(&bob, "punctaj-admin period list", [TABLE]).await;
    assert_hides(&list, &["13 points"]);
    app.grant(&ana, &bob, "table.view").await;
    assert_eq!(offered(&bob).await, 1);
    let report = slash(&bob, "punctaj-admin period report", [TABLE]).await;
    assert_says(&report, &["Ion", "13 points in all"]);
    app.finish().await;
}
