//! Reading a replayed state: the tables that stood then, and their rows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::event::{EXTRA, What};
use super::field::{ExtraField, FieldKind};
use super::ids::{EntryId, RoleId, TableId, UserId};
use super::name::{Name, TableAddress, fold};
use super::period::Periods;
use super::replay::{Fields, Key, State};
use super::table::{Rank, Table};

/// What was known of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableThen {
    /// It was there.
    Live(Box<Table>),
    /// It had been deleted.
    Deleted,
    /// It had not been created yet.
    NotYet,
}

/// A row as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryThen {
    /// Which entry.
    pub id: EntryId,
    /// What it was called.
    pub name: String,
    /// Who it was linked to.
    pub member_id: Option<UserId>,
    /// The number of its rank.
    pub rank: Option<i32>,
    /// Its points.
    pub points: i64,
    /// Whether it was exempt from demotion.
    pub exempt: bool,
    /// The values of its extra fields, by their numbers.
    pub extra: BTreeMap<String, String>,
}

/// A table with its ranks and extra fields.
#[must_use]
pub fn table(state: &State, id: TableId) -> TableThen {
    let key = Key {
        what: What::Table.as_str(),
        table: None,
        id: id.to_string(),
    };
    let Some(fields) = state.thing(&key) else {
        return TableThen::NotYet;
    };
    match text(fields, "name") {
        None => TableThen::Deleted,
        Some(name) => TableThen::Live(Box::new(Table {
            id,
            category: text(fields, "category"),
            name,
            floor: integer(fields, "floor").unwrap_or(0),
            private: fields.get("private").and_then(Value::as_bool) == Some(true),
            deleted_at: None,
            ranks: ranks(state, id),
            fields: extra_fields(state, id),
            // Activities and boards are of the present.
            activities: BTreeMap::new(),
            boards: BTreeMap::new(),
            periods: Periods::default(),
        })),
    }
}

/// The tables that bore an address, by the rules of the present: a bare name is the table without
/// a category where there was one, else any of that name.
#[must_use]
pub fn tables_called(state: &State, address: &TableAddress) -> Vec<Table> {
    let (category, name) = (address.category().map(Name::key), address.name().key());
    let of_name = of_kind(state, What::Table).filter_map(|(key, fields)| {
        let is_it = text(fields, "name").is_some_and(|its| fold(&its) == name);
        let id = key.id.parse().ok().filter(|_| is_it)?;
        match table(state, TableId(id)) {
            TableThen::Live(table) => Some(*table),
            TableThen::Deleted | TableThen::NotYet => None,
        }
    });
    let mut found: Vec<Table> = of_name
        .filter(|table| {
            category.is_none() || table.category.as_deref().map(fold).as_ref() == category.as_ref()
        })
        .collect();
    if category.is_none() && found.iter().any(|table| table.category.is_none()) {
        found.retain(|table| table.category.is_none());
    }
    found
}

/// The entries that a table had.
pub fn entries(state: &State, table: TableId) -> impl Iterator<Item = EntryThen> {
    of_table(state, What::Entry, table).filter_map(|(key, fields)| {
        Some(EntryThen {
            id: EntryId(key.id.parse().ok()?),
            name: text(fields, "name")?,
            member_id: id_of(fields, "member").map(UserId::from_db),
            rank: number(fields, "rank"),
            points: integer(fields, "points").unwrap_or(0),
            exempt: fields.get("exempt").and_then(Value::as_bool) == Some(true),
            extra: extra(fields),
        })
    })
}

fn extra(fields: &Fields) -> BTreeMap<String, String> {
    let registers = fields.iter();
    registers
        .filter_map(|(register, value)| {
            let number = register.strip_prefix(EXTRA)?;
            Some((number.to_owned(), value.as_str()?.to_owned()))
        })
        .collect()
}

/// The extra fields that a table had, with those that had been removed.
fn extra_fields(state: &State, table: TableId) -> BTreeMap<i32, ExtraField> {
    of_table(state, What::Field, table)
        .filter_map(|(key, fields)| {
            let number = key.id.parse().ok()?;
            let name = text(fields, "name");
            let field = ExtraField {
                number,
                removed: name.is_none(),
                name: name.unwrap_or_default(),
                kind: FieldKind::parse(&text(fields, "kind")?)?,
                pattern: text(fields, "pattern"),
            };
            Some((number, field))
        })
        .collect()
}

fn ranks(state: &State, table: TableId) -> BTreeMap<i32, Rank> {
    of_table(state, What::Rank, table)
        .filter_map(|(key, fields)| {
            let number = key.id.parse().ok()?;
            let rank = Rank {
                number,
                title: text(fields, "title")?,
                promote_at: integer(fields, "promote_at"),
                demote_below: integer(fields, "demote_below"),
                role: id_of(fields, "role").map(RoleId::from_db),
            };
            Some((number, rank))
        })
        .collect()
}

fn of_kind(state: &State, what: What) -> impl Iterator<Item = (&Key, &Fields)> {
    state
        .things()
        .filter(move |(key, _)| key.what == what.as_str())
}

fn of_table(state: &State, what: What, table: TableId) -> impl Iterator<Item = (&Key, &Fields)> {
    state.of_table(what, table)
}

fn text(fields: &Fields, field: &str) -> Option<String> {
    fields.get(field)?.as_str().map(str::to_owned)
}

fn integer(fields: &Fields, field: &str) -> Option<i64> {
    fields.get(field)?.as_i64()
}

fn number(fields: &Fields, field: &str) -> Option<i32> {
    integer(fields, field).and_then(|value| i32::try_from(value).ok())
}

/// A Discord id, which events hold as text.
fn id_of(fields: &Fields, field: &str) -> Option<i64> {
    fields.get(field)?.as_str()?.parse().ok()
}
