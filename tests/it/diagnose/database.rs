//! Everything that can be wrong with the database.

use punctaj::embedded::Transport;
use punctaj::store::{self, StoreOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::report::{Report, Setting};

use crate::support::app::until;
use crate::support::db::TestDb;
use crate::support::network::Network;
use crate::support::proxy::socket_of;
use crate::support::server::OwnServer;
use crate::support::wire::{Between, stand_between};

/// The address with another part.
fn changed(url: &str, change: impl FnOnce(&mut url::Url)) -> String {
    let mut url = url::Url::parse(url).unwrap();
    change(&mut url);
    url.to_string()
}

async fn found(url: &str) -> Report {
    Setting::database(url).report().await
}

/// What is found in a database after a statement of its owner's. `NAME` is the database's name.
async fn found_after(statement: &str) -> Report {
    let db = TestDb::new().await;
    let pool = db.superuser().await;
    run(&pool, &db, statement).await;
    found(db.url()).await
}

async fn run(pool: &PgPool, db: &TestDb, statement: &str) {
    let name = name_of(db);
    let statement = statement.replace("NAME", &name);
    pool.execute(AssertSqlSafe(statement)).await.unwrap();
}

fn name_of(db: &TestDb) -> String {
    let url = url::Url::parse(db.url()).unwrap();
    url.path().trim_start_matches('/').to_owned()
}

#[tokio::test]
async fn a_database_as_it_should_be_has_nothing_to_mend() {
    let db = TestDb::new().await;
    let report = found(db.url()).await;
    for id in [
        "database.reachable",
        "database.version",
        "database.tls",
        "database.writable",
        "database.session",
        "database.schema",
        "database.role",
        "database.rights",
        "database.row_security",
        "database.exposure",
        "database.history",
        "database.notify",
        "database.connections",
        "clock.database",
    ] {
        report.says(id, "ok", &[]);
    }
    assert_eq!(report.ill_but(&["discord.token"]), Vec::<String>::new());
}

#[tokio::test]
async fn why_it_can_not_be_reached_is_told_apart() {
    let db = TestDb::new().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap();
    let full = format!("full_{}", db.number());
    let pool = db.superuser().await;
    let make = format!("create role {full} login password 'hemlig-password' connection limit 0");
    run(&pool, &db, &make).await;
    let user = |name: &str| {
        changed(db.url(), |url| {
            url.set_username(name).unwrap();
            url.set_password(Some("hemlig-password")).unwrap();
        })
    };
    // Nobody is let in, for a reason that has no remedy of its own.
    let closed = TestDb::unmigrated().await;
    run(
        &pool,
        &closed,
        "alter database NAME allow_connections false",
    )
    .await;
    let shut = closed.url().to_owned();
    // Without TLS.
    let network = Network::start(socket_of(db.url())).await;
    let through = network.url(db.url());
    let cases = [
        (
            "postgres://u:hemlig-password@127.0.0.1:9/x".into(),
            "host and port",
        ),
        (
            format!("postgres://u:hemlig-password@{silent}/x"),
            "Nobody answers",
        ),
        (
            "postgres://u:hemlig-password@nowhere.invalid/x?sslmode=require".into(),
            "The host has no address",
        ),
        (user("postgres"), "Correct user and password"),
        (user(&full), "connections"),
        (
            changed(db.url(), |url| url.set_path("nothing")),
            "name of the database",
        ),
        (
            changed(&through, |url| url.set_query(Some("sslmode=require"))),
            "sslrootcert",
        ),
        // In another encoding than it should be.
        (
            "postgres://u:hemlig%e4@127.0.0.1:9/x".into(),
            "percent-encoded",
        ),
        (shut.clone(), "what the server says"),
    ];
    let looks = cases.iter().map(|(url, _)| found(url));
    let reports = futures_util::future::join_all(looks).await;
    for (report, (_, remedy)) in reports.iter().zip(&cases) {
        report.says("database.reachable", "failed", &[remedy]);
        assert_eq!(report.check("database.schema"), "");
        assert_eq!(report.check("clock.database"), "");
    }
}

/// A server that answers each start with that error.
async fn refusing(code: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut start = [0; 1024];
            let _ = client.read(&mut start).await;
            let fields = format!("SFATAL\0VFATAL\0C{code}\0Mnot now\0\0");
            let length = i32::try_from(fields.len() + 4).unwrap();
            let message = [&b"E"[..], &length.to_be_bytes(), fields.as_bytes()].concat();
            let _ = client.write_all(&message).await;
        }
    });
    format!("postgres://u:hemlig-password@127.0.0.1:{port}/x?sslmode=disable")
}

