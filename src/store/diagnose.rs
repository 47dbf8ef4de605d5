//! What is to be known of a database to say what is wrong with it. Nothing is changed by looking.
//!
//! What is asked before it is known that the session is kept goes as plain text, without prepared
//! statements: a pooler that hands each statement to another connection answers them with what
//! others asked for.

pub mod guild;
mod schema;

use std::io;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions, PgSslMode};
use sqlx::{Connection as _, Executor as _, PgPool, Row as _};
use tokio::time::timeout;
use uuid::Uuid;

use super::{CONNECTING, SchemaError, StoreError, StoreOptions};
use crate::domain::ids::{ChannelId, GuildId};

/// How long the whole look may take, once there is a connection.
const LOOKING: Duration = Duration::from_secs(30);

/// How long a notification may take.
const HEARING: Duration = Duration::from_secs(5);

/// Where the notification of the self-test is heard. No bot listens there.
const CHANNEL: &str = "punctaj_diagnose";

/// Connections that a bot holds beside its pool: one that listens, one that migrates.
const BESIDE_THE_POOL: i64 = 2;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// The reason.
    pub why: Why,
    /// What the driver or the server said.
    pub words: String,
}

/// The reasons that have remedies of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The address can't be read.
    Address,
    /// Nobody listens there.
    Refused,
    /// The host has no address.
    Host,
    /// Nobody answers.
    Silent,
    /// The two don't agree on TLS, or the certificate is not believed.
    Tls,
    /// The password is wrong, or the user is not let in.
    Password,
    /// There is no such database.
    Database,
    /// All connections are taken.
    Full,
    /// It is starting or stopping.
    Starting,
    /// Another one.
    Other,
}

impl Unreached {
    /// The address is none. It may hold a password, so it is not repeated.
    #[must_use]
    pub fn address(error: &SchemaError) -> Self {
        Self {
            why: Why::Address,
            words: error.to_string(),
        }
    }

    fn silent() -> Self {
        Self {
            why: Why::Silent,
            words: "no answer".to_owned(),
        }
    }
}

impl From<&sqlx::Error> for Unreached {
    fn from(error: &sqlx::Error) -> Self {
        let why = match error {
            sqlx::Error::Io(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Why::Refused,
                io::ErrorKind::TimedOut
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable => Why::Silent,
                // The system's resolver has no kind of its own.
                _ if error.to_string().contains("lookup") => Why::Host,
                _ => Why::Other,
            },
            sqlx::Error::Tls(_) => Why::Tls,
            sqlx::Error::Database(error) => match error.code().as_deref() {
                Some("28P01" | "28000") => Why::Password,
                Some("3D000") => Why::Database,
                Some("53300") => Why::Full,
                Some("57P03" | "57P01") => Why::Starting,
                _ => Why::Other,
            },
            _ => Why::Other,
        };
        Self {
            why,
            words: error.to_string(),
        }
    }
}

/// What is known of a database that lets us in.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The server's version, such as 150014.
    pub version: i32,
    /// How the way there is protected.
    pub encryption: Encryption,
    /// Whether it takes changes.
    pub takes_changes: bool,
    /// By how much its clock is ahead of the host's, where it tells the time.
    pub ahead: Option<TimeDelta>,
    /// What is in it; none where sessions are not kept, so that nothing it said could be believed.
    pub content: Option<Content>,
}

/// How the way to the database is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// It does not leave the machine.
    Local,
    /// Encrypted, and the server's certificate is verified.
    Verified,
    /// Encrypted, but whoever answers is believed.
    Unverified,
    /// Anybody on the way can read along.
    None,
}

/// What is in a database.
#[derive(Debug, Clone)]
pub struct Content {
    /// The schema; or what the server said to somebody who may not look at it.
    pub schema: Result<Schema, String>,
    /// Whether a notification came, or why it was not tried.
    pub heard: Result<bool, String>,
    /// How many connections there are for bots, others' taken off.
    pub room: i64,
    /// How many a bot needs.
    pub need: i64,
}

