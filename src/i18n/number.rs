//! Whole numbers: shown with a thousands separator, and passed to Fluent so that it chooses the right
//! plural form.

use fluent_bundle::FluentValue;
use fluent_bundle::types::{FluentNumber, FluentNumberOptions};

use super::Locale;

/// The number as an argument of a message in the language of `locale`.
pub(super) fn for_plurals(number: i128, locale: Locale) -> FluentValue<'static> {
    let stand_in = stand_in(number, locale);
    if stand_in == number {
        return FluentValue::from(number);
    }
    // Nothing here shows amounts of money, so that option carries the text past the plural rules.
    let options = FluentNumberOptions {
        currency: Some(locale.integer(number)),
        ..FluentNumberOptions::default()
    };
    FluentNumber {
        options,
        ..FluentNumber::from(stand_in)
    }
    .into()
}

/// A number with the plural form that `number` should have: itself, wherever Fluent gets it right.
///
/// Fluent's numbers are 64-bit floats, exact up to 2⁵³. And of CLDR's rule that Romanian has the
/// form *few* where the last two digits are 01 to 19 ("102 puncte", "120 de puncte"),
/// `intl_pluralrules` 7.0.2 forgets to take the last two digits.
fn stand_in(number: i128, locale: Locale) -> i128 {
    const EXACT: u128 = 1 << 53;
    const FEW: i128 = 2;
    const OTHER: i128 = 100;
    match (locale, number.unsigned_abs()) {
        (Locale::Ro, size @ 100..) if (1..=19).contains(&(size % 100)) => FEW,
        (_, size) if size > EXACT => OTHER,
        _ => number,
    }
}

/// Formats the numbers in Fluent's messages, as `FluentBundle::set_formatter` wants it.
///
/// `NUMBER($n, useGrouping: "false")` in a catalogue leaves the separators out.
pub(super) fn format<const SEPARATOR: char, M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    let FluentValue::Number(number) = value else {
        return None;
    };
    let shown = number.options.currency.clone();
    let shown = shown.unwrap_or_else(|| grouped(&number.as_string(), SEPARATOR));
    Some(if number.options.use_grouping {
        shown
    } else {
        shown.replace(SEPARATOR, "")
    })
}

/// Puts `separator` between the groups of three of a whole number's digits; any other text is left
/// as it is.
pub(super) fn grouped(number: &str, separator: char) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.to_owned();
    }
    let mut grouped = sign.to_owned();
    for (digit, left) in digits.chars().zip((0..digits.len()).rev()) {
        grouped.push(digit);
        if left > 0 && left % 3 == 0 {
            grouped.push(separator);
        }
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped() {
        for (number, expected) in [
            ("0", "0"),
            ("-1", "-1"),
            ("999", "999"),
            ("-999", "-999"),
            ("1000", "1,000"),
            ("1234567", "1,234,567"),
            ("-1234567", "-1,234,567"),
            ("0.5", "0.5"),
            ("NaN", "NaN"),
        ] {
            assert_eq!(grouped(number, ','), expected);
        }
    }
}
