//! The answer to an edit, made from its event alone: a repeated delivery reads the same.

use std::collections::{BTreeMap, BTreeSet};

use serenity::all::ButtonStyle;
use serenity::builder::{CreateActionRow, CreateButton};

use super::words::{entries, field, field_of, points, rank, session_plain, subject, value};
use super::{button, card, joined, listed, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::Reply;
use crate::domain::event::{Action, Change, Event, Outcome, Overwrote, What};
use crate::domain::name::NameOrMember;
use crate::domain::session::{Attribution, Missed};
use crate::i18n::{Locale, Message, Value, keys};
use crate::service::Receipt;
use crate::service::merge::Meant;
use crate::service::undo::RanksLeft;

/// Buttons in a row.
const BUTTONS: usize = 5;

/// Characters on a button.
const LABEL: usize = 80;

/// What was done, with an Undo button where there is something to undo; `repeated` are the names
/// that were given more than once.
#[must_use]
pub fn receipt(receipt: &Receipt, repeated: &[NameOrMember], locale: Locale) -> Reply {
    with_meant(receipt, repeated, &[], locale)
}

/// What was done; beside Undo there is a button for each existing entry that may have been meant
/// by a new one.
#[must_use]
pub fn with_meant(
    receipt: &Receipt,
    repeated: &[NameOrMember],
    meant: &[Meant],
    locale: Locale,
) -> Reply {
    let event = &receipt.event;
    let mut lines = match (&receipt.session, event.action) {
        (Some(session), Action::SessionOpen) => vec![super::session::line(session, locale)],
        _ => lines(event, &receipt.ranks, locale),
    };
    lines.extend(overwrote_notes(receipt, locale));
    lines.extend(left_note(receipt.left.as_ref(), locale));
    lines.extend(repeated_note(repeated, locale));
    lines.extend(reason_note(event, locale));
    lines.extend(missed_note(receipt.aside.missed, locale));
    let title = title(receipt, locale);
    let reply = Reply::card(card(&title, &lines, Some(&footer(receipt, locale)), locale));
    let reply = reply.aside(receipt.aside);
    if let Some(mine) = mine_after_all(event, locale) {
        return reply.row(CreateActionRow::Buttons(vec![mine]));
    }
    if event.action.is_session() || event.outcome != Outcome::Applied || !has_effect(event) {
        return reply;
    }
    let press = Press::Undo {
        device: event.device_id.clone(),
        event: event.seq,
        shown: None,
    };
    let undo = button(&press, keys::BUTTON_UNDO, ButtonStyle::Secondary, locale);
    let meant = meant.iter().take(BUTTONS - 1);
    let meant = meant.map(|meant| meant_button(meant, event, locale));
    let ranks = proposes(event).then(|| super::period::apply(event.seq, locale));
    let buttons = [undo].into_iter().chain(ranks).chain(meant).collect();
    reply.row(CreateActionRow::Buttons(buttons))
}

/// Whether it closed a period and proposed ranks.
fn proposes(event: &Event) -> bool {
    let mut changes = event.changes.iter();
    event.action == Action::PeriodClose
        && changes.any(|change| change.what == What::Period && change.field == "proposed")
}

/// The button that sets what came too late after all.
fn mine_after_all(event: &Event, locale: Locale) -> Option<CreateButton> {
    let [change] = event.changes.as_slice() else {
        return None;
    };
    if event.action != Action::EntrySet || !change.superseded {
        return None;
    }
    wanted(change, false)?;
    let press = Press::Mine {
        device: event.device_id.clone(),
        guild: event.guild_id,
        event: event.seq,
        index: 0,
    };
    let style = ButtonStyle::Secondary;
    Some(button(&press, keys::BUTTON_RESTORE_MINE, style, locale))
}

fn meant_button(meant: &Meant, event: &Event, locale: Locale) -> CreateButton {
    let press = Press::Meant {
        device: event.device_id.clone(),
        event: event.seq,
        created: meant.created,
        meant: meant.entry,
    };
    let label = |name: &str| locale.text(&Message::new(keys::BUTTON_MEANT).with("name", name));
    let room = LABEL.saturating_sub(crate::render::length(&label("")));
    // Markdown is not read on a button.
    CreateButton::new(press.encode())
        .label(label(&crate::render::clip(&meant.name, room)))
        .style(ButtonStyle::Secondary)
}

/// Whether anything is otherwise than before.
pub(super) fn has_effect(event: &Event) -> bool {
    event.changes.iter().any(changes_something)
}

fn changes_something(change: &Change) -> bool {
    !change.superseded && change.before != change.after
}

/// What was done, in a few words.
pub(super) fn title(receipt: &Receipt, locale: Locale) -> String {
    locale.text(&titled(receipt, locale))
}

fn titled(receipt: &Receipt, locale: Locale) -> Message {
    let event = &receipt.event;
    let table = || match &receipt.table {
        Some(table) => shown(table),
        None => locale.text(&keys::RECEIPT_IN_SETTINGS.into()),
    };
    let about = |key| Message::new(key).with("table", table());
    let undone = || event.undoes.map(|seq| seq.to_string()).unwrap_or_default();
    if event.outcome == Outcome::Refused {
        return keys::OUTCOME_REFUSED.into();
    }
    if event.outcome != Outcome::Applied {
        return about(keys::RECEIPT_SUPERSEDED);
    }
    let changed = has_effect(event);
    match event.action {
        Action::SessionOpen => keys::RECEIPT_SESSION_OPEN.into(),
        Action::SessionClose => {
            Message::new(keys::RECEIPT_SESSION_CLOSE).with("count", things(event))
        }
        Action::SessionRename if changed => keys::RECEIPT_SESSION_RENAME.into(),
        Action::SessionRename => keys::RECEIPT_SESSION_UNCHANGED.into(),
        Action::EventUndo if changed => about(keys::RECEIPT_EVENT_UNDO).with("event", undone()),
        Action::EventUndo => about(keys::RECEIPT_UNDO_UNCHANGED).with("event", undone()),
        _ if !changed => about(keys::RECEIPT_UNCHANGED),
        Action::PointsAdd | Action::PointsRemove => award(event, locale).with("table", table()),
        Action::EntrySet => about(keys::RECEIPT_ENTRY_SET),
        Action::EntryDelete => about(keys::RECEIPT_ENTRY_DELETE).with("count", things(event)),
        Action::EntryMerge => about(keys::RECEIPT_ENTRY_MERGE),
        Action::TableCreate => about(keys::RECEIPT_TABLE_CREATE),
        Action::TableEdit => about(keys::RECEIPT_TABLE_EDIT),
        Action::TableDelete => about(keys::RECEIPT_TABLE_DELETE),
        Action::TableRestore => about(keys::RECEIPT_TABLE_RESTORE),
        Action::FieldAdd => about(keys::RECEIPT_FIELD_ADD),
        Action::FieldEdit => about(keys::RECEIPT_FIELD_EDIT),
        Action::FieldRemove => about(keys::RECEIPT_FIELD_REMOVE),
        Action::RankSet => about(keys::RECEIPT_RANK_SET),
        Action::RankRemove => about(keys::RECEIPT_RANK_REMOVE),
        Action::ActivitySet => about(keys::RECEIPT_ACTIVITY_SET),
        Action::ActivityRemove => about(keys::RECEIPT_ACTIVITY_REMOVE),
        Action::RankApply => about(keys::RECEIPT_RANK_APPLY),
        Action::PeriodClose => about(keys::RECEIPT_PERIOD_CLOSE),
        Action::PeriodSchedule => about(keys::RECEIPT_PERIOD_SCHEDULE),
        Action::BoardPost => about(keys::RECEIPT_BOARD_POST),
        Action::BoardRemove => about(keys::RECEIPT_BOARD_REMOVE),
        Action::SettingsSet => keys::RECEIPT_SETTINGS_SET.into(),
        Action::AccessGrant if receipt.table.is_some() => about(keys::RECEIPT_ACCESS_GRANT_IN),
        Action::AccessGrant => keys::RECEIPT_ACCESS_GRANT.into(),
        Action::AccessRevoke if receipt.table.is_some() => about(keys::RECEIPT_ACCESS_REVOKE_IN),
        Action::AccessRevoke => keys::RECEIPT_ACCESS_REVOKE.into(),
        // They stand in the history only as refused.
        Action::TableView
        | Action::AuditView
        | Action::AuditExport
        | Action::DataExport
        | Action::SettingsView
        | Action::AccessView
        | Action::AccessRefuse => keys::OUTCOME_REFUSED.into(),
    }
}

/// The points that were really given or taken: to each, if it was the same for all, else in all.
fn award(event: &Event, locale: Locale) -> Message {
    let deltas: Vec<i64> = event
        .changes
        .iter()
        .filter(|change| !change.superseded)
        .filter_map(|change| change.delta)
        .filter(|delta| *delta != 0)
        .collect();
    let Some(first) = deltas.first() else {
        return Message::new(keys::RECEIPT_ENTRY_ADD).with("count", things(event));
    };
    let adds = event.action == Action::PointsAdd;
    if deltas.iter().all(|delta| delta == first) {
        let key = if adds {
            keys::RECEIPT_POINTS_ADD
        } else {
            keys::RECEIPT_POINTS_REMOVE
        };
        let points = points(first.saturating_abs(), locale);
        return Message::new(key)
            .with("points", points)
            .with("count", deltas.len());
    }
    let key = if adds {
        keys::RECEIPT_POINTS_ADD_TOTAL
    } else {
        keys::RECEIPT_POINTS_REMOVE_TOTAL
    };
    let total = deltas
        .iter()
        .fold(0_i64, |sum, delta| sum.saturating_add(*delta));
    let given_to = i128::try_from(deltas.len()).unwrap_or(0);
    Message::new(key)
        .with("points", points(total.saturating_abs(), locale))
        .with("entries", entries(given_to, locale))
}

/// How many things the event changed.
fn things(event: &Event) -> usize {
    event
        .changes
        .iter()
        .filter(|change| changes_something(change))
        .map(|change| change.id.as_str())
        .collect::<BTreeSet<_>>()
        .len()
}

/// What a table's ranks are called; where that is not known they are shown as numbers.
pub type Ranks = BTreeMap<i32, String>;

/// A line for each change. What came to be or went together with its points has one line for both.
pub(super) fn lines(event: &Event, ranks: &Ranks, locale: Locale) -> Vec<String> {
    if event.changes.is_empty() {
        return vec![locale.text(&keys::RECEIPT_NO_CHANGE.into())];
    }
    let ids = |which: fn(&Change) -> bool| -> BTreeSet<&str> {
        let those = event.changes.iter().filter(|change| which(change));
        those.map(|change| change.id.as_str()).collect()
    };
    let created = ids(Change::is_creation);
    let deleted = ids(Change::is_deletion);
    let given = ids(gives_points);
    let telling = Telling::of(event, ranks, locale);
    let line = |change: &Change| {
        let (is_new, is_gone) = (
            created.contains(change.id.as_str()),
            deleted.contains(change.id.as_str()),
        );
        let told_elsewhere = if change.is_creation() || change.is_deletion() {
            given.contains(change.id.as_str())
        } else if is_points(change) {
            (is_new || is_gone) && !gives_points(change)
        } else {
            // The values that a new table or session begins with are no news, nor those that go.
            change.field == "who" && change.what == What::Grant
                || is_gone && change.what != What::Grant
                || is_new
                    && matches!(
                        change.what,
                        What::Table | What::Session | What::Field | What::Period
                    )
        };
        let state = match (is_new, is_gone) {
            (true, _) if telling.brings_back => State::Restored,
            (true, _) => State::New,
            (false, true) => State::Deleted,
            (false, false) => State::Same,
        };
        (!told_elsewhere).then(|| telling.line(change, state))
    };
    event.changes.iter().filter_map(line).collect()
}

/// The value that a change which came too late was to give a field.
fn wanted(change: &Change, by_delta: bool) -> Option<serde_json::Value> {
    let value = match change.requested {
        Some(points) => (!by_delta).then(|| points.into())?,
        None => change.after.clone(),
    };
    (value != change.before).then_some(value)
}

/// A line for one change alone.
pub(super) fn line(event: &Event, change: &Change, ranks: &Ranks, locale: Locale) -> String {
    Telling::of(event, ranks, locale).line(change, State::Same)
}

fn is_points(change: &Change) -> bool {
    change.what == What::Entry && change.field == "points"
}

fn gives_points(change: &Change) -> bool {
    is_points(change) && changes_something(change)
}

/// What else happened to the entry whose points a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Same,
    New,
    Deleted,
    Restored,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::New => "new",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }
}

