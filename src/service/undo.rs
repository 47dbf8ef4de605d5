//! Undo: a compensating event. Points: the effective delta is given back. A field: its former
//! value returns if it still holds what the event wrote. What was created goes, what was deleted
//! comes back. Where others have changed things since, it asks first.

use crate::domain::access::Right;
use crate::domain::entry::{Entry, Field};
use crate::domain::event::{Action, Change, Event, Outcome, What};
use crate::domain::ids::{RoleId, Seq, UserId};
use crate::domain::table::{Rank, Table};
use crate::store::{entries, events};

use super::error::{Conflict, ConflictEvent, ConflictKind};
use super::operation::{Ask, Begun, Operation, Receipt};
use super::{Request, ServiceError, Services};

/// What to undo.
#[derive(Debug, Clone, Copy)]
pub struct UndoOrder {
    /// Which event; the caller's last undoable one without.
    pub event: Option<Seq>,
    /// Also where others have changed things since.
    pub force: bool,
    /// Whose: one's own only, or anybody's (needs the right to it).
    pub whose: Whose,
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
}

impl Services {
    /// Undoes an event.
    ///
    /// # Errors
    /// Unknown, somebody else's, undone already, not undoable; [`ServiceError::ChangedSince`]
    /// where it asks first. Nothing is changed then.
    pub async fn undo(&self, request: &Request, order: UndoOrder) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, Ask::default()).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let (event, conflicts) = prepare(&mut op, request, order).await?;
        if !conflicts.is_empty() && !order.force {
            let ranks = op.current_table().map(Table::titles).unwrap_or_default();
            return Err(ServiceError::ChangedSince {
                event: event.seq,
                conflicts,
                ranks,
            });
        }
        op.finish(Action::EventUndo, None, Some(event.seq)).await
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
                let Receipt { event, table, .. } = *receipt;
                return Ok(UndoPreview {
                    changes: event.changes.clone(),
                    event,
                    table,
                    conflicts: Vec::new(),
                });
            }
            Begun::Fresh(op) => op,
        };
        let (event, conflicts) = prepare(&mut op, request, order).await?;
        let table = op.current_table().map(Table::address);
        Ok(UndoPreview {
            event,
            table,
            changes: op.changes().to_vec(),
            conflicts,
        })
    }
}

/// Puts the compensating changes into the operation; returns what asks first.
async fn prepare(
    op: &mut Operation<'_>,
    request: &Request,
    order: UndoOrder,
) -> Result<(Event, Vec<Conflict>), ServiceError> {
    let event = find(op, request, order).await?;
    let entries = event.changes.iter().filter_map(Change::entry_id).collect();
    op.load(event.table_id, entries).await?;
    let table_is_gone = op
        .current_table()
        .is_some_and(|table| table.deleted_at.is_some());
    if table_is_gone
        && event
            .changes
            .iter()
            .all(|change| change.what != What::Table)
    {
        return Err(ServiceError::TableGone);
    }
    let mut undoing = Undoing {
        op,
        request,
        event: &event,
        conflicts: Vec::new(),
    };
    // What was created first goes last: an entry's points before the entry.
    for change in event
        .changes
        .iter()
        .rev()
        .filter(|change| !change.superseded)
    {
        match change.what {
            What::Entry => undoing.entry(change).await?,
            What::Table => undoing.table(change).await?,
            What::Rank => undoing.rank(change).await?,
            What::Session => {}
        }
    }
    let conflicts = undoing.conflicts;
    Ok((event, conflicts))
}