/// The schema.
#[derive(Debug, Clone)]
pub enum Schema {
    /// There is none.
    Missing,
    /// It is there.
    There(Box<There>),
}

/// A schema that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct There {
    /// Migrations that this program has and the database has not.
    pub pending: Vec<i64>,
    /// Migrations that the database has and this program has not: of a newer one.
    pub unknown: Vec<i64>,
    /// Migrations that are other ones there, or were begun and failed.
    pub broken: Vec<i64>,
    /// Whether the role of the bot can be taken on.
    pub role: bool,
    /// Rights that the role should have.
    pub lacking: Vec<String>,
    /// Rights that it should not have.
    pub surplus: Vec<String>,
    /// Tables without row-level security, or with a policy for others.
    pub open: Vec<String>,
    /// Rights that everybody or the roles of a REST API have.
    pub exposed: Vec<String>,
    /// What it may do with rows, but no policy lets it.
    pub withheld: Vec<String>,
    /// Triggers that guard the history and are missing or off.
    pub unguarded: Vec<String>,
    /// The others that are: those that tell boards, the log and ranks' roles of changes.
    pub silent: Vec<String>,
}

/// Looks at a database. `now` is the host's clock, and `mark` a text of its own for each look.
///
/// # Errors
/// There is no connection, or it broke.
pub async fn look(
    options: &StoreOptions,
    now: fn() -> DateTime<Utc>,
    mark: Uuid,
) -> Result<Facts, Unreached> {
    let mut conn = connect(options).await?;
    let looking = Box::pin(facts(options, &mut conn, now, mark));
    let looked = timeout(LOOKING, looking).await;
    let facts = looked.map_err(|_| Unreached::silent())?;
    // That it can't be closed well makes no difference any more.
    let _ = timeout(CONNECTING, conn.close()).await;
    facts.map_err(|error| Unreached::from(&error))
}

async fn connect(options: &StoreOptions) -> Result<PgConnection, Unreached> {
    let connecting = PgConnection::connect_with(&options.connect);
    let connected = timeout(CONNECTING, Box::pin(connecting)).await;
    let connected = connected.map_err(|_| Unreached::silent())?;
    connected.map_err(|error| Unreached::from(&error))
}

async fn facts(
    options: &StoreOptions,
    conn: &mut PgConnection,
    now: fn() -> DateTime<Utc>,
    mark: Uuid,
) -> Result<Facts, sqlx::Error> {
    let before = now();
    let row = conn
        .fetch_one(
            "select current_setting('server_version_num') as version, \
             (extract(epoch from clock_timestamp()) * 1000)::bigint::text as clock, \
             current_setting('transaction_read_only') as read_only, \
             coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)::text as ssl",
        )
        .await?;
    let host = before + (now() - before) / 2;
    let text = |name: &str| row.try_get::<String, _>(name);
    let clock = text("clock")?.parse().ok();
    let clock = clock.and_then(DateTime::from_timestamp_millis);
    let content = if keeps_sessions(options, conn, mark).await? {
        Some(content(options, conn, mark).await?)
    } else {
        None
    };
    Ok(Facts {
        version: text("version")?.parse().unwrap_or_default(),
        encryption: encryption(&options.connect, text("ssl")? == "true"),
        takes_changes: text("read_only")? == "off",
        ahead: clock.map(|clock| clock - host),
        content,
    })
}

fn encryption(options: &PgConnectOptions, is_encrypted: bool) -> Encryption {
    let host = options.get_host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare.parse::<std::net::IpAddr>();
    let is_local = options.get_socket().is_some()
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || loopback.is_ok_and(|ip| ip.to_canonical().is_loopback());
    match options.get_ssl_mode() {
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => Encryption::Verified,
        _ if is_local => Encryption::Local,
        // It is insisted on, so there is no connection without.
        PgSslMode::Require => Encryption::Unverified,
        _ if is_encrypted => Encryption::Unverified,
        _ => Encryption::None,
    }
}

