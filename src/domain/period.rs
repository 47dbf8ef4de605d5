//! Periods: what a closing leaves of a table, who rises and falls by it, and when a schedule wants
//! the next one.

use std::collections::BTreeMap;

use chrono::{
    DateTime, Datelike as _, LocalResult, Months, NaiveDate, NaiveTime, SecondsFormat, TimeDelta,
    TimeZone as _, Utc,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{Change, What};
use super::ids::{ChannelId, EntryId, TableId};
use super::stamp::Stamp;
use super::table::{Registers, Table, diff};

/// A run that comes more than this after it was due is marked as late.
const LATE: TimeDelta = TimeDelta::minutes(5);

/// The most hours before a closing at which somebody can be warned.
pub const MAX_WARNING: i32 = 168;

/// The day of the week, or of the month, on which a schedule closes if none is given: the last.
const LAST_WEEKDAY: i32 = 7;
const LAST_DAY: i32 = 31;

/// How a table's periods go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Periods {
    /// The last closing that was not undone: sets dated before it come too late.
    pub closed: Option<Stamp>,
    /// A closing only proposes ranks, and somebody applies them.
    pub proposes: bool,
    /// When it is closed by itself.
    pub schedule: Schedule,
}

/// How often a schedule closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// Once a week.
    Week,
    /// Once a month.
    Month,
}

impl Every {
    /// The word in options, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Week, Self::Month]
            .into_iter()
            .find(|every| every.as_str() == text)
    }

    /// The last day that a schedule can name.
    #[must_use]
    pub const fn last_day(self) -> i32 {
        match self {
            Self::Week => LAST_WEEKDAY,
            Self::Month => LAST_DAY,
        }
    }
}

/// When a table is closed by itself. One without `every` was never set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Schedule {
    /// How often.
    pub every: Option<Every>,
    /// On which day of the week (Monday is 1) or of the month; its last where it is shorter.
    pub day: Option<i32>,
    /// At which time by the guild's clocks, `20:00`.
    pub time: Option<String>,
    /// Where reports and warnings are posted; in the log channel, without.
    pub channel: Option<ChannelId>,
    /// So many hours before, those below a threshold are warned.
    pub warning: Option<i32>,
    /// It keeps all that and does not close.
    pub paused: bool,
    /// Since when it is as it is: earlier runs are none of its own. No part of the history.
    pub from: Option<DateTime<Utc>>,
}

/// A run that a schedule wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The last day on which it wanted one.
    pub on: NaiveDate,
    /// When it wanted one first.
    pub since: DateTime<Utc>,
}

impl Schedule {
    /// The run that should have been by now, if there is one: one for all that were missed. Those of
    /// the days up to `done` were.
    #[must_use]
    pub fn due(&self, done: Option<NaiveDate>, now: DateTime<Utc>, zone: Tz) -> Option<Due> {
        let mut missed = self.runs(done, zone).take_while(|(_, at)| *at <= now);
        let (first, since) = missed.next()?;
        let on = missed.last().map_or(first, |(day, _)| day);
        Some(Due { on, since })
    }

    /// The first run after `now`.
    #[must_use]
    pub fn next(
        &self,
        done: Option<NaiveDate>,
        now: DateTime<Utc>,
        zone: Tz,
    ) -> Option<(NaiveDate, DateTime<Utc>)> {
        self.runs(done, zone).find(|(_, at)| *at > now)
    }

    /// Whether it wants other runs than that one did. Where it is told, and who is warned, is nothing
    /// to them.
    #[must_use]
    pub fn runs_otherwise(&self, than: &Self) -> bool {
        let runs = |it: &Self| (it.every, it.day, it.time.clone(), it.paused);
        runs(self) != runs(than)
    }

    /// When those below a threshold are to be warned of a run.
    #[must_use]
    pub fn warns_at(&self, run: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let hours = self.warning.filter(|hours| *hours > 0)?;
        run.checked_sub_signed(TimeDelta::hours(hours.into()))
    }

