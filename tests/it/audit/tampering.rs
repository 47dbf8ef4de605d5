//! Somebody with all rights on the database changes the history or what it tells of, with the
//! triggers off: verifying finds it and names it.

use punctaj::domain::ids::{GuildId, Seq};
use punctaj::domain::name::TableAddress;
use punctaj::service::verify::{Problem, Progress, VerifyReport};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::watch;

use crate::support::db::{Interactions, TestDb};

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

#[tokio::test]
async fn each_way_of_tampering_is_found_and_named() {
    let of = |what: &str, name: &str, field: &str| Problem::WrongState {
        what: what.to_owned(),
        name: name.to_owned(),
        field: field.to_owned(),
    };
    let ana = || "Ana".to_owned();
    let cases = [
        // A field of an event.
        (
            "update punctaj.events set reason = 'altul' where seq = 5",
            Problem::WrongHash(Seq(5)),
        ),
        (
            "update punctaj.events set changes = jsonb_set(changes, '{0,after}', '900') where seq = 4",
            Problem::WrongHash(Seq(4)),
        ),
        // An event that is gone.
        (
            "delete from punctaj.events where seq = 5",
            Problem::Missing(Seq(5)),
        ),
        // The tail.
        (
            "delete from punctaj.events where seq >= 7",
            Problem::WrongHead { head: Seq(8) },
        ),
        // Two in the place of each other.
        (
            "update punctaj.events set seq = 99 where seq = 5; update punctaj.events set seq = 5 where seq = 6;
             update punctaj.events set seq = 6 where seq = 99",
            Problem::BrokenChain(Seq(5)),
        ),
        // One more, at the end.
        (
            "insert into punctaj.events select (e).* from (select jsonb_populate_record(e, jsonb_build_object(
                'seq', 9, 'op_id', '9', 'prev_hash', e.hash)) e from punctaj.events e where seq = 8) x",
            Problem::WrongHash(Seq(9)),
        ),
        // Points, past all history.
        (
            "update punctaj.entries set points = points + 100 where name = 'Ana'",
            of("entry", "Ana", "points"),
        ),
        // Points and the ledger of them.
        (
            "update punctaj.ledger set delta = delta + 100 where seq = 6 and entry_id =
                (select entry_id from punctaj.entries where name = 'Ana')",
            Problem::WrongLedger {
                seq: Seq(6),
                name: ana(),
            },
        ),
        (
            "delete from punctaj.ledger where seq = 6 and entry_id =
                (select entry_id from punctaj.entries where name = 'Ana')",
            Problem::WrongLedger {
                seq: Seq(6),
                name: ana(),
            },
        ),
        (
            "insert into punctaj.ledger select guild_id, 60, entry_id, at, op_id, 5 from punctaj.ledger where seq = 6",
            Problem::WrongLedger {
                seq: Seq(60),
                name: String::new(),
            },
        ),
        // As of another guild's: the sums show it.
        (
            "insert into punctaj.ledger select 7, 60, entry_id, at, op_id, 5 from punctaj.ledger
             where seq = 6 and entry_id = (select entry_id from punctaj.entries where name = 'Ana')",
            Problem::WrongSum { name: ana() },
        ),
        (
            "update punctaj.guilds set log_channel = 5",
            of("guild", "100", "log_channel"),
        ),
    ];
    for (statements, expected) in cases {
        let (db, pool) = history().await;
        assert_eq!(verified(&db).await.problem, None);
        tamper(&pool, statements).await;
        let mut problem = verified(&db).await.problem;
        if let Some(Problem::WrongLedger { seq: Seq(60), name }) = &mut problem {
            // An entry that no event of these names: its id.
            name.clear();
        }
        assert_eq!(problem, Some(expected), "{statements}");
    }
}

/// Whoever cuts the tail, the head and what the tail did to the tables leaves a history that
/// agrees with itself. A head that was posted elsewhere does not agree with it.
#[tokio::test]
async fn a_tail_that_is_cut_with_everything_shows_against_a_head_kept_elsewhere() {
    let (db, pool) = history().await;
    let posted = verified(&db).await;
    tamper(
        &pool,
        "delete from punctaj.ledger where seq = 8;
         delete from punctaj.event_names where seq = 8;
         update punctaj.entries e set points = (select sum(delta) from punctaj.ledger l where l.entry_id = e.entry_id);
         delete from punctaj.events where seq = 8;
         update punctaj.guilds set head_seq = 7, head_hash = (select hash from punctaj.events where seq = 7)",
    )
    .await;
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
