//! `/punctaj undo`, and the Undo, Confirm and Cancel buttons.

use super::edit::Edit;
use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::queue;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::ids::Seq;
use crate::domain::panel::Mark;
use crate::service::undo::{Force, UndoOrder, Whose};
use crate::service::{Request, ServiceError};

/// Undoes the caller's last change, or one of the caller's own by its number.
#[poise::command(slash_command, guild_only, rename = "undo")]
pub(super) async fn undo_command(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::own_event"] event: Option<i64>,
) -> CommandResult {
    super::answered(ctx, Manner::Own, |call| async move {
        let event = event.map(super::read::event).transpose()?;
        let undo = Edit::Undo {
            device: None,
            event,
            shown: None,
        };
        queue::done_or_kept(call, undo).await
    })
    .await
}

/// Undoes an event of the caller's own; asks first where others have changed things since, unless
/// just these changes were `shown` beside the Confirm button.
///
/// # Errors
/// It can't be undone.
pub(super) async fn run(
    call: &Call,
    request: &Request,
    event: Option<Seq>,
    shown: Option<&Mark>,
) -> Result<Reply, Failure> {
    let manner = match shown {
        Some(_) => Manner::Update,
        None => Manner::Own,
    };
    let order = UndoOrder {
        event,
        force: shown.cloned().map_or(Force::Ask, Force::Shown),
        whose: Whose::Own,
    };
    match call.services.undo(request, order).await {
        Ok(receipt) => Ok(views::receipt::receipt(&receipt, &[], call.locale).going(manner)),
        Err(ServiceError::ChangedSince {
            event,
            conflicts,
            ranks,
        }) => {
            let (session, _) = call.services.session(request).await?;
            Ok(
                views::undo::question(event, &conflicts, &ranks, session.device_id, call.locale)
                    .going(manner),
            )
        }
        Err(error) => Err(error.into()),
    }
}
