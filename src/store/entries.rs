//! Entries as they are looked at: pages of a table, in two round trips with the note that the
//! session looked.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::StoreError;
use super::grants;
use super::operation::{TableRow, decode};
use crate::domain::access::{Caller, Grant};
use crate::domain::ids::{DeviceId, EntryId, GuildId, TableId, UserId};
use crate::domain::session::{Platform, Session, SessionLimits};
use crate::domain::table::Table;

/// In which order a table is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Most points first.
    #[default]
    Points,
    /// By name.
    Name,
    /// Highest rank first.
    Rank,
}

impl Sort {
    /// The word in options and `custom_id`s.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Name => "name",
            Self::Rank => "rank",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Points, Self::Name, Self::Rank]
            .into_iter()
            .find(|sort| sort.as_str() == text)
    }
}

/// Which page of which table is wanted, by whom.
#[derive(Debug, Clone)]
pub struct PageWanted<'a> {
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
    /// Folded category and name of the address.
    pub address: Option<(Option<String>, String)>,
    /// The table by id, before the address.
    pub table: Option<TableId>,
    /// The order.
    pub sort: Sort,
    /// Rows before the page.
    pub offset: i64,
    /// Rows of the page.
    pub limit: i64,
    /// Which private tables may be found.
    pub caller: Caller,
}

/// A row of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRow {
    /// Which entry.
    pub id: EntryId,
    /// What it is called.
    pub name: String,
    /// Who it is linked to.
    pub member_id: Option<UserId>,
    /// The number of its rank.
    pub rank: Option<i32>,
    /// Its points.
    pub points: i64,
    /// Whether a closing leaves it its rank; read with cards and closed periods only.
    #[serde(default)]
    pub exempt: bool,
    /// The values of its extra fields, by their numbers.
    pub extra: BTreeMap<String, String>,
}

/// A page, and what was found with it.
#[derive(Debug)]
pub struct Page {
    /// The caller's open sessions, most recently used first.
    pub sessions: Vec<Session>,
    /// The tables that the address fits; the rows are those of the only one.
    pub tables: Vec<Table>,
    /// The rows.
    pub rows: Vec<PageRow>,
    /// All rows of the table.
    pub total: i64,
    /// The sum of its points.
    pub points: i64,
    /// The newest event's number; 0 before the first.
    pub head: i64,
    /// Whether something waits to be told to the caller.
    pub parked: bool,
    /// What was granted to the caller.
    pub grants: Vec<Grant>,
}

/// Reads a page in one round trip.
///
/// # Errors
/// If the database fails.
pub async fn page(conn: &mut PgConnection, wanted: &PageWanted<'_>) -> Result<Page, StoreError> {
    let (category, name) = match &wanted.address {
        Some((category, name)) => (category.as_deref(), Some(name.as_str())),
        None => (None, None),
    };
    let row = sqlx::query_file!(
        "src/store/entries_page.sql",
        wanted.guild.db(),
        wanted.user.db(),
        wanted.device.map(DeviceId::as_str),
        wanted.limits.idle.as_seconds_f64(),
        wanted.limits.lifetime.as_seconds_f64(),
        category,
        name,
        wanted.table.map(|id| id.0),
        wanted.sort.as_str(),
        wanted.offset,
        wanted.limit,
        Json(&wanted.caller) as _,
        wanted.platform.map(Platform::as_str),
    )
    .fetch_one(conn)
    .await?;
    let tables: Vec<TableRow> = decode(row.tables, "tables")?;
    Ok(Page {
        sessions: decode(row.sessions, "sessions")?,
        tables: tables.into_iter().map(Table::from).collect(),
        rows: decode(row.rows, "rows")?,
        total: row.total,
        points: row.points,
        head: row.head,
        parked: row.parked,
        grants: grants::decoded(row.grants)?,
    })
}

