//! The heart: the one place that runs operations. It takes the guild's lock, finds out whether
//! the operation was done already, finds the device session, and at the end appends the events
//! and writes the state they tell of, in one transaction. An operation supplies only its change.
//!
//! Architecture invariant: nothing outside this module writes an event or a row of the state.

mod entries;
mod periods;
mod refusals;
mod rows;
mod sessions;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Postgres, Transaction};
use tokio::time::timeout;

use crate::domain::access::{Authority, Grant, Place, Right, Scope};
use crate::domain::canonical;
use crate::domain::entry::Entry;
use crate::domain::event::{Action, Change, Event, Outcome, Overwrote, Via};
use crate::domain::guild::Settings;
use crate::domain::ids::{DeviceId, EntryId, GrantId, GuildId, OpId, Seq, TableId, UserId};
use crate::domain::name::{Name, TableAddress, fold};
use crate::domain::period::Periods;
use crate::domain::refusal;
use crate::domain::session::{Attribution, Session};
use crate::domain::stamp::Stamp;
use crate::domain::table::Table;
use crate::store::operation::{self as sql, FoundEntry, Wanted};
use crate::store::outbox::{News, Notice, To};
use crate::store::shown::{self, Author, Written};
use crate::store::{self, StoreError, events, tables};

use super::near::Unfound;
use super::undo::{self, RanksLeft};
use entries::Held;

pub(super) use entries::counts_once;
pub(super) use rows::ledger;

use super::{Request, ServiceError, Services};

/// How long the outcome of a commit is looked up when the connection broke, and how far apart. An
/// edit whose outcome stays unknown is kept, to be done again under the same id.
const OUTCOME_PATIENCE: Duration = Duration::from_secs(3);
const OUTCOME_PAUSE: Duration = Duration::from_millis(200);

/// Entries that one statement reads: a table can have more than fit into memory twice.
const LOADED: usize = 5_000;

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
    /// The one that the click carried, and no other.
    Exact,
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
    /// Ranks that stay though it undid the closing that had proposed them.
    pub left: Option<RanksLeft>,
    /// What else the person is to be told.
    pub aside: Aside,
}

/// What a person is told beside the answer to what they did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Aside {
    /// So many changes were made on other devices that this session has not seen; 0 where it was
    /// told so already.
    pub missed: i64,
    /// Something waits to be told to them.
    pub parked: bool,
}

impl Aside {
    /// For that session, which is told of it by this.
    pub(super) fn of(session: &mut Session, parked: bool) -> Self {
        let is_new = session.missed.newest > session.told_seq;
        session.told_seq = session.told_seq.max(session.missed.newest);
        Self {
            missed: if is_new { session.missed.count } else { 0 },
            parked,
        }
    }
}

