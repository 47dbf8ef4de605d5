//! The guided set-up: what is pressed in it, and typed into its forms. Each step is one change, made as
//! its command makes it; where the set-up stands is read from what is set.

use std::sync::Arc;

use super::panel::Menu;
use super::{admin_access, admin_settings, admin_table, read};
use crate::discord::context::Call;
use crate::discord::custom_id::{Form, Retyped, SetupPress, SetupStep};
use crate::discord::errors::{self, Failure};
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::discord::views::form::{self, Typed};
use crate::domain::access::{Bundle, Granted};
use crate::domain::guild::Language;
use crate::i18n::Locale;
use crate::service::settings::Setting;
use crate::service::setup::Setup;
use crate::service::{Receipt, ServiceError};

/// Does what was pressed, and shows the next step in its place.
///
/// # Errors
/// What the step's command refuses; nothing is changed then.
pub async fn press_setup(call: Arc<Call>, press: SetupPress, menu: Menu) -> Result<Reply, Failure> {
    let picked = menu.chosen.first();
    match press {
        SetupPress::Open => {
            let setup = call.services.setup(&call.request(None)?).await?;
            Ok(wizard(&call, &setup, views::setup::next(&setup, None), &[]).going(Manner::Own))
        }
        SetupPress::At(step) => {
            let setup = call.services.setup(&call.request(None)?).await?;
            Ok(wizard(&call, &setup, step, &[]))
        }
        SetupPress::After(step) => {
            let setup = call.services.setup(&call.request(None)?).await?;
            let next = views::setup::next(&setup, Some(step));
            Ok(wizard(&call, &setup, next, &[]))
        }
        SetupPress::Language(language) => {
            set(&call, Setting::Language(language), SetupStep::Language).await
        }
        SetupPress::Zone => zone(&call, picked.ok_or_else(nothing_chosen)?).await,
        SetupPress::Log => {
            let channel = picked.and_then(|id| id.parse().ok());
            let channel = read::channel(channel.ok_or_else(nothing_chosen)?)?;
            let (receipt, warning) = admin_settings::log_channel_set(&call, channel).await?;
            let warning = Vec::from_iter(warning);
            gone_on(&call, &receipt, Then::After(SetupStep::Log), &warning).await
        }
        SetupPress::Giver { .. } => {
            let who = menu.who.ok_or_else(nothing_chosen)?;
            let order = who.everywhere(Granted::Bundle(Bundle::Scorer));
            let (receipt, hidden) = admin_access::granted_to(&call, &who, &order).await?;
            let request = call.request(None)?;
            let given = views::setup::given(order.who, request.guild, call.locale);
            let notes = [vec![given], hidden].concat();
            // There may be several.
            gone_on(&call, &receipt, Then::At(SetupStep::Givers), &notes).await
        }
        SetupPress::OtherZone { .. }
        | SetupPress::Template { .. }
        | SetupPress::TemplateAgain { .. } => {
            let why = "a form was to be opened before anything else";
            Err(Failure::Internal(why.to_owned()))
        }
    }
}

/// Does what was typed into a form. Where that fails, what was typed is shown again, with a button that
/// opens the form with it.
///
/// # Errors
/// No right; nothing is changed then.
pub async fn setup_filled_in(
    call: Arc<Call>,
    form: &Form,
    typed: &Typed,
) -> Result<Reply, Failure> {
    let (done, again) = if let Form::SetupTable { template } = *form {
        let again = SetupPress::TemplateAgain {
            name: template,
            typed: Retyped::new(&typed.name),
        };
        (new_table(&call, template, &typed.name).await, again)
    } else {
        let again = SetupPress::OtherZone {
            typed: Retyped::new(&typed.zone),
        };
        (zone(&call, &typed.zone).await, again)
    };
    match done {
        // Trying again is of no use.
        Err(failure @ Failure::Service(ServiceError::Forbidden { .. })) => Err(failure),
        Err(failure) => {
            let refusal = form::again(errors::reply(&call, failure), typed, call.locale);
            Ok(refusal.row(views::setup::again_row(again, call.locale)))
        }
        done => done,
    }
}

/// Sets the time zone that was chosen or typed.
async fn zone(call: &Call, typed: &str) -> Result<Reply, Failure> {
    let zone = read::timezone(typed)?;
    set(call, Setting::Timezone(zone), SetupStep::Zone).await
}

/// Creates a table of that name from a template.
async fn new_table(call: &Call, template: &str, typed: &str) -> Result<Reply, Failure> {
    let address = read::table(typed)?;
    let receipt = admin_table::created(call, address, template).await?;
    gone_on(call, &receipt, Then::After(SetupStep::Table), &[]).await
}

async fn set(call: &Call, setting: Setting, step: SetupStep) -> Result<Reply, Failure> {
    let request = call.request(None)?;
    let receipt = call.services.set_setting(&request, setting).await?;
    gone_on(call, &receipt, Then::After(step), &[]).await
}

/// Which step comes next.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// The first after this one that is not done.
    After(SetupStep),
    /// This one.
    At(SetupStep),
}

/// The step that comes next, now that something is done. What is done is told in any case.
async fn gone_on(
    call: &Call,
    receipt: &Receipt,
    then: Then,
    notes: &[String],
) -> Result<Reply, Failure> {
    match call.services.setup(&call.request(None)?).await {
        Ok(setup) => {
            let next = match then {
                Then::After(step) => views::setup::next(&setup, Some(step)),
                Then::At(step) => step,
            };
            let saved = views::setup::saved(receipt.event.seq, call.locale);
            let notes = [&[saved], notes].concat();
            Ok(wizard(call, &setup, next, &notes).aside(receipt.aside))
        }
        Err(error) => {
            tracing::debug!(op.id = %call.id, %error, "how far the set-up is can't be read");
            Ok(views::receipt::receipt(receipt, &[], call.locale))
        }
    }
}

fn wizard(call: &Call, setup: &Setup, step: SetupStep, notes: &[String]) -> Reply {
    let wizard = views::setup::Wizard {
        setup,
        step,
        suggested: suggested(call),
        notes,
    };
    views::setup::wizard(&wizard, call.locale).going(Manner::Update)
}

/// The guild's language as Discord has it. Only communities set that, so the caller's counts too.
fn suggested(call: &Call) -> Language {
    match (call.guild_locale, call.locale) {
        (Locale::En, Locale::En) => Language::En,
        (Locale::Ro, _) | (_, Locale::Ro) => Language::Ro,
    }
}

fn nothing_chosen() -> Failure {
    Failure::Internal("a menu without a choice".to_owned())
}
