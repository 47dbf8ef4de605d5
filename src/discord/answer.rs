//! Answering within Discord's three seconds: what is not done after half of them is deferred,
//! then completed.
//!
//! The work runs in a task of its own: a panic in it ends as an internal error, and nothing that
//! happens to the delivery undoes or repeats it. What was done is never reported as failed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serenity::builder::{
    Builder as _, CreateInteractionResponse, CreateInteractionResponseMessage,
};
use serenity::http::HttpError;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout, timeout_at};
use tracing::Instrument as _;

use super::context::Call;
use super::errors::{self, Failure};
use super::reply::{Manner, Reply};

/// How long the work may take before the answer is deferred.
const FIRST_ANSWER: Duration = Duration::from_millis(1500);

/// How long one try to deliver may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pauses before an answer that Discord did not take is tried again. An answer is safe to repeat:
/// Discord takes only one first answer to an interaction.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(750)];

/// "Interaction has already been acknowledged": another delivery of it was answered.
const ALREADY_ANSWERED: isize = 40060;
/// "Unknown interaction": it is too old, or another delivery was answered.
const UNKNOWN_INTERACTION: isize = 10062;

/// Does the work and answers with what it returns. `manner` is where the answer will go, as far
/// as that is known before the work is done.
pub async fn answer<F>(call: &Arc<Call>, manner: Manner, work: F)
where
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let span = tracing::info_span!("interaction", op.id = %call.id);
    let mut work = tokio::spawn(work.instrument(span));
    match timeout_at(call.received + FIRST_ANSWER, &mut work).await {
        Ok(done) => {
            let reply = settle(call, done);
            deliver(call, &Delivery::First(reply.first())).await;
        }
        Err(_) => later(call, manner, work).await,
    }
}

/// Answers with an error that came before any work.
pub async fn refuse(call: &Arc<Call>, failure: Failure) {
    let reply = errors::reply(call, failure);
    deliver(call, &Delivery::First(reply.first())).await;
}

/// Defers, waits, completes.
async fn later(call: &Arc<Call>, manner: Manner, work: JoinHandle<Result<Reply, Failure>>) {
    let taken = deliver(call, &Delivery::First(deferral(manner))).await;
    let reply = settle(call, work.await);
    if taken == Taken::ByAnother {
        return;
    }
    let in_place = manner != Manner::Update || reply.manner == Manner::Update;
    let delivery = if in_place {
        Delivery::Edit(reply.edit())
    } else {
        Delivery::Followup(reply.followup())
    };
    deliver(call, &delivery).await;
}

fn settle(call: &Call, done: Result<Result<Reply, Failure>, tokio::task::JoinError>) -> Reply {
    let done = done.unwrap_or_else(|error| Err(Failure::Internal(error.to_string())));
    done.unwrap_or_else(|failure| errors::reply(call, failure))
}

fn deferral(manner: Manner) -> CreateInteractionResponse {
    let message = CreateInteractionResponseMessage::new();
    match manner {
        Manner::Own => CreateInteractionResponse::Defer(message.ephemeral(true)),
        Manner::Shared => CreateInteractionResponse::Defer(message),
        Manner::Update => CreateInteractionResponse::Acknowledge,
    }
}

/// A message on its way to Discord.
enum Delivery {
    First(CreateInteractionResponse),
    Edit(serenity::builder::EditInteractionResponse),
    Followup(serenity::builder::CreateInteractionResponseFollowup),
}

/// Whether Discord took it.
#[derive(PartialEq, Eq)]
enum Taken {
    Yes,
    /// Another delivery of the same interaction was answered, here or in another process.
    ByAnother,
    No,
}

/// Delivers, trying again where that may help. What can't be delivered is logged: the work is done.
async fn deliver(call: &Call, delivery: &Delivery) -> Taken {
    let mut pauses = PAUSES.into_iter();
    let mut tried = false;
    loop {
        let Err(error) = send(call, delivery).await else {
            return Taken::Yes;
        };
        if was_answered(&error) {
            if tried {
                // Discord had taken the try before, and its word on that was lost.
                return Taken::Yes;
            }
            tracing::debug!(op.id = %call.id, %error, "the interaction is answered already, or too old");
            return Taken::ByAnother;
        }
        let Some(pause) = pauses.next().filter(|_| may_repeat(delivery, &error)) else {
            tracing::error!(op.id = %call.id, %error, "the answer can't be delivered; what was done stays done");
            return Taken::No;
        };
        tried = true;
        sleep(pause).await;
    }
}

async fn send(call: &Call, delivery: &Delivery) -> Result<(), serenity::Error> {
    let http = &call.http;
    let sent = async {
        match delivery {
            Delivery::First(first) => first.clone().execute(http, (call.id, &call.token)).await,
            Delivery::Edit(edit) => edit.clone().execute(http, &call.token).await.map(drop),
            Delivery::Followup(followup) => followup
                .clone()
                .execute(http, (None, &call.token))
                .await
                .map(drop),
        }
    };
    match timeout(PATIENCE, sent).await {
        Ok(sent) => sent,
        Err(_) => Err(serenity::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

fn was_answered(error: &serenity::Error) -> bool {
    matches!(
        error,
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response))
            if matches!(response.error.code, ALREADY_ANSWERED | UNKNOWN_INTERACTION)
    )
}

/// Whether it may work the next time, and is safe to try: too many requests, Discord's own
/// trouble, the network. A follow-up that Discord may have taken would be shown twice.
fn may_repeat(delivery: &Delivery, error: &serenity::Error) -> bool {
    let is_safe = !matches!(delivery, Delivery::Followup(_));
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            response.status_code.as_u16() == 429
                || is_safe && response.status_code.is_server_error()
        }
        serenity::Error::Http(HttpError::Request(_)) | serenity::Error::Io(_) => is_safe,
        _ => false,
    }
}
