//! Posts what others must be told: edits and the daily head of the chain, in the log channel.

use std::sync::Arc;
use std::time::Duration;

use serenity::all::Nonce;
use serenity::builder::{CreateAllowedMentions, CreateMessage};
use serenity::http::{Http, LightMethod, Route};
use serenity::model::id::ChannelId;
use tokio::time::Instant;

use super::delivery::{self, Limits, Outgoing, Posted, Repeat};
use super::views;
use crate::i18n::Locale;
use crate::service::notices::Post;
use crate::service::{ServiceError, Services};

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
    loop {
        if let Err(error) = post_all(&services, &http).await {
            tracing::debug!(%error, "what others must be told waits for the database");
            tokio::time::sleep(PAUSE).await;
        }
        services.wait_for_news(POLL).await;
    }
}

async fn post_all(services: &Services, http: &Http) -> Result<(), ServiceError> {
    services.tell_refusals().await?;
    services.queue_heads().await?;
    while let Some(post) = services.next_post().await? {
        let problem = match posted(http, &post).await {
            Posted::Yes => None,
            Posted::Never(problem) => {
                tracing::warn!(
                    channel.id = %post.channel,
                    error = problem,
                    "the log channel can't be posted to: check that it is there and that the bot may write in it"
                );
                Some(problem)
            }
            // Its batch is taken again when its time is up.
            Posted::NotNow => continue,
        };
        services.posted(&post, problem.as_deref()).await?;
    }
    Ok(())
}

async fn posted(http: &Http, post: &Post) -> Posted {
    let text = views::log::post(post, Locale::from(post.settings.language()));
    if text.is_empty() {
        return Posted::Yes;
    }
    let message = CreateMessage::new()
        .content(text)
        .allowed_mentions(CreateAllowedMentions::new())
        .nonce(Nonce::String(post.nonce()))
        .enforce_nonce(true);
    let channel_id = ChannelId::new(post.channel.get());
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
