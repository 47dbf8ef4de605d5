//! How many sequential round trips to the database each path takes, counted on the wire.

use fake_discord::{Device, Member, Reply};
use punctaj::domain::access::Right;
use punctaj::domain::moment::Moment;
use punctaj::domain::name::{Name, NameList, NameOrMember, TableAddress};
use punctaj::domain::panel::Picked;
use punctaj::domain::session::{Platform, SessionLimits};
use punctaj::service::Request;
use punctaj::service::known::KNOWN_ROWS;
use punctaj::service::panel::{Panel, PanelAward, PanelTurn, Pressed};
use punctaj::service::points::Award;
use punctaj::service::profile::ProfileOrder;
use punctaj::service::view::ViewOrder;

use crate::conflicts::{on, with_entry};
use crate::support::app::{TestApp, assert_says, view};
use crate::support::db::{Interactions, TestDb, request};
use crate::support::proxy::{CountingProxy, socket_of};

const GUILD: i64 = 100;

/// Now, in Discord's count of milliseconds.
fn discord_now() -> i64 {
    chrono::Utc::now().timestamp_millis() - 1_420_070_400_000
}

fn award(names: &str) -> Award {
    let names = NameList::parse(names, 50).unwrap().into_items();
    Award {
        names,
        points: 5,
        table: None,
        table_id: None,
        reason: None,
    }
}

fn card_of_ana() -> ProfileOrder {
    ProfileOrder {
        who: NameOrMember::Name(Name::parse("Ana").unwrap()),
        table: None,
        table_id: None,
    }
}

/// Who is picked on the panel.
fn picked(panel: &Panel) -> Picked {
    Picked::new(panel.shown.picked.iter().map(|who| who.id).collect())
}

#[tokio::test]
async fn round_trips_of_a_panel() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let proxy = CountingProxy::start(&socket_of(db.url())).await;
    let services = TestDb::services_on(&proxy.url(db.url()), 1, 7, SessionLimits::default());
    let table = TableAddress::parse("BlackWater/Politie").unwrap();
    let creating = now.by(GUILD, 1);
    services.create_table(&creating, table).await.unwrap();
    let fifty: Vec<String> = (0..50).map(|number| format!("Nume {number}")).collect();
    let adding = now.by(GUILD, 1);
    let fifty = award(&fifty.join(", "));
    services.add_points(&adding, fifty).await.unwrap();

    let mut counts = Vec::new();
    // The second turn is warm: each statement was prepared on the connection.
    for _ in 0..2 {
        counts.clear();
        let mut last = proxy.round_trips();
        let mut counted = || {
            let now = proxy.round_trips();
            now - std::mem::replace(&mut last, now)
        };
        let (opening, order) = (now.by(GUILD, 1), ViewOrder::default());
        let opened = services.open_panel(&opening, &order).await.unwrap();
        counts.push(counted());
        let (table, device) = (
            opened.shown.table.id,
            opened.shown.session.device_id.clone(),
        );
        let press = || Request {
            device: Some(device.clone()),
            ..now.by(GUILD, 1)
        };
        let offered: Vec<_> = opened.shown.options.iter().map(|who| who.id).collect();
        let turn = PanelTurn::Pick {
            chosen: offered.clone(),
            offered,
        };
        let panel = services.turn_panel(&press(), table, turn).await.unwrap();
        counts.push(counted());
        assert_eq!(panel.shown.picked.len(), 25);
        let award = PanelAward {
            points: 5,
            mark: picked(&panel).mark(),
            reason: None,
            picked: None,
            activity: None,
        };
        let given = services.award_panel(&press(), table, award).await.unwrap();
        counts.push(counted());
        let Pressed::Panel(panel) = given else {
            panic!("the panel can be read");
        };
        assert_eq!(panel.shown.total, 125);
        let step = panel.shown.undoable.unwrap();
        services.undo_panel(&press(), table, step).await.unwrap();
        counts.push(counted());
    }
    println!("round trips: panel opened, people picked, points given, undone: {counts:?}");
    assert_eq!(
        counts,
        [4, 2, 6, 8],
        "opened: page, look, panel, show; picked: panel, show; given: panel, the operation's four, \
         show; undone: the undo's seven, show"
    );
}

