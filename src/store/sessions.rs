//! Device sessions, outside operations.

use sqlx::postgres::PgConnection;

use super::StoreError;
use super::operation::decode;
use crate::domain::ids::{DeviceId, GuildId, TableId, UserId};
use crate::domain::session::{Session, SessionLimits};

/// A person's open sessions that have not run out, most recently used first.
///
/// # Errors
/// If the database fails.
pub async fn open_of(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    limits: SessionLimits,
) -> Result<Vec<Session>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select coalesce(jsonb_agg(to_jsonb(s) order by s.last_seen_at desc, s.device_id), '[]') as "sessions!"
        from punctaj.sessions s
        where s.guild_id = $1 and s.user_id = $2 and s.ended_at is null
            and s.last_seen_at > now() - make_interval(secs => $3)
            and s.login_at > now() - make_interval(secs => $4)
        "#,
        guild.db(),
        user.db(),
        limits.idle.as_seconds_f64(),
        limits.lifetime.as_seconds_f64(),
    )
    .fetch_one(conn)
    .await?;
    decode(found, "sessions")
}

/// How many sessions are open in a guild, everybody's or one person's.
///
/// # Errors
/// If the database fails.
pub async fn count_open(
    conn: &mut PgConnection,
    guild: GuildId,
    who: Option<UserId>,
    limits: SessionLimits,
) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from punctaj.sessions s
        where s.guild_id = $1 and ($2::bigint is null or s.user_id = $2) and s.ended_at is null
            and s.last_seen_at > now() - make_interval(secs => $3)
            and s.login_at > now() - make_interval(secs => $4)
        "#,
        guild.db(),
        who.map(UserId::db),
        limits.idle.as_seconds_f64(),
        limits.lifetime.as_seconds_f64(),
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// A part (from where, how many) of a guild's open sessions, most recently used first, everybody's
/// or one person's.
///
/// # Errors
/// If the database fails.
pub async fn open_in(
    conn: &mut PgConnection,
    guild: GuildId,
    who: Option<UserId>,
    limits: SessionLimits,
    (offset, limit): (i64, i64),
) -> Result<Vec<Session>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select to_jsonb(s) as "session!"
        from punctaj.sessions s
        where s.guild_id = $1 and ($2::bigint is null or s.user_id = $2) and s.ended_at is null
            and s.last_seen_at > now() - make_interval(secs => $3)
            and s.login_at > now() - make_interval(secs => $4)
        order by s.last_seen_at desc, s.device_id
        offset $5 limit $6
        "#,
        guild.db(),
        who.map(UserId::db),
        limits.idle.as_seconds_f64(),
        limits.lifetime.as_seconds_f64(),
        offset,
        limit,
    )
    .fetch_all(conn)
    .await?;
    found
        .into_iter()
        .map(|session| decode(session, "session"))
        .collect()
}

/// A session, open or ended.
///
/// # Errors
/// If the database fails.
pub async fn by_id(
    conn: &mut PgConnection,
    guild: GuildId,
    id: &DeviceId,
) -> Result<Option<Session>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select to_jsonb(s) as "session!" from punctaj.sessions s where s.guild_id = $1 and s.device_id = $2
        "#,
        guild.db(),
        id.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    found.map(|session| decode(session, "session")).transpose()
}

/// Notes that a session was used, and what it looked at. Not part of the history.
///
/// # Errors
/// If the database fails.
pub async fn touch(
    conn: &mut PgConnection,
    guild: GuildId,
    session: &Session,
    table: Option<TableId>,
    layout: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update punctaj.sessions
        set last_seen_at = greatest(last_seen_at, clock_timestamp()),
            last_table = coalesce($3, last_table), layout = coalesce($4, layout),
            told_seq = greatest(told_seq, $5)
        where guild_id = $1 and device_id = $2 and ended_at is null
        "#,
        guild.db(),
        session.device_id.as_str(),
        table.map(|id| id.0),
        layout,
        session.told_seq,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A session of a guild by which events can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub device_id: DeviceId,
    /// What it is called.
    pub label: Option<String>,
    /// The kind of client.
    pub platform: String,
}

/// The sessions of a guild, open and ended, the newest first. With `begins`, those that have a
/// label, and those whose id begins so (no id begins with an empty text here).
///
/// # Errors
/// If the database fails.
pub async fn devices(
    conn: &mut PgConnection,
    guild: GuildId,
    begins: Option<&str>,
    limit: i64,
) -> Result<Vec<Device>, StoreError> {
    let found = sqlx::query!(
        r#"
        select s.device_id, s.label, s.platform
        from punctaj.sessions s
        where s.guild_id = $1
            and ($2::text is null or s.label is not null or $2 <> '' and starts_with(s.device_id, $2))
        order by s.login_at desc, s.device_id
        limit $3
        "#,
        guild.db(),
        begins,
        limit,
    )
    .fetch_all(conn)
    .await?;
    found
        .into_iter()
        .map(|row| {
            Ok(Device {
                device_id: DeviceId::parse(&row.device_id)
                    .ok_or(StoreError::Corrupt("a device id"))?,
                label: row.label,
                platform: row.platform,
            })
        })
        .collect()
}
