//! Words and values that stand in many views.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::shown;
use crate::domain::event::{Action, Change, Event, What};
use crate::domain::guild::Language;
use crate::domain::ids::{RoleId, UserId};
use crate::domain::layout::Layout;
use crate::domain::period::{Every, read_proposed};
use crate::domain::session::{Attribution, Session};
use crate::i18n::{Key, Locale, Message, keys};
use crate::render;

/// What a field is called. Names that are not ours are shown as they are.
#[must_use]
pub fn field(name: &str, locale: Locale) -> String {
    field_key(name).map_or_else(|| shown(name), |key| locale.text(&key.into()))
}

/// What the field of a change is called. People name extra fields themselves.
#[must_use]
pub fn field_of(change: &Change, locale: Locale) -> String {
    if change.field_id.is_some() {
        shown(&change.field)
    } else {
        field(&change.field, locale)
    }
}

const fn field_key_of(name: &[u8]) -> Option<Key> {
    Some(match name {
        b"name" => keys::FIELD_NAME,
        b"rank" => keys::FIELD_RANK,
        b"points" => keys::FIELD_POINTS,
        b"member" => keys::FIELD_MEMBER,
        b"category" => keys::FIELD_CATEGORY,
        b"floor" => keys::FIELD_FLOOR,
        b"quantity" => keys::FIELD_QUANTITY,
        b"private" => keys::FIELD_PRIVATE,
        b"title" => keys::FIELD_TITLE,
        b"promote_at" => keys::FIELD_PROMOTE_AT,
        b"demote_below" => keys::FIELD_DEMOTE_BELOW,
        b"role" => keys::FIELD_ROLE,
        b"user" => keys::FIELD_USER,
        b"platform" => keys::FIELD_PLATFORM,
        b"label" => keys::FIELD_LABEL,
        b"ended" => keys::FIELD_ENDED,
        b"kind" => keys::FIELD_KIND,
        b"pattern" => keys::FIELD_PATTERN,
        b"language" => keys::FIELD_LANGUAGE,
        b"timezone" => keys::FIELD_TIMEZONE,
        b"log_channel" => keys::FIELD_LOG_CHANNEL,
        b"layout" => keys::FIELD_LAYOUT,
        b"exempt" => keys::FIELD_EXEMPT,
        b"promotions" => keys::FIELD_PROMOTIONS,
        b"every" => keys::FIELD_EVERY,
        b"day" => keys::FIELD_DAY,
        b"time" => keys::FIELD_TIME,
        b"channel" => keys::FIELD_CHANNEL,
        b"warning" => keys::FIELD_WARNING,
        b"paused" => keys::FIELD_PAUSED,
        b"closed" => keys::FIELD_CLOSED,
        b"proposed" => keys::FIELD_PROPOSED,
        _ => return None,
    })
}

const fn field_key(name: &str) -> Option<Key> {
    field_key_of(name.as_bytes())
}

/// A role, as Discord shows it.
#[must_use]
pub fn mention(role: RoleId) -> String {
    format!("<@&{role}>")
}

/// The value of a field, as an event holds it.
#[must_use]
pub fn value(field: &str, value: &Value, locale: Locale) -> String {
    match (field, value) {
        ("promotions", Value::Null) => locale.text(&keys::VALUE_AUTOMATIC.into()),
        (_, Value::Bool(false)) | ("exempt" | "paused", Value::Null) => {
            locale.text(&keys::VALUE_NO.into())
        }
        (_, Value::Null) => locale.text(&keys::VALUE_NONE.into()),
        (_, Value::Bool(true)) => locale.text(&keys::VALUE_YES.into()),
        (_, Value::Number(number)) => number
            .as_i64()
            .map_or_else(|| number.to_string(), |n| locale.integer(n)),
        ("member" | "user", Value::String(id)) if is_id(id) => format!("<@{id}>"),
        ("role", Value::String(id)) if is_id(id) => format!("<@&{id}>"),
        ("promotions", Value::String(_)) => locale.text(&keys::VALUE_PROPOSED.into()),
        ("proposed", Value::String(ranks)) => {
            let count = read_proposed(ranks).len();
            locale.text(&Message::new(keys::VALUE_RANKS).with("count", count))
        }
        ("every", Value::String(every)) => every_of(every, locale),
        ("log_channel" | "channel", Value::String(id)) if is_id(id) => format!("<#{id}>"),
        ("kind", Value::String(kind)) => field_kind(kind, locale),
        ("language", Value::String(code)) => language(code),
        ("layout", Value::String(name)) => {
            Layout::parse(name).map_or_else(|| shown(name), |it| layout(it, locale))
        }
        ("pattern", Value::String(pattern)) => format!("`{}`", render::code_safe(pattern)),
        ("platform", Value::String(name)) => platform_of(name, locale),
        ("closed" | "due" | "since", Value::String(at)) => {
            DateTime::parse_from_rfc3339(at).map_or_else(|_| shown(at), |at| moment(at.to_utc()))
        }
        ("ended", Value::String(reason)) => end_reason(reason, locale),
        (_, Value::String(text)) => shown(text),
        (_, other) => shown(&other.to_string()),
    }
}

/// The rank of an entry, as an event holds it: by its title where that is known.
#[must_use]
pub fn rank(number: &Value, ranks: &BTreeMap<i32, String>, locale: Locale) -> String {
    let title = number
        .as_i64()
        .and_then(|number| ranks.get(&i32::try_from(number).ok()?));
    title.map_or_else(|| value("rank", number, locale), |title| shown(title))
}

