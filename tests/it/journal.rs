//! Edits while the database is away: kept on disk, done in order when it is back, each author told.
//!
//! The bot is in this process, and the network between it and its database breaks. What it does when
//! it is killed meanwhile is told by the real binary.

use std::time::Duration;

use fake_discord::permissions::MANAGE_GUILD;
use fake_discord::{Device, Member, Reply};
use punctaj::domain::ids::{GuildId, OpId, UserId};
use punctaj::domain::name::{Name, TableAddress};
use punctaj::domain::session::SessionLimits;
use punctaj::journal::{Edits, Origin};
use punctaj::service::Services;
use punctaj::service::activities::ActivityOrder;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::app::{Process, TestApp, assert_hides, assert_says, until, view};
use crate::support::db::{Interactions, TestDb};
use crate::support::network::{Network, Weather};
use crate::support::proxy::socket_of;

/// What every answer begins with that says that an edit waits.
const QUEUED: &str = "⏳";

/// The panel's menu.
const MENU: &str = "1:panel";

/// A bot whose network to the database can break, and a moderator with a table.
struct Story {
    app: TestApp,
    network: Network,
    alice: Member,
    pc: Device,
    phone: Device,
    pool: PgPool,
}

impl Story {
    async fn begin() -> Self {
        let mut app = TestApp::without_bot().await;
        let network = Network::start(socket_of(app.db.url())).await;
        app.start_bot_with(services(&app, &network, 1)).await;
        let (alice, pool) = (app.moderator("alice"), app.db.superuser().await);
        let (pc, phone) = (Device::desktop("PC Birou"), Device::phone("Telefon"));
        let story = Self {
            app,
            network,
            alice,
            pc,
            phone,
            pool,
        };
        story
            .does("punctaj-admin table create", &[("table", "Clan")])
            .await;
        story.adds("Ana", 5).await;
        story
    }

    async fn does(&self, command: &str, options: &[(&str, &str)]) -> Reply {
        let acting = self.alice.on(&self.pc);
        acting.slash(command, options.iter().copied()).await
    }

    async fn adds(&self, name: &str, points: i64) -> Reply {
        let points = points.to_string();
        self.does("punctaj add", &[("names", name), ("points", &points)])
            .await
    }

    /// The network to the database breaks: what is open is reset, and nothing new gets through.
    fn breaks(&self) {
        self.network.weather(Weather::Down);
        self.network.reset();
    }

    /// It is whole again, and everything that waited is done and told.
    async fn mends(&self) {
        self.network.weather(Weather::Fair);
        let all = async || self.app.queue().depth() == 0;
        until("an empty journal", all).await;
    }

    /// Waits until this is the last known state.
    async fn is_known(&self, name: &str, points: i64) {
        let guild = GuildId::try_from(self.app.guild.id()).unwrap();
        let known = async || {
            let tables = self.app.queue().known_tables(guild).await;
            let mut rows = tables.iter().flat_map(|known| &known.rows);
            rows.any(|row| (row.name.as_str(), row.points) == (name, points))
        };
        until("the last known state", known).await;
    }

    async fn points(&self, name: &str) -> Option<i64> {
        sqlx::query_scalar(
            "select points from punctaj.entries where name = $1 and deleted_at is null",
        )
        .bind(name)
        .fetch_optional(&self.pool)
        .await
        .unwrap()
    }

