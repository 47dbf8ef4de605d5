//! The bot's life: checks its token, connects, registers its commands, works until it is told to
//! stop, and lets what is in flight land. Where Discord refuses to tell presences, it connects again
//! and does without them.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use serenity::Client;
use serenity::all::{Context, GatewayIntents, Ready, ShardManager};
use serenity::cache::Settings;
use serenity::client::ClientBuilder;
use serenity::gateway::GatewayError;
use serenity::http::{Http, HttpBuilder, HttpError};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use url::Url;

use super::context::Data;
use super::errors::Failure;
use super::flights::Flights;
use super::gateway::Gateway;
use super::presence::Presences;
use super::queue::{self, Queue};
use super::{boards, delivery, framework, notices, rank_roles, registration, schedules};
use crate::config::{Discord, Secret, Shards};
use crate::service::Services;

/// How long a shutdown waits for the gateway to close.
const CLOSING: Duration = Duration::from_secs(5);

/// How long a shutdown waits for interactions to be answered.
const LANDING: Duration = Duration::from_secs(10);

/// Discord wants so much time between two attempts to identify.
const IDENTIFYING: Duration = Duration::from_secs(5);

/// What Discord is asked to tell: of guilds and channels, and which messages were deleted. What
/// people write is not told without another, privileged intent.
const INTENTS: GatewayIntents = GatewayIntents::GUILDS.union(GatewayIntents::GUILD_MESSAGES);

/// Pauses between two tries of what the bot can't do without: for ever, at most a minute.
const PAUSES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_secs(1))
    .with_factor(2.0)
    .with_max_delay(Duration::from_mins(1))
    .without_max_times();

/// How the bot talks to Discord.
#[derive(Debug, Clone)]
pub struct BotOptions {
    /// The token.
    pub token: Secret,
    /// The API's base URL where it is not Discord's own: a stand-in.
    pub api_url: Option<Url>,
    /// Whether serenity's limiter is on. It ignores `api_url`, so it is off with a stand-in.
    pub ratelimit: bool,
    /// Whether it asks to be told where people are signed in.
    pub presence: bool,
    /// The shards of this process.
    pub shards: Shards,
}

impl BotOptions {
    /// As configured; none without a token.
    #[must_use]
    pub fn new(config: &Discord) -> Option<Self> {
        Some(Self {
            token: config.token.clone()?,
            api_url: config.custom_api_url().cloned(),
            ratelimit: config.ratelimit,
            presence: config.presence,
            shards: config.shards,
        })
    }

    fn http(&self) -> Http {
        let builder = HttpBuilder::new(self.token.expose()).client(delivery::client());
        let builder = match &self.api_url {
            Some(url) => builder.proxy(url.as_str().trim_end_matches('/')),
            None => builder,
        };
        builder
            .ratelimiter_disabled(!self.ratelimit || self.api_url.is_some())
            .build()
    }
}

