//! A redb file that mends itself: opened anew after the disk failed it, set aside where it is damaged.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use redb::backends::InMemoryBackend;
use redb::{Database, DatabaseError};
use tokio::task::spawn_blocking;

use super::JournalError;

/// Memory for what was read: little is read twice.
const CACHE: usize = 4 << 20;

/// The most damaged files that lie in one folder.
const MOST_ASIDE: u32 = 1_000;

/// How a file is opened.
type Open = dyn Fn() -> Result<Database, DatabaseError> + Send + Sync;

/// A redb file. Its work is done in threads that may block.
#[derive(Clone)]
pub(super) struct RedbFile(Arc<Inner>);

struct Inner {
    open: Box<Open>,
    /// None after a failure: redb does nothing more with a file that failed it once.
    database: Mutex<Option<Database>>,
}

impl fmt::Debug for RedbFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbFile").finish_non_exhaustive()
    }
}

impl RedbFile {
    /// Opens the file, or makes it. One that is damaged is renamed, never deleted, and a new one made
    /// in its place.
    pub(super) fn in_folder(folder: &Path, name: &str) -> Result<Self, JournalError> {
        let path = folder.join(name);
        create_private(&path).map_err(redb::StorageError::Io)?;
        let opening = path.clone();
        let open = move || guarded(|| builder().create(&opening));
        match Self::with(open) {
            Err(JournalError::File(error)) if is_damage(&error) => {
                let aside = set_aside(&path).map_err(redb::StorageError::Io)?;
                tracing::error!(
                    %error,
                    file.path = %path.display(),
                    file.aside = %aside.display(),
                    "a file in the data folder is damaged; it was set aside, and a new one begins"
                );
                create_private(&path).map_err(redb::StorageError::Io)?;
                Self::with(move || guarded(|| builder().create(&path)))
            }
            opened => opened,
        }
    }

    /// In memory, for what may be lost.
    pub(super) fn in_memory() -> Result<Self, JournalError> {
        Self::with(|| builder().create_with_backend(InMemoryBackend::new()))
    }

    /// On whatever `open` opens.
    pub(super) fn with(
        open: impl Fn() -> Result<Database, DatabaseError> + Send + Sync + 'static,
    ) -> Result<Self, JournalError> {
        let database = open()?;
        Ok(Self(Arc::new(Inner {
            open: Box::new(open),
            database: Mutex::new(Some(database)),
        })))
    }

    /// Does something with the database, here.
    pub(super) fn now<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        // A panic in there leaves no half of a transaction behind.
        let mut guard = self
            .0
            .database
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let database = match guard.take() {
            Some(database) => database,
            None => (self.0.open)()?,
        };
        let done = work(&database);
        // Else it is closed here, and opened anew the next time.
        if !matches!(done, Err(JournalError::File(_))) {
            *guard = Some(database);
        }
        done
    }

    /// Does something with the database, in a thread that may block.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let file = self.clone();
        let done = spawn_blocking(move || file.now(work)).await;
        done.map_err(|_| JournalError::Stopped)?
    }
}

pub(super) fn builder() -> redb::Builder {
    let mut builder = redb::Builder::new();
    builder
        .set_cache_size(CACHE)
        .set_check_integrity_on_open(true);
    builder
}

/// A file that is no file of redb's may make it panic.
fn guarded(
    open: impl FnOnce() -> Result<Database, DatabaseError>,
) -> Result<Database, DatabaseError> {
    catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| {
        let what = "it can't even be opened".to_owned();
        Err(redb::StorageError::Corrupted(what).into())
    })
}

/// Whether the file is at fault, and not the disk or another process.
fn is_damage(error: &redb::Error) -> bool {
    match error {
        redb::Error::Corrupted(_)
        | redb::Error::RepairAborted
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TypeDefinitionChanged { .. } => true,
        // So it says of a file that is none of its own, or that was cut off.
        redb::Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
        ),
        _ => false,
    }
}

/// Renames it to the first name with a number that is free.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let name = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        PathBuf::from(name)
    };
    let free = (1..=MOST_ASIDE).map(name).find(|aside| !aside.exists());
    // Rather than delete one of so many.
    let aside = free.ok_or(io::ErrorKind::AlreadyExists)?;
    fs::rename(path, &aside)?;
    sync_folder(path)?;
    Ok(aside)
}

/// Makes sure that the file is there, and that only this user can read it.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    sync_folder(path)
}

/// A file is as durable as its folder's knowledge of it.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
