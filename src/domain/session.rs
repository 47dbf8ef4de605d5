//! Device sessions: one Discord client of one person in one guild.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::event::{Change, What};
use super::ids::{DeviceId, TableId, UserId};

/// The kind of Discord client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// The desktop app.
    Desktop,
    /// The phone or tablet app.
    Mobile,
    /// The browser.
    Web,
    /// Discord does not say.
    Unknown,
}

impl Platform {
    /// The word the database keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Web => "web",
            Self::Unknown => "unknown",
        }
    }
}

/// By which rule a session was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attribution {
    /// The click's `custom_id` carried it.
    Exact,
    /// The person's presence names one platform.
    Presence,
    /// The most recently used open one.
    Recent,
    /// It was opened for this very operation.
    New,
}

impl Attribution {
    /// The word the database keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Presence => "presence",
            Self::Recent => "recent",
            Self::New => "new",
        }
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// Its person logged out.
    Logout,
    /// A moderator ended it.
    Moderator,
    /// It was not used for too long.
    Idle,
    /// It was open for too long.
    Lifetime,
    /// Its opening was undone.
    Undo,
}

impl EndReason {
    /// The word the database keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Moderator => "moderator",
            Self::Idle => "idle",
            Self::Lifetime => "lifetime",
            Self::Undo => "undo",
        }
    }
}

/// The rules `exact`, `presence` and `recent`, in this order, among a person's open sessions, most
/// recently used first: which of them an interaction comes from. None means that a session is
/// opened for it, and [`by_opening`] which rule that is.
#[must_use]
pub fn recognised(
    open: &[Session],
    clicked: Option<&DeviceId>,
    seen_on: Option<Platform>,
) -> Option<(usize, Attribution)> {
    let exact = open
        .iter()
        .position(|session| Some(&session.device_id) == clicked);
    if let Some(index) = exact {
        return Some((index, Attribution::Exact));
    }
    match seen_on {
        Some(platform) => open
            .iter()
            .position(|session| session.platform == platform)
            .map(|index| (index, Attribution::Presence)),
        None => (!open.is_empty()).then_some((0, Attribution::Recent)),
    }
}

/// The rule by which a session is opened where none was recognised: `presence` where that names
/// the platform, else `new`.
#[must_use]
pub fn by_opening(seen_on: Option<Platform>) -> Attribution {
    seen_on.map_or(Attribution::New, |_| Attribution::Presence)
}

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without use; 12 h unless configured.
    pub idle: TimeDelta,
    /// From the login on; 7 days unless configured.
    pub lifetime: TimeDelta,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            idle: TimeDelta::hours(12),
            lifetime: TimeDelta::days(7),
        }
    }
}

/// An open or ended device session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// New for each login.
    pub device_id: DeviceId,
    /// Whose it is.
    pub user_id: UserId,
    /// The kind of client, where known.
    pub platform: Platform,
    /// What its person calls it.
    pub label: Option<String>,
    /// When it was opened.
    pub login_at: DateTime<Utc>,
    /// When it was last used.
    pub last_seen_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// The table it used or looked at last.
    pub last_table: Option<TableId>,
    /// The layout its person chose.
    pub layout: Option<String>,
    /// Events up to this one are no news for it.
    #[serde(default)]
    pub news_seq: i64,
    /// The newest event of which it was told that it missed it.
    #[serde(default)]
    pub told_seq: i64,
    /// What others did since [`Self::news_seq`], as far as it was counted.
    #[serde(default, skip_serializing)]
    pub missed: Missed,
}

/// Changes that a session has not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Missed {
    /// How many; [`Missed::MOST`] stands for more.
    pub count: i64,
    /// The newest one's number.
    pub newest: i64,
}

impl Missed {
    /// As far as they are counted.
    pub const MOST: i64 = 100;
}

