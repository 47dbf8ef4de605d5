//! Hears from Postgres that something was written, by whichever process, and rings for those who
//! keep others up to date. A hint is all it is: whoever is rung for reads what there is, and looks
//! by itself from time to time, so nothing is lost where nothing can be heard.

use std::convert::Infallible;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tokio::time::{sleep, timeout};

use crate::service::Services;
use crate::store::StoreError;

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);

/// After so long without a word it is asked whether the connection still stands: a network that
/// forgot it says nothing.
const QUIET: Duration = Duration::from_secs(15);

/// How long the answer to that may take.
const ANSWERING: Duration = Duration::from_secs(5);

/// Pauses between two connections, with as much again by chance.
const PAUSES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(200))
    .with_factor(2.0)
    .with_max_delay(Duration::from_secs(30))
    .without_max_times()
    .with_jitter();

/// Listens for ever.
pub async fn run(services: Services) {
    let mut pauses = PAUSES.build();
    loop {
        let mut heard = false;
        services.metrics().feed_listening(false);
        let Err(error) = hear(&services, &mut heard).await;
        services.metrics().feed_listening(false);
        if heard {
            tracing::debug!(%error, "the connection that hears of changes is gone; connecting again");
            pauses = PAUSES.build();
        } else {
            tracing::debug!(%error, "changes can't be heard of; looking for them from time to time");
        }
        sleep(pauses.next().unwrap_or(QUIET)).await;
    }
}

/// Listens until the connection fails. What was written while nobody listened is read after each
/// connection.
async fn hear(services: &Services, heard: &mut bool) -> Result<Infallible, StoreError> {
    let late = |_| StoreError::Silent;
    let mut listener = timeout(CONNECTING, services.listen())
        .await
        .map_err(late)??;
    *heard = true;
    services.metrics().feed_listening(true);
    services.ring();
    loop {
        match timeout(QUIET, listener.next()).await {
            Ok(hint) => hint?,
            Err(_) => timeout(ANSWERING, listener.probe()).await.map_err(late)??,
        }
        services.ring();
    }
}