impl Receipt {
    fn new(event: Event, table: Option<&Table>, session: Option<Session>, repeated: bool) -> Self {
        Self {
            event,
            table: table.map(Table::address),
            ranks: table.map(Table::titles).unwrap_or_default(),
            session,
            repeated,
            left: None,
            aside: Aside::default(),
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

/// What the own event of an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// What somebody did.
    Edit,
    /// An attempt that was refused.
    Refused,
    /// What nobody asked for: a schedule did.
    Unattended,
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
    overwrote: Option<Vec<Overwrote>>,
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
    /// The caller's other open sessions, most recently used first.
    sessions: Vec<Session>,
    /// Sessions beside the one in use that are to be written.
    changed_sessions: Vec<Session>,
    /// What the caller may do.
    authority: Authority,
    granted: Vec<Grant>,
    revoked: Vec<GrantId>,
    settings: Settings,
    table: Option<Table>,
    candidates: Vec<Table>,
    table_touched: bool,
    found: Vec<FoundEntry>,
    /// Where in `found` an entry stands first.
    found_at: HashMap<EntryId, usize>,
    held: Vec<Held>,
    /// Where in `held` an entry stands.
    held_at: HashMap<EntryId, usize>,
    changes: Vec<Change>,
    /// Values of others that were replaced unseen, and whose they were.
    overwrote: Vec<(Overwrote, Option<UserId>)>,
    /// What others are to be told beside the edit.
    news: Vec<Notice>,
    /// What else the caller is to be told.
    aside: Aside,
    /// What its own event is.
    nature: Nature,
    /// Which table its own event is about, where it does nothing in one.
    concerns: Option<TableId>,
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
            platform: request.platform,
            limits: self.limits,
            address: ask
                .table
                .as_ref()
                .map(|a| (a.category().map(Name::key), a.name().key())),
            table: ask.table_id,
            names: ask.names.iter().map(Name::key).collect(),
            members: ask.members.clone(),
            entries: ask.entries.clone(),
            caller: request.anyhow(),
        };
        let opening = sql::open(&mut tx, &wanted).await?;
        if let Some(event) = opening.prior {
            if let Some(right) = refusal::missing_right(&event) {
                return Err(ServiceError::Forbidden { right, at: None });
            }
            let receipt = self.receipt_of(&mut tx, event).await?;
            if let Some(session) = &receipt.session {
                self.saw_session(request, session);
            }
            return Ok(Begun::Repeated(Box::new(receipt)));
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
            changed_sessions: Vec::new(),
            authority: request.authority(opening.grants),
            granted: Vec::new(),
            revoked: Vec::new(),
            settings: opening.settings,
            table: None,
            candidates: opening.tables,
            table_touched: false,
            found: Vec::new(),
            found_at: HashMap::new(),
            held: Vec::new(),
            held_at: HashMap::new(),
            changes: Vec::new(),
            overwrote: Vec::new(),
            news: Vec::new(),
            aside: Aside {
                missed: 0,
                parked: opening.parked,
            },
            nature: Nature::Edit,
            concerns: None,
        };
        op.find_all(opening.entries);
        op.end_expired_sessions();
        op.take_session(ask.session)?;
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
        let looking = async {
            loop {
                match self.committed(request).await {
                    Ok(committed) => break committed,
                    Err(_) => tokio::time::sleep(OUTCOME_PAUSE).await,
                }
            }
        };
        match timeout(OUTCOME_PATIENCE, looking).await {
            Ok(true) => Ok(receipt),
            Ok(false) => Err(error.into()),
            Err(_) => Err(ServiceError::OutcomeUnknown),
        }
    }

    /// Whether the operation's event is there. Asked under the guild's lock: the server may still
    /// be at the commit whose answer was lost.
    async fn committed(&self, request: &Request) -> Result<bool, StoreError> {
        let mut tx = self.locked(request).await?;
        Ok(events::by_op(&mut tx, request.guild, &request.op)
            .await?
            .is_some())
    }

    /// What the operation of a request did, if it was done before.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] where it was refused then; or if the database fails.
    pub async fn done_before(&self, request: &Request) -> Result<Option<Receipt>, ServiceError> {
        let mut tx = self.locked(request).await?;
        let Some(event) = events::by_op(&mut tx, request.guild, &request.op).await? else {
            return Ok(None);
        };
        if let Some(right) = refusal::missing_right(&event) {
            return Err(ServiceError::Forbidden { right, at: None });
        }
        self.receipt_of(&mut tx, event).await.map(Some)
    }

    /// What was done by an event, told anew: for the first answer of an operation again, and for
    /// others.
    pub(super) async fn receipt_of(
        &self,
        conn: &mut sqlx::PgConnection,
        event: Event,
    ) -> Result<Receipt, ServiceError> {
        let table = match event.table_id {
            Some(id) => tables::by_id(conn, event.guild_id, id).await?,
            None => None,
        };
        let session = match &event.device_id {
            Some(id) => crate::store::sessions::by_id(conn, event.guild_id, id).await?,
            None => None,
        };
        let number = undo::periods::opened(&event.changes);
        let left = match (number, event.table_id, event.undoes) {
            (Some(number), Some(table), Some(undone)) => {
                let (place, events) = ((event.guild_id, table), (undone, event.seq));
                undo::periods::ranks_left(conn, place, number, events).await?
            }
            _ => None,
        };
        let receipt = Receipt::new(event, table.as_ref(), session, true);
        Ok(Receipt { left, ..receipt })
    }
}

