//! A unit's week: three moderators on phones and PCs, Sunday's warning, Monday's closing with a
//! promotion and a demotion, its report, and an undo. The days pass in what people send, as
//! Discord dates it, and for a second process that looks after the schedules.

use chrono::{DateTime, Datelike as _, NaiveTime, TimeDelta, Utc};
use chrono_tz::Europe::Bucharest;
use fake_discord::{Channel, Device, Member, Reply, Role};

use crate::support::app::{TestApp, assert_hides, assert_says, until};
use crate::support::replay::Oracle;

const TABLE: (&str, &str) = ("table", "BlackWater/Politie");

struct Week {
    app: TestApp,
    /// A Monday, 20:00 in Bucharest.
    begins: DateTime<Utc>,
    reports: Channel,
    officers: Role,
    dana: Member,
    bogdan: Member,
    mihai: Member,
    /// Somebody in the table who is on the server, too.
    ana: Member,
}

fn pc() -> Device {
    Device::desktop("PC Birou")
}

fn phone() -> Device {
    Device::phone("Telefon")
}

/// 20:00 in Bucharest on the first Monday that is two days away at least: what the bot's own clock
/// finds due comes later than the story.
fn coming_monday(now: DateTime<Utc>) -> DateTime<Utc> {
    let evening = NaiveTime::from_hms_opt(20, 0, 0).unwrap();
    let first = (now + TimeDelta::days(2)).with_timezone(&Bucharest);
    let first = first.date_naive();
    let days = (7 - i64::from(first.weekday().num_days_from_monday())) % 7;
    let monday = (first + TimeDelta::days(days)).and_time(evening);
    monday.and_local_timezone(Bucharest).unwrap().to_utc()
}

/// A command from a device, dated by Discord.
async fn slash<'a>(
    (who, device, at): (&Member, Device, DateTime<Utc>),
    command: &'a str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Reply {
    who.on(&device).at(at).slash(command, options).await
}

impl Week {
    async fn begin() -> Self {
        let app = TestApp::start().await;
        let guild = &app.guild;
        let week = Self {
            begins: coming_monday(app.discord.now()),
            reports: guild.channel("rapoarte"),
            officers: guild.role("Ofițer").position(10),
            dana: guild.member("Dana").owner().join(),
            bogdan: app.moderator("Bogdan"),
            mihai: app.member("Mihai"),
            ana: app.member("Ana Pop"),
            app,
        };
        week.set_up().await;
        week
    }

    fn day(&self, days: i64, hour: i64) -> DateTime<Utc> {
        self.begins + TimeDelta::days(days) + TimeDelta::hours(hour - 20)
    }

    /// The table with its ranks and people, who may look after it, and when it is closed.
    async fn set_up(&self) {
        let mut at = self.day(0, 21);
        let (role, ana) = (self.officers.mention(), self.ana.mention());
        let (mihai, reports) = (self.mihai.mention(), self.reports.mention());
        let names = format!("{ana}, Ion Matei, Radu Ilie, Maria Enache");
        let cadet = [("rank", "1"), ("title", "Cadet"), ("promote_at", "20")];
        let officer = [("rank", "2"), ("title", "Ofițer"), ("demote_below", "10")];
        let livrat = [("activity", "Livrat"), ("points", "2"), ("quantity", "200")];
        let grant = [("who", &*mihai), ("right", "manager"), ("scope", TABLE.1)];
        let each_week = [
            ("every", "week"),
            ("day", "Monday"),
            ("time", "20:00"),
            ("warning", "24"),
            ("channel", &*reports),
        ];
        let mut steps: Vec<(&str, Vec<(&str, &str)>)> = vec![
            ("punctaj-admin table create", vec![TABLE]),
            ("punctaj-admin rank set", [&[TABLE], &cadet[..]].concat()),
            (
                "punctaj-admin rank set",
                [&[TABLE, ("role", &role)], &officer[..]].concat(),
            ),
            (
                "punctaj-admin activity set",
                [&[TABLE], &livrat[..]].concat(),
            ),
            ("punctaj add", vec![("names", &names)]),
            ("punctaj-admin access grant", grant.to_vec()),
            (
                "punctaj-admin period schedule",
                [&[TABLE], &each_week[..]].concat(),
            ),
        ];
        for (name, field, value) in [
            ("Ana Pop", "rank", "Cadet"),
            ("Maria Enache", "rank", "Cadet"),
            ("Ion Matei", "rank", "Ofițer"),
            ("Radu Ilie", "rank", "Ofițer"),
            ("Radu Ilie", "exempt", "yes"),
        ] {
            let options = vec![("name", name), ("field", field), ("value", value)];
            steps.push(("punctaj set", options));
        }
        for (command, options) in steps {
            let done = slash((&self.dana, pc(), at), command, options).await;
            assert!(done.has_button("Undo"), "{command}: {}", done.text());
            at += TimeDelta::minutes(1);
        }
    }

