//! Asking before an undo that would touch what others did since.

use serde_json::Value;
use serenity::all::ButtonStyle;
use serenity::builder::CreateActionRow;

use super::receipt::Ranks;
use super::words::{ago, field, person, points, rank, value};
use super::{button, card, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::{Manner, Reply};
use crate::domain::ids::{DeviceId, Seq};
use crate::i18n::{Locale, Message, keys};
use crate::service::error::{Conflict, ConflictKind};

/// What has changed since, and whether to go on.
#[must_use]
pub fn question(
    event: Seq,
    conflicts: &[Conflict],
    ranks: &Ranks,
    device: DeviceId,
    locale: Locale,
) -> Reply {
    let mut lines = vec![locale.text(&keys::UNDO_QUESTION.into())];
    for conflict in conflicts {
        let line = line(conflict, ranks, locale);
        // Several changes of one entry can meet the same obstacle.
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let title = locale.text(&Message::new(keys::UNDO_ASKS).with("event", event.to_string()));
    let force = Press::Undo {
        device: Some(device),
        event,
        force: true,
    };
    Reply::card(card(&title, &lines, None, locale)).row(CreateActionRow::Buttons(vec![
        button(&force, keys::BUTTON_CONFIRM, ButtonStyle::Danger, locale),
        button(
            &Press::Cancel,
            keys::BUTTON_CANCEL,
            ButtonStyle::Secondary,
            locale,
        ),
    ]))
}

/// Nothing was done.
#[must_use]
pub fn cancelled(locale: Locale) -> Reply {
    Reply::text(locale.text(&keys::NOTHING_CHANGED.into())).going(Manner::Update)
}

fn line(conflict: &Conflict, ranks: &Ranks, locale: Locale) -> String {
    let told = |of: &Value| match conflict.field.as_str() {
        "rank" => rank(of, ranks, locale),
        field => value(field, of, locale),
    };
    let message = match (conflict.kind, conflict.field.as_str()) {
        (ConflictKind::Changed, name) => Message::new(keys::UNDO_CHANGED)
            .with("field", field(name, locale))
            .with("now", told(&conflict.now))
            .with("back", told(&conflict.back)),
        (ConflictKind::Deleted, "name") => Message::new(keys::UNDO_GONE),
        (ConflictKind::Deleted, name) => Message::new(keys::UNDO_GONE_BACK)
            .with("field", field(name, locale))
            .with("back", told(&conflict.back)),
        (ConflictKind::Taken, "member") => {
            Message::new(keys::UNDO_MEMBER_TAKEN).with("now", told(&conflict.now))
        }
        (ConflictKind::Taken, _) => {
            Message::new(keys::UNDO_NAME_TAKEN).with("back", told(&conflict.back))
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
    let message = Message::new(keys::UNDO_BY)
        .with("who", person(by.actor, locale))
        .with("when", ago(by.at))
        .with("event", by.seq.to_string());
    locale.text(&message)
}
