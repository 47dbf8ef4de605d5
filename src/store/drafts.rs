//! What a reply's buttons need and a `custom_id` cannot hold. Kept for a week.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::StoreError;
use super::operation::decode;
use crate::domain::ids::{DraftId, GuildId, UserId};

/// Keeps a draft, and forgets those that are older than a week.
///
/// # Errors
/// If the database fails.
pub async fn keep<T: Serialize + Sync>(
    conn: &mut PgConnection,
    id: DraftId,
    guild: GuildId,
    user: UserId,
    body: &T,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        with forgotten as (delete from punctaj.drafts where created_at < now() - interval '7 days')
        insert into punctaj.drafts (draft_id, guild_id, user_id, body) values ($1, $2, $3, $4)
        "#,
        id.0,
        guild.db(),
        user.db(),
        Json(body) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Finds a draft of this guild again, and whose it is.
///
/// # Errors
/// If the database fails.
pub async fn find<T: DeserializeOwned>(
    conn: &mut PgConnection,
    id: DraftId,
    guild: GuildId,
) -> Result<Option<(UserId, T)>, StoreError> {
    let found = sqlx::query!(
        "select user_id, body from punctaj.drafts where draft_id = $1 and guild_id = $2",
        id.0,
        guild.db(),
    )
    .fetch_optional(conn)
    .await?;
    found
        .map(|row| Ok((UserId::from_db(row.user_id), decode(row.body, "draft")?)))
        .transpose()
}
