//! Outages: real processes under load, while the database, the network, Discord or a process goes
//! away and comes back. What must hold after each is in `stage`: whatever was acknowledged is there
//! exactly once, the history verifies, boards show the last state, nothing hangs, the memory is
//! back to where it was.
//!
//! `PUNCTAJ_OUTAGE_SEED` sets the moments of the kills, `PUNCTAJ_LATENCY_EDITS` over how many edits
//! the way to the board is measured.

mod boards;
mod database;
mod gateway;
mod kills;
mod load;
mod processes;
mod stage;

/// A number of the environment's.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
