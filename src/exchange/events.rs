//! Exports of the history. CSV has one line per change, JSON Lines one object per event.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::sheet::{self, disarmed};
use crate::domain::event::Change;
use crate::domain::ids::DeviceId;
use crate::domain::session::Attribution;
use crate::service::Found;

/// The columns of the CSV file.
const COLUMNS: [&str; 20] = [
    "seq",
    "at",
    "applied_at",
    "actor",
    "device_id",
    "platform",
    "attribution",
    "via",
    "action",
    "table",
    "name",
    "field",
    "before",
    "after",
    "delta",
    "reason",
    "outcome",
    "overwrote",
    "undoes",
    "hash",
];

/// One line per change; an event without changes has a line too.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn csv(events: &[Found]) -> Result<Vec<u8>, csv::Error> {
    let header = COLUMNS.map(str::to_owned).to_vec();
    sheet::csv(std::iter::once(header).chain(events.iter().flat_map(lines)))
}

/// One object per event, in which `changes` is a list.
#[must_use]
pub fn jsonl(events: &[Found]) -> Vec<u8> {
    let mut file = Vec::new();
    for found in events {
        file.extend(object(found).to_string().into_bytes());
        file.push(b'\n');
    }
    file
}

fn lines(found: &Found) -> Vec<Vec<String>> {
    let changes = &found.event.changes;
    if changes.is_empty() {
        return vec![line(found, None)];
    }
    changes
        .iter()
        .map(|change| line(found, Some(change)))
        .collect()
}

fn line(found: &Found, change: Option<&Change>) -> Vec<String> {
    let event = &found.event;
    let name = change.and_then(|change| change.name.as_deref());
    vec![
        event.seq.to_string(),
        time(event.at),
        time(event.applied_at),
        optional(event.actor_id),
        text(event.device_id.as_ref().map(DeviceId::as_str)),
        text(found.platform.as_deref()),
        text(event.attribution.map(Attribution::as_str)),
        event.via.as_str().to_owned(),
        event.action.as_str().to_owned(),
        text(found.table.as_deref()),
        text(name),
        text(change.map(|change| change.field.as_str())),
        change
            .map(|change| cell(&change.before))
            .unwrap_or_default(),
        change.map(|change| cell(&change.after)).unwrap_or_default(),
        optional(change.and_then(|change| change.delta)),
        text(event.reason.as_deref()),
        event.outcome.as_str().to_owned(),
        event
            .overwrote
            .as_ref()
            .map(|lost| json!(lost).to_string())
            .unwrap_or_default(),
        optional(event.undoes),
        event.hash.clone(),
    ]
}

fn object(found: &Found) -> Value {
    let event = &found.event;
    json!({
        "seq": event.seq,
        "at": time(event.at),
        "applied_at": time(event.applied_at),
        "actor": event.actor_id.map(|id| id.to_string()),
        "device_id": event.device_id,
        "platform": found.platform,
        "attribution": event.attribution,
        "via": event.via,
        "action": event.action,
        "table": found.table,
        "changes": event.changes.iter().map(change_object).collect::<Vec<_>>(),
        "reason": event.reason,
        "outcome": event.outcome,
        "overwrote": event.overwrote,
        "undoes": event.undoes,
        "hash": event.hash,
    })
}

fn change_object(change: &Change) -> Value {
    json!({
        "what": change.what,
        "name": change.name,
        "field": change.field,
        "before": change.before,
        "after": change.after,
        "delta": change.delta,
    })
}

/// RFC 3339 in UTC, as exact as the database keeps it.
fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn text(text: Option<&str>) -> String {
    text.map(disarmed).unwrap_or_default().into_owned()
}

fn optional(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Numbers are no text: a spreadsheet may take `-5` for what it is.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(value) => disarmed(value).into_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::event::{Action, Event, Outcome, Via, What};
    use crate::domain::ids::{GuildId, OpId, Seq, UserId};

    use super::*;

    fn found(changes: Vec<Change>) -> Found {
        let event = Event {
            guild_id: GuildId::from_db(1),
            seq: Seq(7),
            op_id: OpId::new("70"),
            at: DateTime::from_timestamp(0, 0).unwrap(),
            applied_at: DateTime::from_timestamp_micros(1).unwrap(),
            actor_id: Some(UserId::from_db(42)),
            device_id: None,
            attribution: None,
            via: Via::Direct,
            action: Action::PointsRemove,
            table_id: None,
            changes,
            reason: Some("=1+1".to_owned()),
            overwrote: None,
            undoes: None,
            outcome: Outcome::Applied,
            prev_hash: String::new(),
            hash: "ab".to_owned(),
            salt: None,
        };
        Found {
            event,
            table: Some("B/P".to_owned()),
            platform: None,
            label: None,
            undone_by: None,
            ranks: std::collections::BTreeMap::default(),
        }
    }

    fn change() -> Change {
        let change = Change::new(
            What::Entry,
            "e".to_owned(),
            Some("-Ana, \"x\"".to_owned()),
            "points",
        );
        let mut change = change.before(5).after(0);
        change.delta = Some(-5);
        change
    }

    #[test]
    fn csv_has_a_line_per_change() {
        let file = csv(&[found(vec![change(), change()]), found(Vec::new())]).unwrap();
        let file = String::from_utf8(file).unwrap();
        let lines: Vec<_> = file.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].starts_with("seq,at,applied_at,actor,device_id"));
        assert_eq!(
            lines[1],
            "7,1970-01-01T00:00:00.000000Z,1970-01-01T00:00:00.000001Z,42,,,,direct,points.remove,B/P,\
             \"'-Ana, \"\"x\"\"\",points,5,0,-5,'=1+1,applied,,,ab"
        );
    }

    #[test]
    fn jsonl_has_an_object_per_event() {
        let file = String::from_utf8(jsonl(&[found(vec![change()]), found(Vec::new())])).unwrap();
        let objects: Vec<Value> = file
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(objects.len(), 2);
        assert_eq!(
            objects[0]["changes"],
            json!([{
                "what": "entry", "name": "-Ana, \"x\"", "field": "points", "before": 5, "after": 0, "delta": -5
            }])
        );
        assert_eq!(objects[0]["actor"], "42");
        assert_eq!(objects[0]["reason"], "=1+1");
    }
}
