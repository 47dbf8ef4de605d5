//! `/punctaj-admin settings`.

use std::time::Duration;

use serenity::model::channel::GuildChannel;
use tokio::time::timeout;

use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::discord::{complete, diagnose};
use crate::domain::guild::Language;
use crate::domain::ids::{ChannelId, GuildId};
use crate::i18n::keys;
use crate::service::settings::Setting;

use super::{Command, answered, read};

/// How long an answer waits for what the bot may do in a channel.
const LOOKING: Duration = Duration::from_secs(5);

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

/// That the bot may not post where the log is to be, if that is so.
pub(super) async fn no_log(call: &Call, guild: GuildId, channel: ChannelId) -> Option<String> {
    let lacking = timeout(
        LOOKING,
        diagnose::lacking_for_log(&call.http, guild, channel),
    );
    // Diagnose and the log itself tell of it later.
    let lacking = lacking.await.ok()?;
    views::settings::no_log(channel, lacking?, call.locale)
}

async fn set(ctx: Ctx<'_>, setting: Result<Setting, Failure>) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let (request, setting) = (call.request(None)?, setting?);
        let log = match &setting {
            Setting::LogChannel(channel) => Some(*channel),
            Setting::Language(_) | Setting::Timezone(_) => None,
        };
        let receipt = call.services.set_setting(&request, setting).await?;
        let reply = views::receipt::receipt(&receipt, &[], call.locale);
        let note = match log {
            Some(channel) => no_log(&call, request.guild, channel).await,
            None => None,
        };
        Ok(Reply {
            content: note.unwrap_or_default(),
            ..reply
        })
    })
    .await
}
