//! Names of tables, categories and entries, and the two small languages people type them in:
//! a table's address (`BlackWater/Politie`) and a comma-separated list (`Ana, "Pop, Ion", <@42>`).
//!
//! Everything that holds a [`Name`] may rely on it being trimmed, in Unicode normal form C, 1 to
//! [`Name::MAX_CHARS`] characters long, visible, on one line, and free of characters that hide or
//! reorder text.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use caseless::Caseless;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use super::ids::UserId;

/// A valid name of a table, a category or an entry.
///
/// Equality is that of the exact text; names are *unique* by [`Name::key`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The longest name, in characters, after trimming and normalisation.
    pub const MAX_CHARS: usize = 100;

    /// Trims and normalises `text`, and refuses what can't be a name.
    ///
    /// # Errors
    ///
    /// [`NameError`] says which rule the text broke.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name: String = text.trim().nfc().collect();
        let chars = name.chars().count();
        if chars > Self::MAX_CHARS {
            return Err(NameError::TooLong { chars });
        }
        if let Some((_, codepoint)) = first_forbidden(&name) {
            return Err(NameError::Forbidden { codepoint });
        }
        if name.chars().all(is_blank) {
            return Err(NameError::Empty);
        }
        Ok(Self(name))
    }

    /// The name that is left of a text once everything is taken out of it that a name can't have:
    /// what people call themselves elsewhere need not be a name. `None` if nothing visible is left.
    #[must_use]
    pub fn made_legal(text: &str) -> Option<Self> {
        let mut name: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // Composed, which can bring characters into being that were not there before.
        name = name.nfc().take(Self::MAX_CHARS).collect();
        while let Some(forbidden) = first_forbidden(&name) {
            name = without(&name, forbidden);
        }
        Self::parse(&name).ok()
    }

    /// The name of somebody of whom nothing but the id is known.
    #[must_use]
    pub fn of_id(id: UserId) -> Self {
        Self(id.to_string())
    }

    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes the name unique within its guild or table: two names with one key are the same.
    ///
    /// This is canonical caseless matching (Unicode Standard, definition D145) with full case
    /// folding, so `Straße` and `STRASSE` are the same name. The folded text is brought back to
    /// normal form C.
    #[must_use]
    pub fn key(&self) -> String {
        fold(&self.0)
    }
}

/// The key of a text that is known to be a name already; see [`Name::key`].
#[must_use]
pub fn fold(name: &str) -> String {
    name.nfd().default_case_fold().nfc().collect()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why a text can't be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing visible is left after trimming.
    #[error("the name is empty")]
    Empty,
    /// The name has more than [`Name::MAX_CHARS`] characters.
    #[error("the name has {chars} characters, more than {}", Name::MAX_CHARS)]
    TooLong {
        /// How many characters it has, after trimming and normalisation.
        chars: usize,
    },
    /// The name has a line break, or a character that is invisible or reorders text.
    #[error("the name has the character U+{:04X}, which names can't have", u32::from(*codepoint))]
    Forbidden {
        /// The first such character.
        codepoint: char,
    },
}

const ZERO_WIDTH_JOINER: char = '\u{200D}';
const EMOJI_PRESENTATION: char = '\u{FE0F}';
const KEYCAP: char = '\u{20E3}';

/// A name without one of its characters.
fn without(name: &str, (at, c): (usize, char)) -> String {
    let (head, tail) = name.split_at(at);
    head.to_owned() + tail.get(c.len_utf8()..).unwrap_or_default()
}

/// The first character that a name can't have where it stands, and at which byte that is.
fn first_forbidden(name: &str) -> Option<(usize, char)> {
    let mut before = Before::Text;
    let mut rest = name.char_indices();
    while let Some((at, c)) = rest.next() {
        let next = rest.clone().next().map(|(_, next)| next);
        let allowed = match c {
            EMOJI_PRESENTATION => before.takes_emoji_presentation(next),
            ZERO_WIDTH_JOINER => before.takes_joiner(next),
            _ => !is_hidden(c),
        };
        if !allowed {
            return Some((at, c));
        }
        before = before.then(c);
    }
    None
}

/// What stands before a character, as far as emoji sequences care (Unicode Technical Standard 51).
#[derive(Clone, Copy)]
enum Before {
    Text,
    /// `0` to `9`, `#` or `*`, the bases of keycaps.
    KeycapBase,
    Pictograph,
    /// A pictograph with its presentation selector or skin tone.
    StyledPictograph,
}

