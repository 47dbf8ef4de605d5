//! The host's clock. The order of edits does not depend on it, so it is never a failure; but logs and
//! schedules are easier to read where it is right, and TLS fails where it is very wrong.

use chrono::{DateTime, TimeDelta, Utc};

use super::Finding;
use crate::i18n::{Key, Message, keys};

/// How far apart two clocks may be.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

/// What the host's clock says.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this clock itself is what is looked at; nothing is ordered by it"
)]
pub fn host() -> DateTime<Utc> {
    Utc::now()
}

/// By how much the database's clock and Discord's are ahead of the host's, where they told.
#[must_use]
pub fn findings(database: Option<TimeDelta>, discord: Option<TimeDelta>) -> Vec<Finding> {
    let database = database.map(|ahead| finding("clock.database", keys::DIAGNOSE_DATABASE, ahead));
    let discord = discord.map(|ahead| finding("clock.discord", keys::DIAGNOSE_DISCORD, ahead));
    database.into_iter().chain(discord).collect()
}

fn finding(id: &'static str, whose: Key, ahead: TimeDelta) -> Finding {
    let seconds = ahead.num_seconds().abs();
    if ahead.abs() < TOLERANCE {
        return Finding::ok(
            id,
            Message::new(keys::DIAGNOSE_CLOCK_OK).with("whose", whose),
        );
    }
    // The host's is what can be set.
    let side = if ahead > TimeDelta::zero() {
        "behind"
    } else {
        "ahead"
    };
    let message = Message::new(keys::DIAGNOSE_CLOCK_OFF)
        .with("whose", whose)
        .with("count", seconds)
        .with("side", side);
    Finding::warning(id, message, keys::DIAGNOSE_CLOCK_REMEDY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Level;

    #[test]
    fn five_seconds_are_worth_a_word() {
        let level = |ms| findings(Some(TimeDelta::milliseconds(ms)), None)[0].level;
        assert_eq!([level(4_999), level(-4_999)], [Level::Ok; 2]);
        assert_eq!([level(5_000), level(-5_000)], [Level::Warning; 2]);
        assert_eq!(findings(None, None), []);
    }
}
