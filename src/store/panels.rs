//! Panels: where a sitting is. What was given in it is read from the events.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::StoreError;
use super::operation::{TableRow, decode};
use super::shown::{Marked, Marks};
use super::{grants, tables};
use crate::domain::access::{Caller, Grant};
use crate::domain::event::Event;
use crate::domain::ids::{DeviceId, EntryId, GuildId, Seq, TableId, UserId};
use crate::domain::panel::{PAGE, Picked, REST};
use crate::domain::session::{Session, SessionLimits};
use crate::domain::table::Table;

/// Which panel, and who uses it.
#[derive(Debug, Clone)]
pub struct PanelAt<'a> {
    /// The tenant.
    pub guild: GuildId,
    /// Who uses it.
    pub user: UserId,
    /// Of which session.
    pub device: &'a DeviceId,
    /// On which table.
    pub table: TableId,
    /// Which private tables they reach.
    pub caller: Caller,
}

/// How a panel stands before a press.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Who is picked.
    pub picked: Picked,
    /// Its table, if that is still there for this person.
    pub table: Option<Table>,
    /// What was granted to them.
    pub grants: Vec<Grant>,
}

/// Where a panel is to be; it stays where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct PanelMove {
    /// Who is picked.
    pub picked: Option<Picked>,
    /// Whether the buttons take points away.
    pub takes: Option<bool>,
    /// What the menu is narrowed down to: as it was typed, and folded.
    pub search: Option<(String, String)>,
    /// Which page of the menu, from 0; the last one if there are fewer.
    pub page: Option<u32>,
    /// The event of this very press: it belongs to the sitting, also where one begins with it.
    pub step: Option<Seq>,
}

/// What a panel shows.
#[derive(Debug, Clone)]
pub struct PanelShown {
    /// Its session.
    pub session: Session,
    /// Its table.
    pub table: Table,
    /// Whether its buttons take points away.
    pub takes: bool,
    /// What the menu is narrowed down to; empty for everybody.
    pub search: String,
    /// Which page of the menu it is, from 0.
    pub page: u32,
    /// How many pages there are, at least 1.
    pub pages: u32,
    /// How many entries there are to pick from, on all pages.
    pub fitting: i64,
    /// The page's entries.
    pub options: Vec<PanelEntry>,
    /// Who is picked, in the order of picking.
    pub picked: Vec<PanelEntry>,
    /// Names of those who were picked and are deleted by now.
    pub gone: Vec<String>,
    /// When the sitting began.
    pub since: DateTime<Utc>,
    /// That it shows names and points of everybody in the table, if it does.
    pub marked: Option<Marked>,
    /// How many steps it has; those that are undone don't count.
    pub steps: i64,
    /// What each was given in it, the newest first.
    pub totals: Vec<PanelTotal>,
    /// What was given in all.
    pub total: i64,
    /// The newest step or undo.
    pub last: Option<Event>,
    /// The event that undid it, if it is undone now.
    pub last_undone_by: Option<Seq>,
    /// The step that undo takes back.
    pub undoable: Option<Seq>,
}

/// An entry that can be picked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PanelEntry {
    /// Which.
    pub id: EntryId,
    /// What it is called.
    pub name: String,
    /// Its points.
    pub points: i64,
}

/// What an entry was given in a sitting.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PanelTotal {
    /// What the entry is called.
    pub name: String,
    /// Given and taken, together.
    pub delta: i64,
}

