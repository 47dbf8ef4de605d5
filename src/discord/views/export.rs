//! Words beside an exported file.

use super::shown;
use super::words::entries;
use crate::discord::errors::Failure;
use crate::discord::reply::Reply;
use crate::domain::ids::Seq;
use crate::domain::table::Table;
use crate::exchange::events::Format;
use crate::i18n::{Locale, Message, keys};
use crate::service::audit::EventExport;

/// Characters of a file's name, without the ending.
const MAX_NAME: usize = 60;

/// One of several files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which one, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// The first event in it.
    pub first: Option<Seq>,
    /// The last event in it.
    pub last: Option<Seq>,
}

/// Numbers of events that are listed.
const LISTED: usize = 20;

/// The events are all there, with the head of the history that they are from; but for those that
/// can't be read.
#[must_use]
pub fn events(
    export: &EventExport,
    (count, unreadable): (usize, &[Seq]),
    files: usize,
    locale: Locale,
) -> Reply {
    let mut text = locale.text(&Message::new(keys::EXPORT_EVENTS).with("count", count));
    if files > 1 {
        text.push(' ');
        text += &locale.text(&Message::new(keys::EXPORT_FILES).with("count", files));
    }
    let head = Message::new(keys::LOG_HEAD)
        .with("event", export.head_seq.to_string())
        .with("hash", export.head_hash.as_str());
    let mut text = format!("{text}\n{}", locale.text(&head));
    if !unreadable.is_empty() {
        let listed: Vec<String> = unreadable
            .iter()
            .take(LISTED)
            .map(|seq| format!("#{seq}"))
            .collect();
        let more = if unreadable.len() > LISTED {
            ", …"
        } else {
            ""
        };
        let message = Message::new(keys::EXPORT_UNREADABLE)
            .with("count", unreadable.len())
            .with("events", listed.join(", ") + more);
        text = format!("{text}\n{}", locale.text(&message));
    }
    Reply::text(text)
}

/// One file of several.
#[must_use]
pub fn part(part: &Part, locale: Locale) -> Reply {
    let seq = |seq: Option<Seq>| seq.map(|seq| seq.to_string()).unwrap_or_default();
    let message = Message::new(keys::EXPORT_PART)
        .with("part", part.number)
        .with("parts", part.of)
        .with("first", seq(part.first))
        .with("last", seq(part.last));
    Reply::text(locale.text(&message))
}

/// Discord did not take a file, or its word on that was lost.
#[must_use]
pub fn not_taken(part: &Part) -> Failure {
    let message = Message::new(keys::ERROR_EXPORT_LOST)
        .with("part", part.number)
        .with("parts", part.of);
    Failure::told(message)
}

/// What would be more than can be sent.
#[must_use]
pub fn too_large(bytes: usize, limit: usize, files: usize) -> Failure {
    let message = Message::new(keys::ERROR_EXPORT_LARGE)
        .with("size", bytes.div_ceil(1 << 20))
        .with("limit", limit >> 20)
        .with("files", files);
    Failure::told(message)
}

/// What a file of events is called: with the head of the history, so that it stays with the file.
#[must_use]
pub fn events_name(export: &EventExport, part: Option<&Part>, format: Format) -> String {
    let (seq, hash) = (export.head_seq, &export.head_hash);
    let part = part.map(|part| format!("_{}-of-{}", part.number, part.of));
    let part = part.unwrap_or_default();
    format!("events{part}_head-{seq}-{hash}.{}", format.as_str())
}

/// A file of a table's rows.
#[must_use]
pub fn table(table: &Table, rows: usize, locale: Locale) -> Reply {
    let message = Message::new(keys::EXPORT_TABLE)
        .with("table", shown(&table.address()))
        .with(
            "entries",
            entries(i128::try_from(rows).unwrap_or(0), locale),
        );
    Reply::text(locale.text(&message))
}

/// Refuses a file that Discord would not take. It is never cut short.
///
/// # Errors
/// It is larger than that.
pub fn check_size(bytes: usize, limit: usize) -> Result<(), Failure> {
    if bytes <= limit {
        return Ok(());
    }
    let mebibytes = |bytes: usize| bytes.div_ceil(1 << 20);
    let message = Message::new(keys::ERROR_FILE_LARGE)
        .with("size", mebibytes(bytes))
        .with("limit", limit >> 20);
    Err(Failure::told(message))
}

/// A name for the file that every system takes.
#[must_use]
pub fn file_name(of: &str, format: &str) -> String {
    let safe = |c: char| {
        if c.is_alphanumeric() || c == '-' || c == '_' {
            c
        } else {
            '_'
        }
    };
    let name: String = of.chars().take(MAX_NAME).map(safe).collect();
    format!("{name}.{format}")
}
