//! The gateway: sessions that survive a lost socket, and the sockets themselves.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    state::{Guild, Handle, Id, Shared, World},
    wire,
};

/// Intents that decide what a session is sent.
pub(crate) mod intents {
    pub(crate) const NONE: u64 = 0;
    pub(crate) const GUILDS: u64 = 1;
    pub(crate) const GUILD_MEMBERS: u64 = 1 << 1;
    pub(crate) const GUILD_PRESENCES: u64 = 1 << 8;
    pub(crate) const GUILD_MESSAGES: u64 = 1 << 9;
    pub(crate) const DIRECT_MESSAGES: u64 = 1 << 12;
}

const HEARTBEAT_MILLIS: u64 = 41_250;
/// How many dispatches a session keeps for a resume.
const KEPT: usize = 5_000;

/// One identified shard of one bot process.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) shard: u64,
    pub(crate) shards: u64,
    pub(crate) intents: u64,
    pub(crate) resumed: u64,
    pub(crate) status: Value,
    seq: u64,
    sent: VecDeque<Dispatch>,
    wire: Option<Wire>,
}

#[derive(Clone, Debug)]
struct Dispatch {
    seq: u64,
    event: &'static str,
    data: Arc<str>,
}

impl Dispatch {
    fn text(&self) -> String {
        let Self { seq, event, data } = self;
        format!(r#"{{"op":0,"s":{seq},"t":"{event}","d":{data}}}"#)
    }
}

#[derive(Debug)]
struct Wire {
    connection: u64,
    out: mpsc::UnboundedSender<Out>,
}

/// What the world asks a socket's task to do.
#[derive(Debug)]
enum Out {
    Text(String),
    Close(u16, &'static str),
    /// Drop the socket without a word.
    Cut,
}

/// A bot process (or one shard of it) that is connected to the gateway.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The session's identifier.
    pub session: String,
    /// The shard, and how many there are.
    pub shard: (u64, u64),
    /// The intents it asked for.
    pub intents: u64,
    /// How often it resumed.
    pub resumed: u64,
    /// The presence the bot has set for itself.
    pub status: Value,
}

impl Session {
    pub(crate) fn connected(&self) -> bool {
        self.wire.is_some()
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection {
            session: self.id.clone(),
            shard: (self.shard, self.shards),
            intents: self.intents,
            resumed: self.resumed,
            status: self.status.clone(),
        }
    }

    fn wants(&self, guild: Option<Id>, intent: u64) -> bool {
        let here = match guild {
            Some(guild) => (guild >> 22) % self.shards == self.shard,
            None => self.shard == 0,
        };
        here && self.intents & intent == intent
    }

    fn dispatch(&mut self, event: &'static str, data: Arc<str>) {
        self.seq += 1;
        let dispatch = Dispatch {
            seq: self.seq,
            event,
            data,
        };
        self.write(Out::Text(dispatch.text()));
        self.sent.push_back(dispatch);
        if self.sent.len() > KEPT {
            self.sent.pop_front();
        }
    }

    fn write(&self, out: Out) {
        if let Some(wire) = &self.wire {
            // A socket that has just closed will be resumed from the buffer.
            let _closed = wire.out.send(out);
        }
    }
}

impl World {
    /// Sends an event to every session that asked for it; returns how many are connected.
    pub(crate) fn dispatch(
        &mut self,
        guild: Option<Id>,
        intent: u64,
        event: &'static str,
        data: &Value,
    ) -> usize {
        let data: Arc<str> = data.to_string().into();
        let mut reached = 0;
        for session in self.sessions.values_mut() {
            if session.wants(guild, intent) {
                session.dispatch(event, Arc::clone(&data));
                reached += usize::from(session.connected());
            }
        }
        reached
    }

    /// Tells every session about a guild it did not know.
    pub(crate) fn dispatch_guild(&mut self, guild: Id, bot: Id) {
        let Some(found) = self.guilds.get(&guild) else {
            return;
        };
        let wanting = self
            .sessions
            .values()
            .filter(|s| s.wants(Some(guild), intents::GUILDS));
        let payloads: Vec<(String, Value)> = wanting
            .map(|session| (session.id.clone(), guild_for(self, found, session, bot)))
            .collect();
        for (id, payload) in payloads {
            if let Some(session) = self.sessions.get_mut(&id) {
                session.dispatch("GUILD_CREATE", payload.to_string().into());
            }
        }
    }

