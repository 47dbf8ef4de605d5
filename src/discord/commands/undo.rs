//! `/punctaj undo`, and the Undo, Confirm and Cancel buttons.

use std::sync::Arc;

use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::ids::{DeviceId, Seq};
use crate::domain::panel::Mark;
use crate::service::ServiceError;
use crate::service::undo::{Force, UndoOrder, Whose};

/// Undoes the caller's last change, or one of the caller's own by its number.
#[poise::command(slash_command, guild_only, rename = "undo")]
pub(super) async fn undo_command(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::own_event"] event: Option<i64>,
) -> CommandResult {
    super::answered(ctx, Manner::Own, |call| async move {
        let event = event.map(super::read::event).transpose()?;
        undo(call, None, event, None).await
    })
    .await
}

/// Undoes an event of the caller's own; asks first where others have changed things since, unless
/// just these changes were `shown` beside the Confirm button.
///
/// # Errors
/// It can't be undone.
pub async fn undo(
    call: Arc<Call>,
    device: Option<DeviceId>,
    event: Option<Seq>,
    shown: Option<Mark>,
) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let manner = match shown {
        Some(_) => Manner::Update,
        None => Manner::Own,
    };
    let order = UndoOrder {
        event,
        force: shown.map_or(Force::Ask, Force::Shown),
        whose: Whose::Own,
    };
    match call.services.undo(&request, order).await {
        Ok(receipt) => Ok(views::receipt::receipt(&receipt, &[], call.locale).going(manner)),
        Err(ServiceError::ChangedSince {
            event,
            conflicts,
            ranks,
        }) => {
            let (session, _) = call.services.session(&request).await?;
            Ok(
                views::undo::question(event, &conflicts, &ranks, session.device_id, call.locale)
                    .going(manner),
            )
        }
        Err(error) => Err(error.into()),
    }
}
