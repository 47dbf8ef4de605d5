//! People who edit all the time, and what they were told became of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fake_discord::{Device, FakeDiscord, Guild, Member};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::support::app::until;

/// What an entry has before anything is taken from it.
pub const BASE: i64 = 1_000;

/// The entry that everybody gives a point to.
pub const SHARED: &str = "common";

/// How long people rest between two edits.
const REST: Duration = Duration::from_millis(100);

/// Every edit on a stage.
pub type Edits = Arc<Mutex<Vec<Edit>>>;

/// One edit.
#[derive(Debug, Clone)]
pub struct Edit {
    guild: u64,
    interaction: u64,
    begun: Instant,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// A new entry of this name gets a point.
    New(String),
    /// [`SHARED`] gets a point.
    Give,
    /// This entry, which had [`BASE`], loses a point.
    Take(String),
    /// This entry's points are set.
    Set(String, i64),
}

impl What {
    fn nth(person: &str, number: i64) -> Self {
        match number % 4 {
            0 => Self::New(format!("{person} {number}")),
            1 => Self::Give,
            2 => Self::Take(taken_from(person)),
            _ => Self::Set(format!("{person} set"), number),
        }
    }

    fn command(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let table = ("table", "Clan".to_owned());
        let changes = |command, name: &str| {
            let points = ("points", "1".to_owned());
            (
                command,
                vec![("names", name.to_owned()), points, table.clone()],
            )
        };
        match self {
            Self::New(name) => changes("punctaj add", name),
            Self::Give => changes("punctaj add", SHARED),
            Self::Take(name) => changes("punctaj remove", name),
            Self::Set(name, value) => {
                let (name, value) = (("name", name.clone()), ("value", value.to_string()));
                let options = vec![name, ("field", "points".to_owned()), value, table];
                ("punctaj set", options)
            }
        }
    }
}

/// The entry that a person takes points from.
pub fn taken_from(person: &str) -> String {
    format!("{person} base")
}

/// People at work.
pub struct Load {
    discord: FakeDiscord,
    edits: Edits,
    stop: watch::Sender<bool>,
    people: Vec<JoinHandle<()>>,
}

impl Load {
    /// Each of them edits all the time, and waits so long for an answer at most.
    pub fn begin(
        (discord, edits): (&FakeDiscord, &Edits),
        people: impl IntoIterator<Item = (Guild, Member, Device)>,
        patience: Duration,
    ) -> Self {
        let (stop, _) = watch::channel(false);
        let at_work = |(guild, who, device)| {
            let person = Person {
                guild,
                who,
                device,
                patience,
                edits: Arc::clone(edits),
            };
            tokio::spawn(person.work(stop.subscribe()))
        };
        let people = people.into_iter().map(at_work).collect();
        Self {
            discord: discord.clone(),
            edits: Arc::clone(edits),
            stop,
            people,
        }
    }

    /// Waits until so many edits in each of these guilds are acknowledged that began after a moment.
    pub async fn acknowledged(&self, guilds: &[u64], since: Instant, count: usize) {
        let enough = |guild: u64| {
            let edits = self.edits.lock().unwrap().clone();
            let of_guild = edits
                .iter()
                .filter(|edit| edit.guild == guild && edit.begun >= since);
            let known = of_guild.filter(|edit| is_acknowledged(&self.discord, edit.interaction));
            known.take(count).count() == count
        };
        let all = async || guilds.iter().all(|guild| enough(*guild));
        until("edits are acknowledged in every guild", all).await;
    }

    /// Everybody stops after the edit they are at.
    pub async fn end(self) -> Told {
        self.stop.send_replace(true);
        for person in self.people {
            person.await.unwrap();
        }
        let edits = self.edits.lock().unwrap().clone();
        Told {
            discord: self.discord,
            edits,
        }
    }
}

struct Person {
    guild: Guild,
    who: Member,
    device: Device,
    patience: Duration,
    edits: Edits,
}

