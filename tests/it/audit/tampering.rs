//! Somebody with all rights on the database changes the history or what it tells of, with the
//! triggers off: verifying finds it and names it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use fake_discord::{Channel, Device, Member, Reply};
use punctaj::domain::access::Right;
use punctaj::domain::event::Action;
use punctaj::domain::ids::{GuildId, Seq};
use punctaj::domain::name::TableAddress;
use punctaj::service::verify::{Problem, Progress, Thing, VerifyReport};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::watch;

use crate::support::app::{TestApp, assert_hides, assert_says};
use crate::support::db::{Interactions, TestDb};
use crate::support::history::History;

use super::filters::award;

const GUILD: i64 = 100;

/// A table, and points for Ana and Ion: events 1 to 8.
async fn history() -> (TestDb, PgPool) {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let clan = TableAddress::parse("Clan").unwrap();
    db.services
        .create_table(&now.by(GUILD, 1), clan)
        .await
        .unwrap();
    for points in 1..=6 {
        db.services
            .add_points(&now.by(GUILD, 1), award("Clan", "Ana, Ion", points))
            .await
            .unwrap();
    }
    let pool = db.superuser().await;
    (db, pool)
}

async fn tamper(pool: &PgPool, statements: &str) {
    let mut tx = pool.begin().await.unwrap();
    let off = "set local session_replication_role = replica";
    sqlx::query(off).execute(&mut *tx).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn verified(db: &TestDb) -> VerifyReport {
    let guild = GuildId::from_db(GUILD);
    db.services.verify_guild(guild).await.unwrap()
}

/// Something in the table that all is in.
fn in_clan(name: &str) -> Thing {
    Thing {
        table: Some("Clan".to_owned()),
        name: name.to_owned(),
    }
}

/// Something that is in no table.
fn alone(name: &str) -> Thing {
    Thing {
        table: None,
        name: name.to_owned(),
    }
}

/// A way to tamper with [`history`], what is found then, and what a moderator reads of it.
struct Case {
    statements: &'static str,
    found: Problem,
    told: &'static [&'static str],
}

fn event_cases() -> Vec<Case> {
    let case = |statements, found, told| Case {
        statements,
        found,
        told,
    };
    let unreadable = &["Event #5", "can't be read"];
    vec![
        case(
            "update punctaj.events set reason = 'altul' where seq = 5",
            Problem::WrongHash(Seq(5)),
            &["event #5", "no longer matches its hash"],
        ),
        case(
            "update punctaj.events set changes = jsonb_set(changes, '{0,after}', '900') where seq = 4",
            Problem::WrongHash(Seq(4)),
            &["event #4", "no longer matches its hash"],
        ),
        // What no event of ours can be.
        case(
            "update punctaj.events set action = 'points.steal' where seq = 5",
            Problem::Unreadable(Seq(5)),
            unreadable,
        ),
        case(
            "update punctaj.events set changes = '[{}]' where seq = 5",
            Problem::Unreadable(Seq(5)),
            unreadable,
        ),
        case(
            "update punctaj.events set changes = jsonb_set(changes, '{0,delta}', '1.5') where seq = 5",
            Problem::Unreadable(Seq(5)),
            unreadable,
        ),
        case(
            "update punctaj.events set overwrote = '5' where seq = 5",
            Problem::Unreadable(Seq(5)),
            unreadable,
        ),
        case(
            "update punctaj.events set changes = jsonb_set(changes, '{0,note}', '\"x\"') where seq = 5",
            Problem::Unreadable(Seq(5)),
            unreadable,
        ),
        case(
            "alter table punctaj.events drop constraint if exists events_time_finite;
             update punctaj.events set at = 'infinity' where seq = 5",
            Problem::Unreadable(Seq(5)),
            unreadable,
        ),
        case(
            "delete from punctaj.events where seq = 5",
            Problem::Missing(Seq(5)),
            &["Event #5 is missing"],
        ),
        // The tail, with the guild's row as it was, and with another one.
        case(
            "delete from punctaj.events where seq >= 7",
            Problem::Missing(Seq(7)),
            &["Event #7 is missing"],
        ),
        case(
            "update punctaj.guilds set head_seq = 7, head_hash = (select hash from punctaj.events where seq = 7)",
            Problem::WrongHead { head: Seq(7) },
            &["should be #7"],
        ),
        // Two in the place of each other.
        case(
            "update punctaj.events set seq = 99 where seq = 5; update punctaj.events set seq = 5 where seq = 6;
             update punctaj.events set seq = 6 where seq = 99",
            Problem::BrokenChain(Seq(5)),
            &["event #5", "does not continue"],
        ),
        // One more: at the end, in the middle, before the first.
        case(
            "insert into punctaj.events select (e).* from (select jsonb_populate_record(e, jsonb_build_object(
                'seq', 9, 'op_id', '9', 'prev_hash', e.hash)) e from punctaj.events e where seq = 8) x",
            Problem::WrongHash(Seq(9)),
            &["event #9", "no longer matches its hash"],
        ),
        case(
            "alter table punctaj.events drop constraint if exists events_seq_positive;
             update punctaj.events set seq = -seq - 1 where seq >= 5; update punctaj.events set seq = -seq where seq < 0;
             insert into punctaj.events select (e).* from (select jsonb_populate_record(e, jsonb_build_object(
                'seq', 5, 'op_id', '9')) e from punctaj.events e where seq = 6) x;
             update punctaj.guilds set head_seq = 9",
            Problem::WrongHash(Seq(5)),
            &["event #5", "no longer matches its hash"],
        ),
        case(
            "alter table punctaj.events drop constraint if exists events_seq_positive;
             insert into punctaj.events select (e).* from (select jsonb_populate_record(e, jsonb_build_object(
                'seq', 0, 'op_id', '9')) e from punctaj.events e where seq = 8) x",
            Problem::BeforeFirst(Seq(0)),
            &["event #0", "somebody put it in"],
        ),
        case(
            "alter table punctaj.events drop constraint if exists events_seq_positive;
             insert into punctaj.events select (e).* from (select jsonb_populate_record(e, jsonb_build_object(
                'seq', -7, 'op_id', '9', 'action', 'points.steal')) e from punctaj.events e where seq = 8) x",
            Problem::BeforeFirst(Seq(-7)),
            &["event #-7", "somebody put it in"],
        ),
    ]
}

