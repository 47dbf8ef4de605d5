//! The table as it was at any moment: as the ordinary view showed it then, from kept states or
//! without, through the command, its pages, and the clocks of the guild.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fake_discord::Device;
use punctaj::domain::ids::{Seq, UserId};
use punctaj::domain::moment::Moment;
use punctaj::domain::name::{Name, NameList, TableAddress};
use punctaj::domain::session::SessionLimits;
use punctaj::domain::table::Table;
use punctaj::service::entries::{Assignment, Deletion, NewValue};
use punctaj::service::entropy::Entropy;
use punctaj::service::past::SNAPSHOT_EVERY;
use punctaj::service::points::Award;
use punctaj::service::tables::RankOrder;
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::view::{TablePage, ViewOrder};
use punctaj::service::{PageRow, Request, ServiceError, Services, Sort};
use sqlx::{Executor as _, PgPool};

use crate::support::app::{TestApp, assert_hides, assert_says};
use crate::support::db::{Interactions, TestDb};
use crate::support::history::History;

const GUILD: i64 = 100;
const VIEWER: i64 = 50;
const TABLES: [&str; 2] = ["BlackWater/Politie", "Clan"];
const SORTS: [Sort; 3] = [Sort::Points, Sort::Name, Sort::Rank];

/// Few enough that keeping and reading states is the rule in a short history.
const EVERY: u32 = 7;

