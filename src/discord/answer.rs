//! Answering within Discord's three seconds: what is not done after half of them is deferred,
//! then completed.
//!
//! The work runs in a task of its own: a panic in it ends as an internal error, and nothing that
//! happens to the delivery undoes or repeats it. What was done is never reported as failed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serenity::builder::{
    CreateAttachment, CreateInteractionResponse, CreateInteractionResponseFollowup,
    CreateInteractionResponseMessage, CreateModal, EditInteractionResponse,
};
use serenity::http::{LightMethod, Route};
use serenity::model::id::ApplicationId;
use tokio::task::JoinHandle;
use tokio::time::timeout_at;
use tracing::Instrument as _;

use super::context::Call;
use super::delivery::{self, Delivered, Limits, Outgoing, Repeat};
use super::errors::{self, Failure};
use super::reply::{Manner, Reply};
use super::views;
use crate::service::news::Shown;

/// How long the work may take before the answer is deferred.
const FIRST_ANSWER: Duration = Duration::from_millis(1500);

/// How long Discord waits for the first answer.
const WINDOW: Duration = Duration::from_secs(3);

/// How long one try of a first answer may take, so that there is time for another.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);

/// How long an interaction's token works, with a margin.
const TOKEN_LIFE: Duration = Duration::from_mins(14);

/// How long one try of a later message may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long one upload of a file may take.
const UPLOAD: Duration = Duration::from_mins(1);

/// Does the work and answers with what it returns. `manner` is where the answer will go, as far
/// as that is known before the work is done.
pub async fn answer<F>(call: &Arc<Call>, manner: Manner, work: F)
where
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let span = tracing::info_span!("interaction", op.id = %call.id);
    let mut work = tokio::spawn(work.instrument(span));
    match timeout_at(call.received + FIRST_ANSWER, &mut work).await {
        Ok(done) => at_once(call, settle(call, done)).await,
        Err(_) => later(call, manner, work).await,
    }
}

/// Opens a form: that can only be the first answer, so no work goes before it.
pub async fn open(call: &Arc<Call>, form: CreateModal) {
    let first = CreateInteractionResponse::Modal(form);
    deliver(call, &Delivery::First(first)).await;
}

/// Answers with an error that came before any work.
pub async fn refuse(call: &Arc<Call>, failure: Failure) {
    let reply = errors::reply(call, failure);
    at_once(call, reply).await;
}

/// Answers with what is there. Before a file, which takes its time to upload, there is a deferral.
async fn at_once(call: &Call, reply: Reply) {
    if reply.file.is_none() {
        let after = After::of(&reply);
        let delivered = deliver(call, &Delivery::First(reply.first())).await;
        after.accepted(call, delivered).await;
        return;
    }
    let manner = reply.manner;
    let deferred = deliver(call, &Delivery::First(deferral(manner))).await;
    complete(call, manner, deferred, reply).await;
}

/// Defers, waits, completes.
async fn later(call: &Call, manner: Manner, work: JoinHandle<Result<Reply, Failure>>) {
    let deferred = deliver(call, &Delivery::First(deferral(manner))).await;
    let reply = settle(call, work.await);
    complete(call, manner, deferred, reply).await;
}

/// Says what the deferral promised, in its place if possible: an edit can be repeated. Without a
/// deferral there is no way to say it.
async fn complete(call: &Call, manner: Manner, deferred: Delivered, reply: Reply) {
    if matches!(deferred, Delivered::Elsewhere | Delivered::No) {
        return;
    }
    let (after, file) = (After::of(&reply), reply.file.clone());
    let in_place = manner != Manner::Update || reply.manner == Manner::Update;
    let delivery = if in_place {
        Delivery::Edit(reply.edit(), file)
    } else {
        Delivery::Followup(reply.followup(), file)
    };
    let delivered = deliver(call, &delivery).await;
    after.accepted(call, delivered).await;
}

/// What follows from an answer that Discord accepted.
struct After {
    shows: Option<Shown>,
    parked: bool,
}

impl After {
    fn of(reply: &Reply) -> Self {
        Self {
            shows: reply.shows.clone(),
            parked: reply.parked,
        }
    }

    async fn accepted(self, call: &Call, delivered: Delivered) {
        if delivered != Delivered::Yes {
            return;
        }
        if let Some(shown) = &self.shows
            && let Err(error) = call.services.was_shown(shown).await
        {
            tracing::warn!(op.id = %call.id, %error, "what a session was shown is not noted");
        }
        if self.parked {
            tell_parked(call).await;
        }
    }
}

/// Tells what waited for the caller's next command.
async fn tell_parked(call: &Call) {
    let Ok(request) = call.request(None) else {
        return;
    };
    match call.services.unpark(&request).await {
        Ok(news) if news.is_empty() => {}
        Ok(news) => {
            let reply = views::log::news(&news, request.guild, call.locale);
            deliver(call, &Delivery::Followup(reply.followup(), None)).await;
        }
        Err(error) => {
            tracing::warn!(op.id = %call.id, %error, "what waits for a person is not told yet");
        }
    }
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
    Edit(EditInteractionResponse, Option<CreateAttachment>),
    Followup(CreateInteractionResponseFollowup, Option<CreateAttachment>),
}

async fn deliver(call: &Call, delivery: &Delivery) -> Delivered {
    let Some(application) = call.http.application_id() else {
        tracing::error!(op.id = %call.id, "an interaction came before the gateway said who the bot is");
        return Delivered::No;
    };
    match delivery.outgoing(call, application) {
        Ok(outgoing) => {
            let span = tracing::info_span!("answer", op.id = %call.id);
            let delivered = delivery::deliver(&call.http, &outgoing);
            delivered.instrument(span).await
        }
        Err(error) => {
            tracing::error!(op.id = %call.id, %error, "an answer can't be written");
            Delivered::No
        }
    }
}

impl Delivery {
    /// The request, and what may be done to deliver it. Discord takes only one first answer, and
    /// a second edit changes nothing; a second follow-up would be shown.
    fn outgoing<'a>(
        &self,
        call: &'a Call,
        application_id: ApplicationId,
    ) -> Result<Outgoing<'a>, serde_json::Error> {
        let token = call.token.as_str();
        let later = |file: &Option<CreateAttachment>| Limits {
            until: call.received + TOKEN_LIFE,
            patience: if file.is_some() { UPLOAD } else { PATIENCE },
        };
        match self {
            Self::First(first) => {
                let route = Route::InteractionResponse {
                    interaction_id: call.id,
                    token,
                };
                let limits = Limits {
                    until: call.received + WINDOW,
                    patience: FIRST_PATIENCE,
                };
                let how = (Repeat::Safe, limits);
                Outgoing::new((LightMethod::Post, route), first, None, how)
            }
            Self::Edit(edit, file) => {
                let route = Route::WebhookOriginalInteractionResponse {
                    application_id,
                    token,
                };
                let how = (Repeat::Safe, later(file));
                Outgoing::new((LightMethod::Patch, route), edit, file.clone(), how)
            }
            Self::Followup(followup, file) => {
                let route = Route::WebhookFollowupMessages {
                    application_id,
                    token,
                };
                let how = (Repeat::Doubles, later(file));
                Outgoing::new((LightMethod::Post, route), followup, file.clone(), how)
            }
        }
    }
}