/// What the lines of one event need to know.
struct Telling<'a> {
    /// What comes to be was there before.
    brings_back: bool,
    /// Points were asked for as a change, and a bound may have let less happen.
    by_delta: bool,
    ranks: &'a Ranks,
    locale: Locale,
}

impl<'a> Telling<'a> {
    const fn of(event: &Event, ranks: &'a Ranks, locale: Locale) -> Self {
        Self {
            brings_back: matches!(event.action, Action::EventUndo | Action::TableRestore),
            by_delta: !matches!(event.action, Action::EntrySet | Action::PeriodClose),
            ranks,
            locale,
        }
    }

    /// What one change was.
    fn line(&self, change: &Change, state: State) -> String {
        let message = if change.superseded {
            self.too_late(change)
        } else if change.what == What::Grant {
            super::access::told(change, self.locale)
        } else if change.is_creation() {
            let key = if self.brings_back {
                keys::LINE_RESTORED
            } else {
                keys::LINE_CREATED
            };
            Message::new(key).with("what", kind(change.what))
        } else if change.is_deletion() {
            Message::new(keys::LINE_DELETED).with("what", kind(change.what))
        } else if (change.what, change.field.as_str()) == (What::Session, "ended") {
            let how = value("ended", &change.after, self.locale);
            Message::new(keys::LINE_SESSION_ENDED).with("how", how)
        } else if let (true, Some(delta)) = (is_points(change), change.delta) {
            self.points(change, delta, state)
        } else if change.before == change.after {
            Message::new(keys::LINE_UNCHANGED)
                .with("field", field_of(change, self.locale))
                .with("value", self.value(change, &change.after))
        } else {
            Message::new(keys::LINE_FIELD)
                .with("field", field_of(change, self.locale))
                .with("before", self.value(change, &change.before))
                .with("after", self.value(change, &change.after))
        };
        self.locale
            .text(&message.with("name", subject(change, self.locale)))
    }

