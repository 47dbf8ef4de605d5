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
use tokio::time::{timeout, timeout_at};
use tracing::Instrument as _;

use super::context::Call;
use super::delivery::{self, Delivered, Limits, Outgoing, Repeat};
use super::errors::{self, Failure};
use super::first_run;
use super::queue::Unanswered;
use super::reply::{Manner, Reply};
use super::views;
use crate::domain::access::Right;
use crate::metrics::Outcome;
use crate::service::news::Marked;
use crate::service::{Request, ServiceError};

/// How long the work may take before the answer is deferred.
const FIRST_ANSWER: Duration = Duration::from_millis(1500);

/// How long work may take that is not known to take long. What is done in it is done by then, since
/// each statement has a limit of its own; a question may wait for a database that is gone.
const LONGEST: Duration = Duration::from_mins(3);

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

/// How long a refusal may wait until it is in the history.
const NOTING: Duration = Duration::from_millis(700);

/// Does the work and answers with what it returns. `manner` is where the answer will go, as far
/// as that is known before the work is done.
pub async fn answer<F>(call: &Arc<Call>, manner: Manner, work: F)
where
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let mut work = begun(call, LONGEST, work);
    match timeout_at(call.received + FIRST_ANSWER, &mut work).await {
        Ok(done) => at_once(call, settle(call, done)).await,
        Err(_) => later(call, manner, work).await,
    }
}

/// Opens a form: that can only be the first answer, so no work goes before it.
pub async fn open(call: &Arc<Call>, form: CreateModal) {
    let first = CreateInteractionResponse::Modal(form);
    let delivered = deliver(call, &Delivery::First(first)).await;
    ended(call, delivered);
}

/// Defers at once, then does the work, which may [`amend`] the answer and let others [`follow`] it,
/// and completes the answer with what it returns.
pub async fn answer_slowly<F>(call: &Arc<Call>, manner: Manner, work: F)
where
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let deferred = deliver(call, &Delivery::First(deferral(manner))).await;
    if matches!(deferred, Delivered::Elsewhere | Delivered::No) {
        return ended(call, deferred);
    }
    let reply = settle(call, begun(call, TOKEN_LIFE, work).await);
    complete(call, manner, deferred, reply).await;
}

/// Changes an answer that was deferred, or given.
pub async fn amend(call: &Call, reply: Reply) -> Delivered {
    let file = reply.file.clone();
    deliver(call, &Delivery::Edit(reply.edit(), file)).await
}

/// Sends one more message after the answer.
pub async fn follow(call: &Call, reply: Reply) -> Delivered {
    let file = reply.file.clone();
    deliver(call, &Delivery::Followup(reply.followup(), file)).await
}

/// The work, in a task of its own.
fn begun<F>(call: &Arc<Call>, longest: Duration, work: F) -> JoinHandle<Result<Reply, Failure>>
where
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let span = tracing::info_span!("interaction", op.id = %call.id);
    let (call, work) = (Arc::clone(call), Box::pin(work));
    let work = async move {
        let late = |_| Err(Failure::Internal("nobody answers".to_owned()));
        let done = timeout(longest, work).await.unwrap_or_else(late);
        match done {
            Ok(reply) => Ok(reply),
            Err(failure @ Failure::Service(ServiceError::NoTables)) => {
                Ok(first_run::offer(&call, errors::reply(&call, failure)).await)
            }
            Err(failure) => {
                note_refusal(Arc::clone(&call), &failure).await;
                Err(with_givers(&call, failure).await)
            }
        }
    };
    tokio::spawn(work.instrument(span))
}

/// Has it noted in the history if that is why something failed: the right was missing. Work that ends
/// in such a failure needs not ask for it. The answer neither depends on it nor waits for it long.
pub async fn note_refusal(call: Arc<Call>, failure: &Failure) {
    let right = match *failure {
        Failure::Service(
            ServiceError::Forbidden { right, .. } | ServiceError::NotHeld { right },
        ) => right,
        Failure::Service(ServiceError::OwnRights) => Right::AccessManage,
        _ => return,
    };
    let Some((attempt, request)) = call.attempt() else {
        tracing::error!(op.id = %call.id, "what was refused is not known, so it is not in the history");
        return;
    };
    let noting = async move {
        if let Err(error) = call.services.note_refusal(&request, attempt, right).await {
            tracing::warn!(op.id = %request.op, %error, "a refusal is not in the history");
        }
        // Until then the process does not end.
        drop(call);
    };
    let noting = tokio::spawn(noting.in_current_span());
    // What takes longer goes on by itself.
    let _ = tokio::time::timeout(NOTING, noting).await;
}

