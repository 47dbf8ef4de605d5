//! What tables looked like last: those with boards, and those that were looked at.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JournalError;
use super::file::RedbFile;
use crate::domain::ids::{GuildId, TableId};

/// The most tables that are kept; the one that nobody asked for the longest gives way.
pub const MAX_TABLES: usize = 64;

/// Tables as they were, by guild and id.
const TABLES: TableDefinition<'_, (i64, u128), &[u8]> = TableDefinition::new("tables");

/// When each was asked for last, counted in questions.
const ASKED: TableDefinition<'_, (i64, u128), u64> = TableDefinition::new("asked");

/// Tables as they were last.
#[derive(Debug, Clone)]
pub struct LastKnown {
    file: RedbFile,
    asked: Arc<Mutex<BTreeMap<Which, u64>>>,
}

/// Which table.
type Which = (GuildId, TableId);

impl LastKnown {
    /// Opens the file in the data folder. A damaged one is set aside; without one, since the disk does
    /// not allow it, tables are known as long as the process lives.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        match RedbFile::in_folder(folder, "last_known.redb").and_then(Self::on) {
            Ok(known) => Ok(known),
            Err(error) => {
                tracing::error!(%error, "what tables looked like last can't be kept on the disk");
                Self::on(RedbFile::in_memory()?)
            }
        }
    }

    fn on(file: RedbFile) -> Result<Self, JournalError> {
        let asked = file.now(|database| {
            let write = database.begin_write()?;
            write.open_table(TABLES)?;
            write.open_table(ASKED)?;
            write.commit()?;
            read_asked(database)
        })?;
        Ok(Self {
            file,
            asked: Arc::new(Mutex::new(asked)),
        })
    }

    /// Somebody looks at a table: it is one of those to keep.
    pub fn ask_for(&self, guild: GuildId, table: TableId) {
        let mut asked = self.asked();
        let newest = asked.values().max().copied().unwrap_or_default();
        asked.insert((guild, table), newest.saturating_add(1));
    }

    /// Which tables are to be kept.
    #[must_use]
    pub fn wanted(&self) -> Vec<Which> {
        let asked = self.asked();
        let mut wanted: Vec<_> = asked
            .iter()
            .map(|(which, asked)| (*asked, *which))
            .collect();
        wanted.sort_unstable_by(|a, b| b.cmp(a));
        wanted.truncate(MAX_TABLES);
        wanted.into_iter().map(|(_, which)| which).collect()
    }

    /// Keeps what a table looks like now.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub async fn keep(
        &self,
        (guild, table): Which,
        state: &impl Serialize,
    ) -> Result<(), JournalError> {
        let state = serde_json::to_vec(state)?;
        let wanted = self.wanted();
        let asked = self.asked().clone();
        self.file
            .run(move |database| {
                let write = database.begin_write()?;
                {
                    let mut tables = write.open_table(TABLES)?;
                    tables.insert(key(&(guild, table)), state.as_slice())?;
                    let stays = |which: (i64, u128)| wanted.iter().any(|one| key(one) == which);
                    tables.retain(|which, _| stays(which))?;
                    let mut times = write.open_table(ASKED)?;
                    times.retain(|which, _| stays(which))?;
                    for which in &wanted {
                        times.insert(key(which), asked.get(which).copied().unwrap_or_default())?;
                    }
                }
                Ok(write.commit()?)
            })
            .await?;
        let wanted = self.wanted();
        self.asked().retain(|which, _| wanted.contains(which));
        Ok(())
    }

    /// Lets go of a table that is there no more.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub async fn forget(&self, which: Which) -> Result<(), JournalError> {
        self.asked().remove(&which);
        let gone = move |database: &Database| {
            let write = database.begin_write()?;
            write.open_table(TABLES)?.remove(key(&which))?;
            write.open_table(ASKED)?.remove(key(&which))?;
            Ok(write.commit()?)
        };
        self.file.run(gone).await
    }

    /// What is known of a guild's tables.
    ///
    /// # Errors
    /// If the file can't be read, or another version of the program wrote it.
    pub async fn of_guild<T: DeserializeOwned + Send + 'static>(
        &self,
        guild: GuildId,
    ) -> Result<Vec<T>, JournalError> {
        let read = move |database: &Database| {
            let tables = database.begin_read()?.open_table(TABLES)?;
            let mut known = Vec::new();
            for row in tables.range((guild.db(), 0)..=(guild.db(), u128::MAX))? {
                known.push(serde_json::from_slice(row?.1.value())?);
            }
            Ok(known)
        };
        self.file.run(read).await
    }

    fn asked(&self) -> MutexGuard<'_, BTreeMap<Which, u64>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key((guild, table): &Which) -> (i64, u128) {
    (guild.db(), table.0.as_u128())
}

fn read_asked(database: &Database) -> Result<BTreeMap<Which, u64>, JournalError> {
    let mut asked = BTreeMap::new();
    for row in database.begin_read()?.open_table(ASKED)?.iter()? {
        let (which, time) = row?;
        let (guild, table) = which.value();
        let table = TableId(uuid::Uuid::from_u128(table));
        asked.insert((GuildId::from_db(guild), table), time.value());
    }
    Ok(asked)
}
