//! What the process was started with.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use super::folders::{Folders, System};

/// The environment of a process, passed in so that everything below can be tested. `Debug`
/// shows names only.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    folders: Folders,
    config: Option<PathBuf>,
}

impl Environment {
    /// The real environment: the only place that reads it.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn from_process() -> Self {
        let variables = std::env::vars_os().map(|(name, value)| (known_case(name), value));
        let environment = Self::from_variables(variables);
        let user = etcetera::base_strategy::choose_native_strategy().ok();
        let program = std::env::current_exe().ok();
        let program = program.and_then(|program| Some(program.parent()?.to_owned()));
        let folders = Folders::of(System::current(), user.as_ref(), |name| {
            environment.get(name)
        });
        environment.with_folders(folders.with_program(program))
    }

    /// An environment of given variables, for tests and tools. Nothing outside the working folder
    /// is searched for settings.
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
            ..Self::default()
        }
    }

    /// The same with other folders.
    #[must_use]
    pub fn with_folders(mut self, folders: Folders) -> Self {
        self.folders = folders;
        self
    }

    /// The same with another folder for users' data.
    #[must_use]
    pub fn with_user_data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.folders.user_data = Some(path.into());
        self
    }

    /// The same with a configuration file, or a folder with some, that was named on the command
    /// line.
    #[must_use]
    pub fn with_config(mut self, path: Option<PathBuf>) -> Self {
        self.config = path;
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

    /// The folders of the user and the machine.
    #[must_use]
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// The folder for users' data, such as `~/.local/share`.
    #[must_use]
    pub fn user_data_dir(&self) -> Option<&Path> {
        self.folders.user_data.as_deref()
    }

    /// The configuration that was named on the command line.
    #[must_use]
    pub fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The folders of `PATH`.
    #[must_use]
    pub fn search_path(&self) -> Vec<PathBuf> {
        self.get("PATH")
            .map(|path| std::env::split_paths(path).collect())
            .unwrap_or_default()
    }
}

/// Windows finds variables in any letter case, and calls them `Path` and `ProgramData`.
fn known_case(name: OsString) -> OsString {
    if cfg!(windows) {
        name.to_ascii_uppercase()
    } else {
        name
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("names", &self.variables.keys().collect::<Vec<_>>())
            .field("folders", &self.folders)
            .field("config", &self.config)
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
        let environment = Environment::from_process();
        assert!(environment.get("PATH").is_some());
        let program = environment.folders().program.clone().unwrap();
        assert_eq!(
            Some(program.as_path()),
            std::env::current_exe().unwrap().parent()
        );
    }
}
