//! What the real binary tells about itself over HTTP.

use std::time::Duration;

use fake_discord::FakeDiscord;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::net::TcpListener;

use crate::support::app::{Process, command};
use crate::support::db::TestDb;

/// Where nobody listens.
const NOWHERE: &str = "127.0.0.1:9";

const GATEWAY: &str = "Discord's gateway is not connected";
const DATABASE: &str = "the database does not answer";

/// The status and body of an answer.
async fn ask(address: &str, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{address}{path}")).await;
    let answer = answer.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Asks until the bot says just this about its readiness.
async fn says(address: &str, status: u16, text: &str) {
    let expected = (status, format!("{text}\n"));
    let asking = async {
        while ask(address, "/readyz").await != expected {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let said = tokio::time::timeout(Duration::from_mins(1), asking).await;
    assert!(said.is_ok(), "{expected:?} was never said");
}

/// Lets nobody into a database any more, or everybody again.
async fn open(admin: &PgPool, database: &str, open: bool) {
    let alter = format!("alter database {database} allow_connections {open}");
    sqlx::query(AssertSqlSafe(alter))
        .execute(admin)
        .await
        .unwrap();
    if !open {
        sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1")
            .bind(database)
            .execute(admin)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn ready_while_the_gateway_is_connected_and_the_database_answers() {
    let (db, discord) = (TestDb::new().await, FakeDiscord::start().await.unwrap());
    let (bot, address) = Process::with_health(discord.url(), discord.token(), db.url()).await;
    says(&address, 200, "ready").await;
    assert_eq!(ask(&address, "/healthz").await, (200, "alive\n".to_owned()));
    for path in ["/", "/metrics", "/healthz/x"] {
        assert_eq!(ask(&address, path).await.0, 404, "{path}");
    }

    let mut url = url::Url::parse(db.url()).unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    url.set_path("postgres");
    let admin = PgPool::connect(url.as_str()).await.unwrap();
    open(&admin, &name, false).await;
    says(&address, 503, &format!("not ready: {DATABASE}")).await;
    assert_eq!(ask(&address, "/healthz").await.0, 200);
    open(&admin, &name, true).await;
    says(&address, 200, "ready").await;

    discord.stop().await;
    says(&address, 503, &format!("not ready: {GATEWAY}")).await;
    assert_eq!(ask(&address, "/healthz").await.0, 200);
    assert_eq!(bot.terminate().await, Some(0));
    assert!(
        reqwest::get(format!("http://{address}/healthz"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn alive_but_not_ready_while_nothing_can_be_reached() {
    let discord = FakeDiscord::start().await.unwrap();
    let database = format!("postgres://u:p@{NOWHERE}/x");
    let (bot, address) = Process::with_health(discord.url(), discord.token(), &database).await;
    says(&address, 503, &format!("not ready: {DATABASE}")).await;
    assert_eq!(ask(&address, "/healthz").await.0, 200);
    assert_eq!(bot.terminate().await, Some(0));
    discord.stop().await;

    let nowhere = format!("http://{NOWHERE}");
    let (bot, address) = Process::with_health(&nowhere, "a.b.c", &database).await;
    says(&address, 503, &format!("not ready: {GATEWAY}, {DATABASE}")).await;
    assert_eq!(ask(&address, "/healthz").await.0, 200);
    assert_eq!(bot.terminate().await, Some(0));
}

#[tokio::test]
async fn an_address_that_is_taken_ends_the_program_with_a_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let output = command()
        .arg("run")
        .env("DISCORD_TOKEN", "a.b.c")
        .env(
            "PUNCTAJ_DATABASE_URL",
            format!("postgres://u:p@{NOWHERE}/x"),
        )
        .env("PUNCTAJ_DATA_DIR", data.path())
        .env("PUNCTAJ_HTTP_ADDR", &address)
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in ["PUNCTAJ_HTTP_ADDR", &address, "in use"] {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}