/// The event to undo, with all that forbids it checked.
async fn find(
    op: &mut Operation<'_>,
    request: &Request,
    order: UndoOrder,
) -> Result<Event, ServiceError> {
    let guild = request.guild;
    let seq = match order.event {
        Some(seq) => seq,
        None => events::last_undoable(op.conn(), guild, request.actor)
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
        Whose::Anybodys => request.require(Right::AuditUndo)?,
    }
    if event.action.is_session() || event.outcome != Outcome::Applied {
        return Err(ServiceError::NotUndoable { event: seq });
    }
    request.require(right_of_original(op, &event).await?)?;
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

/// The right that the original needed must still be held.
async fn right_of_original(op: &mut Operation<'_>, event: &Event) -> Result<Right, ServiceError> {
    let mut original = event.clone();
    while let (Action::EventUndo, Some(seq)) = (original.action, original.undoes) {
        original = events::by_seq(op.conn(), event.guild_id, seq)
            .await?
            .ok_or(ServiceError::UnknownEvent { event: seq })?;
    }
    let sets_points = original
        .changes
        .iter()
        .any(|change| change.field == "points");
    Ok(match original.action {
        // A merge puts right what an award of the same person did.
        Action::PointsAdd | Action::EntryMerge => Right::ScoreAdd,
        Action::PointsRemove => Right::ScoreRemove,
        Action::EntrySet if sets_points => Right::ScoreSet,
        Action::EntrySet => Right::EntryEdit,
        Action::EntryDelete => Right::EntryDelete,
        Action::TableCreate | Action::RankSet => Right::TableEdit,
        Action::EventUndo | Action::SessionOpen | Action::SessionClose => Right::AuditUndo,
    })
}

struct Undoing<'a, 's> {
    op: &'a mut Operation<'s>,
    request: &'a Request,
    event: &'a Event,
    conflicts: Vec<Conflict>,
}

impl Undoing<'_, '_> {
    async fn entry(&mut self, change: &Change) -> Result<(), ServiceError> {
        let Some(id) = change.entry_id().and_then(|id| self.op.by_id(id)) else {
            return Ok(());
        };
        let Some(entry) = self.op.entry(id).cloned() else {
            return Ok(());
        };
        if change.is_creation() {
            self.uncreate(change, &entry).await
        } else if change.is_deletion() {
            self.undelete(change, &entry).await
        } else if change.field == "points" {
            self.points(change, &entry).await
        } else {
            self.field(change, &entry).await
        }
    }

    async fn points(&mut self, change: &Change, entry: &Entry) -> Result<(), ServiceError> {
        let floor = self.op.current_table().map_or(0, |table| table.floor);
        let (delta, stamp) = (change.delta.unwrap_or(0), self.op.stamp());
        let back = entry.clone().compensate(delta, floor, &stamp).after;
        if entry.deleted.is_some() {
            self.conflict(entry, "name", back).await?;
        } else if self.event.action == Action::EntrySet && self.base_moved(entry).await? {
            self.conflict(entry, "points", back).await?;
        }
        self.op
            .edit(entry.id, |entry| entry.compensate(delta, floor, &stamp));
        Ok(())
    }

    /// Whether another base stands than the one this event set. One that was itself undone does
    /// not count: walking backwards goes on beneath it.
    async fn base_moved(&mut self, entry: &Entry) -> Result<bool, ServiceError> {
        let Some(base) = entry.stamps.get("points") else {
            return Ok(false);
        };
        if base.op == self.event.op_id {
            return Ok(false);
        }
        let guild = self.request.guild;
        let Some(later) = events::by_op(self.op.conn(), guild, &base.op).await? else {
            return Ok(true);
        };
        let undone = events::undone_by(self.op.conn(), guild, later.seq).await?;
        Ok(undone.is_none())
    }

    async fn field(&mut self, change: &Change, entry: &Entry) -> Result<(), ServiceError> {
        if entry.deleted.is_some() {
            self.conflict(entry, "name", change.before.clone()).await?;
        } else if entry.value_of(&change.field) != change.after {
            self.conflict(entry, &change.field, change.before.clone())
                .await?;
        }
        let Some(former) = former_value(change) else {
            return Ok(());
        };
        let former = self.free(entry, former).await?;
        let stamp = self.op.stamp();
        self.op.edit(entry.id, |entry| entry.set(former, &stamp));
        Ok(())
    }

    /// A value that no other entry of the table holds, where only one may: asks if it is another
    /// one than should come back.
    async fn free(&mut self, entry: &Entry, wanted: Field) -> Result<Field, ServiceError> {
        match wanted {
            Field::Name(name) => Ok(Field::Name(self.free_name(entry, name).await?)),
            Field::Member(Some(member)) => {
                let table = entry.table_id;
                let holder =
                    entries::holder_of_member(self.op.conn(), table, member, entry.id).await?;
                let Some(holder) = holder else {
                    return Ok(Field::Member(Some(member)));
                };
                let member = serde_json::Value::from(member.to_string());
                self.taken(holder, "member", member, serde_json::Value::Null);
                Ok(Field::Member(None))
            }
            other => Ok(other),
        }
    }

    async fn free_name(&mut self, entry: &Entry, wanted: String) -> Result<String, ServiceError> {
        // What this undo brings back itself is not in the table yet.
        let promised = self.op.names_appearing(Some(entry.id));
        let (table, conn) = (entry.table_id, self.op.conn());
        let (name, taken) =
            events::free_name(conn, table, Some(entry.id), &wanted, &promised).await?;
        if taken {
            self.taken(wanted.clone(), "name", wanted.into(), name.clone().into());
        }
        Ok(name)
    }

    /// Notes that what would come back belongs to another entry, and what comes instead.
    fn taken(
        &mut self,
        name: String,
        field: &str,
        now: serde_json::Value,
        back: serde_json::Value,
    ) {
        self.conflicts.push(Conflict {
            kind: ConflictKind::Taken,
            name,
            field: field.to_owned(),
            now,
            back,
            by: None,
        });
    }

    async fn uncreate(&mut self, change: &Change, entry: &Entry) -> Result<(), ServiceError> {
        if entry.deleted.is_some() {
            return self.conflict(entry, "name", change.before.clone()).await;
        }
        let changed_by_others = events::last_touching(
            self.op.conn(),
            self.request.guild,
            entry.id,
            self.event.seq,
            self.request.actor,
        )
        .await?;
        if let Some(other) = changed_by_others {
            self.conflicts.push(Conflict {
                kind: ConflictKind::InUse,
                name: entry.name.clone(),
                field: "points".to_owned(),
                now: self.op.points_before(entry.id).into(),
                back: change.before.clone(),
                by: Some(told(&other)),
            });
        }
        let stamp = self.op.stamp();
        self.op.edit(entry.id, |entry| entry.delete(&stamp, &stamp));
        Ok(())
    }

    async fn undelete(&mut self, change: &Change, entry: &Entry) -> Result<(), ServiceError> {
        if entry.deleted.is_none() {
            return Ok(());
        }
        let wanted = change.before.as_str().unwrap_or(&entry.name).to_owned();
        let name = self.free_name(entry, wanted).await?;
        let stamp = self.op.stamp();
        self.op.edit(entry.id, |entry| entry.restore(name, &stamp));
        let member = Field::Member(entry.member_id);
        let link = self.free(entry, member.clone()).await?;
        if link != member {
            self.op.edit(entry.id, |entry| entry.set(link, &stamp));
        }
        Ok(())
    }

    async fn table(&mut self, change: &Change) -> Result<(), ServiceError> {
        let Some(mut table) = self.op.current_table().cloned() else {
            return Ok(());
        };
        if change.is_creation() {
            let later =
                events::last_in_table(self.op.conn(), self.request.guild, table.id, self.event.seq)
                    .await?;
            if let Some(later) = later {
                self.conflicts.push(Conflict {
                    kind: ConflictKind::InUse,
                    name: table.address(),
                    field: "name".to_owned(),
                    now: table.name.clone().into(),
                    back: change.before.clone(),
                    by: Some(told(&later)),
                });
            }
            let now = self.op.now();
            let told = table.delete(now);
            self.op.put_table(table, vec![told]);
        } else if change.is_deletion() {
            let told = table.restore();
            self.op.put_table(table, vec![told]);
        }
        Ok(())
    }

    async fn rank(&mut self, change: &Change) -> Result<(), ServiceError> {
        let Some(mut table) = self.op.current_table().cloned() else {
            return Ok(());
        };
        let Ok(number) = change.id.parse() else {
            return Ok(());
        };
        if table.rank_value(number, &change.field) != change.after {
            self.rank_conflict(&table, number, change).await?;
        }
        if change.is_creation() {
            self.rank_in_use(&table, number, change).await?;
            let changes = table.remove_rank(number);
            self.op.put_table(table, changes);
            return Ok(());
        }
        let mut rank = table.ranks.get(&number).cloned().unwrap_or_else(|| Rank {
            number,
            title: change.name.clone().unwrap_or_default(),
            promote_at: None,
            demote_below: None,
            role: None,
        });
        match change.field.as_str() {
            "title" => change
                .before
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut rank.title),
            "promote_at" => rank.promote_at = change.before.as_i64(),
            "demote_below" => rank.demote_below = change.before.as_i64(),
            "role" => {
                rank.role = change
                    .before
                    .as_str()
                    .and_then(|id| id.parse().ok())
                    .map(RoleId::from_db);
            }
            _ => return Ok(()),
        }
        let changes = table.set_rank(rank);
        self.op.put_table(table, changes);
        Ok(())
    }

    async fn rank_conflict(
        &mut self,
        table: &Table,
        number: i32,
        change: &Change,
    ) -> Result<(), ServiceError> {
        let (guild, after) = (self.request.guild, self.event.seq);
        let by = events::last_of_rank(self.op.conn(), guild, table.id, number, after).await?;
        self.conflicts.push(Conflict {
            kind: ConflictKind::Changed,
            name: change.name.clone().unwrap_or_else(|| change.id.clone()),
            field: change.field.clone(),
            now: table.rank_value(number, &change.field),
            back: change.before.clone(),
            by: by.as_ref().map(told),
        });
        Ok(())
    }

    /// A rank that entries hold is not taken away without asking: they would keep its number.
    async fn rank_in_use(
        &mut self,
        table: &Table,
        number: i32,
        change: &Change,
    ) -> Result<(), ServiceError> {
        if let Some(holder) = entries::holder_of_rank(self.op.conn(), table.id, number).await? {
            self.conflicts.push(Conflict {
                kind: ConflictKind::InUse,
                name: holder,
                field: "rank".to_owned(),
                now: number.into(),
                back: change.before.clone(),
                by: None,
            });
        }
        Ok(())
    }

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

/// The value a field had before a change.
fn former_value(change: &Change) -> Option<Field> {
    Some(match change.field.as_str() {
        "name" => Field::Name(change.before.as_str()?.to_owned()),
        "rank" => Field::Rank(
            change
                .before
                .as_i64()
                .and_then(|rank| i32::try_from(rank).ok()),
        ),
        "member" => Field::Member(
            change
                .before
                .as_str()
                .and_then(|id| id.parse().ok())
                .map(UserId::from_db),
        ),
        _ => return None,
    })
}
