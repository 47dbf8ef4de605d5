//! Undo: a compensating event. Points: the effective delta is given back. A field: its former
//! value returns if it still holds what the event wrote. What was created goes, what was deleted
//! comes back. Where others have changed things since, it asks first.

mod entries;
mod grants;
pub(super) mod periods;
mod points;
mod rights;
mod structure;

use std::collections::BTreeMap;

use crate::domain::access::{Grant, Right};
use crate::domain::entry::Entry;
use crate::domain::event::{Action, Change, Event, Outcome, What};
use crate::domain::ids::{EntryId, Seq};
use crate::domain::panel::Mark;
use crate::domain::table::Table;
use crate::store::events;

use super::access;
use super::error::{Conflict, ConflictEvent, ConflictKind};
use super::operation::{Ask, Begun, Operation, Receipt, SessionNeed};
use super::{Request, ServiceError, Services};
use rights::rights_of_original;

pub use periods::RanksLeft;

/// What to undo.
#[derive(Debug, Clone)]
pub struct UndoOrder {
    /// Which event; the caller's last undoable one without.
    pub event: Option<Seq>,
    /// Whether also where others have changed things since.
    pub force: Force,
    /// Whose: one's own only, or anybody's (needs the right to it).
    pub whose: Whose,
}

/// What an undo does where others have changed things since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Force {
    /// It asks.
    Ask,
    /// It was asked for these changes: it goes on if there are no others, and asks again otherwise.
    Shown(Mark),
    /// It goes on.
    Always,
}

impl Force {
    /// For these changes of others, once they were shown.
    #[must_use]
    pub fn shown(conflicts: &[Conflict]) -> Self {
        Self::Shown(mark(conflicts))
    }

    fn goes_on(&self, conflicts: &[Conflict]) -> bool {
        match self {
            _ if conflicts.is_empty() => true,
            Self::Ask => false,
            Self::Shown(shown) => *shown == mark(conflicts),
            Self::Always => true,
        }
    }
}

/// What tells these changes of others from any other ones.
#[must_use]
pub fn mark(conflicts: &[Conflict]) -> Mark {
    Mark::of(conflicts.iter().map(|conflict| format!("{conflict:?}")))
}

/// Whose events a command undoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The caller's own.
    Own,
    /// Anybody's.
    Anybodys,
}

/// What an undo would do.
#[derive(Debug, Clone)]
pub struct UndoPreview {
    /// The event that would be undone.
    pub event: Event,
    /// The table's address.
    pub table: Option<String>,
    /// What would change.
    pub changes: Vec<Change>,
    /// What others have changed since.
    pub conflicts: Vec<Conflict>,
    /// What the table's ranks are called.
    pub ranks: BTreeMap<i32, String>,
    /// Ranks that would stay though their closing is undone.
    pub left: Option<RanksLeft>,
}

impl Services {
    /// Undoes an event.
    ///
    /// # Errors
    /// Unknown, somebody else's, undone already, not undoable; [`ServiceError::ChangedSince`]
    /// where it asks first. Nothing is changed then.
    pub async fn undo(&self, request: &Request, order: UndoOrder) -> Result<Receipt, ServiceError> {
        self.undo_from(request, order, SessionNeed::default()).await
    }

