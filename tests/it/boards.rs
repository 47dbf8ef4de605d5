//! Boards show their guild's last state, whatever happens to them, to Discord and to the bots.

use std::time::Duration;

use fake_discord::{Channel, Device, Fault, Member, Reply, permissions};
use punctaj::domain::ids::{ChannelId, GuildId};
use punctaj::domain::name::TableAddress;
use punctaj::service::Services;
use punctaj::service::boards::{Board, Next, Outcome, Shown};

use crate::support::app::{self, TestApp, assert_says};
use crate::support::db::{Interactions, TestDb};

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

/// A bot, a moderator, a channel, and a table with a board there.
async fn with_board() -> (TestApp, Member, Channel) {
    let app = TestApp::start().await;
    let (ana, channel) = (app.moderator("ana"), app.guild.channel("scor"));
    slash(&ana, "punctaj-admin table create", [("table", "Clan")]).await;
    let options = [("table", "Clan"), ("channel", &*channel.mention())];
    let posted = slash(&ana, "punctaj-admin board post", options).await;
    assert_says(&posted, &["Board of Clan", &channel.mention()]);
    shows(&channel, "no entries yet").await;
    (app, ana, channel)
}

async fn add(who: &Member, names: &str, points: &str) -> Reply {
    let options = [("names", names), ("points", points)];
    slash(who, "punctaj add", options).await
}

/// Waits until just one message stands in the channel, and says that.
async fn shows(channel: &Channel, text: &str) -> Reply {
    until(channel, text, |messages| {
        let [message] = messages else { return false };
        message.text().contains(text)
    })
    .await;
    standing(channel).pop().unwrap()
}

