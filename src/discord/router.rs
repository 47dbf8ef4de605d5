//! Clicks: routed by their `custom_id`, so that they work after a restart. Who may do what is
//! checked by the services, at every click.

use std::sync::Arc;

use serenity::http::Http;
use serenity::model::application::{
    ComponentInteraction, ComponentInteractionDataKind, ModalInteraction,
};

use super::answer;
use super::commands;
use super::context::{Call, Data};
use super::custom_id::Press;
use super::errors::Failure;
use super::reply::{Manner, Reply};
use super::views;
use crate::domain::ids::{DeviceId, Seq};
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
    answer::answer(
        &call,
        manner(&press),
        pressed(Arc::clone(&call), press, picked),
    )
    .await;
}

/// Answers a form. There are none yet, so it is another version's.
pub async fn form(data: &Data, http: &Arc<Http>, interaction: &ModalInteraction) {
    let call = Call::of_form(data, http, interaction);
    answer::refuse(&call, Failure::told(keys::ERROR_OLD_BUTTON)).await;
}

/// Where the answer to a click goes if all is well.
const fn manner(press: &Press) -> Manner {
    match press {
        Press::Undo { force: false, .. } | Press::Show { .. } | Press::End { .. } => Manner::Own,
        Press::Undo { force: true, .. }
        | Press::Cancel
        | Press::View { .. }
        | Press::Find { .. }
        | Press::Sessions { .. }
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
        Press::Sessions { device, who, page } => {
            commands::sessions_page(call, device, who, page).await
        }
        Press::End { device } => {
            let ended = picked.as_deref().and_then(DeviceId::parse);
            let ended =
                ended.ok_or_else(|| Failure::Internal("a menu without a session".to_owned()))?;
            commands::end_session(call, device, ended).await
        }
        Press::Choose { device, draft } => commands::chosen(call, device, draft, picked).await,
    }
}
