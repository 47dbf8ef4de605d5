//! Device sessions: logging in and out, and finding the one a request comes from.

use crate::domain::event::Action;
use crate::domain::ids::DeviceId;
use crate::domain::name::fold;
use crate::domain::session::{Attribution, EndReason, Session};
use crate::store::{StoreError, sessions};

use super::operation::{Ask, Begun, Receipt, SessionNeed};
use super::{Request, ServiceError, Services};

/// Which of the caller's sessions a command means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one the request comes from.
    Current,
    /// All but that one.
    AllOthers,
    /// By `device_id`, its first characters, or its label.
    Named(String),
}

impl Services {
    /// Opens a session, always a new one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn log_in(
        &self,
        request: &Request,
        label: Option<String>,
    ) -> Result<Receipt, ServiceError> {
        let ask = Ask {
            session: SessionNeed::OpensItself,
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        op.log_in(label);
        op.finish(Action::SessionOpen, None, None).await
    }

    /// Ends sessions of the caller's own.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`] if none is meant; nothing is changed then.
    pub async fn log_out(&self, request: &Request, which: &Which) -> Result<Receipt, ServiceError> {
        let ask = Ask {
            session: SessionNeed::Find,
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let open: Vec<Session> = op.open_sessions().cloned().collect();
        let meant: Vec<DeviceId> = match which {
            Which::Current => open.iter().take(1).map(|s| s.device_id.clone()).collect(),
            Which::AllOthers => open.iter().skip(1).map(|s| s.device_id.clone()).collect(),
            Which::Named(given) => vec![find(&open, given)?.device_id.clone()],
        };
        if meant.is_empty() {
            return Err(ServiceError::UnknownSession {
                session: String::new(),
            });
        }
        for id in &meant {
            op.end_session(id, EndReason::Logout);
        }
        op.finish(Action::SessionClose, None, None).await
    }

    /// Makes a session of the caller's the most recently used one.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`] if none is meant.
    pub async fn use_session(
        &self,
        request: &Request,
        given: &str,
    ) -> Result<Session, ServiceError> {
        let mut conn = self.connection().await?;
        let open = sessions::open_of(&mut conn, request.guild, request.actor, self.limits).await?;
        let session = find(&open, given)?.clone();
        sessions::touch(&mut conn, request.guild, &session, None, None).await?;
        Ok(session)
    }

    /// The caller's open sessions, the current one first, and how it was recognised.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn list_sessions(
        &self,
        request: &Request,
    ) -> Result<(Vec<Session>, Attribution), ServiceError> {
        let (current, attribution) = self.session(request).await?;
        let mut conn = self.connection().await?;
        sessions::touch(&mut conn, request.guild, &current, None, None).await?;
        let mut open =
            sessions::open_of(&mut conn, request.guild, request.actor, self.limits).await?;
        open.retain(|session| session.device_id != current.device_id);
        open.insert(0, current);
        Ok((open, attribution))
    }

    /// The session a request that only reads comes from; one is opened if there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn session(&self, request: &Request) -> Result<(Session, Attribution), ServiceError> {
        let (guild, user) = (request.guild, request.actor);
        let open = read!(self, conn => sessions::open_of(&mut conn, guild, user, self.limits))?;
        match choose(open, request.device.as_ref()) {
            Some(found) => Ok(found),
            None => self.open_session(request).await,
        }
    }

    /// Opens a session for a request that only reads, unless another has just done so.
    pub(super) async fn open_session(
        &self,
        request: &Request,
    ) -> Result<(Session, Attribution), ServiceError> {
        let opening = Request {
            op: request.op.with_suffix("session"),
            ..request.clone()
        };
        let ask = Ask {
            session: SessionNeed::OpensItself,
            ..Ask::default()
        };
        let mut op = match self.begin(&opening, ask).await? {
            Begun::Repeated(receipt) => return opened(*receipt),
            Begun::Fresh(op) => op,
        };
        let open: Vec<Session> = op.open_sessions().cloned().collect();
        if let Some(found) = choose(open, request.device.as_ref()) {
            return Ok(found);
        }
        op.log_in(None);
        opened(op.finish(Action::SessionOpen, None, None).await?)
    }
}

fn opened(receipt: Receipt) -> Result<(Session, Attribution), ServiceError> {
    let session = receipt.session.ok_or(StoreError::Corrupt("a session"))?;
    Ok((session, Attribution::New))
}

/// The rules `exact` and `recent` among open sessions, most recently used first.
pub(super) fn choose(
    mut open: Vec<Session>,
    clicked: Option<&DeviceId>,
) -> Option<(Session, Attribution)> {
    if open.is_empty() {
        return None;
    }
    let exact = open
        .iter()
        .position(|session| Some(&session.device_id) == clicked);
    let attribution = if exact.is_some() {
        Attribution::Exact
    } else {
        Attribution::Recent
    };
    Some((open.remove(exact.unwrap_or(0)), attribution))
}

/// A session by its `device_id`, at least 4 first characters of it, or its label.
fn find<'a>(open: &'a [Session], given: &str) -> Result<&'a Session, ServiceError> {
    let given = given.trim();
    let by_id = open
        .iter()
        .find(|s| given.len() >= 4 && s.device_id.as_str().starts_with(given));
    if let Some(session) = by_id {
        return Ok(session);
    }
    let label = fold(given);
    let labelled: Vec<&Session> = open
        .iter()
        .filter(|s| s.label.as_deref().map(fold).as_ref() == Some(&label))
        .collect();
    let session = given.to_owned();
    match labelled.as_slice() {
        [] => Err(ServiceError::UnknownSession { session }),
        [only] => Ok(only),
        several => {
            let ids = several
                .iter()
                .map(|s| s.device_id.short().to_owned())
                .collect();
            Err(ServiceError::AmbiguousSession { session, ids })
        }
    }
}
