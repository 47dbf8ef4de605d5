//! Text for people, laid out by display width: diacritics, emoji and CJK count as they are seen.
//!
//! - [`width()`], [`truncate`], [`clip`] and [`pad`] measure and fit a line of text;
//! - [`escape`] makes text from users harmless in Discord's markdown, [`code_safe`] in code blocks;
//! - [`wide`] and [`phone`] lay out a [`TableView`] for a PC and for a phone.
//!
//! All of it is pure. A table's cells may hold any text; other text is escaped by whoever knows
//! where it goes: buttons, menus and autocomplete show markdown as it is and take it unescaped.

mod escape;
mod table;
mod width;

pub use escape::{code_safe, escape};
pub use table::{Column, Fit, PHONE_COLUMNS, Rendered, TableView, phone, wide};
pub use width::{Align, clip, length, pad, truncate, width};
