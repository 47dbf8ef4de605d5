//! The heart: the one place that runs operations. It takes the guild's lock, finds out whether
//! the operation was done already, finds the device session, and at the end appends the events
//! and writes the state they tell of, in one transaction. An operation supplies only its change.
//!
//! Architecture invariant: nothing outside this file writes an event or a row of the state.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Postgres, Transaction};

use crate::domain::access::Right;
use crate::domain::canonical;
use crate::domain::entry::Entry;
use crate::domain::event::{Action, Change, Event, Outcome, Via, What};
use crate::domain::ids::{DeviceId, EntryId, OpId, Seq, TableId, UserId};
use crate::domain::name::{Name, TableAddress, fold};
use crate::domain::session::{Attribution, EndReason, Platform, Session};
use crate::domain::stamp::Stamp;
use crate::domain::table::Table;
use crate::store::operation::{
    self as sql, EntryWrite, EventName, FormerName, FoundEntry, LedgerRow, TableWrite, Wanted,
    Writes,
};
use crate::store::{StoreError, complete, events, tables};

use super::error::TableChoice;
use super::{Request, ServiceError, Services};

/// How often, and how far apart, the outcome of a commit is looked up when the connection broke.
const OUTCOME_TRIES: u32 = 15;
const OUTCOME_PAUSE: Duration = Duration::from_millis(200);

/// Similar names offered for an unknown one.
const NEAR_NAMES: usize = 3;

/// What an operation asks to see.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The table by address; the session's last one, or the only one, without.
    pub table: Option<TableAddress>,
    /// The table by id, before the address.
    pub table_id: Option<TableId>,
    /// Entries by name.
    pub names: Vec<Name>,
    /// Entries by the member they are linked to.
    pub members: Vec<UserId>,
    /// Entries by id.
    pub entries: Vec<EntryId>,
    /// What it needs of the caller's device session.
    pub session: SessionNeed,
}

/// What an operation needs of the caller's device session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionNeed {
    /// The one in use; one is opened if there is none.
    #[default]
    FindOrOpen,
    /// The one in use, if there is one.
    Find,
    /// None: the operation opens one itself.
    OpensItself,
}

/// What was done, for the answer to the person who did it.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The event, with every change.
    pub event: Event,
    /// The table's address.
    pub table: Option<String>,
    /// What its ranks are called.
    pub ranks: BTreeMap<i32, String>,
    /// The session that did it.
    pub session: Option<Session>,
    /// It had been done before: this is the first answer again.
    pub repeated: bool,
}

impl Receipt {
    fn new(event: Event, table: Option<&Table>, session: Option<Session>, repeated: bool) -> Self {
        Self {
            event,
            table: table.map(Table::address),
            ranks: table.map(Table::titles).unwrap_or_default(),
            session,
            repeated,
        }
    }
}

/// An operation that was begun.
pub enum Begun<'s> {
    /// It is to be done.
    Fresh(Box<Operation<'s>>),
    /// It was done already.
    Repeated(Box<Receipt>),
}

/// An entry under the hands of an operation.
#[derive(Debug, Clone)]
struct Held {
    entry: Entry,
    before: Option<Entry>,
    later_delta: i64,
    last_delta: Option<Stamp>,
}

/// An event that is to be appended.
struct Draft {
    op: OpId,
    at: DateTime<Utc>,
    actor: Option<UserId>,
    device: Option<DeviceId>,
    attribution: Option<Attribution>,
    via: Via,
    action: Action,
    table: Option<TableId>,
    changes: Vec<Change>,
    reason: Option<String>,
    undoes: Option<Seq>,
}

/// A transaction that holds the guild's lock, and what it has read and changed so far. Dropped
/// without its `finish`, it leaves no trace.
pub struct Operation<'s> {
    services: &'s Services,
    tx: Transaction<'static, Postgres>,
    request: Request,
    address: Option<TableAddress>,
    by_table_id: bool,
    applied_at: DateTime<Utc>,
    head_seq: Seq,
    head_hash: String,
    /// What goes before the operation's own event: sessions that opened or ran out.
    before: Vec<Draft>,
    session: Option<(Session, Attribution)>,
    sessions: Vec<Session>,
    ended: Vec<Session>,
    table: Option<Table>,
    candidates: Vec<Table>,
    table_touched: bool,
    found: Vec<FoundEntry>,
    held: Vec<Held>,
    changes: Vec<Change>,
}

