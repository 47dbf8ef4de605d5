//! `/punctaj-audit undo`: anybody's event, always after a look at what would change.

use std::sync::Arc;

use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::ids::{DeviceId, Seq};
use crate::service::ServiceError;
use crate::service::undo::{Force, UndoOrder, Whose};

/// Shows what undoing an event would change, and asks.
#[poise::command(slash_command, guild_only)]
pub(super) async fn undo(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::event"] event: i64,
    force: Option<bool>,
) -> CommandResult {
    super::answered(ctx, Manner::Own, move |call| async move {
        let event = super::read::event(event)?;
        let force = match force {
            Some(true) => Force::Always,
            _ => Force::Ask,
        };
        previewed(call, None, event, force).await
    })
    .await
}

/// Shows what undoing an event would change, and asks. What was changed since is part of it; with
/// `force`, also what will be until the answer is given.
///
/// # Errors
/// It can't be undone.
pub async fn previewed(
    call: Arc<Call>,
    device: Option<DeviceId>,
    event: Seq,
    force: Force,
) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let preview = call
        .services
        .preview_undo(&request, order(event, force.clone()))
        .await?;
    let (session, _) = call.services.session(&request).await?;
    Ok(views::undo::preview(
        &preview,
        session.device_id,
        force,
        call.locale,
    ))
}

/// Undoes an event that was shown; shows it anew if others changed things meanwhile.
///
/// # Errors
/// It can't be undone.
pub async fn confirmed(
    call: Arc<Call>,
    device: Option<DeviceId>,
    event: Seq,
    force: Force,
) -> Result<Reply, Failure> {
    let request = call.request(device.clone())?;
    match call.services.undo(&request, order(event, force)).await {
        Ok(receipt) => Ok(views::receipt::receipt(&receipt, &[], call.locale)),
        Err(ServiceError::ChangedSince { .. }) => previewed(call, device, event, Force::Ask).await,
        Err(error) => Err(error.into()),
    }
    .map(|reply| reply.going(Manner::Update))
}

const fn order(event: Seq, force: Force) -> UndoOrder {
    UndoOrder {
        event: Some(event),
        force,
        whose: Whose::Anybodys,
    }
}
