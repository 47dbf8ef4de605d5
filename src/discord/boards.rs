//! Keeps boards up to date: whichever of them is behind is taken in hand by one process, and what
//! its message shows is made what it should show. Whatever goes wrong on the way, the next look
//! finds it behind still.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use serde::Deserialize;
use serenity::all::Nonce;
use serenity::builder::{CreateAllowedMentions, CreateMessage, EditMessage};
use serenity::http::{Http, LightMethod, Route};
use serenity::model::channel::Message;
use serenity::model::id::{ChannelId, GuildId, MessageId};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::context::Data;
use super::custom_id::Press;
use super::delivery::{self, Answered, Limits, Outgoing, Repeat};
use super::reply::Reply;
use super::views;
use crate::domain::ids;
use crate::i18n::Locale;
use crate::service::boards::{Board, HOLDING, InHand, Next, Outcome, Shown};
use crate::service::{ServiceError, Services, answered};

/// How many boards are in hand at once.
const HANDS: usize = 4;

/// How often it is looked where nothing is heard.
const POLL: Duration = Duration::from_secs(5);

/// How long nothing is tried when the database fails.
const PAUSE: Duration = Duration::from_secs(5);

/// How long one message is tried before it is left for later.
const TRYING: Duration = Duration::from_secs(8);

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a hand rests after what Discord did not take: where it takes nothing at all, many boards
/// must not ask it all the time.
const BREATH: Duration = Duration::from_secs(2);

/// How long a board is in hand at most: shorter than others wait for it.
const LONGEST: Duration = Duration::from_secs(35);

/// Tries to tell what became of a board.
const TELLING: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(200))
    .with_max_times(4)
    .with_jitter();

/// Tries to note what Discord told: for about half an hour.
pub(super) const NOTING: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_secs(1))
    .with_max_delay(Duration::from_mins(2))
    .with_max_times(20)
    .with_jitter();

/// How many messages of a channel are looked through for one that was posted unknown: as many as
/// Discord tells at once.
const LOOK_BACK: u8 = 100;

/// Discord did not take it, and did not say for how long.
const LATER: Outcome = Outcome::NotNow { wait: None };

/// "Unknown message".
const UNKNOWN_MESSAGE: u32 = 10008;

/// "Unknown channel".
const UNKNOWN_CHANNEL: u32 = 10003;

/// Works for ever. A board that is in hand when this ends is finished all the same.
pub async fn run(data: Data, http: Arc<Http>) {
    let hands = Arc::new(Semaphore::new(HANDS));
    let mut bell = data.services.bell();
    loop {
        let Ok(hand) = Arc::clone(&hands).acquire_owned().await else {
            return;
        };
        let longest = match answered(data.services.next_board()).await {
            Ok(Next::Board(in_hand)) => {
                let (services, http) = (data.services.clone(), Arc::clone(&http));
                let flight = data.flights.begin();
                tokio::spawn(async move {
                    let is_done = finish(&services, &http, &in_hand).await;
                    drop(flight);
                    if !is_done {
                        sleep(BREATH).await;
                    }
                    drop(hand);
                });
                continue;
            }
            Ok(Next::Wait(wait)) => wait,
            Ok(Next::Nothing) => POLL,
            Err(error) => {
                tracing::debug!(%error, "boards wait for the database");
                sleep(PAUSE).await;
                continue;
            }
        };
        // That the time is up is no failure.
        let _ = timeout(longest, bell.changed()).await;
    }
}

/// What happened to a guild's messages while Discord could not tell, nobody knows: its boards are
/// looked at once more.
pub async fn look_again(data: &Data, guild: GuildId) {
    let Ok(guild) = ids::GuildId::try_from(guild.get()) else {
        return;
    };
    let guilds = [guild];
    noted(data, || data.services.recheck_boards(&guilds)).await;
}

/// Messages were deleted, perhaps boards.
pub async fn messages_gone(data: &Data, channel: ChannelId, messages: &[MessageId]) {
    let messages: Vec<i64> = messages.iter().copied().map(raw).collect();
    if let Ok(channel) = ids::ChannelId::try_from(channel.get()) {
        noted(data, || data.services.messages_gone(channel, &messages)).await;
    }
}

/// A channel was deleted, and the boards in it.
pub async fn channel_gone(data: &Data, guild: GuildId, channel: ChannelId) {
    let ids = (
        ids::GuildId::try_from(guild.get()),
        ids::ChannelId::try_from(channel.get()),
    );
    if let (Ok(guild), Ok(channel)) = ids {
        noted(data, || data.services.channel_gone(guild, channel)).await;
    }
}

