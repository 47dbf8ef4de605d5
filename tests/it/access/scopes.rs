//! Where a grant holds: in the guild, a category, a table; for a role or a member.

use punctaj::domain::access::Right;
use punctaj::domain::name::{NameList, TableAddress};
use punctaj::domain::session::SessionLimits;
use punctaj::service::audit::SearchOrder;
use punctaj::service::panel::Pressed;
use punctaj::service::points::Award;
use punctaj::service::tables::TableEdit;
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::view::ViewOrder;
use punctaj::service::{Request, ServiceError, Services};

use super::{GUILD, OWNER, granted, member, missing, order, plain, role, table};
use crate::support::db::{Interactions, TestDb};

fn award(address: &str) -> Award {
    Award {
        names: NameList::parse("Ana", 1).unwrap().into_items(),
        points: 1,
        table: Some(table(address)),
        table_id: None,
        reason: None,
    }
}

fn view(address: Option<&str>) -> ViewOrder {
    ViewOrder {
        table: address.map(table),
        ..ViewOrder::default()
    }
}

async fn edit(services: &Services, now: &Interactions, address: &str, change: fn(&mut TableEdit)) {
    let mut edit = TableEdit {
        table: table(address),
        name: None,
        category: None,
        floor: None,
        private: None,
        proposes: None,
    };
    change(&mut edit);
    let by = now.by(GUILD, OWNER);
    services.edit_table(&by, edit).await.unwrap();
}

/// Tables with somebody in each of them.
async fn tables(services: &Services, now: &Interactions, addresses: &[&str]) {
    for address in addresses {
        let by = || now.by(GUILD, OWNER);
        services.create_table(&by(), table(address)).await.unwrap();
        services.add_points(&by(), award(address)).await.unwrap();
    }
}

#[tokio::test]
async fn a_grant_holds_in_its_scope_and_nowhere_else() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    tables(services, &now, &["Oraș/A", "Oraș/B", "Sat/C", "D"]).await;
    granted(services, &now, member(2), "score.add", Some("Sat/C")).await;
    granted(services, &now, role(50), "score.add", Some("oraș")).await;
    granted(services, &now, role(60), "score.add", None).await;
    // Person, roles, and where they may.
    let cases: [(i64, &[i64], &[&str]); 5] = [
        (2, &[], &["Sat/C"]),
        (3, &[50], &["Oraș/A", "Oraș/B"]),
        (2, &[50], &["Oraș/A", "Oraș/B", "Sat/C"]),
        (3, &[60], &["Oraș/A", "Oraș/B", "Sat/C", "D"]),
        (3, &[51], &[]),
    ];
    for (user, roles, may) in cases {
        for address in ["Oraș/A", "Oraș/B", "Sat/C", "D"] {
            let done = services
                .add_points(&plain(&now, user, roles), award(address))
                .await;
            let expected = may.contains(&address);
            assert_eq!(
                done.is_ok(),
                expected,
                "{user} {roles:?} {address}: {done:?}"
            );
            if !expected {
                assert_eq!(missing(done), "score.add");
            }
        }
        let offered = services
            .complete_tables(&plain(&now, user, roles), &[Right::ScoreAdd], "")
            .await
            .unwrap();
        let mut may: Vec<&str> = may.to_vec();
        may.sort_by_key(|address| (address.contains('/'), *address));
        assert_eq!(offered, may, "{user} {roles:?}");
    }
    // A table that moves takes the rights of where it is.
    edit(services, &now, "D", |edit| {
        edit.category = Some(Some(punctaj::domain::name::Name::parse("ORAȘ").unwrap()));
    })
    .await;
    let request = plain(&now, 3, &[50]);
    services
        .add_points(&request, award("ORAȘ/D"))
        .await
        .unwrap();
    // Without a table it is asked which, of those in which they may.
    let asked = services
        .add_points(
            &plain(&now, 4, &[50]),
            Award {
                table: None,
                ..award("D")
            },
        )
        .await;
    let Err(ServiceError::ChooseTable { tables }) = asked else {
        unreachable!("{asked:?}")
    };
    let offered: Vec<_> = tables.iter().map(|table| table.address.as_str()).collect();
    assert_eq!(offered, ["Oraș/A", "Oraș/B", "ORAȘ/D"]);
    // Everybody has the role that bears the guild's id.
    granted(services, &now, role(GUILD), "score.add", Some("Sat/C")).await;
    let request = plain(&now, 99, &[]);
    services.add_points(&request, award("Sat/C")).await.unwrap();
}

