//! What is wrong with a bot's surroundings, and what to do about it: one file per family of checks.
//!
//! ```text
//! look (store, discord, embedded, disk) ──> facts ──> findings ──> lines of the CLI, JSON
//!                                                              └─> the card of `/punctaj-admin diagnose`
//! ```
//!
//! A finding is a message with its arguments, so there is one source of the texts: the catalogues.
//! Looking changes nothing, save a file that is written, read and deleted to try the disk.

pub mod clock;
pub mod configuration;
pub mod database;
pub mod discord;
pub mod disk;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod supabase;

use std::borrow::Cow;

use serde::Serialize;

use crate::config::{Config, Database, Loaded, Setting};
use crate::discord::diagnose::{self as asking, Access};
use crate::i18n::{Key, Locale, Message, keys};
use crate::service::diagnose::{Facts, Unreached};
use crate::service::entropy::Entropy;
use crate::store::{self, StoreOptions};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// The bot works, but not as well or as safely as it could.
    Warning,
    /// The bot does not work, or is not safe.
    Failed,
}

impl Level {
    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check: the same in every version, such as `database.reachable`.
    pub id: Cow<'static, str>,
    /// How bad it is.
    pub level: Level,
    /// What it found.
    pub message: Message,
    /// What to do; none where there is nothing to do.
    pub remedy: Option<Message>,
}

impl Finding {
    /// All is well.
    #[must_use]
    pub fn ok(id: impl Into<Cow<'static, str>>, message: impl Into<Message>) -> Self {
        Self {
            id: id.into(),
            level: Level::Ok,
            message: message.into(),
            remedy: None,
        }
    }

    /// It could be better.
    #[must_use]
    pub fn warning(
        id: impl Into<Cow<'static, str>>,
        message: impl Into<Message>,
        remedy: impl Into<Message>,
    ) -> Self {
        Self {
            level: Level::Warning,
            remedy: Some(remedy.into()),
            ..Self::ok(id, message)
        }
    }

    /// It does not work.
    #[must_use]
    pub fn failed(
        id: impl Into<Cow<'static, str>>,
        message: impl Into<Message>,
        remedy: impl Into<Message>,
    ) -> Self {
        Self {
            level: Level::Failed,
            ..Self::warning(id, message, remedy)
        }
    }

    /// The family of its check.
    #[must_use]
    pub fn family(&self) -> &str {
        self.id
            .split_once('.')
            .map_or(&*self.id, |(family, _)| family)
    }
}

/// The worst of these.
#[must_use]
pub fn worst(findings: &[Finding]) -> Level {
    let levels = findings.iter().map(|finding| finding.level);
    levels.max().unwrap_or(Level::Ok)
}

/// The title of a family.
#[must_use]
pub fn title(family: &str) -> Key {
    match family {
        "configuration" => keys::DIAGNOSE_CONFIGURATION,
        "database" => keys::DIAGNOSE_DATABASE,
        "supabase" => keys::DIAGNOSE_SUPABASE,
        "discord" => keys::DIAGNOSE_DISCORD,
        "clock" => keys::DIAGNOSE_CLOCK,
        "disk" => keys::DIAGNOSE_DISK,
        _ => keys::DIAGNOSE_GUILD,
    }
}

/// A list of names within a sentence, cut where it gets long.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    const MOST: usize = 12;
    let names = names.iter().map(AsRef::as_ref);
    let mut text = names.clone().take(MOST).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text.push_str(", …");
    }
    text
}

/// A finding as programs read it. The fields keep their names.
#[derive(Debug, Serialize)]
pub struct Line {
    /// Which check.
    pub id: String,
    /// How bad it is.
    pub level: Level,
    /// What it found.
    pub message: String,
    /// What to do.
    pub remedy: Option<String>,
}

impl Finding {
    /// In a language.
    #[must_use]
    pub fn line(&self, locale: Locale) -> Line {
        // Nothing that a server says may move the terminal's cursor.
        let text = |message: &Message| locale.text(message).replace(char::is_control, "\u{fffd}");
        Line {
            id: self.id.clone().into_owned(),
            level: self.level,
            message: text(&self.message),
            remedy: self.remedy.as_ref().map(text),
        }
    }
}

