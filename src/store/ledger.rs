//! The ledger of points, for `verify`.

use sqlx::postgres::PgConnection;

use super::StoreError;
use super::operation::LedgerRow;
use crate::domain::ids::{EntryId, GuildId, OpId, Seq};
use crate::domain::stamp::Stamp;

/// A row of the ledger.
#[derive(Debug)]
pub struct Stored {
    /// The number of its event.
    pub seq: Seq,
    /// Whose points.
    pub entry_id: EntryId,
    /// The row; none where somebody gave it a time that no event can have.
    pub row: Option<LedgerRow>,
}

/// The rows of the events from `from` to `upto`, up to `limit`: in the order of events, then of
/// entries.
///
/// # Errors
/// If the database fails.
pub async fn walk(
    conn: &mut PgConnection,
    guild: GuildId,
    from: Seq,
    upto: Seq,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    let found = sqlx::query!(
        r#"
        select
            seq, entry_id,
            case when isfinite(at) and at < '10000-01-01' then at end as at,
            op_id, delta
        from punctaj.ledger
        where guild_id = $1 and seq between $2 and $3
        order by seq, entry_id
        limit $4
        "#,
        guild.db(),
        from.0,
        upto.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let stored = found.into_iter().map(|row| Stored {
        seq: Seq(row.seq),
        entry_id: EntryId(row.entry_id),
        row: row.at.map(|at| LedgerRow {
            seq: row.seq,
            entry_id: EntryId(row.entry_id),
            stamp: Stamp::new(at, OpId::new(row.op_id)),
            delta: row.delta,
        }),
    });
    Ok(stored.collect())
}

/// What people know an entry by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its table's address.
    pub table: String,
    /// Its name.
    pub name: String,
}

/// What an entry of the guild is called, be it deleted or not.
///
/// # Errors
/// If the database fails.
pub async fn named(
    conn: &mut PgConnection,
    guild: GuildId,
    entry: EntryId,
) -> Result<Option<Named>, StoreError> {
    let found = sqlx::query_as!(
        Named,
        r#"
        select
            case when t.category is null then t.name else t.category || '/' || t.name end as "table!",
            e.name
        from punctaj.entries e
        join punctaj.tables t using (table_id)
        where e.guild_id = $1 and e.entry_id = $2
        "#,
        guild.db(),
        entry.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// An entry whose points are not the sum of its rows.
///
/// # Errors
/// If the database fails.
pub async fn wrong_sum(
    conn: &mut PgConnection,
    guild: GuildId,
) -> Result<Option<Named>, StoreError> {
    let found = sqlx::query_file_as!(Named, "src/store/ledger_wrong_sum.sql", guild.db())
        .fetch_optional(conn)
        .await?;
    Ok(found)
}
