//! Moments as people give them: a day, a minute of it, an instant, a Discord timestamp, an age.
//!
//! What is named is meant whole: a day given as the end of something (`until`, `at`) is that day's
//! last moment, given as its start (`since`) the first one. So is a minute, and the second of a
//! Discord timestamp, which is all that Discord shows of a time.

use std::ops::RangeInclusive;

use chrono::{
    DateTime, Days, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeDelta,
    TimeZone as _, Utc,
};
use chrono_tz::Tz;

/// The years that a moment may lie in: those of which every microsecond is a number that a
/// `custom_id` has room for.
const YEARS: RangeInclusive<i32> = 1970..=9999;

/// The last second of those years, from 1970 on.
const LAST_SECOND: i64 = 253_402_300_799;

/// A moment, or a short span that is meant whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// From the first to the last of these.
    Between(DateTime<Utc>, DateTime<Utc>),
    /// From the first to the last of these on the guild's clocks.
    OnTheClock(NaiveDateTime, NaiveDateTime),
    /// So long before now.
    Ago(TimeDelta),
}

/// A text that is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a moment")]
pub struct NotAMoment;

impl Moment {
    /// This very instant.
    #[must_use]
    pub const fn instant(at: DateTime<Utc>) -> Self {
        Self::Between(at, at)
    }

    /// Reads `2026-11-20`, `2026-11-20 21:15` (also with seconds, and with a `T`), an instant of
    /// ISO 8601, `<t:1795201200>` in any of Discord's styles, or an age: `45m`, `3h`, `2d`, `1w`.
    ///
    /// # Errors
    /// If it is none of these, or of no year that could be meant.
    pub fn parse(text: &str) -> Result<Self, NotAMoment> {
        let text = text.trim();
        [timestamp, instant, on_the_clock, age]
            .into_iter()
            .find_map(|read| read(text))
            .ok_or(NotAMoment)
    }

    /// Where it begins, as `since` means it.
    #[must_use]
    pub fn first(&self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        match *self {
            Self::Between(first, _) => first,
            Self::OnTheClock(first, _) => match zone.from_local_datetime(&first) {
                MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.to_utc(),
                MappedLocalTime::None => skipped(first, zone),
            },
            Self::Ago(age) => before(now, age),
        }
    }

    /// Where it ends, as `until` and `at` mean it.
    #[must_use]
    pub fn last(&self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        match *self {
            Self::Between(_, last) => last,
            Self::OnTheClock(_, last) => match zone.from_local_datetime(&last) {
                MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(_, at) => at.to_utc(),
                MappedLocalTime::None => skipped(last, zone),
            },
            Self::Ago(age) => before(now, age),
        }
    }
}

/// A time that the clocks never showed, since they were put forward over it: as if they had not
/// been yet.
fn skipped(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let day_before = local - TimeDelta::days(1);
    let offset = zone.offset_from_utc_datetime(&day_before).fix();
    let seconds = TimeDelta::seconds(offset.local_minus_utc().into());
    local.checked_sub_signed(seconds).unwrap_or(local).and_utc()
}

fn before(now: DateTime<Utc>, age: TimeDelta) -> DateTime<Utc> {
    let at = now.checked_sub_signed(age);
    at.unwrap_or(DateTime::UNIX_EPOCH).max(DateTime::UNIX_EPOCH)
}

/// `<t:1795201200>` or `<t:1795201200:R>`.
fn timestamp(text: &str) -> Option<Moment> {
    let inner = text.strip_prefix("<t:")?.strip_suffix('>')?;
    let (seconds, style) = inner.split_once(':').unwrap_or((inner, "f"));
    let is_style = style.len() == 1 && style.bytes().all(|byte| byte.is_ascii_alphabetic());
    let seconds = number(seconds).filter(|seconds| is_style && *seconds <= LAST_SECOND)?;
    let first = DateTime::from_timestamp(seconds, 0)?;
    Some(Moment::Between(first, first + up_to(TimeDelta::seconds(1))))
}

