//! Periods: closing them, by hand or by a schedule, and what is told of the closed ones.
//!
//! A schedule has no timer. Whoever looks finds what should have been by now and does it, under an
//! operation's id that says which run it is: however many look, however often, it is done once.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::domain::access::{Place, Right, Standing};
use crate::domain::entry::Field;
use crate::domain::event::{Action, Change, Event, Via, What};
use crate::domain::ids::{ChannelId, EntryId, GuildId, OpId, Seq, TableId, UserId};
use crate::domain::name::TableAddress;
use crate::domain::period::{self, Due, Every, Period, Schedule, read_proposed};
use crate::domain::table::Table;
use crate::store::entries::{self, PageRow};
use crate::store::periods::{self as sql, Scheduled};
use crate::store::{answered, events, guilds, tables as stored_tables};

use super::operation::{Ask, Begun, Receipt, SessionNeed};
use super::tables::{find, of_table};
use super::view::pages_of;
use super::{Request, ServiceError, Services};

pub use crate::store::periods::Kept;

/// Entries on the podium.
const PODIUM: usize = 3;

/// Closings on one page of their list.
pub const PAGE: i64 = 10;

/// When a schedule closes if it is not told: the end of the day, and of the week or month.
const TIME: &str = "20:00";

/// A period that somebody was shown before they close it: if it is another one by then, nothing is
/// closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pinned {
    /// Whose.
    pub table: TableId,
    /// Its number.
    pub number: i32,
}

/// An entry that rises or falls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// What it is called.
    pub name: String,
    /// From which rank.
    pub from: Option<i32>,
    /// To which rank.
    pub to: i32,
}

/// What a period came to, or would come to if it were closed now.
#[derive(Debug, Clone)]
pub struct Report {
    /// The table as it was then.
    pub table: Table,
    /// The period.
    pub period: Period,
    /// The event that closed it; none where it is open.
    pub seq: Option<Seq>,
    /// Who closed it; none for a schedule.
    pub by: Option<UserId>,
    /// The closing was undone.
    pub reopened: bool,
    /// Those with the most points, if they have any.
    pub podium: Vec<PageRow>,
    /// Who rises.
    pub promoted: Vec<Move>,
    /// Who falls.
    pub demoted: Vec<Move>,
    /// Ranks were, or would be, proposed only.
    pub proposes: bool,
    /// Who has no more points than everybody begins with, and is not on leave.
    pub idle: Vec<String>,
    /// When the schedule closes the table again, where somebody is about to.
    pub next: Option<DateTime<Utc>>,
}

impl Report {
    /// Whether ranks wait for somebody to apply them.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.seq.is_some() && !self.reopened && !self.period.proposed.is_empty()
    }

    fn new(table: Table, period: Period, rows: Vec<PageRow>, to: &BTreeMap<EntryId, i32>) -> Self {
        let (mut rows, start) = (rows, period::start(&table));
        super::known::sort(&mut rows, entries::Sort::Points);
        let moves = rows.iter().filter_map(|row| {
            Some(Move {
                name: row.name.clone(),
                from: row.rank,
                to: *to.get(&row.id)?,
            })
        });
        let (promoted, demoted) = moves.partition(|it: &Move| Some(it.to) > it.from);
        let idle = rows.iter().filter(|row| row.points <= start && !row.exempt);
        let idle = idle.map(|row| row.name.clone()).collect();
        rows.retain(|row| row.points > start);
        rows.truncate(PODIUM);
        Self {
            proposes: table.periods.proposes,
            table,
            period,
            seq: None,
            by: None,
            reopened: false,
            podium: rows,
            promoted,
            demoted,
            idle,
            next: None,
        }
    }
}

/// The closings of a table.
#[derive(Debug, Clone)]
pub struct PeriodList {
    /// The table.
    pub table: Table,
    /// One page of them, those that were undone too, newest first.
    pub closings: Vec<Kept>,
    /// Which page, from 0.
    pub page: u32,
    /// How many pages there are, at least 1.
    pub pages: u32,
}

