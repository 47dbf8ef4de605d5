//! Verifying a guild's history: the chain of hashes, that replaying all events gives exactly what the
//! tables hold, and that the ledger holds exactly the points that the events tell of.
//!
//! Whoever tampered may have left anything in the tables: no row that can't be read ends it in an
//! error.
//!
//! Events and ledger are read in batches, side by side, and forgotten, and the tables row by row.
//! What stays in memory is the one state: every table, rank, field, entry and session that there
//! ever was, those that were deleted or ended too. It grows with these, not with the events.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::TryStreamExt as _;
use sqlx::PgConnection;
use tokio::sync::watch;

use crate::domain::access::{Place, Right};
use crate::domain::canonical::{self, GENESIS};
use crate::domain::event::{Action, Event, Outcome, What};
use crate::domain::ids::{GuildId, Seq};
use crate::domain::past::{self, TableThen};
use crate::domain::period::Periods;
use crate::domain::replay::{Difference, State};
use crate::domain::table::Table;
use crate::store::entries::PageRow;
use crate::store::events::Walked;
use crate::store::ledger::Named;
use crate::store::{StoreError, events, ledger, periods, state};

use super::past::row as row_of;
use super::{Request, ServiceError, Services, operation};

/// Events read at once.
const BATCH: i64 = 500;

/// The number of the first event.
const FIRST: Seq = Seq(1);

/// Where reading begins: below whatever somebody may have put in.
const LOWEST: Seq = Seq(i64::MIN);

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
    /// There is an event of this number, below that of the first.
    BeforeFirst(Seq),
    /// The event of this number is missing; another stands in its place, or none.
    Missing(Seq),
    /// The event's row can't be read: somebody changed it, or a later version of the program wrote
    /// it.
    Unreadable(Seq),
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
        /// Whose points.
        entry: Thing,
    },
    /// An entry's points are not the sum of its rows in the ledger.
    WrongSum {
        /// Whose points.
        entry: Thing,
    },
    /// What was kept of a closed period is not what the table held then.
    WrongPeriod {
        /// The event that closed it.
        seq: Seq,
        /// What is not as it was: an entry, or the table.
        thing: Thing,
    },
    /// The guild's head is not the newest event.
    WrongHead {
        /// What the guild's row says.
        head: Seq,
    },
    /// Something in the tables is not what the events tell.
    WrongState {
        /// `table`, `rank`, `field`, `activity`, `board`, `period`, `entry`, `grant`, `session` or
        /// `guild`.
        what: String,
        /// Which one.
        thing: Thing,
        /// Which field.
        field: String,
    },
}

/// What people know a thing by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// The address of the table that it is in; none for what is in no table.
    pub table: Option<String>,
    /// Its name, or its id where it has none; a table's address.
    pub name: String,
}

impl From<Named> for Thing {
    fn from(named: Named) -> Self {
        Self {
            table: Some(named.table),
            name: named.name,
        }
    }
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
        let authority = self.authority(request).await?;
        authority.require(Right::AuditView, Place::GUILD)?;
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
        let (mut walk, mut from) = (Walk::new(guild), LOWEST);
        while walk.problem.is_none() {
            let batch = events::walk(&mut tx, guild, from, BATCH).await?;
            let Some(last) = batch.last() else { break };
            from = last.seq.next();
            walk.batch(&mut tx, batch).await?;
            progress.send_replace(Progress {
                events: walk.seen,
                of: head_seq.0,
            });
        }
        if walk.problem.is_none() && head_seq > walk.seq {
            walk.problem = Some(Problem::Missing(walk.seq.next()));
        }
        if walk.problem.is_none() && (head_seq, &head_hash) != (walk.seq, &walk.hash) {
            walk.problem = Some(Problem::WrongHead { head: head_seq });
        }
        if walk.problem.is_none() {
            walk.problem = walk.compare(&mut tx).await?;
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
    guild: GuildId,
    /// The last event that is as it should be.
    seq: Seq,
    hash: String,
    seen: i64,
    state: State,
    /// From which event on the ledger was not read yet.
    unread: Seq,
    problem: Option<Problem>,
}

impl Walk {
    fn new(guild: GuildId) -> Self {
        Self {
            guild,
            seq: Seq(0),
            hash: GENESIS.to_owned(),
            seen: 0,
            state: State::default(),
            unread: LOWEST,
            problem: None,
        }
    }

