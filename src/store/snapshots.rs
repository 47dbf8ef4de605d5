//! States of a guild at some of its events: a cache for looking at the past.

use serde_json::Value;
use sqlx::postgres::PgConnection;

use super::StoreError;
use crate::domain::ids::{GuildId, Seq};
use crate::domain::snapshot::{FORMAT, Snapshot};

/// How many are kept of a guild, those written last. At their usual distance they span a history
/// of 160 000 events.
const KEPT: i64 = 32;

/// The newest one that is not after an event, of this history and this program's format.
///
/// # Errors
/// If the database fails.
pub async fn nearest(
    conn: &mut PgConnection,
    guild: GuildId,
    upto: Seq,
) -> Result<Option<Snapshot>, StoreError> {
    let found = sqlx::query!(
        r#"
        select s.seq, s.hash, s.state as "state: Value", s.digest
        from punctaj.snapshots s
        join punctaj.events e on e.guild_id = s.guild_id and e.seq = s.seq and e.hash = s.hash
        where s.guild_id = $1 and s.seq <= $2 and s.format = $3
        order by s.seq desc
        limit 1
        "#,
        guild.db(),
        upto.0,
        FORMAT,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Snapshot {
        seq: Seq(row.seq),
        hash: row.hash,
        state: row.state,
        digest: row.digest,
    }))
}

/// Keeps one, in the place of what was kept of that event, and forgets the oldest beyond the few
/// that are kept.
///
/// # Errors
/// If the database fails.
pub async fn keep(
    conn: &mut PgConnection,
    guild: GuildId,
    snapshot: &Snapshot,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        with forgotten as (
            delete from punctaj.snapshots s
            where s.guild_id = $1 and s.seq <> $2 and s.seq not in (
                select k.seq from punctaj.snapshots k
                where k.guild_id = $1 and k.seq <> $2
                order by k.kept_at desc, k.seq desc
                limit $7
            )
        )
        insert into punctaj.snapshots (guild_id, seq, hash, format, state, digest)
        values ($1, $2, $3, $4, $5, $6)
        on conflict on constraint snapshots_pkey do update
            set hash = excluded.hash, format = excluded.format, state = excluded.state,
                digest = excluded.digest, kept_at = excluded.kept_at
        "#,
        guild.db(),
        snapshot.seq.0,
        snapshot.hash,
        FORMAT,
        snapshot.state,
        snapshot.digest,
        KEPT - 1,
    )
    .execute(conn)
    .await?;
    Ok(())
}
