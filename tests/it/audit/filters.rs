//! Searching: every combination of filters finds just the events that fit, page by page, also while
//! new ones arrive.

use std::collections::BTreeSet;

use punctaj::domain::access::{Right, Standing};
use punctaj::domain::event::{Action, Event, Outcome, Via};
use punctaj::domain::ids::{Seq, UserId};
use punctaj::domain::moment::Moment;
use punctaj::domain::name::{Name, NameList, TableAddress};
use punctaj::service::audit::{Only, PAGE_EVENTS, SearchOrder, SearchPage};
use punctaj::service::entries::{Assignment, NewValue};
use punctaj::service::points::Award;
use punctaj::service::tables::TableEdit;
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::{Found, Request, ServiceError, Services};

use crate::support::db::{Interactions, TestDb};

const GUILD: i64 = 100;
const ANA: i64 = 1;
const ION: i64 = 2;

pub(super) fn award(table: &str, names: &str, points: i64) -> Award {
    Award {
        names: NameList::parse(names, 50).unwrap().into_items(),
        points,
        table: Some(TableAddress::parse(table).unwrap()),
        table_id: None,
        reason: None,
    }
}

/// Two tables, two people with two devices each, undos, an undo of an undo, late edits, edits out
/// of a journal, and refusals.
async fn story(db: &TestDb, now: &Interactions) {
    let services = &db.services;
    for table in ["A", "B"] {
        let address = TableAddress::parse(table).unwrap();
        services
            .create_table(&now.by(GUILD, ANA), address)
            .await
            .unwrap();
    }
    for (user, label) in [(ANA, "PC Birou"), (ION, "Telefon"), (ANA, "Tabletă")] {
        let label = Some(label.to_owned());
        services.log_in(&now.by(GUILD, user), label).await.unwrap();
        for round in 0..4 {
            let table = ["A", "B"][usize::try_from(round).unwrap() % 2];
            let late = now.by(GUILD, user);
            let added = services
                .add_points(&now.by(GUILD, user), award(table, "Ana, Ion", 5))
                .await
                .unwrap();
            let who = NameList::parse("Ana", 1).unwrap().into_items().remove(0);
            let set = Assignment {
                who,
                value: NewValue::Points(50 + round),
                table: Some(TableAddress::parse(table).unwrap()),
                table_id: None,
            };
            services.set(&now.by(GUILD, user), set).await.unwrap();
            // Too late for the base that was set.
            let queued = Request {
                via: Via::Journal,
                ..late
            };
            services
                .remove_points(&queued, award(table, "Ana, Ion", 1))
                .await
                .unwrap();
            let mut event = added.event.seq;
            for _ in 0..=round {
                let order = UndoOrder {
                    event: Some(event),
                    force: Force::Always,
                    whose: Whose::Own,
                };
                event = services
                    .undo(&now.by(GUILD, user), order)
                    .await
                    .unwrap()
                    .event
                    .seq;
            }
            services
                .note_refusal(
                    &now.by(GUILD, user),
                    Action::EntryDelete,
                    Right::EntryDelete,
                )
                .await
                .unwrap();
        }
    }
}

async fn first_page(services: &Services, now: &Interactions, order: &SearchOrder) -> SearchPage {
    services
        .search(&now.by(GUILD, ANA), order.clone())
        .await
        .unwrap()
}

/// All pages, to the end.
async fn searched(services: &Services, now: &Interactions, order: &SearchOrder) -> Vec<Found> {
    let mut page = first_page(services, now, order).await;
    let mut all = Vec::new();
    loop {
        all.append(&mut page.events);
        let Some(before) = page.older else { break all };
        page = services
            .search_again(&now.by(GUILD, ANA), page.draft, Some(before))
            .await
            .unwrap();
    }
}

