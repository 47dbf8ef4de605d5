//! The integration tests: one binary, on a real Postgres, and against the stand-in for Discord.

#[cfg(feature = "wip")]
mod cli;
mod core;
#[cfg(feature = "wip")]
mod commands;
#[cfg(feature = "wip")]
mod faults;
#[cfg(feature = "wip")]
mod crash;
mod layering;
mod plans;
mod round_trips;
#[cfg(feature = "wip")]
mod stories;
mod support;