/// Why the bot ended though nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum BotError {
    /// Discord does not know the token.
    #[error(
        "Discord refuses the token: check DISCORD_TOKEN (Developer Portal > Bot > Reset Token)"
    )]
    Token,
    /// Discord refuses the commands.
    #[error("Discord refuses the commands: {0}")]
    Commands(#[source] Box<serenity::Error>),
    /// The connection to the gateway can't be had or kept.
    #[error("the connection to Discord's gateway ended: {0}")]
    Gateway(#[source] Box<serenity::Error>),
    /// The gateway closed, and the library did not say why.
    #[error("the connection to Discord's gateway ended")]
    Closed,
}

impl BotError {
    /// Discord refuses to tell what the bot asks to be told.
    fn is_about_intents(&self) -> bool {
        let Self::Gateway(error) = self else {
            return false;
        };
        matches!(
            error.as_ref(),
            serenity::Error::Gateway(GatewayError::DisallowedGatewayIntents)
        )
    }
}

/// Runs the bot until `shutdown` holds true (or its sender is gone). Others see by `gateway`
/// whether it is connected, and by `queue` what waits for the database.
///
/// # Errors
/// What it can't recover from; see [`BotError`].
pub async fn run(
    mut options: BotOptions,
    (services, queue): (Services, Queue),
    gateway: Gateway,
    mut shutdown: watch::Receiver<bool>,
) -> Result<(), BotError> {
    let http = options.http();
    let address = tokio::select! {
        reached = reach(&http) => reached?,
        () = asked_to_stop(&mut shutdown) => return Ok(()),
    };
    let data = Data {
        services,
        flights: Flights::default(),
        presences: Presences::default(),
        queue,
    };
    let flights = data.flights.clone();
    let ended = loop {
        let ended = Box::pin(connected(
            &options,
            &data,
            &gateway,
            address.clone(),
            &mut shutdown,
        ))
        .await;
        if !(options.presence && matches!(&ended, Err(error) if error.is_about_intents())) {
            break ended;
        }
        tracing::warn!(
            "Discord refuses to tell where people are signed in, so devices are told apart without it; \
             to mend that, switch on Presence Intent (Developer Portal > Bot) and restart the bot, \
             else set PUNCTAJ_PRESENCE=off"
        );
        data.presences.refuse();
        options.presence = false;
        tokio::select! {
            () = tokio::time::sleep(IDENTIFYING) => {}
            () = asked_to_stop(&mut shutdown) => break Ok(()),
        }
    };
    let left = flights.landed(LANDING).await;
    if left > 0 {
        tracing::warn!(
            interactions.left = left,
            "stopped before all interactions were answered"
        );
    }
    ended
}

/// Connects, and works until it is told to stop or the connection ends.
async fn connected(
    options: &BotOptions,
    data: &Data,
    gateway: &Gateway,
    address: Option<String>,
    shutdown: &mut watch::Receiver<bool>,
) -> Result<(), BotError> {
    let (fatal, mut failed) = mpsc::channel(1);
    let mut client = client(options, data.clone(), fatal).await?;
    if let Some(address) = address {
        // The library has asked again, and quietly took Discord's own if that failed.
        *client.ws_url.lock().await = address;
    }
    let shards = Arc::clone(&client.shard_manager);
    gateway.watch(&shards);
    let notices = notices::run(data.services.clone(), Arc::clone(&client.http));
    let schedules = schedules::run(data.services.clone());
    let boards = boards::run(data.clone(), Arc::clone(&client.http));
    let roles = rank_roles::run(data.clone(), Arc::clone(&client.http));
    let feed = crate::feed::run(data.services.clone());
    let kept = queue::worker::run(data.clone(), Arc::clone(&client.http));
    let known = queue::known::run(data.services.clone(), data.queue.clone());
    let mut running = std::pin::pin!(start(&mut client, options.shards));
    tokio::select! {
        () = notices => Err(BotError::Closed),
        () = schedules => Err(BotError::Closed),
        () = boards => Err(BotError::Closed),
        () = roles => Err(BotError::Closed),
        () = feed => Err(BotError::Closed),
        () = kept => Err(BotError::Closed),
        () = known => Err(BotError::Closed),
        ended = &mut running => {
            give_up(&shards).await;
            Err(ended.err().unwrap_or(BotError::Closed))
        }
        Some(error) = failed.recv() => {
            close(&shards, running).await;
            Err(error)
        }
        () = asked_to_stop(shutdown) => {
            close(&shards, running).await;
            Ok(())
        }
    }
}

async fn asked_to_stop(shutdown: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone: whoever could ask is not there any more.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// Closes the shards. The client must be polled meanwhile.
async fn close(shards: &ShardManager, running: impl Future<Output = Result<(), BotError>>) {
    let closing = timeout(CLOSING, shards.shutdown_all());
    // How it ended is of no interest: it was asked to.
    let (closed, _) = tokio::join!(closing, timeout(CLOSING, running));
    if closed.is_err() {
        tracing::debug!("the gateway did not close in time");
    }
}

/// Lets go of shards whose connection has ended, so that none of them is started again.
async fn give_up(shards: &ShardManager) {
    for shard in shards.shards_instantiated().await {
        // It ended without saying so, and would be waited for.
        shards.shutdown_finished(shard);
    }
    shards.shutdown_all().await;
}

/// Waits until Discord answers, and checks the token. Returns the gateway's address, if Discord
/// tells it.
async fn reach(http: &Http) -> Result<Option<String>, BotError> {
    let reached = (|| try_reach(http))
        .retry(PAUSES)
        .when(|error| !is_refusal(error))
        .notify(|error, pause| {
            tracing::warn!(%error, pause.seconds = pause.as_secs(), "Discord can't be reached; trying again");
        })
        .await;
    match reached {
        Ok((name, gateway)) => {
            tracing::info!(bot.name = name, "Discord knows the token");
            Ok(Some(gateway))
        }
        Err(error) if status(&error) == Some(401) => Err(BotError::Token),
        Err(error) => {
            tracing::warn!(%error, "Discord does not say who the bot is; going on");
            Ok(None)
        }
    }
}

async fn try_reach(http: &Http) -> Result<(String, String), serenity::Error> {
    let me = http.get_current_user().await?;
    let gateway = http.get_gateway().await?;
    Ok((me.name.clone(), gateway.url))
}

/// Whether it would be refused the next time too.
fn is_refusal(error: &serenity::Error) -> bool {
    matches!(status(error), Some(400..=428 | 430..=499))
}

fn status(error: &serenity::Error) -> Option<u16> {
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            Some(response.status_code.as_u16())
        }
        _ => None,
    }
}