impl Session {
    /// A session that opens now.
    #[must_use]
    pub const fn open(
        device_id: DeviceId,
        user_id: UserId,
        platform: Platform,
        label: Option<String>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            device_id,
            user_id,
            platform,
            label,
            login_at: now,
            last_seen_at: now,
            ended_at: None,
            end_reason: None,
            last_table: None,
            layout: None,
            news_seq: 0,
            told_seq: 0,
            missed: Missed {
                count: 0,
                newest: 0,
            },
        }
    }

    /// Why it is over at `now`, if it is over by its age.
    #[must_use]
    pub fn expiry(&self, limits: SessionLimits, now: DateTime<Utc>) -> Option<EndReason> {
        if self.login_at + limits.lifetime <= now {
            Some(EndReason::Lifetime)
        } else if self.last_seen_at + limits.idle <= now {
            Some(EndReason::Idle)
        } else {
            None
        }
    }

    /// The changes that tell of its opening.
    #[must_use]
    pub fn opened(&self) -> Vec<Change> {
        let mut changes = vec![
            self.change("user").after(self.user_id.to_string()),
            self.change("platform").after(self.platform.as_str()),
        ];
        if let Some(label) = &self.label {
            changes.push(self.change("label").after(label.clone()));
        }
        changes
    }

    /// Calls it otherwise, and tells so.
    pub fn rename(&mut self, label: String) -> Change {
        let change = self.change("label");
        let before = self.label.replace(label.clone());
        change.before(before).after(label)
    }

    /// Ends it, and tells so.
    pub fn close(&mut self, reason: EndReason, now: DateTime<Utc>) -> Change {
        self.ended_at = Some(now);
        self.end_reason = Some(reason);
        self.change("ended").after(reason.as_str())
    }

    fn change(&self, field: &str) -> Change {
        Change::new(
            What::Session,
            self.device_id.to_string(),
            self.label.clone(),
            field,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(byte: u8, platform: Platform) -> Session {
        let (id, user) = (DeviceId::from_bytes([byte; 16]), UserId::from_db(1));
        Session::open(id, user, platform, None, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_click_goes_before_presence_and_presence_before_use() {
        let open = [
            session(1, Platform::Unknown),
            session(2, Platform::Desktop),
            session(3, Platform::Mobile),
            session(4, Platform::Desktop),
        ];
        let clicked = |byte: u8| DeviceId::from_bytes([byte; 16]);
        let desktop = Some(Platform::Desktop);
        let found = |click: Option<u8>, seen| recognised(&open, click.map(clicked).as_ref(), seen);
        assert_eq!(found(Some(4), desktop), Some((3, Attribution::Exact)));
        assert_eq!(found(Some(3), desktop), Some((2, Attribution::Exact)));
        // A click whose session ended.
        assert_eq!(found(Some(9), desktop), Some((1, Attribution::Presence)));
        assert_eq!(found(Some(9), None), Some((0, Attribution::Recent)));
        assert_eq!(found(None, desktop), Some((1, Attribution::Presence)));
        assert_eq!(found(None, Some(Platform::Web)), None);
        assert_eq!(recognised(&[], None, None), None);
        assert_eq!(by_opening(Some(Platform::Web)), Attribution::Presence);
        assert_eq!(by_opening(None), Attribution::New);
    }

    #[test]
    fn a_new_label_is_told_with_the_old_one() {
        let mut session = session(1, Platform::Mobile);
        let first = session.rename("Telefon".to_owned());
        assert_eq!((first.name, first.before), (None, serde_json::Value::Null));
        let second = session.rename("Telefon vechi".to_owned());
        assert_eq!(second.name.as_deref(), Some("Telefon"));
        assert_eq!(
            (second.before, second.after),
            ("Telefon".into(), "Telefon vechi".into())
        );
        assert_eq!(session.label.as_deref(), Some("Telefon vechi"));
    }

    #[test]
    fn a_session_ends_by_idleness_or_age() {
        let start = DateTime::UNIX_EPOCH;
        let limits = SessionLimits::default();
        let mut session = session(1, Platform::Unknown);
        assert_eq!(
            session.expiry(limits, start + TimeDelta::minutes(719)),
            None
        );
        assert_eq!(
            session.expiry(limits, start + TimeDelta::hours(12)),
            Some(EndReason::Idle)
        );
        session.last_seen_at = start + TimeDelta::days(7) - TimeDelta::seconds(1);
        assert_eq!(
            session.expiry(limits, start + TimeDelta::days(7)),
            Some(EndReason::Lifetime)
        );
    }
}