#[tokio::test]
async fn round_trips_of_add_view_and_autocomplete() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let proxy = CountingProxy::start(&socket_of(db.url())).await;
    let services = TestDb::services_on(&proxy.url(db.url()), 1, 7, SessionLimits::default());
    let table = TableAddress::parse("BlackWater/Politie").unwrap();
    services
        .create_table(&now.by(GUILD, 1), table)
        .await
        .unwrap();
    let fifty: Vec<String> = (0..50).map(|number| format!("Nume {number}")).collect();
    let fifty = fifty.join(", ");

    let then = ViewOrder {
        at: Some(Moment::parse("9999-12-31").unwrap()),
        ..ViewOrder::default()
    };

    // Warm: each statement was prepared on the connection, and the person has a session.
    for user in [1, 2] {
        services
            .add_points(&now.by(GUILD, user), award("Ana"))
            .await
            .unwrap();
        services
            .view(&now.by(GUILD, user), &ViewOrder::default())
            .await
            .unwrap();
        services.view(&now.by(GUILD, user), &then).await.unwrap();
        services
            .profile(&now.by(GUILD, user), &card_of_ana())
            .await
            .unwrap();
        services
            .complete_entries(&now.by(GUILD, user), &[Right::ScoreAdd], None, "An")
            .await
            .unwrap();
    }

    macro_rules! counted {
        ($what:expr) => {{
            let before = proxy.round_trips();
            $what.await.unwrap();
            proxy.round_trips() - before
        }};
    }
    let seen = || Request {
        platform: Some(Platform::Mobile),
        ..now.by(GUILD, 1)
    };
    let add = counted!(services.add_points(&now.by(GUILD, 1), award("Ana")));
    // The first one opens a session on the way.
    let by_presence = [
        counted!(services.add_points(&seen(), award("Ana"))),
        counted!(services.add_points(&seen(), award("Ana"))),
        counted!(services.view(&seen(), &ViewOrder::default())),
        counted!(services.complete_entries(&seen(), &[Right::ScoreAdd], None, "Nu")),
    ];
    let add_fifty = counted!(services.add_points(&now.by(GUILD, 1), award(&fifty)));
    let first = counted!(services.add_points(&now.by(GUILD, 3), award("Ana")));
    let first_view = counted!(services.view(&now.by(GUILD, 4), &ViewOrder::default()));
    let view = counted!(services.view(&now.by(GUILD, 1), &ViewOrder::default()));
    let view_then = counted!(services.view(&now.by(GUILD, 1), &then));
    let complete =
        counted!(services.complete_entries(&now.by(GUILD, 1), &[Right::ScoreAdd], None, "Nu"));
    let profile = counted!(services.profile(&now.by(GUILD, 1), &card_of_ana()));
    assert_eq!(profile, 2);
    println!(
        "round trips: add {add}, add of 50 {add_fifty}, first add {first}, first view {first_view}, \
         view {view}, view at {view_then}, autocomplete {complete}"
    );
    assert_eq!(
        (add, add_fifty),
        (4, 4),
        "BEGIN with the lock, read, write, COMMIT"
    );
    assert_eq!(by_presence, [4, 4, 2, 1]);
    assert!(first <= 6 && first_view <= 6, "{first} {first_view}");
    assert_eq!((view, complete), (2, 1));
    assert_eq!(
        view_then, 9,
        "BEGIN, table, clocks, last event, kept state, one batch of events, the table now, ROLLBACK, look"
    );
}

/// The bot's one connection, and who uses it. What the bot looks after by itself names neither the
/// guild nor its session or table as long as there is nothing to tell and no board, but for what it
/// keeps of tables that were looked at: half a second after each change, whatever is asked then.
struct Counted {
    app: TestApp,
    proxy: CountingProxy,
}

