//! The event core through the services: what an operation writes, and what it refuses.

use chrono::TimeDelta;
use punctaj::domain::access::Right;
use punctaj::domain::access::Standing;
use punctaj::domain::event::Outcome;
use punctaj::domain::ids::{GuildId, Seq, UserId};
use punctaj::domain::name::{Name, NameList, TableAddress};
use punctaj::domain::session::SessionLimits;
use punctaj::service::entries::{Assignment, Deletion, NewValue};
use punctaj::service::error::ConflictKind;
use punctaj::service::points::Award;
use punctaj::service::sessions::Which;
use punctaj::service::tables::RankOrder;
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::view::ViewOrder;
use punctaj::service::{Receipt, Request, ServiceError, Services};

use punctaj::store::StoreOptions;

use crate::support::db::{Interactions, TestDb, request};

const GUILD: i64 = 100;
const ANA: i64 = 1;
const ION: i64 = 2;

fn award(names: &str, points: i64) -> Award {
    let names = NameList::parse(names, 50).unwrap().into_items();
    Award {
        names,
        points,
        table: None,
        table_id: None,
        reason: None,
    }
}

fn assignment(name: &str, value: NewValue) -> Assignment {
    let who = NameList::parse(name, 1).unwrap().into_items().remove(0);
    Assignment {
        who,
        value,
        table: None,
        table_id: None,
    }
}

fn deletion(names: &str) -> Deletion {
    Deletion {
        names: NameList::parse(names, 50).unwrap().into_items(),
        table: None,
        table_id: None,
    }
}

const fn undo(event: Option<Seq>) -> UndoOrder {
    UndoOrder {
        event,
        force: Force::Ask,
        whose: Whose::Own,
    }
}

async fn with_table(db: &TestDb, interactions: &Interactions) -> Receipt {
    let address = TableAddress::parse("BlackWater/Politie").unwrap();
    db.services
        .create_table(&interactions.by(GUILD, ANA), address)
        .await
        .unwrap()
}

/// What everyone sees: `name=points` in the order of points.
async fn seen(services: &Services, request: &Request) -> String {
    let page = services.view(request, &ViewOrder::default()).await.unwrap();
    page.rows
        .iter()
        .map(|row| format!("{}={}", row.name, row.points))
        .collect::<Vec<_>>()
        .join(" ")
}

async fn assert_verifies(services: &Services, request: &Request) {
    let report = services.verify(request).await.unwrap();
    assert_eq!(report.problem, None);
}

#[tokio::test]
async fn a_table_is_filled_and_the_history_verifies() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let created = with_table(&db, &now).await;
    assert_eq!(
        created.event.seq,
        Seq(2),
        "the session that opened is event 1"
    );
    let receipt = db
        .services
        .add_points(&now.by(GUILD, ANA), award("Ana, Ion", 5))
        .await
        .unwrap();
    assert_eq!(receipt.table.as_deref(), Some("BlackWater/Politie"));
    db.services
        .add_points(&now.by(GUILD, ION), award("ana", 3))
        .await
        .unwrap();
    db.services
        .remove_points(&now.by(GUILD, ION), award("Ion", 7))
        .await
        .unwrap();
    assert_eq!(seen(&db.services, &now.by(GUILD, ION)).await, "Ana=8 Ion=0");
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn the_same_interaction_twice_is_one_event_with_one_answer() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    let again = now.by(GUILD, ANA);
    let first = db
        .services
        .add_points(&again, award("Ana", 5))
        .await
        .unwrap();
    let second = db
        .services
        .add_points(&again, award("Ana", 5))
        .await
        .unwrap();
    assert_eq!(first.event, second.event);
    assert_eq!((first.repeated, second.repeated), (false, true));
    assert_eq!(first.table, second.table);
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana=5");
}

#[tokio::test]
async fn unknown_names_come_with_near_ones_and_change_nothing() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Andrei Popescu", 5))
        .await
        .unwrap();
    let error = db
        .services
        .remove_points(&now.by(GUILD, ANA), award("Andrei Popesc", 1))
        .await
        .unwrap_err();
    let ServiceError::UnknownNames { names, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(names[0].near, ["Andrei Popescu"]);
    assert_eq!(
        seen(&db.services, &now.by(GUILD, ANA)).await,
        "Andrei Popescu=5"
    );
}

