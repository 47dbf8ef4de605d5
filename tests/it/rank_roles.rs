//! Discord roles follow ranks, whatever happens to the roles, to Discord and to the bots; and points
//! never wait for them.

use std::time::Duration;

use fake_discord::permissions::{
    ADMINISTRATOR, EVERYONE, MANAGE_GUILD, MANAGE_MESSAGES, MANAGE_ROLES, MENTION_EVERYONE,
};
use fake_discord::{Channel, Device, Fault, Member, Reply, Role};
use punctaj::domain::ids::{GuildId, RoleId, UserId};
use punctaj::domain::name::{Name, NameOrMember, TableAddress};
use punctaj::domain::rank_role::UnfitRole;
use punctaj::service::ServiceError;
use punctaj::service::entries::{Assignment, NewValue};
use punctaj::service::points::Award;
use punctaj::service::rank_roles::{InHand, Outcome};
use punctaj::service::tables::RankOrder;
use sqlx::PgPool;

use crate::support::app::{Process, TestApp, all_told, assert_says, until};
use crate::support::db::{Interactions, TestDb, request};

fn pc() -> Device {
    Device::desktop("PC")
}

async fn slash<'a>(
    who: &Member,
    command: &'a str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Reply {
    who.on(&pc()).slash(command, options).await
}

/// A bot, the guild's owner, and a table.
async fn with_table() -> (TestApp, Member) {
    let app = TestApp::start().await;
    let owner = prepared(&app).await;
    (app, owner)
}

async fn prepared(app: &TestApp) -> Member {
    let owner = app.guild.member("sef").owner().join();
    slash(&owner, "punctaj-admin table create", [("table", "Clan")]).await;
    owner
}

/// A role below the bot's.
fn role(app: &TestApp, name: &str) -> Role {
    app.guild.role(name).position(10)
}

async fn rank_with(who: &Member, number: &str, role: &Role) -> Reply {
    let options = [
        ("table", "Clan"),
        ("rank", number),
        ("title", &*format!("Grad {number}")),
        ("role", &*role.mention()),
    ];
    slash(who, "punctaj-admin rank set", options).await
}

async fn set(who: &Member, name: &str, field: &str, value: &str) -> Reply {
    let options = [("name", name), ("field", field), ("value", value)];
    slash(who, "punctaj set", options).await
}

/// An entry that is linked to a new member.
async fn linked(app: &TestApp, owner: &Member, name: &str) -> Member {
    let member = app.member(name);
    let added = slash(owner, "punctaj add", [("names", &*member.mention())]).await;
    assert_says(&added, &[name]);
    member
}

/// Waits until a member has these roles, and none of those.
async fn has(member: &Member, roles: &[&Role], lacks: &[&Role]) {
    let what = format!("{} has {roles:?} and not {lacks:?}", member.name());
    until(&what, async || {
        roles.iter().all(|role| member.has_role(role))
            && !lacks.iter().any(|it| member.has_role(it))
    })
    .await;
}

/// Waits until nothing is left to be looked at but what waits for somebody to mend it.
async fn all_looked_at(app: &TestApp) {
    let pool = app.db.superuser().await;
    until("all roles are looked at", async || due(&pool).await == 0).await;
}

async fn due(pool: &PgPool) -> i64 {
    let due = "select count(*) from punctaj.role_changes where not_before <= now() + interval '10 seconds'";
    sqlx::query_scalar(due).fetch_one(pool).await.unwrap()
}

async fn queued(pool: &PgPool) -> i64 {
    let queued = "select count(*) from punctaj.role_changes";
    sqlx::query_scalar(queued).fetch_one(pool).await.unwrap()
}

/// How often Discord was asked to give or take a role.
fn asked(app: &TestApp, method: &str) -> usize {
    let requests = app.discord.requests();
    let of_roles = requests.iter().filter(|it| it.path.contains("/roles/"));
    of_roles.filter(|it| it.method == method).count()
}

async fn with_log(app: &TestApp, owner: &Member) -> Channel {
    let log = app.guild.channel("jurnal");
    let to_log = [("channel", &*log.mention())];
    slash(owner, "punctaj-admin settings log-channel", to_log).await;
    log
}

/// The messages of the log that are about roles.
async fn told(app: &TestApp, log: &Channel) -> Vec<String> {
    all_told(app).await;
    let texts = log.messages().into_iter().map(|message| message.text());
    let about_roles = |text: &String| text.contains("can’t hand out or take back");
    texts.filter(about_roles).collect()
}

