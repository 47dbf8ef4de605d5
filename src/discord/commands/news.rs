//! `/punctaj news`, and putting back a value that was replaced unseen.

use std::sync::Arc;

use super::answered;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::people;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::ids::{DeviceId, GuildId, Seq};
use crate::service::news::News;

/// Shows what changed since this session last asked.
#[poise::command(slash_command, guild_only)]
pub(super) async fn news(ctx: Ctx<'_>) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let request = call.request(None)?;
        let tell = |news: &News| views::news::news(news, call.locale);
        let (reply, marked) = call.services.news(&request, tell).await?;
        Ok(reply.marked(marked))
    })
    .await
}

/// Puts back a value of the caller's own. The button may stand in a direct message, where Discord
/// does not say what its person may do in the guild.
///
/// # Errors
/// It was somebody else's, its entry is gone, or no right.
pub async fn restore_mine(
    call: Arc<Call>,
    device: Option<DeviceId>,
    guild: GuildId,
    (event, index): (Seq, usize),
) -> Result<Reply, Failure> {
    if call.is_direct() {
        call.is_about(guild, people::standing(&call, guild).await?);
    }
    let request = call.request(device)?;
    let receipt = call.services.restore_mine(&request, event, index).await?;
    let reply = views::receipt::receipt(&receipt, &[], call.locale);
    // Undo needs the guild, which a direct message does not tell.
    let rows = if call.is_direct() {
        Vec::new()
    } else {
        reply.rows
    };
    Ok(Reply { rows, ..reply })
}