#[tokio::test]
async fn a_category_takes_tables_from_those_who_may_there() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    tables(services, &now, &["Oraș/A", "Sat/B"]).await;
    granted(services, &now, member(2), "manager", Some("Oraș/*")).await;
    let who = || plain(&now, 2, &[]);
    services
        .create_table(&who(), table("Oraș/Nou"))
        .await
        .unwrap();
    let refused = services.create_table(&who(), table("Sat/Nou")).await;
    assert_eq!(missing(refused), "table.edit");
    let refused = services.create_table(&who(), table("Nou")).await;
    assert_eq!(missing(refused), "table.edit");
    // Nor does it leave to where they may not.
    let mut moved = TableEdit {
        table: table("Oraș/Nou"),
        name: None,
        category: Some(None),
        floor: None,
        private: None,
        proposes: None,
    };
    let refused = services.edit_table(&who(), moved.clone()).await;
    assert_eq!(missing(refused), "table.edit");
    moved.category = None;
    moved.floor = Some(-1);
    services.edit_table(&who(), moved).await.unwrap();
    services
        .delete_table(&who(), &table("Oraș/Nou"))
        .await
        .unwrap();
    services
        .restore_table(&who(), &table("Oraș/Nou"))
        .await
        .unwrap();
}

#[tokio::test]
async fn each_process_asks_anew_what_somebody_may() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let (one, limits) = (&db.services, SessionLimits::default());
    let other = TestDb::services_on(db.url(), 4, 7, limits);
    tables(one, &now, &["A"]).await;
    let who = || plain(&now, 2, &[50]);
    let given = order(role(50), "score.add", None);
    for _ in 0..5 {
        for services in [one, &other] {
            let refused = services.add_points(&who(), award("A")).await;
            assert_eq!(missing(refused), "score.add");
        }
        one.grant(&now.by(GUILD, OWNER), &given).await.unwrap();
        for services in [&other, one] {
            services.add_points(&who(), award("A")).await.unwrap();
        }
        other.revoke(&now.by(GUILD, OWNER), &given).await.unwrap();
    }
}