/// The name of a live entry that holds a rank, if one does; of other entries than these.
///
/// # Errors
/// If the database fails.
pub async fn holder_of_rank(
    conn: &mut PgConnection,
    table: TableId,
    number: i32,
    other_than: &[EntryId],
) -> Result<Option<String>, StoreError> {
    let other_than: Vec<Uuid> = other_than.iter().map(|id| id.0).collect();
    let found = sqlx::query_scalar!(
        r#"
        select name from punctaj.entries
        where table_id = $1 and rank = $2 and deleted_at is null and entry_id <> all($3)
        order by name_key limit 1
        "#,
        table.0,
        number,
        &other_than,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// The names of those live entries that hold the rank given with them.
///
/// # Errors
/// If the database fails.
pub async fn holding(
    conn: &mut PgConnection,
    given: &[(EntryId, i32)],
) -> Result<Vec<String>, StoreError> {
    let (ids, ranks): (Vec<Uuid>, Vec<i32>) = given.iter().map(|(id, rank)| (id.0, *rank)).unzip();
    let found = sqlx::query_scalar!(
        r#"
        select e.name
        from unnest($1::uuid[], $2::integer[]) as g (entry_id, rank)
        join punctaj.entries e using (entry_id, rank)
        where e.deleted_at is null
        order by e.name_key
        "#,
        &ids,
        &ranks,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// The name of a live entry that was given a value of an extra field after a moment, if one was.
///
/// # Errors
/// If the database fails.
pub async fn holder_of_field(
    conn: &mut PgConnection,
    table: TableId,
    number: i32,
    after: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select name from punctaj.entries
        where table_id = $1 and extra ? $2 and deleted_at is null
            and (stamps -> ('extra:' || $2) ->> 'at')::timestamptz > $3
        order by name_key limit 1
        "#,
        table.0,
        number.to_string(),
        after,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// The live entries that hold a rank.
///
/// # Errors
/// If the database fails.
pub async fn of_rank(
    conn: &mut PgConnection,
    table: TableId,
    number: i32,
) -> Result<Vec<EntryId>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select entry_id from punctaj.entries
        where table_id = $1 and rank = $2 and deleted_at is null
        order by name_key
        "#,
        table.0,
        number,
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(EntryId).collect())
}

/// The live entries of a table in the order of their names.
///
/// # Errors
/// If the database fails.
pub async fn live(conn: &mut PgConnection, table: TableId) -> Result<Vec<EntryId>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select entry_id from punctaj.entries
        where table_id = $1 and deleted_at is null
        order by name_key
        "#,
        table.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(EntryId).collect())
}

/// How many live entries have fewer points than this.
///
/// # Errors
/// If the database fails.
pub async fn below(
    conn: &mut PgConnection,
    table: TableId,
    points: i64,
) -> Result<i64, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select count(*) as "entries!" from punctaj.entries
        where table_id = $1 and points < $2 and deleted_at is null
        "#,
        table.0,
        points,
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// The name of another live entry that is linked to a member, if one is.
///
/// # Errors
/// If the database fails.
pub async fn holder_of_member(
    conn: &mut PgConnection,
    table: TableId,
    member: UserId,
    other_than: EntryId,
) -> Result<Option<String>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select name from punctaj.entries
        where table_id = $1 and member_id = $2 and entry_id <> $3 and deleted_at is null
        "#,
        table.0,
        member.db(),
        other_than.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// All live entries of a table in the order of their names: for an export.
///
/// # Errors
/// If the database fails.
pub async fn all(conn: &mut PgConnection, table: TableId) -> Result<Vec<PageRow>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select entry_id, name, member_id, rank, points, exempt,
            extra as "extra: Json<BTreeMap<String, String>>"
        from punctaj.entries where table_id = $1 and deleted_at is null
        order by name_key
        "#,
        table.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PageRow {
            id: EntryId(row.entry_id),
            name: row.name,
            member_id: row.member_id.map(UserId::from_db),
            rank: row.rank,
            points: row.points,
            exempt: row.exempt,
            extra: row.extra.0,
        })
        .collect())
}
