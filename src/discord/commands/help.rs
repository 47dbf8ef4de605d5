//! `/punctaj help`.

use crate::discord::context::{CommandResult, Ctx};
use crate::discord::reply::Manner;
use crate::discord::views;

/// Tells what one can do here.
#[poise::command(slash_command, guild_only)]
pub(super) async fn help(ctx: Ctx<'_>, topic: Option<String>) -> CommandResult {
    super::answered(ctx, Manner::Own, |call| async move {
        Ok(views::help::help(
            topic.as_deref(),
            call.standing,
            call.presences.is_refused(),
            call.locale,
        ))
    })
    .await
}
