//! Activities: what points are given for in a table.

use serde::{Deserialize, Serialize};

use crate::domain::access::Right;
use crate::domain::activity::{Activity, MAX_ACTIVITIES};
use crate::domain::event::Action;
use crate::domain::name::{Name, TableAddress};
use crate::domain::table::Table;
use crate::store::events;

use super::operation::{Begun, Receipt};
use super::tables::of_table;
use super::{Request, ServiceError, Services};

/// An activity to create, or to change where one of its name exists.
#[derive(Debug, Clone)]
pub struct ActivityOrder {
    /// In which table.
    pub table: TableAddress,
    /// What people call it.
    pub name: Name,
    /// How many points are given, 1 to [`crate::domain::points::MAX_AWARD`].
    pub points: i64,
    /// For how much of it; unchanged without, or 1.
    pub quantity: Option<i64>,
}

/// How much was done of an activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Which, by its name.
    pub activity: String,
    /// How much; as much as there are points for, without.
    pub quantity: Option<i64>,
}

impl Services {
    /// Creates or changes an activity.
    ///
    /// # Errors
    /// No such table, there are too many, or no right; nothing is changed then.
    pub async fn set_activity(
        &self,
        request: &Request,
        order: ActivityOrder,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(&order.table)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::TableEdit).await?;
        let old = table.activity_named(order.name.as_str()).cloned();
        if old.is_none() && table.activities.len() >= MAX_ACTIVITIES {
            return Err(ServiceError::TooManyActivities);
        }
        let number = if let Some(old) = &old {
            old.number
        } else {
            // Never one again that another had: buttons and the history know it by that.
            let last = events::last_activity(op.conn(), request.guild, table.id).await?;
            last.saturating_add(1)
        };
        let activity = Activity {
            number,
            name: order.name.to_string(),
            quantity: order
                .quantity
                .unwrap_or_else(|| old.map_or(1, |old| old.quantity)),
            points: order.points,
        };
        table.activities.insert(activity.number, activity);
        op.put_table(table);
        op.finish(Action::ActivitySet, None, None).await
    }

    /// Takes an activity away. Points that were given for it stay.
    ///
    /// # Errors
    /// No such table or activity, or no right; nothing is changed then.
    pub async fn remove_activity(
        &self,
        request: &Request,
        address: &TableAddress,
        name: &str,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(address)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::TableEdit).await?;
        let number = named(&table, name)?.number;
        table.activities.remove(&number);
        op.put_table(table);
        op.finish(Action::ActivityRemove, None, None).await
    }
}

/// What is given for that in a table, and what the history tells of why.
pub(super) fn worth(
    table: &Table,
    work: &Work,
    reason: Option<String>,
) -> Result<(i64, Option<String>), ServiceError> {
    let activity = named(table, &work.activity)?;
    let quantity = work.quantity.unwrap_or(activity.quantity);
    let unfit = || ServiceError::UnfitQuantity {
        activity: activity.name.clone(),
        quantity,
        least: activity.quantity,
    };
    let points = activity.points_for(quantity).ok_or_else(unfit)?;
    Ok((points, Some(told(activity, quantity, reason))))
}

/// So much of an activity, and the actor's own words.
pub(super) fn told(activity: &Activity, quantity: i64, reason: Option<String>) -> String {
    let done = format!("{}: {quantity}", activity.name);
    match reason {
        Some(reason) => format!("{done} · {reason}"),
        None => done,
    }
}

fn named<'a>(table: &'a Table, name: &str) -> Result<&'a Activity, ServiceError> {
    table
        .activity_named(name)
        .ok_or_else(|| ServiceError::UnknownActivity {
            activity: name.to_owned(),
            table: table.address(),
            known: table
                .activities
                .values()
                .map(|activity| activity.name.clone())
                .collect(),
        })
}
