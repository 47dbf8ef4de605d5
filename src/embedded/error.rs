//! What can go wrong, with the remedy.

use std::io;
use std::path::{Path, PathBuf};

/// What programs say when the disk is full, in English, since they run with `LC_ALL=C`.
const FULL: [&str; 3] = [
    "No space left on device",
    "Disk quota exceeded",
    "not enough space on the disk",
];

/// Why the embedded Postgres is not running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// A file or folder of the cluster can't be used.
    #[error("{action} {} failed", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing more can be written.
    #[error(
        "the disk with {} is full ({reason}); make room there, or set PUNCTAJ_DATA_DIR to a folder on another disk",
        path.display()
    )]
    DiskFull {
        /// Where it was noticed.
        path: PathBuf,
        /// What was said about it.
        reason: String,
    },
    /// The bot's own user may not do this.
    #[error(
        "{action} {} failed ({reason}); give the folder to the user that runs punctaj, or set PUNCTAJ_DATA_DIR to a folder that this user can write to",
        path.display()
    )]
    Denied {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// There is something else where the cluster should be.
    #[error(
        "{} is not empty, but holds no PostgreSQL database that can be recognised ({reason}); restore it from a backup or move it away, or set PUNCTAJ_DATA_DIR to another folder",
        folder.display()
    )]
    NoCluster {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No server on this machine, and none could be fetched.
    #[error(
        "no PostgreSQL server (version {wanted}) was found on this machine, and downloading one failed: {reason}; install PostgreSQL (for example `apt install postgresql`), or set PUNCTAJ_DATABASE_URL"
    )]
    Download {
        /// The versions that would do.
        wanted: String,
        /// What went wrong.
        reason: String,
    },
    /// The data folder belongs to another version of Postgres.
    #[error(
        "the database in {} was made by PostgreSQL {cluster}, but this machine has PostgreSQL {found}; install PostgreSQL {cluster}, or set PUNCTAJ_DATA_DIR to another folder and bring the data over with `punctaj backup` and `punctaj restore`",
        folder.display()
    )]
    Version {
        /// The cluster.
        folder: PathBuf,
        /// Its major version.
        cluster: u32,
        /// The major versions that were found.
        found: String,
    },
    /// Run as root, and no other user to run the server as.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody`; start punctaj as an ordinary user, or set PUNCTAJ_DATABASE_URL"
    )]
    NoAccount,
    /// Run as root, and the other user can't get to the data.
    #[error(
        "PostgreSQL refuses to run as root, so it is run as user `{user}`, who can't enter {}; set PUNCTAJ_DATA_DIR to a folder such as /var/lib/punctaj",
        blocked.display()
    )]
    Unreachable {
        /// The user who was to run the server.
        user: String,
        /// The folder in the way.
        blocked: PathBuf,
    },
    /// Run as root, and the other user can't start the server.
    #[error(
        "PostgreSQL refuses to run as root, so it is run as user `{user}`, who can't start {}; install PostgreSQL where every user can run it",
        program.display()
    )]
    NotRunnable {
        /// The user who was to run the server.
        user: String,
        /// The program.
        program: PathBuf,
    },
    /// Not run as root, and the cluster is somebody else's.
    #[error(
        "the database in {} belongs to user `{owner}`; start punctaj as that user, or set PUNCTAJ_DATA_DIR to another folder",
        folder.display()
    )]
    Foreign {
        /// The cluster.
        folder: PathBuf,
        /// Its owner.
        owner: String,
    },
    /// A program of Postgres could not be run.
    #[error("{} could not be run", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program of Postgres did not do what it should.
    #[error("{program} failed: {output}")]
    Tool {
        /// Its name.
        program: &'static str,
        /// The end of its output.
        output: String,
    },
    /// A server from an earlier run is in the way.
    #[error(
        "a PostgreSQL server from an earlier run (process {pid}) still uses {} and does not stop; end that process and start again",
        folder.display()
    )]
    Leftover {
        /// The process.
        pid: u32,
        /// The cluster.
        folder: PathBuf,
    },
    /// The server ended while starting.
    #[error("PostgreSQL ended while starting ({status}); its last words in {}:\n{tail}", log.display())]
    Exited {
        /// Its exit status.
        status: String,
        /// The server's log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// The server does not accept connections.
    #[error(
        "PostgreSQL did not accept connections within {seconds} s ({reason}); its last words in {}:\n{tail}",
        log.display()
    )]
    NotReady {
        /// How long was waited.
        seconds: u64,
        /// The last refusal.
        reason: String,
        /// The server's log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// The server runs, but the database could not be made.
    #[error("the embedded database could not be prepared")]
    Database(#[from] sqlx::Error),
}

impl EmbeddedError {
    /// For `map_err` around file operations.
    pub(super) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull {
                path,
                reason: source.to_string(),
            },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Denied {
                action,
                path,
                reason: source,
            },
            _ => Self::File {
                action,
                path,
                source,
            },
        }
    }

    /// The error for a program's last words, if they are about a full disk.
    pub(super) fn full(path: &Path, words: &str) -> Option<Self> {
        let is_sign = |line: &&str| FULL.iter().any(|sign| line.contains(sign));
        let line = words.lines().find(is_sign)?;
        Some(Self::DiskFull {
            path: path.to_owned(),
            reason: line.trim().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_comes_with_a_remedy() {
        for (kind, expected) in [
            (io::ErrorKind::StorageFull, "the disk with /data is full ("),
            (
                io::ErrorKind::QuotaExceeded,
                "the disk with /data is full (",
            ),
            (
                io::ErrorKind::PermissionDenied,
                "set PUNCTAJ_DATA_DIR to a folder that this user can write to",
            ),
            (
                io::ErrorKind::ReadOnlyFilesystem,
                "set PUNCTAJ_DATA_DIR to a folder that this user can write to",
            ),
            (io::ErrorKind::NotFound, "writing /data failed"),
        ] {
            let text = EmbeddedError::file("writing", "/data")(kind.into()).to_string();
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn a_full_disk_is_recognised() {
        let path = Path::new("/data");
        let words = "one\nFATAL:  could not write lock file \"x\": No space left on device\nthree";
        let text = EmbeddedError::full(path, words).unwrap().to_string();
        assert!(
            text.contains("(FATAL:  could not write lock file"),
            "{text}"
        );
        assert!(EmbeddedError::full(path, "FATAL: out of memory").is_none());
    }
}
