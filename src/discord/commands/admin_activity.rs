//! `/punctaj-admin activity`.

use crate::discord::complete;
use crate::discord::context::{CommandResult, Ctx};
use crate::discord::reply::Manner;
use crate::discord::views;
use crate::service::activities::ActivityOrder;

use super::{Command, answered, read};

/// What points are given for in a table.
pub(super) fn group() -> Command {
    super::group("activity", vec![set(), remove(), list()])
}

/// Creates or changes an activity.
#[poise::command(slash_command, guild_only)]
async fn set(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    #[autocomplete = "complete::activity"] activity: String,
    points: i64,
    quantity: Option<i64>,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let order = ActivityOrder {
            table: read::table(&table)?,
            name: read::name(&activity)?,
            points: read::worth(points)?,
            quantity: quantity.map(read::quantity).transpose()?,
        };
        let request = call.request(None)?;
        let receipt = call.services.set_activity(&request, order).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Takes an activity away.
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    #[autocomplete = "complete::activity"] activity: String,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let (address, request) = (read::table(&table)?, call.request(None)?);
        let receipt = call
            .services
            .remove_activity(&request, &address, &activity)
            .await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Lists the activities.
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Ctx<'_>, #[autocomplete = "complete::table"] table: String) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let address = read::table(&table)?;
        let table = call.services.table(&call.request(None)?, &address).await?;
        Ok(views::lists::activities(&table, call.locale))
    })
    .await
}
