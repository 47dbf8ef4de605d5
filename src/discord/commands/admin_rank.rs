//! `/punctaj-admin rank`.

use serenity::model::guild::Role;

use crate::discord::complete;
use crate::discord::context::{CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::Manner;
use crate::discord::views::{self, input};
use crate::domain::ids::RoleId;
use crate::domain::points;
use crate::domain::table::MAX_RANK;
use crate::i18n::{Message, keys};
use crate::service::tables::RankOrder;

use super::{Command, answered, read};

/// The ranks of a table.
pub(super) fn group() -> Command {
    super::group("rank", vec![set(), list()])
}

/// Creates or changes a rank.
#[poise::command(slash_command, guild_only)]
async fn set(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    #[autocomplete = "complete::rank"] rank: i64,
    title: String,
    promote_at: Option<i64>,
    demote_below: Option<i64>,
    role: Option<Role>,
) -> CommandResult {
    let role = role.map(|role| role.id.get());
    answered(ctx, Manner::Own, move |call| async move {
        let order = RankOrder {
            table: read::table(&table)?,
            number: number(rank)?,
            title: read::name(&title)?,
            promote_at: promote_at.map(threshold).transpose()?,
            demote_below: demote_below.map(threshold).transpose()?,
            role: role.and_then(|id| RoleId::try_from(id).ok()),
        };
        let receipt = call.services.set_rank(&call.request(None)?, order).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Lists the ranks.
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Ctx<'_>, #[autocomplete = "complete::table"] table: String) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let address = read::table(&table)?;
        let table = call.services.table(&call.request(None)?, &address).await?;
        Ok(views::lists::ranks(&table, call.locale))
    })
    .await
}

fn number(rank: i64) -> Result<i32, Failure> {
    let number = i32::try_from(rank)
        .ok()
        .filter(|number| (1..=MAX_RANK).contains(number));
    number
        .ok_or_else(|| Failure::told(Message::new(keys::ERROR_RANK_NUMBER).with("limit", MAX_RANK)))
}

fn threshold(points: i64) -> Result<i64, Failure> {
    if (-points::LIMIT..=points::LIMIT).contains(&points) {
        Ok(points)
    } else {
        Err(Failure::told(input::not_points(&points.to_string())))
    }
}
