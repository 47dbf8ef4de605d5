//! Measuring and fitting one line of text.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What stands for the part of a text that was cut off: one column, one character.
const ELLIPSIS: char = '…';

/// On which side a padded text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// How many columns `text` takes where all characters are equally wide.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// How long `text` is for Discord's limits.
///
/// Counted in UTF-16 units, as Discord's clients do; never less than the number of characters.
#[must_use]
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Shortens `text` to at most `columns` columns: whole graphemes, then `…`.
#[must_use]
pub fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    shorten(text, columns, width)
}

/// Shortens `text` to a [`length()`] of at most `limit`: whole graphemes, then `…`.
///
/// If not even the first grapheme fits (a letter under a hundred accents), it loses its end.
#[must_use]
pub fn clip(text: &str, limit: usize) -> Cow<'_, str> {
    let clipped = shorten(text, limit, length);
    match text.graphemes(true).next() {
        Some(first) if limit > 1 && length(first) >= limit && clipped != text => {
            Cow::Owned(start_of(first.chars().map(String::from), limit, length))
        }
        _ => clipped,
    }
}

/// Adds spaces to `text` up to `columns` columns. A text that is wider stays as it is.
#[must_use]
pub fn pad(text: &str, columns: usize, align: Align) -> String {
    let spaces = " ".repeat(columns.saturating_sub(width(text)));
    match align {
        Align::Left => format!("{text}{spaces}"),
        Align::Right => format!("{spaces}{text}"),
    }
}

fn shorten(text: &str, limit: usize, measure: fn(&str) -> usize) -> Cow<'_, str> {
    if measure(text) <= limit {
        return Cow::Borrowed(text);
    }
    if limit == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(start_of(text.graphemes(true), limit, measure))
}

/// As many of the first pieces as fit within `limit` together with the ellipsis.
fn start_of<T: AsRef<str>>(
    pieces: impl Iterator<Item = T>,
    limit: usize,
    measure: fn(&str) -> usize,
) -> String {
    let (mut kept, mut used) = (String::new(), 1);
    for piece in pieces {
        used += measure(piece.as_ref());
        if used > limit {
            break;
        }
        kept.push_str(piece.as_ref());
    }
    kept.truncate(kept.trim_end().len());
    kept.push(ELLIPSIS);
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAMILY: &str = "👨‍👩‍👧‍👦";

    #[test]
    fn width_is_what_is_seen() {
        for (text, columns) in [
            ("", 0),
            ("Ana", 3),
            ("Ștefăniță", 9),
            ("S\u{326}tefa\u{306}nit\u{326}a\u{306}", 9),
            ("田中", 4),
            ("😀", 2),
            (FAMILY, 2),
            ("🇷🇴", 2),
            ("👩🏽‍🚀", 2),
            ("1️⃣", 2),
            ("…", 1),
        ] {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn length_counts_utf_16() {
        for (text, units) in [("Ană", 3), ("😀", 2), (FAMILY, 11)] {
            assert_eq!(length(text), units, "{text}");
        }
    }

    #[test]
    fn text_is_truncated_at_graphemes() {
        let families = FAMILY.repeat(3);
        for (text, columns, expected) in [
            ("Ana", 3, "Ana"),
            ("Ana", 2, "A…"),
            ("Ana", 1, "…"),
            ("Ana", 0, ""),
            ("", 0, ""),
            ("Ana Pop", 5, "Ana…"),
            ("田中さん", 8, "田中さん"),
            ("田中さん", 7, "田中さ…"),
            ("田中さん", 6, "田中…"),
            ("s\u{326}s\u{326}s\u{326}", 2, "s\u{326}…"),
            (&families, 6, &families),
            (&families, 5, &format!("{FAMILY}{FAMILY}…")),
            (&families, 2, "…"),
        ] {
            assert_eq!(truncate(text, columns), expected, "{text} {columns}");
        }
    }

    #[test]
    fn text_is_clipped_to_discords_limits() {
        let families = FAMILY.repeat(2);
        let accents = format!("a{}", "\u{301}".repeat(99));
        for (text, limit, expected) in [
            ("Ana", 3, "Ana"),
            ("Anamaria", 4, "Ana…"),
            ("Ana", 0, ""),
            ("Ana", 1, "…"),
            (&families, 22, &families),
            (&families, 21, &format!("{FAMILY}…")),
            (FAMILY, 1, "…"),
            (&accents, 100, &accents),
            (&accents, 4, "a\u{301}\u{301}…"),
        ] {
            assert_eq!(clip(text, limit), expected, "{text} {limit}");
        }
    }

    #[test]
    fn text_is_padded() {
        assert_eq!(pad("Ș田", 5, Align::Left), "Ș田  ");
        assert_eq!(pad("Ș田", 5, Align::Right), "  Ș田");
        assert_eq!(pad("Ana", 2, Align::Right), "Ana");
    }

    proptest! {
        #[test]
        fn limits_are_kept(text in any::<String>(), limit in 0..30_usize) {
            prop_assert!(width(&truncate(&text, limit)) <= limit);
            prop_assert!(length(&clip(&text, limit)) <= limit);
            prop_assert!(width(&pad(&truncate(&text, limit), limit, Align::Left)) == limit);
        }

        #[test]
        fn graphemes_together_are_no_wider_than_alone(text in any::<String>()) {
            let alone: usize = text.graphemes(true).map(width).sum();
            prop_assert!(width(&text) <= alone);
        }
    }
}
