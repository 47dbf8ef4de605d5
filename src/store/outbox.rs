//! What waits to be told to others. Rows are written with the change they tell of, and taken in
//! batches: a batch is one message, posted under one nonce however often it is tried.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::StoreError;
use super::operation::decode;
use crate::domain::ids::{ChannelId, GuildId, RoleId, Seq, TableId, UserId};

/// To whom something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum To {
    /// Whoever reads a channel.
    #[serde(rename = "channel_id")]
    Channel(ChannelId),
    /// One person.
    #[serde(rename = "user_id")]
    Person(UserId),
}

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// To whom.
    #[serde(flatten)]
    pub to: To,
    /// What.
    #[serde(flatten)]
    pub news: News,
}

/// What is to be posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "lowercase")]
pub enum News {
    /// An edit, by its number.
    Event {
        /// The number.
        seq: Seq,
    },
    /// The head of the chain.
    Head {
        /// The newest event's number.
        seq: Seq,
        /// Its hash, whole.
        hash: String,
    },
    /// A board can't be posted.
    Board {
        /// Which table it shows.
        table: TableId,
        /// Where.
        channel: ChannelId,
    },
    /// A role that goes with a rank can't be handed out or taken back.
    Role {
        /// Which role.
        role: RoleId,
    },
    /// What has become of an edit that had waited for the database, as its author is told.
    Outcome {
        /// In their language.
        text: String,
    },
    /// A period was closed.
    Period {
        /// By which event.
        seq: Seq,
    },
    /// A schedule is about to close a table.
    Warning {
        /// Which.
        table: TableId,
        /// When.
        due: DateTime<Utc>,
    },
    /// A value of somebody's was replaced unseen.
    Overwritten {
        /// By which event.
        seq: Seq,
        /// Which of those that it replaced.
        index: usize,
    },
}

/// What goes into one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Under which nonce.
    pub id: Uuid,
    /// Whose.
    pub guild: GuildId,
    /// To whom.
    pub to: To,
    /// In order.
    pub news: Vec<News>,
}

/// Takes the oldest news of a channel (or person) that nobody is posting to, or again what
/// somebody took and did not post within `patience`: that is the same batch then. What several
/// processes want at once goes to one of them. A person gets one piece of news at a time, and a
/// report stands alone.
///
/// # Errors
/// If the database fails.
pub async fn take(
    conn: &mut PgConnection,
    fresh: Uuid,
    patience: TimeDelta,
    limit: i64,
) -> Result<Option<Batch>, StoreError> {
    let found = sqlx::query!(
        r#"
        with oldest as (
            select o.outbox_id, o.guild_id, o.channel_id, o.user_id, o.batch, o.kind
            from punctaj.outbox o
            where not o.parked and not exists (
                select from punctaj.outbox p
                where coalesce(p.channel_id, p.user_id) = coalesce(o.channel_id, o.user_id)
                    and p.batch is not null and not p.parked
                    and (o.batch is null or p.claimed_at > now() - make_interval(secs => $2))
            )
            order by o.outbox_id
            limit 1
            for update skip locked
        ),
        taken as (
            select o.outbox_id
            from punctaj.outbox o join oldest f using (guild_id)
            where coalesce(o.channel_id, o.user_id) = coalesce(f.channel_id, f.user_id)
                and o.batch is not distinct from f.batch and not o.parked
                -- A report is long: up to the next one, which has a message of its own.
                and not exists (
                    select from punctaj.outbox p
                    where p.guild_id = f.guild_id and p.channel_id = f.channel_id and p.kind = 'period'
                        and p.outbox_id > f.outbox_id and p.outbox_id <= o.outbox_id
                )
            order by o.outbox_id
            limit (
                select case when f.user_id is null and f.kind <> 'period' then $3::bigint else 1 end
                from oldest f
            )
            for update of o skip locked
        ),
        marked as (
            update punctaj.outbox o
            set batch = coalesce(o.batch, $1), claimed_at = now()
            from taken t
            where o.outbox_id = t.outbox_id
            returning o.outbox_id, o.guild_id, o.channel_id, o.user_id, o.batch, o.kind, o.body
        )
        select m.batch as "batch!", m.guild_id, m.channel_id, m.user_id,
            jsonb_agg(jsonb_build_object('kind', m.kind, 'body', m.body) order by m.outbox_id) as "news!"
        from marked m
        group by m.batch, m.guild_id, m.channel_id, m.user_id
        "#,
        fresh,
        patience.as_seconds_f64(),
        limit,
    )
    .fetch_optional(conn)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let to = match (found.channel_id, found.user_id) {
        (Some(channel), _) => To::Channel(ChannelId::from_db(channel)),
        (None, Some(user)) => To::Person(UserId::from_db(user)),
        (None, None) => return Err(StoreError::Corrupt("a notice to nobody")),
    };
    Ok(Some(Batch {
        id: found.batch,
        guild: GuildId::from_db(found.guild_id),
        to,
        news: decode(found.news, "news")?,
    }))
}

