//! The choices with which a bot answers an autocomplete.

use serde_json::Value;

use super::items;
use crate::problem::{Form, Problem};

const CHOICES: usize = 25;
/// Discord's numbers are those of JavaScript.
pub(crate) const LARGEST: i64 = 9_007_199_254_740_992;

pub(crate) const STRING: u64 = 3;
pub(crate) const INTEGER: u64 = 4;
pub(crate) const NUMBER: u64 = 10;

/// Checks the `data` of an autocomplete answer for an option of the given type.
pub(crate) fn check(data: &Value, kind: u64) -> Result<(), Problem> {
    let mut form = Form::default();
    if !data["choices"].is_array() {
        form.required("data.choices");
    }
    let choices = items(data, "choices");
    if choices.len() > CHOICES {
        form.too_long("data.choices", CHOICES);
    }
    for (index, choice) in choices.iter().enumerate() {
        check_choice(&mut form, choice, kind, &format!("data.choices.{index}."));
    }
    form.finish()
}

/// Checks one choice, of a command or of an autocomplete answer.
pub(crate) fn check_choice(form: &mut Form, choice: &Value, kind: u64, at: &str) {
    form.text(at, "name", choice, 1, 100);
    let value = &choice["value"];
    match kind {
        STRING => form.text(at, "value", choice, 1, 100),
        INTEGER if value.as_i64().is_none() => {
            form.add(
                &format!("{at}value"),
                "NUMBER_TYPE_COERCE",
                "Value is not an int.",
            );
        }
        NUMBER if value.as_f64().is_none() => {
            form.add(
                &format!("{at}value"),
                "FLOAT_TYPE_COERCE",
                "Value is not a float.",
            );
        }
        _ => {}
    }
    if value.as_i64().is_some_and(|value| value.abs() > LARGEST) {
        form.add(
            &format!("{at}value"),
            "NUMBER_TYPE_MAX",
            "int value is out of bounds.",
        );
    }
    for (locale, name) in choice["name_localizations"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let count = name.as_str().map_or(0, |name| name.chars().count());
        if !(1..=100).contains(&count) {
            form.bounds(&format!("{at}name_localizations.{locale}"), 1, 100);
        }
    }
}
