//! Tables as they were last, for the time when the database is away: read while it is there, kept
//! elsewhere, and shown from there.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ids::{GuildId, Seq, TableId};
use crate::domain::name::{Name, fold};
use crate::domain::session::Session;
use crate::domain::table::Table;
use crate::store::entries::{PageRow, Sort};
use crate::store::guilds::Head;
use crate::store::{StoreError, boards, guilds};

use super::operation::Aside;
use super::view::{TablePage, ViewOrder, pages};
use super::{Request, ServiceError, Services};

/// Rows that are kept of a table: the first ones.
pub const KNOWN_ROWS: i64 = 1_000;

/// A table as it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownTable {
    /// The table.
    pub table: Table,
    /// Its first rows, most points first.
    pub rows: Vec<PageRow>,
    /// All rows that it had.
    pub total: i64,
    /// The sum of their points.
    pub points: i64,
    /// The newest event whose effect it shows.
    pub head: Seq,
    /// When that was, by the database's clock.
    pub at: DateTime<Utc>,
}

impl Services {
    /// How far the histories of these guilds go.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn heads(&self, guilds: &[GuildId]) -> Result<Vec<Head>, ServiceError> {
        Ok(read!(self, conn => guilds::heads(&mut conn, guilds))?)
    }

    /// A table as it is now; none where it is deleted. It is at least as new as `head`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn known_table(
        &self,
        head: &Head,
        table: TableId,
    ) -> Result<Option<KnownTable>, ServiceError> {
        let page = boards::page;
        let (table, rows, _) = read!(self, conn => page(&mut conn, head.guild, table, KNOWN_ROWS))?;
        let is_live = table.deleted_at.is_none();
        Ok(is_live.then_some(KnownTable {
            table,
            rows: rows.rows,
            total: rows.total,
            points: rows.points,
            head: head.seq,
            at: head.now,
        }))
    }

    /// A page of a table as it was last, by the rules of [`Services::view`] as far as they can be
    /// followed without the database.
    ///
    /// # Errors
    /// Which table is meant can't be told, nothing is known of it, or no right.
    pub fn view_known(
        &self,
        request: &Request,
        order: &ViewOrder,
        known: Vec<KnownTable>,
    ) -> Result<TablePage, ServiceError> {
        let session = self.seen_session(request);
        let last = session.as_ref().and_then(|session| session.last_table);
        // To whom a private one was granted is not known here.
        let visible = |known: &KnownTable| !known.table.private || request.standing.manage_server;
        let known: Vec<_> = known.into_iter().filter(visible).collect();
        let found = meant(order, last, known)?;
        let session = session.map(|session| Session {
            last_table: Some(found.table.id),
            layout: order.layout.clone().or(session.layout),
            ..session
        });
        if let Some(session) = &session {
            self.saw_session(request, session);
        }
        Ok(page_of(found, session, order))
    }
}

/// Which table is meant.
fn meant(
    order: &ViewOrder,
    last: Option<TableId>,
    known: Vec<KnownTable>,
) -> Result<KnownTable, ServiceError> {
    let addresses: Vec<String> = known.iter().map(|known| known.table.address()).collect();
    let id = order.table_id.or(last.filter(|_| order.table.is_none()));
    let fits = |known: &KnownTable| match (id, &order.table) {
        (Some(id), _) => known.table.id == id,
        (None, Some(address)) => {
            let category = address.category().map(Name::key);
            fold(&known.table.name) == address.name().key()
                && (category.is_none() || known.table.category.as_deref().map(fold) == category)
        }
        (None, None) => true,
    };
    let mut found: Vec<KnownTable> = known.into_iter().filter(fits).collect();
    match found.pop() {
        Some(only) if found.is_empty() => Ok(only),
        _ => Err(ServiceError::NotKnown { known: addresses }),
    }
}

fn page_of(known: KnownTable, session: Option<Session>, order: &ViewOrder) -> TablePage {
    let mut rows = known.rows;
    sort(&mut rows, order.sort);
    let kept = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let last = pages(kept).saturating_sub(1);
    let page = order.page.min(last);
    TablePage {
        rows: super::view::page_of(rows, page),
        sort: order.sort,
        page,
        pages: pages(kept),
        total: known.total,
        points: known.points,
        session,
        attribution: None,
        aside: Aside::default(),
        marked: None,
        as_of: None,
        period: None,
        known_at: Some(known.at),
        table: known.table,
    }
}

/// In the order in which the database sorts the rows of now.
pub(super) fn sort(rows: &mut [PageRow], sort: Sort) {
    rows.sort_by_cached_key(|row| {
        let rank = (sort == Sort::Rank).then_some(Reverse(row.rank));
        let points = (sort != Sort::Name).then_some(Reverse(row.points));
        (rank, points, fold(&row.name))
    });
}
