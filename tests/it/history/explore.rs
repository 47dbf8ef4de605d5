//! Property tests on a real Postgres: cases from fixed seeds, shrunk when one fails.

use std::env;
use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use punctaj::domain::ids::OpId;
use punctaj::domain::session::SessionLimits;
use punctaj::service::{Receipt, Services};
use serde_json::Value;
use sqlx::PgPool;

use crate::support::db::TestDb;
use crate::support::replay::{Checked, Oracle};

use super::canonical;

/// Each works on a database of its own.
const WORKERS: u64 = 2;

/// A database for many cases, each in a guild of its own.
pub struct World {
    pub services: Services,
    /// As a second process has them.
    pub others: Services,
    pub pool: PgPool,
    url: String,
    guilds: AtomicI64,
}

impl World {
    pub async fn new() -> Self {
        let db = TestDb::new().await;
        let others = TestDb::services_on(db.url(), 2, u64::MAX, SessionLimits::default());
        Self {
            pool: db.superuser().await,
            url: db.url().to_owned(),
            others,
            services: db.services,
            guilds: AtomicI64::new(1),
        }
    }

    /// As yet another process has them.
    pub fn another(&self, seed: u64) -> Services {
        TestDb::services_on(&self.url, 4, u64::MAX - seed, SessionLimits::default())
    }

    /// A guild in which nothing has happened yet.
    pub fn guild(&self) -> i64 {
        self.guilds.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets the oracle read the guild's new events; returns them.
    pub async fn read(&self, oracle: &mut Oracle, guild: i64) -> Checked<Vec<Value>> {
        let rows: Vec<Value> = sqlx::query_scalar(
            "select to_jsonb(e) from punctaj.events e where e.guild_id = $1 and e.seq > $2 order by e.seq",
        )
        .bind(guild)
        .bind(oracle.head())
        .fetch_all(&self.pool)
        .await
        .map_err(|error| error.to_string())?;
        for row in &rows {
            oracle.apply(row)?;
            if row["hash"] != canonical::hash(row) {
                return Err(format!("another hash was expected: {row:#}"));
            }
        }
        Ok(rows)
    }

    /// The state is what the oracle says, and the program's own verification agrees.
    pub async fn check(&self, oracle: &Oracle, guild: i64) -> Checked {
        oracle.compare(&self.pool).await?;
        let guild = punctaj::domain::ids::GuildId::from_db(guild);
        let report = self
            .services
            .verify_guild(guild)
            .await
            .map_err(|error| error.to_string())?;
        match report.problem {
            None => Ok(()),
            Some(problem) => Err(format!("verify found {problem:?}")),
        }
    }
}

/// The id of an operation by its number, up to 80. Of different lengths, so that their order is not
/// that of their texts; nor is it that of the numbers.
pub fn op_id(number: i64) -> OpId {
    let zeros = usize::try_from(number / 9 * 4 % 9).unwrap();
    OpId::new(format!("{}{}", 9 - number % 9, "0".repeat(zeros)))
}

/// Whether a second answer is the first one again.
pub fn is_again(first: &Receipt, second: &Receipt) -> Checked {
    if first.event == second.event && first.table == second.table {
        Ok(())
    } else {
        Err(format!(
            "a second delivery was answered with {second:#?} instead of {first:#?}"
        ))
    }
}

/// Tries `cases` cases, or as many as the environment says.
pub fn explore<S>(
    cases: u32,
    strategy: impl Fn() -> S + Sync,
    case: impl AsyncFn(&World, S::Value) -> Checked + Sync,
) where
    S: Strategy,
    S::Value: Clone + Debug,
{
    let number = |name| {
        env::var(name)
            .ok()
            .and_then(|value| value.parse::<u64>().ok())
    };
    let cases = number("PUNCTAJ_PROPTEST_CASES")
        .and_then(|cases| u32::try_from(cases).ok())
        .unwrap_or(cases);
    let seed = number("PUNCTAJ_PROPTEST_SEED").unwrap_or(0);
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (strategy, case) = (&strategy, &case);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                let world = runtime.block_on(World::new());
                let mut runner = TestRunner::new(Config {
                    cases: cases.div_ceil(2),
                    failure_persistence: None,
                    rng_seed: RngSeed::Fixed(seed * WORKERS + worker),
                    max_shrink_iters: 200,
                    ..Config::default()
                });
                let run = |value| {
                    runtime
                        .block_on(case(&world, value))
                        .map_err(TestCaseError::fail)
                };
                let failure = runner.run(&strategy(), run).err();
                let told = failure.map(|failure| failure.to_string());
                assert!(told.is_none(), "{}", told.unwrap_or_default());
            });
        }
    });
}
