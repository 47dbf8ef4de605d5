//! Everything the stand-in knows: one [`World`] behind one lock.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::{Duration, Instant},
};

use axum::body::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    gateway::Session, openapi::OpenApi, permissions, records::Records, snowflake::Snowflakes,
};

pub(crate) type Id = u64;

/// How long the token of an interaction works.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_mins(15);

/// What the builder fixes for the life of the stand-in.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) token: String,
    pub(crate) refuse_presence: bool,
    /// How long an interaction may wait for its first answer.
    pub(crate) first_answer: Duration,
    pub(crate) deferred_bound: Duration,
    pub(crate) ready_bound: Duration,
}

/// Shared by the server's tasks and the typed client.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
    pub(crate) ids: Snowflakes,
    pub(crate) settings: Settings,
    pub(crate) openapi: Option<OpenApi>,
    /// Nobody gets through.
    pub(crate) away: Arc<AtomicBool>,
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
    pub(crate) application_id: Id,
}

impl Shared {
    pub(crate) fn new(base: String, settings: Settings, openapi: Option<OpenApi>) -> Self {
        let ids = Snowflakes::default();
        let application_id = APPLICATION_ID;
        let mut world = World::default();
        let bot = User {
            id: application_id,
            name: "punctaj".to_owned(),
            bot: true,
            ..User::default()
        };
        world.users.insert(application_id, bot);
        Self {
            world: Mutex::new(world),
            changed: watch::Sender::new(0),
            ids,
            settings,
            openapi,
            away: Arc::default(),
            base,
            application_id,
        }
    }

    /// The world, locked: never held across an `await`.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whoever waits for a change of the world.
    pub(crate) fn touch(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// The application; its bot user has the same identifier, as for most applications.
pub(crate) const APPLICATION_ID: Id = 1_100_000_000_000_000_001;

/// Guilds, people, channels, messages, commands, interactions, and what went wrong.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) users: HashMap<Id, User>,
    pub(crate) guilds: BTreeMap<Id, Guild>,
    /// Guilds that the bot was thrown out of.
    pub(crate) left: BTreeMap<Id, Guild>,
    pub(crate) channels: HashMap<Id, Channel>,
    pub(crate) messages: HashMap<Id, Message>,
    pub(crate) files: HashMap<Id, StoredFile>,
    /// Registered commands; `None` are the global ones.
    pub(crate) commands: BTreeMap<Option<Id>, Vec<Value>>,
    /// Whom a guild's own settings show commands to, as Discord writes it.
    pub(crate) command_permissions: BTreeMap<Id, Vec<Value>>,
    pub(crate) registrations: u64,
    pub(crate) interactions: HashMap<Id, Interaction>,
    pub(crate) tokens: HashMap<String, Id>,
    pub(crate) nonces: HashMap<(Id, String), (Id, Instant)>,
    pub(crate) sessions: HashMap<String, Session>,
    pub(crate) records: Records,
    /// Close codes for the next that identify.
    pub(crate) turned_away: VecDeque<u16>,
    /// Added to the age of interactions: a test's way to let time pass.
    pub(crate) passed: Duration,
    /// By how many seconds the clock in the headers of answers is ahead.
    pub(crate) clock_ahead: i64,
    /// How many connections of today's are used up.
    pub(crate) starts_used: u32,
    /// How many shards are recommended beyond the first.
    pub(crate) more_shards: u32,
    /// The largest file that interactions say may be attached, where it is not Discord's default.
    pub(crate) attachment_limit: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) global_name: Option<String>,
    pub(crate) bot: bool,
    pub(crate) locale: String,
    pub(crate) closed: bool,
    pub(crate) dm_channel: Option<Id>,
    /// `desktop`, `mobile`, `web`: the status there.
    pub(crate) clients: BTreeMap<&'static str, &'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) user: Id,
    pub(crate) nick: Option<String>,
    pub(crate) roles: Vec<Id>,
    pub(crate) joined_at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) permissions: u64,
    pub(crate) position: u16,
    pub(crate) managed: bool,
}

#[derive(Debug)]
pub(crate) struct Guild {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) owner: Id,
    pub(crate) locale: String,
    pub(crate) joined_at: DateTime<Utc>,
    pub(crate) bot_role: Id,
    /// Where Discord's own messages go.
    pub(crate) system_channel: Option<Id>,
    pub(crate) roles: BTreeMap<Id, Role>,
    pub(crate) members: BTreeMap<Id, Member>,
    pub(crate) channels: Vec<Id>,
}