#[tokio::test]
async fn undo_walks_backwards_and_can_be_undone() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana, Ion", 5))
        .await
        .unwrap();
    db.services
        .set(&now.by(GUILD, ANA), assignment("Ana", NewValue::Points(40)))
        .await
        .unwrap();
    db.services
        .delete(&now.by(GUILD, ANA), deletion("Ion"))
        .await
        .unwrap();
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana=40");
    db.services
        .undo(&now.by(GUILD, ANA), undo(None))
        .await
        .unwrap();
    assert_eq!(
        seen(&db.services, &now.by(GUILD, ANA)).await,
        "Ana=40 Ion=5"
    );
    let unset = db
        .services
        .undo(&now.by(GUILD, ANA), undo(None))
        .await
        .unwrap();
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana=5 Ion=5");
    db.services
        .undo(&now.by(GUILD, ANA), undo(None))
        .await
        .unwrap();
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "");
    db.services
        .undo(&now.by(GUILD, ANA), undo(Some(unset.event.seq)))
        .await
        .unwrap_err();
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn an_undo_of_an_undo_brings_entries_back_with_their_points() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    let added = db
        .services
        .add_points(&now.by(GUILD, ANA), award("Ana", 5))
        .await
        .unwrap();
    let undone = db
        .services
        .undo(&now.by(GUILD, ANA), undo(Some(added.event.seq)))
        .await
        .unwrap();
    let twice = db
        .services
        .undo(&now.by(GUILD, ANA), undo(Some(added.event.seq)))
        .await
        .unwrap_err();
    assert!(
        matches!(twice, ServiceError::AlreadyUndone { by, .. } if by == undone.event.seq),
        "{twice}"
    );
    db.services
        .undo(&now.by(GUILD, ANA), undo(Some(undone.event.seq)))
        .await
        .unwrap();
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana=5");
    db.services
        .undo(&now.by(GUILD, ANA), undo(Some(added.event.seq)))
        .await
        .unwrap();
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "");
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn undo_asks_when_others_changed_a_field_since() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana", 5))
        .await
        .unwrap();
    let name = |name| NewValue::Name(Name::parse(name).unwrap());
    let mine = db
        .services
        .set(&now.by(GUILD, ANA), assignment("Ana", name("Anca")))
        .await
        .unwrap();
    let other = db
        .services
        .set(&now.by(GUILD, ION), assignment("Anca", name("Ancuța")))
        .await
        .unwrap();
    let error = db
        .services
        .undo(&now.by(GUILD, ANA), undo(Some(mine.event.seq)))
        .await
        .unwrap_err();
    let ServiceError::ChangedSince { conflicts, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(conflicts[0].by.as_ref().unwrap().seq, other.event.seq);
    assert_eq!(
        (conflicts[0].now.as_str(), conflicts[0].back.as_str()),
        (Some("Ancuța"), Some("Ana"))
    );
    let forced = UndoOrder {
        force: Force::Always,
        ..undo(Some(mine.event.seq))
    };
    db.services.undo(&now.by(GUILD, ANA), forced).await.unwrap();
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana=5");
}

#[tokio::test]
async fn a_late_add_to_a_deleted_entry_does_not_resurrect_it() {
    let db = TestDb::new().await;
    let now = Interactions::new();
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana", 5))
        .await
        .unwrap();
    let late = now.by(GUILD, ION);
    db.services
        .delete(&now.by(GUILD, ANA), deletion("Ana"))
        .await
        .unwrap();
    let receipt = db
        .services
        .add_points(&late, award("Ana", 3))
        .await
        .unwrap();
    assert_eq!(receipt.event.outcome, Outcome::Superseded);
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "");
    db.services
        .add_points(&now.by(GUILD, ION), award("Ana", 2))
        .await
        .unwrap();
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana=2");
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn a_late_add_finds_the_entry_that_was_renamed_meanwhile() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana", 5))
        .await
        .unwrap();
    let late = now.by(GUILD, ION);
    let renamed = NewValue::Name(Name::parse("Ana Pop").unwrap());
    db.services
        .set(&now.by(GUILD, ANA), assignment("Ana", renamed))
        .await
        .unwrap();
    db.services
        .add_points(&late, award("Ana", 3))
        .await
        .unwrap();
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana Pop=8");
}

