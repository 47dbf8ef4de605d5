//! `/punctaj-admin settings`.

use serenity::model::channel::PartialChannel;

use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::diagnose;
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::guild::Language;
use crate::domain::ids::ChannelId;
use crate::i18n::keys;
use crate::service::Receipt;
use crate::service::settings::Setting;

use super::{Command, answered, read};

/// The guild's settings.
pub(super) fn group() -> Command {
    let commands = vec![show(), language(), timezone(), log_channel()];
    super::group("settings", commands)
}

/// Shows the settings.
#[poise::command(slash_command, guild_only)]
async fn show(ctx: Ctx<'_>) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let settings = call.services.show_settings(&call.request(None)?).await?;
        Ok(views::settings::settings(&settings, call.locale))
    })
    .await
}

/// Sets the language of what everybody reads.
#[poise::command(slash_command, guild_only)]
async fn language(ctx: Ctx<'_>, language: String) -> CommandResult {
    let language = Language::parse(&language)
        .map(Setting::Language)
        .ok_or_else(|| Failure::told(keys::ERROR_UNKNOWN_LANGUAGE));
    set(ctx, language).await
}

/// Sets the time zone.
#[poise::command(slash_command, guild_only)]
async fn timezone(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::timezone"] timezone: String,
) -> CommandResult {
    set(ctx, read::timezone(&timezone).map(Setting::Timezone)).await
}

/// Sets where edits are posted.
#[poise::command(slash_command, guild_only, rename = "log-channel")]
async fn log_channel(
    ctx: Ctx<'_>,
    #[channel_types("Text", "News")] channel: PartialChannel,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let channel = read::channel(channel.id.get())?;
        let (receipt, warning) = log_channel_set(&call, channel).await?;
        let reply = views::receipt::receipt(&receipt, &[], call.locale);
        Ok(Reply {
            content: warning.unwrap_or_default(),
            ..reply
        })
    })
    .await
}

/// Sets it, and tells what the bot lacks there. It is set all the same: whoever gives the bot what it
/// lacks need not set it once more.
pub(super) async fn log_channel_set(
    call: &Call,
    channel: ChannelId,
) -> Result<(Receipt, Option<String>), Failure> {
    let request = call.request(None)?;
    let setting = Setting::LogChannel(channel);
    let receipt = call.services.set_setting(&request, setting).await?;
    let reach = diagnose::reach_of_the_bot(&call.http, request.guild).await;
    let warning = reach.and_then(|it| views::diagnose::log_lacks(&it, channel, call.locale));
    Ok((receipt, warning))
}

async fn set(ctx: Ctx<'_>, setting: Result<Setting, Failure>) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let request = call.request(None)?;
        let receipt = call.services.set_setting(&request, setting?).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}
