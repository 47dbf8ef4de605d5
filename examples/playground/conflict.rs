//! Two devices write the same thing, and nothing is lost.

use chrono::{DateTime, Utc};
use fake_discord::{Device, FakeDiscord, Reply};

use super::stage::{Seat, Stage, chapter, typed};

pub async fn play(discord: &FakeDiscord) {
    let stage = Stage::new(discord);
    let office = stage.seat(&stage.dana, &Device::desktop("PC Birou"));
    let tablet = stage.seat(&stage.bogdan, &Device::phone("Tabletă"));
    set_up(&office, &tablet).await;
    both_add(&office, &tablet).await;
    let moment = both_set(&office, &tablet).await;
    restored(&office, &tablet).await;
    too_late(&office, &tablet, moment).await;
    the_history(&office, &tablet).await;
}

async fn set_up(office: &Seat<'_>, tablet: &Seat<'_>) {
    chapter("Dana keeps a table at the office PC; Bogdan looks at it on a tablet");
    let table = [("table", "BlackWater/Politie")];
    office.slash("punctaj-admin table create", &table).await;
    let field = [("table", "Politie"), ("field", "Indicativ")];
    office.slash("punctaj-admin field add", &field).await;
    let names = [("names", "Ana Pop, Ion Matei"), ("points", "10")];
    office.slash("punctaj add", &names).await;
    tablet.slash("punctaj view", &[]).await;
}

async fn both_add(office: &Seat<'_>, tablet: &Seat<'_>) {
    chapter("Both give Ana points at the same moment: both count, and nobody is asked anything");
    let (five, three) = (
        [("names", "Ana Pop"), ("points", "5")],
        [("names", "Ana Pop"), ("points", "3")],
    );
    let one = office.acting().slash_start("punctaj add", five);
    let other = tablet.acting().slash_start("punctaj add", three);
    office.saw(&typed("punctaj add", &five), &one.answer().await);
    tablet.saw(&typed("punctaj add", &three), &other.answer().await);
}

/// The moment between the two.
#[expect(
    clippy::disallowed_methods,
    reason = "the stand-in goes by this clock, as Discord goes by its own"
)]
async fn both_set(office: &Seat<'_>, tablet: &Seat<'_>) -> DateTime<Utc> {
    chapter(
        "Dana gives Ana a call sign; Bogdan, who has not seen that, another: the later one wins",
    );
    set(office, "A-12", None).await;
    let moment = Utc::now();
    set(tablet, "B-7", None).await;
    moment
}

async fn restored(office: &Seat<'_>, tablet: &Seat<'_>) {
    chapter("Dana is told what was replaced, by whom, and has it back with one tap");
    let told = office.direct_message(1).await;
    office.press(&told, "Restore mine").await;

    chapter("Bogdan hears of that in his turn");
    tablet.direct_message(1).await;
}

async fn too_late(office: &Seat<'_>, tablet: &Seat<'_>, moment: DateTime<Utc>) {
    chapter(
        "What Dana typed before Bogdan, and what arrives only now, does not win; it is not lost",
    );
    set(office, "C-3", Some(moment)).await;

    chapter("Bogdan deletes Ion; what was typed for Ion before does not bring him back");
    let ion = [("names", "Ion Matei")];
    tablet.slash("punctaj delete", &ion).await;
    let options = [("names", "Ion Matei"), ("points", "5")];
    let late = office.acting().at(moment);
    let late = late.slash("punctaj add", options).await;
    office.saw(&delayed("punctaj add", &options), &late);
}

async fn the_history(office: &Seat<'_>, tablet: &Seat<'_>) {
    chapter("A device that was away asks what it missed");
    tablet.slash("punctaj news", &[]).await;

    chapter("The history keeps every conflict, and verifies");
    let conflicts = [("only", "conflicts")];
    let list = office.slash("punctaj-audit search", &conflicts).await;
    office.pick_last(&list, "Open an event").await;
    office.slash("punctaj-audit verify", &[]).await;
}

/// Sets Ana's call sign; at that moment, and delivered only now, if one is given.
async fn set(seat: &Seat<'_>, value: &str, at: Option<DateTime<Utc>>) -> Reply {
    let options = [
        ("name", "Ana Pop"),
        ("field", "Indicativ"),
        ("value", value),
    ];
    let Some(at) = at else {
        return seat.slash("punctaj set", &options).await;
    };
    let reply = seat.acting().at(at).slash("punctaj set", options).await;
    seat.saw(&delayed("punctaj set", &options), &reply);
    reply
}

fn delayed(command: &str, options: &[(&str, &str)]) -> String {
    format!(
        "{}  (typed earlier, delivered now)",
        typed(command, options)
    )
}