impl Before {
    fn takes_emoji_presentation(self, next: Option<char>) -> bool {
        match self {
            Self::Pictograph => true,
            Self::KeycapBase => next == Some(KEYCAP),
            Self::Text | Self::StyledPictograph => false,
        }
    }

    fn takes_joiner(self, next: Option<char>) -> bool {
        matches!(self, Self::Pictograph | Self::StyledPictograph)
            && next.is_some_and(is_pictographic)
    }

    fn then(self, c: char) -> Self {
        match (self, c) {
            (Self::Pictograph, EMOJI_PRESENTATION)
            | (Self::Pictograph | Self::StyledPictograph, '\u{1F3FB}'..='\u{1F3FF}') => {
                Self::StyledPictograph
            }
            (_, '0'..='9' | '#' | '*') => Self::KeycapBase,
            (_, c) if is_pictographic(c) => Self::Pictograph,
            _ => Self::Text,
        }
    }
}

/// Whether `c` has the property `Extended_Pictographic`.
///
/// The segmentation tables know it without naming it: only after such a character does a
/// zero-width joiner hold a following pictograph in the same grapheme (UAX 29, rule GB11).
fn is_pictographic(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    let probe = String::from_iter([c, ZERO_WIDTH_JOINER, '\u{A9}']);
    probe.graphemes(true).nth(1).is_none()
}

/// Line breaks, control characters, and what Unicode calls default-ignorable: zero-width, filler,
/// selector, tag and bidirectional-control characters.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether `c` is allowed but shows nothing: a space, or the empty Braille pattern.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{2800}'
}

/// Where a table is: `Category/Name`, or just `Name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableAddress {
    category: Option<Name>,
    name: Name,
}

impl TableAddress {
    /// Puts an address together from its parts, for example those of a stored table.
    ///
    /// # Errors
    ///
    /// [`TableAddressError::ExtraSlash`] if a part has the slash that separates them.
    pub fn new(category: Option<Name>, name: Name) -> Result<Self, TableAddressError> {
        let slash = |part: &Name| part.as_str().contains('/');
        if slash(&name) || category.as_ref().is_some_and(slash) {
            return Err(TableAddressError::ExtraSlash);
        }
        Ok(Self { category, name })
    }

    /// Reads `Category/Name` or `Name`.
    ///
    /// # Errors
    ///
    /// [`TableAddressError`] says which part is wrong, or that there are too many of them.
    pub fn parse(text: &str) -> Result<Self, TableAddressError> {
        let (category, name) = match text.split_once('/') {
            Some((category, name)) => (Some(category), name),
            None => (None, text),
        };
        let category = category
            .map(Name::parse)
            .transpose()
            .map_err(TableAddressError::Category)?;
        Self::new(
            category,
            Name::parse(name).map_err(TableAddressError::Name)?,
        )
    }

    /// The category, if the table is in one.
    #[must_use]
    pub fn category(&self) -> Option<&Name> {
        self.category.as_ref()
    }

    /// The table's own name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The category and the name.
    #[must_use]
    pub fn into_parts(self) -> (Option<Name>, Name) {
        (self.category, self.name)
    }
}

impl fmt::Display for TableAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.category {
            Some(category) => write!(f, "{category}/{}", self.name),
            None => self.name.fmt(f),
        }
    }
}

impl FromStr for TableAddress {
    type Err = TableAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why a text can't be a table's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableAddressError {
    /// What stands before the slash is no name.
    #[error("the category: {0}")]
    Category(#[source] NameError),
    /// What stands after the slash, or alone, is no name.
    #[error("the table: {0}")]
    Name(#[source] NameError),
    /// There is more than one slash.
    #[error("an address has at most one slash")]
    ExtraSlash,
}

/// One part of a [`NameList`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NameOrMember {
    /// A name, as it was typed.
    Name(Name),
    /// A mention of a Discord member, by the user's id.
    Member(u64),
}

impl NameOrMember {
    fn identity(&self) -> Identity {
        match self {
            Self::Name(name) => Identity::Key(name.key()),
            Self::Member(user) => Identity::Member(*user),
        }
    }
}

/// What makes two parts of a list the same.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    Key(String),
    Member(u64),
}

/// A list of names and members' mentions, each of them once.
///
/// A comma separates. A part that holds a comma, begins with a quotation mark or looks like a
/// mention is written in quotation marks, doubled where they belong to the name
/// ([`quote_if_needed`]); a `"` anywhere else is an ordinary character. Mentions need no comma
/// between them. Empty parts are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameList {
    items: Vec<NameOrMember>,
    repeated: Vec<NameOrMember>,
}