impl Person {
    async fn work(self, stopping: watch::Receiver<bool>) {
        // Another number than any of an earlier load.
        let first = i64::try_from(self.edits.lock().unwrap().len()).unwrap();
        for number in first.. {
            if *stopping.borrow() {
                return;
            }
            let what = What::nth(&self.who.name(), number);
            let (command, options) = what.command();
            let options = options.iter().map(|(name, value)| (*name, value.as_str()));
            let begun = Instant::now();
            let pending = self.who.on(&self.device).slash_start(command, options);
            let edit = Edit {
                guild: self.guild.id(),
                interaction: pending.interaction_id(),
                begun,
                what,
            };
            self.edits.lock().unwrap().push(edit);
            // Whoever is not answered goes on all the same.
            let _ = timeout(self.patience, pending.answer()).await;
            sleep(REST).await;
        }
    }
}

/// Whether Discord took an answer that says that the edit is saved, or kept until it can be.
pub fn is_acknowledged(discord: &FakeDiscord, interaction: u64) -> bool {
    let says_so =
        |body: &str| body.contains(r#""label":"Undo""#) || body.contains(r#""content":"⏳"#);
    let attempts = discord.attempts(interaction);
    attempts
        .iter()
        .any(|attempt| attempt.accepted() && says_so(&attempt.body.to_string()))
}

/// What people were told, since the stage was set.
pub struct Told {
    discord: FakeDiscord,
    edits: Vec<Edit>,
}

impl Told {
    /// Every acknowledged edit is there once, every other one at most once. Returns how many were
    /// acknowledged, and how many were not.
    pub async fn is_there_once(&self, pool: &PgPool) -> (usize, usize) {
        let mut acknowledged = 0;
        let mut by_guild: BTreeMap<u64, Vec<&Edit>> = BTreeMap::new();
        for edit in &self.edits {
            by_guild.entry(edit.guild).or_default().push(edit);
        }
        for (guild, edits) in by_guild {
            let guild = i64::try_from(guild).unwrap();
            let (done, points) = (done(pool, guild).await, points(pool, guild).await);
            let is_done = |edit: &Edit| done.contains(&edit.interaction.to_string());
            for edit in &edits {
                let known = is_acknowledged(&self.discord, edit.interaction);
                acknowledged += usize::from(known);
                assert!(
                    is_done(edit) || !known,
                    "acknowledged and not there: {edit:?}"
                );
            }
            edits_add_up(edits.into_iter().filter(|edit| is_done(edit)), &points);
        }
        (acknowledged, self.edits.len() - acknowledged)
    }
}

/// The points are what these edits make, each done once, and no others.
fn edits_add_up<'a>(done: impl Iterator<Item = &'a Edit>, points: &BTreeMap<String, i64>) {
    let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
    let mut is_new = Vec::new();
    // In the order of Discord's clock, which is that of the sets.
    for edit in done {
        match &edit.what {
            What::New(name) => {
                is_new.push(name.as_str());
                *expected.entry(name).or_default() += 1;
            }
            What::Give => *expected.entry(SHARED).or_default() += 1,
            What::Take(name) => *expected.entry(name).or_insert(BASE) -= 1,
            What::Set(name, value) => {
                expected.insert(name, *value);
            }
        }
    }
    for (name, expected) in &expected {
        assert_eq!(points.get(*name), Some(expected), "points of {name}");
    }
    let untold = points
        .keys()
        .filter(|name| name.ends_with(|last: char| last.is_ascii_digit()))
        .filter(|name| !is_new.contains(&name.as_str()));
    assert_eq!(untold.collect::<Vec<_>>(), Vec::<&String>::new());
}

/// The interactions that have an event; each has one at most, by a unique key.
async fn done(pool: &PgPool, guild: i64) -> Vec<String> {
    sqlx::query_scalar(
        "select op_id from punctaj.events where guild_id = $1 and outcome in ('applied', 'superseded')",
    )
    .bind(guild)
    .fetch_all(pool)
    .await
    .unwrap()
}

async fn points(pool: &PgPool, guild: i64) -> BTreeMap<String, i64> {
    let points: Vec<(String, i64)> = sqlx::query_as(
        "select e.name, e.points from punctaj.entries e join punctaj.tables t using (table_id)
         where t.guild_id = $1 and e.deleted_at is null",
    )
    .bind(guild)
    .fetch_all(pool)
    .await
    .unwrap();
    points.into_iter().collect()
}