fn address(text: &str) -> TableAddress {
    TableAddress::parse(text).unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn order(table: &str, at: Option<DateTime<Utc>>) -> ViewOrder {
    ViewOrder {
        table: Some(address(table)),
        at: at.map(Moment::instant),
        ..ViewOrder::default()
    }
}

/// Services as another process has them, that keep a state every few events.
fn others(db: &TestDb) -> Services {
    let services = TestDb::services_on(db.url(), 3, 77, SessionLimits::default());
    services.with_snapshots_every(NonZeroU32::new(EVERY).unwrap())
}

/// What a page shows of a table.
#[derive(Debug, PartialEq)]
struct Seen {
    table: Table,
    rows: Vec<PageRow>,
    pages: u32,
    total: i64,
    points: i64,
}

impl From<TablePage> for Seen {
    fn from(page: TablePage) -> Self {
        Self {
            table: page.table,
            rows: page.rows,
            pages: page.pages,
            total: page.total,
            points: page.points,
        }
    }
}

/// What the ordinary view showed from a moment on, until another.
struct Recorded {
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    order: ViewOrder,
    seen: Seen,
}

/// A numbers' source of a test's own.
struct Dice(Entropy);

impl Dice {
    fn roll(&self, sides: usize) -> usize {
        let bytes = self.0.bytes();
        let number = u64::from_le_bytes(bytes[..8].try_into().unwrap());
        usize::try_from(number % u64::try_from(sides).unwrap()).unwrap()
    }

    fn one_of<T: Copy>(&self, all: &[T]) -> T {
        all[self.roll(all.len())]
    }

    fn names(&self, most: usize) -> NameList {
        let names: Vec<_> = (0..=self.roll(most))
            .map(|_| format!("Membru {}", self.roll(30)))
            .collect();
        NameList::parse(&names.join(", "), 50).unwrap()
    }
}

/// Does something; what is refused leaves nothing.
async fn do_something(
    services: &Services,
    dice: &Dice,
    request: &Request,
) -> Option<DateTime<Utc>> {
    let place = address(dice.one_of(&TABLES));
    let table = Some(place.clone());
    let names = dice.names(4).into_items();
    let who = names[0].clone();
    let points = i64::try_from(dice.roll(40)).unwrap() + 1;
    let award = Award {
        names: names.clone(),
        points,
        table: table.clone(),
        table_id: None,
        reason: None,
    };
    let rank = |number: usize| i32::try_from(number).unwrap() + 1;
    let set = |value| Assignment {
        who: who.clone(),
        value,
        table: table.clone(),
        table_id: None,
    };
    let done = match dice.roll(16) {
        0..=5 => services.add_points(request, award).await,
        6 | 7 => services.remove_points(request, award).await,
        8 => services.set(request, set(NewValue::Points(points))).await,
        9 => {
            let name = Name::parse(&format!("Membru {}", dice.roll(30))).unwrap();
            services.set(request, set(NewValue::Name(name))).await
        }
        10 => {
            let rank = (dice.roll(4) > 0).then(|| rank(dice.roll(3)).to_string());
            services.set(request, set(NewValue::Rank(rank))).await
        }
        11 => {
            let member = Some(UserId::from_db(points));
            services.set(request, set(NewValue::Member(member))).await
        }
        12 => {
            let deletion = Deletion {
                names: names.into_iter().take(2).collect(),
                table,
                table_id: None,
            };
            services.delete(request, deletion).await
        }
        13 => {
            let order = RankOrder {
                table: place,
                number: rank(dice.roll(3)),
                title: Name::parse(dice.one_of(&["Cadet", "Agent", "Șef"])).unwrap(),
                promote_at: Some(points),
                demote_below: None,
                role: None,
            };
            services.set_rank(request, order).await
        }
        _ => {
            let order = UndoOrder {
                event: None,
                force: Force::Always,
                whose: Whose::Own,
            };
            services.undo(request, order).await
        }
    };
    done.ok().map(|receipt| receipt.event.applied_at)
}

/// A random history, and what the ordinary view showed after each of its events.
async fn recorded(db: &TestDb, now: &Interactions, steps: usize) -> Vec<Recorded> {
    let dice = Dice(Entropy::seeded(20_261_122));
    for table in TABLES {
        // Somebody else's, so that nobody undoes it.
        let request = now.by(GUILD, 9);
        db.services
            .create_table(&request, address(table))
            .await
            .unwrap();
    }
    let mut recorded: Vec<Recorded> = Vec::new();
    for _ in 0..steps {
        let mut request = now.by(GUILD, 1 + i64::from(dice.roll(3) == 0));
        if dice.roll(6) == 0 {
            request.at -= TimeDelta::seconds(i64::try_from(dice.roll(20)).unwrap());
        }
        let Some(applied_at) = do_something(&db.services, &dice, &request).await else {
            continue;
        };
        for last in recorded.iter_mut().rev() {
            if last.until.is_some() {
                break;
            }
            last.until = Some(applied_at);
        }
        for table in TABLES {
            let order = ViewOrder {
                sort: dice.one_of(&SORTS),
                page: u32::from(dice.roll(3) == 0),
                ..order(table, None)
            };
            let page = db.services.view(&now.by(GUILD, VIEWER), &order).await;
            recorded.push(Recorded {
                from: applied_at,
                until: None,
                order,
                seen: page.unwrap().into(),
            });
        }
    }
    recorded
}

/// Every recorded page is shown again, from its first to its last moment; how many events were
/// read for each.
async fn check(services: &Services, now: &Interactions, recorded: &[Recorded]) -> Vec<i64> {
    let mut replayed = Vec::new();
    for record in recorded {
        let last = record.until.map(|until| until - TimeDelta::microseconds(1));
        for at in [Some(record.from), last].into_iter().flatten() {
            let order = ViewOrder {
                at: Some(Moment::instant(at)),
                ..record.order.clone()
            };
            let page = services.view(&now.by(GUILD, VIEWER), &order).await.unwrap();
            let as_of = page.as_of.clone().unwrap();
            assert_eq!((as_of.at, as_of.ahead), (at, false));
            replayed.push(as_of.replayed);
            assert_eq!(Seen::from(page), record.seen, "at {at}, {order:?}");
        }
    }
    replayed
}

async fn count(pool: &PgPool, table: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "select count(*) from punctaj.{table}"
    )))
    .fetch_one(pool)
    .await
    .unwrap()
}

