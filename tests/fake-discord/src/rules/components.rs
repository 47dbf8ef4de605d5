//! Buttons and selects in messages.

use std::collections::HashSet;

use serde_json::Value;

use super::{items, length};
use crate::problem::Form;

const ROWS: usize = 5;
const BUTTONS: usize = 5;
const OPTIONS: usize = 25;

pub(crate) const ROW: u64 = 1;
pub(crate) const BUTTON: u64 = 2;
pub(crate) const STRING_SELECT: u64 = 3;
pub(crate) const TEXT_INPUT: u64 = 4;
pub(crate) const USER_SELECT: u64 = 5;
pub(crate) const ROLE_SELECT: u64 = 6;
pub(crate) const MENTIONABLE_SELECT: u64 = 7;
pub(crate) const CHANNEL_SELECT: u64 = 8;
const LINK: u64 = 5;
const PREMIUM: u64 = 6;

/// Checks the rows of a message.
pub(crate) fn check(form: &mut Form, body: &Value, at: &str) {
    let rows = items(body, "components");
    if rows.len() > ROWS {
        form.bounds(&format!("{at}components"), 1, ROWS);
    }
    let mut ids = HashSet::new();
    for (index, row) in rows.iter().enumerate() {
        let at = format!("{at}components.{index}");
        if row["type"] != ROW {
            form.add(
                &format!("{at}.type"),
                "UNION_TYPE_CHOICES",
                "Value of field \"type\" must be one of (1,).",
            );
            continue;
        }
        check_row(form, row, &at);
        for (index, component) in items(row, "components").iter().enumerate() {
            let at = format!("{at}.components.{index}.");
            check_component(form, component, &at);
            unique_id(form, &mut ids, component, &at);
        }
    }
}

fn check_row(form: &mut Form, row: &Value, at: &str) {
    let components = items(row, "components");
    let path = format!("{at}.components");
    let others = components
        .iter()
        .filter(|found| found["type"] != BUTTON)
        .count();
    if components.is_empty() || components.len() > BUTTONS {
        form.bounds(&path, 1, BUTTONS);
    } else if others > 0 && components.len() > 1 {
        let why = "The specified component exceeds the maximum width";
        form.add(&path, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", why);
    }
}

/// No two components of one message may have the same identifier.
pub(crate) fn unique_id<'a>(
    form: &mut Form,
    ids: &mut HashSet<&'a str>,
    component: &'a Value,
    at: &str,
) {
    if let Some(id) = component["custom_id"].as_str()
        && !ids.insert(id)
    {
        let why = "Component custom id cannot be duplicated";
        form.add(
            &format!("{at}custom_id"),
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            why,
        );
    }
}

fn check_component(form: &mut Form, component: &Value, at: &str) {
    match component["type"].as_u64() {
        Some(BUTTON) => button(form, component, at),
        Some(STRING_SELECT) => {
            select(form, component, at);
            options(form, component, at);
        }
        Some(kind @ 5..=8) => {
            select(form, component, at);
            defaults(form, component, kind, at);
        }
        _ => form.add(
            &format!("{at}type"),
            "UNION_TYPE_CHOICES",
            "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8).",
        ),
    }
}

fn button(form: &mut Form, button: &Value, at: &str) {
    form.text(at, "label", button, 0, 80);
    let style = button["style"].as_u64();
    match style {
        Some(1..=4) => {
            form.text(at, "custom_id", button, 1, 100);
            forbid(form, button, at, "url");
        }
        Some(LINK) => {
            link(form, button, at);
            forbid(form, button, at, "custom_id");
        }
        Some(PREMIUM) => form.text(at, "sku_id", button, 1, 20),
        _ => form.add(
            &format!("{at}style"),
            "BASE_TYPE_CHOICES",
            "Value must be one of {1, 2, 3, 4, 5, 6}.",
        ),
    }
    let shows = length(&button["label"]) > 0 || button["emoji"].is_object();
    if !shows && style != Some(PREMIUM) {
        let why = "A button must have a label or an emoji";
        form.add(
            &format!("{at}label"),
            "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED",
            why,
        );
    }
    emoji(form, button, at);
}

fn link(form: &mut Form, button: &Value, at: &str) {
    form.text(at, "url", button, 1, 512);
    let url = button["url"].as_str().unwrap_or_default();
    let scheme = ["http://", "https://", "discord://"];
    if !url.is_empty() && !scheme.iter().any(|scheme| url.starts_with(scheme)) {
        let why = "Scheme must be one of ('discord', 'http', 'https').";
        form.add(&format!("{at}url"), "URL_TYPE_INVALID_SCHEME", why);
    }
}

