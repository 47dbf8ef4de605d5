//! What device sessions have been shown, and what they have not.

use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::StoreError;
use super::operation::decode;
use crate::domain::access::Caller;
use crate::domain::event::Event;
use crate::domain::ids::{DeviceId, EntryId, GuildId, OpId, Seq, TableId, UserId};
use crate::domain::session::Session;
use crate::domain::stamp::Stamp;

/// A value that is about to be replaced.
#[derive(Debug, Clone, Copy)]
pub enum Written<'a> {
    /// A name, by the operation that wrote it.
    Name(&'a OpId),
    /// Another field, by the operation that wrote it.
    Field(&'a OpId),
    /// The points of an entry, by all that changed them from their base on. What is dated after
    /// the edit stays, and what is dated before the base was replaced by that.
    Points {
        /// Whose.
        entry: EntryId,
        /// Their base, where one was set.
        base: Option<&'a Stamp>,
        /// The table's last closing: what is dated before it went into that.
        closed: Option<&'a Stamp>,
        /// The edit.
        before: &'a Stamp,
    },
}

/// Who wrote a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author {
    /// In which event.
    pub seq: Seq,
    /// None for schedules and operators.
    pub actor: Option<UserId>,
}

/// Who wrote a value on other devices, after it was last shown to this one: each with the newest
/// event.
///
/// # Errors
/// If the database fails.
pub async fn unseen(
    conn: &mut PgConnection,
    guild: GuildId,
    table: TableId,
    device: Option<&DeviceId>,
    written: Written<'_>,
) -> Result<Vec<Author>, StoreError> {
    let (op, entry, base, before) = match written {
        Written::Name(op) | Written::Field(op) => (Some(op.as_str()), None, None, None),
        Written::Points {
            entry,
            base,
            before,
            ..
        } => (None, Some(entry.0), base, Some(before)),
    };
    let closed = match written {
        Written::Points { closed, .. } => closed,
        _ => None,
    };
    let in_panels = !matches!(written, Written::Field(_));
    let found = sqlx::query!(
        r#"
        select distinct on (e.actor_id) e.seq, e.actor_id
        from punctaj.events e
        where e.guild_id = $1 and e.device_id is distinct from $3
            and (e.op_id = $4 or e.seq in (
                select l.seq from punctaj.ledger l
                where l.entry_id = $5
                    and ($6::timestamptz is null or l.at >= $6
                        and (l.at, length(l.op_id), l.op_id collate "C") >= ($6, length($7), $7::text collate "C"))
                    and ($11::timestamptz is null or l.at >= $11
                        and (l.at, length(l.op_id), l.op_id collate "C") > ($11, length($12), $12::text collate "C"))
                    and (l.at, length(l.op_id), l.op_id collate "C") < ($8::timestamptz, length($9), $9::text collate "C")
            ))
            and e.seq > coalesce((
                select case when $10 then greatest(s.seq, s.names_seq) else s.seq end
                from punctaj.shown s where s.device_id = $3 and s.table_id = $2
            ), 0)
        order by e.actor_id, e.seq desc
        "#,
        guild.db(),
        table.0,
        device.map(DeviceId::as_str),
        op,
        entry,
        base.map(|base| base.at),
        base.map(|base| base.op.as_str()),
        before.map(|before| before.at),
        before.map(|before| before.op.as_str()),
        in_panels,
        closed.map(|closed| closed.at),
        closed.map(|closed| closed.op.as_str()),
    )
    .fetch_all(conn)
    .await?;
    let authors = found.into_iter().map(|row| Author {
        seq: Seq(row.seq),
        actor: row.actor_id.map(UserId::from_db),
    });
    Ok(authors.collect())
}

/// Up to which events a session has been shown a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// With everything in it; 0 for never.
    pub whole: Seq,
    /// Names and points.
    pub names: Seq,
}

/// What a session was noted to be shown, with the marks before, to take it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marked {
    /// A table, by the statement that noted that the session looked at it.
    Table {
        /// The session.
        device: DeviceId,
        /// Which table.
        table: TableId,
        /// The marks that were set; 0 for one that was not.
        marks: Marks,
        /// Those before.
        before: Marks,
    },
    /// What changed on other devices.
    News {
        /// The tenant.
        guild: GuildId,
        /// The session.
        device: DeviceId,
        /// The mark that was set.
        seq: Seq,
        /// The one before.
        before: Seq,
    },
}