/// Until a count of kept states has come that far: they are written beside the answers.
async fn eventually(pool: &PgPool, query: &'static str, wanted: i64) {
    let kept = async {
        while sqlx::query_scalar::<_, i64>(query)
            .fetch_one(pool)
            .await
            .unwrap()
            < wanted
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let kept = tokio::time::timeout(Duration::from_mins(1), kept).await;
    assert!(kept.is_ok(), "{query} does not come to {wanted}");
}

async fn wait_for_snapshots(pool: &PgPool, wanted: i64) {
    eventually(pool, "select count(*) from punctaj.snapshots", wanted).await;
}

#[tokio::test]
async fn each_moment_is_shown_as_the_ordinary_view_showed_it_then() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let recorded = recorded(&db, &now, 320).await;
    assert!(recorded.iter().any(|record| record.seen.pages > 1));
    let pool = db.superuser().await;
    let events = count(&pool, "events").await;
    assert!(events > 250, "{events} events");

    // From nothing: the usual distance is longer than this history.
    let replayed = check(&db.services, &now, &recorded[recorded.len() - 40..]).await;
    assert!(replayed.iter().all(|read| *read > 200), "{replayed:?}");
    assert_eq!(count(&pool, "snapshots").await, 0);

    // From kept states, which come to be meanwhile.
    let services = others(&db);
    check(&services, &now, &recorded).await;
    wait_for_snapshots(&pool, 10).await;
    let seqs: Vec<i64> = sqlx::query_scalar("select seq from punctaj.snapshots order by seq")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert!(
        seqs.iter().all(|seq| seq % i64::from(EVERY) == 0),
        "{seqs:?}"
    );
    assert!(seqs.len() <= 32, "only a few are kept: {seqs:?}");
    let replayed = check(&services, &now, &recorded).await;
    let few = replayed.iter().filter(|read| **read < 2 * i64::from(EVERY));
    assert!(few.count() > replayed.len() / 2, "{replayed:?}");
}

#[tokio::test]
async fn states_that_are_damaged_foreign_or_of_another_format_are_not_used() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let recorded = recorded(&db, &now, 60).await;
    let pool = db.superuser().await;
    let services = others(&db);
    for damage in [
        // Still readable, but not what was written.
        "update punctaj.snapshots set state = jsonb_set(state, '{entry}', '{}')",
        "update punctaj.snapshots set state = replace(state::text, 'Membru', 'Altul')::jsonb",
        "update punctaj.snapshots set state = '[1]'",
        "update punctaj.snapshots set state = '[1]', digest = encode(sha256(convert_to(hash || E'\\n[1]', 'UTF8')), 'hex')",
        "update punctaj.snapshots set digest = repeat('0', 64)",
        // Of another history, of which the events are not these.
        "update punctaj.snapshots set hash = repeat('a', 64), state = '{}'",
        "update punctaj.snapshots set seq = seq + 1",
        "update punctaj.snapshots set guild_id = 101",
        // Of another version of the bot.
        "update punctaj.snapshots set format = 2, state = '{}'",
    ] {
        check(&services, &now, &recorded).await;
        wait_for_snapshots(&pool, 3).await;
        pool.execute(damage).await.unwrap();
        // What is damaged is read around by services that write none.
        check(&db.services, &now, &recorded[recorded.len() - 10..]).await;
        let report = db.services.verify_guild(now.by(GUILD, 1).guild).await;
        assert_eq!(report.unwrap().problem, None, "{damage}");
    }
    // Damaged ones are replaced by the next that look.
    pool.execute("delete from punctaj.snapshots").await.unwrap();
    check(&services, &now, &recorded).await;
    wait_for_snapshots(&pool, 3).await;
    pool.execute("update punctaj.snapshots set digest = repeat('0', 64)")
        .await
        .unwrap();
    check(&services, &now, &recorded).await;
    let mended = "select count(*) from punctaj.snapshots where digest <> repeat('0', 64)";
    eventually(&pool, mended, 1).await;
}