#[tokio::test]
async fn two_hundred_concurrent_adds_from_ten_devices_on_four_tables_are_exact() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    for table in ["A", "B", "C", "D"] {
        db.services
            .create_table(&now.by(GUILD, 1), TableAddress::parse(table).unwrap())
            .await
            .unwrap();
    }
    let mut tasks = tokio::task::JoinSet::new();
    let mut seqs: Vec<Seq> = Vec::new();
    for index in 0..200 {
        // As many at once as there are connections: none waits for one.
        if tasks.len() == 10 {
            seqs.push(tasks.join_next().await.unwrap().unwrap());
        }
        let (services, request) = (db.services.clone(), now.by(GUILD, 1 + index % 10));
        let table =
            TableAddress::parse(["A", "B", "C", "D"][usize::try_from(index).unwrap() % 4]).unwrap();
        let order = Award {
            table: Some(table),
            ..award("Ana, Ion", 1 + index % 3)
        };
        tasks.spawn(async move {
            services
                .add_points(&request, order)
                .await
                .unwrap()
                .event
                .seq
        });
    }
    seqs.extend(tasks.join_all().await);
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), 200);
    let expected: i64 = (0..200).map(|index| 1 + index % 3).sum::<i64>() * 2;
    let pool = db.superuser().await;
    let sum: i64 = sqlx::query_scalar("select sum(points)::bigint from punctaj.entries")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(sum, expected);
    let gaps: i64 = sqlx::query_scalar("select max(seq) - count(*) from punctaj.events")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(gaps, 0);
    let sessions: i64 = sqlx::query_scalar("select count(*) from punctaj.sessions")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(
        sessions, 10,
        "each person's first command opened one session, and only one"
    );
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn logins_make_sessions_and_first_commands_share_one() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    let (one, two) = (now.by(GUILD, ION), now.by(GUILD, ION));
    let (one, two) = tokio::join!(
        db.services.log_in(&one, None),
        db.services.log_in(&two, None)
    );
    assert_ne!(one.unwrap().event.device_id, two.unwrap().event.device_id);
    let (one, two) = (now.by(GUILD, 3), now.by(GUILD, 3));
    let (one, two) = tokio::join!(
        db.services.add_points(&one, award("X", 1)),
        db.services.add_points(&two, award("X", 1))
    );
    assert_eq!(one.unwrap().event.device_id, two.unwrap().event.device_id);
    let (open, _) = db
        .services
        .list_sessions(&now.by(GUILD, ION))
        .await
        .unwrap();
    assert_eq!(open.len(), 2);
    db.services
        .log_out(&now.by(GUILD, ION), &Which::AllOthers)
        .await
        .unwrap();
    let (left, _) = db
        .services
        .list_sessions(&now.by(GUILD, ION))
        .await
        .unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].device_id, open[0].device_id);
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn events_cannot_be_changed_by_the_bot_nor_by_the_owner() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    let pool = db.superuser().await;
    for statement in [
        "update punctaj.events set reason = 'x'",
        "delete from punctaj.events",
        "truncate punctaj.events",
        "set role punctaj_app; update punctaj.events set reason = 'x'",
        "set role punctaj_app; delete from punctaj.events",
        "set role punctaj_app; delete from punctaj.ledger",
    ] {
        let mut conn = pool.acquire().await.unwrap().detach();
        let refused = sqlx::raw_sql(statement).execute(&mut conn).await;
        assert!(refused.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn points_added_by_a_late_delivery_count_once_each_in_any_order() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana", 10))
        .await
        .unwrap();
    let (early, base, late) = (now.by(GUILD, ANA), now.by(GUILD, ION), now.by(GUILD, ANA));
    db.services
        .add_points(&late, award("Ana", 7))
        .await
        .unwrap();
    db.services
        .set(&base, assignment("Ana", NewValue::Points(100)))
        .await
        .unwrap();
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana=107");
    let superseded = db
        .services
        .add_points(&early, award("Ana", 3))
        .await
        .unwrap();
    assert_eq!(superseded.event.outcome, Outcome::Superseded);
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana=107");
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn a_guild_sees_nothing_of_another() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana", 5))
        .await
        .unwrap();
    let elsewhere = db
        .services
        .add_points(&now.by(200, ANA), award("Ana", 5))
        .await
        .unwrap_err();
    assert!(matches!(elsewhere, ServiceError::NoTables), "{elsewhere}");
    let _ = request(GUILD, ANA, 0, 0);
}

#[tokio::test]
async fn undo_of_a_rank_asks_when_it_was_changed_since_or_is_held() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    let rank = |title| RankOrder {
        table: TableAddress::parse("Politie").unwrap(),
        number: 2,
        title: Name::parse(title).unwrap(),
        promote_at: None,
        demote_below: None,
        role: None,
    };
    let mine = db
        .services
        .set_rank(&now.by(GUILD, ANA), rank("A"))
        .await
        .unwrap();
    let other = db
        .services
        .set_rank(&now.by(GUILD, ION), rank("B"))
        .await
        .unwrap();
    db.services
        .add_points(&now.by(GUILD, ION), award("Ana", 1))
        .await
        .unwrap();
    let promoted = NewValue::Rank(Some("b".to_owned()));
    db.services
        .set(&now.by(GUILD, ION), assignment("Ana", promoted))
        .await
        .unwrap();
    let error = db
        .services
        .undo(&now.by(GUILD, ANA), undo(Some(mine.event.seq)))
        .await
        .unwrap_err();
    let ServiceError::ChangedSince { conflicts, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(conflicts[0].by.as_ref().unwrap().seq, other.event.seq);
    assert_eq!(
        (conflicts[1].name.as_str(), conflicts[1].field.as_str()),
        ("Ana", "rank")
    );
    let forced = UndoOrder {
        force: Force::Always,
        ..undo(Some(mine.event.seq))
    };
    db.services.undo(&now.by(GUILD, ANA), forced).await.unwrap();
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn logging_out_without_a_session_opens_none() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let error = db
        .services
        .log_out(&now.by(GUILD, ANA), &Which::Current)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ServiceError::UnknownSession { .. }),
        "{error}"
    );
    assert_eq!(db.services.guilds().await.unwrap(), []);
}

