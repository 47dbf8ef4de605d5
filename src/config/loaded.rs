//! Judges what the places hold: every problem is found, not only the first.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use url::Url;

use super::database_url::{DatabaseUrl, Tls};
use super::environment::Environment;
use super::layers::{Layer, Origin};
use super::places::{Place, search};
use super::secret::Secret;
use super::service_key::public_kind;
use super::setting::Setting;
use super::{Config, Database, Discord, Log, LogFormat, Sessions, Shards, Supabase};

/// The port of Supabase's transaction pooler.
const TRANSACTION_POOLER: u16 = 6543;

/// Most connections that make sense: more is a slip of the finger.
const POOL_LIMIT: u32 = 100;

/// Something wrong, or at least remarkable. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting or file.
    pub subject: String,
    /// What is wrong with it, and the remedy.
    pub text: String,
}

impl Problem {
    pub(super) fn new(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject, self.text)
    }
}

/// All that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Problem>);

impl ConfigErrors {
    /// One by one.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration can't be used:")?;
        self.0
            .iter()
            .try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for ConfigErrors {}

/// A value as it was written, and where.
#[derive(Debug, Clone)]
struct Value {
    text: Secret,
    origin: Origin,
}

/// What was found, usable also when it is broken.
#[derive(Debug)]
pub struct Loaded {
    values: BTreeMap<Setting, Value>,
    places: Vec<Place>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    config: Config,
}

impl Config {
    /// Reads and judges all places: the environment, then `.env` in the working folder, then the
    /// configuration files of the first place that has any.
    #[must_use]
    pub fn load(environment: &Environment, working_folder: &Path) -> Loaded {
        let dot_env = working_folder.join(".env");
        let first = Layer::environment(environment);
        let second = Layer::dot_env(&dot_env);
        let named = first.config.as_deref().or(second.config.as_deref());
        let found = search(environment, named, working_folder);

        let mut places = vec![
            first.place("environment", None),
            second.place(".env", Some(dot_env)),
        ];
        places.extend(found.places);
        let mut judge = Judge::default();
        judge.problems.extend(found.problems);
        for layer in [first, second].into_iter().chain(found.layers) {
            judge.add(layer);
        }
        let config = judge.config(environment, working_folder);
        Loaded {
            values: judge.values,
            places,
            problems: judge.problems,
            warnings: judge.warnings,
            config,
        }
    }
}

impl Loaded {
    /// The configuration.
    ///
    /// # Errors
    /// When there are problems; also without a token when it is `for_run`.
    pub fn into_config(mut self, for_run: bool) -> Result<Config, ConfigErrors> {
        if for_run && !self.values.contains_key(&Setting::DiscordToken) {
            let text = "is not set; put the bot's token there (Discord developer portal, Bot, Reset Token)";
            let name = Setting::DiscordToken.name();
            // Not if it is set, but unusable.
            if !self.problems.iter().any(|problem| problem.subject == name) {
                self.problems.insert(0, Problem::new(name, text));
            }
        }
        if self.problems.is_empty() {
            Ok(self.config)
        } else {
            Err(ConfigErrors(self.problems))
        }
    }

    /// What keeps the configuration from being used, besides a missing token.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What deserves a second look.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What can be used of the configuration, with defaults in the place of what can't.
    #[must_use]
    pub fn usable(&self) -> &Config {
        &self.config
    }

    /// Whether something is wrong with a setting.
    #[must_use]
    pub fn is_broken(&self, setting: Setting) -> bool {
        let subjects = self.problems.iter().map(|problem| &problem.subject);
        subjects
            .into_iter()
            .any(|subject| subject == setting.name())
    }

    /// The places that were searched, in order.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Where a setting's value came from; `None` for the default.
    #[must_use]
    pub fn origin(&self, setting: Setting) -> Option<&Origin> {
        self.values.get(&setting).map(|value| &value.origin)
    }

    /// How logs are to be written, also with a configuration that is otherwise broken.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.config.log
    }

    /// A setting's effective value as it may be shown: secrets are masked.
    #[must_use]
    pub fn shown(&self, setting: Setting) -> String {
        let Some(value) = self.values.get(&setting) else {
            return self.shown_default(setting);
        };
        let text = value.text.expose();
        let shown = match setting {
            _ if setting.is_secret() => "***".to_owned(),
            Setting::DatabaseUrl => shown_database(text),
            Setting::SupabaseUrl | Setting::DiscordApiUrl if parse_http(text).is_err() => {
                "(unusable)".to_owned()
            }
            Setting::DataDir => self.config.data_dir.display().to_string(),
            _ => text.to_owned(),
        };
        // Nothing in a file may move the terminal's cursor.
        shown.replace(char::is_control, "\u{fffd}")
    }

