//! `/punctaj-admin rank`.

use serenity::model::guild::Role;

use crate::discord::complete;
use crate::discord::context::{CommandResult, Ctx};
use crate::discord::rank_roles;
use crate::discord::reply::Manner;
use crate::discord::views;
use crate::domain::ids::RoleId;
use crate::service::tables::RankOrder;

use super::{Command, answered, read};

/// The ranks of a table.
pub(super) fn group() -> Command {
    super::group("rank", vec![set(), remove(), list()])
}

/// Creates or changes a rank.
#[poise::command(slash_command, guild_only)]
#[expect(
    clippy::too_many_arguments,
    reason = "they are the options of the command"
)]
async fn set(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    #[autocomplete = "complete::rank"] rank: i64,
    title: String,
    promote_at: Option<i64>,
    demote_below: Option<i64>,
    role: Option<Role>,
    clear: Option<String>,
) -> CommandResult {
    let (role, me) = (role.map(|role| role.id.get()), ctx.framework.bot_id());
    answered(ctx, Manner::Own, move |call| async move {
        let order = RankOrder {
            table: read::table(&table)?,
            number: read::rank(rank)?,
            title: read::name(&title)?,
            promote_at: promote_at.map(read::bound).transpose()?,
            demote_below: demote_below.map(read::bound).transpose()?,
            role: role.and_then(|id| RoleId::try_from(id).ok()),
        };
        let without = clear.as_deref().map(read::rank_part).transpose()?;
        let request = call.request(None)?;
        if let Some(role) = order.role {
            rank_roles::check(&call, &request, me, role).await?;
        }
        let receipt = call
            .services
            .set_rank_without(&request, order, without)
            .await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Takes a rank away.
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    #[autocomplete = "complete::rank"] rank: i64,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let (address, number) = (read::table(&table)?, read::rank(rank)?);
        let request = call.request(None)?;
        let receipt = call
            .services
            .remove_rank(&request, &address, number)
            .await?;
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
