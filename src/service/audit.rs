//! The audit desk: searching the history and looking at one event.

use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::domain::access::{Caller, Place, Right};
use crate::domain::canonical::GENESIS;
use crate::domain::event::Action;
use crate::domain::ids::{DeviceId, DraftId, GuildId, Seq, UserId};
use crate::domain::moment::Moment;
use crate::domain::name::{TableAddress, fold};
use crate::store::events::{self, Filter, Found, Hit, Page};
use crate::store::sessions::{self, Device};
use crate::store::{StoreError, drafts};

use super::{Request, ServiceError, Services};
use super::{access, tables};

pub use crate::store::events::Only;

/// Events on one page.
pub const PAGE_EVENTS: usize = 10;

/// Events read at once for an export.
const BATCH: i64 = 1000;

/// Sessions among which a device is looked for: all that a guild will ever have labelled.
const DEVICES: i64 = 100_000;

/// Sessions among which autocomplete looks for a device.
const RECENT_DEVICES: i64 = 1000;

/// Characters of a device's id that stand for it, at least.
const SHORT: usize = 8;

/// What to search for, as a person gives it; every filter combines.
#[derive(Debug, Clone, Default)]
pub struct SearchOrder {
    /// Who acted.
    pub who: Option<UserId>,
    /// In which table: any that has this address, or had it.
    pub table: Option<TableAddress>,
    /// A name the event is about.
    pub name: Option<String>,
    /// What was done.
    pub action: Option<Action>,
    /// From which device session: by its `device_id`, the first 8 characters of it or more, or
    /// its label.
    pub device: Option<String>,
    /// From this moment on, by the time at which people acted.
    pub since: Option<Moment>,
    /// Up to this moment.
    pub until: Option<Moment>,
    /// Only those of which this is so.
    pub only: Option<Only>,
}

/// A page of events, newest first.
#[derive(Debug, Clone)]
pub struct SearchPage {
    /// The events.
    pub events: Vec<Found>,
    /// Those among them whose rows can't be read.
    pub unreadable: Vec<Seq>,
    /// Where the next page begins, if there is one.
    pub older: Option<Seq>,
    /// Where the page before this one begins; `None` within it for the first page.
    pub newer: Option<Option<Seq>>,
    /// By which the buttons find the same search again.
    pub draft: DraftId,
}

/// Events of an export that are read at once.
#[derive(Debug, Clone)]
pub struct ExportBatch {
    /// The events, oldest first.
    pub events: Vec<Found>,
    /// Those among them whose rows can't be read.
    pub unreadable: Vec<Seq>,
    /// The last of both; none after the last ones.
    pub last: Option<Seq>,
}

/// An export of a search: what it holds does not change while it is read.
#[derive(Debug, Clone)]
pub struct EventExport {
    /// The newest event's number when it began; 0 before the first.
    pub head_seq: Seq,
    /// Its hash, whole.
    pub head_hash: String,
    guild: GuildId,
    filter: Filter,
}

/// A search as a draft keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct Search {
    filter: Filter,
}

impl Services {
    /// The first page of a search.
    ///
    /// # Errors
    /// No such table, or no right.
    pub async fn search(
        &self,
        request: &Request,
        order: SearchOrder,
    ) -> Result<SearchPage, ServiceError> {
        let filter = self.filter(request, order, Right::AuditView).await?;
        let draft = self.entropy.draft_id();
        let mut conn = self.connection().await?;
        drafts::keep(
            &mut conn,
            draft,
            request.guild,
            request.actor,
            &Search {
                filter: filter.clone(),
            },
        )
        .await?;
        drop(conn);
        self.page(request, draft, &filter, None).await
    }

    /// Another page of a search: the events before `before`.
    ///
    /// # Errors
    /// The search is forgotten, or no right.
    pub async fn search_again(
        &self,
        request: &Request,
        draft: DraftId,
        before: Option<Seq>,
    ) -> Result<SearchPage, ServiceError> {
        let filter = self.kept(request, draft, Right::AuditView).await?;
        self.page(request, draft, &filter, before).await
    }

