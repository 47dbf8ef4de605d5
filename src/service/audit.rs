//! The audit desk: searching the history and looking at one event.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::domain::access::Right;
use crate::domain::event::Action;
use crate::domain::ids::{DraftId, GuildId, Seq, UserId};
use crate::domain::name::{TableAddress, fold};
use crate::store::events::{self, Filter, Found};
use crate::store::{StoreError, drafts};

use super::tables;
use super::{Request, ServiceError, Services};

/// Events on one page.
pub const PAGE_EVENTS: usize = 10;

/// Events read at once for an export.
const BATCH: i64 = 1000;

/// What to search for, as a person gives it; every filter combines.
#[derive(Debug, Clone, Default)]
pub struct SearchOrder {
    /// Who acted.
    pub who: Option<UserId>,
    /// In which table.
    pub table: Option<TableAddress>,
    /// A name the event is about.
    pub name: Option<String>,
    /// What was done.
    pub action: Option<Action>,
}

/// A page of events, newest first.
#[derive(Debug, Clone)]
pub struct SearchPage {
    /// The events.
    pub events: Vec<Found>,
    /// Where the next page begins, if there is one.
    pub older: Option<Seq>,
    /// Where the page before this one begins; `None` within it for the first page.
    pub newer: Option<Option<Seq>>,
    /// By which the buttons find the same search again.
    pub draft: DraftId,
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
        request.require(Right::AuditView)?;
        let filter = self.filter(request, order).await?;
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
        request.require(Right::AuditView)?;
        let mut conn = self.connection().await?;
        let found = drafts::find::<Search>(&mut conn, draft, request.guild).await?;
        drop(conn);
        let (_, search) = found.ok_or(ServiceError::DraftGone)?;
        self.page(request, draft, &search.filter, before).await
    }

    /// One event whole.
    ///
    /// # Errors
    /// No such event, or no right.
    pub async fn event(&self, request: &Request, seq: Seq) -> Result<Found, ServiceError> {
        request.require(Right::AuditView)?;
        let mut conn = self.connection().await?;
        let found = events::search(
            &mut conn,
            request.guild,
            &Filter::default(),
            Some(seq.next()),
            1,
        )
        .await?;
        found
            .into_iter()
            .find(|found| found.event.seq == seq)
            .ok_or(ServiceError::UnknownEvent { event: seq })
    }

    /// All events of a search, oldest first.
    ///
    /// # Errors
    /// No such table, or no right.
    pub async fn export_events(
        &self,
        request: &Request,
        order: SearchOrder,
    ) -> Result<Vec<Found>, ServiceError> {
        request.require(Right::AuditExport)?;
        let filter = self.filter(request, order).await?;
        let mut conn = self.connection().await?;
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let batch = events::search(&mut conn, request.guild, &filter, before, BATCH).await?;
            let Some(last) = batch.last() else { break };
            before = Some(last.event.seq);
            all.extend(batch);
        }
        all.reverse();
        Ok(all)
    }

    async fn filter(&self, request: &Request, order: SearchOrder) -> Result<Filter, ServiceError> {
        let table = match &order.table {
            Some(address) => {
                let mut conn = self.connection().await?;
                Some(tables::find_ever(&mut conn, request, address).await?.id)
            }
            None => None,
        };
        Ok(Filter {
            who: order.who,
            table,
            name_key: order.name.map(|name| fold(name.trim())),
            action: order.action.map(|action| action.as_str().to_owned()),
        })
    }

    async fn page(
        &self,
        request: &Request,
        draft: DraftId,
        filter: &Filter,
        before: Option<Seq>,
    ) -> Result<SearchPage, ServiceError> {
        let mut conn = self.connection().await?;
        let limit = i64::try_from(PAGE_EVENTS).unwrap_or(10) + 1;
        let mut found = events::search(&mut conn, request.guild, filter, before, limit).await?;
        let more = found.len() > PAGE_EVENTS;
        found.truncate(PAGE_EVENTS);
        let older = found.last().map(|last| last.event.seq).filter(|_| more);
        let newer = match before {
            Some(before) => Some(newer_page(&mut conn, request.guild, filter, before).await?),
            None => None,
        };
        Ok(SearchPage {
            events: found,
            older,
            newer,
            draft,
        })
    }
}

/// Where the page of the events from `before` on begins; `None` if that is the first page.
async fn newer_page(
    conn: &mut PgConnection,
    guild: GuildId,
    filter: &Filter,
    before: Seq,
) -> Result<Option<Seq>, StoreError> {
    let limit = i64::try_from(PAGE_EVENTS).unwrap_or(10) + 1;
    let newer = events::newer(conn, guild, filter, before, limit).await?;
    Ok(newer.get(PAGE_EVENTS).copied())
}
