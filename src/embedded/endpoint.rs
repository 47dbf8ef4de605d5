//! Where the server listens.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use url::Url;

use super::cluster::{SUPERUSER, random_hex};
use super::error::EmbeddedError;
use super::layout::Layout;
use super::tools::Tools;
use crate::config::{DatabaseUrl, Secret, create_private_dir};

/// How the bot and its server talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A Unix socket in a folder that is closed to other users: nobody else can even knock.
    Socket,
    /// A free port of 127.0.0.1, guarded by the password.
    Tcp,
}

impl Default for Transport {
    fn default() -> Self {
        if cfg!(unix) { Self::Socket } else { Self::Tcp }
    }
}

/// The port in a socket's name; any would do in a folder of its own.
const SOCKET_PORT: u16 = 5432;

/// The longest folder for a socket: its whole path has to fit into 104 bytes on macOS and 108
/// on Linux, with `/.s.PGSQL.5432` and a final zero.
const SOCKET_FOLDER_LIMIT: usize = 104 - 15;

/// What folders for sockets outside the data folder are called.
const TEMPORARY_PREFIX: &str = "punctaj-";

/// A place to listen, already reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    Socket(PathBuf),
    Tcp(u16),
}

impl Endpoint {
    /// Finds a place.
    pub(super) fn reserve(
        transport: Transport,
        layout: &Layout,
        tools: &Tools,
    ) -> Result<Self, EmbeddedError> {
        match transport {
            Transport::Socket if fits(&layout.run) => Ok(Self::Socket(layout.run.clone())),
            Transport::Socket => temporary_folder(tools).map(Self::Socket),
            Transport::Tcp => free_port().map(Self::Tcp),
        }
    }

    /// The server's settings for it.
    pub(super) fn settings(&self) -> [(&'static str, String); 3] {
        let (addresses, port, folder) = match self {
            // Quoted, since the setting is a list with commas.
            Self::Socket(folder) => {
                let folder = folder.to_string_lossy().replace('"', "\"\"");
                ("", SOCKET_PORT, format!("\"{folder}\""))
            }
            Self::Tcp(port) => ("127.0.0.1", *port, String::new()),
        };
        [
            ("listen_addresses", addresses.to_owned()),
            ("port", port.to_string()),
            ("unix_socket_directories", folder),
        ]
    }

    /// The address for the driver. It names everything that the driver would otherwise take
    /// from `PG*` variables.
    pub(super) fn url(&self, password: &Secret) -> Result<DatabaseUrl, EmbeddedError> {
        let (host, port) = match self {
            Self::Socket(_) => ("localhost", SOCKET_PORT),
            Self::Tcp(port) => ("127.0.0.1", *port),
        };
        // All parts are plain: the password is hexadecimal.
        let secret = password.expose();
        let text =
            format!("postgres://{SUPERUSER}:{secret}@{host}:{port}/postgres?sslmode=disable");
        let mut url = Url::parse(&text).map_err(|error| configuration(&error))?;
        if let Self::Socket(folder) = self {
            let folder = folder.to_string_lossy();
            url.query_pairs_mut().append_pair("host", &folder);
        }
        DatabaseUrl::parse(url.as_str()).map_err(|error| configuration(&error))
    }

    /// The folder to remove in the end.
    pub(super) fn temporary(&self) -> Option<PathBuf> {
        match self {
            Self::Socket(folder) => Some(folder.clone()).filter(|folder| is_temporary(folder)),
            Self::Tcp(_) => None,
        }
    }
}

fn configuration(error: &impl ToString) -> EmbeddedError {
    EmbeddedError::Database(sqlx::Error::Configuration(error.to_string().into()))
}

/// Short enough for a socket, and can be written into a URL.
fn fits(folder: &Path) -> bool {
    folder
        .to_str()
        .is_some_and(|text| text.len() <= SOCKET_FOLDER_LIMIT)
}

fn temporary_folder(tools: &Tools) -> Result<PathBuf, EmbeddedError> {
    let base = std::env::temp_dir();
    let name = random_hex::<8>().map_err(EmbeddedError::file("making a folder in", &base))?;
    let folder = base.join(format!("{TEMPORARY_PREFIX}{name}"));
    create_private_dir(&folder).map_err(EmbeddedError::file("creating", &folder))?;
    tools.account.own(&folder)?;
    Ok(folder)
}

/// Whether `temporary_folder` made it.
fn is_temporary(folder: &Path) -> bool {
    folder.parent() == Some(&std::env::temp_dir())
        && folder
            .file_name()
            .and_then(|name| name.to_str()?.strip_prefix(TEMPORARY_PREFIX))
            .is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Removes a folder that `temporary_folder` made, and nothing else.
pub(super) fn remove_temporary(folder: &Path) {
    if is_temporary(folder) {
        let _ = fs::remove_dir_all(folder);
    }
}

/// Removes the sockets and their locks that a killed server left, when no server runs.
pub(super) fn remove_sockets(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".s.PGSQL.") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A port that is free now. Somebody may take it before the server does; then another is tried.
fn free_port() -> Result<u16, EmbeddedError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(EmbeddedError::file("reserving a port on", "127.0.0.1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_everything() {
        let password = Secret::new("abc123");
        for (endpoint, shown) in [
            (
                Endpoint::Tcp(4321),
                "postgres://postgres:***@127.0.0.1:4321/postgres?sslmode=disable",
            ),
            (
                Endpoint::Socket("/data/a b&c/run".into()),
                "postgres://postgres:***@localhost:5432/postgres?sslmode=disable&host=%2Fdata%2Fa+b%26c%2Frun",
            ),
        ] {
            let url = endpoint.url(&password).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(url.is_local());
            assert!(url.expose().contains("abc123"));
        }
    }

    #[test]
    fn only_own_folders_are_temporary() {
        let temp = std::env::temp_dir();
        for (path, expected) in [
            (temp.join("punctaj-0123456789abcdef"), true),
            (temp.join("punctaj-data"), false),
            (temp.join("punctaj-"), false),
            (temp.join("x/punctaj-0123456789abcdef"), false),
            (temp, false),
        ] {
            assert_eq!(is_temporary(&path), expected, "{}", path.display());
        }
    }

    #[test]
    fn long_folders_do_not_fit() {
        assert!(fits(Path::new("/var/lib/punctaj/postgres-run")));
        assert!(!fits(Path::new(&format!("/{}", "x".repeat(100)))));
    }
}