impl Services {
    /// Begins an operation: two round trips.
    pub(super) async fn begin(
        &self,
        request: &Request,
        ask: Ask,
    ) -> Result<Begun<'_>, ServiceError> {
        let mut tx = self.locked(request).await?;
        let wanted = Wanted {
            guild: request.guild,
            op: &request.op,
            user: request.actor,
            at: request.at,
            device: request.device.as_ref(),
            limits: self.limits,
            address: ask
                .table
                .as_ref()
                .map(|a| (a.category().map(Name::key), a.name().key())),
            table: ask.table_id,
            names: ask.names.iter().map(Name::key).collect(),
            members: ask.members.clone(),
            entries: ask.entries.clone(),
        };
        let opening = sql::open(&mut tx, &wanted).await?;
        if let Some(event) = opening.prior {
            return Ok(Begun::Repeated(Box::new(
                self.receipt_again(&mut tx, event).await?,
            )));
        }
        let mut op = Operation {
            services: self,
            tx,
            request: request.clone(),
            address: ask.table,
            by_table_id: ask.table_id.is_some(),
            applied_at: opening.applied_at,
            head_seq: Seq(opening.head_seq),
            head_hash: opening.head_hash,
            before: Vec::new(),
            session: None,
            sessions: opening.sessions,
            ended: Vec::new(),
            table: None,
            candidates: opening.tables,
            table_touched: false,
            found: opening.entries,
            held: Vec::new(),
            changes: Vec::new(),
        };
        op.end_expired_sessions();
        if ask.session != SessionNeed::OpensItself {
            op.find_session(ask.session == SessionNeed::FindOrOpen);
        }
        if op.candidates.len() == 1 {
            op.table = op.candidates.pop();
        }
        Ok(Begun::Fresh(Box::new(op)))
    }

    /// A transaction with the guild's lock. Connections that broke unnoticed while idle show
    /// here, where nothing was done yet: as many as the pool can hold are passed over.
    async fn locked(
        &self,
        request: &Request,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        for _ in 0..self.pool.size() {
            match sql::begin(&self.pool, request.guild).await {
                Err(error) if error.is_broken_connection() => {}
                done => return done,
            }
        }
        sql::begin(&self.pool, request.guild).await
    }

    /// The connection broke while committing: whether it was committed is looked up, since
    /// nobody may be told that something failed which did not.
    async fn outcome(
        &self,
        request: &Request,
        receipt: Receipt,
        error: sqlx::Error,
    ) -> Result<Receipt, ServiceError> {
        tracing::warn!(error = %error, op.id = %request.op, "the outcome of a commit is unknown; looking it up");
        for _ in 0..OUTCOME_TRIES {
            match self.committed(request).await {
                Ok(true) => return Ok(receipt),
                Ok(false) => return Err(error.into()),
                Err(_) => tokio::time::sleep(OUTCOME_PAUSE).await,
            }
        }
        Err(ServiceError::OutcomeUnknown)
    }

    /// Whether the operation's event is there. Asked under the guild's lock: the server may still
    /// be at the commit whose answer was lost.
    async fn committed(&self, request: &Request) -> Result<bool, StoreError> {
        let mut tx = self.locked(request).await?;
        Ok(events::by_op(&mut tx, request.guild, &request.op)
            .await?
            .is_some())
    }

    /// The first answer of an operation again.
    async fn receipt_again(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        event: Event,
    ) -> Result<Receipt, ServiceError> {
        let table = match event.table_id {
            Some(id) => tables::by_id(tx, event.guild_id, id).await?,
            None => None,
        };
        let session = match &event.device_id {
            Some(id) => crate::store::sessions::by_id(tx, event.guild_id, id).await?,
            None => None,
        };
        Ok(Receipt::new(event, table.as_ref(), session, true))
    }
}