    fn shown_default(&self, setting: Setting) -> String {
        let config = &self.config;
        match setting {
            Setting::DatabaseUrl if cfg!(feature = "embedded") => {
                format!("embedded, in {}", config.data_dir.display())
            }
            Setting::DiscordToken
            | Setting::SupabaseUrl
            | Setting::SupabaseServiceKey
            | Setting::DatabaseInsecure
            | Setting::DatabaseUrl => "not set".to_owned(),
            Setting::DiscordApiUrl => config.discord.api_url.to_string(),
            Setting::DiscordRatelimit => shown_switch(config.discord.ratelimit),
            Setting::Presence => shown_switch(config.discord.presence),
            Setting::Shards => config.discord.shards.to_string(),
            Setting::DatabasePool => config.database_pool.to_string(),
            Setting::DataDir => config.data_dir.display().to_string(),
            Setting::HttpAddr => "off".to_owned(),
            Setting::LogFilter => crate::logging::DEFAULT_FILTER.to_owned(),
            Setting::LogFormat => config.log.format.to_string(),
            Setting::SessionIdle => shown_duration(config.sessions.idle),
            Setting::SessionLifetime => shown_duration(config.sessions.lifetime),
        }
    }
}

/// Collects values, then turns them into a configuration.
#[derive(Default)]
struct Judge {
    values: BTreeMap<Setting, Value>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Judge {
    /// An earlier place wins.
    fn add(&mut self, layer: Layer) {
        for (setting, text) in layer.values {
            let origin = layer.origin.clone();
            let value = Value { text, origin };
            self.values.entry(setting).or_insert(value);
        }
        self.problems.extend(layer.problems);
        self.warnings.extend(layer.warnings);
    }

    fn config(&mut self, environment: &Environment, working_folder: &Path) -> Config {
        let database = self.database();
        Config {
            discord: self.discord(),
            database,
            database_pool: self.parse(Setting::DatabasePool, parse_pool).unwrap_or(5),
            supabase: self.supabase(),
            data_dir: self.data_dir(environment, working_folder),
            http_addr: self.parse(Setting::HttpAddr, parse_address),
            log: self.log(),
            sessions: self.sessions(),
            search_path: environment.search_path(),
        }
    }

    fn discord(&mut self) -> Discord {
        let api_url = self.parse(Setting::DiscordApiUrl, parse_http);
        let ratelimit = self.parse(Setting::DiscordRatelimit, parse_switch);
        let discord = Discord {
            token: self.parse(Setting::DiscordToken, parse_token),
            api_url: api_url.unwrap_or_else(Discord::default_api_url),
            ratelimit: ratelimit.unwrap_or(true),
            presence: self.parse(Setting::Presence, parse_switch).unwrap_or(true),
            shards: self
                .parse(Setting::Shards, Shards::parse)
                .unwrap_or_default(),
        };
        if discord.ratelimit && discord.custom_api_url().is_some() {
            self.warn(
                Setting::DiscordApiUrl,
                "is not Discord, but serenity's limiter would still ask Discord itself; set PUNCTAJ_DISCORD_RATELIMIT=off",
            );
        }
        discord
    }

    fn database(&mut self) -> Database {
        let insecure = self.parse(Setting::DatabaseInsecure, parse_insecure);
        let url = self.parse(Setting::DatabaseUrl, |text| {
            DatabaseUrl::parse(text).map_err(|error| error.to_string())
        });
        match &url {
            Some(url) => self.judge_database(url, insecure.is_some()),
            None => self.judge_no_database(),
        }
        url.map_or(Database::Embedded, Database::Url)
    }

    fn judge_database(&mut self, url: &DatabaseUrl, insecure: bool) {
        if url.port() == TRANSACTION_POOLER {
            self.complain(
                Setting::DatabaseUrl,
                "has port 6543, Supabase's transaction pooler: with it, queries can silently receive each other's results; use the direct host or the session pooler (port 5432)",
            );
        }
        for name in url.ignored() {
            let text = format!("has the unknown parameter `{name}`, which is ignored");
            self.warn(Setting::DatabaseUrl, text);
        }
        match url.tls() {
            _ if url.is_local() => {}
            Tls::Verified => {}
            Tls::Unverified => self.warn(
                Setting::DatabaseUrl,
                "has sslmode=require, which encrypts but does not verify the server's certificate; sslmode=verify-full does",
            ),
            Tls::Optional if insecure => self.warn(
                Setting::DatabaseUrl,
                "names a remote host without TLS: the password and all data can be read on the way (PUNCTAJ_DATABASE_INSECURE=allow)",
            ),
            Tls::Optional => self.complain(
                Setting::DatabaseUrl,
                "names a remote host without insisting on TLS; add sslmode=verify-full (or sslmode=require, which does not verify the certificate), or accept the risk with PUNCTAJ_DATABASE_INSECURE=allow",
            ),
        }
    }

    fn judge_no_database(&mut self) {
        let has = |setting| self.values.contains_key(&setting);
        if has(Setting::DatabaseUrl) {
            // It is there, but can't be read.
        } else if has(Setting::SupabaseUrl) || has(Setting::SupabaseServiceKey) {
            self.complain(
                Setting::DatabaseUrl,
                "is not set, but Supabase settings are; set it to the project's Postgres (direct host or session pooler, port 5432): the API alone can't hold the data",
            );
        } else if !cfg!(feature = "embedded") {
            self.complain(
                Setting::DatabaseUrl,
                "is not set, and this program was built without the embedded Postgres; set it to a database: postgres://user:password@host:5432/database?sslmode=verify-full",
            );
        }
    }

    fn supabase(&mut self) -> Option<Supabase> {
        let url = self.parse(Setting::SupabaseUrl, parse_http);
        let key = self.parse(Setting::SupabaseServiceKey, parse_service_key);
        let has = |setting| self.values.contains_key(&setting);
        let present = [Setting::SupabaseUrl, Setting::SupabaseServiceKey].map(has);
        match present {
            [true, false] => self.half(Setting::SupabaseServiceKey),
            [false, true] => self.half(Setting::SupabaseUrl),
            _ => {}
        }
        Some(Supabase {
            url: url?,
            service_key: key?,
        })
    }

    fn half(&mut self, missing: Setting) {
        self.warn(
            missing,
            "is not set, so Supabase Storage and Realtime stay off",
        );
    }

    /// What a file says is relative to the file's own folder, which may be moved as a whole.
    fn data_dir(&mut self, environment: &Environment, working_folder: &Path) -> PathBuf {
        if let Some(path) = self.parse(Setting::DataDir, parse_data_dir) {
            let file = self.file(Setting::DataDir).and_then(Path::parent);
            return file.unwrap_or(working_folder).join(path);
        }
        let Some(base) = environment.user_data_dir() else {
            if !self.values.contains_key(&Setting::DataDir) {
                self.complain(
                    Setting::DataDir,
                    "is not set, and this user has no home folder; set it to a folder such as /var/lib/punctaj",
                );
            }
            return working_folder.join("data");
        };
        base.join("punctaj")
    }

    fn log(&mut self) -> Log {
        Log {
            filter: self.parse(Setting::LogFilter, parse_filter),
            format: self
                .parse(Setting::LogFormat, LogFormat::parse)
                .unwrap_or_default(),
        }
    }

    fn sessions(&mut self) -> Sessions {
        let default = Sessions::default();
        let idle = self.parse(Setting::SessionIdle, parse_duration);
        let lifetime = self.parse(Setting::SessionLifetime, parse_duration);
        Sessions {
            idle: idle.unwrap_or(default.idle),
            lifetime: lifetime.unwrap_or(default.lifetime),
        }
    }

    /// Reads a value if there is one. What `read` answers must not repeat secrets.
    fn parse<T>(
        &mut self,
        setting: Setting,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.values.get(&setting)?;
        match read(value.text.expose()) {
            Ok(value) => Some(value),
            Err(text) => {
                self.complain(setting, text);
                None
            }
        }
    }

    fn complain(&mut self, setting: Setting, text: impl Into<String>) {
        let problem = self.problem(setting, text.into());
        self.problems.push(problem);
    }

    fn warn(&mut self, setting: Setting, text: impl Into<String>) {
        let problem = self.problem(setting, text.into());
        self.warnings.push(problem);
    }

    /// With the file in which the value is to be mended.
    fn problem(&self, setting: Setting, mut text: String) -> Problem {
        if let Some(file) = self.file(setting) {
            let _ = write!(text, " ({})", file.display());
        }
        Problem::new(setting.name(), text)
    }

    /// The file that a value came from.
    fn file(&self, setting: Setting) -> Option<&Path> {
        match &self.values.get(&setting)?.origin {
            Origin::File(file) => Some(file),
            Origin::Environment => None,
        }
    }
}

fn parse_token(text: &str) -> Result<Secret, String> {
    if text.chars().all(|c| c.is_ascii_graphic()) {
        Ok(Secret::new(text))
    } else {
        Err("has spaces or characters that no token has; was it copied completely?".to_owned())
    }
}

fn parse_service_key(text: &str) -> Result<Secret, String> {
    match public_kind(text) {
        Some(kind) => Err(format!(
            "is a public key (`{kind}`), which may not do what the bot does; use the project's secret key (`service_role`, or one that begins with sb_secret_: Supabase dashboard, Project Settings, API Keys), or take this one out: then Storage and Realtime stay off"
        )),
        None => parse_token(text),
    }
}

fn parse_http(text: &str) -> Result<Url, String> {
    let expected = "must be a URL such as https://example.com";
    let url = Url::parse(text).map_err(|_| expected.to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(expected.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or password".to_owned());
    }
    Ok(url)
}

fn parse_pool(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|size| (1..=POOL_LIMIT).contains(size))
        .ok_or_else(|| format!("must be a number from 1 to {POOL_LIMIT}"))
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be `on` or `off`".to_owned()),
    }
}