#[tokio::test]
async fn a_history_that_does_not_fit_together_is_named_and_shown_up_to_there() {
    let db = TestDb::new().await;
    let (pool, now) = (db.superuser().await, Interactions::new());
    let mut history = History::new(GUILD.unsigned_abs());
    let start = utc("2024-06-01T10:00:00Z");
    let table = history.table(start, "Clan");
    for minute in 1..10 {
        let at = start + TimeDelta::minutes(minute);
        history.add(at, table, &[("Ana", 5)]);
    }
    history.write(&pool).await;
    // Seq 1 is the table; 6 is the fifth award.
    pool.execute(
        "alter table punctaj.events disable trigger user;
         update punctaj.events set changes = jsonb_set(changes, '{0,before}', '999') where seq = 6",
    )
    .await
    .unwrap();
    let view = async |minute| {
        let at = start + TimeDelta::minutes(minute);
        let order = order("Clan", Some(at));
        db.services.view(&now.by(GUILD, VIEWER), &order).await
    };
    assert_eq!(view(4).await.unwrap().points, 20);
    for minute in [5, 9] {
        let error = view(minute).await.unwrap_err();
        let named = matches!(error, ServiceError::HistoryBroken { event: Seq(6) });
        assert!(named, "{error:?}");
    }
    pool.execute("delete from punctaj.ledger; delete from punctaj.events where seq = 3")
        .await
        .unwrap_err();
    pool.execute(
        "alter table punctaj.ledger disable trigger user;
         delete from punctaj.events where seq = 3",
    )
    .await
    .unwrap();
    let error = view(4).await.unwrap_err();
    let named = matches!(error, ServiceError::HistoryBroken { event: Seq(3) });
    assert!(named, "{error:?}");
}

/// A few weeks of November in a guild in Bucharest, which is two hours ahead of UTC then.
async fn november(app: &TestApp) -> History {
    let mut history = History::new(app.guild.id());
    let clan = history.table(utc("2024-11-01T08:00:00Z"), "BlackWater/Clan");
    let other = history.table(utc("2024-11-02T08:00:00Z"), "Garda");
    history.add(
        utc("2024-11-02T09:00:00Z"),
        clan,
        &[("Ana", 10), ("Ștefan", 4)],
    );
    // 23:30 in Bucharest; half past midnight there, still the 10th in London.
    history.add(utc("2024-11-10T21:30:00Z"), clan, &[("Ana", 5)]);
    history.add(utc("2024-11-10T22:30:00Z"), clan, &[("Ana", 100)]);
    history.rename(utc("2024-11-12T12:00:00.250000Z"), clan, "Poliția");
    history.add(utc("2024-11-13T12:00:00Z"), other, &[("Mihai", 1)]);
    history.delete(utc("2024-11-14T12:00:00Z"), other);
    let pool = app.db.superuser().await;
    history.write(&pool).await;
    history
}