#[tokio::test]
async fn a_server_that_starts_or_refuses_for_another_reason() {
    for (code, words) in [
        ("57P03", ["not now", "Wait until the server has started"]),
        ("57P01", ["not now", "Wait until the server has started"]),
        ("XX000", ["not now", "See what the server says"]),
    ] {
        let report = found(&refusing(code).await).await;
        report.says("database.reachable", "failed", &words);
    }
}

#[tokio::test]
async fn a_number_of_connections_that_is_none_keeps_nothing_from_being_looked_at() {
    let db = TestDb::new().await;
    let setting = Setting::database(db.url()).with("PUNCTAJ_DATABASE_POOL", "many");
    let report = setting.report().await;
    report.says("database.schema", "ok", &[]);
    report.says("configuration.database.pool", "failed", &["many"]);
}

#[tokio::test]
async fn a_schema_that_is_missing_old_new_or_broken() {
    let empty = TestDb::unmigrated().await;
    let report = found(empty.url()).await;
    report.says(
        "database.schema",
        "failed",
        &["no schema", "punctaj migrate"],
    );
    report.says("database.notify", "ok", &[]);

    let newest = "(select max(version) from punctaj._sqlx_migrations)";
    let forget = format!("delete from punctaj._sqlx_migrations where version = {newest}");
    let report = found_after(&forget).await;
    report.says(
        "database.schema",
        "warning",
        &["pending", "punctaj migrate"],
    );
    let newer =
        "insert into punctaj._sqlx_migrations values (99990101000000, 'x', now(), true, '', 1)";
    let report = found_after(newer).await;
    report.says("database.schema", "warning", &["99990101000000"]);
    for column in ["checksum = ''", "success = false"] {
        let breaking =
            format!("update punctaj._sqlx_migrations set {column} where version = {newest}");
        let report = found_after(&breaking).await;
        report.says("database.schema", "failed", &["backup"]);
    }
}

/// What is done to a database, and what is said of it: the check, how bad, and of what.
const HARM: &[(&str, &str, &str, &str)] = &[
    (
        "revoke update on punctaj.guilds from punctaj_app",
        "database.rights",
        "failed",
        "update on guilds",
    ),
    (
        "grant update on punctaj.events to punctaj_app",
        "database.rights",
        "warning",
        "update on events",
    ),
    (
        "alter table punctaj.entries disable row level security",
        "database.row_security",
        "failed",
        "entries",
    ),
    (
        "create policy x on punctaj.ranks using (true)",
        "database.row_security",
        "failed",
        "ranks",
    ),
    (
        "grant select on punctaj.entries to public",
        "database.exposure",
        "failed",
        "public: entries",
    ),
    (
        "grant usage on schema punctaj to public",
        "database.exposure",
        "failed",
        "public: punctaj",
    ),
    (
        "grant execute on function punctaj.hint_event() to public",
        "database.exposure",
        "failed",
        "hint_event",
    ),
    (
        "alter table punctaj.events disable trigger events_append_only",
        "database.history",
        "failed",
        "events_append_only",
    ),
    (
        "drop trigger ledger_no_truncate on punctaj.ledger",
        "database.history",
        "failed",
        "ledger_no_truncate",
    ),
    (
        "revoke usage on schema punctaj from punctaj_app",
        "database.rights",
        "failed",
        "usage on punctaj",
    ),
    (
        "revoke execute on function punctaj.table_json(punctaj.tables) from punctaj_app",
        "database.rights",
        "failed",
        "execute on table_json(punctaj.tables)",
    ),
    (
        "drop table punctaj.welcomes",
        "database.rights",
        "failed",
        "select on welcomes",
    ),
    (
        "drop policy ledger_insert on punctaj.ledger",
        "database.row_security",
        "failed",
        "insert on ledger",
    ),
    (
        "alter table punctaj.events disable trigger events_hint",
        "database.triggers",
        "failed",
        "events_hint",
    ),
    (
        "drop trigger ranks_updated_roles on punctaj.ranks",
        "database.triggers",
        "failed",
        "ranks_updated_roles",
    ),
    (
        "alter database NAME set default_transaction_read_only = on",
        "database.writable",
        "failed",
        "primary",
    ),
    (
        "alter database NAME connection limit 4",
        "database.connections",
        "warning",
        "PUNCTAJ_DATABASE_POOL",
    ),
];

