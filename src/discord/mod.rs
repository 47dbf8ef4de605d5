//! The Discord layer. It knows neither SQL nor rules, and no sentence that people read: those are
//! in the catalogues.
//!
//! ```text
//! interaction ──> framework (commands) ─┐                          ┌─> views: what a person sees
//!             ──> router (clicks) ──────┤─> commands/* ──> service │
//!             ──> complete (typing)     │        └── Reply/Failure ┴─> answer: within 3 s, deferred
//!                                       └── custom_id: what a button means
//! ```
//!
//! - [`bot`] runs it; [`registration`] makes the command manifest.
//! - A command reads its options ([`commands`]), calls one service, and shows what it returned
//!   through a pure function of [`views`].
//! - [`presence`] knows which kind of client people are signed in on, if Discord tells.
//! - [`notices`] posts what nobody asked for: the log channel; [`boards`] keeps messages up to date
//!   that always show a table; [`rank_roles`] hands out the Discord roles that go with ranks.
//! - [`first_run`] welcomes a guild that the bot joined, and offers the guided set-up.
//! - [`queue`] keeps edits while the database is away, and does them when it is back.
//! - [`errors`] is the one place where a failure becomes an answer and a line in the log.
//!
//! Architecture invariant: no state of a button or menu is in memory; see [`custom_id`].

pub mod answer;
pub mod attempts;
pub mod boards;
pub mod bot;
pub mod commands;
pub mod complete;
pub mod context;
pub mod custom_id;
pub mod delivery;
pub mod diagnose;
pub mod errors;
pub mod first_run;
pub mod flights;
pub mod framework;
pub mod gateway;
pub mod integrations;
pub mod notices;
pub mod people;
pub mod presence;
pub mod queue;
pub mod rank_roles;
pub mod registration;
pub mod reply;
pub mod router;
pub mod schedules;
pub mod templates;
pub mod views;
