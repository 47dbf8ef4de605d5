//! Where things are in the data folder.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::EmbeddedError;
use crate::config::create_private_dir;

/// A log larger than this is put aside at the next start.
const LOG_LIMIT: u64 = 8 * 1024 * 1024;

/// The paths below one data folder. What the bot writes is beside the folders that belong to
/// the server's user, so that this user can't lead the bot astray with links.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The data folder, absolute.
    pub data: PathBuf,
    /// The cluster.
    pub cluster: PathBuf,
    /// A cluster in the making.
    pub unfinished: PathBuf,
    /// Socket and other short-lived files.
    pub run: PathBuf,
    /// The password of the cluster's superuser.
    pub password: PathBuf,
    /// The server's log.
    pub log: PathBuf,
    /// Downloaded programs.
    pub downloads: PathBuf,
}

impl Layout {
    /// Creates the data folder if need be.
    pub(super) fn prepare(data: &Path) -> Result<Self, EmbeddedError> {
        create_private_dir(data).map_err(EmbeddedError::file("creating", data))?;
        let data = absolute(data).map_err(EmbeddedError::file("finding", data))?;
        Ok(Self::below(data))
    }

    /// Where things are or would be, without making any.
    pub(super) fn of(data: &Path) -> Self {
        Self::below(absolute(data).unwrap_or_else(|_| data.to_owned()))
    }

    fn below(data: PathBuf) -> Self {
        Self {
            cluster: data.join("postgres"),
            unfinished: data.join("postgres.new"),
            run: data.join("postgres-run"),
            password: data.join("postgres-password"),
            log: data.join("postgres.log"),
            downloads: data.join("postgres-binaries"),
            data,
        }
    }

    /// Opens the server's log for appending.
    pub(super) fn open_log(&self) -> Result<fs::File, EmbeddedError> {
        let too_large = fs::metadata(&self.log).is_ok_and(|meta| meta.len() > LOG_LIMIT);
        if too_large {
            let aside = self.log.with_extension("log.1");
            fs::rename(&self.log, aside).map_err(EmbeddedError::file("renaming", &self.log))?;
        }
        private_file()
            .append(true)
            .create(true)
            .open(&self.log)
            .map_err(EmbeddedError::file("opening", &self.log))
    }
}

/// Links are resolved, so that every folder on the way can be checked. Not on Windows, where
/// the result has a form that Postgres doesn't understand.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    if cfg!(windows) {
        std::path::absolute(path)
    } else {
        path.canonicalize()
    }
}

/// Writes a file that only this user can read; complete or not at all.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), EmbeddedError> {
    let write = || {
        let unfinished = path.with_extension("new");
        remove_file(&unfinished)?;
        let mut file = private_file()
            .write(true)
            .create_new(true)
            .open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        sync_parent(path)
    };
    write().map_err(EmbeddedError::file("writing", path))
}

/// Makes a rename last through a power failure.
#[cfg(unix)]
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |parent| fs::File::open(parent)?.sync_all())
}

/// Folders can't be synced here.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
pub(super) fn sync_parent(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Takes a folder's rights away from everybody but its owner: with others, Postgres refuses it.
#[cfg(unix)]
pub(super) fn close_to_others(folder: &Path) -> Result<(), EmbeddedError> {
    use std::os::unix::fs::PermissionsExt as _;
    let close = || {
        let mode = fs::metadata(folder)?.permissions().mode();
        if mode & 0o027 == 0 {
            return Ok(());
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
    };
    close().map_err(EmbeddedError::file("changing the rights of", folder))
}

/// Rights have another form here.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
pub(super) fn close_to_others(_folder: &Path) -> Result<(), EmbeddedError> {
    Ok(())
}

/// Removes a file that may not be there.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_file(path))
}

/// Removes a folder that may not be there.
pub(super) fn remove_dir(path: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_dir_all(path))
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(unix)]
fn private_file() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private_file() -> OpenOptions {
    OpenOptions::new()
}
