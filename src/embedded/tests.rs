//! Real servers, with the Postgres of this machine.

use std::fs;
use std::path::PathBuf;

use sqlx::Row as _;

use super::*;

/// A folder for data, closed to others.
pub(super) fn data() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    }
    folder
}

/// Quick to start, since nothing has to survive a power failure.
pub(super) fn quick(data: &Path) -> EmbeddedOptions {
    EmbeddedOptions::new(data)
        .setting("fsync", "off")
        .setting("max_connections", "20")
}

pub(super) async fn connect(postgres: &EmbeddedPostgres) -> PgConnection {
    PgConnection::connect(postgres.url(DATABASE).expose())
        .await
        .unwrap()
}

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    let show = sqlx::AssertSqlSafe(format!("show {name}"));
    let row = connection.fetch_one(show).await.unwrap();
    row.get(0)
}

pub(super) async fn write(postgres: &EmbeddedPostgres) {
    let mut connection = connect(postgres).await;
    connection
        .execute("create table kept (name text); insert into kept values ('Ștefan')")
        .await
        .unwrap();
    connection.close().await.unwrap();
}

pub(super) async fn kept(postgres: &EmbeddedPostgres) -> String {
    let mut connection = connect(postgres).await;
    let row = connection.fetch_one("select name from kept").await.unwrap();
    row.get(0)
}

#[tokio::test]
async fn data_survives_a_restart() {
    let data = data();
    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    assert!(postgres.major() >= binaries::MINIMUM_MAJOR);
    let shown = format!("{postgres:?} {}", postgres.url(DATABASE));
    let password = fs::read_to_string(data.path().join("postgres-password")).unwrap();
    assert!(!shown.contains(&password), "{shown}");
    write(&postgres).await;
    postgres.stop().await;
    assert!(!data.path().join("postgres/postmaster.pid").exists());

    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    assert_eq!(kept(&postgres).await, "Ștefan");
    postgres.stop().await;
}

#[tokio::test]
async fn durable_private_and_utf8_by_default() {
    let data = data();
    let options = EmbeddedOptions::new(data.path());
    let postgres = EmbeddedPostgres::start(options).await.unwrap();
    let mut connection = connect(&postgres).await;
    for (name, value) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("server_encoding", "UTF8"),
        ("password_encryption", "scram-sha-256"),
        ("data_checksums", "on"),
        ("timezone", "UTC"),
    ] {
        assert_eq!(setting(&mut connection, name).await, value, "{name}");
    }
    if cfg!(unix) {
        assert_eq!(setting(&mut connection, "listen_addresses").await, "");
    }
    drop(connection);

    let wrong = postgres
        .url(DATABASE)
        .expose()
        .replacen("postgres:", "postgres:x", 2);
    let refused = PgConnection::connect(&wrong).await.unwrap_err();
    assert!(refused.to_string().contains("password"), "{refused}");
    postgres.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_closed_to_others() {
    use std::os::unix::fs::MetadataExt as _;
    let data = data();
    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    for (name, mode) in [
        ("postgres", 0o700),
        ("postgres-run", 0o700),
        ("postgres-password", 0o600),
        ("postgres.log", 0o600),
    ] {
        let meta = fs::metadata(data.path().join(name)).unwrap();
        assert_eq!(meta.mode() & 0o777, mode, "{name}");
    }
    assert!(!data.path().join("postgres-run/initdb-password").exists());
    let meta = fs::metadata(data.path()).unwrap();
    assert_eq!(
        meta.mode() & 0o067,
        0,
        "at most the server's group passes through"
    );
    let as_root = rustix::process::geteuid().is_root();
    let owner = fs::metadata(data.path().join("postgres")).unwrap().uid();
    assert_ne!(owner, 0);
    assert_eq!(owner != rustix::process::geteuid().as_raw(), as_root);
    postgres.stop().await;
}

#[tokio::test]
async fn listens_on_a_port_when_asked_to() {
    let data = data();
    let options = quick(data.path()).transport(Transport::Tcp);
    let postgres = EmbeddedPostgres::start(options).await.unwrap();
    let url = postgres.url(DATABASE);
    assert_eq!(url.host(), "127.0.0.1");
    let mut connection = connect(&postgres).await;
    assert_eq!(
        setting(&mut connection, "listen_addresses").await,
        "127.0.0.1"
    );
    drop(connection);
    postgres.stop().await;
}