    /// A second process looks at the schedules, at that moment.
    async fn passes(&self, at: DateTime<Utc>) {
        self.app.db.services.run_schedules_at(at).await.unwrap();
    }

    async fn posted(&self, count: usize) -> Reply {
        let posted = async || self.reports.messages().len() >= count;
        until("another post", posted).await;
        self.reports.messages().swap_remove(count - 1)
    }

    async fn ana_is_officer(&self, is: bool) {
        let has = async || self.ana.has_role(&self.officers) == is;
        until("the role follows the rank", has).await;
    }

    async fn view(&self, at: DateTime<Utc>) -> Reply {
        let options = [TABLE, ("sort", "name")];
        slash((&self.bogdan, phone(), at), "punctaj view", options).await
    }

    async fn rank(&self, name: &str, at: DateTime<Utc>, rank: &str) {
        let card = [("name", name)];
        let card = slash((&self.mihai, phone(), at), "punctaj profile", card).await;
        assert_says(&card, &[rank]);
    }

    /// Three at the same moment; then one types 42 for 4.
    async fn points(&self) {
        let (dana, bogdan, mihai) = (&self.dana, &self.bogdan, &self.mihai);
        let tuesday = self.day(1, 19);
        let pending = [
            dana.on(&pc()).at(tuesday).slash_start(
                "punctaj add",
                [("names", "Ana Pop, Ion Matei"), ("points", "5")],
            ),
            bogdan.on(&phone()).at(tuesday).slash_start(
                "punctaj add",
                [
                    ("names", "Ana Pop"),
                    ("activity", "livrat"),
                    ("quantity", "650"),
                ],
            ),
            mihai.on(&pc()).at(tuesday).slash_start(
                "punctaj add",
                [("names", "Ana Pop, Maria Enache"), ("points", "4")],
            ),
        ];
        for answer in pending {
            assert!(answer.answer().await.has_button("Undo"));
        }
        let saturday = self.day(5, 23);
        for (who, device, name, points) in [
            (dana, phone(), "Ana Pop", "8"),
            (mihai, pc(), "Maria Enache", "42"),
        ] {
            let options = [("names", name), ("points", points)];
            let added = slash((who, device, saturday), "punctaj add", options).await;
            assert!(added.has_button("Undo"));
        }
    }

    /// Those who would fall are told.
    async fn sunday(&self) {
        let sunday = self.day(6, 20);
        self.passes(sunday - TimeDelta::minutes(1)).await;
        self.passes(sunday).await;
        let warning = self.posted(1).await;
        assert_says(
            &warning,
            &["BlackWater/Politie", "is closed", "Ion Matei (5 / 10)"],
        );
        assert_hides(&warning, &["Radu", "Maria", "Ana"]);
        assert_says(
            &self.view(sunday).await,
            &["Ana Pop", "23", "46", "74 points"],
        );
    }