    /// Actions of the events that came through the journal, in order.
    async fn by_journal(&self) -> Vec<String> {
        sqlx::query_scalar("select action from punctaj.events where via = 'journal' order by seq")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    async fn finish(self) {
        self.app.finish().await;
    }
}

fn services(app: &TestApp, network: &Network, seed: u64) -> Services {
    let url = network.url(app.db.url());
    TestDb::services_on(&url, 5, seed, SessionLimits::default())
}

#[track_caller]
fn assert_queued(reply: &Reply) {
    assert!(reply.text().starts_with(QUEUED), "{}", reply.text());
    assert!(reply.is_ephemeral() && !reply.has_button("Undo"));
}

#[tokio::test]
async fn each_kind_of_edit_waits_and_is_done_in_its_order() {
    let story = Story::begin().await;
    story.adds("Ion", 7).await;
    story.is_known("Ion", 7).await;
    story.breaks();
    let waits = [
        story.adds("Ana, Mihai", 3).await,
        story
            .does("punctaj remove", &[("names", "Ana"), ("points", "2")])
            .await,
        story
            .does(
                "punctaj set",
                &[("name", "Mihai"), ("field", "points"), ("value", "40")],
            )
            .await,
        story.does("punctaj delete", &[("names", "Ion")]).await,
        story.adds("Radu", 1).await,
        story.does("punctaj undo", &[]).await,
    ];
    for reply in &waits {
        assert_queued(reply);
    }
    assert_says(&waits[0], &["Ana, Mihai", "3 points", "Clan"]);
    assert_says(&waits[3], &["delete", "Ion"]);
    assert_eq!(story.app.queue().depth(), 6);
    let before = story.points("Ana").await;
    assert_eq!(before, Some(5), "nothing is done yet");

    story.mends().await;
    assert_eq!(
        story.by_journal().await,
        [
            "points.add",
            "points.remove",
            "entry.set",
            "entry.delete",
            "points.add",
            "event.undo"
        ]
    );
    assert_eq!(story.points("Ana").await, Some(6));
    assert_eq!(story.points("Mihai").await, Some(40));
    assert_eq!(story.points("Ion").await, None);
    assert_eq!(story.points("Radu").await, None, "undo took back the last");

    // Each answer says now what became of it, with the button of a direct answer.
    let told = waits[0].latest();
    assert_says(&told, &["✅", "Ana", "5 → 8", "Mihai", "0 → 3"]);
    assert!(told.has_button("Undo"), "{}", told.text());
    let undone = story.alice.on(&story.pc).click(&told, "Undo").await;
    assert!(undone.is_answered());

    // The history says how they came, and when they were made.
    let queued = story
        .does("punctaj-audit search", &[("only", "queued")])
        .await;
    assert_says(&queued, &["Ana", "Mihai"]);
    let late: i64 = sqlx::query_scalar(
        "select count(*) from punctaj.events where via = 'journal' and at < applied_at",
    )
    .fetch_one(&story.pool)
    .await
    .unwrap();
    assert_eq!(late, 6, "with their original time");
    story.finish().await;
}

#[tokio::test]
async fn points_for_an_activity_are_what_it_is_worth_when_they_are_given() {
    let story = Story::begin().await;
    for activity in ["Livrat", "Pază"] {
        let set = [
            ("table", "Clan"),
            ("activity", activity),
            ("points", "2"),
            ("quantity", "200"),
        ];
        story.does("punctaj-admin activity set", &set).await;
    }
    story.breaks();
    let delivered = [
        ("names", "Ana"),
        ("activity", "livrat"),
        ("quantity", "400"),
    ];
    let delivered = story.does("punctaj add", &delivered).await;
    let guarded = [("names", "Ana"), ("activity", "Pază")];
    let guarded = story.does("punctaj add", &guarded).await;
    assert_queued(&delivered);
    assert_queued(&guarded);
    // Others reach the database, and change what there are points for.
    let services = &story.app.db.services;
    let table = TableAddress::parse("Clan").unwrap();
    let order = ActivityOrder {
        table: table.clone(),
        name: Name::parse("Livrat").unwrap(),
        points: 7,
        quantity: None,
    };
    let guild = i64::try_from(story.app.guild.id()).unwrap();
    let now = Interactions::new();
    let other = || now.by(guild, 2);
    services.set_activity(&other(), order).await.unwrap();
    let removed = services.remove_activity(&other(), &table, "Pază").await;
    removed.unwrap();
    story.mends().await;
    assert_eq!(story.points("Ana").await, Some(19));
    assert_says(&delivered.latest(), &["✅", "Ana", "5 → 19"]);
    assert_says(&guarded.latest(), &["❌", "Pază", "Nothing was changed"]);
    let reasons: Vec<Option<String>> =
        sqlx::query_scalar("select reason from punctaj.events where via = 'journal' order by seq")
            .fetch_all(&story.pool)
            .await
            .unwrap();
    assert_eq!(reasons, [Some("Livrat: 400".to_owned())]);
    story.finish().await;
}

#[tokio::test]
async fn what_can_not_wait_is_refused_and_what_is_wrong_is_refused_at_once() {
    let story = Story::begin().await;
    story.breaks();
    assert_queued(&story.adds("Ana", 1).await);
    let refused = [
        story
            .does("punctaj-admin table create", &[("table", "Noua")])
            .await,
        story.does("punctaj-audit search", &[]).await,
        story.does("punctaj panel", &[]).await,
        story.does("punctaj session login", &[]).await,
    ];
    for reply in &refused {
        assert_hides(reply, &[QUEUED]);
        assert_says(reply, &["database", "Nothing was changed"]);
    }
    let wrong = [
        story.adds("zero\u{200b}width", 1).await,
        story.adds("Ana", -1).await,
        story.does("punctaj undo", &[("event", "0")]).await,
    ];
    for reply in &wrong {
        assert_hides(reply, &[QUEUED]);
        assert!(reply.is_answered(), "{}", reply.text());
    }
    assert_eq!(story.app.queue().depth(), 1);
    story.mends().await;
    assert_eq!(story.points("Ana").await, Some(6));
    story.finish().await;
}

#[tokio::test]
async fn rights_are_those_of_the_time_when_it_is_done() {
    let story = Story::begin().await;
    let role = story.app.guild.role("chief").permissions(MANAGE_GUILD);
    let bob = story.app.member("bob");
    bob.add_role(&role);
    bob.on(&story.phone)
        .slash("punctaj view", [("table", "Clan")])
        .await;
    let mihai = story.app.member("mihai");
    story.adds("Ion", 1).await;
    story.breaks();
    let delete = |who| [("names", who), ("table", "Clan")];
    let by_bob = bob.on(&story.phone);
    let by_bob = by_bob.slash("punctaj delete", delete("Ana")).await;
    let by_mihai = mihai.on(&story.phone);
    let by_mihai = by_mihai.slash("punctaj delete", delete("Ion")).await;
    assert_queued(&by_bob);
    assert_queued(&by_mihai);
    // The one loses the right meanwhile, and the other gets it.
    bob.remove_role(&role);
    mihai.add_role(&role);
    story.mends().await;
    let told = by_bob.latest();
    assert_says(&told, &["❌", "entry.delete", "Nothing was changed"]);
    assert_says(&by_mihai.latest(), &["✅", "Ion"]);
    assert_eq!(story.points("Ana").await, Some(5));
    assert_eq!(story.points("Ion").await, None);
    let refused: Vec<(String, String)> = sqlx::query_as(
        "select via, outcome from punctaj.events where action = 'entry.delete' and outcome = 'refused'",
    )
    .fetch_all(&story.pool)
    .await
    .unwrap();
    assert_eq!(refused, [("journal".to_owned(), "refused".to_owned())]);
    story.finish().await;
}

#[tokio::test]
async fn whoever_left_meanwhile_may_nothing_any_more() {
    let mut story = Story::begin().await;
    let bob = story.app.member("bob");
    let who = bob.mention();
    for right in ["scorer", "entry.delete"] {
        story
            .does(
                "punctaj-admin access grant",
                &[("who", &who), ("right", right)],
            )
            .await;
    }
    let by_bob = bob.on(&story.phone);
    let add = [("names", "Ana"), ("points", "1"), ("table", "Clan")];
    assert_says(&by_bob.slash("punctaj add", add).await, &["+1"]);
    story.breaks();
    let added = by_bob.slash("punctaj add", add).await;
    let delete = [("names", "Ana"), ("table", "Clan")];
    let deleted = by_bob.slash("punctaj delete", delete).await;
    assert_queued(&added);
    assert_queued(&deleted);
    // What was granted to him is granted still.
    bob.leave();
    story.mends().await;
    for refused in [added.latest(), deleted.latest()] {
        assert_says(
            &refused,
            &["❌", "no longer in that server", "Nothing was changed"],
        );
    }
    assert_eq!(story.points("Ana").await, Some(6));
    // Discord was asked, and says that there is no such member.
    let refusals = story.app.discord.refusals().len();
    story.app.expect_refusals(refusals);
    story.finish().await;
}

#[tokio::test]
async fn an_author_whose_answer_is_too_old_is_told_by_message() {
    let mut story = Story::begin().await;
    story.breaks();
    let add = story.adds("Ana", 2).await;
    let none = story
        .does("punctaj remove", &[("names", "Nimeni"), ("points", "2")])
        .await;
    assert_queued(&add);
    assert_queued(&none);
    story.app.discord.pass_time(Duration::from_mins(16));
    story.mends().await;
    let messages = async || story.app.discord.dms(&story.alice).len() == 2;
    until("two direct messages", messages).await;
    let told = story.app.discord.dms(&story.alice);
    assert_says(&told[0], &["✅", "Ana", "5 → 7"]);
    assert_says(&told[1], &["❌", "Nimeni"]);
    assert_queued(&add.latest());
    let refusals = story.app.discord.refusals().len();
    story.app.expect_refusals(refusals);
    story.finish().await;
}

#[tokio::test]
async fn an_edit_that_is_delivered_twice_while_it_waits_is_one_and_is_told() {
    let mut story = Story::begin().await;
    story.breaks();
    let waits = story.adds("Ana", 2).await;
    assert_queued(&waits);
    let id = waits.interaction_id().unwrap();
    story.app.discord.redeliver(id).await;
    assert_eq!(story.app.queue().depth(), 1);
    story.mends().await;
    // And once more, when it is done.
    story.app.discord.redeliver(id).await;
    assert_eq!(story.points("Ana").await, Some(7));
    assert_says(&waits.latest(), &["✅", "5 → 7"]);
    let refusals = story.app.discord.refusals();
    assert!(refusals.iter().all(|it| it.code == 40060), "{refusals:?}");
    story.app.expect_refusals(refusals.len());
    story.finish().await;
}

#[tokio::test]
async fn a_panel_goes_on_for_those_who_were_picked() {
    let story = Story::begin().await;
    story.adds("Ion", 1).await;
    let panel = story.does("punctaj panel", &[]).await;
    let acting = || story.alice.on(&story.pc);
    let panel = acting().select(&panel, MENU, ["Ana"]).await;
    story.breaks();
    let pressed = acting().click(&panel, "+3").await;
    assert_queued(&pressed);
    assert_says(&pressed, &["3 points"]);
    // Whom to pick next needs the database.
    let turned = acting().click(&panel, "Pick nobody").await;
    assert_hides(&turned, &[QUEUED]);
    assert_says(&turned, &["database"]);
    story.mends().await;
    assert_eq!(story.points("Ana").await, Some(8));
    assert_eq!(story.points("Ion").await, Some(1));
    story.finish().await;
}

#[tokio::test]
async fn the_table_that_was_used_last_is_the_one_that_was_meant() {
    let story = Story::begin().await;
    story
        .does("punctaj-admin table create", &[("table", "Medici")])
        .await;
    story
        .does("punctaj add", &[("names", "Doc"), ("table", "Medici")])
        .await;
    story.is_known("Ana", 5).await;
    story.breaks();
    // In Medici, which is what was used last when it was typed.
    assert_queued(&story.adds("Eva", 4).await);
    // Looking counts, also at what is only remembered.
    let clan = story.does("punctaj view", &[("table", "Clan")]).await;
    assert_says(&clan, &["Ana"]);
    assert_queued(&story.adds("Ana", 4).await);
    story.mends().await;
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select t.name, e.name from punctaj.entries e join punctaj.tables t using (table_id)
         order by t.name, e.name",
    )
    .fetch_all(&story.pool)
    .await
    .unwrap();
    let rows: Vec<_> = rows.iter().map(|(t, e)| (t.as_str(), e.as_str())).collect();
    assert_eq!(
        rows,
        [("Clan", "Ana"), ("Medici", "Doc"), ("Medici", "Eva")]
    );
    story.finish().await;
}

