//! `/punctaj-admin table`.

use crate::discord::context::{CommandResult, Ctx};
use crate::discord::reply::Manner;
use crate::discord::views;

use super::{Command, answered, read};

/// Tables.
pub(super) fn group() -> Command {
    super::group("table", vec![create(), list()])
}

/// Creates a table.
#[poise::command(slash_command, guild_only)]
async fn create(ctx: Ctx<'_>, table: String) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let address = read::table(&table)?;
        let receipt = call
            .services
            .create_table(&call.request(None)?, address)
            .await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Lists the tables.
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Ctx<'_>) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let tables = call.services.list_tables(&call.request(None)?).await?;
        Ok(views::lists::tables(&tables, call.locale))
    })
    .await
}
