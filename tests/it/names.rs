//! People and names: mentions, links, near names, profiles, and the menu of a member.

use std::time::Duration;

use fake_discord::{Device, Fault, Member, Reply};
use punctaj::domain::ids::{EntryId, UserId};
use punctaj::domain::name::{Name, NameList, TableAddress};
use punctaj::service::merge::MergeOrder;
use punctaj::service::points::{Award, Introduction};
use punctaj::service::{Receipt, ServiceError};
use serde_json::{Value, json};

use crate::support::app::{TestApp, assert_hides, assert_says};
use crate::support::db::{Interactions, TestDb};

fn phone() -> Device {
    Device::phone("Telefon")
}

async fn slash(who: &Member, command: &str, options: &[(&str, &str)]) -> Reply {
    let reply = who
        .on(&phone())
        .slash(command, options.iter().copied())
        .await;
    assert!(reply.is_answered(), "/{command} was not answered");
    reply
}

async fn add(who: &Member, names: &str, points: &str) -> Reply {
    slash(who, "punctaj add", &[("names", names), ("points", points)]).await
}

/// A bot, a moderator, and a table with these entries at 10 points each.
async fn with_entries(names: &str) -> (TestApp, Member) {
    let app = TestApp::start().await;
    let alice = app.moderator("alice");
    let table = [("table", "BlackWater/Politie")];
    slash(&alice, "punctaj-admin table create", &table).await;
    if !names.is_empty() {
        add(&alice, names, "10").await;
    }
    (app, alice)
}

/// The live entries in the order of their names: name, member, points.
async fn entries(app: &TestApp) -> Vec<(String, Option<u64>, i64)> {
    let pool = app.db.superuser().await;
    let rows: Vec<(String, Option<i64>, i64)> = sqlx::query_as(
        "select name, member_id, points from punctaj.entries where deleted_at is null order by name_key",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(name, member, points)| (name, member.map(i64::unsigned_abs), points))
        .collect()
}

fn entry(name: &str, member: Option<&Member>, points: i64) -> (String, Option<u64>, i64) {
    (name.to_owned(), member.map(Member::id), points)
}

/// Action, fields and effective deltas of the newest event, and the number of all.
async fn newest(app: &TestApp) -> (Value, i64) {
    let pool = app.db.superuser().await;
    let (action, fields, seq): (String, Value, i64) = sqlx::query_as(
        "select action, (select jsonb_agg(jsonb_build_array(c ->> 'name', c ->> 'field', c -> 'delta'))
            from jsonb_array_elements(changes) c), seq
         from punctaj.events order by seq desc limit 1",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    (json!([action, fields]), seq)
}

/// How often Discord was asked what a member is called.
fn asked(app: &TestApp) -> usize {
    let requests = app.discord.requests();
    let about_members = requests
        .iter()
        .filter(|request| request.method == "GET" && request.path.contains("/members/"));
    about_members.count()
}

