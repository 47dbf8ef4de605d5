//! The data folder, and the lock that keeps a second process out of it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The data folder of this process, held until dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// The lock lives as long as the open file, also when the process is killed.
    _lock: File,
}

/// Why the data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error(
        "data folder {} is in use by another punctaj process; stop that one, or give this one another folder with PUNCTAJ_DATA_DIR",
        path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// It can't be created, or nothing can be written there.
    #[error(
        "data folder {} can't be used; set PUNCTAJ_DATA_DIR to a folder that this user can write to",
        path.display()
    )]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DataDir {
    /// Creates the folder if need be, readable by this user only, and takes its lock.
    ///
    /// # Errors
    /// When another process holds the lock, or the folder is not writable.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataDirError> {
        let path = path.as_ref();
        let failed = |source| DataDirError::Io {
            path: path.to_owned(),
            source,
        };
        create_private_dir(path).map_err(failed)?;
        let absolute = std::path::absolute(path).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let lock = options.open(absolute.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: absolute,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Creates a folder that only this user can enter. Folders above it get the usual rights, and
/// one that is already there keeps its own.
///
/// # Errors
/// When the system refuses.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match private_builder().create(path) {
        // Somebody else was faster; a dangling link or a file is still an error.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

#[cfg(unix)]
fn private_builder() -> fs::DirBuilder {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn private_builder() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b");
        let first = DataDir::open(&path).unwrap();
        assert_eq!(first.path(), path);
        let error = DataDir::open(&path).unwrap_err();
        assert!(error.to_string().starts_with(&format!(
            "data folder {} is in use by another punctaj process",
            path.display()
        )));
        drop(first);
        DataDir::open(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_the_folder_itself_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b");
        create_private_dir(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_ne!(mode(&temp.path().join("a")), 0o700);
        create_private_dir(&path).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("file");
        fs::write(&path, "").unwrap();
        let error = DataDir::open(&path).unwrap_err();
        assert!(matches!(error, DataDirError::Io { .. }), "{error:?}");
        assert!(error.to_string().contains("PUNCTAJ_DATA_DIR"));
    }
}