impl Operation<'_> {
    /// The connection, for what a rare operation reads beside the opening.
    pub(super) fn conn(&mut self) -> &mut sqlx::PgConnection {
        &mut self.tx
    }

    /// When the operation takes effect.
    pub(super) const fn now(&self) -> DateTime<Utc> {
        self.applied_at
    }

    /// The date of its edits.
    pub(super) fn stamp(&self) -> Stamp {
        self.request.stamp()
    }

    // ---- sessions ---------------------------------------------------------------------------

    /// Sessions that ran out since anyone looked are ended by an event of their own.
    fn end_expired_sessions(&mut self) {
        let (limits, now) = (self.services.limits, self.applied_at);
        let (expired, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.sessions)
            .into_iter()
            .partition(|s| s.expiry(limits, now).is_some());
        self.sessions = open;
        for mut session in expired {
            let Some(reason) = session.expiry(limits, now) else {
                continue;
            };
            let change = session.close(reason, now);
            self.before.push(Draft {
                op: OpId::new(format!("expiry/{}", session.device_id)),
                at: now,
                actor: None,
                device: Some(session.device_id.clone()),
                attribution: None,
                via: Via::Schedule,
                action: Action::SessionClose,
                table: None,
                changes: vec![change],
                reason: None,
                undoes: None,
            });
            self.ended.push(session);
        }
    }

    /// The rules `exact`, `recent` and `new`, in this order.
    fn find_session(&mut self, or_open: bool) {
        let clicked = self.request.device.as_ref();
        let exact = self
            .sessions
            .iter()
            .position(|s| Some(&s.device_id) == clicked);
        let (index, attribution) = match exact {
            Some(index) => (index, Attribution::Exact),
            None if !self.sessions.is_empty() => (0, Attribution::Recent),
            None if !or_open => return,
            None => {
                let session = self.new_session(Platform::Unknown, None);
                self.before.push(Draft {
                    op: self.request.op.with_suffix("session"),
                    at: self.request.at,
                    actor: Some(self.request.actor),
                    device: Some(session.device_id.clone()),
                    attribution: Some(Attribution::New),
                    via: self.request.via,
                    action: Action::SessionOpen,
                    table: None,
                    changes: session.opened(),
                    reason: None,
                    undoes: None,
                });
                self.session = Some((session, Attribution::New));
                return;
            }
        };
        self.session = Some((self.sessions.remove(index), attribution));
    }

    fn new_session(&self, platform: Platform, label: Option<String>) -> Session {
        let id = self.services.entropy.device_id();
        Session::open(id, self.request.actor, platform, label, self.applied_at)
    }

    /// Opens a session as the operation's own change.
    pub(super) fn log_in(&mut self, label: Option<String>) {
        let session = self.new_session(Platform::Unknown, label);
        self.changes.extend(session.opened());
        self.session = Some((session, Attribution::New));
    }

    /// The caller's open sessions, the one in use first.
    pub(super) fn open_sessions(&self) -> impl Iterator<Item = &Session> {
        self.session
            .iter()
            .map(|(session, _)| session)
            .chain(&self.sessions)
    }

    /// Ends one of the caller's open sessions as the operation's own change.
    pub(super) fn end_session(&mut self, id: &DeviceId, reason: EndReason) {
        let now = self.applied_at;
        if let Some((session, _)) = self
            .session
            .as_mut()
            .filter(|(session, _)| &session.device_id == id)
        {
            self.changes.push(session.close(reason, now));
        } else if let Some(index) = self.sessions.iter().position(|s| &s.device_id == id) {
            let mut session = self.sessions.remove(index);
            self.changes.push(session.close(reason, now));
            self.ended.push(session);
        }
    }

    // ---- tables -----------------------------------------------------------------------------

    /// The table the operation is about.
    ///
    /// # Errors
    /// Which table is meant can't be told, or the caller has no right there.
    pub(super) async fn table(&mut self, right: Right) -> Result<Table, ServiceError> {
        self.request.require(right)?;
        if let Some(table) = self
            .table
            .as_ref()
            .filter(|table| table.deleted_at.is_none())
        {
            return Ok(table.clone());
        }
        if self.by_table_id {
            return Err(ServiceError::TableGone);
        }
        let candidates: Vec<String> = self.candidates.iter().map(Table::address).collect();
        let address = self.address.as_ref().map(ToString::to_string);
        let guild = self.request.guild;
        Err(no_table(&mut self.tx, guild, address, candidates).await)
    }

    /// A new table, as the operation's own change.
    pub(super) fn create_table(&mut self, address: TableAddress) -> Table {
        let (category, name) = address.into_parts();
        let table = Table {
            id: self.services.entropy.table_id(),
            category: category.map(|name| name.to_string()),
            name: name.to_string(),
            floor: 0,
            private: false,
            deleted_at: None,
            ranks: BTreeMap::new(),
        };
        let changes = table.created();
        self.put_table(table.clone(), changes);
        table
    }

    /// The table as it is to be, and the changes that tell of it.
    pub(super) fn put_table(&mut self, table: Table, changes: Vec<Change>) {
        self.table = Some(table);
        self.table_touched = true;
        self.changes.extend(changes);
    }

    /// Whether the found table is one of that address, for `table create`.
    pub(super) fn existing(&self, address: &TableAddress) -> Option<String> {
        let category = address.category().map(Name::key);
        self.table
            .iter()
            .chain(&self.candidates)
            .find(|table| table.category.as_deref().map(fold) == category)
            .map(Table::address)
    }

    // ---- entries ----------------------------------------------------------------------------

    /// The live entry of that name; or, for an edit that comes late, the entry that bore the name
    /// when the edit was made, be it renamed or deleted since.
    pub(super) fn by_name(&mut self, name: &Name) -> Option<EntryId> {
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

    /// The live entry linked to that member.
    pub(super) fn by_member(&mut self, member: UserId) -> Option<EntryId> {
        let found = self
            .found
            .iter()
            .find(|f| {
                f.entry.member_id == Some(member) && f.entry.deleted.is_none() && f.until.is_none()
            })?
            .clone();
        Some(self.hold(found))
    }

    /// The entry of that id.
    pub(super) fn by_id(&mut self, id: EntryId) -> Option<EntryId> {
        if self.held.iter().any(|held| held.entry.id == id) {
            return Some(id);
        }
        let found = self.found.iter().find(|f| f.entry.id == id)?.clone();
        Some(self.hold(found))
    }

    fn hold(&mut self, found: FoundEntry) -> EntryId {
        let id = found.entry.id;
        if !self.held.iter().any(|held| held.entry.id == id) {
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
    pub(super) fn points_before(&self, id: EntryId) -> i64 {
        let held = self.held.iter().find(|held| held.entry.id == id);
        held.and_then(|held| held.before.as_ref())
            .map_or(0, |before| before.points)
    }

    /// A new entry, as a change of the operation.
    pub(super) fn create_entry(&mut self, table: TableId, name: &Name) -> EntryId {
        let id = self.services.entropy.entry_id();
        let (entry, change) = Entry::create(id, table, name.to_string(), &self.stamp());
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
    pub(super) fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.held
            .iter()
            .find(|held| held.entry.id == id)
            .map(|held| &held.entry)
    }

    /// The sum of the deltas of an entry that are dated after this operation.
    pub(super) fn later_delta(&self, id: EntryId) -> i64 {
        self.held
            .iter()
            .find(|held| held.entry.id == id)
            .map_or(0, |held| held.later_delta)
    }

    /// The newest stamp of anything done to an entry.
    pub(super) fn last_edit(&self, id: EntryId) -> Option<Stamp> {
        let held = self.held.iter().find(|held| held.entry.id == id)?;
        let registers = held.entry.stamps.values().max();
        registers
            .into_iter()
            .chain(&held.last_delta)
            .chain([&held.entry.created])
            .max()
            .cloned()
    }

    /// Edits an entry; what the edit tells becomes part of the event.
    pub(super) fn edit(&mut self, id: EntryId, edit: impl FnOnce(&mut Entry) -> Change) {
        if let Some(held) = self.held.iter_mut().find(|held| held.entry.id == id) {
            self.changes.push(edit(&mut held.entry));
        }
    }

    /// Names of the table close to one that is not in it.
    pub(super) async fn near(
        &mut self,
        table: TableId,
        name: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let candidates = complete::candidates(&mut self.tx, table, &fold(name)).await?;
        Ok(nearest(name, candidates))
    }

    /// Reads a table, also a deleted one, and entries by their ids: for undo.
    pub(super) async fn load(
        &mut self,
        table: Option<TableId>,
        entries: Vec<EntryId>,
    ) -> Result<(), ServiceError> {
        let wanted = Wanted {
            guild: self.request.guild,
            op: &self.request.op,
            user: self.request.actor,
            at: self.request.at,
            device: None,
            limits: self.services.limits,
            address: None,
            table,
            names: Vec::new(),
            members: Vec::new(),
            entries,
        };
        let opening = sql::open(&mut self.tx, &wanted).await?;
        self.found.extend(opening.entries);
        self.table = opening
            .tables
            .into_iter()
            .find(|found| Some(found.id) == table);
        Ok(())
    }

    /// The table as it stands now, within the operation.
    pub(super) const fn current_table(&self) -> Option<&Table> {
        self.table.as_ref()
    }

    /// What the operation has changed so far.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    // ---- the end ----------------------------------------------------------------------------

    /// Appends the events, writes the state, commits: two round trips.
    pub(super) async fn finish(
        self,
        action: Action,
        reason: Option<String>,
        undoes: Option<Seq>,
    ) -> Result<Receipt, ServiceError> {
        let mut this = self;
        let about_table = !action.is_session();
        if let Some((session, _)) = &mut this.session {
            session.last_seen_at = session.last_seen_at.max(this.applied_at);
            if let Some(table) = this.table.as_ref().filter(|_| about_table) {
                session.last_table = Some(table.id);
            }
        }
        let events = this.events(action, reason, undoes);
        let written = this.table.as_ref().filter(|_| this.table_touched);
        let sessions = this
            .session
            .iter()
            .map(|(session, _)| session)
            .chain(&this.ended);
        let writes = writes(written, &this.held, sessions, &events);
        sql::write(&mut this.tx, this.request.guild, &writes)
            .await
            .map_err(|error| taken(error, this.table.as_ref(), &this.held))?;
        let Some(event) = events.last().cloned() else {
            return Err(StoreError::Mismatch("an operation without an event").into());
        };
        let table = this.table.as_ref().filter(|_| about_table);
        let session = this.session.as_ref().map(|(session, _)| session.clone());
        let receipt = Receipt::new(event, table, session, false);
        match this.tx.commit().await {
            Ok(()) => Ok(receipt),
            Err(error) => this.services.outcome(&this.request, receipt, error).await,
        }
    }

    fn events(
        &mut self,
        action: Action,
        reason: Option<String>,
        undoes: Option<Seq>,
    ) -> Vec<Event> {
        let (device, attribution) = match &self.session {
            Some((session, attribution)) => (Some(session.device_id.clone()), Some(*attribution)),
            None => (None, None),
        };
        let mut drafts = std::mem::take(&mut self.before);
        drafts.push(Draft {
            op: self.request.op.clone(),
            at: self.request.at,
            actor: Some(self.request.actor),
            device,
            attribution,
            via: self.request.via,
            action,
            table: self
                .table
                .as_ref()
                .map(|table| table.id)
                .filter(|_| !action.is_session()),
            changes: std::mem::take(&mut self.changes),
            reason,
            undoes,
        });
        drafts.into_iter().map(|draft| self.append(draft)).collect()
    }

    fn append(&mut self, draft: Draft) -> Event {
        let superseded =
            !draft.changes.is_empty() && draft.changes.iter().all(|change| change.superseded);
        let mut event = Event {
            guild_id: self.request.guild,
            seq: self.head_seq.next(),
            op_id: draft.op,
            at: draft.at,
            applied_at: self.applied_at,
            actor_id: draft.actor,
            device_id: draft.device,
            attribution: draft.attribution,
            via: draft.via,
            action: draft.action,
            table_id: draft.table,
            changes: draft.changes,
            reason: draft.reason,
            overwrote: None,
            undoes: draft.undoes,
            outcome: if superseded {
                Outcome::Superseded
            } else {
                Outcome::Applied
            },
            prev_hash: std::mem::take(&mut self.head_hash),
            hash: String::new(),
            salt: Some(self.services.entropy.salt()),
        };
        event.hash = canonical::hash(&event);
        self.head_seq = event.seq;
        self.head_hash.clone_from(&event.hash);
        event
    }
}

/// The rows that an operation's changes come to.
fn writes<'a>(
    table: Option<&'a Table>,
    held: &'a [Held],
    sessions: impl Iterator<Item = &'a Session>,
    events: &'a [Event],
) -> Writes<'a> {
    let changed = || {
        held.iter()
            .filter(|held| held.before.as_ref() != Some(&held.entry))
    };
    Writes {
        tables: table.into_iter().map(table_write).collect(),
        entries: changed().map(entry_write).collect(),
        former_names: changed().filter_map(former_name).collect(),
        sessions: sessions.collect(),
        events: events.iter().collect(),
        ledger: ledger(events),
        names: names(events),
    }
}

