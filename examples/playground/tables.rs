//! Two moderators on four devices keep one table.

use fake_discord::{Device, FakeDiscord};

use super::stage::{Seat, Stage, chapter};

pub async fn play(discord: &FakeDiscord) {
    let stage = Stage::new(discord);
    let dana = |device: &Device| stage.seat(&stage.dana, device);
    let office = dana(&Device::desktop("PC Birou"));
    let laptop = dana(&Device::desktop("Laptop"));
    let phone = dana(&Device::phone("Telefon"));
    let tablet = stage.seat(&stage.bogdan, &Device::phone("Tabletă"));
    set_up(&office, &[&office, &laptop, &phone]).await;
    three_devices_at_once(&stage, (&laptop, &phone, &tablet)).await;
    everyone_sees_the_same(&office, &tablet).await;
    a_mistake(&office, &phone, &tablet).await;
    the_history(&office).await;
    leaving(&phone).await;
}

async fn set_up(office: &Seat<'_>, devices: &[&Seat<'_>]) {
    chapter("Dana sets up a score table from the office PC");
    let table = [("table", "BlackWater/Politie")];
    office.slash("punctaj-admin table create", &table).await;
    let rank = [("table", "Politie"), ("rank", "1"), ("title", "Ofițer")];
    office.slash("punctaj-admin rank set", &rank).await;

    chapter("She logs in on each of her three devices: one account, three sessions");
    for seat in devices {
        let label = [("device", seat.device.label())];
        seat.slash("punctaj session login", &label).await;
    }
}

async fn three_devices_at_once(
    stage: &Stage,
    (laptop, phone, tablet): (&Seat<'_>, &Seat<'_>, &Seat<'_>),
) {
    chapter("Dana's laptop and phone and Bogdan's tablet give points at the same moment");
    let reason = ("reason", "patrulă de noapte");
    let at_once = [
        (
            laptop,
            vec![("names", "Ana Pop, Ion Matei"), ("points", "5")],
        ),
        (phone, vec![("names", "Ana Pop"), ("points", "3"), reason]),
        (
            tablet,
            vec![("names", "Ana Pop, Maria Enache"), ("points", "2")],
        ),
    ];
    stage.at_once("punctaj add", &at_once).await;
}

async fn everyone_sees_the_same(office: &Seat<'_>, tablet: &Seat<'_>) {
    chapter("Everyone sees the same table, each in the layout of the device");
    office.slash("punctaj view", &[("layout", "wide")]).await;
    tablet.slash("punctaj view", &[("layout", "phone")]).await;
}

async fn a_mistake(office: &Seat<'_>, phone: &Seat<'_>, tablet: &Seat<'_>) {
    chapter("Bogdan mistypes +423 for +4, and takes it back with one tap");
    let mistake = [("names", "Maria Enache"), ("points", "423")];
    let wrong = tablet.slash("punctaj add", &mistake).await;
    tablet.press(&wrong, "Desfă").await;

    chapter("Dana corrects a name from the phone; the office PC sees it at once");
    let corrected = [
        ("name", "Ion Matei"),
        ("field", "name"),
        ("value", "Ioan Matei"),
    ];
    phone.slash("punctaj set", &corrected).await;
    office.slash("punctaj view", &[("layout", "wide")]).await;
}

async fn the_history(office: &Seat<'_>) {
    chapter("Every change is in the history, and the history verifies");
    let of_table = [("table", "Politie")];
    office.slash("punctaj-audit search", &of_table).await;
    let mistake = [("event", "11")];
    office.slash("punctaj-audit show", &mistake).await;
    office.slash("punctaj-audit verify", &[]).await;
}

async fn leaving(phone: &Seat<'_>) {
    chapter("She leaves the office: that session ends, the others go on");
    let office = [("session", "PC Birou")];
    phone.slash("punctaj session logout", &office).await;
    phone.slash("punctaj session list", &[]).await;
}
