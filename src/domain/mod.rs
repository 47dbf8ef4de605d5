//! Plain types and rules. Imported by every layer, imports none of them: no SQL, no Discord, no
//! runtime, no clock.

pub mod access;
pub mod activity;
pub mod canonical;
pub mod entry;
pub mod event;
pub mod field;
pub mod guild;
pub mod ids;
pub mod layout;
pub mod moment;
pub mod name;
pub mod panel;
pub mod past;
pub mod period;
pub mod points;
pub mod rank_role;
pub mod refusal;
pub mod replay;
pub mod session;
pub mod snapshot;
pub mod stamp;
pub mod table;