/// What an extra field holds.
#[must_use]
pub fn field_kind(kind: &str, locale: Locale) -> String {
    let key = match kind {
        "number" => keys::KIND_NUMBER,
        "date" => keys::KIND_DATE,
        _ => keys::KIND_TEXT,
    };
    locale.text(&key.into())
}

/// How often a schedule closes.
fn every_of(every: &str, locale: Locale) -> String {
    match Every::parse(every) {
        Some(Every::Week) => locale.text(&keys::VALUE_WEEK.into()),
        Some(Every::Month) => locale.text(&keys::VALUE_MONTH.into()),
        None => shown(every),
    }
}

/// How a board is laid out.
#[must_use]
pub fn layout(layout: Layout, locale: Locale) -> String {
    let key = match layout {
        Layout::Phone => keys::LAYOUT_PHONE,
        Layout::Wide => keys::LAYOUT_WIDE,
    };
    locale.text(&key.into())
}

/// A language, as it calls itself.
#[must_use]
pub fn language(code: &str) -> String {
    let spoken = Language::parse(code).map(Locale::from);
    spoken.map_or_else(
        || shown(code),
        |locale| locale.text(&keys::LANGUAGE_NAME.into()),
    )
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a change is about: a name, or a number and a title.
#[must_use]
pub fn subject(change: &Change, locale: Locale) -> String {
    match (change.what, change.name.as_deref()) {
        (What::Rank, Some(title)) => format!("{} · {}", shown(&change.id), shown(title)),
        (What::Period, _) => shown(&change.id),
        (What::Board, _) if is_id(&change.id) => format!("<#{}>", change.id),
        (What::Session, Some(label)) => format!("{} ({})", shown(label), short_device(&change.id)),
        (What::Grant, Some(who)) => super::access::grantee_named(who),
        (What::Guild, _) => locale.text(&keys::SUBJECT_GUILD.into()),
        (What::Session, None) => short_device(&change.id),
        (_, Some(name)) => shown(name),
        (_, None) => shown(&change.id),
    }
}

fn short_device(id: &str) -> String {
    shown(id.get(..8).unwrap_or(id))
}

/// `12 points`, in the language's plural form.
#[must_use]
pub fn points(count: i64, locale: Locale) -> String {
    locale.text(&Message::new(keys::POINTS).with("count", count))
}

/// `3 entries`, in the language's plural form.
#[must_use]
pub fn entries(count: impl Into<i128>, locale: Locale) -> String {
    let count = i64::try_from(count.into()).unwrap_or(i64::MAX);
    locale.text(&Message::new(keys::ENTRIES_COUNT).with("count", count))
}

/// `300 characters`, in the language's plural form.
#[must_use]
pub fn characters(count: usize) -> Message {
    Message::new(keys::CHARACTERS_COUNT).with("count", count)
}

/// A person. The reply mentions nobody, so this only shows the name.
#[must_use]
pub fn person(id: Option<UserId>, locale: Locale) -> String {
    id.map_or_else(
        || locale.text(&keys::NOBODY.into()),
        |id| format!("<@{id}>"),
    )
}

/// Who made an event: a person, or a schedule.
#[must_use]
pub fn actor(event: &Event, locale: Locale) -> String {
    match event.actor_id {
        None if event.action == Action::PeriodClose => the_schedule(locale),
        id => person(id, locale),
    }
}

/// Whoever closes tables where nobody does.
#[must_use]
pub fn the_schedule(locale: Locale) -> String {
    locale.text(&keys::PERIOD_SCHEDULE.into())
}

/// A moment, as Discord shows it in the reader's own time zone.
#[must_use]
pub fn moment(at: DateTime<Utc>) -> String {
    format!("<t:{}:f>", at.timestamp())
}

/// How long ago a moment was.
#[must_use]
pub fn ago(at: DateTime<Utc>) -> String {
    format!("<t:{}:R>", at.timestamp())
}

/// The kind of client.
#[must_use]
pub fn platform_of(name: &str, locale: Locale) -> String {
    locale.text(&Message::from(match name {
        "desktop" => keys::PLATFORM_DESKTOP,
        "mobile" => keys::PLATFORM_MOBILE,
        "web" => keys::PLATFORM_WEB,
        _ => keys::PLATFORM_UNKNOWN,
    }))
}

fn end_reason(reason: &str, locale: Locale) -> String {
    let key = match reason {
        "logout" => keys::ENDED_LOGOUT,
        "moderator" => keys::ENDED_MODERATOR,
        "idle" => keys::ENDED_IDLE,
        "lifetime" => keys::ENDED_LIFETIME,
        "undo" => keys::ENDED_UNDO,
        _ => return shown(reason),
    };
    locale.text(&key.into())
}

/// By which rule a session was found, in words.
#[must_use]
pub fn attribution(rule: Attribution, locale: Locale) -> String {
    locale.text(&Message::from(match rule {
        Attribution::Exact => keys::ATTRIBUTION_EXACT,
        Attribution::Presence => keys::ATTRIBUTION_PRESENCE,
        Attribution::Recent => keys::ATTRIBUTION_RECENT,
        Attribution::New => keys::ATTRIBUTION_NEW,
    }))
}

/// A session's label and short id, where markdown is not read (a footer).
#[must_use]
pub fn session_plain(session: &Session) -> String {
    let short = session.device_id.short();
    match &session.label {
        Some(label) => format!("{} ({short})", render::code_safe(label).replace('\n', " ")),
        None => short.to_owned(),
    }
}
