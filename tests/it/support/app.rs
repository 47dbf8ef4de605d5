//! The whole bot on a database of its own, against a stand-in of its own: in this process, or as
//! the real binary.

use std::path::Path;
use std::process::Stdio;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use fake_discord::permissions::MANAGE_GUILD;
use fake_discord::{Builder, Device, FakeDiscord, Guild, Member, Reply};
use punctaj::config::{Secret, Shards};
use punctaj::discord::bot::{self, BotError, BotOptions};
use punctaj::discord::gateway::Gateway;
use punctaj::discord::queue::Queue;
use punctaj::domain::session::SessionLimits;
use punctaj::service::Services;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::db::TestDb;

/// Serenity drops what it can't parse with this message, at DEBUG, and says nothing more.
const UNKNOWN_EVENT: &str = "An unknown event was received";

/// How long an interaction may wait for its first answer.
pub const PATIENCE: Duration = Duration::from_secs(30);

static UNKNOWN_EVENTS: AtomicUsize = AtomicUsize::new(0);
static STARTS: AtomicU64 = AtomicU64::new(0);
static LOGGING: Once = Once::new();

/// The bot, the people, and the database. [`TestApp::finish`] must be called at the end.
pub struct TestApp {
    pub discord: FakeDiscord,
    pub guild: Guild,
    pub db: TestDb,
    bot: Option<Running>,
    /// The bot's data folder, and what waits there.
    data: tempfile::TempDir,
    queue: Option<Queue>,
    /// Whether the bot asks to be told where people are signed in.
    pub presence: bool,
    /// Refusals of Discord's that the test provokes.
    expected_refusals: usize,
    finished: bool,
}

struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), BotError>>,
}

impl TestApp {
    /// A running bot in a guild called `BlackWater`.
    pub async fn start() -> Self {
        let mut app = Self::without_bot().await;
        app.start_bot().await;
        app
    }

    /// All of it but the bot.
    pub async fn without_bot() -> Self {
        Self::on(patient().start().await.unwrap()).await
    }

    /// All of it but the bot, on a stand-in of the test's choice.
    pub async fn on(discord: FakeDiscord) -> Self {
        watch_the_log();
        let db = TestDb::new().await;
        let guild = discord.guild("BlackWater");
        Self {
            discord,
            guild,
            db,
            bot: None,
            data: tempfile::tempdir().unwrap(),
            queue: None,
            presence: true,
            expected_refusals: 0,
            finished: false,
        }
    }

    /// A second bot beside another's, on the same stand-in and database.
    pub async fn beside(other: &Self) -> Self {
        let (discord, guild, db) = (other.discord.clone(), other.guild.clone(), other.db.clone());
        let mut app = Self {
            discord,
            guild,
            db,
            bot: None,
            data: tempfile::tempdir().unwrap(),
            queue: None,
            presence: true,
            expected_refusals: 0,
            finished: false,
        };
        app.start_bot().await;
        app
    }

    /// For a bot beside another's: the other's end is the end.
    pub fn forget(mut self) {
        self.finished = true;
    }

    /// Starts the bot, in this process, as another process would: with services of its own.
    pub async fn start_bot(&mut self) {
        // Another seed each time: a bot that is started again must not draw the same ids again.
        let seed = 0xB07 + STARTS.fetch_add(1, Ordering::Relaxed);
        let services = TestDb::services_on(self.db.url(), 5, seed, SessionLimits::default());
        self.start_bot_with(services).await;
    }

    /// Starts the bot with these services.
    pub async fn start_bot_with(&mut self, services: Services) {
        let (stop, stopping) = watch::channel(false);
        let data = self.data.path();
        let queue = self.queue.get_or_insert_with(|| Queue::open(data).unwrap());
        let queue = queue.clone();
        let task = tokio::spawn(bot::run(
            self.options(),
            (services, queue),
            Gateway::default(),
            stopping,
        ));
        self.bot = Some(Running { stop, task });
        self.discord.ready().await;
    }

    fn options(&self) -> BotOptions {
        BotOptions {
            token: Secret::new(self.discord.token()),
            api_url: Some(self.discord.url().parse().unwrap()),
            ratelimit: false,
            presence: self.presence,
            shards: Shards::Auto,
        }
    }

    /// The journal of the bot.
    pub fn queue(&self) -> &Queue {
        self.queue.as_ref().expect("a bot that was started")
    }

    /// Stops the bot as a signal does.
    pub async fn stop_bot(&mut self) {
        if let Some(bot) = self.bot.take() {
            bot.stop.send(true).unwrap();
            bot.task.await.unwrap().expect("the bot ends well");
        }
    }

    /// Stops and starts it.
    pub async fn restart_bot(&mut self) {
        self.stop_bot().await;
        self.discord.connected(0).await;
        self.start_bot().await;
        self.discord.connected(1).await;
    }

    /// A member with *Manage Server*.
    pub fn moderator(&self, name: &str) -> Member {
        self.guild.member(name).permissions(MANAGE_GUILD).join()
    }