#[tokio::test]
async fn mentions_and_near_names() {
    let (mut app, alice) = with_entries("Carol").await;
    let bob = app.guild.member("bob").display_name("Bob Ionescu").join();
    let carol = app.guild.member("carol").display_name("carol").join();

    // Nobody of that name: a new entry, linked.
    let created = add(&alice, &bob.mention(), "5").await;
    assert_says(
        &created,
        &["**Bob Ionescu** (new): 0 → 5", "Bob Ionescu**, member"],
    );
    assert!(created.pings().is_empty());
    let again = add(&alice, &bob.mention(), "3").await;
    assert_says(&again, &["**Bob Ionescu**: 5 → 8"]);
    assert_eq!(asked(&app), 1, "whoever is linked is known");

    // An entry that only bears the name is offered; until Link is pressed nothing is there.
    let (_, before) = newest(&app).await;
    let names = format!("Nou, {} {}", carol.mention(), bob.mention());
    let offer = add(&alice, &names, "2").await;
    assert_says(
        &offer,
        &["Carol", "BlackWater/Politie", "Nothing was changed"],
    );
    assert!(offer.is_ephemeral() && offer.has_button("Cancel"));
    let untouched = vec![
        entry("Bob Ionescu", Some(&bob), 8),
        entry("Carol", None, 10),
    ];
    assert_eq!(
        (entries(&app).await, newest(&app).await.1),
        (untouched.clone(), before)
    );
    let cancelled = alice.on(&phone()).click(&offer, "Cancel").await;
    assert_says(&cancelled, &["Nothing was changed"]);
    let offer = add(&alice, &names, "2").await;
    app.restart_bot().await;
    let linked = alice.on(&phone()).click(&offer, "Link").await;
    assert_says(
        &linked,
        &["**Carol**: 10 → 12", "**Nou** (new): 0 → 2", "8 → 10"],
    );
    assert!(!linked.has_button("Link") && linked.has_button("Undo"));
    let (event, seq) = newest(&app).await;
    assert_eq!(seq, before + 1, "one event");
    let changes = json!([
        ["Nou", "name", null],
        ["Nou", "points", 2],
        ["Carol", "member", null],
        ["Carol", "points", 2],
        ["Bob Ionescu", "points", 2]
    ]);
    assert_eq!(event, json!(["points.add", changes]));
    let undone = alice.on(&phone()).click(&linked, "Undo").await;
    assert_says(&undone, &["12 → 10"]);
    assert_eq!(entries(&app).await, untouched);

    // A slip of the pen.
    let slip = add(&alice, "Bob Ionesc", "4").await;
    assert_says(&slip, &["**Bob Ionesc** (new): 0 → 4"]);
    let merged = alice.on(&phone()).click(&slip, "Meant Bob Ionescu?").await;
    assert_says(&merged, &["Entry deleted: **Bob Ionesc**", "8 → 12"]);
    let changes = json!([["Bob Ionesc", "name", null], ["Bob Ionescu", "points", 4]]);
    assert_eq!(newest(&app).await.0, json!(["entry.merge", changes]));
    let unmerged = alice.on(&phone()).click(&merged, "Undo").await;
    assert_says(&unmerged, &["Bob Ionesc", "12 → 8"]);
    let apart = entries(&app).await;
    assert_eq!(
        apart[0..2],
        [
            entry("Bob Ionesc", None, 4),
            entry("Bob Ionescu", Some(&bob), 8)
        ]
    );
    app.finish().await;
}

#[tokio::test]
async fn link_pressed_twice_gives_the_points_once() {
    let (app, alice) = with_entries("Bob").await;
    let bob = app.member("bob");
    let offer = add(&alice, &bob.mention(), "5").await;
    let (first, second) = (
        alice.on(&phone()).click_start(&offer, "Link"),
        alice.on(&phone()).click_start(&offer, "Link"),
    );
    let (first, second) = tokio::join!(first.answer(), second.answer());
    for reply in [first, second] {
        assert_says(&reply, &["10 → 15"]);
    }
    assert_eq!(entries(&app).await, [entry("Bob", Some(&bob), 15)]);
    app.finish().await;
}

#[tokio::test]
async fn what_was_offered_and_is_gone_is_not_linked() {
    let (app, alice) = with_entries("Bob, Carol").await;
    let (bob, carol) = (app.member("bob"), app.member("carol"));
    let gone = add(&alice, &bob.mention(), "5").await;
    let taken = add(&alice, &carol.mention(), "5").await;
    slash(&alice, "punctaj delete", &[("names", "Bob")]).await;
    let dan = app.member("dan").mention();
    let set = [
        ("name", "Carol"),
        ("field", "member"),
        ("value", dan.as_str()),
    ];
    slash(&alice, "punctaj set", &set).await;
    let (_, before) = newest(&app).await;
    for (offer, name) in [(gone, "bob"), (taken, "carol")] {
        let refused = alice.on(&phone()).click(&offer, "Link").await;
        assert_says(&refused, &[name, "Nothing was changed"]);
    }
    assert_eq!(newest(&app).await.1, before);
    app.finish().await;
}

#[tokio::test]
async fn members_of_one_name_and_names_that_are_none_get_entries_of_their_own() {
    let (app, alice) = with_entries("").await;
    let bob = app.guild.member("bob").display_name("Bob").join();
    let other = app.guild.member("robert").display_name("BOB").join();
    let hidden = app
        .guild
        .member("ghost")
        .display_name("\u{3164}\u{200B}")
        .join();
    let comma = app
        .guild
        .member("pop")
        .display_name("Pop,\u{202E} Ana")
        .join();
    let names = [&bob, &other, &hidden, &comma]
        .map(Member::mention)
        .concat();
    let reply = add(&alice, &names, "1").await;
    assert_says(&reply, &["Bob", "BOB (2)", "ghost", "Pop, Ana"]);
    assert_eq!(
        entries(&app).await,
        [
            entry("Bob", Some(&bob), 1),
            entry("BOB (2)", Some(&other), 1),
            entry("ghost", Some(&hidden), 1),
            entry("Pop, Ana", Some(&comma), 1),
        ]
    );
    // A name and a mention that come to one new entry count once.
    let dan = app.member("dan");
    add(&alice, &format!("Dan, {}", dan.mention()), "2").await;
    assert_eq!(entries(&app).await[2], entry("Dan", Some(&dan), 2));
    app.finish().await;
}

