//! Undo: a compensating event. Points: the effective delta is given back. A field: its former
//! value returns if it still holds what the event wrote. What was created goes, what was deleted
//! comes back. Where others have changed things since, it asks first.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::access::{Grant, Right};
use crate::domain::entry::{Entry, Field};
use crate::domain::event::{Action, Change, Event, Outcome, What};
use crate::domain::field::MAX_FIELDS;
use crate::domain::ids::{EntryId, Seq, UserId};
use crate::domain::panel::Mark;
use crate::domain::period::read_proposed;
use crate::domain::table::Table;
use crate::store::{entries, events, grants, periods, tables};

use super::access;
use super::error::{Conflict, ConflictEvent, ConflictKind};
use super::operation::{Ask, Begun, Operation, Receipt, SessionNeed};
use super::tables::require_above;
use super::{Request, ServiceError, Services};

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
                let Receipt {
                    event,
                    table,
                    ranks,
                    ..
                } = *receipt;
                return Ok(UndoPreview {
                    changes: event.changes.clone(),
                    event,
                    table,
                    conflicts: Vec::new(),
                    ranks,
                });
            }
            Begun::Fresh(op) => op,
        };
        let (event, conflicts) = prepare(&mut op, request, &order).await?;
        let table = op.current_table().map(Table::address);
        let ranks = op.current_table().map(Table::titles).unwrap_or_default();
        Ok(UndoPreview {
            event,
            table,
            ranks,
            changes: op.changes().to_vec(),
            conflicts,
        })
    }
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

/// The rights that the original needed must still be held.
async fn rights_of_original(
    op: &mut Operation<'_>,
    event: &Event,
) -> Result<Vec<Right>, ServiceError> {
    let mut original = event.clone();
    while let (Action::EventUndo, Some(seq)) = (original.action, original.undoes) {
        original = events::by_seq(op.conn(), event.guild_id, seq)
            .await?
            .ok_or(ServiceError::UnknownEvent { event: seq })?;
    }
    Ok(rights_for(&original))
}

/// What an operation asked for, as its event tells.
fn rights_for(original: &Event) -> Vec<Right> {
    let sets_points = original
        .changes
        .iter()
        .any(|change| change.register() == "points");
    let right = match original.action {
        Action::PointsAdd => return rights_for_award(original),
        // A merge puts right what an award of the same person did.
        Action::EntryMerge => Right::ScoreAdd,
        Action::PointsRemove => Right::ScoreRemove,
        Action::EntrySet if sets_points => Right::ScoreSet,
        Action::EntrySet => Right::EntryEdit,
        Action::EntryDelete => Right::EntryDelete,
        Action::TableCreate
        | Action::TableEdit
        | Action::TableDelete
        | Action::TableRestore
        | Action::FieldAdd
        | Action::FieldEdit
        | Action::FieldRemove
        | Action::RankSet
        | Action::RankRemove
        | Action::ActivitySet
        | Action::ActivityRemove => Right::TableEdit,
        Action::PeriodClose | Action::PeriodSchedule | Action::RankApply => Right::PeriodClose,
        Action::BoardPost | Action::BoardRemove => Right::BoardManage,
        Action::SettingsSet => Right::SettingsManage,
        Action::AccessGrant | Action::AccessRevoke => Right::AccessManage,
        Action::EventUndo
        | Action::SessionOpen
        | Action::SessionClose
        | Action::SessionRename
        | Action::TableView
        | Action::AuditView
        | Action::AuditExport
        | Action::DataExport
        | Action::SettingsView
        | Action::AccessView
        | Action::AccessRefuse => Right::AuditUndo,
    };
    vec![right]
}

