//! Verifying a guild's history: the chain of hashes, and that replaying all events gives exactly
//! what the tables hold.

use crate::domain::access::Right;
use crate::domain::canonical::{self, GENESIS};
use crate::domain::event::Event;
use crate::domain::ids::{GuildId, Seq};
use crate::domain::replay::State;
use crate::store::{events, state};

use super::{Request, ServiceError, Services};

/// Events read at once.
const BATCH: i64 = 500;

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
        request.require(Right::AuditView)?;
        self.verify_guild(request.guild).await
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
        let mut tx = self.snapshot().await?;
        let head = events::head(&mut tx, guild).await?;
        let (head_seq, head_hash) =
            head.map_or((Seq(0), GENESIS.to_owned()), |head| (head.seq, head.hash));
        let mut walk = Walk::default();
        loop {
            let batch = events::walk(&mut tx, guild, walk.seq, BATCH).await?;
            if batch.is_empty() {
                break;
            }
            for event in &batch {
                walk.step(event);
            }
            if walk.problem.is_some() {
                break;
            }
        }
        if walk.problem.is_none() && (head_seq, &head_hash) != (walk.seq, &walk.hash) {
            walk.problem = Some(Problem::WrongHead { head: head_seq });
        }
        if walk.problem.is_none() {
            let stored = state::of_guild(&mut tx, guild).await?;
            walk.problem = walk.state.first_difference(&stored).map(|(key, field)| {
                let name = [&walk.state, &stored].into_iter().find_map(|state| {
                    let (_, fields) = state.things().find(|(other, _)| **other == key)?;
                    Some(fields.get("name")?.as_str()?.to_owned())
                });
                let name = name.unwrap_or(key.id);
                Problem::WrongState {
                    what: key.what.to_owned(),
                    name,
                    field,
                }
            });
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
