//! Closes tables as their schedules want. When that is, and that it is done once, is for the service
//! to know: this only asks it to look.

use std::time::Duration;

use tokio::time::timeout;

use crate::service::Services;

/// How often it is looked without having heard of a change.
const POLL: Duration = Duration::from_secs(5);

/// How long it is not looked again, whatever is written.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks, for ever.
pub async fn run(services: Services) {
    let mut bell = services.bell();
    loop {
        if let Err(error) = services.run_schedules().await {
            tracing::debug!(%error, "schedules wait for the database");
        }
        tokio::time::sleep(PAUSE).await;
        // That the time is up is no failure.
        let _ = timeout(POLL, bell.changed()).await;
    }
}
