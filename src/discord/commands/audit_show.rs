//! `/punctaj-audit show`, and choosing an event in a list.

use std::sync::Arc;

use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::ids::{DeviceId, Seq};

/// Shows one event whole.
#[poise::command(slash_command, guild_only, rename = "show")]
pub(super) async fn show_command(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::event"] event: i64,
) -> CommandResult {
    super::answered(ctx, Manner::Own, move |call| async move {
        show(call, None, super::read::event(event)?).await
    })
    .await
}

/// Shows one event whole.
///
/// # Errors
/// No such event, or no right.
pub async fn show(call: Arc<Call>, device: Option<DeviceId>, event: Seq) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let found = call.services.event(&request, event).await?;
    let (session, _) = call.services.session(&request).await?;
    Ok(views::audit::event(&found, &session.device_id, call.locale))
}
