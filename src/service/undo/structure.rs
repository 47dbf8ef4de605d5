//! Settings, tables, ranks, extra fields, activities and boards as they were.

use chrono::{DateTime, Utc};

use crate::domain::activity::MAX_ACTIVITIES;
use crate::domain::event::{Change, What};
use crate::domain::field::MAX_FIELDS;
use crate::domain::name::fold;
use crate::domain::table::Table;
use crate::service::error::{Conflict, ConflictKind};
use crate::service::tables::require_above;
use crate::service::{ServiceError, access};
use crate::store::{entries, events, tables};

use super::{Undoing, told, undone};

impl Undoing<'_, '_> {
    /// Settings, tables, ranks and extra fields get their former values back.
    pub(super) async fn structure(&mut self) -> Result<(), ServiceError> {
        self.grants().await?;
        let mut settings = self.op.settings().clone();
        let (mut table, now) = (self.op.current_table().cloned(), self.op.now());
        for change in undone(self.event) {
            match (change.what, &mut table) {
                (What::Guild, _) => {
                    let stands = settings.register(&change.field);
                    if stands == change.before {
                        continue;
                    }
                    self.structure_conflict(change, stands).await?;
                    settings.write_register(&change.field, &change.before);
                }
                (
                    What::Table | What::Rank | What::Field | What::Activity | What::Board,
                    Some(table),
                ) => {
                    self.structural(change, table, now).await?;
                }
                (What::Period, Some(table)) => {
                    let address = table.address();
                    self.period(change, &address).await?;
                }
                _ => {}
            }
        }
        self.op.put_settings(settings).await?;
        match table.filter(|table| Some(table) != self.op.current_table()) {
            Some(table) => {
                self.require_free_address(&table).await?;
                let now = self.op.current_table().cloned();
                if let Some(now) = &now {
                    access::require_move(self.op, self.request, now, &table).await?;
                }
                access::require_roles(self.op, self.request, now.as_ref(), &table).await?;
                self.put_table(table).await
            }
            None => Ok(()),
        }
    }

    /// A table can't come back under an address that another one has by now.
    async fn require_free_address(&mut self, table: &Table) -> Result<(), ServiceError> {
        let is_taken = tables::is_taken(self.op.conn(), self.request.guild, table).await?;
        if table.deleted_at.is_none() && is_taken {
            let table = table.address();
            return Err(ServiceError::TableExists { table });
        }
        Ok(())
    }

    /// The table as it is to be; who holds a rank that goes loses it.
    async fn put_table(&mut self, table: Table) -> Result<(), ServiceError> {
        let ranks = |table: &Table| table.ranks.keys().copied().collect::<Vec<_>>();
        let mut gone = self.op.current_table().map(ranks).unwrap_or_default();
        gone.retain(|number| !table.ranks.contains_key(number));
        for number in gone {
            let holders = entries::of_rank(self.op.conn(), table.id, number).await?;
            self.without_rank.extend(holders);
        }
        if !self.without_rank.is_empty() {
            let holders = self.without_rank.clone();
            self.op.load(Some(table.id), holders).await?;
        }
        self.op.put_table(table);
        let stamp = self.op.stamp();
        for id in &self.without_rank {
            self.op.by_id(*id);
            self.op.edit(*id, |entry| entry.lose_rank(&stamp));
        }
        Ok(())
    }

    async fn structural(
        &mut self,
        change: &Change,
        table: &mut Table,
        now: DateTime<Utc>,
    ) -> Result<(), ServiceError> {
        if self.belongs_to_creation(change) {
            return Ok(());
        }
        let comes_or_goes = change.is_creation() || change.is_deletion();
        // An activity comes back by any of its fields, with something in the others.
        let before = self.op.current_table();
        let stood = before.filter(|_| change.what == What::Activity);
        let stood = stood.unwrap_or(table);
        let stands = stood.register(change.what, &change.id, &change.field);
        let is_back = change.is_deletion() && leaves_sight(change.what) && !stands.is_null();
        if stands == change.before || is_back {
            return Ok(());
        }
        let is_there = comes_or_goes || self.is_there(table, change);
        self.structure_conflict(change, stands).await?;
        if !is_there {
            // It went with its rank or extra field: writing to it would bring that back.
            return Ok(());
        }
        if change.is_creation() && !matches!(change.what, What::Activity | What::Board) {
            self.in_use(table, change).await?;
        }
        if let ("floor", Some(floor)) = (change.field.as_str(), change.before.as_i64()) {
            require_above(self.op, table, floor).await?;
        }
        if change.what == What::Field {
            room_for_field(change, table)?;
        }
        if change.what == What::Activity {
            room_for_activity(change, table)?;
        }
        table.write_register(change, &change.before, now);
        Ok(())
    }