/// What a schedule is to be; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct ScheduleOrder {
    /// How often; or not at all for now.
    pub every: Option<Often>,
    /// On which day.
    pub day: Option<Day>,
    /// At which time, as [`period::time_of_day`] reads it.
    pub time: Option<String>,
    /// Where it is told.
    pub channel: Option<ChannelId>,
    /// So many hours before, somebody is warned.
    pub warning: Option<i32>,
    /// What it had and is to do without, unless that is given anew.
    pub clear: Option<SchedulePart>,
}

/// What a schedule may do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulePart {
    /// A channel of its own.
    Channel,
    /// The warning before it closes.
    Warning,
}

impl ScheduleOrder {
    /// Whether it changes anything.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.every.is_none()
            && self.day.is_none()
            && self.time.is_none()
            && self.channel.is_none()
            && self.warning.is_none()
            && self.clear.is_none()
    }
}

/// A day on which a schedule is to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// Of the week, by its name; Monday is 1.
    OfWeek(i32),
    /// Of the week or of the month.
    Numbered(i32),
}

/// How often a schedule is to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Often {
    /// Once in that.
    Each(Every),
    /// Not at all: it keeps the rest.
    Off,
}

/// A table's schedule.
#[derive(Debug, Clone)]
pub struct ScheduleShown {
    /// The table, with the schedule.
    pub table: Table,
    /// When it runs next; none where it never does.
    pub next: Option<DateTime<Utc>>,
    /// Where reports go: its channel, else the log channel.
    pub channel: Option<ChannelId>,
    /// In which time zone it is.
    pub zone: chrono_tz::Tz,
}

/// Who is below a threshold before a closing.
#[derive(Debug, Clone)]
pub struct Warning {
    /// In which table.
    pub table: Table,
    /// When it is closed.
    pub due: DateTime<Utc>,
    /// Those who would fall, with the points that they have and their rank.
    pub below: Vec<PageRow>,
}

impl Services {
    /// What closing a table now would come to. Nothing is changed.
    ///
    /// # Errors
    /// No such table, or no right.
    pub async fn preview_close(
        &self,
        request: &Request,
        address: &TableAddress,
    ) -> Result<Report, ServiceError> {
        let mut conn = self.connection().await?;
        let table = find(&mut conn, request, address, Right::PeriodClose).await?;
        let last = sql::closed(&mut conn, table.id, None).await?;
        let rows = entries::all(&mut conn, table.id).await?;
        let period = Period {
            table_id: table.id,
            number: number_after(last.as_ref()),
            since: last.map(|last| last.period.closed),
            closed: request.at,
            due: None,
            entries: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            total: rows
                .iter()
                .fold(0, |sum: i64, row| sum.saturating_add(row.points)),
            proposed: BTreeMap::new(),
        };
        let to = rows.iter().filter_map(|row| {
            let to = period::moves_to(&table, row.rank, row.points, row.exempt)?;
            Some((row.id, to))
        });
        let to = to.collect();
        let done = sql::done(&mut conn, table.id).await?;
        let (settings, _) = guilds::settings(&mut conn, request.guild).await?;
        let schedule = &table.periods.schedule;
        let next = schedule.next(done, request.at, settings.timezone());
        Ok(Report {
            next: next.map(|(_, at)| at),
            ..Report::new(table, period, rows, &to)
        })
    }