#[tokio::test]
async fn moments_are_read_on_the_guilds_clocks() {
    let app = TestApp::start().await;
    november(&app).await;
    let (alice, pc) = (app.member("alice"), Device::desktop("PC"));
    let view = async |at: &str| {
        let options = [
            ("table", "BlackWater/Poliția"),
            ("at", at),
            ("layout", "wide"),
        ];
        alice.on(&pc).slash("punctaj view", options).await
    };
    for (at, points, shown) in [
        // A day means its end, on the clocks of the guild.
        ("2024-11-10", "19 points", "1731275999"),
        ("2024-11-11", "119 points", "1731362399"),
        ("2024-11-10 23:29", "14 points", "1731274199"),
        ("2024-11-10 23:30", "19 points", "1731274259"),
        ("2024-11-10T22:29:59.999999Z", "19 points", "1731277799"),
        ("2024-11-10T22:30:00Z", "119 points", "1731277800"),
        ("2024-11-11T00:30:00+02:00", "119 points", "1731277800"),
        ("<t:1731277799>", "19 points", "1731277799"),
        ("<t:1731277800:R>", "119 points", "1731277800"),
    ] {
        let reply = view(at).await;
        let head = format!("**BlackWater/Clan** as of <t:{shown}:f> — 2 entries, {points}");
        assert_says(
            &reply,
            &[&head, "It is called BlackWater/Poliția now.", "Ștefan"],
        );
        assert!(reply.is_ephemeral());
    }
    // The second that is shown of the renaming has the renaming in it.
    let reply = view("<t:1731412800>").await;
    assert_says(&reply, &["**BlackWater/Poliția** as of <t:1731412800:f>"]);
    assert_hides(&reply, &["It is called"]);
    let reply = view("2024-11-12T12:00:00Z").await;
    assert_says(&reply, &["**BlackWater/Clan** as of"]);

    let now = view("1s").await;
    assert_says(&now, &["119 points", "as of <t:"]);
    assert_hides(&now, &["has not come yet"]);
    for ahead in ["9999-12-31", "<t:4102444800:f>"] {
        // The first digits are enough: they change once in a quarter of an hour.
        let digits = || format!("as of <t:{}", Utc::now().timestamp() / 1000);
        let before = digits();
        let reply = view(ahead).await;
        let now = [before, digits()];
        let now = now.iter().find(|now| reply.text().contains(*now));
        assert!(now.is_some(), "{}", reply.text());
        let note = "That moment has not come yet: this is the table as it stands now.";
        assert_says(&reply, &[note, "119 points"]);
    }
    for early in ["2024-10-31", "1970-01-01", "9999w"] {
        let reply = view(early).await;
        let told = "there was no table BlackWater/Poliția yet; it is there since <t:1730448000:f>";
        assert_says(&reply, &[told, "Nothing was changed."]);
    }
    for nonsense in ["ieri", "20.11.2026", "2026-02-30", "**x** <@1>"] {
        let reply = view(nonsense).await;
        assert_says(
            &reply,
            &[
                "is not a moment",
                "2026-11-20 21:15",
                "Nothing was changed.",
            ],
        );
        assert_eq!(reply.pings(), Vec::<String>::new());
    }
    app.finish().await;
}

#[tokio::test]
async fn tables_are_found_by_the_address_they_have_or_had() {
    let app = TestApp::start().await;
    november(&app).await;
    let (alice, phone) = (app.moderator("alice"), Device::phone("Telefon"));
    let view = async |table: &str, at: &str| {
        let options = [("table", table), ("at", at)];
        alice.on(&phone).slash("punctaj view", options).await
    };
    // By the address it had then, also by the bare name.
    for table in ["BlackWater/Clan", "clan", "Poliția", "BLACKWATER/poliția"] {
        let reply = view(table, "2024-11-10").await;
        assert_says(
            &reply,
            &[
                "**BlackWater/Clan** as of",
                "It is called BlackWater/Poliția now.",
            ],
        );
    }
    // An address that it did not have then, nor has now.
    assert_says(&view("Clan", "2024-11-13").await, &["no table", "Clan"]);

    // Deleted since; before and after.
    let reply = view("Garda", "2024-11-13").await;
    assert_says(
        &reply,
        &[
            "**Garda** as of",
            "1 entry, 1 point",
            "It was deleted since.",
        ],
    );
    let reply = view("Garda", "2024-11-14").await;
    assert_says(
        &reply,
        &["the table Garda was deleted. Choose another moment."],
    );
    let reply = view("Garda", "2024-11-01").await;
    assert_says(&reply, &["there was no table Garda yet; it is there since"]);
    // No entries then.
    let reply = view("Garda", "2024-11-02").await;
    assert_says(&reply, &["**Garda** as of", "It had no entries then."]);

    // A new table at the old address: today's where it was there, else the one that was.
    alice
        .on(&phone)
        .slash("punctaj-admin table create", [("table", "Garda")])
        .await;
    let reply = view("Garda", "2024-11-13").await;
    assert_says(
        &reply,
        &["**Garda** as of", "1 entry", "It was deleted since."],
    );
    let reply = view("Garda", "9999-01-01").await;
    assert_says(&reply, &["**Garda** as of", "no entries then"]);
    assert_hides(&reply, &["deleted"]);

    // Looking counts: the table is this session's last one now; a deleted one never is.
    view("Poliția", "2024-11-10").await;
    view("Garda", "2024-11-13").await;
    let reply = alice
        .on(&phone)
        .slash("punctaj view", [("at", "2024-11-10")])
        .await;
    assert_says(&reply, &["**BlackWater/Clan** as of"]);

    // Asked by menu, by somebody who has used none.
    let bob = app.member("bob");
    let menu = bob
        .on(&phone)
        .slash("punctaj view", [("at", "2024-11-10"), ("sort", "name")])
        .await;
    let choice = menu
        .menu("Choose a table")
        .into_iter()
        .find(|choice| choice.name == "BlackWater/Poliția")
        .expect("it is in the menu");
    let reply = bob
        .on(&phone)
        .select(&menu, "Choose a table", [choice.value.as_str()])
        .await;
    assert_says(&reply, &["**BlackWater/Clan** as of", "19 points"]);
    app.finish().await;
}

