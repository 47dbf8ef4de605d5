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

pub mod app;
pub mod cli;
pub mod config;
pub mod diagnose;
pub mod discord;
pub mod domain;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod exchange;
pub mod feed;
pub mod http;
pub mod i18n;
pub mod journal;
pub mod logging;
pub mod metrics;
pub mod render;
pub mod service;
pub mod store;