    /// What stands, and what was to stand, where that is a value.
    fn too_late(&self, change: &Change) -> Message {
        let message = match wanted(change, self.by_delta) {
            Some(wanted) => {
                Message::new(keys::LINE_TOO_LATE).with("wanted", self.value(change, &wanted))
            }
            None => Message::new(keys::LINE_SUPERSEDED),
        };
        message
            .with("field", field_of(change, self.locale))
            .with("value", self.value(change, &change.before))
    }

    fn value(&self, change: &Change, of: &serde_json::Value) -> String {
        match (change.what, change.field.as_str()) {
            _ if change.field_id.is_some() => value("", of, self.locale),
            (What::Entry, "rank") => rank(of, self.ranks, self.locale),
            (_, field) => value(field, of, self.locale),
        }
    }

    fn points(&self, change: &Change, delta: i64, state: State) -> Message {
        let after = points(change.after.as_i64().unwrap_or(0), self.locale);
        let missing = self
            .shortfall(change, delta)
            .filter(|_| state == State::Same);
        if delta == 0 {
            let key = match missing {
                None => keys::LINE_POINTS_UNCHANGED,
                Some(..0) => keys::LINE_POINTS_AT_FLOOR,
                Some(_) => keys::LINE_POINTS_AT_CAP,
            };
            return Message::new(key).with("points", after);
        }
        let message = match missing {
            None => Message::new(keys::LINE_POINTS).with("state", state.word()),
            Some(requested) => {
                let key = if requested < 0 {
                    keys::LINE_POINTS_FLOORED
                } else {
                    keys::LINE_POINTS_CAPPED
                };
                Message::new(key).with("requested", Value::change(requested))
            }
        };
        message
            .with("before", value("points", &change.before, self.locale))
            .with("after", after)
            .with("delta", Value::change(delta))
    }

