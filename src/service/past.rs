//! Looking at a table as it was: the guild's history up to that moment, replayed.
//!
//! All of the guild's tables are replayed, not just the one that is looked at: a table is found by
//! the address it bore *then*, and one state after an event serves every later look at any table.
//! So that fifty thousand events are not read again each time, states are kept at every so many
//! events ([`crate::domain::snapshot`]); a replay goes on from the nearest one.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use tokio::sync::watch;

use crate::domain::access::{Authority, Place, Right};
use crate::domain::event::{Event, What};
use crate::domain::ids::{GuildId, Seq, TableId};
use crate::domain::moment::Moment;
use crate::domain::past::{self, EntryThen, TableThen};
use crate::domain::replay::State;
use crate::domain::snapshot::Snapshot;
use crate::domain::table::Table;
use crate::store::entries::PageRow;
use crate::store::events::Walked;
use crate::store::{StoreError, entries, events, snapshots, tables};

use super::known::sort;
use super::near::Unfound;
use super::view::{TablePage, ViewOrder, page_of, pages};
use super::{Request, ServiceError, Services, access, near};

/// How far apart, in events, states are kept. Replaying as many takes a fraction of the time
/// that Discord waits for an answer.
pub const SNAPSHOT_EVERY: i64 = 5_000;

/// Events read at once.
const BATCH: i64 = 500;

/// Of which moment a page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsOf {
    /// The moment.
    pub at: DateTime<Utc>,
    /// One was asked for that has not come yet; this is now.
    pub ahead: bool,
    /// What has become of the table since.
    pub since: Since,
    /// How many events were read for it; a replay from a kept state reads only what came after.
    pub replayed: i64,
}

/// What has become of a table since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// It stands at the same address.
    Same,
    /// It has this address now.
    Moved(String),
    /// It is deleted.
    Deleted,
}

impl Services {
    /// A page of a table as it was. The rights are those of now.
    pub(super) async fn view_past(
        &self,
        request: &Request,
        order: &ViewOrder,
        asked: &Moment,
    ) -> Result<TablePage, ServiceError> {
        let guild = request.guild;
        let mut tx = self.snapshot().await?;
        // By the rules of the present, but for the rows.
        let mut wanted = self.page_wanted(request, order);
        (wanted.offset, wanted.limit) = (0, 0);
        let present = entries::page(&mut tx, &wanted).await?;
        if order.table_id.is_none() && order.table.is_none() && present.tables.len() != 1 {
            return Err(no_table(&mut tx, request, None).await);
        }
        let Some(clock) = events::clock(&mut tx, guild).await? else {
            return Err(ServiceError::NoTables);
        };
        let asked = asked.last(clock.now, clock.timezone);
        let at = asked.min(clock.now);
        let replay = self.replay(&mut tx, guild, at).await?;
        let authority = request.authority(present.grants);
        let whose = (request, &authority);
        let id = meant(&mut tx, whose, order, &present.tables, &replay.state).await?;
        let now = tables::by_id(&mut tx, guild, id).await?;
        let now = now.ok_or(ServiceError::TableGone)?;
        if !authority.may(Right::TableView, Place::table(&now)) {
            let address = order.table.as_ref().map(ToString::to_string);
            return Err(no_table(&mut tx, request, address).await);
        }
        let then = match past::table(&replay.state, id) {
            TableThen::Live(table) => *table,
            TableThen::Deleted => {
                let table = now.address();
                return Err(ServiceError::TableDeletedThen { table, at });
            }
            TableThen::NotYet => {
                let since = events::first_in_table(&mut tx, guild, id).await?;
                let table = now.address();
                return Err(ServiceError::TableNotYet { table, at, since });
            }
        };
        tx.rollback().await?;

        let live = now.deleted_at.is_none().then_some(id);
        let looked = self
            .looking(
                request,
                present.sessions,
                present.parked,
                order.looking(live),
            )
            .await?;
        let mut rows: Vec<PageRow> = past::entries(&replay.state, id).map(row).collect();
        sort(&mut rows, order.sort);
        let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let points = rows.iter().map(|row| row.points).sum();
        Ok(TablePage {
            aside: looked.aside,
            marked: None,
            as_of: Some(AsOf {
                at,
                ahead: asked > clock.now,
                since: since(&then, &now),
                replayed: replay.read,
            }),
            table: then,
            rows: page_of(rows, order.page),
            sort: order.sort,
            page: order.page,
            pages: pages(total),
            total,
            points,
            session: Some(looked.session),
            attribution: Some(looked.attribution),
            period: None,
            known_at: None,
        })
    }

    /// The guild's tables as they were at a moment.
    async fn replay(
        &self,
        conn: &mut PgConnection,
        guild: GuildId,
        at: DateTime<Utc>,
    ) -> Result<Replay, ServiceError> {
        let target = events::last_at(conn, guild, at).await?.unwrap_or(Seq(0));
        let mut replay = Replay::from_nearest(conn, guild, target).await?;
        let mut keeper = Keeper::new(&self.pool, guild, self.snapshot_every);
        while replay.seq < target {
            let left = target.0.saturating_sub(replay.seq.0);
            let batch = events::walk(conn, guild, replay.seq.next(), left.min(BATCH)).await?;
            if batch.is_empty() {
                let event = replay.seq.next();
                return Err(ServiceError::HistoryBroken { event });
            }
            for row in batch {
                replay.step(row, &mut keeper)?;
            }
        }
        Ok(replay)
    }
}

/// The tables after an event.
struct Replay {
    state: State,
    seq: Seq,
    read: i64,
}

