//! The stand-in as tests hold it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{acting::Pending, channel::Channel, guild::Guild, impossible, member::Member};
use crate::{
    fault::Fault,
    gateway::{self, Connection},
    openapi::{self, OpenApi},
    records::{Refusal, Requested, Step, Violation},
    reply::Reply,
    server::{self, Server},
    snowflake,
    state::{APPLICATION_ID, Attempt, Handle, Id, Message, Settings, Shared, World},
};

/// A running stand-in; clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct FakeDiscord {
    pub(crate) shared: Handle,
    server: Option<Arc<Server>>,
}

/// How to start a stand-in.
#[derive(Clone, Debug)]
pub struct Builder {
    address: SocketAddr,
    openapi: Option<PathBuf>,
    settings: Settings,
}

impl Builder {
    /// A fixed port instead of any free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// A fixed address and port.
    #[must_use]
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// A token of the test's choice.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.settings.token);
        self
    }

    /// Refuses the presence intent with close code 4014, as when it is not enabled.
    #[must_use]
    pub fn refuse_presence(mut self) -> Self {
        self.settings.refuse_presence = true;
        self
    }

    /// How long an interaction may wait for its first answer (3 s, as at Discord).
    #[must_use]
    pub fn first_answer(mut self, bound: Duration) -> Self {
        self.settings.first_answer = bound;
        self
    }

    /// How long a deferred answer may take before the reply counts as unfinished (60 s).
    #[must_use]
    pub fn deferred_bound(mut self, bound: Duration) -> Self {
        self.settings.deferred_bound = bound;
        self
    }

    /// How long [`FakeDiscord::ready`] waits (60 s).
    #[must_use]
    pub fn ready_bound(mut self, bound: Duration) -> Self {
        self.settings.ready_bound = bound;
        self
    }

    /// No description, even if `DISCORD_OPENAPI` names one.
    #[must_use]
    pub fn without_openapi(mut self) -> Self {
        self.openapi = None;
        self
    }

    /// Discord's official description, instead of what `DISCORD_OPENAPI` names.
    #[must_use]
    pub fn openapi(mut self, path: impl Into<PathBuf>) -> Self {
        self.openapi = Some(path.into());
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the port is taken, or the description cannot be read.
    pub async fn start(self) -> std::io::Result<FakeDiscord> {
        let listener = server::bind(self.address).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let openapi = self.openapi.as_deref().map(OpenApi::read).transpose()?;
        let shared = Arc::new(Shared::new(base, self.settings, openapi));
        let server = Server::start(listener, Arc::clone(&shared));
        Ok(FakeDiscord {
            shared,
            server: Some(Arc::new(server)),
        })
    }
}

/// A token in the shape of Discord's: the application, a stamp, a signature.
fn default_token() -> String {
    let application = BASE64_STANDARD_NO_PAD.encode(APPLICATION_ID.to_string());
    format!(
        "{application}.{}.{}",
        "fakery",
        "stand-in-for-discord-"
            .repeat(2)
            .get(..38)
            .unwrap_or_default()
    )
}