#[tokio::test]
async fn sessions_end_by_idleness_with_an_event_and_a_new_one_opens() {
    let limits = SessionLimits {
        idle: TimeDelta::milliseconds(1),
        lifetime: TimeDelta::days(7),
    };
    let (db, now) = (TestDb::with_limits(limits).await, Interactions::new());
    let first = with_table(&db, &now).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let second = db
        .services
        .add_points(&now.by(GUILD, ANA), award("Ana", 1))
        .await
        .unwrap();
    assert_ne!(first.event.device_id, second.event.device_id);
    let pool = db.superuser().await;
    let (reason, op): (String, String) = sqlx::query_as(
        "select s.end_reason, e.op_id from punctaj.sessions s join punctaj.events e using (device_id)
         where e.action = 'session.close'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(reason, "idle");
    assert!(op.starts_with("expiry/"), "{op}");
    let report = db
        .services
        .verify_guild(GuildId::from_db(GUILD))
        .await
        .unwrap();
    assert_eq!(report.problem, None);
}

/// The schema's owner is not a superuser at Supabase, nor anywhere careful.
#[tokio::test]
async fn an_owner_who_may_only_create_roles_migrates_and_works() {
    let db = TestDb::new().await;
    let pool = db.superuser().await;
    let name = format!("owner_{}", db.number());
    for statement in [
        format!("create role {name} login createrole password 'x'"),
        format!("grant punctaj_app to {name} with admin option"),
        format!("create database {name} owner {name}"),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&pool)
            .await
            .unwrap();
    }
    let mut url = url::Url::parse(db.url()).unwrap();
    url.set_path(&name);
    url.set_username(&name).unwrap();
    url.set_password(Some("x")).unwrap();
    let options = StoreOptions::new(url.as_str(), 2).unwrap();
    punctaj::store::migrate(&options).await.unwrap();
    punctaj::store::migrate(&options)
        .await
        .expect("migrating again changes nothing");
    let services = TestDb::services_on(url.as_str(), 2, 1, SessionLimits::default());
    let now = Interactions::new();
    let address = TableAddress::parse("Clan").unwrap();
    services
        .create_table(&now.by(GUILD, ANA), address)
        .await
        .unwrap();
    services
        .add_points(&now.by(GUILD, ANA), award("Ana", 1))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_name_and_a_mention_of_one_entry_count_once() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana", 2))
        .await
        .unwrap();
    let link = NewValue::Member(Some(UserId::from_db(77)));
    db.services
        .set(&now.by(GUILD, ANA), assignment("Ana", link))
        .await
        .unwrap();
    let added = db
        .services
        .add_points(&now.by(GUILD, ANA), award("Ana, <@77>", 10))
        .await
        .unwrap();
    assert_eq!(added.event.changes.len(), 1);
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana=12");
    db.services
        .delete(&now.by(GUILD, ANA), deletion("<@77>, Ana"))
        .await
        .unwrap();
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn undo_walks_back_over_several_bases_of_ones_own() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana", 10))
        .await
        .unwrap();
    for value in [60, 70] {
        let value = NewValue::Points(value);
        db.services
            .set(&now.by(GUILD, ANA), assignment("Ana", value))
            .await
            .unwrap();
    }
    for expected in ["Ana=60", "Ana=10", ""] {
        db.services
            .undo(&now.by(GUILD, ANA), undo(None))
            .await
            .unwrap();
        assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, expected);
    }
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn undo_of_a_rename_or_deletion_asks_when_the_name_is_taken_and_finds_a_free_one() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    let long = "L".repeat(100);
    db.services
        .add_points(&now.by(GUILD, ANA), award(&long, 1))
        .await
        .unwrap();
    let other = NewValue::Name(Name::parse("Alt").unwrap());
    let renamed = db
        .services
        .set(&now.by(GUILD, ANA), assignment(&long, other))
        .await
        .unwrap();
    db.services
        .add_points(&now.by(GUILD, ION), award(&long, 2))
        .await
        .unwrap();
    let error = db
        .services
        .undo(&now.by(GUILD, ANA), undo(Some(renamed.event.seq)))
        .await
        .unwrap_err();
    let ServiceError::ChangedSince { conflicts, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(conflicts[0].kind, ConflictKind::Taken);
    let forced = UndoOrder {
        force: Force::Always,
        ..undo(Some(renamed.event.seq))
    };
    db.services.undo(&now.by(GUILD, ANA), forced).await.unwrap();
    let expected = format!("{long}=2 {} (2)=1", "L".repeat(96));
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, expected);
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn undo_passes_over_deleted_tables_and_what_had_no_effect() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    let kept = db
        .services
        .add_points(&now.by(GUILD, ANA), award("Ana", 5))
        .await
        .unwrap();
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana", 0))
        .await
        .unwrap();
    let temp = TableAddress::parse("Temp").unwrap();
    let created = db
        .services
        .create_table(&now.by(GUILD, ANA), temp.clone())
        .await
        .unwrap();
    let order = Award {
        table: Some(temp),
        ..award("X", 25)
    };
    let hidden = db
        .services
        .add_points(&now.by(GUILD, ANA), order)
        .await
        .unwrap();
    let forced = UndoOrder {
        force: Force::Always,
        ..undo(Some(created.event.seq))
    };
    let gone = db.services.undo(&now.by(GUILD, ANA), forced).await.unwrap();
    let error = db
        .services
        .undo(&now.by(GUILD, ANA), undo(Some(hidden.event.seq)))
        .await
        .unwrap_err();
    assert!(matches!(error, ServiceError::TableGone), "{error}");
    let undone = db
        .services
        .undo(&now.by(GUILD, ANA), undo(None))
        .await
        .unwrap();
    assert_eq!(undone.event.undoes, Some(kept.event.seq));
    let back = db
        .services
        .undo(&now.by(GUILD, ANA), undo(Some(gone.event.seq)))
        .await
        .unwrap();
    assert_eq!(back.table.as_deref(), Some("Temp"));
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn near_names_forgive_the_first_letter_and_diacritics() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana Pop, Ștefan", 5))
        .await
        .unwrap();
    for (given, meant) in [
        ("Ina Pop", "Ana Pop"),
        ("Stefan", "Ștefan"),
        ("Ána Pop", "Ana Pop"),
    ] {
        let error = db
            .services
            .remove_points(&now.by(GUILD, ANA), award(given, 1))
            .await
            .unwrap_err();
        let ServiceError::UnknownNames { names, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(names[0].near, [meant], "{given}");
    }
    let order = Award {
        table: Some(TableAddress::parse("Politia").unwrap()),
        ..award("Ana Pop", 1)
    };
    let error = db
        .services
        .add_points(&now.by(GUILD, ANA), order)
        .await
        .unwrap_err();
    let ServiceError::UnknownTable { near, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(near, ["BlackWater/Politie"]);
}

#[tokio::test]
async fn reading_survives_connections_that_broke_while_idle() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana", 5))
        .await
        .unwrap();
    let pool = db.superuser().await;
    let break_all = "select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity
                     where datname = current_database() and pid <> pg_backend_pid()";
    let (services, request) = (&db.services, now.by(GUILD, ANA));
    for _ in 0..3 {
        sqlx::query(break_all).execute(&pool).await.unwrap();
        assert_eq!(seen(services, &request).await, "Ana=5");
        sqlx::query(break_all).execute(&pool).await.unwrap();
        assert_eq!(
            services
                .complete_entries(&request, &[Right::ScoreAdd], None, "a")
                .await
                .unwrap(),
            ["Ana"]
        );
        sqlx::query(break_all).execute(&pool).await.unwrap();
        services
            .add_points(&now.by(GUILD, ION), award("Ion", 0))
            .await
            .unwrap();
        sqlx::query(break_all).execute(&pool).await.unwrap();
        services.list_sessions(&request).await.unwrap();
        services.undo(&now.by(GUILD, ION), undo(None)).await.ok();
    }
}

