//! The history: finding events, walking them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::postgres::PgConnection;

use super::StoreError;
use super::operation::decode;
use crate::domain::event::{Change, Event};
use crate::domain::guild::Settings;
use crate::domain::ids::{EntryId, GuildId, OpId, Seq, TableId, UserId};
use crate::domain::name::{Name, fold};

/// The event of an operation.
///
/// # Errors
/// If the database fails.
pub async fn by_op(
    conn: &mut PgConnection,
    guild: GuildId,
    op: &OpId,
) -> Result<Option<Event>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"select to_jsonb(e) as "event!" from punctaj.events e where e.guild_id = $1 and e.op_id = $2"#,
        guild.db(),
        op.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    found.map(|event| decode(event, "event")).transpose()
}

/// The event of a number.
///
/// # Errors
/// If the database fails.
pub async fn by_seq(
    conn: &mut PgConnection,
    guild: GuildId,
    seq: Seq,
) -> Result<Option<Event>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"select to_jsonb(e) as "event!" from punctaj.events e where e.guild_id = $1 and e.seq = $2"#,
        guild.db(),
        seq.0,
    )
    .fetch_optional(conn)
    .await?;
    found.map(|event| decode(event, "event")).transpose()
}

/// The event that undid this one, if it is undone now. An undo that was itself undone does not
/// count: what decides is whether the chain of undos from the event on is odd.
///
/// # Errors
/// If the database fails.
pub async fn undone_by(
    conn: &mut PgConnection,
    guild: GuildId,
    seq: Seq,
) -> Result<Option<Seq>, StoreError> {
    let (last, depth) = undos(conn, guild, seq).await?;
    Ok(last.filter(|_| depth % 2 == 1))
}

/// The newest event that undid this one, whether it stands or was itself undone.
///
/// # Errors
/// If the database fails.
pub async fn last_undo_of(
    conn: &mut PgConnection,
    guild: GuildId,
    seq: Seq,
) -> Result<Option<Seq>, StoreError> {
    Ok(undos(conn, guild, seq).await?.0)
}

/// The newest undo of an event, and the length of the chain of undos from it on.
async fn undos(
    conn: &mut PgConnection,
    guild: GuildId,
    seq: Seq,
) -> Result<(Option<Seq>, i32), StoreError> {
    let found = sqlx::query!(
        r#"
        with recursive chain as (
            select $2::bigint as seq, 0 as depth
            union all
            select u.seq, c.depth + 1
            from chain c,
                lateral (
                    select e.seq from punctaj.events e
                    where e.guild_id = $1 and e.undoes = c.seq and e.outcome = 'applied'
                    order by e.seq desc limit 1
                ) u
        )
        select (select max(depth) from chain) as "depth!", (select seq from chain where depth = 1) as by
        "#,
        guild.db(),
        seq.0,
    )
    .fetch_one(conn)
    .await?;
    Ok((found.by.map(Seq), found.depth))
}

/// The newest event of a person's that undo, called without a number, undoes.
///
/// # Errors
/// If the database fails.
pub async fn last_undoable(
    conn: &mut PgConnection,
    guild: GuildId,
    actor: UserId,
) -> Result<Option<Seq>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select e.seq
        from punctaj.events e
        where e.guild_id = $1 and e.actor_id = $2 and e.outcome = 'applied'
            and e.action not in ('session.open', 'session.close', 'session.rename', 'event.undo')
            -- What had no effect, or is out of sight, is no step to walk back.
            and exists (
                select from jsonb_array_elements(e.changes) c
                where c -> 'before' is distinct from c -> 'after'
            )
            and (e.table_id is null or e.action = 'table.delete' or exists (
                select from punctaj.tables t where t.table_id = e.table_id and t.deleted_at is null
            ))
            and (
                with recursive chain as (
                    select e.seq as seq, 0 as depth
                    union all
                    select u.seq, c.depth + 1
                    from chain c,
                        lateral (
                            select x.seq from punctaj.events x
                            where x.guild_id = $1 and x.undoes = c.seq and x.outcome = 'applied'
                            order by x.seq desc limit 1
                        ) u
                )
                select max(depth) % 2 from chain
            ) = 0
        order by e.seq desc
        limit 1
        "#,
        guild.db(),
        actor.db(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(Seq))
}

