//! Device sessions, as their person sees them.

use super::words::{ago, attribution, platform_of};
use super::{card, shown};
use crate::discord::reply::Reply;
use crate::domain::session::{Attribution, Session};
use crate::i18n::{Locale, Message, keys};

/// The open sessions, the current one first, and how it was recognised.
#[must_use]
pub fn list(sessions: &[Session], how: Attribution, locale: Locale) -> Reply {
    let lines: Vec<String> = sessions
        .iter()
        .enumerate()
        .map(|(place, session)| {
            let line = line(session, locale);
            if place == 0 {
                current(&line, how, locale)
            } else {
                line
            }
        })
        .collect();
    Reply::card(card(
        &locale.text(&keys::SESSIONS_TITLE.into()),
        &lines,
        None,
        locale,
    ))
}

/// The session that was switched to.
#[must_use]
pub fn used(session: &Session, locale: Locale) -> Reply {
    let message = Message::new(keys::SESSION_USED).with("session", line(session, locale));
    Reply::text(locale.text(&message))
}

fn current(line: &str, how: Attribution, locale: Locale) -> String {
    let message = Message::new(keys::SESSION_CURRENT)
        .with("session", line)
        .with("how", attribution(how, locale));
    locale.text(&message)
}

pub(super) fn line(session: &Session, locale: Locale) -> String {
    let unnamed = || locale.text(&keys::SESSION_UNNAMED.into());
    let label = session.label.as_deref().map_or_else(unnamed, shown);
    let message = Message::new(keys::SESSION_LINE)
        .with("label", label)
        .with("id", session.device_id.short())
        .with("platform", platform_of(session.platform.as_str(), locale))
        .with("since", ago(session.login_at))
        .with("seen", ago(session.last_seen_at));
    locale.text(&message)
}