#[tokio::test]
async fn rights_that_are_not_as_they_should_be() {
    let looks = HARM.iter().map(|(statement, ..)| found_after(statement));
    let reports = futures_util::future::join_all(looks).await;
    for (report, (statement, id, level, part)) in reports.iter().zip(HARM) {
        report.says(id, level, &[part]);
        let others = report.ill_but(&["discord.token", id]);
        assert_eq!(others, Vec::<String>::new(), "{statement}");
    }
}

#[tokio::test]
async fn the_roles_of_a_rest_api_have_nothing() {
    let db = TestDb::new().await;
    let pool = db.superuser().await;
    db.make_supabase_roles().await;
    run(&pool, &db, "grant usage on schema punctaj to anon").await;
    run(&pool, &db, "grant select on punctaj.events to anon").await;
    let report = found(db.url()).await;
    report.says(
        "database.exposure",
        "failed",
        &["anon: punctaj", "anon: events", "docs/supabase.md"],
    );
}

#[tokio::test]
async fn a_user_that_may_not_work_as_the_bot() {
    let db = TestDb::new().await;
    let pool = db.superuser().await;
    let user = format!("stranger_{}", db.number());
    let make = format!("create role {user} login password 'hemlig-password'");
    run(&pool, &db, &make).await;
    let url = changed(db.url(), |url| {
        url.set_username(&user).unwrap();
        url.set_password(Some("hemlig-password")).unwrap();
    });
    let report = found(&url).await;
    report.says(
        "database.schema",
        "failed",
        &["permission denied", "owns the schema"],
    );
    run(
        &pool,
        &db,
        &format!("grant usage on schema punctaj to {user}"),
    )
    .await;
    run(
        &pool,
        &db,
        &format!("grant select on punctaj._sqlx_migrations to {user}"),
    )
    .await;
    let report = found(&url).await;
    report.says("database.role", "failed", &["grant punctaj_app to"]);
}

#[tokio::test]
async fn a_pooler_of_transactions_is_found_out_by_what_it_does() {
    let db = TestDb::new().await;
    let socket = socket_of(db.url());
    let pooled = stand_between(Between::TransactionPooler, socket, db.url()).await;
    let report = found(&pooled).await;
    report.says(
        "database.session",
        "failed",
        &["session mode", "pool_mode = session"],
    );
    // Nothing that it says about the rest could be believed.
    assert_eq!(report.check("database.schema"), "");
}

/// A certificate for a server of the tests, and its key. Nobody trusts it, so it protects nothing.
const CERTIFICATE: &str = "MIIBmTCCAT6gAwIBAgIUOjxSGNlxWqjvOe+HrbaHgKQIxmkwCgYIKoZIzj0EAwIw\n\
     GDEWMBQGA1UEAwwNcHVuY3RhaiB0ZXN0czAgFw0yNjExMjMxNDEzMjVaGA8yMTI2\n\
     MTAzMDE0MTMyNVowGDEWMBQGA1UEAwwNcHVuY3RhaiB0ZXN0czBZMBMGByqGSM49\n\
     AgEGCCqGSM49AwEHA0IABFQ+JyVealJgDwdRWtEWPy5KGSmrCZ+tnR1Lqd+EtGDZ\n\
     +MdruN/ulFk023sbtyK/JaSucVY4AN6Sr+a/IbdEUeejZDBiMB0GA1UdDgQWBBQS\n\
     vBw/gNTdY1b6Ay+vEncwXeqw3TAfBgNVHSMEGDAWgBQSvBw/gNTdY1b6Ay+vEncw\n\
     Xeqw3TAPBgNVHRMBAf8EBTADAQH/MA8GA1UdEQQIMAaHBH8AAAEwCgYIKoZIzj0E\n\
     AwIDSQAwRgIhAMe4gvUUt5ASnB3NnfcTnnaNVV3hMbUkUl8jUS4nvYfxAiEAq+OK\n\
     ya898Cz3/PcsMA8MIC+zvUE9/XpA1K/RrNK4heY=";
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgX01/lP/DZHiapnkS\n\
     Cor+Frd9LmuU6F6yfr8MMeD1UZOhRANCAARUPiclXmpSYA8HUVrRFj8uShkpqwmf\n\
     rZ0dS6nfhLRg2fjHa7jf7pRZNNt7G7civyWkrnFWOADekq/mvyG3RFHn";