fn ledger_cases() -> Vec<Case> {
    let wrong = |seq: i64| Problem::WrongLedger {
        seq: Seq(seq),
        entry: in_clan("Ana"),
    };
    let case = |statements, found, told| Case {
        statements,
        found,
        told,
    };
    vec![
        case(
            "update punctaj.ledger l set delta = delta + 100 from punctaj.entries e
             where seq = 6 and e.entry_id = l.entry_id and name = 'Ana'",
            wrong(6),
            &["ledger", "event #6", "**Ana** in Clan"],
        ),
        case(
            "delete from punctaj.ledger l using punctaj.entries e
             where seq = 6 and e.entry_id = l.entry_id and name = 'Ana'",
            wrong(6),
            &["ledger", "event #6", "**Ana** in Clan"],
        ),
        // A time that no event has.
        case(
            "alter table punctaj.ledger drop constraint if exists ledger_time_finite;
             update punctaj.ledger l set at = 'infinity' from punctaj.entries e
             where seq = 6 and e.entry_id = l.entry_id and name = 'Ana'",
            wrong(6),
            &["ledger", "event #6", "**Ana** in Clan"],
        ),
        // One more: after the last event, before the first, as of another guild's (the sums show it).
        case(
            "insert into punctaj.ledger select l.guild_id, 60, entry_id, at, op_id, 5
             from punctaj.ledger l join punctaj.entries using (entry_id) where seq = 6 and name = 'Ana'",
            wrong(60),
            &["ledger", "event #60", "**Ana** in Clan"],
        ),
        case(
            "alter table punctaj.ledger drop constraint if exists ledger_seq_positive;
             insert into punctaj.ledger select l.guild_id, -1, entry_id, at, op_id, 5
             from punctaj.ledger l join punctaj.entries using (entry_id) where seq = 6 and name = 'Ana'",
            wrong(-1),
            &["ledger", "event #-1", "**Ana** in Clan"],
        ),
        case(
            "insert into punctaj.ledger select 7, 60, entry_id, at, op_id, 5
             from punctaj.ledger l join punctaj.entries using (entry_id) where seq = 6 and name = 'Ana'",
            Problem::WrongSum {
                entry: in_clan("Ana"),
            },
            &["**Ana** in Clan", "not the sum"],
        ),
        // Of several, the first.
        case(
            "update punctaj.events set reason = 'altul' where seq = 6;
             delete from punctaj.ledger l using punctaj.entries e
             where seq = 4 and e.entry_id = l.entry_id and name = 'Ana'",
            wrong(4),
            &["ledger", "event #4", "**Ana** in Clan"],
        ),
        case(
            "update punctaj.events set reason = 'altul' where seq = 4;
             delete from punctaj.ledger l using punctaj.entries e
             where seq = 6 and e.entry_id = l.entry_id and name = 'Ana'",
            Problem::WrongHash(Seq(4)),
            &["event #4", "no longer matches its hash"],
        ),
    ]
}