async fn until(channel: &Channel, what: &str, is_so: impl Fn(&[Reply]) -> bool) {
    for _ in 0..1200 {
        if is_so(&standing(channel)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let texts: Vec<String> = standing(channel).iter().map(Reply::text).collect();
    unreachable!("{what}: {texts:#?}");
}

/// What everybody sees there.
fn standing(channel: &Channel) -> Vec<Reply> {
    let mut messages = channel.messages();
    messages.retain(|message| !message.is_ephemeral());
    messages
}

#[tokio::test]
async fn a_channel_that_goes_while_its_board_is_written_is_gone() {
    let (mut app, alice, channel) = with_board().await;
    let pool = app.db.superuser().await;
    let board = async || -> (Option<chrono::DateTime<chrono::Utc>>, Option<String>) {
        let query = "select edited_at[1], problem from punctaj.boards";
        sqlx::query_as(query).fetch_one(&pool).await.unwrap()
    };
    let (before, _) = board().await;
    // Discord writes it, and says so late.
    let late = Fault::late(Duration::from_secs(3)).after_effect();
    app.discord.inject(late.on("PATCH", "/messages/"));
    add(&alice, "Zoe", "5").await;
    let written = async || {
        standing(&channel)
            .iter()
            .any(|it| it.text().contains("Zoe"))
    };
    app::until("the board is written", written).await;
    channel.delete();
    app::until("the board is parked", async || board().await.1.is_some()).await;
    app::until("the answer came", async || board().await.0 != before).await;
    assert_eq!(board().await.1.as_deref(), Some("Unknown Channel"));
    let refused = app.discord.refusals().len();
    app.expect_refusals(refused);
    app.finish().await;
}

#[tokio::test]
async fn a_board_follows_its_table_and_goes_with_it() {
    let (app, ana, channel) = with_board().await;
    add(&ana, "Ion, @everyone", "5").await;
    let board = shows(&channel, "Ion").await;
    assert_says(
        &board,
        &["**Clan**", "2 entries", "10 points", "Changed <t:"],
    );
    assert!(board.pings().is_empty());

    // Whoever clicks gets a view of their own, and the board stays.
    let bob = app.member("bob");
    let own = bob.on(&pc()).click(&board, "Browse").await;
    assert!(own.is_ephemeral());
    assert_says(&own, &["Ion", "Page 1 of 1"]);

    let list = slash(&ana, "punctaj-admin board list", [("table", "Clan")]).await;
    assert_says(
        &list,
        &[
            &channel.mention(),
            "for phones",
            "https://discord.com/channels/",
        ],
    );

    // Laid out anew, in place.
    let here = channel.mention();
    let wide = [("table", "Clan"), ("channel", &*here), ("layout", "wide")];
    let wider = slash(&ana, "punctaj-admin board post", wide).await;
    assert_says(&wider, &["for phones → for wide screens"]);
    let wider = shows(&channel, "Points").await;
    assert_eq!(wider.message_id(), board.message_id());

    // In the guild's language, and under the table's new name.
    let romanian = [("language", "ro")];
    slash(&ana, "punctaj-admin settings language", romanian).await;
    shows(&channel, "2 înregistrări").await;
    let renamed = [("table", "Clan"), ("name", "Gașcă")];
    slash(&ana, "punctaj-admin table edit", renamed).await;
    shows(&channel, "**Gașcă**").await;

    // The table goes and comes back.
    slash(&ana, "punctaj-admin table delete", [("table", "Gașcă")]).await;
    shows(&channel, "a fost șters").await;
    slash(&ana, "punctaj-admin table restore", [("table", "Gașcă")]).await;
    shows(&channel, "Ion").await;

    // The board goes with its message; its undo brings it back.
    let removed = slash(&ana, "punctaj-admin board remove", [("table", "Gașcă")]).await;
    assert_says(&removed, &["Removed boards of Gașcă"]);
    until(&channel, "no message", <[Reply]>::is_empty).await;
    let none = slash(&ana, "punctaj-admin board remove", [("table", "Gașcă")]).await;
    assert_says(&none, &["no such board", "Nothing was changed"]);
    let undone = ana.on(&pc()).click(&removed, "Undo").await;
    assert_says(&undone, &["Undid event", &channel.mention()]);
    shows(&channel, "Ion").await;
    let verified = slash(&ana, "punctaj-audit verify", []).await;
    assert_says(&verified, &["agree"]);
    app.finish().await;
}

#[tokio::test]
async fn a_board_that_somebody_deletes_is_posted_anew() {
    let (mut app, ana, channel) = with_board().await;
    add(&ana, "Ion", "5").await;
    let board = shows(&channel, "Ion").await;
    channel.delete_message(&board);
    let anew = shows(&channel, "Ion").await;
    assert_ne!(anew.message_id(), board.message_id());

    // Also while no bot is there to see it.
    app.stop_bot().await;
    channel.delete_message(&anew);
    app.start_bot().await;
    shows(&channel, "Ion").await;
    add(&ana, "Ion", "2").await;
    shows(&channel, "7").await;
    // The edit by which it was found to be gone.
    app.expect_refusals(1);
    app.finish().await;
}

#[tokio::test]
async fn whatever_happens_to_a_post_one_board_stands_in_the_end() {
    let mut app = TestApp::start().await;
    let (ana, channel) = (app.moderator("ana"), app.guild.channel("scor"));
    slash(&ana, "punctaj-admin table create", [("table", "Clan")]).await;
    let messages = format!("/channels/{}/messages", channel.id());
    // Discord takes the post, and its word on that is lost; then it fails; then it is busy.
    app.discord.lose_next_answer("POST", &messages, 2);
    app.discord.fail_next("POST", &messages, 503, 0, 1);
    let options = [("table", "Clan"), ("channel", &*channel.mention())];
    slash(&ana, "punctaj-admin board post", options).await;
    let board = shows(&channel, "no entries yet").await;
    for status in [500, 502, 429] {
        app.discord.fail_next("PATCH", &messages, status, 0, 1);
    }
    add(&ana, "Ion", "5").await;
    let edited = shows(&channel, "Ion").await;
    assert_eq!(edited.message_id(), board.message_id());

    // A bot that died after a post knows nothing of it: the message is found and taken over.
    app.stop_bot().await;
    let pool = app.db.superuser().await;
    sqlx::query("update punctaj.boards set message_id = null, shows = null, posting = true")
        .execute(&pool)
        .await
        .unwrap();
    app.start_bot().await;
    add(&ana, "Ion", "4").await;
    let adopted = shows(&channel, "9").await;
    assert_eq!(adopted.message_id(), board.message_id());
    app.finish().await;
}

#[tokio::test]
async fn a_board_that_can_not_be_posted_is_reported_once_and_others_go_on() {
    let (mut app, ana, channel) = with_board().await;
    let (log, other) = (app.guild.channel("log"), app.guild.channel("altul"));
    let to_log = [("channel", &*log.mention())];
    slash(&ana, "punctaj-admin settings log-channel", to_log).await;
    let there = other.mention();
    let options = [("table", "Clan"), ("channel", &*there)];
    slash(&ana, "punctaj-admin board post", options).await;
    shows(&other, "no entries yet").await;
    channel.delete();
    add(&ana, "Ion", "5").await;
    shows(&other, "Ion").await;
    let told = |messages: &[Reply]| {
        let texts = messages.iter().map(Reply::text);
        texts
            .filter(|text| text.contains("can’t be posted"))
            .count()
            == 1
    };
    until(&log, "the board's problem, once", told).await;
    add(&ana, "Ion", "4").await;
    shows(&other, "9").await;
    let list = slash(&ana, "punctaj-admin board list", [("table", "Clan")]).await;
    assert_says(
        &list,
        &["can’t be posted", &there, "https://discord.com/channels/"],
    );

    // Once the bot may write there again, posting it again mends it.
    other.deny_bot(permissions::SEND_MESSAGES);
    let board = standing(&other).pop().unwrap();
    other.delete_message(&board);
    let two = |messages: &[Reply]| {
        let texts = messages.iter().map(Reply::text);
        texts
            .filter(|text| text.contains("can’t be posted"))
            .count()
            == 2
    };
    until(&log, "the other board's problem", two).await;
    other.deny_bot(0);
    slash(&ana, "punctaj-admin board post", options).await;
    shows(&other, "9").await;
    app.stop_bot().await;
    // Gone with its channel; gone before that was heard of; forbidden.
    let refusals = app.discord.refusals();
    assert!(
        refusals
            .iter()
            .all(|it| [10003, 10008, 50013].contains(&it.code)),
        "{refusals:#?}"
    );
    app.expect_refusals(refusals.len());
    app.finish().await;
}

#[tokio::test]
async fn many_edits_by_two_bots_are_few_messages_and_end_in_the_last_state() {
    let (app, ana, channel) = with_board().await;
    let mut beside = TestApp::beside(&app).await;
    app.discord.connected(2).await;
    let second = app.guild.channel("scor-2");
    let options = [("table", "Clan"), ("channel", &*second.mention())];
    slash(&ana, "punctaj-admin board post", options).await;
    let names: Vec<String> = (0..60).map(|number| format!("Om{number}")).collect();
    let pending: Vec<_> = names
        .iter()
        .map(|name| {
            let options = [("names", name.as_str()), ("points", "1")];
            ana.on(&pc()).slash_start("punctaj add", options)
        })
        .collect();
    for answer in pending {
        assert_says(&answer.answer().await, &["0 → 1"]);
    }
    for channel in [&channel, &second] {
        shows(channel, "60 entries").await;
    }
    let edits = |channel: &Channel| {
        let path = format!("/channels/{}/messages/", channel.id());
        let requests = app.discord.requests();
        let of_board = requests.iter().filter(|it| it.path.starts_with(&path));
        of_board.filter(|it| it.method == "PATCH").count()
    };
    // Sixty edits in far less time than sixty edits of a message would be allowed to take.
    assert!(edits(&channel) < 40, "{}", edits(&channel));
    let mut app = app;
    beside.stop_bot().await;
    app.stop_bot().await;
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
async fn boards_go_on_where_the_listening_connection_is_cut() {
    let (app, ana, channel) = with_board().await;
    let pool = app.db.superuser().await;
    for round in 1..=3 {
        sqlx::query(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and query like 'LISTEN%'",
        )
        .execute(&pool)
        .await
        .unwrap();
        add(&ana, "Ion", "1").await;
        shows(&channel, &format!("{round} point")).await;
    }
    app.finish().await;
}

/// A guild of its own has nothing to do with another's trouble.
#[tokio::test]
async fn a_slow_channel_keeps_no_other_board_waiting() {
    let (app, ana, channel) = with_board().await;
    let other = app.guild.channel("altul");
    let options = [("table", "Clan"), ("channel", &*other.mention())];
    slash(&ana, "punctaj-admin board post", options).await;
    shows(&other, "no entries yet").await;
    let path = format!("/channels/{}/messages/", channel.id());
    app.discord
        .inject(Fault::late(Duration::from_secs(4)).on("PATCH", &path));
    add(&ana, "Ion", "5").await;
    shows(&other, "Ion").await;
    shows(&channel, "Ion").await;
    app.finish().await;
}

const GUILD: i64 = 5;

async fn taken(services: &Services) -> Board {
    match services.next_board().await.unwrap() {
        Next::Board(in_hand) => in_hand.board,
        other => unreachable!("a board is behind: {other:?}"),
    }
}

#[tokio::test]
async fn what_happens_while_a_board_is_in_hand_is_not_forgotten() {
    let (db, now) = (TestDb::new().await, Interactions::new());
    let services = &db.services;
    let (clan, channel) = (TableAddress::parse("Clan").unwrap(), ChannelId::from_db(9));
    let table = services.create_table(&now.by(GUILD, 1), clan.clone()).await;
    table.unwrap();
    let request = now.by(GUILD, 1);
    let posted = services.post_board(&request, &clan, channel, None).await;
    posted.unwrap();
    let shows = |written| {
        Outcome::Shows(Shown {
            message: 1,
            hash: "a".to_owned(),
            written,
        })
    };
    let board = taken(services).await;
    services.board_done(&board, &shows(true)).await.unwrap();
    assert!(matches!(
        services.next_board().await.unwrap(),
        Next::Nothing
    ));

    // Another look is asked for while one that finds nothing to send is under way.
    assert!(
        services
            .recheck_boards(&[GuildId::from_db(GUILD)])
            .await
            .unwrap()
    );
    let board = taken(services).await;
    assert!(
        services
            .recheck_boards(&[GuildId::from_db(GUILD)])
            .await
            .unwrap()
    );
    services.board_done(&board, &shows(false)).await.unwrap();
    let board = taken(services).await;
    assert_eq!((board.message, board.shows.as_deref()), (Some(1), None));

    // The message is deleted, and that is heard of before the edit is refused.
    assert!(services.messages_gone(channel, &[1]).await.unwrap());
    services.board_done(&board, &Outcome::Gone).await.unwrap();
    let anew = taken(services).await;
    assert_eq!((anew.message, anew.posts), (None, board.posts + 1));

    // Refused for now: told once, and left alone. Removed meanwhile: it is taken all the same.
    let refused = Outcome::Refused("Missing Permissions".to_owned());
    assert!(services.board_done(&anew, &refused).await.unwrap());
    assert!(matches!(
        services.next_board().await.unwrap(),
        Next::Nothing
    ));
    let request = now.by(GUILD, 1);
    let removed = services.remove_boards(&request, &clan, None).await;
    removed.unwrap();
    let gone = taken(services).await;
    assert_eq!(gone.layout, None);
    services.board_done(&gone, &Outcome::Removed).await.unwrap();
    assert!(matches!(
        services.next_board().await.unwrap(),
        Next::Nothing
    ));
}
