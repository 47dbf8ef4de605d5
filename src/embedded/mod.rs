//! A private Postgres, for whoever has no database: one command and the bot runs.
//!
//! The programs come from this machine, or are downloaded once. The cluster lives in the data
//! folder, is durable, and only this user can reach it. The server is started and stopped with
//! the bot; one that a killed bot left behind is stopped first. A bot that runs as root starts
//! the server as another user, since Postgres refuses to be root.
//!
//! ```text
//! <data>/postgres           the cluster, owned by the server's user
//! <data>/postgres-run       its socket
//! <data>/postgres-password  the superuser's password, readable by the bot only
//! <data>/postgres.log       what the server says
//! <data>/postgres-binaries  downloaded programs, if any
//! ```
//!
//! The caller holds the data folder's lock ([`crate::config::DataDir`]).

mod account;
mod binaries;
mod cluster;
mod download;
mod endpoint;
mod error;
mod layout;
mod server;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::config::{DatabaseUrl, Secret, create_private_dir};
use account::Account;
use binaries::Binaries;
use endpoint::Endpoint;
pub use endpoint::Transport;
pub use error::EmbeddedError;
use layout::Layout;
use server::Server;
use tools::Tools;

/// The database that is there after a start.
pub const DATABASE: &str = "punctaj";

/// How often a start is tried when what failed may pass.
const ATTEMPTS: u32 = 8;

/// What to start.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    data_dir: PathBuf,
    search: Vec<PathBuf>,
    settings: Vec<(String, String)>,
    transport: Transport,
}

impl EmbeddedOptions {
    /// A durable server whose cluster lives below a data folder.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            search: Vec::new(),
            settings: Vec::new(),
            transport: Transport::default(),
        }
    }

    /// Folders to search for the programs before the usual ones; meant for those of `PATH`.
    #[must_use]
    pub fn search(mut self, folders: impl IntoIterator<Item = PathBuf>) -> Self {
        self.search.extend(folders);
        self
    }

    /// Sets a setting of the server, such as `max_connections`.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Chooses how to talk to the server.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Whether the last word on `fsync` leaves it on.
    fn is_durable(&self) -> bool {
        let fsync = self.settings.iter().rev().find(|(name, _)| name == "fsync");
        fsync.is_none_or(|(_, value)| value != "off")
    }
}

/// A running server. [`stop`](Self::stop) it; dropping it stops it too, less gently.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    server: Server,
    base: DatabaseUrl,
    major: u32,
}

impl EmbeddedPostgres {
    /// Finds or fetches the programs, makes the cluster if there is none, starts the server,
    /// and waits until the database [`DATABASE`] accepts connections.
    ///
    /// # Errors
    /// When any of that fails; the text says what to do.
    pub async fn start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let layout = Layout::prepare(&options.data_dir)?;
        // First, since another user's cluster can't even be looked at.
        let account = Account::choose(&layout.cluster)?;
        let existing = cluster::version(&layout.cluster)?;
        let binaries = find_binaries(&options.search, &layout, &account, existing).await?;
        let tools = Tools {
            binaries,
            account,
            data: layout.data.clone(),
        };
        tools.check_reach().await?;
        prepare_folders(&tools, &layout)?;
        server::stop_leftover(&tools, &layout).await?;
        let durable = options.is_durable();
        let password = cluster::ensure(&tools, &layout, existing.is_some(), durable).await?;
        let reserve = || Endpoint::reserve(options.transport, &layout, &tools);
        let (server, base, connection) =
            launch(&tools, &layout, &options.settings, &password, reserve).await?;
        let postgres = Self {
            server,
            base,
            major: tools.binaries.major,
        };
        ensure_database(connection).await?;
        tracing::info!(version = postgres.major, url = %postgres.url(DATABASE), "the embedded PostgreSQL is running");
        Ok(postgres)
    }

    /// The address of a database on this server, with the superuser's password.
    #[must_use]
    pub fn url(&self, database: &str) -> DatabaseUrl {
        self.base.with_database(database)
    }

    /// The server's major version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Ends when the server has ended by itself, which it never should; what it said last is
    /// logged.
    pub async fn exited(&mut self) -> Option<ExitStatus> {
        let status = self.server.exited().await?;
        let reason = self.server.ended(status);
        tracing::error!(%reason, "the embedded PostgreSQL ended by itself");
        Some(status)
    }

    /// Stops the server: open sessions are ended and everything is written. Takes about 45 s at
    /// worst, then the server is killed.
    pub async fn stop(self) {
        self.server.stop().await;
        tracing::info!("the embedded PostgreSQL has stopped");
    }
}