    /// A member without rights of their own.
    pub fn member(&self, name: &str) -> Member {
        self.guild.member(name).join()
    }

    /// Has somebody with *Manage Server* grant somebody a code or a bundle, in the whole guild.
    pub async fn grant(&self, by: &Member, who: &Member, right: &str) {
        let who = who.mention();
        let options = [("who", who.as_str()), ("right", right)];
        let on = by.on(&Device::desktop("PC"));
        let granted = on.slash("punctaj-admin access grant", options).await;
        assert_says(&granted, &["Granted a right", right]);
    }

    /// The test provokes so many refusals of Discord's.
    pub fn expect_refusals(&mut self, count: usize) {
        self.expected_refusals += count;
    }

    /// Stops the bot, and holds what must hold after every story: Discord refused nothing, knew
    /// every route, found every request well formed; serenity understood every event; the
    /// history verifies.
    pub async fn finish(mut self) {
        self.finished = true;
        self.stop_bot().await;
        let violations = self.discord.violations();
        assert!(
            violations.is_empty(),
            "requests that Discord's description does not know: {violations:#?}"
        );
        let unknown = self.discord.unknown_routes();
        assert!(
            unknown.is_empty(),
            "routes that the stand-in does not know: {unknown:#?}"
        );
        let refusals = self.discord.refusals();
        assert_eq!(refusals.len(), self.expected_refusals, "{refusals:#?}");
        assert_eq!(
            UNKNOWN_EVENTS.load(Ordering::SeqCst),
            0,
            "serenity did not understand an event"
        );
        for guild in self.db.services.guilds().await.unwrap() {
            let report = self.db.services.verify_guild(guild).await.unwrap();
            assert_eq!(report.problem, None, "the history of {guild} verifies");
        }
        self.discord.stop().await;
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        assert!(
            self.finished || std::thread::panicking(),
            "call finish() at the end of the story"
        );
    }
}

/// A stand-in that leaves a busy machine its time, where Discord itself would not wait.
pub fn patient() -> Builder {
    FakeDiscord::builder()
        .first_answer(PATIENCE)
        .deferred_bound(Duration::from_mins(10))
}

/// Counts the events that serenity does not understand.
fn watch_the_log() {
    LOGGING.call_once(|| {
        use tracing_subscriber::layer::SubscriberExt as _;
        use tracing_subscriber::util::SubscriberInitExt as _;
        let shown = std::env::var("RUST_LOG").unwrap_or_else(|_| "off".to_owned());
        let print = tracing_subscriber::fmt::layer().with_test_writer();
        let print = tracing_subscriber::Layer::with_filter(
            print,
            tracing_subscriber::EnvFilter::new(shown),
        );
        let _ = tracing_subscriber::registry()
            .with(CountUnknown)
            .with(print)
            .try_init();
    });
}

struct CountUnknown;

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for CountUnknown {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target().starts_with("serenity") {
            event.record(
                &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                    if field.name() == "message" && format!("{value:?}").contains(UNKNOWN_EVENT) {
                        UNKNOWN_EVENTS.fetch_add(1, Ordering::SeqCst);
                    }
                },
            );
        }
    }
}

/// The real binary, connected to a stand-in and a database.
pub struct Process {
    child: Child,
    data: Option<tempfile::TempDir>,
}

impl Process {
    /// On a test's database.
    pub fn start(discord: &FakeDiscord, db: &TestDb) -> Self {
        Self::with_connections(discord, db, 5)
    }

