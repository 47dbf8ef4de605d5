//! What this process keeps on its own disk, for the time when the database is away: edits that were
//! accepted and wait ([`Edits`]), and what tables looked like last ([`LastKnown`]).
//!
//! Both are redb files in the data folder, which belongs to one process. What an edit or a table is
//! made of is not known here: it is kept as JSON, for whoever keeps it.
//!
//! ```text
//! journal.redb      edits: synced to disk before anybody is told that they are queued
//! last_known.redb   a cache: losing it costs nobody anything
//! ```

mod edits;
mod file;
mod last_known;
#[cfg(test)]
mod tests;

pub use edits::{EditId, Edits, Kept, MAX_EDITS, MAX_EDITS_OF_ONE, Origin, Waiting, waiting_in};
pub use last_known::{LastKnown, MAX_TABLES};

/// Why nothing could be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// As many edits wait as may wait.
    #[error("the journal is full")]
    Full,
    /// The disk is full, or the file can't be used.
    #[error("the journal can't be used: {0}")]
    File(#[source] Box<redb::Error>),
    /// What is to be kept can't be written as JSON, or what was kept can't be read as such.
    #[error("what is in the journal can't be read or written: {0}")]
    Json(#[from] serde_json::Error),
    /// The work on the file ended without a word.
    #[error("the work on the journal did not end well")]
    Stopped,
}

impl<E: Into<redb::Error>> From<E> for JournalError
where
    E: IsRedb,
{
    fn from(error: E) -> Self {
        Self::File(Box::new(error.into()))
    }
}

/// The errors of redb, one for each thing that it does.
pub trait IsRedb {}
impl IsRedb for redb::DatabaseError {}
impl IsRedb for redb::TransactionError {}
impl IsRedb for redb::TableError {}
impl IsRedb for redb::StorageError {}
impl IsRedb for redb::CommitError {}
