//! A moderator finds out what happened, and puts it right.

use fake_discord::{Device, FakeDiscord, Reply};

use super::stage::{Seat, Stage, chapter, say};

pub async fn play(discord: &FakeDiscord) {
    let stage = Stage::new(discord);
    let office = stage.seat(&stage.dana, &Device::desktop("PC Birou"));
    let tablet = stage.seat(&stage.bogdan, &Device::phone("Tabletă"));
    let phone = stage.seat(&stage.mihai, &Device::phone("Telefon"));
    an_evening(&stage, (&office, &tablet, &phone)).await;
    a_wrong_award(&stage, &office).await;
    changed_since(&office, &tablet, &phone).await;
    a_table_is_gone(&office, &tablet).await;
    what_else_happened(&office).await;
    a_copy(&office).await;
}

async fn an_evening(stage: &Stage, (office, tablet, phone): (&Seat<'_>, &Seat<'_>, &Seat<'_>)) {
    chapter("An evening: Dana, Bogdan and Mihai, who is new and no moderator, enter points");
    let table = [("table", "BlackWater/Politie")];
    office.slash("punctaj-admin table create", &table).await;
    let mihai = stage.mihai.mention();
    let scorer = [("who", mihai.as_str()), ("right", "scorer")];
    office.slash("punctaj-admin access grant", &scorer).await;
    let names = [("names", "Ana Pop, Ion Matei"), ("points", "10")];
    tablet.slash("punctaj add", &names).await;
    let typo = [("names", "Ana Pop"), ("points", "423")];
    phone.slash("punctaj add", &typo).await;

    chapter("Mihai may not delete; that he tried is in the history");
    let ion = [("names", "Ion Matei")];
    phone.slash("punctaj delete", &ion).await;
}

async fn a_wrong_award(stage: &Stage, office: &Seat<'_>) {
    chapter("Ana has 433 points? Dana asks what Mihai did to her");
    let mihai = stage.mihai.mention();
    let filters = [("who", mihai.as_str()), ("name", "Ana Pop")];
    let list = office.slash("punctaj-audit search", &filters).await;
    let event = office.pick_last(&list, "Open an event").await;

    chapter("She undoes it from there; before anything changes she sees what would");
    let preview = office.press(&event, "Undo").await;
    let done = office.press(&preview, "Confirm").await;

    chapter("An undo is an event too, and can be undone; then she takes that back as well");
    let again = office.press(&done, "Undo").await;
    office.press(&again, "Undo").await;
}

async fn changed_since(office: &Seat<'_>, tablet: &Seat<'_>, phone: &Seat<'_>) {
    chapter("Dana misspelt a name, Bogdan has corrected it since: an undo asks first");
    office.slash("punctaj view", &[]).await;
    rename(office, "Ion Matei", "Ioan Mathei").await;
    rename(tablet, "Ioan Mathei", "Ioan Matei").await;
    let mistake = [("event", "12")];
    let question = office.slash("punctaj-audit undo", &mistake).await;
    office.press(&question, "Cancel").await;
    let five = [("names", "Ioan Matei"), ("points", "5")];
    phone.slash("punctaj add", &five).await;
}

async fn rename(seat: &Seat<'_>, from: &str, to: &str) {
    let options = [("name", from), ("field", "name"), ("value", to)];
    seat.slash("punctaj set", &options).await;
}

async fn a_table_is_gone(office: &Seat<'_>, tablet: &Seat<'_>) {
    chapter("Bogdan deletes the whole table by mistake; it comes back as it was");
    let table = [("table", "BlackWater/Politie")];
    tablet.slash("punctaj-admin table delete", &table).await;
    let deletions = [("action", "table.delete")];
    let list = office.slash("punctaj-audit search", &deletions).await;
    let event = office.pick_last(&list, "Open an event").await;
    let preview = office.press(&event, "Undo").await;
    office.press(&preview, "Confirm").await;
    office.slash("punctaj view", &table).await;
}

async fn what_else_happened(office: &Seat<'_>) {
    chapter("What was refused? What was undone? Who is here, on which device?");
    for only in ["refused", "undone"] {
        office
            .slash("punctaj-audit search", &[("only", only)])
            .await;
    }
    office.slash("punctaj-audit sessions", &[]).await;
}

async fn a_copy(office: &Seat<'_>) {
    chapter("A copy for the files, and the proof that nobody tampered with anything");
    let options = [("action", "points.add"), ("format", "csv")];
    let export = office.slash("punctaj-audit export", &options).await;
    print(&export);
    office.slash("punctaj-audit verify", &[]).await;
}

/// The first lines of what was exported.
fn print(export: &Reply) {
    for (_, bytes) in export.files() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for line in text.lines().take(3) {
            let start: String = line.chars().take(110).collect();
            say(&format!("     │    {start}…"));
        }
    }
}
