//! Looking at tables.

use chrono::{DateTime, Utc};

use crate::domain::access::Right;
use crate::domain::ids::{DeviceId, Seq, TableId};
use crate::domain::layout::Layout;
use crate::domain::moment::Moment;
use crate::domain::name::{Name, TableAddress};
use crate::domain::period::Period;
use crate::domain::session::{Attribution, Session};
use crate::domain::table::Table;
use crate::store::entries::{self, PageRow, PageWanted, Sort};
use crate::store::sessions::{self, Use};
use crate::store::shown::Marked;
use crate::store::{self, StoreError};

use super::near::Unfound;
use super::operation::Aside;
use super::past::AsOf;
use super::sessions::choose;
use super::{Request, ServiceError, Services, known, periods};

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
    /// As it was when this period was closed; not with `at`.
    pub period: Option<i32>,
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
    /// It is shown the table with all events up to this one.
    pub(super) shows: Option<Seq>,
}

/// A session that looked.
#[derive(Debug)]
pub(super) struct Looked {
    /// Which.
    pub(super) session: Session,
    /// How it was found.
    pub(super) attribution: Attribution,
    /// What else its person is to be told.
    pub(super) aside: Aside,
    /// That it is shown the table.
    pub(super) marked: Option<Marked>,
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
    /// The session that looks, with its remembered layout; none where the database is away and this
    /// process has not seen one.
    pub session: Option<Session>,
    /// How it was found.
    pub attribution: Option<Attribution>,
    /// What else the person is to be told.
    pub aside: Aside,
    /// That the session is shown the table. The past shows nothing of the present.
    pub marked: Option<Marked>,
    /// Of which moment it is; of now, without.
    pub as_of: Option<AsOf>,
    /// Of which closed period it is; of none, without.
    pub period: Option<Period>,
    /// The database is away: it was so then, by the database's clock.
    pub known_at: Option<DateTime<Utc>>,
}

impl ViewOrder {
    pub(super) fn looking(&self, table: Option<TableId>) -> Looking<'_> {
        Looking {
            table,
            layout: self.layout.as_deref(),
            shared: self.shared,
            shows: None,
        }
    }
}

impl TablePage {
    /// Whether there are fewer pages: entries may have been deleted since somebody turned to it.
    #[must_use]
    pub const fn is_past_the_end(&self) -> bool {
        self.rows.is_empty() && self.page > 0
    }

    /// The session's `device_id`.
    #[must_use]
    pub fn device(&self) -> Option<DeviceId> {
        let session = self.session.as_ref();
        session.map(|session| session.device_id.clone())
    }

    /// The layout that the session is used to.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let session = self.session.as_ref();
        session.map_or(Layout::Phone, Layout::of_session)
    }

    /// The place of the first row in the table, from 1.
    #[must_use]
    pub fn first_place(&self) -> i64 {
        i64::from(self.page) * PAGE_ROWS + 1
    }
}

impl Services {
    /// Reads a page of a table, and notes that the session looked and what it is shown: two round
    /// trips, with one more operation for a person who has no session yet. As of a moment of the
    /// past, it replays the history up to it.
    ///
    /// It is noted before the answer leaves, since the person's next command may come as soon as they
    /// see it, and taken back by [`Self::not_shown`] if they never do.
    ///
    /// # Errors
    /// Which table is meant can't be told, it was not there at that moment, or no right.
    pub async fn view(
        &self,
        request: &Request,
        order: &ViewOrder,
    ) -> Result<TablePage, ServiceError> {
        match (&order.at, order.period) {
            (Some(at), _) => self.view_past(request, order, at).await,
            (None, Some(period)) => self.view_period(request, order, period).await,
            (None, None) => self.view_present(request, order).await,
        }
    }

