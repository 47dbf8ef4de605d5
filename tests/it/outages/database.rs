//! The database goes away, in each of its ways.

use std::time::Duration;

use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::sleep;

use super::stage::{EQUAL, SPLIT, Stage};
use crate::support::db::TestDb;
use crate::support::network::Weather;
use crate::support::proxy::socket_of;
use crate::support::server::OwnServer;

const SHORT: Duration = Duration::from_secs(3);

/// How often somebody is refused a connection until it is taken that there are none.
const REFUSALS: u32 = 20;

/// Fewer than whoever wants some.
const CONNECTIONS: (&str, &str) = ("max_connections", "30");

async fn on(server: &OwnServer) -> Stage {
    Stage::on(TestDb::at(&server.url()), &SPLIT).await
}

#[tokio::test]
async fn the_server_crashes_and_is_started_again() {
    let mut server = OwnServer::start(&[]).await;
    let stage = on(&server).await;
    let crash = async |stage: &Stage| {
        server.stop_immediately().await;
        sleep(SHORT).await;
        server.start_again().await;
        stage.network.leads_to(socket_of(&server.url()));
    };
    stage.through("the server crashed", crash).await;
    stage.finish().await;
}

#[tokio::test]
async fn others_have_all_connections() {
    let server = OwnServer::start(&[CONNECTIONS]).await;
    let stage = on(&server).await;
    let full = async |stage: &Stage| {
        let (mut others, mut refused) = (Vec::new(), 0);
        while refused < REFUSALS {
            if let Ok(conn) = PgConnection::connect(&server.url()).await {
                others.push(conn);
                continue;
            }
            // Those of the bots are next.
            refused += 1;
            stage.network.reset();
            sleep(Duration::from_millis(20)).await;
        }
        sleep(SHORT).await;
    };
    stage.through("no connection was left", full).await;
    stage.finish().await;
}

#[tokio::test]
async fn nothing_can_be_written() {
    let server = OwnServer::start(&[]).await;
    let stage = on(&server).await;
    let pool = stage.db.superuser().await;
    let set = async |value| {
        let alter = format!("alter system set default_transaction_read_only = {value}");
        pool.execute(sqlx::AssertSqlSafe(alter)).await.unwrap();
        pool.execute("select pg_reload_conf()").await.unwrap();
    };
    let read_only = async |_: &Stage| {
        set("on").await;
        sleep(SHORT).await;
        set("off").await;
    };
    stage.through("nothing could be written", read_only).await;
    stage.finish().await;
}

#[tokio::test]
async fn connections_break_and_statements_take_two_seconds() {
    let stage = Stage::new(&SPLIT).await;
    let resets = async |stage: &Stage| {
        for _ in 0..20 {
            stage.network.reset();
            sleep(Duration::from_millis(150)).await;
        }
    };
    stage.through("connections were reset", resets).await;
    let cuts = async |stage: &Stage| {
        // In the middle of whatever is under way, commits too.
        for answers in 1..=12 {
            stage.network.weather(Weather::CutAfter(answers));
            sleep(Duration::from_millis(300)).await;
            stage.network.weather(Weather::Fair);
            sleep(Duration::from_millis(300)).await;
        }
    };
    stage.through("answers were cut off", cuts).await;
    let slow = async |stage: &Stage| {
        stage.network.weather(Weather::Slow(Duration::from_secs(2)));
        sleep(Duration::from_secs(15)).await;
        stage.network.weather(Weather::Fair);
    };
    stage.through("each statement took 2 s", slow).await;
    stage.finish().await;
}

/// Long enough for the server to give up on whoever it has not heard of. There is one process, so that
/// no other does what this one is stuck with.
pub async fn a_black_hole_for_a_minute() {
    let stage = Stage::new(&EQUAL[..1]).await;
    stage.places[0].logs().await;
    let hole = async |stage: &Stage| {
        stage.network.weather(Weather::BlackHole);
        sleep(Duration::from_mins(1)).await;
        stage.network.weather(Weather::Fair);
    };
    stage.through("a black hole for a minute", hole).await;
    stage.log_is_whole(&stage.places[0]).await;
    stage.finish().await;
}
