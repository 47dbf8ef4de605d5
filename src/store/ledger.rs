//! The ledger of points, for `verify`.

use sqlx::postgres::PgConnection;

use super::StoreError;
use super::operation::LedgerRow;
use crate::domain::ids::{EntryId, GuildId, OpId, Seq};
use crate::domain::stamp::Stamp;

/// The rows of the events after `after`, up to `upto` where one is given: in the order of events,
/// then of entries. As many as these events have, or `limit`.
///
/// # Errors
/// If the database fails.
pub async fn walk(
    conn: &mut PgConnection,
    guild: GuildId,
    after: Seq,
    upto: Option<Seq>,
    limit: Option<i64>,
) -> Result<Vec<LedgerRow>, StoreError> {
    let found = sqlx::query!(
        r#"
        select seq, entry_id, at, op_id, delta
        from punctaj.ledger
        where guild_id = $1 and seq > $2 and ($3::bigint is null or seq <= $3)
        order by seq, entry_id
        limit $4
        "#,
        guild.db(),
        after.0,
        upto.map(|seq| seq.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(found
        .into_iter()
        .map(|row| LedgerRow {
            seq: row.seq,
            entry_id: EntryId(row.entry_id),
            stamp: Stamp::new(row.at, OpId::new(row.op_id)),
            delta: row.delta,
        })
        .collect())
}

/// The name of an entry whose points are not the sum of its rows.
///
/// # Errors
/// If the database fails.
pub async fn wrong_sum(
    conn: &mut PgConnection,
    guild: GuildId,
) -> Result<Option<String>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select e.name
        from punctaj.entries e
        left join (
            select l.entry_id, sum(l.delta) as points from punctaj.ledger l group by l.entry_id
        ) l using (entry_id)
        where e.guild_id = $1 and e.points <> coalesce(l.points, 0)
        order by e.name_key
        limit 1
        "#,
        guild.db(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}
