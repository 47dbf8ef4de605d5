//! A week of a unit: points from three moderators, Sunday's warning, Monday's closing, its report, and
//! a mistake that is found only then.
//!
//! The days go by in what people send, as Discord dates it, and for a second process that looks after
//! the schedules: nobody waits a week.

use std::error::Error;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveTime, TimeDelta, Utc};
use chrono_tz::Europe::Bucharest;
use fake_discord::{Channel, Device, FakeDiscord, Member, Role};
use punctaj::domain::session::SessionLimits;
use punctaj::service::Services;
use punctaj::service::entropy::Entropy;
use punctaj::store::{self, StoreOptions};

use super::stage::{Seat, Stage, chapter, say};

const TABLE: (&str, &str) = ("table", "BlackWater/Politie");

pub async fn play(discord: &FakeDiscord, database: &str) -> Result<(), Box<dyn Error>> {
    let stage = Stage::new(discord);
    let week = Week::new(&stage, database)?;
    let office = stage.seat(&stage.dana, &Device::desktop("PC Birou"));
    let phone = stage.seat(&stage.dana, &Device::phone("Telefon"));
    let tablet = stage.seat(&stage.bogdan, &Device::phone("Tabletă"));
    let laptop = stage.seat(&stage.mihai, &Device::desktop("Laptop"));
    week.monday(&office).await;
    week.tuesday(&office, &tablet, &laptop).await;
    week.saturday(&phone, &tablet, &laptop).await;
    week.sunday(&tablet).await?;
    week.next_monday(&office).await?;
    week.a_mistake(&office, &phone).await;
    week.afterwards(&office, &tablet).await;
    Ok(())
}

struct Week<'a> {
    stage: &'a Stage,
    /// When it begins: a Monday, at 20:00.
    begins: DateTime<Utc>,
    /// Whose clock goes with the story.
    schedules: Services,
    reports: Channel,
    officers: Role,
    /// Somebody in the table who is on the server, too.
    ana: Member,
}

impl<'a> Week<'a> {
    fn new(stage: &'a Stage, database: &str) -> Result<Self, Box<dyn Error>> {
        let pool = store::connect(&StoreOptions::new(database, 2)?);
        let guild = stage.dana.guild();
        Ok(Self {
            stage,
            begins: a_coming_monday(stage.discord.now()),
            schedules: Services::new(pool, Entropy::from_system(), SessionLimits::default()),
            reports: guild.channel("rapoarte"),
            officers: guild.role("Ofițer").position(10),
            ana: guild.member("Ana Pop").join(),
        })
    }

    /// So many days after it began, at some hour.
    fn it_is(&self, days: i64, hours: i64) -> DateTime<Utc> {
        let at = self.begins + TimeDelta::days(days) + TimeDelta::hours(hours - 20);
        self.stage.it_is(at);
        at
    }

    async fn monday(&self, office: &Seat<'_>) {
        chapter(
            "Monday: Dana sets up a table with ranks; the second one comes with a Discord role",
        );
        self.it_is(0, 21);
        office.slash("punctaj-admin table create", &[TABLE]).await;
        let role = self.officers.mention();
        for rank in [
            vec![("rank", "1"), ("title", "Cadet"), ("promote_at", "20")],
            vec![
                ("rank", "2"),
                ("title", "Ofițer"),
                ("demote_below", "10"),
                ("role", role.as_str()),
            ],
        ] {
            let options = [vec![TABLE], rank].concat();
            office.slash("punctaj-admin rank set", &options).await;
        }
        let delivered = [
            TABLE,
            ("activity", "Livrat"),
            ("points", "2"),
            ("quantity", "200"),
        ];
        office.slash("punctaj-admin activity set", &delivered).await;
        let names = format!("{}, Ion Matei, Radu Ilie, Maria Enache", self.ana.mention());
        office.slash("punctaj add", &[("names", &names)]).await;
        for (name, field, value) in [
            ("Ana Pop", "rank", "Cadet"),
            ("Maria Enache", "rank", "Cadet"),
            ("Ion Matei", "rank", "Ofițer"),
            ("Radu Ilie", "rank", "Ofițer"),
            ("Radu Ilie", "exempt", "yes"),
        ] {
            let options = [("name", name), ("field", field), ("value", value)];
            office.slash("punctaj set", &options).await;
        }

        chapter(
            "Mihai may look after this table; it closes each Monday at 20:00, and warns on Sunday",
        );
        let mihai = self.stage.mihai.mention();
        let grant = [("who", mihai.as_str()), ("right", "manager")];
        let grant = [&grant[..], &[("scope", TABLE.1)]].concat();
        office.slash("punctaj-admin access grant", &grant).await;
        let channel = self.reports.mention();
        let every = [
            TABLE,
            ("every", "week"),
            ("day", "Monday"),
            ("time", "20:00"),
            ("channel", channel.as_str()),
            ("warning", "24"),
        ];
        office.slash("punctaj-admin period schedule", &every).await;
    }