#[tokio::test]
async fn an_edit_that_names_no_table_is_for_that_of_the_one_before() {
    let story = Story::begin().await;
    story
        .does("punctaj-admin table create", &[("table", "Medici")])
        .await;
    story.does("punctaj view", &[("table", "Clan")]).await;
    story.breaks();
    let doc = [("names", "Doc"), ("table", "Medici")];
    assert_queued(&story.does("punctaj add", &doc).await);
    assert_queued(&story.adds("Eva", 4).await);
    story.mends().await;
    let in_medici: Vec<String> = sqlx::query_scalar(
        "select e.name from punctaj.entries e join punctaj.tables t using (table_id)
         where t.name = 'Medici' order by e.name",
    )
    .fetch_all(&story.pool)
    .await
    .unwrap();
    assert_eq!(in_medici, ["Doc", "Eva"]);
    story.finish().await;
}

#[tokio::test]
async fn what_has_to_be_asked_is_asked_when_the_database_is_back() {
    let story = Story::begin().await;
    story
        .does("punctaj-admin table create", &[("table", "Medici")])
        .await;
    // Nobody knows which table she used last: she used none.
    let carol = story.app.moderator("carol");
    let acting = carol.on(&story.phone);
    story.breaks();
    let add = [("names", "Eva"), ("points", "2")];
    let waits = acting.slash("punctaj add", add).await;
    assert_queued(&waits);
    story.mends().await;
    let asked = waits.latest();
    assert_says(&asked, &["❔"]);
    assert_hides(&asked, &["✅"]);
    let done = acting.select(&asked, "1:choose", ["Medici"]).await;
    assert_says(&done, &["Eva", "0 → 2"]);
    story.finish().await;
}

