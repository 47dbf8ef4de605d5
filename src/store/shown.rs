//! What device sessions have been shown, and what they have not.

use sqlx::postgres::PgConnection;

use super::StoreError;
use super::operation::decode;
use crate::domain::event::Event;
use crate::domain::ids::{DeviceId, EntryId, GuildId, OpId, Seq, TableId, UserId};

/// A value that is about to be replaced.
#[derive(Debug, Clone, Copy)]
pub enum Written<'a> {
    /// A field, by the operation that wrote it.
    Field(&'a OpId),
    /// The points of an entry, by all that changed them.
    Points(EntryId),
}

/// Who wrote a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author {
    /// In which event.
    pub seq: Seq,
    /// None for schedules and operators.
    pub actor: Option<UserId>,
}

/// Who wrote a value on another device, after the table was last shown to this one: the newest.
///
/// # Errors
/// If the database fails.
pub async fn unseen(
    conn: &mut PgConnection,
    guild: GuildId,
    table: TableId,
    device: Option<&DeviceId>,
    written: Written<'_>,
) -> Result<Option<Author>, StoreError> {
    let (op, entry) = match written {
        Written::Field(op) => (Some(op.as_str()), None),
        Written::Points(entry) => (None, Some(entry.0)),
    };
    let found = sqlx::query!(
        r#"
        select e.seq, e.actor_id
        from punctaj.events e
        where e.guild_id = $1 and e.device_id is distinct from $3
            and (e.op_id = $4 or e.seq in (select l.seq from punctaj.ledger l where l.entry_id = $5))
            and e.seq > coalesce(
                (select s.seq from punctaj.shown s where s.device_id = $3 and s.table_id = $2), 0
            )
        order by e.seq desc
        limit 1
        "#,
        guild.db(),
        table.0,
        device.map(DeviceId::as_str),
        op,
        entry,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Author {
        seq: Seq(row.seq),
        actor: row.actor_id.map(UserId::from_db),
    }))
}

/// A session was shown a table with all events up to this one.
///
/// # Errors
/// If the database fails.
pub async fn table(
    conn: &mut PgConnection,
    device: &DeviceId,
    table: TableId,
    seq: Seq,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        insert into punctaj.shown as s (device_id, table_id, seq)
        values ($1, $2, $3)
        on conflict (device_id, table_id) do update set seq = greatest(s.seq, excluded.seq)
        "#,
        device.as_str(),
        table.0,
        seq.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A session was shown the news up to this event.
///
/// # Errors
/// If the database fails.
pub async fn news(
    conn: &mut PgConnection,
    guild: GuildId,
    device: &DeviceId,
    seq: Seq,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update punctaj.sessions
        set news_seq = greatest(news_seq, $3), told_seq = greatest(told_seq, $3)
        where guild_id = $1 and device_id = $2
        "#,
        guild.db(),
        device.as_str(),
        seq.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What happened after `since` on other devices, in tables that the person sees: the newest
/// events, and how many there are.
///
/// # Errors
/// If the database fails.
pub async fn missed(
    conn: &mut PgConnection,
    guild: GuildId,
    device: &DeviceId,
    since: Seq,
    sees_private: bool,
    limit: i64,
) -> Result<(Vec<Event>, i64), StoreError> {
    let found = sqlx::query!(
        r#"
        with missed as (
            select e.*
            from punctaj.events e
            left join punctaj.tables t on t.table_id = e.table_id
            where e.guild_id = $1 and e.seq > $3 and e.device_id is distinct from $2
                and e.outcome = 'applied' and not starts_with(e.action, 'session.')
                and ($4 or not coalesce(t.private, false))
        ),
        newest as (
            select m.* from missed m order by m.seq desc limit $5
        )
        select
            (select coalesce(jsonb_agg(to_jsonb(n) order by n.seq desc), '[]') from newest n) as "events!",
            (select count(*) from missed) as "count!"
        "#,
        guild.db(),
        device.as_str(),
        since.0,
        sees_private,
        limit,
    )
    .fetch_one(conn)
    .await?;
    Ok((decode(found.events, "events")?, found.count))
}
