//! What is wrong with the database, and why a guild does not see what it should.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use tokio::sync::Semaphore;

use crate::domain::access::{Caller, Place, Right};
use crate::domain::guild::Settings;
use crate::domain::ids::{ChannelId, GuildId, RoleId, TableId};
use crate::domain::period;
use crate::domain::rank_role::UnfitRole;
use crate::domain::table::Table;
use crate::store::diagnose::guild;
pub use crate::store::diagnose::guild::RolesWaiting;
pub use crate::store::diagnose::{
    BoardState, Content, Encryption, Facts, NoticeState, Schema, There, Unreached, Why,
};
use crate::store::{diagnose, guilds, rank_roles, tables};

use super::{Request, ServiceError, Services};

/// One look at a time: each takes some connections of its own, and many may ask.
static TURN: Semaphore = Semaphore::const_new(1);

/// After which a message that waits or a board that is behind is worth a word: both are tried anew
/// much more often.
pub const LATE: Duration = Duration::from_mins(2);

/// What a guild has set and what waits in it. Of tables only those that the caller may look at.
#[derive(Debug, Clone)]
pub struct GuildState {
    /// Its settings.
    pub settings: Settings,
    /// Why the log channel could not be posted to, in Discord's words.
    pub log_problem: Option<String>,
    /// Its boards.
    pub boards: Vec<BoardState>,
    /// The schedules of its tables.
    pub schedules: Vec<ScheduleState>,
    /// The roles that go with its ranks, and those that somebody still has from the bot.
    pub roles: Vec<RoleState>,
    /// Whom these roles wait for.
    pub roles_waiting: RolesWaiting,
    /// What its people are still to be told.
    pub notices: NoticeState,
    /// How many tables it has that the caller may not look at.
    pub unseen: usize,
}

/// A schedule, for whoever wonders why it did not close its table.
#[derive(Debug, Clone)]
pub struct ScheduleState {
    /// Its table's address.
    pub table: String,
    /// When it closes next; none where it never does.
    pub next: Option<DateTime<Utc>>,
    /// Since when it should have closed.
    pub overdue: Option<DateTime<Utc>>,
    /// When its last run should have been, where that came late.
    pub late: Option<DateTime<Utc>>,
    /// It is paused.
    pub paused: bool,
    /// Where it is to be told; without, in the log channel.
    pub channel: Option<ChannelId>,
}

/// A role that goes with ranks, for whoever wonders why somebody does not have it.
#[derive(Debug, Clone)]
pub struct RoleState {
    /// Which.
    pub role: RoleId,
    /// The ranks, each with its table's address; none where it goes with none any more.
    pub ranks: Vec<(String, String)>,
    /// What was wrong when it was tried last.
    pub problem: Option<UnfitRole>,
}

impl Services {
    /// Looks at the database, with the rights of the address. `now` is the host's clock.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn diagnose_database(&self, now: fn() -> DateTime<Utc>) -> Result<Facts, Unreached> {
        let _turn = TURN.acquire().await;
        let options = diagnose::options_of(&self.pool);
        diagnose::look(&options, now, self.entropy.uuid()).await
    }

    /// What a guild has set and what waits in it.
    ///
    /// # Errors
    /// No right, or the database fails.
    pub async fn diagnose_guild(&self, request: &Request) -> Result<GuildState, ServiceError> {
        let authority = self.authority(request).await?;
        authority.require(Right::SettingsManage, Place::GUILD)?;
        let (mut conn, id) = (self.connection().await?, request.guild);
        let all = tables::list(&mut conn, id, &Caller::program()).await?;
        let is_seen = |table: &Table| authority.may(Right::TableView, Place::table(table));
        let (seen, unseen): (Vec<Table>, Vec<Table>) = all.into_iter().partition(is_seen);
        let (settings, log_problem) = guilds::settings(&mut conn, id).await?;
        let mut boards = diagnose::boards(&mut conn, id).await?;
        let unseen: BTreeSet<String> = unseen.iter().map(Table::address).collect();
        boards.retain(|board| !unseen.contains(&board.table));
        let ids: Vec<TableId> = seen.iter().map(|table| table.id).collect();
        let late = TimeDelta::from_std(LATE).unwrap_or_default();
        Ok(GuildState {
            schedules: schedules(&mut conn, &seen, (request.at, &settings)).await?,
            roles: roles(&mut conn, id, &seen).await?,
            roles_waiting: guild::roles_waiting(&mut conn, id, &ids, late).await?,
            notices: diagnose::notices(&mut conn, id).await?,
            settings,
            log_problem,
            boards,
            unseen: unseen.len(),
        })
    }
}

/// The schedules of these tables, as they are at a moment.
async fn schedules(
    conn: &mut PgConnection,
    tables: &[Table],
    (now, settings): (DateTime<Utc>, &Settings),
) -> Result<Vec<ScheduleState>, ServiceError> {
    let scheduled = |table: &&Table| table.periods.schedule.every.is_some();
    let scheduled: Vec<&Table> = tables.iter().filter(scheduled).collect();
    let ids: Vec<TableId> = scheduled.iter().map(|table| table.id).collect();
    let done = guild::done(conn, &ids).await?;
    let state = scheduled.into_iter().map(|table| {
        let done = done.iter().find(|done| done.table == table.id);
        let (on, last) = done.map_or((None, None), |done| (done.on, done.last));
        let (schedule, zone) = (&table.periods.schedule, settings.timezone());
        let due = schedule.due(on, now, zone).map(|due| due.since);
        let is_worth_a_word = |due: &DateTime<Utc>| (now - due).to_std().is_ok_and(|by| by >= LATE);
        ScheduleState {
            table: table.address(),
            next: schedule.next(on, now, zone).map(|(_, at)| at),
            overdue: due.filter(is_worth_a_word),
            late: last.and_then(|(due, was)| period::late_by(due, was).and(Some(due))),
            paused: schedule.paused,
            channel: schedule.channel,
        }
    });
    Ok(state.collect())
}

/// The roles that go with the ranks of these tables, and those that can't be taken back.
async fn roles(
    conn: &mut PgConnection,
    guild: GuildId,
    tables: &[Table],
) -> Result<Vec<RoleState>, ServiceError> {
    let mut ranks: BTreeMap<RoleId, Vec<(String, String)>> = BTreeMap::new();
    for table in tables {
        for rank in table.ranks.values() {
            if let Some(role) = rank.role {
                let rank = (table.address(), rank.title.clone());
                ranks.entry(role).or_default().push(rank);
            }
        }
    }
    let problems = rank_roles::problems(conn, Some(guild)).await?;
    let mut problems: BTreeMap<RoleId, UnfitRole> =
        problems.into_iter().map(|it| (it.role, it.why)).collect();
    let roles: BTreeSet<RoleId> = ranks.keys().chain(problems.keys()).copied().collect();
    let state = roles.into_iter().map(|role| RoleState {
        role,
        ranks: ranks.remove(&role).unwrap_or_default(),
        problem: problems.remove(&role),
    });
    Ok(state.collect())
}
