//! Verifying a guild's history: the chain of hashes, that replaying all events gives exactly what the
//! tables hold, and that the ledger holds exactly the points that the events tell of.
//!
//! Events and ledger are read in batches, side by side, and forgotten: what grows is only the state.

use sqlx::PgConnection;
use tokio::sync::watch;

use crate::domain::access::Right;
use crate::domain::canonical::{self, GENESIS};
use crate::domain::event::Event;
use crate::domain::ids::{EntryId, GuildId, Seq};
use crate::domain::replay::State;
use crate::store::operation::LedgerRow;
use crate::store::{StoreError, events, ledger, state};

use super::{Request, ServiceError, Services, operation};

/// Events read at once.
const BATCH: i64 = 500;

/// How far verifying has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Events that were read.
    pub events: i64,
    /// Events that there are.
    pub of: i64,
}

/// What verifying found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// How many events were read.
    pub events: i64,
    /// The number of the guild's newest event.
    pub head_seq: Seq,
    /// Its hash, whole.
    pub head_hash: String,
    /// The first thing that does not agree, if anything.
    pub problem: Option<Problem>,
}

/// The first thing that does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The event of this number is missing; another stands in its place, or none.
    Missing(Seq),
    /// The event does not follow on the hash of the one before.
    BrokenChain(Seq),
    /// The event's content is not what its hash was computed from.
    WrongHash(Seq),
    /// The event changes something that was not as it says.
    WrongBefore {
        /// Which event.
        seq: Seq,
        /// The thing's name.
        name: String,
        /// Which field.
        field: String,
    },
    /// What the ledger holds of the event is not what the event says.
    WrongLedger {
        /// Which event.
        seq: Seq,
        /// The entry's name, or its id where the event does not name it.
        name: String,
    },
    /// An entry's points are not the sum of its rows in the ledger.
    WrongSum {
        /// The entry's name.
        name: String,
    },
    /// The guild's head is not the newest event.
    WrongHead {
        /// What the guild's row says.
        head: Seq,
    },
    /// Something in the tables is not what the events tell.
    WrongState {
        /// `table`, `rank`, `entry` or `session`.
        what: String,
        /// Its name, or its id where it has none.
        name: String,
        /// Which field.
        field: String,
    },
}

impl Services {
    /// Verifies the history of the caller's guild.
    ///
    /// # Errors
    /// No right, or the database fails. A history that does not agree is not an error here.
    pub async fn verify(&self, request: &Request) -> Result<VerifyReport, ServiceError> {
        self.verify_telling(request, &watch::Sender::default())
            .await
    }

    /// The same, and tells how far it has come.
    ///
    /// # Errors
    /// As [`Services::verify`].
    pub async fn verify_telling(
        &self,
        request: &Request,
        progress: &watch::Sender<Progress>,
    ) -> Result<VerifyReport, ServiceError> {
        request.require(Right::AuditView)?;
        self.verify_guild_telling(request.guild, progress).await
    }

    /// All guilds that have a history, for an operator.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn guilds(&self) -> Result<Vec<GuildId>, ServiceError> {
        let mut conn = self.connection().await?;
        Ok(events::guilds(&mut conn).await?)
    }

    /// Verifies a guild's history, for an operator. Reads one snapshot, however long it takes.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn verify_guild(&self, guild: GuildId) -> Result<VerifyReport, ServiceError> {
        self.verify_guild_telling(guild, &watch::Sender::default())
            .await
    }

    /// The same, and tells how far it has come.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn verify_guild_telling(
        &self,
        guild: GuildId,
        progress: &watch::Sender<Progress>,
    ) -> Result<VerifyReport, ServiceError> {
        let mut tx = self.snapshot().await?;
        let head = events::head(&mut tx, guild).await?;
        let (head_seq, head_hash) =
            head.map_or((Seq(0), GENESIS.to_owned()), |head| (head.seq, head.hash));
        let mut walk = Walk::default();
        loop {
            let batch = events::walk(&mut tx, guild, walk.seq, BATCH).await?;
            if batch.is_empty() || walk.problem.is_some() {
                break;
            }
            walk.batch(&mut tx, guild, &batch).await?;
            progress.send_replace(Progress {
                events: walk.seen,
                of: head_seq.0,
            });
        }
        if walk.problem.is_none() && (head_seq, &head_hash) != (walk.seq, &walk.hash) {
            walk.problem = Some(Problem::WrongHead { head: head_seq });
        }
        if walk.problem.is_none() {
            walk.problem = walk.compare(&mut tx, guild).await?;
        }
        Ok(VerifyReport {
            events: walk.seen,
            head_seq,
            head_hash,
            problem: walk.problem,
        })
    }
}

