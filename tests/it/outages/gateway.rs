//! Discord goes away, in each of its ways.

use std::time::Duration;

use fake_discord::{FakeDiscord, Fault};
use tokio::time::sleep;

use super::database::a_black_hole_for_a_minute;
use super::stage::{SPLIT, Stage};

/// How long a bad moment is.
const SHORT: Duration = Duration::from_secs(2);

async fn at_the_gateway(stage: &Stage, what: &str, happens: impl Fn(&FakeDiscord)) {
    let outage = async |stage: &Stage| {
        happens(&stage.discord);
        sleep(SHORT).await;
        stage.discord.connected(SPLIT.len()).await;
    };
    stage.through(what, outage).await;
}

#[tokio::test]
async fn gateway_connections_end_under_load_and_are_resumed_or_begun_anew() {
    let stage = Stage::new(&SPLIT).await;
    at_the_gateway(&stage, "dropped", FakeDiscord::disconnect_gateway).await;
    let connections = stage.discord.connections();
    let resumed = connections.iter().all(|connection| connection.resumed > 0);
    assert!(resumed, "{connections:?}");
    at_the_gateway(&stage, "RECONNECT", FakeDiscord::request_reconnect).await;
    let resumable = |discord: &FakeDiscord| discord.revoke_sessions(true);
    at_the_gateway(&stage, "invalid session, may be resumed", resumable).await;
    let lost = |discord: &FakeDiscord| discord.revoke_sessions(false);
    at_the_gateway(&stage, "invalid session", lost).await;
    at_the_gateway(
        &stage,
        "sessions forgotten",
        FakeDiscord::invalidate_sessions,
    )
    .await;
    stage.finish().await;
}

#[tokio::test]
async fn storms_of_429_and_5xx() {
    let stage = Stage::new(&SPLIT).await;
    let storm = async |stage: &Stage| {
        for global in [true, false, true] {
            let limit = Fault::rate_limit(Duration::from_millis(1500));
            stage
                .discord
                .inject(if global { limit.global() } else { limit });
            sleep(SHORT).await;
        }
        for path in ["/messages", "/callback", "/messages"] {
            let limit = Fault::rate_limit(Duration::from_secs(1));
            stage.discord.inject(limit.on("PATCH", path).times(3));
            let limit = Fault::rate_limit(Duration::from_millis(700));
            stage.discord.inject(limit.on("POST", path).times(3));
            sleep(SHORT).await;
        }
        stage.discord.clear_faults();
    };
    stage.through("429 storms", storm).await;
    let errors = async |stage: &Stage| {
        for method in ["PATCH", "POST", "GET"] {
            stage
                .discord
                .inject(Fault::status(503).on(method, "/").times(30));
            stage
                .discord
                .inject(Fault::hang_up().on(method, "/").times(10));
            let lost = Fault::status(502).on(method, "/").after_effect();
            stage.discord.inject(lost.times(10));
        }
        sleep(SHORT * 3).await;
        stage.discord.clear_faults();
    };
    stage
        .through("5xx, lost answers, closed connections", errors)
        .await;
    stage.finish().await;
}

async fn five_minutes_without_discord() {
    let stage = Stage::new(&SPLIT).await;
    let away = async |stage: &Stage| {
        stage.discord.go_away();
        sleep(Duration::from_mins(5)).await;
        // Discord does not keep a session for so long.
        stage.discord.invalidate_sessions();
        stage.discord.come_back();
        stage.discord.connected(SPLIT.len()).await;
    };
    stage.through("five minutes without Discord", away).await;
    stage.finish().await;
}

/// Together, since they take long and do little.
#[tokio::test]
async fn long_outages() {
    tokio::join!(five_minutes_without_discord(), a_black_hole_for_a_minute());
}