    /// Goes on with the next events, and what the ledger holds of them. Of what is wrong with both,
    /// what comes first is told.
    async fn batch(
        &mut self,
        conn: &mut PgConnection,
        batch: Vec<Walked>,
    ) -> Result<(), StoreError> {
        let (mut good, mut failed) = (Vec::with_capacity(batch.len()), None);
        for row in batch {
            let at = row.seq.min(self.seq.next());
            self.seen += 1;
            let closes = self.closes(&row);
            let stepped = match self.step(row) {
                Ok(event) => self.kept(conn, event, closes).await?,
                failed => failed,
            };
            match stepped {
                Ok(event) => good.push(event),
                Err(problem) => {
                    failed = Some((at, problem));
                    break;
                }
            }
        }
        let upto = match &failed {
            Some((at, _)) => Seq(at.0.saturating_sub(1)),
            None => self.seq,
        };
        let wrong = self.ledger(conn, &good, upto).await?;
        self.problem = wrong.or(failed.map(|(_, problem)| problem));
        Ok(())
    }

    fn step(&mut self, row: Walked) -> Result<Event, Problem> {
        let next = self.seq.next();
        if row.seq < FIRST {
            return Err(Problem::BeforeFirst(row.seq));
        }
        if row.seq != next {
            return Err(Problem::Missing(next));
        }
        let event = row.event.ok_or(Problem::Unreadable(next))?;
        if event.prev_hash != self.hash {
            return Err(Problem::BrokenChain(next));
        }
        if canonical::hash(&event) != event.hash {
            return Err(Problem::WrongHash(next));
        }
        if let Err(mismatch) = self.state.apply(&event) {
            return Err(Problem::WrongBefore {
                seq: next,
                name: mismatch.change.name.unwrap_or(mismatch.change.id),
                field: mismatch.change.field,
            });
        }
        self.seq = next;
        self.hash.clone_from(&event.hash);
        Ok(event)
    }

    /// The rows of the table that an event is about to close.
    fn closes(&self, row: &Walked) -> Option<Vec<PageRow>> {
        let event = row.event.as_ref()?;
        let closes = event.action == Action::PeriodClose && event.outcome == Outcome::Applied;
        let table = event.table_id.filter(|_| closes)?;
        Some(past::entries(&self.state, table).map(row_of).collect())
    }

    /// Compares what was kept of a table, before it was closed, with what the events tell of it.
    async fn kept(
        &self,
        conn: &mut PgConnection,
        event: Event,
        closed: Option<Vec<PageRow>>,
    ) -> Result<Result<Event, Problem>, StoreError> {
        let (Some(mut told), Some(id)) = (closed, event.table_id) else {
            return Ok(Ok(event));
        };
        told.sort_by_key(|row| row.id);
        let stored = periods::rows(conn, self.guild, event.seq).await?;
        let kept = periods::by_seq(conn, self.guild, event.seq).await?;
        let other = super::periods::first_other(&told, &stored);
        let then = match past::table(&self.state, id) {
            TableThen::Live(table) => Some(structure(*table)),
            TableThen::Deleted | TableThen::NotYet => None,
        };
        let is_same = kept.map(|kept| structure(kept.table)) == then && then.is_some();
        if other.is_none() && is_same {
            return Ok(Ok(event));
        }
        let table = state::address(conn, self.guild, &id.to_string()).await?;
        let thing = match other {
            Some(name) => Thing { table, name },
            None => nameless(table.unwrap_or_else(|| id.to_string())),
        };
        let seq = event.seq;
        Ok(Err(Problem::WrongPeriod { seq, thing }))
    }

