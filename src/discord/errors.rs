//! The one error edge: what went wrong, as the caller is told and as the log keeps it.

use super::context::Call;
use super::reply::Reply;
use super::views;
use crate::i18n::Message;
use crate::metrics::Outcome;
use crate::service::{ServiceError, StoreError};

/// Why a command or click was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What the caller gave can't be used; the message tells why.
    #[error("refused: {}", .0.key().id())]
    Told(Box<Message>),
    /// A use case refused or failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A bug, or something that should not have happened.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    /// What the caller gave can't be used.
    #[must_use]
    pub fn told(message: impl Into<Message>) -> Self {
        Self::Told(Box::new(message.into()))
    }
}

/// How an interaction ends with it.
#[must_use]
pub const fn outcome(failure: &Failure) -> Outcome {
    match failure {
        Failure::Service(ServiceError::Store(StoreError::Unreachable(_))) => Outcome::Unreachable,
        Failure::Internal(_)
        | Failure::Service(ServiceError::OutcomeUnknown | ServiceError::Store(_)) => {
            Outcome::Failed
        }
        Failure::Told(_) | Failure::Service(_) => Outcome::Refused,
    }
}

/// What the caller is told. What is not the caller's to mend goes to the log, under a reference
/// that the caller sees too.
#[must_use]
pub fn reply(call: &Call, failure: Failure) -> Reply {
    call.measured.ended(outcome(&failure));
    let locale = call.locale;
    let error = match failure {
        Failure::Told(message) => return views::errors::told(&message, locale),
        Failure::Service(error) => error,
        Failure::Internal(what) => return internal(call, &what),
    };
    match error {
        ServiceError::OutcomeUnknown => {
            let reference = call.services.reference();
            tracing::error!(op.id = %call.id, error.reference = reference, "the outcome of a commit stays unknown");
            views::errors::outcome_unknown(&reference, locale)
        }
        ServiceError::Store(
            StoreError::Unreachable(error)
            | StoreError::NotReady(error)
            | StoreError::ReadOnly(error),
        ) => {
            tracing::warn!(op.id = %call.id, %error, "the database is away");
            views::errors::unreachable(locale)
        }
        ServiceError::Store(error) => internal(call, &format!("{error}: {error:?}")),
        error => views::errors::service(&error, locale),
    }
}

fn internal(call: &Call, what: &str) -> Reply {
    let reference = call.services.reference();
    tracing::error!(op.id = %call.id, error.reference = reference, error = what, "internal error");
    views::errors::internal(&reference, call.locale)
}
