//! Histories written at once: real events with real hashes and the rows they tell of, at moments of
//! the test's choosing, through the program's own statement but without an operation for each.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use punctaj::domain::access::Right;
use punctaj::domain::canonical::{self, GENESIS};
use punctaj::domain::entry::Entry;
use punctaj::domain::event::{Action, Change, Event, Outcome, Overwrote, Via, What};
use punctaj::domain::ids::{DeviceId, EntryId, GuildId, OpId, Seq, TableId, UserId};
use punctaj::domain::name::fold;
use punctaj::domain::period::Periods;
use punctaj::domain::points::Bounds;
use punctaj::domain::session::{Attribution, Platform, Session};
use punctaj::domain::stamp::Stamp;
use punctaj::domain::table::Table;
use punctaj::store::operation::{EntryWrite, EventName, LedgerRow, TableWrite, Writes, write};
use sqlx::PgPool;
use uuid::Uuid;

/// Events written in one statement.
const BATCH: usize = 2000;

/// A guild's history, before it is written.
pub struct History {
    guild: GuildId,
    /// Who does what comes next.
    pub actor: i64,
    /// From which device session.
    pub device: Option<DeviceId>,
    /// Through which door.
    pub via: Via,
    pub events: Vec<Event>,
    tables: BTreeMap<TableId, Table>,
    entries: BTreeMap<(TableId, String), Entry>,
    sessions: Vec<Session>,
}

impl History {
    pub fn new(guild: u64) -> Self {
        Self {
            guild: GuildId::try_from(guild).unwrap(),
            actor: 9,
            device: None,
            via: Via::Direct,
            events: Vec::new(),
            tables: BTreeMap::new(),
            entries: BTreeMap::new(),
            sessions: Vec::new(),
        }
    }

    /// A new table.
    pub fn table(&mut self, at: DateTime<Utc>, name: &str) -> TableId {
        let id = TableId(self.id(0));
        let (category, name) = match name.split_once('/') {
            Some((category, name)) => (Some(category.to_owned()), name),
            None => (None, name),
        };
        let table = Table {
            id,
            category,
            name: name.to_owned(),
            floor: 0,
            private: false,
            deleted_at: None,
            ranks: BTreeMap::new(),
            fields: BTreeMap::new(),
            activities: BTreeMap::new(),
            boards: BTreeMap::new(),
            periods: Periods::default(),
        };
        let changes = table.changes_since(None);
        self.append(at, Action::TableCreate, Some(id), changes);
        self.tables.insert(id, table);
        id
    }

    /// Another name for a table.
    pub fn rename(&mut self, at: DateTime<Utc>, id: TableId, name: &str) {
        self.edit(at, id, Action::TableEdit, |table| {
            name.clone_into(&mut table.name);
        });
    }

    /// A table goes.
    pub fn delete(&mut self, at: DateTime<Utc>, id: TableId) {
        self.edit(at, id, Action::TableDelete, |table| {
            table.deleted_at = Some(at);
        });
    }

    fn edit(
        &mut self,
        at: DateTime<Utc>,
        id: TableId,
        action: Action,
        edit: impl FnOnce(&mut Table),
    ) {
        let old = self.tables[&id].clone();
        let table = self.tables.get_mut(&id).unwrap();
        edit(table);
        let changes = table.changes_since(Some(&old));
        self.append(at, action, Some(id), changes);
    }

    /// The actor logs in; what comes next is from that session.
    pub fn login(&mut self, at: DateTime<Utc>, label: &str) -> DeviceId {
        let device = DeviceId::from_bytes(self.id(0).into_bytes());
        let (user, label) = (UserId::from_db(self.actor), Some(label.to_owned()));
        let session = Session::open(device.clone(), user, Platform::Desktop, label, at);
        self.device = Some(device.clone());
        self.append(at, Action::SessionOpen, None, session.opened());
        self.sessions.push(session);
        device
    }

    /// The points of an entry as they are to be, which the actor writes over what another device
    /// had written with `lost`, unseen.
    pub fn set(&mut self, at: DateTime<Utc>, table: TableId, name: &str, value: i64, lost: Seq) {
        let stamp = Stamp::new(at, self.op());
        let Some(entry) = self.entries.get_mut(&(table, name.to_owned())) else {
            return;
        };
        let change = entry.set_points(value, 0, Bounds::default(), &stamp);
        let lost = Overwrote {
            seq: lost,
            id: change.id.clone(),
            field: change.field.clone(),
            field_id: None,
            value: change.before.clone(),
        };
        let mut event = self.event(at, Action::EntrySet, Some(table), vec![change]);
        event.overwrote = Some(vec![lost]);
        self.push(event);
    }

    /// Points for an entry, asked for at `asked` and so before its base: they come too late.
    pub fn late(&mut self, at: DateTime<Utc>, asked: DateTime<Utc>, table: TableId, name: &str) {
        let stamp = Stamp::new(asked, self.op());
        let Some(entry) = self.entries.get_mut(&(table, name.to_owned())) else {
            return;
        };
        let change = entry.add_points(1, Bounds::default(), &stamp);
        let superseded = change.superseded;
        let mut event = self.event(at, Action::PointsAdd, Some(table), vec![change]);
        event.at = asked;
        if superseded {
            event.outcome = Outcome::Superseded;
        }
        self.push(event);
    }

