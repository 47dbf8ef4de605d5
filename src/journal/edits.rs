//! Edits that were accepted while the database was away, in the order in which they came.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{
    Database, ReadOnlyDatabase, ReadableDatabase as _, ReadableTable as _,
    ReadableTableMetadata as _, TableDefinition, WriteTransaction,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

use super::JournalError;
use super::file::RedbFile;
use crate::domain::ids::{GuildId, OpId, UserId};

/// The journal's file in the data folder.
const FILE: &str = "journal.redb";

/// The most edits that wait at once.
pub const MAX_EDITS: usize = 50_000;

/// The most edits of one person in one guild that wait at once: far more than a sitting has.
pub const MAX_EDITS_OF_ONE: usize = 1_000;

/// The edits, by the order in which they came.
const EDITS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("edits");

/// Under which number an operation is kept.
const OPERATIONS: TableDefinition<'_, &str, u64> = TableDefinition::new("operations");

/// Edits that can't be read, or that this program is not able to carry out: for whoever looks.
const ASIDE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("aside");

/// What a self-test wrote last.
const PROBE: TableDefinition<'_, &str, u64> = TableDefinition::new("probe");

/// The number of the newest edit.
const NEWEST: TableDefinition<'_, &str, u64> = TableDefinition::new("newest");
const EDIT: &str = "edit";

/// Which edit: later ones have higher numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EditId(u64);

/// Whose edit it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// In which guild.
    pub guild: GuildId,
    /// Whose.
    pub person: UserId,
    /// Which operation: kept again, it is the same edit.
    pub op: OpId,
}

/// An edit as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose.
    #[serde(flatten)]
    pub origin: Origin,
    /// What is to be done.
    pub edit: Value,
    /// What has become of it, and is to be told.
    pub outcome: Option<Value>,
}

/// Without what is to be done: the token of an interaction is in that.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// Edits that wait. What is kept is on the disk before its function returns. What becomes of it goes on
/// in memory where the disk is full: after a crash it is done again, which makes no difference, and
/// told again.
#[derive(Debug, Clone)]
pub struct Edits {
    file: RedbFile,
    waiting: Arc<Mutex<BTreeMap<EditId, Waiting>>>,
    /// What a full disk does not take yet.
    late: Arc<Mutex<Late>>,
    bell: Arc<Notify>,
}

/// What is known of edits, and is not on the disk yet.
#[derive(Debug, Default)]
struct Late {
    outcomes: BTreeMap<EditId, Value>,
    gone: BTreeSet<EditId>,
}

/// What is known of an edit without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// In which guild.
    pub guild: GuildId,
    /// Whose.
    pub person: UserId,
    /// Which operation.
    pub op: OpId,
    /// It is only to be told what became of it.
    pub decided: bool,
}

/// How many edits wait in the journal of a folder that no process works in; none if there is no
/// journal. Nothing is changed by looking.
///
/// # Errors
/// A bot has it open, or was killed and did not close it: then only a start can tell.
pub fn waiting_in(folder: &Path) -> Result<u64, JournalError> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Ok(0);
    }
    let database = ReadOnlyDatabase::open(path)?;
    let table = database.begin_read()?.open_table(EDITS)?;
    Ok(table.len()?)
}

