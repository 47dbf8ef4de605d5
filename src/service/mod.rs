//! What the program can do, one file per family of use cases. A service opens the transaction,
//! applies the rules of `domain`, calls `store`, commits. It knows neither SQL nor Discord.
//!
//! Every change goes through [`operation::Operation`]: one operation, one transaction, one event.

pub mod audit;
pub mod complete;
pub mod drafts;
pub mod entries;
pub mod entropy;
pub mod error;
pub mod export;
pub mod operation;
pub mod points;
pub mod request;
pub mod sessions;
pub mod tables;
pub mod undo;
pub mod verify;
pub mod view;

use std::sync::Arc;

use sqlx::postgres::PgPool;

use crate::domain::session::SessionLimits;
use entropy::Entropy;

pub use error::ServiceError;
pub use operation::Receipt;
pub use request::Request;

pub use crate::store::StoreError;
pub use crate::store::entries::{PageRow, Sort};
pub use crate::store::events::Found;

/// The use cases, ready to be called from any task.
#[derive(Debug, Clone)]
pub struct Services {
    pool: PgPool,
    entropy: Arc<Entropy>,
    limits: SessionLimits,
}

impl Services {
    /// On this database, with this source of randomness.
    #[must_use]
    pub fn new(pool: PgPool, entropy: Entropy, limits: SessionLimits) -> Self {
        Self {
            pool,
            entropy: Arc::new(entropy),
            limits,
        }
    }
}
