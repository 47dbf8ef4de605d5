//! What an operation's changes come to in rows, and what a refused row means.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::access::Grant;
use crate::domain::event::{Change, Event, What};
use crate::domain::guild::Settings;
use crate::domain::ids::{EntryId, GrantId, Seq};
use crate::domain::name::fold;
use crate::domain::session::Session;
use crate::domain::table::Table;
use crate::service::ServiceError;
use crate::store::StoreError;
use crate::store::operation::{
    EntryWrite, EventName, FormerName, GrantWrites, LedgerRow, TableWrite, Writes,
};
use crate::store::outbox::Notice;

use super::entries::Held;

/// The state as an operation leaves it.
pub(super) struct Changed<'a> {
    pub(super) settings: &'a Settings,
    pub(super) table: Option<&'a Table>,
    pub(super) held: &'a [Held],
    pub(super) granted: &'a [Grant],
    pub(super) revoked: &'a [GrantId],
}

/// The rows that an operation's changes come to.
pub(super) fn writes<'a>(
    state: &Changed<'a>,
    sessions: impl Iterator<Item = &'a Session>,
    events: &'a [Event],
    outbox: Vec<Notice>,
) -> Writes<'a> {
    let held = state.held;
    let changed = || {
        held.iter()
            .filter(|held| held.before.as_ref() != Some(&held.entry))
    };
    Writes {
        tables: state.table.into_iter().map(TableWrite::from).collect(),
        entries: changed().map(entry_write).collect(),
        deltas: changed().map(delta).collect(),
        former_names: changed().filter_map(former_name).collect(),
        sessions: sessions.collect(),
        events: events.iter().collect(),
        ledger: ledger(events),
        names: names(events),
        settings: state.settings.clone(),
        outbox,
        grants: GrantWrites::new(state.granted, state.revoked),
    }
}

fn entry_write(held: &Held) -> EntryWrite<'_> {
    EntryWrite {
        entry: &held.entry,
        name_key: fold(&held.entry.name),
    }
}

fn delta(held: &Held) -> (EntryId, i64) {
    let before = held.before.as_ref().map_or(0, |before| before.points);
    (held.entry.id, held.entry.points.saturating_sub(before))
}

fn former_name(held: &Held) -> Option<FormerName<'_>> {
    let before = held
        .before
        .as_ref()
        .filter(|before| before.name != held.entry.name)?;
    let until = held.entry.stamps.get("name")?;
    let (entry_id, table_id, name_key) = (before.id, before.table_id, fold(&before.name));
    Some(FormerName {
        entry_id,
        table_id,
        name_key,
        until,
    })
}

/// The effective changes of points, in the order of events, then of entries.
pub(in crate::service) fn ledger(events: &[Event]) -> Vec<LedgerRow> {
    let mut rows: BTreeMap<(Seq, EntryId), LedgerRow> = BTreeMap::new();
    for event in events {
        for (entry_id, delta) in event.changes.iter().filter_map(Change::effective_points) {
            let row = rows
                .entry((event.seq, entry_id))
                .or_insert_with(|| LedgerRow {
                    seq: event.seq.0,
                    entry_id,
                    stamp: event.stamp(),
                    delta: 0,
                });
            row.delta = row.delta.saturating_add(delta);
        }
    }
    rows.into_values().filter(|row| row.delta != 0).collect()
}

/// The folded names of the things an event is about.
fn names(events: &[Event]) -> Vec<EventName> {
    let of_event = |event: &Event| {
        let mut names = BTreeSet::new();
        for change in event
            .changes
            .iter()
            .filter(|change| matches!(change.what, What::Entry | What::Table))
        {
            names.extend(change.name.as_deref().map(fold));
            if change.field == "name" {
                names.extend(change.after.as_str().map(fold));
            }
        }
        let seq = event.seq.0;
        names
            .into_iter()
            .map(move |name_key| EventName { seq, name_key })
    };
    events.iter().flat_map(of_event).collect()
}

/// A unique constraint that refused the write is something the caller can understand.
pub(super) fn taken(error: StoreError, table: Option<&Table>, held: &[Held]) -> ServiceError {
    let StoreError::Taken(constraint) = &error else {
        return error.into();
    };
    let table = table.map(Table::address).unwrap_or_default();
    let appears = |held: &&Held| {
        held.before.as_ref().is_none_or(|before| {
            (&before.name, before.member_id, &before.deleted)
                != (&held.entry.name, held.entry.member_id, &held.entry.deleted)
        })
    };
    let name = held
        .iter()
        .rfind(appears)
        .map(|held| held.entry.name.clone());
    let name = name.unwrap_or_default();
    match constraint.as_str() {
        "entries_name_key" => ServiceError::NameTaken { name, table },
        "entries_member_key" => ServiceError::MemberTaken { name },
        "grants_once" => ServiceError::AlreadyGranted,
        "tables_address_key" => ServiceError::TableExists { table },
        _ => error.into(),
    }
}