    async fn kept(
        &self,
        request: &Request,
        draft: DraftId,
        right: Right,
    ) -> Result<Filter, ServiceError> {
        let mut conn = self.connection().await?;
        let within = within(&mut conn, request, right).await?;
        let found = drafts::find::<Search>(&mut conn, draft, request.guild).await?;
        let (_, Search { filter }) = found.ok_or(ServiceError::DraftGone)?;
        Ok(Filter { within, ..filter })
    }

    /// One event whole.
    ///
    /// # Errors
    /// No such event, or no right.
    pub async fn event(&self, request: &Request, seq: Seq) -> Result<Found, ServiceError> {
        let page = Page::Oldest(seq, Some(seq.next()));
        let mut tx = self.searching().await?;
        let filter = Filter {
            within: within(&mut tx, request, Right::AuditView).await?,
            ..Filter::default()
        };
        let found = events::search(&mut tx, request.guild, &filter, page, 1).await?;
        match found.into_iter().next() {
            Some(Hit::Event(found)) => Ok(*found),
            Some(Hit::Unreadable(event)) => Err(ServiceError::UnreadableEvent { event }),
            None => Err(ServiceError::UnknownEvent { event: seq }),
        }
    }

    /// Begins an export of all events of a search.
    ///
    /// # Errors
    /// No such table or device, or no right.
    pub async fn export_events(
        &self,
        request: &Request,
        order: SearchOrder,
    ) -> Result<EventExport, ServiceError> {
        let filter = self.filter(request, order, Right::AuditExport).await?;
        self.export(request, filter).await
    }

    /// Begins an export of all events of a search that was made before.
    ///
    /// # Errors
    /// The search is forgotten, or no right.
    pub async fn export_again(
        &self,
        request: &Request,
        draft: DraftId,
    ) -> Result<EventExport, ServiceError> {
        let filter = self.kept(request, draft, Right::AuditExport).await?;
        self.export(request, filter).await
    }

    async fn export(
        &self,
        request: &Request,
        mut filter: Filter,
    ) -> Result<EventExport, ServiceError> {
        let guild = request.guild;
        let mut conn = self.connection().await?;
        let head = events::head(&mut conn, guild).await?;
        let (head_seq, head_hash) =
            head.map_or((Seq(0), GENESIS.to_owned()), |head| (head.seq, head.hash));
        filter.as_of = Some(head_seq);
        Ok(EventExport {
            head_seq,
            head_hash,
            guild,
            filter,
        })
    }