impl Edits {
    /// Opens the journal in the data folder. A damaged one is set aside.
    ///
    /// # Errors
    /// If the disk does not allow it.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        Self::on(RedbFile::in_folder(folder, FILE)?)
    }

    pub(super) fn on(file: RedbFile) -> Result<Self, JournalError> {
        let waiting = file.now(|database| {
            let write = database.begin_write()?;
            make_tables(&write)?;
            let unreadable = unreadable(&write)?;
            for id in &unreadable {
                tracing::error!(
                    edit.id = id.0,
                    "an edit in the journal can't be read; it was set aside"
                );
                move_aside(&write, *id)?;
            }
            write.commit()?;
            listed(database)
        })?;
        Ok(Self {
            file,
            waiting: Arc::new(Mutex::new(waiting)),
            late: Arc::default(),
            bell: Arc::new(Notify::new()),
        })
    }

    /// Writes something that nobody waits for, and reads it again from the disk.
    ///
    /// # Errors
    /// The disk does not take it.
    pub async fn probe(&self) -> Result<(), JournalError> {
        let probing = self.file.run(|database| {
            let write = database.begin_write()?;
            let written = {
                let mut table = write.open_table(PROBE)?;
                let last = table.get(EDIT)?.map_or(0, |value| value.value());
                table.insert(EDIT, last.wrapping_add(1))?;
                last.wrapping_add(1)
            };
            write.commit()?;
            let table = database.begin_read()?.open_table(PROBE)?;
            let read = table.get(EDIT)?.map(|value| value.value());
            if read == Some(written) {
                Ok(())
            } else {
                Err(JournalError::Stopped)
            }
        });
        probing.await
    }

    /// As another process would find it.
    #[cfg(test)]
    pub(super) fn reopened(&self) -> Result<Self, JournalError> {
        Self::on(self.file.clone())
    }

    /// How many there are: to be done, or to be told.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.list().len()
    }

    /// Whether an edit of that guild is still to be done.
    #[must_use]
    pub fn waits(&self, guild: GuildId) -> bool {
        let list = self.list();
        list.values()
            .any(|edit| edit.guild == guild && !edit.decided)
    }

    /// All of them, in order.
    #[must_use]
    pub fn all(&self) -> Vec<(EditId, Waiting)> {
        let list = self.list();
        list.iter().map(|(id, edit)| (*id, edit.clone())).collect()
    }

    /// Ends when something was kept since the last time.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Looks at what waits once more.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Keeps an edit: it is on the disk then. What is kept already stays as it is.
    ///
    /// # Errors
    /// [`JournalError::Full`], or the disk does not take it: it is not kept then.
    pub async fn keep(
        &self,
        origin: Origin,
        edit: &impl Serialize,
    ) -> Result<EditId, JournalError> {
        self.room_for(&origin)?;
        let kept = Kept {
            edit: serde_json::to_value(edit)?,
            outcome: None,
            origin,
        };
        let waiting = Waiting {
            guild: kept.origin.guild,
            person: kept.origin.person,
            op: kept.origin.op.clone(),
            decided: false,
        };
        let list = Arc::clone(&self.waiting);
        let id = self
            .file
            .run(move |database| {
                let (id, is_new) = insert(database, &kept)?;
                if is_new {
                    // While the file is held, so that nobody finds an edit that is not listed.
                    locked(&list).insert(id, waiting);
                }
                Ok(id)
            })
            .await?;
        self.ring();
        Ok(id)
    }

    fn room_for(&self, origin: &Origin) -> Result<(), JournalError> {
        let list = self.list();
        if list
            .values()
            .any(|edit| (edit.guild, &edit.op) == (origin.guild, &origin.op))
        {
            return Ok(());
        }
        let own = |edit: &&Waiting| (edit.guild, edit.person) == (origin.guild, origin.person);
        if list.len() >= MAX_EDITS || list.values().filter(own).count() >= MAX_EDITS_OF_ONE {
            return Err(JournalError::Full);
        }
        Ok(())
    }

    /// An edit, if it is still there.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn read(&self, id: EditId) -> Result<Option<Kept>, JournalError> {
        let kept = self.file.run(move |database| found(database, id)).await?;
        let late = locked(&self.late).outcomes.get(&id).cloned();
        Ok(kept.map(|kept| Kept {
            outcome: late.or(kept.outcome),
            ..kept
        }))
    }

    /// Notes what has become of an edit: it is not to be done any more, but to be told.
    ///
    /// # Errors
    /// If it can't be written as JSON.
    pub async fn decide(&self, id: EditId, outcome: &impl Serialize) -> Result<(), JournalError> {
        let outcome = serde_json::to_value(outcome)?;
        let same = outcome.clone();
        let noted = self.file.run(move |database| {
            let Some(kept) = found(database, id)? else {
                return Ok(());
            };
            let outcome = Some(same);
            replace(database, id, &Kept { outcome, ..kept })
        });
        if let Err(error) = noted.await {
            tracing::warn!(%error, "what became of an edit is not on the disk");
            locked(&self.late).outcomes.insert(id, outcome);
        }
        if let Some(edit) = self.list().get_mut(&id) {
            edit.decided = true;
        }
        Ok(())
    }

    /// Lets go of an edit: it was told, or is told by somebody else.
    pub async fn remove(&self, id: EditId) {
        locked(&self.late).gone.insert(id);
        self.list().remove(&id);
        self.sweep().await;
    }

    /// Takes out of the file what was let go of.
    pub async fn sweep(&self) {
        let gone = locked(&self.late).gone.clone();
        if gone.is_empty() {
            return;
        }
        let ids = gone.clone();
        let swept = self.file.run(move |database| {
            let write = database.begin_write()?;
            for id in ids {
                take(&write, id)?;
            }
            Ok(write.commit()?)
        });
        match swept.await {
            Ok(()) => {
                let mut late = locked(&self.late);
                late.gone.retain(|id| !gone.contains(id));
                late.outcomes.retain(|id, _| !gone.contains(id));
            }
            Err(error) => tracing::warn!(%error, "what was told stays in the journal for now"),
        }
    }

    /// Puts an edit away that can't be carried out, for whoever looks into it.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub async fn set_aside(&self, id: EditId) -> Result<(), JournalError> {
        let put = move |database: &Database| {
            let write = database.begin_write()?;
            move_aside(&write, id)?;
            Ok(write.commit()?)
        };
        self.file.run(put).await?;
        self.list().remove(&id);
        Ok(())
    }

    /// How many were set aside.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn aside(&self) -> Result<u64, JournalError> {
        let count = |database: &Database| {
            use redb::ReadableTableMetadata as _;
            Ok(database.begin_read()?.open_table(ASIDE)?.len()?)
        };
        self.file.run(count).await
    }

    fn list(&self) -> MutexGuard<'_, BTreeMap<EditId, Waiting>> {
        locked(&self.waiting)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_tables(write: &WriteTransaction) -> Result<(), JournalError> {
    write.open_table(EDITS)?;
    write.open_table(OPERATIONS)?;
    write.open_table(ASIDE)?;
    write.open_table(NEWEST)?;
    Ok(())
}