#[tokio::test]
async fn pages_of_the_past_stay_as_they_were_for_everyone_and_after_a_restart() {
    let mut app = TestApp::start().await;
    let mut history = History::new(app.guild.id());
    let table = history.table(utc("2024-11-01T08:00:00Z"), "Clan");
    let names: Vec<String> = (10..55).map(|number| format!("Membru {number}")).collect();
    for (second, name) in (0..).zip(&names) {
        let at = utc("2024-11-01T09:00:00Z") + TimeDelta::seconds(second);
        history.add(at, table, &[(name, 100 - second)]);
    }
    history.add(utc("2024-11-03T09:00:00Z"), table, &[("Ultimul", 500)]);
    history.write(&app.db.superuser().await).await;

    let (alice, bob) = (
        app.moderator("alice"),
        app.guild.member("bob").locale("ro").join(),
    );
    let (pc, phone) = (Device::desktop("PC"), Device::phone("Telefon"));
    let shared = alice
        .on(&pc)
        .slash(
            "punctaj view",
            [
                ("at", "2024-11-02"),
                ("share", "true"),
                ("layout", "wide"),
                ("sort", "name"),
            ],
        )
        .await;
    assert!(!shared.is_ephemeral());
    assert_says(
        &shared,
        &[
            "as of <t:1730584799:f> — 45 entries",
            "Membru 29",
            "Page 1 of 3",
        ],
    );
    assert_hides(&shared, &["Membru 30", "Ultimul"]);
    assert!(shared.custom_ids().iter().all(|id| id.len() <= 100));

    let second = bob.on(&phone).click(&shared, "Next").await;
    assert_says(
        &second,
        &[
            "45 de înregistrări",
            "<t:1730584799:f>",
            "Membru 30",
            "Pagina 2 din 3",
        ],
    );
    // What happens meanwhile is not of that moment.
    alice
        .on(&pc)
        .slash(
            "punctaj add",
            [("names", "Membru 50, Nou"), ("points", "7")],
        )
        .await;
    app.restart_bot().await;
    let third = alice.on(&pc).click(&second.latest(), "Înainte").await;
    assert_says(
        &third,
        &["Page 3 of 3", "Membru 54", "as of <t:1730584799:f>"],
    );
    assert_hides(&third, &["Nou", "Ultimul"]);
    assert_eq!(third.buttons(), ["Back"]);
    let back = bob.on(&phone).click(&third, "Back").await;
    assert_says(&back, &["Pagina 2 din 3", "Membru 30"]);

    // An ephemeral one, in the layout that the session remembers.
    let own = alice
        .on(&pc)
        .slash("punctaj view", [("at", "2024-11-02")])
        .await;
    assert_says(&own, &[" #  Name       Points"]);
    let page = alice.on(&pc).click(&own, "Next").await;
    assert_says(&page, &["Page 2 of 3", "as of <t:1730584799:f>"]);
    app.finish().await;
}

