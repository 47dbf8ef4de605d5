//! What a device session has not seen: what others changed since, and values of its person's that
//! were replaced unseen, which come back by a tap.

use crate::domain::access::Right;
use crate::domain::entry::{Entry, Field};
use crate::domain::event::{Action, Event, Overwrote};
use crate::domain::ids::{EntryId, Seq, UserId};
use crate::domain::session::Session;
use crate::domain::table::Table;
use crate::store::sessions::{self, Use};
pub use crate::store::shown::Marked;
use crate::store::{StoreError, events, shown};

use super::entries::{fitting, unknown_field};
use super::operation::{Aside, Ask, Begun, Receipt};
use super::{Request, ServiceError, Services};

/// Events that are shown at once.
const EVENTS: i64 = 15;

/// What changed since a session last asked.
#[derive(Debug)]
pub struct News {
    /// The oldest changes, oldest first.
    pub receipts: Vec<Receipt>,
    /// How many there are, with those that are left out.
    pub total: i64,
    /// The session that asks.
    pub session: Session,
    /// The newest event.
    pub head: Seq,
    /// Something else waits to be told to its person.
    pub parked: bool,
}

impl News {
    /// Up to which event the session is shown them with so many: the rest is news the next time.
    fn shown_with(&self, count: usize) -> Seq {
        let is_all = i64::try_from(count).is_ok_and(|count| count >= self.total);
        let last = count.checked_sub(1).and_then(|it| self.receipts.get(it));
        match last {
            _ if is_all => self.head,
            Some(last) => last.event.seq,
            None => Seq(self.session.news_seq),
        }
    }
}

impl Services {
    /// What changed on other devices since this session last asked, as `tell` tells it, which says
    /// too how many of the changes it had room for. That these are shown is noted with the session's
    /// use, as in [`Self::view`].
    ///
    /// # Errors
    /// No right, or the database fails.
    pub async fn news<T>(
        &self,
        request: &Request,
        tell: impl FnOnce(&News) -> (T, usize),
    ) -> Result<(T, Option<Marked>), ServiceError> {
        let (guild, caller) = (request.guild, request.caller(&[Right::TableView]));
        let (session, _) = self.session(request).await?;
        let mut conn = self.connection().await?;
        let missed = shown::missed(&mut conn, guild, &session, &caller, EVENTS).await?;
        let mut receipts = Vec::new();
        for event in missed.events {
            receipts.push(self.receipt_of(&mut conn, event).await?);
        }
        let news = News {
            receipts,
            total: missed.count,
            session,
            head: missed.head,
            parked: missed.parked,
        };
        let (told, count) = tell(&news);
        let (device, seq) = (&news.session.device_id, news.shown_with(count));
        let marked = shown::mark_news(&mut conn, guild, device, seq).await?;
        Ok((told, marked))
    }

