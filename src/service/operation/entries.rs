//! The entries under the hands of an operation: found as they were when the edit was made, edited
//! through `domain::entry`, which tells what changed.

use crate::domain::entry::Entry;
use crate::domain::event::Change;
use crate::domain::ids::{EntryId, TableId, UserId};
use crate::domain::name::{Name, fold};
use crate::domain::stamp::Stamp;
use crate::service::{ServiceError, near};
use crate::store::operation::FoundEntry;
use crate::store::{StoreError, complete, events};

use super::Operation;

/// An entry under the hands of an operation.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) entry: Entry,
    pub(super) before: Option<Entry>,
    pub(super) later_delta: i64,
    pub(super) last_delta: Option<Stamp>,
}

impl Operation<'_> {
    /// The live entry of that name; or, for an edit that comes late, the entry that bore the name
    /// when the edit was made, be it renamed or deleted since.
    pub(in crate::service) fn by_name(&mut self, name: &Name) -> Option<EntryId> {
        let (key, stamp) = (name.key(), self.stamp());
        let created = |held: &&Held| held.before.is_none() && fold(&held.entry.name) == key;
        if let Some(held) = self.held.iter().find(created) {
            return Some(held.entry.id);
        }
        let of_name = || {
            self.found
                .iter()
                .filter(|f| f.name_key.as_ref() == Some(&key))
        };
        let live = of_name().find(|f| f.until.is_none());
        let named_before =
            |f: &&FoundEntry| f.entry.stamps.get("name").is_none_or(|set| *set <= stamp);
        let there = |entry: &Entry| {
            entry.created <= stamp
                && entry
                    .deleted
                    .as_ref()
                    .is_none_or(|deleted| *deleted > stamp)
        };
        let former = || {
            of_name()
                .filter(|f| f.until.as_ref().is_some_and(|until| *until > stamp) && there(&f.entry))
                .min_by(|a, b| a.until.cmp(&b.until))
        };
        let found = live.filter(named_before).or_else(former).or(live)?.clone();
        Some(self.hold(found))
    }

    /// The entry that bore that name until another device renamed it a moment ago, which this one was
    /// not shown: whoever names it so can only mean that one, where nobody bears the name now.
    pub(in crate::service) fn by_unseen_name(&mut self, name: &Name) -> Option<EntryId> {
        let (key, stamp) = (name.key(), self.stamp());
        let found = self
            .found
            .iter()
            .filter(|f| f.name_key.as_ref() == Some(&key) && f.entry.deleted.is_none())
            .filter(|f| f.until.as_ref().is_some_and(|until| *until <= stamp))
            .max_by(|a, b| a.until.cmp(&b.until))?
            .clone();
        Some(self.hold(found))
    }

    /// The live entry linked to that member.
    pub(in crate::service) fn by_member(&mut self, member: UserId) -> Option<EntryId> {
        let found = self
            .found
            .iter()
            .find(|f| {
                f.entry.member_id == Some(member) && f.entry.deleted.is_none() && f.until.is_none()
            })?
            .clone();
        Some(self.hold(found))
    }

    /// The live entry of that name, as it stands now within the operation.
    pub(in crate::service) fn namesake(&mut self, name: &Name) -> Option<EntryId> {
        let key = name.key();
        let bears = |entry: &Entry| entry.deleted.is_none() && fold(&entry.name) == key;
        if let Some(held) = self.held.iter().find(|held| bears(&held.entry)) {
            return Some(held.entry.id);
        }
        let found = self
            .found
            .iter()
            .find(|f| f.until.is_none() && bears(&f.entry))?;
        Some(self.hold(found.clone()))
    }

    /// Whether the operation itself made this entry.
    pub(in crate::service) fn is_new(&self, id: EntryId) -> bool {
        self.held
            .iter()
            .any(|held| held.entry.id == id && held.before.is_none())
    }

    /// The name, or `name (2)`, `name (3)` … where entries have it.
    pub(in crate::service) async fn free_name(
        &mut self,
        table: TableId,
        name: &Name,
    ) -> Result<Name, ServiceError> {
        let promised = self.names_appearing(None);
        let (free, _) =
            events::free_name(&mut self.tx, table, None, name.as_str(), &promised).await?;
        // Cut to make room for the number, an emoji can have come apart.
        let free = Name::made_legal(&free);
        Ok(free.ok_or(StoreError::Mismatch("a free name is no name"))?)
    }

    /// The entry of that id.
    pub(in crate::service) fn by_id(&mut self, id: EntryId) -> Option<EntryId> {
        if self.held_at.contains_key(&id) {
            return Some(id);
        }
        let found = self.found.get(*self.found_at.get(&id)?)?.clone();
        Some(self.hold(found))
    }

    /// Entries that were read.
    pub(super) fn find_all(&mut self, entries: Vec<FoundEntry>) {
        for found in entries {
            let at = self.found.len();
            self.found_at.entry(found.entry.id).or_insert(at);
            self.found.push(found);
        }
    }

    fn held(&self, id: EntryId) -> Option<&Held> {
        self.held.get(*self.held_at.get(&id)?)
    }

    fn hold(&mut self, found: FoundEntry) -> EntryId {
        let id = found.entry.id;
        if !self.held_at.contains_key(&id) {
            self.held_at.insert(id, self.held.len());
            self.held.push(Held {
                before: Some(found.entry.clone()),
                entry: found.entry,
                later_delta: found.later_delta,
                last_delta: found.last_delta,
            });
        }
        id
    }

    /// An entry's points before the operation.
    pub(in crate::service) fn points_before(&self, id: EntryId) -> i64 {
        let held = self.held(id);
        held.and_then(|held| held.before.as_ref())
            .map_or(0, |before| before.points)
    }

    /// Folded names that other entries get by this operation.
    pub(in crate::service) fn names_appearing(&self, but: Option<EntryId>) -> Vec<String> {
        let appears = |held: &&Held| {
            Some(held.entry.id) != but
                && held.entry.deleted.is_none()
                && held.before.as_ref() != Some(&held.entry)
        };
        let names = self.held.iter().filter(appears);
        names.map(|held| fold(&held.entry.name)).collect()
    }

    /// A new entry, as a change of the operation.
    pub(in crate::service) fn create_entry(&mut self, table: TableId, name: &Name) -> EntryId {
        let id = self.services.entropy.entry_id();
        let (entry, change) = Entry::create(id, table, name.to_string(), &self.stamp());
        self.held_at.insert(id, self.held.len());
        self.held.push(Held {
            entry,
            before: None,
            later_delta: 0,
            last_delta: None,
        });
        self.changes.push(change);
        id
    }

    /// An entry as it stands now, within the operation.
    pub(in crate::service) fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.held(id).map(|held| &held.entry)
    }

    /// The sum of the deltas of an entry that are dated after this operation.
    pub(in crate::service) fn later_delta(&self, id: EntryId) -> i64 {
        self.held(id).map_or(0, |held| held.later_delta)
    }

    /// The newest stamp of anything done to an entry.
    pub(in crate::service) fn last_edit(&self, id: EntryId) -> Option<Stamp> {
        let held = self.held(id)?;
        let registers = held.entry.stamps.values().max();
        registers
            .into_iter()
            .chain(&held.last_delta)
            .chain([&held.entry.created])
            .max()
            .cloned()
    }

    /// Edits an entry; what the edit tells becomes part of the event.
    pub(in crate::service) fn edit(
        &mut self,
        id: EntryId,
        edit: impl FnOnce(&mut Entry) -> Change,
    ) {
        let at = self.held_at.get(&id).copied();
        if let Some(held) = at.and_then(|at| self.held.get_mut(at)) {
            self.changes.push(edit(&mut held.entry));
        }
    }

    /// The base of an entry's points is over with the period that `closing` closes. Nothing that is
    /// told of it changes by that.
    pub(super) fn forget_base(&mut self, id: EntryId, closing: &Stamp) {
        let at = self.held_at.get(&id).copied();
        if let Some(held) = at.and_then(|at| self.held.get_mut(at)) {
            held.entry.forget_base(closing);
        }
    }

    /// Names of the table close to one that is not in it.
    pub(in crate::service) async fn near(
        &mut self,
        table: TableId,
        name: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let candidates = complete::candidates(&mut self.tx, table, &fold(name)).await?;
        Ok(near::nearest(name, candidates))
    }
}

/// Whether this entry is met for the first time among those of a list; it joins them then. A name
/// and a mention, or an old and a new name, can mean one entry.
pub(in crate::service) fn counts_once(ids: &mut Vec<EntryId>, id: EntryId) -> bool {
    let first = !ids.contains(&id);
    if first {
        ids.push(id);
    }
    first
}
