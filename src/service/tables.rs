//! Creating, changing and deleting tables and their ranks, and listing them.

use crate::domain::access::{Place, Right};
use crate::domain::event::Action;
use crate::domain::field::ExtraField;
use crate::domain::ids::{RoleId, TableId};
use crate::domain::name::{Name, TableAddress};
use crate::domain::table::{Rank, Table};
use crate::store::complete::TableFilter;
use crate::store::{StoreError, entries, tables};

use super::access;
use super::complete::filter;
use super::near::Unfound;
use super::operation::{Ask, Begun, Operation, Receipt};
use super::rank_roles;
use super::{Request, ServiceError, Services};

/// A table to create.
#[derive(Debug, Clone)]
pub struct NewTable {
    /// Its address.
    pub address: TableAddress,
    /// The ranks it begins with.
    pub ranks: Vec<Rank>,
    /// The extra fields it begins with.
    pub fields: Vec<ExtraField>,
}

impl From<TableAddress> for NewTable {
    fn from(address: TableAddress) -> Self {
        Self {
            address,
            ranks: Vec::new(),
            fields: Vec::new(),
        }
    }
}

/// What is to be another than it is.
#[derive(Debug, Clone)]
pub struct TableEdit {
    /// Which table.
    pub table: TableAddress,
    /// Its new name.
    pub name: Option<Name>,
    /// Its new category; none takes it out of its category.
    pub category: Option<Option<Name>>,
    /// Below which its points are not to fall.
    pub floor: Option<i64>,
    /// Whether only those with a right to it see it.
    pub private: Option<bool>,
    /// Whether a closing only proposes ranks.
    pub proposes: Option<bool>,
}

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

/// What a rank may do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankPart {
    /// Points from which an entry rises.
    PromoteAt,
    /// Points below which an entry falls.
    DemoteBelow,
    /// The Discord role that goes with it.
    Role,
}

impl Services {
    /// Creates a table.
    ///
    /// # Errors
    /// One of that address exists, or no right; nothing is changed then.
    pub async fn create_table(
        &self,
        request: &Request,
        order: impl Into<NewTable>,
    ) -> Result<Receipt, ServiceError> {
        let order = order.into();
        let ask = Ask {
            table: Some(order.address.clone()),
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let category = order.address.category().map(Name::as_str);
        op.authority()
            .require(Right::TableEdit, Place::category(category))?;
        if let Some(table) = op.existing(&order.address) {
            return Err(ServiceError::TableExists { table });
        }
        let mut table = op.new_table(order.address);
        table.ranks = order.ranks.into_iter().map(|it| (it.number, it)).collect();
        table.fields = order.fields.into_iter().map(|it| (it.number, it)).collect();
        op.put_table(table);
        op.finish(Action::TableCreate, None, None).await
    }

    /// Changes a table's name, category, floor or privacy.
    ///
    /// # Errors
    /// No such table, its new address is taken, entries are below its new floor, or no right;
    /// nothing is changed then.
    pub async fn edit_table(
        &self,
        request: &Request,
        edit: TableEdit,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(&edit.table)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::TableEdit).await?;
        if let Some(floor) = edit.floor {
            require_above(&mut op, &table, floor).await?;
            table.floor = floor;
        }
        if let Some(name) = edit.name {
            table.name = name.to_string();
        }
        if let Some(category) = edit.category {
            table.category = category.map(|category| category.to_string());
        }
        table.private = edit.private.unwrap_or(table.private);
        if let Some(now) = op.current_table().cloned() {
            access::require_move(&mut op, request, &now, &table).await?;
        }
        table.periods.proposes = edit.proposes.unwrap_or(table.periods.proposes);
        op.put_table(table);
        op.finish(Action::TableEdit, None, None).await
    }