#[tokio::test]
async fn a_private_table_exists_for_those_who_reach_it() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    tables(services, &now, &["Deschis", "Secret/Lista"]).await;
    edit(services, &now, "Secret/Lista", |edit| {
        edit.private = Some(true);
    })
    .await;
    granted(services, &now, role(50), "table.view", Some("Secret/*")).await;
    granted(services, &now, role(60), "score.add", Some("Secret/Lista")).await;
    let (outsider, viewer, scorer) = (
        || plain(&now, 2, &[]),
        || plain(&now, 3, &[50]),
        || plain(&now, 4, &[60]),
    );
    let seen = async |who: Request| -> Vec<String> {
        let listed = services.list_tables(&who).await.unwrap();
        listed.iter().map(|(table, _)| table.address()).collect()
    };
    assert_eq!(seen(outsider()).await, ["Deschis"]);
    assert_eq!(seen(viewer()).await, ["Deschis", "Secret/Lista"]);
    // Whoever may only give points there does not look at it.
    assert_eq!(seen(scorer()).await, ["Deschis"]);
    let hidden = services
        .view(&outsider(), &view(Some("Secret/Lista")))
        .await;
    assert!(
        matches!(hidden, Err(ServiceError::UnknownTable { .. })),
        "{hidden:?}"
    );
    let hidden = services
        .add_points(&outsider(), award("Secret/Lista"))
        .await;
    assert_eq!(missing(hidden), "score.add");
    let page = services.view(&viewer(), &view(Some("Secret/Lista"))).await;
    assert_eq!(page.unwrap().rows.len(), 1);
    let refused = services.add_points(&viewer(), award("Secret/Lista")).await;
    assert_eq!(missing(refused), "score.add");
    services
        .add_points(&scorer(), award("Secret/Lista"))
        .await
        .unwrap();
    let hidden = services.view(&scorer(), &view(Some("Secret/Lista"))).await;
    assert!(hidden.is_err(), "{hidden:?}");
    // The only table that one sees is the one that is meant.
    let only = services.view(&outsider(), &view(None)).await.unwrap();
    assert_eq!(only.table.name, "Deschis");
    // What happens in it is news for those who see it.
    let count = async |who: Request| {
        let told = services.news(&who, |news| (news.total, 0)).await;
        told.unwrap().0
    };
    let (before, hidden) = (count(viewer()).await, count(outsider()).await);
    let by = now.by(GUILD, OWNER);
    services
        .add_points(&by, award("Secret/Lista"))
        .await
        .unwrap();
    assert_eq!(count(viewer()).await, before + 1);
    assert_eq!(count(outsider()).await, hidden);
    // Taken away, it is gone with the next command.
    let revoked = order(role(50), "table.view", Some("Secret/*"));
    let by = now.by(GUILD, OWNER);
    services.revoke(&by, &revoked).await.unwrap();
    assert_eq!(seen(viewer()).await, ["Deschis"]);
}

#[tokio::test]
async fn the_history_is_open_where_it_was_granted() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    tables(services, &now, &["Oraș/A", "Sat/B"]).await;
    granted(services, &now, member(2), "auditor", Some("Sat/*")).await;
    granted(services, &now, member(3), "auditor", None).await;
    let (some, all) = (|| plain(&now, 2, &[]), || plain(&now, 3, &[]));
    let tables_of = async |who: Request| -> Vec<Option<String>> {
        let found = services.search(&who, SearchOrder::default()).await.unwrap();
        let mut tables: Vec<_> = found.events.iter().map(|it| it.table.clone()).collect();
        tables.sort();
        tables.dedup();
        tables
    };
    let sat = Some("Sat/B".to_owned());
    assert_eq!(tables_of(some()).await, std::slice::from_ref(&sat));
    assert_eq!(
        tables_of(all()).await,
        [None, Some("Oraș/A".to_owned()), sat]
    );
    let by = || now.by(GUILD, OWNER);
    let elsewhere = services.add_points(&by(), award("Oraș/A")).await.unwrap();
    let here = services.add_points(&by(), award("Sat/B")).await.unwrap();
    let seq = |receipt: &punctaj::service::Receipt| receipt.event.seq;
    let unknown = services.event(&some(), seq(&elsewhere)).await;
    assert!(
        matches!(unknown, Err(ServiceError::UnknownEvent { .. })),
        "{unknown:?}"
    );
    services.event(&some(), seq(&here)).await.unwrap();
    let export = services
        .export_events(&some(), SearchOrder::default())
        .await
        .unwrap();
    let first = services
        .export_batch(&export, punctaj::domain::ids::Seq(0))
        .await
        .unwrap();
    assert!(!first.events.is_empty());
    let outside = |found: &&punctaj::service::Found| found.table.as_deref() != Some("Sat/B");
    assert_eq!(first.events.iter().filter(outside).count(), 0);
    // Completion offers what the search shows.
    let offered = services.complete_events(&some(), false, "").await.unwrap();
    let is_offered = |seq: i64| offered.iter().any(|event| event.seq == seq);
    assert!(is_offered(seq(&here).0) && !is_offered(seq(&elsewhere).0));
    assert_eq!(
        services.complete_devices(&some(), "").await.unwrap().len(),
        0
    );
    assert!(
        !services
            .complete_devices(&all(), "")
            .await
            .unwrap()
            .is_empty()
    );
    // Undo: in reach, and with the right of what was done.
    let undo = |event| UndoOrder {
        event: Some(event),
        force: Force::Ask,
        whose: Whose::Anybodys,
    };
    let refused = services.undo(&some(), undo(seq(&elsewhere))).await;
    assert_eq!(missing(refused), "audit.undo");
    let refused = services.undo(&some(), undo(seq(&here))).await;
    assert_eq!(missing(refused), "score.add");
    granted(services, &now, member(2), "score.add", Some("Sat/B")).await;
    services.undo(&some(), undo(seq(&here))).await.unwrap();
    // The whole is for those who hold it in the whole guild.
    let refused = services.verify(&some()).await;
    assert_eq!(missing(refused), "audit.view");
    services.verify(&all()).await.unwrap();
    let unknown = TableAddress::parse("Oraș/A").unwrap();
    let searched = services
        .search(
            &some(),
            SearchOrder {
                table: Some(unknown),
                ..SearchOrder::default()
            },
        )
        .await;
    assert_eq!(missing(searched), "audit.view");
}

