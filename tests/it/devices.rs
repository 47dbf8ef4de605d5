//! Device sessions: how they are recognised, what people do with them, and how they end.

use std::time::Duration;

use chrono::TimeDelta;
use fake_discord::{Device, Member, Reply};
use punctaj::domain::access::Right;
use punctaj::domain::event::Action;
use punctaj::domain::ids::{DeviceId, GuildId};
use punctaj::domain::name::{NameList, TableAddress};
use punctaj::domain::session::{Attribution, EndReason, Platform, SessionLimits};
use punctaj::service::points::Award;
use punctaj::service::sessions::Which;
use punctaj::service::view::ViewOrder;
use punctaj::service::{Receipt, Request, ServiceError, Services};

use crate::support::app::{TestApp, assert_hides, assert_says, patient, until};
use crate::support::db::{Interactions, TestDb};

const GUILD: i64 = 100;
const DANA: i64 = 1;
const BOGDAN: i64 = 2;

/// The bit of the presence intent.
const GUILD_PRESENCES: u64 = 1 << 8;

fn devices() -> [Device; 3] {
    [
        Device::desktop("PC Birou"),
        Device::desktop("Laptop"),
        Device::phone("Telefon"),
    ]
}

async fn add(who: &Member, on: &Device, names: &str) -> Reply {
    let options = [("names", names), ("points", "1")];
    who.on(on).slash("punctaj add", options).await
}

/// What the history tells of the newest events: action, rule, platform and label of the session.
async fn told(app: &TestApp, newest: i64) -> Vec<String> {
    let pool = app.db.superuser().await;
    let told: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', e.action, e.attribution, s.platform, s.label)
         from punctaj.events e left join punctaj.sessions s using (device_id)
         where e.seq > (select max(seq) - $1 from punctaj.events)
         order by e.seq",
    )
    .bind(newest)
    .fetch_all(&pool)
    .await
    .unwrap();
    told
}

