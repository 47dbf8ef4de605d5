//! Asking before an undo that would touch what others did since.

use serenity::all::ButtonStyle;
use serenity::builder::CreateActionRow;

use super::words::{ago, field, person, value};
use super::{button, card, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::{Manner, Reply};
use crate::domain::ids::{DeviceId, Seq};
use crate::i18n::{Locale, Message, keys};
use crate::service::error::Conflict;

/// What has changed since, and whether to go on.
#[must_use]
pub fn question(event: Seq, conflicts: &[Conflict], device: DeviceId, locale: Locale) -> Reply {
    let mut lines: Vec<String> = conflicts
        .iter()
        .map(|conflict| line(conflict, locale))
        .collect();
    lines.insert(0, locale.text(&keys::UNDO_QUESTION.into()));
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

fn line(conflict: &Conflict, locale: Locale) -> String {
    let is_gone = |value: &serde_json::Value| value.is_null() && conflict.field == "name";
    let now = if is_gone(&conflict.now) {
        locale.text(&keys::VALUE_DELETED.into())
    } else {
        value(&conflict.field, &conflict.now, locale)
    };
    let of = |key| {
        Message::new(key)
            .with("name", shown(&conflict.name))
            .with("field", field(&conflict.field, locale))
            .with("now", now.clone())
            .with("effect", effect(conflict, locale))
    };
    let message = match &conflict.by {
        Some(by) => of(keys::UNDO_CONFLICT_BY)
            .with("who", person(by.actor, locale))
            .with("when", ago(by.at))
            .with("event", by.seq.to_string()),
        None => of(keys::UNDO_CONFLICT),
    };
    locale.text(&message)
}

/// What the undo would do there. Points and a name only become nothing with what they belong to.
fn effect(conflict: &Conflict, locale: Locale) -> Message {
    if conflict.back.is_null() && matches!(conflict.field.as_str(), "points" | "name") {
        return keys::UNDO_DELETES.into();
    }
    Message::new(keys::UNDO_PUTS_BACK).with("back", value(&conflict.field, &conflict.back, locale))
}
