//! A device is away for a while, then the database is: nobody loses anything.

use std::time::Duration;

use fake_discord::{Channel, Device, FakeDiscord, Reply};

use super::database::Database;
use super::stage::{Seat, Stage, chapter, say};

pub async fn play(discord: &FakeDiscord, database: &Database) {
    let stage = Stage::new(discord);
    let office = stage.seat(&stage.dana, &Device::desktop("PC Birou"));
    let tablet = stage.seat(&stage.bogdan, &Device::phone("Tabletă"));
    let board = stage.dana.guild().channel("punctaj-live");
    set_up(&office, &tablet, &board).await;
    a_device_is_away(&office, &tablet, &board).await;
    let waiting = the_database_is_away(&office, &tablet, database).await;
    and_comes_back(&office, &tablet, (&board, database), &waiting).await;
    the_history(&office).await;
}

async fn set_up(office: &Seat<'_>, tablet: &Seat<'_>, board: &Channel) {
    chapter("Dana keeps a table at the office PC, with a board that always shows it");
    let table = [("table", "BlackWater/Politie")];
    office.slash("punctaj-admin table create", &table).await;
    let names = [("names", "Ana Pop, Ion Matei"), ("points", "10")];
    office.slash("punctaj add", &names).await;
    let channel = board.mention();
    let post = [("table", "Politie"), ("channel", channel.as_str())];
    office.slash("punctaj-admin board post", &post).await;
    shows(office, board, "10").await;
    tablet.slash("punctaj view", &[]).await;
}

async fn a_device_is_away(office: &Seat<'_>, tablet: &Seat<'_>, board: &Channel) {
    chapter("Bogdan's tablet has no network for a while; Dana goes on, and the board with her");
    let five = [("names", "Ana Pop"), ("points", "5")];
    office.slash("punctaj add", &five).await;
    let new = [("names", "Radu Ilie"), ("points", "3")];
    office.slash("punctaj add", &new).await;
    shows(office, board, "15").await;

    chapter("The tablet is back: its next command says what it missed, and `news` shows it");
    let three = [("names", "Ion Matei"), ("points", "3")];
    tablet.slash("punctaj add", &three).await;
    tablet.slash("punctaj news", &[]).await;
}

async fn the_database_is_away(
    office: &Seat<'_>,
    tablet: &Seat<'_>,
    database: &Database,
) -> Vec<Reply> {
    // Some moments pass, in which the bot notes what tables look like.
    tokio::time::sleep(Duration::from_secs(2)).await;
    chapter("The bot is cut off from its database. Both go on working");
    database.goes_away().await;
    let four = [("names", "Ana Pop, Radu Ilie"), ("points", "4")];
    let one = [("names", "Ana Pop"), ("points", "1")];
    let waiting = vec![
        office.slash("punctaj add", &four).await,
        tablet.slash("punctaj add", &one).await,
        tablet
            .slash("punctaj delete", &[("names", "Ion Matei")])
            .await,
    ];

    chapter("Tables are shown as they were last, and say so; what can't wait is refused");
    tablet.slash("punctaj view", &[]).await;
    office.slash("punctaj-audit search", &[]).await;
    waiting
}

async fn and_comes_back(
    office: &Seat<'_>,
    tablet: &Seat<'_>,
    (board, database): (&Channel, &Database),
    waiting: &[Reply],
) {
    chapter("The database is back: each answer tells by itself what became of it");
    database.comes_back().await;
    for (seat, reply) in [office, tablet, tablet].into_iter().zip(waiting) {
        let done = async || {
            let told = reply.latest();
            (!told.text().starts_with('⏳')).then_some(told)
        };
        seat.saw("(the same answer, now)", &at_last(done).await);
    }

    chapter("Everybody sees the same again");
    shows(office, board, "20").await;
    tablet.slash("punctaj view", &[]).await;
}

async fn the_history(office: &Seat<'_>) {
    chapter("The history tells what had waited, in its order, and verifies");
    let queued = [("only", "queued")];
    office.slash("punctaj-audit search", &queued).await;
    office.slash("punctaj-audit verify", &[]).await;
}

/// Prints the board once it shows that.
async fn shows(seat: &Seat<'_>, board: &Channel, what: &str) {
    let shown = async || {
        let message = board.last_message()?;
        message.text().contains(what).then_some(message)
    };
    let message = at_last(shown).await;
    say(&format!("\n  📌 the board in #{} shows:", board.name()));
    seat.show(&message);
}

async fn at_last(what: impl AsyncFn() -> Option<Reply>) -> Reply {
    for _ in 0..1_200 {
        if let Some(found) = what().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    unreachable!("nothing came of it")
}
