//! The first run: a guild that the bot has joined is welcomed once, and where there is no table yet the
//! guided set-up is offered.
//!
//! Discord tells of each guild whenever the bot connects. That it is a new one shows in when the bot
//! joined it, and which process says so is settled in the database.

use std::time::Duration;

use backon::Retryable as _;
use chrono::DateTime;
use serenity::all::Nonce;
use serenity::builder::{CreateAllowedMentions, CreateMessage};
use serenity::http::{Http, LightMethod, Route};
use serenity::model::Permissions;
use serenity::model::channel::{ChannelType, GuildChannel};
use serenity::model::guild::Guild;
use serenity::model::id::{ChannelId, UserId};
use tokio::time::{Instant, sleep, timeout};

use super::boards::NOTING;
use super::context::{Call, Data};
use super::delivery::{self, Limits, Outgoing, Posted, Repeat};
use super::notices;
use super::reply::Reply;
use super::views;
use crate::domain::ids;
use crate::i18n::Locale;
use crate::service::answered;

/// How many channels are tried: Discord may refuse one although its rights look well.
const CHANNELS: usize = 3;

/// How long one message is tried.
const TRYING: Duration = Duration::from_mins(1);

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// When it is tried again what Discord did not take.
const AGAIN: Duration = Duration::from_mins(5);

/// How long an answer waits for whether the set-up is to be offered beside it.
const ASKING: Duration = Duration::from_millis(700);

/// Rows of a message.
const ROWS: usize = 5;

/// Whether the set-up is offered beside the answer to the command of this path, in a guild without a
/// table.
#[must_use]
pub fn offers(path: &str) -> bool {
    path.starts_with("punctaj-admin ")
}

/// An answer, with the button for the set-up where the guild has no table yet and the caller may set
/// something up. Without, where that can't be asked for in time.
pub async fn offer(call: &Call, reply: Reply) -> Reply {
    let Some(request) = call.request_again().filter(|_| reply.rows.len() < ROWS) else {
        return reply;
    };
    match timeout(ASKING, call.services.wants_setup(&request)).await {
        Ok(Ok(true)) => reply.row(views::setup::button_row(call.locale)),
        Ok(Ok(false) | Err(_)) | Err(_) => reply,
    }
}

/// Welcomes a guild which the bot has just joined, if no other process does. Where Discord does not take
/// it now, it is tried again, by whichever process is there by then.
pub async fn welcome(data: &Data, http: &Http, guild: &Guild, bot: UserId) {
    let joined_at = guild.joined_at.unix_timestamp();
    let (Ok(id), Some(at)) = (
        ids::GuildId::try_from(guild.id.get()),
        DateTime::from_timestamp(joined_at, 0),
    ) else {
        return;
    };
    loop {
        let claim = || answered(data.services.welcomes(id, at));
        match claim.retry(NOTING).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "whether a guild is new is not known");
                return;
            }
        }
        // Nobody else will say it: the process does not end before.
        let flight = data.flights.begin();
        if greet(http, guild, bot).await != Posted::NotNow {
            return;
        }
        tracing::warn!(guild.id = %guild.id, "a guild is not welcomed yet: Discord does not take it now");
        let give_back = || answered(data.services.not_welcomed(id, at));
        if let Err(error) = give_back.retry(NOTING).await {
            tracing::warn!(%error, "that a guild is not welcomed is not noted: it stays so");
            return;
        }
        drop(flight);
        sleep(AGAIN).await;
    }
}

/// In a channel where the bot may write; else to the guild's owner. What it comes to in the end.
async fn greet(http: &Http, guild: &Guild, bot: UserId) -> Posted {
    let locale = Locale::from_discord(&guild.preferred_locale);
    for channel in channels(guild, bot).into_iter().take(CHANNELS) {
        match posted(http, guild, channel, views::setup::welcome(locale)).await {
            Posted::Never(_) => {}
            // What Discord may have taken after all is not said again elsewhere.
            told => return told,
        }
    }
    let Ok(owner) = ids::UserId::try_from(guild.owner_id.get()) else {
        return Posted::Never(String::new());
    };
    let told = match notices::direct_channel(http, owner).await {
        Ok(channel) => {
            let welcome = views::setup::welcome_owner(&guild.name, locale);
            posted(http, guild, channel, welcome).await
        }
        Err(outcome) => outcome,
    };
    if let Posted::Never(_) = told {
        tracing::info!(guild.id = %guild.id, "a guild is not welcomed: the bot may write in no channel, and its owner takes no messages");
    }
    told
}

/// Where the bot may write: the channel for Discord's own messages first, then from the top.
fn channels(guild: &Guild, bot: UserId) -> Vec<ChannelId> {
    let Some(member) = guild.members.get(&bot) else {
        return Vec::new();
    };
    let needed = Permissions::VIEW_CHANNEL | Permissions::SEND_MESSAGES;
    let is_open = |channel: &&GuildChannel| {
        channel.kind == ChannelType::Text
            && guild.user_permissions_in(channel, member).contains(needed)
    };
    let mut open: Vec<&GuildChannel> = guild.channels.values().filter(is_open).collect();
    let is_other = |channel: &GuildChannel| Some(channel.id) != guild.system_channel_id;
    open.sort_by_key(|channel| (is_other(channel), channel.position, channel.id));
    open.into_iter().map(|channel| channel.id).collect()
}

async fn posted(http: &Http, guild: &Guild, channel_id: ChannelId, reply: Reply) -> Posted {
    let message = CreateMessage::new()
        .content(reply.content)
        .components(reply.rows)
        .allowed_mentions(CreateAllowedMentions::new())
        .nonce(Nonce::String(format!(
            "w{}",
            guild.joined_at.unix_timestamp()
        )))
        .enforce_nonce(true);
    let route = (LightMethod::Post, Route::ChannelMessages { channel_id });
    let limits = Limits {
        until: Instant::now() + TRYING,
        patience: PATIENCE,
    };
    match Outgoing::new(route, &message, None, (Repeat::Safe, limits)) {
        Ok(outgoing) => delivery::post(http, &outgoing).await,
        Err(error) => Posted::Never(error.to_string()),
    }
}
