//! Who may grant and revoke what, and that it is history like all else.

use punctaj::domain::event::Outcome;
use punctaj::domain::ids::RoleId;
use punctaj::domain::name::Name;
use punctaj::service::ServiceError;
use punctaj::service::tables::{RankOrder, TableEdit};
use punctaj::service::undo::{Force, UndoOrder, Whose};
use serde_json::Value;

use super::{GUILD, OWNER, granted, guild, member, missing, order, plain, role, table};
use crate::support::db::{Interactions, TestDb};
use crate::support::replay::Oracle;

const fn undoing(event: punctaj::domain::ids::Seq, whose: Whose) -> UndoOrder {
    UndoOrder {
        event: Some(event),
        force: Force::Ask,
        whose,
    }
}

#[tokio::test]
async fn nobody_grants_what_they_do_not_hold() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    for address in ["Oraș/A", "Sat/B"] {
        let by = now.by(GUILD, OWNER);
        services.create_table(&by, table(address)).await.unwrap();
    }
    let who = || plain(&now, 2, &[50]);
    let refused = services
        .grant(&who(), &order(role(9), "scorer", None))
        .await;
    assert_eq!(missing(refused), "access.manage");
    granted(services, &now, role(50), "access.manage", Some("Oraș/*")).await;
    granted(services, &now, role(50), "scorer", Some("Oraș/A")).await;
    for (granted, scope, lacks) in [
        // Held in one table of the category only.
        ("scorer", Some("Oraș/*"), "table.view"),
        ("score.add", None, "access.manage"),
        ("score.add", Some("Sat/B"), "access.manage"),
        ("entry.delete", Some("Oraș/A"), "entry.delete"),
        ("manager", Some("Oraș/A"), "table.edit"),
        ("admin", Some("Oraș/A"), "table.edit"),
    ] {
        let refused = services
            .grant(&who(), &order(role(9), granted, scope))
            .await;
        assert_eq!(missing(refused), lacks, "{granted} {scope:?}");
    }
    let ok = order(role(9), "scorer", Some("Oraș/A"));
    services.grant(&who(), &ok).await.unwrap();
    let again = services.grant(&who(), &ok).await;
    assert!(
        matches!(again, Err(ServiceError::AlreadyGranted)),
        "{again:?}"
    );
    // Neither for themselves, nor for a role of theirs, nor for everybody.
    for whom in [member(2), role(50), role(GUILD)] {
        let own = order(whom, "score.add", Some("Oraș/A"));
        let refused = services.grant(&who(), &own).await;
        assert!(
            matches!(refused, Err(ServiceError::OwnRights)),
            "{whom}: {refused:?}"
        );
    }
    let own = order(role(50), "scorer", Some("Oraș/A"));
    let refused = services.revoke(&who(), &own).await;
    assert!(
        matches!(refused, Err(ServiceError::OwnRights)),
        "{refused:?}"
    );
    // Nor are those stripped who hold more.
    granted(services, &now, member(7), "admin", Some("Oraș/A")).await;
    let above = order(member(7), "admin", Some("Oraș/A"));
    assert_eq!(missing(services.revoke(&who(), &above).await), "table.edit");
    services.revoke(&who(), &ok).await.unwrap();
    let gone = services.revoke(&who(), &ok).await;
    assert!(
        matches!(gone, Err(ServiceError::NotGranted { .. })),
        "{gone:?}"
    );
    let unknown = order(role(9), "scorer", Some("Nicăieri"));
    let refused = services.grant(&now.by(GUILD, OWNER), &unknown).await;
    assert!(
        matches!(refused, Err(ServiceError::UnknownScope { .. })),
        "{refused:?}"
    );
    // Whoever holds Manage Server may do it also for themselves.
    granted(services, &now, member(OWNER), "admin", None).await;
    let report = services.verify_guild(guild()).await.unwrap();
    assert!(report.problem.is_none(), "{report:?}");
}