/// The newest event after `after` in which somebody else than `actor` changed an entry.
///
/// # Errors
/// If the database fails.
pub async fn last_touching(
    conn: &mut PgConnection,
    guild: GuildId,
    entry: EntryId,
    after: Seq,
    actor: UserId,
) -> Result<Option<Event>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select to_jsonb(e) as "event!"
        from punctaj.entries n
        join punctaj.events e on e.guild_id = $1 and e.seq > $3
            and (
                e.seq in (select l.seq from punctaj.ledger l where l.entry_id = n.entry_id)
                or e.op_id in (select s.value ->> 'op' from jsonb_each(n.stamps) s)
            )
        where n.entry_id = $2 and e.actor_id is distinct from $4
        order by e.seq desc
        limit 1
        "#,
        guild.db(),
        entry.0,
        after.0,
        actor.db(),
    )
    .fetch_optional(conn)
    .await?;
    found.map(|event| decode(event, "event")).transpose()
}

/// The newest event in a table after `after`.
///
/// # Errors
/// If the database fails.
pub async fn last_in_table(
    conn: &mut PgConnection,
    guild: GuildId,
    table: TableId,
    after: Seq,
) -> Result<Option<Event>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select to_jsonb(e) as "event!"
        from punctaj.events e
        where e.guild_id = $1 and e.table_id = $2 and e.seq > $3
        order by e.seq desc
        limit 1
        "#,
        guild.db(),
        table.0,
        after.0,
    )
    .fetch_optional(conn)
    .await?;
    found.map(|event| decode(event, "event")).transpose()
}

/// The newest event after `event` that changed the same thing: a table, a rank or an extra field of
/// it, or the guild's settings.
///
/// # Errors
/// If the database fails.
pub async fn last_of_thing(
    conn: &mut PgConnection,
    event: &Event,
    change: &Change,
) -> Result<Option<Event>, StoreError> {
    let thing = json!([{ "what": change.what, "id": change.id, "field": change.field }]);
    let found = sqlx::query_scalar!(
        r#"
        select to_jsonb(e) as "event!"
        from punctaj.events e
        where e.guild_id = $1 and e.table_id is not distinct from $2 and e.seq > $3 and e.changes @> $4
        order by e.seq desc
        limit 1
        "#,
        event.guild_id.db(),
        event.table_id.map(|id| id.0),
        event.seq.0,
        thing,
    )
    .fetch_optional(conn)
    .await?;
    found.map(|event| decode(event, "event")).transpose()
}

/// `wanted` if no live entry of the table, `but` apart, has that name and `promised` does not hold it
/// folded; else the first free `wanted (2)`, `wanted (3)` … And whether it was taken.
///
/// # Errors
/// If the database fails.
pub async fn free_name(
    conn: &mut PgConnection,
    table: TableId,
    but: Option<EntryId>,
    wanted: &str,
    promised: &[String],
) -> Result<(String, bool), StoreError> {
    let mut name = wanted.to_owned();
    for number in 2_u32.. {
        let taken = sqlx::query_scalar!(
            r#"
            select exists (
                select from punctaj.entries e
                where e.table_id = $1 and e.name_key = $2 and e.deleted_at is null
                    and e.entry_id is distinct from $3
            ) as "taken!"
            "#,
            table.0,
            fold(&name),
            but.map(|id| id.0),
        )
        .fetch_one(&mut *conn)
        .await?;
        if !taken && !promised.contains(&fold(&name)) {
            break;
        }
        let suffix = format!(" ({number})");
        let kept = Name::MAX_CHARS.saturating_sub(suffix.chars().count());
        name = wanted
            .chars()
            .take(kept)
            .collect::<String>()
            .trim_end()
            .to_owned()
            + &suffix;
    }
    let taken = name != wanted;
    Ok((name, taken))
}

/// What a search of the history looks for; every filter combines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Who acted.
    pub who: Option<UserId>,
    /// In which table.
    pub table: Option<TableId>,
    /// Folded name of an entry or table that the event is about.
    pub name_key: Option<String>,
    /// What was done, as [`crate::domain::event::Action`] writes it.
    pub action: Option<String>,
}

/// An event and what is shown with it.
#[derive(Debug, Clone, Deserialize)]
pub struct Found {
    /// The event.
    pub event: Event,
    /// The table's address.
    pub table: Option<String>,
    /// The platform of its device session.
    pub platform: Option<String>,
    /// What the device session is called.
    pub label: Option<String>,
    /// The event that undid it, if it is undone now.
    pub undone_by: Option<Seq>,
    /// What the table's ranks are called.
    pub ranks: BTreeMap<i32, String>,
}

/// Events that fit, newest first, before `before`: one page of up to `limit`. `total` of all
/// that fit is not counted: it would read them all.
///
/// # Errors
/// If the database fails.
pub async fn search(
    conn: &mut PgConnection,
    guild: GuildId,
    filter: &Filter,
    before: Option<Seq>,
    limit: i64,
) -> Result<Vec<Found>, StoreError> {
    let rows = sqlx::query_file!(
        "src/store/events_search.sql",
        guild.db(),
        before.map(|seq| seq.0),
        limit,
        filter.who.map(UserId::db),
        filter.table.map(|id| id.0),
        filter.name_key.as_deref(),
        filter.action.as_deref(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Found {
                event: decode(row.event, "event")?,
                table: row.table,
                platform: row.platform,
                label: row.label,
                undone_by: row.undone_by.map(Seq),
                ranks: decode(row.ranks, "ranks")?,
            })
        })
        .collect()
}