    /// Drops every socket without a close frame.
    pub(crate) fn cut_sockets(&mut self) {
        for session in self.sessions.values_mut() {
            session.write(Out::Cut);
            session.wire = None;
        }
    }

    /// Closes every socket with a code.
    pub(crate) fn close_sockets(&mut self, code: u16, reason: &'static str) {
        for session in self.sessions.values_mut() {
            session.write(Out::Close(code, reason));
            session.wire = None;
        }
    }

    /// Forgets what sessions keep for a resume.
    pub(crate) fn forget_sent(&mut self) {
        for session in self.sessions.values_mut() {
            session.sent.clear();
        }
    }

    /// Asks every connected bot to reconnect and resume (opcode 7).
    pub(crate) fn ask_to_reconnect(&self) {
        for session in self.sessions.values() {
            session.write(Out::Text(json!({ "op": 7, "d": null }).to_string()));
        }
    }
}

impl World {
    /// Says that sessions are not valid any more (opcode 9), and forgets those that are lost.
    pub(crate) fn revoke_sessions(&mut self, resumable: bool) {
        for session in self.sessions.values() {
            session.write(Out::Text(invalid_session(resumable)));
        }
        if !resumable {
            self.sessions.clear();
        }
    }
}

fn invalid_session(resumable: bool) -> String {
    json!({ "op": 9, "s": null, "t": null, "d": resumable }).to_string()
}

/// Whether a bot may resume its session after this close code.
pub(crate) fn may_resume(code: u16) -> bool {
    !matches!(code, 1000 | 1001 | 4003 | 4004 | 4007 | 4009..)
}

/// What Discord says with a close code.
pub(crate) fn reason(code: u16) -> &'static str {
    match code {
        4000 => "Unknown error.",
        4001 => "Unknown opcode.",
        4002 => "Error while decoding payload.",
        4003 => "Not authenticated.",
        4004 => "Authentication failed.",
        4005 => "Already authenticated.",
        4007 => "Invalid seq.",
        4008 => "Rate limited.",
        4009 => "Session timed out.",
        4010 => "Invalid shard.",
        4011 => "Sharding required.",
        4012 => "Invalid API version.",
        4013 => "Invalid intent(s).",
        4014 => "Disallowed intent(s).",
        _ => "",
    }
}

fn guild_for(world: &World, guild: &Guild, session: &Session, bot: Id) -> Value {
    let seen = session.intents & intents::GUILD_PRESENCES != 0;
    let all = seen || session.intents & intents::GUILD_MEMBERS != 0;
    wire::guild_create(world, guild, bot, all, seen)
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// Serves one socket until it closes.
pub(crate) async fn serve(mut socket: WebSocket, shared: Handle) {
    let (out, mut wanted) = mpsc::unbounded_channel();
    let mut line = Line {
        shared,
        connection: CONNECTIONS.fetch_add(1, Ordering::Relaxed),
        out,
        session: None,
    };
    let hello =
        json!({ "op": 10, "s": null, "t": null, "d": { "heartbeat_interval": HEARTBEAT_MILLIS } });
    if socket.send(Frame::text(hello.to_string())).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            biased;
            message = socket.recv() => match message {
                Some(Ok(frame)) => if line.received(&frame) == Next::Over { break },
                Some(Err(_)) | None => break,
            },
            out = wanted.recv() => match out {
                Some(Out::Text(text)) => if socket.send(Frame::text(text)).await.is_err() { break },
                Some(Out::Close(code, reason)) => {
                    close(&mut socket, code, reason).await;
                    break;
                }
                Some(Out::Cut) | None => break,
            },
        }
    }
    line.hang_up();
}

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    // The peer may be gone already; then there is nobody to tell.
    let _gone = socket.send(Frame::Close(Some(frame))).await;
    let flush = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _slow = tokio::time::timeout(std::time::Duration::from_secs(2), flush).await;
}

#[derive(PartialEq)]
enum Next {
    Continue,
    Over,
}

/// One socket's side of the conversation.
struct Line {
    shared: Handle,
    connection: u64,
    out: mpsc::UnboundedSender<Out>,
    session: Option<String>,
}