#[tokio::test]
async fn the_table_comes_back_that_one_may_bring_back() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let by = || now.by(GUILD, OWNER);
    // Deleted in this order: the last two are out of reach, and one of them is not to be known of.
    let addresses = ["Oraș/Clan", "Sat/Clan", "Secret/Clan"];
    tables(services, &now, &addresses).await;
    edit(services, &now, "Secret/Clan", |edit| {
        edit.private = Some(true);
    })
    .await;
    granted(services, &now, member(2), "table.edit", Some("Oraș/*")).await;
    for address in addresses {
        services.delete_table(&by(), &table(address)).await.unwrap();
    }
    let who = || plain(&now, 2, &[]);
    let back = services
        .restore_table(&who(), &table("Clan"))
        .await
        .unwrap();
    assert_eq!(back.table.as_deref(), Some("Oraș/Clan"));
    let refused = services.restore_table(&who(), &table("Clan")).await;
    assert_eq!(missing(refused), "table.edit");
    let hidden = services.restore_table(&who(), &table("Secret/Clan")).await;
    assert!(
        matches!(hidden, Err(ServiceError::NotDeleted { .. })),
        "{hidden:?}"
    );
    // Whoever may everything brings back what was deleted last.
    let back = services.restore_table(&by(), &table("Clan")).await.unwrap();
    assert_eq!(back.table.as_deref(), Some("Secret/Clan"));
}

#[tokio::test]
async fn a_panel_is_not_shown_to_whom_its_table_is_hidden_by_now() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    tables(services, &now, &["Secret/Lista"]).await;
    edit(services, &now, "Secret/Lista", |edit| {
        edit.private = Some(true);
    })
    .await;
    granted(services, &now, member(2), "score.add", None).await;
    granted(services, &now, member(2), "table.view", None).await;
    let who = || plain(&now, 2, &[]);
    let opened = services
        .open_panel(&who(), &view(Some("Secret/Lista")))
        .await
        .unwrap();
    let (id, device) = (
        opened.shown.table.id,
        opened.shown.session.device_id.clone(),
    );
    let press = || Request {
        device: Some(device.clone()),
        ..who()
    };
    let given = services
        .add_points(&press(), award("Secret/Lista"))
        .await
        .unwrap();
    let revoked = order(member(2), "table.view", None);
    services
        .revoke(&now.by(GUILD, OWNER), &revoked)
        .await
        .unwrap();
    // It is their own, and undone; but that is all they see.
    let pressed = services
        .undo_panel(&press(), id, given.event.seq)
        .await
        .unwrap();
    assert!(matches!(pressed, Pressed::Done(_)), "{pressed:?}");
    let again = services.undo_panel(&press(), id, given.event.seq).await;
    let again = again.map(|_| ());
    assert_eq!(missing(again), "table.view");
}
