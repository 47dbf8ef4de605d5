//! The history: finding events, walking them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::StoreError;
use super::operation::decode;
use crate::domain::access::Caller;
use crate::domain::event::{Change, Event, What};
use crate::domain::guild::Settings;
use crate::domain::ids::{DeviceId, EntryId, GuildId, OpId, Seq, TableId, UserId};
use crate::domain::name::{Name, fold};
use crate::domain::stamp::Stamp;

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
    let found = sqlx::query_scalar!("select punctaj.undone_by($1, $2)", guild.db(), seq.0)
        .fetch_one(conn)
        .await?;
    Ok(found.map(Seq))
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
    let found = sqlx::query_scalar!(
        r#"
        select seq from punctaj.events
        where guild_id = $1 and undoes = $2 and outcome = 'applied'
        order by seq desc
        limit 1
        "#,
        guild.db(),
        seq.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(Seq))
}

/// The newest event of a person's that undo, called without a number, undoes: what they had done
/// when they asked, also where the asking comes late. What happened in a private table counts only
/// for those who see it.
///
/// # Errors
/// If the database fails.
pub async fn last_undoable(
    conn: &mut PgConnection,
    guild: GuildId,
    actor: UserId,
    caller: &Caller,
    asked: &Stamp,
) -> Result<Option<Seq>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select e.seq
        from punctaj.events e
        where e.guild_id = $1 and e.actor_id = $2 and e.outcome = 'applied'
            and e.action not in ('session.open', 'session.close', 'session.rename', 'event.undo')
            and (e.at, length(e.op_id), e.op_id collate "C") < ($4, length($5), $5::text collate "C")
            -- What had no effect, or is out of sight, is no step to walk back.
            and exists (
                select from jsonb_array_elements(e.changes) c
                where c -> 'before' is distinct from c -> 'after' and c -> 'superseded' is null
            )
            and (e.table_id is null or exists (
                select from punctaj.tables t
                where t.table_id = e.table_id and (not t.private or punctaj.reaches(t, $3))
                    and (t.deleted_at is null or e.action in ('table.delete', 'access.grant', 'access.revoke'))
            ))
            -- Only a table's last closing can be undone.
            and not exists (
                select from punctaj.periods p
                join punctaj.periods later using (table_id)
                where p.guild_id = $1 and p.seq = e.seq and later.number > p.number and not later.reopened
            )
            and punctaj.undone_by($1, e.seq) is null
        order by e.seq desc
        limit 1
        "#,
        guild.db(),
        actor.db(),
        Json(caller) as _,
        asked.at,
        asked.op.as_str(),
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

/// The newest event in a table after `after`; refused attempts are none of it.
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
        where e.guild_id = $1 and e.table_id = $2 and e.seq > $3 and e.outcome <> 'refused'
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

/// The newest event before `before` that closed that period of a table, by itself or as an undo, or
/// opened it again.
///
/// # Errors
/// If the database fails.
pub async fn last_closing(
    conn: &mut PgConnection,
    guild: GuildId,
    table: TableId,
    number: i32,
    before: Seq,
) -> Result<Option<Event>, StoreError> {
    let period = json!([{ "what": What::Period, "id": number.to_string(), "field": "closed" }]);
    let found = sqlx::query_scalar!(
        r#"
        select to_jsonb(e) as "event!"
        from punctaj.events e
        where e.guild_id = $1 and e.table_id = $2 and e.seq < $3 and e.outcome = 'applied'
            and e.action in ('period.close', 'event.undo') and e.changes @> $4
        order by e.seq desc
        limit 1
        "#,
        guild.db(),
        table.0,
        before.0,
        period,
    )
    .fetch_optional(conn)
    .await?;
    found.map(|event| decode(event, "event")).transpose()
}

/// The newest event between two that applied the ranks which a period's closing had proposed, and
/// is not undone.
///
/// # Errors
/// If the database fails.
pub async fn last_applied(
    conn: &mut PgConnection,
    guild: GuildId,
    table: TableId,
    number: i32,
    (after, before): (Seq, Seq),
) -> Result<Option<Event>, StoreError> {
    let period = json!([{ "what": What::Period, "id": number.to_string() }]);
    let found = sqlx::query_scalar!(
        r#"
        select to_jsonb(e) as "event!"
        from punctaj.events e
        where e.guild_id = $1 and e.table_id = $2 and e.seq > $3 and e.seq < $4
            and e.outcome = 'applied' and e.action = 'rank.apply' and e.changes @> $5
            and punctaj.undone_by(e.guild_id, e.seq) is null
        order by e.seq desc
        limit 1
        "#,
        guild.db(),
        table.0,
        after.0,
        before.0,
        period,
    )
    .fetch_optional(conn)
    .await?;
    found.map(|event| decode(event, "event")).transpose()
}