/// It was not shown after all: the marks go back, unless others were set meanwhile.
///
/// # Errors
/// If the database fails.
pub async fn unmark(conn: &mut PgConnection, marked: &Marked) -> Result<(), StoreError> {
    let undoing = match marked {
        Marked::Table {
            device,
            table,
            marks,
            before,
        } => sqlx::query!(
            r#"
            update punctaj.shown
            set seq = case when seq = $3 then $5 else seq end,
                names_seq = case when names_seq = $4 then $6 else names_seq end
            where device_id = $1 and table_id = $2
            "#,
            device.as_str(),
            table.0,
            marks.whole.0,
            marks.names.0,
            before.whole.0,
            before.names.0,
        ),
        Marked::News {
            guild,
            device,
            seq,
            before,
        } => sqlx::query!(
            "update punctaj.sessions set news_seq = $4 where guild_id = $1 and device_id = $2 and news_seq = $3",
            guild.db(),
            device.as_str(),
            seq.0,
            before.0,
        ),
    };
    undoing.execute(conn).await?;
    Ok(())
}

/// Notes that a session was used, and is shown the news up to this event.
///
/// # Errors
/// If the database fails.
pub async fn mark_news(
    conn: &mut PgConnection,
    guild: GuildId,
    device: &DeviceId,
    seq: Seq,
) -> Result<Option<Marked>, StoreError> {
    let before = sqlx::query_scalar!(
        r#"
        with before as (
            select s.news_seq from punctaj.sessions s where s.guild_id = $1 and s.device_id = $2
        )
        update punctaj.sessions
        set last_seen_at = greatest(last_seen_at, clock_timestamp()),
            news_seq = greatest(news_seq, $3), told_seq = greatest(told_seq, $3)
        where guild_id = $1 and device_id = $2 and ended_at is null
        returning (select news_seq from before) as "before!"
        "#,
        guild.db(),
        device.as_str(),
        seq.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(before.map(|before| Marked::News {
        guild,
        device: device.clone(),
        seq,
        before: Seq(before),
    }))
}

/// Reads into a session what it missed; returns whether something waits to be told to its person.
///
/// # Errors
/// If the database fails.
pub async fn waiting(
    conn: &mut PgConnection,
    guild: GuildId,
    session: &mut Session,
    caller: &Caller,
) -> Result<bool, StoreError> {
    let found = sqlx::query!(
        r#"
        select punctaj.missed($1, $2, $3, $5::jsonb) as "missed!", exists (
            select from punctaj.outbox o where o.guild_id = $1 and o.user_id = $4 and o.parked
        ) as "parked!"
        "#,
        guild.db(),
        session.device_id.as_str(),
        session.news_seq,
        session.user_id.db(),
        Json(caller) as _,
    )
    .fetch_one(conn)
    .await?;
    session.missed = decode(found.missed, "what was missed")?;
    Ok(found.parked)
}

/// What happened on other devices that a session has not seen.
#[derive(Debug)]
pub struct Missed {
    /// The oldest events.
    pub events: Vec<Event>,
    /// How many there are.
    pub count: i64,
    /// The guild's newest event, its own ones included.
    pub head: Seq,
    /// Something else waits to be told to its person.
    pub parked: bool,
}

/// What happened on other devices since a session was last shown the news, in tables that its
/// person sees.
///
/// # Errors
/// If the database fails.
pub async fn missed(
    conn: &mut PgConnection,
    guild: GuildId,
    session: &Session,
    caller: &Caller,
    limit: i64,
) -> Result<Missed, StoreError> {
    let found = sqlx::query_file!(
        "src/store/missed_events.sql",
        guild.db(),
        session.device_id.as_str(),
        session.news_seq,
        Json(caller) as _,
        limit,
        session.user_id.db(),
    )
    .fetch_one(conn)
    .await?;
    Ok(Missed {
        events: decode(found.events, "events")?,
        count: found.count,
        head: Seq(found.head),
        parked: found.parked,
    })
}
