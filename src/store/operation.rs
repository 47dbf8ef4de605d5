//! The three statements of an operation: take the guild's lock, read what it needs, write what
//! it changed. With COMMIT they are its four round trips.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Executor as _, Postgres, Transaction};
use uuid::Uuid;

use super::grants::{self, GrantRow};
use super::outbox::Notice;
use super::{ANSWERING, StoreError, in_time};
use crate::domain::access::{Caller, Grant};
use crate::domain::activity::Activity;
use crate::domain::canonical::GENESIS;
use crate::domain::entry::Entry;
use crate::domain::event::Event;
use crate::domain::field::ExtraField;
use crate::domain::guild::Settings;
use crate::domain::ids::{ChannelId, DeviceId, EntryId, GrantId, GuildId, OpId, TableId, UserId};
use crate::domain::layout::Layout;
use crate::domain::name::fold;
use crate::domain::period::{Periods, Schedule};
use crate::domain::session::{Platform, Session, SessionLimits};
use crate::domain::stamp::Stamp;
use crate::domain::table::{Rank, Table};

/// How much longer an answer may take for each entry that is written.
const EACH: Duration = Duration::from_millis(1);

/// Opens a transaction and takes the guild's lock in the same round trip. Statements after it
/// see everything that was committed before the lock was had.
///
/// # Errors
/// If the database can't be reached or the lock isn't had in time.
pub async fn begin(
    pool: &PgPool,
    guild: GuildId,
) -> Result<Transaction<'static, Postgres>, StoreError> {
    // A number can't carry SQL; BEGIN takes no parameters.
    let statement = format!("begin; select pg_advisory_xact_lock({})", guild.db());
    Ok(in_time(ANSWERING, pool.begin_with(AssertSqlSafe(statement))).await?)
}

/// Lets an operation on very many entries take its time: the server ends neither a statement of it,
/// nor the transaction while the program computes.
///
/// # Errors
/// If the database fails.
pub async fn takes_long(conn: &mut PgConnection) -> Result<(), StoreError> {
    let bounds = "set local statement_timeout = '120s'; \
                  set local idle_in_transaction_session_timeout = '120s'";
    in_time(ANSWERING, conn.execute(bounds)).await?;
    Ok(())
}

/// What an operation needs to see.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The tenant.
    pub guild: GuildId,
    /// To find out whether it was done already.
    pub op: &'a OpId,
    /// Who acts.
    pub user: UserId,
    /// Since when.
    pub at: DateTime<Utc>,
    /// The session a click carried.
    pub device: Option<&'a DeviceId>,
    /// The kind of client that presence names.
    pub platform: Option<Platform>,
    /// When a session is over.
    pub limits: SessionLimits,
    /// Folded category and name of the table's address; the session's last or the only table
    /// where there is none.
    pub address: Option<(Option<String>, String)>,
    /// The table by its id, before anything else.
    pub table: Option<TableId>,
    /// Folded names of entries.
    pub names: Vec<String>,
    /// Members that entries are linked to.
    pub members: Vec<UserId>,
    /// Entries by their ids.
    pub entries: Vec<EntryId>,
    /// Which private tables may be found.
    pub caller: Caller,
}

/// What stands when an operation begins.
#[derive(Debug)]
pub struct Opening {
    /// The time the operation takes effect: the database's clock, after the lock, never going back.
    pub applied_at: DateTime<Utc>,
    /// The newest event's number; 0 before the first.
    pub head_seq: i64,
    /// The newest event's hash.
    pub head_hash: String,
    /// The guild's settings.
    pub settings: Settings,
    /// What was granted to the caller.
    pub grants: Vec<Grant>,
    /// Whether something waits to be told to the caller.
    pub parked: bool,
    /// The event of this very operation, if it was done already.
    pub prior: Option<Event>,
    /// The caller's sessions that are marked open, most recently used first.
    pub sessions: Vec<Session>,
    /// The tables that the address fits: one, unless it is unknown or ambiguous.
    pub tables: Vec<Table>,
    /// Entries found by name, member or id in that table (ids: in any), live or deleted.
    pub entries: Vec<FoundEntry>,
}

/// An entry and how it was found.
#[derive(Debug, Clone, Deserialize)]
pub struct FoundEntry {
    /// The row.
    #[serde(flatten)]
    pub entry: Entry,
    /// The folded name that found it.
    pub name_key: Option<String>,
    /// Until when it had that name, if it is called otherwise now.
    pub until: Option<Stamp>,
    /// The sum of the effective deltas dated after this operation.
    pub later_delta: i64,
    /// The newest stamp in its ledger.
    pub last_delta: Option<Stamp>,
}

#[derive(Deserialize)]
pub(super) struct TableRow {
    id: TableId,
    category: Option<String>,
    name: String,
    floor: i64,
    private: bool,
    deleted_at: Option<DateTime<Utc>>,
    ranks: Vec<Rank>,
    fields: Vec<ExtraField>,
    activities: Vec<Activity>,
    boards: Vec<BoardRow>,
    periods: Periods,
}

