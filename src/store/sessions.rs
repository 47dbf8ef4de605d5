//! Device sessions, outside operations.

use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::StoreError;
use super::operation::decode;
use super::shown::{Marked, Marks};
use crate::domain::access::Caller;
use crate::domain::ids::{DeviceId, GuildId, Seq, TableId, UserId};
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

/// What a session was used for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Use<'a> {
    /// The table that it looked at.
    pub table: Option<TableId>,
    /// The layout that it asked for.
    pub layout: Option<&'a str>,
    /// It is shown the table with all events up to this one: no newer one than it was read at.
    pub shows: Option<Seq>,
}

/// Notes that a session was used, what it looked at, and up to which event it is shown that; returns
/// what was marked. Not part of the history.
///
/// # Errors
/// If the database fails.
pub async fn touch(
    conn: &mut PgConnection,
    guild: GuildId,
    session: &Session,
    to: Use<'_>,
) -> Result<Option<Marked>, StoreError> {
    let before = sqlx::query!(
        r#"
        with before as (
            select s.seq, s.names_seq from punctaj.shown s where s.device_id = $2 and s.table_id = $3
        ),
        touched as (
            update punctaj.sessions s
            set last_seen_at = greatest(s.last_seen_at, clock_timestamp()),
                last_table = coalesce($3, s.last_table), layout = coalesce($4, s.layout),
                told_seq = greatest(s.told_seq, $5)
            where s.guild_id = $1 and s.device_id = $2 and s.ended_at is null
            returning s.device_id
        ),
        marked as (
            insert into punctaj.shown as s (device_id, table_id, seq, names_seq)
            select t.device_id, $3::uuid, $6::bigint, $6::bigint
            from touched t
            where $3::uuid is not null and $6::bigint is not null
            on conflict (device_id, table_id) do update
            set seq = greatest(s.seq, excluded.seq), names_seq = greatest(s.names_seq, excluded.names_seq)
            returning s.device_id
        )
        select coalesce(b.seq, 0) as "whole!", coalesce(b.names_seq, 0) as "names!"
        from marked m left join before b on true
        "#,
        guild.db(),
        session.device_id.as_str(),
        to.table.map(|id| id.0),
        to.layout,
        session.told_seq,
        to.shows.map(|seq| seq.0),
    )
    .fetch_optional(conn)
    .await?;
    let marked = before.zip(to.table.zip(to.shows));
    Ok(marked.map(|(before, (table, seq))| Marked::Table {
        device: session.device_id.clone(),
        table,
        marks: Marks {
            whole: seq,
            names: seq,
        },
        before: Marks {
            whole: Seq(before.whole),
            names: Seq(before.names),
        },
    }))
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
/// label, and those whose id begins so (no id begins with an empty text here). None for a caller who
/// does not reach the whole guild.
///
/// # Errors
/// If the database fails.
pub async fn devices(
    conn: &mut PgConnection,
    guild: GuildId,
    caller: &Caller,
    begins: Option<&str>,
    limit: i64,
) -> Result<Vec<Device>, StoreError> {
    let found = sqlx::query!(
        r#"
        select s.device_id, s.label, s.platform
        from punctaj.sessions s
        where s.guild_id = $1 and punctaj.holds($1, $4)
            and ($2::text is null or s.label is not null or $2 <> '' and starts_with(s.device_id, $2))
        order by s.login_at desc, s.device_id
        limit $3
        "#,
        guild.db(),
        begins,
        limit,
        Json(caller) as _,
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