/// Looks at everything that an operator can mend. What is wrong with the configuration keeps only
/// that from being looked at which it is about.
pub async fn operator(loaded: &Loaded) -> Vec<Finding> {
    let config = loaded.usable();
    let mut findings = configuration::findings(loaded);
    let (database, supabase, discord, disk) = tokio::join!(
        database_of(loaded, config),
        supabase::findings(loaded),
        discord_of(loaded, config),
        disk_of(loaded, config),
    );
    findings.extend(database.findings);
    findings.extend(supabase);
    let ahead = discord.as_ref().ok().and_then(|facts| facts.ahead);
    findings.extend(match &discord {
        Ok(facts) => discord::findings(facts, config.discord.presence, config.discord.shards),
        Err(finding) => vec![finding.clone()],
    });
    findings.extend(clock::findings(database.ahead, ahead));
    findings.extend(disk);
    findings
}

/// What was found of the database, and by how much its clock is ahead.
struct OfDatabase {
    findings: Vec<Finding>,
    ahead: Option<chrono::TimeDelta>,
}

async fn database_of(loaded: &Loaded, config: &Config) -> OfDatabase {
    // A broken number of connections was told already, and the usual one does for looking.
    if loaded.is_broken(Setting::DatabaseUrl) {
        let setting = Setting::DatabaseUrl;
        return OfDatabase {
            findings: vec![unused("database.reachable", setting)],
            ahead: None,
        };
    }
    match &config.database {
        Database::Url(url) => looked_at(url.expose(), &url.to_string(), config.database_pool).await,
        Database::Embedded if loaded.is_broken(Setting::DataDir) => OfDatabase {
            findings: vec![unused("database.embedded", Setting::DataDir)],
            ahead: None,
        },
        Database::Embedded => of_embedded(config).await,
    }
}

#[cfg(feature = "embedded")]
async fn of_embedded(config: &Config) -> OfDatabase {
    use crate::embedded::{EmbeddedOptions, look};
    let options = EmbeddedOptions::new(&config.data_dir).search(config.search_path.clone());
    let look = look(&options).await;
    let mut found = match &look.running {
        Some(url) => looked_at(url.expose(), &url.to_string(), config.database_pool).await,
        None => OfDatabase {
            findings: Vec::new(),
            ahead: None,
        },
    };
    found.findings.splice(0..0, embedded::findings(&look));
    found
}

/// The configuration is refused before.
#[cfg(not(feature = "embedded"))]
#[expect(clippy::unused_async, reason = "as with a server that can be")]
async fn of_embedded(_: &Config) -> OfDatabase {
    OfDatabase {
        findings: vec![unused("database.reachable", Setting::DatabaseUrl)],
        ahead: None,
    }
}

async fn looked_at(url: &str, shown: &str, pool: u32) -> OfDatabase {
    let looked: Result<Facts, Unreached> = match StoreOptions::new(url, pool) {
        Ok(options) => {
            let mark = Entropy::from_system().uuid();
            Box::pin(store::diagnose::look(&options, clock::host, mark)).await
        }
        Err(error) => Err(Unreached::address(&error)),
    };
    OfDatabase {
        findings: database::findings(&looked, shown),
        ahead: looked.ok().and_then(|facts| facts.ahead),
    }
}

/// What Discord says, or why it was not asked.
async fn discord_of(loaded: &Loaded, config: &Config) -> Result<asking::Facts, Finding> {
    for setting in [Setting::DiscordToken, Setting::DiscordApiUrl] {
        if loaded.is_broken(setting) {
            return Err(unused("discord.token", setting));
        }
    }
    match Access::configured(&config.discord) {
        Some(access) => Ok(asking::look(&access, clock::host).await),
        None => Err(Finding::failed(
            "discord.token",
            keys::DIAGNOSE_NO_TOKEN,
            keys::DIAGNOSE_NO_TOKEN_REMEDY,
        )),
    }
}

async fn disk_of(loaded: &Loaded, config: &Config) -> Vec<Finding> {
    if loaded.is_broken(Setting::DataDir) {
        return vec![unused("disk.folder", Setting::DataDir)];
    }
    let folder = config.data_dir.clone();
    let mark = Entropy::from_system().uuid();
    let looked = tokio::task::spawn_blocking(move || disk::findings(&folder, mark)).await;
    looked.unwrap_or_default()
}

/// Not looked at, since the setting can't be used.
fn unused(id: &'static str, setting: Setting) -> Finding {
    let message = Message::new(keys::DIAGNOSE_UNUSED).with("name", setting.name());
    Finding::failed(id, message, keys::DIAGNOSE_UNUSED_REMEDY)
}
