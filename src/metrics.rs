//! What the bot's parts count and time as they work, for whoever watches the process. What can be asked
//! for at any moment is not kept here: `http/metrics.rs` asks for it at each scrape.
//!
//! One [`Metrics`] a bot, made in `app`: there is no global one, so several bots in a process stay
//! apart. Labels are names of the program's own, never what people wrote, and there are as many
//! of them as there are commands and buttons.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// What each name begins with, save those of the process, which other programs have too.
pub const PREFIX: &str = "punctaj";

/// Upper bounds for answers, in seconds. What is not done after 1.5 s is deferred; Discord waits 3 s.
const ANSWERS: [f64; 10] = [0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 2.0, 2.5, 3.0];

/// Upper bounds for round trips to the database, in seconds: from a socket to another continent.
const ROUND_TRIPS: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
];

/// How an interaction ended. Where several things happened, the last of them in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was done and answered.
    Ok,
    /// It waits for the database.
    Queued,
    /// What was asked for can't be done, and its person was told why.
    Refused,
    /// Another process answered it, or an earlier try of this one.
    Elsewhere,
    /// Discord did not take the answer, or its word on that was lost.
    Undelivered,
    /// The database could not be reached.
    Unreachable,
    /// A bug, or something that should not have happened.
    Failed,
}

impl Outcome {
    /// As the metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Queued => "queued",
            Self::Refused => "refused",
            Self::Elsewhere => "elsewhere",
            Self::Undelivered => "undelivered",
            Self::Unreachable => "unreachable",
            Self::Failed => "failed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Command {
    command: Cow<'static, str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    command: Cow<'static, str>,
    outcome: &'static str,
}

/// What is counted and timed.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    interactions: Family<Ended, Counter>,
    answers: Family<Command, Histogram, fn() -> Histogram>,
    round_trips: Histogram,
    feed_listening: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix(PREFIX),
            interactions: Family::default(),
            answers: Family::new_with_constructor(|| Histogram::new(ANSWERS)),
            round_trips: Histogram::new(ROUND_TRIPS),
            feed_listening: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "build",
            "The program that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register(
            "interactions",
            "Interactions that ended, by command (or kind of button or form) and outcome",
            self.interactions.clone(),
        );
        registry.register_with_unit(
            "interaction_duration",
            "From the arrival of an interaction until Discord took its first answer, a deferral included; \
             of autocomplete, until the choices were found",
            Unit::Seconds,
            self.answers.clone(),
        );
        registry.register_with_unit(
            "database_round_trip",
            "One empty message to the database and back, on a connection in hand: before background \
             work, for readiness and at each scrape",
            Unit::Seconds,
            self.round_trips.clone(),
        );
        registry.register(
            "feed_listening",
            "Whether a connection hears what other processes write; without, the bot looks every 5 seconds",
            self.feed_listening.clone(),
        );
    }

    /// An interaction that came. `command` is a name of the program's own.
    #[must_use]
    pub fn interaction(self: &Arc<Self>, command: impl Into<Cow<'static, str>>) -> Interaction {
        Interaction {
            metrics: Arc::clone(self),
            command: Command {
                command: command.into(),
            },
            outcome: Mutex::default(),
        }
    }

    /// So long took one round trip to the database.
    pub fn round_trip(&self, took: Duration) {
        self.round_trips.observe(took.as_secs_f64());
    }

    /// Whether the feed hears of what others write.
    pub fn feed_listening(&self, listening: bool) {
        self.feed_listening.set(listening.into());
    }

    /// Writes them down in the text format of `OpenMetrics`, without its end.
    ///
    /// # Errors
    /// If `text` refuses it.
    pub fn write(&self, text: &mut impl fmt::Write) -> fmt::Result {
        encode_registry(text, &self.registry)
    }
}

/// An interaction on its way. It is counted once, when this is dropped; what nobody saw end was not
/// delivered.
#[derive(Debug)]
pub struct Interaction {
    metrics: Arc<Metrics>,
    command: Command,
    outcome: Mutex<Option<Outcome>>,
}

impl Interaction {
    /// The first answer was there after that time.
    pub fn answered(&self, after: Duration) {
        let answers = self.metrics.answers.get_or_create(&self.command);
        answers.observe(after.as_secs_f64());
    }

    /// It ended so, unless it ends worse.
    pub fn ended(&self, outcome: Outcome) {
        let mut noted = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        *noted = (*noted).max(Some(outcome));
    }
}

impl Drop for Interaction {
    fn drop(&mut self) {
        let outcome = self
            .outcome
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let ended = Ended {
            command: std::mem::take(&mut self.command.command),
            outcome: outcome.unwrap_or(Outcome::Undelivered).as_str(),
        };
        self.metrics.interactions.get_or_create(&ended).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(metrics: &Metrics) -> String {
        let mut text = String::new();
        metrics.write(&mut text).unwrap();
        text
    }

    #[test]
    fn an_interaction_counts_once_as_the_worst_that_happened() {
        let metrics = Arc::new(Metrics::default());
        let cases: [(&[Outcome], &str); 5] = [
            (&[], "undelivered"),
            (&[Outcome::Ok], "ok"),
            (&[Outcome::Refused, Outcome::Ok], "refused"),
            (&[Outcome::Refused, Outcome::Undelivered], "undelivered"),
            (&[Outcome::Failed, Outcome::Undelivered], "failed"),
        ];
        for (number, (outcomes, _)) in cases.iter().enumerate() {
            let interaction = metrics.interaction(format!("case {number}"));
            outcomes
                .iter()
                .for_each(|outcome| interaction.ended(*outcome));
        }
        let text = written(&metrics);
        for (number, (_, outcome)) in cases.iter().enumerate() {
            let line = format!(
                "punctaj_interactions_total{{command=\"case {number}\",outcome=\"{outcome}\"}} 1\n"
            );
            assert!(text.contains(&line), "{line} is not in:\n{text}");
        }
        assert_eq!(
            text.matches("punctaj_interactions_total{").count(),
            cases.len()
        );
    }

    #[test]
    fn two_bots_in_a_process_stay_apart() {
        let (one, other) = (Arc::new(Metrics::default()), Metrics::default());
        one.round_trip(Duration::from_millis(3));
        assert!(written(&one).contains("punctaj_database_round_trip_seconds_count 1\n"));
        assert!(written(&other).contains("punctaj_database_round_trip_seconds_count 0\n"));
    }
}