/// A refusal, with those who can give the right that was missing. Without them, where they can't be
/// asked for in time.
async fn with_givers(call: &Call, failure: Failure) -> Failure {
    let Failure::Service(ServiceError::Forbidden { right, at }) = &failure else {
        return failure;
    };
    let Some(request) = call.request_again() else {
        return failure;
    };
    let asking = call.services.givers(&request, *right, at.as_ref());
    match timeout(NOTING, asking).await {
        Ok(Ok(givers)) => Failure::told(views::errors::forbidden(*right, &givers, call.locale)),
        Ok(Err(_)) | Err(_) => failure,
    }
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
        ended(call, delivered);
        after.delivered(call, delivered).await;
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
    let after = After::of(&reply);
    if matches!(deferred, Delivered::Elsewhere | Delivered::No) {
        ended(call, deferred);
        return after.delivered(call, deferred).await;
    }
    let file = reply.file.clone();
    let in_place = manner != Manner::Update || reply.manner == Manner::Update;
    let delivery = if in_place {
        Delivery::Edit(reply.edit(), file)
    } else {
        Delivery::Followup(reply.followup(), file)
    };
    let delivered = deliver(call, &delivery).await;
    ended(call, delivered);
    after.delivered(call, delivered).await;
}

/// Notes what became of the answer.
fn ended(call: &Call, delivered: Delivered) {
    call.measured.ended(match delivered {
        Delivered::Yes => Outcome::Ok,
        Delivered::Elsewhere => Outcome::Elsewhere,
        Delivered::Perhaps | Delivered::No => Outcome::Undelivered,
    });
}

/// What follows from an answer's delivery.
struct After {
    marked: Option<Marked>,
    parked: bool,
    queued: Option<Arc<Unanswered>>,
}

impl After {
    fn of(reply: &Reply) -> Self {
        Self {
            marked: reply.marked.clone(),
            parked: reply.parked,
            queued: reply.queued.clone(),
        }
    }

    async fn delivered(self, call: &Call, delivered: Delivered) {
        match (&self.queued, delivered) {
            (Some(queued), Delivered::Yes) => queued.taken(),
            (Some(queued), Delivered::Elsewhere) => queued.elsewhere(),
            _ => {}
        }
        match (delivered, self.marked) {
            (Delivered::Yes, _) if self.parked => tell_parked(call).await,
            (Delivered::Yes, _) | (_, None) => {}
            (_, Some(marked)) => {
                if let Err(error) = call.services.not_shown(&marked).await {
                    tracing::warn!(op.id = %call.id, %error, "what a session was not shown counts as shown");
                }
            }
        }
    }
}

/// Tells what waited for the caller's next command.
async fn tell_parked(call: &Call) {
    if let Some(request) = call.request_again()
        && let Err(error) = tell_all_parked(call, &request).await
    {
        tracing::warn!(op.id = %call.id, %error, "what waits for a person is not told yet");
    }
}

/// One message after the other. What Discord does not take, or may not have taken, waits on.
async fn tell_all_parked(call: &Call, request: &Request) -> Result<(), ServiceError> {
    let (session, _) = call.services.session(request).await?;
    while let Some(post) = call.services.next_parked(request).await? {
        let device = Some(&session.device_id);
        let reply = views::log::news(&post.news, post.guild, device, call.locale);
        if !reply.content.is_empty() {
            let told = deliver(call, &Delivery::Followup(reply.followup(), None)).await;
            if told != Delivered::Yes {
                return call.services.park(&post).await;
            }
        }
        call.services.posted(&post, None).await?;
    }
    Ok(())
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
            let delivered = delivered.instrument(span).await;
            if delivered == Delivered::Yes && matches!(delivery, Delivery::First(_)) {
                call.measured.answered(call.received.elapsed());
            }
            delivered
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