async fn client(
    options: &BotOptions,
    data: Data,
    fatal: mpsc::Sender<BotError>,
) -> Result<Client, BotError> {
    let presences = data.presences.clone();
    let framework = poise::Framework::builder()
        .options(framework::options())
        .setup(move |ctx, ready, _| Box::pin(set_up(ctx, ready, data, fatal)))
        .build();
    let mut cache = Settings::default();
    cache.max_messages = 0;
    cache.cache_guilds = false;
    cache.cache_channels = false;
    cache.cache_users = false;
    let http = options.http();
    let client = if options.presence {
        let intents = INTENTS | GatewayIntents::GUILD_PRESENCES;
        ClientBuilder::new_with_http(http, intents).raw_event_handler(presences)
    } else {
        ClientBuilder::new_with_http(http, INTENTS)
    };
    client
        .cache_settings(cache)
        .framework(framework)
        .await
        .map_err(|error| BotError::Gateway(Box::new(error)))
}

/// Never fails: a failed setup would leave a client whose every event waits for ever. The
/// registration goes on beside it, so that clicks are answered meanwhile.
#[expect(clippy::unused_async, reason = "poise wants a future")]
async fn set_up(
    ctx: &Context,
    ready: &Ready,
    data: Data,
    fatal: mpsc::Sender<BotError>,
) -> Result<Data, Failure> {
    let http = Arc::clone(&ctx.http);
    let (name, guilds) = (ready.user.name.clone(), ready.guilds.len());
    tokio::spawn(async move {
        match register(&http).await {
            Ok(commands) => tracing::info!(bot.name = name, guilds, commands, "ready"),
            // Nobody listens when the bot is ending anyway.
            Err(error) => drop(fatal.send(error).await),
        }
    });
    Ok(data)
}

/// Registers the commands, for as long as it takes.
async fn register(http: &Http) -> Result<usize, BotError> {
    let registered = (|| registration::register(http))
        .retry(PAUSES)
        .when(|error| !is_refusal(error))
        .notify(|error, pause| {
            tracing::warn!(%error, pause.seconds = pause.as_secs(), "the commands can't be registered; trying again");
        })
        .await;
    registered.map_err(|error| match status(&error) {
        Some(401) => BotError::Token,
        _ => BotError::Commands(Box::new(error)),
    })
}

/// Connects the shards; returns when they have ended.
async fn start(client: &mut Client, shards: Shards) -> Result<(), BotError> {
    let ended = match shards {
        Shards::Auto if client.http.get_bot_gateway().await.is_ok() => {
            client.start_autosharded().await
        }
        Shards::Auto => {
            tracing::warn!("Discord does not say how many shards it recommends; one is started");
            client.start().await
        }
        // The library counts the end of the range in.
        Shards::Range { first, last, total } => client.start_shard_range(first..last, total).await,
    };
    ended.map_err(|error| match error {
        serenity::Error::Gateway(GatewayError::InvalidAuthentication) => BotError::Token,
        error => BotError::Gateway(Box::new(error)),
    })
}
