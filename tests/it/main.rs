//! The integration tests: one binary, on a real Postgres, and against the stand-in for Discord.

mod cli;
mod core;
mod commands;
mod faults;
mod crash;
mod layering;
mod plans;
mod round_trips;
mod stories;
mod support;
