//! Clicks: routed by their `custom_id`, so that they work after a restart. Who may do what is
//! checked by the services, at every click.

use std::sync::Arc;

use serenity::http::Http;
use serenity::model::application::{
    ComponentInteraction, ComponentInteractionDataKind, ModalInteraction,
};

use super::answer;
use super::attempts;
use super::commands;
use super::context::{Call, Data};
use super::custom_id::Press;
use super::errors::Failure;
use super::reply::{Manner, Reply};
use super::views;
use crate::domain::ids::Seq;
use crate::i18n::keys;

/// Answers a click.
pub async fn click(data: &Data, http: &Arc<Http>, interaction: &ComponentInteraction) {
    let call = Call::of_click(data, http, interaction);
    let Some(press) = Press::decode(&interaction.data.custom_id) else {
        return answer::refuse(&call, Failure::told(keys::ERROR_OLD_BUTTON)).await;
    };
    let picked = match &interaction.data.kind {
        ComponentInteractionDataKind::StringSelect { values } => values.first().cloned(),
        _ => None,
    };
    if let Some(action) = attempts::of_press(&press) {
        call.attempts(action);
    }
    let (manner, slowly) = (manner(&press), matches!(press, Press::Export { .. }));
    let work = pressed(Arc::clone(&call), press, picked);
    if slowly {
        Box::pin(answer::answer_slowly(&call, manner, work)).await;
    } else {
        Box::pin(answer::answer(&call, manner, work)).await;
    }
}

/// Answers a form. There are none yet, so it is another version's.
pub async fn form(data: &Data, http: &Arc<Http>, interaction: &ModalInteraction) {
    let call = Call::of_form(data, http, interaction);
    answer::refuse(&call, Failure::told(keys::ERROR_OLD_BUTTON)).await;
}

/// Where the answer to a click goes if all is well.
const fn manner(press: &Press) -> Manner {
    match press {
        Press::Undo { force: false, .. }
        | Press::Show { .. }
        | Press::Preview { .. }
        | Press::Export { .. } => Manner::Own,
        Press::Undo { force: true, .. }
        | Press::Confirm { .. }
        | Press::Cancel
        | Press::View { .. }
        | Press::Find { .. }
        | Press::Choose { .. } => Manner::Update,
    }
}

async fn pressed(call: Arc<Call>, press: Press, picked: Option<String>) -> Result<Reply, Failure> {
    match press {
        Press::Undo {
            device,
            event,
            force,
        } => commands::undo(call, device, Some(event), force).await,
        Press::Cancel => Ok(views::undo::cancelled(call.locale)),
        Press::View {
            device,
            table,
            sort,
            page,
            layout,
            shared,
            at,
        } => {
            let turn = commands::Turn {
                device,
                table,
                sort,
                page,
                layout,
                shared,
                at,
            };
            commands::turn_page(call, turn).await
        }
        Press::Find {
            device,
            draft,
            before,
        } => commands::search_page(call, device, draft, before).await,
        Press::Show { device } => {
            let event = picked.and_then(|value| value.parse().ok()).map(Seq);
            let event =
                event.ok_or_else(|| Failure::Internal("a menu without an event".to_owned()))?;
            commands::show_event(call, device, event).await
        }
        Press::Preview { device, event } => {
            commands::undo_previewed(call, device, event, false).await
        }
        Press::Confirm {
            device,
            event,
            force,
        } => commands::undo_confirmed(call, device, event, force).await,
        Press::Export { device, draft } => commands::export_search(call, device, draft).await,
        Press::Choose { device, draft } => commands::chosen(call, device, draft, picked).await,
    }
}