fn fits(found: &Found, order: &SearchOrder, tables: &[(String, String)], label: &str) -> bool {
    let event = &found.event;
    let about = |name: &str| {
        let named = |told: Option<&str>| told.is_some_and(|told| told.eq_ignore_ascii_case(name));
        event
            .changes
            .iter()
            .any(|change| named(change.name.as_deref()))
    };
    let table = |wanted: &TableAddress| {
        let id = event.table_id.map(|id| id.to_string());
        let known = tables.iter().find(|(name, _)| *name == wanted.to_string());
        known.is_some_and(|(_, known)| Some(known) == id.as_ref())
    };
    let since = order.since.map(|at| at.first(event.at, chrono_tz::UTC));
    let until = order.until.map(|at| at.last(event.at, chrono_tz::UTC));
    order.who.is_none_or(|who| event.actor_id == Some(who))
        && order.table.as_ref().is_none_or(table)
        && order.name.as_deref().is_none_or(about)
        && order.action.is_none_or(|action| event.action == action)
        && (order.device.is_none() || found.label.as_deref() == Some(label))
        && since.is_none_or(|since| event.at >= since)
        && until.is_none_or(|until| event.at <= until)
        && order.only.is_none_or(|only| is_so(found, only))
}

fn is_so(found: &Found, only: Only) -> bool {
    let event = &found.event;
    match only {
        Only::Conflicts => {
            event.overwrote.is_some()
                || event.outcome == Outcome::Superseded
                || event.changes.iter().any(|change| change.superseded)
        }
        Only::Undone => found.undone_by.is_some(),
        Only::Refused => event.outcome == Outcome::Refused,
        Only::Queued => event.via == Via::Journal,
    }
}

/// Whether an event is undone, told by all events alone.
fn is_undone(all: &[Event], seq: Seq) -> bool {
    let last = all
        .iter()
        .filter(|event| event.undoes == Some(seq))
        .max_by_key(|event| event.seq);
    last.is_some_and(|undo| !is_undone(all, undo.seq))
}

#[tokio::test]
async fn every_combination_of_filters_finds_just_what_fits() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    story(&db, &now).await;
    let everything = searched(&db.services, &now, &SearchOrder::default()).await;
    let seqs: Vec<i64> = everything.iter().map(|found| found.event.seq.0).collect();
    let newest = i64::try_from(seqs.len()).unwrap();
    assert!(newest > 80, "{newest}");
    assert_eq!(
        seqs,
        (1..=newest).rev().collect::<Vec<_>>(),
        "each once, newest first"
    );
    let events: Vec<Event> = everything.iter().map(|found| found.event.clone()).collect();
    for found in &everything {
        let undone = is_undone(&events, found.event.seq);
        assert_eq!(found.undone_by.is_some(), undone, "{}", found.event.seq);
    }
    let pool = db.superuser().await;
    let tables: Vec<(String, String)> =
        sqlx::query_as("select name, table_id::text from punctaj.tables")
            .fetch_all(&pool)
            .await
            .unwrap();
    let instant = |seq: usize| Some(Moment::instant(events[seq].at));
    let (since, until) = (instant(70), instant(12));
    let mut found_something = 0;
    for bits in 0..128_u32 {
        let asked = |bit: u32| bits & (1 << bit) != 0;
        for only in std::iter::once(None).chain(Only::ALL.map(Some)) {
            let order = SearchOrder {
                who: asked(0).then(|| UserId::from_db(ANA)),
                table: asked(1).then(|| TableAddress::parse("A").unwrap()),
                name: asked(2).then(|| " ION ".to_owned()),
                action: asked(3).then_some(Action::PointsRemove),
                device: asked(4).then(|| "pc birou".to_owned()),
                since: since.filter(|_| asked(5)),
                until: until.filter(|_| asked(6)),
                only,
            };
            let plain = SearchOrder {
                name: order.name.as_deref().map(|name| name.trim().to_owned()),
                ..order.clone()
            };
            let expected: Vec<Seq> = everything
                .iter()
                .filter(|found| fits(found, &plain, &tables, "PC Birou"))
                .map(|found| found.event.seq)
                .collect();
            let found = searched(&db.services, &now, &order).await;
            let found: Vec<Seq> = found.iter().map(|found| found.event.seq).collect();
            assert_eq!(found, expected, "{order:?}");
            found_something += usize::from(!found.is_empty());
            let export = db
                .services
                .export_events(&now.by(GUILD, ANA), order.clone())
                .await
                .unwrap();
            let exported = db.services.export_batch(&export, Seq(0)).await.unwrap();
            let exported = exported.events.iter();
            let exported: Vec<Seq> = exported.rev().map(|found| found.event.seq).collect();
            assert_eq!(exported, expected, "exported: {order:?}");
        }
    }
    assert!(found_something > 150, "{found_something}");
}

