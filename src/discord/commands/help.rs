//! `/punctaj help`.

use crate::discord::context::{CommandResult, Ctx};
use crate::discord::reply::Manner;
use crate::discord::views;

/// Tells what one can do here.
#[poise::command(slash_command, guild_only)]
pub(super) async fn help(ctx: Ctx<'_>, topic: Option<String>) -> CommandResult {
    super::answered(ctx, Manner::Own, |call| async move {
        let request = call.request(None)?;
        let authority = match call.services.authority(&request).await {
            Ok(authority) => authority,
            // What was granted is not known then; help is there all the same.
            Err(error) if error.is_away() => request.authority(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        Ok(views::help::help(
            topic.as_deref(),
            &authority,
            call.presences.is_refused(),
            call.locale,
        ))
    })
    .await
}
