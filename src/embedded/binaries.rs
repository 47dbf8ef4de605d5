//! Finds the programs of a Postgres server on this machine.

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::error::EmbeddedError;

/// Older versions are passed over: they are out of support.
pub(super) const MINIMUM_MAJOR: u32 = 14;

/// Programs that a folder must have to be of use.
const NEEDED: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// Folders with one folder per version below them, whose `bin` is meant.
const VERSIONED: [(&str, &str); 6] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
    (r"C:\Program Files\PostgreSQL", ""),
];

/// Folders that hold the programs themselves.
const PLAIN: [&str; 4] = [
    "/opt/homebrew/bin",
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
    "/usr/bin",
];

/// A folder with the programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    /// The folder.
    pub bin: PathBuf,
    /// The major version.
    pub major: u32,
}

impl Binaries {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        program_in(&self.bin, name)
    }
}

/// The folders to look into, in order of preference. `search` comes first (`PATH`); `root` is
/// `/` outside tests.
pub(super) fn candidates(search: &[PathBuf], root: &Path, downloads: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = search.iter().filter(|p| p.is_absolute()).cloned().collect();
    for (parent, prefix) in VERSIONED {
        folders.extend(versions_below(&under(root, parent), prefix));
    }
    folders.extend(PLAIN.iter().map(|plain| under(root, plain)));
    folders.extend(versions_below(downloads, ""));
    let mut seen = std::collections::HashSet::new();
    folders.retain(|folder| is_complete(folder) && seen.insert(folder.clone()));
    folders
}

/// The first candidate that fits: of the cluster's version if there is a cluster, else any that
/// is not too old. `None` when there is no Postgres at all.
pub(super) async fn choose(
    candidates: &[PathBuf],
    cluster: Option<(&Path, u32)>,
) -> Result<Option<Binaries>, EmbeddedError> {
    let mut others = Vec::new();
    for bin in candidates {
        let Some(major) = installed_version(bin).await else {
            continue;
        };
        let fits = cluster.map_or(major >= MINIMUM_MAJOR, |(_, wanted)| major == wanted);
        if fits {
            let bin = bin.clone();
            return Ok(Some(Binaries { bin, major }));
        }
        others.push(major);
    }
    match cluster {
        Some((folder, cluster)) if !others.is_empty() => Err(EmbeddedError::Version {
            folder: folder.to_owned(),
            cluster,
            found: list(&mut others),
        }),
        _ => Ok(None),
    }
}

fn list(majors: &mut Vec<u32>) -> String {
    majors.sort_unstable();
    majors.dedup();
    let texts: Vec<String> = majors.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// Asks the server for its version. A program that can't say is none.
async fn installed_version(bin: &Path) -> Option<u32> {
    let mut command = tokio::process::Command::new(program_in(bin, "postgres"));
    command
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(10), command.output()).await;
    parse_version(&String::from_utf8_lossy(&output.ok()?.ok()?.stdout))
}

/// Reads `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`, also `17beta1`.
fn parse_version(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// `<parent>/<prefix><version>/bin`, newest version first.
fn versions_below(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found: Vec<(Vec<u32>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let version = version_of(&entry.file_name(), prefix)?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin).collect()
}

fn version_of(name: &OsStr, prefix: &str) -> Option<Vec<u32>> {
    let version = name.to_str()?.strip_prefix(prefix)?;
    version.split('.').map(|part| part.parse().ok()).collect()
}

fn is_complete(folder: &Path) -> bool {
    NEEDED.iter().all(|name| program_in(folder, name).is_file())
}

fn program_in(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{EXE_SUFFIX}"))
}

/// A well-known folder below another root.
fn under(root: &Path, folder: &str) -> PathBuf {
    root.join(folder.strip_prefix('/').unwrap_or(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(folder: &Path, programs: &[&str]) {
        fs::create_dir_all(folder).unwrap();
        for name in programs {
            fs::write(program_in(folder, name), "").unwrap();
        }
    }

    #[test]
    fn reads_versions() {
        for (text, major) in [
            (
                "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n",
                Some(15),
            ),
            ("postgres (PostgreSQL) 17beta1\n", Some(17)),
            ("postgres (PostgreSQL) 16devel", Some(16)),
            ("postgres: command not found", None),
            ("postgres (PostgreSQL) x", None),
            ("", None),
        ] {
            assert_eq!(parse_version(text), major, "{text}");
        }
    }

    #[test]
    fn finds_installations_in_order() {
        let temp = tempfile::tempdir().unwrap();
        let at = |path: &str| temp.path().join(path);
        let (path, empty) = (at("from-path"), at("empty"));
        fs::create_dir_all(&empty).unwrap();
        for folder in [
            "from-path",
            "usr/lib/postgresql/9.6/bin",
            "usr/lib/postgresql/15/bin",
            "usr/lib/postgresql/17/bin",
            "usr/lib/postgresql/common/bin",
            "usr/pgsql-16/bin",
            "opt/homebrew/opt/postgresql@14/bin",
            "opt/homebrew/opt/redis/bin",
            "opt/homebrew/bin",
            "data/17.5.0/bin",
            "data/17.10.0/bin",
            "data/.tmpX/bin",
        ] {
            install(&at(folder), &NEEDED);
        }
        install(&at("usr/lib/postgresql/18/bin"), &["postgres", "initdb"]);

        let relative = PathBuf::from(".");
        let search = [empty, relative, path.clone(), path];
        let found = candidates(&search, temp.path(), &at("data"));
        let shown: Vec<&Path> = found
            .iter()
            .map(|folder| folder.strip_prefix(temp.path()).unwrap())
            .collect();
        assert_eq!(
            shown,
            [
                "from-path",
                "usr/lib/postgresql/17/bin",
                "usr/lib/postgresql/15/bin",
                "usr/lib/postgresql/9.6/bin",
                "usr/pgsql-16/bin",
                "opt/homebrew/opt/postgresql@14/bin",
                "opt/homebrew/bin",
                "data/17.10.0/bin",
                "data/17.5.0/bin",
            ]
            .map(Path::new)
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn chooses_by_version() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let mut folders = vec![temp.path().join("broken")];
        install(&folders[0], &NEEDED);
        for version in ["13.2", "16.1", "15.3"] {
            let bin = temp.path().join(version);
            install(&bin, &NEEDED);
            let script = format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n");
            fs::write(bin.join("postgres"), script).unwrap();
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(bin.join("postgres"), mode).unwrap();
            folders.push(bin);
        }
        let cluster = Path::new("/data/postgres");
        let major = |chosen: Option<Binaries>| chosen.map(|binaries| binaries.major);

        assert_eq!(major(choose(&folders, None).await.unwrap()), Some(16));
        let chosen = choose(&folders, Some((cluster, 15))).await.unwrap();
        assert_eq!(major(chosen), Some(15));
        assert_eq!(major(choose(&folders[..2], None).await.unwrap()), None);
        let nothing = choose(&folders[..1], Some((cluster, 15))).await.unwrap();
        assert_eq!(major(nothing), None);

        let error = choose(&folders, Some((cluster, 12))).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("/data/postgres was made by PostgreSQL 12"),
            "{text}"
        );
        assert!(
            text.contains("this machine has PostgreSQL 13, 15, 16;"),
            "{text}"
        );
    }
}
