//! Large histories: makes them, asks for the plans of searches in them, verifies them, and says how
//! long that took and how much memory.
//!
//! ```sh
//! cargo run --release --example load -- --data /tmp/load generate
//! cargo run --release --example load -- --data /tmp/load explain
//! cargo run --release --example load -- --data /tmp/load verify --guild 1
//! ```
//!
//! The histories are real: hashes, ledger and tables agree. Guild 1 has the most events, the others
//! share the rest. The same seed makes the same histories.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool for developers: it fails by panicking, and prints what it measured"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "it looks at the database with statements of its own, and at the clock for the first event"
)]

// The tests write histories too.
#[path = "../tests/it/support/history.rs"]
#[expect(dead_code, reason = "the tests do more with it")]
mod history;

use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Parser, Subcommand};
use punctaj::domain::ids::GuildId;
use punctaj::domain::session::SessionLimits;
use punctaj::embedded::{EmbeddedOptions, EmbeddedPostgres};
use punctaj::service::Services;
use punctaj::service::entropy::Entropy;
use punctaj::store::{self, StoreOptions};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};

use history::History;

/// Makes large histories and measures what is done with them.
#[derive(Parser)]
struct Arguments {
    /// Where the server that holds them keeps its data; made if it is not there.
    #[arg(long)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write histories.
    Generate {
        /// How many events in all.
        #[arg(long, default_value_t = 1_000_000)]
        events: usize,
        /// In how many guilds.
        #[arg(long, default_value_t = 200)]
        guilds: u64,
        /// How many of the events are in guild 1.
        #[arg(long, default_value_t = 50_000)]
        largest: usize,
        /// The same seed makes the same histories.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Ask for the plan and time of the first page of searches in guild 1.
    Explain,
    /// Verify the history of a guild.
    Verify {
        /// Which one.
        #[arg(long, default_value_t = 1)]
        guild: i64,
    },
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let options = EmbeddedOptions::new(&arguments.data);
    let server = EmbeddedPostgres::start(options).await.unwrap();
    let address = database(&server).await;
    let began = Instant::now();
    match arguments.command {
        Command::Generate {
            events,
            guilds,
            largest,
            seed,
        } => generate(&address, (events, guilds, largest), seed).await,
        Command::Explain => explain(&address).await,
        Command::Verify { guild } => verify(&address, guild).await,
    }
    println!(
        "{:.1} s in all, {}",
        began.elapsed().as_secs_f64(),
        memory()
    );
    server.stop().await;
}

/// A database with the schema; made the first time.
async fn database(server: &EmbeddedPostgres) -> String {
    let mut conn = PgConnection::connect(server.url("postgres").expose())
        .await
        .unwrap();
    // That it is there already is no failure; anything else shows when it is migrated.
    let _ = conn.execute("create database load").await;
    let address = server.url("load").expose().to_owned();
    store::migrate(&StoreOptions::new(&address, 1).unwrap())
        .await
        .unwrap();
    address
}

async fn generate(address: &str, (events, guilds, largest): (usize, u64, usize), seed: u64) {
    let pool = PgPool::connect(address).await.unwrap();
    let others = (events - largest) / usize::try_from(guilds - 1).unwrap().max(1);
    let end = Utc::now();
    let (mut next, mut written) = (1..=guilds, 0);
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        while tasks.len() < 2
            && let Some(guild) = next.next()
        {
            let (pool, wanted) = (pool.clone(), if guild == 1 { largest } else { others });
            tasks.spawn(async move {
                let history = made(guild, wanted, seed, end);
                history.write(&pool).await;
                history.events.len()
            });
        }
        let Some(done) = tasks.join_next().await else {
            break;
        };
        written += done.unwrap();
    }
    pool.execute("analyze").await.unwrap();
    println!("{written} events in {guilds} guilds");
}

/// Awards to some of sixty people in four tables, by ten people.
fn made(guild: u64, events: usize, seed: u64, end: DateTime<Utc>) -> History {
    let mut random = StdRng::seed_from_u64(seed ^ guild << 32);
    let mut history = History::new(guild);
    let minutes = |left: usize| TimeDelta::minutes(i64::try_from(left).unwrap());
    let tables: Vec<_> = ["A", "B", "C", "D"]
        .into_iter()
        .map(|name| history.table(end - minutes(events + 1), name))
        .collect();
    let people: Vec<String> = (0..60).map(|number| format!("Membru {number}")).collect();
    for left in (0..events.saturating_sub(tables.len())).rev() {
        history.actor = i64::try_from(guild).unwrap() * 1000 + random.random_range(0..10);
        let first = random.random_range(0..people.len() - 3);
        let several = random.random_range(1..=3);
        let points: Vec<(&str, i64)> = people[first..first + several]
            .iter()
            .map(|name| (name.as_str(), random.random_range(1..=5)))
            .collect();
        let table = tables[random.random_range(0..tables.len())];
        history.add(end - minutes(left), table, &points);
    }
    history
}

async fn explain(address: &str) {
    let mut conn = PgConnection::connect(address).await.unwrap();
    let statement = include_str!("../src/store/events_search.sql");
    conn.execute(AssertSqlSafe(format!(
        "set plan_cache_mode = force_custom_plan; prepare search as {statement}"
    )))
    .await
    .unwrap();
    let table = "(select table_id from punctaj.tables where guild_id = 1 and name = 'A')";
    let table: String = sqlx::query_scalar(AssertSqlSafe(format!("select quote_literal({table})")))
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let none = ["null"; 8];
    let mut searches = vec![("nothing", none)];
    for (what, place, value) in [
        ("who", 0, "1003"),
        ("table", 1, table.as_str()),
        ("name", 2, "'membru 7'"),
        ("action", 3, "'table.create'"),
        ("since", 5, "now() - interval '2 hours'"),
        ("until", 6, "now() - interval '30 days'"),
        ("only:conflicts", 7, "'conflicts'"),
        ("only:undone", 7, "'undone'"),
        ("only:refused", 7, "'refused'"),
        ("only:queued", 7, "'queued'"),
    ] {
        let mut asked = none;
        asked[place] = value;
        searches.push((what, asked));
    }
    let mut all = none;
    (all[0], all[1], all[2], all[3]) = ("1003", table.as_str(), "'membru 7'", "'points.add'");
    searches.push(("who, table, name and action", all));
    for (what, asked) in searches {
        let arguments = format!("1, null, 11, {}, null, false", asked.join(", "));
        let explain =
            format!("explain (analyze, costs off, summary on) execute search ({arguments})");
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        let of_events = lines.iter().filter(|line| {
            (line.contains("events") || line.contains("event_names")) && line.contains("Scan")
        });
        let scans: Vec<&str> = of_events.map(|line| line.trim()).collect();
        println!("{what}: {}", lines.last().unwrap().trim());
        for scan in scans {
            println!("    {scan}");
        }
    }
}

async fn verify(address: &str, guild: i64) {
    let pool = store::connect(&StoreOptions::new(address, 1).unwrap());
    let services = Services::new(pool, Entropy::from_system(), SessionLimits::default());
    let report = services
        .verify_guild(GuildId::from_db(guild))
        .await
        .unwrap();
    println!("{report:?}");
}

/// The most memory that this process has had.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    peak.map_or_else(|| "memory unknown".to_owned(), str::to_owned)
}