    /// Its runs, in order. A day is known by its date: where the zone, or the time of the day, is
    /// set anew it has no second run.
    fn runs(
        &self,
        done: Option<NaiveDate>,
        zone: Tz,
    ) -> impl Iterator<Item = (NaiveDate, DateTime<Utc>)> {
        let time = self.time.as_deref().and_then(read_time);
        let set = self.every.zip(self.day).zip(time).zip(self.from);
        let set = set.filter(|_| !self.paused);
        set.into_iter()
            .flat_map(move |(((every, day), time), from)| {
                let set_on = from.with_timezone(&zone).date_naive();
                let after = done.and_then(|done| done.succ_opt());
                let first = after.map_or(set_on, |after| after.max(set_on));
                days(every, day, first)
                    .map(move |on| (on, instant(on, time, zone)))
                    .filter(move |(_, at)| *at > from)
            })
    }

    pub(super) fn registers(&self) -> Registers {
        let channel = self.channel.map(|channel| channel.to_string());
        vec![
            ("every", self.every.map(Every::as_str).into()),
            ("day", self.day.into()),
            ("time", self.time.clone().into()),
            ("channel", channel.into()),
            ("warning", self.warning.into()),
            ("paused", self.paused.then_some(true).into()),
        ]
    }

    pub(super) fn write(&mut self, field: &str, value: &Value, now: DateTime<Utc>) {
        let (text, number) = (value.as_str(), value.as_i64());
        let number = number.and_then(|number| i32::try_from(number).ok());
        match field {
            "every" => self.every = text.and_then(Every::parse),
            "day" => self.day = number,
            "time" => self.time = text.map(str::to_owned),
            "channel" => {
                let id = text.and_then(|id| id.parse().ok());
                self.channel = id.map(ChannelId::from_db);
                return;
            }
            "warning" => {
                self.warning = number;
                return;
            }
            "paused" => self.paused = value.as_bool().unwrap_or_default(),
            _ => return,
        }
        self.from = Some(now);
    }
}

/// A time of the day as people type it, as it is kept: `8:05` as `08:05`.
#[must_use]
pub fn time_of_day(text: &str) -> Option<String> {
    read_time(text.trim()).map(|time| time.format("%H:%M").to_string())
}

fn read_time(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M").ok()
}

/// The days of a schedule, from one on.
fn days(every: Every, day: i32, from: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    let step = move |last: NaiveDate| match every {
        Every::Week => last.checked_add_signed(TimeDelta::weeks(1)),
        Every::Month => {
            let next = last.with_day(1)?.checked_add_months(Months::new(1))?;
            Some(in_month(next, day))
        }
    };
    let first = match every {
        Every::Week => {
            let today = i64::from(from.weekday().number_from_monday());
            let ahead = (i64::from(day) - today).rem_euclid(7);
            from.checked_add_signed(TimeDelta::days(ahead))
        }
        Every::Month => Some(in_month(from, day)).map(|this| {
            if this >= from {
                this
            } else {
                step(this).unwrap_or(this)
            }
        }),
    };
    std::iter::successors(first, move |last| step(*last))
}

/// The day of a month, or its last.
fn in_month(month: NaiveDate, day: i32) -> NaiveDate {
    let day = u32::try_from(day).unwrap_or(1).max(1);
    let mut days = (1..=day).rev();
    days.find_map(|day| month.with_day(day)).unwrap_or(month)
}

/// The moment at which the clocks show that: the first of two; where they never do, the first after
/// it.
fn instant(on: NaiveDate, time: NaiveTime, zone: Tz) -> DateTime<Utc> {
    let local = on.and_time(time);
    let minutes = (0..=2 * 24 * 60).map(|minutes| local + TimeDelta::minutes(minutes));
    let mut shown = minutes.filter_map(|local| match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
        LocalResult::None => None,
    });
    shown.next().unwrap_or_else(|| local.and_utc())
}