    /// Closes a period: all rows are kept, and everybody begins anew.
    ///
    /// # Errors
    /// It was closed, or opened again, meanwhile; the table is gone, or no right. Nothing is changed
    /// then.
    pub async fn close_period(
        &self,
        request: &Request,
        pinned: Pinned,
    ) -> Result<Receipt, ServiceError> {
        let ask = Ask {
            table_id: Some(pinned.table),
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let table = op.table(Right::PeriodClose).await?;
        let last = sql::closed(op.conn(), table.id, None).await?;
        let number = number_after(last.as_ref());
        if number != pinned.number {
            return Err(ServiceError::PeriodMoved {
                table: table.address(),
                period: pinned.number,
                open: number,
            });
        }
        op.close_period(&table, number, None).await?;
        op.finish(Action::PeriodClose, None, None).await
    }

    /// Gives and takes the ranks that a closing proposed, where entries still have the rank that they
    /// had then.
    ///
    /// # Errors
    /// They were applied already, the closing was undone, the table is gone, or no right. Nothing is
    /// changed then.
    pub async fn apply_ranks(
        &self,
        request: &Request,
        closing: Seq,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, Ask::default()).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        op.authority().require_somewhere(Right::PeriodClose)?;
        let kept = sql::by_seq(op.conn(), request.guild, closing).await?;
        let kept = kept.ok_or(ServiceError::UnknownEvent { event: closing })?;
        let proposed = &kept.period.proposed;
        op.load(
            Some(kept.period.table_id),
            proposed.keys().copied().collect(),
        )
        .await?;
        let live = op.current_table().filter(|it| it.deleted_at.is_none());
        let table = live.cloned().ok_or(ServiceError::TableGone)?;
        op.require(Right::PeriodClose)?;
        if kept.reopened || proposed.is_empty() {
            return Err(ServiceError::NothingProposed {
                table: table.address(),
                period: kept.period.number,
            });
        }
        let rows = sql::rows(op.conn(), request.guild, closing).await?;
        let stamp = op.stamp();
        for row in rows {
            let to = proposed.get(&row.id).copied();
            let to = to.filter(|to| table.ranks.contains_key(to));
            let id = op.by_id(row.id).filter(|id| {
                let entry = op.entry(*id);
                entry.is_some_and(|it| {
                    // Who went on leave meanwhile does not fall.
                    let falls = to < it.rank && it.exempt;
                    it.deleted.is_none() && it.rank == row.rank && !falls
                })
            });
            if let (Some(id), Some(to)) = (id, to) {
                op.edit(id, |entry| entry.set(Field::rank(to), &stamp));
            }
        }
        let address = table.address();
        op.propose_ranks(&address, &kept, BTreeMap::new()).await?;
        op.finish(Action::RankApply, None, None).await
    }

    /// The address of a live table, for a button that knows its id.
    ///
    /// # Errors
    /// It is gone, or no right.
    pub async fn address(
        &self,
        request: &Request,
        table: TableId,
    ) -> Result<TableAddress, ServiceError> {
        let mut conn = self.connection().await?;
        let authority = super::access::authority(&mut conn, request).await?;
        let found = stored_tables::by_id(&mut conn, request.guild, table).await?;
        let sees = |table: &Table| authority.may(Right::TableView, Place::table(table));
        let live = found.filter(|table| table.deleted_at.is_none() && sees(table));
        let address = live.and_then(|table| TableAddress::parse(&table.address()).ok());
        address.ok_or(ServiceError::TableGone)
    }

    /// What a closed period came to; the last one without a number.
    ///
    /// # Errors
    /// No such table or period, or no right.
    pub async fn period_report(
        &self,
        request: &Request,
        address: &TableAddress,
        number: Option<i32>,
    ) -> Result<Report, ServiceError> {
        let mut conn = self.connection().await?;
        let table = find(&mut conn, request, address, Right::TableView).await?;
        let kept = closed(&mut conn, &table, number).await?;
        report(&mut conn, request.guild, kept).await
    }