    /// Compares what the ledger holds, up to an event, with what these events tell: the first row
    /// that is not as it should be, is missing, or is one too many.
    async fn ledger(
        &mut self,
        conn: &mut PgConnection,
        events: &[Event],
        upto: Seq,
    ) -> Result<Option<Problem>, StoreError> {
        let told = operation::ledger(events);
        // With one more than there should be, the first that is too many is there.
        let limit = i64::try_from(told.len() + 1).unwrap_or(i64::MAX);
        let stored = ledger::walk(conn, self.guild, self.unread, upto, limit).await?;
        self.unread = upto.next();
        let rows = told.len().max(stored.len());
        let is_wrong = |row: &usize| match (told.get(*row), stored.get(*row)) {
            (Some(told), Some(stored)) => stored.row.as_ref() != Some(told),
            _ => true,
        };
        let Some(wrong) = (0..rows).find(is_wrong) else {
            return Ok(None);
        };
        let told = told.get(wrong).map(|row| (Seq(row.seq), row.entry_id));
        let stored = stored.get(wrong).map(|row| (row.seq, row.entry_id));
        let Some((seq, entry)) = told.into_iter().chain(stored).min() else {
            return Ok(None);
        };
        let named = ledger::named(conn, self.guild, entry).await?;
        let entry = named.map_or_else(|| nameless(entry.to_string()), Thing::from);
        Ok(Some(Problem::WrongLedger { seq, entry }))
    }

    /// Compares what the events tell with what the tables hold now.
    async fn compare(&mut self, conn: &mut PgConnection) -> Result<Option<Problem>, StoreError> {
        let beyond = self.ledger(conn, &[], Seq(i64::MAX)).await?;
        if beyond.is_some() {
            return Ok(beyond);
        }
        if let Some(difference) = self.difference(conn).await? {
            let Difference { key, name, field } = difference;
            let table = key
                .table
                .as_ref()
                .or((key.what == "table").then_some(&key.id));
            let address = match table {
                Some(id) => state::address(conn, self.guild, id).await?,
                None => None,
            };
            let thing = if key.what == "table" {
                nameless(address.unwrap_or(key.id))
            } else {
                Thing {
                    table: address.or(key.table),
                    name: name.unwrap_or(key.id),
                }
            };
            let what = key.what.to_owned();
            return Ok(Some(Problem::WrongState { what, thing, field }));
        }
        if let Some((table, number)) = periods::stray(conn, self.guild).await? {
            let thing = Thing {
                table: Some(table),
                name: number.to_string(),
            };
            let (what, field) = (What::Period.as_str().to_owned(), "closed".to_owned());
            return Ok(Some(Problem::WrongState { what, thing, field }));
        }
        let wrong = ledger::wrong_sum(conn, self.guild).await?;
        Ok(wrong.map(|named| Problem::WrongSum {
            entry: named.into(),
        }))
    }

    /// The first thing that the tables do not hold as the events tell. What agrees is forgotten row
    /// by row, so that there is never a second state.
    async fn difference(
        &mut self,
        conn: &mut PgConnection,
    ) -> Result<Option<Difference>, StoreError> {
        let mut rows = pin!(state::of_guild(conn, self.guild));
        let mut first: Option<Difference> = None;
        while let Some((key, fields)) = rows.try_next().await? {
            let found = self.state.settle(&key, fields);
            first = earlier(first, found);
        }
        Ok(earlier(first, self.state.first_left()))
    }
}

fn earlier(one: Option<Difference>, other: Option<Difference>) -> Option<Difference> {
    let both = one.into_iter().chain(other);
    both.min_by(|one, other| one.key.cmp(&other.key))
}

/// What a closing keeps of a table that the history tells as well.
fn structure(mut table: Table) -> Table {
    // Of those that were removed before, only the number is told.
    table.fields.retain(|_, field| !field.removed);
    Table {
        activities: BTreeMap::new(),
        boards: BTreeMap::new(),
        periods: Periods::default(),
        ..table
    }
}

/// What is in no table.
const fn nameless(name: String) -> Thing {
    Thing { table: None, name }
}
