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

pub mod audit;
pub mod boards;
pub mod complete;
pub mod drafts;
pub mod entries;
pub mod entropy;
pub mod error;
pub mod export;
pub mod fields;
pub mod merge;
mod near;
pub mod news;
pub mod notices;
pub mod operation;
pub mod panel;
pub mod past;
pub mod points;
pub mod profile;
pub mod refusals;
pub mod request;
pub mod sessions;
pub mod settings;
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

use crate::domain::session::SessionLimits;
use crate::store::{self, listen::Listener};
use entropy::Entropy;

pub use error::ServiceError;
pub use operation::Receipt;
pub use request::Request;

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
        }
    }

    /// With another distance, in events, between the states that are kept for looking at the past.
    #[must_use]
    pub fn with_snapshots_every(mut self, events: NonZeroU32) -> Self {
        self.snapshot_every = events.get().into();
        self
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

    /// A connection that answers. Costs a round trip: the paths whose round trips are counted
    /// use `read!`.
    async fn connection(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        let mut spare = self.pool.size();
        loop {
            let mut conn = self.pool.acquire().await?;
            match store::ping(&mut conn).await.map_err(StoreError::from) {
                Ok(()) => return Ok(conn),
                Err(error) if spare > 0 && error.is_broken_connection() => spare -= 1,
                Err(error) => return Err(error),
            }
        }
    }
}