#[tokio::test]
async fn what_is_offered_to_grant_is_what_one_holds() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    for address in ["Oraș/A", "Sat/B"] {
        let by = now.by(GUILD, OWNER);
        services.create_table(&by, table(address)).await.unwrap();
    }
    let who = || plain(&now, 2, &[]);
    assert_eq!(services.grantable(&who()).await.unwrap(), []);
    assert_eq!(services.complete_scopes(&who(), "").await.unwrap(), [""; 0]);
    granted(services, &now, member(2), "access.manage", Some("Oraș/*")).await;
    granted(services, &now, member(2), "scorer", None).await;
    let offered = services.grantable(&who()).await.unwrap();
    let offered: Vec<_> = offered.iter().map(|granted| granted.as_str()).collect();
    assert_eq!(
        offered,
        [
            "viewer",
            "scorer",
            "table.view",
            "entry.add",
            "score.add",
            "score.remove",
            "score.set",
            "access.manage"
        ]
    );
    let scopes = services.complete_scopes(&who(), "").await.unwrap();
    assert_eq!(scopes, ["Oraș/*", "Oraș/A"]);
    let scopes = services
        .complete_scopes(&now.by(GUILD, OWNER), "sat")
        .await
        .unwrap();
    assert_eq!(scopes, ["Sat/*", "Sat/B"]);
    // They see what was granted where they may grant.
    granted(services, &now, member(5), "viewer", Some("Sat/B")).await;
    granted(services, &now, member(5), "viewer", Some("Oraș/A")).await;
    let listed = services.grants(&who(), Some(member(5))).await.unwrap();
    let tables: Vec<_> = listed.iter().map(|it| it.table.as_deref()).collect();
    assert_eq!(tables, [Some("Oraș/A")]);
    let listed = services
        .grants(&now.by(GUILD, OWNER), Some(member(5)))
        .await;
    assert_eq!(listed.unwrap().len(), 2);
    let givers = services
        .givers(&who(), punctaj::domain::access::Right::ScoreAdd, None)
        .await;
    assert_eq!(givers.unwrap(), [member(2)]);
}

#[tokio::test]
async fn whoever_grants_in_a_category_undoes_it_there() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let by = now.by(GUILD, OWNER);
    services.create_table(&by, table("Oraș/A")).await.unwrap();
    for right in ["access.manage", "scorer"] {
        granted(services, &now, member(2), right, Some("Oraș/*")).await;
    }
    let who = || plain(&now, 2, &[]);
    let given = services
        .grant(&who(), &order(role(9), "score.add", Some("Oraș/*")))
        .await
        .unwrap();
    services
        .undo(&who(), undoing(given.event.seq, Whose::Own))
        .await
        .unwrap();
    assert_eq!(
        services.grants(&who(), Some(role(9))).await.unwrap().len(),
        0
    );
    let given = granted(services, &now, role(9), "score.add", Some("Oraș/*")).await;
    let others = undoing(given.event.seq, Whose::Anybodys);
    let refused = services.undo(&who(), others.clone()).await;
    assert_eq!(missing(refused), "audit.undo");
    granted(services, &now, member(2), "audit.undo", Some("Oraș/*")).await;
    services.undo(&who(), others).await.unwrap();
}

#[tokio::test]
async fn nobody_gets_rights_by_moving_a_table_or_by_a_rank() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    for address in ["Sat/A", "Oraș/B"] {
        let by = now.by(GUILD, OWNER);
        services.create_table(&by, table(address)).await.unwrap();
    }
    let who = || plain(&now, 2, &[]);
    granted(services, &now, member(2), "table.edit", None).await;
    let edit = |address: &str, category: Option<&str>| TableEdit {
        table: table(address),
        name: None,
        category: category.map(|category| Some(Name::parse(category).unwrap())),
        floor: None,
        private: None,
        proposes: None,
    };
    let moved = services
        .edit_table(&who(), edit("Sat/A", Some("Oraș")))
        .await
        .unwrap();
    services
        .undo(&who(), undoing(moved.event.seq, Whose::Own))
        .await
        .unwrap();
    // From then on, who moves a table there hands out what was granted there.
    granted(services, &now, member(2), "admin", Some("Oraș/*")).await;
    let refused = services
        .edit_table(&who(), edit("Sat/A", Some("Oraș")))
        .await;
    assert_eq!(missing(refused), "access.manage");
    let redo = undoing(moved.event.seq.next(), Whose::Own);
    assert_eq!(missing(services.undo(&who(), redo).await), "access.manage");
    // What nobody may look at, nobody opens to all.
    let by = now.by(GUILD, OWNER);
    let hidden = TableEdit {
        private: Some(true),
        ..edit("Sat/A", None)
    };
    services.edit_table(&by, hidden).await.unwrap();
    let open = TableEdit {
        private: Some(false),
        ..edit("Sat/A", None)
    };
    assert_eq!(
        missing(services.edit_table(&who(), open).await),
        "table.view"
    );
    // A role with rights that one does not hold goes with no rank of one's making.
    granted(services, &now, role(9), "audit.undo", None).await;
    let rank = |number: i64| RankOrder {
        table: table("Oraș/B"),
        number: 1,
        title: Name::parse("Cadet").unwrap(),
        promote_at: None,
        demote_below: None,
        role: Some(RoleId::from_db(number)),
    };
    assert_eq!(
        missing(services.set_rank(&who(), rank(9)).await),
        "audit.undo"
    );
    services.set_rank(&who(), rank(10)).await.unwrap();
}