    /// Discord did not accept the answer.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn not_shown(&self, marked: &Marked) -> Result<(), ServiceError> {
        let mut conn = self.connection().await?;
        Ok(shown::unmark(&mut conn, marked).await?)
    }

    /// What a person is told beside an answer that only reads.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn aside(&self, request: &Request, session: &Session) -> Result<Aside, ServiceError> {
        let mut conn = self.connection().await?;
        let (mut session, caller) = (session.clone(), request.caller(&[Right::TableView]));
        let parked = shown::waiting(&mut conn, request.guild, &mut session, &caller).await?;
        let aside = Aside::of(&mut session, parked);
        sessions::touch(&mut conn, request.guild, &session, Use::default()).await?;
        Ok(aside)
    }

    /// Puts back a value of the caller's own that an event replaced unseen, or that came too late to
    /// stand: as an edit like any other.
    ///
    /// # Errors
    /// There is no such value, it was somebody else's, its entry is gone, or no right; nothing is
    /// changed then.
    pub async fn restore_mine(
        &self,
        request: &Request,
        seq: Seq,
        index: usize,
    ) -> Result<Receipt, ServiceError> {
        let (event, lost) = self.overwritten(request, seq, index).await?;
        let id = lost
            .id
            .parse()
            .map(EntryId)
            .map_err(|_| StoreError::Corrupt("an entry"))?;
        let ask = Ask {
            table_id: event.table_id,
            entries: vec![id],
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let is_points = lost.field_id.is_none() && lost.field == "points";
        let right = if is_points {
            Right::ScoreSet
        } else {
            Right::EntryEdit
        };
        let table = op.table(right).await?;
        let live = |entry: &Entry| entry.deleted.is_none();
        let id = op.by_id(id).filter(|id| op.entry(*id).is_some_and(live));
        let id = id.ok_or_else(|| ServiceError::RestoreGone {
            name: named_in(&event, &lost),
        })?;
        let stamp = op.stamp();
        if is_points {
            let (value, later) = (lost.value.as_i64().unwrap_or(0), op.later_delta(id));
            if value < table.floor {
                let floor = table.floor;
                return Err(ServiceError::BelowFloor { value, floor });
            }
            op.replace(id, "points", |entry| {
                entry.set_points(value, later, table.bounds(), &stamp)
            })
            .await?;
        } else {
            let field = field_of(&lost, &table)?;
            let register = field.register();
            op.replace(id, &register, |entry| entry.set(field, &stamp))
                .await?;
        }
        op.finish(Action::EntrySet, None, None).await
    }

    /// The event that replaced a value of the caller's, and that value.
    async fn overwritten(
        &self,
        request: &Request,
        seq: Seq,
        index: usize,
    ) -> Result<(Event, Overwrote), ServiceError> {
        let unknown = || ServiceError::UnknownEvent { event: seq };
        let mut conn = self.connection().await?;
        let event = events::by_seq(&mut conn, request.guild, seq).await?;
        let event = event.ok_or_else(unknown)?;
        let lost = event.overwrote.as_ref().and_then(|lost| lost.get(index));
        let lost = lost.cloned().or_else(|| too_late(&event, index));
        let lost = lost.ok_or_else(unknown)?;
        let whose = events::by_seq(&mut conn, request.guild, lost.seq).await?;
        if whose.and_then(|event| event.actor_id) != Some(request.actor) {
            return Err(ServiceError::NotYourValue { event: lost.seq });
        }
        Ok((event, lost))
    }
}

/// What a write that came too late was to set.
fn too_late(event: &Event, index: usize) -> Option<Overwrote> {
    let change = event.changes.get(index)?;
    if event.action != Action::EntrySet || !change.superseded {
        return None;
    }
    let requested = change.requested.map(serde_json::Value::from);
    Some(Overwrote {
        seq: event.seq,
        id: change.id.clone(),
        field: change.field.clone(),
        field_id: change.field_id.clone(),
        value: requested.unwrap_or_else(|| change.after.clone()),
    })
}

/// What the entry of a value was called when that was replaced.
fn named_in(event: &Event, lost: &Overwrote) -> String {
    let mut changes = event.changes.iter();
    let change = changes.find(|change| change.id == lost.id);
    change
        .and_then(|change| change.name.clone())
        .unwrap_or_default()
}

/// The field with the value that it is to hold again, as it may be set now: the rank or extra field
/// may have been removed, or its pattern changed.
fn field_of(lost: &Overwrote, table: &Table) -> Result<Field, ServiceError> {
    let text = lost.value.as_str();
    if let Some(number) = &lost.field_id {
        let field = number.parse().ok().and_then(|it| table.fields.get(&it));
        return match field.filter(|field| !field.removed) {
            Some(field) => fitting(field, text),
            None => Err(unknown_field(table, &lost.field)),
        };
    }
    let unreadable = || ServiceError::Store(StoreError::Corrupt("a value that was replaced"));
    match lost.field.as_str() {
        "name" => Ok(Field::Name(text.ok_or_else(unreadable)?.to_owned())),
        "rank" => {
            let rank = lost.value.as_i64().and_then(|it| i32::try_from(it).ok());
            match rank.filter(|rank| !table.ranks.contains_key(rank)) {
                None => Ok(Field::Rank(rank)),
                Some(gone) => Err(ServiceError::UnknownRank {
                    rank: gone.to_string(),
                    table: table.address(),
                }),
            }
        }
        "member" => {
            let id = text.and_then(|id| id.parse().ok());
            Ok(Field::Member(id.map(UserId::from_db)))
        }
        _ => Err(unreadable()),
    }
}