    /// Deletes a table with all that is in it; it can be restored.
    ///
    /// # Errors
    /// No such table, or no right; nothing is changed then.
    pub async fn delete_table(
        &self,
        request: &Request,
        address: &TableAddress,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(address)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::TableEdit).await?;
        table.deleted_at = Some(op.now());
        op.put_table(table);
        op.finish(Action::TableDelete, None, None).await
    }

    /// Brings back the table of that address that was deleted last, with all that was in it: of those
    /// that the caller may bring back, if there is any.
    ///
    /// # Errors
    /// None of that address was deleted, another table has the address, one of its ranks would hand
    /// out rights, or no right; nothing is changed then.
    pub async fn restore_table(
        &self,
        request: &Request,
        address: &TableAddress,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(address)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        op.authority().require_somewhere(Right::TableEdit)?;
        let deleted = deleted_last(op.conn(), request, address, Right::TableEdit).await?;
        let Some(mut table) = deleted else {
            return Err(ServiceError::NotDeleted {
                table: address.to_string(),
            });
        };
        op.authority()
            .require(Right::TableEdit, Place::table(&table))?;
        op.load(Some(table.id), Vec::new()).await?;
        let gone = op.current_table().cloned();
        table.comes_back(op.now());
        access::require_roles(&mut op, request, gone.as_ref(), &table).await?;
        op.put_table(table);
        op.finish(Action::TableRestore, None, None).await
    }

    /// Creates or changes a rank.
    ///
    /// # Errors
    /// No such table, its role gives rights over this program, or no right; nothing is changed then.
    pub async fn set_rank(
        &self,
        request: &Request,
        order: RankOrder,
    ) -> Result<Receipt, ServiceError> {
        self.set_rank_without(request, order, None).await
    }

    /// Creates or changes a rank, and takes away one thing that it had, unless that is given anew.
    ///
    /// # Errors
    /// As [`Services::set_rank`].
    pub async fn set_rank_without(
        &self,
        request: &Request,
        order: RankOrder,
        without: Option<RankPart>,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(&order.table)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::TableEdit).await?;
        if let Some(role) = order.role {
            access::require_role(&mut op, request, role).await?;
            rank_roles::chosen(op.conn(), request.guild, role).await?;
        }
        let old = table.ranks.get(&order.number).cloned();
        let kept = |part| old.as_ref().filter(|_| without != Some(part));
        let rank = Rank {
            number: order.number,
            title: order.title.to_string(),
            promote_at: (order.promote_at).or_else(|| kept(RankPart::PromoteAt)?.promote_at),
            demote_below: (order.demote_below)
                .or_else(|| kept(RankPart::DemoteBelow)?.demote_below),
            role: order.role.or_else(|| kept(RankPart::Role)?.role),
        };
        table.ranks.insert(rank.number, rank);
        op.put_table(table);
        op.finish(Action::RankSet, None, None).await
    }

    /// Takes a rank away, also from the entries that hold it.
    ///
    /// # Errors
    /// No such table or rank, or no right; nothing is changed then.
    pub async fn remove_rank(
        &self,
        request: &Request,
        address: &TableAddress,
        number: i32,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(address)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::TableEdit).await?;
        if table.ranks.remove(&number).is_none() {
            return Err(ServiceError::UnknownRank {
                rank: number.to_string(),
                table: table.address(),
            });
        }
        let holders = entries::of_rank(op.conn(), table.id, number).await?;
        op.load(Some(table.id), holders.clone()).await?;
        let stamp = op.stamp();
        for id in holders
            .into_iter()
            .filter_map(|id| op.by_id(id))
            .collect::<Vec<_>>()
        {
            op.edit(id, |entry| entry.lose_rank(&stamp));
        }
        op.put_table(table);
        op.finish(Action::RankRemove, None, None).await
    }

    /// The guild's tables that the caller may see, in the order of their addresses, each with its
    /// number of entries.
    ///
    /// # Errors
    /// No right, or the database fails.
    pub async fn list_tables(&self, request: &Request) -> Result<Vec<(Table, i64)>, ServiceError> {
        let mut conn = self.connection().await?;
        let caller = request.caller(&[Right::TableView]);
        Ok(tables::list_with_counts(&mut conn, request.guild, &caller).await?)
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
        self.table_for(request, address, Right::TableView).await
    }

    /// A table by its address, in which the caller may do that.
    pub(super) async fn table_for(
        &self,
        request: &Request,
        address: &TableAddress,
        right: Right,
    ) -> Result<Table, ServiceError> {
        let mut conn = self.connection().await?;
        find(&mut conn, request, address, right).await
    }
}