#[tokio::test]
async fn the_history_is_not_completed_for_those_who_may_not_see_it() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    let eve = Request {
        standing: Standing::default(),
        ..now.by(GUILD, 66)
    };
    let offered = db.services.complete_events(&eve, false, "").await.unwrap();
    assert!(offered.is_empty(), "{offered:?}");
    assert_eq!(
        db.services.complete_events(&eve, true, "").await.unwrap(),
        []
    );
}

#[tokio::test]
async fn an_undo_that_is_no_longer_the_last_word_cannot_be_undone() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    db.services
        .add_points(&now.by(GUILD, ANA), award("Ana", 100))
        .await
        .unwrap();
    let added = db
        .services
        .add_points(&now.by(GUILD, ANA), award("Ana", 5))
        .await
        .unwrap();
    let mut last = added.event.seq;
    let mut undos = Vec::new();
    for target in [None, Some(0), None] {
        let target = target.map_or(added.event.seq, |_| last);
        let undone = db
            .services
            .undo(&now.by(GUILD, ANA), undo(Some(target)))
            .await
            .unwrap();
        last = undone.event.seq;
        undos.push(last);
    }
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana=100");
    // The second undo brought the points back; the third took them again.
    let error = db
        .services
        .undo(&now.by(GUILD, ANA), undo(Some(undos[1])))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ServiceError::AlreadyUndone { by, .. } if by == undos[2]),
        "{error}"
    );
    assert_eq!(seen(&db.services, &now.by(GUILD, ANA)).await, "Ana=100");
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}

#[tokio::test]
async fn undo_of_a_bulk_deletion_finds_names_that_it_does_not_bring_back_itself() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    with_table(&db, &now).await;
    for (name, points) in [("Ana", 1), ("Ana (2)", 2)] {
        let order = award(name, points);
        db.services
            .add_points(&now.by(GUILD, ANA), order)
            .await
            .unwrap();
    }
    let deleted = db
        .services
        .delete(&now.by(GUILD, ANA), deletion("Ana, Ana (2)"))
        .await
        .unwrap();
    db.services
        .add_points(&now.by(GUILD, ION), award("Ana", 9))
        .await
        .unwrap();
    let forced = UndoOrder {
        force: Force::Always,
        ..undo(Some(deleted.event.seq))
    };
    db.services.undo(&now.by(GUILD, ANA), forced).await.unwrap();
    assert_eq!(
        seen(&db.services, &now.by(GUILD, ANA)).await,
        "Ana=9 Ana (2)=2 Ana (3)=1"
    );
    assert_verifies(&db.services, &now.by(GUILD, ANA)).await;
}
