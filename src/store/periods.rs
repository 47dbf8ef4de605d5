//! Closed periods with the rows that were kept of them, and what schedules are to do.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::StoreError;
use super::entries::PageRow;
use super::operation::{TableRow, decode};
use super::outbox::News;
use super::tables::decoded;
use crate::domain::guild::Settings;
use crate::domain::ids::{ChannelId, EntryId, GuildId, OpId, Seq, TableId, UserId};
use crate::domain::period::{Period, proposed_text, read_proposed};
use crate::domain::table::Table;

/// A closing as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The event that closed it.
    pub seq: Seq,
    /// What was closed.
    pub period: Period,
    /// Who closed it; none for a schedule.
    pub by: Option<UserId>,
    /// It was undone.
    pub reopened: bool,
    /// The table as it was.
    pub table: Table,
}

struct KeptRow {
    seq: i64,
    table_id: uuid::Uuid,
    number: i32,
    since: Option<DateTime<Utc>>,
    closed_at: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
    entries: i64,
    total: i64,
    proposed: Option<String>,
    structure: serde_json::Value,
    reopened: bool,
    actor_id: Option<i64>,
}

impl TryFrom<KeptRow> for Kept {
    type Error = StoreError;

    fn try_from(row: KeptRow) -> Result<Self, StoreError> {
        Ok(Self {
            seq: Seq(row.seq),
            period: Period {
                table_id: TableId(row.table_id),
                number: row.number,
                since: row.since,
                closed: row.closed_at,
                due: row.due_at,
                entries: row.entries,
                total: row.total,
                proposed: row
                    .proposed
                    .as_deref()
                    .map(read_proposed)
                    .unwrap_or_default(),
            },
            by: row.actor_id.map(UserId::from_db),
            reopened: row.reopened,
            table: decode::<TableRow>(row.structure, "a closed table")?.into(),
        })
    }
}