#[tokio::test]
async fn tables_are_shown_as_they_were_last() {
    let story = Story::begin().await;
    story.adds("Bogdan", 12).await;
    assert_says(&view(&story.alice, &story.pc).await, &["Bogdan", "12"]);
    story.adds("Ana", 1).await;
    story.is_known("Ana", 6).await;
    story.breaks();
    let seen = view(&story.alice, &story.pc).await;
    assert_says(&seen, &["Clan", "Bogdan", "12", "last known state", "<t:"]);
    let unknown = story.does("punctaj view", &[("table", "Altul")]).await;
    assert_says(&unknown, &["Clan"]);
    assert_hides(&unknown, &["Bogdan"]);
    // What happens now does not show in it: it waits.
    assert_queued(&story.adds("Bogdan", 1).await);
    assert_says(&view(&story.alice, &story.pc).await, &["12"]);
    story.mends().await;
    let seen = view(&story.alice, &story.pc).await;
    assert_says(&seen, &["13"]);
    assert_hides(&seen, &["last known state"]);
    story.finish().await;
}

#[tokio::test]
async fn network_interruption() {
    let story = Story::begin().await;
    let board = story.app.guild.channel("live");
    let channel = board.mention();
    let post = [("table", "Clan"), ("channel", channel.as_str())];
    story.does("punctaj-admin board post", &post).await;
    let bob = story.app.moderator("bob");
    assert_says(&view(&bob, &story.phone).await, &["Ana", "5"]);
    let on_board = async |name: &str, points: &str| {
        let shown = async || {
            let text = board.last_message().map(|message| message.text());
            text.is_some_and(|text| text.contains(name) && text.contains(points))
        };
        until("the board", shown).await;
    };

    // The phone is offline: the PC goes on.
    story.adds("Ana", 3).await;
    story.adds("Ion", 20).await;
    story
        .does(
            "punctaj set",
            &[("name", "Ana"), ("field", "name"), ("value", "Ana Pop")],
        )
        .await;
    on_board("Ion", "20").await;
    // It comes back, is told what it missed, and sees everything.
    let back = bob.on(&story.phone);
    let told = back
        .slash("punctaj add", [("names", "Ion"), ("points", "1")])
        .await;
    assert_says(&told, &["20 → 21", "3 changes"]);
    let news = back.slash("punctaj news", []).await;
    assert_says(&news, &["Ana Pop", "Ion"]);
    on_board("Ion", "21").await;

    // The bot is cut off from the database while both work.
    story.is_known("Ion", 21).await;
    story.breaks();
    let waits = [
        story.adds("Ana Pop, Ion", 2).await,
        back.slash("punctaj add", [("names", "Ion"), ("points", "5")])
            .await,
        story
            .does("punctaj remove", &[("names", "Ion"), ("points", "1")])
            .await,
    ];
    waits.iter().for_each(assert_queued);
    assert_says(
        &view(&bob, &story.phone).await,
        &["Ion", "21", "last known state"],
    );
    story.mends().await;
    for (reply, says) in waits.iter().zip(["21 → 23", "23 → 28", "28 → 27"]) {
        assert_says(&reply.latest(), &["✅", says]);
    }
    on_board("Ion", "27").await;
    for who in [&story.alice, &bob] {
        let seen = view(who, &story.phone).await;
        assert_says(&seen, &["Ana Pop", "10", "Ion", "27"]);
        assert_hides(&seen, &["last known state"]);
    }
    story.finish().await;
}

