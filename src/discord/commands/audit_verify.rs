//! `/punctaj-audit verify`.

use crate::discord::context::{CommandResult, Ctx};
use crate::discord::reply::Manner;
use crate::discord::views;

/// Verifies the history.
#[poise::command(slash_command, guild_only)]
pub(super) async fn verify(ctx: Ctx<'_>) -> CommandResult {
    super::answered(ctx, Manner::Own, |call| async move {
        let report = call.services.verify(&call.request(None)?).await?;
        Ok(views::verify::report(&report, call.locale))
    })
    .await
}
