//! Identifiers as Discord makes them: 42 bits of milliseconds since 2015, then 22 bits of counter.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};

/// The first second of 2015, in milliseconds of the Unix clock.
const DISCORD_EPOCH: u64 = 1_420_070_400_000;
const COUNTER_BITS: u32 = 22;

/// Hands out unique identifiers, increasing unless the moment is pinned.
#[derive(Debug, Default)]
pub(crate) struct Snowflakes {
    last: AtomicU64,
    pinned: AtomicU64,
}

impl Snowflakes {
    /// An identifier of this moment, larger than every one before.
    pub(crate) fn next(&self) -> u64 {
        let floor = first_of(now());
        let step = |last: u64| Some(floor.max(last + 1));
        let (Ok(last) | Err(last)) =
            self.last
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        floor.max(last + 1)
    }

    /// A unique identifier that says `at`.
    pub(crate) fn at(&self, at: DateTime<Utc>) -> u64 {
        let counter = self.pinned.fetch_add(1, Ordering::Relaxed);
        // The upper half of the counter is kept for pinned identifiers.
        let half = 1 << (COUNTER_BITS - 1);
        first_of(at) | half | (counter % half)
    }
}

/// Discord's own clock.
#[expect(
    clippy::disallowed_methods,
    reason = "this is Discord's clock, from which the bot takes its time"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The smallest identifier of a moment.
fn first_of(at: DateTime<Utc>) -> u64 {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    millis.saturating_sub(DISCORD_EPOCH) << COUNTER_BITS
}

/// The moment an identifier was made.
pub(crate) fn moment(id: u64) -> DateTime<Utc> {
    let millis = (id >> COUNTER_BITS) + DISCORD_EPOCH;
    i64::try_from(millis)
        .ok()
        .and_then(DateTime::from_timestamp_millis)
        .unwrap_or_default()
}

/// The moment of an identifier, written as Discord does.
pub(crate) fn timestamp(id: u64) -> String {
    moment(id).to_rfc3339()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_increase_and_remember_their_moment() {
        let ids = Snowflakes::default();
        let made: Vec<u64> = (0..1000).map(|_| ids.next()).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        let at = DateTime::from_timestamp_millis(1_700_000_000_123).unwrap();
        assert_eq!(moment(ids.at(at)), at);
        assert_ne!(ids.at(at), ids.at(at));
    }
}