/// Takes the oldest of what waits to be told to a person with their next command, or what somebody
/// took and did not tell within `patience`. Until it is [`done`] it is not lost: [`park`] lets it
/// wait again.
///
/// # Errors
/// If the database fails.
pub async fn unpark(
    conn: &mut PgConnection,
    (guild, user): (GuildId, UserId),
    fresh: Uuid,
    patience: TimeDelta,
    limit: i64,
) -> Result<Option<Batch>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        with waiting as (
            select o.outbox_id
            from punctaj.outbox o
            where o.guild_id = $1 and o.user_id = $2 and o.parked
                and (o.batch is null or o.claimed_at <= now() - make_interval(secs => $4))
            order by o.outbox_id
            limit $5
            for update skip locked
        ),
        taken as (
            update punctaj.outbox o
            set batch = $3, claimed_at = now()
            from waiting w
            where o.outbox_id = w.outbox_id
            returning o.outbox_id, o.kind, o.body
        )
        select jsonb_agg(jsonb_build_object('kind', t.kind, 'body', t.body) order by t.outbox_id)
        from taken t
        "#,
        guild.db(),
        user.db(),
        fresh,
        patience.as_seconds_f64(),
        limit,
    )
    .fetch_one(conn)
    .await?;
    let Some(found) = found else { return Ok(None) };
    Ok(Some(Batch {
        id: fresh,
        guild,
        to: To::Person(user),
        news: decode(found, "news")?,
    }))
}

/// A batch waits for its person's next command.
///
/// # Errors
/// If the database fails.
pub async fn park(conn: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    sqlx::query!(
        "update punctaj.outbox set parked = true, batch = null, claimed_at = null where batch = $1",
        batch.id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A batch was posted, or never will be: then `problem` says why. Returns whether that is
/// otherwise than before.
///
/// # Errors
/// If the database fails.
pub async fn done(
    conn: &mut PgConnection,
    batch: &Batch,
    problem: Option<&str>,
) -> Result<bool, StoreError> {
    let channel = match batch.to {
        To::Channel(channel) => Some(channel.db()),
        To::Person(_) => None,
    };
    let noted = sqlx::query!(
        r#"
        with gone as (delete from punctaj.outbox where batch = $1)
        update punctaj.guilds
        set log_problem = $3
        where guild_id = $2 and log_channel = $4 and log_problem is distinct from $3
        "#,
        batch.id,
        batch.guild.db(),
        problem,
        channel,
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() > 0)
}

/// Queues news that belongs to no operation.
///
/// # Errors
/// If the database fails.
pub async fn queue(
    conn: &mut PgConnection,
    guild: GuildId,
    person: UserId,
    news: &News,
) -> Result<(), StoreError> {
    let news = serde_json::to_value(news).map_err(|_| StoreError::Corrupt("news"))?;
    sqlx::query!(
        r#"
        insert into punctaj.outbox (guild_id, user_id, kind, body)
        select g.guild_id, $2, $3::jsonb ->> 'kind', $3::jsonb -> 'body'
        from punctaj.guilds g
        where g.guild_id = $1
        "#,
        guild.db(),
        person.db(),
        news,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A guild that has a log channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Which guild.
    pub guild: GuildId,
    /// The time zone that it has set.
    pub timezone: Option<String>,
    /// On which day of its own the head of its chain was posted last.
    pub head_posted_on: Option<NaiveDate>,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

/// The guilds that have a log channel.
///
/// # Errors
/// If the database fails.
pub async fn logs(conn: &mut PgConnection) -> Result<Vec<Log>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select guild_id, timezone, head_posted_on, now() as "now!"
        from punctaj.guilds
        where log_channel is not null and head_seq > 0
        "#,
    )
    .fetch_all(conn)
    .await?;
    let log = rows.into_iter().map(|row| Log {
        guild: GuildId::from_db(row.guild_id),
        timezone: row.timezone,
        head_posted_on: row.head_posted_on,
        now: row.now,
    });
    Ok(log.collect())
}

/// Queues the head of a guild's chain, if it was not queued yet on this day of the guild's own.
///
/// # Errors
/// If the database fails.
pub async fn queue_head(
    conn: &mut PgConnection,
    guild: GuildId,
    today: NaiveDate,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        with due as (
            update punctaj.guilds
            set head_posted_on = $2
            where guild_id = $1 and log_channel is not null and head_posted_on is distinct from $2
            returning guild_id, log_channel, head_seq, head_hash
        )
        insert into punctaj.outbox (guild_id, channel_id, kind, body)
        select d.guild_id, d.log_channel, 'head', jsonb_build_object('seq', d.head_seq, 'hash', d.head_hash)
        from due d
        "#,
        guild.db(),
        today,
    )
    .execute(conn)
    .await?;
    Ok(())
}
