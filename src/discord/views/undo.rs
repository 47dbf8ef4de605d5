//! Asking before an undo that would touch what others did since.

use serde_json::Value;
use serenity::all::ButtonStyle;
use serenity::builder::CreateActionRow;

use super::receipt::{self, Ranks};
use super::words::{actor, ago, field, person, points, rank, the_schedule, value};
use super::{access, button, card, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::{Manner, Reply, Upshot};
use crate::domain::event::{Action, Event};
use crate::domain::ids::{DeviceId, Seq};
use crate::i18n::{Locale, Message, keys};
use crate::service::error::{Conflict, ConflictKind};
use crate::service::undo::{Force, UndoPreview, mark};

/// What has changed since, and whether to go on.
#[must_use]
pub fn question(
    event: Seq,
    conflicts: &[Conflict],
    ranks: &Ranks,
    device: DeviceId,
    locale: Locale,
) -> Reply {
    let lines = asked(conflicts, ranks, locale);
    let title = locale.text(&Message::new(keys::UNDO_ASKS).with("event", event.to_string()));
    let confirm = Press::Undo {
        device: Some(device),
        event,
        shown: Some(mark(conflicts)),
    };
    Reply::card(card(&title, &lines, None, locale))
        .row(confirm_or_cancel(&confirm, locale))
        .but(Upshot::Asks)
}

/// What has changed since, after a word on what that means.
fn asked(conflicts: &[Conflict], ranks: &Ranks, locale: Locale) -> Vec<String> {
    let mut lines = vec![locale.text(&keys::UNDO_QUESTION.into())];
    for conflict in conflicts {
        let line = line(conflict, ranks, locale);
        // Several changes of one entry can meet the same obstacle.
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn confirm_or_cancel(confirm: &Press, locale: Locale) -> CreateActionRow {
    let (yes, no) = (ButtonStyle::Danger, ButtonStyle::Secondary);
    CreateActionRow::Buttons(vec![
        button(confirm, keys::BUTTON_CONFIRM, yes, locale),
        button(&Press::Cancel, keys::BUTTON_CANCEL, no, locale),
    ])
}

/// What undoing an event would change, and whether to go on. What others have changed since is
/// told, and going on is meant for that too; with [`Force::Always`], also for what they change
/// meanwhile.
#[must_use]
pub fn preview(preview: &UndoPreview, device: DeviceId, force: Force, locale: Locale) -> Reply {
    let event = &preview.event;
    let about = Message::new(keys::UNDO_PREVIEW_EVENT)
        .with("action", event.action.as_str())
        .with("who", actor(event, locale))
        .with("when", ago(event.at));
    let mut lines = vec![locale.text(&about)];
    if let Some(table) = &preview.table {
        lines.push(locale.text(&Message::new(keys::EVENT_TABLE).with("value", shown(table))));
    }
    lines.push(locale.text(&keys::UNDO_PREVIEW.into()));
    // Told as the undo will be.
    let undo = Event {
        action: Action::EventUndo,
        changes: preview.changes.clone(),
        ..event.clone()
    };
    lines.extend(receipt::lines(&undo, &preview.ranks, locale));
    lines.extend(receipt::left_note(preview.left.as_ref(), locale));
    if !preview.conflicts.is_empty() {
        lines.push(String::new());
        lines.extend(asked(&preview.conflicts, &preview.ranks, locale));
    }
    let title = Message::new(keys::UNDO_PREVIEW_TITLE).with("event", event.seq.to_string());
    let confirm = Press::Confirm {
        device: Some(device),
        event: event.seq,
        force: match force {
            Force::Ask if !preview.conflicts.is_empty() => Force::shown(&preview.conflicts),
            force => force,
        },
    };
    Reply::card(card(&locale.text(&title), &lines, None, locale))
        .row(confirm_or_cancel(&confirm, locale))
}

/// Nothing was done.
#[must_use]
pub fn cancelled(locale: Locale) -> Reply {
    Reply::text(locale.text(&keys::NOTHING_CHANGED.into())).going(Manner::Update)
}

fn line(conflict: &Conflict, ranks: &Ranks, locale: Locale) -> String {
    let told = |of: &Value| match conflict.field.as_str() {
        _ if conflict.extra => value("", of, locale),
        "rank" => rank(of, ranks, locale),
        field => value(field, of, locale),
    };
    let called = |name: &str| {
        if conflict.extra {
            shown(name)
        } else {
            field(name, locale)
        }
    };
    let message = match (conflict.kind, conflict.field.as_str()) {
        (ConflictKind::Changed, name) => Message::new(keys::UNDO_CHANGED)
            .with("field", called(name))
            .with("now", told(&conflict.now))
            .with("back", told(&conflict.back)),
        (ConflictKind::Deleted, "name") => Message::new(keys::UNDO_GONE),
        (ConflictKind::Deleted, name) => Message::new(keys::UNDO_GONE_BACK)
            .with("field", called(name))
            .with("back", told(&conflict.back)),
        (ConflictKind::Taken, "member") => {
            Message::new(keys::UNDO_MEMBER_TAKEN).with("now", told(&conflict.now))
        }
        (ConflictKind::Taken, _) => {
            Message::new(keys::UNDO_NAME_TAKEN).with("back", told(&conflict.back))
        }
        (ConflictKind::RankGone, _) => {
            Message::new(keys::UNDO_RANK_GONE).with("now", told(&conflict.now))
        }
        (ConflictKind::InUse, "rank") => {
            Message::new(keys::UNDO_RANK_HELD).with("now", told(&conflict.now))
        }
        (ConflictKind::InUse, "extra") => {
            Message::new(keys::UNDO_FIELD_USED).with("field", told(&conflict.now))
        }
        (ConflictKind::InUse, "points") => {
            let now = points(conflict.now.as_i64().unwrap_or(0), locale);
            Message::new(keys::UNDO_IN_USE_POINTS).with("points", now)
        }
        (ConflictKind::InUse, _) => Message::new(keys::UNDO_IN_USE),
        (ConflictKind::GrantedAnew, _) => Message::new(keys::UNDO_GRANTED_ANEW)
            .with("right", conflict.now.as_str().unwrap_or_default())
            .with("who", access::grantee_named(&conflict.name)),
        (ConflictKind::ClosedSince, _) => {
            Message::new(keys::UNDO_CLOSED_SINCE).with("period", conflict.now.to_string())
        }
        (ConflictKind::ClosedAnew, _) => {
            Message::new(keys::UNDO_CLOSED_ANEW).with("period", conflict.now.to_string())
        }
    };
    let message = message
        .with("name", shown(&conflict.name))
        .with("by", by(conflict, locale));
    locale.text(&message)
}

/// Who wrote what stands in the way, if that is known.
fn by(conflict: &Conflict, locale: Locale) -> String {
    let Some(by) = &conflict.by else {
        return String::new();
    };
    // What nobody did, a schedule did.
    let who = match by.actor {
        None => the_schedule(locale),
        who => person(who, locale),
    };
    let message = Message::new(keys::UNDO_BY)
        .with("who", who)
        .with("when", ago(by.at))
        .with("event", by.seq.to_string());
    locale.text(&message)
}
