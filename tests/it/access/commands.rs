//! Rights as people meet them: commands, clicks, what is offered and told, on every process.

use fake_discord::{Device, Member, Reply};

use crate::support::app::{TestApp, assert_hides, assert_says};

fn phone() -> Device {
    Device::phone("Telefon")
}

async fn slash<'a>(
    who: &Member,
    command: &'a str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Reply {
    who.on(&phone()).slash(command, options).await
}

#[tokio::test]
async fn a_role_is_granted_points_and_loses_them_again() {
    let app = TestApp::start().await;
    let owner = app.moderator("alice");
    let scorers = app.guild.role("Instructori");
    let bob = app.guild.member("bob").roles([&scorers]).join();
    slash(
        &owner,
        "punctaj-admin table create",
        [("table", "Oraș/Clan")],
    )
    .await;
    let add = [("names", "Ana"), ("points", "5")];
    let refused = slash(&bob, "punctaj add", add).await;
    assert_says(
        &refused,
        &["`score.add`", "Manage Server", "Nothing was changed."],
    );

    let who = scorers.mention();
    let grant = [
        ("who", who.as_str()),
        ("right", "scorer"),
        ("scope", "Oraș/Clan"),
    ];
    let granted = slash(&owner, "punctaj-admin access grant", grant).await;
    assert_says(
        &granted,
        &["Granted a right in Oraș/Clan", "`scorer`", &who],
    );
    assert_says(&slash(&bob, "punctaj add", add).await, &["+5"]);
    let listed = slash(&owner, "punctaj-admin access list", []).await;
    assert_says(&listed, &["`scorer`", "the table Oraș/Clan", &who]);
    let me = bob.mention();
    let explain = [("who", me.as_str()), ("table", "Oraș/Clan")];
    let explained = slash(&bob, "punctaj-admin access explain", explain).await;
    assert_says(
        &explained,
        &[
            "✅ `score.add`",
            "❌ `entry.delete`",
            "the table is not private",
            "`scorer` granted to",
        ],
    );
    let elsewhere = [("who", me.as_str()), ("right", "score.add")];
    let elsewhere = slash(&bob, "punctaj-admin access explain", elsewhere).await;
    assert_says(
        &elsewhere,
        &["❌ `score.add`", "only for the table Oraș/Clan"],
    );

    // Whoever loses the role loses the right.
    bob.remove_role(&scorers);
    assert_says(&slash(&bob, "punctaj add", add).await, &["`score.add`"]);
    bob.add_role(&scorers);
    assert_says(&slash(&bob, "punctaj add", add).await, &["+5"]);
    let revoked = slash(&owner, "punctaj-admin access revoke", grant).await;
    assert_says(&revoked, &["Revoked a right in Oraș/Clan"]);
    assert_says(&slash(&bob, "punctaj add", add).await, &["`score.add`"]);
    // Undo grants it again; the history tells of it.
    owner.on(&phone()).click(&revoked, "Undo").await;
    assert_says(&slash(&bob, "punctaj add", add).await, &["+5"]);
    let found = slash(&owner, "punctaj-audit search", [("action", "access.grant")]).await;
    assert_says(&found, &["`access.grant`"]);
    app.finish().await;
}

#[tokio::test]
async fn refusals_name_who_can_help() {
    let app = TestApp::start().await;
    let (owner, dan) = (app.moderator("alice"), app.member("dan"));
    let bob = app.guild.member("bob").locale("ro").join();
    slash(&owner, "punctaj-admin table create", [("table", "Clan")]).await;
    let who = dan.mention();
    for right in ["access.manage", "scorer"] {
        let grant = [("who", who.as_str()), ("right", right)];
        slash(&owner, "punctaj-admin access grant", grant).await;
    }
    let refused = slash(&bob, "punctaj add", [("names", "Ana")]).await;
    assert_says(&refused, &["Îți lipsește dreptul `score.add`", &who]);
    // Of what he does not hold himself he can give nothing.
    let refused = slash(&bob, "punctaj delete", [("names", "Ana")]).await;
    assert_says(&refused, &["`entry.delete`"]);
    assert_hides(&refused, &[&who]);
    let whom = bob.mention();
    let grant = [("who", whom.as_str()), ("right", "scorer")];
    let granted = slash(&dan, "punctaj-admin access grant", grant).await;
    assert_says(&granted, &["Granted a right", "the whole server"]);
    let own = [("who", who.as_str()), ("right", "scorer")];
    let refused = slash(&dan, "punctaj-admin access revoke", own).await;
    assert_says(&refused, &["Nobody changes their own rights"]);
    let more = [("who", whom.as_str()), ("right", "admin")];
    let refused = slash(&dan, "punctaj-admin access grant", more).await;
    assert_says(&refused, &["You don’t hold the right"]);
    let unknown = [("who", whom.as_str()), ("right", "punctaj.all")];
    let refused = slash(&dan, "punctaj-admin access grant", unknown).await;
    assert_says(&refused, &["There is no right", "`scorer`"]);
    app.finish().await;
}

