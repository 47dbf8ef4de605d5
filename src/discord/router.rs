//! Clicks and forms: routed by their `custom_id`, so that they work after a restart. Who may do what is
//! checked by the services, at every click.

use std::sync::Arc;

use serenity::http::Http;
use serenity::model::application::{
    ActionRowComponent, ComponentInteraction, ComponentInteractionDataKind, ModalInteraction,
};
use serenity::model::id::ChannelId;

use super::answer;
use super::attempts;
use super::commands::{self, Edit, Menu, Who};
use super::context::{Call, Data};
use super::custom_id::{Form, Press, SetupPress};
use super::errors::Failure;
use super::queue;
use super::reply::{Manner, Reply};
use super::views;
use super::views::form::Typed;
use crate::domain::ids::{DeviceId, Seq};
use crate::i18n::keys;
use crate::service::merge::MergeOrder;
use crate::service::periods::Pinned;
use crate::service::undo::Force;

/// Answers a click.
pub async fn click(data: &Data, http: &Arc<Http>, interaction: &ComponentInteraction) {
    let press = Press::decode(&interaction.data.custom_id);
    let kind = press.as_ref().map_or("button old", Press::kind);
    let call = Call::of_click(data, http, interaction, kind);
    let Some(press) = press else {
        return answer::refuse(&call, Failure::told(keys::ERROR_OLD_BUTTON)).await;
    };
    if let Press::Panel(on_panel) = &press
        && let Some(form) = views::panel::form(on_panel, call.locale)
    {
        return answer::open(&call, form).await;
    }
    if let Press::Setup(press) = &press
        && let Some(form) = views::setup::form(press, call.locale)
    {
        return answer::open(&call, form).await;
    }
    if let Some(action) = attempts::of_press(&press) {
        call.attempts(action);
    }
    let (manner, slowly) = (manner(&press), matches!(press, Press::Export { .. }));
    let work = Box::pin(pressed(Arc::clone(&call), press, menu_of(interaction)));
    if slowly {
        Box::pin(answer::answer_slowly(&call, manner, work)).await;
    } else {
        Box::pin(answer::answer(&call, manner, work)).await;
    }
}

/// What was chosen in a menu, and from what.
fn menu_of(interaction: &ComponentInteraction) -> Menu {
    let chosen = match &interaction.data.kind {
        ComponentInteractionDataKind::StringSelect { values } => values.clone(),
        ComponentInteractionDataKind::ChannelSelect { values } => {
            values.iter().map(ChannelId::to_string).collect()
        }
        _ => Vec::new(),
    };
    Menu {
        offered: offered(interaction),
        chosen,
        who: Who::chosen(&interaction.data),
    }
}

/// The values of the menu in which it was chosen, as its person saw them.
fn offered(interaction: &ComponentInteraction) -> Vec<String> {
    let components = interaction.message.components.iter();
    let components = components.flat_map(|row| &row.components);
    let menu = components.filter_map(|component| match component {
        ActionRowComponent::SelectMenu(menu) => Some(menu),
        _ => None,
    });
    let id = Some(interaction.data.custom_id.as_str());
    let options = menu.filter(|menu| menu.custom_id.as_deref() == id);
    let options = options.flat_map(|menu| &menu.options);
    options.map(|option| option.value.clone()).collect()
}

/// Answers a form.
pub async fn form(data: &Data, http: &Arc<Http>, interaction: &ModalInteraction) {
    let form = Form::decode(&interaction.data.custom_id);
    let kind = form.as_ref().map_or("form old", Form::kind);
    let call = Call::of_form(data, http, interaction, kind);
    let Some(form) = form else {
        return answer::refuse(&call, Failure::told(keys::ERROR_OLD_BUTTON)).await;
    };
    call.attempts(attempts::of_form(&form));
    let typed = Typed::read(&interaction.data);
    let manner = match &form {
        Form::Give { .. } => Manner::Own,
        Form::Search { .. } | Form::Other { .. } | Form::SetupZone | Form::SetupTable { .. } => {
            Manner::Update
        }
    };
    answer::answer(
        &call,
        manner,
        Box::pin(filled_in(Arc::clone(&call), form, typed)),
    )
    .await;
}

async fn filled_in(call: Arc<Call>, form: Form, typed: Typed) -> Result<Reply, Failure> {
    match form {
        Form::Give { member } => Box::pin(commands::given(call, member, typed)).await,
        Form::Search { device, table } => {
            commands::search_panel(call, device, table, &typed.search).await
        }
        Form::Other {
            device,
            table,
            takes,
            mark,
        } => commands::award_panel(call, (device, table), (takes, mark), typed).await,
        Form::SetupZone | Form::SetupTable { .. } => {
            Box::pin(commands::setup_filled_in(call, &form, &typed)).await
        }
    }
}

/// Where the answer to a click goes if all is well.
const fn manner(press: &Press) -> Manner {
    match press {
        Press::Undo { shown: None, .. }
        | Press::Show { .. }
        | Press::Board { .. }
        | Press::End { .. }
        | Press::Meant { .. }
        | Press::Ranks { .. }
        | Press::Preview { .. }
        | Press::Export { .. }
        | Press::Setup(SetupPress::Open) => Manner::Own,
        Press::Undo { shown: Some(_), .. }
        | Press::Confirm { .. }
        | Press::Cancel
        | Press::View { .. }
        | Press::Find { .. }
        | Press::Sessions { .. }
        | Press::Close { .. }
        | Press::Periods { .. }
        | Press::Choose { .. }
        | Press::Mine { .. }
        | Press::Link { .. }
        | Press::Panel(_)
        | Press::Setup(_) => Manner::Update,
    }
}

async fn pressed(call: Arc<Call>, press: Press, menu: Menu) -> Result<Reply, Failure> {
    let picked = menu.chosen.first().cloned();
    match press {
        Press::Undo {
            device,
            event,
            shown,
        } => {
            let undo = Edit::Undo {
                device,
                event: Some(event),
                shown,
            };
            queue::done_or_kept(call, undo).await
        }
        Press::Mine {
            device,
            guild,
            event,
            index,
        } => commands::restore_mine(call, device, guild, (event, index)).await,
        Press::Cancel => Ok(views::undo::cancelled(call.locale)),
        Press::View {
            device,
            table,
            sort,
            page,
            layout,
            shared,
            at,
            period,
        } => {
            let turn = commands::Turn {
                device,
                table,
                sort,
                page,
                layout,
                shared,
                at,
                period,
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
            commands::undo_previewed(call, device, event, Force::Ask).await
        }
        Press::Confirm {
            device,
            event,
            force,
        } => commands::undo_confirmed(call, device, event, force).await,
        Press::Export { device, draft } => commands::export_search(call, device, draft).await,
        Press::Board { table } => commands::browse_board(call, table).await,
        press @ (Press::Close { .. } | Press::Ranks { .. } | Press::Periods { .. }) => {
            of_a_period(call, press).await
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
        Press::Panel(press) => Box::pin(commands::press_panel(call, press, menu)).await,
        Press::Setup(press) => Box::pin(commands::press_setup(call, press, menu)).await,
    }
}

async fn of_a_period(call: Arc<Call>, press: Press) -> Result<Reply, Failure> {
    match press {
        Press::Close {
            device,
            table,
            number,
        } => commands::period_closed(call, device, Pinned { table, number }).await,
        Press::Ranks { event } => commands::ranks_applied(call, event).await,
        Press::Periods {
            device,
            table,
            page,
        } => commands::periods_page(call, device, table, page).await,
        _ => Err(Failure::Internal("a button of no period".to_owned())),
    }
}