fn state_cases() -> Vec<Case> {
    let wrong = |what: &str, thing: Thing, field: &str| Problem::WrongState {
        what: what.to_owned(),
        thing,
        field: field.to_owned(),
    };
    let case = |statements, found, told| Case {
        statements,
        found,
        told,
    };
    vec![
        case(
            "update punctaj.entries set points = points + 100 where name = 'Ana'",
            wrong("entry", in_clan("Ana"), "points"),
            &["points", "the entry **Ana** in Clan"],
        ),
        case(
            "delete from punctaj.entries where name = 'Ana'",
            wrong("entry", in_clan("Ana"), "name"),
            &["name", "the entry **Ana** in Clan"],
        ),
        case(
            "insert into punctaj.ranks (table_id, number, title) select table_id, 3, 'Sergent' from punctaj.tables",
            wrong("rank", in_clan("Sergent"), "title"),
            &["the rank **Sergent** in Clan"],
        ),
        case(
            "insert into punctaj.fields (table_id, number, name, name_key, kind)
             select table_id, 1, 'Grupa', 'grupa', 'text' from punctaj.tables",
            wrong("field", in_clan("Grupa"), "kind"),
            &["the field **Grupa** in Clan"],
        ),
        case(
            "update punctaj.tables set floor = -5",
            wrong("table", alone("Clan"), "floor"),
            &["the table **Clan**"],
        ),
        // Of several, the first in a fixed order, whichever row comes first.
        case(
            "update punctaj.tables set floor = -5; update punctaj.guilds set log_channel = 5;
             update punctaj.entries set points = points + 100 where name = 'Ion'",
            wrong("entry", in_clan("Ion"), "points"),
            &["points", "the entry **Ion** in Clan"],
        ),
    ]
}

fn cases() -> impl Iterator<Item = Case> {
    let events = event_cases().into_iter();
    events.chain(ledger_cases()).chain(state_cases())
}

#[tokio::test]
async fn each_way_of_tampering_is_found_and_named() {
    for case in cases() {
        let (db, pool) = history().await;
        assert_eq!(verified(&db).await.problem, None);
        tamper(&pool, case.statements).await;
        let problem = verified(&db).await.problem;
        assert_eq!(problem, Some(case.found), "{}", case.statements);
    }
    let (db, pool) = history().await;
    tamper(&pool, "update punctaj.guilds set log_channel = 5").await;
    let found = Problem::WrongState {
        what: "guild".to_owned(),
        thing: alone("100"),
        field: "log_channel".to_owned(),
    };
    assert_eq!(verified(&db).await.problem, Some(found));
}

#[tokio::test]
async fn nothing_can_be_put_before_the_first_event_or_beyond_time() {
    let (_db, pool) = history().await;
    for (statement, constraint) in [
        (
            "update punctaj.events set seq = 0 where seq = 8",
            "events_seq_positive",
        ),
        (
            "update punctaj.events set applied_at = 'infinity' where seq = 8",
            "events_time_finite",
        ),
        (
            "update punctaj.ledger set seq = 0 where seq = 8",
            "ledger_seq_positive",
        ),
        (
            "update punctaj.ledger set at = '-infinity' where seq = 8",
            "ledger_time_finite",
        ),
    ] {
        let mut tx = pool.begin().await.unwrap();
        let off = "set local session_replication_role = replica";
        sqlx::query(off).execute(&mut *tx).await.unwrap();
        let refused = sqlx::query(statement).execute(&mut *tx).await.unwrap_err();
        let refused = refused.into_database_error().unwrap();
        assert_eq!(refused.constraint(), Some(constraint));
    }
}

/// The tables that are tampered with.
const TABLES: [&str; 7] = [
    "events", "ledger", "entries", "ranks", "fields", "tables", "guilds",
];

async fn slash(who: &Member, command: &str, options: &[(&str, &str)]) -> Reply {
    let phone = Device::phone("Telefon");
    who.on(&phone).slash(command, options.iter().copied()).await
}

/// The same as [`history`], by commands.
async fn history_by_commands() -> (TestApp, Member, PgPool) {
    let app = TestApp::start().await;
    let alice = app.moderator("alice");
    slash(&alice, "punctaj-admin table create", &[("table", "Clan")]).await;
    for points in ["1", "2", "3", "4", "5", "6"] {
        let options = [("names", "Ana, Ion"), ("points", points)];
        slash(&alice, "punctaj add", &options).await;
    }
    let pool = app.db.superuser().await;
    (app, alice, pool)
}