impl NameList {
    /// Reads a list of at most `limit` different names and members.
    ///
    /// # Errors
    ///
    /// [`NameListError`] says which part is wrong, or that there are none or too many.
    pub fn parse(text: &str, limit: usize) -> Result<Self, NameListError> {
        let mut list = Self {
            items: Vec::new(),
            repeated: Vec::new(),
        };
        let (mut seen, mut told) = (HashSet::new(), HashSet::new());
        for (part, position) in parts(text).filter(|part| !part.is_empty()).zip(1..) {
            for item in part.read(position)? {
                if seen.insert(item.identity()) {
                    list.items.push(item);
                } else if told.insert(item.identity()) {
                    list.repeated.push(item);
                }
            }
        }
        match list.items.len() {
            0 => Err(NameListError::Empty),
            count if count > limit => Err(NameListError::TooMany { count, limit }),
            _ => Ok(list),
        }
    }

    /// The names and members, in the order in which each was first given.
    #[must_use]
    pub fn items(&self) -> &[NameOrMember] {
        &self.items
    }

    /// Those that were given more than once, as written the second time.
    #[must_use]
    pub fn repeated(&self) -> &[NameOrMember] {
        &self.repeated
    }

    /// The names and members, in the order in which each was first given.
    #[must_use]
    pub fn into_items(self) -> Vec<NameOrMember> {
        self.items
    }

    /// Splits a list that is still being typed before its last part, which is being completed.
    ///
    /// The head ends with the separator and the spaces after it, so `head + completion` is the
    /// new list.
    #[must_use]
    pub fn last_part(text: &str) -> (&str, &str) {
        let mut last = text;
        while let Some(rest) = Part::first_of(last).1 {
            last = rest;
        }
        text.split_at(text.len() - last.trim_start().len())
    }

    /// What the last part of a list being typed looks for: its text without the quotation marks.
    #[must_use]
    pub fn search_text(last: &str) -> Cow<'_, str> {
        match last.strip_prefix('"') {
            Some(open) => unquote(closing_quote(open).map_or(open, |(quoted, _)| quoted)),
            None => Cow::Borrowed(last),
        }
    }
}

/// Why a text can't be a list of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameListError {
    /// There is no name in it.
    #[error("the list has no names")]
    Empty,
    /// There are more different names than one command takes.
    #[error("the list has {count} names, more than {limit}")]
    TooMany {
        /// How many different names and members there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// One part of the list is wrong.
    #[error("part {position} of the list, {part:?}: {problem}")]
    Part {
        /// The part as it was typed.
        part: String,
        /// Its place among the parts that are not empty, from 1.
        position: usize,
        /// What is wrong with it.
        problem: PartError,
    },
}

/// What is wrong with one part of a list of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// A quotation mark opens it, and none closes it.
    #[error("the quotation mark is not closed")]
    UnclosedQuote,
    /// Something other than a comma follows the closing quotation mark.
    #[error("a comma is missing after the closing quotation mark")]
    TextAfterQuote,
    /// It begins like a member's mention, and is something else (a role, a damaged mention).
    #[error("this is not a member's mention")]
    NotAMember,
    /// It is no name.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// `name` as one part of a [`NameList`]: in quotation marks if it would be read otherwise.
#[must_use]
pub fn quote_if_needed(name: &str) -> Cow<'_, str> {
    if name.contains(',') || name.starts_with('"') || name.starts_with(MENTION) {
        Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(name)
    }
}

/// How a member's mention begins: `<@42>`, or `<@!42>` from old clients.
const MENTION: &str = "<@";

/// A part of a list, not read yet.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// The part as typed, trimmed.
    text: &'a str,
    shape: Shape<'a>,
}

#[derive(Clone, Copy)]
enum Shape<'a> {
    Plain,
    /// What stands between the quotation marks.
    Quoted(&'a str),
    Unclosed,
    TextAfterQuote,
}

fn parts(list: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let (part, after) = Part::first_of(rest?);
        rest = after;
        Some(part)
    })
}

