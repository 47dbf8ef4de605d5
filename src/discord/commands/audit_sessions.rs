//! `/punctaj-audit sessions`, its pages, and its menu.

use std::sync::Arc;

use serenity::model::user::User;

use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::ids::{DeviceId, UserId};

/// Lists the guild's device sessions.
#[poise::command(slash_command, guild_only)]
pub(super) async fn sessions(ctx: Ctx<'_>, who: Option<User>) -> CommandResult {
    let who = who.and_then(|user| UserId::try_from(user.id.get()).ok());
    super::answered(ctx, Manner::Own, move |call| shown(call, None, who, 0)).await
}

/// Shows another page, in the place of the one that was shown.
///
/// # Errors
/// No right.
pub async fn page(
    call: Arc<Call>,
    device: Option<DeviceId>,
    who: Option<UserId>,
    page: u32,
) -> Result<Reply, Failure> {
    let shown = shown(call, device, who, page).await?;
    Ok(shown.going(Manner::Update))
}

async fn shown(
    call: Arc<Call>,
    device: Option<DeviceId>,
    who: Option<UserId>,
    page: u32,
) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let (session, _) = call.services.session(&request).await?;
    let page = call.services.guild_sessions(&request, who, page).await?;
    Ok(views::session::desk(&page, &session.device_id, call.locale))
}

/// Ends the session that was chosen.
///
/// # Errors
/// It is over, or no right.
pub async fn end(
    call: Arc<Call>,
    device: Option<DeviceId>,
    ended: DeviceId,
) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let receipt = call.services.end_session(&request, &ended).await?;
    Ok(views::receipt::receipt(&receipt, &[], call.locale))
}