fn parse_insecure(text: &str) -> Result<(), String> {
    if text.eq_ignore_ascii_case("allow") {
        Ok(())
    } else {
        Err("must be `allow`, or not set".to_owned())
    }
}

fn parse_data_dir(text: &str) -> Result<PathBuf, String> {
    if text.starts_with('~') {
        return Err("must be a whole path: `~` has a meaning for shells only".to_owned());
    }
    Ok(PathBuf::from(text))
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "must be an address with a port, such as 127.0.0.1:8080".to_owned())
}

fn parse_filter(text: &str) -> Result<String, String> {
    EnvFilter::builder()
        .parse(text)
        .map(|_| text.to_owned())
        .map_err(|_| "is no tracing filter; expected something like info,punctaj=debug".to_owned())
}

/// `90s`, `30m`, `12h`, `7d`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected = || "must be a duration such as 30m, 12h or 7d".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds: u64 = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(expected()),
    };
    digits
        .parse::<u32>()
        .ok()
        .filter(|count| *count > 0)
        .map(|count| Duration::from_secs(u64::from(count) * seconds))
        .ok_or_else(expected)
}

fn shown_database(text: &str) -> String {
    DatabaseUrl::parse(text).map_or_else(|_| "(unusable)".to_owned(), |url| url.to_string())
}

