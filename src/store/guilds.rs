//! A guild's settings, outside operations.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use super::StoreError;
use super::operation::decode;
use crate::domain::guild::Settings;
use crate::domain::ids::{GuildId, Seq};

/// A guild's settings, and why its log could not be posted, if it could not.
///
/// # Errors
/// If the database fails.
pub async fn settings(
    conn: &mut PgConnection,
    guild: GuildId,
) -> Result<(Settings, Option<String>), StoreError> {
    let found = sqlx::query!(
        r#"
        select jsonb_build_object(
            'language', g.language, 'timezone', g.timezone, 'log_channel', g.log_channel
        ) as "settings!", g.log_problem
        from punctaj.guilds g
        where g.guild_id = $1
        "#,
        guild.db(),
    )
    .fetch_optional(conn)
    .await?;
    match found {
        Some(found) => Ok((decode(found.settings, "settings")?, found.log_problem)),
        None => Ok((Settings::default(), None)),
    }
}

/// The newest event of each of these guilds, and what the database's clock says.
///
/// # Errors
/// If the database fails.
pub async fn heads(conn: &mut PgConnection, guilds: &[GuildId]) -> Result<Vec<Head>, StoreError> {
    let guilds: Vec<i64> = guilds.iter().map(|guild| guild.db()).collect();
    let found = sqlx::query!(
        r#"
        select guild_id, head_seq, now() as "now!"
        from punctaj.guilds
        where guild_id = any($1)
        "#,
        &guilds,
    )
    .fetch_all(conn)
    .await?;
    let head = found.into_iter().map(|row| Head {
        guild: GuildId::from_db(row.guild_id),
        seq: Seq(row.head_seq),
        now: row.now,
    });
    Ok(head.collect())
}

/// How far a guild's history goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Whose.
    pub guild: GuildId,
    /// Its newest event.
    pub seq: Seq,
    /// The database's clock.
    pub now: DateTime<Utc>,
}
