//! Wires everything: the data folder, the database, the services, the bot; says which part ended
//! and why; stops them in the reverse order.

mod own_server;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::postgres::PgPool;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::config::{Config, DataDir, DataDirError, Database};
use crate::discord::bot::{self, BotError, BotOptions};
use crate::discord::gateway::Gateway;
use crate::discord::queue::Queue;
use crate::domain::session::SessionLimits;
#[cfg(feature = "embedded")]
use crate::embedded::EmbeddedError;
use crate::http::{Health, HttpServer, Serving};
use crate::journal::JournalError;
use crate::metrics::Metrics;
use crate::service::entropy::Entropy;
use crate::service::{ServiceError, Services};
use crate::store::{self, SchemaError, StoreOptions};
use own_server::OwnServer;

/// How long the bot waits for the first attempt to reach the database before it connects.
const FIRST_TRY: Duration = Duration::from_secs(5);

/// How long a shutdown waits until the connections to the database are closed.
const CLOSING: Duration = Duration::from_secs(5);

/// Pauses between attempts to reach the database at start.
const RETRY: Duration = Duration::from_secs(2);

/// Why the program ended.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data folder can't be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The embedded server did not start.
    #[cfg(feature = "embedded")]
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// No database is configured, and this program has no server to embed.
    #[error("this program was built without the embedded PostgreSQL: set PUNCTAJ_DATABASE_URL")]
    NoEmbedded,
    /// The embedded server ended by itself.
    #[error("the embedded PostgreSQL ended by itself; see postgres.log in the data folder")]
    EmbeddedEnded,
    /// Health can't be served.
    #[error(
        "PUNCTAJ_HTTP_ADDR is {addr}, where nothing can be served; choose another address, or take it out"
    )]
    Http {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server for health ended by itself.
    #[error("the HTTP server ended by itself")]
    HttpEnded,
    /// The database refuses us or the schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// There is no token.
    #[error("DISCORD_TOKEN is not set")]
    NoToken,
    /// There is no schema to work on.
    #[error("the database has no Punctaj schema: run `punctaj migrate` first")]
    NoSchema,
    /// The bot ended.
    #[error(transparent)]
    Bot(#[from] BotError),
    /// The journal in the data folder can't be used.
    #[error("the journal in the data folder can't be opened: {0}")]
    Journal(#[from] JournalError),
    /// A use case failed.
    #[error(transparent)]
    Service(ServiceError),
    /// The signals can't be listened to.
    #[error("signals can't be listened to")]
    Signals(#[from] std::io::Error),
}

/// The database, and what of it is ours.
pub struct Backend {
    options: StoreOptions,
    own_server: Option<OwnServer>,
    pool: PgPool,
    _data_dir: Option<DataDir>,
}

impl Backend {
    /// Opens the data folder where it is needed, and starts the embedded server where no
    /// database is configured.
    ///
    /// # Errors
    /// When the data folder is in use, or the server does not start.
    pub async fn start(config: &Config) -> Result<Self, AppError> {
        match &config.database {
            Database::Url(url) => Self::new(url.expose(), config.database_pool, None, None),
            Database::Embedded => {
                let data_dir = DataDir::open(&config.data_dir)?;
                let server = OwnServer::start(config, &data_dir).await?;
                let url = server.url();
                Self::new(
                    url.expose(),
                    config.database_pool,
                    Some(server),
                    Some(data_dir),
                )
            }
        }
    }

    fn new(
        url: &str,
        pool: u32,
        own_server: Option<OwnServer>,
        data_dir: Option<DataDir>,
    ) -> Result<Self, AppError> {
        let options = StoreOptions::new(url, pool)?;
        let pool = store::connect(&options);
        Ok(Self {
            options,
            own_server,
            pool,
            _data_dir: data_dir,
        })
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// When the database can't be reached or a migration fails.
    pub async fn migrate(&self) -> Result<(), SchemaError> {
        store::migrate(&self.options).await
    }

    /// Makes sure that the schema is there, without making it.
    ///
    /// # Errors
    /// [`AppError::NoSchema`], or the database can't be reached.
    pub async fn require_schema(&self) -> Result<(), AppError> {
        if store::has_schema(&self.options).await? {
            Ok(())
        } else {
            Err(AppError::NoSchema)
        }
    }

    /// The use cases on this database.
    #[must_use]
    pub fn services(&self, config: &Config) -> Services {
        let seconds = |span: Duration| TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        let limits = SessionLimits {
            idle: seconds(config.sessions.idle),
            lifetime: seconds(config.sessions.lifetime),
        };
        Services::new(self.pool.clone(), Entropy::from_system(), limits)
    }

    /// Closes the connections, and stops the embedded server.
    pub async fn stop(self) {
        if timeout(CLOSING, self.pool.close()).await.is_err() {
            tracing::warn!("the database does not answer; its connections are left to themselves");
        }
        if let Some(server) = self.own_server {
            server.stop().await;
        }
    }
}

/// The bot, until `stop` comes.
///
/// # Errors
/// Whatever ends it before.
pub async fn run(config: Config, stop: impl Future<Output = ()>) -> Result<(), AppError> {
    // One process a data folder, also where the database is elsewhere.
    let _data_dir = match config.database {
        Database::Url(_) => Some(DataDir::open(&config.data_dir)?),
        Database::Embedded => None,
    };
    // First, since an address that is taken should not wait for a database.
    let http = match config.http_addr {
        Some(addr) => Some(listen(addr).await?),
        None => None,
    };
    let mut backend = Backend::start(&config).await?;
    let ended = supervise(&config, &mut backend, http, stop).await;
    backend.stop().await;
    match &ended {
        Ok(()) => tracing::info!("stopped"),
        Err(error) => tracing::error!(%error, "ended"),
    }
    ended
}

async fn listen(addr: SocketAddr) -> Result<HttpServer, AppError> {
    let bound = HttpServer::bind(addr).await;
    bound.map_err(|source| AppError::Http { addr, source })
}

/// Runs all tasks, and ends them all when one of them ends.
async fn supervise(
    config: &Config,
    backend: &mut Backend,
    http: Option<HttpServer>,
    stop: impl Future<Output = ()>,
) -> Result<(), AppError> {
    let options = BotOptions::new(&config.discord).ok_or(AppError::NoToken)?;
    let queue = Queue::open(&config.data_dir)?;
    let (stopping, shutdown) = watch::channel(false);
    let services = backend.services(config);
    let services = services.with_metrics(Arc::new(Metrics::default()));
    let gateway = Gateway::default();
    let health = Health::new(gateway.clone(), services.clone(), queue.clone());
    let mut http = http.map(|http| http.serve(health));
    let tried = Notify::new();
    let mut bot = Box::pin(async {
        // Whoever asks before the schema is up to date gets no answer of use. Only a database that
        // is not there is worth connecting for, to say so.
        let _ = timeout(FIRST_TRY, tried.notified()).await;
        bot::run(options, (services, queue), gateway, shutdown).await
    });
    let ended = tokio::select! {
        ended = &mut bot => ended.map_err(AppError::from),
        reason = reason_to_stop(backend, &tried, http.as_mut(), stop) => {
            let _ = stopping.send(true);
            let ended = bot.await.map_err(AppError::from);
            reason.and(ended)
        }
    };
    // Last, so that it can be seen that the process lives while it finishes what is in flight.
    if let Some(http) = http {
        http.stop().await;
    }
    ended
}

/// Ends when somebody asks for it, or when something ended that the bot can't be without.
async fn reason_to_stop(
    backend: &mut Backend,
    tried: &Notify,
    mut http: Option<&mut Serving>,
    stop: impl Future<Output = ()>,
) -> Result<(), AppError> {
    let Backend {
        options,
        own_server,
        ..
    } = backend;
    let mut schema = std::pin::pin!(bring_up(options, tried));
    let mut stop = std::pin::pin!(stop);
    let mut migrated = false;
    loop {
        tokio::select! {
            done = &mut schema, if !migrated => {
                done?;
                migrated = true;
            }
            () = &mut stop => {
                tracing::info!("stopping");
                return Ok(());
            }
            () = own_server_end(own_server.as_mut()) => return Err(AppError::EmbeddedEnded),
            () = http_end(http.as_deref_mut()) => return Err(AppError::HttpEnded),
        }
    }
}

/// Ends when the bot's own database server does; never without one.
async fn own_server_end(server: Option<&mut OwnServer>) {
    match server {
        Some(server) => server.exited().await,
        None => std::future::pending().await,
    }
}

/// Ends when the server for health does; never without one.
async fn http_end(http: Option<&mut Serving>) {
    match http {
        Some(http) => http.ended().await,
        None => std::future::pending().await,
    }
}

/// Brings the schema up to date as soon as the database can be reached. What waiting does not
/// mend is an error at once. `tried` tells that the first try is over.
async fn bring_up(options: &StoreOptions, tried: &Notify) -> Result<(), SchemaError> {
    loop {
        let done = store::migrate(options).await;
        tried.notify_one();
        match done {
            Ok(()) => return Ok(()),
            Err(error) if error.may_pass() => {
                tracing::warn!(%error, "the database can't be reached yet; trying again");
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Ends at SIGTERM or Ctrl-C.
///
/// # Errors
/// When signals can't be listened to.
#[cfg(unix)]
pub fn signal() -> Result<impl Future<Output = ()>, AppError> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    })
}

/// Ends at Ctrl-C.
///
/// # Errors
/// Never; signals are listened to when it is awaited.
#[cfg(not(unix))]
pub fn signal() -> Result<impl Future<Output = ()>, AppError> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
