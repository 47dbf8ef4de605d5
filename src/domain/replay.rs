//! A guild's state as its history tells it: each event's changes applied in order, from nothing.
//! `verify` compares it with what the tables hold.

use std::collections::BTreeMap;

use serde_json::Value;

use super::event::{Change, Event, What};
use super::ids::TableId;

/// A thing: its fields by name. One that was deleted is kept, without its `name`.
pub type Fields = BTreeMap<String, Value>;

/// A guild's settings, grants, tables, ranks, extra fields, activities, boards, periods, entries and sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// By the kind of thing, its table and its id.
    things: BTreeMap<Key, Fields>,
}

/// What a thing is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// `guild`, `grant`, `table`, `rank`, `field`, `activity`, `board`, `period`, `entry` or `session`.
    pub what: &'static str,
    /// The table of a rank, a field, an activity, a board, a period or an entry.
    pub table: Option<String>,
    /// Its id.
    pub id: String,
}

/// A thing that the tables do not hold as the events tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which one.
    pub key: Key,
    /// What it is called, if it has a name.
    pub name: Option<String>,
    /// The first field that is not the same.
    pub field: String,
}

impl Difference {
    fn between(key: &Key, told: &Fields, stored: &Fields) -> Option<Self> {
        let mut fields = told.keys().chain(stored.keys());
        let field = fields.find(|field| told.get(*field) != stored.get(*field))?;
        let names = [told, stored].map(|fields| fields.get("name").or(fields.get("title")));
        let name = names.into_iter().flatten().find_map(Value::as_str);
        Some(Self {
            key: key.clone(),
            name: name.map(str::to_owned),
            field: field.clone(),
        })
    }
}

/// An event whose `before` is not what the events up to it had written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The change that does not fit.
    pub change: Change,
}

impl State {
    /// Applies an event.
    ///
    /// # Errors
    /// The first change whose `before`, or whose delta, does not fit the state.
    pub fn apply(&mut self, event: &Event) -> Result<(), Box<Mismatch>> {
        for change in event.changes.iter().filter(|change| !change.superseded) {
            self.apply_change(event, change).map_err(|()| {
                Box::new(Mismatch {
                    change: change.clone(),
                })
            })?;
        }
        Ok(())
    }

    /// What is known of a thing, also of one that was deleted.
    #[must_use]
    pub fn thing(&self, key: &Key) -> Option<&Fields> {
        self.things.get(key)
    }

    /// The things of one kind in a table, in order.
    pub fn of_table(&self, what: What, table: TableId) -> impl Iterator<Item = (&Key, &Fields)> {
        let first = Key {
            what: what.as_str(),
            table: Some(table.to_string()),
            id: String::new(),
        };
        let from = self.things.range(first.clone()..);
        from.take_while(move |(key, _)| (key.what, &key.table) == (first.what, &first.table))
    }

    /// The things, in order.
    pub fn things(&self) -> impl Iterator<Item = (&Key, &Fields)> {
        self.things.iter()
    }

    /// Puts a thing in as the tables hold it, to compare.
    pub fn insert(&mut self, key: Key, mut fields: Fields) {
        fields.retain(|_, value| !value.is_null());
        self.things.insert(key, fields);
    }

    /// Takes out a thing, and says in what it differs from what the tables hold of it.
    pub fn settle(&mut self, key: &Key, mut stored: Fields) -> Option<Difference> {
        stored.retain(|_, value| !value.is_null());
        let told = self.things.remove(key).unwrap_or_default();
        Difference::between(key, &told, &stored)
    }

    /// The first thing that was not taken out: the tables do not hold it.
    #[must_use]
    pub fn first_left(&self) -> Option<Difference> {
        let nothing = Fields::new();
        let mut things = self.things.iter();
        things.find_map(|(key, told)| Difference::between(key, told, &nothing))
    }

    fn apply_change(&mut self, event: &Event, change: &Change) -> Result<(), ()> {
        let key = Key::of(event, change);
        let fields = self.things.entry(key.clone()).or_default();
        if change.what == What::Entry && change.is_creation() {
            fields
                .entry("points".to_owned())
                .or_insert_with(|| 0.into());
        }
        let register = change.register();
        let before = fields.get(&*register).cloned().unwrap_or_default();
        if before != change.before {
            return Err(());
        }
        if let (Some(delta), "points") = (change.delta, &*register) {
            let sum = before.as_i64().unwrap_or(0).checked_add(delta);
            if sum != change.after.as_i64() {
                return Err(());
            }
        }
        if change.after.is_null() {
            fields.remove(&*register);
        } else {
            fields.insert(register.into_owned(), change.after.clone());
        }
        if fields.is_empty() {
            self.things.remove(&key);
        }
        Ok(())
    }
}

impl Key {
    fn of(event: &Event, change: &Change) -> Self {
        let table = || event.table_id.map(|id| id.to_string());
        Self {
            what: change.what.as_str(),
            table: match change.what {
                What::Rank
                | What::Field
                | What::Activity
                | What::Board
                | What::Period
                | What::Entry => table(),
                What::Guild | What::Grant | What::Table | What::Session => None,
            },
            id: change.id.clone(),
        }
    }
}
