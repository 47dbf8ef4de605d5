//! `/punctaj-admin settings`.

use serenity::model::channel::GuildChannel;

use crate::discord::complete;
use crate::discord::context::{CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::Manner;
use crate::discord::views;
use crate::domain::guild::Language;
use crate::i18n::keys;
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
    #[channel_types("Text", "News")] channel: GuildChannel,
) -> CommandResult {
    set(
        ctx,
        read::channel(channel.id.get()).map(Setting::LogChannel),
    )
    .await
}

async fn set(ctx: Ctx<'_>, setting: Result<Setting, Failure>) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let request = call.request(None)?;
        let receipt = call.services.set_setting(&request, setting?).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}