/// Keeps a period that an operation's event closes, and all rows of its table as they are now.
///
/// # Errors
/// If the database fails.
pub async fn keep(
    conn: &mut PgConnection,
    (guild, seq, op): (GuildId, Seq, &OpId),
    period: &Period,
    due_on: Option<NaiveDate>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        with kept as (
            insert into punctaj.periods (
                guild_id, seq, op_id, table_id, number, since, closed_at, due_at, due_on, entries, total,
                proposed, structure
            )
            select $1, $2, $3, t.table_id, $5, $6, $7, $8, $9, $10, $11, $12, punctaj.table_json(t)
            from punctaj.tables t where t.guild_id = $1 and t.table_id = $4
            returning guild_id, seq
        )
        insert into punctaj.period_rows (
            guild_id, seq, entry_id, name, member_id, rank, points, extra, exempt
        )
        select k.guild_id, k.seq, e.entry_id, e.name, e.member_id, e.rank, e.points, e.extra, e.exempt
        from kept k
        join punctaj.entries e on e.table_id = $4 and e.deleted_at is null
        "#,
        guild.db(),
        seq.0,
        op.as_str(),
        period.table_id.0,
        period.number,
        period.since,
        period.closed,
        period.due,
        due_on,
        period.entries,
        period.total,
        proposed_text(&period.proposed),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A closing is undone, or brought back.
///
/// # Errors
/// If the database fails.
pub async fn mark_reopened(
    conn: &mut PgConnection,
    guild: GuildId,
    seq: Seq,
    reopened: bool,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update punctaj.periods set reopened = $3 where guild_id = $1 and seq = $2",
        guild.db(),
        seq.0,
        reopened,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which ranks a closing proposes.
///
/// # Errors
/// If the database fails.
pub async fn propose(
    conn: &mut PgConnection,
    guild: GuildId,
    seq: Seq,
    period: &Period,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update punctaj.periods set proposed = $3 where guild_id = $1 and seq = $2",
        guild.db(),
        seq.0,
        proposed_text(&period.proposed),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The closing of that event.
///
/// # Errors
/// If the database fails.
pub async fn by_seq(
    conn: &mut PgConnection,
    guild: GuildId,
    seq: Seq,
) -> Result<Option<Kept>, StoreError> {
    let found = sqlx::query_as!(
        KeptRow,
        r#"
        select p.seq, p.table_id, p.number, p.since, p.closed_at, p.due_at, p.entries, p.total,
            p.proposed, p.structure, p.reopened, e.actor_id as "actor_id?"
        from punctaj.periods p
        left join punctaj.events e on e.guild_id = p.guild_id and e.seq = p.seq
        where p.guild_id = $1 and p.seq = $2
        "#,
        guild.db(),
        seq.0,
    )
    .fetch_optional(conn)
    .await?;
    found.map(Kept::try_from).transpose()
}

/// The closed period of that number; the last one without.
///
/// # Errors
/// If the database fails.
pub async fn closed(
    conn: &mut PgConnection,
    table: TableId,
    number: Option<i32>,
) -> Result<Option<Kept>, StoreError> {
    let found = sqlx::query_as!(
        KeptRow,
        r#"
        select p.seq, p.table_id, p.number, p.since, p.closed_at, p.due_at, p.entries, p.total,
            p.proposed, p.structure, p.reopened, e.actor_id as "actor_id?"
        from punctaj.periods p
        left join punctaj.events e on e.guild_id = p.guild_id and e.seq = p.seq
        where p.table_id = $1 and not p.reopened and ($2::integer is null or p.number = $2)
        order by p.number desc
        limit 1
        "#,
        table.0,
        number,
    )
    .fetch_optional(conn)
    .await?;
    found.map(Kept::try_from).transpose()
}

/// The newest closing of a table after an event, of those that were not undone.
///
/// # Errors
/// If the database fails.
pub async fn closed_after(
    conn: &mut PgConnection,
    table: TableId,
    after: Seq,
) -> Result<Option<Kept>, StoreError> {
    let found = sqlx::query_as!(
        KeptRow,
        r#"
        select p.seq, p.table_id, p.number, p.since, p.closed_at, p.due_at, p.entries, p.total,
            p.proposed, p.structure, p.reopened, e.actor_id as "actor_id?"
        from punctaj.periods p
        left join punctaj.events e on e.guild_id = p.guild_id and e.seq = p.seq
        where p.table_id = $1 and not p.reopened and p.seq > $2
        order by p.seq desc
        limit 1
        "#,
        table.0,
        after.0,
    )
    .fetch_optional(conn)
    .await?;
    found.map(Kept::try_from).transpose()
}

/// The closings of a table, those that were undone too, newest first; and how many there are.
///
/// # Errors
/// If the database fails.
pub async fn list(
    conn: &mut PgConnection,
    table: TableId,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Kept>, i64), StoreError> {
    let total = sqlx::query_scalar!(
        r#"select count(*) as "total!" from punctaj.periods where table_id = $1"#,
        table.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    let found = sqlx::query_as!(
        KeptRow,
        r#"
        select p.seq, p.table_id, p.number, p.since, p.closed_at, p.due_at, p.entries, p.total,
            p.proposed, p.structure, p.reopened, e.actor_id as "actor_id?"
        from punctaj.periods p
        left join punctaj.events e on e.guild_id = p.guild_id and e.seq = p.seq
        where p.table_id = $1
        order by p.seq desc
        offset $2 limit $3
        "#,
        table.0,
        offset,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let kept: Result<Vec<_>, _> = found.into_iter().map(Kept::try_from).collect();
    Ok((kept?, total))
}

/// The closed periods of a table whose numbers begin so, newest first: the number, when it was
/// closed, and the guild's time zone.
///
/// # Errors
/// If the database fails.
pub async fn choices(
    conn: &mut PgConnection,
    table: TableId,
    digits: &str,
    limit: i64,
) -> Result<Vec<(i32, DateTime<Utc>, Option<String>)>, StoreError> {
    let found = sqlx::query!(
        r#"
        select p.number, p.closed_at, g.timezone
        from punctaj.periods p
        join punctaj.guilds g using (guild_id)
        where p.table_id = $1 and not p.reopened and starts_with(p.number::text, $2)
        order by p.number desc
        limit $3
        "#,
        table.0,
        digits,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let choices = found.into_iter();
    Ok(choices
        .map(|row| (row.number, row.closed_at, row.timezone))
        .collect())
}

/// The rows that were kept of a closing, in the order of their ids.
///
/// # Errors
/// If the database fails.
pub async fn rows(
    conn: &mut PgConnection,
    guild: GuildId,
    seq: Seq,
) -> Result<Vec<PageRow>, StoreError> {
    let found = sqlx::query!(
        r#"
        select entry_id, name, member_id, rank, points, exempt,
            extra as "extra: Json<std::collections::BTreeMap<String, String>>"
        from punctaj.period_rows
        where guild_id = $1 and seq = $2
        order by entry_id
        "#,
        guild.db(),
        seq.0,
    )
    .fetch_all(conn)
    .await?;
    let row = found.into_iter().map(|row| PageRow {
        id: EntryId(row.entry_id),
        name: row.name,
        member_id: row.member_id.map(UserId::from_db),
        rank: row.rank,
        points: row.points,
        exempt: row.exempt,
        extra: row.extra.0,
    });
    Ok(row.collect())
}

/// A closing that no event tells of: the address of its table, and its number.
///
/// # Errors
/// If the database fails.
pub async fn stray(
    conn: &mut PgConnection,
    guild: GuildId,
) -> Result<Option<(String, i32)>, StoreError> {
    let found = sqlx::query!(
        r#"
        select case when t.category is null then t.name else t.category || '/' || t.name end as "table!",
            p.number
        from punctaj.periods p
        join punctaj.tables t using (table_id)
        where p.guild_id = $1 and not exists (
            select from punctaj.events e
            where e.guild_id = $1 and e.seq = p.seq and e.action = 'period.close'
                and e.outcome = 'applied' and e.table_id = p.table_id and e.op_id = p.op_id
        )
        order by p.seq
        limit 1
        "#,
        guild.db(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| (row.table, row.number)))
}

/// The last day whose run of a schedule was, be it undone or not.
///
/// # Errors
/// If the database fails.
pub async fn done(
    conn: &mut PgConnection,
    table: TableId,
) -> Result<Option<NaiveDate>, StoreError> {
    let done = sqlx::query_scalar!(
        "select max(due_on) from punctaj.periods where table_id = $1 and due_on is not null",
        table.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(done)
}

/// A table that is closed by a schedule.
#[derive(Debug, Clone)]
pub struct Scheduled {
    /// Where.
    pub guild: GuildId,
    /// The guild's settings.
    pub settings: Settings,
    /// The table.
    pub table: Table,
    /// The last day whose run was.
    pub done: Option<NaiveDate>,
}

/// The tables that are closed by schedules, of all guilds, and what time it is.
///
/// # Errors
/// If the database fails.
pub async fn scheduled(
    conn: &mut PgConnection,
) -> Result<(Vec<Scheduled>, DateTime<Utc>), StoreError> {
    let now = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#)
        .fetch_one(&mut *conn)
        .await?;
    let found = sqlx::query!(
        r#"
        select t.guild_id, punctaj.table_json(t) as "table!", g.timezone, g.log_channel,
            (
                select max(p.due_on) from punctaj.periods p
                where p.table_id = t.table_id and p.due_on is not null
            ) as done
        from punctaj.tables t
        join punctaj.guilds g using (guild_id)
        where t.schedule_every is not null and not t.schedule_paused and t.deleted_at is null
        order by t.guild_id, t.table_id
        "#,
    )
    .fetch_all(conn)
    .await?;
    let tables = found.into_iter().map(|row| {
        Ok(Scheduled {
            guild: GuildId::from_db(row.guild_id),
            settings: Settings {
                timezone: row.timezone,
                log_channel: row.log_channel.map(ChannelId::from_db),
                ..Settings::default()
            },
            table: decoded(row.table)?,
            done: row.done,
        })
    });
    let tables: Result<Vec<_>, StoreError> = tables.collect();
    Ok((tables?, now))
}

/// Queues the warning before a run, if it was not queued before. Another moment is another run: who
/// was told the one is told the other too.
///
/// # Errors
/// If the database fails.
pub async fn warn(
    conn: &mut PgConnection,
    guild: GuildId,
    channel: ChannelId,
    table: TableId,
    due: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let news = serde_json::to_value(News::Warning { table, due });
    let body = news.unwrap_or_default();
    let queued = sqlx::query!(
        r#"
        with fresh as (
            insert into punctaj.period_warnings (table_id, due_at) values ($1, $2)
            on conflict do nothing
            returning table_id
        )
        insert into punctaj.outbox (guild_id, channel_id, kind, body)
        select $3, $4, $5::jsonb ->> 'kind', $5::jsonb -> 'body' from fresh
        "#,
        table.0,
        due,
        guild.db(),
        channel.db(),
        body,
    )
    .execute(conn)
    .await?;
    Ok(queued.rows_affected() > 0)
}