#[tokio::test]
async fn a_device_is_found_by_its_id_its_beginning_and_its_label() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    story(&db, &now).await;
    let pool = db.superuser().await;
    let id: String =
        sqlx::query_scalar("select device_id from punctaj.sessions where label = 'Telefon'")
            .fetch_one(&pool)
            .await
            .unwrap();
    let by = async |device: &str| {
        let order = SearchOrder {
            device: Some(device.to_owned()),
            ..SearchOrder::default()
        };
        db.services.search(&now.by(GUILD, ANA), order).await
    };
    let seqs = |page: SearchPage| {
        page.events
            .iter()
            .map(|found| found.event.seq)
            .collect::<Vec<_>>()
    };
    let by_label = seqs(by(" TELEFON ").await.unwrap());
    assert_eq!(by_label.len(), PAGE_EVENTS);
    assert_eq!(seqs(by(&id).await.unwrap()), by_label);
    assert_eq!(seqs(by(&id[..8]).await.unwrap()), by_label);
    for unknown in [&id[..7], "nimic", "AAAAAAAAAAAAAAAAAAAAAA"] {
        let error = by(unknown).await.unwrap_err();
        assert!(
            matches!(error, ServiceError::UnknownDevice { .. }),
            "{error}"
        );
    }
    // Two sessions of one label: both are meant.
    let again = Some("Telefon".to_owned());
    db.services
        .log_in(&now.by(GUILD, ION), again)
        .await
        .unwrap();
    let both = seqs(by("telefon").await.unwrap());
    assert_eq!(both[1..], by_label[..PAGE_EVENTS - 1]);
    let offered = db
        .services
        .complete_devices(&now.by(GUILD, ANA), "tel")
        .await
        .unwrap();
    assert_eq!(offered.len(), 2, "{offered:?}");
    let nobody = Request {
        standing: Standing::default(),
        ..now.by(GUILD, ION)
    };
    let offered = db.services.complete_devices(&nobody, "tel").await.unwrap();
    assert!(offered.is_empty(), "{offered:?}");
}

#[tokio::test]
async fn pages_stay_as_they_are_while_new_events_arrive() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    story(&db, &now).await;
    let order = SearchOrder {
        action: Some(Action::PointsAdd),
        ..SearchOrder::default()
    };
    let everything = searched(&db.services, &now, &order).await;
    let mut page = first_page(&db.services, &now, &order).await;
    let mut seen = BTreeSet::new();
    loop {
        seen.extend(page.events.iter().map(|found| found.event.seq));
        let Some(before) = page.older else { break };
        for _ in 0..3 {
            db.services
                .add_points(&now.by(GUILD, ION), award("A", "Nou", 1))
                .await
                .unwrap();
        }
        page = db
            .services
            .search_again(&now.by(GUILD, ANA), page.draft, Some(before))
            .await
            .unwrap();
    }
    let all: BTreeSet<Seq> = everything.iter().map(|found| found.event.seq).collect();
    assert_eq!(seen, all);
}

