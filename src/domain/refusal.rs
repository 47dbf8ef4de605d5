//! Refused attempts. The first few of a person in a minute are events of their own; the others are
//! counted, and become one event when the minute is over.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};

use super::access::Right;
use super::event::{Event, Outcome};
use super::ids::{OpId, UserId};

/// How many refusals of a person in a minute are events of their own.
pub const OWN_EVENTS: usize = 5;

/// A minute, counted from its first refusal on.
pub const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// Between the count and the rights of several refusals.
const TIMES: &str = " × ";

/// What a refused event tells, as its `reason`: the missing right, or how many attempts there were
/// and the rights that were missing (`7 × audit.view, score.add`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// How many attempts.
    pub count: usize,
    /// Codes of the missing rights.
    pub rights: Vec<String>,
}

impl Refusal {
    /// One attempt.
    #[must_use]
    pub fn of(right: Right) -> Self {
        Self {
            count: 1,
            rights: vec![right.code().to_owned()],
        }
    }

    /// Reads the `reason` of a refused event.
    #[must_use]
    pub fn parse(reason: &str) -> Self {
        let several = reason
            .split_once(TIMES)
            .and_then(|(count, rights)| Some((count.parse().ok()?, rights)));
        let (count, rights) = several.unwrap_or((1, reason));
        Self {
            count,
            rights: rights.split(", ").map(str::to_owned).collect(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count != 1 {
            write!(f, "{}{TIMES}", self.count)?;
        }
        f.write_str(&self.rights.join(", "))
    }
}

/// The right that was missing, if the event is a refused attempt.
#[must_use]
pub fn missing_right(event: &Event) -> Option<Right> {
    let reason = event.reason.as_deref();
    let code = reason.filter(|_| event.outcome == Outcome::Refused)?;
    let code: StrDeserializer<'_, Error> = code.into_deserializer();
    Right::deserialize(code).ok()
}

/// The refusals of a person in one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// When the minute began.
    pub since: DateTime<Utc>,
    /// The operations that were refused.
    pub ops: Vec<OpId>,
    /// The rights that were missing in those beyond the first few.
    pub rights: BTreeSet<String>,
    /// Those beyond the first few are an event by now.
    pub told: bool,
}

/// What becomes of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// It is an event of its own.
    Event,
    /// It is counted.
    Counted,
    /// The same operation was noted before.
    Again,
}

impl Tally {
    /// A minute that begins now, without any refusal yet.
    #[must_use]
    pub const fn new(now: DateTime<Utc>) -> Self {
        Self {
            since: now,
            ops: Vec::new(),
            rights: BTreeSet::new(),
            told: false,
        }
    }

    /// Whether its minute is over.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        now - self.since >= MINUTE
    }

    /// The id of the operation that tells of it: the same whoever does.
    #[must_use]
    pub fn op(&self, user: UserId) -> OpId {
        OpId::new(format!("refusals/{user}/{}", self.since.timestamp_micros()))
    }

    /// What is still to be told of a minute that is over.
    #[must_use]
    pub fn untold(&self) -> Option<Refusal> {
        let count = self.ops.len().saturating_sub(OWN_EVENTS);
        (count > 0 && !self.told).then(|| Refusal {
            count,
            rights: self.rights.iter().cloned().collect(),
        })
    }

    /// Takes in a refusal of this minute, or one that was taken in before.
    pub fn note(&mut self, op: &OpId, right: Right) -> Noted {
        if self.ops.contains(op) {
            return Noted::Again;
        }
        self.ops.push(op.clone());
        if self.ops.len() <= OWN_EVENTS {
            return Noted::Event;
        }
        self.rights.insert(right.code().to_owned());
        Noted::Counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_and_later_ones_are_counted_once_each() {
        let mut tally = Tally::new(DateTime::UNIX_EPOCH);
        for number in 1..=5 {
            let op = OpId::new(number.to_string());
            assert_eq!(tally.note(&op, Right::ScoreAdd), Noted::Event);
            assert_eq!(tally.note(&op, Right::ScoreAdd), Noted::Again);
        }
        assert_eq!(tally.untold(), None);
        let (six, seven) = (OpId::new("6"), OpId::new("7"));
        assert_eq!(tally.note(&six, Right::ScoreAdd), Noted::Counted);
        assert_eq!(tally.note(&seven, Right::AuditView), Noted::Counted);
        assert_eq!(tally.note(&six, Right::ScoreAdd), Noted::Again);
        let told = tally.untold().map(|told| told.to_string());
        assert_eq!(told.as_deref(), Some("2 × audit.view, score.add"));
        let almost = DateTime::UNIX_EPOCH + TimeDelta::seconds(59);
        assert!(!tally.is_over(almost));
        assert!(tally.is_over(almost + TimeDelta::seconds(1)));
    }

    #[test]
    fn what_is_written_is_read() {
        let several = Refusal {
            count: 7,
            rights: vec!["audit.view".to_owned(), "score.add".to_owned()],
        };
        for refusal in [Refusal::of(Right::TableEdit), several] {
            assert_eq!(Refusal::parse(&refusal.to_string()), refusal);
        }
    }
}
