//! Roles that go with ranks: nobody comes to power over rights or settings by being promoted.

use punctaj::domain::ids::RoleId;
use punctaj::domain::name::Name;
use punctaj::domain::rank_role::UnfitRole;
use punctaj::service::tables::RankOrder;
use punctaj::service::undo::{Force, UndoOrder, Whose};
use punctaj::service::{Receipt, ServiceError};

use super::{GUILD, OWNER, granted, member, missing, order, plain, role, table};
use crate::support::db::{Interactions, TestDb};

fn rank(number: i32, role: Option<i64>) -> RankOrder {
    RankOrder {
        table: table("Oraș/Clan"),
        number,
        title: Name::parse("Sergent").unwrap(),
        promote_at: None,
        demote_below: None,
        role: role.map(RoleId::from_db),
    }
}

const fn undoing(of: &Receipt) -> UndoOrder {
    UndoOrder {
        event: Some(of.event.seq),
        force: Force::Ask,
        whose: Whose::Anybodys,
    }
}

#[track_caller]
fn assert_ranked(done: Result<Receipt, ServiceError>) {
    let Err(ServiceError::RankedRole { role, rank, table }) = done else {
        unreachable!("{done:?}")
    };
    assert_eq!(role, RoleId::from_db(9));
    assert_eq!((rank.as_str(), table.as_str()), ("Sergent", "Oraș/Clan"));
}

#[track_caller]
fn assert_gives_rights(done: &Result<Receipt, ServiceError>) {
    let is_so = matches!(
        done,
        Err(ServiceError::UnfitRole {
            why: UnfitRole::GivesRights,
            ..
        })
    );
    assert!(is_so, "{done:?}");
}

#[tokio::test]
async fn what_changes_rights_is_granted_to_no_role_of_a_rank() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let by = || now.by(GUILD, OWNER);
    services
        .create_table(&by(), table("Oraș/Clan"))
        .await
        .unwrap();
    // Granted and revoked before the role goes with a rank.
    granted(services, &now, role(9), "access.manage", None).await;
    let manage = order(role(9), "access.manage", None);
    let revoked = services.revoke(&by(), &manage).await.unwrap();
    services.set_rank(&by(), rank(1, Some(9))).await.unwrap();
    for right in ["access.manage", "admin"] {
        for scope in [None, Some("Oraș/*"), Some("Oraș/Clan")] {
            assert_ranked(services.grant(&by(), &order(role(9), right, scope)).await);
        }
    }
    let settings = order(role(9), "settings.manage", None);
    assert_ranked(services.grant(&by(), &settings).await);
    assert_ranked(services.undo(&by(), undoing(&revoked)).await);
    // Other rights, other roles, and members are as always.
    granted(services, &now, role(9), "manager", None).await;
    granted(services, &now, role(10), "admin", None).await;
    granted(services, &now, member(2), "admin", None).await;
    // Without its rank, the role is one like any other.
    let removed = services
        .remove_rank(&by(), &table("Oraș/Clan"), 1)
        .await
        .unwrap();
    services.grant(&by(), &manage).await.unwrap();
    // And does not come back to it.
    assert_gives_rights(&services.undo(&by(), undoing(&removed)).await);
    services.revoke(&by(), &manage).await.unwrap();
    services.undo(&by(), undoing(&removed)).await.unwrap();
}

#[tokio::test]
async fn a_table_comes_back_with_no_rank_that_gives_rights() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let by = || now.by(GUILD, OWNER);
    let clan = table("Oraș/Clan");
    services.create_table(&by(), clan.clone()).await.unwrap();
    services.set_rank(&by(), rank(1, Some(9))).await.unwrap();
    let deleted = services.delete_table(&by(), &clan).await.unwrap();
    let manage = order(role(9), "access.manage", None);
    services.grant(&by(), &manage).await.unwrap();
    assert_gives_rights(&services.restore_table(&by(), &clan).await);
    assert_gives_rights(&services.undo(&by(), undoing(&deleted)).await);
    services.revoke(&by(), &manage).await.unwrap();
    // Nor by somebody who does not hold what the role was granted.
    granted(services, &now, role(9), "audit.view", None).await;
    granted(services, &now, member(2), "table.edit", None).await;
    let who = || plain(&now, 2, &[]);
    assert_eq!(
        missing(services.restore_table(&who(), &clan).await),
        "audit.view"
    );
    services.restore_table(&by(), &clan).await.unwrap();
}