impl Line {
    fn received(&mut self, frame: &Frame) -> Next {
        match frame {
            Frame::Text(text) => self.payload(text.as_str()),
            Frame::Binary(bytes) => self.payload(&String::from_utf8_lossy(bytes)),
            Frame::Close(frame) => self.closed(frame.as_ref()),
            Frame::Ping(_) | Frame::Pong(_) => Next::Continue,
        }
    }

    /// Codes 1000 and 1001 end the session; after any other it can be resumed.
    fn closed(&self, frame: Option<&CloseFrame>) -> Next {
        let ends = frame.is_some_and(|frame| matches!(frame.code, 1000 | 1001));
        if let (true, Some(id)) = (ends, &self.session) {
            self.shared.world().sessions.remove(id);
            self.shared.touch();
        }
        Next::Over
    }

    fn payload(&mut self, text: &str) -> Next {
        let Ok(payload) = serde_json::from_str::<Value>(text) else {
            return self.refuse(4002);
        };
        let data = &payload["d"];
        match payload["op"].as_u64() {
            Some(1) => self.send(&json!({ "op": 11, "s": null, "t": null, "d": null })),
            Some(2) => return self.identify(data),
            Some(6) => self.resume(data),
            Some(3 | 4 | 8 | 31) if self.session.is_none() => {
                return self.refuse(4003);
            }
            Some(3) => self.status(data),
            Some(4 | 31) => {}
            Some(8) => self.members(data),
            _ => return self.refuse(4001),
        }
        Next::Continue
    }

    fn send(&self, payload: &Value) {
        self.put(Out::Text(payload.to_string()));
    }

    fn put(&self, out: Out) {
        // The receiver lives as long as the socket's task, which is who calls this.
        let _own = self.out.send(out);
    }

    fn refuse(&self, code: u16) -> Next {
        let reason = reason(code);
        let mut world = self.shared.world();
        world.records.closes.push((code, reason.to_owned()));
        drop(world);
        self.put(Out::Close(code, reason));
        Next::Continue
    }

    /// serenity sends the token as `Bot …` here too, and Discord takes both.
    fn authorized(&self, data: &Value) -> bool {
        let token = data["token"].as_str().unwrap_or_default();
        token.strip_prefix("Bot ").unwrap_or(token) == self.shared.settings.token
    }

    fn identify(&mut self, data: &Value) -> Next {
        let world = self.shared.world();
        let lives = |id: &String| world.sessions.contains_key(id);
        let authenticated = self.session.as_ref().is_some_and(lives);
        drop(world);
        if authenticated {
            return self.refuse(4005);
        }
        let turned_away = self.shared.world().turned_away.pop_front();
        if let Some(code) = turned_away {
            return self.refuse(code);
        }
        if !self.authorized(data) {
            return self.refuse(4004);
        }
        let intents = data["intents"].as_u64().unwrap_or_default();
        if self.shared.settings.refuse_presence && intents & intents::GUILD_PRESENCES != 0 {
            return self.refuse(4014);
        }
        let shard = data["shard"][0].as_u64().unwrap_or(0);
        let shards = data["shard"][1].as_u64().unwrap_or(1);
        if shard >= shards {
            return self.refuse(4010);
        }
        self.open(Session {
            id: format!("{:032x}", self.shared.ids.next()),
            shard,
            shards,
            intents,
            resumed: 0,
            status: data["presence"].clone(),
            seq: 0,
            sent: VecDeque::new(),
            wire: Some(Wire {
                connection: self.connection,
                out: self.out.clone(),
            }),
        });
        Next::Continue
    }

    /// READY, then `GUILD_CREATE` for each guild of the shard, in one go.
    fn open(&mut self, mut session: Session) {
        let mut world = self.shared.world();
        let ready = ready(&self.shared, &world, &session);
        session.dispatch("READY", ready.to_string().into());
        for guild in world.guilds.values() {
            if session.wants(Some(guild.id), intents::GUILDS) {
                let payload = guild_for(&world, guild, &session, self.shared.application_id);
                session.dispatch("GUILD_CREATE", payload.to_string().into());
            }
        }
        self.session = Some(session.id.clone());
        world.sessions.insert(session.id.clone(), session);
        drop(world);
        self.shared.touch();
    }

