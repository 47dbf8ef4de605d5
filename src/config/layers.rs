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

/// A place that was searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub origin: Origin,
    /// How many settings it holds; `None` when it is not there.
    pub settings: Option<usize>,
}

/// The values of one place, not yet judged.
#[derive(Debug)]
pub(super) struct Layer {
    pub origin: Origin,
    pub present: bool,
    pub values: BTreeMap<Setting, Secret>,
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

/// Names that belong to the program without being settings.
const OTHER_NAMES: [&str; 1] = ["PUNCTAJ_CONFIG"];

impl Layer {
    fn new(origin: Origin) -> Self {
        Self {
            origin,
            present: true,
            values: BTreeMap::new(),
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
        layer
    }

    /// A `.env` file. Nothing of it enters the environment of the process.
    pub(super) fn dot_env(path: &Path) -> Self {
        let mut layer = Self::new(Origin::File(path.to_owned()));
        match std::fs::read(path) {
            Ok(bytes) => match str::from_utf8(&bytes) {
                Ok(text) => layer.read_dot_env(text.trim_start_matches('\u{feff}')),
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
    fn set(&mut self, setting: Setting, text: &str) {
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
        if name.starts_with("PUNCTAJ_") && !known && !OTHER_NAMES.contains(&name) {
            let text = format!("is no setting ({}); is the name right?", self.origin);
            self.warnings.push(Problem::new(name, text));
        }
    }

    fn complain(&mut self, text: &str) {
        let subject = self.origin.to_string();
        self.problems.push(Problem::new(subject, text));
    }

    /// For the list of places that were searched.
    pub(super) fn place(&self) -> Place {
        Place {
            origin: self.origin.clone(),
            settings: self.present.then_some(self.values.len()),
        }
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