    /// The next events of an export, oldest first: those after `after`. None after the last ones.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn export_batch(
        &self,
        export: &EventExport,
        after: Seq,
    ) -> Result<ExportBatch, ServiceError> {
        let page = Page::Oldest(after.next(), Some(export.head_seq.next()));
        let mut tx = self.searching().await?;
        let hits = events::search(&mut tx, export.guild, &export.filter, page, BATCH).await?;
        let last = hits.last().map(Hit::seq);
        let (events, unreadable) = told_apart(hits);
        Ok(ExportBatch {
            events,
            unreadable,
            last,
        })
    }

    /// A transaction for searches.
    async fn searching(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut tx = self.snapshot().await?;
        events::plan_anew(&mut tx).await?;
        Ok(tx)
    }

    async fn filter(
        &self,
        request: &Request,
        order: SearchOrder,
        right: Right,
    ) -> Result<Filter, ServiceError> {
        let mut conn = self.connection().await?;
        let within = within(&mut conn, request, right).await?;
        let tables = match &order.table {
            Some(address) => Some(tables::ever_called(&mut conn, request, address, right).await?),
            None => None,
        };
        let devices = match &order.device {
            Some(given) => Some(devices(&mut conn, request, given).await?),
            None => None,
        };
        let clock = events::clock(&mut conn, request.guild).await?;
        let clock = clock.as_ref();
        Ok(Filter {
            who: order.who,
            tables,
            name_key: order.name.map(|name| fold(name.trim())),
            action: order.action.map(|action| action.as_str().to_owned()),
            devices,
            since: clock.and_then(|clock| Some(order.since?.first(clock.now, clock.timezone))),
            until: clock.and_then(|clock| Some(order.until?.last(clock.now, clock.timezone))),
            only: order.only,
            within,
            as_of: None,
        })
    }

    /// Device sessions of the guild whose label or id holds this text, the newest first.
    ///
    /// # Errors
    /// No right, or the database fails.
    pub async fn complete_devices(
        &self,
        request: &Request,
        text: &str,
    ) -> Result<Vec<Device>, ServiceError> {
        let (guild, text) = (request.guild, fold(text.trim()));
        let caller = request.caller(&[Right::AuditView]);
        let found = read!(self, conn => sessions::devices(&mut conn, guild, &caller, None, RECENT_DEVICES))?;
        let fits = |device: &Device| {
            let label = device.label.as_deref().map(fold).unwrap_or_default();
            label.contains(&text) || fold(device.device_id.as_str()).contains(&text)
        };
        Ok(found.into_iter().filter(fits).collect())
    }

    async fn page(
        &self,
        request: &Request,
        draft: DraftId,
        filter: &Filter,
        before: Option<Seq>,
    ) -> Result<SearchPage, ServiceError> {
        let mut tx = self.searching().await?;
        let limit = i64::try_from(PAGE_EVENTS).unwrap_or(10) + 1;
        let page = Page::Newest(before);
        let mut found = events::search(&mut tx, request.guild, filter, page, limit).await?;
        let more = found.len() > PAGE_EVENTS;
        found.truncate(PAGE_EVENTS);
        let older = found.last().map(Hit::seq).filter(|_| more);
        let newer = match before {
            Some(before) => Some(newer_page(&mut tx, request.guild, filter, before).await?),
            None => None,
        };
        let (events, unreadable) = told_apart(found);
        Ok(SearchPage {
            events,
            unreadable,
            older,
            newer,
            draft,
        })
    }
}

/// Where the history is in the caller's reach; nothing, if all of it is.
async fn within(
    conn: &mut PgConnection,
    request: &Request,
    right: Right,
) -> Result<Option<Caller>, ServiceError> {
    let authority = access::authority(conn, request).await?;
    authority.require_somewhere(right)?;
    let everywhere = authority.may(right, Place::GUILD);
    Ok((!everywhere).then(|| request.caller(&[right])))
}

/// What can be read, and what can't.
fn told_apart(hits: Vec<Hit>) -> (Vec<Found>, Vec<Seq>) {
    let (mut events, mut unreadable) = (Vec::new(), Vec::new());
    for hit in hits {
        match hit {
            Hit::Event(found) => events.push(*found),
            Hit::Unreadable(seq) => unreadable.push(seq),
        }
    }
    (events, unreadable)
}

/// Where the page of the events from `before` on begins; `None` if that is the first page.
async fn newer_page(
    conn: &mut PgConnection,
    guild: GuildId,
    filter: &Filter,
    before: Seq,
) -> Result<Option<Seq>, StoreError> {
    let limit = i64::try_from(PAGE_EVENTS).unwrap_or(10) + 1;
    let newer = events::search(conn, guild, filter, Page::Oldest(before, None), limit).await?;
    Ok(newer.get(PAGE_EVENTS).map(Hit::seq))
}

/// The sessions that are meant by a `device_id`, its beginning, or a label.
async fn devices(
    conn: &mut PgConnection,
    request: &Request,
    given: &str,
) -> Result<Vec<DeviceId>, ServiceError> {
    let given = given.trim();
    let is_id = given.len() >= SHORT;
    let begins = if is_id { given } else { "" };
    // Which device it was shows in each event, to whoever reaches that.
    let caller = request.caller(Right::ALL);
    let found = sessions::devices(conn, request.guild, &caller, Some(begins), DEVICES).await?;
    let label = fold(given);
    let is_meant = |device: &Device| {
        is_id && device.device_id.as_str().starts_with(given)
            || device.label.as_deref().map(fold).as_ref() == Some(&label)
    };
    let meant = found.into_iter().filter(is_meant);
    let meant: Vec<DeviceId> = meant.map(|device| device.device_id).collect();
    if meant.is_empty() {
        let device = given.to_owned();
        return Err(ServiceError::UnknownDevice { device });
    }
    Ok(meant)
}