#[tokio::test]
async fn no_unsafe_role_ever_goes_with_a_rank() {
    let (app, owner) = with_table().await;
    let everyones = format!("<@&{}>", app.guild.id());
    let cases = [
        (
            role(&app, "Sus").above_bot().mention(),
            "does not stand below the bot’s",
        ),
        (role(&app, "Boost").managed().mention(), "belongs to a bot"),
        (everyones, "Everybody in this server has"),
        (
            role(&app, "Admin").permissions(ADMINISTRATOR).mention(),
            "the permission Administrator",
        ),
        (
            role(&app, "Roluri").permissions(MANAGE_ROLES).mention(),
            "the permission Manage Roles",
        ),
        (
            role(&app, "Mesaje")
                .permissions(MANAGE_MESSAGES | EVERYONE)
                .mention(),
            "the permission Manage Messages",
        ),
        (
            role(&app, "Toti").permissions(MENTION_EVERYONE).mention(),
            "the permission Mention @everyone",
        ),
    ];
    let options = |role| {
        [
            ("table", "Clan"),
            ("rank", "1"),
            ("title", "Cadet"),
            ("role", role),
        ]
    };
    for (role, why) in &cases {
        let refused = slash(&owner, "punctaj-admin rank set", options(role)).await;
        assert_says(&refused, &[why, "Nothing was changed."]);
    }

    // Whoever has it could change who may do what.
    let trusted = role(&app, "Consiliu");
    let grant = [("who", &*trusted.mention()), ("right", "admin")];
    slash(&owner, "punctaj-admin access grant", grant).await;
    let refused = rank_with(&owner, "1", &trusted).await;
    assert_says(
        &refused,
        &["change Punctaj’s rights", "Nothing was changed."],
    );

    // Nobody has the bot hand out what they could not hand out themselves; but the owner.
    let fine = role(&app, "Sergent");
    let ana = app.guild.member("ana").permissions(MANAGE_GUILD).join();
    let refused = rank_with(&ana, "1", &fine).await;
    assert_says(&refused, &["your own highest role", "Nothing was changed."]);

    // Nobody hears of roles who may not set ranks.
    let bob = app.guild.member("bob").join();
    let refused = rank_with(&bob, "1", &fine).await;
    assert_says(&refused, &["table.edit", "Nothing was changed."]);

    app.guild.bot_permissions(EVERYONE);
    let refused = rank_with(&owner, "1", &fine).await;
    assert_says(
        &refused,
        &["lacks the permission Manage Roles", "Nothing was changed."],
    );
    let ion = app
        .guild
        .member("ion")
        .locale("ro")
        .roles([&fine.clone().position(50)])
        .join();
    ion.set_permissions(MANAGE_GUILD);
    let refused = rank_with(&ion, "1", &role(&app, "Caporal")).await;
    assert_says(
        &refused,
        &["Botului îi lipsește", "Nu s-a modificat nimic."],
    );
    app.guild.bot_permissions(EVERYONE | MANAGE_ROLES);

    // A role that can't be checked is not chosen.
    app.discord
        .inject(Fault::status(500).on("GET", "/guilds/").times(1000));
    let refused = rank_with(&owner, "1", &fine).await;
    assert_says(&refused, &["Discord did not say", "Nothing was changed."]);
    app.discord.clear_faults();

    let none = slash(&owner, "punctaj-admin rank list", [("table", "Clan")]).await;
    assert_says(&none, &["no ranks"]);
    let chosen = rank_with(&owner, "1", &fine).await;
    assert_says(&chosen, &[&fine.mention()]);
    let list = slash(&owner, "punctaj-admin rank list", [("table", "Clan")]).await;
    assert_says(&list, &["Grad 1", &fine.mention()]);
    app.finish().await;
}