/// What a start would find. Nothing is made or changed by looking.
#[derive(Debug)]
pub struct Look {
    /// The folder of the programs and their major version; none where a start would download them.
    pub programs: Result<Option<(PathBuf, u32)>, EmbeddedError>,
    /// Where the cluster is or would be.
    pub folder: PathBuf,
    /// The major version that made the cluster; none where a start would make it.
    pub cluster: Option<u32>,
    /// The address of the database, if the server runs and this user may know its password.
    pub running: Option<DatabaseUrl>,
    /// What keeps the server's user from the folder.
    pub in_the_way: Option<EmbeddedError>,
}

/// Looks at what a start would find.
pub async fn look(options: &EmbeddedOptions) -> Look {
    let layout = Layout::of(&options.data_dir);
    let account = Account::choose(&layout.cluster);
    let version = cluster::version(&layout.cluster);
    let cluster = *version.as_ref().unwrap_or(&None);
    let candidates = binaries::candidates(&options.search, Path::new("/"), &layout.downloads);
    let wanted = cluster.map(|major| (layout.cluster.as_path(), major));
    let chosen = binaries::choose(&candidates, wanted).await;
    let running = match (&account, &chosen) {
        (Ok(account), Ok(Some(binaries))) => {
            let tools = Tools {
                binaries: binaries.clone(),
                account: account.clone(),
                data: layout.data.clone(),
            };
            running(&tools, &layout).await
        }
        _ => None,
    };
    let found = chosen.map(|found| found.map(|found| (found.bin, found.major)));
    // Through the data folder itself a start lets that user pass.
    let above = std::path::absolute(&layout.data).ok();
    let above = above.as_deref().and_then(Path::parent);
    let in_the_way = account.as_ref().ok().zip(above);
    let in_the_way = in_the_way.and_then(|(account, above)| account.in_the_way(above));
    Look {
        in_the_way,
        programs: account.and(version).and(found),
        folder: layout.cluster,
        cluster,
        running,
    }
}

async fn running(tools: &Tools, layout: &Layout) -> Option<DatabaseUrl> {
    let endpoint = server::running(tools, layout).await?;
    let password = cluster::read_password(&layout.password).ok()??;
    let url = endpoint.url(&password).ok()?;
    Some(url.with_database(DATABASE))
}

async fn find_binaries(
    search: &[PathBuf],
    layout: &Layout,
    account: &Account,
    cluster: Option<u32>,
) -> Result<Binaries, EmbeddedError> {
    let candidates = binaries::candidates(search, Path::new("/"), &layout.downloads);
    let wanted = cluster.map(|major| (layout.cluster.as_path(), major));
    let found = match binaries::choose(&candidates, wanted).await? {
        Some(found) => found,
        None => download::download(&layout.downloads, cluster).await?,
    };
    if found.bin.starts_with(&layout.downloads) {
        // They were extracted for the bot's own user only.
        if let Some(version) = found.bin.parent() {
            account.own_tree(version)?;
        }
    }
    Ok(found)
}

fn prepare_folders(tools: &Tools, layout: &Layout) -> Result<(), EmbeddedError> {
    create_private_dir(&layout.run).map_err(EmbeddedError::file("creating", &layout.run))?;
    tools.account.own_tree(&layout.run)?;
    // A cluster that was copied here, perhaps by root, perhaps without its mode.
    if layout.cluster.exists() {
        tools.account.own_tree(&layout.cluster)?;
        layout::close_to_others(&layout.cluster)?;
    }
    Ok(())
}

/// Starts the server, again if the port was taken meanwhile or an old server is still ending.
async fn launch(
    tools: &Tools,
    layout: &Layout,
    settings: &[(String, String)],
    password: &Secret,
    reserve: impl Fn() -> Result<Endpoint, EmbeddedError>,
) -> Result<(Server, DatabaseUrl, PgConnection), EmbeddedError> {
    let mut attempt = 1;
    loop {
        let endpoint = reserve()?;
        let url = endpoint.url(password)?;
        let mut server = Server::spawn(tools, layout, endpoint, settings)?;
        match server.ready(&url).await {
            Ok(connection) => return Ok((server, url, connection)),
            Err(error) if attempt < ATTEMPTS && server::is_passing(&error) => {
                tracing::warn!(attempt, %error, "PostgreSQL did not start, trying again");
                tokio::time::sleep(Duration::from_millis(250) * attempt).await;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn ensure_database(mut connection: PgConnection) -> Result<(), EmbeddedError> {
    let found = connection
        .fetch_optional("select 1 from pg_database where datname = 'punctaj'")
        .await?;
    if found.is_none() {
        connection.execute("create database punctaj").await?;
    }
    connection.close().await?;
    Ok(())
}

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod tests;

#[cfg(test)]
impl EmbeddedPostgres {
    fn server_tools(&self) -> Tools {
        self.server.tools().clone()
    }
}
