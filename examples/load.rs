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

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use clap::{Parser, Subcommand};
use punctaj::domain::access::Right;
use punctaj::domain::event::{Action, Via};
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
    /// Ask for the plan and time of the first page of every search in guild 1; fails if one walks through
    /// a large table.
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
    // As exact as the database keeps it: the hashes are computed before.
    let end = Utc::now().trunc_subsecs(6);
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

/// Ten people, each with a device or two, who work on sixty in four tables. Most of it is awards;
/// few of many are undone, set over another device's value, late, queued or refused.
fn made(guild: u64, events: usize, seed: u64, end: DateTime<Utc>) -> History {
    let mut random = StdRng::seed_from_u64(seed ^ guild << 32);
    let mut history = History::new(guild);
    let minutes = |left: usize| TimeDelta::minutes(i64::try_from(left).unwrap());
    let start = end - minutes(events + 1);
    let tables: Vec<_> = ["A", "B", "C", "D"]
        .into_iter()
        .map(|name| history.table(start, name))
        .collect();
    let actor = |number: u64| i64::try_from(guild * 1000 + number).unwrap();
    let mut devices = Vec::new();
    for number in 0..15 {
        history.actor = actor(number % 10);
        devices.push((history.actor, history.login(start, "PC Birou")));
    }
    let people: Vec<String> = (0..60).map(|number| format!("Membru {number}")).collect();
    for left in (0..events.saturating_sub(history.events.len())).rev() {
        let (actor, device) = devices[random.random_range(0..devices.len())].clone();
        (history.actor, history.device) = (actor, Some(device));
        let table = tables[random.random_range(0..tables.len())];
        let at = end - minutes(left);
        let newest = history.events.last().unwrap().seq;
        let first = random.random_range(0..people.len() - 3);
        let name = people[first].as_str();
        history.via = if random.random_range(0..300) == 0 {
            Via::Journal
        } else {
            Via::Direct
        };
        match random.random_range(0..1000) {
            0..20 => history.undo(at, newest),
            20..25 => history.set(at, table, name, random.random_range(0..500), newest),
            25..30 => history.late(at, at - TimeDelta::hours(2), table, name),
            30..35 => history.refuse(at, Action::EntryDelete, Right::EntryDelete),
            35 => drop(history.login(at, "Telefon")),
            _ => {
                let several = random.random_range(1..=3);
                let points: Vec<(&str, i64)> = people[first..first + several]
                    .iter()
                    .map(|name| (name.as_str(), random.random_range(1..=5)))
                    .collect();
                history.add(at, table, &points);
            }
        }
    }
    history
}

/// Pages from which on a table is never to be walked through; a smaller one may well be.
const LARGE: i32 = 50;

/// Every combination of filters, with each `only` and without. Each is prepared anew and run once
/// under the server's default settings, so that it is planned for its arguments, as the program has it.
async fn explain(address: &str) {
    let mut conn = PgConnection::connect(address).await.unwrap();
    let statement = include_str!("../src/store/events_search.sql");
    let mut slowest: Vec<(f64, String, String)> = Vec::new();
    let large: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class
         where relnamespace = 'punctaj'::regnamespace and relkind = 'r' and relpages >= $1",
    )
    .bind(LARGE)
    .fetch_all(&mut conn)
    .await
    .unwrap();
    let mut walks = Vec::new();
    for asked in searches(&mut conn).await {
        let prepare = format!("prepare search as {statement}");
        conn.execute(AssertSqlSafe(prepare)).await.unwrap();
        let explain = format!(
            "explain (analyze, costs off, summary on) execute search (1, null, 11, {asked}, null, false, null)"
        );
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        conn.execute("deallocate search").await.unwrap();
        let time = lines.last().unwrap();
        let time = time.trim().strip_prefix("Execution Time: ").unwrap();
        let time = time.strip_suffix(" ms").unwrap().parse().unwrap();
        let plan = lines.join("\n");
        let walks_through = |table: &String| plan.contains(&format!("Seq Scan on {table} "));
        if large.iter().any(walks_through) {
            walks.push(format!("{asked}\n{plan}"));
        }
        slowest.push((time, asked, plan));
    }
    slowest.sort_by(|one, other| other.0.total_cmp(&one.0));
    println!(
        "{} searches; none may walk through {}",
        slowest.len(),
        large.join(", ")
    );
    for (time, asked, _) in slowest.iter().take(10) {
        println!("{time:>9.3} ms: {asked}");
    }
    println!("{}", slowest[0].2);
    assert!(walks.is_empty(), "{}", walks.join("\n\n"));
}

/// The arguments of all searches: who, tables, name, action, devices, since, until, only.
async fn searches(conn: &mut PgConnection) -> Vec<String> {
    let mut values = Vec::new();
    for value in [
        "select '1003'",
        "select format('array[%L::uuid]', table_id) from punctaj.tables where guild_id = 1 and name = 'A'",
        "select quote_literal('membru 7')",
        "select quote_literal('points.add')",
        "select format('array[%L]', min(device_id)) from punctaj.sessions where guild_id = 1",
        "select quote_literal(percentile_disc(0.2) within group (order by at)) from punctaj.events where guild_id = 1",
        "select quote_literal(percentile_disc(0.8) within group (order by at)) from punctaj.events where guild_id = 1",
    ] {
        let value: String = sqlx::query_scalar(value)
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        values.push(value);
    }
    let only = ["null", "'conflicts'", "'undone'", "'refused'", "'queued'"];
    let mut searches = Vec::new();
    for bits in 0..1_u32 << values.len() {
        let given = values.iter().enumerate().map(|(place, value)| {
            if bits & (1 << place) == 0 {
                "null"
            } else {
                value.as_str()
            }
        });
        let given = given.collect::<Vec<_>>().join(", ");
        searches.extend(only.iter().map(|only| format!("{given}, {only}")));
    }
    searches
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