impl<'a> Part<'a> {
    /// The first part of `list`, and what follows the comma after it.
    fn first_of(list: &'a str) -> (Self, Option<&'a str>) {
        let list = list.trim_start();
        match list.strip_prefix('"') {
            Some(open) => Self::quoted(list, open),
            None => Self::plain(list),
        }
    }

    fn plain(list: &'a str) -> (Self, Option<&'a str>) {
        let (text, rest) = until_comma(list);
        (
            Self {
                text: text.trim_end(),
                shape: Shape::Plain,
            },
            rest,
        )
    }

    /// A list whose first part begins with a quotation mark, after which there is `open`.
    fn quoted(list: &'a str, open: &'a str) -> (Self, Option<&'a str>) {
        let Some((quoted, after)) = closing_quote(open) else {
            return (
                Self {
                    text: list.trim_end(),
                    shape: Shape::Unclosed,
                },
                None,
            );
        };
        let (tail, rest) = until_comma(after);
        let shape = match (tail.trim().is_empty(), quoted.contains(',')) {
            (true, _) => Shape::Quoted(quoted),
            (false, true) => Shape::TextAfterQuote,
            // Quotation marks that quote no comma belong to the name: "Nelu" Pop.
            (false, false) => return Self::plain(list),
        };
        let end = list.len() - after.len() + tail.len();
        (
            Self {
                text: list[..end].trim_end(),
                shape,
            },
            rest,
        )
    }

    fn is_empty(self) -> bool {
        match self.shape {
            Shape::Plain => self.text.is_empty(),
            Shape::Quoted(quoted) => quoted.trim().is_empty(),
            Shape::Unclosed | Shape::TextAfterQuote => false,
        }
    }

    fn read(self, position: usize) -> Result<Vec<NameOrMember>, NameListError> {
        let read = match self.shape {
            Shape::Plain if self.text.starts_with(MENTION) => members(self.text),
            Shape::Plain => name(self.text),
            Shape::Quoted(quoted) => name(&unquote(quoted)),
            Shape::Unclosed => Err(PartError::UnclosedQuote),
            Shape::TextAfterQuote => Err(PartError::TextAfterQuote),
        };
        read.map_err(|problem| NameListError::Part {
            part: self.text.into(),
            position,
            problem,
        })
    }
}

fn until_comma(text: &str) -> (&str, Option<&str>) {
    text.split_once(',')
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Splits at the first quotation mark that is not doubled.
fn closing_quote(open: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let at = from + open[from..].find('"')?;
        let after = &open[at + 1..];
        if !after.starts_with('"') {
            return Some((&open[..at], after));
        }
        from = at + 2;
    }
}

fn unquote(quoted: &str) -> Cow<'_, str> {
    if quoted.contains('"') {
        Cow::Owned(quoted.replace("\"\"", "\""))
    } else {
        Cow::Borrowed(quoted)
    }
}

fn name(text: &str) -> Result<Vec<NameOrMember>, PartError> {
    Ok(vec![NameOrMember::Name(Name::parse(text)?)])
}

/// Reads one or several mentions, as Discord's client puts them one after the other.
fn members(mut text: &str) -> Result<Vec<NameOrMember>, PartError> {
    let mut members = Vec::new();
    while !text.is_empty() {
        let (id, rest) = first_mention(text).ok_or(PartError::NotAMember)?;
        members.push(NameOrMember::Member(id));
        text = rest.trim_start();
    }
    Ok(members)
}

