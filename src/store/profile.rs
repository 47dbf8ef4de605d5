//! Single entries as they are looked at: their place, and what happened to them last.

use serde::Deserialize;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::StoreError;
use super::entries::PageRow;
use super::operation::{TableRow, decode};
use crate::domain::access::Caller;
use crate::domain::event::Event;
use crate::domain::ids::{DeviceId, GuildId, TableId, UserId};
use crate::domain::session::{Platform, Session, SessionLimits};
use crate::domain::table::Table;

/// Whose cards are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose<'a> {
    /// The entry of this folded name.
    Named(&'a str),
    /// The entries linked to this member: in all tables, if none is addressed.
    Members(UserId),
}

/// Which cards are wanted, by whom.
#[derive(Debug, Clone)]
pub struct CardsWanted<'a> {
    /// The tenant.
    pub guild: GuildId,
    /// Who looks.
    pub user: UserId,
    /// The session that a click carried.
    pub device: Option<&'a DeviceId>,
    /// The kind of client that presence names.
    pub platform: Option<Platform>,
    /// When a session is over.
    pub limits: SessionLimits,
    /// Folded category and name of the table's address.
    pub address: Option<(Option<String>, String)>,
    /// The table by id, before the address.
    pub table: Option<TableId>,
    /// Whose.
    pub whose: Whose<'a>,
    /// Which private tables may be found.
    pub caller: Caller,
    /// Most cards.
    pub cards: i64,
    /// Most events.
    pub events: i64,
}

/// An entry and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Card {
    /// The entry.
    pub entry: PageRow,
    /// Its table.
    pub table_id: TableId,
    /// Its place by points, from 1; entries of equal points share one.
    pub place: i64,
    /// How many entries the table has.
    pub entries: i64,
}

/// The cards, and what was found with them.
#[derive(Debug)]
pub struct Cards {
    /// The caller's open sessions, most recently used first.
    pub sessions: Vec<Session>,
    /// Whether something waits to be told to the caller.
    pub parked: bool,
    /// The tables of the cards, and those that the address fits.
    pub tables: Vec<Table>,
    /// The cards, in the order of their tables.
    pub cards: Vec<Card>,
    /// How many there are, with those that were not read.
    pub total: i64,
    /// The newest events that touched the entry, newest first; only of a single one.
    pub recent: Vec<Event>,
}

/// Reads cards in one round trip.
///
/// # Errors
/// If the database fails.
pub async fn cards(conn: &mut PgConnection, wanted: &CardsWanted<'_>) -> Result<Cards, StoreError> {
    let (category, table) = match &wanted.address {
        Some((category, name)) => (category.as_deref(), Some(name.as_str())),
        None => (None, None),
    };
    let (name, member) = match wanted.whose {
        Whose::Named(key) => (Some(key), None),
        Whose::Members(member) => (None, Some(member)),
    };
    let row = sqlx::query_file!(
        "src/store/profile.sql",
        wanted.guild.db(),
        wanted.user.db(),
        wanted.device.map(DeviceId::as_str),
        wanted.limits.idle.as_seconds_f64(),
        wanted.limits.lifetime.as_seconds_f64(),
        category,
        table,
        wanted.table.map(|id| id.0),
        name,
        member.map(UserId::db),
        Json(&wanted.caller) as _,
        wanted.cards,
        wanted.events,
        wanted.platform.map(Platform::as_str),
    )
    .fetch_one(conn)
    .await?;
    let tables: Vec<TableRow> = decode(row.tables, "tables")?;
    Ok(Cards {
        sessions: decode(row.sessions, "sessions")?,
        parked: row.parked,
        tables: tables.into_iter().map(Table::from).collect(),
        cards: decode(row.cards, "cards")?,
        total: row.total,
        recent: decode(row.recent, "events")?,
    })
}