async fn open_sessions(app: &TestApp) -> i64 {
    let pool = app.db.superuser().await;
    sqlx::query_scalar("select count(*) from punctaj.sessions where ended_at is null")
        .fetch_one(&pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn one_person_on_three_devices_and_a_colleague_on_a_tablet() {
    let app = TestApp::start().await;
    let (dana, bogdan) = (app.moderator("dana"), app.moderator("bogdan"));
    let ([office, laptop, phone], tablet) = (devices(), Device::phone("Tabletă"));

    // In the office, signed in there alone: the first command opens a session for a desktop.
    dana.presence([&office]);
    dana.on(&office)
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;
    let renamed = dana
        .on(&office)
        .slash("punctaj session rename", [("device", "PC Birou")])
        .await;
    assert_says(&renamed, &["Session renamed", "PC Birou", "inferred"]);
    let start = [
        "session.open presence desktop PC Birou",
        "table.create presence desktop PC Birou",
        "session.rename presence desktop PC Birou",
    ];
    assert_eq!(told(&app, 10).await, start);

    // On the laptop: a desktop too, so she says so.
    dana.presence([&laptop]);
    let login = dana
        .on(&laptop)
        .slash("punctaj session login", [("device", "Laptop")])
        .await;
    assert_says(&login, &["Laptop", "desktop app"]);
    let by_laptop = add(&dana, &laptop, "Ana").await;

    // With the phone alone.
    dana.presence([&phone]);
    let by_phone = add(&dana, &phone, "Doru").await;
    assert_says(&by_phone, &["0 → 1", ", inferred"]);
    dana.on(&phone)
        .slash("punctaj session rename", [("device", "Telefon")])
        .await;
    assert_eq!(
        told(&app, 5).await,
        [
            "session.open new desktop Laptop",
            "points.add presence desktop Laptop",
            "session.open presence mobile Telefon",
            "points.add presence mobile Telefon",
            "session.rename presence mobile Telefon",
        ]
    );

    // Signed in on two kinds of client: the session used last, whichever she types on.
    dana.presence([&phone, &laptop]);
    add(&dana, &laptop, "Ana").await;
    // But a button is exact, also that of a message of the other device.
    let undone = dana.on(&laptop).click(&by_laptop, "Undo").await;
    assert_hides(&undone, &["inferred"]);
    // That was use of the laptop's session.
    add(&dana, &phone, "Ana").await;
    // Nowhere to be seen: the same.
    dana.presence([]);
    add(&dana, &phone, "Ana").await;
    // In the browser alone: a session of its own.
    dana.presence([&Device::web("Browser")]);
    add(&dana, &laptop, "Ana").await;
    assert_eq!(
        told(&app, 6).await,
        [
            "points.add recent mobile Telefon",
            "event.undo exact desktop Laptop",
            "points.add recent desktop Laptop",
            "points.add recent desktop Laptop",
            "session.open presence web",
            "points.add presence web",
        ]
    );

    // The colleague, at the same time, is nobody else's phone.
    bogdan.presence([&tablet]);
    add(&bogdan, &tablet, "Ion").await;
    assert_eq!(
        told(&app, 2).await,
        ["session.open presence mobile", "points.add presence mobile"]
    );

    back_in_the_office(&app, &dana, &office, &by_phone).await;
    app.finish().await;
}

async fn back_in_the_office(app: &TestApp, dana: &Member, office: &Device, by_phone: &Reply) {
    // The desktop's session used last, until she switches.
    dana.presence([office]);
    add(dana, office, "Ana").await;
    let used = dana
        .on(office)
        .slash("punctaj session use", [("session", "pc birou")])
        .await;
    assert_says(&used, &["PC Birou"]);
    assert_hides(&used, &["signed in"]);
    add(dana, office, "Ana").await;
    assert_eq!(
        told(app, 2).await,
        [
            "points.add presence desktop Laptop",
            "points.add presence desktop PC Birou",
        ]
    );
    // Switching to another kind of client than Discord shows says that presence goes first.
    let used = dana
        .on(office)
        .slash("punctaj session use", [("session", "Telefon")])
        .await;
    assert_says(&used, &["Telefon", "another one: desktop app"]);

    let list = dana.on(office).slash("punctaj session list", []).await;
    assert_says(
        &list,
        &[
            "**PC Birou**",
            "the current one: inferred from the device",
            "**Laptop**",
            "**Telefon**",
            "phone app",
            "browser",
        ],
    );
    assert_hides(&list, &["Tabletă"]);
    let id = by_phone.custom_ids()[0].clone();
    let short = id.split(':').nth(2).unwrap().get(..8).unwrap();
    assert_says(&list, &[short]);

    // Leaving all but this one: the others of hers end, and nobody else's.
    let out = dana
        .on(office)
        .slash("punctaj session logout", [("session", "all-others")])
        .await;
    assert_says(&out, &["3 sessions ended", "Laptop", "Telefon"]);
    assert_eq!(
        told(app, 1).await,
        ["session.close presence desktop PC Birou"]
    );
    assert_eq!(open_sessions(app).await, 2);
    // A button of a session that ended falls back to presence.
    let again = dana.on(office).click(by_phone, "Undo").await;
    assert_says(&again, &["Undid event", "PC Birou", "inferred"]);
}

#[tokio::test]
async fn a_start_knows_who_is_where() {
    let mut app = TestApp::without_bot().await;
    let dana = app.moderator("dana");
    let [office, _, phone] = devices();
    dana.presence([&phone]);
    app.start_bot().await;
    let list = dana.on(&phone).slash("punctaj session list", []).await;
    assert_says(&list, &["phone app", "inferred from the device"]);
    // While the bot is away, she changes places.
    app.stop_bot().await;
    app.discord.connected(0).await;
    dana.presence([&office]);
    let services = TestDb::services_on(app.db.url(), 5, 2, SessionLimits::default());
    app.start_bot_with(services).await;
    let list = dana.on(&office).slash("punctaj session list", []).await;
    assert_says(&list, &["desktop app", "phone app"]);
    assert_eq!(
        told(&app, 10).await,
        [
            "session.open presence mobile",
            "session.open presence desktop"
        ]
    );
    app.finish().await;
}

#[tokio::test]
async fn commands_of_two_devices_at_once_and_first_commands_and_logins() {
    let app = TestApp::start().await;
    let (dana, bogdan) = (app.moderator("dana"), app.moderator("bogdan"));
    let [office, laptop, phone] = devices();
    dana.on(&office)
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;

    // Two first commands of one person at the same moment: one session.
    bogdan.presence([&phone]);
    let started = ["Ana", "Ion"].map(|name| {
        let options = [("names", name), ("points", "1")];
        bogdan.on(&phone).slash_start("punctaj add", options)
    });
    for pending in started {
        assert_says(&pending.answer().await, &["0 → 1"]);
    }
    assert_eq!(
        told(&app, 3).await,
        [
            "session.open presence mobile",
            "points.add presence mobile",
            "points.add presence mobile",
        ]
    );
    // Also where they only look.
    let dora = app.member("dora");
    dora.presence([&phone]);
    let looks = [0, 1].map(|_| dora.on(&phone).slash_start("punctaj view", []));
    for pending in looks {
        assert_says(&pending.answer().await, &["Ana", "Ion"]);
    }
    assert_eq!(told(&app, 2).await[1], "session.open presence mobile");
    assert_eq!(open_sessions(&app).await, 3);

    // Two logins at the same moment: two sessions.
    let before = open_sessions(&app).await;
    let logins = [&office, &laptop].map(|device| {
        let options = [("device", device.label())];
        dana.on(device)
            .slash_start("punctaj session login", options)
    });
    for pending in logins {
        assert_says(&pending.answer().await, &["Session opened"]);
    }
    assert_eq!(open_sessions(&app).await, before + 2);

    // Two devices at once while both are signed in: neither is taken for the other's platform.
    dana.presence([&office, &phone]);
    let started = [&office, &phone].map(|device| {
        let options = [("names", "Ana"), ("points", "1")];
        dana.on(device).slash_start("punctaj add", options)
    });
    for pending in started {
        assert_says(&pending.answer().await, &["Ana", ", inferred"]);
    }
    let both = told(&app, 2).await;
    assert_eq!(both[0], both[1]);
    assert!(both[0].starts_with("points.add recent unknown"), "{both:?}");
    app.finish().await;
}

#[tokio::test]
async fn without_the_intent_devices_are_told_apart_as_before() {
    let discord = patient().refuse_presence();
    let mut app = TestApp::on(discord.start().await.unwrap()).await;
    app.start_bot().await;
    let (dana, member) = (app.moderator("dana"), app.member("ana"));
    let [_, _, phone] = devices();
    dana.presence([&phone]);
    let closes: Vec<u16> = app
        .discord
        .gateway_closes()
        .into_iter()
        .map(|(code, _)| code)
        .collect();
    assert_eq!(closes, [4014], "it asked once");
    let connections = app.discord.connections();
    assert_eq!(connections.len(), 1);
    assert_eq!(connections[0].intents & GUILD_PRESENCES, 0);

    let table = [("table", "Clan")];
    dana.on(&phone)
        .slash("punctaj-admin table create", table)
        .await;
    add(&dana, &phone, "Ana").await;
    assert_eq!(
        told(&app, 3).await,
        [
            "session.open new unknown",
            "table.create new unknown",
            "points.add recent unknown",
        ]
    );
    // Everybody is told.
    for topic in [vec![], vec![("topic", "sessions")]] {
        let help = dana.on(&phone).slash("punctaj help", topic.clone()).await;
        assert_says(&help, &["Presence Intent"]);
        let help = member.on(&phone).slash("punctaj help", topic).await;
        assert_says(&help, &["Presence Intent"]);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_intent_may_be_taken_away_while_it_runs() {
    let app = TestApp::start().await;
    let dana = app.moderator("dana");
    let [office, _, phone] = devices();
    dana.presence([&phone]);
    let table = [("table", "Clan")];
    dana.on(&phone)
        .slash("punctaj-admin table create", table)
        .await;
    app.discord.close_gateway(4014);
    app.discord.connected(0).await;
    app.discord.connected(1).await;
    assert_eq!(app.discord.connections()[0].intents & GUILD_PRESENCES, 0);
    // What was known is out of date, and forgotten.
    dana.presence([&office]);
    add(&dana, &office, "Ana").await;
    assert_eq!(
        told(&app, 2).await,
        ["table.create presence mobile", "points.add recent mobile"]
    );
    let help = dana.on(&office).slash("punctaj help", []).await;
    assert_says(&help, &["Presence Intent"]);
    app.finish().await;
}

#[tokio::test]
async fn presence_that_is_off_is_not_asked_for() {
    let mut app = TestApp::without_bot().await;
    app.presence = false;
    app.start_bot().await;
    let dana = app.moderator("dana");
    let [_, _, phone] = devices();
    dana.presence([&phone]);
    assert_eq!(app.discord.connections()[0].intents & GUILD_PRESENCES, 0);
    let list = dana.on(&phone).slash("punctaj session list", []).await;
    assert_says(&list, &["unknown platform", "newly opened"]);
    let help = dana.on(&phone).slash("punctaj help", []).await;
    assert_hides(&help, &["Presence Intent"]);
    app.finish().await;
}

#[tokio::test]
async fn a_moderator_ends_a_session_and_the_next_command_opens_another() {
    let app = TestApp::start().await;
    let (dana, bogdan) = (app.moderator("dana"), app.member("bogdan"));
    let ([office, ..], tablet) = (devices(), Device::phone("Tabletă"));
    dana.on(&office)
        .slash("punctaj-admin table create", [("table", "Clan")])
        .await;
    app.grant(&dana, &bogdan, "scorer").await;
    bogdan.presence([&tablet]);
    let first = add(&bogdan, &tablet, "Ion").await;
    bogdan
        .on(&tablet)
        .slash("punctaj session rename", [("device", "Tabletă")])
        .await;

    let refused = bogdan.on(&tablet).slash("punctaj-audit sessions", []).await;
    assert_says(&refused, &["audit.view", "Nothing was changed."]);
    // The answer does not wait long for that.
    let is_refusal = |event: &String| event.starts_with("audit.view ");
    let noted = async || told(&app, 1).await.iter().any(is_refusal);
    until("the refused event", noted).await;

    let all = dana.on(&office).slash("punctaj-audit sessions", []).await;
    let whose = bogdan.mention();
    assert_says(
        &all,
        &["2 open sessions", &whose, "**Tabletă**", "phone app"],
    );
    let his = dana
        .on(&office)
        .slash("punctaj-audit sessions", [("who", whose.as_str())])
        .await;
    assert_says(&his, &["1 open session", &whose]);
    assert_hides(&his, &[&dana.mention()]);

    let choices = his.menu("End a session");
    assert_eq!(choices.len(), 1);
    assert!(choices[0].name.contains("Tabletă"), "{choices:?}");
    let ended = choices[0].value.as_str();
    let menu = "End a session";
    let done = dana.on(&office).select(&his, menu, [ended]).await;
    assert_says(&done, &["Session ended", "Tabletă", "ended by a moderator"]);
    // The menu carries the moderator's session.
    assert_eq!(told(&app, 1).await, ["session.close exact unknown"]);
    let again = dana.on(&office).select(&his, menu, [ended]).await;
    assert_says(&again, &["is over already", "Nothing was changed."]);

    // A button of the ended session, then a command: both are in a session of its own kind.
    let undone = bogdan.on(&tablet).click(&first, "Undo").await;
    assert_says(&undone, &["Undid event", "inferred"]);
    add(&bogdan, &tablet, "Ion").await;
    assert_eq!(
        told(&app, 3).await,
        [
            "session.open presence mobile",
            "event.undo presence mobile",
            "points.add presence mobile",
        ]
    );
    let device: DeviceId = DeviceId::parse(ended).unwrap();
    let fresh = add(&bogdan, &tablet, "Ion").await;
    assert!(!fresh.custom_ids()[0].contains(device.as_str()));
    app.finish().await;
}

#[tokio::test]
async fn the_guilds_sessions_have_pages() {
    let app = TestApp::start().await;
    let dana = app.moderator("dana");
    let [office, ..] = devices();
    for number in 1..=12 {
        let label = format!("Nr. {number}");
        dana.on(&office)
            .slash("punctaj session login", [("device", label.as_str())])
            .await;
    }
    let first = dana.on(&office).slash("punctaj-audit sessions", []).await;
    assert_says(
        &first,
        &["12 open sessions", "Nr. 12*", "Nr. 3*", "Page 1 of 2"],
    );
    assert_eq!(first.buttons(), ["Next"]);
    let second = dana.on(&office).click(&first, "Next").await;
    assert_says(&second, &["Nr. 2*", "Nr. 1*", "Page 2 of 2"]);
    assert_hides(&second, &["Nr. 3*"]);
    assert_eq!(second.buttons(), ["Back"]);
    assert_eq!(second.menu("End a session").len(), 2);
    // One's own, too: that is a logout.
    let oldest = second.menu("End a session")[1].value.clone();
    let ended = dana
        .on(&office)
        .select(&second, "End a session", [oldest.as_str()])
        .await;
    assert_says(&ended, &["Nr. 1", "logged out"]);
    app.finish().await;
}

#[tokio::test]
async fn sessions_are_renamed_by_label_by_id_and_in_place() {
    let app = TestApp::start().await;
    let dana = app.moderator("dana");
    let [office, ..] = devices();
    let slash = async |command: &str, options: &[(&str, &str)]| {
        dana.on(&office)
            .slash(command, options.iter().copied())
            .await
    };
    for label in ["Unu", "Doi"] {
        slash("punctaj session login", &[("device", label)]).await;
    }
    let rename = "punctaj session rename";
    let renamed = slash(rename, &[("device", "Trei"), ("session", "unu")]).await;
    assert_says(&renamed, &["Unu → Trei", "session Doi"]);
    let choices = dana
        .on(&office)
        .autocomplete(rename, [("device", "x"), ("session", "tre")], "session")
        .await;
    assert_eq!(choices.len(), 1, "{choices:?}");
    let id = choices[0].value.clone();
    let renamed = slash(rename, &[("device", " Patru\u{202e} "), ("session", &id)]).await;
    assert_says(&renamed, &["Trei → Patru"]);
    let same = slash(rename, &[("device", "Doi")]).await;
    assert_says(&same, &["The session already has this label"]);
    let blank = slash(rename, &[("device", " \u{202e} ")]).await;
    assert_says(&blank, &["Give a label", "Nothing was changed."]);
    let long = slash(rename, &[("device", &"x".repeat(200))]).await;
    assert_says(&long, &["Nothing was changed."]);
    let unknown = slash(rename, &[("device", "A"), ("session", "Nouă")]).await;
    assert_says(&unknown, &["Nouă", "Nothing was changed."]);
    // Whoever renames a session has nothing to undo by that.
    let event = told(&app, 100).await.len().to_string();
    let undo = slash("punctaj undo", &[("event", &event)]).await;
    assert_says(&undo, &["can't be undone"]);
    let last = slash("punctaj undo", &[]).await;
    assert_says(&last, &["Nothing was changed."]);
    app.finish().await;
}

// ---- without Discord ----------------------------------------------------------------------------

async fn with_tables(services: &Services, now: &Interactions) {
    for table in ["Clan", "Medici"] {
        let address = TableAddress::parse(table).unwrap();
        services
            .create_table(&now.by(GUILD, BOGDAN), address)
            .await
            .unwrap();
    }
}

fn award(table: Option<&str>) -> Award {
    Award {
        names: NameList::parse("Ana", 50).unwrap().into_items(),
        points: 1,
        table: table.map(|table| TableAddress::parse(table).unwrap()),
        table_id: None,
        reason: None,
    }
}

fn on(now: &Interactions, platform: Platform) -> Request {
    Request {
        platform: Some(platform),
        ..now.by(GUILD, DANA)
    }
}

fn device(receipt: &Receipt) -> DeviceId {
    receipt.event.device_id.clone().unwrap()
}

/// The table that is meant without an address is that of the session which the rules find, in
/// every statement that guesses it.
#[tokio::test]
async fn each_platform_has_its_own_last_table() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    with_tables(services, &now).await;
    let (phone, pc) = (Platform::Mobile, Platform::Desktop);
    for (platform, table) in [(pc, "Clan"), (phone, "Medici")] {
        let request = on(&now, platform);
        let given = services.add_points(&request, award(Some(table))).await;
        assert_eq!(
            given.unwrap().event.attribution,
            Some(Attribution::Presence)
        );
    }
    for (platform, table, other) in [(pc, "Clan", "Medici"), (phone, "Medici", "Clan")] {
        // The other platform's session was used last, each time.
        let page = services
            .view(&on(&now, platform), &ViewOrder::default())
            .await
            .unwrap();
        assert_eq!(page.table.address(), table);
        assert_eq!(page.session.as_ref().unwrap().platform, platform);
        assert_eq!(page.attribution, Some(Attribution::Presence));
        let view_other = ViewOrder {
            table: Some(TableAddress::parse(other).unwrap()),
            ..ViewOrder::default()
        };
        let elsewhere = if platform == pc { phone } else { pc };
        services
            .view(&on(&now, elsewhere), &view_other)
            .await
            .unwrap();
        let given = services.add_points(&on(&now, platform), award(None)).await;
        assert_eq!(given.unwrap().table.as_deref(), Some(table));
        services
            .view(&on(&now, elsewhere), &view_other)
            .await
            .unwrap();
        let found = services
            .complete_within(&on(&now, platform), &[Right::ScoreAdd], None)
            .await
            .unwrap();
        assert_eq!(found.map(|table| table.address()).as_deref(), Some(table));
        let names = services
            .complete_entries(&on(&now, platform), &[Right::ScoreAdd], None, "")
            .await
            .unwrap();
        assert_eq!(names, ["Ana"]);
        // A click goes before presence.
        let click = Request {
            device: page.device(),
            ..on(&now, elsewhere)
        };
        let given = services.add_points(&click, award(None)).await.unwrap();
        assert_eq!(given.table.as_deref(), Some(table));
        assert_eq!(given.event.attribution, Some(Attribution::Exact));
    }
    // A platform of which there is no session has used no table yet.
    let web = on(&now, Platform::Web);
    let asked = services.add_points(&web, award(None)).await.unwrap_err();
    assert!(matches!(asked, ServiceError::ChooseTable { .. }), "{asked}");
    let asked = services
        .view(&on(&now, Platform::Web), &ViewOrder::default())
        .await
        .unwrap_err();
    assert!(matches!(asked, ServiceError::ChooseTable { .. }), "{asked}");
    let open = services.list_sessions(&now.by(GUILD, DANA)).await.unwrap();
    assert_eq!(open.0.len(), 2, "what was refused opened none");
    verify(services).await;
}

#[tokio::test]
async fn logging_out_ends_the_session_of_this_platform_or_what_is_named() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    with_tables(services, &now).await;
    let phone = services
        .add_points(&on(&now, Platform::Mobile), award(Some("Clan")))
        .await
        .unwrap();
    // None of this platform is open: there is nothing to end, and none is opened for it.
    let error = services
        .log_out(&on(&now, Platform::Desktop), &Which::Current)
        .await
        .unwrap_err();
    assert!(matches!(error, ServiceError::UnknownSession { .. }));
    let (open, _) = services
        .list_sessions(&on(&now, Platform::Mobile))
        .await
        .unwrap();
    assert_eq!(open.len(), 1);
    // The others are all that are not of this platform, where none is open either.
    let out = services
        .log_out(&on(&now, Platform::Desktop), &Which::AllOthers)
        .await
        .unwrap();
    assert_eq!(out.event.changes.len(), 1);
    assert_eq!(out.event.changes[0].id, device(&phone).as_str());
    let (open, rule) = services.list_sessions(&now.by(GUILD, DANA)).await.unwrap();
    assert_eq!((open.len(), rule), (1, Attribution::Recent));
    assert_eq!(open[0].platform, Platform::Desktop);
    // One that is named ends, and the one in use goes on.
    let second = services
        .log_in(&on(&now, Platform::Desktop), Some("A doua".to_owned()))
        .await
        .unwrap();
    let named = Which::Named(open[0].device_id.short().to_owned());
    services
        .log_out(&on(&now, Platform::Desktop), &named)
        .await
        .unwrap();
    let (open, _) = services
        .list_sessions(&on(&now, Platform::Desktop))
        .await
        .unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].device_id, device(&second));
    verify(services).await;
}

