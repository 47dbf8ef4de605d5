//! The configuration: read once, judged once, and passed on as values.
//!
//! Settings come from the environment, then from `.env` in the working folder, then from the
//! configuration files of the first place that has any (`places.rs`); what is left out has a
//! default. [`Config::load`] finds everything that is wrong at once, and what it returns can be
//! shown in that state too. Secrets are masked wherever they could be printed.
//!
//! A further place is a row in `places.rs`, a further setting a row in `setting.rs`.

mod data_dir;
mod database_url;
mod environment;
mod folders;
mod ini_file;
mod layers;
mod loaded;
mod names;
mod places;
mod secret;
mod service_key;
mod setting;
mod toml_file;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

pub use data_dir::{DataDir, DataDirError, create_private_dir};
pub use database_url::{DatabaseUrl, DatabaseUrlError, Tls};
pub use environment::Environment;
pub use folders::Folders;
pub use layers::Origin;
pub use loaded::{ConfigErrors, Loaded, Problem};
pub use places::{Found, Place};
pub use secret::Secret;
pub use setting::Setting;

/// A configuration without problems.
#[derive(Debug, Clone)]
pub struct Config {
    /// How to talk to Discord.
    pub discord: Discord,
    /// Where the data is.
    pub database: Database,
    /// Connections to the database, besides the one that listens.
    pub database_pool: u32,
    /// Supabase's API, if it is to be used.
    pub supabase: Option<Supabase>,
    /// The data folder, absolute if the working folder was.
    pub data_dir: PathBuf,
    /// Where health and metrics are served, if at all.
    pub http_addr: Option<SocketAddr>,
    /// What is logged, and how.
    pub log: Log,
    /// How long device sessions live.
    pub sessions: Sessions,
    /// The folders of `PATH`, where a Postgres server may be.
    pub search_path: Vec<PathBuf>,
}

/// How to talk to Discord.
#[derive(Debug, Clone)]
pub struct Discord {
    /// The bot's token; there for `run`.
    pub token: Option<Secret>,
    /// Base URL of the API.
    pub api_url: Url,
    /// Whether serenity's own limiter is on.
    pub ratelimit: bool,
    /// Whether the bot asks to be told where people are signed in.
    pub presence: bool,
    /// The shards of this process.
    pub shards: Shards,
}

impl Discord {
    /// The real host.
    const HOST: &str = "discord.com";

    /// The base URL when it is not Discord's own: a stand-in.
    #[must_use]
    pub fn custom_api_url(&self) -> Option<&Url> {
        Some(&self.api_url).filter(|url| url.host_str() != Some(Self::HOST))
    }

    #[expect(clippy::expect_used, reason = "a constant, and a test reads it")]
    fn default_api_url() -> Url {
        Url::parse("https://discord.com").expect("a valid URL")
    }
}

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// In a server of the bot's own, below the data folder.
    Embedded,
    /// In a server that is run by others.
    Url(DatabaseUrl),
}

/// Supabase's API.
#[derive(Debug, Clone)]
pub struct Supabase {
    /// The project's base URL.
    pub url: Url,
    /// The key that may do everything.
    pub service_key: Secret,
}

/// What is logged, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// A valid filter; `None` for the default.
    pub filter: Option<String>,
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one object a line.
    Json,
}

impl LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be `text` or `json`".to_owned()),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// How long device sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sessions {
    /// Without use.
    pub idle: Duration,
    /// At most.
    pub lifetime: Duration,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            idle: Duration::from_hours(12),
            lifetime: Duration::from_hours(7 * 24),
        }
    }
}

/// The shards that a process runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shards {
    /// All, as many as Discord recommends.
    #[default]
    Auto,
    /// `first..=last` of `total`.
    Range {
        /// The first one.
        first: u32,
        /// The last one, included.
        last: u32,
        /// How many there are in all processes.
        total: u32,
    },
}

impl Shards {
    fn parse(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        Self::parse_range(text).ok_or_else(|| {
            "must be `auto` or first-last/total with first <= last < total, such as 0-3/8"
                .to_owned()
        })
    }

    fn parse_range(text: &str) -> Option<Self> {
        let (range, total) = text.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| text.trim().parse::<u32>().ok();
        let (first, last, total) = (number(first)?, number(last)?, number(total)?);
        (first <= last && last < total).then_some(Self::Range { first, last, total })
    }
}

impl fmt::Display for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Range { first, last, total } => write!(f, "{first}-{last}/{total}"),
        }
    }
}
