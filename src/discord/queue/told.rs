//! Tells authors what became of their edits: in place of the answer that said that it waits, while
//! that can be changed; else by direct message, or as near as it gets.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serenity::http::{Http, LightMethod, Route};
use serenity::model::id::ApplicationId;
use tokio::time::Instant;

use super::Waiting;
use crate::discord::context::{Call, Data};
use crate::discord::delivery::{self, Answered, Limits, Outgoing, Repeat};
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::journal::Kept;
use crate::service::ServiceError;

/// How long one answer is tried before a direct message is sent.
const TRYING: Duration = Duration::from_secs(30);

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of an edit, as it is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The message in place of the answer, or after it.
    message: Value,
    /// The text of a direct message, where buttons would not know their guild.
    text: String,
}

impl Outcome {
    /// `follows`: it goes after the answer, not in its place.
    pub(super) fn new(call: &Call, reply: Reply, follows: bool) -> Self {
        let reply = views::queued::outcome(reply, call.made_at(), call.locale);
        let reply = reply.going(Manner::Own);
        let text = views::queued::plain(&reply, call.locale);
        let message = if follows {
            serde_json::to_value(reply.followup())
        } else {
            serde_json::to_value(reply.edit())
        };
        let message = message.unwrap_or_default();
        Self { message, text }
    }
}

/// Tells it.
///
/// # Errors
/// If the database fails, where it has to be told by message.
pub(super) async fn tell(data: &Data, http: &Http, kept: &Kept) -> Result<(), ServiceError> {
    let outcome = kept.outcome.clone().map(serde_json::from_value::<Outcome>);
    let waiting = serde_json::from_value::<Waiting>(kept.edit.clone());
    let (Some(Ok(outcome)), Ok(waiting)) = (outcome, waiting) else {
        tracing::error!(op.id = %kept.origin.op, "what became of an edit can't be read, so nobody is told");
        return Ok(());
    };
    if answered(http, &waiting, &outcome.message).await {
        return Ok(());
    }
    let origin = &kept.origin;
    data.services
        .tell_outcome(origin.guild, origin.person, outcome.text)
        .await
}

/// Changes the answer that said that it waits; or follows it, where the first answer was the message
/// that had been clicked.
async fn answered(http: &Http, waiting: &Waiting, message: &Value) -> bool {
    if waiting.application == 0 {
        return false;
    }
    let application_id = ApplicationId::new(waiting.application);
    let token = waiting.token.as_str();
    let limits = Limits {
        until: Instant::now() + TRYING,
        patience: PATIENCE,
    };
    let outgoing = if waiting.edit.updates() {
        let route = Route::WebhookFollowupMessages {
            application_id,
            token,
        };
        let how = (Repeat::Doubles, limits);
        Outgoing::new((LightMethod::Post, route), message, None, how)
    } else {
        let route = Route::WebhookOriginalInteractionResponse {
            application_id,
            token,
        };
        let how = (Repeat::Safe, limits);
        Outgoing::new((LightMethod::Patch, route), message, None, how)
    };
    match outgoing {
        Ok(outgoing) => matches!(delivery::ask(http, &outgoing).await, Answered::Yes(_)),
        Err(error) => {
            tracing::error!(%error, "what became of an edit can't be written");
            false
        }
    }
}