    /// The schedule closes the table; a minute later somebody earns the first points of the new period.
    async fn monday(&self) {
        let mihai = &self.mihai;
        let monday = self.day(7, 20);
        self.passes(monday).await;
        self.passes(monday + TimeDelta::minutes(1)).await;
        let report = self.posted(2).await;
        assert_says(
            &report,
            &[
                "Period 1 of BlackWater/Politie",
                "**Closed by:** the schedule",
                "🥇 **Maria Enache** — 46 points",
                "🥈 **Ana Pop** — 23 points",
                "**Promoted (2):** Maria Enache (Cadet → Ofițer), Ana Pop (Cadet → Ofițer)",
                "**Demoted (1):** Ion Matei (Ofițer → Cadet)",
            ],
        );
        // Radu, who earned nothing, is on leave.
        assert_hides(&report, &["late", "Radu", "Earned nothing"]);
        self.ana_is_officer(true).await;
        self.rank("Radu Ilie", monday, "Ofițer").await;
        assert_says(&self.view(monday).await, &["Ana Pop", "0 points"]);
        let evening = monday + TimeDelta::minutes(1);
        let new = [("names", "Ion Matei"), ("points", "2")];
        let new = slash((mihai, phone(), evening), "punctaj add", new).await;
        assert_says(&new, &["0 → 2"]);
    }

    /// The 42 is found: the period is opened again, with what was earned since.
    async fn undo(&self) {
        let dana = &self.dana;
        let evening = self.day(7, 21);
        let closings = [("action", "period.close")];
        let found = slash((dana, pc(), evening), "punctaj-audit search", closings).await;
        assert_says(&found, &["the schedule"]);
        let closing = found.menu("Open an event").remove(0);
        let event = dana.on(&pc()).at(evening);
        let event = event
            .select(&found, "Open an event", [&*closing.value])
            .await;
        assert_says(&event, &["46 → 0", "-46)", "automatically"]);
        assert_hides(&event, &["nobody", "instead of"]);
        let preview = dana.on(&pc()).at(evening).click(&event, "Undo").await;
        let undone = dana.on(&pc()).at(evening).click(&preview, "Confirm").await;
        assert_says(
            &undone,
            &["Period opened again", "2 → 7", "0 → 46", "Ofițer → Cadet"],
        );
        let reopened = self.posted(3).await;
        assert_says(&reopened, &["Period 1 of", "This closing was undone."]);
        assert_hides(&reopened, &["Maria"]);
        self.ana_is_officer(false).await;
        self.rank("Ion Matei", evening, "Ofițer").await;
        let wrong = [("names", "Maria Enache"), ("points", "38")];
        let right = slash((dana, phone(), evening), "punctaj remove", wrong).await;
        assert_says(&right, &["46 → 8"]);
    }

    /// What was undone is not closed by the schedule again; Mihai, who may, closes it by hand.
    async fn again(&self) {
        let (dana, mihai) = (&self.dana, &self.mihai);
        let late = self.day(7, 21) + TimeDelta::minutes(1);
        self.passes(late).await;
        let close = slash((mihai, pc(), late), "punctaj-admin period close", [TABLE]).await;
        assert_says(
            &close,
            &["Close period 1", "**Promoted (1):** Ana Pop", "38 points"],
        );
        let closed = mihai.on(&pc()).at(late).click(&close, "Confirm").await;
        assert_says(&closed, &["Closed a period", "23 → 0"]);
        let report = self.posted(4).await;
        assert_says(
            &report,
            &[
                "**Promoted (1):** Ana Pop (Cadet → Ofițer)",
                "**Demoted (1):** Ion Matei (Ofițer → Cadet)",
            ],
        );
        self.ana_is_officer(true).await;
        let list = slash((mihai, pc(), late), "punctaj-admin period list", [TABLE]).await;
        assert_says(&list, &["38 points", "74 points", "undone"]);
        // The next one is in a week.
        self.passes(self.day(8, 20)).await;
        let next = slash((dana, pc(), late), "punctaj-admin period schedule", [TABLE]).await;
        let moment = format!("<t:{}:", self.day(14, 20).timestamp());
        assert_says(&next, &[&moment]);
        assert_eq!(self.reports.messages().len(), 4);
    }

    /// The independent replay agrees with the tables; the rest is looked at by all stories.
    async fn ends(self) {
        let pool = self.app.db.superuser().await;
        let guild = i64::try_from(self.app.guild.id()).unwrap();
        Oracle::of(&pool, guild).await.compare(&pool).await.unwrap();
        self.app.finish().await;
    }
}

#[tokio::test]
async fn a_week_with_a_warning_a_closing_a_report_and_an_undo() {
    let week = Week::begin().await;
    week.points().await;
    week.sunday().await;
    week.monday().await;
    week.undo().await;
    week.again().await;
    week.ends().await;
}