impl Replay {
    /// From the newest kept state that is intact, else from nothing.
    async fn from_nearest(
        conn: &mut PgConnection,
        guild: GuildId,
        target: Seq,
    ) -> Result<Self, StoreError> {
        let mut upto = target;
        while let Some(snapshot) = snapshots::nearest(conn, guild, upto).await? {
            let seq = snapshot.seq;
            if let Some(state) = snapshot.open() {
                return Ok(Self {
                    state,
                    seq,
                    read: 0,
                });
            }
            tracing::warn!(guild.id = %guild, event.seq = %seq, "a kept state is damaged; it is not used");
            upto = Seq(seq.0.saturating_sub(1));
        }
        Ok(Self {
            state: State::default(),
            seq: Seq(0),
            read: 0,
        })
    }

    fn step(&mut self, row: Walked, keeper: &mut Keeper) -> Result<(), ServiceError> {
        let next = self.seq.next();
        let broken = ServiceError::HistoryBroken { event: next };
        let Some(mut event) = row.event.filter(|event| event.seq == next) else {
            return Err(broken);
        };
        // Sessions are no part of a table: without them a state is smaller, and names fewer people.
        event.changes.retain(|change| change.what != What::Session);
        if self.state.apply(&event).is_err() {
            return Err(broken);
        }
        self.seq = event.seq;
        self.read += 1;
        keeper.offer(&event, &self.state);
        Ok(())
    }
}

/// Writes states that a replay passes, in a task of its own: the answer neither waits for it nor
/// depends on it.
struct Keeper {
    pool: PgPool,
    guild: GuildId,
    every: i64,
    writer: Option<watch::Sender<Option<Arc<Snapshot>>>>,
}

impl Keeper {
    fn new(pool: &PgPool, guild: GuildId, every: i64) -> Self {
        Self {
            pool: pool.clone(),
            guild,
            every,
            writer: None,
        }
    }

    /// Keeps the state if it is time for one. Of those for which the writer finds no time it leaves
    /// out all but the newest: there will be other replays.
    fn offer(&mut self, event: &Event, state: &State) {
        if event.seq.0 % self.every != 0 {
            return;
        }
        let (pool, guild) = (&self.pool, self.guild);
        let writer = self.writer.get_or_insert_with(|| {
            let (sender, receiver) = watch::channel(None);
            tokio::spawn(write(pool.clone(), guild, receiver));
            sender
        });
        writer.send_replace(Some(Arc::new(Snapshot::after(event, state))));
    }
}

async fn write(pool: PgPool, guild: GuildId, mut newest: watch::Receiver<Option<Arc<Snapshot>>>) {
    while newest.changed().await.is_ok() {
        let Some(snapshot) = newest.borrow_and_update().clone() else {
            continue;
        };
        let kept = async {
            let mut conn = pool.acquire().await?;
            snapshots::keep(&mut conn, guild, &snapshot).await
        };
        if let Err(error) = kept.await {
            tracing::warn!(guild.id = %guild, event.seq = %snapshot.seq, %error, "a state was not kept");
        }
    }
}

/// Which table is meant: the one that has the address now, if it was there then; else the one
/// that had it then; else the one of it that was deleted last.
async fn meant(
    conn: &mut PgConnection,
    (request, authority): (&Request, &Authority),
    order: &ViewOrder,
    present: &[Table],
    state: &State,
) -> Result<TableId, ServiceError> {
    if let Some(id) = order.table_id {
        return Ok(id);
    }
    let now = match present {
        [only] => Some(only.id),
        _ => None,
    };
    let was_there = |id: &TableId| matches!(past::table(state, *id), TableThen::Live(_));
    if let Some(id) = now.filter(was_there) {
        return Ok(id);
    }
    let Some(address) = &order.table else {
        return now.ok_or(ServiceError::TableGone);
    };
    let mut then = Vec::new();
    for table in past::tables_called(state, address) {
        // What is private now is not even named.
        let now = tables::by_id(conn, request.guild, table.id).await?;
        if now.is_some_and(|now| authority.may(Right::TableView, Place::table(&now))) {
            then.push(table);
        }
    }
    match (then.as_slice(), now) {
        ([only], _) => Ok(only.id),
        ([], Some(id)) => Ok(id),
        ([], None) => Ok(
            super::tables::find_ever(conn, request, address, Right::TableView)
                .await?
                .id,
        ),
        (several, _) => Err(ServiceError::AmbiguousTable {
            table: address.to_string(),
            tables: several.iter().map(Table::address).collect(),
        }),
    }
}

/// Tells why there is no table to look at.
async fn no_table(
    conn: &mut PgConnection,
    request: &Request,
    address: Option<String>,
) -> ServiceError {
    let authority = match access::authority(conn, request).await {
        Ok(authority) => authority,
        Err(error) => return error.into(),
    };
    let unfound = Unfound {
        right: Right::TableView,
        address,
        candidates: Vec::new(),
    };
    near::no_table(conn, request, &authority, unfound).await
}

fn since(then: &Table, now: &Table) -> Since {
    if now.deleted_at.is_some() {
        Since::Deleted
    } else if now.address() == then.address() {
        Since::Same
    } else {
        Since::Moved(now.address())
    }
}

pub(super) fn row(entry: EntryThen) -> PageRow {
    PageRow {
        id: entry.id,
        name: entry.name,
        member_id: entry.member_id,
        rank: entry.rank,
        points: entry.points,
        exempt: entry.exempt,
        extra: entry.extra,
    }
}
