//! Exports of the history. CSV has one line per change, JSON Lines one object per event.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::sheet::{self, disarmed};
use crate::domain::event::Change;
use crate::domain::ids::{DeviceId, Seq};
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

/// The kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One line per change; an event without changes has a line too.
    Csv,
    /// One object per event, in which `changes` is a list.
    JsonLines,
}

impl Format {
    /// The word for it, which is also how the names of its files end.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    /// The one of that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Csv, Self::JsonLines]
            .into_iter()
            .find(|format| format.as_str() == text)
    }
}

/// A file, and which events are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its content.
    pub bytes: Vec<u8>,
    /// The first event, if there is one.
    pub first: Option<Seq>,
    /// The last event.
    pub last: Option<Seq>,
}

/// Why an event is in no file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Alone it is more than a file may hold.
    #[error("an event takes {bytes} bytes of {limit}")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long a file may be.
        limit: usize,
    },
    /// None in practice: it is written to memory.
    #[error(transparent)]
    Csv(#[from] csv::Error),
}

/// Writes events into files, one after the other. Each file is complete by itself.
#[derive(Debug)]
pub struct Files {
    format: Format,
    limit: usize,
    current: File,
}

impl Files {
    /// Files of at most so many bytes.
    ///
    /// # Errors
    /// None in practice: they are written to memory.
    pub fn new(format: Format, limit: usize) -> Result<Self, FileError> {
        Ok(Self {
            format,
            limit,
            current: empty(format)?,
        })
    }

    /// Adds an event. What it does not fit into is returned, full.
    ///
    /// # Errors
    /// It fits into no file.
    pub fn add(&mut self, found: &Found) -> Result<Option<File>, FileError> {
        let written = match self.format {
            Format::Csv => sheet::csv(lines(found))?,
            Format::JsonLines => format!("{}\n", object(found)).into_bytes(),
        };
        let fits = |file: &File| file.bytes.len() + written.len() <= self.limit;
        let full = if fits(&self.current) {
            None
        } else {
            let next = empty(self.format)?;
            if !fits(&next) {
                let (bytes, limit) = (next.bytes.len() + written.len(), self.limit);
                return Err(FileError::TooLong { bytes, limit });
            }
            Some(std::mem::replace(&mut self.current, next))
        };
        let seq = found.event.seq;
        self.current.bytes.extend(written);
        self.current.first.get_or_insert(seq);
        self.current.last = Some(seq);
        // An empty file would come of an event that only fits without the head.
        Ok(full.filter(|file| file.first.is_some()))
    }

    /// The last file; the only one where there is nothing to export.
    #[must_use]
    pub fn finish(self) -> File {
        self.current
    }
}

fn empty(format: Format) -> Result<File, FileError> {
    let bytes = match format {
        Format::Csv => sheet::csv([COLUMNS.map(str::to_owned).to_vec()])?,
        Format::JsonLines => Vec::new(),
    };
    Ok(File {
        bytes,
        first: None,
        last: None,
    })
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

    /// All of it, in files of at most so many bytes.
    fn written(format: Format, limit: usize, events: &[Found]) -> Vec<File> {
        let mut files = Files::new(format, limit).unwrap();
        let full = events.iter().map(|found| files.add(found).unwrap());
        let mut all: Vec<_> = full.flatten().collect();
        all.push(files.finish());
        all
    }

    fn text(file: &File) -> &str {
        std::str::from_utf8(&file.bytes).unwrap()
    }

    #[test]
    fn csv_has_a_line_per_change() {
        let events = [found(vec![change(), change()]), found(Vec::new())];
        let files = written(Format::Csv, usize::MAX, &events);
        let [file] = files.as_slice() else {
            panic!("{files:?}")
        };
        let lines: Vec<_> = text(file).lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[0],
            "seq,at,applied_at,actor,device_id,platform,attribution,via,action,table,name,field,before,\
             after,delta,reason,outcome,overwrote,undoes,hash"
        );
        assert_eq!(
            lines[1],
            "7,1970-01-01T00:00:00.000000Z,1970-01-01T00:00:00.000001Z,42,,,,direct,points.remove,B/P,\
             \"'-Ana, \"\"x\"\"\",points,5,0,-5,'=1+1,applied,,,ab"
        );
    }

    #[test]
    fn jsonl_has_an_object_per_event() {
        let events = [found(vec![change()]), found(Vec::new())];
        let files = written(Format::JsonLines, usize::MAX, &events);
        let objects: Vec<Value> = text(&files[0])
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

    #[test]
    fn files_are_full_whole_and_within_the_limit() {
        let events: Vec<Found> = (1..=50)
            .map(|seq| {
                let mut found = found(vec![change(), change()]);
                found.event.seq = Seq(seq);
                found
            })
            .collect();
        for format in [Format::Csv, Format::JsonLines] {
            let whole = written(format, usize::MAX, &events).remove(0);
            let files = written(format, 1500, &events);
            assert!(files.len() > 5, "{}", files.len());
            let head = empty(format).unwrap().bytes;
            let mut rest = head.clone();
            let mut next = 1;
            for file in &files {
                assert!(file.bytes.len() <= 1500);
                assert_eq!(file.first, Some(Seq(next)));
                next = file.last.unwrap().0 + 1;
                rest.extend(file.bytes.strip_prefix(head.as_slice()).unwrap());
            }
            assert_eq!((rest, next), (whole.bytes, 51));
            let mut narrow = Files::new(format, 300).unwrap();
            let error = narrow.add(&events[0]).unwrap_err();
            assert!(
                matches!(
                    error,
                    FileError::TooLong {
                        bytes: 301..,
                        limit: 300
                    }
                ),
                "{error}"
            );
            let nothing = empty(format).unwrap();
            assert_eq!(narrow.finish(), nothing, "nothing of it is there");
        }
    }
}