impl FakeDiscord {
    /// How to start one.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            openapi: openapi::from_environment(),
            settings: Settings {
                token: default_token(),
                refuse_presence: false,
                first_answer: Duration::from_secs(3),
                deferred_bound: Duration::from_mins(1),
                ready_bound: Duration::from_mins(1),
            },
        }
    }

    /// Starts one on a free port.
    ///
    /// # Errors
    /// When no port can be had, or the file which `DISCORD_OPENAPI` names cannot be read.
    pub async fn start() -> std::io::Result<Self> {
        Self::builder().start().await
    }

    /// A handle for the server's own routes, which must not keep it running.
    pub(crate) fn within(shared: Handle) -> Self {
        Self {
            shared,
            server: None,
        }
    }

    /// Closes the gateway and the port.
    pub async fn stop(&self) {
        if let Some(server) = &self.server {
            server.stop().await;
        }
    }

    /// `http://127.0.0.1:PORT`: what replaces `https://discord.com`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.base
    }

    /// The bot's token, without `Bot `.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.shared.settings.token
    }

    /// The application's identifier, which is also the bot user's.
    #[must_use]
    pub fn application_id(&self) -> u64 {
        self.shared.application_id
    }

    /// The guild of that name, made on first use; a connected bot is told.
    #[must_use]
    pub fn guild(&self, name: &str) -> Guild {
        Guild::open(self, name)
    }

    /// Waits until a bot is connected and has registered commands.
    pub async fn ready(&self) {
        let ready = |world: &World| {
            let connected = world
                .sessions
                .values()
                .any(crate::gateway::Session::connected);
            connected && world.registrations > 0
        };
        if !self.wait(self.shared.settings.ready_bound, ready).await {
            self.not_ready();
        }
    }

    fn not_ready(&self) -> ! {
        let world = self.shared.world();
        let why = format!(
            "no bot is ready: {} sessions are connected, commands were registered {} times; the gateway closed {:?}; refused: {:?}",
            world
                .sessions
                .values()
                .filter(|session| session.connected())
                .count(),
            world.registrations,
            world.records.closes,
            world.records.refusals,
        );
        drop(world);
        impossible(&why)
    }

    /// Waits until exactly so many sessions are connected (bounded like [`Self::ready`]).
    pub async fn connected(&self, count: usize) {
        let enough = |world: &World| {
            world
                .sessions
                .values()
                .filter(|session| session.connected())
                .count()
                == count
        };
        if !self.wait(self.shared.settings.ready_bound, enough).await {
            impossible(&format!(
                "{count} sessions were expected, there are {:?}",
                self.connections()
            ));
        }
    }

    /// Waits for a change of the world that makes `until` true; false if it takes too long.
    pub(crate) async fn wait(&self, bound: Duration, until: impl Fn(&World) -> bool) -> bool {
        let deadline = Instant::now() + bound;
        let mut changes = self.shared.changes();
        loop {
            if until(&self.shared.world()) {
                return true;
            }
            if !matches!(timeout_at(deadline, changes.changed()).await, Ok(Ok(()))) {
                return false;
            }
        }
    }

    /// The sessions that are connected now.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        let world = self.shared.world();
        let connected = world
            .sessions
            .values()
            .filter(|session| session.connected());
        connected.map(crate::gateway::Session::connection).collect()
    }

    /// Drops every gateway socket without a word; bots may resume.
    pub fn disconnect_gateway(&self) {
        self.shared.world().cut_sockets();
        self.shared.touch();
    }

    /// Drops every gateway socket and forgets the sessions: bots must identify again.
    pub fn invalidate_sessions(&self) {
        let mut world = self.shared.world();
        world.cut_sockets();
        world.sessions.clear();
        drop(world);
        self.shared.touch();
    }

    /// Discord is gone for everybody: its sockets are dropped, requests and new connections get no
    /// answer, until [`Self::come_back`].
    pub fn go_away(&self) {
        self.shared.away.store(true, Ordering::Release);
        self.disconnect_gateway();
    }

    /// Discord is there again.
    pub fn come_back(&self) {
        self.shared.away.store(false, Ordering::Release);
    }

    /// Asks the bots to reconnect (opcode 7).
    pub fn request_reconnect(&self) {
        self.shared.world().ask_to_reconnect();
    }

    /// Closes every gateway socket with a code, as Discord does: after 4000, for example, a bot may
    /// resume; after 4009 it must identify again; 4004 and 4014 tell it to stay away.
    pub fn close_gateway(&self, code: u16) {
        let mut world = self.shared.world();
        world.close_sockets(code, gateway::reason(code));
        if !gateway::may_resume(code) {
            world.sessions.clear();
        }
        drop(world);
        self.shared.touch();
    }

    /// The next who identifies is turned away with this close code.
    pub fn turn_away(&self, code: u16) {
        self.shared.world().turned_away.push_back(code);
    }

    /// Tells the bots that their sessions are not valid any more (opcode 9): they may resume, or
    /// must identify again.
    pub fn revoke_sessions(&self, resumable: bool) {
        self.shared.world().revoke_sessions(resumable);
        self.shared.touch();
    }

    /// The registered commands as JSON: global ones first, then those of guilds.
    #[must_use]
    pub fn commands(&self) -> Vec<Value> {
        self.shared
            .world()
            .commands
            .values()
            .flatten()
            .cloned()
            .collect()
    }

    /// All that was refused so far.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        self.shared.world().records.refusals.clone()
    }

    /// Requests to routes that the stand-in does not know.
    #[must_use]
    pub fn unknown_routes(&self) -> Vec<Refusal> {
        let mut refusals = self.refusals();
        refusals.retain(|refusal| refusal.status == 404 && refusal.code == 0);
        refusals
    }

    /// Gateway connections that were refused: close code and reason.
    #[must_use]
    pub fn gateway_closes(&self) -> Vec<(u16, String)> {
        self.shared.world().records.closes.clone()
    }

    /// Bodies that do not follow Discord's official description.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.shared.world().records.violations.clone()
    }

    /// Whether bodies are held against Discord's official description.
    #[must_use]
    pub fn validates(&self) -> bool {
        self.shared.openapi.is_some()
    }

    /// Every request, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Requested> {
        self.shared.world().records.requests.clone()
    }

    /// The story so far.
    #[must_use]
    pub fn transcript(&self) -> Vec<Step> {
        self.shared.world().records.transcript.clone()
    }

    /// What stands in a channel now, oldest first, ephemeral messages included.
    #[must_use]
    pub fn channel_messages(&self, channel: u64) -> Vec<Reply> {
        let world = self.shared.world();
        let ids = world
            .channels
            .get(&channel)
            .map(|found| found.messages.clone());
        let messages = ids.unwrap_or_default();
        let messages = messages.iter().filter_map(|id| world.messages.get(id));
        messages
            .map(|message| Reply::posted(self, message))
            .collect()
    }

    /// A message by its identifier.
    #[must_use]
    pub fn message(&self, id: u64) -> Option<Reply> {
        let world = self.shared.world();
        world
            .messages
            .get(&id)
            .map(|message| Reply::posted(self, message))
    }

    /// What the bot wrote to a member directly, oldest first.
    #[must_use]
    pub fn dms(&self, member: &Member) -> Vec<Reply> {
        let channel = self
            .shared
            .world()
            .users
            .get(&member.id())
            .and_then(|user| user.dm_channel);
        channel
            .map(|channel| self.channel_messages(channel))
            .unwrap_or_default()
    }

    /// A channel by its identifier.
    #[must_use]
    pub fn channel(&self, id: u64) -> Option<Channel> {
        let known = self.shared.world().channels.contains_key(&id);
        known.then(|| Channel::new(self, id))
    }

    /// Discord's clock, which the identifiers of interactions tell unless they are pinned.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        snowflake::now()
    }

    /// Lets the story's clock go forward: answers and tokens of interactions grow old.
    pub fn pass_time(&self, by: Duration) {
        self.shared.world().passed += by;
    }

    /// The clock in the headers of answers is so many seconds ahead from now on.
    pub fn clock_ahead(&self, seconds: i64) {
        self.shared.world().clock_ahead = seconds;
    }

    /// So many of the 1000 connections that a bot may make in a day are used up.
    pub fn starts_used(&self, count: u32) {
        self.shared.world().starts_used = count;
    }

    /// So many shards are recommended.
    pub fn recommend_shards(&self, count: u32) {
        self.shared.world().more_shards = count.saturating_sub(1);
    }

    /// Interactions say from now on that files may have so many bytes.
    pub fn limit_attachments(&self, bytes: usize) {
        self.shared.world().attachment_limit = Some(bytes);
    }

    /// The next `times` requests of that method whose path contains the text are answered with
    /// this status and Discord error code instead.
    pub fn fail_next(
        &self,
        method: &str,
        path_contains: &str,
        status: u16,
        code: u32,
        times: usize,
    ) {
        let fault = Fault::status(status).code(code);
        self.inject(fault.on(method, path_contains).times(times));
    }

    /// The next matching requests are carried out, but the bot gets a 502 instead of the answer.
    pub fn lose_next_answer(&self, method: &str, path_contains: &str, times: usize) {
        let fault = Fault::status(502).after_effect();
        self.inject(fault.on(method, path_contains).times(times));
    }

    /// Orders a fault for requests to come. Of several that fit, the first ordered strikes.
    pub fn inject(&self, fault: Fault) {
        self.shared.world().records.faults.push(fault);
    }

    /// The bad days are over: orders that are left are forgotten.
    pub fn clear_faults(&self) {
        let mut world = self.shared.world();
        world.records.faults.clear();
        world.turned_away.clear();
    }

    /// Forgets answered interactions, their ephemeral messages, the transcript, and the list of
    /// requests, so that a long load test does not fill the memory. Refusals and violations stay.
    pub fn forget(&self) {
        let mut world = self.shared.world();
        let World {
            interactions,
            tokens,
            messages,
            channels,
            records,
            ..
        } = &mut *world;
        interactions.retain(|_, interaction| interaction.first.is_none());
        tokens.retain(|_, id| interactions.contains_key(id));
        let used = |message: &Message| {
            let by = message.interaction;
            by.is_some_and(|id| interactions.contains_key(&id))
        };
        messages.retain(|_, message| !message.ephemeral || used(message));
        for channel in channels.values_mut() {
            channel.messages.retain(|id| messages.contains_key(id));
        }
        records.requests.clear();
        records.transcript.clear();
        world.forget_sent();
    }

    /// All the requests the bot made about an interaction.
    #[must_use]
    pub fn attempts(&self, interaction: u64) -> Vec<Attempt> {
        let world = self.shared.world();
        world
            .interaction(interaction)
            .map(|found| found.attempts.clone())
            .unwrap_or_default()
    }

    /// The messages the bot sent after its first answer to an interaction.
    #[must_use]
    pub fn follow_ups(&self, interaction: u64) -> Vec<Reply> {
        let world = self.shared.world();
        let found = world.interaction(interaction);
        let ids = found.map(|found| found.follow_ups.as_slice());
        let messages = ids
            .into_iter()
            .flatten()
            .filter_map(|id| world.messages.get(id));
        messages
            .map(|message| Reply::posted(self, message))
            .collect()
    }

    /// A handle to wait for the answer of an interaction that was started before.
    pub fn pending(&self, interaction: u64) -> Pending {
        Pending::of(self, interaction)
    }

    /// Delivers the very same interaction again, and returns what the bot tried to answer:
    /// as soon as there is a first attempt, or nothing when the time for a first answer is up.
    /// That time begins anew for an unanswered interaction.
    pub async fn redeliver(&self, interaction: u64) -> Vec<Attempt> {
        let before = self.attempts(interaction).len();
        self.dispatch_again(interaction);
        let more = |world: &World| {
            world
                .interaction(interaction)
                .is_some_and(|found| found.attempts.len() > before)
        };
        self.wait(self.shared.settings.first_answer, more).await;
        self.attempts(interaction).split_off(before)
    }

    fn dispatch_again(&self, id: Id) {
        let mut world = self.shared.world();
        let passed = world.passed;
        let Some(interaction) = world.interactions.get_mut(&id) else {
            impossible(&format!("there is no interaction {id}"));
        };
        interaction.dispatched = std::time::Instant::now();
        interaction.passed_before = passed;
        let (guild, payload) = (interaction.guild, interaction.payload.clone());
        world.dispatch(
            guild,
            crate::gateway::intents::NONE,
            "INTERACTION_CREATE",
            &payload,
        );
    }
}
