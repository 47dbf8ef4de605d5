//! The answer to an edit, made from its event alone: a repeated delivery reads the same.

use std::collections::{BTreeMap, BTreeSet};

use serenity::all::ButtonStyle;
use serenity::builder::CreateActionRow;

use super::words::{entries, field, points, session_plain, subject, value};
use super::{button, card, listed, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::Reply;
use crate::domain::event::{Action, Change, Event, Outcome, What};
use crate::domain::name::NameOrMember;
use crate::domain::session::Attribution;
use crate::i18n::{Locale, Message, Value, keys};
use crate::service::Receipt;

/// What was done, with an Undo button where it can be undone; `repeated` are the names that were
/// given more than once.
#[must_use]
pub fn receipt(receipt: &Receipt, repeated: &[NameOrMember], locale: Locale) -> Reply {
    let event = &receipt.event;
    let mut lines = match (&receipt.session, event.action) {
        (Some(session), Action::SessionOpen) => vec![super::session::line(session, locale)],
        _ => lines(event, &receipt.ranks, locale),
    };
    lines.extend(repeated_note(repeated, locale));
    lines.extend(reason_note(event, locale));
    let title = locale.text(&title(receipt, locale));
    let reply = Reply::card(card(&title, &lines, Some(&footer(receipt, locale)), locale));
    if event.action.is_session() || event.outcome != Outcome::Applied {
        return reply;
    }
    let press = Press::Undo {
        device: event.device_id.clone(),
        event: event.seq,
        force: false,
    };
    let undo = button(&press, keys::BUTTON_UNDO, ButtonStyle::Secondary, locale);
    reply.row(CreateActionRow::Buttons(vec![undo]))
}

fn title(receipt: &Receipt, locale: Locale) -> Message {
    let event = &receipt.event;
    let key = match event.action {
        _ if event.outcome != Outcome::Applied => keys::RECEIPT_SUPERSEDED,
        Action::PointsAdd if requested(event) == 0 => keys::RECEIPT_ENTRY_ADD,
        Action::PointsAdd => keys::RECEIPT_POINTS_ADD,
        Action::PointsRemove => keys::RECEIPT_POINTS_REMOVE,
        Action::EntrySet => keys::RECEIPT_ENTRY_SET,
        Action::EntryDelete => keys::RECEIPT_ENTRY_DELETE,
        Action::TableCreate => keys::RECEIPT_TABLE_CREATE,
        Action::RankSet => keys::RECEIPT_RANK_SET,
        Action::EventUndo => keys::RECEIPT_EVENT_UNDO,
        Action::SessionOpen => keys::RECEIPT_SESSION_OPEN,
        Action::SessionClose => keys::RECEIPT_SESSION_CLOSE,
    };
    let message = Message::new(key);
    let table = || shown(receipt.table.as_deref().unwrap_or_default());
    let entries = || entries(i128::try_from(things(event)).unwrap_or(0), locale);
    match key {
        keys::RECEIPT_SESSION_OPEN | keys::RECEIPT_SESSION_CLOSE => message,
        keys::RECEIPT_POINTS_ADD | keys::RECEIPT_POINTS_REMOVE => {
            let points = points(requested(event).saturating_abs(), locale);
            message
                .with("points", points)
                .with("entries", entries())
                .with("table", table())
        }
        keys::RECEIPT_ENTRY_ADD | keys::RECEIPT_ENTRY_DELETE => {
            message.with("entries", entries()).with("table", table())
        }
        keys::RECEIPT_EVENT_UNDO => {
            let undone = event.undoes.map(|seq| seq.to_string()).unwrap_or_default();
            message.with("event", undone).with("table", table())
        }
        _ => message.with("table", table()),
    }
}

/// How many points were asked for, for each entry.
fn requested(event: &Event) -> i64 {
    event
        .changes
        .iter()
        .find_map(|change| change.requested)
        .unwrap_or(0)
}

/// How many things the event is about.
fn things(event: &Event) -> usize {
    event
        .changes
        .iter()
        .map(|change| (&change.name, &change.id))
        .collect::<BTreeSet<_>>()
        .len()
}

/// What a table's ranks are called; where that is not known they are shown as numbers.
pub(super) type Ranks = BTreeMap<i32, String>;

/// A line for each change.
pub(super) fn lines(event: &Event, ranks: &Ranks, locale: Locale) -> Vec<String> {
    if event.changes.is_empty() {
        return vec![locale.text(&keys::RECEIPT_NO_CHANGE.into())];
    }
    let created: BTreeSet<&str> = event
        .changes
        .iter()
        .filter(|change| change.is_creation())
        .map(|change| change.id.as_str())
        .collect();
    let given: BTreeSet<&str> = event
        .changes
        .iter()
        .filter(|change| change.delta.is_some())
        .map(|change| change.id.as_str())
        .collect();
    let restores = event.action == Action::EventUndo;
    let mut lines = Vec::new();
    for change in &event.changes {
        let is_new = created.contains(change.id.as_str()) && !restores;
        // The line of a new entry's points tells that it is new; of a new table or session, the
        // values it begins with are no news.
        let told_elsewhere = if change.is_creation() {
            given.contains(change.id.as_str())
        } else {
            matches!(change.what, What::Table | What::Session)
        };
        if !(is_new && told_elsewhere) {
            lines.push(line(change, is_new, restores, ranks, locale));
        }
    }
    lines
}

/// What one change was.
pub(super) fn line(
    change: &Change,
    is_new: bool,
    restores: bool,
    ranks: &Ranks,
    locale: Locale,
) -> String {
    let name = subject(change);
    let field_name = field(&change.field, locale);
    let before = ranked(change, &change.before, ranks, locale);
    let message = if change.superseded {
        Message::new(keys::LINE_SUPERSEDED)
            .with("field", field_name)
            .with("value", before)
    } else if change.is_creation() && change.what != What::Rank {
        Message::new(if restores {
            keys::LINE_RESTORED
        } else {
            keys::LINE_CREATED
        })
    } else if change.is_deletion() {
        Message::new(keys::LINE_DELETED)
    } else if (change.what, change.field.as_str()) == (What::Session, "ended") {
        Message::new(keys::LINE_SESSION_ENDED).with("how", value("ended", &change.after, locale))
    } else if let ("points", Some(delta)) = (change.field.as_str(), change.delta) {
        return points_line(change, delta, is_new, &name, locale);
    } else {
        let after = ranked(change, &change.after, ranks, locale);
        Message::new(keys::LINE_FIELD)
            .with("field", field_name)
            .with("before", before)
            .with("after", after)
    };
    locale.text(&message.with("name", name))
}

/// A value, and a rank by its title.
fn ranked(change: &Change, of: &serde_json::Value, ranks: &Ranks, locale: Locale) -> String {
    let number = of
        .as_i64()
        .filter(|_| (change.what, change.field.as_str()) == (What::Entry, "rank"));
    let title = number.and_then(|number| ranks.get(&i32::try_from(number).ok()?));
    title.map_or_else(|| value(&change.field, of, locale), |title| shown(title))
}

fn points_line(change: &Change, delta: i64, is_new: bool, name: &str, locale: Locale) -> String {
    let key = if is_new {
        keys::LINE_POINTS_NEW
    } else {
        keys::LINE_POINTS
    };
    let message = Message::new(key)
        .with("name", name)
        .with("before", value("points", &change.before, locale))
        .with("after", points(change.after.as_i64().unwrap_or(0), locale))
        .with("delta", Value::change(delta));
    let line = locale.text(&message);
    match shortfall(change, delta) {
        Some(requested) => {
            let requested = points(requested.saturating_abs(), locale);
            let note = Message::new(keys::LINE_CAPPED)
                .with("line", line)
                .with("requested", requested);
            locale.text(&note)
        }
        None => line,
    }
}

/// What was asked for, where a bound let less happen. A base is no delta: nothing falls short.
fn shortfall(change: &Change, delta: i64) -> Option<i64> {
    let requested = change.requested?;
    let base = change.after.as_i64() == Some(requested);
    (requested != delta && !base).then_some(requested)
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

fn reason_note(event: &Event, locale: Locale) -> Option<String> {
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
