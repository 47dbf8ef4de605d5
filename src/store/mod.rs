//! All SQL of the program, one file per aggregate: functions on a connection, checked queries,
//! a row type per query shape. Nothing here decides; what may happen is decided in `service`.

pub mod backlog;
pub mod boards;
pub mod complete;
pub mod diagnose;
pub mod drafts;
pub mod entries;
pub mod events;
pub mod grants;
pub mod guilds;
pub mod ledger;
pub mod listen;
pub mod operation;
pub mod outbox;
pub mod panels;
pub mod periods;
pub mod profile;
pub mod rank_roles;
pub mod refusals;
pub mod sessions;
pub mod shown;
pub mod snapshots;
pub mod state;
pub mod tables;
pub mod welcomes;

use std::io;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Postgres, Transaction};
use tokio::time::timeout;

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(10);

/// How long a connection may take to say that it stands.
const PINGING: Duration = Duration::from_secs(3);

/// After which one that was not used is asked first whether it stands: a network that forgot it
/// says nothing, and a statement would wait for ever.
const IDLE: Duration = Duration::from_secs(10);

/// How long the answer to a statement may take: longer than the server itself lets one take. After
/// that nobody is there any more who would answer.
const ANSWERING: Duration = Duration::from_secs(25);

/// After which a connection is replaced: what its session was told of the server when it began may
/// not hold any more, such as that nothing may be written.
const LIFETIME: Duration = Duration::from_mins(5);

/// What can go wrong between the program and its database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached, or the connection broke.
    #[error("the database is unreachable")]
    Unreachable(#[source] sqlx::Error),
    /// The schema is not up to date yet.
    #[error("the schema of the database is not up to date yet")]
    NotReady(#[source] sqlx::Error),
    /// The database can be read, but nothing can be written: it is a standby, or its disk is full.
    #[error("the database takes no changes")]
    ReadOnly(#[source] sqlx::Error),
    /// The connection that listens says nothing more.
    #[error("the connection that listens is silent")]
    Silent,
    /// Others hold what is needed, or the server is too slow for now.
    #[error("the database is busy")]
    Busy(#[source] sqlx::Error),
    /// A unique constraint of this name refused the write.
    #[error("constraint {0} refused the write")]
    Taken(String),
    /// The rows that were to be written are not as they were read under the lock.
    #[error("the write did not meet the state it was computed from: {0}")]
    Mismatch(&'static str),
    /// A stored value does not fit its type.
    #[error("a stored value is not valid: {0}")]
    Corrupt(&'static str),
    /// Anything else.
    #[error(transparent)]
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Tls(_) => Self::Unreachable(error),
            sqlx::Error::Database(db) => match (db.code().as_deref(), db.constraint()) {
                (Some("23505"), Some(constraint)) => Self::Taken(constraint.to_owned()),
                // Class 57: the server shuts down or crashed; 53300: too many connections; 55000: it
                // lets nobody in for now; 3D000 and class 28: nor does it know the database or us,
                // which it did when the program began.
                (
                    Some(
                        "57P01" | "57P02" | "57P03" | "53300" | "55000" | "3D000" | "28000"
                        | "28P01",
                    ),
                    _,
                ) => Self::Unreachable(error),
                // Class 08: a pooler can't reach the server; 58: the system that it runs on fails.
                (Some(code), _) if code.starts_with("08") || code.starts_with("58") => {
                    Self::Unreachable(error)
                }
                // 25006: a standby; the rest of class 53: out of disk or memory.
                (Some("25006" | "53000" | "53100" | "53200" | "53400"), _) => Self::ReadOnly(error),
                // Queries are checked against the schema, so one that does not fit meets a database
                // whose schema is not up to date yet.
                (Some("42P01" | "42703" | "42883" | "3F000"), _) => Self::NotReady(error),
                // Lock and statement timeouts, deadlock.
                (Some("55P03" | "57014" | "40P01"), _) => Self::Busy(error),
                _ => Self::Sql(error),
            },
            _ => Self::Sql(error),
        }
    }
}

impl StoreError {
    /// Whether this connection broke, and another one may work.
    #[must_use]
    pub fn is_broken_connection(&self) -> bool {
        match self {
            Self::Unreachable(error) => {
                !matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)
            }
            _ => false,
        }
    }
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The address of the database can't be read. It may hold a password, so it isn't shown.
    #[error("the database URL is malformed")]
    Url(#[source] sqlx::Error),
    /// No connection.
    #[error("the database can't be reached: {0}")]
    Connect(#[source] sqlx::Error),
    /// A migration failed; nothing of it was applied.
    #[error("the schema can't be brought up to date: {0}")]
    Migrate(#[from] MigrateError),
}

impl SchemaError {
    /// Whether waiting may mend it: an unreachable or starting server, not a wrong password, an
    /// unknown database or a failed migration.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Connect(error) | Self::Migrate(MigrateError::Execute(error)) => passes(error),
            Self::Url(_) | Self::Migrate(_) => false,
        }
    }
}

fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        // 57: shutting down or starting up; 53: out of connections or resources; 08, 58: out of reach.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "53", "57", "58"]
                .iter()
                .any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    connect: PgConnectOptions,
    /// The most connections held at once.
    pub pool: u32,
    /// How long an operation waits for a connection.
    pub acquire_timeout: Duration,
}

impl StoreOptions {
    /// Reads the address.
    ///
    /// # Errors
    /// [`SchemaError::Url`] if it isn't one.
    pub fn new(url: &str, pool: u32) -> Result<Self, SchemaError> {
        let connect = without_surroundings(
            url,
            PgConnectOptions::from_str(url).map_err(SchemaError::Url)?,
        )
        .application_name("punctaj")
        .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1));
        Ok(Self {
            connect,
            pool,
            acquire_timeout: Duration::from_secs(5),
        })
    }
}