fn table_write(table: &Table) -> TableWrite<'_> {
    TableWrite {
        table,
        category_key: table.category.as_deref().map(fold).unwrap_or_default(),
        name_key: fold(&table.name),
    }
}

fn entry_write(held: &Held) -> EntryWrite<'_> {
    let before = held.before.as_ref().map_or(0, |before| before.points);
    EntryWrite {
        entry: &held.entry,
        name_key: fold(&held.entry.name),
        delta: held.entry.points.saturating_sub(before),
    }
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

/// Whether this entry is met for the first time among those of a list; it joins them then. A name
/// and a mention, or an old and a new name, can mean one entry.
pub(super) fn counts_once(ids: &mut Vec<EntryId>, id: EntryId) -> bool {
    let first = !ids.contains(&id);
    if first {
        ids.push(id);
    }
    first
}

/// The effective changes of points.
fn ledger(events: &[Event]) -> Vec<LedgerRow> {
    let mut rows: BTreeMap<(Seq, EntryId), LedgerRow> = BTreeMap::new();
    for event in events {
        for (entry_id, delta) in event.changes.iter().filter_map(Change::effective_points) {
            rows.entry((event.seq, entry_id))
                .or_insert_with(|| LedgerRow {
                    seq: event.seq.0,
                    entry_id,
                    stamp: event.stamp(),
                    delta: 0,
                })
                .delta += delta;
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
fn taken(error: StoreError, table: Option<&Table>, held: &[Held]) -> ServiceError {
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
        "tables_address_key" => ServiceError::TableExists { table },
        _ => error.into(),
    }
}

/// Tells why there is no table to work on.
pub(super) async fn no_table(
    conn: &mut sqlx::PgConnection,
    guild: crate::domain::ids::GuildId,
    address: Option<String>,
    candidates: Vec<String>,
) -> ServiceError {
    let live = match tables::list(conn, guild).await {
        Ok(live) => live,
        Err(error) => return error.into(),
    };
    if live.is_empty() {
        return ServiceError::NoTables;
    }
    match address {
        Some(table) if candidates.is_empty() => {
            let near = nearest_tables(&table, &live);
            ServiceError::UnknownTable { table, near }
        }
        Some(table) => ServiceError::AmbiguousTable {
            table,
            tables: candidates,
        },
        None => ServiceError::ChooseTable {
            tables: live
                .iter()
                .take(25)
                .map(|row| TableChoice {
                    id: row.id,
                    address: row.address(),
                })
                .collect(),
        },
    }
}

/// Those names which are closest to the one given, and close enough to have been meant.
fn nearest(given: &str, existing: impl IntoIterator<Item = String>) -> Vec<String> {
    let close = existing
        .into_iter()
        .filter_map(|name| Some((distance(given, &name)?, name)))
        .collect();
    closest(close)
}

/// Addresses of tables whose address or bare name is close to the one given.
fn nearest_tables(given: &str, existing: &[Table]) -> Vec<String> {
    let close = existing
        .iter()
        .filter_map(|table| {
            let distances = [
                distance(given, &table.address()),
                distance(given, &table.name),
            ];
            Some((distances.into_iter().flatten().min()?, table.address()))
        })
        .collect();
    closest(close)
}

fn closest(mut close: Vec<(usize, String)>) -> Vec<String> {
    close.sort();
    close.dedup();
    close
        .into_iter()
        .take(NEAR_NAMES)
        .map(|(_, name)| name)
        .collect()
}

/// How far a name is from the one given, if it is close enough to have been meant. Diacritics do
/// not count: they are what is left out most often.
fn distance(given: &str, name: &str) -> Option<usize> {
    let (given, name) = (plain(given), plain(name));
    let distance = strsim::osa_distance(&given, &name);
    let tolerance = 1 + given.chars().count() / 3;
    (distance <= tolerance || name.contains(&given) || given.contains(&name)).then_some(distance)
}

/// Folded and without diacritics.
fn plain(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    use unicode_normalization::char::is_combining_mark;
    fold(name)
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .collect()
}
