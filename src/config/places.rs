//! Finds the configuration files: the first place that has any is used, and only that one.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::layers::{CONFIG, Layer};
use super::loaded::Problem;
use super::{ini_file, toml_file};

/// The bot's own file. It wins over the others.
const OWN: &str = "punctaj.toml";

/// The files of the old desktop program, which complement each other.
const OLD: [&str; 2] = ["supabase_config.ini", "discord_config.ini"];

/// What the command line's option is called.
const OPTION: &str = "--config";

/// A place that was searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What it is, such as `working folder`.
    pub kind: &'static str,
    /// The file, or the folder if there is none in it. `None` if the place is no file, or isn't
    /// known.
    pub path: Option<PathBuf>,
    /// What is there.
    pub found: Found,
}

/// What is at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It was read.
    Read {
        /// How many settings it holds.
        settings: usize,
        /// Options that mean nothing to the bot.
        unused: Vec<String>,
    },
    /// Nothing.
    Nothing,
    /// Something that was not used, and why.
    Unused(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        match (&self.path, &self.found) {
            (None, Found::Nothing) => f.write_str(": not given"),
            (None, found) => write!(f, ": {found}"),
            (Some(path), found) => write!(f, ", {}: {found}", path.display()),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { settings: 1, .. } => f.write_str("found, 1 setting"),
            Self::Read { settings, .. } => write!(f, "found, {settings} settings"),
            Self::Nothing => f.write_str("not found"),
            Self::Unused(reason) => write!(f, "not used: {reason}"),
        }
    }
}

impl Layer {
    /// For the list of places that were searched.
    pub(super) fn place(&self, kind: &'static str, path: Option<PathBuf>) -> Place {
        let unused = self.unused.clone();
        let settings = self.values.len();
        let found = if self.present {
            Found::Read { settings, unused }
        } else {
            Found::Nothing
        };
        Place { kind, path, found }
    }
}

/// What the search found.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The files to use.
    pub layers: Vec<Layer>,
    /// All places, in order.
    pub places: Vec<Place>,
    /// Places that were named, but are not there.
    pub problems: Vec<Problem>,
    seen: HashSet<PathBuf>,
    /// Why later places are not used.
    over: Option<&'static str>,
}

/// Searches all places. `named` is what `PUNCTAJ_CONFIG` names.
pub(super) fn search(
    environment: &Environment,
    named: Option<&Path>,
    working_folder: &Path,
) -> Search {
    let mut search = Search::default();
    search.named(OPTION, environment.config(), working_folder);
    search.named(CONFIG, named, working_folder);
    for (kind, folder) in folders(environment, working_folder) {
        search.folder(kind, folder);
    }
    search
}

/// The folders in their order.
fn folders(environment: &Environment, working_folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let folders = environment.folders();
    let below = |folder: &Option<PathBuf>, name: &str| folder.as_ref().map(|f| f.join(name));
    let user = "user's configuration folder";
    let all = [
        ("working folder", Some(working_folder.to_owned())),
        (
            "working folder's config",
            Some(working_folder.join("config")),
        ),
        ("program's folder", folders.program.clone()),
        (
            "program's folder's config",
            below(&folders.program, "config"),
        ),
        (user, below(&folders.user_config, "Punctaj")),
        (user, below(&folders.user_config, "punctaj")),
        ("documents", below(&folders.home, "Documents/Punctaj")),
        ("home folder", below(&folders.home, "Punctaj")),
        ("machine-wide folder", folders.machine.clone()),
        ("installed programs", folders.installed.clone()),
    ];
    all.into_iter()
        .filter_map(|(kind, folder)| Some((kind, folder?)))
        .collect()
}

impl Search {
    /// A place that somebody named: it has to be there.
    fn named(&mut self, kind: &'static str, path: Option<&Path>, working_folder: &Path) {
        let Some(path) = path else {
            self.note(kind, None, Found::Nothing);
            return;
        };
        let path = working_folder.join(path);
        if let Some(reason) = self.over {
            self.note(kind, Some(path), Found::Unused(reason.to_owned()));
            return;
        }
        self.over = Some("an earlier place was named");
        let wrong = match fs::metadata(&path) {
            Ok(meta) if !meta.is_dir() => {
                self.read(kind, path);
                return;
            }
            Ok(_) => {
                self.seen.extend(path.canonicalize());
                match files(&path) {
                    Ok(files) if !files.is_empty() => {
                        self.read_all(kind, files);
                        return;
                    }
                    Ok(_) => format!(
                        "names the folder {}, which has neither {OWN} nor {} nor {}",
                        path.display(),
                        OLD[0],
                        OLD[1]
                    ),
                    Err(error) => format!("names {}, which can't be read: {error}", path.display()),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                format!("names {}, which is not there", path.display())
            }
            Err(error) => format!("names {}, which can't be read: {error}", path.display()),
        };
        self.problems.push(Problem::new(kind, wrong));
        self.note(kind, Some(path), Found::Nothing);
    }

    /// A folder that may have files.
    fn folder(&mut self, kind: &'static str, folder: PathBuf) {
        let again = folder
            .canonicalize()
            .is_ok_and(|folder| !self.seen.insert(folder));
        let found = match files(&folder) {
            Ok(files) if files.is_empty() => Found::Nothing,
            Ok(_) if again => Found::Unused("the same folder as above".to_owned()),
            Ok(files) => {
                self.found(kind, files);
                return;
            }
            Err(error) => Found::Unused(format!("it can't be read: {error}")),
        };
        self.note(kind, Some(folder), found);
    }

    fn found(&mut self, kind: &'static str, files: Vec<PathBuf>) {
        let Some(reason) = self.over else {
            self.over = Some("an earlier place has files");
            self.read_all(kind, files);
            return;
        };
        for file in files {
            self.note(kind, Some(file), Found::Unused(reason.to_owned()));
        }
    }

    /// Reads the files of the folder that is used.
    fn read_all(&mut self, kind: &'static str, files: Vec<PathBuf>) {
        let has_own = files.iter().any(|file| file.ends_with(OWN));
        for file in files {
            if has_own && !file.ends_with(OWN) {
                let reason = format!("{OWN} in the same folder wins");
                self.note(kind, Some(file), Found::Unused(reason));
            } else {
                self.read(kind, file);
            }
        }
    }

    fn read(&mut self, kind: &'static str, file: PathBuf) {
        let is_old = file
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("ini"));
        let read = if is_old {
            ini_file::read
        } else {
            toml_file::read
        };
        let layer = Layer::file(&file, read);
        self.places.push(layer.place(kind, Some(file)));
        self.layers.push(layer);
    }

    fn note(&mut self, kind: &'static str, path: Option<PathBuf>, found: Found) {
        self.places.push(Place { kind, path, found });
    }
}

/// The configuration files of a folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for name in [OWN].into_iter().chain(OLD) {
        let file = folder.join(name);
        match fs::metadata(&file) {
            Ok(_) => files.push(file),
            Err(error) if is_absence(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
#[cfg(feature = "embedded")]
#[path = "places_tests.rs"]
mod tests;