    /// On a test's database, with at most so many connections to it.
    pub fn with_connections(discord: &FakeDiscord, db: &TestDb, connections: usize) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = running(discord.url(), discord.token(), data.path());
        let child = command
            .env("PUNCTAJ_DATABASE_URL", db.url())
            .env("PUNCTAJ_DATABASE_POOL", connections.to_string())
            .spawn()
            .unwrap();
        Self {
            child,
            data: Some(data),
        }
    }

    /// The same, with files of at most so many kilobytes, as if the disk were full then.
    pub fn with_little_room(
        discord: &FakeDiscord,
        database: &str,
        data: &Path,
        kilobytes: u32,
    ) -> Self {
        let bot = running(discord.url(), discord.token(), data);
        let bot = bot.as_std();
        // In blocks of 512 bytes. A write beyond is to fail, and not to end the process.
        let limits = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kilobytes * 2);
        let mut command = Command::new("sh");
        command.arg("-c").arg(limits).arg("sh");
        command.arg(bot.get_program()).args(bot.get_args());
        command.env_clear();
        command.envs(
            bot.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let command = command.env("PUNCTAJ_DATABASE_URL", database);
        let child = command.stderr(Stdio::null()).kill_on_drop(true).spawn();
        Self {
            child: child.unwrap(),
            data: None,
        }
    }

    /// On a database of that address, with a data folder that outlives it.
    pub fn on(discord: &FakeDiscord, database: &str, data: &Path) -> Self {
        let mut command = running(discord.url(), discord.token(), data);
        let child = command.env("PUNCTAJ_DATABASE_URL", database).spawn();
        Self {
            child: child.unwrap(),
            data: None,
        }
    }

    /// On a database of that address, serving health; returns where.
    pub async fn with_health(discord_url: &str, token: &str, database: &str) -> (Self, String) {
        let data = tempfile::tempdir().unwrap();
        let mut command = running(discord_url, token, data.path());
        command
            .env("PUNCTAJ_DATABASE_URL", database)
            .env("RUST_LOG", "off,punctaj::http=info");
        let (mut bot, address) = Self::serving(command).await;
        bot.data = Some(data);
        (bot, address)
    }

    /// With these shards, on a database of that address, in a data folder that outlives it; returns
    /// where it serves health.
    pub async fn with_shards(
        discord: &FakeDiscord,
        database: &str,
        data: &Path,
        shards: &str,
    ) -> (Self, String) {
        let mut command = running(discord.url(), discord.token(), data);
        command
            .env("PUNCTAJ_DATABASE_URL", database)
            .env("PUNCTAJ_SHARDS", shards)
            // Few, so that one that is never given back is missed.
            .env("PUNCTAJ_DATABASE_POOL", "3")
            .env("RUST_LOG", "warn,punctaj::http=info");
        Self::serving(command).await
    }

    /// What it logs is shown when the test fails.
    async fn serving(mut command: Command) -> (Self, String) {
        let mut child = command
            .env("PUNCTAJ_HTTP_ADDR", "127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next_line().await.unwrap().expect("a line in the log");
            if let Some((_, address)) = line.split_once("http.addr=") {
                break address.to_owned();
            }
        };
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                println!("{line}");
            }
        });
        (Self { child, data: None }, address)
    }

    /// The memory that it has in use, in bytes.
    pub fn memory(&self) -> u64 {
        let pid = self.child.id().expect("a running process");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kilobytes.and_then(|it| it.parse::<u64>().ok()).unwrap() * 1024
    }

    /// From now on no file takes anything more, as if the disk were full. For a bot that was started
    /// [with little room](Self::with_little_room).
    pub fn fill_disk(&self) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid.and_then(Pid::from_raw).expect("a running process");
        let nothing = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        prlimit(Some(pid), Resource::Fsize, nothing).expect("a limit");
    }

    /// With a Postgres of its own below this folder.
    pub fn with_embedded(discord: &FakeDiscord, data: &Path) -> Self {
        let mut command = running(discord.url(), discord.token(), data);
        let child = command.spawn().unwrap();
        Self { child, data: None }
    }

    /// `kill -9`, as an instruction away from anything.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, and the exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().unwrap().to_string();
        assert!(
            std::process::Command::new("kill")
                .arg(pid)
                .status()
                .unwrap()
                .success()
        );
        let status = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        status.expect("the bot stops on SIGTERM").unwrap().code()
    }
}

fn running(discord_url: &str, token: &str, data: &Path) -> Command {
    let mut command = command();
    command
        .arg("run")
        .env("DISCORD_TOKEN", token)
        .env("DISCORD_API_URL", discord_url)
        .env("PUNCTAJ_DISCORD_RATELIMIT", "off")
        .env("PUNCTAJ_DATA_DIR", data);
    command
}

/// The real binary, in an empty environment and folder.
pub fn command() -> Command {
    let binary = std::env::var("PUNCTAJ_TEST_BINARY")
        .unwrap_or_else(|_| env!("CARGO_BIN_EXE_punctaj").to_owned());
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap_or_default())
        .env("RUST_LOG", "warn")
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Asserts that a reply's text holds all of these.
#[track_caller]
pub fn assert_says(reply: &Reply, parts: &[&str]) {
    let text = reply.text();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in the reply:\n{text}");
    }
}

/// Asserts that a reply's text holds none of these.
#[track_caller]
pub fn assert_hides(reply: &Reply, parts: &[&str]) {
    let text = reply.text();
    for part in parts {
        assert!(!text.contains(part), "{part:?} is in the reply:\n{text}");
    }
}

/// Waits until a condition holds, however busy the machine is.
pub async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(2), waiting).await;
    assert!(waited.is_ok(), "waited in vain: {what}");
}

/// Waits until nothing is left to be told but what waits for a person's next command.
pub async fn all_told(app: &TestApp) {
    let pool = app.db.superuser().await;
    let told = async || {
        let query = "select not exists (select from punctaj.outbox where not parked)";
        let told: bool = sqlx::query_scalar(query).fetch_one(&pool).await.unwrap();
        told
    };
    until("everything is told", told).await;
}

/// A command from a phone.
pub async fn slash<'a>(
    who: &Member,
    command: &'a str,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Reply {
    let phone = Device::phone("Telefon");
    who.on(&phone).slash(command, options).await
}

/// The table as this person sees it now.
pub async fn view(who: &Member, device: &Device) -> Reply {
    who.on(device)
        .slash("punctaj view", [("layout", "wide")])
        .await
}
