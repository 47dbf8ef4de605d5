//! What the process was started with.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// The environment of a process, passed in so that everything below can be tested. `Debug`
/// shows names only.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    user_data_dir: Option<PathBuf>,
}

impl Environment {
    /// The real environment: the only place that reads it.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn from_process() -> Self {
        let user_data_dir = etcetera::base_strategy::choose_native_strategy()
            .ok()
            .map(|strategy| etcetera::BaseStrategy::data_dir(&strategy));
        Self {
            variables: std::env::vars_os().collect(),
            user_data_dir,
        }
    }

    /// An environment of given variables, for tests and tools.
    pub fn from_variables<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            variables,
            user_data_dir: None,
        }
    }

    /// The same with another folder for users' data.
    #[must_use]
    pub fn with_user_data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.user_data_dir = Some(path.into());
        self
    }

    /// A variable, if it is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
    }

    /// The names that can be read as text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().filter_map(|name| name.to_str())
    }

    /// The folder for users' data, such as `~/.local/share`.
    #[must_use]
    pub fn user_data_dir(&self) -> Option<&Path> {
        self.user_data_dir.as_deref()
    }

    /// The folders of `PATH`.
    #[must_use]
    pub fn search_path(&self) -> Vec<PathBuf> {
        self.get("PATH")
            .map(|path| std::env::split_paths(path).collect())
            .unwrap_or_default()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("names", &self.variables.keys().collect::<Vec<_>>())
            .field("user_data_dir", &self.user_data_dir)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_names_but_no_values() {
        let environment = Environment::from_variables([("DISCORD_TOKEN", "hunter2")]);
        let shown = format!("{environment:?}");
        assert!(
            shown.contains("DISCORD_TOKEN") && !shown.contains("hunter2"),
            "{shown}"
        );
    }

    #[test]
    fn splits_the_path() {
        let joined = std::env::join_paths(["/a", "/b c"]).unwrap();
        let environment = Environment::from_variables([("PATH", joined)]);
        assert_eq!(
            environment.search_path(),
            [Path::new("/a"), Path::new("/b c")]
        );
        assert!(Environment::default().search_path().is_empty());
    }

    #[test]
    fn the_process_has_an_environment() {
        assert!(Environment::from_process().get("PATH").is_some());
    }
}