    /// The points that an event gave are taken back.
    pub fn undo(&mut self, at: DateTime<Utc>, seq: Seq) {
        let stamp = Stamp::new(at, self.op());
        let place = usize::try_from(seq.0 - 1).unwrap();
        let undone = self.events[place].clone();
        let given: BTreeMap<EntryId, i64> = undone
            .changes
            .iter()
            .filter_map(Change::effective_points)
            .collect();
        let entries = self.entries.values_mut();
        let changes: Vec<Change> = entries
            .filter_map(|entry| {
                Some(entry.compensate(*given.get(&entry.id)?, Bounds::default(), &stamp))
            })
            .collect();
        let mut event = self.event(at, Action::EventUndo, undone.table_id, changes);
        event.undoes = Some(seq);
        self.push(event);
    }

    /// The actor is refused.
    pub fn refuse(&mut self, at: DateTime<Utc>, attempt: Action, right: Right) {
        let mut event = self.event(at, attempt, None, Vec::new());
        event.outcome = Outcome::Refused;
        event.reason = Some(right.code().to_owned());
        self.push(event);
    }

    /// Points for entries, which are created where there is none of that name.
    pub fn add(&mut self, at: DateTime<Utc>, table: TableId, points: &[(&str, i64)]) {
        let stamp = Stamp::new(at, self.op());
        let mut changes = Vec::new();
        for (number, (name, points)) in (0..).zip(points) {
            let id = EntryId(self.id(number));
            let key = (table, (*name).to_owned());
            let entry = self.entries.entry(key).or_insert_with(|| {
                let (entry, change) = Entry::create(id, table, (*name).to_owned(), &stamp);
                changes.push(change);
                entry
            });
            changes.push(entry.add_points(*points, Bounds::default(), &stamp));
        }
        self.append(at, Action::PointsAdd, Some(table), changes);
    }

    /// Writes all of it.
    pub async fn write(&self, pool: &PgPool) {
        let mut conn = pool.acquire().await.unwrap();
        for events in self.events.chunks(BATCH) {
            let is_last = events.last() == self.events.last();
            let mut writes = Writes {
                events: events.iter().collect(),
                names: events.iter().flat_map(names).collect(),
                ..Writes::default()
            };
            if is_last {
                writes.tables = self.tables.values().map(TableWrite::from).collect();
                writes.entries = self.entries.values().map(entry_write).collect();
                writes.sessions = self.sessions.iter().collect();
            }
            write(&mut conn, self.guild, &writes).await.unwrap();
        }
        for events in self.events.chunks(BATCH) {
            let rows: Vec<LedgerRow> = events.iter().flat_map(ledger).collect();
            sqlx::query(
                "insert into punctaj.ledger (guild_id, seq, entry_id, at, op_id, delta)
                 select $1, x.seq, x.entry_id, (x.stamp ->> 'at')::timestamptz, x.stamp ->> 'op', x.delta
                 from jsonb_to_recordset($2) as x (seq bigint, entry_id uuid, stamp jsonb, delta bigint)",
            )
            .bind(self.guild.db())
            .bind(serde_json::to_value(rows).unwrap())
            .execute(&mut *conn)
            .await
            .unwrap();
        }
    }

    /// An id that no other guild has.
    fn id(&self, number: u128) -> Uuid {
        let guild = u128::from(self.guild.get());
        Uuid::from_u128((guild << 64) + self.number() * 100 + number)
    }

    fn number(&self) -> u128 {
        u128::try_from(self.events.len()).unwrap() + 1
    }

    fn op(&self) -> OpId {
        OpId::new(format!("{}", 1_000_000_000_000_000_000 + self.number()))
    }

    fn append(
        &mut self,
        at: DateTime<Utc>,
        action: Action,
        table: Option<TableId>,
        changes: Vec<Change>,
    ) {
        let event = self.event(at, action, table, changes);
        self.push(event);
    }

    /// The next event.
    fn event(
        &self,
        at: DateTime<Utc>,
        action: Action,
        table: Option<TableId>,
        changes: Vec<Change>,
    ) -> Event {
        let last = self.events.last();
        assert!(last.is_none_or(|last| last.applied_at <= at));
        Event {
            guild_id: self.guild,
            seq: last.map_or(Seq(1), |last| last.seq.next()),
            op_id: self.op(),
            at,
            applied_at: at,
            actor_id: Some(UserId::from_db(self.actor)),
            device_id: self.device.clone(),
            attribution: self.device.as_ref().map(|_| Attribution::Recent),
            via: self.via,
            action,
            table_id: table,
            changes,
            reason: None,
            overwrote: None,
            undoes: None,
            outcome: Outcome::Applied,
            prev_hash: last.map_or_else(|| GENESIS.to_owned(), |last| last.hash.clone()),
            hash: String::new(),
            salt: Some(format!("{:032x}", self.number())),
        }
    }

    fn push(&mut self, mut event: Event) {
        event.hash = canonical::hash(&event);
        self.events.push(event);
    }
}

fn entry_write(entry: &Entry) -> EntryWrite<'_> {
    EntryWrite {
        entry,
        name_key: fold(&entry.name),
    }
}

/// The names an event is about, each once.
fn names(event: &Event) -> Vec<EventName> {
    let changes = event.changes.iter();
    let names = changes
        .filter(|change| matches!(change.what, What::Entry | What::Table))
        .filter_map(|change| change.name.as_deref());
    let names: BTreeSet<EventName> = names
        .map(|name| EventName {
            seq: event.seq.0,
            name_key: fold(name),
        })
        .collect();
    names.into_iter().collect()
}

fn ledger(event: &Event) -> impl Iterator<Item = LedgerRow> {
    let effective = event.changes.iter().filter_map(Change::effective_points);
    let effective = effective.filter(|(_, delta)| *delta != 0);
    effective.map(|(entry_id, delta)| LedgerRow {
        seq: event.seq.0,
        entry_id,
        stamp: event.stamp(),
        delta,
    })
}
