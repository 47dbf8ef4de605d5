//! Which guilds were welcomed.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use super::StoreError;
use crate::domain::ids::GuildId;

/// Notes that a guild which the bot joined at that moment is welcomed: true for whoever is to do so.
/// One that it joined more than a day ago knows it, and so does one that has tables.
///
/// # Errors
/// If the database fails.
pub async fn claim(
    conn: &mut PgConnection,
    guild: GuildId,
    joined_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let claimed = sqlx::query!(
        r#"
        insert into punctaj.welcomes as w (guild_id, joined_at)
        select $1, $2
        where $2 > now() - interval '1 day'
            and not exists (
                select from punctaj.tables t where t.guild_id = $1 and t.deleted_at is null
            )
        on conflict on constraint welcomes_pkey do update
            set joined_at = excluded.joined_at, welcomed_at = clock_timestamp()
            where w.joined_at < excluded.joined_at
        "#,
        guild.db(),
        joined_at,
    )
    .execute(conn)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// Nobody could be told after all: whoever claims it next is to do so.
///
/// # Errors
/// If the database fails.
pub async fn give_back(
    conn: &mut PgConnection,
    guild: GuildId,
    joined_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update punctaj.welcomes set joined_at = '-infinity' where guild_id = $1 and joined_at = $2",
        guild.db(),
        joined_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
