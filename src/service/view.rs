//! Looking at tables.

use crate::domain::access::Right;
use crate::domain::ids::{Seq, TableId};
use crate::domain::moment::Moment;
use crate::domain::name::{Name, TableAddress};
use crate::domain::session::{Attribution, Session};
use crate::domain::table::Table;
use crate::store::entries::{self, PageRow, PageWanted, Sort};
use crate::store::{StoreError, sessions};

use super::operation::Aside;
use super::past::AsOf;
use super::sessions::choose;
use super::{Request, ServiceError, Services};

/// Rows of one page.
pub const PAGE_ROWS: i64 = 20;

/// Which page of which table.
#[derive(Debug, Clone, Default)]
pub struct ViewOrder {
    /// Which table; the session's last one, or the only one, without.
    pub table: Option<TableAddress>,
    /// Which table, by id, before the address.
    pub table_id: Option<TableId>,
    /// In which order.
    pub sort: Sort,
    /// Which page, from 0.
    pub page: u32,
    /// A layout to remember for the session.
    pub layout: Option<String>,
    /// As it was at the end of that moment; as it is now, without.
    pub at: Option<Moment>,
    /// Everybody reads the answer: what its person missed is told to them another time.
    pub shared: bool,
}

/// What a session looks at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looking<'a> {
    /// Which table.
    pub(super) table: Option<TableId>,
    /// In which layout.
    pub(super) layout: Option<&'a str>,
    /// Whether everybody reads the answer.
    pub(super) shared: bool,
}

/// A page of a table.
#[derive(Debug, Clone)]
pub struct TablePage {
    /// The table, with its ranks.
    pub table: Table,
    /// The rows.
    pub rows: Vec<PageRow>,
    /// In which order.
    pub sort: Sort,
    /// Which page, from 0.
    pub page: u32,
    /// How many pages there are, at least 1.
    pub pages: u32,
    /// All rows of the table.
    pub total: i64,
    /// The sum of their points.
    pub points: i64,
    /// The session that looks, with its remembered layout.
    pub session: Session,
    /// How it was found.
    pub attribution: Attribution,
    /// What else the person is to be told.
    pub aside: Aside,
    /// The newest event that it shows the effect of.
    pub head: Seq,
    /// Of which moment it is; of now, without.
    pub as_of: Option<AsOf>,
}

impl ViewOrder {
    pub(super) fn looking(&self, table: Option<TableId>) -> Looking<'_> {
        Looking {
            table,
            layout: self.layout.as_deref(),
            shared: self.shared,
        }
    }
}

impl TablePage {
    /// The place of the first row in the table, from 1.
    #[must_use]
    pub fn first_place(&self) -> i64 {
        i64::from(self.page) * PAGE_ROWS + 1
    }
}

impl Services {
    /// Reads a page of a table, and notes that the session looked: two round trips, with one
    /// more operation for a person who has no session yet. As of a moment of the past, it replays
    /// the history up to it.
    ///
    /// # Errors
    /// Which table is meant can't be told, it was not there at that moment, or no right.
    pub async fn view(
        &self,
        request: &Request,
        order: &ViewOrder,
    ) -> Result<TablePage, ServiceError> {
        request.require(Right::TableView)?;
        match &order.at {
            None => self.view_present(request, order).await,
            Some(at) => self.view_past(request, order, at).await,
        }
    }

    async fn view_present(
        &self,
        request: &Request,
        order: &ViewOrder,
    ) -> Result<TablePage, ServiceError> {
        let wanted = self.page_wanted(request, order);
        let page = read!(self, conn => entries::page(&mut conn, &wanted))?;
        let table = self.one_table(request, order, page.tables).await?;
        let (session, attribution, aside) = self
            .looking(
                request,
                page.sessions,
                page.parked,
                order.looking(Some(table.id)),
            )
            .await?;
        Ok(TablePage {
            aside,
            head: Seq(page.head),
            table,
            rows: page.rows,
            sort: order.sort,
            page: order.page,
            pages: pages(page.total),
            total: page.total,
            points: page.points,
            session,
            attribution,
            as_of: None,
        })
    }

    /// The table that is meant, of those that were found.
    pub(super) async fn one_table(
        &self,
        request: &Request,
        order: &ViewOrder,
        mut found: Vec<Table>,
    ) -> Result<Table, ServiceError> {
        match found.pop() {
            Some(table) if found.is_empty() => return Ok(table),
            table => found.extend(table),
        }
        if order.table_id.is_some() {
            return Err(ServiceError::TableGone);
        }
        let mut conn = self.connection().await?;
        let candidates = found.iter().map(Table::address).collect();
        let address = order.table.as_ref().map(ToString::to_string);
        Err(super::near::no_table(&mut conn, request, address, candidates).await)
    }

    pub(super) fn page_wanted<'a>(
        &self,
        request: &'a Request,
        order: &ViewOrder,
    ) -> PageWanted<'a> {
        PageWanted {
            guild: request.guild,
            user: request.actor,
            device: request.device.as_ref(),
            platform: request.platform,
            limits: self.limits,
            address: order
                .table
                .as_ref()
                .map(|a| (a.category().map(Name::key), a.name().key())),
            table: order.table_id,
            sort: order.sort,
            offset: i64::from(order.page) * PAGE_ROWS,
            limit: PAGE_ROWS,
            sees_private: request.standing.sees_private(),
        }
    }

    /// The session that looks, with the note that it did.
    pub(super) async fn looking(
        &self,
        request: &Request,
        open: Vec<Session>,
        parked: bool,
        at: Looking<'_>,
    ) -> Result<(Session, Attribution, Aside), ServiceError> {
        let (mut session, attribution) = match choose(open, request) {
            Some(found) => found,
            None => self.open_session(request).await?,
        };
        let aside = if at.shared {
            Aside { missed: 0, parked }
        } else {
            Aside::of(&mut session, parked)
        };
        let mut conn = self.pool.acquire().await?;
        sessions::touch(&mut conn, request.guild, &session, at.table, at.layout).await?;
        if let Some(layout) = at.layout {
            session.layout = Some(layout.to_owned());
        }
        session.last_table = at.table.or(session.last_table);
        self.saw_session(request, &session);
        Ok((session, attribution, aside))
    }
}

/// How many pages so many rows take, at least 1.
pub(super) fn pages(total: i64) -> u32 {
    pages_of(total, PAGE_ROWS)
}

/// How many pages of that many lines so many lines take, at least 1.
pub(super) fn pages_of(total: i64, page: i64) -> u32 {
    u32::try_from((total.max(1) + page - 1) / page).unwrap_or(u32::MAX)
}