fn shown_switch(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

fn shown_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
    unit.map_or_else(
        || format!("{seconds}s"),
        |(unit, name)| format!("{}{name}", seconds / unit),
    )
}

#[cfg(test)]
#[cfg(feature = "embedded")]
#[path = "tests.rs"]
mod tests;

#[cfg(test)]
#[cfg(not(feature = "embedded"))]
mod tests_without_the_embedded_postgres {
    use super::*;

    #[test]
    fn a_database_must_be_named() {
        let loaded = |variables: &[(&'static str, &'static str)]| {
            let environment = Environment::from_variables(variables.iter().copied());
            let environment = environment.with_user_data_dir("/home/u/share");
            Config::load(&environment, Path::new("/nowhere"))
        };
        let empty = loaded(&[]);
        assert_eq!(empty.shown(Setting::DatabaseUrl), "not set");
        let error = empty.into_config(false).unwrap_err().to_string();
        for part in [
            "PUNCTAJ_DATABASE_URL is not set",
            "postgres://user:password@",
        ] {
            assert!(error.contains(part), "{error}");
        }
        let config = loaded(&[("PUNCTAJ_DATABASE_URL", "postgres://u@localhost/db")]);
        let config = config.into_config(false).unwrap();
        assert!(matches!(config.database, Database::Url(_)));
        let unusable = loaded(&[("PUNCTAJ_DATABASE_URL", "localhost")]);
        assert_eq!(unusable.problems().len(), 1, "{:?}", unusable.problems());
    }
}
