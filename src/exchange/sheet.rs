//! What spreadsheets do with text.

use std::borrow::Cow;

/// Text that begins so is run by a spreadsheet.
const RUNS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// `text` as a cell that no spreadsheet runs: with a leading `'` where it would. Reading takes
/// the `'` away from exactly those cells that got one: behind any number of them stands what runs.
#[must_use]
pub fn disarmed(text: &str) -> Cow<'_, str> {
    if text.trim_start_matches('\'').starts_with(RUNS) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A CSV file of these rows.
pub(super) fn csv(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed() {
        for (text, cell) in [
            ("Ana", "Ana"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+40", "'+40"),
            ("-", "'-"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("'Ana'", "'Ana'"),
            ("'=x", "''=x"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(disarmed(text), cell);
        }
    }
}
