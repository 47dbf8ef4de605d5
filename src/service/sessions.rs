//! Device sessions: logging in and out, and finding the one a request comes from.

use crate::domain::access::{Place, Right};
use crate::domain::event::Action;
use crate::domain::ids::{DeviceId, UserId};
use crate::domain::name::fold;
use crate::domain::session::{Attribution, EndReason, Session, by_opening, recognised};
use crate::store::StoreError;
use crate::store::sessions::{self, Use};

use super::operation::{Ask, Begun, Receipt, SessionNeed};
use super::view::pages_of;
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

/// Sessions on one page of the guild's.
pub const PAGE_SESSIONS: i64 = 10;

/// A page of the guild's open sessions.
#[derive(Debug, Clone)]
pub struct SessionsPage {
    /// The sessions, most recently used first.
    pub sessions: Vec<Session>,
    /// Only this person's.
    pub who: Option<UserId>,
    /// Which page, from 0.
    pub page: u32,
    /// How many pages there are, at least 1.
    pub pages: u32,
    /// How many sessions there are.
    pub total: i64,
    /// Whether the caller may end them.
    pub may_end: bool,
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
        op.log_in(label, Attribution::New);
        op.finish(Action::SessionOpen, None, None).await
    }

    /// Ends sessions of the caller's own.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`] if none is meant; nothing is changed then.
    pub async fn log_out(&self, request: &Request, which: &Which) -> Result<Receipt, ServiceError> {
        let ask = Ask {
            // To end the one in use, none is opened; to end others, one has to be in use.
            session: match which {
                Which::Current => SessionNeed::Find,
                Which::AllOthers | Which::Named(_) => SessionNeed::FindOrOpen,
            },
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let open: Vec<Session> = op.open_sessions().cloned().collect();
        let meant: Vec<DeviceId> = match which {
            Which::Current => op.current_device().into_iter().collect(),
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

    /// Gives a session of the caller's another label; the one in use, without `given`.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`] if none is meant; nothing is changed then.
    pub async fn rename_session(
        &self,
        request: &Request,
        given: Option<&str>,
        label: String,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, Ask::default()).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let open: Vec<Session> = op.open_sessions().cloned().collect();
        let meant = match given {
            Some(given) => Some(find(&open, given)?),
            None => open.first(),
        };
        if let Some(session) = meant {
            op.rename_session(&session.device_id, label);
        }
        op.finish(Action::SessionRename, None, None).await
    }

    /// A page of the guild's open sessions, everybody's or one person's.
    ///
    /// # Errors
    /// No right, or the database fails.
    pub async fn guild_sessions(
        &self,
        request: &Request,
        who: Option<UserId>,
        page: u32,
    ) -> Result<SessionsPage, ServiceError> {
        let authority = self.authority(request).await?;
        authority.require(Right::AuditView, Place::GUILD)?;
        let mut conn = self.connection().await?;
        let (guild, limits) = (request.guild, self.limits);
        let total = sessions::count_open(&mut conn, guild, who, limits).await?;
        let pages = pages_of(total, PAGE_SESSIONS);
        // Sessions may have ended since the button was made.
        let page = page.min(pages - 1);
        let part = (i64::from(page) * PAGE_SESSIONS, PAGE_SESSIONS);
        let sessions = sessions::open_in(&mut conn, guild, who, limits, part).await?;
        Ok(SessionsPage {
            sessions,
            who,
            page,
            pages,
            total,
            may_end: authority.may(Right::SettingsManage, Place::GUILD),
        })
    }

    /// Ends anybody's session, as a moderator.
    ///
    /// # Errors
    /// No right, or [`ServiceError::SessionOver`]; nothing is changed then.
    pub async fn end_session(
        &self,
        request: &Request,
        device: &DeviceId,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, Ask::default()).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        op.authority()
            .require(Right::SettingsManage, Place::GUILD)?;
        if op
            .open_sessions()
            .any(|session| &session.device_id == device)
        {
            op.end_session(device, EndReason::Logout);
        } else {
            let session = sessions::by_id(op.conn(), request.guild, device).await?;
            let session = session.filter(|session| session.ended_at.is_none());
            let session = session.ok_or_else(|| ServiceError::SessionOver {
                session: device.short().to_owned(),
            })?;
            op.end_others_session(session, EndReason::Moderator);
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
        sessions::touch(&mut conn, request.guild, &session, Use::default()).await?;
        self.saw_session(request, &session);
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
        sessions::touch(&mut conn, request.guild, &current, Use::default()).await?;
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
        match choose(open, request) {
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
        if let Some(found) = choose(open, request) {
            return Ok(found);
        }
        op.log_in(None, by_opening(request.platform));
        opened(op.finish(Action::SessionOpen, None, None).await?)
    }
}

fn opened(receipt: Receipt) -> Result<(Session, Attribution), ServiceError> {
    let session = receipt.session.ok_or(StoreError::Corrupt("a session"))?;
    let rule = receipt.event.attribution.unwrap_or(Attribution::New);
    Ok((session, rule))
}

/// The one of the caller's open sessions, most recently used first, that a request comes from.
pub(super) fn choose(mut open: Vec<Session>, request: &Request) -> Option<(Session, Attribution)> {
    let (index, rule) = recognised(&open, request.device.as_ref(), request.platform)?;
    Some((open.remove(index), rule))
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