#[tokio::test]
async fn who_is_not_a_member_or_not_linked_is_told_clearly() {
    let (mut app, alice) = with_entries("Bob, Ion").await;
    let (bob, ex) = (app.member("bob"), app.member("ex"));
    ex.leave();
    let (ex, id) = (ex.mention(), ex.id().to_string());
    let (_, before) = newest(&app).await;
    let set = [("name", "Ion"), ("field", "member"), ("value", ex.as_str())];
    for reply in [
        add(&alice, &format!("Ion, {ex}"), "5").await,
        slash(&alice, "punctaj set", &set).await,
        slash(&alice, "punctaj delete", &[("names", ex.as_str())]).await,
        slash(&alice, "punctaj profile", &[("name", ex.as_str())]).await,
    ] {
        assert_says(&reply, &[&id, "not a member", "Nothing was changed"]);
    }
    app.expect_refusals(4);
    let mention = bob.mention();
    let profile = [("name", mention.as_str())];
    let profile = slash(&alice, "punctaj profile", &profile).await;
    assert_says(&profile, &["bob is not linked to any entry here"]);
    for (command, option, more) in [
        ("punctaj remove", "names", vec![("points", "1")]),
        (
            "punctaj set",
            "name",
            vec![("field", "points"), ("value", "1")],
        ),
        ("punctaj delete", "names", vec![]),
    ] {
        let options = [vec![(option, mention.as_str())], more].concat();
        let reply = slash(&alice, command, &options).await;
        assert_says(
            &reply,
            &[
                "not linked",
                "Did you mean: Bob, Ion?",
                "Nothing was changed",
            ],
        );
    }
    assert_eq!(newest(&app).await.1, before);
    app.finish().await;
}

#[tokio::test]
async fn who_may_not_edit_entries_creates_linked_ones_but_links_none() {
    let (app, alice) = with_entries("Bob").await;
    let (carol, bob, dan) = (app.member("carol"), app.member("bob"), app.member("dan"));
    app.grant(&alice, &carol, "scorer").await;
    let refused = add(&carol, &format!("Nou, {}", bob.mention()), "5").await;
    assert!(!refused.has_button("Link"), "{:?}", refused.buttons());
    assert_says(&refused, &["entry.edit", "Bob", "Nothing was changed"]);
    add(&carol, &dan.mention(), "5").await;
    assert_eq!(
        entries(&app).await.last(),
        Some(&entry("dan", Some(&dan), 5))
    );
    app.finish().await;
}

#[tokio::test]
async fn discord_is_asked_again_when_it_is_busy_or_broken() {
    let (app, alice) = with_entries("").await;
    let bob = app.member("bob");
    let busy = Fault::rate_limit(Duration::from_millis(300)).on("GET", "/members/");
    app.discord.inject(busy);
    app.discord
        .inject(Fault::status(503).on("GET", "/members/").times(2));
    app.discord.inject(Fault::hang_up().on("GET", "/members/"));
    let reply = add(&alice, &bob.mention(), "5").await;
    assert_says(&reply, &["**bob** (new): 0 → 5"]);
    app.discord
        .inject(Fault::status(403).on("GET", "/members/"));
    let dan = app.member("dan");
    let refused = add(&alice, &dan.mention(), "5").await;
    assert_says(&refused, &[&dan.id().to_string(), "Nothing was changed"]);
    assert_eq!(entries(&app).await, [entry("bob", Some(&bob), 5)]);
    app.finish().await;
}

