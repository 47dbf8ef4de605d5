//! A guild's state at one of its events, kept so that looking at the past need not replay the
//! whole history. A cache: it can be thrown away at any time, and what it can't vouch for is
//! not used. `verify` never looks at it.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::event::{Event, What};
use super::ids::Seq;
use super::replay::{Fields, Key, State};

/// The version of a packed state. One of another version is not read: raise it with every change
/// of what [`State`] holds or of how it is packed here.
pub const FORMAT: i32 = 3;

/// Kind of thing -> its table, or nothing -> its id -> its fields.
type Packed = BTreeMap<What, BTreeMap<String, BTreeMap<String, Fields>>>;

/// A state, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The event after which it was.
    pub seq: Seq,
    /// That event's hash: it belongs to this history and no other.
    pub hash: String,
    /// What there was.
    pub state: Value,
    /// Over all of it, so that it is used as it was written or not at all.
    pub digest: String,
}

impl Snapshot {
    /// The state after an event.
    #[must_use]
    pub fn after(event: &Event, state: &State) -> Self {
        let state = pack(state);
        Self {
            seq: event.seq,
            hash: event.hash.clone(),
            digest: digest(&event.hash, &state),
            state,
        }
    }

    /// The state, if it is what was written.
    #[must_use]
    pub fn open(self) -> Option<State> {
        let is_intact = digest(&self.hash, &self.state) == self.digest;
        is_intact.then(|| unpack(self.state)).flatten()
    }
}

fn digest(hash: &str, state: &Value) -> String {
    let mut hasher = Sha256::new();
    hasher.update(hash.as_bytes());
    hasher.update(b"\n");
    hasher.update(state.to_string().as_bytes());
    hex::encode(hasher.finalize())
}

fn pack(state: &State) -> Value {
    let mut packed = BTreeMap::<_, BTreeMap<_, BTreeMap<_, _>>>::new();
    for (key, fields) in state.things() {
        let table = key.table.as_deref().unwrap_or_default();
        packed
            .entry(key.what)
            .or_default()
            .entry(table)
            .or_default()
            .insert(&key.id, fields);
    }
    serde_json::json!(packed)
}

fn unpack(packed: Value) -> Option<State> {
    let packed: Packed = serde_json::from_value(packed).ok()?;
    let mut state = State::default();
    for (what, tables) in packed {
        for (table, things) in tables {
            let table = (!table.is_empty()).then_some(table);
            for (id, fields) in things {
                let key = Key {
                    what: what.as_str(),
                    table: table.clone(),
                    id,
                };
                state.insert(key, fields);
            }
        }
    }
    Some(state)
}
