//! What the tests share: a database each, and services on it.

pub mod app;
pub mod db;
pub mod history;
pub mod network;
pub mod openmetrics;
pub mod proxy;
pub mod replay;
pub mod server;
pub mod wire;
