//! What Discord refuses although the description of its API does not say so.

pub(crate) mod choices;
pub(crate) mod commands;
pub(crate) mod components;
pub(crate) mod messages;
pub(crate) mod modals;

use serde_json::Value;

/// The items of an array, none if it is missing or something else.
fn items<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map_or(&[], Vec::as_slice)
}

/// The length of a text as Discord counts it.
fn length(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.trim().chars().count())
}