/// The rank that an entry moves to when its table is closed: the next one from the threshold of its
/// own on, the one before below it, unless it is exempt.
#[must_use]
pub fn moves_to(table: &Table, rank: Option<i32>, points: i64, exempt: bool) -> Option<i32> {
    let current = table.ranks.get(&rank?)?;
    let rises = current.promote_at.is_some_and(|at| points >= at);
    if let Some(above) = table.above(current.number).filter(|_| rises) {
        return Some(above.number);
    }
    let falls = current.demote_below.is_some_and(|below| points < below) && !exempt;
    let below = table.below(current.number).filter(|_| falls)?;
    Some(below.number)
}

/// What a table's points begin with in a period.
#[must_use]
pub fn start(table: &Table) -> i64 {
    table.floor.max(0)
}

/// A closed period of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Whose.
    pub table_id: TableId,
    /// 1, 2, 3 … per table.
    pub number: i32,
    /// When the one before was closed.
    pub since: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed: DateTime<Utc>,
    /// When the schedule had wanted that first; none where somebody closed it.
    pub due: Option<DateTime<Utc>>,
    /// How many entries the table had.
    pub entries: i64,
    /// The sum of their points.
    pub total: i64,
    /// Ranks that were proposed and are not given yet.
    pub proposed: BTreeMap<EntryId, i32>,
}

/// How late a run came, where that is worth a word.
#[must_use]
pub fn late_by(due: DateTime<Utc>, closed: DateTime<Utc>) -> Option<TimeDelta> {
    let by = closed.signed_duration_since(due);
    (by > LATE).then_some(by)
}

impl Period {
    /// How late the schedule closed it, where that is worth a word.
    #[must_use]
    pub fn late_by(&self) -> Option<TimeDelta> {
        late_by(self.due?, self.closed)
    }

    /// What a closing tells of it.
    #[must_use]
    pub fn closing(&self, address: &str) -> Vec<Change> {
        self.changes(address, &Vec::new(), &self.registers())
    }

    /// What undoing the closing tells of it.
    #[must_use]
    pub fn reopening(&self, address: &str) -> Vec<Change> {
        self.changes(address, &self.registers(), &Vec::new())
    }

    /// Other ranks are proposed than were.
    pub fn propose(&mut self, address: &str, proposed: BTreeMap<EntryId, i32>) -> Vec<Change> {
        let before = self.registers();
        self.proposed = proposed;
        self.changes(address, &before, &self.registers())
    }

    fn changes(&self, address: &str, before: &Registers, after: &Registers) -> Vec<Change> {
        diff(
            What::Period,
            &self.number.to_string(),
            address,
            before,
            after,
        )
    }

    fn registers(&self) -> Registers {
        vec![
            ("closed", time(self.closed).into()),
            ("since", self.since.map(time).into()),
            ("due", self.due.map(time).into()),
            ("entries", self.entries.into()),
            ("total", self.total.into()),
            ("proposed", proposed_text(&self.proposed).into()),
        ]
    }
}

/// Proposed ranks as events and the database hold them.
#[must_use]
pub fn proposed_text(proposed: &BTreeMap<EntryId, i32>) -> Option<String> {
    let one = |(id, rank): (&EntryId, &i32)| format!("{id}:{rank}");
    let all: Vec<String> = proposed.iter().map(one).collect();
    (!all.is_empty()).then(|| all.join(","))
}

/// Reads [`proposed_text`].
#[must_use]
pub fn read_proposed(text: &str) -> BTreeMap<EntryId, i32> {
    let one = |part: &str| {
        let (id, rank) = part.split_once(':')?;
        Some((EntryId(id.parse().ok()?), rank.parse().ok()?))
    };
    text.split(',').filter_map(one).collect()
}