/// Notes what Discord told, which it tells only once: again and again while the database fails.
pub(super) async fn noted<F>(data: &Data, note: impl Fn() -> F)
where
    F: Future<Output = Result<bool, ServiceError>>,
{
    match (|| answered(note())).retry(NOTING).await {
        Ok(true) => data.services.ring(),
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "what was changed or deleted on Discord is not noted"),
    }
}

/// Brings a board up to date. If the database fails, it is taken in hand again in a while. Returns
/// whether Discord and the database did what they were asked to.
async fn finish(services: &Services, http: &Http, in_hand: &InHand) -> bool {
    let board = &in_hand.board;
    let work = Box::pin(bring_up_to_date(services, http, in_hand));
    let done = tokio::select! {
        done = timeout(LONGEST, work) => done,
        // Somebody else has it, or may have it by now.
        () = held(services, in_hand) => return false,
    };
    let outcome = match done {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a board waits for the database");
            LATER
        }
        Err(_) => LATER,
    };
    let done = || answered(services.board_done(board, &outcome));
    match done.retry(TELLING).await {
        Ok(false) => return !matches!(outcome, Outcome::NotNow { .. }),
        Ok(true) => tracing::warn!(
            channel.id = %board.channel,
            error = ?outcome,
            "a board can't be posted: check that its channel is there and that the bot may write in it"
        ),
        Err(error) => tracing::debug!(%error, "what became of a board is not noted"),
    }
    false
}

/// Says from time to time that a board is still in hand, so that a bot that died has its boards taken
/// over soon. Ends when that can't be said.
async fn held(services: &Services, in_hand: &InHand) {
    loop {
        sleep(HOLDING).await;
        let holding = timeout(HOLDING, services.holds_board(&in_hand.board));
        if !matches!(holding.await, Ok(Ok(true))) {
            return;
        }
    }
}

async fn bring_up_to_date(
    services: &Services,
    http: &Http,
    in_hand: &InHand,
) -> Result<Outcome, ServiceError> {
    let hand = Hand {
        http,
        board: &in_hand.board,
        channel: ChannelId::new(in_hand.board.channel.get()),
    };
    let Some(page) = &in_hand.page else {
        return Ok(hand.take_down().await);
    };
    let locale = Locale::from(in_hand.settings.language());
    let reply = views::board::board(page, locale);
    if let Some(message) = in_hand.board.message {
        return Ok(hand.edit(message, reply).await);
    }
    // Should an earlier post have arrived unknown, that message is the board.
    if in_hand.board.posting {
        match hand.found().await {
            Ok(Some(message)) => return Ok(hand.edit(message, reply).await),
            Ok(None) => {}
            Err(outcome) => return Ok(outcome),
        }
    }
    services.posting(&in_hand.board).await?;
    Ok(hand.post(reply).await)
}

/// One board, while nobody else has it in hand.
struct Hand<'a> {
    http: &'a Http,
    board: &'a Board,
    channel: ChannelId,
}

