//! Extra fields of a table: what kind of value each holds, and which values fit.

use std::fmt;

use chrono::NaiveDate;
use regex::RegexBuilder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::table::Registers;

/// The most extra fields a table can have: as many as an embed of Discord has room for.
pub const MAX_FIELDS: usize = 20;

/// Characters of a value.
pub const MAX_VALUE_CHARS: usize = 200;

/// Characters of a pattern.
pub const MAX_PATTERN_CHARS: usize = 200;

/// Bytes that a compiled pattern may take: matching stays linear and small.
const PATTERN_SIZE: usize = 1 << 18;

/// Digits before and after the separator of a number.
const MAX_DIGITS: (usize, usize) = (15, 6);

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// One line of text.
    #[default]
    Text,
    /// A number, with a fraction if wished.
    Number,
    /// A day.
    Date,
}

impl FieldKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Text, Self::Number, Self::Date];

    /// The word in options, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Date => "date",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An extra field of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraField {
    /// Given once in its table, in the order of adding.
    pub number: i32,
    /// What people call it.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
    /// A regular expression that the whole value must fit.
    pub pattern: Option<String>,
    /// Out of sight, with its values kept.
    pub removed: bool,
}

/// Why a value does not fit a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It has so many characters, more than [`MAX_VALUE_CHARS`].
    TooLong(usize),
    /// It is no number of at most 15 digits and 6 decimals.
    Number,
    /// It is no day.
    Date,
    /// It does not fit the pattern.
    Pattern,
}

impl ExtraField {
    /// The value as it is kept: numbers with a point and without needless zeros, days as
    /// `YYYY-MM-DD`.
    ///
    /// # Errors
    /// Why it does not fit.
    pub fn fit(&self, given: &str) -> Result<String, Unfit> {
        let given = given.trim();
        let chars = given.chars().count();
        if chars > MAX_VALUE_CHARS {
            return Err(Unfit::TooLong(chars));
        }
        let value = match self.kind {
            FieldKind::Text => given.to_owned(),
            FieldKind::Number => number(given).ok_or(Unfit::Number)?,
            FieldKind::Date => date(given).ok_or(Unfit::Date)?,
        };
        match &self.pattern {
            Some(pattern) if !fits(pattern, &value) => Err(Unfit::Pattern),
            _ => Ok(value),
        }
    }

    pub(super) fn registers(&self) -> Registers {
        vec![
            ("name", (!self.removed).then(|| self.name.clone()).into()),
            ("kind", self.kind.as_str().into()),
            ("pattern", self.pattern.clone().into()),
        ]
    }

    pub(super) fn write(&mut self, field: &str, value: &Value) {
        match (field, value) {
            ("name", Value::String(name)) => {
                self.removed = false;
                self.name.clone_from(name);
            }
            ("name", _) => self.removed = true,
            ("pattern", _) => self.pattern = value.as_str().map(str::to_owned),
            _ => {}
        }
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a text is a regular expression, and a small one.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    compiled(text).is_some()
}

fn fits(pattern: &str, value: &str) -> bool {
    // One that does not compile is none that anything fits.
    compiled(pattern).is_some_and(|pattern| pattern.is_match(value))
}

/// Compiled so that it must fit the whole value.
fn compiled(pattern: &str) -> Option<regex::Regex> {
    // Alone first: `a)|(b` would be one only within the parentheses.
    let build = |text: &str| {
        RegexBuilder::new(text)
            .size_limit(PATTERN_SIZE)
            .dfa_size_limit(PATTERN_SIZE)
            .build()
            .ok()
    };
    build(pattern)?;
    build(&format!("^(?:{pattern})$"))
}

/// A number with a decimal comma or point, as it is kept.
fn number(given: &str) -> Option<String> {
    let (sign, digits) = match given.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => ("-", digits),
        None => ("", given.strip_prefix('+').unwrap_or(given)),
    };
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = whole.len() <= MAX_DIGITS.0 && fraction.len() <= MAX_DIGITS.1;
    if !(all_digits(whole) && all_digits(fraction) && fits) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    Some(match (whole, fraction) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    })
}

/// A day, written as in ISO 8601 or as in Romania.
fn date(given: &str) -> Option<String> {
    let read = |format: &str| NaiveDate::parse_from_str(given, format).ok();
    let day = ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"]
        .into_iter()
        .find_map(read)?;
    let year = chrono::Datelike::year(&day);
    (1..=9999)
        .contains(&year)
        .then(|| day.format("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: FieldKind, pattern: Option<&str>) -> ExtraField {
        ExtraField {
            number: 1,
            name: "X".to_owned(),
            kind,
            pattern: pattern.map(str::to_owned),
            removed: false,
        }
    }

    #[test]
    fn values_are_kept_in_one_form() {
        let cases = [
            (FieldKind::Text, " A-12 ", Ok("A-12")),
            (FieldKind::Number, "007", Ok("7")),
            (FieldKind::Number, "-0,50", Ok("-0.5")),
            (FieldKind::Number, "-0", Ok("0")),
            (FieldKind::Number, "+3.000000", Ok("3")),
            (FieldKind::Number, "1e3", Err(Unfit::Number)),
            (FieldKind::Number, "1.0000001", Err(Unfit::Number)),
            (FieldKind::Number, "1234567890123456", Err(Unfit::Number)),
            (FieldKind::Number, ".5", Err(Unfit::Number)),
            (FieldKind::Number, "5.", Err(Unfit::Number)),
            (FieldKind::Date, "2026-02-28", Ok("2026-02-28")),
            (FieldKind::Date, "28.02.2026", Ok("2026-02-28")),
            (FieldKind::Date, "29.02.2026", Err(Unfit::Date)),
            (FieldKind::Date, "tomorrow", Err(Unfit::Date)),
        ];
        for (kind, given, kept) in cases {
            let fit = field(kind, None).fit(given);
            assert_eq!(fit.as_deref().map_err(|unfit| *unfit), kept, "{given}");
        }
        let long = "a".repeat(MAX_VALUE_CHARS + 1);
        assert_eq!(
            field(FieldKind::Text, None).fit(&long),
            Err(Unfit::TooLong(MAX_VALUE_CHARS + 1))
        );
    }

    #[test]
    fn a_pattern_must_fit_the_whole_value() {
        let plate = field(FieldKind::Text, Some("[A-Z]{2}|[0-9]{3}"));
        assert_eq!(plate.fit("AB").as_deref(), Ok("AB"));
        assert_eq!(plate.fit("123").as_deref(), Ok("123"));
        assert_eq!(plate.fit("AB1"), Err(Unfit::Pattern));
        assert_eq!(plate.fit("x123"), Err(Unfit::Pattern));
    }

    #[test]
    fn what_is_no_pattern_or_a_huge_one_is_refused() {
        assert!(is_pattern("[a-z]+"));
        for text in ["(", "a)|(b", "[z-a]", "a{1000}{1000}{1000}"] {
            assert!(!is_pattern(text), "{text}");
        }
    }
}
