//! The guided set-up: what is pressed in it, and typed into its forms. Each step is one change, made as
//! its command makes it; where the set-up stands is read from what is set.

use std::sync::Arc;

use super::panel::Menu;
use super::{admin_access, read};
use crate::discord::context::Call;
use crate::discord::custom_id::{SetupPress, SetupStep};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::templates;
use crate::discord::views;
use crate::domain::access::{Bundle, Granted};
use crate::domain::guild::Language;
use crate::i18n::{Locale, keys};
use crate::service::Receipt;
use crate::service::settings::Setting;
use crate::service::setup::Setup;
use crate::service::tables::NewTable;

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
        SetupPress::Zone => setup_zone(call, picked.ok_or_else(nothing_chosen)?).await,
        SetupPress::Log => {
            let channel = picked.and_then(|id| id.parse().ok());
            let channel = read::channel(channel.ok_or_else(nothing_chosen)?)?;
            set(&call, Setting::LogChannel(channel), SetupStep::Log).await
        }
        SetupPress::Giver => {
            let who = menu.who.ok_or_else(nothing_chosen)?;
            let order = who.everywhere(Granted::Bundle(Bundle::Scorer));
            let (receipt, hidden) = admin_access::granted_to(&call, &who, &order).await?;
            gone_on(&call, &receipt, SetupStep::Givers, &hidden).await
        }
        SetupPress::OtherZone | SetupPress::Template(_) => {
            let why = "a form was to be opened before anything else";
            Err(Failure::Internal(why.to_owned()))
        }
    }
}

/// Sets the time zone that was chosen or typed.
///
/// # Errors
/// There is none of that name, or no right; nothing is changed then.
pub async fn setup_zone(call: Arc<Call>, typed: &str) -> Result<Reply, Failure> {
    let zone = read::timezone(typed)?;
    set(&call, Setting::Timezone(zone), SetupStep::Zone).await
}

/// Creates a table of that name from a template.
///
/// # Errors
/// It is no name, one is called so, or no right; nothing is changed then.
pub async fn setup_table(call: Arc<Call>, template: &str, typed: &str) -> Result<Reply, Failure> {
    let address = read::table(typed)?;
    let (ranks, fields) = templates::of(template, call.locale)
        .ok_or_else(|| Failure::told(keys::ERROR_UNKNOWN_TEMPLATE))?;
    let order = NewTable {
        address,
        ranks,
        fields,
    };
    let receipt = call
        .services
        .create_table(&call.request(None)?, order)
        .await?;
    gone_on(&call, &receipt, SetupStep::Table, &[]).await
}

async fn set(call: &Call, setting: Setting, step: SetupStep) -> Result<Reply, Failure> {
    let request = call.request(None)?;
    let receipt = call.services.set_setting(&request, setting).await?;
    gone_on(call, &receipt, step, &[]).await
}

/// The step that comes next, now that this one is done. What is done is told in any case.
async fn gone_on(
    call: &Call,
    receipt: &Receipt,
    step: SetupStep,
    notes: &[String],
) -> Result<Reply, Failure> {
    match call.services.setup(&call.request(None)?).await {
        Ok(setup) => {
            let next = views::setup::next(&setup, Some(step));
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