    /// Plays back what was missed, or says that the session is not valid.
    fn resume(&mut self, data: &Value) {
        let mut world = self.shared.world();
        let authorized = self.authorized(data);
        let id = data["session_id"].as_str().unwrap_or_default();
        let seen = data["seq"].as_u64().unwrap_or_default();
        let session = world.sessions.get_mut(id).filter(|_| authorized);
        let Some(session) = session.filter(|session| session.can_replay(seen)) else {
            drop(world);
            return self.put(Out::Text(invalid_session(false)));
        };
        session.write(Out::Close(4009, reason(4009)));
        session.wire = Some(Wire {
            connection: self.connection,
            out: self.out.clone(),
        });
        session.resumed += 1;
        for dispatch in session.sent.iter().filter(|dispatch| dispatch.seq > seen) {
            session.write(Out::Text(dispatch.text()));
        }
        session.dispatch("RESUMED", r#"{"_trace":[]}"#.into());
        self.session = Some(session.id.clone());
        drop(world);
        self.shared.touch();
    }

    fn status(&self, data: &Value) {
        let mut world = self.shared.world();
        let session = self
            .session
            .as_ref()
            .and_then(|id| world.sessions.get_mut(id));
        if let Some(session) = session {
            session.status = data.clone();
        }
    }

    /// Answers a request for the members of a guild, in one chunk.
    fn members(&self, data: &Value) {
        let mut world = self.shared.world();
        let guild = data["guild_id"]
            .as_str()
            .and_then(|id| id.parse::<Id>().ok());
        let Some(guild) = guild.and_then(|id| world.guilds.get(&id)) else {
            return;
        };
        let chunk = member_chunk(&world, guild, data);
        let session = self
            .session
            .as_ref()
            .and_then(|id| world.sessions.get_mut(id));
        if let Some(session) = session {
            session.dispatch("GUILD_MEMBERS_CHUNK", chunk.to_string().into());
        }
    }

    fn hang_up(&self) {
        let mut world = self.shared.world();
        let session = self
            .session
            .as_ref()
            .and_then(|id| world.sessions.get_mut(id));
        if let Some(session) = session {
            let own = |wire: &Wire| wire.connection == self.connection;
            if session.wire.as_ref().is_some_and(own) {
                session.wire = None;
            }
        }
        drop(world);
        self.shared.touch();
    }
}

impl Session {
    fn can_replay(&self, seen: u64) -> bool {
        let oldest = self
            .sent
            .front()
            .map_or(self.seq + 1, |dispatch| dispatch.seq);
        seen <= self.seq && seen + 1 >= oldest
    }
}

fn member_chunk(world: &World, guild: &Guild, data: &Value) -> Value {
    let query = data["query"].as_str().unwrap_or_default().to_lowercase();
    let ids: Option<Vec<&str>> = data["user_ids"]
        .as_array()
        .map(|ids| ids.iter().filter_map(Value::as_str).collect());
    let fits = |id: &Id| match &ids {
        Some(ids) => ids.contains(&id.to_string().as_str()),
        None => world
            .users
            .get(id)
            .is_some_and(|user| user.name.to_lowercase().starts_with(&query)),
    };
    let found = guild.members.values().filter(|member| fits(&member.user));
    let members: Vec<Value> = found.map(|member| wire::member(world, member)).collect();
    json!({
        "guild_id": guild.id.to_string(),
        "members": members,
        "chunk_index": 0,
        "chunk_count": 1,
        "nonce": data["nonce"],
    })
}

fn ready(shared: &Shared, world: &World, session: &Session) -> Value {
    let guilds: Vec<Value> = world
        .guilds
        .keys()
        .filter(|id| session.wants(Some(**id), intents::NONE))
        .map(|id| json!({ "id": id.to_string(), "unavailable": true }))
        .collect();
    json!({
        "v": 10,
        "user": wire::user_by_id(world, shared.application_id),
        "user_settings": {},
        "guilds": guilds,
        "private_channels": [],
        "presences": [],
        "relationships": [],
        "session_id": session.id,
        "session_type": "normal",
        "resume_gateway_url": gateway_url(shared),
        "shard": [session.shard, session.shards],
        "application": { "id": shared.application_id.to_string(), "flags": 0 },
        "_trace": [],
    })
}

/// The address of the gateway.
pub(crate) fn gateway_url(shared: &Shared) -> String {
    format!("{}/gateway", shared.base.replacen("http://", "ws://", 1))
}
