//! What people read, in their language: typed [`keys`] over the Fluent catalogues in
//! `config/locales`, which are compiled into the program.
//!
//! ```text
//! Message::new(keys::POINTS).with("count", 20)  --Locale::Ro-->  "20 de puncte"
//! ```
//!
//! A message is made where something happened, and becomes text where the reader's language is
//! known. Text that came from users is an argument like any other: whoever passes it has escaped it
//! for the place where it is going to stand.
//!
//! To add a message: one line in `keys.rs`, one entry in each catalogue. Tests compare the three.

pub mod keys;
mod number;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource, FluentValue};

use crate::domain::guild::Language;

/// A language the bot speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Locale {
    /// English, for everyone whose language is not spoken.
    #[default]
    En,
    /// Romanian.
    Ro,
}

impl From<Language> for Locale {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::En,
            Language::Ro => Self::Ro,
        }
    }
}

impl Locale {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::Ro];

    /// The language for one of Discord's locale codes: Romanian for `ro`, English for any other.
    #[must_use]
    pub fn from_discord(code: &str) -> Self {
        match code {
            "ro" => Self::Ro,
            _ => Self::En,
        }
    }

    /// Discord's code of the language.
    #[must_use]
    pub fn discord_code(self) -> &'static str {
        match self {
            Self::En => "en-US",
            Self::Ro => "ro",
        }
    }

    /// The message's text in this language.
    ///
    /// A key that the catalogue does not have gives the key in brackets, an argument that is
    /// missing leaves its name in braces in the text: both are logged once, neither fails.
    #[must_use]
    pub fn text(self, message: &Message) -> String {
        let args = message
            .args
            .iter()
            .map(|(name, value)| (*name, value.in_language(self)));
        let mut errors = Vec::new();
        let text = self.format(message.key.id(), &args.collect(), &mut errors);
        if text.is_none() || !errors.is_empty() {
            self.report(message.key, &errors);
        }
        text.unwrap_or_else(|| format!("[{}]", message.key.id()))
    }

    /// The text of a message without arguments whose id is made at run time, if there is one.
    ///
    /// For the command manifest, whose ids (`cmd-…`) follow from the names of the commands.
    #[must_use]
    pub fn lookup(self, id: &str) -> Option<String> {
        self.format(id, &FluentArgs::new(), &mut Vec::new())
    }

    /// A whole number with the separators of this language: `1,234` or `1.234`.
    #[must_use]
    pub fn integer(self, number: impl Into<i128>) -> String {
        number::grouped(&number.into().to_string(), self.separator())
    }

    /// A change by a whole number: as [`Locale::integer`], with a plus sign if it is positive.
    #[must_use]
    pub fn signed(self, number: impl Into<i128>) -> String {
        let number = number.into();
        let plus = if number > 0 { "+" } else { "" };
        format!("{plus}{}", self.integer(number))
    }

    /// Formats the message or attribute `id` (`message` or `message.attribute`).
    fn format(
        self,
        id: &str,
        args: &FluentArgs<'_>,
        errors: &mut Vec<FluentError>,
    ) -> Option<String> {
        let (id, attribute) = id
            .split_once('.')
            .map_or((id, None), |(id, name)| (id, Some(name)));
        let bundle = self.bundle();
        let message = bundle.get_message(id)?;
        let pattern = match attribute {
            Some(name) => message.get_attribute(name)?.value(),
            None => message.value()?,
        };
        Some(
            bundle
                .format_pattern(pattern, Some(args), errors)
                .into_owned(),
        )
    }

    /// Logs what is wrong with a message, the first time it is.
    fn report(self, key: Key, errors: &[FluentError]) {
        static REPORTED: Mutex<BTreeSet<(Locale, Key)>> = Mutex::new(BTreeSet::new());
        let mut reported = REPORTED.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.insert((self, key)) {
            let locale = self.discord_code();
            tracing::error!(
                message.key = key.id(),
                message.locale = locale,
                ?errors,
                "message is broken"
            );
        }
    }

    fn separator(self) -> char {
        match self {
            Self::En => ',',
            Self::Ro => '.',
        }
    }

    fn catalogue(self) -> &'static str {
        match self {
            Self::En => include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/config/locales/en.ftl"
            )),
            Self::Ro => include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/config/locales/ro.ftl"
            )),
        }
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        static EN: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| Locale::En.load());
        static RO: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| Locale::Ro.load());
        match self {
            Self::En => &EN,
            Self::Ro => &RO,
        }
    }

    /// Parses the catalogue. What is wrong in it is left out and logged; a test finds it earlier.
    fn load(self) -> FluentBundle<FluentResource> {
        let language = self.discord_code().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // Discord shows the marks that isolate the direction of arguments as boxes in some places.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(match self {
            Self::En => number::format::<',', _>,
            Self::Ro => number::format::<'.', _>,
        }));
        if let Err(error) = bundle.add_builtins() {
            tracing::error!(%error, "Fluent's functions are not available");
        }
        let (resource, parse_errors) = match FluentResource::try_new(self.catalogue().to_owned()) {
            Ok(resource) => (resource, Vec::new()),
            Err(partial) => partial,
        };
        let add_errors = bundle.add_resource(resource).err().unwrap_or_default();
        if !parse_errors.is_empty() || !add_errors.is_empty() {
            tracing::error!(
                locale = self.discord_code(),
                ?parse_errors,
                ?add_errors,
                "catalogue is broken"
            );
        }
        bundle
    }
}

/// The id of a message, or of an attribute of one (`message.attribute`). All are in [`keys`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(&'static str);

impl Key {
    /// The id, as it stands in the catalogues.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.0
    }
}

/// A message with its arguments, not yet in any language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    key: Key,
    args: Vec<(&'static str, Value)>,
}

impl Message {
    /// The message `key`, still without arguments.
    #[must_use]
    pub const fn new(key: Key) -> Self {
        Self {
            key,
            args: Vec::new(),
        }
    }

    /// Adds an argument: `$name` in the catalogues.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.args.push((name, value.into()));
        self
    }

    /// Which message it is.
    #[must_use]
    pub const fn key(&self) -> Key {
        self.key
    }
}

impl From<Key> for Message {
    fn from(key: Key) -> Self {
        Self::new(key)
    }
}

/// An argument of a [`Message`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, which chooses plural forms and is shown with separators. For a number that names
    /// something (an event's) pass its text.
    Integer(i128),
    /// A change: shown with its sign, chooses no plural form.
    Change(i128),
    /// Text, shown as it is.
    Text(String),
    /// Another message, shown in the same language.
    Message(Box<Message>),
}

impl Value {
    /// A [`Value::Change`].
    #[must_use]
    pub fn change(number: impl Into<i128>) -> Self {
        Self::Change(number.into())
    }

    fn in_language(&self, locale: Locale) -> FluentValue<'static> {
        match self {
            Self::Integer(number) => number::for_plurals(*number, locale),
            Self::Change(number) => locale.signed(*number).into(),
            Self::Text(text) => text.clone().into(),
            Self::Message(message) => locale.text(message).into(),
        }
    }
}

macro_rules! integers {
    ($($type:ty)+) => {
        $(impl From<$type> for Value {
            fn from(number: $type) -> Self {
                Self::Integer(number.into())
            }
        })+
    };
}

integers!(i32 i64 i128 u8 u16 u32 u64);

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Integer(i128::try_from(number).unwrap_or(i128::MAX))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Message> for Value {
    fn from(message: Message) -> Self {
        Self::Message(Box::new(message))
    }
}

impl From<Key> for Value {
    fn from(key: Key) -> Self {
        Message::new(key).into()
    }
}
