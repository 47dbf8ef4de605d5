//! Posts what others must be told: edits and the daily head of the chain in the log channel; to a
//! person, that a value of theirs was replaced unseen.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use serenity::all::Nonce;
use serenity::builder::{CreateAllowedMentions, CreateMessage};
use serenity::http::{Http, HttpError, LightMethod, Route};
use serenity::model::id::{ChannelId, UserId};
use tokio::time::{Instant, timeout};

use super::delivery::{self, Limits, Outgoing, Posted, Repeat};
use super::views;
use crate::domain::ids;
use crate::i18n::Locale;
use crate::service::notices::{Post, To};
use crate::service::{ServiceError, Services, answered};

/// How long news of another process may wait.
const POLL: Duration = Duration::from_secs(5);

/// How long one message is tried before it is left for later.
const TRYING: Duration = Duration::from_secs(20);

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long nothing is tried when the database fails.
const PAUSE: Duration = Duration::from_secs(5);

/// Posts news as it comes, for ever.
pub async fn run(services: Services, http: Arc<Http>) {
    let mut bell = services.bell();
    loop {
        if let Err(error) = post_all(&services, &http).await {
            tracing::debug!(%error, "what others must be told waits for the database");
            tokio::time::sleep(PAUSE).await;
        }
        // That the time is up is no failure.
        let _ = timeout(POLL, bell.changed()).await;
    }
}

async fn post_all(services: &Services, http: &Http) -> Result<(), ServiceError> {
    // What can't be queued is tried the next time; what is queued does not wait for it.
    if let Err(error) = answered(services.tell_refusals()).await {
        tracing::debug!(%error, "counted refusals wait for the database");
    }
    if let Err(error) = answered(services.queue_heads()).await {
        tracing::debug!(%error, "heads of the day wait for the database");
    }
    while let Some(post) = answered(services.next_post()).await? {
        match post.to {
            To::Channel(channel) => in_channel(services, http, &post, channel).await?,
            To::Person(person) => to_person(services, http, &post, person).await?,
        }
    }
    Ok(())
}

async fn in_channel(
    services: &Services,
    http: &Http,
    post: &Post,
    channel: ids::ChannelId,
) -> Result<(), ServiceError> {
    let direct = posted(http, post, ChannelId::new(channel.get()), None).await;
    if let Posted::Never(problem) = &direct
        && post.settings.log_channel != Some(channel)
    {
        tracing::warn!(
            channel.id = %channel,
            error = problem,
            "a channel for reports can't be posted to: they go to the log channel, if there is one"
        );
    }
    match or_in_log(http, post, direct, None).await {
        Posted::Yes => {
            answered(services.posted(post, None)).await?;
        }
        Posted::Never(problem) => {
            if answered(services.posted(post, Some(&problem))).await? {
                tracing::warn!(
                    channel.id = %channel,
                    error = problem,
                    "the log channel can't be posted to: check that it is there and that the bot may write in it"
                );
            }
        }
        // Its batch is taken again when its time is up.
        Posted::NotNow => {}
    }
    Ok(())
}

/// By direct message; where that is not allowed, in the log channel; else it waits for the
/// person's next command.
async fn to_person(
    services: &Services,
    http: &Http,
    post: &Post,
    person: ids::UserId,
) -> Result<(), ServiceError> {
    let direct = match direct_channel(http, person).await {
        Ok(channel) => posted(http, post, channel, None).await,
        Err(outcome) => outcome,
    };
    match or_in_log(http, post, direct, Some(person)).await {
        Posted::Yes => {
            answered(services.posted(post, None)).await?;
        }
        Posted::Never(_) => answered(services.park(post)).await?,
        Posted::NotNow => {}
    }
    Ok(())
}

/// What can't be told where it should is told in the log channel, if that is another one.
async fn or_in_log(
    http: &Http,
    post: &Post,
    direct: Posted,
    pinged: Option<ids::UserId>,
) -> Posted {
    let log = post.settings.log_channel;
    match (direct, log.filter(|log| post.to != To::Channel(*log))) {
        (Posted::Never(_), Some(log)) => {
            posted(http, post, ChannelId::new(log.get()), pinged).await
        }
        (direct, _) => direct,
    }
}

/// The channel for direct messages to somebody.
pub(super) async fn direct_channel(http: &Http, person: ids::UserId) -> Result<ChannelId, Posted> {
    let user = UserId::new(person.get());
    match user.create_dm_channel(http).await {
        Ok(channel) => Ok(channel.id),
        Err(serenity::Error::Http(HttpError::UnsuccessfulRequest(refusal)))
            if refusal.status_code.is_client_error()
                && refusal.status_code != StatusCode::TOO_MANY_REQUESTS =>
        {
            Err(Posted::Never(refusal.error.message))
        }
        Err(error) => {
            tracing::debug!(%error, "no channel for a direct message; it is tried again later");
            Err(Posted::NotNow)
        }
    }
}

/// Posts a message, in which only `pinged` is notified.
async fn posted(
    http: &Http,
    post: &Post,
    channel_id: ChannelId,
    pinged: Option<ids::UserId>,
) -> Posted {
    let reply = views::log::post(post, pinged, Locale::from(post.settings.language()));
    if reply.content.is_empty() {
        return Posted::Yes;
    }
    let pinged = pinged.map(|person| UserId::new(person.get()));
    let message = CreateMessage::new()
        .content(reply.content)
        .components(reply.rows)
        .allowed_mentions(CreateAllowedMentions::new().users(pinged))
        .nonce(Nonce::String(post.nonce()))
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