    /// Whether the event made the table or extra field that it also wrote this into. These only
    /// leave sight, with all that they hold.
    fn belongs_to_creation(&self, change: &Change) -> bool {
        let makes = |other: &Change| {
            let holds = match other.what {
                What::Table => true,
                What::Field => (other.what, &other.id) == (change.what, &change.id),
                _ => false,
            };
            other.is_creation() && holds && other != change
        };
        self.event.changes.iter().any(makes)
    }

    /// Whether what a change is about is there, or comes back by this undo.
    fn is_there(&self, table: &Table, change: &Change) -> bool {
        let comes_back = |other: &Change| {
            other.is_deletion() && (other.what, &other.id) == (change.what, &change.id)
        };
        let existence = match change.what {
            What::Rank => "title",
            What::Field | What::Activity => "name",
            _ => return true,
        };
        let stands = table.register(change.what, &change.id, existence);
        !stands.is_null() || self.event.changes.iter().any(comes_back)
    }

    async fn structure_conflict(
        &mut self,
        change: &Change,
        stands: serde_json::Value,
    ) -> Result<(), ServiceError> {
        if stands == change.after {
            return Ok(());
        }
        let by = events::last_of_thing(self.op.conn(), self.event, change).await?;
        self.conflicts.push(Conflict {
            kind: ConflictKind::Changed,
            name: change.name.clone().unwrap_or_default(),
            field: change.field.clone(),
            extra: false,
            now: stands,
            back: change.before.clone(),
            by: by.as_ref().map(told),
        });
        Ok(())
    }

    /// What would go, though it is in use, is asked for: a table that was worked in, a rank that
    /// entries hold, an extra field that they have values of.
    async fn in_use(&mut self, table: &Table, change: &Change) -> Result<(), ServiceError> {
        let (guild, after) = (self.request.guild, self.event.seq);
        let number = change.id.parse().unwrap_or_default();
        let (name, field, by) = match change.what {
            What::Table => {
                let later = events::last_in_table(self.op.conn(), guild, table.id, after).await?;
                (later.is_some().then(|| table.address()), "name", later)
            }
            What::Rank => {
                // Those to whom this event gave it lose it by this undo.
                let own: Vec<_> = undone(self.event).filter_map(Change::entry_id).collect();
                let holder =
                    entries::holder_of_rank(self.op.conn(), table.id, number, &own).await?;
                (holder, "rank", None)
            }
            _ => {
                let since = self.event.at;
                let holder =
                    entries::holder_of_field(self.op.conn(), table.id, number, since).await?;
                (holder, "extra", None)
            }
        };
        if let Some(name) = name {
            self.conflicts.push(Conflict {
                kind: ConflictKind::InUse,
                name,
                field: field.to_owned(),
                extra: false,
                now: change.after.clone(),
                back: change.before.clone(),
                by: by.as_ref().map(told),
            });
        }
        Ok(())
    }
}

/// Whether a thing that goes only leaves sight, and comes back as it was.
const fn leaves_sight(what: What) -> bool {
    !matches!(what, What::Rank | What::Activity | What::Board)
}

/// A field that comes back under a name that another one has by now can't, nor one too many.
fn room_for_field(change: &Change, table: &Table) -> Result<(), ServiceError> {
    let name = change.before.as_str().filter(|_| change.field == "name");
    let other = name.and_then(|name| table.field_named(name));
    if let Some(other) = other.filter(|other| other.number.to_string() != change.id) {
        return Err(ServiceError::FieldExists {
            field: other.name.clone(),
        });
    }
    if change.is_deletion() && table.live_fields().count() >= MAX_FIELDS {
        return Err(ServiceError::TooManyFields);
    }
    Ok(())
}

/// The same for an activity. It may stand there already, by what else of it came back.
fn room_for_activity(change: &Change, table: &Table) -> Result<(), ServiceError> {
    let others = || {
        let all = table.activities.values();
        all.filter(|other| other.number.to_string() != change.id)
    };
    let name = change.before.as_str().filter(|_| change.field == "name");
    let is_taken = |name: &&str| others().any(|other| fold(&other.name) == fold(name));
    if let Some(name) = name.filter(is_taken) {
        return Err(ServiceError::ActivityExists {
            activity: name.to_owned(),
        });
    }
    if change.is_deletion() && others().count() >= MAX_ACTIVITIES {
        return Err(ServiceError::TooManyActivities);
    }
    Ok(())
}
