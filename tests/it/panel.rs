//! The panel for a sitting, as people use it: on one device, on several, in the middle of a
//! restart, and when it has outlived its session.

use fake_discord::permissions::MANAGE_GUILD;
use fake_discord::{Device, Member, Reply, ReplyKind};
use punctaj::domain::access::Standing;
use punctaj::domain::ids::{DeviceId, EntryId, GuildId, TableId};
use punctaj::domain::name::{NameList, TableAddress};
use punctaj::domain::panel::Picked;
use punctaj::service::panel::{Panel, PanelAward, PanelNote, PanelTurn, Pressed};
use punctaj::service::points::Award;
use punctaj::service::tables::TableEdit;
use punctaj::service::view::ViewOrder;
use punctaj::service::{Request, ServiceError, Services};
use sqlx::Row as _;
use sqlx::postgres::PgPool;

use crate::support::app::{TestApp, assert_hides, assert_says};
use crate::support::db::{Interactions, TestDb};

const MENU: &str = "1:panel";

/// One person at one device.
#[derive(Clone)]
struct Seat {
    who: Member,
    device: Device,
}

impl Seat {
    fn new(who: &Member, device: Device) -> Self {
        let who = who.clone();
        Self { who, device }
    }

    async fn slash(&self, command: &str, options: &[(&str, &str)]) -> Reply {
        let reply = self.who.on(&self.device);
        let reply = reply.slash(command, options.iter().copied()).await;
        assert!(reply.is_answered(), "/{command} was not answered");
        reply
    }

    async fn panel(&self) -> Reply {
        self.slash("punctaj panel", &[]).await
    }

    async fn add(&self, names: &str, points: &str) -> Reply {
        self.slash("punctaj add", &[("names", names), ("points", points)])
            .await
    }

    /// Chooses in the panel's menu, by name.
    async fn pick(&self, panel: &Reply, names: &[&str]) -> Reply {
        let acting = self.who.on(&self.device);
        acting.select(panel, MENU, names.iter().copied()).await
    }

    async fn press(&self, panel: &Reply, button: &str) -> Reply {
        let reply = self.who.on(&self.device).click(panel, button).await;
        assert!(reply.is_answered(), "[{button}] was not answered");
        reply
    }

    /// Presses a button that opens a form, and fills that in.
    async fn fill_in(&self, panel: &Reply, button: &str, fields: &[(&str, &str)]) -> Reply {
        let form = self.press(panel, button).await;
        assert!(form.is_modal(), "[{button}] opens a form");
        let acting = self.who.on(&self.device);
        acting.submit(&form, fields.iter().copied()).await
    }
}

/// A bot, and a moderator at a PC with a table of these entries at 10 points each.
async fn with_entries(names: &str) -> (TestApp, Seat) {
    let app = TestApp::start().await;
    let pc = Seat::new(&app.moderator("dana"), Device::desktop("PC Birou"));
    pc.slash("punctaj session login", &[("device", "PC Birou")])
        .await;
    pc.slash(
        "punctaj-admin table create",
        &[("table", "BlackWater/Politie")],
    )
    .await;
    if !names.is_empty() {
        pc.add(names, "10").await;
    }
    (app, pc)
}

/// How many events there are.
async fn events(app: &TestApp) -> i64 {
    let pool = app.db.superuser().await;
    let count = sqlx::query_scalar("select count(*) from punctaj.events");
    count.fetch_one(&pool).await.unwrap()
}