fn first_mention(text: &str) -> Option<(u64, &str)> {
    let (inside, rest) = text.strip_prefix(MENTION)?.split_once('>')?;
    let digits = inside.strip_prefix('!').unwrap_or(inside);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let id = digits.parse().ok().filter(|&id| id != 0)?;
    Some((id, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn key(text: &str) -> String {
        parsed(text).key()
    }

    fn list(text: &str) -> Result<NameList, NameListError> {
        NameList::parse(text, 50)
    }

    /// The list in a short form: names as they are, members as `@id`.
    fn short(items: &[NameOrMember]) -> Vec<String> {
        items
            .iter()
            .map(|item| match item {
                NameOrMember::Name(name) => name.to_string(),
                NameOrMember::Member(id) => format!("@{id}"),
            })
            .collect()
    }

    fn problem(text: &str) -> (String, usize, PartError) {
        match list(text) {
            Err(NameListError::Part {
                part,
                position,
                problem,
            }) => (part, position, problem),
            other => panic!("{text:?} gave {other:?}"),
        }
    }

    #[test]
    fn names_are_trimmed_and_normalised() {
        for (text, expected) in [
            ("Ana", "Ana"),
            ("  Ana Pop\u{A0}\u{3000}\n", "Ana Pop"),
            ("S\u{326}tefan", "Ștefan"),
            ("x", "x"),
            ("Ana \"Nelu\" Pop, jr. / 1", "Ana \"Nelu\" Pop, jr. / 1"),
            ("عمر", "عمر"),
            ("田中 さん", "田中 さん"),
            ("**Ana** @everyone <@1>", "**Ana** @everyone <@1>"),
        ] {
            assert_eq!(parsed(text).as_str(), expected);
        }
    }

    #[test]
    fn names_have_1_to_100_characters_after_normalisation() {
        for text in [
            "",
            " ",
            "\t\n",
            "\u{3000}\u{2028}",
            "\u{2800}",
            "\u{2800} \u{2800}",
        ] {
            assert_eq!(Name::parse(text), Err(NameError::Empty), "{text:?}");
        }
        assert_eq!(parsed(&"田".repeat(100)).as_str().chars().count(), 100);
        assert_eq!(
            parsed(&"s\u{326}".repeat(100)).as_str().chars().count(),
            100
        );
        assert_eq!(
            Name::parse(&"😀".repeat(101)),
            Err(NameError::TooLong { chars: 101 })
        );
        assert_eq!(
            Name::parse(&"x".repeat(10_000)),
            Err(NameError::TooLong { chars: 10_000 })
        );
    }

    #[test]
    fn hidden_characters_are_refused() {
        let ranges = [
            '\0'..='\u{1F}',
            '\u{7F}'..='\u{9F}',
            '\u{AD}'..='\u{AD}',
            '\u{34F}'..='\u{34F}',
            '\u{61C}'..='\u{61C}',
            '\u{115F}'..='\u{1160}',
            '\u{180E}'..='\u{180E}',
            '\u{200B}'..='\u{200F}',
            '\u{2028}'..='\u{202E}',
            '\u{2060}'..='\u{2064}',
            '\u{2066}'..='\u{2069}',
            '\u{3164}'..='\u{3164}',
            '\u{FE00}'..='\u{FE0F}',
            '\u{FEFF}'..='\u{FEFF}',
            '\u{FFA0}'..='\u{FFA0}',
            '\u{E0000}'..='\u{E01EF}',
        ];
        for codepoint in ranges.into_iter().flatten() {
            let refused = Err(NameError::Forbidden { codepoint });
            assert_eq!(Name::parse(&format!("Ana{codepoint}Pop")), refused);
            if !codepoint.is_whitespace() {
                assert_eq!(Name::parse(&codepoint.to_string()), refused);
                assert_eq!(Name::parse(&format!(" {codepoint}Ana")), refused);
            }
        }
    }

    #[test]
    fn emoji_sequences_are_names() {
        for emoji in [
            "😀",
            "❤️",
            "❤",
            "©️",
            "1️⃣",
            "#️⃣",
            "*️⃣",
            "7⃣",
            "🇷🇴",
            "🏳️‍🌈",
            "🏴‍☠️",
            "👍🏽",
            "👨‍👩‍👧‍👦",
            "👩🏽‍🚀",
            "👩‍❤️‍💋‍👨",
            "👩🏻‍❤️‍💋‍👨🏼",
            "🏃🏿‍♀️‍➡️",
            "🐦‍⬛",
            "🧑‍🦰",
            "🕵🏼‍♂️",
            "🕵️‍♂️",
        ] {
            assert_eq!(parsed(emoji).as_str(), emoji);
            assert_eq!(
                parsed(&format!("Ana {emoji} Pop{emoji}"))
                    .as_str()
                    .matches(emoji)
                    .count(),
                2
            );
        }
    }

    #[test]
    fn joiner_and_selector_outside_an_emoji_sequence_are_refused() {
        for (text, codepoint) in [
            ("Ana\u{200D}", '\u{200D}'),
            ("A\u{200D}na", '\u{200D}'),
            ("\u{200D}😀", '\u{200D}'),
            ("😀\u{200D}", '\u{200D}'),
            ("😀\u{200D}Ana", '\u{200D}'),
            ("😀\u{200D}\u{200D}😀", '\u{200D}'),
            ("Ana\u{200D}😀", '\u{200D}'),
            ("क\u{94D}\u{200D}ष", '\u{200D}'),
            ("🇷\u{200D}🇴", '\u{200D}'),
            ("1\u{FE0F}\u{200D}😀", '\u{FE0F}'),
            ("A\u{FE0F}", '\u{FE0F}'),
            ("1\u{FE0F}", '\u{FE0F}'),
            ("12\u{FE0F}3", '\u{FE0F}'),
            ("❤\u{FE0F}\u{FE0F}", '\u{FE0F}'),
            ("❤\u{FE0E}", '\u{FE0E}'),
            ("\u{FE0F}❤", '\u{FE0F}'),
            ("🏴\u{E0067}\u{E007F}", '\u{E0067}'),
        ] {
            assert_eq!(
                Name::parse(text),
                Err(NameError::Forbidden { codepoint }),
                "{text:?}"
            );
        }
    }

    #[test]
    fn keys_ignore_case() {
        for (one, other) in [
            ("ȘTEFAN", "ștefan"),
            ("S\u{326}TEFAN", "ștefan"),
            ("Straße", "STRASSE"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("ﬁn", "FIN"),
            ("İ", "i\u{307}"),
            ("\u{1F80}", "\u{1F88}"),
            ("ᾳ\u{301}", "Α\u{301}ι"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        for (one, other) in [
            ("Ștefan", "Stefan"),
            ("Ştefan", "Ștefan"),
            ("ı", "i"),
            ("①", "1"),
        ] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn errors_name_the_character() {
        let error = Name::parse("a\u{200B}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the name has the character U+200B, which names can't have"
        );
    }

    #[test]
    fn addresses_are_read_and_shown() {
        for (text, category, name, shown) in [
            ("Politie", None, "Politie", "Politie"),
            (
                "BlackWater/Politie",
                Some("BlackWater"),
                "Politie",
                "BlackWater/Politie",
            ),
            (
                " Black Water / Poliție ",
                Some("Black Water"),
                "Poliție",
                "Black Water/Poliție",
            ),
        ] {
            let address = TableAddress::parse(text).unwrap();
            assert_eq!(address.category().map(Name::as_str), category);
            assert_eq!(address.name().as_str(), name);
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address));
        }
    }

    #[test]
    fn wrong_addresses_say_which_part() {
        let forbidden = NameError::Forbidden {
            codepoint: '\u{202E}',
        };
        for (text, error) in [
            ("", TableAddressError::Name(NameError::Empty)),
            ("/", TableAddressError::Category(NameError::Empty)),
            ("/Politie", TableAddressError::Category(NameError::Empty)),
            ("BlackWater/", TableAddressError::Name(NameError::Empty)),
            ("A/B/C", TableAddressError::ExtraSlash),
            ("A//B", TableAddressError::ExtraSlash),
            ("A/B\u{202E}", TableAddressError::Name(forbidden.clone())),
            ("A\u{202E}/B", TableAddressError::Category(forbidden)),
        ] {
            assert_eq!(TableAddress::parse(text), Err(error), "{text:?}");
        }
        let slashed = parsed("A/B");
        assert_eq!(
            TableAddress::new(None, slashed.clone()),
            Err(TableAddressError::ExtraSlash)
        );
        assert_eq!(
            TableAddress::new(Some(slashed), parsed("C")),
            Err(TableAddressError::ExtraSlash)
        );
    }

    #[test]
    fn lists_are_read() {
        for (text, expected) in [
            ("Ana", vec!["Ana"]),
            ("Ana, Ion Pop ,Maria", vec!["Ana", "Ion Pop", "Maria"]),
            (",, Ana , ,\u{3000},Ion,", vec!["Ana", "Ion"]),
            (r#""Pop, Ana", Ion"#, vec!["Pop, Ana", "Ion"]),
            (r#"Ion,"Pop, Ana" "#, vec!["Ion", "Pop, Ana"]),
            (r#"" Ana ", "", " ", Ion"#, vec!["Ana", "Ion"]),
            (
                r#"Ion "Nelu" Pop, 6" tun"#,
                vec![r#"Ion "Nelu" Pop"#, r#"6" tun"#],
            ),
            (r#""Nelu" Pop, Ion"#, vec![r#""Nelu" Pop"#, "Ion"]),
            (r#""Pop, ""Nelu""", Ion"#, vec![r#"Pop, "Nelu""#, "Ion"]),
            ("<@123>, <@!124>", vec!["@123", "@124"]),
            (
                "<@123> <@!124><@125>, Ana",
                vec!["@123", "@124", "@125", "Ana"],
            ),
            (r#""<@123>", x <@1>"#, vec!["<@123>", "x <@1>"]),
            ("<@18446744073709551615>", vec!["@18446744073709551615"]),
        ] {
            let list = list(text).unwrap();
            assert_eq!(short(list.items()), expected, "{text}");
            assert!(list.repeated().is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_given_twice_counts_once() {
        let list = list("Ștefan, ana, <@7>, ȘTEFAN, <@!7>, ștefan, \"Ana\", Ion").unwrap();
        assert_eq!(short(list.items()), ["Ștefan", "ana", "@7", "Ion"]);
        assert_eq!(short(list.repeated()), ["ȘTEFAN", "@7", "Ana"]);
        assert_eq!(list.clone().into_items(), list.items());
    }

    #[test]
    fn lists_are_limited() {
        for text in ["", "  ", ",, ,", r#""""#, r#""", " ""#] {
            assert_eq!(list(text), Err(NameListError::Empty), "{text}");
        }
        let names = |count: usize| {
            (1..=count)
                .map(|n| format!("n{n}"))
                .collect::<Vec<_>>()
                .join(",")
        };
        assert_eq!(list(&names(50)).unwrap().items().len(), 50);
        assert_eq!(
            list(&names(51)),
            Err(NameListError::TooMany {
                count: 51,
                limit: 50
            })
        );
        assert_eq!(
            list(&format!("{0},{0}", names(50)))
                .unwrap()
                .repeated()
                .len(),
            50
        );
    }

    #[test]
    fn wrong_parts_are_named() {
        let hidden = PartError::Name(NameError::Forbidden {
            codepoint: '\u{200B}',
        });
        for (text, part, position, error) in [
            ("Ana, , a\u{200B}b , Ion", "a\u{200B}b", 2, hidden),
            (
                r#"Ana, "Pop, Ion"#,
                r#""Pop, Ion"#,
                2,
                PartError::UnclosedQuote,
            ),
            (r#"Ana, ""","#, r#"""","#, 2, PartError::UnclosedQuote),
            (
                r#""Pop, Ana" jr , Ion"#,
                r#""Pop, Ana" jr"#,
                1,
                PartError::TextAfterQuote,
            ),
            ("Ana, <@&5>", "<@&5>", 2, PartError::NotAMember),
            ("<@0>", "<@0>", 1, PartError::NotAMember),
            ("<@>", "<@>", 1, PartError::NotAMember),
            ("<@+5>", "<@+5>", 1, PartError::NotAMember),
            ("<@5", "<@5", 1, PartError::NotAMember),
            ("<@5> Ana", "<@5> Ana", 1, PartError::NotAMember),
            (
                "<@18446744073709551616>",
                "<@18446744073709551616>",
                1,
                PartError::NotAMember,
            ),
        ] {
            assert_eq!(problem(text), (part.to_owned(), position, error), "{text}");
        }
    }

    #[test]
    fn the_last_part_is_split_off() {
        for (text, head, last, search) in [
            ("", "", "", ""),
            ("An", "", "An", "An"),
            (" An", " ", "An", "An"),
            ("Ana, Io", "Ana, ", "Io", "Io"),
            ("Ana,", "Ana,", "", ""),
            ("Ana,  ", "Ana,  ", "", ""),
            (r#"Ana, "Pop, I"#, "Ana, ", r#""Pop, I"#, "Pop, I"),
            (r#""Pop, Ion", Ma"#, r#""Pop, Ion", "#, "Ma", "Ma"),
            (r#"x, "Pop, Ion""#, "x, ", r#""Pop, Ion""#, "Pop, Ion"),
            (r#"x, "Pop, ""Io"#, "x, ", r#""Pop, ""Io"#, r#"Pop, "Io"#),
            (r#""Pop, Ana" jr, Io"#, r#""Pop, Ana" jr, "#, "Io", "Io"),
            ("<@1> <@2>, ș", "<@1> <@2>, ", "ș", "ș"),
        ] {
            assert_eq!(NameList::last_part(text), (head, last), "{text}");
            assert_eq!(NameList::search_text(last), search, "{text}");
        }
    }

    #[test]
    fn names_are_quoted_only_if_needed() {
        for (name, quoted) in [
            ("Ana", "Ana"),
            (r#"Ion "Nelu" Pop"#, r#"Ion "Nelu" Pop"#),
            ("Pop, Ana", r#""Pop, Ana""#),
            (r#""Nelu" Pop"#, r#""""Nelu"" Pop""#),
            ("<@5>", r#""<@5>""#),
        ] {
            assert_eq!(quote_if_needed(name), quoted);
        }
    }

    /// Text rich in what the parsers treat specially.
    fn hostile() -> impl Strategy<Value = String> {
        let special = prop::sample::select(vec![
            ",", "\"", "<@", "<@!", ">", "/", " ", "1", "#", "s\u{326}", "ß", "😀", "❤",
            "\u{200D}", "\u{FE0F}", "\u{20E3}", "🏽", "\u{301}", "\u{202E}", "\n", "\0",
            "\u{2000}", "\u{345}",
        ]);
        let piece = prop_oneof![3 => special.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    fn valid_name() -> impl Strategy<Value = Name> {
        hostile().prop_map(|mut text| {
            loop {
                match Name::parse(&text) {
                    Ok(name) => return name,
                    Err(NameError::Empty) => text = "x".to_owned(),
                    Err(NameError::TooLong { .. }) => text.truncate(0),
                    Err(NameError::Forbidden { codepoint }) => text = text.replace(codepoint, ""),
                }
            }
        })
    }

    #[test]
    fn what_people_call_themselves_is_made_legal() {
        let legal = |text: &str| Name::made_legal(text).map(String::from);
        assert_eq!(legal(" Pop,\tAna\n").as_deref(), Some("Pop, Ana"));
        assert_eq!(legal("\u{202E}Ana\u{200B}\u{200D}").as_deref(), Some("Ana"));
        assert_eq!(
            legal("\u{1F469}\u{200D}\u{1F680} Ana").as_deref(),
            Some("\u{1F469}\u{200D}\u{1F680} Ana")
        );
        assert_eq!(legal("\u{3164}\u{2800} \u{200B}"), None);
        assert_eq!(legal(&"ș".repeat(300)), Some("ș".repeat(100)));
        assert_eq!(legal("<@42>, \"x\"").as_deref(), Some("<@42>, \"x\""));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in hostile()) {
            let _ = Name::parse(&text);
            let _ = TableAddress::parse(&text);
            let _ = NameList::parse(&text, 50);
            let (head, last) = NameList::last_part(&text);
            prop_assert_eq!(format!("{head}{last}"), text.as_str());
            let _ = NameList::search_text(last);
        }

        #[test]
        fn what_is_made_legal_is_a_name_and_a_name_stays_as_it_is(
            text in hostile(), name in valid_name(),
        ) {
            if let Some(legal) = Name::made_legal(&text) {
                prop_assert_eq!(Name::parse(legal.as_str()), Ok(legal.clone()));
            } else {
                prop_assert!(Name::parse(&text).is_err());
            }
            let spaced = name.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(Name::made_legal(name.as_str()).map(String::from), Some(spaced));
        }

        #[test]
        fn what_is_shown_parses_to_itself(name in valid_name(), category in valid_name()) {
            prop_assert_eq!(Name::parse(name.as_str()), Ok(name.clone()));
            if let Ok(address) = TableAddress::new(Some(category), name) {
                prop_assert_eq!(TableAddress::parse(&address.to_string()), Ok(address));
            }
        }

        #[test]
        fn keys_are_stable_and_ignore_case(name in valid_name()) {
            prop_assert_eq!(fold(&name.key()), name.key());
            prop_assert!(caseless::canonical_caseless_match_str(name.as_str(), &name.key()));
        }

        #[test]
        fn quoted_names_make_a_list(names in prop::collection::vec(valid_name(), 1..5)) {
            let text: Vec<_> = names.iter().map(|name| quote_if_needed(name.as_str())).collect();
            let list = NameList::parse(&text.join(", "), 50).unwrap();
            let mut seen = HashSet::new();
            let expected: Vec<_> = names.into_iter().filter(|name| seen.insert(name.key())).collect();
            let expected: Vec<_> = expected.into_iter().map(NameOrMember::Name).collect();
            prop_assert_eq!(list.items(), expected);
        }
    }
}
