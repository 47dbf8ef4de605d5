//! Autocomplete: each answer is one round trip, from indexes.

use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{StoreError, tables};
use crate::domain::access::Caller;
use crate::domain::ids::{DeviceId, EntryId, GuildId, TableId, UserId};
use crate::domain::name::fold;
use crate::domain::session::{Platform, SessionLimits};
use crate::domain::table::Table;

/// Above every character, so that `prefix` and `prefix` with it enclose all that begin with it.
const HIGHEST: char = '\u{10FFFF}';

/// Candidates among which near names are looked for.
const CANDIDATES: i64 = 20_000;

/// The table that is meant: the addressed one, or the one the person used last, or the only one;
/// found as a command finds it.
#[derive(Debug, Clone)]
pub struct Place {
    /// The tenant.
    pub guild: GuildId,
    /// Who types.
    pub user: UserId,
    /// The kind of client that presence names.
    pub platform: Option<Platform>,
    /// When a session is over.
    pub limits: SessionLimits,
    /// Folded category and name of the address.
    pub address: Option<(Option<String>, String)>,
    /// Which private tables they reach.
    pub caller: Caller,
}

impl Place {
    fn address(&self) -> (Option<&str>, Option<&str>) {
        match &self.address {
            Some((category, name)) => (category.as_deref(), Some(name)),
            None => (None, None),
        }
    }
}

