//! Periods: asking before one is closed, what it came to, and when the next one is.

use chrono::TimeDelta;
use serenity::all::ButtonStyle;
use serenity::builder::{CreateActionRow, CreateButton};

use super::words::{ago, entries, moment, person, points, the_schedule};
use super::{button, card, joined, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::Reply;
use crate::domain::ids::{DeviceId, Seq};
use crate::domain::period::{self, Every, Schedule};
use crate::domain::table::Table;
use crate::i18n::{Key, Locale, Message, keys};
use crate::service::periods::{Kept, Move, PeriodList, Report, ScheduleShown, Warning};

/// Before the names of the podium.
const MEDALS: [&str; 3] = ["🥇", "🥈", "🥉"];

/// What closing a period would come to, and whether to go on.
#[must_use]
pub fn preview(report: &Report, device: DeviceId, locale: Locale) -> Reply {
    let about = Message::new(keys::PERIOD_PREVIEW)
        .with("points", points(period::start(&report.table), locale));
    let mut lines = vec![locale.text(&about)];
    lines.extend(report.next.map(|next| {
        let message = Message::new(keys::PERIOD_PREVIEW_NEXT)
            .with("at", moment(next))
            .with("in", ago(next));
        locale.text(&message)
    }));
    lines.push(String::new());
    lines.extend(result(report, locale));
    let title = titled(keys::PERIOD_PREVIEW_TITLE, report, locale);
    let confirm = Press::Close {
        device: Some(device),
        table: report.table.id,
        number: report.period.number,
    };
    Reply::card(card(&title, &lines, None, locale)).row(CreateActionRow::Buttons(vec![
        button(&confirm, keys::BUTTON_CONFIRM, ButtonStyle::Danger, locale),
        button(
            &Press::Cancel,
            keys::BUTTON_CANCEL,
            ButtonStyle::Secondary,
            locale,
        ),
    ]))
}

/// What a closed period came to.
#[must_use]
pub fn report(report: &Report, locale: Locale) -> Reply {
    let title = titled(keys::PERIOD_TITLE, report, locale);
    let lines: Vec<String> = about(report, locale)
        .into_iter()
        .chain(result(report, locale))
        .collect();
    let reply = Reply::card(card(&title, &lines, None, locale));
    match apply_of(report, locale) {
        Some(button) => reply.row(CreateActionRow::Buttons(vec![button])),
        None => reply,
    }
}

/// The same, line by line: for a channel, which has seen already what was undone since.
pub(super) fn posted(report: &Report, locale: Locale) -> Vec<String> {
    let title = format!("**{}**", titled(keys::PERIOD_TITLE, report, locale));
    let mut lines = vec![title];
    lines.extend(about(report, locale));
    if !report.reopened {
        lines.extend(result(report, locale));
    }
    lines
}

/// The button that applies the ranks which a closing proposed, where they still wait.
pub(super) fn apply_of(report: &Report, locale: Locale) -> Option<CreateButton> {
    let seq = report.seq.filter(|_| report.is_pending())?;
    Some(apply(seq, locale))
}

/// The button that applies the ranks which a closing proposed.
pub(super) fn apply(event: Seq, locale: Locale) -> CreateButton {
    let (press, style) = (Press::Ranks { event }, ButtonStyle::Primary);
    button(&press, keys::BUTTON_APPLY_RANKS, style, locale)
}

fn titled(key: Key, report: &Report, locale: Locale) -> String {
    let message = Message::new(key)
        .with("period", report.period.number.to_string())
        .with("table", shown(&report.table.address()));
    locale.text(&message)
}

/// When it was closed and by whom, and whether that was late or undone.
fn about(report: &Report, locale: Locale) -> Vec<String> {
    let closed = moment(report.period.closed);
    let when = match report.period.since {
        Some(since) => Message::new(keys::PERIOD_RANGE).with("since", moment(since)),
        None => Message::new(keys::PERIOD_RANGE_FIRST),
    };
    let who = match report.period.due {
        Some(_) => the_schedule(locale),
        None => person(report.by, locale),
    };
    let mut lines = vec![
        locale.text(&when.with("closed", closed)),
        locale.text(&Message::new(keys::PERIOD_BY).with("who", who)),
    ];
    if let (Some(late), Some(due)) = (report.period.late_by(), report.period.due) {
        let message = Message::new(keys::PERIOD_LATE)
            .with("late", span(late, locale))
            .with("due", moment(due));
        lines.push(locale.text(&message));
    }
    if report.reopened {
        lines.push(locale.text(&keys::PERIOD_REOPENED.into()));
    }
    lines
}

/// Totals, podium, who rises and falls, who did nothing.
fn result(report: &Report, locale: Locale) -> Vec<String> {
    let total = Message::new(keys::PERIOD_TOTAL)
        .with("entries", entries(report.period.entries, locale))
        .with("points", points(report.period.total, locale));
    let mut lines = vec![locale.text(&total)];
    lines.extend(report.podium.iter().zip(MEDALS).map(|(row, medal)| {
        let message = Message::new(keys::PERIOD_PODIUM)
            .with("medal", medal)
            .with("name", shown(&row.name))
            .with("points", points(row.points, locale));
        locale.text(&message)
    }));
    if report.podium.is_empty() {
        lines.push(locale.text(&keys::PERIOD_NOBODY.into()));
    }
    let how = if report.proposes { "proposed" } else { "given" };
    for (key, moves) in [
        (keys::PERIOD_PROMOTED, &report.promoted),
        (keys::PERIOD_DEMOTED, &report.demoted),
    ] {
        if !moves.is_empty() {
            let names = moves.iter().map(|it| moved(it, &report.table, locale));
            let message = Message::new(key)
                .with("how", how)
                .with("count", moves.len())
                .with("names", joined(names, locale));
            lines.push(locale.text(&message));
        }
    }
    if !report.idle.is_empty() {
        let message = Message::new(keys::PERIOD_IDLE)
            .with("count", report.idle.len())
            .with(
                "names",
                joined(report.idle.iter().map(|name| shown(name)), locale),
            );
        lines.push(locale.text(&message));
    }
    if report.is_pending() {
        lines.push(locale.text(&keys::PERIOD_PENDING.into()));
    }
    lines
}

fn moved(it: &Move, table: &Table, locale: Locale) -> String {
    let title = |number: i32| match table.ranks.get(&number) {
        Some(rank) => shown(&rank.title),
        None => locale.integer(number),
    };
    let from = it.from.map(title).unwrap_or_default();
    format!("{} ({from} → {})", shown(&it.name), title(it.to))
}

/// How long something was, in its largest unit.
fn span(span: TimeDelta, locale: Locale) -> String {
    let (key, count) = match (span.num_days(), span.num_hours()) {
        (1.., _) => (keys::SPAN_DAYS, span.num_days()),
        (_, 1..) => (keys::SPAN_HOURS, span.num_hours()),
        _ => (keys::SPAN_MINUTES, span.num_minutes()),
    };
    locale.text(&Message::new(key).with("count", count))
}

/// The closings of a table, newest first.
#[must_use]
pub fn list(list: &PeriodList, device: &DeviceId, locale: Locale) -> Reply {
    let table = shown(&list.table.address());
    if list.closings.is_empty() && list.page == 0 {
        return Reply::text(locale.text(&Message::new(keys::PERIODS_NONE).with("table", table)));
    }
    let lines: Vec<String> = list
        .closings
        .iter()
        .map(|kept| closing(kept, locale))
        .collect();
    let title = locale.text(&Message::new(keys::PERIODS_TITLE).with("table", table));
    let page = Message::new(keys::TABLE_PAGE)
        .with("page", list.page.saturating_add(1))
        .with("pages", list.pages);
    let footer = locale.text(&page);
    let reply = Reply::card(card(&title, &lines, Some(&footer), locale));
    let press = |page: u32| Press::Periods {
        device: Some(device.clone()),
        table: list.table.id,
        page,
    };
    let back = list.page.checked_sub(1).map(|to| (to, keys::BUTTON_BACK));
    let next = list.page.checked_add(1).filter(|to| *to < list.pages);
    let next = next.map(|to| (to, keys::BUTTON_NEXT));
    let turns = [back, next].into_iter().flatten();
    let buttons: Vec<_> = turns
        .map(|(to, label)| button(&press(to), label, ButtonStyle::Secondary, locale))
        .collect();
    if buttons.is_empty() {
        reply
    } else {
        reply.row(CreateActionRow::Buttons(buttons))
    }
}

fn closing(kept: &Kept, locale: Locale) -> String {
    let who = match kept.period.due {
        Some(_) => the_schedule(locale),
        None => person(kept.by, locale),
    };
    let range = match kept.period.since {
        Some(since) => Message::new(keys::PERIODS_RANGE).with("since", moment(since)),
        None => Message::new(keys::PERIODS_RANGE_FIRST),
    };
    let range = locale.text(&range.with("closed", moment(kept.period.closed)));
    let message = Message::new(keys::PERIODS_LINE)
        .with("period", kept.period.number.to_string())
        .with("range", range)
        .with("entries", entries(kept.period.entries, locale))
        .with("points", points(kept.period.total, locale))
        .with("who", who)
        .with("event", kept.seq.to_string());
    let mut line = locale.text(&message);
    if let Some(late) = kept.period.late_by() {
        line += &locale.text(&Message::new(keys::PERIODS_LATE).with("late", span(late, locale)));
    }
    if kept.reopened {
        line += &locale.text(&keys::PERIODS_REOPENED.into());
    }
    line
}

/// Who is below a threshold before a closing. Nobody is pinged.
pub(super) fn warning(warning: &Warning, locale: Locale) -> Vec<String> {
    let head = Message::new(keys::PERIOD_WARNING)
        .with("table", shown(&warning.table.address()))
        .with("when", ago(warning.due));
    let below = warning.below.iter().map(|row| {
        let rank = row.rank.and_then(|rank| warning.table.ranks.get(&rank));
        let threshold = rank.and_then(|rank| rank.demote_below).unwrap_or_default();
        let (has, of) = (locale.integer(row.points), locale.integer(threshold));
        format!("{} ({has} / {of})", shown(&row.name))
    });
    let names = Message::new(keys::PERIOD_WARNING_NAMES)
        .with("count", warning.below.len())
        .with("names", joined(below, locale));
    vec![locale.text(&head), locale.text(&names)]
}

/// A table's schedule.
#[must_use]
pub fn schedule(shown_now: &ScheduleShown, locale: Locale) -> Reply {
    let table = shown(&shown_now.table.address());
    let schedule = &shown_now.table.periods.schedule;
    if schedule.every.is_none() {
        return Reply::text(locale.text(&Message::new(keys::SCHEDULE_NONE).with("table", table)));
    }
    let mut lines = runs(shown_now, locale);
    let channel = match shown_now.channel {
        Some(channel) => {
            Message::new(keys::SCHEDULE_CHANNEL).with("channel", format!("<#{channel}>"))
        }
        None => keys::SCHEDULE_NO_CHANNEL.into(),
    };
    lines.push(locale.text(&channel));
    let warning = match schedule.warning {
        Some(hours) => Message::new(keys::SCHEDULE_WARNING).with("count", hours),
        None => keys::SCHEDULE_NO_WARNING.into(),
    };
    lines.push(locale.text(&warning));
    let title = locale.text(&Message::new(keys::SCHEDULE_TITLE).with("table", table));
    Reply::card(card(&title, &lines, None, locale))
}

/// When a schedule closes, and when next: also above the answer to setting it.
#[must_use]
pub fn runs(shown_now: &ScheduleShown, locale: Locale) -> Vec<String> {
    let schedule = &shown_now.table.periods.schedule;
    let when = when(schedule, locale)
        .with("time", schedule.time.clone().unwrap_or_default())
        .with("zone", shown(shown_now.zone.name()));
    let next = match shown_now.next {
        Some(at) => Message::new(keys::SCHEDULE_NEXT)
            .with("at", moment(at))
            .with("in", ago(at)),
        None => keys::SCHEDULE_PAUSED.into(),
    };
    vec![locale.text(&when), locale.text(&next)]
}

fn when(schedule: &Schedule, locale: Locale) -> Message {
    let day = schedule.day.unwrap_or_default();
    match schedule.every {
        Some(Every::Month) => Message::new(keys::SCHEDULE_MONTH).with("day", day.to_string()),
        Some(Every::Week) | None => {
            Message::new(keys::SCHEDULE_WEEK).with("day", weekday(day, locale))
        }
    }
}

/// What a day of the week is called; Monday is 1.
#[must_use]
pub fn weekday(day: i32, locale: Locale) -> String {
    let key = match day {
        1 => keys::WEEKDAY_1,
        2 => keys::WEEKDAY_2,
        3 => keys::WEEKDAY_3,
        4 => keys::WEEKDAY_4,
        5 => keys::WEEKDAY_5,
        6 => keys::WEEKDAY_6,
        _ => keys::WEEKDAY_7,
    };
    locale.text(&key.into())
}