impl Hand<'_> {
    async fn post(&self, reply: Reply) -> Outcome {
        let hash = hash(&reply);
        let content = reply.content.clone();
        let message = CreateMessage::new()
            .content(reply.content)
            .embeds(reply.embed.into_iter().collect())
            .components(reply.rows)
            .allowed_mentions(CreateAllowedMentions::new())
            .nonce(Nonce::String(self.nonce()))
            .enforce_nonce(true);
        let route = Route::ChannelMessages {
            channel_id: self.channel,
        };
        match self.send(LightMethod::Post, route, &message).await {
            Answered::Yes(body) => match serde_json::from_slice::<Posted>(&body) {
                // A repeated post is answered with the first message, whatever that says.
                Ok(posted) => shows(posted.id, hash, posted.content == content),
                Err(_) => LATER,
            },
            refused => refusal(refused),
        }
    }

    async fn edit(&self, message: i64, reply: Reply) -> Outcome {
        let hash = hash(&reply);
        if self.board.shows.as_deref() == Some(hash.as_str()) {
            return Outcome::Shows(Shown {
                message,
                hash,
                written: false,
            });
        }
        let edit = EditMessage::new()
            .content(reply.content)
            .embeds(reply.embed.into_iter().collect())
            .components(reply.rows)
            .allowed_mentions(CreateAllowedMentions::new());
        match self
            .send(LightMethod::Patch, self.message(message), &edit)
            .await
        {
            Answered::Yes(_) => Outcome::Shows(Shown {
                message,
                hash,
                written: true,
            }),
            Answered::Refused { code, .. } if code == UNKNOWN_MESSAGE => Outcome::Gone,
            refused => refusal(refused),
        }
    }

    /// The board was removed: its message goes too.
    async fn take_down(&self) -> Outcome {
        let message = match (self.board.message, self.board.posting) {
            (Some(message), _) => Some(message),
            (None, true) => match self.found().await {
                Ok(found) => found,
                Err(later @ Outcome::NotNow { .. }) => return later,
                Err(_) => None,
            },
            (None, false) => None,
        };
        match message {
            Some(message) => match self.delete(message).await {
                // Not from Discord itself, perhaps.
                later @ (Answered::NotNow { .. } | Answered::Refused { code: 0, .. }) => {
                    refusal(later)
                }
                // Gone, or out of reach.
                Answered::Yes(_) | Answered::Refused { .. } => Outcome::Removed,
            },
            None => Outcome::Removed,
        }
    }

    /// The message of this board that stands in the channel though nobody knows of it: the newest.
    /// If there are several, the others go.
    async fn found(&self) -> Result<Option<i64>, Outcome> {
        let route = Route::ChannelMessages {
            channel_id: self.channel,
        };
        let question = Outgoing::question_with(
            route,
            vec![("limit", LOOK_BACK.to_string())],
            Self::limits(),
        );
        let messages: Vec<Message> = match delivery::ask(self.http, &question).await {
            Answered::Yes(body) => serde_json::from_slice(&body).map_err(|_| LATER)?,
            refused => return Err(refusal(refused)),
        };
        let ours = Press::Board {
            table: self.board.table,
        };
        let ours = ours.encode();
        let mut found = messages
            .iter()
            .filter(|message| has_button(message, &ours))
            .map(|message| message.id);
        let newest = found.next();
        for older in found {
            self.delete(raw(older)).await;
        }
        Ok(newest.map(raw))
    }

    async fn delete(&self, message: i64) -> Answered {
        self.send(LightMethod::Delete, self.message(message), &())
            .await
    }

    fn message(&self, message: i64) -> Route<'static> {
        Route::ChannelMessage {
            channel_id: self.channel,
            message_id: MessageId::new(message.unsigned_abs()),
        }
    }

    async fn send(
        &self,
        method: LightMethod,
        route: Route<'_>,
        body: &impl serde::Serialize,
    ) -> Answered {
        // Each edit counts, taken or not. So it is tried once, and the channel's budget knows of it.
        let repeat = match method {
            LightMethod::Patch => Repeat::Counts,
            _ => Repeat::Safe,
        };
        let limits = (repeat, Self::limits());
        match Outgoing::new((method, route), body, None, limits) {
            Ok(outgoing) => delivery::ask(self.http, &outgoing).await,
            Err(error) => Answered::Refused {
                code: 0,
                message: error.to_string(),
            },
        }
    }

    fn limits() -> Limits {
        Limits {
            until: Instant::now() + TRYING,
            patience: PATIENCE,
        }
    }

    /// The same however often one post is tried, and another one after the message was deleted; in
    /// at most 25 characters.
    fn nonce(&self) -> String {
        let Board { mark, posts, .. } = self.board;
        let digest = Sha256::digest(format!("{mark}/{posts}"));
        hex::encode(&digest[..12])
    }
}

/// What a request comes to that Discord did not take.
fn refusal(answered: Answered) -> Outcome {
    match answered {
        Answered::Refused { code, message } if code == UNKNOWN_CHANNEL => Outcome::Never(message),
        // What has no number comes from something before Discord.
        Answered::Refused { code, message } if code != 0 => Outcome::Refused(message),
        Answered::NotNow { wait } => Outcome::NotNow { wait },
        _ => LATER,
    }
}

/// Of a message that Discord has taken.
#[derive(Deserialize)]
struct Posted {
    id: MessageId,
    content: String,
}

fn shows(message: MessageId, hash: String, is_it: bool) -> Outcome {
    Outcome::Shows(Shown {
        message: raw(message),
        hash: if is_it { hash } else { String::new() },
        written: true,
    })
}

fn has_button(message: &Message, custom_id: &str) -> bool {
    let components = serde_json::to_string(&message.components).unwrap_or_default();
    components.contains(custom_id)
}

/// As the database keeps it.
fn raw(id: MessageId) -> i64 {
    i64::try_from(id.get()).unwrap_or(i64::MAX)
}

fn hash(reply: &Reply) -> String {
    let shown = serde_json::json!([reply.content, reply.embed, reply.rows]);
    hex::encode(Sha256::digest(shown.to_string()))
}