/// Names of entries that begin so.
///
/// # Errors
/// If the database fails.
pub async fn entries(
    conn: &mut PgConnection,
    place: &Place,
    prefix: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let (category, name) = place.address();
    let found = sqlx::query_file_scalar!(
        "src/store/complete_entries.sql",
        place.guild.db(),
        place.user.db(),
        category,
        name,
        place.limits.idle.as_seconds_f64(),
        place.limits.lifetime.as_seconds_f64(),
        prefix,
        format!("{prefix}{HIGHEST}"),
        limit,
        Json(&place.caller) as _,
        place.platform.map(Platform::as_str),
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Which tables autocomplete offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFilter {
    /// Those that were deleted, in place of those that are there.
    pub deleted: bool,
    /// Those that this caller reaches.
    pub caller: Caller,
    /// Those that are not private, too.
    pub open: bool,
}

/// Addresses of tables whose name or category or address holds this text, those that begin with
/// it first.
///
/// # Errors
/// If the database fails.
pub async fn tables(
    conn: &mut PgConnection,
    guild: GuildId,
    text: &str,
    filter: &TableFilter,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select case when t.category is null then t.name else t.category || '/' || t.name end as "address!"
        from punctaj.tables t
        where t.guild_id = $1 and (t.deleted_at is null) = not $4
            and ($6 and not t.private or punctaj.reaches(t, $5))
            and strpos(
                case when t.category_key = '' then t.name_key else t.category_key || '/' || t.name_key end, $2
            ) > 0
        order by starts_with(t.name_key, $2) or starts_with(t.category_key, $2) desc, t.category_key, t.name_key
        limit $3
        "#,
        guild.db(),
        text,
        limit,
        filter.deleted,
        Json(&filter.caller) as _,
        filter.open,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// The table that is meant.
///
/// # Errors
/// If the database fails.
pub async fn table(conn: &mut PgConnection, place: &Place) -> Result<Option<Table>, StoreError> {
    let (category, name) = place.address();
    let found = sqlx::query_file_scalar!(
        "src/store/complete_table.sql",
        place.guild.db(),
        place.user.db(),
        category,
        name,
        place.limits.idle.as_seconds_f64(),
        place.limits.lifetime.as_seconds_f64(),
        Json(&place.caller) as _,
        place.platform.map(Platform::as_str),
    )
    .fetch_optional(conn)
    .await?;
    found.map(tables::decoded).transpose()
}

/// A session to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionChoice {
    /// Its id.
    pub device_id: String,
    /// The kind of client.
    pub platform: String,
    /// What it is called.
    pub label: Option<String>,
}

impl SessionChoice {
    /// The id, shortened as people see it.
    #[must_use]
    pub fn short(&self) -> String {
        DeviceId::parse(&self.device_id)
            .map(|id| id.short().to_owned())
            .unwrap_or_default()
    }
}

/// A person's open sessions, most recently used first.
///
/// # Errors
/// If the database fails.
pub async fn sessions(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    limit: i64,
) -> Result<Vec<SessionChoice>, StoreError> {
    let found = sqlx::query_as!(
        SessionChoice,
        r#"
        select s.device_id, s.platform, s.label
        from punctaj.sessions s
        where s.guild_id = $1 and s.user_id = $2 and s.ended_at is null
        order by s.last_seen_at desc, s.device_id
        limit $3
        "#,
        guild.db(),
        user.db(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// An event to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventChoice {
    /// Its number.
    pub seq: i64,
    /// What was done.
    pub action: String,
    /// The names it is about, as written in it.
    pub names: Option<String>,
}

/// Whose events are offered.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// A person's own.
    Own(UserId),
    /// Everybody's, as far as this caller reaches them.
    Reached(&'a Caller),
}

/// The newest events whose number begins with `digits`.
///
/// # Errors
/// If the database fails.
pub async fn events(
    conn: &mut PgConnection,
    guild: GuildId,
    whose: Whose<'_>,
    digits: &str,
    limit: i64,
) -> Result<Vec<EventChoice>, StoreError> {
    let (actor, caller) = match whose {
        Whose::Own(user) => (Some(user), None),
        Whose::Reached(caller) => (None, Some(caller)),
    };
    let found = sqlx::query_file_as!(
        EventChoice,
        "src/store/complete_events.sql",
        guild.db(),
        actor.map(UserId::db),
        digits,
        limit,
        caller.map(Json) as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Names of a table's live entries that are about as long as `key`: among them a near name is
/// looked for. Walks through the table; only a refusal needs it.
///
/// # Errors
/// If the database fails.
pub async fn candidates(
    conn: &mut PgConnection,
    table: TableId,
    key: &str,
) -> Result<Vec<String>, StoreError> {
    let length = i32::try_from(key.chars().count()).unwrap_or(i32::MAX);
    let found = sqlx::query_scalar!(
        r#"
        select e.name from punctaj.entries e
        where e.table_id = $1 and e.deleted_at is null
            and (length(e.name_key) between $2 - 4 and $2 + 4 or strpos(e.name_key, $3) > 0)
        limit $4
        "#,
        table.0,
        length,
        key,
        CANDIDATES,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// An entry and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryName {
    /// Which.
    pub id: EntryId,
    /// What it is called.
    pub name: String,
}

/// Live entries of a table, `but` these, that could be any of `names` mistyped or unfinished: about
/// as long, or one within the other. Walks through the table.
///
/// # Errors
/// If the database fails.
pub async fn close_entries(
    conn: &mut PgConnection,
    table: TableId,
    names: &[&str],
    but: &[EntryId],
) -> Result<Vec<EntryName>, StoreError> {
    let keys: Vec<String> = names.iter().map(|name| fold(name)).collect();
    let but: Vec<Uuid> = but.iter().map(|id| id.0).collect();
    let found = sqlx::query!(
        r#"
        select e.entry_id, e.name from punctaj.entries e
        where e.table_id = $1 and e.deleted_at is null and e.entry_id <> all($3)
            and exists (
                select from unnest($2::text[]) k (key)
                where abs(length(e.name_key) - length(k.key)) <= greatest(1, length(k.key) / 4)
                    or strpos(e.name_key, k.key) > 0 or strpos(k.key, e.name_key) > 0
            )
        limit $4
        "#,
        table.0,
        &keys,
        &but,
        CANDIDATES,
    )
    .fetch_all(conn)
    .await?;
    Ok(found
        .into_iter()
        .map(|row| EntryName {
            id: EntryId(row.entry_id),
            name: row.name,
        })
        .collect())
}