    /// What was asked for, where a bound let less happen.
    fn shortfall(&self, change: &Change, delta: i64) -> Option<i64> {
        change
            .requested
            .filter(|requested| self.by_delta && *requested != delta)
    }
}

/// The word by which the catalogues choose what to call a thing.
const fn kind(what: What) -> &'static str {
    match what {
        What::Table => "table",
        What::Rank => "rank",
        What::Field => "field",
        What::Activity => "activity",
        What::Board => "board",
        What::Period => "period",
        What::Entry => "entry",
        What::Guild => "guild",
        What::Grant => "grant",
        What::Session => "session",
    }
}

/// What was replaced unseen.
fn overwrote_notes(receipt: &Receipt, locale: Locale) -> Vec<String> {
    let lost = receipt.event.overwrote.iter().flatten();
    let note = |lost: &Overwrote| {
        let note = Message::new(keys::NOTE_OVERWROTE)
            .with("field", lost_field(lost, locale))
            .with(
                "value",
                lost_value(lost, &lost.value, &receipt.ranks, locale),
            )
            .with("event", lost.seq.to_string());
        locale.text(&note)
    };
    lost.map(note).collect()
}

/// The field of a value that was replaced.
pub(super) fn lost_field(lost: &Overwrote, locale: Locale) -> String {
    match &lost.field_id {
        Some(_) => shown(&lost.field),
        None => field(&lost.field, locale),
    }
}