/// Fifty thousand events: one table of forty entries, an award a minute.
fn long_history(guild: u64, events: i64) -> History {
    let mut history = History::new(guild);
    let start = utc("2024-01-01T00:00:00Z");
    let table = history.table(start, "Clan");
    let names: Vec<String> = (1..=40).map(|number| format!("Membru {number}")).collect();
    for minute in 1..events {
        let at = start + TimeDelta::minutes(minute);
        let who = usize::try_from(minute % 40).unwrap();
        let mut points = vec![(names[who].as_str(), 1 + minute % 5)];
        if minute % 2 == 0 {
            points.push((names[(who + 7) % 40].as_str(), 2));
        }
        history.add(at, table, &points);
    }
    history
}

/// The points of all up to a minute, reckoned by the rule above and nothing else.
fn points_up_to(minute: i64) -> i64 {
    (1..=minute)
        .map(|minute| 1 + minute % 5 + if minute % 2 == 0 { 2 } else { 0 })
        .sum()
}

// A history that long is read without holding up the gateway and the stand-in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_thousand_events_are_answered_and_read_only_once() {
    let app = TestApp::start().await;
    let events = 50_000;
    let history = long_history(app.guild.id(), events);
    let pool = app.db.superuser().await;
    history.write(&pool).await;
    let (alice, pc) = (app.member("alice"), Device::desktop("PC"));
    let at = |minute| utc("2024-01-01T00:00:00Z") + TimeDelta::minutes(minute);
    let view = async |minute: i64| {
        let at = at(minute).to_rfc3339();
        let asked = std::time::Instant::now();
        let reply = alice
            .on(&pc)
            .slash("punctaj view", [("at", at.as_str())])
            .await;
        println!("minute {minute}: {:?}", asked.elapsed());
        let points = points_up_to(minute).to_string();
        let thousands = points.len().saturating_sub(3);
        let points = format!("{},{} points", &points[..thousands], &points[thousands..]);
        assert_says(&reply, &["40 entries", &points]);
        reply
    };
    let first = view(events - 1).await;
    let newest = "select count(*) from punctaj.snapshots where seq = 50000";
    eventually(&pool, newest, 1).await;
    let page = alice.on(&pc).click(&first, "Next").await;
    assert_says(&page, &["Page 2 of 2"]);
    view(events - 1).await;
    view(31_234).await;

    // How many are read now: none for the end, a part for the rest.
    let kept: Vec<i64> = sqlx::query_scalar("select seq from punctaj.snapshots order by seq")
        .fetch_all(&pool)
        .await
        .unwrap();
    let request = Request {
        guild: punctaj::domain::ids::GuildId::try_from(app.guild.id()).unwrap(),
        ..Interactions::new().by(GUILD, VIEWER)
    };
    for minute in [events - 1, 31_234, 7_000, 4] {
        let page = app
            .db
            .services
            .view(&request, &order("Clan", Some(at(minute))))
            .await
            .unwrap();
        // Others may be kept by now, so that it is even fewer.
        let nearest = kept.iter().rfind(|seq| **seq <= minute + 1);
        let replayed = page.as_of.unwrap().replayed;
        let since = minute + 1 - nearest.unwrap_or(&0);
        assert!(replayed <= since, "{minute}: {replayed} of {kept:?}");
        assert_eq!(page.points, points_up_to(minute));
    }
    assert!(kept.iter().all(|seq| seq % SNAPSHOT_EVERY == 0));
    app.finish().await;
}