/// With an offset from UTC, so that it needs no time zone.
fn instant(text: &str) -> Option<Moment> {
    let text = match text.strip_suffix(['Z', 'z']) {
        Some(rest) => format!("{rest}+00:00"),
        None => text.to_owned(),
    };
    let formats = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];
    let at = formats
        .into_iter()
        .find_map(|format| DateTime::parse_from_str(&text, format).ok())?
        .to_utc();
    is_in_range(at.date_naive()).then_some(Moment::instant(at))
}

fn on_the_clock(text: &str) -> Option<Moment> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let next = day.checked_add_days(Days::new(1))?;
        let (first, next) = (day.and_time(NaiveTime::MIN), next.and_time(NaiveTime::MIN));
        return is_in_range(day).then_some(Moment::OnTheClock(first, first + up_to(next - first)));
    }
    let (date, time) = text.split_once(['T', ' '])?;
    let text = format!("{date}T{}", time.trim_start());
    let formats = [
        ("%Y-%m-%dT%H:%M", TimeDelta::minutes(1)),
        ("%Y-%m-%dT%H:%M:%S", TimeDelta::seconds(1)),
    ];
    let (first, whole) = formats.into_iter().find_map(|(format, whole)| {
        let first = NaiveDateTime::parse_from_str(&text, format).ok()?;
        Some((first, whole))
    })?;
    is_in_range(first.date()).then_some(Moment::OnTheClock(first, first + up_to(whole)))
}

fn age(text: &str) -> Option<Moment> {
    let unit = text.chars().next_back()?;
    let count = number(text.strip_suffix(unit)?.trim_end()).filter(|count| *count < 1_000_000)?;
    let age = match unit.to_ascii_lowercase() {
        's' => TimeDelta::seconds(count),
        'm' => TimeDelta::minutes(count),
        'h' => TimeDelta::hours(count),
        'd' => TimeDelta::days(count),
        'w' => TimeDelta::weeks(count),
        _ => return None,
    };
    Some(Moment::Ago(age))
}

/// All of a span but the beginning of the next one: the database counts microseconds.
fn up_to(span: TimeDelta) -> TimeDelta {
    span - TimeDelta::microseconds(1)
}