/// Whether what one connection notes for itself is there in its next statement, and nowhere else. A
/// pooler of transactions lets others find it, or gives the next statement to another connection,
/// at the latest while another one is busy.
async fn keeps_sessions(
    options: &StoreOptions,
    conn: &mut PgConnection,
    mark: Uuid,
) -> Result<bool, sqlx::Error> {
    let mut other = PgConnection::connect_with(&options.connect).await?;
    let mine = format!("{mark}-1");
    let theirs = format!("{mark}-2");
    note(conn, &mine).await?;
    let is_unseen = noted(&mut other).await? != mine;
    note(&mut other, &theirs).await?;
    let is_kept = noted(conn).await? == mine;
    other.execute("begin").await?;
    let while_busy = noted(&mut other).await? == theirs && noted(conn).await? == mine;
    other.execute("rollback").await?;
    let is_still_kept = noted(&mut other).await? == theirs && noted(conn).await? == mine;
    // Also where they turned out to be those of a pooler, which others use after us.
    note(conn, "").await?;
    note(&mut other, "").await?;
    other.close().await?;
    Ok(is_unseen && is_kept && while_busy && is_still_kept)
}

/// A pooler that mixes up answers may give back something else than was asked for.
async fn noted(conn: &mut PgConnection) -> Result<String, sqlx::Error> {
    let row = conn
        .fetch_one("select coalesce(current_setting('punctaj.diagnose', true), '') as noted")
        .await?;
    Ok(row.try_get("noted").unwrap_or_default())
}

/// `text` is ours, and has nothing that would need quoting.
async fn note(conn: &mut PgConnection, text: &str) -> Result<(), sqlx::Error> {
    let statement = format!("select set_config('punctaj.diagnose', '{text}', false)");
    conn.execute(sqlx::AssertSqlSafe(statement)).await?;
    Ok(())
}

async fn content(
    options: &StoreOptions,
    conn: &mut PgConnection,
    mark: Uuid,
) -> Result<Content, sqlx::Error> {
    let heard = match timeout(HEARING, hear(options, conn, mark)).await {
        Ok(Ok(())) => Ok(true),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Ok(false),
    };
    let schema = match schema::schema(conn).await {
        Ok(schema) => Ok(schema),
        Err(sqlx::Error::Database(error)) => Err(error.message().to_owned()),
        Err(error) => return Err(error),
    };
    Ok(Content {
        schema,
        heard,
        room: room(conn).await?,
        need: i64::from(options.pool) + BESIDE_THE_POOL,
    })
}

/// Listens on one connection for what is told on another one, as bots do.
async fn hear(
    options: &StoreOptions,
    conn: &mut PgConnection,
    mark: Uuid,
) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(options.connect.clone())
        .await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    let mark = mark.to_string();
    sqlx::query!("select pg_notify($1, $2)", CHANNEL, mark)
        .fetch_one(conn)
        .await?;
    // Another look may be on its way at the same time.
    while listener.recv().await?.payload() != mark {}
    Ok(())
}

async fn room(conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with others as (
            -- Bots are who the room is for. Who has no database works for the server itself.
            select datname, usename from pg_stat_activity
            where datid is not null and application_name is distinct from 'punctaj'
        )
        select least(
            (select current_setting('max_connections')::bigint
                - current_setting('superuser_reserved_connections')::bigint - count(*) from others),
            (select d.datconnlimit - (select count(*) from others o where o.datname = d.datname)
                from pg_database d where d.datname = current_database() and d.datconnlimit >= 0),
            (select r.rolconnlimit - (select count(*) from others o where o.usename = r.rolname)
                from pg_roles r where r.rolname = current_user and r.rolconnlimit >= 0)
        ) as "room!"
        "#,
    )
    .fetch_one(conn)
    .await
}

