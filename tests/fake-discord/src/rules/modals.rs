//! Modals: rows of one text input each.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    components::{ROW, TEXT_INPUT, unique_id},
    items,
};
use crate::problem::{Form, Problem};

const ROWS: usize = 5;
const INPUT: u64 = 4000;

/// Checks the `data` of a modal.
pub(crate) fn check(data: &Value) -> Result<(), Problem> {
    let mut form = Form::default();
    form.text("data.", "title", data, 1, 45);
    form.text("data.", "custom_id", data, 1, 100);
    let rows = items(data, "components");
    if rows.is_empty() || rows.len() > ROWS {
        form.bounds("data.components", 1, ROWS);
    }
    let mut ids = HashSet::new();
    for (index, row) in rows.iter().enumerate() {
        let at = format!("data.components.{index}");
        let inputs = items(row, "components");
        if row["type"] != ROW || inputs.len() != 1 {
            form.bounds(&format!("{at}.components"), 1, 1);
        }
        for (index, input) in inputs.iter().enumerate() {
            let at = format!("{at}.components.{index}.");
            check_input(&mut form, input, &at);
            unique_id(&mut form, &mut ids, input, &at);
        }
    }
    form.finish()
}

fn check_input(form: &mut Form, input: &Value, at: &str) {
    if input["type"] != TEXT_INPUT {
        form.add(
            &format!("{at}type"),
            "UNION_TYPE_CHOICES",
            "Value of field \"type\" must be one of (4,).",
        );
        return;
    }
    form.text(at, "custom_id", input, 1, 100);
    form.text(at, "label", input, 1, 45);
    form.text(at, "placeholder", input, 0, 100);
    if !matches!(input["style"].as_u64(), Some(1 | 2)) {
        form.add(
            &format!("{at}style"),
            "BASE_TYPE_CHOICES",
            "Value must be one of {1, 2}.",
        );
    }
    check_lengths(form, input, at);
}

fn check_lengths(form: &mut Form, input: &Value, at: &str) {
    let least = input["min_length"].as_u64().unwrap_or(0);
    let most = input["max_length"].as_u64().unwrap_or(INPUT);
    if least > INPUT {
        form.add(
            &format!("{at}min_length"),
            "NUMBER_TYPE_MAX",
            "int value should be less than or equal to 4000.",
        );
    }
    if !(1..=INPUT).contains(&most) {
        form.add(
            &format!("{at}max_length"),
            "NUMBER_TYPE_MAX",
            "int value should be between 1 and 4000.",
        );
    }
    if least > most {
        form.add(
            &format!("{at}min_length"),
            "TEXT_INPUT_MIN_LENGTH_TOO_LARGE",
            "min_length cannot be larger than max_length",
        );
    }
    if input["value"].is_string() {
        let most = usize::try_from(most.min(INPUT)).unwrap_or(usize::MAX);
        form.text(at, "value", input, 0, most);
    }
}
