//! What somebody may undo: all that the original asked for, and no more than stands as it was.

use punctaj::domain::event::Event;
use punctaj::domain::ids::UserId;
use punctaj::domain::name::{Name, NameList};
use punctaj::service::ServiceError;
use punctaj::service::error::ConflictKind;
use punctaj::service::points::{Award, Introduction};
use punctaj::service::undo::{Force, UndoOrder, Whose};

use super::{GUILD, OWNER, granted, guild, member, missing, order, plain, table};
use crate::support::db::{Interactions, TestDb};

const fn undoing(event: &Event, whose: Whose) -> UndoOrder {
    UndoOrder {
        event: Some(event.seq),
        force: Force::Ask,
        whose,
    }
}

fn award(names: &str) -> Award {
    Award {
        names: NameList::parse(names, 50).unwrap().into_items(),
        points: 5,
        table: Some(table("Clan")),
        table_id: None,
        reason: None,
    }
}

#[tokio::test]
async fn an_award_is_undone_with_all_that_it_asked_for() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let by = || now.by(GUILD, OWNER);
    services.create_table(&by(), table("Clan")).await.unwrap();
    for right in ["audit.undo", "score.add"] {
        granted(services, &now, member(2), right, None).await;
    }
    let who = || plain(&now, 2, &[]);
    let new = services.add_points(&by(), award("Ana, Ion")).await.unwrap();
    let old = services.add_points(&by(), award("Ana, Ion")).await.unwrap();
    let ion = new
        .event
        .changes
        .iter()
        .find(|it| it.name.as_deref() == Some("Ion"));
    let linking = Introduction {
        member: UserId::from_db(77),
        name: Name::parse("Ion").unwrap(),
        link: ion.and_then(punctaj::domain::event::Change::entry_id),
    };
    let linked = services
        .add_points_for(&by(), award("<@77>"), std::slice::from_ref(&linking))
        .await
        .unwrap();
    let all = |of: &punctaj::service::Receipt| undoing(&of.event, Whose::Anybodys);
    // Those that it was given to were linked to somebody by it.
    let refused = services.undo(&who(), all(&linked)).await;
    assert_eq!(missing(refused), "entry.edit");
    granted(services, &now, member(2), "entry.edit", Some("Clan")).await;
    services.undo(&who(), all(&linked)).await.unwrap();
    // They were there before: for these points nothing else was needed.
    services.undo(&who(), all(&old)).await.unwrap();
    // Entries were made by it, and go with it.
    let refused = services.undo(&who(), all(&new)).await;
    assert_eq!(missing(refused), "entry.add");
    granted(services, &now, member(2), "entry.add", Some("Clan")).await;
    let anyway = UndoOrder {
        force: Force::Always,
        ..all(&new)
    };
    let undone = services.undo(&who(), anyway).await.unwrap();
    // Nor do they come back without it.
    let revoked = order(member(2), "entry.add", Some("Clan"));
    services.revoke(&by(), &revoked).await.unwrap();
    let refused = services
        .undo(&who(), undoing(&undone.event, Whose::Own))
        .await;
    assert_eq!(missing(refused), "entry.add");
    // A member who had no entry got one: nothing that was there was linked.
    let member_new = Introduction {
        member: UserId::from_db(78),
        name: Name::parse("Vlad").unwrap(),
        link: None,
    };
    let vlad = services
        .add_points_for(&by(), award("<@78>"), &[member_new])
        .await
        .unwrap();
    for right in ["entry.add", "entry.edit"] {
        let order = order(member(2), right, Some("Clan"));
        if right == "entry.add" {
            services.grant(&by(), &order).await.unwrap();
        } else {
            services.revoke(&by(), &order).await.unwrap();
        }
    }
    services.undo(&who(), all(&vlad)).await.unwrap();
}

#[tokio::test]
async fn a_grant_that_was_made_anew_is_not_taken_back_unasked() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let by = || now.by(GUILD, OWNER);
    let other = || now.by(GUILD, 3);
    services.create_table(&by(), table("Oraș/A")).await.unwrap();
    let scorer = order(member(2), "scorer", Some("Oraș/A"));
    let first = services.grant(&by(), &scorer).await.unwrap();
    let revoked = services.revoke(&other(), &scorer).await.unwrap();
    let anew = services.grant(&other(), &scorer).await.unwrap();
    let count = async || services.grants(&by(), Some(member(2))).await.unwrap().len();

    let asked = services
        .undo(&by(), undoing(&first.event, Whose::Own))
        .await;
    let Err(ServiceError::ChangedSince { conflicts, .. }) = asked else {
        unreachable!("{asked:?}")
    };
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].kind, ConflictKind::GrantedAnew);
    let told = conflicts[0].by.as_ref().unwrap();
    assert_eq!(
        (told.seq, told.actor),
        (anew.event.seq, Some(UserId::from_db(3)))
    );
    assert_eq!(count().await, 1);
    // What was revoked is there: that is what the undo wants.
    services
        .undo(&by(), undoing(&revoked.event, Whose::Anybodys))
        .await
        .unwrap();
    assert_eq!(count().await, 1);
    // Shown, and agreed to.
    let agreed = UndoOrder {
        force: Force::shown(&conflicts),
        ..undoing(&first.event, Whose::Own)
    };
    services.undo(&by(), agreed).await.unwrap();
    assert_eq!(count().await, 0);
    // A grant that came back by an undo is the same one.
    let again = services.grant(&by(), &scorer).await.unwrap();
    let revoked = services.revoke(&other(), &scorer).await.unwrap();
    services
        .undo(&other(), undoing(&revoked.event, Whose::Own))
        .await
        .unwrap();
    services
        .undo(&by(), undoing(&again.event, Whose::Own))
        .await
        .unwrap();
    assert_eq!(count().await, 0);
    let report = services.verify_guild(guild()).await.unwrap();
    assert!(report.problem.is_none(), "{report:?}");
}

