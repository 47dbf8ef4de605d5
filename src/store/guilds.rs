//! A guild's settings, outside operations.

use sqlx::postgres::PgConnection;

use super::StoreError;
use super::operation::decode;
use crate::domain::guild::Settings;
use crate::domain::ids::GuildId;

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