#[tokio::test]
async fn an_edit_whose_commit_has_no_answer_is_there_once() {
    let story = Story::begin().await;
    // Each of them is cut off at another step of its work, the commit among them.
    for cut in 0..40 {
        story.network.weather(Weather::CutAfter(cut));
        let reply = story.adds("Ana", 1).await;
        assert!(
            reply.has_button("Undo") || reply.text().starts_with(QUEUED),
            "{cut}: {}",
            reply.text()
        );
        story.mends().await;
    }
    assert_eq!(story.points("Ana").await, Some(45));
    story.finish().await;
}

#[tokio::test]
async fn killed_with_a_full_journal_nothing_is_lost_and_nothing_is_done_twice() {
    const EDITS: usize = 60;
    let app = TestApp::without_bot().await;
    let network = Network::start(socket_of(app.db.url())).await;
    let data = tempfile::tempdir().unwrap();
    let url = network.url(app.db.url());
    let bot = Process::on(&app.discord, &url, data.path());
    app.discord.ready().await;
    let (alice, pc) = (app.moderator("alice"), Device::desktop("PC"));
    let table = [("table", "Clan")];
    alice
        .on(&pc)
        .slash("punctaj-admin table create", table)
        .await;
    network.weather(Weather::Down);
    network.reset();
    let mut answers = Vec::new();
    for number in 0..EDITS {
        let name = format!("Om {}", number % 7);
        let options = [("names", name.as_str()), ("points", "1"), ("table", "Clan")];
        answers.push(alice.on(&pc).slash("punctaj add", options).await);
        assert_queued(&answers[number]);
    }
    bot.kill().await;
    app.discord.connected(0).await;

    // It comes back before the database does, takes more, and is killed while it works them off.
    let bot = Process::on(&app.discord, &url, data.path());
    app.discord.connected(1).await;
    let last = [("names", "Ultimul"), ("points", "9"), ("table", "Clan")];
    answers.push(alice.on(&pc).slash("punctaj add", last).await);
    assert_queued(&answers[EDITS]);
    network.weather(Weather::Fair);
    let pool = app.db.superuser().await;
    let by_journal = async || -> i64 {
        let count = "select count(*) from punctaj.events where via = 'journal'
                     and action = 'points.add'";
        sqlx::query_scalar(count).fetch_one(&pool).await.unwrap()
    };
    until("some are done", async || by_journal().await > 5).await;
    bot.kill().await;
    app.discord.connected(0).await;
    let done = by_journal().await;
    println!("killed after {done} of {} were done", EDITS + 1);
    let bot = Process::on(&app.discord, &url, data.path());
    app.discord.connected(1).await;
    until("all are done", async || {
        by_journal().await == i64::try_from(EDITS).unwrap() + 1
    })
    .await;
    let told = async || {
        let is_told = |answer: &Reply| answer.latest().text().starts_with("✅");
        answers.iter().all(is_told)
    };
    until("all are told", told).await;
    assert_eq!(bot.terminate().await, Some(0));
    let sum: Value =
        sqlx::query_scalar("select jsonb_object_agg(name, points) from punctaj.entries")
            .fetch_one(&pool)
            .await
            .unwrap();
    let expected = json!({
        "Om 0": 9, "Om 1": 9, "Om 2": 9, "Om 3": 9, "Om 4": 8, "Om 5": 8, "Om 6": 8, "Ultimul": 9,
    });
    assert_eq!(sum, expected);
    app.finish().await;
}

