//! Refusals of a person within a minute, for counting them. Under the guild's lock.

use chrono::TimeDelta;
use sqlx::postgres::PgConnection;

use super::StoreError;
use crate::domain::ids::{GuildId, OpId, UserId};
use crate::domain::refusal::{MINUTE, OWN_EVENTS, Tally};

/// How long a minute that is over is kept, for interactions that are delivered again.
const KEPT: TimeDelta = TimeDelta::hours(1);

/// A person's last minute with refusals.
///
/// # Errors
/// If the database fails.
pub async fn tally(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<Option<Tally>, StoreError> {
    let found = sqlx::query!(
        r#"
        select since, op_ids, rights, told from punctaj.refusals where guild_id = $1 and user_id = $2
        "#,
        guild.db(),
        user.db(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Tally {
        since: row.since,
        ops: row.op_ids.into_iter().map(OpId::new).collect(),
        rights: row.rights.into_iter().collect(),
        told: row.told,
    }))
}

/// Keeps a person's minute, in the place of the one before.
///
/// # Errors
/// If the database fails.
pub async fn keep(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    tally: &Tally,
) -> Result<(), StoreError> {
    let ops: Vec<String> = tally.ops.iter().map(|op| op.as_str().to_owned()).collect();
    let rights: Vec<String> = tally.rights.iter().cloned().collect();
    sqlx::query!(
        r#"
        insert into punctaj.refusals (guild_id, user_id, since, op_ids, rights, told)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (guild_id, user_id) do update
            set since = excluded.since, op_ids = excluded.op_ids, rights = excluded.rights,
                told = excluded.told
        "#,
        guild.db(),
        user.db(),
        tally.since,
        &ops,
        &rights,
        tally.told,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose minutes are over and hold refusals that are not an event yet. Forgets those that are long
/// over.
///
/// # Errors
/// If the database fails.
pub async fn due(conn: &mut PgConnection) -> Result<Vec<(GuildId, UserId)>, StoreError> {
    let found = sqlx::query!(
        r#"
        with forgotten as (
            delete from punctaj.refusals
            where since < now() - make_interval(secs => $3) and (told or cardinality(op_ids) <= $1)
        )
        select guild_id, user_id from punctaj.refusals
        where since <= now() - make_interval(secs => $2) and not told and cardinality(op_ids) > $1
        "#,
        i32::try_from(OWN_EVENTS).unwrap_or(i32::MAX),
        MINUTE.as_seconds_f64(),
        KEPT.as_seconds_f64(),
    )
    .fetch_all(conn)
    .await?;
    Ok(found
        .into_iter()
        .map(|row| (GuildId::from_db(row.guild_id), UserId::from_db(row.user_id)))
        .collect())
}