/// To see the table of that address.
pub(super) fn of_table(address: &TableAddress) -> Ask {
    Ask {
        table: Some(address.clone()),
        ..Ask::default()
    }
}

/// A floor that would be above points that entries have is refused: points never lie below it.
pub(super) async fn require_above(
    op: &mut Operation<'_>,
    table: &Table,
    floor: i64,
) -> Result<(), ServiceError> {
    match entries::below(op.conn(), table.id, floor).await? {
        0 => Ok(()),
        entries => Err(ServiceError::BelowNewFloor { floor, entries }),
    }
}

/// The live table of that address, else the one of it that was deleted last: for the history.
pub(super) async fn find_ever(
    conn: &mut sqlx::PgConnection,
    request: &Request,
    address: &TableAddress,
    right: Right,
) -> Result<Table, ServiceError> {
    match find(conn, request, address, right).await {
        Err(error @ (ServiceError::UnknownTable { .. } | ServiceError::NoTables)) => {
            let deleted = deleted_last(conn, request, address, right).await?;
            let authority = access::authority(conn, request).await?;
            let within = |table: &Table| authority.may(right, Place::table(table));
            deleted.filter(within).ok_or(error)
        }
        found => found,
    }
}

/// The table of that address that was deleted last: first of those in which the caller may do that.
async fn deleted_last(
    conn: &mut sqlx::PgConnection,
    request: &Request,
    address: &TableAddress,
    right: Right,
) -> Result<Option<Table>, StoreError> {
    let (category, name) = (address.category().map(Name::key), address.name().key());
    let filter = TableFilter {
        deleted: true,
        ..filter(request, &[right])
    };
    tables::deleted(conn, request.guild, category.as_deref(), &name, &filter).await
}

/// The tables that have that address or had it, so that nothing which happened under it is out of
/// reach: for searching the history.
pub(super) async fn ever_called(
    conn: &mut sqlx::PgConnection,
    request: &Request,
    address: &TableAddress,
    right: Right,
) -> Result<Vec<TableId>, ServiceError> {
    let (meant, unknown) = match find_ever(conn, request, address, right).await {
        // A bare name may have meant a table with a category.
        Ok(table) => (TableAddress::parse(&table.address()).ok(), None),
        Err(error @ (ServiceError::UnknownTable { .. } | ServiceError::NoTables)) => {
            (None, Some(error))
        }
        Err(error) => return Err(error),
    };
    let (meant, caller) = (meant.as_ref(), request.caller(&[right]));
    let meant = meant.unwrap_or(address);
    let ids = tables::ever_called(conn, request.guild, meant, &caller).await?;
    match unknown {
        Some(error) if ids.is_empty() => Err(error),
        _ => Ok(ids),
    }
}

/// The live table of that address, in which the caller may do that.
pub(super) async fn find(
    conn: &mut sqlx::PgConnection,
    request: &Request,
    address: &TableAddress,
    right: Right,
) -> Result<Table, ServiceError> {
    let authority = access::authority(conn, request).await?;
    authority.require_somewhere(right)?;
    let category = address.category().map(Name::key);
    let name = address.name().key();
    let mut found = tables::by_address(
        conn,
        request.guild,
        category.as_deref(),
        &name,
        &request.anyhow(),
    )
    .await?;
    match (found.pop(), found.is_empty()) {
        (Some(table), true) => {
            authority.require(right, Place::table(&table))?;
            Ok(table)
        }
        (last, _) => {
            let candidates = found
                .into_iter()
                .chain(last)
                .map(|table| table.address())
                .collect();
            let unfound = Unfound {
                right,
                address: Some(address.to_string()),
                candidates,
            };
            Err(super::near::no_table(conn, request, &authority, unfound).await)
        }
    }
}