#[tokio::test]
async fn roles_follow_ranks_through_every_change_and_back() {
    let (app, owner) = with_table().await;
    let (cadet, sergeant) = (role(&app, "Cadet"), role(&app, "Sergent"));
    rank_with(&owner, "1", &cadet).await;
    rank_with(&owner, "2", &sergeant).await;
    let ana = linked(&app, &owner, "ana").await;
    set(&owner, "ana", "rank", "1").await;
    has(&ana, &[&cadet], &[&sergeant]).await;
    let promoted = set(&owner, "ana", "rank", "2").await;
    has(&ana, &[&sergeant], &[&cadet]).await;
    owner.on(&pc()).click(&promoted, "Undo").await;
    has(&ana, &[&cadet], &[&sergeant]).await;

    // The member.
    let bob = app.member("bob");
    set(&owner, "ana", "member", &bob.mention()).await;
    has(&ana, &[], &[&cadet]).await;
    has(&bob, &[&cadet], &[]).await;
    let unlinked = set(&owner, "ana", "member", "-").await;
    has(&bob, &[], &[&cadet]).await;
    owner.on(&pc()).click(&unlinked, "Undo").await;
    has(&bob, &[&cadet], &[]).await;

    // The entry.
    let deleted = slash(&owner, "punctaj delete", [("names", "ana")]).await;
    has(&bob, &[], &[&cadet]).await;
    owner.on(&pc()).click(&deleted, "Undo").await;
    has(&bob, &[&cadet], &[]).await;

    // The rank: each who holds it.
    let carol = linked(&app, &owner, "carol").await;
    set(&owner, "carol", "rank", "1").await;
    has(&carol, &[&cadet], &[]).await;
    let recruit = role(&app, "Recrut");
    let changed = rank_with(&owner, "1", &recruit).await;
    has(&bob, &[&recruit], &[&cadet]).await;
    has(&carol, &[&recruit], &[&cadet]).await;
    owner.on(&pc()).click(&changed, "Undo").await;
    has(&bob, &[&cadet], &[&recruit]).await;
    has(&carol, &[&cadet], &[&recruit]).await;
    let the_rank = [("table", "Clan"), ("rank", "1")];
    let removed = slash(&owner, "punctaj-admin rank remove", the_rank).await;
    has(&bob, &[], &[&cadet]).await;
    has(&carol, &[], &[&cadet]).await;
    owner.on(&pc()).click(&removed, "Undo").await;
    has(&bob, &[&cadet], &[]).await;
    has(&carol, &[&cadet], &[]).await;

    // The table.
    slash(&owner, "punctaj-admin table delete", [("table", "Clan")]).await;
    has(&bob, &[], &[&cadet]).await;
    slash(&owner, "punctaj-admin table restore", [("table", "Clan")]).await;
    has(&bob, &[&cadet], &[]).await;

    all_looked_at(&app).await;
    assert_eq!(queued(&app.db.superuser().await).await, 0);
    let verified = slash(&owner, "punctaj-audit verify", []).await;
    assert_says(&verified, &["agree"]);
    app.finish().await;
}

#[tokio::test]
async fn what_somebody_gave_by_hand_stays_and_what_two_ranks_give_stays_for_the_other() {
    let (app, owner) = with_table().await;
    let (cadet, other) = (role(&app, "Cadet"), role(&app, "Prieten"));
    rank_with(&owner, "1", &cadet).await;
    let ana = linked(&app, &owner, "ana").await;
    ana.add_role(&cadet);
    ana.add_role(&other);
    set(&owner, "ana", "rank", "1").await;
    all_looked_at(&app).await;
    set(&owner, "ana", "rank", "-").await;
    all_looked_at(&app).await;
    has(&ana, &[&cadet, &other], &[]).await;
    assert_eq!((asked(&app, "PUT"), asked(&app, "DELETE")), (0, 0));

    // The same role by a rank of another table.
    let bob = linked(&app, &owner, "bob").await;
    set(&owner, "bob", "rank", "1").await;
    has(&bob, &[&cadet], &[]).await;
    slash(&owner, "punctaj-admin table create", [("table", "Liga")]).await;
    let there = ("table", "Liga");
    let rank = [
        there,
        ("rank", "5"),
        ("title", "As"),
        ("role", &*cadet.mention()),
    ];
    slash(&owner, "punctaj-admin rank set", rank).await;
    slash(&owner, "punctaj add", [there, ("names", &*bob.mention())]).await;
    let fields = [there, ("name", "bob"), ("field", "rank"), ("value", "5")];
    slash(&owner, "punctaj set", fields).await;
    let off = [
        ("table", "Clan"),
        ("name", "bob"),
        ("field", "rank"),
        ("value", "-"),
    ];
    slash(&owner, "punctaj set", off).await;
    all_looked_at(&app).await;
    has(&bob, &[&cadet], &[]).await;
    assert_eq!((asked(&app, "PUT"), asked(&app, "DELETE")), (1, 0));
    let off = [there, ("name", "bob"), ("field", "rank"), ("value", "-")];
    slash(&owner, "punctaj set", off).await;
    has(&bob, &[], &[&cadet]).await;
    app.finish().await;
}