impl Counted {
    /// A bot with a table of one entry in it, and the session of its only one who looks.
    async fn start(who: &str) -> (Self, Member, Device) {
        let mut app = TestApp::without_bot().await;
        let proxy = CountingProxy::start(&socket_of(app.db.url())).await;
        let limits = SessionLimits::default();
        let services = TestDb::services_on(&proxy.url(app.db.url()), 1, 7, limits);
        app.start_bot_with(services).await;
        let (who, phone) = (app.moderator(who), Device::phone("Telefon"));
        with_entry(&app, &who).await;
        let pool = app.db.superuser().await;
        let (device, table): (String, uuid::Uuid) = sqlx::query_as(
            "select s.device_id, t.table_id from punctaj.sessions s, punctaj.tables t",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        let guild = app.guild.id().to_be_bytes();
        proxy.watch(&guild);
        proxy.watch(device.as_bytes());
        proxy.watch(table.as_bytes());
        overlook_what_is_kept(&proxy, guild, table);
        (Self { app, proxy }, who, phone)
    }

    /// An answer, with the round trips until it was there.
    async fn of(&self, answer: impl Future<Output = Reply>) -> (u64, Reply) {
        let before = self.proxy.round_trips_about();
        let reply = answer.await;
        (self.proxy.round_trips_about() - before, reply)
    }
}

/// The two statements that keep what tables look like: the heads of an array of one guild, and the
/// rows of a table, as many as are kept.
fn overlook_what_is_kept(proxy: &CountingProxy, guild: [u8; 8], table: uuid::Uuid) {
    const INT8: i32 = 20;
    const ONE: i32 = 1;
    // Dimensions, no nulls, the type, the length and the lower bound, then the element's own length.
    let array = [ONE, 0, INT8, ONE, ONE, 8].map(i32::to_be_bytes).concat();
    proxy.overlook([&array[..], &guild].concat());
    let limit = [&8_i32.to_be_bytes()[..], &KNOWN_ROWS.to_be_bytes()].concat();
    proxy.overlook([table.as_bytes(), &limit[..]].concat());
}

#[tokio::test]
async fn what_an_answer_shows_is_marked_without_a_round_trip_of_its_own() {
    let (counted, ana, phone) = Counted::start("ana").await;
    let changed = |number: i64| {
        let services = counted.app.db.services.clone();
        let guild = counted.app.guild.id().cast_signed();
        async move {
            let changing = request(guild, 2, discord_now(), number);
            services.add_points(&changing, award("Ion")).await.unwrap();
        }
    };
    let marks = async || -> (i64, i64, i64, i64) {
        let pool = counted.app.db.superuser().await;
        let marks = "select s.seq, s.names_seq, d.news_seq, g.head_seq from punctaj.shown s \
            join punctaj.sessions d using (device_id) join punctaj.guilds g using (guild_id)";
        sqlx::query_as(marks).fetch_one(&pool).await.unwrap()
    };
    let mut counts = Vec::new();
    // The second turn is warm: each statement was prepared on the connection.
    for turn in 0..2 {
        counts.clear();
        changed(3 * turn).await;
        let (view, shown) = counted.of(view(&ana, &phone)).await;
        assert_says(&shown, &["Ion"]);
        let (whole, names, _, head) = marks().await;
        assert_eq!((whole, names), (head, head));

        changed(3 * turn + 1).await;
        let (opened, panel) = counted.of(on(&ana, &phone, "punctaj panel", [])).await;
        let (same_whole, names, _, head) = marks().await;
        assert_eq!((same_whole, names), (whole, head));
        let picking = async { ana.on(&phone).select(&panel, "1:panel", ["Ion"]).await };
        let (picked, panel) = counted.of(picking).await;
        let giving = async { ana.on(&phone).click(&panel, "+1").await };
        let (given, panel) = counted.of(giving).await;
        assert_says(&panel, &["Ion"]);
        let (_, names, _, head) = marks().await;
        assert_eq!(names, head);
        let clearing = async { ana.on(&phone).click(&panel, "Pick nobody").await };
        let (cleared, _) = counted.of(clearing).await;

        let (news, told) = counted.of(on(&ana, &phone, "punctaj news", [])).await;
        assert_says(&told, &["2 changes", "Ion"]);
        let (.., news_mark, head) = marks().await;
        assert_eq!(news_mark, head);
        let (no_news, told) = counted.of(on(&ana, &phone, "punctaj news", [])).await;
        assert_says(&told, &["Nothing changed"]);
        counts.extend([view, opened, picked, given, cleared, news, no_news]);
    }
    println!("round trips through Discord: {counts:?}");
    assert_eq!(
        counts,
        [2, 4, 2, 6, 2, 7, 3],
        "view: page, look; panel opened: page, look, panel, show; picked: panel, show; given: panel, \
         the operation's four, show; cleared: panel, show; news: sessions, what was missed, table and \
         session of each of two, look; no news: sessions, what was missed, look"
    );
    counted.app.finish().await;
}
