//! The canonical form written down a second time, from `docs/event-format.md` alone: it takes an
//! event as `to_jsonb` gives it and shares no code with the program.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The hash that an event must have.
pub fn hash(event: &Value) -> String {
    sha256(&format!(
        "{}\n{}",
        event["prev_hash"].as_str().unwrap_or_default(),
        form(event)
    ))
}

/// The canonical form: the keys stand here in the order in which they stand there.
pub fn form(event: &Value) -> String {
    let changes: Vec<_> = list(&event["changes"])
        .enumerate()
        .map(|(at, change)| change_form(event, at, change))
        .collect();
    let overwrote = match &event["overwrote"] {
        Value::Null => "null".to_owned(),
        some => {
            let parts: Vec<_> = list(some)
                .enumerate()
                .map(|(at, one)| overwrote_form(event, at, one))
                .collect();
            format!("[{}]", parts.join(","))
        }
    };
    object(&[
        ("action", json(&event["action"])),
        (
            "actor",
            hidden(event, "/actor_id", &as_text(&event["actor_id"])),
        ),
        ("applied_at", time(&event["applied_at"])),
        ("at", time(&event["at"])),
        ("attribution", json(&event["attribution"])),
        ("changes", format!("[{}]", changes.join(","))),
        ("device_id", json(&event["device_id"])),
        ("guild_id", json(&as_text(&event["guild_id"]))),
        ("op_id", json(&event["op_id"])),
        ("outcome", json(&event["outcome"])),
        ("overwrote", overwrote),
        ("reason", hidden(event, "/reason", &event["reason"])),
        ("seq", json(&event["seq"])),
        ("table_id", json(&event["table_id"])),
        ("undoes", json(&event["undoes"])),
        ("v", "1".to_owned()),
        ("via", json(&event["via"])),
    ])
}

fn change_form(event: &Value, at: usize, change: &Value) -> String {
    let secret = |part: &str| hidden(event, &format!("/changes/{at}/{part}"), &change[part]);
    let mut parts = vec![("after", secret("after")), ("before", secret("before"))];
    if !change["delta"].is_null() {
        parts.push(("delta", json(&change["delta"])));
    }
    parts.push(("field", field(event, &format!("/changes/{at}"), change)));
    if !change["field_id"].is_null() {
        parts.push(("field_id", json(&change["field_id"])));
    }
    parts.extend([("id", json(&change["id"])), ("name", secret("name"))]);
    if !change["requested"].is_null() {
        parts.push(("requested", json(&change["requested"])));
    }
    if change["superseded"] == true {
        parts.push(("superseded", "true".to_owned()));
    }
    parts.push(("what", json(&change["what"])));
    object(&parts)
}

fn overwrote_form(event: &Value, at: usize, one: &Value) -> String {
    let place = format!("/overwrote/{at}");
    let value = hidden(event, &format!("{place}/value"), &one["value"]);
    let mut parts = vec![("field", field(event, &place, one))];
    if !one["field_id"].is_null() {
        parts.push(("field_id", json(&one["field_id"])));
    }
    parts.extend([
        ("id", json(&one["id"])),
        ("seq", json(&one["seq"])),
        ("value", value),
    ]);
    object(&parts)
}

/// As it stands, or hidden where people chose it: then it has a number.
fn field(event: &Value, place: &str, thing: &Value) -> String {
    match thing["field_id"] {
        Value::Null => json(&thing["field"]),
        _ => hidden(event, &format!("{place}/field"), &thing["field"]),
    }
}

/// A text as its commitment; anything else as it is.
fn hidden(event: &Value, pointer: &str, value: &Value) -> String {
    let Value::String(text) = value else {
        return json(value);
    };
    let key = sha256(&format!(
        "{}{pointer}",
        event["salt"].as_str().unwrap_or_default()
    ));
    format!("\"{}\"", sha256(&format!("{key}{text}")))
}

fn sha256(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

fn time(value: &Value) -> String {
    let time: DateTime<Utc> = value
        .as_str()
        .unwrap_or_default()
        .parse()
        .unwrap_or_default();
    time.format("\"%Y-%m-%dT%H:%M:%S%.6fZ\"").to_string()
}

fn as_text(number: &Value) -> Value {
    number.as_i64().map(|number| number.to_string()).into()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn object(parts: &[(&str, String)]) -> String {
    let parts: Vec<_> = parts
        .iter()
        .map(|(key, value)| format!("\"{key}\":{value}"))
        .collect();
    format!("{{{}}}", parts.join(","))
}

/// Null, booleans, whole numbers and texts; there is nothing else in an event.
fn json(value: &Value) -> String {
    let Value::String(text) = value else {
        return value.to_string();
    };
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\u{8}' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\u{c}' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            '\0'..='\u{1f}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted + "\""
}