#[derive(Deserialize, Serialize, Debug)]
struct BoardRow {
    channel: ChannelId,
    layout: Layout,
}

impl From<TableRow> for Table {
    fn from(row: TableRow) -> Self {
        Self {
            id: row.id,
            category: row.category,
            name: row.name,
            floor: row.floor,
            private: row.private,
            deleted_at: row.deleted_at,
            ranks: by_number(row.ranks, |rank| rank.number),
            fields: by_number(row.fields, |field| field.number),
            activities: by_number(row.activities, |activity| activity.number),
            boards: row
                .boards
                .into_iter()
                .map(|board| (board.channel, board.layout))
                .collect(),
            periods: row.periods,
        }
    }
}

fn by_number<T>(things: Vec<T>, number: fn(&T) -> i32) -> BTreeMap<i32, T> {
    things
        .into_iter()
        .map(|thing| (number(&thing), thing))
        .collect()
}

/// Reads all of it in one round trip.
///
/// # Errors
/// If the database fails.
pub async fn open(conn: &mut PgConnection, wanted: &Wanted<'_>) -> Result<Opening, StoreError> {
    let (category, name) = match &wanted.address {
        Some((category, name)) => (category.as_deref(), Some(name.as_str())),
        None => (None, None),
    };
    let members: Vec<i64> = wanted.members.iter().map(|id| id.db()).collect();
    let entries: Vec<Uuid> = wanted.entries.iter().map(|id| id.0).collect();
    let opening = sqlx::query_file!(
        "src/store/operation_open.sql",
        wanted.guild.db(),
        wanted.op.as_str(),
        wanted.user.db(),
        wanted.at,
        wanted.device.map(DeviceId::as_str),
        seconds(wanted.limits.idle),
        seconds(wanted.limits.lifetime),
        category,
        name,
        wanted.table.map(|id| id.0),
        &wanted.names,
        &members,
        &entries,
        Json(&wanted.caller) as _,
        wanted.platform.map(Platform::as_str),
    )
    .fetch_one(conn);
    let row = in_time(ANSWERING, opening).await?;
    let read = |part: Option<serde_json::Value>| part.unwrap_or_default();
    let tables: Vec<TableRow> = decode(read(row.tables), "tables")?;
    Ok(Opening {
        applied_at: row.applied_at.ok_or(StoreError::Corrupt("applied_at"))?,
        head_seq: row.head_seq.unwrap_or(0),
        head_hash: row.head_hash.unwrap_or_else(|| GENESIS.to_owned()),
        settings: row
            .settings
            .map_or_else(|| Ok(Settings::default()), |it| decode(it, "settings"))?,
        grants: grants::decoded(row.grants.ok_or(StoreError::Corrupt("grants"))?)?,
        parked: row.parked.unwrap_or_default(),
        prior: decode(read(row.prior), "event")?,
        sessions: decode(read(row.sessions), "sessions")?,
        tables: tables.into_iter().map(Table::from).collect(),
        entries: decode(read(row.entries), "entries")?,
    })
}

pub(super) fn decode<T: serde::de::DeserializeOwned>(
    value: serde_json::Value,
    what: &'static str,
) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|error| {
        tracing::error!(error.what = what, error.detail = %error, "a stored value can't be read");
        StoreError::Corrupt(what)
    })
}

fn seconds(span: TimeDelta) -> f64 {
    // Limits are days at most: exact.
    span.as_seconds_f64()
}

/// Everything one operation writes.
#[derive(Debug, Default)]
pub struct Writes<'a> {
    /// Tables, with their ranks, as they are to be.
    pub tables: Vec<TableWrite<'a>>,
    /// Entries as they are to be.
    pub entries: Vec<EntryWrite<'a>>,
    /// What is to be added to the points that the database holds of each of them. Beside the rows:
    /// a change can be more than points ever are.
    pub deltas: BTreeMap<EntryId, i64>,
    /// Names that entries no longer have.
    pub former_names: Vec<FormerName<'a>>,
    /// Sessions as they are to be.
    pub sessions: Vec<&'a Session>,
    /// The events, in order.
    pub events: Vec<&'a Event>,
    /// Effective changes of points.
    pub ledger: Vec<LedgerRow>,
    /// Folded names each event is about.
    pub names: Vec<EventName>,
    /// The guild's settings as they are to be.
    pub settings: Settings,
    /// What others must be told.
    pub outbox: Vec<Notice>,
    /// Rights that are granted, and those that are taken away.
    pub grants: GrantWrites,
}

/// Rights to write.
#[derive(Debug, Default, Serialize)]
pub struct GrantWrites {
    made: Vec<GrantRow>,
    gone: Vec<GrantId>,
}

impl GrantWrites {
    /// These are granted, those are gone.
    #[must_use]
    pub fn new(made: &[Grant], gone: &[GrantId]) -> Self {
        Self {
            made: made.iter().map(GrantRow::from).collect(),
            gone: gone.to_vec(),
        }
    }
}