/// Has a server that runs encrypt what it says, with that certificate.
async fn encrypt(server: &OwnServer, conn: &mut PgConnection) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    let cluster = server.cluster();
    let owner = std::fs::metadata(&cluster).unwrap();
    for (name, kind, body) in [
        ("server.crt", "CERTIFICATE", CERTIFICATE),
        ("server.key", "PRIVATE KEY", KEY),
    ] {
        let path = cluster.join(name);
        let armoured = format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n");
        std::fs::write(&path, armoured).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    for statement in ["alter system set ssl = on", "select pg_reload_conf()"] {
        conn.execute(statement).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_of_its_own_is_read_along_with_lacks_the_role_and_stops() {
    let server = OwnServer::start_over(Transport::Tcp, &[("fsync", "off")]).await;
    let options = StoreOptions::new(&server.url(), 1).unwrap();
    store::migrate(&options).await.unwrap();
    let mut conn = PgConnection::connect(&server.url()).await.unwrap();
    // The same machine under an address that nobody takes for it.
    let looked = async |mode: &str| {
        let through = changed(&server.url(), |url| {
            url.set_host(Some("0.0.0.0")).unwrap();
            url.set_query(Some(&format!("sslmode={mode}")));
        });
        let setting = Setting::database(&through);
        let setting = setting.with("PUNCTAJ_DATABASE_INSECURE", "allow");
        setting.report().await
    };
    let remedy = "sslmode=verify-full";
    let report = looked("disable").await;
    report.says("database.tls", "warning", &["not encrypted", remedy]);
    encrypt(&server, &mut conn).await;
    let is_told = async || {
        let report = looked("require").await;
        report.check("database.tls").contains("is not verified")
    };
    until("the server encrypts", is_told).await;
    let report = looked("require").await;
    report.says("database.tls", "warning", &["is not verified", remedy]);
    report.says("database.role", "ok", &[]);

    let drop = "drop owned by punctaj_app; drop role punctaj_app";
    sqlx::raw_sql(drop).execute(&mut conn).await.unwrap();
    let report = found(&server.url()).await;
    report.says("database.role", "failed", &["create role punctaj_app"]);

    // As long as somebody is connected, it only begins to stop.
    let pid = std::fs::read_to_string(server.cluster().join("postmaster.pid")).unwrap();
    let pid: i32 = pid.lines().next().unwrap().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let stops = async || {
        let report = found(&server.url()).await;
        report.check("database.reachable").contains("has started")
    };
    until("it stops", stops).await;
    found(&server.url())
        .await
        .says("database.reachable", "failed", &["shutting down"]);
    conn.close().await.unwrap();
}

#[tokio::test]
async fn notifications_that_can_not_be_tried() {
    let deny = "revoke execute on function pg_catalog.pg_notify(text, text) from public; \
         create role NAME login password 'hemlig-password'; grant punctaj_app to NAME; \
         grant usage on schema punctaj to NAME; \
         grant select on punctaj._sqlx_migrations to NAME";
    let db = TestDb::new().await;
    let pool = db.superuser().await;
    run(&pool, &db, deny).await;
    let url = changed(db.url(), |url| {
        url.set_username(&name_of(&db)).unwrap();
        url.set_password(Some("hemlig-password")).unwrap();
    });
    let report = found(&url).await;
    report.says(
        "database.notify",
        "warning",
        &["could not be tried", "permission denied", "primary"],
    );
}

#[tokio::test]
async fn notifications_that_do_not_arrive() {
    let db = TestDb::new().await;
    let socket = socket_of(db.url());
    let deaf = stand_between(Between::DeafToNotifications, socket, db.url()).await;
    let report = found(&deaf).await;
    report.says("database.notify", "warning", &["did not arrive"]);
    report.says("database.session", "ok", &[]);
    report.says("database.schema", "ok", &[]);
}

/// A server that says something else than it would: names are looked up in another schema first.
const ELSEWHERE: &str = "create schema elsewhere; \
     alter database NAME set search_path = elsewhere, pg_catalog, public;";

#[tokio::test]
async fn a_server_that_is_too_old() {
    let old = "create function elsewhere.current_setting(text) returns text language sql as $$ \
         select case when $1 = 'server_version_num' then '130022' else pg_catalog.current_setting($1) end $$";
    let report = found_after(&format!("{ELSEWHERE} {old}")).await;
    report.says(
        "database.version",
        "failed",
        &["PostgreSQL 13", "14 or newer"],
    );
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_worth_a_warning() {
    for (offset, side) in [("'1 hour'", "behind"), ("'-90 seconds'", "ahead of")] {
        let clock = format!(
            "create function elsewhere.clock_timestamp() returns timestamptz language sql as $$ \
             select pg_catalog.clock_timestamp() + interval {offset} $$"
        );
        let report = found_after(&format!("{ELSEWHERE} {clock}")).await;
        report.says("clock.database", "warning", &[side, "Database", "set-ntp"]);
        assert_eq!(
            report.ill_but(&["discord.token", "clock.database"]),
            Vec::<String>::new()
        );
    }
}