    /// What a closing came to, as it is told where it was posted.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn report_of(
        &self,
        conn: &mut PgConnection,
        guild: GuildId,
        closing: Seq,
    ) -> Result<Option<Report>, ServiceError> {
        match sql::by_seq(conn, guild, closing).await? {
            Some(kept) => report(conn, guild, kept).await.map(Some),
            None => Ok(None),
        }
    }

    /// A page of a table's closings.
    ///
    /// # Errors
    /// No such table, or no right.
    pub async fn list_periods(
        &self,
        request: &Request,
        address: &TableAddress,
        page: u32,
    ) -> Result<PeriodList, ServiceError> {
        let mut conn = self.connection().await?;
        let table = find(&mut conn, request, address, Right::TableView).await?;
        let (closings, total) =
            sql::list(&mut conn, table.id, i64::from(page) * PAGE, PAGE).await?;
        Ok(PeriodList {
            table,
            closings,
            page,
            pages: pages_of(total, PAGE),
        })
    }

    /// The rows of a closed period, in the order of their names, with the table as it was.
    ///
    /// # Errors
    /// No such table or period, or no right.
    pub async fn export_period(
        &self,
        request: &Request,
        address: &TableAddress,
        number: i32,
    ) -> Result<(Table, Vec<PageRow>), ServiceError> {
        let mut conn = self.connection().await?;
        let table = find(&mut conn, request, address, Right::DataExport).await?;
        let kept = closed(&mut conn, &table, Some(number)).await?;
        let mut rows = sql::rows(&mut conn, request.guild, kept.seq).await?;
        super::known::sort(&mut rows, entries::Sort::Name);
        Ok((kept.table, rows))
    }

    // ---- schedules --------------------------------------------------------------------------

    /// A table's schedule, and when it runs next.
    ///
    /// # Errors
    /// No such table, or no right.
    pub async fn schedule(
        &self,
        request: &Request,
        address: &TableAddress,
    ) -> Result<ScheduleShown, ServiceError> {
        let mut conn = self.connection().await?;
        let table = find(&mut conn, request, address, Right::PeriodClose).await?;
        let done = sql::done(&mut conn, table.id).await?;
        let (settings, _) = guilds::settings(&mut conn, request.guild).await?;
        let schedule = &table.periods.schedule;
        let next = schedule.next(done, request.at, settings.timezone());
        Ok(ScheduleShown {
            next: next.map(|(_, at)| at),
            channel: schedule.channel.or(settings.log_channel),
            zone: settings.timezone(),
            table,
        })
    }

    /// Sets when a table is closed by itself. What the schedule wanted before that is not made up for.
    ///
    /// # Errors
    /// No such table, a day that there is not, or no right; nothing is changed then.
    pub async fn set_schedule(
        &self,
        request: &Request,
        address: &TableAddress,
        order: ScheduleOrder,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(address)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::PeriodClose).await?;
        let mut schedule = scheduled(&table, order)?;
        if schedule.runs_otherwise(&table.periods.schedule) {
            schedule.from = Some(request.at);
        }
        table.periods.schedule = schedule;
        op.put_table(table);
        op.finish(Action::PeriodSchedule, None, None).await
    }

    /// Closes whatever schedules want closed by now, and warns of what they will close soon.
    ///
    /// # Errors
    /// If the database can't be reached.
    pub async fn run_schedules(&self) -> Result<(), ServiceError> {
        let (tables, now) = self.scheduled().await?;
        self.run_all(tables, now).await
    }

    /// The same, as of a moment.
    ///
    /// # Errors
    /// As [`Self::run_schedules`].
    pub async fn run_schedules_at(&self, now: DateTime<Utc>) -> Result<(), ServiceError> {
        let (tables, _) = self.scheduled().await?;
        self.run_all(tables, now).await
    }

    async fn scheduled(&self) -> Result<(Vec<Scheduled>, DateTime<Utc>), ServiceError> {
        let asked = async {
            let mut conn = self.connection().await?;
            sql::scheduled(&mut conn).await
        };
        Ok(answered(asked).await?)
    }

    async fn run_all(
        &self,
        tables: Vec<Scheduled>,
        now: DateTime<Utc>,
    ) -> Result<(), ServiceError> {
        for one in tables {
            match self.run(&one, now).await {
                // What is wrong with one table is not to keep the others open.
                Err(error) if !error.is_unreachable() => {
                    tracing::warn!(guild.id = %one.guild, table.id = %one.table.id, %error, "a schedule could not be run; it is tried again");
                }
                done => done?,
            }
        }
        Ok(())
    }

    async fn run(&self, one: &Scheduled, now: DateTime<Utc>) -> Result<(), ServiceError> {
        let (schedule, zone) = (&one.table.periods.schedule, one.settings.timezone());
        if let Some(due) = schedule.due(one.done, now, zone) {
            return self.close_due(one, &due, now).await.map(drop);
        }
        let Some((_, at)) = schedule.next(one.done, now, zone) else {
            return Ok(());
        };
        let channel = schedule.channel.or(one.settings.log_channel);
        if let (Some(warns_at), Some(channel)) = (schedule.warns_at(at), channel)
            && warns_at <= now
        {
            let mut conn = self.connection().await?;
            if sql::warn(&mut conn, one.guild, channel, one.table.id, at).await? {
                self.ring();
            }
        }
        Ok(())
    }

    /// Closes a table as its schedule wants. Looked at again under the lock: another process may have
    /// been faster, or somebody may have set it otherwise.
    async fn close_due(
        &self,
        one: &Scheduled,
        due: &Due,
        now: DateTime<Utc>,
    ) -> Result<Option<Receipt>, ServiceError> {
        let request = request_of(one.guild, run_id(one.table.id, due.on), now);
        let ask = Ask {
            table_id: Some(one.table.id),
            session: SessionNeed::OpensItself,
            ..Ask::default()
        };
        let Begun::Fresh(mut op) = self.begin(&request, ask).await? else {
            return Ok(None);
        };
        op.is_unattended();
        let table = op.table(Right::PeriodClose).await?;
        let done = sql::done(op.conn(), table.id).await?;
        let zone = op.settings().timezone();
        if table.periods.schedule.due(done, now, zone).as_ref() != Some(due) {
            return Ok(None);
        }
        let last = sql::closed(op.conn(), table.id, None).await?;
        op.close_period(&table, number_after(last.as_ref()), Some(due))
            .await?;
        op.finish(Action::PeriodClose, None, None).await.map(Some)
    }

    /// Who would fall if a table were closed now; none where that run was already, or will not be.
    pub(super) async fn warning(
        &self,
        conn: &mut PgConnection,
        guild: GuildId,
        table: TableId,
        due: DateTime<Utc>,
    ) -> Result<Option<Warning>, ServiceError> {
        let found = stored_tables::by_id(conn, guild, table).await?;
        let Some(table) = found.filter(|table| table.deleted_at.is_none()) else {
            return Ok(None);
        };
        let (settings, _) = guilds::settings(conn, guild).await?;
        let done = sql::done(conn, table.id).await?;
        let before = due - chrono::TimeDelta::milliseconds(1);
        let next = (table.periods.schedule).next(done, before, settings.timezone());
        if next.is_none_or(|(_, at)| at != due) {
            return Ok(None);
        }
        let mut below = entries::all(conn, table.id).await?;
        below.retain(|row| {
            let to = period::moves_to(&table, row.rank, row.points, row.exempt);
            to.is_some() && to < row.rank
        });
        Ok((!below.is_empty()).then_some(Warning { table, due, below }))
    }
}