/// A table to write.
#[derive(Debug, Serialize)]
pub struct TableWrite<'a> {
    id: TableId,
    category: Option<&'a str>,
    category_key: String,
    name: &'a str,
    name_key: String,
    floor: i64,
    private: bool,
    deleted_at: Option<DateTime<Utc>>,
    ranks: Vec<&'a Rank>,
    fields: Vec<FieldWrite<'a>>,
    activities: Vec<ActivityWrite<'a>>,
    boards: Vec<BoardRow>,
    promotions: Option<&'static str>,
    schedule: &'a Schedule,
}

#[derive(Debug, Serialize)]
struct FieldWrite<'a> {
    #[serde(flatten)]
    field: &'a ExtraField,
    name_key: String,
}

#[derive(Debug, Serialize)]
struct ActivityWrite<'a> {
    #[serde(flatten)]
    activity: &'a Activity,
    name_key: String,
}

impl<'a> From<&'a Table> for TableWrite<'a> {
    fn from(table: &'a Table) -> Self {
        let field = |field: &'a ExtraField| FieldWrite {
            field,
            name_key: fold(&field.name),
        };
        let activity = |activity: &'a Activity| ActivityWrite {
            activity,
            name_key: fold(&activity.name),
        };
        Self {
            id: table.id,
            category: table.category.as_deref(),
            category_key: table.category.as_deref().map(fold).unwrap_or_default(),
            name: &table.name,
            name_key: fold(&table.name),
            floor: table.floor,
            private: table.private,
            deleted_at: table.deleted_at,
            ranks: table.ranks.values().collect(),
            fields: table.fields.values().map(field).collect(),
            activities: table.activities.values().map(activity).collect(),
            boards: table
                .boards
                .iter()
                .map(|(&channel, &layout)| BoardRow { channel, layout })
                .collect(),
            promotions: table.periods.proposes.then_some("proposed"),
            schedule: &table.periods.schedule,
        }
    }
}

/// An entry to write. The points are those of a new one; see [`Writes::deltas`].
#[derive(Debug, Serialize)]
pub struct EntryWrite<'a> {
    /// The row.
    #[serde(flatten)]
    pub entry: &'a Entry,
    /// Folded.
    pub name_key: String,
}

/// A name an entry had until now.
#[derive(Debug, Serialize)]
pub struct FormerName<'a> {
    /// Whose.
    pub entry_id: EntryId,
    /// Where.
    pub table_id: TableId,
    /// Folded.
    pub name_key: String,
    /// The rename that ended it.
    pub until: &'a Stamp,
}

/// An effective change of an entry's points.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LedgerRow {
    /// The event's number.
    pub seq: i64,
    /// Whose points.
    pub entry_id: EntryId,
    /// The date that decides.
    pub stamp: Stamp,
    /// What it came to.
    pub delta: i64,
}

/// A name an event is about.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EventName {
    /// The event.
    pub seq: i64,
    /// Folded.
    pub name_key: String,
}

/// Writes all of it in one round trip, and makes sure that it met the state it was computed from.
///
/// # Errors
/// [`StoreError::Taken`] names a violated unique constraint; [`StoreError::Mismatch`] should not
/// happen under the lock, and nothing is committed then.
pub async fn write(
    conn: &mut PgConnection,
    guild: GuildId,
    writes: &Writes<'_>,
) -> Result<(), StoreError> {
    let (Some(first), Some(last)) = (writes.events.first(), writes.events.last()) else {
        return Err(StoreError::Mismatch("an operation without an event"));
    };
    let writing = sqlx::query_file!(
        "src/store/operation_write.sql",
        guild.db(),
        first.prev_hash,
        first.seq.0,
        last.hash,
        last.seq.0,
        last.applied_at,
        Json(&writes.tables) as _,
        Json(&writes.entries) as _,
        Json(&writes.former_names) as _,
        Json(&writes.sessions) as _,
        Json(&writes.events) as _,
        Json(&writes.ledger) as _,
        Json(&writes.names) as _,
        Json(&writes.settings) as _,
        Json(&writes.outbox) as _,
        Json(&writes.deltas) as _,
        Json(&writes.grants) as _,
    )
    .fetch_one(conn);
    let limit = ANSWERING + EACH * u32::try_from(writes.entries.len()).unwrap_or(u32::MAX);
    let written = in_time(limit, writing).await?;
    let expected: BTreeMap<Uuid, i64> = writes
        .entries
        .iter()
        .map(|write| (write.entry.id.0, write.entry.points))
        .collect();
    let points: BTreeMap<Uuid, i64> = decode(written.points.unwrap_or_default(), "points")?;
    if written.heads != Some(1) {
        return Err(StoreError::Mismatch("the head of the chain moved"));
    }
    let revoked = i64::try_from(writes.grants.gone.len()).unwrap_or(i64::MAX);
    if written.revoked != Some(revoked) {
        return Err(StoreError::Mismatch("a grant to revoke is not there"));
    }
    if points != expected {
        return Err(StoreError::Mismatch("points are not what was computed"));
    }
    Ok(())
}