#[tokio::test]
async fn points_go_on_while_discord_takes_no_roles_and_roles_follow_later() {
    let (app, owner) = with_table().await;
    let (cadet, sergeant) = (role(&app, "Cadet"), role(&app, "Sergent"));
    rank_with(&owner, "1", &cadet).await;
    rank_with(&owner, "2", &sergeant).await;
    let ana = linked(&app, &owner, "ana").await;
    let bob = linked(&app, &owner, "bob").await;
    let on_roles = |fault: Fault, method| fault.on(method, "/roles/");
    for fault in [
        on_roles(Fault::status(500), "PUT").times(3),
        on_roles(Fault::hang_up(), "PUT"),
        // Carried out, but nobody hears of it.
        on_roles(Fault::status(502), "PUT").after_effect(),
        on_roles(Fault::rate_limit(Duration::from_secs(8)), "PUT"),
        on_roles(Fault::status(503), "DELETE").times(2),
        on_roles(Fault::rate_limit(Duration::from_secs(1)), "DELETE"),
        Fault::status(500).on("GET", "/members/").times(4),
    ] {
        app.discord.inject(fault);
    }
    set(&owner, "ana", "rank", "1").await;
    set(&owner, "bob", "rank", "1").await;
    for points in ["5", "6"] {
        let added = slash(
            &owner,
            "punctaj add",
            [("names", "ana, bob"), ("points", points)],
        )
        .await;
        assert_says(&added, &["ana", "bob"]);
    }
    set(&owner, "bob", "rank", "2").await;
    has(&ana, &[&cadet], &[&sergeant]).await;
    has(&bob, &[&sergeant], &[&cadet]).await;
    set(&owner, "ana", "rank", "-").await;
    has(&ana, &[], &[&cadet, &sergeant]).await;
    all_looked_at(&app).await;
    let problems = app.db.services.role_problems(None).await.unwrap();
    assert_eq!(problems, [], "nobody has to mend anything");
    app.finish().await;
}

#[tokio::test]
async fn what_was_changed_while_no_bot_was_there_is_done_by_the_next() {
    let (mut app, owner) = with_table().await;
    let (cadet, sergeant) = (role(&app, "Cadet"), role(&app, "Sergent"));
    rank_with(&owner, "1", &cadet).await;
    rank_with(&owner, "2", &sergeant).await;
    let ana = linked(&app, &owner, "ana").await;
    set(&owner, "ana", "rank", "1").await;
    has(&ana, &[&cadet], &[]).await;
    app.restart_bot().await;
    // Taken away by hand, and then the rank changes: what should be is what is done.
    ana.remove_role(&cadet);
    set(&owner, "ana", "rank", "2").await;
    app.stop_bot().await;
    let (guild, actor) = (app.guild.id().cast_signed(), owner.id().cast_signed());
    for rank in ["2", "1"] {
        let rank = assigned("ana", NewValue::Rank(Some(rank.to_owned())));
        let now = chrono::Utc::now().timestamp_millis() - 1_420_070_400_000;
        let request = request(guild, actor, now, 7);
        app.db.services.set(&request, rank).await.unwrap();
    }
    assert!(queued(&app.db.superuser().await).await > 0);
    app.discord.connected(0).await;
    app.start_bot().await;
    has(&ana, &[&cadet], &[&sergeant]).await;
    app.finish().await;
}

#[tokio::test]
async fn a_bot_that_is_killed_as_it_hands_a_role_out_forgets_nothing() {
    let app = TestApp::without_bot().await;
    let bot = Process::start(&app.discord, &app.db);
    app.discord.ready().await;
    let owner = prepared(&app).await;
    let cadet = role(&app, "Cadet");
    rank_with(&owner, "1", &cadet).await;
    let ana = linked(&app, &owner, "ana").await;
    // Discord gives the role, and the bot dies before it hears of that.
    let late = Fault::late(Duration::from_mins(1)).on("PUT", "/roles/");
    app.discord.inject(late.after_effect());
    set(&owner, "ana", "rank", "1").await;
    has(&ana, &[&cadet], &[]).await;
    bot.kill().await;
    app.discord.connected(0).await;
    app.discord.clear_faults();
    let bot = Process::start(&app.discord, &app.db);
    app.discord.ready().await;
    // It knows whose role that is.
    set(&owner, "ana", "rank", "-").await;
    has(&ana, &[], &[&cadet]).await;
    assert_eq!(bot.terminate().await, Some(0));
    app.finish().await;
}