/// The options of a pool, to make connections beside it.
#[must_use]
pub fn options_of(pool: &PgPool) -> StoreOptions {
    StoreOptions {
        connect: pool.connect_options().as_ref().clone(),
        pool: pool.options().get_max_connections(),
        acquire_timeout: pool.options().get_acquire_timeout(),
    }
}

/// A board, for whoever wonders why it does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardState {
    /// Its table's address.
    pub table: String,
    /// Where it stands, or should.
    pub channel: ChannelId,
    /// Why it can't be posted.
    pub problem: Option<String>,
    /// For how long it has been behind.
    pub behind: Option<Duration>,
}

/// The boards of a guild's live tables.
///
/// # Errors
/// If the database fails.
pub async fn boards(
    conn: &mut PgConnection,
    guild: GuildId,
) -> Result<Vec<BoardState>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select coalesce(t.category || '/', '') || t.name as "table!", b.channel_id, b.problem,
            case when b.seen_seq < g.head_seq
                then coalesce(extract(epoch from now() - coalesce(e.applied_at, made.at)), 0)::float8
            end as behind
        from punctaj.boards b
        join punctaj.tables t using (table_id)
        join punctaj.guilds g using (guild_id)
        -- Numbers have no gaps: the next one is the oldest unseen.
        left join punctaj.events e
            on e.guild_id = g.guild_id and e.seq = b.seen_seq + 1 and b.seen_seq > 0
        -- One that was never seen waits since it, or its table, came.
        left join lateral (
            select max(m.applied_at) as at from punctaj.events m
            where b.seen_seq = 0 and m.guild_id = t.guild_id and m.table_id = t.table_id
                and m.outcome = 'applied' and m.action in ('board.post', 'event.undo', 'table.restore')
        ) made on true
        where t.guild_id = $1 and t.deleted_at is null and b.layout is not null
        order by 1, 2
        "#,
        guild.db(),
    )
    .fetch_all(conn)
    .await?;
    let boards = rows.into_iter().map(|row| BoardState {
        table: row.table,
        channel: ChannelId::from_db(row.channel_id),
        problem: row.problem,
        behind: row.behind.map(seconds),
    });
    Ok(boards.collect())
}

/// What a guild's people are still to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeState {
    /// Messages that wait for their person's next command.
    pub parked: i64,
    /// Messages that are not posted yet.
    pub waiting: i64,
    /// How long the oldest of these has waited.
    pub oldest: Duration,
}

/// The notices of a guild.
///
/// # Errors
/// If the database fails.
pub async fn notices(conn: &mut PgConnection, guild: GuildId) -> Result<NoticeState, StoreError> {
    let row = sqlx::query!(
        r#"
        select count(*) filter (where parked) as "parked!",
            count(*) filter (where not parked) as "waiting!",
            coalesce(extract(epoch from now() - min(created_at) filter (where not parked)), 0)::float8 as "oldest!"
        from punctaj.outbox
        where guild_id = $1
        "#,
        guild.db(),
    )
    .fetch_one(conn)
    .await?;
    Ok(NoticeState {
        parked: row.parked,
        waiting: row.waiting,
        oldest: seconds(row.oldest),
    })
}

fn seconds(since: f64) -> Duration {
    Duration::try_from_secs_f64(since).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_judged_by_what_the_address_insists_on() {
        for (url, encrypted, expected) in [
            ("postgres://u@localhost/db", false, Encryption::Local),
            ("postgres://u@127.0.0.1/db", false, Encryption::Local),
            ("postgres://u@h/db?host=/run", false, Encryption::Local),
            ("postgres://u@h/db?sslmode=disable", false, Encryption::None),
            ("postgres://u@h/db", true, Encryption::Unverified),
            (
                "postgres://u@h/db?sslmode=require",
                true,
                Encryption::Unverified,
            ),
            (
                "postgres://u@h/db?sslmode=verify-full",
                true,
                Encryption::Verified,
            ),
        ] {
            let options = StoreOptions::new(url, 1).unwrap().connect;
            assert_eq!(encryption(&options, encrypted), expected, "{url}");
        }
    }
}
