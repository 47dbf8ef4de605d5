//! What the tests share: a database each, and services on it.

#[cfg(feature = "wip")]
pub mod app;
pub mod db;
pub mod proxy;