/// The operation of a run: the same whoever does it.
fn run_id(table: TableId, on: NaiveDate) -> OpId {
    OpId::new(format!("schedule/{table}/{on}"))
}

fn request_of(guild: GuildId, op: OpId, at: DateTime<Utc>) -> Request {
    Request {
        guild,
        actor: UserId::from_db(0),
        standing: Standing {
            manage_server: true,
            roles: Vec::new(),
        },
        op,
        at,
        device: None,
        platform: None,
        via: Via::Schedule,
    }
}

fn number_after(last: Option<&Kept>) -> i32 {
    last.map_or(0, |last| last.period.number).saturating_add(1)
}

/// The closed period of that number; the last one without.
pub(super) async fn closed(
    conn: &mut PgConnection,
    table: &Table,
    number: Option<i32>,
) -> Result<Kept, ServiceError> {
    let found = sql::closed(conn, table.id, number).await?;
    let Some(kept) = found else {
        let table_id = table.id;
        let last = sql::closed(conn, table_id, None).await?;
        return Err(ServiceError::UnknownPeriod {
            table: table.address(),
            period: number,
            last: last.map(|last| last.period.number),
        });
    };
    Ok(kept)
}

/// What a closing came to: the rows as they were kept, the ranks as its event tells.
async fn report(
    conn: &mut PgConnection,
    guild: GuildId,
    kept: Kept,
) -> Result<Report, ServiceError> {
    let rows = sql::rows(conn, guild, kept.seq).await?;
    let event = events::by_seq(conn, guild, kept.seq).await?;
    let to = event.as_ref().map(moves).unwrap_or_default();
    Ok(Report {
        seq: Some(kept.seq),
        by: kept.by,
        reopened: kept.reopened,
        ..Report::new(kept.table, kept.period, rows, &to)
    })
}

