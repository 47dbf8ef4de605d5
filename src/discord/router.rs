//! Clicks and forms: routed by their `custom_id`, so that they work after a restart. Who may do what is
//! checked by the services, at every click.

use std::sync::Arc;

use serenity::http::Http;
use serenity::model::application::{
    ComponentInteraction, ComponentInteractionDataKind, ModalInteraction,
};

use super::answer;
use super::commands;
use super::context::{Call, Data};
use super::custom_id::{Form, Press};
use super::errors::Failure;
use super::reply::{Manner, Reply};
use super::views;
use super::views::form::Typed;
use crate::domain::ids::{DeviceId, Seq};
use crate::i18n::keys;
use crate::service::merge::MergeOrder;

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
        Box::pin(pressed(Arc::clone(&call), press, picked)),
    )
    .await;
}

/// Answers a form.
pub async fn form(data: &Data, http: &Arc<Http>, interaction: &ModalInteraction) {
    let call = Call::of_form(data, http, interaction);
    let Some(form) = Form::decode(&interaction.data.custom_id) else {
        return answer::refuse(&call, Failure::told(keys::ERROR_OLD_BUTTON)).await;
    };
    let Form::Give { member } = form;
    let typed = Typed::read(&interaction.data);
    let work = Box::pin(commands::given(Arc::clone(&call), member, typed));
    answer::answer(&call, Manner::Own, work).await;
}

/// Where the answer to a click goes if all is well.
const fn manner(press: &Press) -> Manner {
    match press {
        Press::Undo { force: false, .. }
        | Press::Show { .. }
        | Press::End { .. }
        | Press::Meant { .. } => Manner::Own,
        Press::Undo { force: true, .. }
        | Press::Cancel
        | Press::View { .. }
        | Press::Find { .. }
        | Press::Sessions { .. }
        | Press::Choose { .. }
        | Press::Mine { .. }
        | Press::Link { .. } => Manner::Update,
    }
}

async fn pressed(call: Arc<Call>, press: Press, picked: Option<String>) -> Result<Reply, Failure> {
    match press {
        Press::Undo {
            device,
            event,
            force,
        } => commands::undo(call, device, Some(event), force).await,
        Press::Mine {
            guild,
            event,
            index,
        } => commands::restore_mine(call, guild, event, index).await,
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
        Press::Link { device, draft } => commands::link(call, device, draft).await,
        Press::Meant {
            device,
            event,
            created,
            meant,
        } => {
            let order = MergeOrder {
                event,
                created,
                meant,
            };
            commands::merge(call, device, order).await
        }
    }
}
