//! Where outages happen: real processes, a stand-in, and a database behind a network with weather.

use std::time::{Duration, Instant};

use fake_discord::permissions::MANAGE_GUILD;
use fake_discord::{Channel, Device, FakeDiscord, Guild, Member};
use sqlx::PgPool;

use super::load::{BASE, Edits, Load, SHARED, Told, is_acknowledged, taken_from};
use crate::support::app::{Process, assert_says, patient, until};
use crate::support::db::TestDb;
use crate::support::network::Network;
use crate::support::proxy::socket_of;
use crate::support::replay::Oracle;

/// How much more memory a process may have in use after an outage than before.
const MORE_MEMORY: u64 = 64 << 20;

/// How long people wait for an answer before they go on.
const PATIENCE: Duration = Duration::from_secs(5);

/// What Discord may refuse: answers that come second or too late, edits of what is gone.
const REFUSALS: [u32; 4] = [40060, 10062, 10015, 10008];

/// Each process has the guilds of one of two shards.
pub const SPLIT: [&str; 2] = ["0-0/2", "1-1/2"];

/// Both processes have all guilds.
pub const EQUAL: [&str; 2] = ["0-0/1", "0-0/1"];

/// Processes, people, a database, and what is between them.
pub struct Stage {
    pub discord: FakeDiscord,
    pub network: Network,
    pub db: TestDb,
    pub places: Vec<Place>,
    bots: Vec<Bot>,
    edits: Edits,
}

/// A guild with a table `Clan` and its board.
pub struct Place {
    discord: FakeDiscord,
    pub guild: Guild,
    pub board: Channel,
    pub log: Channel,
    pub people: [(Member, Device); 2],
}

/// A process and its data folder, in which it can be started again.
pub struct Bot {
    shards: &'static str,
    data: tempfile::TempDir,
    running: Option<(Process, String)>,
}

/// What a process has in use.
pub struct Footprint {
    memory: u64,
    tasks: Option<f64>,
}