/// The ranks that a closing gave, or proposed.
fn moves(event: &Event) -> BTreeMap<EntryId, i32> {
    let given = |change: &Change| {
        let is_rank = change.register() == "rank" && !change.superseded;
        let rank = change.after.as_i64().filter(|_| is_rank)?;
        Some((change.entry_id()?, i32::try_from(rank).ok()?))
    };
    let mut moves: BTreeMap<_, _> = event.changes.iter().filter_map(given).collect();
    let proposed = event
        .changes
        .iter()
        .find(|change| change.what == What::Period && change.field == "proposed");
    let proposed = proposed.and_then(|change| change.after.as_str());
    moves.extend(proposed.map(read_proposed).unwrap_or_default());
    moves
}

/// The schedule as it is to be.
fn scheduled(table: &Table, order: ScheduleOrder) -> Result<Schedule, ServiceError> {
    let mut schedule = table.periods.schedule.clone();
    let was = schedule.every;
    match order.every {
        Some(Often::Each(every)) => {
            schedule.every = Some(every);
            schedule.paused = false;
        }
        Some(Often::Off) => schedule.paused = true,
        None => {}
    }
    let Some(every) = schedule.every else {
        let table = table.address();
        return Err(ServiceError::NoSchedule { table });
    };
    // A day of the week is none of the month.
    let kept = schedule.day.filter(|_| was == schedule.every);
    let day = match order.day {
        Some(Day::OfWeek(_)) if every != Every::Week => None,
        Some(Day::OfWeek(day) | Day::Numbered(day)) => Some(day),
        None => kept.or(Some(every.last_day())),
    };
    let day = day.filter(|day| (1..=every.last_day()).contains(day));
    schedule.day = Some(day.ok_or(ServiceError::NoSuchDay { every })?);
    schedule.time = order
        .time
        .or(schedule.time)
        .or_else(|| Some(TIME.to_owned()));
    match order.clear {
        Some(SchedulePart::Channel) => schedule.channel = None,
        Some(SchedulePart::Warning) => schedule.warning = None,
        None => {}
    }
    schedule.channel = order.channel.or(schedule.channel);
    schedule.warning = order.warning.or(schedule.warning).filter(|it| *it > 0);
    Ok(schedule)
}

/// The rows that a closing kept, if they are not those that the history tells of: whose is the first
/// that is another.
pub(super) fn first_other(told: &[PageRow], kept: &[PageRow]) -> Option<String> {
    let differs = told.iter().zip(kept).find(|(told, kept)| told != kept);
    if let Some((told, _)) = differs {
        return Some(told.name.clone());
    }
    let shared = told.len().min(kept.len());
    let mut left = told.iter().skip(shared).chain(kept.iter().skip(shared));
    left.next().map(|row| row.name.clone())
}
