//! A Postgres server for the whole test run, started by the program's own code, and a database
//! for each test, copied from a migrated template.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use punctaj::domain::access::Standing;
use punctaj::domain::event::Via;
use punctaj::domain::ids::{GuildId, OpId, UserId};
use punctaj::domain::session::SessionLimits;
use punctaj::embedded::{EmbeddedOptions, EmbeddedPostgres};
use punctaj::service::entropy::Entropy;
use punctaj::service::{Request, Services};
use punctaj::store::{self, StoreOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use tokio::sync::OnceCell;

const TEMPLATE: &str = "punctaj_template";

/// The server. It outlives every test's runtime; the watchdog stops it when this process ends,
/// however it ends.
struct Server {
    postgres: EmbeddedPostgres,
    _watchdog: Child,
    _folder: tempfile::TempDir,
}

static SERVER: OnceCell<Server> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

async fn server() -> &'static Server {
    SERVER
        .get_or_init(|| async {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            // A thread and a runtime of its own: a test's runtime ends with the test.
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                let server = runtime.block_on(start());
                assert!(sender.send(server).is_ok());
                runtime.block_on(std::future::pending::<()>());
            });
            receiver.await.expect("the test server starts")
        })
        .await
}

async fn start() -> Server {
    let folder = reachable_folder();
    let options = EmbeddedOptions::new(folder.path())
        .setting("fsync", "off")
        .setting("synchronous_commit", "off")
        .setting("max_connections", "400");
    let postgres = EmbeddedPostgres::start(options)
        .await
        .expect("an embedded Postgres");
    let mut conn = PgConnection::connect(postgres.url("postgres").expose())
        .await
        .unwrap();
    conn.execute(AssertSqlSafe(format!("create database {TEMPLATE}")))
        .await
        .unwrap();
    conn.close().await.unwrap();
    let template = StoreOptions::new(postgres.url(TEMPLATE).expose(), 1).unwrap();
    store::migrate(&template).await.expect("the schema");
    let watchdog = watchdog(folder.path());
    Server {
        postgres,
        _watchdog: watchdog,
        _folder: folder,
    }
}

/// When this process ends, its end of the pipe closes, and the server is stopped and swept away.
pub fn watchdog(folder: &std::path::Path) -> Child {
    use std::os::unix::process::CommandExt as _;
    let script = r#"cat >/dev/null; kill -QUIT "$(head -n 1 "$1/postgres/postmaster.pid")"; sleep 1; rm -rf "$1""#;
    Command::new("sh")
        .args(["-c", script, "watchdog"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell")
}

/// A temporary folder that the server's user, who is another one when the tests run as root, gets
/// through.
pub fn reachable_folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::Builder::new()
        .prefix("punctaj-it-")
        .tempdir()
        .unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    folder
}

/// A database of a test's own, and services on it.
#[derive(Clone)]
pub struct TestDb {
    url: String,
    number: u32,
    pub services: Services,
}

impl TestDb {
    pub async fn new() -> Self {
        Self::with_limits(SessionLimits::default()).await
    }

    pub async fn with_limits(limits: SessionLimits) -> Self {
        Self::copy_of(TEMPLATE, limits).await
    }

    /// Without a schema.
    pub async fn unmigrated() -> Self {
        Self::copy_of("template0", SessionLimits::default()).await
    }

    async fn copy_of(template: &str, limits: SessionLimits) -> Self {
        let server = server().await;
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let mut conn = PgConnection::connect(server.postgres.url("postgres").expose())
            .await
            .unwrap();
        conn.execute(AssertSqlSafe(format!(
            "create database {name} template {template}"
        )))
        .await
        .unwrap();
        conn.close().await.unwrap();
        let url = server.postgres.url(&name).expose().to_owned();
        let services = Self::services_on(&url, 10, u64::from(number), limits);
        Self {
            url,
            number,
            services,
        }
    }

    /// A database of another server, with a schema or without one.
    pub fn at(url: &str) -> Self {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let services = Self::services_on(url, 4, u64::from(number), SessionLimits::default());
        Self {
            url: url.to_owned(),
            number,
            services,
        }
    }

    /// Services on a database of that address, as another process would have them.
    pub fn services_on(url: &str, pool: u32, seed: u64, limits: SessionLimits) -> Services {
        let mut options = StoreOptions::new(url, pool).unwrap();
        // Making a connection takes a busy machine its time.
        options.acquire_timeout = Duration::from_mins(1);
        Services::new(store::connect(&options), Entropy::seeded(seed), limits)
    }

    /// Services on a database where there is none.
    pub fn services_nowhere() -> Services {
        let options = StoreOptions::new("postgres://nobody@127.0.0.1:9/x", 2).unwrap();
        let limits = SessionLimits::default();
        Services::new(store::connect(&options), Entropy::seeded(1), limits)
    }

    /// A number of its own.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The address, with the rights of the schema's owner.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection with the rights of the schema's owner.
    pub async fn superuser(&self) -> PgPool {
        PgPool::connect(&self.url).await.unwrap()
    }

    /// Makes the roles that a project of Supabase's has.
    pub async fn make_supabase_roles(&self) {
        sqlx::raw_sql(SUPABASE_ROLES)
            .execute(&self.superuser().await)
            .await
            .unwrap();
    }
}

/// The roles of Supabase's REST API, and the one that it hands out to connect with. They belong to
/// the whole server, so another test may have been first: all of them are made at once, or none.
const SUPABASE_ROLES: &str = "
    do $$ begin
        create role anon nologin;
        create role authenticated nologin;
        create role service_role nologin bypassrls;
        create role supabase_postgres nosuperuser createdb createrole replication bypassrls
            login password 'test';
        grant anon, authenticated, service_role to supabase_postgres with admin option;
    exception when duplicate_object or unique_violation then null;
    end $$;
    -- In a project of its own, this role would make punctaj_app; here the server has it already.
    do $$ begin
        grant punctaj_app to supabase_postgres;
    exception when others then
        if not pg_has_role('supabase_postgres', 'punctaj_app', 'member') then raise; end if;
    end $$";

/// Interactions of a made-up Discord: ids that rise with time, as snowflakes do.
pub struct Interactions {
    next: AtomicI64,
}

/// 2026-01-01T00:00:00Z in Discord's count of milliseconds.
const START_MS: i64 = 1_767_225_600_000 - 1_420_070_400_000;

impl Interactions {
    pub const fn new() -> Self {
        Self {
            next: AtomicI64::new(START_MS),
        }
    }

    /// The next interaction of a person: a second after the one before.
    pub fn by(&self, guild: i64, user: i64) -> Request {
        let ms = self.next.fetch_add(1000, Ordering::Relaxed);
        request(guild, user, ms, 0)
    }
}

/// An interaction at a moment, `counter` being the rest of its snowflake.
pub fn request(guild: i64, user: i64, discord_ms: i64, counter: i64) -> Request {
    Request {
        guild: GuildId::from_db(guild),
        actor: UserId::from_db(user),
        standing: Standing {
            manage_server: true,
            roles: Vec::new(),
        },
        op: OpId::new(((discord_ms << 22) + counter).to_string()),
        at: DateTime::<Utc>::UNIX_EPOCH + TimeDelta::milliseconds(discord_ms + 1_420_070_400_000),
        device: None,
        platform: None,
        via: Via::Direct,
    }
}