async fn seqs_in(db: &TestDb, now: &Interactions, table: &str) -> Vec<i64> {
    let order = SearchOrder {
        table: Some(TableAddress::parse(table).unwrap()),
        ..SearchOrder::default()
    };
    let found = searched(&db.services, now, &order).await;
    found.iter().rev().map(|found| found.event.seq.0).collect()
}

#[tokio::test]
async fn an_address_means_every_table_that_ever_had_it() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let address = |text: &str| TableAddress::parse(text).unwrap();
    let create = async |text: &str| {
        let request = now.by(GUILD, ANA);
        let created = services.create_table(&request, address(text)).await;
        created.unwrap()
    };
    let rename = async |from: &str, to: &str| {
        let edit = TableEdit {
            table: address(from),
            name: Some(Name::parse(to).unwrap()),
            category: None,
            floor: None,
            private: None,
            proposes: None,
        };
        services
            .edit_table(&now.by(GUILD, ANA), edit)
            .await
            .unwrap();
    };
    // Event 1 is the session.
    create("X/Clan").await;
    let add = award("X/Clan", "Ana", 1);
    services
        .add_points(&now.by(GUILD, ANA), add.clone())
        .await
        .unwrap();
    services
        .delete_table(&now.by(GUILD, ANA), &address("X/Clan"))
        .await
        .unwrap();
    create("X/Clan").await;
    services.add_points(&now.by(GUILD, ANA), add).await.unwrap();
    assert_eq!(seqs_in(&db, &now, "X/Clan").await, [2, 3, 4, 5, 6]);
    rename("X/Clan", "Alt").await;
    assert_eq!(seqs_in(&db, &now, "x/clan").await, [2, 3, 4, 5, 6, 7]);
    assert_eq!(seqs_in(&db, &now, "X/Alt").await, [5, 6, 7]);
    // One that has the address now, too, and what only has such a name in it.
    create("X/Clan").await;
    create("Clan").await;
    services
        .add_points(&now.by(GUILD, ANA), award("Clan", "\"X/Clan\"", 1))
        .await
        .unwrap();
    assert_eq!(seqs_in(&db, &now, "X/Clan").await, [2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(seqs_in(&db, &now, "Clan").await, [9, 10]);
    // An address that no table has any more.
    rename("X/Alt", "Nou").await;
    assert_eq!(seqs_in(&db, &now, "X/Alt").await, [5, 6, 7, 11]);
    let unknown = SearchOrder {
        table: Some(address("X/Nimic")),
        ..SearchOrder::default()
    };
    let error = services
        .search(&now.by(GUILD, ANA), unknown)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ServiceError::UnknownTable { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_undone_while_an_export_is_read_does_not_change_it() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    story(&db, &now).await;
    let order = SearchOrder {
        only: Some(Only::Undone),
        ..SearchOrder::default()
    };
    let export = db
        .services
        .export_events(&now.by(GUILD, ANA), order.clone())
        .await
        .unwrap();
    let read = async || {
        let batch = db.services.export_batch(&export, Seq(0)).await.unwrap();
        let events = batch.events.iter();
        events
            .map(|found| (found.event.seq, found.undone_by))
            .collect::<Vec<_>>()
    };
    let first = read().await;
    let (undone, undo) = first[0];
    let other = SearchOrder {
        who: Some(UserId::from_db(ANA)),
        action: Some(Action::EntrySet),
        ..SearchOrder::default()
    };
    let other = searched(&db.services, &now, &other).await;
    let standing = other.iter().find(|found| found.undone_by.is_none());
    for event in [undo.unwrap(), standing.unwrap().event.seq] {
        let order = UndoOrder {
            event: Some(event),
            force: Force::Always,
            whose: Whose::Anybodys,
        };
        db.services.undo(&now.by(GUILD, ANA), order).await.unwrap();
    }
    assert_eq!(read().await, first);
    let now_undone = searched(&db.services, &now, &order).await;
    assert!(now_undone.iter().all(|found| found.event.seq != undone));
}
