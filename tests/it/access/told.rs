//! Who is told what of others' rights, of places, and of commands.

use std::collections::BTreeSet;

use fake_discord::Device;
use fake_discord::permissions::{ADMINISTRATOR, MANAGE_GUILD};
use punctaj::domain::access::Standing;
use punctaj::service::access::Subject;
use punctaj::service::points::Award;
use punctaj::service::{Request, ServiceError, Services};

use super::{GUILD, OWNER, granted, member, missing, order, plain, table};
use crate::support::app::{TestApp, assert_hides, assert_says, slash};
use crate::support::db::{Interactions, TestDb};

/// A guild with a table in each of two categories.
async fn with_tables() -> (TestDb, Interactions) {
    let (db, now) = (TestDb::new().await, Interactions::new());
    for address in ["Oraș/A", "Sat/B"] {
        let by = now.by(GUILD, OWNER);
        db.services.create_table(&by, table(address)).await.unwrap();
    }
    (db, now)
}

/// Who could give the right that somebody lacks in a table.
async fn givers(services: &Services, who: &Request, address: &str) -> Vec<String> {
    let award = Award {
        names: punctaj::domain::name::NameList::parse("Ana", 1)
            .unwrap()
            .into_items(),
        points: 1,
        table: Some(table(address)),
        table_id: None,
        reason: None,
    };
    let refused = services.add_points(who, award).await;
    let Err(ServiceError::Forbidden { right, at }) = refused else {
        unreachable!("{refused:?}");
    };
    let givers = services.givers(who, right, at.as_ref()).await.unwrap();
    givers.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_refusal_names_those_who_can_help_there() {
    let (db, now) = with_tables().await;
    let services = &db.services;
    for right in ["access.manage", "scorer"] {
        granted(services, &now, member(2), right, Some("Oraș/*")).await;
    }
    // One in each place gives nothing.
    granted(services, &now, member(3), "access.manage", Some("Oraș/*")).await;
    granted(services, &now, member(3), "scorer", Some("Sat/B")).await;
    // In the table alone.
    for right in ["access.manage", "score.add"] {
        granted(services, &now, member(4), right, Some("Sat/B")).await;
    }
    let who = || plain(&now, 9, &[]);
    // Whoever holds the right somewhere is told of the very place.
    granted(services, &now, member(9), "score.add", Some("Sat/B")).await;
    assert_eq!(
        givers(services, &who(), "Oraș/A").await,
        [member(2).to_string()]
    );
    let other = || plain(&now, 10, &[]);
    granted(services, &now, member(10), "score.add", Some("Oraș/*")).await;
    assert_eq!(
        givers(services, &other(), "Sat/B").await,
        [member(4).to_string()]
    );
    // Whoever holds it nowhere could be helped in any of them.
    let nowhere = givers(services, &plain(&now, 11, &[]), "Oraș/A").await;
    assert_eq!(nowhere, [member(2).to_string(), member(4).to_string()]);
}

#[tokio::test]
async fn what_others_hold_is_explained_where_one_may_grant() {
    let (db, now) = with_tables().await;
    let services = &db.services;
    granted(services, &now, member(2), "access.manage", Some("Oraș/*")).await;
    for scope in ["Oraș/A", "Sat/B"] {
        granted(services, &now, member(5), "scorer", Some(scope)).await;
    }
    granted(services, &now, member(5), "viewer", None).await;
    let subject = Subject {
        who: member(5),
        standing: Standing::default(),
    };
    let scopes = async |who: &Request, address: Option<&str>| {
        let table = address.map(table);
        let explained = services.explain(who, &subject, None, table.as_ref()).await;
        explained.map(|it| {
            let tables = it.grants.iter().map(|it| it.table.clone());
            tables.collect::<BTreeSet<_>>()
        })
    };
    let (a, b) = (Some("Oraș/A".to_owned()), Some("Sat/B".to_owned()));
    let manager = || plain(&now, 2, &[]);
    // What holds for the whole guild holds here, too.
    assert_eq!(
        scopes(&manager(), Some("Oraș/A")).await.unwrap(),
        BTreeSet::from([None, a.clone()])
    );
    assert_eq!(
        scopes(&manager(), None).await.unwrap(),
        BTreeSet::from([None, a.clone()])
    );
    let elsewhere = scopes(&manager(), Some("Sat/B")).await;
    assert_eq!(missing(elsewhere), "access.manage");
    let all = BTreeSet::from([None, a, b]);
    for everything in [now.by(GUILD, OWNER), plain(&now, 5, &[])] {
        assert_eq!(scopes(&everything, None).await.unwrap(), all);
    }
}

#[tokio::test]
async fn what_is_about_the_whole_server_is_granted_for_it_alone() {
    let (db, now) = with_tables().await;
    let services = &db.services;
    for scope in ["Oraș/*", "Sat/B"] {
        let order = order(member(5), "settings.manage", Some(scope));
        let refused = services.grant(&now.by(GUILD, OWNER), &order).await;
        assert!(
            matches!(refused, Err(ServiceError::OfGuild { .. })),
            "{refused:?}"
        );
        // A bundle comes to the rest of it there.
        granted(services, &now, member(5), "admin", Some(scope)).await;
    }
    granted(services, &now, member(5), "settings.manage", None).await;
}

#[tokio::test]
async fn help_offers_nothing_that_a_right_in_one_table_does_not_do() {
    let app = TestApp::start().await;
    let (owner, bob) = (app.moderator("alice"), app.member("bob"));
    slash(&owner, "punctaj-admin table create", [("table", "Clan")]).await;
    let who = bob.mention();
    let grant = async |right: &str, scope: Option<&str>| {
        let options = [("who", who.as_str()), ("right", right)];
        let scope = scope.map(|scope| ("scope", scope));
        slash(
            &owner,
            "punctaj-admin access grant",
            options.into_iter().chain(scope),
        )
        .await
    };
    let help = slash(&bob, "punctaj help", []).await;
    assert_says(&help, &["`/punctaj-admin access explain`"]);
    grant("audit.view", Some("Clan")).await;
    grant("admin", Some("Clan")).await;
    let (here, whole) = (
        ["`/punctaj-audit search`", "`/punctaj-admin table edit`"],
        [
            "`/punctaj-audit verify`",
            "`/punctaj-audit sessions`",
            "`/punctaj-admin settings show`",
            "`/punctaj-admin diagnose`",
        ],
    );
    let help = slash(&bob, "punctaj help", []).await;
    assert_says(&help, &here);
    assert_hides(&help, &whole);
    let refused = grant("settings.manage", Some("Clan")).await;
    assert_says(&refused, &["without `scope`", "Nothing was changed."]);
    grant("admin", None).await;
    assert_says(&slash(&bob, "punctaj help", []).await, &whole);
    app.finish().await;
}

#[tokio::test]
async fn names_of_a_private_table_are_offered_for_what_one_may_do_there() {
    let app = TestApp::start().await;
    let (owner, bob) = (app.moderator("alice"), app.member("bob"));
    slash(&owner, "punctaj-admin table create", [("table", "Secret")]).await;
    slash(&owner, "punctaj add", [("names", "Ana"), ("points", "5")]).await;
    let private = [("table", "Secret"), ("private", "true")];
    slash(&owner, "punctaj-admin table edit", private).await;
    let who = bob.mention();
    let offered = async |command: &str, option: &str| {
        let options = [("table", "Secret"), (option, "A")];
        let phone = Device::phone("Telefon");
        let choices = bob.on(&phone).autocomplete(command, options, option).await;
        choices.into_iter().map(|it| it.name).collect::<Vec<_>>()
    };
    let grant = async |right: &str| {
        let options = [("who", who.as_str()), ("right", right), ("scope", "Secret")];
        slash(&owner, "punctaj-admin access grant", options).await;
    };
    grant("period.close").await;
    assert_eq!(offered("punctaj add", "names").await, [""; 0]);
    assert_eq!(offered("punctaj profile", "name").await, [""; 0]);
    grant("score.add").await;
    assert_eq!(offered("punctaj add", "names").await, ["Ana"]);
    assert_eq!(offered("punctaj delete", "names").await, [""; 0]);
    assert_eq!(offered("punctaj profile", "name").await, [""; 0]);
    grant("table.view").await;
    assert_eq!(offered("punctaj profile", "name").await, ["Ana"]);
    app.finish().await;
}

#[tokio::test]
async fn discord_hides_commands_from_all_but_administrators() {
    let app = TestApp::start().await;
    let owner = app.moderator("alice");
    app.guild.hide_command("punctaj");
    let grant = async |role: &str| {
        let options = [("who", role), ("right", "scorer")];
        slash(&owner, "punctaj-admin access grant", options).await
    };
    let managers = app.guild.role("Manageri").permissions(MANAGE_GUILD);
    assert_says(&grant(&managers.mention()).await, &["Integrations"]);
    let administrators = app.guild.role("Admini").permissions(ADMINISTRATOR);
    assert_hides(&grant(&administrators.mention()).await, &["Integrations"]);
    // Whom a command is shown to all the same, or the whole application is not, does not count.
    app.guild
        .show_command("punctaj-audit", app.guild.id(), true);
    let reply = slash(&owner, "punctaj-admin diagnose", []).await;
    assert_says(&reply, &["hides these commands", "/punctaj"]);
    assert_hides(&reply, &["/punctaj-audit"]);
    app.finish().await;
}