#[tokio::test]
async fn a_merge_moves_nothing_once_either_entry_was_changed_by_somebody() {
    let (app, alice) = with_entries("Andrei Popescu").await;
    let bob = app.moderator("bob");
    let slip = add(&alice, "Andrei Popesc", "4").await;
    assert!(
        slip.has_button("Meant Andrei Popescu?"),
        "{:?}",
        slip.buttons()
    );
    add(&bob, "Andrei Popesc", "1").await;
    let changed = alice
        .on(&phone())
        .click(&slip, "Meant Andrei Popescu?")
        .await;
    assert_says(&changed, &["Andrei Popesc", "Nothing was changed"]);
    let second = add(&alice, "Andrei Popescuu", "4").await;
    slash(&bob, "punctaj delete", &[("names", "Andrei Popescu")]).await;
    let gone = alice
        .on(&phone())
        .click(&second, "Meant Andrei Popescu?")
        .await;
    assert_says(&gone, &["Andrei Popescu", "Nothing was changed"]);
    assert_eq!(
        entries(&app).await,
        [
            entry("Andrei Popesc", None, 5),
            entry("Andrei Popescuu", None, 4)
        ]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_merge_takes_along_what_its_author_added_and_happens_once() {
    let (app, alice) = with_entries("Andrei Popescu").await;
    let slip = add(&alice, "Andrei Popesc, Altcineva", "4").await;
    assert_eq!(slip.buttons(), ["Undo", "Meant Andrei Popescu?"]);
    add(&alice, "Andrei Popesc", "3").await;
    let merged = alice
        .on(&phone())
        .click(&slip, "Meant Andrei Popescu?")
        .await;
    assert_says(&merged, &["10 → 17"]);
    let again = alice
        .on(&phone())
        .click(&slip, "Meant Andrei Popescu?")
        .await;
    assert_says(&again, &["Andrei Popesc", "Nothing was changed"]);
    let plain = add(&alice, "Andrei Popescu", "1").await;
    assert_eq!(plain.buttons(), ["Undo"]);
    app.finish().await;
}

#[tokio::test]
async fn a_profile_tells_points_place_rank_and_recent_changes() {
    let (app, alice) = with_entries("Ana, Ion, Dan").await;
    let bob = app.guild.member("bob").display_name("Bob Ionescu").join();
    for (rank, title, promote_at) in [("1", "Cadet", "20"), ("2", "Agent", "90")] {
        let table = ("table", "Politie");
        let rank = [
            table,
            ("rank", rank),
            ("title", title),
            ("promote_at", promote_at),
        ];
        slash(&alice, "punctaj-admin rank set", &rank).await;
    }
    add(&alice, "Dan", "5").await;
    let mention = bob.mention();
    for (field, value) in [
        ("rank", "Cadet"),
        ("member", mention.as_str()),
        ("name", "Ana Pop"),
    ] {
        let set = [("name", "Ana"), ("field", field), ("value", value)];
        slash(&alice, "punctaj set", &set).await;
    }
    let mut card = slash(&alice, "punctaj profile", &[("name", "ana pop")]).await;
    // The card does not wait long for Discord to say what somebody is called.
    for _ in 0..60 {
        if card.text().contains("Bob Ionescu") {
            break;
        }
        card = slash(&alice, "punctaj profile", &[("name", "ana pop")]).await;
    }
    assert!(card.is_ephemeral() && card.pings().is_empty());
    assert_says(
        &card,
        &[
            "Ana Pop",
            "10 points",
            "2 of 3",
            "Cadet",
            "Agent, 10 points to go",
            "Bob Ionescu",
            "points.add",
            "0 → 10",
            "Ana → Ana Pop",
        ],
    );
    assert_hides(&card, &["**Dan**", "**Ion**"]);
    let tied = slash(&alice, "punctaj profile", &[("name", "Ion")]).await;
    assert_says(&tied, &["2 of 3"]);
    let unknown = slash(&alice, "punctaj profile", &[("name", "Anna Pop")]).await;
    assert_says(&unknown, &["Anna Pop", "did you mean: Ana Pop?"]);
    let (_, before) = newest(&app).await;
    let own = slash(&bob, "punctaj profile", &[]).await;
    assert_says(&own, &["Ana Pop", "2 of 3"]);
    assert_eq!(newest(&app).await.1, before + 1, "only bob's session");
    let none = slash(&alice, "punctaj profile", &[]).await;
    assert_says(&none, &["not linked"]);
    app.finish().await;
}

#[tokio::test]
async fn ones_own_profile_shows_all_tables_but_no_private_ones() {
    let (app, alice) = with_entries("").await;
    let bob = app.guild.member("bob").locale("ro").join();
    for table in ["Medici", "Secret"] {
        slash(&alice, "punctaj-admin table create", &[("table", table)]).await;
    }
    for table in ["Politie", "Medici", "Secret"] {
        let mention = bob.mention();
        let award = [
            ("names", mention.as_str()),
            ("points", "20"),
            ("table", table),
        ];
        slash(&alice, "punctaj add", &award).await;
    }
    let pool = app.db.superuser().await;
    let hide = "update punctaj.tables set private = true where name = 'Secret'";
    sqlx::query(hide).execute(&pool).await.unwrap();
    let own = slash(&bob, "punctaj profile", &[]).await;
    assert_says(
        &own,
        &["BlackWater/Politie", "Medici", "20 de puncte", "1 din 1"],
    );
    assert_hides(&own, &["Secret"]);
    let refused = slash(&bob, "punctaj profile", &[("table", "Secret")]).await;
    assert_says(&refused, &["Nu există tabelul Secret"]);
    let seen = alice
        .on(&phone())
        .context_menu("Punctaj: profile", &bob)
        .await;
    assert!(seen.is_ephemeral());
    assert_says(&seen, &["bob", "BlackWater/Politie", "Medici", "Secret"]);
    let one = slash(&bob, "punctaj profile", &[("table", "Medici")]).await;
    assert_says(&one, &["Medici", "points.add"]);
    let show = "update punctaj.tables set private = false";
    sqlx::query(show).execute(&pool).await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn the_menu_of_a_member_opens_a_form_that_gives_points() {
    let (mut app, alice) = with_entries("").await;
    let bob = app.guild.member("bob").display_name("Bob Ionescu").join();
    let menu = "Punctaj: add points";
    // The form needs no database: it opens while nobody gets a connection.
    let pool = app.db.superuser().await;
    let mut lock = pool.begin().await.unwrap();
    for table in ["guilds", "tables", "entries", "sessions", "events"] {
        let lock_it = format!("lock table punctaj.{table} in access exclusive mode");
        sqlx::raw_sql(sqlx::AssertSqlSafe(lock_it))
            .execute(&mut *lock)
            .await
            .unwrap();
    }
    let form = alice.on(&phone()).context_menu(menu, &bob).await;
    assert!(form.is_modal(), "{}", form.text());
    assert_says(&form, &["Points for Bob Ionescu", "Reason"]);
    lock.rollback().await.unwrap();
    app.restart_bot().await;

    let (_, before) = newest(&app).await;
    for (points, word) in [
        ("mult", "mult"),
        ("-5", "/punctaj remove"),
        ("9999999999", "1,000,000,000"),
    ] {
        let fields = [("points", points), ("reason", "pază de *noapte*")];
        let refused = alice.on(&phone()).submit(&form, fields).await;
        assert_says(
            &refused,
            &[word, "Nothing was changed", points, "pază de \\*noapte\\*"],
        );
        assert!(refused.is_ephemeral());
    }
    let elsewhere = [("points", "5"), ("table", "Medici")];
    let refused = alice.on(&phone()).submit(&form, elsewhere).await;
    assert_says(&refused, &["There is no table Medici", "Points: 5"]);
    assert_eq!(newest(&app).await.1, before);

    let fields = [("points", " 5 "), ("reason", "pază"), ("table", "politie")];
    let given = alice.on(&phone()).submit(&form, fields).await;
    assert_says(&given, &["**Bob Ionescu** (new): 0 → 5", "pază"]);
    assert!(given.is_ephemeral() && given.has_button("Undo"));
    assert_eq!(entries(&app).await, [entry("Bob Ionescu", Some(&bob), 5)]);

    // An entry of the member's name is offered here as well.
    let carol = app.member("carol");
    add(&alice, "Carol", "1").await;
    let form = alice.on(&phone()).context_menu(menu, &carol).await;
    let offer = alice.on(&phone()).submit(&form, [("points", "2")]).await;
    let linked = alice.on(&phone()).click(&offer, "Link").await;
    assert_says(&linked, &["1 → 3"]);
    app.finish().await;
}

// ---- without Discord ------------------------------------------------------------------------

const GUILD: i64 = 100;

fn award(names: &str) -> Award {
    Award {
        names: NameList::parse(names, 50).unwrap().into_items(),
        points: 5,
        table: Some(TableAddress::parse("Clan").unwrap()),
        table_id: None,
        reason: None,
    }
}

fn created(receipt: &Receipt) -> EntryId {
    let changes = &receipt.event.changes;
    let change = changes.iter().find(|change| change.is_creation()).unwrap();
    change.entry_id().unwrap()
}

#[tokio::test]
async fn a_merge_is_its_authors_and_points_that_do_not_fit_stay() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let table = TableAddress::parse("Clan").unwrap();
    services
        .create_table(&now.by(GUILD, 1), table)
        .await
        .unwrap();
    let there = services
        .add_points(&now.by(GUILD, 1), award("Ștefan"))
        .await
        .unwrap();
    let slip = services
        .add_points(&now.by(GUILD, 1), award("Stefan"))
        .await
        .unwrap();
    let meant = services.meant(&now.by(GUILD, 1), &slip).await;
    assert_eq!(meant.len(), 1);
    let order = MergeOrder {
        event: slip.event.seq,
        created: meant[0].created,
        meant: meant[0].entry,
    };
    assert_eq!(
        (order.created, order.meant),
        (created(&slip), created(&there))
    );
    let by_another = services.merge(&now.by(GUILD, 2), order).await;
    assert!(
        matches!(by_another, Err(ServiceError::NotYours { .. })),
        "{by_another:?}"
    );
    let backwards = MergeOrder {
        created: order.meant,
        meant: order.created,
        ..order
    };
    let refused = services.merge(&now.by(GUILD, 1), backwards).await;
    assert!(
        matches!(refused, Err(ServiceError::MergeOutdated { .. })),
        "{refused:?}"
    );
    let pool = db.superuser().await;
    sqlx::query("update punctaj.entries set points = 9000000000000000 where name = 'Ștefan'")
        .execute(&pool)
        .await
        .unwrap();
    let full = services.merge(&now.by(GUILD, 1), order).await;
    assert!(
        matches!(full, Err(ServiceError::MergeOutdated { .. })),
        "{full:?}"
    );
    sqlx::query("update punctaj.entries set points = 5 where name = 'Ștefan'")
        .execute(&pool)
        .await
        .unwrap();
    let request = now.by(GUILD, 1);
    let done = services.merge(&request, order).await.unwrap();
    let again = services.merge(&request, order).await.unwrap();
    assert!(again.repeated && again.event == done.event);
}

#[tokio::test]
async fn strangers_are_told_all_at_once_and_links_are_only_what_was_agreed_to() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let table = TableAddress::parse("Clan").unwrap();
    services
        .create_table(&now.by(GUILD, 1), table)
        .await
        .unwrap();
    services
        .add_points(&now.by(GUILD, 1), award("Bob, Ion"))
        .await
        .unwrap();
    let strangers = services
        .add_points(&now.by(GUILD, 1), award("Nou, <@7>"))
        .await;
    assert!(strangers.is_err());
    let both = award("<@7>, <@8>");
    let strangers = services.add_points(&now.by(GUILD, 1), both.clone()).await;
    let Err(ServiceError::Strangers { members }) = strangers else {
        panic!("{strangers:?}");
    };
    assert_eq!(members, [7, 8].map(UserId::from_db));
    let person = |member, name, link| Introduction {
        member: UserId::from_db(member),
        name: Name::parse(name).unwrap(),
        link,
    };
    let people = [person(7, "bob", None), person(8, "ion", None)];
    let asked = services
        .add_points_for(&now.by(GUILD, 1), both.clone(), &people)
        .await;
    let Err(ServiceError::LinksOffered { links, .. }) = asked else {
        panic!("{asked:?}");
    };
    let names: Vec<_> = links.iter().map(|link| link.name.as_str()).collect();
    assert_eq!(names, ["Bob", "Ion"]);
    // One agreed, one not: it asks for the other; an agreement to another entry is worth nothing.
    let bob = Some(links[0].entry);
    for (first, second, open) in [(bob, None, "Ion"), (None, bob, "Bob")] {
        let people = [person(7, "bob", first), person(8, "ion", second)];
        let asked = services
            .add_points_for(&now.by(GUILD, 1), both.clone(), &people)
            .await;
        let Err(ServiceError::LinksOffered { links, .. }) = asked else {
            panic!("{asked:?}");
        };
        assert_eq!(links[0].name, open);
    }
}