/// What the address leaves out is not taken from `PG*` variables: the port and TLS were judged
/// without them.
fn without_surroundings(url: &str, options: PgConnectOptions) -> PgConnectOptions {
    let Ok(url) = url::Url::parse(url) else {
        return options;
    };
    let names = |wanted: &[&str]| {
        url.query_pairs()
            .any(|(name, _)| wanted.contains(&name.as_ref()))
    };
    let has_port = url.port().is_some() || names(&["port"]);
    let options = if has_port {
        options
    } else {
        options.port(5432)
    };
    if names(&["sslmode", "ssl-mode"]) {
        options
    } else {
        options.ssl_mode(PgSslMode::Prefer)
    }
}

/// Whether the schema is there.
///
/// # Errors
/// If the database can't be reached.
pub async fn has_schema(options: &StoreOptions) -> Result<bool, SchemaError> {
    let mut conn = connection(options).await?;
    let found =
        sqlx::query_scalar!(r#"select to_regclass('punctaj.guilds') is not null as "found!""#)
            .fetch_one(&mut conn)
            .await
            .map_err(SchemaError::Connect)?;
    conn.close().await.map_err(SchemaError::Connect)?;
    Ok(found)
}

/// Applies what is pending of the schema, under sqlx's advisory lock: several processes may try
/// at once. Needs the rights of the schema's owner, which the bot itself works without.
///
/// # Errors
/// If the database can't be reached or a migration fails.
pub async fn migrate(options: &StoreOptions) -> Result<(), SchemaError> {
    let mut conn = connection(options).await?;
    migrator().run(&mut conn).await?;
    conn.close().await.map_err(SchemaError::Connect)
}

/// A connection beside the pool, with the rights of the address.
async fn connection(options: &StoreOptions) -> Result<PgConnection, SchemaError> {
    let connecting = PgConnection::connect_with(&options.connect);
    in_time(CONNECTING, connecting)
        .await
        .map_err(SchemaError::Connect)
}

/// The migrations, with their own bookkeeping kept inside the program's schema.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations");
    // A bot of the version before keeps working on a schema that was expanded since.
    migrator.set_ignore_missing(true);
    migrator.create_schema("punctaj");
    migrator.dangerous_set_table_name("punctaj._sqlx_migrations");
    migrator
}

/// A pool whose connections work under `punctaj_app`. Connects when first used.
#[must_use]
pub fn connect(options: &StoreOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(options.pool)
        .acquire_timeout(options.acquire_timeout)
        // A ping before each use would cost every operation a round trip; a broken connection
        // shows in the first statement, and nothing is lost by it.
        .test_before_acquire(false)
        .before_acquire(|conn, used| {
            Box::pin(async move {
                if used.idle_for > IDLE {
                    ping(conn).await?;
                }
                Ok(true)
            })
        })
        // Whoever gave it back may have given up in the middle of a statement. Then the pool would
        // wait for ever for what is left of its answer.
        .after_release(|conn, _| {
            Box::pin(async move {
                ping(conn).await?;
                Ok(true)
            })
        })
        .max_lifetime(LIFETIME)
        .after_connect(|conn, _| {
            Box::pin(async move {
                conn.execute(
                    "set role punctaj_app; set statement_timeout = '20s'; set lock_timeout = '10s'; \
                     set idle_in_transaction_session_timeout = '30s'",
                )
                .await?;
                Ok(())
            })
        })
        .connect_lazy_with(options.connect.clone())
}

/// Makes sure that a connection stands.
///
/// # Errors
/// It does not, or says nothing.
pub async fn ping(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    in_time(PINGING, conn.ping()).await
}

/// Commits.
///
/// # Errors
/// If the database fails; it may be committed all the same.
pub async fn commit(transaction: Transaction<'_, Postgres>) -> Result<(), sqlx::Error> {
    in_time(ANSWERING, transaction.commit()).await
}

/// What one statement or a few quick ones return, unless nobody answers them. To be used where
/// nothing else bounds the wait.
///
/// # Errors
/// That of the statements, or [`StoreError::Unreachable`].
pub fn answered<T, E: From<StoreError>>(
    statements: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    let statements = Box::pin(statements);
    let silent = |_| StoreError::Unreachable(silence());
    async move { timeout(ANSWERING, statements).await.map_err(silent)? }
}

fn in_time<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> impl Future<Output = Result<T, sqlx::Error>> {
    let asked = Box::pin(asked);
    async move { timeout(limit, asked).await.map_err(|_| silence())? }
}

fn silence() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(
        io::ErrorKind::TimedOut,
        "the database does not answer",
    ))
}
