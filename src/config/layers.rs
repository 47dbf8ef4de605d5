//! Reads the places that settings come from, and puts them on top of each other.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::loaded::Problem;
use super::secret::Secret;
use super::setting::Setting;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A variable of the process.
    Environment,
    /// A file: `.env`, or a configuration file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// The values of one place, not yet judged.
#[derive(Debug)]
pub(super) struct Layer {
    pub origin: Origin,
    pub present: bool,
    pub values: BTreeMap<Setting, Secret>,
    /// What `PUNCTAJ_CONFIG` names.
    pub config: Option<PathBuf>,
    /// Options that were read, but mean nothing to the bot.
    pub unused: Vec<String>,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

/// The variable that names a configuration file or its folder. No setting: it is not in files.
pub(super) const CONFIG: &str = "PUNCTAJ_CONFIG";

impl Layer {
    fn new(origin: Origin) -> Self {
        Self {
            origin,
            present: true,
            values: BTreeMap::new(),
            config: None,
            unused: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The variables of the process.
    pub(super) fn environment(environment: &Environment) -> Self {
        let mut layer = Self::new(Origin::Environment);
        for setting in Setting::ALL {
            let Some((name, value)) = setting
                .variable()
                .and_then(|name| Some((name, environment.get(name)?)))
            else {
                continue;
            };
            match value.to_str() {
                Some(text) => layer.set(setting, text),
                None => layer
                    .problems
                    .push(Problem::new(name, "is not valid UTF-8 text")),
            }
        }
        for name in environment.names() {
            layer.warn_about(name);
        }
        let config = environment.get(CONFIG).filter(|path| !path.is_empty());
        layer.config = config.map(PathBuf::from);
        layer
    }

    /// A `.env` file. Nothing of it enters the environment of the process.
    pub(super) fn dot_env(path: &Path) -> Self {
        Self::file(path, Self::read_dot_env)
    }

    /// A file, as `read` understands its text.
    pub(super) fn file(path: &Path, read: impl FnOnce(&mut Self, &str)) -> Self {
        let mut layer = Self::new(Origin::File(path.to_owned()));
        match std::fs::read(path) {
            Ok(bytes) => match str::from_utf8(&bytes) {
                Ok(text) => read(&mut layer, text.trim_start_matches('\u{feff}')),
                Err(_) => layer.complain("is not valid UTF-8 text"),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => layer.present = false,
            Err(error) => layer.complain(&format!("can't be read: {error}")),
        }
        layer
    }

    fn read_dot_env(&mut self, text: &str) {
        for item in dotenvy::from_read_iter(text.as_bytes()) {
            match item {
                Ok((name, value)) => {
                    self.warn_about(&name);
                    if name == CONFIG {
                        self.config = Some(value.trim()).filter(|t| !t.is_empty()).map(Into::into);
                    }
                    let of_this_name = |setting: &Setting| setting.variable() == Some(&name);
                    if let Some(setting) = Setting::ALL.into_iter().find(of_this_name) {
                        self.set(setting, &value);
                    }
                }
                // The library's text repeats the line, which may hold a secret.
                Err(dotenvy::Error::LineParse(line, _)) => self.complain(&format!(
                    "{} can't be read; put values with spaces, quotes, # or $ between single quotes",
                    line_number(text, &line)
                )),
                Err(_) => self.complain("can't be read"),
            }
        }
    }

    /// An empty value counts as unset; a later line wins.
    pub(super) fn set(&mut self, setting: Setting, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            self.values.remove(&setting);
        } else {
            self.values.insert(setting, Secret::new(text));
        }
    }

    fn warn_about(&mut self, name: &str) {
        let known = Setting::ALL
            .iter()
            .any(|setting| setting.variable() == Some(name));
        if name.starts_with("PUNCTAJ_") && !known && name != CONFIG {
            self.warn_unknown(name);
        }
    }

    /// Warns that a name is no setting.
    pub(super) fn warn_unknown(&mut self, name: &str) {
        let text = format!("is no setting ({}); is the name right?", self.origin);
        self.warnings.push(Problem::new(name, text));
    }

    /// Notes something wrong with the place itself.
    pub(super) fn complain(&mut self, text: &str) {
        let subject = self.origin.to_string();
        self.problems.push(Problem::new(subject, text));
    }
}

/// Says where a line is, without repeating it. The library gives the line or just its value.
fn line_number(text: &str, part: &str) -> String {
    let part = part.lines().next().unwrap_or_default().trim_end();
    let holds = |line: &str| !line.trim_start().starts_with('#') && line.trim_end().ends_with(part);
    text.lines()
        .position(holds)
        .filter(|_| !part.is_empty())
        .map_or_else(
            || "a line".to_owned(),
            |index| format!("line {}", index + 1),
        )
}