/// The numbers of the events from `from` on that fit, oldest first, up to `limit`.
///
/// # Errors
/// If the database fails.
pub async fn newer(
    conn: &mut PgConnection,
    guild: GuildId,
    filter: &Filter,
    from: Seq,
    limit: i64,
) -> Result<Vec<Seq>, StoreError> {
    let rows = sqlx::query_scalar!(
        r#"
        select e.seq
        from punctaj.events e
        where e.guild_id = $1 and e.seq >= $2
            and ($4::bigint is null or e.actor_id = $4)
            and ($5::uuid is null or e.table_id = $5)
            and ($6::text is null or exists (
                select from punctaj.event_names n
                where n.guild_id = $1 and n.name_key = $6 and n.seq = e.seq
            ))
            and ($7::text is null or e.action = $7)
        order by e.seq
        limit $3
        "#,
        guild.db(),
        from.0,
        limit,
        filter.who.map(UserId::db),
        filter.table.map(|id| id.0),
        filter.name_key.as_deref(),
        filter.action.as_deref(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Seq).collect())
}

/// Events in `seq` order after `after`, up to `limit`: for walking the whole history.
///
/// # Errors
/// If the database fails.
pub async fn walk(
    conn: &mut PgConnection,
    guild: GuildId,
    after: Seq,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let rows = sqlx::query_scalar!(
        r#"
        select to_jsonb(e) as "event!" from punctaj.events e
        where e.guild_id = $1 and e.seq > $2
        order by e.seq
        limit $3
        "#,
        guild.db(),
        after.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|event| decode(event, "event"))
        .collect()
}

/// The head of a guild's chain, as the guild's own row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The newest event's number.
    pub seq: Seq,
    /// Its hash.
    pub hash: String,
    /// When it took effect.
    pub applied_at: DateTime<Utc>,
}

/// The head of a guild's chain; none before its first event.
///
/// # Errors
/// If the database fails.
pub async fn head(conn: &mut PgConnection, guild: GuildId) -> Result<Option<Head>, StoreError> {
    let found = sqlx::query!(
        "select head_seq, head_hash, applied_at from punctaj.guilds where guild_id = $1",
        guild.db(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Head {
        seq: Seq(row.head_seq),
        hash: row.head_hash,
        applied_at: row.applied_at,
    }))
}

/// A guild's clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// By which its events take effect: the database's, never behind the newest event.
    pub now: DateTime<Utc>,
    /// By which its people read the time.
    pub timezone: chrono_tz::Tz,
}

/// A guild's clocks; none before its first event.
///
/// # Errors
/// If the database fails.
pub async fn clock(conn: &mut PgConnection, guild: GuildId) -> Result<Option<Clock>, StoreError> {
    let found = sqlx::query!(
        r#"
        select greatest(clock_timestamp(), applied_at) as "now!", timezone
        from punctaj.guilds where guild_id = $1
        "#,
        guild.db(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Clock {
        now: row.now,
        timezone: Settings {
            timezone: row.timezone,
            ..Settings::default()
        }
        .timezone(),
    }))
}

/// The last event that had taken effect at a moment; none before the first.
///
/// # Errors
/// If the database fails.
pub async fn last_at(
    conn: &mut PgConnection,
    guild: GuildId,
    at: DateTime<Utc>,
) -> Result<Option<Seq>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select seq from punctaj.events
        where guild_id = $1 and applied_at <= $2
        order by applied_at desc, seq desc
        limit 1
        "#,
        guild.db(),
        at,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(Seq))
}

/// When the first event in a table took effect.
///
/// # Errors
/// If the database fails.
pub async fn first_in_table(
    conn: &mut PgConnection,
    guild: GuildId,
    table: TableId,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select applied_at from punctaj.events
        where guild_id = $1 and table_id = $2
        order by seq
        limit 1
        "#,
        guild.db(),
        table.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}

/// All guilds that have a history.
///
/// # Errors
/// If the database fails.
pub async fn guilds(conn: &mut PgConnection) -> Result<Vec<GuildId>, StoreError> {
    let found = sqlx::query_scalar!("select guild_id from punctaj.guilds order by guild_id")
        .fetch_all(conn)
        .await?;
    Ok(found.into_iter().map(GuildId::from_db).collect())
}
