//! Edits that wait for the database, and what has become of them.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::words::{moment, person, points};
use super::{CONTENT, listed, shown};
use crate::discord::reply::{Reply, Upshot};
use crate::domain::ids::{Seq, UserId};
use crate::domain::name::NameOrMember;
use crate::i18n::{Key, Locale, Message, keys};
use crate::render;
use crate::service::activities::Work;

/// It is kept, and done when the database is back.
#[must_use]
pub fn queued(what: &str, locale: Locale) -> Reply {
    let head = locale.text(&keys::QUEUED.into());
    Reply::text(render::clip(&format!("{head}\n{what}"), CONTENT))
}

/// What has become of an edit that was made `at`.
#[must_use]
pub fn outcome(reply: Reply, at: DateTime<Utc>, locale: Locale) -> Reply {
    let head = match reply.upshot {
        Upshot::Done => keys::QUEUED_DONE,
        Upshot::Asks => keys::QUEUED_ASKS,
        Upshot::Refused => keys::QUEUED_NOT_DONE,
    };
    let head = locale.text(&Message::new(head).with("at", moment(at)));
    let content = format!("{head}\n{}", reply.content);
    Reply {
        content: render::clip(&content, CONTENT).into_owned(),
        ..reply
    }
}

/// It was kept, and can't be read any more.
#[must_use]
pub fn unreadable(locale: Locale) -> String {
    locale.text(&keys::QUEUED_UNREADABLE.into())
}

/// What a reply says, without buttons, which would not know their guild in a direct message.
#[must_use]
pub fn plain(reply: &Reply, locale: Locale) -> String {
    let card = reply.embed.clone().map(serde_json::to_value);
    let card = card.and_then(Result::ok).unwrap_or_default();
    let part = |name: &str| card.get(name).and_then(Value::as_str).map(str::to_owned);
    let again = (reply.upshot == Upshot::Asks).then(|| locale.text(&keys::QUEUED_AGAIN.into()));
    let parts = [
        Some(reply.content.clone()),
        part("title"),
        part("description"),
        again,
    ];
    let lines: Vec<String> = parts.into_iter().flatten().collect();
    render::clip(lines.join("\n").trim(), CONTENT).into_owned()
}

/// Points for names.
#[must_use]
pub fn added(count: i64, names: &[NameOrMember], locale: Locale) -> String {
    let message = Message::new(keys::QUEUED_ADD)
        .with("points", points(count, locale))
        .with("names", called(names, locale));
    locale.text(&message)
}

/// Points for what names did.
#[must_use]
pub fn worked(work: &Work, names: &[NameOrMember], locale: Locale) -> String {
    let quantity = work.quantity.map(|quantity| locale.integer(quantity));
    let message = Message::new(keys::QUEUED_ACTIVITY)
        .with("activity", shown(&work.activity))
        .with("quantity", quantity.unwrap_or_default())
        .with("names", called(names, locale));
    locale.text(&message)
}

/// Points from names.
#[must_use]
pub fn removed(count: i64, names: &[NameOrMember], locale: Locale) -> String {
    let message = Message::new(keys::QUEUED_REMOVE)
        .with("points", points(count, locale))
        .with("names", called(names, locale));
    locale.text(&message)
}

/// A field of a name.
#[must_use]
pub fn set(who: &NameOrMember, (field, value): (&str, &str), locale: Locale) -> String {
    let message = Message::new(keys::QUEUED_SET)
        .with("name", called(std::slice::from_ref(who), locale))
        .with("field", shown(field))
        .with("value", shown(value));
    locale.text(&message)
}

/// Names that go.
#[must_use]
pub fn deleted(names: &[NameOrMember], locale: Locale) -> String {
    let message = Message::new(keys::QUEUED_DELETE).with("names", called(names, locale));
    locale.text(&message)
}

/// An event that is undone; the last one without.
#[must_use]
pub fn undo(event: Option<Seq>, locale: Locale) -> String {
    let message = match event {
        Some(event) => Message::new(keys::QUEUED_UNDO).with("event", event.to_string()),
        None => keys::QUEUED_UNDO_LAST.into(),
    };
    locale.text(&message)
}

/// Points for those who are picked on a panel; negative: from them.
#[must_use]
pub fn picked(count: i64, locale: Locale) -> String {
    let key: Key = if count < 0 {
        keys::QUEUED_PANEL_REMOVE
    } else {
        keys::QUEUED_PANEL_ADD
    };
    let count = i64::try_from(count.unsigned_abs()).unwrap_or(i64::MAX);
    locale.text(&Message::new(key).with("points", points(count, locale)))
}

/// The same, with the table that it is for.
#[must_use]
pub fn in_table(what: &str, table: &str, locale: Locale) -> String {
    let table = Message::new(keys::QUEUED_TABLE).with("table", shown(table));
    format!("{what}\n{}", locale.text(&table))
}

fn called(names: &[NameOrMember], locale: Locale) -> String {
    let (mut texts, mut members) = (Vec::new(), Vec::new());
    for name in names {
        match name {
            NameOrMember::Name(name) => texts.push(name.as_str()),
            NameOrMember::Member(member) => {
                members.push(person(UserId::try_from(*member).ok(), locale));
            }
        }
    }
    let texts = Some(listed(&texts)).filter(|texts| !texts.is_empty());
    texts
        .into_iter()
        .chain(members)
        .collect::<Vec<_>>()
        .join(", ")
}
