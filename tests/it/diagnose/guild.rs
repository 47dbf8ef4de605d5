//! `/punctaj-admin diagnose`: why a schedule did not close its table, and why somebody does not have
//! the role of their rank.

use fake_discord::permissions::{
    ADMINISTRATOR, EVERYONE, MANAGE_GUILD, MANAGE_ROLES, SEND_MESSAGES,
};
use fake_discord::{Fault, Member, Reply, Role};

use crate::support::app::{TestApp, assert_hides, assert_says, slash, until};

async fn diagnosed(who: &Member) -> Reply {
    slash(who, "punctaj-admin diagnose", []).await
}

async fn with_tables(names: &[&str]) -> (TestApp, Member) {
    let app = TestApp::start().await;
    let owner = app.guild.member("sef").owner().join();
    for name in names {
        slash(&owner, "punctaj-admin table create", [("table", *name)]).await;
    }
    (app, owner)
}

async fn run(app: &TestApp, statement: &str) {
    let pool = app.db.superuser().await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(&pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn why_a_schedule_did_not_close_or_nobody_was_told() {
    let (mut app, owner) = with_tables(&["Well", "Paused", "Due", "Gone", "Shut"]).await;
    let command = "punctaj-admin period schedule";
    let (gone, shut) = (app.guild.channel("gone"), app.guild.channel("shut"));
    let (to_gone, to_shut) = (gone.mention(), shut.mention());
    for (table, channel) in [("Well", None), ("Paused", None), ("Due", None)]
        .into_iter()
        .chain([("Gone", Some(&to_gone)), ("Shut", Some(&to_shut))])
    {
        let options = [("table", table), ("every", "week")];
        let channel = channel.map(|channel| ("channel", channel.as_str()));
        slash(&owner, command, options.into_iter().chain(channel)).await;
    }
    slash(&owner, command, [("table", "Paused"), ("every", "off")]).await;
    let reply = diagnosed(&owner).await;
    let is_paused = "✅ **Paused** is not closed: its schedule is paused";
    assert_says(
        &reply,
        &[
            is_paused,
            "✅ 4 tables are closed by their schedules, the next one on <t:",
            "✅ Closings of **Well** by its schedule are not reported anywhere",
        ],
    );
    assert_hides(&reply, &["❌", "⚠️", "**Gone**", "**Shut**"]);

    gone.delete();
    shut.deny_bot(SEND_MESSAGES);
    // Three weeks in which nothing could be closed.
    run(
        &app,
        "revoke insert on punctaj.periods from punctaj_app; \
         update punctaj.tables set schedule_from = now() - interval '22 days' where name = 'Due'",
    )
    .await;
    let reply = diagnosed(&owner).await;
    assert_says(
        &reply,
        &[
            is_paused,
            "❌ **Due** should have been closed on <t:",
            "/punctaj-admin period close",
            "⚠️ The channel for reports on **Gone** is not there any more",
            &format!(
                "⚠️ Reports on **Shut** can't be posted in {to_shut}: the bot lacks *Send Messages*"
            ),
        ],
    );

    // With a log channel reports have somewhere to go.
    let log = app.guild.channel("log").mention();
    let options = [("channel", log.as_str())];
    slash(&owner, "punctaj-admin settings log-channel", options).await;
    run(&app, "grant insert on punctaj.periods to punctaj_app").await;
    let closed = async || {
        let list = slash(&owner, "punctaj-admin period list", [("table", "Due")]).await;
        list.text().contains("late")
    };
    until("the table is closed, late", closed).await;
    let reply = diagnosed(&owner).await;
    assert_says(&reply, &["✅ **Due** was closed later than on <t:"]);
    assert_hides(
        &reply,
        &["should have been closed", "not reported anywhere"],
    );
    let refused = app.discord.refusals().len();
    app.expect_refusals(refused);
    app.finish().await;
}

async fn rank_with(who: &Member, number: &str, role: &Role) {
    let (title, role) = (format!("Grad {number}"), role.mention());
    let options = [
        ("table", "Clan"),
        ("rank", number),
        ("title", &*title),
        ("role", &*role),
    ];
    let set = slash(who, "punctaj-admin rank set", options).await;
    assert_says(&set, &[&title]);
}

#[tokio::test]
async fn why_somebody_does_not_have_the_role_of_their_rank() {
    let (app, owner) = with_tables(&["Clan"]).await;
    let role = |name: &str| app.guild.role(name).position(10);
    let (well, high, powerful) = (role("Bun"), role("Sus"), role("Tare"));
    for (number, role) in [("1", &well), ("2", &high), ("3", &powerful)] {
        rank_with(&owner, number, role).await;
    }
    let reply = diagnosed(&owner).await;
    assert_says(
        &reply,
        &["✅ The bot can hand out 3 roles that go with ranks"],
    );
    assert_hides(&reply, &["❌", "⚠️"]);

    let _ = high.clone().above_bot();
    let _ = powerful.clone().permissions(ADMINISTRATOR);
    let options = [("names", "Ion"), ("points", "1")];
    slash(&owner, "punctaj add", options).await;
    let options = [("name", "Ion"), ("field", "rank"), ("value", "1")];
    slash(&owner, "punctaj set", options).await;
    let reply = diagnosed(&owner).await;
    let cannot = |role: &Role, rank: &str| {
        let role = role.mention();
        format!("❌ The bot can’t hand out {role}, which goes with: Clan: {rank}")
    };
    assert_says(
        &reply,
        &[
            &cannot(&high, "Grad 2"),
            "does not stand below the bot’s highest role",
            &cannot(&powerful, "Grad 3"),
            "the permission Administrator",
            "✅ The bot can hand out the one role that goes with ranks",
            "✅ One entry has a rank with a role, but is linked to no member",
        ],
    );

    app.guild.bot_permissions(EVERYONE);
    let reply = diagnosed(&owner).await;
    assert_says(
        &reply,
        &[
            &cannot(&well, "Grad 1"),
            "lacks the permission Manage Roles",
        ],
    );
    app.guild.bot_permissions(EVERYONE | MANAGE_ROLES);
    well.delete();
    let reply = diagnosed(&owner).await;
    assert_says(&reply, &[&cannot(&well, "Grad 1"), "There is no role"]);
    app.finish().await;
}

#[tokio::test]
async fn who_waits_for_a_role_is_counted() {
    let (mut app, owner) = with_tables(&["Clan"]).await;
    let role = app.guild.role("Cadet").position(10);
    rank_with(&owner, "1", &role).await;
    let ana = app.member("ana");
    slash(&owner, "punctaj add", [("names", &*ana.mention())]).await;
    // Discord refuses, in words of its own.
    let refusal = Fault::status(403).code(50013);
    app.discord.inject(refusal.on("PUT", "/roles/").times(1000));
    let options = [("name", "ana"), ("field", "rank"), ("value", "1")];
    slash(&owner, "punctaj set", options).await;
    let refused = async || {
        let problems = app.db.services.role_problems(None).await.unwrap();
        !problems.is_empty()
    };
    until("the refusal is noted", refused).await;
    let reply = diagnosed(&owner).await;
    assert_says(
        &reply,
        &[
            &format!("❌ The bot can’t hand out {}", role.mention()),
            "Discord refuses",
            "A fault that the test ordered",
        ],
    );
    assert_hides(&reply, &["for minutes", "given up"]);
    run(
        &app,
        "update punctaj.role_changes set queued_at = now() - interval '5 minutes'",
    )
    .await;
    let reply = diagnosed(&owner).await;
    assert_says(&reply, &["⚠️ One member has waited for the role"]);
    run(
        &app,
        "update punctaj.role_changes set not_before = 'infinity'",
    )
    .await;
    let reply = diagnosed(&owner).await;
    assert_says(&reply, &["❌ The bot has given up handing one member"]);
    let refused = app.discord.refusals().len();
    app.expect_refusals(refused);
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_told_of_private_tables_that_one_may_not_look_at() {
    let (app, owner) = with_tables(&["Clan", "Secret"]).await;
    let private = [("table", "Secret"), ("private", "true")];
    slash(&owner, "punctaj-admin table edit", private).await;
    let channel = app.guild.channel("secret");
    let mention = channel.mention();
    let board = [("table", "Secret"), ("channel", mention.as_str())];
    slash(&owner, "punctaj-admin board post", board).await;
    let posted = async || channel.last_message().is_some();
    until("the board stands", posted).await;
    let schedule = [("table", "Secret"), ("every", "off")];
    let week = [("table", "Secret"), ("every", "week")];
    slash(&owner, "punctaj-admin period schedule", week).await;
    slash(&owner, "punctaj-admin period schedule", schedule).await;
    channel.deny_bot(SEND_MESSAGES);
    let bob = app.guild.member("bob").join();
    let grant = [("who", &*bob.mention()), ("right", "settings.manage")];
    slash(&owner, "punctaj-admin access grant", grant).await;
    let reply = diagnosed(&bob).await;
    assert_says(
        &reply,
        &["✅ Of one private table that you may not look at"],
    );
    assert_hides(&reply, &["Secret", &mention]);
    // Who manages the server sees everything.
    let ana = app.guild.member("ana").permissions(MANAGE_GUILD).join();
    let reply = diagnosed(&ana).await;
    assert_says(
        &reply,
        &["❌ The board of **Secret**", "**Secret** is not closed"],
    );
    assert_hides(&reply, &["may not look at"]);
    app.finish().await;
}
