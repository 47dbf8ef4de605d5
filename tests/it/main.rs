//! The integration tests: one binary, on a real Postgres, and against the stand-in for Discord.

mod core;
mod plans;
mod round_trips;
#[cfg(feature = "wip")]
mod stories;
mod support;
