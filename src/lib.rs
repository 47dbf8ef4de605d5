//! Punctaj: score tables for Discord communities.
//!
//! Data flows one way:
//!
//! ```text
//! Discord ──> discord/ ──> service/ ──> store/ ──> Postgres
//!             parse, reply  rules, tx    the only
//!                                        SQL
//!                  domain/ : plain types and rules; imported by all, imports none of them
//! ```

// While the discord layer is being written: `cargo check --features wip` includes it, so that
// others can build without it. TEMPORARY.
#[cfg(feature = "wip")]
pub mod app;
#[cfg(feature = "wip")]
pub mod cli;
pub mod config;
#[cfg(feature = "wip")]
pub mod discord;
pub mod domain;
pub mod embedded;
pub mod exchange;
pub mod i18n;
pub mod logging;
pub mod render;
pub mod service;
pub mod store;