impl Stage {
    /// One process a shard range, and a guild for each.
    pub async fn new(shards: &[&'static str]) -> Self {
        Self::on(TestDb::new().await, shards).await
    }

    /// On a database of the test's choice.
    pub async fn on(db: TestDb, shards: &[&'static str]) -> Self {
        let discord = patient().start().await.unwrap();
        let network = Network::start(socket_of(db.url())).await;
        let bots = shards.iter().map(|shards| Bot::new(shards)).collect();
        let places = shards.iter().enumerate();
        let mut stage = Self {
            places: places
                .map(|(at, it)| Place::new(&discord, at, it))
                .collect(),
            discord,
            network,
            db,
            bots,
            edits: Edits::default(),
        };
        for at in 0..shards.len() {
            stage.start(at).await;
        }
        stage.discord.connected(shards.len()).await;
        stage.discord.ready().await;
        for place in &stage.places {
            place.set_up().await;
        }
        stage
    }

    /// Starts a process.
    pub async fn start(&mut self, at: usize) {
        let url = self.network.url(self.db.url());
        let bot = &mut self.bots[at];
        let data = bot.data.path();
        bot.running = Some(Process::with_shards(&self.discord, &url, data, bot.shards).await);
    }

    /// Kills it.
    pub async fn kill(&mut self, at: usize) {
        let (process, _) = self.bots[at].running.take().expect("it runs");
        process.kill().await;
    }

    /// Everybody in these guilds begins to edit.
    pub fn load(&self, patience: Duration) -> Load {
        let people = self.places.iter().flat_map(|place| {
            let of_guild = |(who, device): &(Member, Device)| {
                (place.guild.clone(), who.clone(), device.clone())
            };
            place.people.iter().map(of_guild)
        });
        Load::begin((&self.discord, &self.edits), people, patience)
    }

    /// An outage under load, from beginning to end, and all that must hold after it. What is printed
    /// is how long it took from the end of the outage until every process saved edits again, and until
    /// every board showed the last state.
    pub async fn through(&self, what: &str, outage: impl AsyncFnOnce(&Self)) {
        let load = self.load(PATIENCE);
        load.acknowledged(&self.guilds(), Instant::now(), 8).await;
        let before = self.footprints().await;
        outage(self).await;
        self.after(what, load, &before).await;
    }

    /// What must hold after an outage that ended just now.
    pub async fn after(&self, what: &str, load: Load, before: &[Footprint]) {
        let ended = Instant::now();
        load.acknowledged(&self.guilds(), ended, 1).await;
        let saved = ended.elapsed();
        let told = load.end().await;
        let converging = Instant::now();
        self.holds(&told).await;
        let (saved, converged) = (saved.as_secs_f64(), converging.elapsed().as_secs_f64());
        println!(
            "{what}: edits are saved {saved:.1} s after it, boards converge in {converged:.1} s"
        );
        self.is_as_light_as(before).await;
    }

    /// Everything that was acknowledged is there once, boards show it, nothing hangs.
    pub async fn holds(&self, told: &Told) {
        self.queued_edits_are_applied().await;
        let pool = self.db.superuser().await;
        for place in &self.places {
            place.works().await;
            place.board_shows_all(&pool).await;
        }
        let (acknowledged, others) = told.is_there_once(&pool).await;
        println!("{acknowledged} edits were acknowledged, {others} were not");
        for guild in self.db.services.guilds().await.unwrap() {
            let report = self.db.services.verify_guild(guild).await.unwrap();
            assert_eq!(report.problem, None, "the history of {guild} verifies");
            replays(&pool, guild.db()).await;
        }
    }

    /// Waits until what processes keep for a database that was away has reached it.
    async fn queued_edits_are_applied(&self) {
        for bot in &self.bots {
            let empty = async || bot.metric("punctaj_journal_depth").await.unwrap_or(0.0) == 0.0;
            until("the journal is empty", empty).await;
        }
    }

    /// What each process has in use.
    pub async fn footprints(&self) -> Vec<Footprint> {
        let mut footprints = Vec::new();
        for bot in &self.bots {
            footprints.push(bot.footprint().await);
        }
        footprints
    }

    async fn is_as_light_as(&self, before: &[Footprint]) {
        for (bot, before) in self.bots.iter().zip(before) {
            let is_back = async || {
                let now = bot.footprint().await;
                now.memory <= before.memory + MORE_MEMORY && now.tasks <= before.tasks
            };
            until("the memory and the tasks are as before", is_back).await;
        }
    }

    /// Each event of the history is told in the guild's log channel, in order, and once.
    pub async fn log_is_whole(&self, place: &Place) {
        let pool = self.db.superuser().await;
        let guild = i64::try_from(place.guild.id()).unwrap();
        let since = "select coalesce(min(seq), 0) from punctaj.events where guild_id = $1 and action = 'settings.set'";
        let since: i64 = sqlx::query_scalar(since)
            .bind(guild)
            .fetch_one(&pool)
            .await
            .unwrap();
        let told = "select seq from punctaj.events where guild_id = $1 and seq >= $2
             and action not like 'session.%' order by seq";
        let expected = async || -> Vec<i64> {
            let events = sqlx::query_scalar(told).bind(guild).bind(since);
            events.fetch_all(&pool).await.unwrap()
        };
        let all = async || logged(&place.log).len() >= expected().await.len();
        until("the log is whole", all).await;
        assert_eq!(logged(&place.log), expected().await);
    }

    pub fn guilds(&self) -> Vec<u64> {
        self.places.iter().map(|place| place.guild.id()).collect()
    }

    /// Stops the processes, none of which may hang, and looks at what Discord thought of them.
    pub async fn finish(mut self) {
        for bot in &mut self.bots {
            if let Some((process, _)) = bot.running.take() {
                assert_eq!(process.terminate().await, Some(0));
            }
        }
        let (violations, unknown) = (self.discord.violations(), self.discord.unknown_routes());
        assert!(violations.is_empty(), "{violations:#?}");
        assert!(unknown.is_empty(), "{unknown:#?}");
        let mut refusals = self.discord.refusals();
        refusals.retain(|refusal| !REFUSALS.contains(&refusal.code));
        assert!(refusals.is_empty(), "{refusals:#?}");
        self.discord.stop().await;
    }
}

/// The numbers of the events in a log channel, as they stand there.
fn logged(log: &Channel) -> Vec<i64> {
    let texts: Vec<String> = log
        .messages()
        .iter()
        .map(fake_discord::Reply::text)
        .collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    let numbers = lines.filter_map(|line| line.strip_prefix("**#")?.split_once("**"));
    numbers.map(|(number, _)| number.parse().unwrap()).collect()
}

/// By a replay that shares no code with the program, too.
async fn replays(pool: &PgPool, guild: i64) {
    Oracle::of(pool, guild).await.compare(pool).await.unwrap();
}

impl Bot {
    fn new(shards: &'static str) -> Self {
        Self {
            shards,
            data: tempfile::tempdir().unwrap(),
            running: None,
        }
    }

    async fn footprint(&self) -> Footprint {
        let (process, _) = self.running.as_ref().expect("it runs");
        Footprint {
            memory: process.memory(),
            tasks: self.metric("punctaj_tasks_alive").await,
        }
    }

    /// A number that it tells at `/metrics`, if it does.
    async fn metric(&self, name: &str) -> Option<f64> {
        let (_, address) = self.running.as_ref()?;
        let answer = reqwest::get(format!("http://{address}/metrics"))
            .await
            .ok()?;
        let text = answer.text().await.ok()?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let values = lines.filter_map(|line| {
            let (key, value) = line.rsplit_once(' ')?;
            let is_it = key == name || key.strip_prefix(name)?.starts_with('{');
            is_it.then(|| value.parse().ok()).flatten()
        });
        values.reduce(|sum: f64, value| sum + value)
    }
}

impl Place {
    fn new(discord: &FakeDiscord, at: usize, shards: &str) -> Self {
        let guild = guild_of(discord, &format!("Guild {at}"), shards);
        let person = |name: &str| {
            let name = format!("{name}{}", ["a", "b"][at]);
            guild.member(&name).permissions(MANAGE_GUILD).join()
        };
        let people = [
            (person("ana"), Device::desktop("PC")),
            (person("ion"), Device::phone("Telefon")),
        ];
        Self {
            discord: discord.clone(),
            board: guild.channel("scor"),
            log: guild.channel("log"),
            people,
            guild,
        }
    }

    /// The first of the people gives a command; returns the interaction.
    pub async fn slash(&self, command: &str, options: &[(&str, &str)]) -> u64 {
        let (who, device) = &self.people[0];
        let pending = who.on(device).slash_start(command, options.iter().copied());
        let id = pending.interaction_id();
        pending.answer().await;
        id
    }

    /// A table, its board, and the entries that points are taken from.
    async fn set_up(&self) {
        self.slash("punctaj-admin table create", &[("table", "Clan")])
            .await;
        let here = self.board.mention();
        let board = [("table", "Clan"), ("channel", here.as_str())];
        self.slash("punctaj-admin board post", &board).await;
        let base = BASE.to_string();
        for (who, _) in &self.people {
            let name = taken_from(&who.name());
            let add = [("names", name.as_str()), ("points", base.as_str())];
            let added = self.slash("punctaj add", &add).await;
            assert!(is_acknowledged(&self.discord, added));
            let set = format!("{} set", who.name());
            self.slash("punctaj add", &[("names", &set)]).await;
        }
        self.slash("punctaj add", &[("names", SHARED)]).await;
    }

    /// From now on each edit is told in the log channel.
    pub async fn logs(&self) {
        let channel = self.log.mention();
        let log = [("channel", channel.as_str())];
        self.slash("punctaj-admin settings log-channel", &log).await;
    }

    /// An edit and a view are answered as they should be.
    async fn works(&self) {
        let (who, device) = &self.people[0];
        let saved = async || {
            let probe = [("names", "probe"), ("points", "1"), ("table", "Clan")];
            is_acknowledged(&self.discord, self.slash("punctaj add", &probe).await)
        };
        until("an edit is saved", saved).await;
        let table = [("table", "Clan")];
        let view = who.on(device).slash("punctaj view", table).await;
        assert_says(&view, &["Clan"]);
    }

    /// One message stands in the board's channel, and shows the table as the database has it.
    async fn board_shows_all(&self, pool: &PgPool) {
        let guild = i64::try_from(self.guild.id()).unwrap();
        let shows = async || {
            let expected = board_of(pool, guild).await;
            let mut messages = self.board.messages();
            messages.retain(|message| !message.is_ephemeral());
            let [message] = messages.as_slice() else {
                return false;
            };
            let text = message.text();
            expected.iter().all(|part| text.contains(part))
        };
        until("the board shows the last state", shows).await;
    }
}

/// A guild that is on the first shard of this range, such as `1-1/2`.
pub fn guild_of(discord: &FakeDiscord, name: &str, shards: &str) -> Guild {
    let (range, total) = shards.split_once('/').unwrap();
    let shard: u64 = range.split_once('-').unwrap().0.parse().unwrap();
    let total: u64 = total.parse().unwrap();
    let named = |number: u32| discord.guild(&format!("{name} {number}"));
    let is_there = |guild: &Guild| (guild.id() >> 22) % total == shard;
    let mut guilds = (0..)
        .map(named)
        .inspect(|_| std::thread::sleep(Duration::from_millis(1)));
    guilds.find(is_there).expect("a guild of the shard")
}

/// What the board must say: how many entries there are, the sum, and who has the most.
async fn board_of(pool: &PgPool, guild: i64) -> Vec<String> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select e.name, e.points from punctaj.entries e join punctaj.tables t using (table_id)
         where t.guild_id = $1 and e.deleted_at is null order by e.points desc, e.name_key",
    )
    .bind(guild)
    .fetch_all(pool)
    .await
    .unwrap();
    let sum = rows.iter().map(|(_, points)| points).sum();
    let first = rows.iter().take(3);
    let first = first.flat_map(|(name, points)| [name.clone(), grouped(*points)]);
    let whole = [format!("{} entries, {} points", rows.len(), grouped(sum))];
    whole.into_iter().chain(first).collect()
}

/// A number as English writes it.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let (head, tail) = digits.split_at(digits.len() % 3);
    let tail = tail
        .as_bytes()
        .chunks(3)
        .map(|it| std::str::from_utf8(it).unwrap());
    let parts: Vec<&str> = std::iter::once(head)
        .filter(|it| !it.is_empty())
        .chain(tail)
        .collect();
    parts.join(",")
}
