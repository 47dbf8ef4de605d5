//! Setting fields of entries, and deleting entries.

use crate::domain::access::Right;
use crate::domain::entry::Field;
use crate::domain::event::Action;
use crate::domain::field::ExtraField;
use crate::domain::ids::{EntryId, TableId, UserId};
use crate::domain::name::{Name, NameOrMember, TableAddress};
use crate::domain::table::Table;
use crate::store::StoreError;

use super::operation::{Ask, Begun, Operation, Receipt};
use super::points::{existing, split};
use super::{Request, ServiceError, Services};

/// The value of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewValue {
    /// Another name.
    Name(Name),
    /// A rank by its number or title; none takes the rank away.
    Rank(Option<String>),
    /// A number of points.
    Points(i64),
    /// A member to link to; none unlinks.
    Member(Option<UserId>),
    /// Whether a closing leaves it its rank.
    Exempt(bool),
    /// An extra field of the table, by its name; none empties it.
    Extra(String, Option<String>),
}

/// One field of one entry.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// Whose.
    pub who: NameOrMember,
    /// Which field, and what it is to hold.
    pub value: NewValue,
    /// Where; the session's last table, or the only one, without.
    pub table: Option<TableAddress>,
    /// Where, by id, before the address.
    pub table_id: Option<TableId>,
}

/// Entries to delete.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// Which.
    pub names: Vec<NameOrMember>,
    /// Where; the session's last table, or the only one, without.
    pub table: Option<TableAddress>,
    /// Where, by id, before the address.
    pub table_id: Option<TableId>,
}

impl Services {
    /// Sets one field of one entry. The last write wins, by its date.
    ///
    /// # Errors
    /// No such table, entry or rank, a name or member that is taken, points below the floor, or
    /// no right; nothing is changed then.
    pub async fn set(&self, request: &Request, order: Assignment) -> Result<Receipt, ServiceError> {
        let list = [order.who];
        let (names, members) = split(&list);
        let ask = Ask {
            table: order.table,
            table_id: order.table_id,
            names,
            members,
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let table = op.table(right_for(&order.value)).await?;
        let Some(id) = existing(&mut op, &list).await?.pop() else {
            return Err(StoreError::Mismatch("one name is no entry").into());
        };
        let stamp = op.stamp();
        match order.value {
            NewValue::Points(value) if value < table.floor => {
                return Err(ServiceError::BelowFloor {
                    value,
                    floor: table.floor,
                });
            }
            NewValue::Points(value) => {
                let later = op.later_delta(id);
                op.replace(id, "points", |entry| {
                    entry.set_points(value, later, table.bounds(), &stamp)
                })
                .await?;
            }
            NewValue::Name(name) => set_field(&mut op, id, Field::Name(name.to_string())).await?,
            NewValue::Rank(rank) => {
                let rank = rank.map(|rank| find_rank(&table, &rank)).transpose()?;
                set_field(&mut op, id, Field::Rank(rank)).await?;
            }
            NewValue::Member(member) => set_field(&mut op, id, Field::Member(member)).await?,
            NewValue::Exempt(exempt) => set_field(&mut op, id, Field::Exempt(exempt)).await?,
            NewValue::Extra(field, value) => {
                let field = extra(&table, &field, value.as_deref())?;
                set_field(&mut op, id, field).await?;
            }
        }
        op.finish(Action::EntrySet, None, None).await
    }

    /// Deletes entries; undo restores them with their points and history.
    ///
    /// # Errors
    /// No such table or entry, or no right; nothing is changed then.
    pub async fn delete(
        &self,
        request: &Request,
        order: Deletion,
    ) -> Result<Receipt, ServiceError> {
        let (names, members) = split(&order.names);
        let ask = Ask {
            table: order.table,
            table_id: order.table_id,
            names,
            members,
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        op.table(Right::EntryDelete).await?;
        let stamp = op.stamp();
        for id in existing(&mut op, &order.names).await? {
            let last_edit = op.last_edit(id).unwrap_or_else(|| stamp.clone());
            op.edit(id, |entry| entry.delete(&last_edit, &stamp));
        }
        op.finish(Action::EntryDelete, None, None).await
    }
}

async fn set_field(op: &mut Operation<'_>, id: EntryId, field: Field) -> Result<(), ServiceError> {
    let (register, stamp) = (field.register(), op.stamp());
    op.replace(id, &register, |entry| entry.set(field, &stamp))
        .await
}

/// Which right setting this field needs.
const fn right_for(value: &NewValue) -> Right {
    match value {
        NewValue::Points(_) => Right::ScoreSet,
        NewValue::Name(_)
        | NewValue::Rank(_)
        | NewValue::Member(_)
        | NewValue::Exempt(_)
        | NewValue::Extra(..) => Right::EntryEdit,
    }
}

/// There is no such field, but others.
pub(super) fn unknown_field(table: &Table, field: &str) -> ServiceError {
    let known = table.live_fields().map(|field| field.name.clone());
    ServiceError::UnknownField {
        field: field.to_owned(),
        known: known.collect(),
    }
}

/// An extra field with the value it is to hold, as it is kept.
fn extra(table: &Table, field: &str, value: Option<&str>) -> Result<Field, ServiceError> {
    let Some(field) = table.field_named(field) else {
        return Err(unknown_field(table, field));
    };
    fitting(field, value)
}

/// A value that an extra field is to hold, if it fits.
pub(super) fn fitting(field: &ExtraField, value: Option<&str>) -> Result<Field, ServiceError> {
    let unfit = |why| ServiceError::UnfitValue {
        field: field.clone(),
        value: value.unwrap_or_default().to_owned(),
        why,
    };
    Ok(Field::Extra {
        number: field.number,
        name: field.name.clone(),
        value: value
            .map(|value| field.fit(value))
            .transpose()
            .map_err(unfit)?,
    })
}

/// A rank by its number, else by its title.
fn find_rank(table: &Table, given: &str) -> Result<i32, ServiceError> {
    let given = given.trim();
    let by_number = given
        .parse()
        .ok()
        .filter(|number| table.ranks.contains_key(number));
    let key = crate::domain::name::fold(given);
    let by_title = || {
        table
            .ranks
            .values()
            .find(|rank| crate::domain::name::fold(&rank.title) == key)
            .map(|rank| rank.number)
    };
    by_number
        .or_else(by_title)
        .ok_or_else(|| ServiceError::UnknownRank {
            rank: given.to_owned(),
            table: table.address(),
        })
}
