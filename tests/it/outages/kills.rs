//! `kill -9`, again and again.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::sleep;

use super::number;
use super::stage::{EQUAL, Stage};

const ROUNDS: u32 = 50;

/// How long a process lives at most; its first part is its start.
const LIFE: Duration = Duration::from_millis(1800);

/// People do not wait long for who may be dead.
const PATIENCE: Duration = Duration::from_millis(300);

#[tokio::test]
async fn kill_dash_nine_at_fifty_moments_under_load() {
    let seed = number("PUNCTAJ_OUTAGE_SEED").unwrap_or(0);
    println!("PUNCTAJ_OUTAGE_SEED={seed}");
    let mut moments = StdRng::seed_from_u64(seed);
    let mut stage = Stage::new(&EQUAL[..1]).await;
    let (load, before) = (stage.load(PATIENCE), stage.footprints().await);
    for _ in 0..ROUNDS {
        sleep(moments.random_range(Duration::ZERO..LIFE)).await;
        stage.kill(0).await;
        stage.start(0).await;
    }
    stage.after("fifty kills", load, &before).await;
    stage.finish().await;
}
