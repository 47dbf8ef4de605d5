//! A guild's settings.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{Change, What};
use super::ids::{ChannelId, GuildId};
use super::table::{Registers, diff};

/// The time zone of a guild that has set none: that of the first communities.
pub const DEFAULT_TIMEZONE: chrono_tz::Tz = chrono_tz::Europe::Bucharest;

/// A language of the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Romanian.
    Ro,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 2] = [Self::En, Self::Ro];

    /// The code in options, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ro => "ro",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.as_str() == text)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a guild has set; none is the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// In which language the bot speaks where everybody reads.
    pub language: Option<Language>,
    /// The name of its time zone in the IANA database.
    pub timezone: Option<String>,
    /// Where edits and the daily head of the chain are posted.
    pub log_channel: Option<ChannelId>,
}

impl Settings {
    /// The language where everybody reads.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language.unwrap_or_default()
    }

    /// The time zone, for days and times that people type.
    #[must_use]
    pub fn timezone(&self) -> chrono_tz::Tz {
        let set = self.timezone.as_deref().and_then(|name| name.parse().ok());
        set.unwrap_or(DEFAULT_TIMEZONE)
    }

    /// What changed since `old`.
    #[must_use]
    pub fn changes_since(&self, old: &Self, guild: GuildId) -> Vec<Change> {
        let id = guild.to_string();
        let changes = diff(What::Guild, &id, "", &old.registers(), &self.registers());
        let nameless = |change| Change {
            name: None,
            ..change
        };
        changes.into_iter().map(nameless).collect()
    }

    /// A setting, as events hold it.
    #[must_use]
    pub fn register(&self, field: &str) -> Value {
        let mut registers = self.registers().into_iter();
        registers
            .find(|(name, _)| *name == field)
            .map(|(_, value)| value)
            .unwrap_or_default()
    }

    /// Writes a setting back, as an undo does.
    pub fn write_register(&mut self, field: &str, value: &Value) {
        let text = value.as_str();
        match field {
            "language" => self.language = text.and_then(Language::parse),
            "timezone" => self.timezone = text.map(str::to_owned),
            "log_channel" => {
                let id = text.and_then(|id| id.parse().ok());
                self.log_channel = id.map(ChannelId::from_db);
            }
            _ => {}
        }
    }

    fn registers(&self) -> Registers {
        let channel = self.log_channel.map(|channel| channel.to_string());
        vec![
            ("language", self.language.map(Language::as_str).into()),
            ("timezone", self.timezone.clone().into()),
            ("log_channel", channel.into()),
        ]
    }
}
