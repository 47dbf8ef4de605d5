//! Wires everything: the data folder, the database, the services, the bot; says which part ended
//! and why; stops them in the reverse order.

use std::future::Future;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::postgres::PgPool;
use tokio::sync::watch;

use crate::config::{Config, DataDir, DataDirError, Database};
use crate::discord::bot::{self, BotError, BotOptions};
use crate::domain::session::SessionLimits;
use crate::embedded::{DATABASE, EmbeddedError, EmbeddedOptions, EmbeddedPostgres};
use crate::service::entropy::Entropy;
use crate::service::{ServiceError, Services};
use crate::store::{self, SchemaError, StoreOptions};

/// Pauses between attempts to reach the database at start.
const RETRY: Duration = Duration::from_secs(2);

/// Why the program ended.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data folder can't be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The embedded server did not start.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The embedded server ended by itself.
    #[error("the embedded PostgreSQL ended by itself; see postgres.log in the data folder")]
    EmbeddedEnded,
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
    embedded: Option<EmbeddedPostgres>,
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
                tracing::warn!(
                    data.dir = %config.data_dir.display(),
                    "PUNCTAJ_DATABASE_URL is not set: using an embedded PostgreSQL in the data folder. \
                     Back this folder up, or connect a database of your own"
                );
                let options =
                    EmbeddedOptions::new(data_dir.path()).search(config.search_path.clone());
                let embedded = EmbeddedPostgres::start(options).await?;
                let url = embedded.url(DATABASE);
                Self::new(
                    url.expose(),
                    config.database_pool,
                    Some(embedded),
                    Some(data_dir),
                )
            }
        }
    }

    fn new(
        url: &str,
        pool: u32,
        embedded: Option<EmbeddedPostgres>,
        data_dir: Option<DataDir>,
    ) -> Result<Self, AppError> {
        let options = StoreOptions::new(url, pool)?;
        let pool = store::connect(&options);
        Ok(Self {
            options,
            embedded,
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
        self.pool.close().await;
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
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
    let mut backend = Backend::start(&config).await?;
    let ended = supervise(&config, &mut backend, stop).await;
    backend.stop().await;
    match &ended {
        Ok(()) => tracing::info!("stopped"),
        Err(error) => tracing::error!(%error, "ended"),
    }
    ended
}

/// Runs all tasks, and ends them all when one of them ends.
async fn supervise(
    config: &Config,
    backend: &mut Backend,
    stop: impl Future<Output = ()>,
) -> Result<(), AppError> {
    let options = BotOptions::new(&config.discord).ok_or(AppError::NoToken)?;
    let (stopping, shutdown) = watch::channel(false);
    let services = backend.services(config);
    let schema = backend.options.clone();
    let mut bot = Box::pin(bot::run(options, services, shutdown));
    let mut schema = std::pin::pin!(bring_up(&schema));
    let mut stop = std::pin::pin!(stop);
    let mut migrated = false;
    loop {
        tokio::select! {
            ended = &mut bot => return ended.map_err(AppError::from),
            done = &mut schema, if !migrated => match done {
                Ok(()) => migrated = true,
                Err(error) => {
                    let _ = stopping.send(true);
                    let _ = bot.await;
                    return Err(error.into());
                }
            },
            () = &mut stop => {
                tracing::info!("stopping");
                let _ = stopping.send(true);
                return bot.await.map_err(AppError::from);
            }
            () = embedded_end(backend.embedded.as_mut()) => {
                let _ = stopping.send(true);
                let _ = bot.await;
                return Err(AppError::EmbeddedEnded);
            }
        }
    }
}

/// Ends when the embedded server does; never without one.
async fn embedded_end(embedded: Option<&mut EmbeddedPostgres>) {
    match embedded {
        Some(embedded) => {
            embedded.exited().await;
        }
        None => std::future::pending().await,
    }
}

/// Brings the schema up to date as soon as the database can be reached. What waiting does not
/// mend is an error at once.
async fn bring_up(options: &StoreOptions) -> Result<(), SchemaError> {
    loop {
        match store::migrate(options).await {
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