#[tokio::test]
async fn what_the_disk_does_not_take_is_refused_and_the_rest_is_done() {
    const NAMES: usize = 40;
    let app = TestApp::without_bot().await;
    let network = Network::start(socket_of(app.db.url())).await;
    let data = tempfile::tempdir().unwrap();
    let url = network.url(app.db.url());
    let bot = Process::with_little_room(&app.discord, &url, data.path(), 512);
    app.discord.ready().await;
    let (alice, pc) = (app.moderator("alice"), Device::desktop("PC"));
    let table = [("table", "Clan")];
    let acting = alice.on(&pc);
    acting.slash("punctaj-admin table create", table).await;
    let names: Vec<String> = (0..NAMES).map(|it| format!("{it:0>90}")).collect();
    let names = names.join(",");
    let add = [
        ("names", names.as_str()),
        ("points", "1"),
        ("table", "Clan"),
    ];
    assert!(acting.slash("punctaj add", add).await.has_button("Undo"));

    network.weather(Weather::Down);
    network.reset();
    let mut kept = 0;
    let refused = loop {
        let reply = acting.slash("punctaj add", add).await;
        if !reply.text().starts_with(QUEUED) {
            break reply;
        }
        kept += 1;
    };
    println!("{kept} edits were kept");
    assert!(kept > 10);
    assert_says(&refused, &["can’t be kept", "Nothing was changed"]);

    network.weather(Weather::Fair);
    let pool = app.db.superuser().await;
    let given = async || -> (i64, i64, i64) {
        let points = "select count(*), min(points), max(points) from punctaj.entries";
        sqlx::query_as(points).fetch_one(&pool).await.unwrap()
    };
    let (names, all) = (i64::try_from(NAMES).unwrap(), i64::from(kept) + 1);
    until("all that was kept is done", async || given().await.1 == all).await;
    // There is room again.
    let saved = async || acting.slash("punctaj add", add).await.has_button("Undo");
    until("an edit is saved", saved).await;
    assert_eq!(bot.terminate().await, Some(0));
    let (entries, least, most) = given().await;
    assert_eq!((entries, least), (names, most), "each got the same");
    assert!(least > all);
    app.finish().await;
}

