//! Words beside an exported file.

use super::shown;
use super::words::entries;
use crate::discord::errors::Failure;
use crate::discord::reply::Reply;
use crate::domain::table::Table;
use crate::i18n::{Locale, Message, keys};

/// Characters of a file's name, without the ending.
const MAX_NAME: usize = 60;

/// A file of events.
#[must_use]
pub fn events(count: usize, locale: Locale) -> Reply {
    Reply::text(locale.text(&Message::new(keys::EXPORT_EVENTS).with("count", count)))
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
