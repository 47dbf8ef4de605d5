//! The device session of an operation: found, opened, ended, in the same transaction.

use crate::domain::event::{Action, Via};
use crate::domain::ids::{DeviceId, OpId};
use crate::domain::session::{Attribution, EndReason, Platform, Session};

use super::{Draft, Operation, SessionNeed};
use crate::service::ServiceError;

impl Operation<'_> {
    /// Sessions that ran out since anyone looked are ended by an event of their own.
    pub(super) fn end_expired_sessions(&mut self) {
        let (limits, now) = (self.services.limits, self.applied_at);
        let (expired, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.sessions)
            .into_iter()
            .partition(|s| s.expiry(limits, now).is_some());
        self.sessions = open;
        for mut session in expired {
            let Some(reason) = session.expiry(limits, now) else {
                continue;
            };
            let change = session.close(reason, now);
            self.before.push(Draft {
                op: OpId::new(format!("expiry/{}", session.device_id)),
                at: now,
                actor: None,
                device: Some(session.device_id.clone()),
                attribution: None,
                via: Via::Schedule,
                action: Action::SessionClose,
                table: None,
                changes: vec![change],
                reason: None,
                overwrote: None,
                undoes: None,
            });
            self.ended.push(session);
        }
    }

    /// Finds the session that the operation needs.
    pub(super) fn take_session(&mut self, need: SessionNeed) -> Result<(), ServiceError> {
        match need {
            SessionNeed::OpensItself => {}
            SessionNeed::FindOrOpen => self.find_session(true),
            SessionNeed::Find => self.find_session(false),
            SessionNeed::Exact => {
                self.find_session(false);
                let found = self.session.as_ref().map(|(_, attribution)| *attribution);
                if found != Some(Attribution::Exact) {
                    return Err(ServiceError::PanelEnded);
                }
            }
        }
        Ok(())
    }

    /// The rules `exact`, `recent` and `new`, in this order.
    fn find_session(&mut self, or_open: bool) {
        let clicked = self.request.device.as_ref();
        let exact = self
            .sessions
            .iter()
            .position(|s| Some(&s.device_id) == clicked);
        let (index, attribution) = match exact {
            Some(index) => (index, Attribution::Exact),
            None if !self.sessions.is_empty() => (0, Attribution::Recent),
            None if !or_open => return,
            None => {
                let session = self.new_session(Platform::Unknown, None);
                self.before.push(Draft {
                    op: self.request.op.with_suffix("session"),
                    at: self.request.at,
                    actor: Some(self.request.actor),
                    device: Some(session.device_id.clone()),
                    attribution: Some(Attribution::New),
                    via: self.request.via,
                    action: Action::SessionOpen,
                    table: None,
                    changes: session.opened(),
                    reason: None,
                    overwrote: None,
                    undoes: None,
                });
                self.session = Some((session, Attribution::New));
                return;
            }
        };
        self.session = Some((self.sessions.remove(index), attribution));
    }

    fn new_session(&self, platform: Platform, label: Option<String>) -> Session {
        let id = self.services.entropy.device_id();
        let session = Session::open(id, self.request.actor, platform, label, self.applied_at);
        Session {
            // What was before is no news for it.
            news_seq: self.head_seq.0,
            told_seq: self.head_seq.0,
            ..session
        }
    }

    /// Opens a session as the operation's own change.
    pub(in crate::service) fn log_in(&mut self, label: Option<String>) {
        let session = self.new_session(Platform::Unknown, label);
        self.changes.extend(session.opened());
        self.session = Some((session, Attribution::New));
    }

    /// The caller's open sessions, the one in use first.
    pub(in crate::service) fn open_sessions(&self) -> impl Iterator<Item = &Session> {
        self.session
            .iter()
            .map(|(session, _)| session)
            .chain(&self.sessions)
    }

    /// Ends one of the caller's open sessions as the operation's own change.
    pub(in crate::service) fn end_session(&mut self, id: &DeviceId, reason: EndReason) {
        let now = self.applied_at;
        if let Some((session, _)) = self
            .session
            .as_mut()
            .filter(|(session, _)| &session.device_id == id)
        {
            self.changes.push(session.close(reason, now));
        } else if let Some(index) = self.sessions.iter().position(|s| &s.device_id == id) {
            let mut session = self.sessions.remove(index);
            self.changes.push(session.close(reason, now));
            self.ended.push(session);
        }
    }
}
