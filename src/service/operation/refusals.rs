//! Refused attempts as events: nothing but that they were made, and which right was missing.

use crate::domain::access::Right;
use crate::domain::event::{Action, Via};
use crate::domain::ids::{TableId, UserId};
use crate::domain::refusal::{Refusal, Tally};
use crate::service::ServiceError;

use super::{Draft, Nature, Operation, Receipt};

impl Operation<'_> {
    /// The attempt, as an event of its own, in the table that it named. One that named none is in no
    /// table, also where the session's last one was meant: nothing was looked up for it.
    pub(in crate::service) async fn refuse(
        mut self: Box<Self>,
        attempt: Action,
        table: Option<TableId>,
        right: Right,
    ) -> Result<Receipt, ServiceError> {
        self.nature = Nature::Refused;
        (self.table, self.concerns) = (None, table);
        let reason = Refusal::of(right).to_string();
        self.finish(attempt, Some(reason), None).await
    }

    /// What was only counted of a minute that is over, as an event that goes before.
    pub(in crate::service) fn tell_refusals(&mut self, user: UserId, tally: &Tally) {
        let Some(refusal) = tally.untold() else {
            return;
        };
        self.before.push(Draft {
            op: tally.op(user),
            at: self.applied_at,
            actor: Some(user),
            device: None,
            attribution: None,
            via: Via::Schedule,
            action: Action::AccessRefuse,
            table: None,
            changes: Vec::new(),
            reason: Some(refusal.to_string()),
            overwrote: None,
            undoes: None,
        });
    }

    /// The same, as the operation's own event.
    pub(in crate::service) async fn sum_up(
        mut self: Box<Self>,
        refusal: &Refusal,
    ) -> Result<Receipt, ServiceError> {
        self.request.at = self.applied_at;
        (self.table, self.session) = (None, None);
        let reason = Some(refusal.to_string());
        self.finish(Action::AccessRefuse, reason, None).await
    }

    /// Ends without an event, and keeps what is no part of the history.
    pub(in crate::service) async fn keep(self: Box<Self>) -> Result<(), ServiceError> {
        Ok(self.tx.commit().await?)
    }
}
