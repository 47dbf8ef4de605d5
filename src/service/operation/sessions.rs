//! The device session of an operation: found, opened, ended, in the same transaction.

use crate::domain::event::{Action, Via};
use crate::domain::ids::{DeviceId, OpId};
use crate::domain::session::{Attribution, EndReason, Platform, Session, by_opening, recognised};

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
            self.changed_sessions.push(session);
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

    /// The rules `exact`, `presence`, `recent` and `new`, in this order.
    fn find_session(&mut self, or_open: bool) {
        let (clicked, seen_on) = (self.request.device.as_ref(), self.request.platform);
        if let Some((index, rule)) = recognised(&self.sessions, clicked, seen_on) {
            self.session = Some((self.sessions.remove(index), rule));
        } else if or_open {
            self.open_session();
        }
    }

    /// Opens a session on the way, by an event of its own.
    fn open_session(&mut self) {
        let (session, rule) = (self.new_session(None), by_opening(self.request.platform));
        self.before.push(Draft {
            op: self.request.op.with_suffix("session"),
            at: self.request.at,
            actor: Some(self.request.actor),
            device: Some(session.device_id.clone()),
            attribution: Some(rule),
            via: self.request.via,
            action: Action::SessionOpen,
            table: None,
            changes: session.opened(),
            reason: None,
            overwrote: None,
            undoes: None,
        });
        self.session = Some((session, rule));
    }

    fn new_session(&self, label: Option<String>) -> Session {
        let (id, user) = (self.services.entropy.device_id(), self.request.actor);
        let platform = self.request.platform.unwrap_or(Platform::Unknown);
        Session {
            // What was before is no news for it.
            news_seq: self.head_seq.0,
            told_seq: self.head_seq.0,
            ..Session::open(id, user, platform, label, self.applied_at)
        }
    }

    /// Opens a session as the operation's own change, by this rule.
    pub(in crate::service) fn log_in(&mut self, label: Option<String>, rule: Attribution) {
        let session = self.new_session(label);
        self.changes.extend(session.opened());
        self.session = Some((session, rule));
    }

    /// The session in use, if there is one.
    pub(in crate::service) fn current_device(&self) -> Option<DeviceId> {
        let (session, _) = self.session.as_ref()?;
        Some(session.device_id.clone())
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
            let session = self.sessions.remove(index);
            self.end_others_session(session, reason);
        }
    }

    /// Ends a session that is not the one in use as the operation's own change.
    pub(in crate::service) fn end_others_session(
        &mut self,
        mut session: Session,
        reason: EndReason,
    ) {
        self.changes.push(session.close(reason, self.applied_at));
        self.changed_sessions.push(session);
    }

    /// Renames one of the caller's open sessions as the operation's own change.
    pub(in crate::service) fn rename_session(&mut self, id: &DeviceId, label: String) {
        if let Some((session, _)) = self
            .session
            .as_mut()
            .filter(|(session, _)| &session.device_id == id)
        {
            self.changes.push(session.rename(label));
        } else if let Some(index) = self.sessions.iter().position(|s| &s.device_id == id) {
            let mut session = self.sessions.remove(index);
            self.changes.push(session.rename(label));
            self.changed_sessions.push(session);
        }
    }
}