#[tokio::test]
async fn what_was_granted_in_a_place_that_is_gone_is_revoked_and_undone() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let by = || now.by(GUILD, OWNER);
    for address in ["Oraș/A", "Sat/B"] {
        services.create_table(&by(), table(address)).await.unwrap();
    }
    let in_table = granted(services, &now, member(5), "scorer", Some("Oraș/A")).await;
    let in_category = granted(services, &now, member(5), "viewer", Some("Oraș/*")).await;
    granted(services, &now, member(2), "admin", Some("Oraș/*")).await;
    services
        .delete_table(&by(), &table("Oraș/A"))
        .await
        .unwrap();
    // Whoever may grant in the category sees both still, and is offered them.
    let who = || plain(&now, 2, &[]);
    let listed = async || {
        services
            .grants(&who(), Some(member(5)))
            .await
            .unwrap()
            .len()
    };
    assert_eq!(listed().await, 2);
    let offered = services.complete_granted_scopes(&who(), "").await.unwrap();
    assert_eq!(offered, ["Oraș/*", "Oraș/A"]);
    let offered = services
        .complete_granted_scopes(&by(), "oraș/a")
        .await
        .unwrap();
    assert_eq!(offered, ["Oraș/A"]);
    // Nothing new is granted there.
    let more = order(member(5), "score.add", Some("Oraș/A"));
    let refused = services.grant(&by(), &more).await;
    assert!(
        matches!(refused, Err(ServiceError::UnknownScope { .. })),
        "{refused:?}"
    );

    let revoked = services
        .revoke(&who(), &order(member(5), "scorer", Some("oraș/a")))
        .await
        .unwrap();
    assert_eq!(revoked.table.as_deref(), Some("Oraș/A"));
    let other = services
        .revoke(&who(), &order(member(5), "viewer", Some("Oraș/*")))
        .await
        .unwrap();
    assert_eq!(listed().await, 0);
    // Called backwards, undo finds them too.
    for event in [&other.event, &revoked.event] {
        let last = UndoOrder {
            event: None,
            ..undoing(event, Whose::Own)
        };
        let undone = services.undo(&who(), last).await.unwrap();
        assert_eq!(undone.event.undoes, Some(event.seq));
    }
    assert_eq!(listed().await, 2);
    for event in [&in_table.event, &in_category.event] {
        services
            .undo(&by(), undoing(event, Whose::Own))
            .await
            .unwrap();
    }
    assert_eq!(listed().await, 0);
    // A table of that name that is there is meant first.
    services.create_table(&by(), table("Oraș/A")).await.unwrap();
    services
        .undo(&by(), undoing(&revoked.event, Whose::Anybodys))
        .await
        .unwrap_err();
    granted(services, &now, member(5), "scorer", Some("Oraș/A")).await;
    services
        .revoke(&who(), &order(member(5), "scorer", Some("Oraș/A")))
        .await
        .unwrap();
    assert_eq!(listed().await, 0);
    let report = services.verify_guild(guild()).await.unwrap();
    assert!(report.problem.is_none(), "{report:?}");
}

#[tokio::test]
async fn a_grant_elsewhere_is_no_ones_to_find_by_revoking() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let by = || now.by(GUILD, OWNER);
    for address in ["Oraș/A", "Sat/B"] {
        services.create_table(&by(), table(address)).await.unwrap();
    }
    granted(services, &now, member(5), "viewer", Some("Sat/B")).await;
    granted(services, &now, member(2), "admin", Some("Oraș/*")).await;
    services.delete_table(&by(), &table("Sat/B")).await.unwrap();
    let order = order(member(5), "viewer", Some("Sat/B"));
    let refused = services.revoke(&plain(&now, 2, &[]), &order).await;
    assert!(
        matches!(refused, Err(ServiceError::UnknownScope { .. })),
        "{refused:?}"
    );
    services.revoke(&by(), &order).await.unwrap();
}