/// The highest number that an activity of a table ever had; 0 where there was none.
///
/// # Errors
/// If the database fails.
pub async fn last_activity(
    conn: &mut PgConnection,
    guild: GuildId,
    table: TableId,
) -> Result<i32, StoreError> {
    let last = sqlx::query_scalar!(
        r#"
        select coalesce(max((c.value ->> 'id')::integer), 0) as "last!"
        from punctaj.events e
        cross join jsonb_array_elements(e.changes) c
        where e.guild_id = $1 and e.action = 'activity.set' and e.table_id = $2
            and c.value ->> 'what' = 'activity'
        "#,
        guild.db(),
        table.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(last)
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
#[serde(default)]
pub struct Filter {
    /// Who acted.
    pub who: Option<UserId>,
    /// In one of these tables.
    pub tables: Option<Vec<TableId>>,
    /// Folded name of an entry or table that the event is about.
    pub name_key: Option<String>,
    /// What was done, as [`crate::domain::event::Action`] writes it.
    pub action: Option<String>,
    /// From one of these device sessions.
    pub devices: Option<Vec<DeviceId>>,
    /// Asked for at that moment or later.
    pub since: Option<DateTime<Utc>>,
    /// Asked for at that moment or before.
    pub until: Option<DateTime<Utc>>,
    /// Only those of which this is so.
    pub only: Option<Only>,
    /// Only in tables that this caller reaches; what is in no table is out of reach then. Worked out
    /// whenever it is asked, and kept nowhere.
    #[serde(skip)]
    pub within: Option<Caller>,
    /// What is undone by a later event than this counts as not undone: a file that is written
    /// batch by batch is of one moment.
    pub as_of: Option<Seq>,
}

/// What may be so of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Only {
    /// It replaced what its author had not seen, or all or part of it came too late.
    Conflicts,
    /// It is undone now.
    Undone,
    /// It was refused.
    Refused,
    /// It waited while the database was away.
    Queued,
}

impl Only {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Conflicts, Self::Undone, Self::Refused, Self::Queued];

    /// The word for it in options.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conflicts => "conflicts",
            Self::Undone => "undone",
            Self::Refused => "refused",
            Self::Queued => "queued",
        }
    }

    /// The one of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|only| only.as_str() == text)
    }
}

/// Which part of what a search finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest ones, newest first; before an event, if one is given.
    Newest(Option<Seq>),
    /// From this event on and before the other, oldest first.
    Oldest(Seq, Option<Seq>),
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

/// What a search finds.
#[derive(Debug, Clone)]
pub enum Hit {
    /// An event.
    Event(Box<Found>),
    /// The row of an event that is none any more: somebody changed it, or a later version of the
    /// program wrote it.
    Unreadable(Seq),
}

impl Hit {
    /// The event's number.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        match self {
            Self::Event(found) => found.event.seq,
            Self::Unreadable(seq) => *seq,
        }
    }
}

/// Has the statements of this transaction planned for their arguments each time: a search asks
/// for another few of many filters each time, and no one plan serves them all.
///
/// # Errors
/// If the database fails.
pub async fn plan_anew(conn: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', true)")
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// Events that fit: one page of up to `limit`. The total of all that fit is not counted: it would
/// read them all. Wants [`plan_anew`].
///
/// # Errors
/// If the database fails.
pub async fn search(
    conn: &mut PgConnection,
    guild: GuildId,
    filter: &Filter,
    page: Page,
    limit: i64,
) -> Result<Vec<Hit>, StoreError> {
    let (from, before, oldest_first) = match page {
        Page::Newest(before) => (None, before, false),
        Page::Oldest(from, before) => (Some(from), before, true),
    };
    let devices: Option<Vec<String>> = filter
        .devices
        .as_ref()
        .map(|ids| ids.iter().map(ToString::to_string).collect());
    let tables: Option<Vec<Uuid>> = filter
        .tables
        .as_ref()
        .map(|ids| ids.iter().map(|id| id.0).collect());
    let rows = sqlx::query_file!(
        "src/store/events_search.sql",
        guild.db(),
        before.map(|seq| seq.0),
        limit,
        filter.who.map(UserId::db),
        tables.as_deref(),
        filter.name_key.as_deref(),
        filter.action.as_deref(),
        devices.as_deref(),
        filter.since,
        filter.until,
        filter.only.map(Only::as_str),
        from.map(|seq| seq.0),
        oldest_first,
        filter.as_of.map(|seq| seq.0),
        filter.within.as_ref().map(Json) as _,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let Ok(event) = decode(row.event, "event") else {
                return Ok(Hit::Unreadable(Seq(row.seq)));
            };
            Ok(Hit::Event(Box::new(Found {
                event,
                table: row.table,
                platform: row.platform,
                label: row.label,
                undone_by: row.undone_by.map(Seq),
                ranks: decode(row.ranks, "ranks")?,
            })))
        })
        .collect()
}

/// A row of the history.
#[derive(Debug, Clone)]
pub struct Walked {
    /// The event's number.
    pub seq: Seq,
    /// The event; none where the row is none any more.
    pub event: Option<Event>,
}

/// Events in `seq` order from `from` on, up to `limit`: for walking the whole history.
///
/// # Errors
/// If the database fails.
pub async fn walk(
    conn: &mut PgConnection,
    guild: GuildId,
    from: Seq,
    limit: i64,
) -> Result<Vec<Walked>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select e.seq, to_jsonb(e) as "event!" from punctaj.events e
        where e.guild_id = $1 and e.seq >= $2
        order by e.seq
        limit $3
        "#,
        guild.db(),
        from.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let walked = rows.into_iter().map(|row| Walked {
        seq: Seq(row.seq),
        event: decode(row.event, "event").ok(),
    });
    Ok(walked.collect())
}

/// The head of a guild's chain, as the guild's own row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The newest event's number.
    pub seq: Seq,
    /// Its hash.
    pub hash: String,
}

/// The head of a guild's chain; none before its first event.
///
/// # Errors
/// If the database fails.
pub async fn head(conn: &mut PgConnection, guild: GuildId) -> Result<Option<Head>, StoreError> {
    let found = sqlx::query!(
        "select head_seq, head_hash from punctaj.guilds where guild_id = $1",
        guild.db(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Head {
        seq: Seq(row.head_seq),
        hash: row.head_hash,
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