/// Action, reason, attribution and device label of the newest event.
async fn newest(app: &TestApp) -> (String, Option<String>, String, String) {
    let pool = app.db.superuser().await;
    let row = sqlx::query(
        "select e.action, e.reason, e.attribution, s.label
         from punctaj.events e join punctaj.sessions s using (device_id) order by e.seq desc limit 1",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    (row.get(0), row.get(1), row.get(2), row.get(3))
}

/// Points of an entry, be it deleted or not.
async fn points(app: &TestApp, name: &str) -> i64 {
    let pool = app.db.superuser().await;
    let points = sqlx::query_scalar("select points from punctaj.entries where name = $1");
    points.bind(name).fetch_one(&pool).await.unwrap()
}

async fn run(app: &TestApp, statement: &'static str) {
    let pool = app.db.superuser().await;
    sqlx::raw_sql(statement).execute(&pool).await.unwrap();
}

#[tokio::test]
async fn a_whole_sitting() {
    let (app, pc) = with_entries("Ana Pop, Ion, Maria").await;
    let before = events(&app).await;

    let opened = pc.panel().await;
    assert!(opened.is_ephemeral());
    assert_says(
        &opened,
        &[
            "Panel: BlackWater/Politie",
            "nobody yet",
            "no step yet",
            "PC Birou",
        ],
    );
    assert_eq!(opened.enabled_buttons(), ["Search…", "Take away"]);
    assert_eq!(opened.menu(MENU).len(), 3);

    // Picking is no event; the same message tells who it is.
    let picked = pc.pick(&opened, &["Ion", "Ana Pop"]).await;
    assert_eq!(picked.kind(), ReplyKind::Update);
    assert_eq!(picked.message_id(), opened.message_id());
    assert_says(&picked, &["Picked (2)", "Ion (10), Ana Pop (10)"]);
    assert_eq!(events(&app).await, before);

    // Three presses, for the same two people.
    let five = pc.press(&picked, "+5").await;
    assert_says(
        &five,
        &[
            "**Ana Pop**: 10 → 15 points (+5)",
            "**Ion**: 10 → 15 points (+5)",
            "1 step, +10 in all",
            "**Ion**: +5\n",
        ],
    );
    let three = pc.press(&five, "+3").await;
    assert_says(&three, &["15 → 18", "2 steps, +16 in all"]);
    let typed = [
        ("Points", "40"),
        ("Reason (may be left out)", "patrulă *de noapte*"),
    ];
    let other = pc.fill_in(&three, "Other…", &typed).await;
    assert_eq!(other.kind(), ReplyKind::Update);
    assert_says(
        &other,
        &[
            "18 → 58",
            "3 steps, +96 in all",
            r"Reason: patrulă \*de noapte\*",
        ],
    );
    assert_eq!(events(&app).await, before + 3);
    let (action, reason, attribution, label) = newest(&app).await;
    assert_eq!(
        (action.as_str(), attribution.as_str(), label.as_str()),
        ("points.add", "exact", "PC Birou")
    );
    assert_eq!(reason.as_deref(), Some("patrulă *de noapte*"));

    // Taking away stops at the floor, and what was really taken counts.
    let nobody = pc.press(&other, "Pick nobody").await;
    let maria = pc.pick(&nobody, &["Maria"]).await;
    let taking = pc.press(&maria, "Take away").await;
    assert_says(&taking, &["take points away"]);
    assert!(taking.has_button("-5") && taking.has_button("Add") && !taking.has_button("+5"));
    let typed = [("Points", "25")];
    let taken = pc.fill_in(&taking, "Other…", &typed).await;
    assert_says(
        &taken,
        &[
            "10 → 0 points (-10 instead of -25",
            "4 steps, +86 in all",
            "**Maria**: -10",
        ],
    );
    let floored = pc.press(&taken, "-1").await;
    assert_says(&floored, &["stays at 0", "+86 in all"]);

    // Undo walks back through the steps; what had no effect is none.
    let undone = pc.press(&floored, "Undo").await;
    assert_says(
        &undone,
        &["**Maria**: 0 → 10", "+96 in all", "Undo takes back #"],
    );
    assert_hides(&undone, &["**Maria**: -10"]);
    let undone = pc.press(&undone, "Undo").await;
    assert_says(&undone, &["**Ion**: 58 → 18", "+16 in all"]);
    let undone = pc.press(&undone, "Undo").await;
    let undone = pc.press(&undone, "Undo").await;
    assert_says(&undone, &["**Ion**: 15 → 10", "**Picked (1):** Maria (10)"]);
    assert!(
        !undone.has_button("Undo"),
        "what was before the sitting is not its step"
    );
    assert_eq!(points(&app, "Ana Pop").await, 10);
    app.finish().await;
}

#[tokio::test]
async fn what_is_typed_wrongly_is_told_and_shown_again() {
    let (app, pc) = with_entries("Ana").await;
    let panel = pc.panel().await;
    let panel = pc.pick(&panel, &["Ana"]).await;
    let before = events(&app).await;
    for (typed, told) in [
        ("0", "whole numbers from 1 on"),
        ("-4", "whole numbers from 1 on"),
        ("patru", "is not a number of points"),
        ("1000000001", "1,000,000,000"),
    ] {
        let fields = [("Points", typed), ("Reason (may be left out)", "pază")];
        let reply = pc.fill_in(&panel, "Other…", &fields).await;
        assert_eq!(reply.kind(), ReplyKind::Message);
        assert!(reply.is_ephemeral());
        assert_says(&reply, &[told, "Nothing was changed", "pază"]);
    }
    assert_eq!(events(&app).await, before);
    assert_eq!(points(&app, "Ana").await, 10);
    app.finish().await;
}

#[tokio::test]
async fn pages_and_search() {
    let names: Vec<String> = (1..=60).map(|number| format!("Nume {number:02}")).collect();
    let (app, pc) = with_entries(&names[..30].join(", ")).await;
    pc.add(&names[30..].join(", "), "10").await;
    let labels = |panel: &Reply| -> Vec<String> {
        panel
            .menu(MENU)
            .into_iter()
            .map(|option| option.name)
            .collect()
    };

    let first = pc.panel().await;
    assert_eq!(labels(&first), names[..25]);
    assert!(first.has_button("Next") && !first.has_button("Back"));
    let first = pc.pick(&first, &["Nume 03", "Nume 25"]).await;
    let second = pc.press(&first, "Next").await;
    assert_eq!(labels(&second), names[25..50]);
    let second = pc.pick(&second, &["Nume 26"]).await;
    assert_says(
        &second,
        &["Picked (3)", "Nume 03 (10), Nume 25 (10), Nume 26 (10)"],
    );
    let third = pc.press(&second, "Next").await;
    assert_eq!(labels(&third), names[50..]);
    assert!(third.has_button("Back") && !third.has_button("Next"));
    let back = pc.press(&pc.press(&third, "Back").await, "Back").await;
    // Only what the page shows is decided on it.
    let fewer = pc.pick(&back, &["Nume 25"]).await;
    assert_says(&fewer, &["Picked (2)", "Nume 25 (10), Nume 26 (10)"]);

    let form = [("Part of a name", "  UME\t99 ")];
    let none = pc.fill_in(&fewer, "Search…", &form).await;
    assert_says(
        &none,
        &[
            "No name here has “UME 99” in it",
            "/punctaj add",
            "Picked (2)",
        ],
    );
    assert!(labels(&none).is_empty());
    let form = [("Part of a name", "nUME 5")];
    let found = pc.fill_in(&none, "Search…", &form).await;
    assert_says(&found, &["Search:", "nUME 5", "10 entries"]);
    assert_eq!(labels(&found), names[49..59]);
    let found = pc.pick(&found, &["Nume 55"]).await;
    let given = pc.press(&found, "+1").await;
    assert_says(
        &given,
        &["+3 in all", "**Nume 55**: 10 → 11", "**Nume 26**: 10 → 11"],
    );
    assert_eq!(labels(&given), names[49..59], "the search goes on");
    let all = pc.press(&given, "Show all").await;
    assert_eq!(labels(&all), names[..25]);
    assert!(!all.has_button("Show all"));

    // A name that is new is added beside the panel, and belongs to the sitting.
    pc.add("Nou", "7").await;
    let again = pc.press(&all, "Next").await;
    assert_says(
        &again,
        &["2 steps, +10 in all", "**Nou**: +7", "**Nou** (new): 0 → 7"],
    );
    app.finish().await;
}

#[tokio::test]
async fn no_more_than_fifty_are_picked() {
    let names: Vec<String> = (1..=60).map(|number| format!("Nume {number:02}")).collect();
    let (app, pc) = with_entries(&names[..30].join(", ")).await;
    pc.add(&names[30..].join(", "), "10").await;
    let texts: Vec<&str> = names.iter().map(String::as_str).collect();
    let panel = pc.pick(&pc.panel().await, &texts[..25]).await;
    let panel = pc
        .pick(&pc.press(&panel, "Next").await, &texts[25..50])
        .await;
    assert_says(&panel, &["Picked (50)", "more"]);
    let panel = pc.pick(&pc.press(&panel, "Next").await, &["Nume 51"]).await;
    assert_says(&panel, &["At most 50 people", "Picked (50)"]);
    let given = pc.press(&panel, "+5").await;
    assert_says(&given, &["1 step, +250 in all"]);
    assert_eq!(points(&app, "Nume 50").await, 15);
    assert_eq!(points(&app, "Nume 51").await, 10);
    app.finish().await;
}

#[tokio::test]
async fn opened_again_it_goes_on_and_another_device_has_its_own() {
    let (mut app, pc) = with_entries("Ana, Ion").await;
    let first = pc.pick(&pc.panel().await, &["Ana"]).await;
    let first = pc.press(&first, "+5").await;

    // A second device of the same person begins with nothing.
    let phone = Seat::new(&pc.who, Device::phone("Telefon"));
    phone
        .slash("punctaj session login", &[("device", "Telefon")])
        .await;
    let on_phone = phone.panel().await;
    assert_says(&on_phone, &["no step yet", "nobody yet", "Telefon"]);
    let on_phone = phone.pick(&on_phone, &["Ion"]).await;
    let on_phone = phone.press(&on_phone, "+3").await;
    assert_says(&on_phone, &["1 step, +3 in all"]);
    assert_hides(&on_phone, &["**Ana**"]);

    // The bot is restarted; the panel on the PC works on, for its own session.
    app.restart_bot().await;
    let first = pc.press(&first, "+1").await;
    assert_says(&first, &["2 steps, +6 in all", "**Ana**: 15 → 16"]);
    let (_, _, attribution, label) = newest(&app).await;
    assert_eq!(
        (attribution.as_str(), label.as_str()),
        ("exact", "PC Birou")
    );

    // Opened again, it goes on.
    let id = app.db.superuser().await;
    let device: String =
        sqlx::query_scalar("select device_id from punctaj.sessions where label = 'PC Birou'")
            .fetch_one(&id)
            .await
            .unwrap();
    pc.slash("punctaj session use", &[("session", &device)])
        .await;
    let again = pc.panel().await;
    assert_ne!(again.message_id(), first.message_id());
    assert_says(
        &again,
        &[
            "2 steps, +6 in all",
            "**Picked (1):** Ana (16)",
            "**Ana**: 15 → 16",
        ],
    );
    let again = pc.press(&again, "+3").await;
    assert_says(&again, &["3 steps, +9 in all"]);

    // What an undo from elsewhere took back is out of the totals.
    phone.press(&on_phone, "Take away").await;
    phone.slash("punctaj undo", &[]).await;
    let (.., label) = newest(&app).await;
    assert_eq!(label, "Telefon");
    let after = pc.press(&again, "Take away").await;
    assert_says(&after, &["2 steps, +6 in all", "undone by #"]);
    assert!(after.has_button("Undo"));
    app.finish().await;
}

#[tokio::test]
async fn a_panel_of_an_ended_session_does_nothing() {
    let (app, pc) = with_entries("Ana, Ion").await;
    let panel = pc.pick(&pc.panel().await, &["Ana"]).await;
    let panel = pc.press(&panel, "+5").await;
    pc.slash("punctaj session logout", &[]).await;
    // Other sessions don't stand in: a panel is of one device.
    pc.slash("punctaj session login", &[]).await;
    let before = (events(&app).await, points(&app, "Ana").await);
    let refused = |reply: &Reply| {
        assert_eq!(reply.kind(), ReplyKind::Message);
        assert!(reply.is_ephemeral());
        assert_says(
            reply,
            &["session has ended", "/punctaj panel", "Nothing was changed"],
        );
    };
    for button in ["+5", "Undo", "Pick nobody", "Take away"] {
        refused(&pc.press(&panel, button).await);
    }
    refused(&pc.pick(&panel, &["Ion"]).await);
    refused(&pc.fill_in(&panel, "Other…", &[("Points", "4")]).await);
    refused(
        &pc.fill_in(&panel, "Search…", &[("Part of a name", "a")])
            .await,
    );
    assert_eq!((events(&app).await, points(&app, "Ana").await), before);

    // The new session's panel begins anew.
    let fresh = pc.panel().await;
    assert_says(&fresh, &["no step yet", "nobody yet"]);

    // So does one whose session ran out, though no event has told so yet.
    let panel = pc.pick(&fresh, &["Ana"]).await;
    run(
        &app,
        "update punctaj.sessions set last_seen_at = now() - interval '13 hours'",
    )
    .await;
    let before = (events(&app).await, points(&app, "Ana").await);
    refused(&pc.press(&panel, "+5").await);
    assert_eq!((events(&app).await, points(&app, "Ana").await), before);
    app.finish().await;
}

#[tokio::test]
async fn a_button_does_nothing_for_people_it_did_not_show() {
    let (app, pc) = with_entries("Ana, Ion").await;
    let old = pc.pick(&pc.panel().await, &["Ana"]).await;
    let new = pc.pick(&pc.panel().await, &["Ion"]).await;
    assert_says(&new, &["Picked (1):** Ion"]);
    let before = events(&app).await;
    // The first message still shows Ana.
    let refused = pc.press(&old, "+5").await;
    assert_says(&refused, &["Nothing was changed", "Picked (1):** Ion"]);
    assert_eq!(events(&app).await, before);
    let given = pc.press(&refused, "+5").await;
    assert_says(&given, &["**Ion**: 10 → 15"]);
    assert_eq!(points(&app, "Ana").await, 10);
    app.finish().await;
}

#[tokio::test]
async fn presses_at_the_same_moment_all_count_and_one_delivered_twice_counts_once() {
    let (app, pc) = with_entries("Ana, Ion").await;
    let panel = pc.pick(&pc.panel().await, &["Ana", "Ion"]).await;
    let before = events(&app).await;
    let acting = pc.who.on(&pc.device);
    let presses = ["+5", "+3", "+5", "+1"].map(|button| acting.click_start(&panel, button));
    for press in presses {
        assert!(press.answer().await.is_answered());
    }
    assert_eq!(events(&app).await, before + 4);
    let shown = pc.press(&panel.latest(), "Take away").await;
    assert_says(
        &shown,
        &["4 steps, +28 in all", "**Ana**: +14", "**Ion**: +14"],
    );
    app.finish().await;

    let (mut app, pc) = with_entries("Ana").await;
    let panel = pc.pick(&pc.panel().await, &["Ana"]).await;
    let mut second = TestApp::beside(&app).await;
    app.discord.connected(2).await;
    let before = events(&app).await;
    // Two processes have it; the second answer is refused by Discord.
    let given = pc.press(&panel, "+5").await;
    assert_says(&given, &["10 → 15", "+5 in all"]);
    second.stop_bot().await;
    second.forget();
    app.stop_bot().await;
    assert_eq!(
        (events(&app).await, points(&app, "Ana").await),
        (before + 1, 15)
    );
    app.expect_refusals(app.discord.refusals().len());
    app.finish().await;
}

#[tokio::test]
async fn who_was_deleted_meanwhile_is_dropped() {
    let (app, pc) = with_entries("Ana, Ion").await;
    let panel = pc.pick(&pc.panel().await, &["Ana", "Ion"]).await;
    pc.slash("punctaj delete", &[("names", "Ion")]).await;
    let given = pc.press(&panel, "+5").await;
    assert_says(
        &given,
        &[
            "Deleted meanwhile, so not picked any more: Ion",
            "Picked (1):** Ana (15)",
            "+5 in all",
        ],
    );
    assert_eq!(points(&app, "Ion").await, 10);
    pc.slash("punctaj delete", &[("names", "Ana")]).await;
    let before = events(&app).await;
    let nobody = pc.press(&given, "+5").await;
    assert_says(
        &nobody,
        &[
            "not picked any more: Ana",
            "nobody yet",
            "no entries yet",
            "**Ana**: +5",
        ],
    );
    assert_eq!(events(&app).await, before);
    // Undo of a step asks first where its entry is gone.
    let asked = pc.press(&nobody, "Undo").await;
    assert_eq!(asked.kind(), ReplyKind::Message);
    assert!(asked.has_button("Confirm") && asked.is_ephemeral());
    assert_eq!(events(&app).await, before);
    app.finish().await;
}

#[tokio::test]
async fn a_step_is_undone_once() {
    let (app, pc) = with_entries("Ana").await;
    let panel = pc.pick(&pc.panel().await, &["Ana"]).await;
    let panel = pc.press(&panel, "+5").await;
    pc.slash("punctaj undo", &[]).await;
    let before = events(&app).await;
    // The panel still shows the step.
    let told = pc.press(&panel, "Undo").await;
    assert_says(
        &told,
        &["Nothing was changed", "was undone already", "no step yet"],
    );
    assert_eq!(
        (events(&app).await, points(&app, "Ana").await),
        (before, 10)
    );
    app.finish().await;
}

#[tokio::test]
async fn after_a_long_rest_another_sitting_begins() {
    let (app, pc) = with_entries("Ana, Ion").await;
    let panel = pc.pick(&pc.panel().await, &["Ana"]).await;
    let panel = pc.press(&panel, "+5").await;
    let rest = "update punctaj.panels set used_at = now() - interval '3 hours 1 minute'";
    run(&app, rest).await;
    // A press on the old message is the new sitting's first step, for whom it shows.
    let given = pc.press(&panel, "+3").await;
    assert_says(
        &given,
        &["1 step, +3 in all", "15 → 18", "Picked (1):** Ana"],
    );
    run(&app, rest).await;
    let opened = pc.panel().await;
    assert_says(&opened, &["no step yet", "nobody yet"]);
    assert!(!opened.has_button("Undo"));
    app.finish().await;
}

#[tokio::test]
async fn what_is_done_is_told_also_where_the_panel_cannot_be() {
    let (app, pc) = with_entries("Ana").await;
    let panel = pc.pick(&pc.panel().await, &["Ana"]).await;
    let before = events(&app).await;
    run(
        &app,
        "create function punctaj.fail() returns trigger language plpgsql
             as 'begin raise exception ''out of order''; end';
         create trigger fail before update on punctaj.panels for each row execute function punctaj.fail()",
    )
    .await;
    let told = pc.press(&panel, "+5").await;
    assert_eq!(told.kind(), ReplyKind::Message);
    assert!(told.is_ephemeral());
    assert_says(&told, &["Added 5 points to 1 entry", "10 → 15"]);
    assert_hides(&told, &["Nothing was changed"]);
    assert_eq!(events(&app).await, before + 1);
    // And where nothing was done, that is told.
    let told = pc.press(&panel, "Take away").await;
    assert_hides(&told, &["Added"]);
    run(&app, "drop trigger fail on punctaj.panels").await;
    let panel = pc.press(&panel, "+1").await;
    assert_says(&panel, &["2 steps, +6 in all"]);
    app.finish().await;
}

#[tokio::test]
async fn hostile_names_are_harmless() {
    let hard = [
        "@everyone",
        "**bold** `code`",
        "<@1>, <@&2>",
        "||x||](https://x.ro)",
        "> # 1. x",
    ];
    let long = "_*".repeat(50);
    let quoted: Vec<String> = hard
        .iter()
        .chain([&long.as_str()])
        .map(|name| format!("\"{name}\""))
        .collect();
    let (app, pc) = with_entries(&quoted.join(", ")).await;
    let panel = pc.panel().await;
    let options = panel.menu(MENU);
    assert_eq!(options.len(), hard.len() + 1);
    let values: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
    let panel = pc.pick(&panel, &values).await;
    let panel = pc.press(&panel, "+5").await;
    assert_says(
        &panel,
        &["Picked (6)", r"\*\*bold\*\*", "1 step, +30 in all"],
    );
    assert_hides(&panel, &["@everyone", "<@1>", "**bold**"]);
    assert!(panel.pings().is_empty());
    let form = [("Part of a name", "@everyone **x** %_'\\")];
    let panel = pc.fill_in(&panel, "Search…", &form).await;
    assert_says(&panel, &[r"\*\*x\*\*"]);
    assert_hides(&panel, &["@everyone"]);
    assert!(panel.pings().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn where_no_table_is_implied_it_asks() {
    let (app, pc) = with_entries("Ana").await;
    pc.slash("punctaj-admin table create", &[("table", "Clan")])
        .await;
    let mihai = app.guild.member("mihai").permissions(MANAGE_GUILD);
    let mihai = mihai.locale("ro").join();
    let tablet = Seat::new(&mihai, Device::phone("Tabletă"));
    let asked = tablet.panel().await;
    assert_says(&asked, &["La care tabel te referi?"]);
    let acting = tablet.who.on(&tablet.device);
    let opened = acting
        .select(&asked, "Alege un tabel", ["BlackWater/Politie"])
        .await;
    assert_eq!(opened.kind(), ReplyKind::Update);
    assert_says(&opened, &["Panou: BlackWater/Politie", "încă nimeni"]);
    let picked = tablet.pick(&opened, &["Ana"]).await;
    let given = tablet.press(&picked, "+5").await;
    assert_says(
        &given,
        &["**Ana**: 10 → 15 puncte (+5)", "un pas, în total +5"],
    );

    // A table that is deleted takes its panels with it.
    pc.slash(
        "punctaj-admin table delete",
        &[("table", "BlackWater/Politie")],
    )
    .await;
    let before = events(&app).await;
    for button in ["+5", "Scade", "Desfă"] {
        let gone = tablet.press(&given, button).await;
        assert_eq!(gone.kind(), ReplyKind::Message);
        assert_says(&gone, &["Nu s-a modificat nimic"]);
    }
    assert_eq!(events(&app).await, before);
    app.finish().await;
}

// ---- as the services see it ------------------------------------------------------------------

const GUILD: i64 = 100;

/// A table of people at 10 points each, and a panel of person 1 on it.
async fn with_panel(db: &TestDb, now: &Interactions, names: &str) -> (TableId, DeviceId) {
    let table = TableAddress::parse("BlackWater/Politie").unwrap();
    let services = &db.services;
    services
        .create_table(&now.by(GUILD, 1), table)
        .await
        .unwrap();
    let award = Award {
        names: NameList::parse(names, 50).unwrap().into_items(),
        points: 10,
        table: None,
        table_id: None,
        reason: None,
    };
    services.add_points(&now.by(GUILD, 1), award).await.unwrap();
    let panel = services
        .open_panel(&now.by(GUILD, 1), &ViewOrder::default())
        .await
        .unwrap();
    (panel.shown.table.id, panel.shown.session.device_id)
}

async fn entry_ids(pool: &PgPool) -> Vec<EntryId> {
    let ids = sqlx::query_scalar("select entry_id from punctaj.entries order by name_key");
    let ids: Vec<uuid::Uuid> = ids.fetch_all(pool).await.unwrap();
    ids.into_iter().map(EntryId).collect()
}

fn from(request: Request, device: &DeviceId) -> Request {
    Request {
        device: Some(device.clone()),
        ..request
    }
}

fn award(points: i64, picked: &[EntryId]) -> PanelAward {
    PanelAward {
        points,
        mark: Picked::new(picked.to_vec()).mark(),
        reason: None,
        picked: None,
        activity: None,
    }
}

fn pick(of: &[EntryId]) -> PanelTurn {
    PanelTurn::Pick {
        offered: of.to_vec(),
        chosen: of.to_vec(),
    }
}

async fn turn(
    services: &Services,
    request: Request,
    table: TableId,
    turn: PanelTurn,
) -> Result<Panel, ServiceError> {
    services.turn_panel(&request, table, turn).await
}

async fn give(
    services: &Services,
    request: Request,
    table: TableId,
    award: PanelAward,
) -> Result<Pressed, ServiceError> {
    services.award_panel(&request, table, award).await
}

#[tokio::test]
async fn somebody_elses_panel_and_another_guilds_are_refused() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let (table, device) = with_panel(&db, &now, "Ana, Ion").await;
    let pool = db.superuser().await;
    let ids = entry_ids(&pool).await;
    let services = &db.services;
    let own = from(now.by(GUILD, 1), &device);
    services.turn_panel(&own, table, pick(&ids)).await.unwrap();
    // They have sessions of their own; the panel's is none of theirs.
    services.session(&now.by(GUILD, 2)).await.unwrap();
    services.session(&now.by(GUILD + 1, 1)).await.unwrap();
    let count = || sqlx::query_scalar::<_, i64>("select count(*) from punctaj.events");
    let before = count().fetch_one(&pool).await.unwrap();
    let unknown = DeviceId::from_bytes([3; 16]);
    let strangers = [
        from(now.by(GUILD, 2), &device),
        from(now.by(GUILD + 1, 1), &device),
        from(now.by(GUILD, 1), &unknown),
        now.by(GUILD, 1),
    ];
    for stranger in strangers {
        let ended = |error: ServiceError| matches!(error, ServiceError::PanelEnded);
        let turned = services
            .turn_panel(&stranger, table, PanelTurn::Clear)
            .await;
        assert!(turned.is_err_and(ended));
        let given = services.award_panel(&stranger, table, award(5, &ids)).await;
        assert!(given.is_err_and(ended));
        let undone = services
            .undo_panel(&stranger, table, punctaj::domain::ids::Seq(3))
            .await;
        assert!(undone.is_err_and(ended));
    }
    assert_eq!(count().fetch_one(&pool).await.unwrap(), before);
    let own = from(now.by(GUILD, 1), &device);
    let pressed = services.award_panel(&own, table, award(5, &ids)).await;
    let Pressed::Panel(panel) = pressed.unwrap() else {
        panic!("the panel can be read");
    };
    assert_eq!((panel.note, panel.shown.total), (None, 10));
}

#[tokio::test]
async fn a_press_has_its_rights_checked_and_is_done_once() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let (table, device) = with_panel(&db, &now, "Ana, Ion").await;
    let pool = db.superuser().await;
    let ids = entry_ids(&pool).await;
    let services = &db.services;
    let request = |standing: &Standing| Request {
        standing: standing.clone(),
        ..from(now.by(GUILD, 1), &device)
    };
    let moderator = Standing {
        manage_server: true,
        roles: Vec::new(),
    };
    let picked = services
        .turn_panel(&request(&moderator), table, pick(&ids))
        .await
        .unwrap();
    assert!(picked.may_switch);

    // Delivered twice: one event, the same panel.
    let press = request(&moderator);
    for _ in 0..2 {
        let pressed = services.award_panel(&press, table, award(5, &ids)).await;
        let Pressed::Panel(panel) = pressed.unwrap() else {
            panic!("the panel can be read");
        };
        assert_eq!(
            (panel.note, panel.shown.steps, panel.shown.total),
            (None, 1, 10)
        );
    }

    // A table that is private now is out of reach of whoever may not see it.
    let hide = TableEdit {
        table: TableAddress::parse("Politie").unwrap(),
        name: None,
        category: None,
        floor: None,
        private: Some(true),
        proposes: None,
    };
    services
        .edit_table(&request(&moderator), hide)
        .await
        .unwrap();
    let gone = |error: ServiceError| matches!(error, ServiceError::TableGone);
    let member = Standing::default();
    let turned = turn(services, request(&member), table, PanelTurn::Clear);
    assert!(turned.await.is_err_and(gone));
    let given = give(services, request(&member), table, award(5, &ids));
    assert!(given.await.is_err_and(gone));
    let still = give(services, request(&moderator), table, award(-5, &ids));
    let Pressed::Panel(panel) = still.await.unwrap() else {
        panic!("the panel can be read");
    };
    assert_eq!((panel.shown.steps, panel.shown.total), (2, 0));

    // Marks of others do nothing, nor does nobody's.
    let other = give(services, request(&moderator), table, award(5, &ids[..1]));
    let Pressed::Panel(panel) = other.await.unwrap() else {
        panic!("the panel can be read");
    };
    assert_eq!(
        (panel.note, panel.shown.steps),
        (Some(PanelNote::Outdated), 2)
    );
    services
        .turn_panel(&request(&moderator), table, PanelTurn::Clear)
        .await
        .unwrap();
    let nobody = give(services, request(&moderator), table, award(5, &[]));
    let Pressed::Panel(panel) = nobody.await.unwrap() else {
        panic!("the panel can be read");
    };
    assert_eq!(panel.note, Some(PanelNote::Nobody));
    let report = services
        .verify_guild(GuildId::from_db(GUILD))
        .await
        .unwrap();
    assert_eq!(report.problem, None);
}

#[tokio::test]
async fn a_merge_and_an_undo_of_an_undo_keep_the_totals_right() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let (table, device) = with_panel(&db, &now, "Ana, Ion").await;
    let pool = db.superuser().await;
    let ids = entry_ids(&pool).await;
    let services = &db.services;
    let own = || from(now.by(GUILD, 1), &device);
    services
        .turn_panel(&own(), table, pick(&ids))
        .await
        .unwrap();
    services
        .award_panel(&own(), table, award(5, &ids))
        .await
        .unwrap();
    let totals = |panel: &Panel| -> Vec<(String, i64)> {
        let totals = panel.shown.totals.iter();
        totals
            .map(|total| (total.name.clone(), total.delta))
            .collect()
    };
    let refreshed = || async {
        let turn = PanelTurn::Page(0);
        services.turn_panel(&own(), table, turn).await.unwrap()
    };
    let both = vec![("Ana".to_owned(), 5), ("Ion".to_owned(), 5)];
    let panel = refreshed().await;
    assert_eq!(totals(&panel), both);
    let step = panel.shown.undoable.unwrap();

    let undo = |event| punctaj::service::undo::UndoOrder {
        event: Some(event),
        force: punctaj::service::undo::Force::Ask,
        whose: punctaj::service::undo::Whose::Own,
    };
    // From another session: undone, and undone again.
    services.log_in(&now.by(GUILD, 1), None).await.unwrap();
    let undone = services.undo(&now.by(GUILD, 1), undo(step)).await.unwrap();
    let panel = refreshed().await;
    assert_eq!((totals(&panel), panel.shown.undoable), (vec![], None));
    assert_eq!(panel.shown.last_undone_by, Some(undone.event.seq));
    services
        .undo(&now.by(GUILD, 1), undo(undone.event.seq))
        .await
        .unwrap();
    let panel = refreshed().await;
    assert_eq!((totals(&panel), panel.shown.undoable), (both, Some(step)));

    // An award from the panel's session that meant Ana, by mistake of a new name.
    let request = own();
    let mistaken = Award {
        names: NameList::parse("Anna", 50).unwrap().into_items(),
        points: 4,
        table: None,
        table_id: Some(table),
        reason: None,
    };
    let receipt = services.add_points(&request, mistaken).await.unwrap();
    let meant = services.meant(&request, &receipt).await;
    let meant = meant.first().expect("Ana is close");
    let order = punctaj::service::merge::MergeOrder {
        event: receipt.event.seq,
        created: meant.created,
        meant: meant.entry,
    };
    services.merge(&own(), order).await.unwrap();
    let panel = refreshed().await;
    assert_eq!(
        totals(&panel),
        [("Ana".to_owned(), 9), ("Ion".to_owned(), 5)]
    );
    assert_eq!(panel.shown.total, 14);
}

#[tokio::test]
async fn panels_that_nobody_uses_are_forgotten() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let (table, device) = with_panel(&db, &now, "Ana").await;
    let pool = db.superuser().await;
    let services = &db.services;
    sqlx::raw_sql("update punctaj.panels set used_at = now() - interval '8 days'")
        .execute(&pool)
        .await
        .unwrap();
    // One's own is opened anew, also when it is that old.
    services
        .open_panel(&from(now.by(GUILD, 1), &device), &ViewOrder::default())
        .await
        .unwrap();
    sqlx::raw_sql("update punctaj.panels set used_at = now() - interval '8 days'")
        .execute(&pool)
        .await
        .unwrap();
    services
        .open_panel(&now.by(GUILD, 2), &ViewOrder::default())
        .await
        .unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from punctaj.panels")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(left, 1);
    let own = from(now.by(GUILD, 1), &device);
    let turned = services.turn_panel(&own, table, PanelTurn::Clear).await;
    assert!(matches!(turned, Err(ServiceError::PanelEnded)));
}