/// Those that an other version of the program wrote, or nobody.
fn unreadable(write: &WriteTransaction) -> Result<Vec<EditId>, JournalError> {
    let mut ids = Vec::new();
    for row in write.open_table(EDITS)?.iter()? {
        let (id, bytes) = row?;
        if serde_json::from_slice::<Kept>(bytes.value()).is_err() {
            ids.push(EditId(id.value()));
        }
    }
    Ok(ids)
}

fn listed(database: &Database) -> Result<BTreeMap<EditId, Waiting>, JournalError> {
    let mut list = BTreeMap::new();
    for row in database.begin_read()?.open_table(EDITS)?.iter()? {
        let (id, bytes) = row?;
        let kept: Kept = serde_json::from_slice(bytes.value())?;
        let waiting = Waiting {
            guild: kept.origin.guild,
            person: kept.origin.person,
            op: kept.origin.op,
            decided: kept.outcome.is_some(),
        };
        list.insert(EditId(id.value()), waiting);
    }
    Ok(list)
}

/// Writes an edit under the next number, if its operation has none.
fn insert(database: &Database, kept: &Kept) -> Result<(EditId, bool), JournalError> {
    let bytes = serde_json::to_vec(kept)?;
    let key = key(&kept.origin);
    let write = database.begin_write()?;
    let id = {
        let mut operations = write.open_table(OPERATIONS)?;
        if let Some(known) = operations.get(key.as_str())? {
            return Ok((EditId(known.value()), false));
        }
        let mut newest = write.open_table(NEWEST)?;
        let last = newest.get(EDIT)?.map_or(0, |last| last.value());
        let id = last.saturating_add(1);
        newest.insert(EDIT, id)?;
        operations.insert(key.as_str(), id)?;
        write.open_table(EDITS)?.insert(id, bytes.as_slice())?;
        id
    };
    write.commit()?;
    Ok((EditId(id), true))
}

fn found(database: &Database, id: EditId) -> Result<Option<Kept>, JournalError> {
    let edits = database.begin_read()?.open_table(EDITS)?;
    let found = edits.get(id.0)?;
    let kept = found.map(|bytes| serde_json::from_slice(bytes.value()));
    Ok(kept.transpose()?)
}

fn replace(database: &Database, id: EditId, kept: &Kept) -> Result<(), JournalError> {
    let bytes = serde_json::to_vec(kept)?;
    let write = database.begin_write()?;
    write.open_table(EDITS)?.insert(id.0, bytes.as_slice())?;
    Ok(write.commit()?)
}

/// Takes an edit out, and returns what it was.
fn take(write: &WriteTransaction, id: EditId) -> Result<Option<Vec<u8>>, JournalError> {
    let taken = {
        let mut edits = write.open_table(EDITS)?;
        let taken = edits.remove(id.0)?;
        taken.map(|bytes| bytes.value().to_vec())
    };
    let mut operations = write.open_table(OPERATIONS)?;
    let kept = taken.as_deref().map(serde_json::from_slice::<Kept>);
    match kept.transpose() {
        Ok(Some(kept)) => drop(operations.remove(key(&kept.origin).as_str())?),
        Ok(None) => {}
        // Which operation it was can't be read, so it is looked for by its number.
        Err(_) => operations.retain(|_, number| number != id.0)?,
    }
    Ok(taken)
}

fn move_aside(write: &WriteTransaction, id: EditId) -> Result<(), JournalError> {
    if let Some(bytes) = take(write, id)? {
        write.open_table(ASIDE)?.insert(id.0, bytes.as_slice())?;
    }
    Ok(())
}

fn key(origin: &Origin) -> String {
    format!("{}:{}", origin.guild, origin.op)
}
