//! What was asked and what was refused, so that tests can assert on it.

use std::time::Instant;

use serde_json::Value;

use crate::fault::{Effect, Fault};

/// A request that the stand-in refused (any 4xx it answered).
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP method.
    pub method: String,
    /// The path, without `/api/v10`.
    pub path: String,
    /// The JSON body that was sent.
    pub body: Value,
    /// The HTTP status of the refusal.
    pub status: u16,
    /// Discord's error code.
    pub code: u32,
    /// Discord's message with the errors of each field.
    pub reason: String,
}

/// A request body that does not follow Discord's official description.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The HTTP method.
    pub method: String,
    /// The path, without `/api/v10`.
    pub path: String,
    /// The body that was sent.
    pub body: Value,
    /// What the schema says is wrong.
    pub errors: Vec<String>,
}

/// Any request, in the order in which they came.
#[derive(Clone, Debug)]
pub struct Requested {
    /// The HTTP method.
    pub method: String,
    /// The path, without `/api/v10`.
    pub path: String,
    /// The HTTP status that was answered; 0 if the connection was closed instead.
    pub status: u16,
    /// When it was carried out.
    pub at: Instant,
}

/// One step of the story, for people to read.
#[derive(Clone, Debug)]
pub struct Step {
    /// The member's name.
    pub who: String,
    /// The device's label.
    pub device: String,
    /// What was done: the command with its options, the button, the modal.
    pub what: String,
    /// The visible text of the reply.
    pub reply: String,
}

#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) requests: Vec<Requested>,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) transcript: Vec<Step>,
    pub(crate) faults: Vec<Fault>,
    /// Gateway connections that were refused: close code and reason.
    pub(crate) closes: Vec<(u16, String)>,
}

impl Records {
    /// What was ordered for a request, used up by asking. The first order that fits wins.
    pub(crate) fn take_fault(&mut self, method: &str, path: &str, after: bool) -> Option<Effect> {
        let mut faults = self.faults.iter_mut();
        faults.find_map(|fault| fault.strike(method, path, after))
    }
}
