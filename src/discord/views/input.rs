//! What is wrong with a name, an address or a list, as the domain found it.

use super::shown;
use super::words::characters;
use crate::domain::name::{Name, NameError, NameListError, PartError, TableAddressError};
use crate::domain::points;
use crate::i18n::{Message, keys};

/// A text is no name.
#[must_use]
pub fn name(error: &NameError) -> Message {
    match error {
        NameError::Empty => keys::ERROR_NAME_EMPTY.into(),
        NameError::TooLong { chars } => Message::new(keys::ERROR_NAME_LONG)
            .with("chars", characters(*chars))
            .with("limit", Name::MAX_CHARS),
        NameError::Forbidden { codepoint } => {
            let codepoint = format!("U+{:04X}", u32::from(*codepoint));
            Message::new(keys::ERROR_NAME_CHARACTER).with("character", codepoint)
        }
    }
}

/// A text is no address of a table.
#[must_use]
pub fn address(error: &TableAddressError) -> Message {
    match error {
        TableAddressError::Category(error) => {
            Message::new(keys::ERROR_CATEGORY).with("problem", name(error))
        }
        TableAddressError::Name(error) => name(error),
        TableAddressError::ExtraSlash => keys::ERROR_EXTRA_SLASH.into(),
    }
}

/// A text is no list of names.
#[must_use]
pub fn names(error: &NameListError) -> Message {
    match error {
        NameListError::Empty => keys::ERROR_NAMES_EMPTY.into(),
        NameListError::TooMany { count, limit } => Message::new(keys::ERROR_NAMES_MANY)
            .with("count", *count)
            .with("limit", *limit),
        NameListError::Part {
            part: text,
            problem,
            ..
        } => Message::new(keys::ERROR_NAMES_PART)
            .with("part", shown(text))
            .with("problem", part(problem, text)),
    }
}

/// More points than one command may give or take.
#[must_use]
pub fn too_many_points() -> Message {
    let limit = Message::new(keys::POINTS).with("count", points::MAX_AWARD);
    Message::new(keys::ERROR_AWARD_LIMIT).with("limit", limit)
}

/// A text is no number of points.
#[must_use]
pub fn not_points(text: &str) -> Message {
    Message::new(keys::ERROR_NOT_POINTS)
        .with("given", given(text))
        .with("limit", points::LIMIT)
}

/// A text is no member.
#[must_use]
pub fn not_a_member(text: &str) -> Message {
    Message::new(keys::ERROR_NOT_A_MEMBER).with("given", given(text))
}

/// A text is no moment.
#[must_use]
pub fn not_a_moment(text: &str) -> Message {
    Message::new(keys::ERROR_NOT_A_MOMENT).with("given", given(text))
}

/// What was typed, also where that was nothing.
/// What was given is no right.
#[must_use]
pub fn not_a_right(text: &str) -> Message {
    Message::new(keys::ERROR_UNKNOWN_RIGHT).with("right", given(text))
}

fn given(text: &str) -> String {
    if text.is_empty() {
        "—".to_owned()
    } else {
        shown(text)
    }
}

fn part(problem: &PartError, text: &str) -> Message {
    match problem {
        PartError::UnclosedQuote => keys::ERROR_QUOTE_OPEN.into(),
        PartError::TextAfterQuote => keys::ERROR_QUOTE_TEXT.into(),
        PartError::NotAMember => not_a_member(text),
        PartError::Name(error) => name(error),
    }
}
