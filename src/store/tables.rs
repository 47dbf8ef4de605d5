//! Tables and their ranks, outside operations.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::StoreError;
use super::complete::TableFilter;
use super::operation::{TableRow, decode};
use crate::domain::access::Caller;
use crate::domain::ids::{GuildId, TableId};
use crate::domain::name::{Name, TableAddress, fold};
use crate::domain::table::Table;

/// A table, be it deleted or not.
///
/// # Errors
/// If the database fails.
pub async fn by_id(
    conn: &mut PgConnection,
    guild: GuildId,
    id: TableId,
) -> Result<Option<Table>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select punctaj.table_json(t) as "table!"
        from punctaj.tables t
        where t.guild_id = $1 and t.table_id = $2
        "#,
        guild.db(),
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    found.map(decoded).transpose()
}

/// Whether a guild has any table that was not deleted.
///
/// # Errors
/// If the database fails.
pub async fn any(conn: &mut PgConnection, guild: GuildId) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select exists (
            select from punctaj.tables t where t.guild_id = $1 and t.deleted_at is null
        ) as "found!"
        "#,
        guild.db(),
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// A table as `punctaj.table_json` writes it.
pub(super) fn decoded(table: serde_json::Value) -> Result<Table, StoreError> {
    Ok(decode::<TableRow>(table, "table")?.into())
}

/// The table of an address that was deleted last: of those that `filter` lets through, if there are
/// any. A bare name means any of that name. A private one exists only for whom it is let through.
///
/// # Errors
/// If the database fails.
pub async fn deleted(
    conn: &mut PgConnection,
    guild: GuildId,
    category_key: Option<&str>,
    name_key: &str,
    filter: &TableFilter,
) -> Result<Option<Table>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select t.table_id from punctaj.tables t, punctaj.reaches(t, $4) r (reaches)
        where t.guild_id = $1 and t.deleted_at is not null and t.name_key = $3
            and ($2::text is null or t.category_key = $2) and (not t.private or r.reaches)
        order by $5 and not t.private or r.reaches desc, t.deleted_at desc
        limit 1
        "#,
        guild.db(),
        category_key,
        name_key,
        Json(&filter.caller) as _,
        filter.open,
    )
    .fetch_optional(&mut *conn)
    .await?;
    match found {
        Some(id) => by_id(conn, guild, TableId(id)).await,
        None => Ok(None),
    }
}

/// The tables that have an address, or had it: those that were deleted, or are called otherwise by
/// now, too.
///
/// # Errors
/// If the database fails.
pub async fn ever_called(
    conn: &mut PgConnection,
    guild: GuildId,
    address: &TableAddress,
    caller: &Caller,
) -> Result<Vec<TableId>, StoreError> {
    let category = address.category().map(Name::key).unwrap_or_default();
    let whole = fold(&address.to_string());
    let rows = sqlx::query!(
        r#"
        select t.table_id as "table_id!", null::text as former
        from punctaj.tables t
        where t.guild_id = $1 and t.category_key = $2 and t.name_key = $3 and (not t.private or punctaj.reaches(t, $5))
        union
        select t.table_id, c.value ->> 'name'
        from punctaj.event_names n
        join punctaj.events e on e.guild_id = n.guild_id and e.seq = n.seq
            and (starts_with(e.action, 'table.') or e.action = 'event.undo')
        join punctaj.tables t on t.table_id = e.table_id and (not t.private or punctaj.reaches(t, $5))
        cross join lateral jsonb_array_elements(e.changes) c
        where n.guild_id = $1 and n.name_key = $4 and c.value ->> 'what' = 'table'
        "#,
        guild.db(),
        category,
        address.name().key(),
        whole,
        Json(caller) as _,
    )
    .fetch_all(conn)
    .await?;
    // An event is found by any name in it: only what was the table's own address counts.
    let meant = rows.into_iter().filter(|row| {
        row.former
            .as_deref()
            .is_none_or(|former| fold(former) == whole)
    });
    let ids: BTreeSet<TableId> = meant.map(|row| TableId(row.table_id)).collect();
    Ok(ids.into_iter().collect())
}

/// A guild's live tables in the order of their addresses, with their ranks.
///
/// # Errors
/// If the database fails.
pub async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    caller: &Caller,
) -> Result<Vec<Table>, StoreError> {
    let found = select(conn, guild, None, None, caller).await?;
    Ok(found.into_iter().map(|(table, _)| table).collect())
}

/// A guild's live tables, each with its number of entries.
///
/// # Errors
/// If the database fails.
pub async fn list_with_counts(
    conn: &mut PgConnection,
    guild: GuildId,
    caller: &Caller,
) -> Result<Vec<(Table, i64)>, StoreError> {
    select(conn, guild, None, None, caller).await
}

/// The live tables that an address fits. A bare name means the table without a category where
/// there is one, else any of that name.
///
/// # Errors
/// If the database fails.
pub async fn by_address(
    conn: &mut PgConnection,
    guild: GuildId,
    category_key: Option<&str>,
    name_key: &str,
    caller: &Caller,
) -> Result<Vec<Table>, StoreError> {
    let mut found: Vec<Table> = select(conn, guild, category_key, Some(name_key), caller)
        .await?
        .into_iter()
        .map(|(table, _)| table)
        .collect();
    if category_key.is_none() && found.iter().any(|table| table.category.is_none()) {
        found.retain(|table| table.category.is_none());
    }
    Ok(found)
}

/// Whether another live table has a table's address.
///
/// # Errors
/// If the database fails.
pub async fn is_taken(
    conn: &mut PgConnection,
    guild: GuildId,
    table: &Table,
) -> Result<bool, StoreError> {
    let category = table.category.as_deref().map(fold).unwrap_or_default();
    let found = sqlx::query_scalar!(
        r#"
        select exists (
            select from punctaj.tables t
            where t.guild_id = $1 and t.table_id <> $2 and t.deleted_at is null
                and t.name_key = $3 and t.category_key = $4
        ) as "is_taken!"
        "#,
        guild.db(),
        table.id.0,
        fold(&table.name),
        category,
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

async fn select(
    conn: &mut PgConnection,
    guild: GuildId,
    category_key: Option<&str>,
    name_key: Option<&str>,
    caller: &Caller,
) -> Result<Vec<(Table, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select
            punctaj.table_json(t) as "table!",
            (
                select count(*) from punctaj.entries e where e.table_id = t.table_id and e.deleted_at is null
            ) as "entries!"
        from punctaj.tables t
        where t.guild_id = $1 and t.deleted_at is null
            and ($2::text is null or t.category_key = $2) and ($3::text is null or t.name_key = $3)
            and (not t.private or punctaj.reaches(t, $4))
        order by t.category_key, t.name_key
        "#,
        guild.db(),
        category_key,
        name_key,
        Json(caller) as _,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((decoded(row.table)?, row.entries)))
        .collect()
}

/// No schedule of the guild wants anything from before that moment.
///
/// # Errors
/// If the database fails.
pub async fn restart_schedules(
    conn: &mut PgConnection,
    guild: GuildId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update punctaj.tables set schedule_from = greatest(schedule_from, $2)
        where guild_id = $1 and schedule_every is not null
        "#,
        guild.db(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