impl Operation<'_> {
    /// The connection, for what a rare operation reads beside the opening.
    pub(super) fn conn(&mut self) -> &mut sqlx::PgConnection {
        &mut self.tx
    }

    /// Where it is.
    pub(super) const fn guild(&self) -> GuildId {
        self.request.guild
    }

    /// When the operation takes effect.
    pub(super) const fn now(&self) -> DateTime<Utc> {
        self.applied_at
    }

    /// The date of its edits.
    pub(super) fn stamp(&self) -> Stamp {
        self.request.stamp()
    }

    /// What the caller may do.
    pub(super) const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Asks for a right in the table the operation is about; in the guild, where it is about none.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] names the missing right.
    pub(super) fn require(&self, right: Right) -> Result<(), ServiceError> {
        let place = self.table.as_ref().map_or(Place::GUILD, Place::table);
        Ok(self.authority.require(right, place)?)
    }

    // ---- tables -----------------------------------------------------------------------------

    /// The table the operation is about.
    ///
    /// # Errors
    /// Which table is meant can't be told, or the caller has no right there.
    pub(super) async fn table(&mut self, right: Right) -> Result<Table, ServiceError> {
        self.authority.require_somewhere(right)?;
        if let Some(table) = self
            .table
            .as_ref()
            .filter(|table| table.deleted_at.is_none())
        {
            self.authority.require(right, Place::table(table))?;
            return Ok(table.clone());
        }
        if self.by_table_id {
            return Err(ServiceError::TableGone);
        }
        let candidates: Vec<String> = self.candidates.iter().map(Table::address).collect();
        let address = self.address.as_ref().map(ToString::to_string);
        let wanted = Unfound {
            right,
            address,
            candidates,
        };
        Err(super::near::no_table(&mut self.tx, &self.request, &self.authority, wanted).await)
    }

    /// A table that is not there yet.
    pub(super) fn new_table(&self, address: TableAddress) -> Table {
        let (category, name) = address.into_parts();
        Table {
            id: self.services.entropy.table_id(),
            category: category.map(|name| name.to_string()),
            name: name.to_string(),
            floor: 0,
            private: false,
            deleted_at: None,
            ranks: BTreeMap::new(),
            fields: BTreeMap::new(),
            activities: BTreeMap::new(),
            boards: BTreeMap::new(),
            periods: Periods::default(),
        }
    }

    /// The table as it is to be; what changed by that becomes part of the event.
    pub(super) fn put_table(&mut self, table: Table) {
        let old = self.table.as_ref().filter(|old| old.id == table.id);
        self.changes.extend(table.changes_since(old));
        self.table = Some(table);
        self.table_touched = true;
    }

    /// The guild's settings as they stand now, within the operation.
    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The guild's settings as they are to be; what changed becomes part of the event. By the clocks
    /// of another time zone, schedules begin anew: what they would have wanted is not made up for.
    pub(super) async fn put_settings(&mut self, settings: Settings) -> Result<(), ServiceError> {
        if settings.timezone() != self.settings.timezone() {
            let (guild, at) = (self.request.guild, self.request.at);
            tables::restart_schedules(&mut self.tx, guild, at).await?;
        }
        let changes = settings.changes_since(&self.settings, self.request.guild);
        self.changes.extend(changes);
        self.settings = settings;
        Ok(())
    }

    /// It does nothing in the table that was found for it.
    pub(super) fn leave_table(&mut self) {
        self.candidates.clear();
        self.table = None;
    }

    /// Grants a right; that becomes part of the event.
    pub(super) fn grant(&mut self, grant: Grant) {
        self.changes.extend(grant.told(true));
        self.concern(&grant);
        self.granted.push(grant);
    }

    /// Takes away what was granted; that becomes part of the event.
    pub(super) fn revoke(&mut self, grant: &Grant) {
        self.changes.extend(grant.told(false));
        self.concern(grant);
        self.revoked.push(grant.id);
    }

    const fn concern(&mut self, grant: &Grant) {
        if let Scope::Table(table) = grant.scope {
            self.concerns = Some(table);
        }
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

    /// Reads a table, also a deleted one, and entries by their ids: for undo.
    pub(super) async fn load(
        &mut self,
        table: Option<TableId>,
        entries: Vec<EntryId>,
    ) -> Result<(), ServiceError> {
        let mut wanted = Wanted {
            guild: self.request.guild,
            op: &self.request.op,
            user: self.request.actor,
            at: self.request.at,
            device: None,
            platform: None,
            limits: self.services.limits,
            address: None,
            table,
            names: Vec::new(),
            members: Vec::new(),
            entries: Vec::new(),
            caller: self.request.anyhow(),
        };
        if entries.len() > LOADED {
            sql::takes_long(&mut self.tx).await?;
        }
        let (mut rest, mut found) = (entries.as_slice(), Vec::new());
        loop {
            let (now, later) = rest.split_at(rest.len().min(LOADED));
            wanted.entries = now.to_vec();
            let opening = sql::open(&mut self.tx, &wanted).await?;
            self.table = opening
                .tables
                .into_iter()
                .find(|found| Some(found.id) == table);
            found.extend(opening.entries);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        self.find_all(found);
        Ok(())
    }

    /// The table as it stands now, within the operation.
    pub(super) const fn current_table(&self) -> Option<&Table> {
        self.table.as_ref()
    }

    /// Edits a register of an entry as [`Self::edit`] does. A value that another device wrote, and
    /// that this session was not shown yet, is noted.
    pub(super) async fn replace(
        &mut self,
        id: EntryId,
        register: &str,
        edit: impl FnOnce(&mut Entry) -> Change,
    ) -> Result<(), ServiceError> {
        let authors = self.unseen_authors(id, register).await?;
        self.edit(id, edit);
        let change = self.changes.last();
        let replaced = |change: &&Change| !change.superseded && change.before != change.after;
        if let Some(change) = change.filter(replaced) {
            let lost = |author: &Author| Overwrote {
                seq: author.seq,
                id: change.id.clone(),
                field: change.field.clone(),
                field_id: change.field_id.clone(),
                value: change.before.clone(),
            };
            let lost = authors.iter().map(|author| (lost(author), author.actor));
            self.overwrote.extend(lost);
        }
        Ok(())
    }

    /// Whose value an edit of a register would replace, that this session was not shown.
    async fn unseen_authors(
        &mut self,
        id: EntryId,
        register: &str,
    ) -> Result<Vec<Author>, ServiceError> {
        let (Some(entry), Some(table)) = (self.entry(id).cloned(), &self.table) else {
            return Ok(Vec::new());
        };
        let (table, closed) = (table.id, table.periods.closed.clone());
        let stamp = self.stamp();
        let device = self.session.as_ref().map(|(it, _)| it.device_id.clone());
        let written = match (register, entry.stamps.get(register)) {
            ("points", base) => Written::Points {
                entry: id,
                base,
                closed: closed.as_ref(),
                before: &stamp,
            },
            ("name", Some(stamp)) => Written::Name(&stamp.op),
            (_, Some(stamp)) => Written::Field(&stamp.op),
            (_, None) => return Ok(Vec::new()),
        };
        let guild = self.request.guild;
        Ok(shown::unseen(&mut self.tx, guild, table, device.as_ref(), written).await?)
    }

    /// What the operation has changed so far.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    // ---- the end ----------------------------------------------------------------------------

    /// Appends the events, writes the state, commits: two round trips.
    pub(super) async fn finish(
        self: Box<Self>,
        action: Action,
        reason: Option<String>,
        undoes: Option<Seq>,
    ) -> Result<Receipt, ServiceError> {
        let mut this = self;
        let about_table = action.is_about_table();
        let mut aside = Aside::default();
        if let Some((session, _)) = &mut this.session {
            session.last_seen_at = session.last_seen_at.max(this.applied_at);
            if let Some(table) = this.table.as_ref().filter(|_| about_table) {
                session.last_table = Some(table.id);
            }
            aside = Aside::of(session, this.aside.parked);
        }
        let events = this.events(action, reason, undoes);
        let written = this.table.as_ref().filter(|_| this.table_touched);
        let outbox = this.notices(&events);
        let sessions = this
            .session
            .iter()
            .map(|(session, _)| session)
            .chain(&this.changed_sessions);
        let state = rows::Changed {
            settings: &this.settings,
            table: written,
            held: &this.held,
            granted: &this.granted,
            revoked: &this.revoked,
        };
        let writes = rows::writes(&state, sessions, &events, outbox);
        sql::write(&mut this.tx, this.request.guild, &writes)
            .await
            .map_err(|error| rows::taken(error, this.table.as_ref(), &this.held))?;
        let Some(event) = events.last().cloned() else {
            return Err(StoreError::Mismatch("an operation without an event").into());
        };
        let is_told = |table: &&Table| about_table || this.concerns == Some(table.id);
        let table = this.table.as_ref().filter(is_told);
        let session = this.session.as_ref().map(|(session, _)| session.clone());
        let receipt = Receipt {
            aside,
            ..Receipt::new(event, table, session, false)
        };
        let Operation {
            tx,
            services,
            request,
            changed_sessions: ended,
            ..
        } = *this;
        match store::commit(tx).await {
            Ok(()) => {
                services.ring();
                // The one in use last, so that it is the first.
                for session in ended.iter().chain(&receipt.session) {
                    services.saw_session(&request, session);
                }
                Ok(receipt)
            }
            Err(error) => services.outcome(&request, receipt, error).await,
        }
    }

    /// What others are told: the log channel of every edit, though not of who comes and goes, nor of
    /// what was refused; whoever wrote a value that was replaced unseen.
    fn notices(&self, events: &[Event]) -> Vec<Notice> {
        let edits = events
            .iter()
            .filter(|event| !event.action.is_session() && event.outcome != Outcome::Refused);
        let logged = self.settings.log_channel.into_iter().flat_map(|channel| {
            edits.clone().map(move |event| Notice {
                to: To::Channel(channel),
                news: News::Event { seq: event.seq },
            })
        });
        let seq = events.last().map(|event| event.seq);
        let overwritten = seq.into_iter().flat_map(|seq| {
            let lost = self.overwrote.iter().enumerate();
            lost.filter_map(move |(index, (_, whose))| {
                Some(Notice {
                    to: To::Person((*whose)?),
                    news: News::Overwritten { seq, index },
                })
            })
        });
        logged
            .chain(overwritten)
            .chain(self.news.iter().cloned())
            .collect()
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
            actor: (self.nature != Nature::Unattended).then_some(self.request.actor),
            device,
            attribution,
            via: self.request.via,
            action,
            table: self
                .table
                .as_ref()
                .map(|table| table.id)
                .filter(|_| action.is_about_table())
                .or(self.concerns),
            changes: std::mem::take(&mut self.changes),
            reason,
            overwrote: (!self.overwrote.is_empty()).then(|| {
                self.overwrote
                    .iter()
                    .map(|(lost, _)| lost.clone())
                    .collect()
            }),
            undoes,
        });
        drafts.into_iter().map(|draft| self.append(draft)).collect()
    }

    fn append(&mut self, draft: Draft) -> Event {
        let outcome = self.outcome_of(&draft);
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
            overwrote: draft.overwrote,
            undoes: draft.undoes,
            outcome,
            prev_hash: std::mem::take(&mut self.head_hash),
            hash: String::new(),
            salt: Some(self.services.entropy.salt()),
        };
        event.hash = canonical::hash(&event);
        self.head_seq = event.seq;
        self.head_hash.clone_from(&event.hash);
        event
    }

    fn outcome_of(&self, draft: &Draft) -> Outcome {
        let is_refused = self.nature == Nature::Refused && draft.op == self.request.op;
        if is_refused || draft.action == Action::AccessRefuse {
            return Outcome::Refused;
        }
        let mut changes = draft.changes.iter();
        if !draft.changes.is_empty() && changes.all(|change| change.superseded) {
            Outcome::Superseded
        } else {
            Outcome::Applied
        }
    }
}