impl Guild {
    /// Whether a role stands below the highest one of a member. Of two at the same position, the
    /// older one stands higher.
    pub(crate) fn is_below(&self, role: &Role, user: Id) -> bool {
        let place = |role: &Role| (role.position, Reverse(role.id));
        let roles = self.members.get(&user).map(|member| &member.roles);
        let theirs = roles.into_iter().flatten();
        let theirs = theirs.filter_map(|role| self.roles.get(role));
        theirs.map(place).max() > Some(place(role))
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Place {
    Guild(Id),
    Direct(Id),
}

#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) place: Place,
    /// Permission bits that the bot is denied here.
    pub(crate) denied: u64,
    pub(crate) messages: Vec<Id>,
}

impl Channel {
    pub(crate) fn guild(&self) -> Option<Id> {
        match self.place {
            Place::Guild(id) => Some(id),
            Place::Direct(_) => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: Id,
    pub(crate) channel: Id,
    pub(crate) author: Id,
    pub(crate) interaction: Option<Id>,
    pub(crate) ephemeral: bool,
    pub(crate) deleted: bool,
    /// As Discord shows it now.
    pub(crate) json: Value,
    /// As it was before each edit, oldest first.
    pub(crate) versions: Vec<Value>,
}

#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

/// The first answer of the bot to an interaction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum First {
    /// A message, type 4.
    Message,
    /// "Thinking…", type 5.
    Deferred,
    /// Silence for now on a component, type 6.
    DeferredUpdate,
    /// The message of the component was edited, type 7.
    Update,
    /// Choices, type 8.
    Choices(Vec<Value>),
    /// A modal, type 9.
    Modal(Value),
}

#[derive(Debug)]
pub(crate) struct Interaction {
    pub(crate) id: Id,
    pub(crate) token: String,
    pub(crate) kind: u64,
    pub(crate) payload: Value,
    pub(crate) guild: Option<Id>,
    pub(crate) channel: Id,
    pub(crate) user: Id,
    /// The message whose component was used.
    pub(crate) source: Option<Id>,
    pub(crate) dispatched: Instant,
    /// [`World::passed`] when it was dispatched.
    pub(crate) passed_before: Duration,
    pub(crate) first: Option<First>,
    pub(crate) original: Option<Id>,
    /// A deferred answer was completed.
    pub(crate) completed: bool,
    pub(crate) follow_ups: Vec<Id>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) changed: watch::Sender<u64>,
}

impl Interaction {
    pub(crate) fn touch(&self) {
        self.changed.send_modify(|count| *count += 1);
    }
}

/// One request the bot made about an interaction.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The HTTP method.
    pub method: String,
    /// The path, without `/api/v10`.
    pub path: String,
    /// The JSON body.
    pub body: Value,
    /// The HTTP status the stand-in answered; 0 if it closed the connection instead.
    pub status: u16,
    /// Discord's error code, 0 when it was accepted.
    pub code: u32,
}

impl Attempt {
    /// The stand-in accepted it.
    #[must_use]
    pub fn accepted(&self) -> bool {
        matches!(self.status, 200..400)
    }
}

impl World {
    pub(crate) fn interaction(&self, id: Id) -> Option<&Interaction> {
        self.interactions.get(&id)
    }

    /// The time since an interaction was sent, as the story's clock tells it.
    pub(crate) fn age(&self, interaction: &Interaction) -> Duration {
        interaction.dispatched.elapsed() + self.passed.saturating_sub(interaction.passed_before)
    }

    pub(crate) fn guild_of_channel(&self, channel: Id) -> Option<Id> {
        self.channels.get(&channel).and_then(Channel::guild)
    }

    /// The permissions of a member, in the guild as a whole.
    pub(crate) fn permissions(&self, guild: Id, user: Id) -> u64 {
        let Some(guild) = self.guilds.get(&guild) else {
            return 0;
        };
        let Some(member) = guild.members.get(&user) else {
            return 0;
        };
        let everyone = std::iter::once(&guild.id);
        let bits = everyone
            .chain(&member.roles)
            .filter_map(|role| guild.roles.get(role))
            .fold(0, |bits, role| bits | role.permissions);
        if guild.owner == user || bits & permissions::ADMINISTRATOR != 0 {
            permissions::ALL
        } else {
            bits
        }
    }

    /// What the bot may do in a channel.
    pub(crate) fn bot_permissions(&self, channel: Id, bot: Id) -> u64 {
        let Some(channel) = self.channels.get(&channel) else {
            return 0;
        };
        match channel.guild() {
            None => permissions::EVERYONE,
            Some(guild) => match self.permissions(guild, bot) {
                permissions::ALL => permissions::ALL,
                bits => bits & !channel.denied,
            },
        }
    }

    /// The channel for direct messages with a user, made on first use.
    pub(crate) fn direct_channel(&mut self, user: Id, ids: &Snowflakes) -> Option<Id> {
        let person = self.users.get_mut(&user)?;
        let id = *person.dm_channel.get_or_insert_with(|| ids.next());
        let name = person.name.clone();
        self.channels.entry(id).or_insert_with(|| Channel {
            id,
            name,
            place: Place::Direct(user),
            denied: 0,
            messages: Vec::new(),
        });
        Some(id)
    }
}

/// A handle that many tasks hold.
pub(crate) type Handle = Arc<Shared>;
