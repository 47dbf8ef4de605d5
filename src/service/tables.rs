//! Creating tables and ranks, and listing them.

use crate::domain::access::Right;
use crate::domain::event::Action;
use crate::domain::ids::{GuildId, RoleId};
use crate::domain::name::{Name, TableAddress};
use crate::domain::table::{Rank, Table};
use crate::store::tables;

use super::operation::{Ask, Begun, Receipt};
use super::{Request, ServiceError, Services};

/// A rank to create, or to change where one of its number exists.
#[derive(Debug, Clone)]
pub struct RankOrder {
    /// In which table.
    pub table: TableAddress,
    /// Its place in the order.
    pub number: i32,
    /// What people call it.
    pub title: Name,
    /// Points from which an entry rises; unchanged without.
    pub promote_at: Option<i64>,
    /// Points below which an entry falls; unchanged without.
    pub demote_below: Option<i64>,
    /// The Discord role that goes with it; unchanged without.
    pub role: Option<RoleId>,
}

impl Services {
    /// Creates a table.
    ///
    /// # Errors
    /// One of that address exists, or no right; nothing is changed then.
    pub async fn create_table(
        &self,
        request: &Request,
        address: TableAddress,
    ) -> Result<Receipt, ServiceError> {
        let ask = Ask {
            table: Some(address.clone()),
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        request.require(Right::TableEdit)?;
        if let Some(table) = op.existing(&address) {
            return Err(ServiceError::TableExists { table });
        }
        op.create_table(address);
        op.finish(Action::TableCreate, None, None).await
    }

    /// Creates or changes a rank.
    ///
    /// # Errors
    /// No such table, or no right; nothing is changed then.
    pub async fn set_rank(
        &self,
        request: &Request,
        order: RankOrder,
    ) -> Result<Receipt, ServiceError> {
        let ask = Ask {
            table: Some(order.table),
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::TableEdit).await?;
        let old = table.ranks.get(&order.number).cloned();
        let changes = table.set_rank(Rank {
            number: order.number,
            title: order.title.to_string(),
            promote_at: order.promote_at.or_else(|| old.as_ref()?.promote_at),
            demote_below: order.demote_below.or_else(|| old.as_ref()?.demote_below),
            role: order.role.or_else(|| old.as_ref()?.role),
        });
        op.put_table(table, changes);
        op.finish(Action::RankSet, None, None).await
    }

    /// The guild's tables that the caller may see, in the order of their addresses, each with its
    /// number of entries.
    ///
    /// # Errors
    /// No right, or the database fails.
    pub async fn list_tables(&self, request: &Request) -> Result<Vec<(Table, i64)>, ServiceError> {
        request.require(Right::TableView)?;
        let mut conn = self.connection().await?;
        Ok(tables::list_with_counts(&mut conn, request.guild).await?)
    }

    /// A table by its address, with its ranks.
    ///
    /// # Errors
    /// No such table, or no right.
    pub async fn table(
        &self,
        request: &Request,
        address: &TableAddress,
    ) -> Result<Table, ServiceError> {
        request.require(Right::TableView)?;
        let mut conn = self.connection().await?;
        find(&mut conn, request.guild, address).await
    }
}

/// The live table of that address, else the one of it that was deleted last: for the history.
pub(super) async fn find_ever(
    conn: &mut sqlx::PgConnection,
    guild: GuildId,
    address: &TableAddress,
) -> Result<Table, ServiceError> {
    match find(conn, guild, address).await {
        Err(error @ (ServiceError::UnknownTable { .. } | ServiceError::NoTables)) => {
            let category = address.category().map(Name::key);
            let name = address.name().key();
            let deleted = tables::deleted(conn, guild, category.as_deref(), &name).await?;
            deleted.ok_or(error)
        }
        found => found,
    }
}

/// The live table of that address.
pub(super) async fn find(
    conn: &mut sqlx::PgConnection,
    guild: GuildId,
    address: &TableAddress,
) -> Result<Table, ServiceError> {
    let category = address.category().map(Name::key);
    let mut found =
        tables::by_address(conn, guild, category.as_deref(), &address.name().key()).await?;
    match (found.pop(), found.is_empty()) {
        (Some(table), true) => Ok(table),
        (last, _) => {
            let candidates = found
                .into_iter()
                .chain(last)
                .map(|table| table.address())
                .collect();
            Err(super::near::no_table(conn, guild, Some(address.to_string()), candidates).await)
        }
    }
}