#[tokio::test]
async fn a_grant_says_so_when_discord_hides_the_command() {
    let app = TestApp::start().await;
    let owner = app.moderator("alice");
    let (scorers, others) = (app.guild.role("Instructori"), app.guild.role("Recruți"));
    app.guild.show_command("punctaj", app.guild.id(), false);
    app.guild.show_command("punctaj", scorers.id(), true);
    let (scorers, others) = (scorers.mention(), others.mention());
    let grant = async |who: &str, right: &str| {
        let options = [("who", who), ("right", right)];
        slash(&owner, "punctaj-admin access grant", options).await
    };
    assert_hides(&grant(&scorers, "scorer").await, &["Integrations"]);
    let hidden = grant(&others, "scorer").await;
    assert_says(
        &hidden,
        &["Granted a right", "Integrations", "`/punctaj`", &others],
    );
    assert_hides(&hidden, &["`/punctaj-audit`"]);
    // That command is not hidden from them.
    assert_hides(&grant(&others, "audit.view").await, &["Integrations"]);
    app.finish().await;
}

#[tokio::test]
async fn help_and_choices_show_what_one_may_do() {
    let app = TestApp::start().await;
    let owner = app.moderator("alice");
    let bob = app.member("bob");
    for table in ["Oraș/A", "Oraș/B", "Sat/C"] {
        slash(&owner, "punctaj-admin table create", [("table", table)]).await;
    }
    let help = slash(&bob, "punctaj help", []).await;
    assert_says(&help, &["`/punctaj view`", "`/punctaj profile`"]);
    assert_hides(&help, &["`/punctaj add`", "/punctaj-audit", "access grant"]);
    let who = bob.mention();
    let grant = [
        ("who", who.as_str()),
        ("right", "scorer"),
        ("scope", "Oraș/*"),
    ];
    slash(&owner, "punctaj-admin access grant", grant).await;
    let help = slash(&bob, "punctaj help", []).await;
    assert_says(&help, &["`/punctaj add`", "`/punctaj panel`"]);
    assert_hides(&help, &["`/punctaj delete`", "/punctaj-audit"]);
    let offered = async |command: &str, option: &str| {
        let options = [(option, "")];
        let on = bob.on(&phone());
        let choices = on.autocomplete(command, options, option).await;
        choices.into_iter().map(|it| it.name).collect::<Vec<_>>()
    };
    assert_eq!(offered("punctaj add", "table").await, ["Oraș/A", "Oraș/B"]);
    assert_eq!(
        offered("punctaj view", "table").await,
        ["Oraș/A", "Oraș/B", "Sat/C"]
    );
    assert_eq!(offered("punctaj delete", "table").await, [""; 0]);
    assert_eq!(
        offered("punctaj-admin access grant", "right").await,
        [""; 0]
    );
    // What can be revoked is where something was granted.
    let scopes = async |command: &str| {
        let on = owner.on(&phone());
        let choices = on.autocomplete(command, [("scope", "")], "scope").await;
        choices.into_iter().map(|it| it.name).collect::<Vec<_>>()
    };
    assert_eq!(scopes("punctaj-admin access revoke").await, ["Oraș/*"]);
    assert_eq!(scopes("punctaj-admin access grant").await.len(), 5);
    // Without a table it is asked which, of these two.
    let asked = slash(&bob, "punctaj add", [("names", "Ana")]).await;
    let menu = asked.menu("Choose a table");
    let menu: Vec<_> = menu.iter().map(|choice| choice.name.as_str()).collect();
    assert_eq!(menu, ["Oraș/A", "Oraș/B"]);
    app.finish().await;
}

#[tokio::test]
async fn a_click_has_the_rights_of_its_moment() {
    let app = TestApp::start().await;
    let (owner, bob) = (app.moderator("alice"), app.member("bob"));
    slash(&owner, "punctaj-admin table create", [("table", "Clan")]).await;
    slash(
        &owner,
        "punctaj add",
        [("names", "Ana, Ion"), ("points", "5")],
    )
    .await;
    let who = bob.mention();
    let grant = [
        ("who", who.as_str()),
        ("right", "scorer"),
        ("scope", "Clan"),
    ];
    slash(&owner, "punctaj-admin access grant", grant).await;
    let on = bob.on(&phone());
    let panel = slash(&bob, "punctaj panel", [("table", "Clan")]).await;
    let panel = on.select(&panel, "1:panel", ["Ana"]).await;
    let given = on.click(&panel, "+5").await;
    assert_says(&given, &["+5"]);
    let added = slash(&bob, "punctaj add", [("names", "Ion"), ("points", "1")]).await;
    slash(&owner, "punctaj-admin access revoke", grant).await;
    assert_says(&on.click(&given, "+5").await, &["`score."]);
    assert_says(&on.click(&added, "Undo").await, &["`score.add`"]);
    // The menu of a member asks for the same.
    let form = on.context_menu("Punctaj: add points", &bob).await;
    let refused = on.submit(&form, [("points", "5"), ("table", "Clan")]).await;
    assert_says(&refused, &["`score.add`"]);
    app.finish().await;
}