    async fn tuesday(&self, office: &Seat<'_>, tablet: &Seat<'_>, laptop: &Seat<'_>) {
        chapter("Tuesday: three moderators give points at the same moment");
        self.it_is(1, 19);
        let at_once = [
            (
                office,
                vec![("names", "Ana Pop, Ion Matei"), ("points", "5")],
            ),
            (
                tablet,
                vec![
                    ("names", "Ana Pop"),
                    ("activity", "Livrat"),
                    ("quantity", "650"),
                ],
            ),
            (
                laptop,
                vec![("names", "Ana Pop, Maria Enache"), ("points", "4")],
            ),
        ];
        self.stage.at_once("punctaj add", &at_once).await;
    }

    async fn saturday(&self, phone: &Seat<'_>, tablet: &Seat<'_>, laptop: &Seat<'_>) {
        chapter("Saturday: Dana from her phone, Bogdan from his tablet; Mihai types 42 for 4");
        self.it_is(5, 23);
        let patrol = [("names", "Ana Pop"), ("points", "8"), ("reason", "patrulă")];
        phone.slash("punctaj add", &patrol).await;
        let late = [
            ("names", "Maria Enache"),
            ("points", "1"),
            ("reason", "întârziere"),
        ];
        tablet.slash("punctaj remove", &late).await;
        let typo = [("names", "Maria Enache"), ("points", "42")];
        laptop.slash("punctaj add", &typo).await;
    }

    async fn sunday(&self, tablet: &Seat<'_>) -> Result<(), Box<dyn Error>> {
        chapter("Sunday, 20:00: those who would fall are told, in the channel of the reports");
        let at = self.it_is(6, 20);
        self.schedules.run_schedules_at(at).await?;
        self.posted(1).await;
        tablet.slash("punctaj view", &[]).await;
        Ok(())
    }

    async fn next_monday(&self, office: &Seat<'_>) -> Result<(), Box<dyn Error>> {
        chapter(
            "Monday, 20:00: the table closes by itself. Ana rises and Ion falls; Radu is on leave",
        );
        let at = self.it_is(7, 20);
        self.schedules.run_schedules_at(at).await?;
        self.posted(2).await;
        self.has_role(true).await;
        office.slash("punctaj view", &[]).await;
        Ok(())
    }

    async fn a_mistake(&self, office: &Seat<'_>, phone: &Seat<'_>) {
        chapter("Maria, promoted? Dana opens the period again; points earned since would stay");
        self.it_is(7, 21);
        let closings = [("action", "period.close")];
        let list = office.slash("punctaj-audit search", &closings).await;
        let event = office.pick_last(&list, "Open an event").await;
        let preview = office.press(&event, "Undo").await;
        office.press(&preview, "Confirm").await;
        self.posted(3).await;
        self.has_role(false).await;
        let wrong = [
            ("names", "Maria Enache"),
            ("points", "38"),
            ("reason", "42 era 4"),
        ];
        phone.slash("punctaj remove", &wrong).await;

        chapter("Now she closes it herself: what would come of it first, then for good");
        let preview = office.slash("punctaj-admin period close", &[TABLE]).await;
        office.press(&preview, "Confirm").await;
        self.posted(4).await;
        self.has_role(true).await;
    }

    async fn afterwards(&self, office: &Seat<'_>, tablet: &Seat<'_>) {
        chapter("Closed periods stay: as a list, as they were, as a file");
        office.slash("punctaj-admin period list", &[TABLE]).await;
        tablet
            .slash("punctaj view", &[TABLE, ("period", "1")])
            .await;
        let file = [TABLE, ("period", "1"), ("format", "csv")];
        office.slash("punctaj-admin data export", &file).await;
        office.slash("punctaj-audit verify", &[]).await;
    }

    /// Prints the newest message in the channel of the reports, once there are so many.
    async fn posted(&self, count: usize) {
        for _ in 0..600 {
            let messages = self.reports.messages();
            if let Some(message) = messages.get(count - 1) {
                return self.stage.posted(&self.reports, message);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("nothing was posted in #{}", self.reports.name())
    }

    /// Waits until Ana has the role of her rank, or has it no more.
    async fn has_role(&self, has: bool) {
        for _ in 0..600 {
            if self.ana.has_role(&self.officers) == has {
                let verb = if has { "has" } else { "no longer has" };
                return say(&format!("\n  🎖 Ana Pop {verb} the role Ofițer"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("Ana's role did not follow her rank")
    }
}

/// 20:00 in Bucharest on the first Monday that is at least a day away.
fn a_coming_monday(now: DateTime<Utc>) -> DateTime<Utc> {
    let evening = NaiveTime::from_hms_opt(20, 0, 0).unwrap_or_default();
    let tomorrow = (now + TimeDelta::days(2))
        .with_timezone(&Bucharest)
        .date_naive();
    let days = (7 - i64::from(tomorrow.weekday().num_days_from_monday())) % 7;
    let monday = (tomorrow + TimeDelta::days(days)).and_time(evening);
    monday.and_local_timezone(Bucharest).unwrap().to_utc()
}
