//! When an edit was made, in the order that decides which of two edits wins.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::OpId;

/// The moment of an operation: Discord's clock first, then its id. A total order that is the
/// same on every process and whatever way the edits came through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// The time in the interaction's snowflake.
    pub at: DateTime<Utc>,
    /// Breaks ties of one millisecond.
    pub op: OpId,
}

impl Stamp {
    /// A stamp of this moment and operation.
    #[must_use]
    pub const fn new(at: DateTime<Utc>, op: OpId) -> Self {
        Self { at, op }
    }
}