fn of_each(statements: &str) -> String {
    let of = |table: &&str| statements.replace("{}", table);
    TABLES.iter().map(of).collect()
}

/// Keeps everything as it is now.
async fn keep(pool: &PgPool) {
    let tables = of_each("create table kept.{} as table punctaj.{};");
    tamper(pool, &format!("create schema kept; {tables}")).await;
}

/// Everything as it was kept.
async fn mend(pool: &PgPool) {
    let tables = of_each("delete from punctaj.{}; insert into punctaj.{} select * from kept.{};");
    tamper(pool, &tables).await;
}

#[tokio::test]
async fn a_moderator_reads_what_was_tampered_with() {
    let (app, alice, pool) = history_by_commands().await;
    keep(&pool).await;
    for case in cases() {
        tamper(&pool, case.statements).await;
        let told = slash(&alice, "punctaj-audit verify", &[]).await;
        assert_says(&told, &["The history is not intact"]);
        assert_says(&told, case.told);
        mend(&pool).await;
        let told = slash(&alice, "punctaj-audit verify", &[]).await;
        assert_says(&told, &["The history is intact", "All 8 events"]);
    }
    app.finish().await;
}

#[tokio::test]
async fn an_event_that_can_not_be_read_hides_no_other() {
    let (app, alice, pool) = history_by_commands().await;
    keep(&pool).await;
    tamper(
        &pool,
        "update punctaj.events set action = 'points.steal' where seq = 5",
    )
    .await;
    let list = slash(&alice, "punctaj-audit search", &[]).await;
    assert_says(&list, &["**#8**", "**#5** can't be read", "**#1**"]);
    let places: Vec<_> = ["**#6**", "**#5**", "**#4**"]
        .iter()
        .map(|line| list.text().find(line).unwrap())
        .collect();
    assert!(places.is_sorted(), "{}", list.text());
    let shown = slash(&alice, "punctaj-audit show", &[("event", "5")]).await;
    assert_says(&shown, &["Event #5 can't be read", "Nothing was changed."]);
    let shown = slash(&alice, "punctaj-audit show", &[("event", "6")]).await;
    assert_says(&shown, &["#6", "points.add"]);
    let export = slash(&alice, "punctaj-audit export", &[("format", "jsonl")]).await;
    assert_says(&export, &["7 events", "One event can't be read", "#5"]);
    let (_, bytes) = export.files().remove(0);
    assert_eq!(String::from_utf8(bytes).unwrap().lines().count(), 7);

    // A page on which nothing can be read.
    tamper(&pool, "update punctaj.events set overwrote = '5'").await;
    let list = slash(&alice, "punctaj-audit search", &[]).await;
    assert_says(&list, &["**#8** can't be read", "**#1** can't be read"]);
    mend(&pool).await;
    app.finish().await;
}

