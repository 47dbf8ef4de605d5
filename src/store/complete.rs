//! Autocomplete: each answer is one round trip, from indexes.

use sqlx::postgres::{PgConnection, PgPool};

use super::StoreError;
use crate::domain::ids::{DeviceId, GuildId, TableId, UserId};

/// Above every character, so that `prefix` and `prefix` with it enclose all that begin with it.
const HIGHEST: char = '\u{10FFFF}';

/// Candidates among which near names are looked for.
const CANDIDATES: i64 = 500;

/// Names of entries that begin so, in the table that is addressed, or the one the person used
/// last, or the only one.
///
/// # Errors
/// If the database fails.
pub async fn entries(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    address: Option<(Option<String>, String)>,
    prefix: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let (category, name) = address.map_or((None, None), |(category, name)| (category, Some(name)));
    let found = sqlx::query_file_scalar!(
        "src/store/complete_entries.sql",
        guild.db(),
        user.db(),
        category,
        name,
        prefix,
        format!("{prefix}{HIGHEST}"),
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(found)
}

/// Addresses of live tables whose name or category or address holds this text, those that begin
/// with it first.
///
/// # Errors
/// If the database fails.
pub async fn tables(
    pool: &PgPool,
    guild: GuildId,
    text: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select case when t.category is null then t.name else t.category || '/' || t.name end as "address!"
        from punctaj.tables t
        where t.guild_id = $1 and t.deleted_at is null
            and strpos(
                case when t.category_key = '' then t.name_key else t.category_key || '/' || t.name_key end, $2
            ) > 0
        order by starts_with(t.name_key, $2) or starts_with(t.category_key, $2) desc, t.category_key, t.name_key
        limit $3
        "#,
        guild.db(),
        text,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(found)
}

/// A rank to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankChoice {
    /// Its number.
    pub number: i32,
    /// Its title.
    pub title: String,
}

/// The ranks of the table that is addressed, or the one the person used last, or the only one.
///
/// # Errors
/// If the database fails.
pub async fn ranks(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    address: Option<(Option<String>, String)>,
    limit: i64,
) -> Result<Vec<RankChoice>, StoreError> {
    let (category, name) = address.map_or((None, None), |(category, name)| (category, Some(name)));
    let found = sqlx::query_file_as!(
        RankChoice,
        "src/store/complete_ranks.sql",
        guild.db(),
        user.db(),
        category,
        name,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(found)
}

/// A session to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionChoice {
    /// Its id.
    pub device_id: String,
    /// The kind of client.
    pub platform: String,
    /// What it is called.
    pub label: Option<String>,
}

impl SessionChoice {
    /// The id, shortened as people see it.
    #[must_use]
    pub fn short(&self) -> String {
        DeviceId::parse(&self.device_id)
            .map(|id| id.short().to_owned())
            .unwrap_or_default()
    }
}

/// A person's open sessions, most recently used first.
///
/// # Errors
/// If the database fails.
pub async fn sessions(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    limit: i64,
) -> Result<Vec<SessionChoice>, StoreError> {
    let found = sqlx::query_as!(
        SessionChoice,
        r#"
        select s.device_id, s.platform, s.label
        from punctaj.sessions s
        where s.guild_id = $1 and s.user_id = $2 and s.ended_at is null
        order by s.last_seen_at desc, s.device_id
        limit $3
        "#,
        guild.db(),
        user.db(),
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(found)
}

/// An event to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventChoice {
    /// Its number.
    pub seq: i64,
    /// What was done.
    pub action: String,
    /// The names it is about, as written in it.
    pub names: Option<String>,
}

/// The newest events whose number begins with `digits`; only one person's with `actor`.
///
/// # Errors
/// If the database fails.
pub async fn events(
    pool: &PgPool,
    guild: GuildId,
    actor: Option<UserId>,
    digits: &str,
    limit: i64,
) -> Result<Vec<EventChoice>, StoreError> {
    let found = sqlx::query_as!(
        EventChoice,
        r#"
        select e.seq, e.action, (
            select string_agg(distinct c ->> 'name', ', ')
            from jsonb_array_elements(e.changes) c where c ->> 'what' in ('entry', 'table', 'rank')
        ) as names
        from (
            select x.seq, x.action, x.changes
            from punctaj.events x
            where x.guild_id = $1 and ($2::bigint is null or x.actor_id = $2)
                and ($3 = '' or starts_with(x.seq::text, $3))
                and ($2::bigint is null or x.action not in ('session.open', 'session.close'))
            order by x.seq desc
            limit $4
        ) e
        order by e.seq desc
        "#,
        guild.db(),
        actor.map(UserId::db),
        digits,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(found)
}

/// Names of a table's live entries that share the first character with `key` or hold it: among
/// them a near name is looked for.
///
/// # Errors
/// If the database fails.
pub async fn candidates(
    conn: &mut PgConnection,
    table: TableId,
    key: &str,
) -> Result<Vec<String>, StoreError> {
    let first: String = key.chars().take(1).collect();
    let found = sqlx::query_scalar!(
        r#"
        (
            select e.name from punctaj.entries e
            where e.table_id = $1 and e.deleted_at is null and e.name_key >= $2 and e.name_key < $3
            order by e.name_key limit $5
        )
        union
        (
            select e.name from punctaj.entries e
            where e.table_id = $1 and e.deleted_at is null and strpos(e.name_key, $4) > 0
            limit 20
        )
        "#,
        table.0,
        first,
        format!("{first}{HIGHEST}"),
        key,
        CANDIDATES,
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().flatten().collect())
}
