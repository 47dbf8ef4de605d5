//! What the real binary tells about itself over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use fake_discord::permissions::MANAGE_GUILD;
use fake_discord::{Device, FakeDiscord, Fault, Guild, Member, Reply};
use regex::Regex;
use reqwest::header::CONTENT_TYPE;
use sqlx::{AssertSqlSafe, Executor as _, PgPool};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::app::{Process, assert_says, command, patient};
use crate::support::db::TestDb;
use crate::support::openmetrics::Scrape;

/// Where nobody listens.
const NOWHERE: &str = "127.0.0.1:9";

const GATEWAY: &str = "Discord's gateway is not connected";
const DATABASE: &str = "the database does not answer";

/// The status and body of an answer.
async fn ask(address: &str, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{address}{path}")).await;
    let answer = answer.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Asks until the bot says just this about its readiness.
async fn says(address: &str, status: u16, text: &str) {
    let expected = (status, format!("{text}\n"));
    let asking = async {
        while ask(address, "/readyz").await != expected {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let said = tokio::time::timeout(Duration::from_mins(1), asking).await;
    assert!(said.is_ok(), "{expected:?} was never said");
}

/// Somebody who can close a test's database, and its name.
async fn gatekeeper(db: &TestDb) -> (PgPool, String) {
    let mut url = url::Url::parse(db.url()).unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    url.set_path("postgres");
    (PgPool::connect(url.as_str()).await.unwrap(), name)
}

/// Lets nobody into a database any more, or everybody again.
async fn open(admin: &PgPool, database: &str, open: bool) {
    let alter = format!("alter database {database} allow_connections {open}");
    sqlx::query(AssertSqlSafe(alter))
        .execute(admin)
        .await
        .unwrap();
    if !open {
        sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1")
            .bind(database)
            .execute(admin)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn ready_while_the_gateway_is_connected_and_the_database_answers() {
    let (db, discord) = (TestDb::new().await, FakeDiscord::start().await.unwrap());
    let (bot, address) = Process::with_health(discord.url(), discord.token(), db.url()).await;
    says(&address, 200, "ready").await;
    assert_eq!(ask(&address, "/healthz").await, (200, "alive\n".to_owned()));
    for path in ["/", "/metrics/x", "/healthz/x"] {
        assert_eq!(ask(&address, path).await.0, 404, "{path}");
    }

    let (admin, name) = gatekeeper(&db).await;
    open(&admin, &name, false).await;
    says(&address, 503, &format!("not ready: {DATABASE}")).await;
    assert_eq!(ask(&address, "/healthz").await.0, 200);
    open(&admin, &name, true).await;
    says(&address, 200, "ready").await;

    discord.stop().await;
    says(&address, 503, &format!("not ready: {GATEWAY}")).await;
    assert_eq!(ask(&address, "/healthz").await.0, 200);
    assert_eq!(bot.terminate().await, Some(0));
    assert!(
        reqwest::get(format!("http://{address}/healthz"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn alive_but_not_ready_while_nothing_can_be_reached() {
    let discord = FakeDiscord::start().await.unwrap();
    let database = format!("postgres://u:p@{NOWHERE}/x");
    let (bot, address) = Process::with_health(discord.url(), discord.token(), &database).await;
    says(&address, 503, &format!("not ready: {DATABASE}")).await;
    assert_eq!(ask(&address, "/healthz").await.0, 200);
    assert_eq!(bot.terminate().await, Some(0));
    discord.stop().await;

    let nowhere = format!("http://{NOWHERE}");
    let (bot, address) = Process::with_health(&nowhere, "a.b.c", &database).await;
    says(&address, 503, &format!("not ready: {GATEWAY}, {DATABASE}")).await;
    assert_eq!(ask(&address, "/healthz").await.0, 200);
    assert_eq!(bot.terminate().await, Some(0));
}

#[tokio::test]
async fn an_address_that_is_taken_ends_the_program_with_a_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let output = command()
        .arg("run")
        .env("DISCORD_TOKEN", "a.b.c")
        .env(
            "PUNCTAJ_DATABASE_URL",
            format!("postgres://u:p@{NOWHERE}/x"),
        )
        .env("PUNCTAJ_DATA_DIR", data.path())
        .env("PUNCTAJ_HTTP_ADDR", &address)
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in ["PUNCTAJ_HTTP_ADDR", &address, "in use"] {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}

/// The real binary among people, and what it tells of itself.
struct Watched {
    discord: FakeDiscord,
    guild: Guild,
    bot: Process,
    address: String,
    ana: Member,
    phone: Device,
}

impl Watched {
    /// With a table, made by the first command.
    async fn start() -> (Self, TestDb) {
        let db = TestDb::new().await;
        let watched = Self::on(db.url()).await;
        let made = watched.slash("punctaj-admin table create", &[("table", "Clan")]);
        assert!(made.await.is_answered());
        (watched, db)
    }

    /// With the database of this address, or none if there is none.
    async fn on(database: &str) -> Self {
        let discord = patient().start().await.unwrap();
        let (bot, address) = Process::with_health(discord.url(), discord.token(), database).await;
        discord.ready().await;
        let guild = discord.guild("BlackWater");
        let ana = guild.member("ana").permissions(MANAGE_GUILD).join();
        Self {
            discord,
            guild,
            bot,
            address,
            ana,
            phone: Device::phone("Telefon"),
        }
    }

    async fn slash(&self, command: &str, options: &[(&str, &str)]) -> Reply {
        let options = options.iter().copied();
        self.ana.on(&self.phone).slash(command, options).await
    }

    async fn add(&self, name: &str) -> Reply {
        let options = [("names", name), ("points", "5")];
        self.slash("punctaj add", &options).await
    }

    async fn scrape(&self) -> Scrape {
        let (status, text) = ask(&self.address, "/metrics").await;
        assert_eq!(status, 200);
        Scrape::parse(&text)
    }

    /// Scrapes until something holds.
    async fn until(&self, what: &str, condition: impl Fn(&Scrape) -> bool) -> Scrape {
        let patience = Instant::now() + Duration::from_mins(2);
        loop {
            let scrape = self.scrape().await;
            if condition(&scrape) {
                return scrape;
            }
            let counted = scrape.of("punctaj_interactions_total");
            assert!(Instant::now() < patience, "in vain: {what}; {counted:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn end(self) {
        assert_eq!(self.bot.terminate().await, Some(0));
        self.discord.stop().await;
    }
}

/// Has every award fail in a way that nobody expects, or no more.
const BREAK: &str = "create function public.breaks() returns trigger language plpgsql \
     as $$ begin raise exception 'broken on purpose'; end $$; \
     create trigger breaks before insert or update on punctaj.entries \
     for each row execute function public.breaks()";
const MEND: &str = "drop trigger breaks on punctaj.entries";

#[tokio::test]
async fn interactions_are_counted_by_command_and_outcome() {
    let (watched, db) = Watched::start().await;
    let (ana, phone) = (&watched.ana, &watched.phone);
    watched.add("Dinu").await;
    let added = watched.add("Maria").await;
    assert_says(&ana.on(phone).click(&added, "Undo").await, &["Maria"]);
    assert!(ana.on(phone).click(&added, "Undo").await.is_answered());
    let unknown = [("names", "Nimeni"), ("points", "1")];
    watched.slash("punctaj remove", &unknown).await;
    let typed = [("names", "D")];
    let member = ana.on(phone);
    let choices = member.autocomplete("punctaj add", typed, "names").await;
    assert_eq!(choices.len(), 1);
    let form = ana.on(phone).context_menu("Punctaj: add points", ana).await;
    let given = ana.on(phone).submit(&form, [("points", "viele")]).await;
    assert!(given.is_answered());
    // The database refuses what the program has no word for.
    let admin = db.superuser().await;
    admin.execute(BREAK).await.unwrap();
    assert_says(&watched.add("Vlad").await, &["Reference"]);
    admin.execute(MEND).await.unwrap();
    // Discord does not take the first answer.
    let refused = Fault::status(403).on("POST", "/callback");
    watched.discord.inject(refused);
    let lost = ana.on(phone).slash_start("punctaj view", []);

    let expected = BTreeMap::from([
        (r#"command="autocomplete",outcome="ok""#, 1.0),
        (r#"command="button undo",outcome="ok""#, 1.0),
        (r#"command="button undo",outcome="refused""#, 1.0),
        (r#"command="form give",outcome="refused""#, 1.0),
        (r#"command="menu-add-points",outcome="ok""#, 1.0),
        (r#"command="punctaj add",outcome="failed""#, 1.0),
        (r#"command="punctaj add",outcome="ok""#, 2.0),
        (r#"command="punctaj remove",outcome="refused""#, 1.0),
        (r#"command="punctaj view",outcome="undelivered""#, 1.0),
        (r#"command="punctaj-admin table create",outcome="ok""#, 1.0),
    ]);
    let counted = |scrape: &Scrape| scrape.of("punctaj_interactions_total") == expected;
    let scrape = watched.until("each is counted", counted).await;
    let answered = BTreeMap::from([
        (r#"command="autocomplete""#, 1.0),
        (r#"command="button undo""#, 2.0),
        (r#"command="form give""#, 1.0),
        (r#"command="menu-add-points""#, 1.0),
        (r#"command="punctaj add""#, 3.0),
        (r#"command="punctaj remove""#, 1.0),
        (r#"command="punctaj-admin table create""#, 1.0),
    ]);
    let durations = scrape.of("punctaj_interaction_duration_seconds_count");
    assert_eq!(durations, answered);

    // What people wrote is not there, nor what nobody may know.
    let (_, text) = ask(&watched.address, "/metrics").await;
    for word in [
        "Dinu",
        "Maria",
        "Clan",
        "Telefon",
        "BlackWater",
        watched.discord.token(),
    ] {
        assert!(!text.contains(word), "{word} is in:\n{text}");
    }
    drop(lost);
    watched.end().await;
}

#[tokio::test]
async fn what_waits_is_measured_until_it_waits_no_more() {
    let (watched, db) = Watched::start().await;
    let pool = db.superuser().await;
    let idle = |scrape: &Scrape| {
        let is = |name: &str, value: f64| scrape.get(name) == Some(value);
        is("punctaj_outbox_pending", 0.0)
            && is("punctaj_boards_pending", 0.0)
            && is("punctaj_feed_lag_seconds", 0.0)
            && is("punctaj_feed_listening", 1.0)
    };
    watched.until("nothing waits", idle).await;

    watched.discord.fail_next("POST", "/messages", 503, 0, 1000);
    let (log, board) = (
        watched.guild.channel("jurnal"),
        watched.guild.channel("scor"),
    );
    let channel = log.mention();
    let options = [("channel", &*channel)];
    watched
        .slash("punctaj-admin settings log-channel", &options)
        .await;
    let channel = board.mention();
    let options = [("table", "Clan"), ("channel", &*channel)];
    watched.slash("punctaj-admin board post", &options).await;
    watched.add("Dinu").await;
    let queued = async || {
        let count = "select count(*)::int from punctaj.outbox where not parked";
        let count = sqlx::query_scalar::<_, i32>(count).fetch_one(&pool).await;
        f64::from(count.unwrap())
    };
    // The head of the day may come between.
    let (pending, scrape) = loop {
        let (before, scrape) = (queued().await, watched.scrape().await);
        if before > 0.0 && queued().await.to_bits() == before.to_bits() {
            break (before, scrape);
        }
    };
    assert_eq!(scrape.get("punctaj_outbox_pending"), Some(pending));
    assert_eq!(scrape.get("punctaj_boards_pending"), Some(1.0));
    let lag = scrape.get("punctaj_feed_lag_seconds").unwrap();
    let age = "select extract(epoch from now() - min(created_at))::float8 from punctaj.outbox";
    let age: f64 = sqlx::query_scalar(age).fetch_one(&pool).await.unwrap();
    assert!(lag > 0.0 && lag < age, "{lag} of {age}");

    watched.discord.clear_faults();
    watched.until("nothing waits any more", idle).await;
    watched.end().await;
}

#[tokio::test]
async fn metrics_are_told_while_the_database_is_away() {
    let (watched, db) = Watched::start().await;
    let connected = |scrape: &Scrape| scrape.get("punctaj_feed_listening") == Some(1.0);
    let scrape = watched.until("the feed listens", connected).await;
    let get = |name: &str| {
        scrape
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not told"))
    };
    for (name, value) in [
        ("punctaj_database_up", 1.0),
        ("punctaj_database_connections_max", 5.0),
        ("punctaj_gateway_shards", 1.0),
        ("punctaj_gateway_shards_ready", 1.0),
        ("punctaj_journal_depth", 0.0),
    ] {
        assert_eq!(get(name).to_bits(), f64::to_bits(value), "{name}");
    }
    let state = |state: &str| {
        get(&format!(
            "punctaj_database_connections{{state=\"{state}\"}}"
        ))
    };
    assert!((1.0..=5.0).contains(&(state("idle") + state("used"))));
    for name in [
        "punctaj_tasks_alive",
        "process_resident_memory_bytes",
        "process_open_fds",
        "punctaj_database_round_trip_seconds_count",
        "punctaj_database_round_trip_seconds_sum",
    ] {
        assert!(get(name) > 0.0, "{name}");
    }

    let (admin, name) = gatekeeper(&db).await;
    open(&admin, &name, false).await;
    let away = |scrape: &Scrape| {
        scrape.get("punctaj_database_up") == Some(0.0)
            && scrape.get("punctaj_feed_listening") == Some(0.0)
    };
    let scrape = watched.until("the database is away", away).await;
    for name in [
        "punctaj_outbox_pending",
        "punctaj_boards_pending",
        "punctaj_feed_lag_seconds",
    ] {
        assert_eq!(scrape.get(name), None, "{name}");
    }
    open(&admin, &name, true).await;
    let back = |scrape: &Scrape| scrape.get("punctaj_database_up") == Some(1.0);
    watched.until("the database is back", back).await;
    watched.end().await;
}

#[tokio::test]
async fn metrics_are_told_where_there_never_was_a_database() {
    let watched = Watched::on(&format!("postgres://u:secret@{NOWHERE}/x")).await;
    assert_says(&watched.add("Dinu").await, &["database"]);
    let counted = |scrape: &Scrape| {
        let counted = scrape.of("punctaj_interactions_total");
        counted == BTreeMap::from([(r#"command="punctaj add",outcome="queued""#, 1.0)])
    };
    let scrape = watched.until("the edit is counted", counted).await;
    for (name, value) in [
        ("punctaj_database_up", Some(0.0)),
        ("punctaj_database_round_trip_seconds_count", Some(0.0)),
        ("punctaj_feed_listening", Some(0.0)),
        ("punctaj_gateway_shards_ready", Some(1.0)),
        ("punctaj_journal_depth", Some(1.0)),
        ("punctaj_outbox_pending", None),
    ] {
        assert_eq!(scrape.get(name), value, "{name}");
    }
    let (_, text) = ask(&watched.address, "/metrics").await;
    assert!(!text.contains("secret"), "{text}");
    watched.end().await;
}

/// The metrics that a text names, without what histograms add to theirs.
fn named(file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let names = Regex::new(r"\b(?:punctaj|process)_[a-z_]+").unwrap();
    let plain = |name: &str| {
        let suffix = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|it| name.strip_suffix(it));
        suffix.unwrap_or(name).to_owned()
    };
    names
        .find_iter(&text)
        .map(|name| plain(name.as_str()))
        .collect()
}

#[tokio::test]
async fn the_operators_guide_names_each_metric() {
    let (watched, _db) = Watched::start().await;
    let page = format!("http://{}/metrics", watched.address);
    let answer = reqwest::get(page).await.unwrap();
    let kind = answer.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
    assert!(
        kind.starts_with("application/openmetrics-text; version=1.0.0"),
        "{kind}"
    );
    let counted = |scrape: &Scrape| !scrape.of("punctaj_interactions_total").is_empty();
    let told = watched
        .until("the first command is counted", counted)
        .await
        .names();
    let guide = named("docs/metrics.md");
    let missing: Vec<_> = told.difference(&guide).collect();
    assert!(missing.is_empty(), "the guide does not name {missing:?}");
    // Discord acknowledges the first heartbeat after 40 seconds.
    let latency = BTreeSet::from(["punctaj_gateway_latency_seconds".to_owned()]);
    let gone: Vec<_> = guide
        .difference(&told)
        .filter(|name| !latency.contains(*name))
        .collect();
    assert!(
        gone.is_empty(),
        "the guide names {gone:?}, which are not there"
    );
    let alerts = named("deploy/prometheus-alerts.yml");
    assert!(!alerts.is_empty() && alerts.is_subset(&guide), "{alerts:?}");
    watched.end().await;
}