/// What the last head in the channel is: number and hash.
async fn posted_head(log: &Channel, seq: i64) -> String {
    let begins = format!("#{seq}**: `");
    for _ in 0..300 {
        for message in log.messages() {
            if let Some((_, rest)) = message.content().split_once(&begins) {
                return rest[..64].to_owned();
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    unreachable!("no head #{seq}: {:#?}", log.messages());
}

#[tokio::test]
async fn a_history_that_was_cut_and_mended_does_not_agree_with_the_head_that_was_posted() {
    let (app, alice, pool) = history_by_commands().await;
    let log = app.guild.channel("log");
    let mention = log.mention();
    let options = [("channel", mention.as_str())];
    slash(&alice, "punctaj-admin settings log-channel", &options).await;
    posted_head(&log, 9).await;
    let options = [("names", "Ana"), ("points", "7")];
    slash(&alice, "punctaj add", &options).await;
    let yesterday = "update punctaj.guilds set head_posted_on = head_posted_on - 1";
    sqlx::query(yesterday).execute(&pool).await.unwrap();
    let posted = posted_head(&log, 10).await;
    let verified = slash(&alice, "punctaj-audit verify", &[]).await;
    assert_says(&verified, &["The history is intact", "#10", &posted]);
    tamper(&pool, &cut(10)).await;
    let verified = slash(&alice, "punctaj-audit verify", &[]).await;
    assert_says(&verified, &["The history is intact", "log channel", "#9"]);
    assert_hides(&verified, &[&posted]);
    let shown = slash(&alice, "punctaj-audit show", &[("event", "10")]).await;
    assert_says(&shown, &["no event #10"]);
    // Nor is it that one when another comes in its place.
    slash(&alice, "punctaj add", &options).await;
    let shown = slash(&alice, "punctaj-audit show", &[("event", "10")]).await;
    assert_says(&shown, &["#10", "points.add"]);
    assert_hides(&shown, &[&posted]);
    app.finish().await;
}

/// Cuts the last event off, and mends all that would tell.
fn cut(last: i64) -> String {
    let before = last - 1;
    format!(
        "delete from punctaj.ledger where seq = {last};
         delete from punctaj.event_names where seq = {last};
         update punctaj.entries e set points = (select sum(delta) from punctaj.ledger l where l.entry_id = e.entry_id);
         delete from punctaj.events where seq = {last};
         update punctaj.guilds set head_seq = {before},
             head_hash = (select hash from punctaj.events where seq = {before})"
    )
}

/// Whoever cuts the tail, the head and what the tail did to the tables leaves a history that
/// agrees with itself. A head that was posted elsewhere does not agree with it.
#[tokio::test]
async fn a_tail_that_is_cut_with_everything_shows_against_a_head_kept_elsewhere() {
    let (db, pool) = history().await;
    let posted = verified(&db).await;
    tamper(&pool, &cut(8)).await;
    let report = verified(&db).await;
    assert_eq!(report.problem, None, "it agrees with itself");
    assert_eq!((posted.head_seq, report.head_seq), (Seq(8), Seq(7)));
    let moderator = crate::support::db::request(GUILD, 1, 1_000_000_000_000, 0);
    let shown = db.services.event(&moderator, posted.head_seq).await;
    assert!(shown.is_err(), "the event of the posted head is not there");
    // Nor is it when others come in its place.
    db.services
        .add_points(&moderator, award("Clan", "Ana", 1))
        .await
        .unwrap();
    let later = crate::support::db::request(GUILD, 1, 1_000_000_000_001, 0);
    let shown = db.services.event(&later, posted.head_seq).await.unwrap();
    assert_eq!(shown.event.hash, verified(&db).await.head_hash);
    assert_ne!(shown.event.hash, posted.head_hash);
}

#[tokio::test]
async fn verifying_tells_how_far_it_is() {
    let (db, _) = history().await;
    let (progress, told) = watch::channel(Progress::default());
    let guild = GuildId::from_db(GUILD);
    let report = db.services.verify_guild_telling(guild, &progress).await;
    assert_eq!(report.unwrap().problem, None);
    assert_eq!(*told.borrow(), Progress { events: 8, of: 8 });
}

/// More events than are read at once, of every kind.
fn long_history() -> History {
    let mut history = History::new(GUILD.unsigned_abs());
    let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let table = history.table(start, "Clan");
    for minute in 1..1200 {
        let at = start + TimeDelta::minutes(minute);
        let newest = history.events.last().unwrap().seq;
        match minute % 100 {
            1 => drop(history.login(at, "PC Birou")),
            20 | 21 => history.undo(at, newest),
            40 => history.set(at, table, "Ana", 7, newest),
            41 => history.late(at, at - TimeDelta::hours(1), table, "Ana"),
            60 => history.refuse(at, Action::EntryDelete, Right::EntryDelete),
            _ => history.add(at, table, &[("Ana", 3), ("Ion", 2)]),
        }
    }
    history
}

#[tokio::test]
async fn the_first_of_several_problems_is_told_wherever_the_batches_end() {
    let db = TestDb::new().await;
    let pool = db.superuser().await;
    let history = long_history();
    history.write(&pool).await;
    let report = verified(&db).await;
    assert_eq!((report.problem, report.events), (None, 1200));
    keep(&pool).await;
    let ledger = |seq: i64| {
        format!(
            "delete from punctaj.ledger l using punctaj.entries e
             where seq = {seq} and e.entry_id = l.entry_id and name = 'Ana';"
        )
    };
    let event =
        |seq: i64| format!("update punctaj.events set changes = '[{{}}]' where seq = {seq};");
    for (one, other) in [
        (499, 500),
        (500, 501),
        (999, 1001),
        (30, 1190),
        (1001, 1003),
    ] {
        for (first, second) in [(ledger(one), event(other)), (event(one), ledger(other))] {
            tamper(&pool, &format!("{second} {first}")).await;
            let expected = if first == event(one) {
                Problem::Unreadable(Seq(one))
            } else {
                Problem::WrongLedger {
                    seq: Seq(one),
                    entry: in_clan("Ana"),
                }
            };
            assert_eq!(verified(&db).await.problem, Some(expected), "{first}");
            mend(&pool).await;
        }
    }
    assert_eq!(verified(&db).await.problem, None);
}
