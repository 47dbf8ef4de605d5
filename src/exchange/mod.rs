//! Files that go out: pure functions from what a service found to bytes.

pub mod events;
mod sheet;
pub mod table;

pub use sheet::disarmed;