#[tokio::test]
async fn two_bots_hand_each_role_out_once() {
    let (mut app, owner) = with_table().await;
    let mut beside = TestApp::beside(&app).await;
    app.discord.connected(2).await;
    let cadet = role(&app, "Cadet");
    let names: Vec<String> = (0..25).map(|number| format!("om{number}")).collect();
    let mut members = Vec::new();
    for name in &names {
        members.push(linked(&app, &owner, name).await);
    }
    let rank = [("table", "Clan"), ("rank", "1"), ("title", "Cadet")];
    slash(&owner, "punctaj-admin rank set", rank).await;
    for name in &names {
        set(&owner, name, "rank", "1").await;
    }
    assert_eq!(queued(&app.db.superuser().await).await, 0);
    rank_with(&owner, "1", &cadet).await;
    for member in &members {
        has(member, &[&cadet], &[]).await;
    }
    all_looked_at(&app).await;
    assert_eq!(asked(&app, "PUT"), members.len());
    beside.stop_bot().await;
    app.stop_bot().await;
    // Of two answers to one interaction Discord takes the first.
    let refusals = app.discord.refusals();
    assert!(
        refusals.iter().all(|refusal| refusal.code == 40060),
        "{refusals:#?}"
    );
    app.expect_refusals(refusals.len());
    beside.forget();
    app.finish().await;
}

