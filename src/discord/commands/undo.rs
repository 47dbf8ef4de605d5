//! `/punctaj undo`, and the Undo, Confirm and Cancel buttons.

use std::sync::Arc;

use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::ids::{DeviceId, Seq};
use crate::service::ServiceError;
use crate::service::undo::{UndoOrder, Whose};

/// Undoes the caller's last change, or one of the caller's own by its number.
#[poise::command(slash_command, guild_only, rename = "undo")]
pub(super) async fn undo_command(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::own_event"] event: Option<i64>,
) -> CommandResult {
    super::answered(ctx, Manner::Own, |call| async move {
        let event = event.map(super::read::event).transpose()?;
        undo(call, None, event, false).await
    })
    .await
}

/// Undoes an event of the caller's own; asks first where others have changed things since, unless
/// `force`d by its Confirm button.
///
/// # Errors
/// It can't be undone.
pub async fn undo(
    call: Arc<Call>,
    device: Option<DeviceId>,
    event: Option<Seq>,
    force: bool,
) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let order = UndoOrder {
        event,
        force,
        whose: Whose::Own,
    };
    let manner = if force { Manner::Update } else { Manner::Own };
    match call.services.undo(&request, order).await {
        Ok(receipt) => Ok(views::receipt::receipt(&receipt, &[], call.locale).going(manner)),
        Err(ServiceError::ChangedSince {
            event,
            conflicts,
            ranks,
        }) => {
            let (session, _) = call.services.session(&request).await?;
            Ok(views::undo::question(
                event,
                &conflicts,
                &ranks,
                session.device_id,
                call.locale,
            ))
        }
        Err(error) => Err(error.into()),
    }
}
