//! What a guild's schedules and ranks' roles wait for.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::postgres::PgConnection;

use crate::domain::ids::{GuildId, TableId};
use crate::store::StoreError;

/// What a table's schedule has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Whose.
    pub table: TableId,
    /// The last day whose run was.
    pub on: Option<NaiveDate>,
    /// When its last run was due, and when it was.
    pub last: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// What the schedules of these tables have done.
///
/// # Errors
/// If the database fails.
pub async fn done(conn: &mut PgConnection, tables: &[TableId]) -> Result<Vec<Done>, StoreError> {
    let ids: Vec<_> = tables.iter().map(|table| table.0).collect();
    let rows = sqlx::query!(
        r#"
        select t.table_id as "table_id!", whole.due_on, last.due_at as "due_at?",
            last.closed_at as "closed_at?"
        from unnest($1::uuid[]) t (table_id)
        cross join lateral (
            select max(p.due_on) as due_on from punctaj.periods p where p.table_id = t.table_id
        ) whole
        left join lateral (
            select p.due_at, p.closed_at
            from punctaj.periods p
            where p.table_id = t.table_id and p.due_at is not null and not p.reopened
            order by p.seq desc
            limit 1
        ) last on true
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let done = rows.into_iter().map(|row| Done {
        table: TableId(row.table_id),
        on: row.due_on,
        last: row.due_at.zip(row.closed_at),
    });
    Ok(done.collect())
}

/// Whom the roles of ranks wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RolesWaiting {
    /// Members whose roles are not as they should be for long, and are tried again.
    pub late: i64,
    /// Members whose roles are not tried again by themselves.
    pub given_up: i64,
    /// Entries with such a rank, of which nobody knows whose they are.
    pub unlinked: i64,
}

/// Whom the roles of a guild's ranks wait for, the entries being those of these tables.
///
/// # Errors
/// If the database fails.
pub async fn roles_waiting(
    conn: &mut PgConnection,
    guild: GuildId,
    tables: &[TableId],
    late: TimeDelta,
) -> Result<RolesWaiting, StoreError> {
    let ids: Vec<_> = tables.iter().map(|table| table.0).collect();
    let row = sqlx::query!(
        r#"
        select
            (
                select count(distinct c.member_id) from punctaj.role_changes c
                where c.guild_id = $1 and c.not_before <> 'infinity'
                    and c.queued_at <= now() - make_interval(secs => $3)
            ) as "late!",
            (
                select count(distinct c.member_id) from punctaj.role_changes c
                where c.guild_id = $1 and c.not_before = 'infinity'
            ) as "given_up!",
            (
                select count(*)
                from punctaj.entries e
                join punctaj.ranks r on r.table_id = e.table_id and r.number = e.rank
                where e.guild_id = $1 and e.table_id = any($2) and e.deleted_at is null
                    and e.member_id is null and r.role_id is not null
            ) as "unlinked!"
        "#,
        guild.db(),
        &ids,
        late.as_seconds_f64(),
    )
    .fetch_one(conn)
    .await?;
    Ok(RolesWaiting {
        late: row.late,
        given_up: row.given_up,
        unlinked: row.unlinked,
    })
}