/// UTC with six digits of a second, as the database keeps it.
fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::{Berlin, Bucharest};

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn schedule(every: Every, on: i32, time: &str, from: &str) -> Schedule {
        Schedule {
            every: Some(every),
            day: Some(on),
            time: Some(time.to_owned()),
            from: Some(utc(from)),
            ..Schedule::default()
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_runs_at_the_first_moment_after_it() {
        // 03:00 becomes 04:00 on 28 March 2027.
        let sundays = schedule(Every::Week, 7, "03:30", "2027-03-20T00:00:00Z");
        let runs: Vec<_> = sundays.runs(None, Bucharest).take(3).collect();
        let told = [
            (day("2027-03-21"), utc("2027-03-21T01:30:00Z")),
            (day("2027-03-28"), utc("2027-03-28T01:00:00Z")),
            (day("2027-04-04"), utc("2027-04-04T00:30:00Z")),
        ];
        assert_eq!(runs, told);
    }

    #[test]
    fn a_time_that_the_clocks_show_twice_runs_once_at_the_first() {
        // 04:00 becomes 03:00 on 31 October 2027.
        let sundays = schedule(Every::Week, 7, "03:30", "2027-10-30T00:00:00Z");
        let first = utc("2027-10-31T00:30:00Z");
        let due = sundays.due(None, first, Bucharest).unwrap();
        assert_eq!((due.on, due.since), (day("2027-10-31"), first));
        let again = first + TimeDelta::hours(1);
        assert_eq!(sundays.due(Some(due.on), again, Bucharest), None);
        let next = sundays.next(Some(due.on), again, Bucharest).unwrap();
        assert_eq!(next.1, utc("2027-11-07T01:30:00Z"));
    }

    #[test]
    fn what_was_missed_is_one_run() {
        let sundays = schedule(Every::Week, 7, "20:00", "2027-01-01T00:00:00Z");
        let due = sundays.due(
            Some(day("2027-01-03")),
            utc("2027-01-26T00:00:00Z"),
            Bucharest,
        );
        let since = utc("2027-01-10T18:00:00Z");
        let on = day("2027-01-24");
        assert_eq!(due, Some(Due { on, since }));
        let next = sundays.next(Some(on), utc("2027-01-26T00:00:00Z"), Bucharest);
        assert_eq!(next, Some((day("2027-01-31"), utc("2027-01-31T18:00:00Z"))));
    }

    #[test]
    fn a_month_that_is_shorter_ends_earlier() {
        let last = schedule(Every::Month, 31, "20:00", "2028-01-31T19:00:00Z");
        let days: Vec<_> = last.runs(None, Bucharest).take(3).map(|it| it.0).collect();
        assert_eq!(days, ["2028-02-29", "2028-03-31", "2028-04-30"].map(day));
    }

    #[test]
    fn another_time_zone_gives_a_day_no_second_run() {
        let sundays = schedule(Every::Week, 7, "20:00", "2027-01-01T00:00:00Z");
        let ran = sundays.due(None, utc("2027-01-03T18:00:00Z"), Bucharest);
        let on = ran.unwrap().on;
        let later = utc("2027-01-03T19:30:00Z");
        assert_eq!(sundays.due(Some(on), later, Berlin), None);
    }

    #[test]
    fn a_paused_schedule_wants_nothing() {
        let sundays = schedule(Every::Week, 7, "20:00", "2027-01-01T00:00:00Z");
        let paused = Schedule {
            paused: true,
            ..sundays
        };
        assert_eq!(
            paused.due(None, utc("2028-01-01T00:00:00Z"), Bucharest),
            None
        );
        let never = Schedule::default();
        assert_eq!(
            never.next(None, utc("2028-01-01T00:00:00Z"), Bucharest),
            None
        );
    }

    #[test]
    fn times_of_the_day_are_read() {
        let read = ["8:05", "20:00", "24:00", "8", "12:60", ""].map(time_of_day);
        let told = [Some("08:05"), Some("20:00"), None, None, None, None];
        assert_eq!(read, told.map(|time| time.map(str::to_owned)));
    }
}