    async fn view_present(
        &self,
        request: &Request,
        order: &ViewOrder,
    ) -> Result<TablePage, ServiceError> {
        let wanted = self.page_wanted(request, order);
        let page = read!(self, conn => entries::page(&mut conn, &wanted))?;
        let right = Right::TableView;
        let table = self.one_table(request, order, right, page.tables).await?;
        // Past the end nothing is shown: the one who turned there is given another page.
        let is_there = order.page == 0 || !page.rows.is_empty();
        let looking = Looking {
            shows: is_there.then_some(Seq(page.head)),
            ..order.looking(Some(table.id))
        };
        let looked = self
            .looking(request, page.sessions, page.parked, looking)
            .await?;
        Ok(TablePage {
            aside: looked.aside,
            marked: looked.marked,
            table,
            rows: page.rows,
            sort: order.sort,
            page: order.page,
            pages: pages(page.total),
            total: page.total,
            points: page.points,
            session: Some(looked.session),
            attribution: Some(looked.attribution),
            as_of: None,
            period: None,
            known_at: None,
        })
    }

    /// A page of a closed period. The table is found by the rules of the present, and is shown as it
    /// was then.
    async fn view_period(
        &self,
        request: &Request,
        order: &ViewOrder,
        number: i32,
    ) -> Result<TablePage, ServiceError> {
        let mut wanted = self.page_wanted(request, order);
        (wanted.offset, wanted.limit) = (0, 0);
        let present = read!(self, conn => entries::page(&mut conn, &wanted))?;
        let table = self
            .one_table(request, order, Right::TableView, present.tables)
            .await?;
        let mut conn = self.connection().await?;
        let kept = periods::closed(&mut conn, &table, Some(number)).await?;
        let mut rows = store::periods::rows(&mut conn, request.guild, kept.seq).await?;
        drop(conn);
        let looking = order.looking(Some(table.id));
        let looked = self
            .looking(request, present.sessions, present.parked, looking)
            .await?;
        known::sort(&mut rows, order.sort);
        Ok(TablePage {
            aside: looked.aside,
            marked: None,
            table: kept.table,
            rows: page_of(rows, order.page),
            sort: order.sort,
            page: order.page,
            pages: pages(kept.period.entries),
            total: kept.period.entries,
            points: kept.period.total,
            session: Some(looked.session),
            attribution: Some(looked.attribution),
            as_of: None,
            period: Some(kept.period),
            known_at: None,
        })
    }

    /// The table that is meant, of those that were found.
    pub(super) async fn one_table(
        &self,
        request: &Request,
        order: &ViewOrder,
        right: Right,
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
        let authority = super::access::authority(&mut conn, request).await?;
        let unfound = Unfound {
            right,
            candidates: found.iter().map(Table::address).collect(),
            address: order.table.as_ref().map(ToString::to_string),
        };
        Err(super::near::no_table(&mut conn, request, &authority, unfound).await)
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
            caller: request.caller(&[Right::TableView]),
        }
    }

    /// The session that looks, with the note that it did and what it is shown.
    pub(super) async fn looking(
        &self,
        request: &Request,
        open: Vec<Session>,
        parked: bool,
        at: Looking<'_>,
    ) -> Result<Looked, ServiceError> {
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
        let used = Use {
            table: at.table,
            layout: at.layout,
            shows: at.shows,
        };
        let marked = sessions::touch(&mut conn, request.guild, &session, used).await?;
        if let Some(layout) = at.layout {
            session.layout = Some(layout.to_owned());
        }
        session.last_table = at.table.or(session.last_table);
        self.saw_session(request, &session);
        Ok(Looked {
            session,
            attribution,
            aside,
            marked,
        })
    }
}

/// The rows of a page, of all of them.
pub(super) fn page_of(rows: Vec<PageRow>, page: u32) -> Vec<PageRow> {
    let skipped = usize::try_from(i64::from(page) * PAGE_ROWS).unwrap_or(usize::MAX);
    let shown = usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
    rows.into_iter().skip(skipped).take(shown).collect()
}

/// How many pages so many rows take, at least 1.
pub(super) fn pages(total: i64) -> u32 {
    pages_of(total, PAGE_ROWS)
}

/// How many pages of that many lines so many lines take, at least 1.
pub(super) fn pages_of(total: i64, page: i64) -> u32 {
    u32::try_from((total.max(1) + page - 1) / page).unwrap_or(u32::MAX)
}
