//! The integration tests: one binary, on a real Postgres, and against the stand-in for Discord.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::print_stdout,
    reason = "what was measured and what processes log is shown where it is asked for, or when a test fails"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests look at the database with statements of their own, and read their environment"
)]

mod access;
mod activities;
mod audit;
mod boards;
mod cli;
mod commands;
mod conflicts;
mod core;
mod crash;
mod devices;
mod diagnose;
mod discord_faults;
mod faults;
mod first_run;
mod health;
mod history;
mod journal;
mod layering;
mod names;
mod notices;
mod outages;
mod panel;
mod periods;
mod plans;
mod rank_roles;
mod round_trips;
mod stories;
mod structure;
mod structure_undo;
mod supabase;
mod support;
mod unseen;
mod view_at;
mod week;
