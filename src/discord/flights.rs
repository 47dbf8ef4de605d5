//! Interactions that are being worked on, so that a shutdown can wait for them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// Counts what is not answered yet.
#[derive(Debug, Clone)]
pub struct Flights(Arc<watch::Sender<usize>>);

/// One interaction; counted until it is dropped.
#[derive(Debug)]
pub struct Flight(Flights);

impl Default for Flights {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Flights {
    /// One more.
    #[must_use]
    pub fn begin(&self) -> Flight {
        self.0.send_modify(|count| *count += 1);
        Flight(self.clone())
    }

    /// Waits until there are none, but not longer than `patience`. Returns how many are left.
    pub async fn landed(&self, patience: Duration) -> usize {
        let mut count = self.0.subscribe();
        let all = count.wait_for(|count| *count == 0);
        let _ = tokio::time::timeout(patience, all).await;
        *self.0.borrow()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0
            .0
            .send_modify(|count| *count = count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_shutdown_waits_for_what_is_in_flight() {
        let flights = Flights::default();
        assert_eq!(flights.landed(Duration::ZERO).await, 0);
        let flight = flights.begin();
        assert_eq!(flights.landed(Duration::from_millis(5)).await, 1);
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            drop(flight);
        });
        assert_eq!(flights.landed(Duration::from_secs(10)).await, 0);
    }
}
