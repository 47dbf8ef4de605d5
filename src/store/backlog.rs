//! What waits for others to be told or shown, as a whole: for whoever watches the bot.

use std::time::Duration;

use sqlx::postgres::PgConnection;

use super::StoreError;

/// What all guilds' changes have left to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backlog {
    /// Messages that are not posted, save those that wait for their person's next command.
    pub outbox: i64,
    /// Boards that are behind, save those that can't be posted.
    pub boards: i64,
    /// How old the oldest change is that one of these waits with.
    pub lag: Duration,
}

/// What there is now. A board that is to be looked at anew, whatever it has seen, is behind nothing of
/// an age.
///
/// # Errors
/// If the database fails.
pub async fn read(conn: &mut PgConnection) -> Result<Backlog, StoreError> {
    let found = sqlx::query!(
        r#"
        with outbox as (
            select count(*) as pending, min(o.created_at) as oldest
            from punctaj.outbox o
            where not o.parked
        ),
        boards as (
            -- As `boards::is_one_behind` has it. Numbers have no gaps: the next one is the oldest unseen.
            select count(*) as pending, min(e.applied_at) as oldest
            from punctaj.boards b
            join punctaj.tables t using (table_id)
            join punctaj.guilds g using (guild_id)
            left join punctaj.events e
                on e.guild_id = g.guild_id and e.seq = b.seen_seq + 1 and b.seen_seq > 0
            where (b.problem is null or b.layout is null or b.not_before <= now())
                and (b.seen_seq < g.head_seq or b.layout is null)
        )
        select o.pending as "outbox!", b.pending as "boards!",
            extract(epoch from now() - least(o.oldest, b.oldest))::float8 as lag
        from outbox o, boards b
        "#,
    )
    .fetch_one(conn)
    .await?;
    let lag = Duration::try_from_secs_f64(found.lag.unwrap_or_default());
    Ok(Backlog {
        outbox: found.outbox,
        boards: found.boards,
        lag: lag.unwrap_or_default(),
    })
}