/// An award also makes entries of new names, and links those that were there.
fn rights_for_award(award: &Event) -> Vec<Right> {
    let is_new = |change: &Change| {
        let mut changes = award.changes.iter();
        changes.any(|other| other.id == change.id && other.is_creation())
    };
    let mut of_entries = award.changes.iter().filter(|it| it.what == What::Entry);
    let links = |it: &Change| it.register() == "member" && !is_new(it);
    let adds = of_entries.clone().any(Change::is_creation);
    let edits = of_entries.any(links);
    let also = [(adds, Right::EntryAdd), (edits, Right::EntryEdit)];
    let also = also
        .into_iter()
        .filter_map(|(it, right)| it.then_some(right));
    [Right::ScoreAdd].into_iter().chain(also).collect()
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
        } else if change.register() == "points" {
            self.points(change, &entry).await
        } else {
            self.field(change, &entry).await
        }
    }

    async fn points(&mut self, change: &Change, entry: &Entry) -> Result<(), ServiceError> {
        let table = self.op.current_table().cloned();
        let bounds = table.as_ref().map(Table::bounds).unwrap_or_default();
        let (delta, stamp) = (change.delta.unwrap_or(0), self.op.stamp());
        let back = entry.clone().compensate(delta, bounds, &stamp).after;
        if entry.deleted.is_some() {
            self.conflict(entry, "name", back).await?;
        } else if self.event.action == Action::EntrySet && self.base_moved(entry).await? {
            self.conflict(entry, "points", back).await?;
        }
        self.op
            .edit(entry.id, |entry| entry.compensate(delta, bounds, &stamp));
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
        if change.register() == "rank" && self.without_rank.contains(&entry.id) {
            return Ok(());
        }
        if entry.deleted.is_some() {
            self.conflict(entry, "name", change.before.clone()).await?;
        } else if entry.value_of(&change.register()) != change.after {
            self.field_conflict(entry, change).await?;
        }
        let Some(former) = former_value(change) else {
            return Ok(());
        };
        let former = self.free(entry, former).await?;
        let (register, stamp) = (change.register(), self.op.stamp());
        let is_meant = entry.value_of(&register) == change.after;
        let set = |entry: &mut Entry| entry.set(former, &stamp);
        // What is meant to go is not lost unseen, nor what was shown before the button was pressed.
        if is_meant || matches!(self.force, Force::Shown(_)) {
            self.op.edit(entry.id, set);
            return Ok(());
        }
        self.op.replace(entry.id, &register, set).await
    }

    /// A value that no other entry of the table holds, where only one may, and no rank that is
    /// gone: asks if it is another one than should come back.
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
                let nobody = serde_json::Value::Null;
                self.replaced(ConflictKind::Taken, holder, "member", (member, nobody));
                Ok(Field::Member(None))
            }
            Field::Rank(Some(rank)) if !self.has_rank(rank) => {
                let (name, none) = (entry.name.clone(), serde_json::Value::Null);
                self.replaced(ConflictKind::RankGone, name, "rank", (rank.into(), none));
                Ok(Field::Rank(None))
            }
            other => Ok(other),
        }
    }

    fn has_rank(&self, number: i32) -> bool {
        let table = self.op.current_table();
        table.is_some_and(|table| table.ranks.contains_key(&number))
    }

    async fn free_name(&mut self, entry: &Entry, wanted: String) -> Result<String, ServiceError> {
        // What this undo brings back itself is not in the table yet.
        let promised = self.op.names_appearing(Some(entry.id));
        let (table, conn) = (entry.table_id, self.op.conn());
        let (name, taken) =
            events::free_name(conn, table, Some(entry.id), &wanted, &promised).await?;
        if taken {
            let (now, back) = (wanted.clone().into(), name.clone().into());
            self.replaced(ConflictKind::Taken, wanted, "name", (now, back));
        }
        Ok(name)
    }

    /// Notes that what would come back can't, and what comes instead.
    fn replaced(
        &mut self,
        kind: ConflictKind,
        name: String,
        field: &str,
        (now, back): (serde_json::Value, serde_json::Value),
    ) {
        self.conflicts.push(Conflict {
            kind,
            name,
            field: field.to_owned(),
            extra: false,
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
                extra: false,
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
        let rank = Field::Rank(entry.rank);
        if self.free(entry, rank.clone()).await? != rank {
            self.op.edit(entry.id, |entry| entry.lose_rank(&stamp));
        }
        let member = Field::Member(entry.member_id);
        let link = self.free(entry, member.clone()).await?;
        if link != member {
            self.op.edit(entry.id, |entry| entry.set(link, &stamp));
        }
        Ok(())
    }

    /// Settings, tables, ranks and extra fields get their former values back.
    async fn structure(&mut self) -> Result<(), ServiceError> {
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
        self.op.put_settings(settings);
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

    /// What was granted is taken away, what was revoked is granted again; what is so already stays.
    async fn grants(&mut self) -> Result<(), ServiceError> {
        for (grant, was_granted) in Grant::told_by(self.event) {
            let (guild, scope) = (self.request.guild, &grant.scope);
            let conn = self.op.conn();
            let stands = grants::find(conn, guild, grant.who, grant.granted, scope).await?;
            match (was_granted, stands) {
                (true, Some(stands)) => {
                    if stands.id != grant.id {
                        self.granted_anew(&stands).await?;
                    }
                    self.op.revoke(&stands);
                }
                (false, None) => {
                    access::require_unranked(self.op, self.request, &grant).await?;
                    self.op.grant(grant);
                }
                (true, None) | (false, Some(_)) => {}
            }
        }
        Ok(())
    }

    /// What the event granted was revoked since, and somebody granted the same anew.
    async fn granted_anew(&mut self, stands: &Grant) -> Result<(), ServiceError> {
        let granting = stands.told(true);
        let by = match granting.iter().find(|change| change.is_creation()) {
            Some(change) => events::last_of_thing(self.op.conn(), self.event, change).await?,
            None => None,
        };
        self.conflicts.push(Conflict {
            kind: ConflictKind::GrantedAnew,
            name: stands.who.to_string(),
            field: "right".to_owned(),
            extra: false,
            now: stands.granted.as_str().into(),
            back: serde_json::Value::Null,
            by: by.as_ref().map(told),
        });
        Ok(())
    }

    /// A closing is undone, or brought back; or what it had proposed is proposed again.
    async fn period(&mut self, change: &Change, address: &str) -> Result<(), ServiceError> {
        let Some(table) = self.event.table_id else {
            return Ok(());
        };
        let last = periods::closed(self.op.conn(), table, None).await?;
        let last_number = last.as_ref().map(|last| last.period.number);
        let number = change.id.parse().unwrap_or_default();
        let outdated = || ServiceError::NotLastPeriod {
            table: address.to_owned(),
            period: number,
            last: last_number,
        };
        if change.is_creation() {
            let kept = last.filter(|last| last.period.number == number);
            let kept = kept.ok_or_else(outdated)?;
            return self.op.reopen_period(address, &kept).await;
        }
        if change.is_deletion() {
            let kept = self.closing().await?;
            let is_next = last_number.unwrap_or(0).checked_add(1) == Some(number);
            let kept = kept.filter(|_| is_next).ok_or_else(outdated)?;
            return self.op.reclose_period(address, &kept).await;
        }
        let moves_period = |it: &Change| it.what == What::Period && it.field == "closed";
        if change.field == "proposed" && !self.event.changes.iter().any(moves_period) {
            let kept = periods::closed(self.op.conn(), table, Some(number)).await?;
            if let Some(kept) = kept {
                let proposed = change.before.as_str().map(read_proposed);
                let proposed = proposed.unwrap_or_default();
                return self.op.propose_ranks(address, &kept, proposed).await;
            }
        }
        Ok(())
    }

    /// The closing that the event undid, by however many undos.
    async fn closing(&mut self) -> Result<Option<periods::Kept>, ServiceError> {
        let (guild, mut undone) = (self.request.guild, self.event.undoes);
        while let Some(seq) = undone {
            if let Some(kept) = periods::by_seq(self.op.conn(), guild, seq).await? {
                return Ok(Some(kept));
            }
            let event = events::by_seq(self.op.conn(), guild, seq).await?;
            undone = event.and_then(|event| event.undoes);
        }
        Ok(None)
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

    /// Notes that a field of an entry no longer holds what the event wrote.
    async fn field_conflict(&mut self, entry: &Entry, change: &Change) -> Result<(), ServiceError> {
        let register = change.register();
        self.conflict(entry, &register, change.before.clone())
            .await?;
        if let Some(conflict) = self.conflicts.last_mut() {
            conflict.field.clone_from(&change.field);
            conflict.extra = change.field_id.is_some();
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
            extra: false,
            now,
            back,
            by: by.as_ref().map(told),
        });
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

fn told(event: &Event) -> ConflictEvent {
    ConflictEvent {
        seq: event.seq,
        actor: event.actor_id,
        at: event.at,
    }
}

/// The value a field had before a change.
fn former_value(change: &Change) -> Option<Field> {
    if let Some(number) = &change.field_id {
        return Some(Field::Extra {
            number: number.parse().ok()?,
            name: change.field.clone(),
            value: change.before.as_str().map(str::to_owned),
        });
    }
    Some(match change.field.as_str() {
        "name" => Field::Name(change.before.as_str()?.to_owned()),
        "rank" => Field::Rank(
            change
                .before
                .as_i64()
                .and_then(|rank| i32::try_from(rank).ok()),
        ),
        "exempt" => Field::Exempt(change.before.as_bool().unwrap_or_default()),
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
