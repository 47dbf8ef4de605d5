//! Which kind of client people are signed in on, as far as Discord tells: only with the privileged
//! presence intent, and only which clients are signed in, not which one somebody acts on. So only
//! those are kept who are signed in on one kind of client: what that names is the best guess there is.
//!
//! The library handles each event in a task of its own, so in a burst of them an older one can come
//! last. That is a wrong guess until the person's next change, and attribution by presence is told
//! as a guess.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serenity::all::{ClientStatus, Context, Event, OnlineStatus, Presence, RawEventHandler};
use serenity::model::id::{GuildId, UserId};

use crate::domain::session::Platform;

/// How many people are kept, in all guilds; tens of bytes each. Whoever is not is recognised by the
/// session used last.
const MOST_PEOPLE: usize = 200_000;

/// What is known. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Presences(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    known: RwLock<Known>,
    refused: AtomicBool,
}

#[derive(Debug, Default)]
struct Known {
    guilds: HashMap<GuildId, HashMap<UserId, Platform>>,
    people: usize,
}

impl Presences {
    /// The only kind of client that somebody is signed in on, if it is one and is known.
    #[must_use]
    pub fn platform(&self, guild: GuildId, user: UserId) -> Option<Platform> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.guilds.get(&guild)?.get(&user).copied()
    }

    /// Whether Discord refuses to tell.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Discord refuses to tell from now on: what was known grows old, and is forgotten.
    pub(super) fn refuse(&self) {
        self.0.refused.store(true, Ordering::Relaxed);
        self.change(|known| *known = Known::default());
    }

    fn learn(&self, event: &Event) {
        match event {
            Event::GuildCreate(created) => {
                let (guild, presences) = (created.guild.id, created.guild.presences.values());
                self.change(|known| {
                    known.forget(guild);
                    presences.for_each(|presence| known.see(guild, presence));
                });
            }
            Event::PresenceUpdate(update) => {
                if let Some(guild) = update.presence.guild_id {
                    self.change(|known| known.see(guild, &update.presence));
                }
            }
            Event::GuildDelete(deleted) => self.change(|known| known.forget(deleted.guild.id)),
            _ => {}
        }
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        let known = self.0.known.write();
        change(&mut known.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Known {
    fn see(&mut self, guild: GuildId, presence: &Presence) {
        let user = presence.user.id;
        let Some(platform) = presence.client_status.as_ref().and_then(only_one) else {
            return self.forget_person(guild, user);
        };
        let people = self.guilds.entry(guild).or_default();
        if let Some(known) = people.get_mut(&user) {
            *known = platform;
        } else if self.people < MOST_PEOPLE {
            people.insert(user, platform);
            self.people += 1;
        }
    }

    fn forget_person(&mut self, guild: GuildId, user: UserId) {
        let people = self.guilds.get_mut(&guild);
        if people.and_then(|people| people.remove(&user)).is_some() {
            self.people -= 1;
        }
    }

    fn forget(&mut self, guild: GuildId) {
        let people = self.guilds.remove(&guild);
        self.people -= people.map_or(0, |people| people.len());
    }
}

/// The kind of client, if somebody is signed in on just one.
fn only_one(status: &ClientStatus) -> Option<Platform> {
    let clients = [
        (status.desktop, Platform::Desktop),
        (status.mobile, Platform::Mobile),
        (status.web, Platform::Web),
    ];
    let is_away = |status| matches!(status, OnlineStatus::Offline | OnlineStatus::Invisible);
    let mut signed_in = clients
        .into_iter()
        .filter(|(status, _)| status.is_some_and(|status| !is_away(status)));
    let (_, platform) = signed_in.next()?;
    signed_in.next().is_none().then_some(platform)
}

#[serenity::async_trait]
impl RawEventHandler for Presences {
    async fn raw_event(&self, _: Context, event: Event) {
        self.learn(&event);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GUILD: GuildId = GuildId::new(1);
    const OTHER: GuildId = GuildId::new(2);

    fn presence(user: u64, clients: &serde_json::Value) -> Presence {
        let json = json!({
            "user": { "id": user.to_string() },
            "status": "online",
            "client_status": clients,
        });
        serde_json::from_value(json).unwrap()
    }

    fn seen(clients: &serde_json::Value) -> Option<Platform> {
        let mut known = Known::default();
        known.see(GUILD, &presence(7, clients));
        assert_eq!(
            known.people,
            known.guilds.get(&GUILD).map_or(0, HashMap::len)
        );
        known.guilds.get(&GUILD)?.get(&UserId::new(7)).copied()
    }

    #[test]
    fn only_one_kind_of_client_is_told() {
        assert_eq!(seen(&json!({"mobile": "online"})), Some(Platform::Mobile));
        assert_eq!(seen(&json!({"desktop": "dnd"})), Some(Platform::Desktop));
        assert_eq!(seen(&json!({"web": "idle"})), Some(Platform::Web));
        assert_eq!(
            seen(&json!({"web": "idle", "mobile": "offline"})),
            Some(Platform::Web)
        );
        for none in [
            json!({}),
            json!(null),
            json!({"desktop": "offline"}),
            json!({"desktop": "online", "mobile": "idle"}),
            json!({"vr": "online"}),
        ] {
            assert_eq!(seen(&none), None, "{none}");
        }
    }

    #[test]
    fn people_are_counted_and_no_more_are_kept_than_the_bound() {
        let mut known = Known::default();
        let (phone, pc) = (json!({"mobile": "online"}), json!({"desktop": "online"}));
        known.people = MOST_PEOPLE - 2;
        for user in 1..=3 {
            known.see(GUILD, &presence(user, &phone));
        }
        assert_eq!(known.guilds[&GUILD].len(), 2);
        // Those who are kept still change.
        known.see(GUILD, &presence(1, &pc));
        assert_eq!(known.guilds[&GUILD][&UserId::new(1)], Platform::Desktop);
        // Whoever goes makes room.
        known.see(GUILD, &presence(1, &json!({})));
        known.see(GUILD, &presence(1, &json!({})));
        known.see(OTHER, &presence(1, &phone));
        assert_eq!((known.people, known.guilds[&OTHER].len()), (MOST_PEOPLE, 1));
        known.forget(GUILD);
        known.forget(GUILD);
        assert_eq!(known.people, MOST_PEOPLE - 1);
    }
}