#[tokio::test]
async fn a_grant_is_undone_and_done_again() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let by = || now.by(GUILD, OWNER);
    services.create_table(&by(), table("Oraș/A")).await.unwrap();
    let in_table = granted(services, &now, member(2), "scorer", Some("Oraș/A")).await;
    assert_eq!(in_table.table.as_deref(), Some("Oraș/A"));
    assert_eq!(in_table.event.outcome, Outcome::Applied);
    let grants = async || {
        let listed = services.grants(&by(), None).await.unwrap();
        let told = |listed: &punctaj::service::access::Listed| {
            let grant = &listed.grant;
            format!("{} {} {}", grant.who, grant.granted.as_str(), grant.scope)
        };
        listed.iter().map(told).collect::<Vec<_>>()
    };
    let with = grants().await;
    assert_eq!(with.len(), 1);
    let undone = services
        .undo(&by(), undoing(in_table.event.seq, Whose::Own))
        .await
        .unwrap();
    assert_eq!(grants().await, [""; 0]);
    // Meanwhile it was granted anew: it is there once.
    granted(services, &now, member(2), "scorer", Some("Oraș/A")).await;
    services
        .undo(&by(), undoing(undone.event.seq, Whose::Own))
        .await
        .unwrap();
    assert_eq!(grants().await, with);
    // An undo grants no more than its person might.
    let revoked = order(member(2), "scorer", Some("Oraș/A"));
    let revoked = services.revoke(&by(), &revoked).await.unwrap();
    granted(services, &now, member(3), "access.manage", None).await;
    granted(services, &now, member(3), "audit.undo", None).await;
    let refused = services
        .undo(
            &plain(&now, 3, &[]),
            undoing(revoked.event.seq, Whose::Anybodys),
        )
        .await;
    assert_eq!(missing(refused), "entry.add");
    let own = plain(&now, 2, &[]);
    granted(services, &now, member(2), "admin", None).await;
    let refused = services
        .undo(&own, undoing(revoked.event.seq, Whose::Anybodys))
        .await;
    assert!(
        matches!(refused, Err(ServiceError::OwnRights)),
        "{refused:?}"
    );
    services
        .undo(&by(), undoing(revoked.event.seq, Whose::Own))
        .await
        .unwrap();
    let report = services.verify_guild(guild()).await.unwrap();
    assert!(report.problem.is_none(), "{report:?}");
    let pool = db.superuser().await;
    let rows: Vec<Value> =
        sqlx::query_scalar("select to_jsonb(e) from punctaj.events e order by seq")
            .fetch_all(&pool)
            .await
            .unwrap();
    let mut oracle = Oracle::new(GUILD);
    for row in &rows {
        oracle.apply(row).unwrap();
    }
    oracle.compare(&pool).await.unwrap();
    // A grant that no event tells of is found.
    sqlx::query(
        "update punctaj.grants set granted = 'admin' where user_id = 2 and granted = 'scorer'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let report = services.verify_guild(guild()).await.unwrap();
    assert!(report.problem.is_some());
}