#[tokio::test]
async fn sessions_run_out_by_age_and_idleness_whatever_presence_names() {
    let idle = SessionLimits {
        idle: TimeDelta::milliseconds(1),
        ..SessionLimits::default()
    };
    let old = SessionLimits {
        lifetime: TimeDelta::milliseconds(1),
        ..SessionLimits::default()
    };
    for (limits, reason) in [(idle, EndReason::Idle), (old, EndReason::Lifetime)] {
        let (db, now) = (TestDb::with_limits(limits).await, Interactions::new());
        let services = &db.services;
        with_tables(services, &now).await;
        let give = async || {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let request = on(&now, Platform::Mobile);
            services.add_points(&request, award(Some("Clan"))).await
        };
        let (first, second) = (give().await.unwrap(), give().await.unwrap());
        assert_ne!(device(&first), device(&second));
        // The end of the one and the beginning of the other are events before the edit.
        let pool = db.superuser().await;
        let before: Vec<(String, String)> = sqlx::query_as(
            "select action, device_id from punctaj.events where seq between $1 and $2 order by seq",
        )
        .bind(second.event.seq.0 - 2)
        .bind(second.event.seq.0 - 1)
        .fetch_all(&pool)
        .await
        .unwrap();
        let expected = [
            (Action::SessionClose.as_str(), device(&first)),
            (Action::SessionOpen.as_str(), device(&second)),
        ];
        let expected = expected.map(|(action, device)| (action.to_owned(), device.to_string()));
        assert_eq!(before, expected);
        let ended: String =
            sqlx::query_scalar("select end_reason from punctaj.sessions where device_id = $1")
                .bind(device(&first).as_str())
                .fetch_one(&pool)
                .await
                .unwrap();
        assert_eq!(ended, reason.as_str());
        // What ran out is not shown as open, though no event says so yet.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let desk = services
            .guild_sessions(&now.by(GUILD, BOGDAN), None, 3)
            .await
            .unwrap();
        assert_eq!((desk.total, desk.sessions.len(), desk.page), (0, 0, 0));
        verify(services).await;
    }
}

#[tokio::test]
async fn what_ran_out_can_be_ended_and_only_in_its_own_guild() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    with_tables(services, &now).await;
    let his = services
        .add_points(&on(&now, Platform::Mobile), award(Some("Clan")))
        .await
        .unwrap();
    let elsewhere = now.by(GUILD + 1, BOGDAN);
    let error = services
        .end_session(&elsewhere, &device(&his))
        .await
        .unwrap_err();
    assert!(matches!(error, ServiceError::SessionOver { .. }), "{error}");
    let request = now.by(GUILD, BOGDAN);
    let ended = services.end_session(&request, &device(&his)).await.unwrap();
    let again = services.end_session(&request, &device(&his)).await.unwrap();
    assert!(again.repeated);
    assert_eq!(ended.event.seq, again.event.seq);
    assert_eq!(ended.event.changes[0].after, EndReason::Moderator.as_str());
    verify(services).await;
}

async fn verify(services: &Services) {
    let report = services
        .verify_guild(GuildId::from_db(GUILD))
        .await
        .unwrap();
    assert_eq!(report.problem, None);
}