/// Digits alone, no sign.
fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn is_in_range(day: NaiveDate) -> bool {
    use chrono::Datelike as _;
    YEARS.contains(&day.year())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// In the default time zone, at 12:00 UTC on 22 November 2026.
    fn span(text: &str) -> (DateTime<Utc>, DateTime<Utc>) {
        let moment = Moment::parse(text).unwrap();
        let (now, zone) = (utc("2026-11-22T12:00:00Z"), Tz::Europe__Bucharest);
        (moment.first(now, zone), moment.last(now, zone))
    }

    #[test]
    fn what_is_named_is_meant_whole() {
        for (text, first, last) in [
            (
                "2026-11-20",
                "2026-11-19T22:00:00Z",
                "2026-11-20T21:59:59.999999Z",
            ),
            (
                " 2026-11-20 21:15 ",
                "2026-11-20T19:15:00Z",
                "2026-11-20T19:15:59.999999Z",
            ),
            (
                "2026-11-20T21:15",
                "2026-11-20T19:15:00Z",
                "2026-11-20T19:15:59.999999Z",
            ),
            (
                "2026-11-20 21:15:07",
                "2026-11-20T19:15:07Z",
                "2026-11-20T19:15:07.999999Z",
            ),
            (
                "<t:1795201200>",
                "2026-11-20T19:00:00Z",
                "2026-11-20T19:00:00.999999Z",
            ),
            (
                "<t:1795201200:R>",
                "2026-11-20T19:00:00Z",
                "2026-11-20T19:00:00.999999Z",
            ),
        ] {
            assert_eq!(span(text), (utc(first), utc(last)), "{text}");
        }
    }

    #[test]
    fn instants_and_ages_are_exact() {
        for (text, at) in [
            ("2026-11-20T21:15:00Z", "2026-11-20T21:15:00Z"),
            ("2026-11-20T21:15:00.123456Z", "2026-11-20T21:15:00.123456Z"),
            ("2026-11-20T21:15+02:00", "2026-11-20T19:15:00Z"),
            ("2026-11-20T21:15:30-0330", "2026-11-21T00:45:30Z"),
            ("90s", "2026-11-22T11:58:30Z"),
            ("45m", "2026-11-22T11:15:00Z"),
            ("3h", "2026-11-22T09:00:00Z"),
            ("2 d", "2026-11-20T12:00:00Z"),
            ("1W", "2026-11-15T12:00:00Z"),
            ("999999w", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(span(text), (utc(at), utc(at)), "{text}");
        }
    }

    #[test]
    fn the_clocks_of_the_guild_count_also_when_they_are_changed() {
        for (text, first, last) in [
            // 25 hours: the clocks are put back from 4:00 to 3:00.
            (
                "2026-10-25",
                "2026-10-24T21:00:00Z",
                "2026-10-25T21:59:59.999999Z",
            ),
            // Shown twice.
            (
                "2026-10-25 03:30",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:30:59.999999Z",
            ),
            // 23 hours: they are put forward from 3:00 to 4:00.
            (
                "2026-03-29",
                "2026-03-28T22:00:00Z",
                "2026-03-29T20:59:59.999999Z",
            ),
            // Never shown.
            (
                "2026-03-29 03:30",
                "2026-03-29T01:30:00Z",
                "2026-03-29T01:30:59.999999Z",
            ),
        ] {
            assert_eq!(span(text), (utc(first), utc(last)), "{text}");
        }
        // A day that begins an hour late.
        let day = Moment::parse("2026-04-24").unwrap();
        let now = utc("2026-11-22T12:00:00Z");
        assert_eq!(
            day.first(now, Tz::Africa__Cairo),
            utc("2026-04-23T22:00:00Z")
        );
    }

    #[test]
    fn anything_else_is_no_moment() {
        for text in [
            "",
            "yesterday",
            "ieri",
            "2026",
            "2026-11",
            "2026-02-30",
            "2026-13-01",
            "20.11.2026",
            "2026-11-20 25:00",
            "2026-11-20 21:60",
            "1969-12-31",
            "10000-01-01",
            "12026-11-20",
            "-2026-11-20",
            "3",
            "h",
            "-3h",
            "+3h",
            "3y",
            "1000000s",
            "3.5h",
            "<t:>",
            "<t:-5>",
            "<t:12:RR>",
            "<t:12:>",
            "<t:253402300800>",
            "<t:99999999999999999999>",
            "١h",
            "1969-12-31T00:00:00Z",
            "2026-11-20T21:15:00 Europe/Bucharest",
            "3ș",
        ] {
            assert_eq!(Moment::parse(text), Err(NotAMoment), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = Moment::parse(&text);
        }

        #[test]
        fn every_minute_lies_within_its_day(
            day in 0..2_900_000_i64, minute in 0..1440_i64, zone in prop::sample::select(&chrono_tz::TZ_VARIANTS),
        ) {
            let first = NaiveDate::from_ymd_opt(1970, 1, 2).unwrap() + TimeDelta::days(day);
            let (hour, minute) = (minute / 60, minute % 60);
            let minute = Moment::parse(&format!("{first} {hour:02}:{minute:02}")).unwrap();
            let day = Moment::parse(&first.to_string()).unwrap();
            let now = utc("2026-11-22T12:00:00Z");
            prop_assert!(minute.first(now, zone) < minute.last(now, zone));
            prop_assert!(day.first(now, zone) <= minute.first(now, zone));
            // Where the clocks skip midnight, its last minutes are the first ones of the next day.
            prop_assert!(minute.last(now, zone) <= day.last(now, zone) + TimeDelta::hours(1));
        }
    }
}