#[tokio::test]
async fn a_role_that_became_dangerous_is_not_handed_out_and_reported_once() {
    let (app, owner) = with_table().await;
    let log = with_log(&app, &owner).await;
    let (cadet, sergeant) = (role(&app, "Cadet"), role(&app, "Sergent"));
    rank_with(&owner, "1", &cadet).await;
    rank_with(&owner, "2", &sergeant).await;
    let (ana, bob) = (
        linked(&app, &owner, "ana").await,
        linked(&app, &owner, "bob").await,
    );
    let _ = cadet.clone().permissions(ADMINISTRATOR);
    for name in ["ana", "bob"] {
        set(&owner, name, "rank", "1").await;
        all_looked_at(&app).await;
    }
    let added = slash(&owner, "punctaj add", [("names", "ana"), ("points", "5")]).await;
    assert_says(&added, &["0 → 5"]);
    has(&ana, &[], &[&cadet]).await;
    has(&bob, &[], &[&cadet]).await;
    assert_eq!(asked(&app, "PUT"), 0);
    let [report] = &told(&app, &log).await[..] else {
        panic!("one report: {:#?}", told(&app, &log).await);
    };
    assert!(
        report.contains(&cadet.mention()) && report.contains("Administrator"),
        "{report}"
    );
    let guild = GuildId::try_from(app.guild.id()).unwrap();
    let problems = app.db.services.role_problems(Some(guild)).await.unwrap();
    let known: Vec<_> = problems.iter().map(|it| (it.role.get(), &it.why)).collect();
    let administrator = UnfitRole::from_parts("powerful", Some("administrator"));
    assert_eq!(known, [(cadet.id(), &administrator)]);
    // Another role goes on.
    set(&owner, "bob", "rank", "2").await;
    has(&bob, &[&sergeant], &[&cadet]).await;

    // Once it is harmless, who waits for it gets it, and nothing is wrong any more.
    let _ = cadet.clone().permissions(EVERYONE);
    has(&ana, &[&cadet], &[]).await;
    all_looked_at(&app).await;
    assert_eq!(app.db.services.role_problems(None).await.unwrap(), []);
    // What was handed out is taken back, dangerous as it is.
    let _ = cadet.clone().permissions(ADMINISTRATOR);
    set(&owner, "ana", "rank", "-").await;
    has(&ana, &[], &[&cadet]).await;
    assert_eq!(told(&app, &log).await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_role_that_gives_rights_by_now_is_not_handed_out() {
    let (app, owner) = with_table().await;
    let log = with_log(&app, &owner).await;
    let cadet = role(&app, "Cadet");
    rank_with(&owner, "1", &cadet).await;
    let ana = linked(&app, &owner, "ana").await;
    // No operation grants that to a role which goes with a rank.
    let pool = app.db.superuser().await;
    let grant = "insert into punctaj.grants (grant_id, guild_id, role_id, granted)
        values (gen_random_uuid(), $1, $2, 'access.manage')";
    sqlx::query(grant)
        .bind(app.guild.id().cast_signed())
        .bind(cadet.id().cast_signed())
        .execute(&pool)
        .await
        .unwrap();
    set(&owner, "ana", "rank", "1").await;
    all_looked_at(&app).await;
    has(&ana, &[], &[&cadet]).await;
    assert_eq!(asked(&app, "PUT"), 0);
    assert_eq!(told(&app, &log).await.len(), 1);
    let revoke = "delete from punctaj.grants where granted = 'access.manage'";
    sqlx::query(revoke).execute(&pool).await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn a_role_that_moved_above_the_bot_waits_until_it_is_put_right() {
    let (app, owner) = with_table().await;
    let log = with_log(&app, &owner).await;
    let cadet = role(&app, "Cadet");
    rank_with(&owner, "1", &cadet).await;
    let ana = linked(&app, &owner, "ana").await;
    set(&owner, "ana", "rank", "1").await;
    has(&ana, &[&cadet], &[]).await;
    let _ = cadet.clone().above_bot();
    set(&owner, "ana", "rank", "-").await;
    all_looked_at(&app).await;
    has(&ana, &[&cadet], &[]).await;
    let reports = told(&app, &log).await;
    assert_eq!(reports.len(), 1, "{reports:#?}");
    assert!(
        reports[0].contains("does not stand below the bot’s"),
        "{reports:#?}"
    );
    let _ = cadet.clone().position(10);
    has(&ana, &[], &[&cadet]).await;

    // Without the permission, nothing can be done either; that is another problem, told once more.
    app.guild.bot_permissions(EVERYONE);
    set(&owner, "ana", "rank", "1").await;
    all_looked_at(&app).await;
    let reports = told(&app, &log).await;
    assert_eq!(reports.len(), 2, "{reports:#?}");
    assert!(
        reports[1].contains("lacks the permission Manage Roles"),
        "{reports:#?}"
    );
    app.guild.bot_permissions(EVERYONE | MANAGE_ROLES);
    has(&ana, &[&cadet], &[]).await;
    app.finish().await;
}

#[tokio::test]
async fn a_role_that_is_deleted_is_reported_once_and_points_go_on() {
    let (app, owner) = with_table().await;
    let log = with_log(&app, &owner).await;
    let (cadet, sergeant) = (role(&app, "Cadet"), role(&app, "Sergent"));
    rank_with(&owner, "1", &cadet).await;
    rank_with(&owner, "2", &sergeant).await;
    let ana = linked(&app, &owner, "ana").await;
    set(&owner, "ana", "rank", "1").await;
    has(&ana, &[&cadet], &[]).await;
    cadet.delete();
    let pool = app.db.superuser().await;
    let handed = async || -> i64 {
        let handed = "select count(*) from punctaj.handed_roles";
        sqlx::query_scalar(handed).fetch_one(&pool).await.unwrap()
    };
    until("nobody has it", async || handed().await == 0).await;
    until("it is told", async || told(&app, &log).await.len() == 1).await;
    let bob = linked(&app, &owner, "bob").await;
    set(&owner, "bob", "rank", "1").await;
    all_looked_at(&app).await;
    let reports = told(&app, &log).await;
    assert_eq!(reports.len(), 1, "{reports:#?}");
    assert!(reports[0].contains("no role"), "{reports:#?}");
    let added = slash(&owner, "punctaj add", [("names", "bob"), ("points", "5")]).await;
    assert_says(&added, &["0 → 5"]);
    // Another role for the rank mends it.
    rank_with(&owner, "1", &sergeant).await;
    has(&ana, &[&sergeant], &[]).await;
    has(&bob, &[&sergeant], &[]).await;
    assert_eq!(app.db.services.role_problems(None).await.unwrap(), []);
    app.finish().await;
}

#[tokio::test]
async fn who_left_is_forgotten_quietly_and_looked_at_after_the_next_start() {
    let (mut app, owner) = with_table().await;
    let log = with_log(&app, &owner).await;
    let cadet = role(&app, "Cadet");
    rank_with(&owner, "1", &cadet).await;
    let ana = linked(&app, &owner, "ana").await;
    set(&owner, "ana", "rank", "1").await;
    has(&ana, &[&cadet], &[]).await;
    ana.leave();
    set(&owner, "ana", "rank", "-").await;
    all_looked_at(&app).await;
    let pool = app.db.superuser().await;
    assert_eq!(queued(&pool).await, 0);
    let handed = "select count(*) from punctaj.handed_roles";
    let handed: i64 = sqlx::query_scalar(handed).fetch_one(&pool).await.unwrap();
    assert_eq!(handed, 0);
    set(&owner, "ana", "rank", "1").await;
    all_looked_at(&app).await;
    assert!(told(&app, &log).await.is_empty());
    let ana = app.member("ana");
    app.restart_bot().await;
    has(&ana, &[&cadet], &[]).await;
    app.stop_bot().await;
    let refusals = app.discord.refusals();
    assert!(
        refusals.iter().all(|refusal| refusal.code == 10007),
        "{refusals:#?}"
    );
    app.expect_refusals(refusals.len());
    app.finish().await;
}

const GUILD: i64 = 5;
const ANA: i64 = 6;

fn clan() -> TableAddress {
    TableAddress::parse("Clan").unwrap()
}

fn rank_order(number: i32, role: Option<i64>) -> RankOrder {
    RankOrder {
        table: clan(),
        number,
        title: Name::parse("Cadet").unwrap(),
        promote_at: None,
        demote_below: None,
        role: role.map(RoleId::from_db),
    }
}

/// A table with an entry that is linked to a member, and a rank.
async fn linked_entry(db: &TestDb, now: &Interactions, role: Option<i64>) {
    let services = &db.services;
    services
        .create_table(&now.by(GUILD, 1), clan())
        .await
        .unwrap();
    services
        .set_rank(&now.by(GUILD, 1), rank_order(1, role))
        .await
        .unwrap();
    add(db, now, "Ana").await;
    let member = NewValue::Member(Some(UserId::from_db(ANA)));
    write(db, now, member).await;
}

async fn add(db: &TestDb, now: &Interactions, name: &str) {
    let award = Award {
        names: vec![NameOrMember::Name(Name::parse(name).unwrap())],
        points: 5,
        table: None,
        table_id: None,
        reason: None,
    };
    db.services
        .add_points(&now.by(GUILD, 1), award)
        .await
        .unwrap();
}

fn assigned(name: &str, value: NewValue) -> Assignment {
    Assignment {
        who: NameOrMember::Name(Name::parse(name).unwrap()),
        value,
        table: Some(clan()),
        table_id: None,
    }
}

async fn write(db: &TestDb, now: &Interactions, value: NewValue) {
    let assignment = assigned("Ana", value);
    db.services
        .set(&now.by(GUILD, 1), assignment)
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_is_queued_but_for_what_changes_who_should_have_a_role() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let pool = db.superuser().await;
    linked_entry(&db, &now, None).await;
    write(&db, &now, NewValue::Rank(Some("1".to_owned()))).await;
    assert_eq!(queued(&pool).await, 0, "no rank has a role");
    db.services
        .set_rank(&now.by(GUILD, 1), rank_order(1, Some(77)))
        .await
        .unwrap();
    assert_eq!(queued(&pool).await, 1);
    for _ in 0..3 {
        add(&db, &now, "Ana").await;
        add(&db, &now, "Ion").await;
    }
    write(&db, &now, NewValue::Points(9)).await;
    write(&db, &now, NewValue::Name(Name::parse("Ana").unwrap())).await;
    let titled = RankOrder {
        title: Name::parse("Recrut").unwrap(),
        ..rank_order(1, None)
    };
    db.services
        .set_rank(&now.by(GUILD, 1), titled)
        .await
        .unwrap();
    assert_eq!(
        queued(&pool).await,
        1,
        "points, names and titles are nobody's role"
    );
    write(&db, &now, NewValue::Rank(None)).await;
    assert_eq!(queued(&pool).await, 2);
}

/// Nobody has said for a while that they have this in hand.
async fn age(pool: &PgPool, in_hand: &InHand) {
    let aged =
        "update punctaj.role_changes set claimed_at = now() - interval '1 hour' where claim = $1";
    sqlx::query(aged)
        .bind(in_hand.claim)
        .execute(pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_member_is_in_one_hand_at_a_time() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let (services, pool) = (&db.services, db.superuser().await);
    linked_entry(&db, &now, Some(77)).await;
    write(&db, &now, NewValue::Rank(Some("1".to_owned()))).await;
    let (ana, role) = (UserId::from_db(ANA), RoleId::from_db(77));
    let first = services.next_roles().await.unwrap().unwrap();
    assert_eq!((first.guild.db(), first.members[0].member), (GUILD, ana));
    assert_eq!(services.next_roles().await.unwrap(), None);
    // What changes meanwhile waits, and is not lost when the first is done.
    write(&db, &now, NewValue::Rank(None)).await;
    assert_eq!(services.next_roles().await.unwrap(), None);
    services
        .roles_done(&first, first.members[0], &Outcome::Done)
        .await
        .unwrap();
    let second = services.next_roles().await.unwrap().unwrap();
    assert_eq!(second.members[0].member, ana);

    // Whoever is taken for dead hands nothing out, and ends nothing.
    age(&pool, &second).await;
    let third = services.next_roles().await.unwrap().unwrap();
    assert!(!services.handing_role(&second, ana, role).await.unwrap());
    services
        .roles_done(&second, second.members[0], &Outcome::Done)
        .await
        .unwrap();
    assert_eq!(queued(&pool).await, 1);
    assert!(services.handing_role(&third, ana, role).await.unwrap());
    let roles = services.member_roles(third.guild, ana).await.unwrap();
    assert_eq!(
        (roles.wanted.len(), roles.handed.contains(&role)),
        (0, true)
    );

    // What others have to mend waits for them; a new change is another chance.
    let stuck = Outcome::Stuck(vec![(role, UnfitRole::TooHigh)]);
    assert_eq!(
        services
            .roles_done(&third, third.members[0], &stuck)
            .await
            .unwrap(),
        [role]
    );
    assert_eq!(services.next_roles().await.unwrap(), None);
    assert!(services.roles_changed(third.guild).await.unwrap());
    let again = services.next_roles().await.unwrap().unwrap();
    let known = services
        .roles_done(&again, again.members[0], &stuck)
        .await
        .unwrap();
    assert_eq!(known, [], "that is no news");
    write(&db, &now, NewValue::Rank(Some("1".to_owned()))).await;
    let chance = services.next_roles().await.unwrap().unwrap();
    assert_eq!(chance.members[0].tries, 0);
    services
        .roles_done(&chance, chance.members[0], &Outcome::Done)
        .await
        .unwrap();
    assert_eq!(queued(&pool).await, 0);
}

#[tokio::test]
async fn what_nobody_mends_is_given_up_after_days_and_not_before() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let (services, pool) = (&db.services, db.superuser().await);
    linked_entry(&db, &now, Some(77)).await;
    write(&db, &now, NewValue::Rank(Some("1".to_owned()))).await;
    let stuck = Outcome::Stuck(vec![(RoleId::from_db(77), UnfitRole::MayNotManage)]);
    let mut tries = 0;
    while let Some(in_hand) = services.next_roles().await.unwrap() {
        assert_eq!(in_hand.members[0].tries, tries);
        services
            .roles_done(&in_hand, in_hand.members[0], &stuck)
            .await
            .unwrap();
        tries += 1;
        let later = "update punctaj.role_changes set not_before = not_before - interval '2 days'";
        sqlx::query(later).execute(&pool).await.unwrap();
    }
    assert_eq!(tries, 14);
    // A start of the bot, or a change of the guild's roles, is another beginning.
    assert!(
        services
            .recheck_roles(GuildId::from_db(GUILD))
            .await
            .unwrap()
    );
    assert!(services.next_roles().await.unwrap().is_some());
}

#[tokio::test]
async fn a_role_that_gives_rights_over_the_program_goes_with_no_rank() {
    use punctaj::domain::access::{Bundle, Granted, Grantee, Right};
    use punctaj::service::access::GrantOrder;
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    services
        .create_table(&now.by(GUILD, 1), clan())
        .await
        .unwrap();
    for (role, granted, is_fit) in [
        (70, Granted::Bundle(Bundle::Scorer), true),
        (71, Granted::Bundle(Bundle::Manager), true),
        (72, Granted::Bundle(Bundle::Admin), false),
        (73, Granted::Right(Right::AccessManage), false),
        (74, Granted::Right(Right::SettingsManage), false),
    ] {
        let order = GrantOrder {
            who: Grantee::Role(RoleId::from_db(role)),
            granted,
            scope: None,
        };
        services.grant(&now.by(GUILD, 1), &order).await.unwrap();
        let set = services
            .set_rank(&now.by(GUILD, 1), rank_order(1, Some(role)))
            .await;
        match set {
            Ok(_) => assert!(is_fit, "{role}"),
            Err(ServiceError::UnfitRole { why, .. }) => {
                assert_eq!((why, is_fit), (UnfitRole::GivesRights, false), "{role}");
            }
            Err(error) => panic!("{error}"),
        }
        let unfit = services
            .unfit_role(GuildId::from_db(GUILD), RoleId::from_db(role))
            .await;
        assert_eq!(unfit.unwrap().is_none(), is_fit, "{role}");
    }
}