#[tokio::test]
async fn a_damaged_journal_is_set_aside_and_the_bot_works() {
    let app = TestApp::without_bot().await;
    let data = tempfile::tempdir().unwrap();
    let damaged = b"not a journal at all".repeat(500);
    std::fs::write(data.path().join("journal.redb"), &damaged).unwrap();
    let bot = Process::on(&app.discord, app.db.url(), data.path());
    app.discord.ready().await;
    let (alice, pc) = (app.moderator("alice"), Device::desktop("PC"));
    let table = [("table", "Clan")];
    let acting = alice.on(&pc);
    acting.slash("punctaj-admin table create", table).await;
    let add = [("names", "Ana"), ("points", "1")];
    assert_says(&acting.slash("punctaj add", add).await, &["0 → 1"]);
    assert_eq!(bot.terminate().await, Some(0));
    let aside = data.path().join("journal.redb.damaged-1");
    assert_eq!(std::fs::read(aside).unwrap(), damaged);
    app.finish().await;
}

#[tokio::test]
async fn what_another_version_kept_is_set_aside_and_its_author_told() {
    let app = TestApp::without_bot().await;
    let data = tempfile::tempdir().unwrap();
    let bot = Process::on(&app.discord, app.db.url(), data.path());
    app.discord.ready().await;
    let (alice, pc) = (app.moderator("alice"), Device::desktop("PC"));
    let acting = alice.on(&pc);
    let table = [("table", "Clan")];
    acting.slash("punctaj-admin table create", table).await;
    assert_eq!(bot.terminate().await, Some(0));
    let edits = Edits::open(data.path()).unwrap();
    let origin = Origin {
        guild: GuildId::try_from(app.guild.id()).unwrap(),
        person: UserId::try_from(alice.id()).unwrap(),
        op: OpId::new("1"),
    };
    let foreign = json!({ "locale": "ro", "edit": { "edit": "dance" } });
    edits.keep(origin, &foreign).await.unwrap();
    drop(edits);

    app.discord.connected(0).await;
    let bot = Process::on(&app.discord, app.db.url(), data.path());
    app.discord.connected(1).await;
    let told = async || !app.discord.dms(&alice).is_empty();
    until("a direct message", told).await;
    assert_says(&app.discord.dms(&alice)[0], &["nu mai poate fi citită"]);
    let add = [("names", "Ana"), ("points", "1")];
    let saved = async || acting.slash("punctaj add", add).await.has_button("Undo");
    until("it holds nobody up", saved).await;
    assert_eq!(bot.terminate().await, Some(0));
    let edits = Edits::open(data.path()).unwrap();
    assert_eq!((edits.depth(), edits.aside().await.unwrap()), (0, 1));
    app.finish().await;
}
