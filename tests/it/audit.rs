//! The audit desk: finding events, exporting them, verifying, undoing, and what was refused.

mod desk;
mod filters;
mod refusals;
mod tampering;
mod undo;