    /// Undoes an event from such a session.
    pub(super) async fn undo_from(
        &self,
        request: &Request,
        order: UndoOrder,
        session: SessionNeed,
    ) -> Result<Receipt, ServiceError> {
        let ask = Ask {
            session,
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let (event, conflicts) = prepare(&mut op, request, &order).await?;
        if !order.force.goes_on(&conflicts) {
            let ranks = op.current_table().map(Table::titles).unwrap_or_default();
            return Err(ServiceError::ChangedSince {
                event: event.seq,
                conflicts,
                ranks,
            });
        }
        let left = ranks_left(&mut op, event.seq).await?;
        let receipt = op.finish(Action::EventUndo, None, Some(event.seq)).await?;
        Ok(Receipt { left, ..receipt })
    }

    /// Tells what an undo would do, and changes nothing.
    ///
    /// # Errors
    /// As [`Services::undo`], without asking.
    pub async fn preview_undo(
        &self,
        request: &Request,
        order: UndoOrder,
    ) -> Result<UndoPreview, ServiceError> {
        let mut op = match self.begin(request, Ask::default()).await? {
            Begun::Repeated(receipt) => {
                let Receipt {
                    event,
                    table,
                    ranks,
                    left,
                    ..
                } = *receipt;
                return Ok(UndoPreview {
                    changes: event.changes.clone(),
                    event,
                    table,
                    conflicts: Vec::new(),
                    ranks,
                    left,
                });
            }
            Begun::Fresh(op) => op,
        };
        let (event, conflicts) = prepare(&mut op, request, &order).await?;
        let left = ranks_left(&mut op, event.seq).await?;
        let table = op.current_table().map(Table::address);
        let ranks = op.current_table().map(Table::titles).unwrap_or_default();
        Ok(UndoPreview {
            event,
            table,
            ranks,
            left,
            changes: op.changes().to_vec(),
            conflicts,
        })
    }
}

/// The ranks that stay though the operation opens their period again.
async fn ranks_left(
    op: &mut Operation<'_>,
    undone: Seq,
) -> Result<Option<RanksLeft>, ServiceError> {
    let table = op.current_table().map(|table| table.id);
    let (Some(number), Some(table)) = (periods::opened(op.changes()), table) else {
        return Ok(None);
    };
    let (place, events) = ((op.guild(), table), (undone, op.own_seq()));
    Ok(periods::ranks_left(op.conn(), place, number, events).await?)
}

/// Puts the compensating changes into the operation; returns what asks first.
async fn prepare(
    op: &mut Operation<'_>,
    request: &Request,
    order: &UndoOrder,
) -> Result<(Event, Vec<Conflict>), ServiceError> {
    let event = find(op, request, order).await?;
    let moves_table =
        |it: &Change| it.what == What::Table && (it.is_creation() || it.is_deletion());
    let deleted = |table: &Table| table.deleted_at.is_some();
    // What was granted in it is listed still.
    let is_about_rights = !Grant::told_by(&event).is_empty();
    let is_gone = op.current_table().is_some_and(deleted);
    if is_gone && !is_about_rights && !event.changes.iter().any(moves_table) {
        return Err(ServiceError::TableGone);
    }
    let mut undoing = Undoing {
        op,
        request,
        event: &event,
        force: &order.force,
        conflicts: Vec::new(),
        without_rank: Vec::new(),
    };
    undoing.structure().await?;
    undoing.closed_since().await?;
    // What was created first goes last: an entry's points before the entry.
    for change in undone(&event).filter(|change| change.what == What::Entry) {
        undoing.entry(change).await?;
    }
    let conflicts = undoing.conflicts;
    Ok((event, conflicts))
}

/// The changes that an undo takes back, in the order in which it does.
fn undone(event: &Event) -> impl Iterator<Item = &Change> {
    let changes = event.changes.iter().rev();
    changes.filter(|change| !change.superseded)
}

/// The event to undo, with all that forbids it checked.
async fn find(
    op: &mut Operation<'_>,
    request: &Request,
    order: &UndoOrder,
) -> Result<Event, ServiceError> {
    let guild = request.guild;
    let seq = match order.event {
        Some(seq) => seq,
        None => events::last_undoable(
            op.conn(),
            guild,
            request.actor,
            &request.anyhow(),
            &request.stamp(),
        )
        .await?
        .ok_or(ServiceError::NothingToUndo)?,
    };
    let event = events::by_seq(op.conn(), guild, seq)
        .await?
        .ok_or(ServiceError::UnknownEvent { event: seq })?;
    match order.whose {
        Whose::Own if event.actor_id != Some(request.actor) => {
            return Err(ServiceError::NotYours { event: seq });
        }
        Whose::Own => {}
        Whose::Anybodys => op.authority().require_somewhere(Right::AuditUndo)?,
    }
    if event.action.is_session() || event.outcome != Outcome::Applied {
        return Err(ServiceError::NotUndoable { event: seq });
    }
    let entries = event.changes.iter().filter_map(Change::entry_id).collect();
    op.load(event.table_id, entries).await?;
    if event.table_id.is_some() && op.current_table().is_none() {
        // It became private.
        return Err(ServiceError::TableGone);
    }
    if Grant::told_by(&event).is_empty() {
        if order.whose == Whose::Anybodys {
            op.require(Right::AuditUndo)?;
        }
        for right in rights_of_original(op, &event).await? {
            op.require(right)?;
        }
    } else {
        access::require_undo(op, request, &event, order.whose).await?;
    }
    if let Some(by) = events::undone_by(op.conn(), guild, seq).await? {
        return Err(ServiceError::AlreadyUndone { event: seq, by });
    }
    refuse_outdated(op, &event).await?;
    Ok(event)
}

/// An undo can be undone only while it is the last word on what it undid: if that was brought
/// back and undone anew since, bringing it back once more would count it twice.
async fn refuse_outdated(op: &mut Operation<'_>, event: &Event) -> Result<(), ServiceError> {
    let guild = event.guild_id;
    let mut word = event.clone();
    while let Some(undone) = word.undoes {
        match events::last_undo_of(op.conn(), guild, undone).await? {
            Some(by) if by != word.seq => {
                return Err(ServiceError::AlreadyUndone {
                    event: event.seq,
                    by,
                });
            }
            _ => {}
        }
        word = events::by_seq(op.conn(), guild, undone)
            .await?
            .ok_or(ServiceError::UnknownEvent { event: undone })?;
    }
    Ok(())
}

struct Undoing<'a, 's> {
    op: &'a mut Operation<'s>,
    request: &'a Request,
    event: &'a Event,
    force: &'a Force,
    conflicts: Vec<Conflict>,
    /// The entries whose rank goes by this undo.
    without_rank: Vec<EntryId>,
}

impl Undoing<'_, '_> {
    /// Notes that a register no longer holds what the event wrote, and who wrote what it holds.
    async fn conflict(
        &mut self,
        entry: &Entry,
        field: &str,
        back: serde_json::Value,
    ) -> Result<(), ServiceError> {
        let written = match (&entry.deleted, field) {
            (Some(deleted), _) => Some(deleted),
            (None, field) => entry.stamps.get(field),
        };
        let by = match written {
            Some(stamp) => events::by_op(self.op.conn(), self.request.guild, &stamp.op).await?,
            None => None,
        };
        let now = if entry.deleted.is_some() {
            serde_json::Value::Null
        } else {
            entry.value_of(field)
        };
        let kind = if entry.deleted.is_some() {
            ConflictKind::Deleted
        } else {
            ConflictKind::Changed
        };
        self.conflicts.push(Conflict {
            kind,
            name: entry.name.clone(),
            field: field.to_owned(),
            extra: false,
            now,
            back,
            by: by.as_ref().map(told),
        });
        Ok(())
    }
}

fn told(event: &Event) -> ConflictEvent {
    ConflictEvent {
        seq: event.seq,
        actor: event.actor_id,
        at: event.at,
    }
}