/// Makes sure that there is a panel. Where the sitting is over another one begins; panels that
/// nobody used for a week are forgotten.
///
/// # Errors
/// If the database fails.
pub async fn open(conn: &mut PgConnection, at: &PanelAt<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        with forgotten as (
            delete from punctaj.panels
            where used_at < now() - interval '7 days' and (device_id, table_id) <> ($2::text, $3::uuid)
        )
        insert into punctaj.panels as p (guild_id, device_id, table_id, since_seq)
        values ($1, $2, $3, coalesce((select g.head_seq from punctaj.guilds g where g.guild_id = $1), 0))
        on conflict on constraint panels_pkey do update
            set picked = '{}', takes = false, search = '', search_key = '', page = 0,
                since_seq = excluded.since_seq, since = excluded.since
            where p.used_at <= clock_timestamp() - make_interval(secs => $4)
        "#,
        at.guild.db(),
        at.device.as_str(),
        at.table.0,
        REST.as_seconds_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How a panel stands; `None` if it is none of this person's, or of a session that has ended.
///
/// # Errors
/// If the database fails.
pub async fn find(
    conn: &mut PgConnection,
    at: &PanelAt<'_>,
    limits: SessionLimits,
) -> Result<Option<Standing>, StoreError> {
    let found = sqlx::query!(
        r#"
        select p.picked, punctaj.grants_json($1, $7) as "grants!", (
            select punctaj.table_json(t) from punctaj.tables t
            where t.guild_id = $1 and t.table_id = $4 and t.deleted_at is null
                and (not t.private or punctaj.reaches(t, $7))
        ) as table
        from punctaj.panels p
        join punctaj.sessions s on s.device_id = p.device_id and s.guild_id = p.guild_id
        where p.guild_id = $1 and p.device_id = $3 and p.table_id = $4
            and s.user_id = $2 and s.ended_at is null
            and s.last_seen_at > now() - make_interval(secs => $5)
            and s.login_at > now() - make_interval(secs => $6)
        "#,
        at.guild.db(),
        at.user.db(),
        at.device.as_str(),
        at.table.0,
        limits.idle.as_seconds_f64(),
        limits.lifetime.as_seconds_f64(),
        Json(&at.caller) as _,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some(Standing {
        picked: Picked::new(row.picked.into_iter().map(EntryId).collect()),
        table: row.table.map(tables::decoded).transpose()?,
        grants: grants::decoded(row.grants)?,
    }))
}

/// Moves a panel, notes that its session was used and what it is shown, and reads that; `None` if
/// it is not there, or its table is not. With what was granted to its person. One round trip.
///
/// # Errors
/// If the database fails.
pub async fn show(
    conn: &mut PgConnection,
    at: &PanelAt<'_>,
    to: &PanelMove,
) -> Result<Option<(PanelShown, Vec<Grant>)>, StoreError> {
    let picked = to.picked.as_ref();
    let picked: Option<Vec<_>> = picked.map(|picked| picked.ids().iter().map(|id| id.0).collect());
    let page = to.page.map(|page| i32::try_from(page).unwrap_or(i32::MAX));
    let row = sqlx::query_file!(
        "src/store/panel_show.sql",
        at.guild.db(),
        at.device.as_str(),
        at.table.0,
        at.user.db(),
        picked.as_deref(),
        to.takes,
        to.search.as_ref().map(|(typed, _)| typed.as_str()),
        to.search.as_ref().map(|(_, key)| key.as_str()),
        page,
        to.step.map(|seq| seq.0),
        REST.as_seconds_f64(),
        i64::try_from(PAGE).unwrap_or(i64::MAX),
        Json(&at.caller) as _,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (Some(session), Some(table)) = (row.session, row.table) else {
        return Ok(None);
    };
    let table: TableRow = decode(table, "table")?;
    let before = Marks {
        whole: Seq(row.whole_before),
        names: Seq(row.names_before),
    };
    let marked = row.marked.map(|head| Marked::Table {
        device: at.device.clone(),
        table: at.table,
        marks: Marks {
            whole: Seq(0),
            names: Seq(head),
        },
        before,
    });
    let grants = grants::decoded(row.grants)?;
    let shown = PanelShown {
        session: decode(session, "session")?,
        table: table.into(),
        takes: row.takes,
        search: row.search,
        page: u32::try_from(row.page).unwrap_or(0),
        pages: pages(row.fitting),
        fitting: row.fitting,
        options: decode(row.options, "entries")?,
        picked: decode(row.picked, "entries")?,
        gone: decode(row.gone, "names")?,
        since: row.since,
        marked,
        steps: row.steps,
        totals: decode(row.totals, "totals")?,
        total: row.total,
        last: row.last.map(|event| decode(event, "event")).transpose()?,
        last_undone_by: row.last_undone_by.map(Seq),
        undoable: row.undoable.map(Seq),
    };
    Ok(Some((shown, grants)))
}

/// How many pages of the menu so many entries take, at least 1.
fn pages(entries: i64) -> u32 {
    let entries = usize::try_from(entries).unwrap_or(0);
    u32::try_from(entries.max(1).div_ceil(PAGE)).unwrap_or(u32::MAX)
}
