//! What this process saw last of people's sessions and panels: for the time when the database is
//! away, and for nothing else. It may be forgotten at any time.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ids::{DeviceId, GuildId, TableId, UserId};
use crate::domain::panel::Picked;
use crate::domain::session::{Session, recognised};

use super::{Request, Services};

/// People of whom sessions are remembered, and panels: with more, it begins anew.
const MOST: usize = 10_000;

/// Sessions of one person that are remembered.
const SESSIONS: usize = 8;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Sessions by person, most recently used first.
    sessions: Mutex<HashMap<(GuildId, UserId), Vec<Session>>>,
    /// Tables that were used since somebody asked.
    used: Mutex<HashSet<(GuildId, TableId)>>,
    /// Who was picked on panels.
    picked: Mutex<HashMap<(DeviceId, TableId), Picked>>,
}

impl Services {
    /// Remembers that somebody uses a session, as it is now.
    pub(super) fn saw_session(&self, request: &Request, session: &Session) {
        if let Some(table) = session.last_table {
            self.saw_table(request.guild, table);
        }
        let mut all = room(&self.seen.sessions);
        let sessions = all.entry((request.guild, session.user_id)).or_default();
        sessions.retain(|other| other.device_id != session.device_id);
        if session.ended_at.is_none() {
            sessions.insert(0, session.clone());
        }
        sessions.truncate(SESSIONS);
    }

    /// The session that a request comes from, as far as this process can tell by itself.
    #[must_use]
    pub fn seen_session(&self, request: &Request) -> Option<Session> {
        let all = room(&self.seen.sessions);
        let sessions = all.get(&(request.guild, request.actor))?;
        // By Discord's clock, since there is no other without the database.
        let is_open = |session: &&Session| session.expiry(self.limits, request.at).is_none();
        let open: Vec<Session> = sessions.iter().filter(is_open).cloned().collect();
        let (index, _) = recognised(&open, request.device.as_ref(), request.platform)?;
        open.get(index).cloned()
    }

    /// Remembers that a table was used.
    pub(super) fn saw_table(&self, guild: GuildId, table: TableId) {
        let mut used = locked(&self.seen.used);
        if used.len() < MOST {
            used.insert((guild, table));
        }
    }

    /// The tables that were edited, shown on a board, or looked at since this was asked the last time.
    #[must_use]
    pub fn used_tables(&self) -> Vec<(GuildId, TableId)> {
        locked(&self.seen.used).drain().collect()
    }

    /// Remembers who is picked on a panel.
    pub(super) fn saw_picked(&self, device: &DeviceId, table: TableId, picked: Picked) {
        room(&self.seen.picked).insert((device.clone(), table), picked);
    }

    /// Who was picked on a panel, as it was shown last.
    pub(super) fn seen_picked(&self, device: &DeviceId, table: TableId) -> Option<Picked> {
        room(&self.seen.picked)
            .get(&(device.clone(), table))
            .cloned()
    }
}

/// What is remembered, with room for one more.
fn room<K, V>(map: &Mutex<HashMap<K, V>>) -> MutexGuard<'_, HashMap<K, V>> {
    let mut map = locked(map);
    if map.len() >= MOST {
        map.clear();
    }
    map
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
