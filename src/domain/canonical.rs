//! The canonical form of an event and the hash chain over it; `docs/event-format.md` describes
//! both for people who check them with programs of their own.
//!
//! Values that can name a person stand in the canonical form as salted commitments, so that the
//! plain value can be erased later while every hash still verifies.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::event::{Change, Event, Overwrote};

/// What stands before the first event: 64 zeros.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The version of the canonical form, part of it.
const VERSION: u8 = 1;

/// The hash of an event: SHA-256 over `prev_hash` (as its 64 characters), a line feed and the
/// canonical form; lower-case hex.
#[must_use]
pub fn hash(event: &Event) -> String {
    let mut hasher = Sha256::new();
    hasher.update(event.prev_hash.as_bytes());
    hasher.update(b"\n");
    hasher.update(canonical_form(event).as_bytes());
    hex::encode(hasher.finalize())
}

/// JSON with sorted keys and without white space.
#[must_use]
pub fn canonical_form(event: &Event) -> String {
    let salt = event.salt.as_deref().unwrap_or_default();
    let commit = Committer { salt };
    let form = json!({
        "v": VERSION,
        "guild_id": event.guild_id.to_string(),
        "seq": event.seq,
        "op_id": event.op_id,
        "at": time(event.at),
        "applied_at": time(event.applied_at),
        "actor": commit.text("/actor_id", event.actor_id.map(|id| id.to_string()).as_deref()),
        "device_id": event.device_id,
        "attribution": event.attribution,
        "via": event.via,
        "action": event.action,
        "table_id": event.table_id,
        "changes": event.changes.iter().enumerate().map(|(i, c)| commit.change(i, c)).collect::<Vec<_>>(),
        "reason": commit.text("/reason", event.reason.as_deref()),
        "overwrote": event.overwrote.as_ref().map(|list| {
            list.iter().enumerate().map(|(i, o)| commit.overwrote(i, o)).collect::<Vec<_>>()
        }),
        "undoes": event.undoes,
        "outcome": event.outcome,
    });
    sorted(form).to_string()
}

/// UTC with six digits of a second, as the database keeps it.
fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

struct Committer<'a> {
    salt: &'a str,
}

impl Committer<'_> {
    fn change(&self, index: usize, change: &Change) -> Value {
        let at = |part: &str| format!("/changes/{index}/{part}");
        let mut form = json!({
            "what": change.what,
            "id": change.id,
            "name": self.text(&at("name"), change.name.as_deref()),
            "field": change.field,
            "before": self.value(&at("before"), &change.before),
            "after": self.value(&at("after"), &change.after),
        });
        if let Value::Object(map) = &mut form {
            if let Some(number) = &change.field_id {
                // The name of an extra field is free text.
                map.insert("field_id".to_owned(), number.clone().into());
                map.insert(
                    "field".to_owned(),
                    self.text(&at("field"), Some(&change.field)),
                );
            }
            if let Some(requested) = change.requested {
                map.insert("requested".to_owned(), requested.into());
            }
            if let Some(delta) = change.delta {
                map.insert("delta".to_owned(), delta.into());
            }
            if change.superseded {
                map.insert("superseded".to_owned(), true.into());
            }
        }
        form
    }

    fn overwrote(&self, index: usize, overwrote: &Overwrote) -> Value {
        let at = |part: &str| format!("/overwrote/{index}/{part}");
        let mut form = json!({
            "seq": overwrote.seq,
            "id": overwrote.id,
            "field": overwrote.field,
            "value": self.value(&at("value"), &overwrote.value),
        });
        if let (Value::Object(map), Some(number)) = (&mut form, &overwrote.field_id) {
            map.insert("field_id".to_owned(), number.clone().into());
            map.insert(
                "field".to_owned(),
                self.text(&at("field"), Some(&overwrote.field)),
            );
        }
        form
    }

    /// Texts are committed to; numbers, booleans and null name nobody and stay as they are.
    fn value(&self, pointer: &str, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(pointer, Some(text)),
            other => other.clone(),
        }
    }

    /// The key of a commitment depends on its place, so that equal values look different, and
    /// one value's key can be kept when another's is erased.
    fn text(&self, pointer: &str, text: Option<&str>) -> Value {
        let Some(text) = text else { return Value::Null };
        let key = hex::encode(Sha256::digest(format!("{}{pointer}", self.salt)));
        hex::encode(Sha256::digest(format!("{key}{text}"))).into()
    }
}

/// Objects with their keys in byte order, whatever order the JSON library keeps.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(
                pairs
                    .into_iter()
                    .map(|(key, value)| (key, sorted(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