#[tokio::test]
async fn dropping_stops_the_server() {
    let data = data();
    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    write(&postgres).await;
    drop(postgres);
    assert!(!data.path().join("postgres/postmaster.pid").exists());

    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    assert_eq!(kept(&postgres).await, "Ștefan");
    postgres.stop().await;
}

#[tokio::test]
async fn an_ended_server_is_noticed() {
    let data = data();
    let mut postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    let tools = postgres.server_tools();
    let stop = tools.stop_command(&data.path().join("postgres"), "fast", 20);
    assert!(tools.run(stop, "").await.unwrap().status.success());
    let status = postgres.exited().await.unwrap();
    assert!(status.success(), "{status}");
    postgres.stop().await;
}

#[tokio::test]
async fn a_lost_password_is_replaced() {
    let data = data();
    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    write(&postgres).await;
    let url = postgres.url(DATABASE);
    postgres.stop().await;
    fs::remove_file(data.path().join("postgres-password")).unwrap();

    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    assert_ne!(postgres.url(DATABASE), url);
    assert_eq!(kept(&postgres).await, "Ștefan");
    postgres.stop().await;
}

#[tokio::test]
async fn an_interrupted_creation_is_begun_anew() {
    let data = data();
    for folder in ["postgres.new/base", "postgres-run"] {
        fs::create_dir_all(data.path().join(folder)).unwrap();
    }
    fs::write(data.path().join("postgres.new/PG_VERSION"), "15").unwrap();
    fs::write(data.path().join("postgres-run/initdb-password"), "old").unwrap();
    let postgres = EmbeddedPostgres::start(quick(data.path())).await.unwrap();
    assert!(!data.path().join("postgres.new").exists());
    postgres.stop().await;
}

#[tokio::test]
async fn long_and_strange_paths_work() {
    let data = tempfile::tempdir().unwrap();
    let deep = data.path().join(format!("a b,\"c'&é/{}", "x".repeat(90)));
    let before = temporary_folders();
    let options = || quick(&deep);
    let postgres = EmbeddedPostgres::start(options()).await.unwrap();
    write(&postgres).await;
    let folder = PathBuf::from(postgres.url(DATABASE).host());
    assert!(folder.starts_with(std::env::temp_dir()) || cfg!(not(unix)));
    assert!(!before.contains(&folder));
    postgres.stop().await;
    assert!(!folder.exists());

    let left = EmbeddedPostgres::start(options()).await.unwrap();
    let folder = PathBuf::from(left.url(DATABASE).host());
    std::mem::forget(left);
    let postgres = EmbeddedPostgres::start(options()).await.unwrap();
    assert_eq!(kept(&postgres).await, "Ștefan");
    assert!(!folder.exists(), "what the killed run left is removed");
    postgres.stop().await;
}

#[tokio::test]
async fn strange_short_paths_work() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("a b,\"c'&é%2F");
    let postgres = EmbeddedPostgres::start(quick(&folder)).await.unwrap();
    assert_eq!(
        PathBuf::from(postgres.url(DATABASE).host()),
        folder.canonicalize().unwrap().join("postgres-run")
    );
    write(&postgres).await;
    postgres.stop().await;
}

fn temporary_folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(std::env::temp_dir()).unwrap();
    entries.flatten().map(|entry| entry.path()).collect()
}

#[tokio::test]
async fn a_bad_setting_is_explained() {
    let data = data();
    let options = quick(data.path()).setting("no_such_setting", "1");
    let error = EmbeddedPostgres::start(options).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, EmbeddedError::Exited { .. }), "{text}");
    assert!(text.contains("no_such_setting"), "{text}");
    assert!(text.contains("postgres.log"), "{text}");
}

#[tokio::test]
async fn another_version_is_refused() {
    let data = data();
    let cluster = data.path().join("postgres");
    fs::create_dir(&cluster).unwrap();
    fs::write(cluster.join("PG_VERSION"), "9.6\n").unwrap();
    let error = EmbeddedPostgres::start(quick(data.path()))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("was made by PostgreSQL 9, but this machine has PostgreSQL 1"),
        "{text}"
    );
    assert_eq!(
        fs::read_to_string(cluster.join("PG_VERSION")).unwrap(),
        "9.6\n"
    );
}