fn forbid(form: &mut Form, component: &Value, at: &str, name: &str) {
    if !component[name].is_null() {
        let why = format!("A button of this style cannot have a {name}");
        form.add(
            &format!("{at}{name}"),
            "BUTTON_COMPONENT_INVALID_FIELD",
            &why,
        );
    }
}

/// A Unicode emoji is no word: letters in its place are refused.
fn emoji(form: &mut Form, component: &Value, at: &str) {
    let emoji = &component["emoji"];
    if !emoji.is_object() || !emoji["id"].is_null() {
        return;
    }
    let name = emoji["name"].as_str().unwrap_or_default();
    if name.is_empty() || name.chars().all(char::is_alphabetic) {
        form.add(
            &format!("{at}emoji.name"),
            "COMPONENT_INVALID_EMOJI",
            "Invalid emoji",
        );
    }
}

fn select(form: &mut Form, select: &Value, at: &str) {
    form.text(at, "custom_id", select, 1, 100);
    form.text(at, "placeholder", select, 0, 150);
    let least = select["min_values"].as_u64().unwrap_or(1);
    let most = select["max_values"].as_u64().unwrap_or(1);
    if least > 25 {
        form.add(
            &format!("{at}min_values"),
            "NUMBER_TYPE_MAX",
            "int value should be less than or equal to 25.",
        );
    }
    if !(1..=25).contains(&most) {
        form.add(
            &format!("{at}max_values"),
            "NUMBER_TYPE_MAX",
            "int value should be between 1 and 25.",
        );
    }
    if least > most {
        form.add(
            &format!("{at}min_values"),
            "SELECT_COMPONENT_MIN_VALUES_TOO_LARGE",
            "min_values cannot be larger than max_values",
        );
    }
}

/// What a menu of people, roles or channels shows as chosen: of its kind, and no more than it takes.
fn defaults(form: &mut Form, select: &Value, kind: u64, at: &str) {
    if select["options"].is_array() {
        let why = "options are only for string selects";
        form.add(
            &format!("{at}options"),
            "SELECT_COMPONENT_INVALID_FIELD",
            why,
        );
    }
    if kind != CHANNEL_SELECT && select["channel_types"].is_array() {
        let why = "channel_types are only for channel selects";
        let at = format!("{at}channel_types");
        form.add(&at, "SELECT_COMPONENT_INVALID_FIELD", why);
    }
    let defaults = items(select, "default_values");
    let least = select["min_values"].as_u64().unwrap_or(1);
    let most = select["max_values"].as_u64().unwrap_or(1);
    let count = u64::try_from(defaults.len()).unwrap_or(u64::MAX);
    if count > 0 && !(least..=most).contains(&count) {
        let why = "default_values must be between min_values and max_values";
        let at = format!("{at}default_values");
        form.add(&at, "SELECT_COMPONENT_DEFAULT_VALUES_INVALID", why);
    }
    for (index, default) in defaults.iter().enumerate() {
        let fits = match default["type"].as_str() {
            Some("user") => matches!(kind, USER_SELECT | MENTIONABLE_SELECT),
            Some("role") => matches!(kind, ROLE_SELECT | MENTIONABLE_SELECT),
            Some("channel") => kind == CHANNEL_SELECT,
            _ => false,
        };
        if !fits {
            form.add(
                &format!("{at}default_values.{index}.type"),
                "BASE_TYPE_CHOICES",
                "This kind of value cannot be chosen here.",
            );
        }
    }
}

fn options(form: &mut Form, select: &Value, at: &str) {
    let options = items(select, "options");
    if options.is_empty() || options.len() > OPTIONS {
        form.bounds(&format!("{at}options"), 1, OPTIONS);
    }
    let most = select["max_values"].as_u64().unwrap_or(1);
    if most > u64::try_from(options.len()).unwrap_or(u64::MAX) {
        form.add(
            &format!("{at}max_values"),
            "SELECT_COMPONENT_MAX_VALUES_TOO_LARGE",
            "max_values cannot exceed the number of options",
        );
    }
    let defaults = options
        .iter()
        .filter(|option| option["default"] == true)
        .count();
    if u64::try_from(defaults).unwrap_or(u64::MAX) > most {
        form.add(
            &format!("{at}options"),
            "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES",
            "More options are selected than max_values allows",
        );
    }
    let mut values = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        let at = format!("{at}options.{index}.");
        form.text(&at, "label", option, 1, 100);
        form.text(&at, "value", option, 1, 100);
        form.text(&at, "description", option, 0, 100);
        emoji(form, option, &at);
        if !values.insert(option["value"].as_str().unwrap_or_default()) {
            form.add(
                &format!("{at}value"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            );
        }
    }
}
