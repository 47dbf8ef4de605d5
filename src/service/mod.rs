//! What the program can do, one file per family of use cases. A service opens the transaction,
//! applies the rules of `domain`, calls `store`, commits. It knows neither SQL nor Discord.
//!
//! Every change goes through [`operation::Operation`]: one operation, one transaction, one event.

/// Reads on a connection of the pool. One that broke unnoticed while idle shows in its first
/// statement; reading is safe to repeat, so as many as the pool holds are passed over.
macro_rules! read {
    ($services:expr, $conn:ident => $body:expr) => {{
        let mut spare = $services.pool.size();
        loop {
            let mut $conn = $services.pool.acquire().await.map_err(StoreError::from)?;
            match $crate::service::answered($body).await {
                Err(error) if spare > 0 && StoreError::is_broken_connection(&error) => spare -= 1,
                done => break done,
            }
        }
    }};
}

pub mod access;
pub mod activities;
pub mod audit;
pub mod boards;
pub mod complete;
pub mod diagnose;
pub mod drafts;
pub mod entries;
pub mod entropy;
pub mod error;
pub mod export;
pub mod fields;
pub mod known;
pub mod merge;
mod near;
pub mod news;
pub mod notices;
pub mod operation;
pub mod panel;
pub mod past;
pub mod periods;
pub mod points;
pub mod profile;
pub mod rank_roles;
pub mod refusals;
pub mod request;
mod seen;
pub mod sessions;
pub mod settings;
pub mod setup;
pub mod tables;
pub mod undo;
pub mod verify;
pub mod view;

use std::num::NonZeroU32;
use std::sync::Arc;

use futures_util::TryFutureExt as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;
use sqlx::{Postgres, Transaction};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::domain::session::SessionLimits;
use crate::metrics::Metrics;
use crate::store::backlog;
use crate::store::{self, listen::Listener};
use entropy::Entropy;

pub use error::ServiceError;
pub use operation::Receipt;
pub use request::Request;

pub use crate::store::backlog::Backlog;
pub use crate::store::entries::{PageRow, Sort};
pub use crate::store::events::Found;
pub use crate::store::panels::{PanelEntry, PanelShown, PanelTotal};
pub use crate::store::profile::Card;
pub use crate::store::{StoreError, answered};

/// The use cases, ready to be called from any task.
#[derive(Debug, Clone)]
pub struct Services {
    pool: PgPool,
    entropy: Arc<Entropy>,
    limits: SessionLimits,
    /// Rung when something was written.
    bell: Arc<watch::Sender<()>>,
    snapshot_every: i64,
    seen: Arc<seen::Seen>,
    metrics: Arc<Metrics>,
}

/// The connections for work to the database, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// Those that wait for work.
    pub idle: u32,
    /// Those in hand, or being made.
    pub used: u32,
    /// How many there may be.
    pub most: u32,
}

impl Services {
    /// On this database, with this source of randomness.
    #[must_use]
    pub fn new(pool: PgPool, entropy: Entropy, limits: SessionLimits) -> Self {
        Self {
            pool,
            entropy: Arc::new(entropy),
            limits,
            bell: Arc::new(watch::Sender::new(())),
            snapshot_every: past::SNAPSHOT_EVERY,
            seen: Arc::default(),
            metrics: Arc::default(),
        }
    }

    /// With another distance, in events, between the states that are kept for looking at the past.
    #[must_use]
    pub fn with_snapshots_every(mut self, events: NonZeroU32) -> Self {
        self.snapshot_every = events.get().into();
        self
    }

    /// Recorded there.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.metrics = metrics;
        self
    }

    /// Where it is recorded how the work goes.
    #[must_use]
    pub const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Hears when something may have been written: by this process, or by others as far as that is
    /// heard of.
    #[must_use]
    pub fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    /// Something was written, or may have been.
    pub fn ring(&self) {
        self.bell.send_replace(());
    }

    /// A connection that hears of what others write.
    ///
    /// # Errors
    /// If the database can't be reached, or lets nobody listen.
    pub async fn listen(&self) -> Result<Listener, StoreError> {
        Listener::connect(&self.pool).await
    }

    /// A transaction that reads one state of the database, however long it takes.
    async fn snapshot(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut spare = self.pool.size();
        loop {
            let begin = "begin isolation level repeatable read read only";
            let transaction = self.pool.begin_with(begin).err_into::<StoreError>();
            match answered(transaction).await {
                Err(error) if spare > 0 && error.is_broken_connection() => spare -= 1,
                done => return done,
            }
        }
    }

    /// Makes sure that the database answers, under the role that the bot works under.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.connection().await.map(drop)
    }

    /// What is left to do for all guilds.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        let mut conn = self.connection().await?;
        backlog::read(&mut conn).await
    }

    /// How many connections there are.
    #[must_use]
    pub fn pool_use(&self) -> PoolUse {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        PoolUse {
            idle,
            used: self.pool.size().saturating_sub(idle),
            most: self.pool.options().get_max_connections(),
        }
    }

    /// A connection that answers. Costs a round trip: the paths whose round trips are counted
    /// use `read!`.
    async fn connection(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        let mut spare = self.pool.size();
        loop {
            let mut conn = self.pool.acquire().await?;
            let asked = Instant::now();
            match store::ping(&mut conn).await.map_err(StoreError::from) {
                Ok(()) => {
                    self.metrics.round_trip(asked.elapsed());
                    return Ok(conn);
                }
                Err(error) if spare > 0 && error.is_broken_connection() => spare -= 1,
                Err(error) => return Err(error),
            }
        }
    }
}