/// A value of the field of one that was replaced.
pub(super) fn lost_value(
    lost: &Overwrote,
    of: &serde_json::Value,
    ranks: &Ranks,
    locale: Locale,
) -> String {
    match (&lost.field_id, lost.field.as_str()) {
        (Some(_), _) => value("", of, locale),
        (None, "rank") => rank(of, ranks, locale),
        (None, field) => value(field, of, locale),
    }
}

/// What was done on other devices meanwhile.
pub(super) fn missed_note(missed: i64, locale: Locale) -> Option<String> {
    (missed > 0).then(|| {
        let key = if missed < Missed::MOST {
            keys::NOTE_MISSED
        } else {
            keys::NOTE_MISSED_MANY
        };
        locale.text(&Message::new(key).with("count", missed))
    })
}

/// Ranks that stay though the closing that had proposed them is undone.
pub(super) fn left_note(left: Option<&RanksLeft>, locale: Locale) -> Option<String> {
    let left = left?;
    let message = Message::new(keys::NOTE_RANKS_LEFT)
        .with("count", left.names.len())
        .with(
            "names",
            joined(left.names.iter().map(|name| shown(name)), locale),
        )
        .with("event", left.event.to_string());
    Some(locale.text(&message))
}

fn repeated_note(repeated: &[NameOrMember], locale: Locale) -> Option<String> {
    if repeated.is_empty() {
        return None;
    }
    let text = |who: &NameOrMember| match who {
        NameOrMember::Name(name) => name.to_string(),
        NameOrMember::Member(id) => format!("@{id}"),
    };
    let names: Vec<String> = repeated.iter().take(10).map(text).collect();
    Some(locale.text(&Message::new(keys::NOTE_REPEATED).with("names", listed(&names))))
}

pub(super) fn reason_note(event: &Event, locale: Locale) -> Option<String> {
    let reason = event.reason.as_deref()?;
    let reason = crate::render::escape(&crate::render::clip(reason, 300));
    Some(locale.text(&Message::new(keys::NOTE_REASON).with("reason", reason)))
}

/// The event's number and the session that did it.
fn footer(receipt: &Receipt, locale: Locale) -> String {
    let event = receipt.event.seq.to_string();
    let Some(session) = &receipt.session else {
        return locale.text(&Message::new(keys::FOOTER_EVENT).with("event", event));
    };
    let inferred = !matches!(
        receipt.event.attribution,
        Some(Attribution::Exact | Attribution::New)
    );
    let key = if inferred {
        keys::FOOTER_INFERRED
    } else {
        keys::FOOTER_SESSION
    };
    locale.text(
        &Message::new(key)
            .with("event", event)
            .with("session", session_plain(session)),
    )
}