/// What has been read so far.
struct Walk {
    seq: Seq,
    hash: String,
    seen: i64,
    state: State,
    problem: Option<Problem>,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            seq: Seq(0),
            hash: GENESIS.to_owned(),
            seen: 0,
            state: State::default(),
            problem: None,
        }
    }
}

impl Walk {
    /// Goes on with the next events, and what the ledger holds of them.
    async fn batch(
        &mut self,
        conn: &mut PgConnection,
        guild: GuildId,
        batch: &[Event],
    ) -> Result<(), StoreError> {
        let (before, last) = (self.seq, batch.last().map(|event| event.seq));
        for event in batch {
            self.step(event);
        }
        if self.problem.is_none() {
            let told = operation::ledger(batch);
            let stored = ledger::walk(conn, guild, before, last, None).await?;
            self.problem = wrong_ledger(batch, &told, &stored);
        }
        Ok(())
    }

    /// Compares what the events tell with what the tables hold now.
    async fn compare(
        &self,
        conn: &mut PgConnection,
        guild: GuildId,
    ) -> Result<Option<Problem>, StoreError> {
        let beyond = ledger::walk(conn, guild, self.seq, None, Some(1)).await?;
        if let Some(problem) = wrong_ledger(&[], &[], &beyond) {
            return Ok(Some(problem));
        }
        let stored = state::of_guild(conn, guild).await?;
        if let Some((key, field)) = self.state.first_difference(&stored) {
            let name = [&self.state, &stored].into_iter().find_map(|state| {
                let name = state.thing(&key)?.get("name")?;
                Some(name.as_str()?.to_owned())
            });
            return Ok(Some(Problem::WrongState {
                what: key.what.to_owned(),
                name: name.unwrap_or(key.id),
                field,
            }));
        }
        let wrong = ledger::wrong_sum(conn, guild).await?;
        Ok(wrong.map(|name| Problem::WrongSum { name }))
    }

    fn step(&mut self, event: &Event) {
        if self.problem.is_some() {
            return;
        }
        self.problem = self.check(event);
        self.seen += 1;
        self.seq = event.seq;
        self.hash.clone_from(&event.hash);
    }

    fn check(&mut self, event: &Event) -> Option<Problem> {
        if event.seq != self.seq.next() {
            return Some(Problem::Missing(self.seq.next()));
        }
        if event.prev_hash != self.hash {
            return Some(Problem::BrokenChain(event.seq));
        }
        if canonical::hash(event) != event.hash {
            return Some(Problem::WrongHash(event.seq));
        }
        let mismatch = self.state.apply(event).err()?;
        let name = mismatch.change.name.unwrap_or(mismatch.change.id);
        Some(Problem::WrongBefore {
            seq: event.seq,
            name,
            field: mismatch.change.field,
        })
    }
}

/// The first row that is not as it should be, is missing, or is one too many.
fn wrong_ledger(batch: &[Event], told: &[LedgerRow], stored: &[LedgerRow]) -> Option<Problem> {
    let rows = told.len().max(stored.len());
    let differs = (0..rows).find(|row| told.get(*row) != stored.get(*row))?;
    let both = [told.get(differs), stored.get(differs)];
    let first = both
        .into_iter()
        .flatten()
        .min_by_key(|row| (row.seq, row.entry_id.0))?;
    Some(Problem::WrongLedger {
        seq: Seq(first.seq),
        name: name_of(batch, first.entry_id),
    })
}

fn name_of(batch: &[Event], entry: EntryId) -> String {
    let mut changes = batch.iter().flat_map(|event| &event.changes);
    let named = changes.find(|change| change.entry_id() == Some(entry));
    named
        .and_then(|change| change.name.clone())
        .unwrap_or_else(|| entry.to_string())
}
