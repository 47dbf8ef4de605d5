//! The stand-in, seen from a bot that is made by hand over a raw socket and a WebSocket.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test where they stand"
)]

use std::time::Duration;

use fake_discord::{
    Device, FakeDiscord, Fault, ReplyKind,
    permissions::{MANAGE_GUILD, MANAGE_ROLES, SEND_MESSAGES, VIEW_CHANNEL},
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::CloseFrame},
};

/// How long an interaction may wait for its first answer.
const PATIENCE: Duration = Duration::from_secs(30);

const ALL_INTENTS: u64 = 53_608_447;

/// A stand-in without the official description, whatever the environment says: these tests are
/// about the rules that the description does not know. It leaves a busy machine its time.
async fn start() -> FakeDiscord {
    FakeDiscord::builder()
        .without_openapi()
        .first_answer(PATIENCE)
        .start()
        .await
        .unwrap()
}

/// One HTTP request; the connection is closed after it. The head of the answer, in lower case, is
/// empty if there was none.
async fn exchange(
    discord: &FakeDiscord,
    request: (&str, &str),
    kind: &str,
    body: &[u8],
) -> (String, Vec<u8>) {
    let mut socket = ask(discord, request, kind, body).await;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map_or(answer.len(), |end| end + 4);
    let body = answer.split_off(end);
    (String::from_utf8_lossy(&answer).to_lowercase(), body)
}

/// The request alone; the answer is still to be read.
async fn ask(
    discord: &FakeDiscord,
    (method, path): (&str, &str),
    kind: &str,
    body: &[u8],
) -> TcpStream {
    let host = discord.url().trim_start_matches("http://");
    let mut socket = TcpStream::connect(host).await.unwrap();
    let token = discord.token();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bot {token}\r\n\
         Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len(),
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
    socket
}

/// One HTTP request, and the status and body of its answer.
async fn http(
    discord: &FakeDiscord,
    method: &str,
    path: &str,
    kind: &str,
    body: &[u8],
) -> (u16, Vec<u8>) {
    let (head, body) = exchange(discord, (method, path), kind, body).await;
    (head[9..12].parse().unwrap(), body)
}

/// The head and the JSON of an answer to a `GET`.
async fn get(discord: &FakeDiscord, path: &str) -> (String, Value) {
    let (head, body) = exchange(discord, ("GET", path), "text/plain", b"").await;
    (head, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// A JSON request to the API; the answer is null if it has no body.
async fn api(discord: &FakeDiscord, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let bytes = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let path = format!("/api/v10{path}");
    let (status, answer) = http(discord, method, &path, "application/json", &bytes).await;
    (
        status,
        serde_json::from_slice(&answer).unwrap_or(Value::Null),
    )
}

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(discord: &FakeDiscord) -> Self {
        let (_, gateway) = api(discord, "GET", "/gateway", &Value::Null).await;
        let url = format!("{}?v=10", gateway["url"].as_str().unwrap());
        let (socket, _) = connect_async(url).await.unwrap();
        let mut socket = Self(socket);
        assert_eq!(socket.next().await["op"], 10);
        socket
    }

    /// The next payload.
    async fn next(&mut self) -> Value {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("a payload was expected, not {other:?}"),
        }
    }

    /// The next dispatch of that name.
    async fn event(&mut self, name: &str) -> Value {
        loop {
            let payload = self.next().await;
            if payload["t"] == name {
                return payload;
            }
        }
    }

    async fn close_code(&mut self) -> u16 {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) => return code.into(),
                Some(Ok(_)) => {}
                other => panic!("a close frame was expected, not {other:?}"),
            }
        }
    }

    async fn send(&mut self, payload: Value) {
        self.0
            .send(Message::text(payload.to_string()))
            .await
            .unwrap();
    }

    async fn identify(&mut self, discord: &FakeDiscord, shard: [u64; 2]) -> Value {
        self.send(json!({ "op": 2, "d": {
            "token": discord.token(), "intents": ALL_INTENTS, "shard": shard, "properties": {},
        }}))
        .await;
        self.event("READY").await
    }
}

/// Connects a bot and registers commands that use every kind of option.
async fn connect(discord: &FakeDiscord) -> Socket {
    let mut socket = Socket::open(discord).await;
    socket.identify(discord, [0, 1]).await;
    let path = format!("/applications/{}/commands", discord.application_id());
    let (status, answer) = api(discord, "PUT", &path, &commands()).await;
    assert_eq!(status, 200, "{answer}");
    socket
}

fn commands() -> Value {
    json!([
        { "name": "punctaj", "description": "d", "options": [
            { "type": 1, "name": "add", "description": "d", "options": [
                { "type": 3, "name": "names", "description": "d", "required": true, "autocomplete": true },
                { "type": 4, "name": "points", "description": "d", "min_value": 0, "max_value": 10 },
                { "type": 6, "name": "who", "description": "d" },
                { "type": 5, "name": "share", "description": "d" },
                { "type": 3, "name": "kind", "description": "d",
                  "choices": [{ "name": "Text", "value": "text" }] },
            ]},
            { "type": 2, "name": "session", "description": "d", "options": [
                { "type": 1, "name": "login", "description": "d" },
            ]},
        ]},
        { "name": "gated", "description": "d", "default_member_permissions": "32" },
        { "name": "Punctaj: profile", "type": 2 },
    ])
}

/// Answers the next interaction of the socket with `answer`, and returns it.
async fn answer(discord: &FakeDiscord, socket: &mut Socket, answer: &Value) -> Value {
    let interaction = socket.event("INTERACTION_CREATE").await["d"].clone();
    let (status, said) = api(discord, "POST", &callback(&interaction), answer).await;
    assert_eq!(status, 204, "{said}");
    interaction
}

fn callback(interaction: &Value) -> String {
    let text = |name: &str| interaction[name].as_str().unwrap().to_owned();
    format!("/interactions/{}/{}/callback", text("id"), text("token"))
}

fn webhook(discord: &FakeDiscord, interaction: &Value) -> String {
    let token = interaction["token"].as_str().unwrap();
    format!("/webhooks/{}/{token}", discord.application_id())
}

fn button(label: &str, id: &str) -> Value {
    json!({ "type": 2, "style": 1, "label": label, "custom_id": id })
}

fn row(components: &[Value]) -> Value {
    json!({ "type": 1, "components": components })
}

fn modal(inputs: usize) -> Value {
    let input = |n| {
        row(&[
            json!({ "type": 4, "style": 1, "custom_id": format!("f{n}"), "label": format!("Field {n}") }),
        ])
    };
    json!({ "type": 9, "data": {
        "custom_id": "m", "title": "T", "components": (0..inputs).map(input).collect::<Vec<_>>(),
    }})
}

#[tokio::test]
async fn the_gateway_shakes_hands() {
    let discord = FakeDiscord::builder()
        .refuse_presence()
        .start()
        .await
        .unwrap();
    for (token, intents, code) in [("wrong", 1, 4004), (discord.token(), 1 << 8, 4014)] {
        let mut socket = Socket::open(&discord).await;
        socket
            .send(json!({ "op": 2, "d": { "token": token, "intents": intents } }))
            .await;
        assert_eq!(socket.close_code().await, code);
    }
    let guild = discord.guild("BlackWater");
    let mut socket = Socket::open(&discord).await;
    let identify =
        json!({ "op": 2, "d": { "token": format!("Bot {}", discord.token()), "intents": 1 } });
    socket.send(identify).await;
    let ready = socket.event("READY").await;
    assert_eq!(
        ready["d"]["application"]["id"],
        discord.application_id().to_string()
    );
    assert_eq!(
        ready["d"]["guilds"],
        json!([{ "id": guild.id().to_string(), "unavailable": true }])
    );
    let known = socket.event("GUILD_CREATE").await;
    assert_eq!(known["d"]["name"], "BlackWater");
    socket.send(json!({ "op": 1, "d": 2 })).await;
    assert_eq!(socket.next().await["op"], 11);
    let later = discord.guild("Later");
    assert_eq!(
        socket.event("GUILD_CREATE").await["d"]["id"],
        later.id().to_string()
    );
    assert_eq!(discord.gateway_closes().len(), 2);
}

#[tokio::test]
async fn a_session_is_resumed_with_what_was_missed() {
    let discord = start().await;
    let alice = discord.guild("G").member("alice").join();
    let mut socket = Socket::open(&discord).await;
    let ready = socket.identify(&discord, [0, 1]).await;
    let seen = socket.event("GUILD_CREATE").await["s"].clone();
    discord.disconnect_gateway();
    assert!(
        !matches!(socket.0.next().await, Some(Ok(_))),
        "the socket is dropped without a word"
    );
    alice.presence([&Device::phone("p"), &Device::web("w")]);
    let mut socket = Socket::open(&discord).await;
    let resume = json!({ "op": 6, "d": {
        "token": discord.token(), "session_id": ready["d"]["session_id"], "seq": seen,
    }});
    socket.send(resume).await;
    let missed = socket.next().await;
    assert_eq!(
        (&missed["t"], &missed["s"]),
        (&json!("PRESENCE_UPDATE"), &json!(3))
    );
    assert_eq!(
        missed["d"]["client_status"],
        json!({ "mobile": "online", "web": "online" })
    );
    assert_eq!(socket.next().await["t"], "RESUMED");
    assert_eq!(discord.connections()[0].resumed, 1);
    discord.invalidate_sessions();
    let mut socket = Socket::open(&discord).await;
    socket
        .send(json!({ "op": 6, "d": { "token": discord.token(), "session_id": "x", "seq": 1 } }))
        .await;
    assert_eq!(
        socket.next().await,
        json!({ "op": 9, "s": null, "t": null, "d": false })
    );
}

#[tokio::test]
async fn sessions_are_revoked_and_sockets_closed_with_a_code() {
    let discord = start().await;
    let mut socket = Socket::open(&discord).await;
    let ready = socket.identify(&discord, [0, 1]).await;
    let resume = |seq: u64| {
        json!({ "op": 6, "d": {
            "token": discord.token(), "session_id": ready["d"]["session_id"], "seq": seq,
        }})
    };
    discord.request_reconnect();
    assert_eq!(socket.next().await["op"], 7);
    discord.revoke_sessions(true);
    let revoked = |resumable: bool| json!({ "op": 9, "s": null, "t": null, "d": resumable });
    assert_eq!(socket.next().await, revoked(true));
    let mut socket = Socket::open(&discord).await;
    socket.send(resume(1)).await;
    assert_eq!(socket.next().await["t"], "RESUMED");
    discord.close_gateway(4000);
    assert_eq!(socket.close_code().await, 4000);

    let mut socket = Socket::open(&discord).await;
    socket.send(resume(2)).await;
    assert_eq!(socket.next().await["t"], "RESUMED");
    discord.revoke_sessions(false);
    assert_eq!(socket.next().await, revoked(false));
    // The same socket may identify again.
    let again = socket.identify(&discord, [0, 1]).await;
    assert_ne!(again["d"]["session_id"], ready["d"]["session_id"]);
    discord.close_gateway(4009);
    assert_eq!(socket.close_code().await, 4009);
    let mut socket = Socket::open(&discord).await;
    socket.send(resume(3)).await;
    assert_eq!(socket.next().await, revoked(false));

    discord.turn_away(4014);
    let identify = json!({ "op": 2, "d": { "token": discord.token(), "intents": 1 } });
    let mut socket = Socket::open(&discord).await;
    socket.send(identify.clone()).await;
    assert_eq!(socket.close_code().await, 4014);
    let mut socket = Socket::open(&discord).await;
    socket.send(identify).await;
    assert_eq!(socket.next().await["t"], "READY");
}

#[tokio::test]
async fn guilds_belong_to_shards_and_every_process_hears() {
    let discord = start().await;
    let mut sockets = Vec::new();
    for shard in [0, 1, 0, 1] {
        let mut socket = Socket::open(&discord).await;
        socket.identify(&discord, [shard, 2]).await;
        sockets.push((shard, socket));
    }
    let guild = discord.guild("G");
    let own = (guild.id() >> 22) % 2;
    for (shard, socket) in &mut sockets {
        if *shard == own {
            assert_eq!(
                socket.event("GUILD_CREATE").await["d"]["id"],
                guild.id().to_string()
            );
        }
    }
    discord.connected(4).await;
}

#[tokio::test]
async fn people_use_commands_and_menus_of_people() {
    let discord = start().await;
    let guild = discord.guild("G");
    let alice = guild
        .member("alice")
        .permissions(MANAGE_GUILD)
        .locale("ro")
        .join();
    let bob = guild.member("bob").join();
    let mut socket = connect(&discord).await;
    discord.ready().await;
    let phone = Device::phone("Telefon");

    let mention = bob.mention();
    let options = [
        ("names", "Ana"),
        ("points", "5"),
        ("who", mention.as_str()),
        ("share", "true"),
        ("kind", "Text"),
    ];
    let pending = alice.on(&phone).slash_start("punctaj add", options);
    let sent = answer(&discord, &mut socket, &panel()).await;
    assert_eq!(
        sent["member"]["permissions"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            & MANAGE_GUILD,
        MANAGE_GUILD
    );
    assert_eq!(
        (&sent["locale"], &sent["data"]["options"][0]["name"]),
        (&json!("ro"), &json!("add"))
    );
    let values = &sent["data"]["options"][0]["options"];
    assert_eq!(
        (
            &values[1]["value"],
            &values[3]["value"],
            &values[4]["value"]
        ),
        (&json!(5), &json!(true), &json!("text"))
    );
    assert_eq!(
        sent["data"]["resolved"]["users"][bob.id().to_string()]["username"],
        "bob"
    );
    let reply = pending.answer().await;
    assert_eq!(reply.text(), "hello\nTitle\nn\nv\nfoot");
    assert_eq!(
        (reply.buttons(), reply.is_ephemeral()),
        (vec!["Undo".into(), "More".into()], true)
    );

    let person = alice.on(&phone);
    let proposed = json!({ "type": 8, "data": { "choices": [{ "name": "Ana", "value": "Ana" }] } });
    let (choices, sent) = tokio::join!(
        person.autocomplete("punctaj add", [("names", "An")], "names"),
        answer(&discord, &mut socket, &proposed),
    );
    assert_eq!(choices[0].value, "Ana");
    assert_eq!(sent["data"]["options"][0]["options"][0]["focused"], true);

    let pending = bob
        .on(&phone)
        .context_menu_start("Punctaj: profile", &alice);
    let sent = answer(
        &discord,
        &mut socket,
        &json!({ "type": 4, "data": { "content": "card" } }),
    )
    .await;
    assert_eq!(sent["data"]["target_id"], alice.id().to_string());
    assert_eq!(pending.answer().await.text(), "card");
    assert!(alice.can_see("gated") && !bob.can_see("gated"));
    assert!(discord.refusals().is_empty(), "{:?}", discord.refusals());
    assert_eq!(discord.transcript().last().unwrap().device, "Telefon");
}

/// A message with an embed, two buttons and a menu.
fn panel() -> Value {
    let menu = json!({ "type": 3, "custom_id": "pick", "placeholder": "Pick", "options": [{ "label": "One", "value": "1" }] });
    json!({ "type": 4, "data": {
        "flags": 64, "content": "hello",
        "embeds": [{ "title": "Title", "fields": [{ "name": "n", "value": "v" }], "footer": { "text": "foot" } }],
        "components": [row(&[button("Undo", "v1:undo"), button("More", "v1:more")]), row(&[menu])],
    }})
}

#[tokio::test]
async fn people_use_buttons_menus_and_modals() {
    let discord = start().await;
    let alice = discord.guild("G").member("alice").join();
    let mut socket = connect(&discord).await;
    let phone = Device::phone("Telefon");
    let pending = alice.on(&phone).slash_start("punctaj session login", []);
    answer(&discord, &mut socket, &panel()).await;
    let reply = pending.answer().await;

    let pending = alice.on(&phone).select_start(&reply, "Pick", ["One"]);
    let sent = answer(
        &discord,
        &mut socket,
        &json!({ "type": 4, "data": { "content": "picked" } }),
    )
    .await;
    assert_eq!(sent["data"]["values"], json!(["1"]));
    assert_eq!(sent["message"]["content"], "hello");
    assert_eq!(pending.answer().await.text(), "picked");

    let pending = alice.on(&phone).click_start(&reply, "More");
    answer(&discord, &mut socket, &modal(2)).await;
    let form = pending.answer().await;
    assert!(form.is_modal());
    let pending = alice
        .on(&phone)
        .submit_start(&form, [("Field 0", "zero"), ("f1", "one")]);
    let sent = answer(
        &discord,
        &mut socket,
        &json!({ "type": 7, "data": { "content": "changed", "components": [] } }),
    )
    .await;
    assert_eq!(
        sent["data"]["components"][1]["components"][0]["value"],
        "one"
    );
    let changed = pending.answer().await;
    assert_eq!(
        (changed.kind(), changed.content()),
        (ReplyKind::Update, "changed")
    );
    assert_eq!(reply.latest().content(), "changed");
    assert!(!reply.latest().has_button("Undo"));
    assert!(discord.refusals().is_empty(), "{:?}", discord.refusals());
}

/// A message with a menu of each kind that Discord fills itself.
fn menus() -> Value {
    let menu =
        |kind: u64, name: &str| json!({ "type": kind, "custom_id": name, "placeholder": name });
    let mut channels = menu(8, "channel");
    channels["channel_types"] = json!([0]);
    let mut voice = menu(8, "voice");
    voice["channel_types"] = json!([2]);
    let all = [
        menu(5, "user"),
        menu(6, "role"),
        menu(7, "who"),
        channels,
        voice,
    ];
    let rows: Vec<Value> = all
        .iter()
        .map(|menu| row(std::slice::from_ref(menu)))
        .collect();
    json!({ "type": 4, "data": { "flags": 64, "content": "choose", "components": rows } })
}

#[tokio::test]
async fn people_choose_members_roles_and_channels() {
    let discord = start().await;
    let guild = discord.guild("G");
    let (role, channel) = (guild.role("Crew"), guild.channel("log"));
    let (alice, bob) = (
        guild.member("alice").join(),
        guild.member("bob").roles([&role]).join(),
    );
    let elsewhere = discord.guild("H").channel("log");
    let mut socket = connect(&discord).await;
    let phone = Device::phone("Telefon");
    let pending = alice.on(&phone).slash_start("punctaj session login", []);
    answer(&discord, &mut socket, &menus()).await;
    let reply = pending.answer().await;

    let taken = json!({ "type": 4, "data": { "content": "taken" } });
    let cases = [
        ("user", bob.mention(), bob.id(), "users"),
        ("role", role.mention(), role.id(), "roles"),
        ("who", role.mention(), role.id(), "roles"),
        ("who", bob.mention(), bob.id(), "members"),
        ("channel", channel.mention(), channel.id(), "channels"),
    ];
    for (menu, mention, id, resolved) in cases {
        let pending = alice
            .on(&phone)
            .select_start(&reply, menu, [mention.as_str()]);
        let sent = answer(&discord, &mut socket, &taken).await;
        assert_eq!(sent["data"]["values"], json!([id.to_string()]), "{menu}");
        let found = &sent["data"]["resolved"][resolved][id.to_string()];
        assert!(found.is_object(), "{menu}: {sent}");
        if resolved == "members" {
            assert_eq!(found["roles"], json!([role.id().to_string()]));
        }
        pending.answer().await;
    }
    for (menu, mention) in [
        ("user", role.mention()),
        ("role", bob.mention()),
        ("who", channel.mention()),
        ("channel", elsewhere.mention()),
        ("voice", channel.mention()),
    ] {
        let (person, reply) = (alice.on(&phone), reply.clone());
        let told = tokio::spawn(async move {
            let chosen = person.select_start(&reply, menu, [mention.as_str()]);
            chosen.interaction_id()
        });
        assert!(told.await.unwrap_err().is_panic(), "{menu}");
    }
}

#[tokio::test]
async fn a_bot_is_told_of_guilds_that_come_and_go() {
    let discord = start().await;
    let old = discord.guild("Old");
    let mut socket = connect(&discord).await;
    let seen = socket.event("GUILD_CREATE").await["d"].clone();
    assert_eq!(seen["id"], old.id().to_string());
    let fresh = discord.guild("Fresh");
    let lobby = fresh.channel("lobby");
    let came = socket.event("GUILD_CREATE").await["d"].clone();
    let joined = |guild: &Value| {
        let at = guild["joined_at"].as_str().unwrap();
        chrono::DateTime::parse_from_rfc3339(at).unwrap()
    };
    assert_eq!(came["system_channel_id"], Value::Null);
    let days = (joined(&came) - joined(&seen)).num_days();
    assert!((29..=31).contains(&days), "{days}");

    fresh.system_channel(&lobby);
    fresh.remove_bot();
    let gone = socket.event("GUILD_DELETE").await["d"].clone();
    assert_eq!(gone["id"], fresh.id().to_string());
    let path = format!("/channels/{}/messages", lobby.id());
    let post = json!({ "content": "c" });
    let (status, error) = api(&discord, "POST", &path, &post).await;
    assert_eq!((status, &error["code"]), (403, &json!(50001)));
    fresh.invite_bot_again();
    let again = socket.event("GUILD_CREATE").await["d"].clone();
    assert_eq!(again["id"], fresh.id().to_string());
    assert_eq!(again["system_channel_id"], lobby.id().to_string());
    assert!(joined(&again) > joined(&came));
    let (status, _) = api(&discord, "POST", &path, &post).await;
    assert_eq!(status, 200);
}

/// A command, its options, and a word of the complaint.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

#[tokio::test]
async fn what_nobody_could_type_fails_the_story() {
    let discord = start().await;
    let alice = discord.guild("G").member("alice").join();
    let _socket = connect(&discord).await;
    let cases: [Case; 7] = [
        ("punctaj", &[], "subcommands"),
        ("nothing", &[], "no command"),
        ("punctaj add", &[], "needs the option"),
        (
            "punctaj add",
            &[("names", "x"), ("other", "y")],
            "no option",
        ),
        (
            "punctaj add",
            &[("names", "x"), ("points", "11")],
            "not between 0 and 10",
        ),
        (
            "punctaj add",
            &[("names", "x"), ("kind", "Other")],
            "none of the choices",
        ),
        ("gated", &[], "not shown"),
    ];
    for (command, options, why) in cases {
        let alice = alice.clone();
        let (command, options) = (command.to_owned(), options.to_vec());
        let told = tokio::spawn(async move {
            alice
                .on(&Device::web("w"))
                .slash_start(&command, options)
                .interaction_id()
        });
        let panic = told.await.unwrap_err().into_panic();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains(why), "{message}");
    }
}

#[tokio::test]
async fn first_answers_follow_the_rules() {
    let discord = start().await;
    let alice = discord.guild("G").member("alice").join();
    let mut socket = connect(&discord).await;
    let web = Device::web("w");
    let hello = json!({ "type": 4, "data": { "content": "hello", "components": [row(&[button("B", "b")])] } });

    let pending = alice.on(&web).slash_start("punctaj session login", []);
    let sent = socket.event("INTERACTION_CREATE").await["d"].clone();
    let follow_up = webhook(&discord, &sent);
    let refused = [
        (
            "POST",
            follow_up.clone(),
            json!({ "content": "too early" }),
            404,
            10015,
        ),
        (
            "POST",
            callback(&sent),
            json!({ "type": 7, "data": { "content": "x" } }),
            400,
            50035,
        ),
        ("POST", callback(&sent), json!({ "type": 6 }), 400, 50035),
        (
            "POST",
            callback(&sent),
            json!({ "type": 8, "data": { "choices": [] } }),
            400,
            50035,
        ),
        (
            "POST",
            callback(&sent),
            json!({ "type": 4, "data": {} }),
            400,
            50006,
        ),
    ];
    for (method, path, body, status, code) in refused {
        let (got, error) = api(&discord, method, &path, &body).await;
        assert_eq!(
            (got, &error["code"]),
            (status, &json!(code)),
            "{body} {error}"
        );
    }
    assert_eq!(api(&discord, "POST", &callback(&sent), &hello).await.0, 204);
    let (status, error) = api(&discord, "POST", &callback(&sent), &hello).await;
    assert_eq!(
        (status, error),
        (
            400,
            json!({ "code": 40060, "message": "Interaction has already been acknowledged." })
        )
    );
    let reply = pending.answer().await;
    assert!(!reply.was_deferred());
    let (status, _) = api(
        &discord,
        "PATCH",
        &format!("{follow_up}/messages/@original"),
        &json!({ "content": "edited" }),
    )
    .await;
    assert_eq!((status, reply.latest().content()), (200, "edited"));
    discord.pass_time(Duration::from_mins(16));
    let (status, error) = api(
        &discord,
        "POST",
        &follow_up,
        &json!({ "content": "too late" }),
    )
    .await;
    assert_eq!((status, &error["code"]), (401, &json!(50027)));

    let pending = alice.on(&web).click_start(&reply, "B");
    answer(&discord, &mut socket, &modal(1)).await;
    let form = pending.answer().await;
    let _pending = alice.on(&web).submit_start(&form, [("f0", "x")]);
    let sent = socket.event("INTERACTION_CREATE").await["d"].clone();
    assert_eq!(
        api(&discord, "POST", &callback(&sent), &modal(1)).await.0,
        400
    );
    discord.pass_time(PATIENCE);
    let (status, error) = api(&discord, "POST", &callback(&sent), &hello).await;
    assert_eq!((status, &error["code"]), (404, &json!(10062)));
    assert_eq!(discord.refusals().len(), 9);
}

#[tokio::test]
async fn a_first_answer_has_three_seconds_if_the_test_does_not_say_otherwise() {
    let as_discord = FakeDiscord::builder().without_openapi();
    for (discord, status) in [
        (as_discord.start().await.unwrap(), 404),
        (start().await, 204),
    ] {
        let alice = discord.guild("G").member("alice").join();
        let mut socket = connect(&discord).await;
        let on_web = alice.on(&Device::web("w"));
        let pending = on_web.slash_start("punctaj session login", []);
        let sent = socket.event("INTERACTION_CREATE").await["d"].clone();
        discord.pass_time(Duration::from_secs(3));
        let hello = json!({ "type": 4, "data": { "content": "hello" } });
        let (answered, _) = api(&discord, "POST", &callback(&sent), &hello).await;
        assert_eq!(answered, status);
        assert_eq!(pending.answer().await.is_answered(), status == 204);
    }
}

#[tokio::test]
async fn deferred_answers_become_the_original() {
    let discord = start().await;
    let alice = discord.guild("G").member("alice").join();
    let mut socket = connect(&discord).await;
    let web = Device::web("w");
    let pending = alice.on(&web).slash_start("punctaj session login", []);
    let sent = answer(
        &discord,
        &mut socket,
        &json!({ "type": 5, "data": { "flags": 64 } }),
    )
    .await;
    let path = webhook(&discord, &sent);
    let (_, loading) = api(
        &discord,
        "GET",
        &format!("{path}/messages/@original"),
        &Value::Null,
    )
    .await;
    assert_eq!(loading["flags"], 64 + 128);
    let (_, first) = api(&discord, "POST", &path, &json!({ "content": "one" })).await;
    assert_eq!(
        (&first["id"], &first["flags"]),
        (&loading["id"], &json!(64))
    );
    let reply = pending.answer().await;
    assert!(reply.is_ephemeral() && reply.was_deferred());
    let (_, second) = api(
        &discord,
        "POST",
        &path,
        &json!({ "content": "two", "components": [row(&[button("B", "b")])] }),
    )
    .await;
    assert_eq!((&second["flags"], reply.follow_ups().len()), (&json!(0), 1));
    let public = &reply.follow_ups()[0];

    let pending = alice.on(&web).click_start(public, "B");
    let sent = answer(&discord, &mut socket, &json!({ "type": 6 })).await;
    let path = format!("{}/messages/@original", webhook(&discord, &sent));
    api(&discord, "PATCH", &path, &json!({ "content": "three" })).await;
    let updated = pending.answer().await;
    assert_eq!(
        (updated.kind(), updated.content()),
        (ReplyKind::Update, "three")
    );
    assert_eq!(
        (public.latest().content(), public.earlier().len()),
        ("three", 1)
    );
    assert_eq!(api(&discord, "DELETE", &path, &Value::Null).await.0, 204);
    assert_eq!(updated.latest().kind(), ReplyKind::Deleted);
    let (status, error) = api(&discord, "PATCH", &path, &json!({ "content": "x" })).await;
    assert_eq!((status, &error["code"]), (404, &json!(10008)));
}

#[tokio::test]
async fn an_interaction_is_delivered_again() {
    let discord = start().await;
    let alice = discord.guild("G").member("alice").join();
    let mut socket = connect(&discord).await;
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    let pending = alice
        .on(&Device::web("w"))
        .at(at)
        .slash_start("punctaj session login", []);
    let first = socket.event("INTERACTION_CREATE").await["d"].clone();
    let id = pending.interaction_id();
    assert_eq!((id >> 22) + 1_420_070_400_000, 1_767_323_045_000);
    let hello = json!({ "type": 4, "data": { "content": "hello" } });
    let (attempts, second) =
        tokio::join!(discord.redeliver(id), answer(&discord, &mut socket, &hello));
    assert_eq!(first, second);
    assert!(attempts.len() == 1 && attempts[0].accepted());
    assert_eq!(pending.answer().await.text(), "hello");
    let (attempts, again) = tokio::join!(discord.redeliver(id), async {
        let sent = socket.event("INTERACTION_CREATE").await["d"].clone();
        api(&discord, "POST", &callback(&sent), &hello).await.1
    });
    assert_eq!((attempts[0].code, &again["code"]), (40060, &json!(40060)));
}

#[tokio::test]
async fn texts_and_embeds_that_discord_would_not_take() {
    let long = |n: usize| "x".repeat(n);
    let many = |n: usize, value: Value| vec![value; n];
    let field = json!({ "name": "n", "value": "v" });
    let embed = |embed: Value| json!({ "embeds": [embed] });
    all_refused(vec![
        ("", json!({})),
        ("", json!({ "content": "  " })),
        ("content", json!({ "content": long(2001) })),
        (
            "embeds",
            json!({ "embeds": many(11, json!({ "title": "t" })) }),
        ),
        ("embeds.0.description", embed(json!({}))),
        ("embeds.0.title", embed(json!({ "title": long(257) }))),
        (
            "embeds.0.description",
            embed(json!({ "description": long(4097) })),
        ),
        (
            "embeds.0.fields",
            embed(json!({ "fields": many(26, field) })),
        ),
        (
            "embeds.0.fields.0.name",
            embed(json!({ "fields": [{ "name": long(257), "value": "v" }] })),
        ),
        (
            "embeds.0.fields.0.value",
            embed(json!({ "fields": [{ "name": "n", "value": " " }] })),
        ),
        (
            "embeds.0.fields.0.value",
            embed(json!({ "fields": [{ "name": "n", "value": long(1025) }] })),
        ),
        (
            "embeds.0.footer.text",
            embed(json!({ "title": "t", "footer": { "text": long(2049) } })),
        ),
        (
            "embeds.0.author.name",
            embed(json!({ "title": "t", "author": { "name": long(257) } })),
        ),
        (
            "embeds",
            json!({ "embeds": many(2, json!({ "description": long(3001) })) }),
        ),
    ])
    .await;
}

#[tokio::test]
async fn components_that_discord_would_not_take() {
    let long = |n: usize| "x".repeat(n);
    let rows = |components: Value| json!({ "content": "c", "components": [{ "type": 1, "components": components }] });
    let select = |min: u64, max: u64, count: usize| {
        let options: Vec<Value> = (0..count)
            .map(|n| json!({ "label": "l", "value": n.to_string() }))
            .collect();
        rows(
            json!([{ "type": 3, "custom_id": "s", "min_values": min, "max_values": max, "options": options }]),
        )
    };
    all_refused(vec![
        (
            "components",
            json!({ "content": "c", "components": (0..6).map(|n| row(&[button("b", &n.to_string())])).collect::<Vec<_>>() }),
        ),
        ("components.0.components", rows(json!([]))),
        (
            "components.0.components",
            rows(json!(
                (0..6)
                    .map(|n| button("b", &n.to_string()))
                    .collect::<Vec<_>>()
            )),
        ),
        (
            "components.0.components.1.custom_id",
            rows(json!([button("a", "same"), button("b", "same")])),
        ),
        (
            "components.0.components.0.custom_id",
            rows(json!([button("a", &long(101))])),
        ),
        (
            "components.0.components.0.label",
            rows(json!([button(&long(81), "id")])),
        ),
        (
            "components.0.components.0.label",
            rows(json!([button("", "id")])),
        ),
        (
            "components.0.components.0.custom_id",
            rows(
                json!([{ "type": 2, "style": 5, "label": "l", "url": "https://a.b", "custom_id": "id" }]),
            ),
        ),
        (
            "components.0.components.0.url",
            rows(json!([{ "type": 2, "style": 5, "label": "l" }])),
        ),
        (
            "components.0.components.0.type",
            rows(json!([{ "type": 4, "style": 1, "label": "l", "custom_id": "i" }])),
        ),
        ("components.0.components.0.min_values", select(2, 1, 3)),
        ("components.0.components.0.max_values", select(1, 3, 2)),
        ("components.0.components.0.options", select(1, 1, 0)),
        ("components.0.components.0.options", select(1, 1, 26)),
        (
            "components.0.components.0.default_values.0.type",
            rows(
                json!([{ "type": 6, "custom_id": "s", "default_values": [{ "id": "1", "type": "user" }] }]),
            ),
        ),
        (
            "components.0.components.0.default_values",
            rows(json!([{ "type": 8, "custom_id": "s", "default_values": [
                { "id": "1", "type": "channel" }, { "id": "2", "type": "channel" },
            ] }])),
        ),
        (
            "components.0.components.0.channel_types",
            rows(json!([{ "type": 7, "custom_id": "s", "channel_types": [0] }])),
        ),
        (
            "components.0.components.0.options",
            rows(json!([{ "type": 5, "custom_id": "s", "options": [] }])),
        ),
    ])
    .await;
}

/// Posts each body, which must be refused at the given place (or as empty) and leave nothing.
async fn all_refused(bodies: Vec<(&str, Value)>) {
    let discord = start().await;
    let channel = discord.guild("G").channel("c");
    let path = format!("/channels/{}/messages", channel.id());
    let count = bodies.len();
    for (at, body) in bodies {
        let (status, error) = api(&discord, "POST", &path, &body).await;
        let code = if at.is_empty() { 50006 } else { 50035 };
        assert_eq!((status, &error["code"]), (400, &json!(code)), "{body}");
        assert!(
            at.is_empty() || has_error(&error["errors"], at),
            "{at} of {body}: {error}"
        );
    }
    let left = channel.messages().len();
    assert_eq!((discord.refusals().len(), left), (count, 0));
}

fn has_error(errors: &Value, at: &str) -> bool {
    let place = at.split('.').fold(errors, |place, part| &place[part]);
    place["_errors"].is_array()
}

#[tokio::test]
async fn modals_and_choices_that_discord_would_not_take() {
    let discord = start().await;
    let alice = discord.guild("G").member("alice").join();
    let mut socket = connect(&discord).await;
    let web = Device::web("w");
    let _command = alice.on(&web).slash_start("punctaj session login", []);
    let sent = socket.event("INTERACTION_CREATE").await["d"].clone();
    let input = |with: Value| {
        let mut input = json!({ "type": 4, "style": 1, "custom_id": "f", "label": "l" });
        for (name, value) in with.as_object().unwrap() {
            input[name] = value.clone();
        }
        json!({ "type": 9, "data": { "custom_id": "m", "title": "T", "components": [row(&[input])] } })
    };
    let mut titled = modal(1);
    titled["data"]["title"] = json!("x".repeat(46));
    let mut doubled = modal(1);
    doubled["data"]["components"][0]["components"] = json!([modal(1), modal(1)]);
    let refused = [
        titled,
        doubled,
        modal(0),
        modal(6),
        input(json!({ "label": "x".repeat(46) })),
        input(json!({ "value": "x".repeat(4001) })),
        input(json!({ "value": "abc", "max_length": 2 })),
        input(json!({ "min_length": 3, "max_length": 2 })),
        input(json!({ "placeholder": "x".repeat(101) })),
        input(json!({ "custom_id": "" })),
    ];
    for body in refused {
        let (status, error) = api(&discord, "POST", &callback(&sent), &body).await;
        assert_eq!((status, &error["code"]), (400, &json!(50035)), "{body}");
    }
    let person = alice.on(&web);
    let typing = person.try_autocomplete("punctaj add", [], "names");
    let bot = async {
        let sent = socket.event("INTERACTION_CREATE").await["d"].clone();
        for choice in [
            json!({ "name": "", "value": "v" }),
            json!({ "name": "n", "value": "x".repeat(101) }),
            json!({ "name": "n", "value": 1 }),
        ] {
            let body = json!({ "type": 8, "data": { "choices": [choice] } });
            assert_eq!(
                api(&discord, "POST", &callback(&sent), &body).await.0,
                400,
                "{body}"
            );
        }
        let choices = vec![json!({ "name": "n", "value": "v" }); 26];
        let body = json!({ "type": 8, "data": { "choices": choices } });
        assert_eq!(api(&discord, "POST", &callback(&sent), &body).await.0, 400);
        let body = json!({ "type": 8, "data": { "choices": [] } });
        assert_eq!(api(&discord, "POST", &callback(&sent), &body).await.0, 204);
    };
    let (choices, ()) = tokio::join!(typing, bot);
    assert_eq!(choices, Some(Vec::new()));
}

#[tokio::test]
async fn commands_that_discord_would_not_take() {
    let discord = start().await;
    let path = format!("/applications/{}/commands", discord.application_id());
    let option = |with: Value| {
        let mut option = json!({ "type": 3, "name": "o", "description": "d" });
        for (name, value) in with.as_object().unwrap() {
            option[name] = value.clone();
        }
        option
    };
    let with = |options: Vec<Value>| json!({ "name": "c", "description": "d", "options": options });
    let sub = |name: &str, options: Value| json!({ "type": 1, "name": name, "description": "d", "options": options });
    let choices = |n: usize| {
        (0..n)
            .map(|n| json!({ "name": n.to_string(), "value": n.to_string() }))
            .collect::<Vec<_>>()
    };
    let numbered = |n: usize| {
        (0..n)
            .map(|n| option(json!({ "name": format!("o{n}") })))
            .collect::<Vec<_>>()
    };
    let wordy = |n: usize| {
        option(
            json!({ "name": format!("o{n}"), "description": "x".repeat(50), "description_localizations": { "ro": "x".repeat(100) } }),
        )
    };
    let large = (0..4)
        .map(|n| {
            sub(
                &format!("s{n}"),
                json!((0..20).map(wordy).collect::<Vec<_>>()),
            )
        })
        .collect();
    let refused = [
        json!([{ "name": "Upper", "description": "d" }]),
        json!([{ "name": "two words", "description": "d" }]),
        json!([{ "name": "x".repeat(33), "description": "d" }]),
        json!([{ "name": "c", "description": "" }]),
        json!([{ "name": "c", "description": "x".repeat(101) }]),
        json!([{ "name": "c", "description": "d", "name_localizations": { "ro": "Două" } }]),
        json!([{ "name": "c", "description": "d", "name_localizations": { "xx": "c" } }]),
        json!([{ "name": "c", "description": "d", "description_localizations": { "ro": "x".repeat(101) } }]),
        json!([{ "name": "c", "description": "d" }, { "name": "c", "description": "e" }]),
        json!([{ "name": "Menu", "type": 2, "description": "not allowed" }]),
        json!([with(vec![option(json!({})), option(json!({}))])]),
        json!([with(vec![
            option(json!({})),
            option(json!({ "name": "p", "required": true }))
        ])]),
        json!([with(vec![option(
            json!({ "autocomplete": true, "choices": choices(1) })
        )])]),
        json!([with(vec![option(json!({ "choices": choices(26) }))])]),
        json!([with(vec![option(
            json!({ "choices": [{ "name": "n", "value": "x".repeat(101) }] })
        )])]),
        json!([with(vec![option(
            json!({ "type": 6, "autocomplete": true })
        )])]),
        json!([with(vec![option(json!({})), sub("s", json!([]))])]),
        json!([with(vec![sub("s", json!([sub("t", json!([]))]))])]),
        json!([with(numbered(26))]),
        json!([with(large)]),
    ];
    for body in refused {
        let (status, error) = api(&discord, "PUT", &path, &body).await;
        assert_eq!((status, &error["code"]), (400, &json!(50035)), "{body}");
    }
    assert!(discord.commands().is_empty());
    let (status, made) = api(&discord, "PUT", &path, &commands()).await;
    assert_eq!((status, made.as_array().unwrap().len()), (200, 3));
    let one = format!("{path}/{}", made[1]["id"].as_str().unwrap());
    let (_, edited) = api(&discord, "PATCH", &one, &json!({ "description": "new" })).await;
    assert_eq!(
        (&edited["description"], &edited["id"]),
        (&json!("new"), &made[1]["id"])
    );
    assert_eq!(api(&discord, "DELETE", &one, &Value::Null).await.0, 204);
    assert_eq!(
        api(&discord, "GET", &one, &Value::Null).await.1["code"],
        10063
    );
}

#[tokio::test]
async fn files_are_kept_and_served() {
    let discord = start().await;
    let channel = discord.guild("G").channel("c");
    let path = format!("/channels/{}/messages", channel.id());
    let payload = json!({ "attachments": [{ "id": 0, "description": "alt" }], "embeds": [{ "image": { "url": "attachment://a_b.csv" } }] });
    let body = format!(
        "--B\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a b.csv\"\r\n\
         Content-Type: text/csv\r\n\r\nx,y\r\n\
         --B\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{payload}\r\n--B--\r\n"
    );
    let (status, answer) = http(
        &discord,
        "POST",
        &format!("/api/v10{path}"),
        "multipart/form-data; boundary=B",
        body.as_bytes(),
    )
    .await;
    let message: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(
        (status, &message["attachments"][0]["description"]),
        (200, &json!("alt"))
    );
    let url = message["embeds"][0]["image"]["url"]
        .as_str()
        .unwrap()
        .strip_prefix(discord.url())
        .unwrap();
    assert_eq!(
        http(&discord, "GET", url, "text/plain", b"").await,
        (200, b"x,y".to_vec())
    );
    assert_eq!(
        channel.messages()[0].files(),
        [("a_b.csv".to_owned(), b"x,y".to_vec())]
    );
}

#[tokio::test]
async fn the_same_nonce_is_the_same_message() {
    let discord = start().await;
    let guild = discord.guild("G");
    let (channel, alice) = (guild.channel("c"), guild.member("alice").join());
    let path = format!("/channels/{}/messages", channel.id());
    let once = json!({ "content": format!("{} @everyone", alice.mention()), "nonce": "n", "enforce_nonce": true, "allowed_mentions": { "parse": [] } });
    let (_, first) = api(&discord, "POST", &path, &once).await;
    let (_, second) = api(&discord, "POST", &path, &once).await;
    assert_eq!((&first["id"], channel.messages().len()), (&second["id"], 1));
    assert!(channel.last_message().unwrap().pings().is_empty());
    let (_, newest) = api(&discord, "GET", &format!("{path}?limit=1"), &Value::Null).await;
    assert_eq!(newest[0]["id"], first["id"]);
    discord.lose_next_answer("POST", "/messages", 1);
    let said = json!({ "content": "said", "nonce": "lost", "enforce_nonce": true });
    assert_eq!(api(&discord, "POST", &path, &said).await.0, 502);
    assert_eq!(api(&discord, "POST", &path, &said).await.0, 200);
    assert_eq!(channel.messages().len(), 2);
}

#[tokio::test]
async fn rights_and_faults_in_channels() {
    let discord = start().await;
    let guild = discord.guild("G");
    let (channel, alice) = (guild.channel("c"), guild.member("alice").join());
    let path = format!("/channels/{}/messages", channel.id());
    let (_, dm) = api(
        &discord,
        "POST",
        "/users/@me/channels",
        &json!({ "recipient_id": alice.id().to_string() }),
    )
    .await;
    let dm = format!("/channels/{}/messages", dm["id"].as_str().unwrap());
    api(&discord, "POST", &dm, &json!({ "content": "psst" })).await;
    assert_eq!(discord.dms(&alice)[0].text(), "psst");
    alice.close_dms(true);
    let role = guild.role("top").above_bot();
    let give = format!("/guilds/{}/members/{}/roles/", guild.id(), alice.id());
    discord.fail_next("GET", "/users/@me", 500, 0, 1);
    channel.deny_bot(SEND_MESSAGES);
    let hello = json!({ "content": "hello" });
    let cases = [
        ("POST", dm, &hello, 403, 50007),
        ("POST", path.clone(), &hello, 403, 50013),
        (
            "PUT",
            format!("{give}{}", role.id()),
            &Value::Null,
            403,
            50013,
        ),
        ("PUT", format!("{give}1"), &Value::Null, 404, 10011),
        ("GET", format!("{path}/1"), &Value::Null, 404, 10008),
        ("GET", "/channels/1".to_owned(), &Value::Null, 404, 10003),
        ("GET", "/nowhere".to_owned(), &Value::Null, 404, 0),
        ("GET", "/users/@me".to_owned(), &Value::Null, 500, 0),
    ];
    for (method, path, body, status, code) in cases {
        let (got, error) = api(&discord, method, &path, body).await;
        assert_eq!(
            (got, &error["code"]),
            (status, &json!(code)),
            "{method} {path}"
        );
    }
    channel.deny_bot(VIEW_CHANNEL);
    assert_eq!(api(&discord, "POST", &path, &hello).await.1["code"], 50001);
    assert_eq!(
        (discord.refusals().len(), discord.unknown_routes().len()),
        (8 - 1 + 1, 1)
    );
    let fine = guild.role("fine");
    assert_eq!(
        api(
            &discord,
            "PUT",
            &format!("{give}{}", fine.id()),
            &Value::Null
        )
        .await
        .0,
        204
    );
    assert!(alice.has_role(&fine));
}

#[tokio::test]
async fn roles_are_given_and_taken_by_discords_rules() {
    let discord = start().await;
    let guild = discord.guild("G");
    let (alice, bob) = (guild.member("alice").join(), guild.member("bob").join());
    let fine = guild.role("fine").position(99);
    let (top, boost) = (guild.role("top").above_bot(), guild.role("boost").managed());
    // At the bot's own position: the older role is the bot's, so this one is below.
    let beside = guild.role("beside").position(100);
    let change = async |method: &'static str, member: u64, role: u64| {
        let path = format!("/guilds/{}/members/{member}/roles/{role}", guild.id());
        let (status, body) = api(&discord, method, &path, &Value::Null).await;
        (status, body["code"].as_u64().unwrap_or_default())
    };
    for method in ["PUT", "DELETE"] {
        assert_eq!(change(method, alice.id(), top.id()).await, (403, 50013));
        assert_eq!(change(method, alice.id(), boost.id()).await, (403, 50013));
        assert_eq!(change(method, alice.id(), guild.id()).await, (400, 50028));
        assert_eq!(change(method, alice.id(), 1).await, (404, 10011));
        assert_eq!(change(method, 1, fine.id()).await, (404, 10007));
    }

    // Twice is as good as once, and told once.
    let mut gateway = Socket::open(&discord).await;
    gateway.identify(&discord, [0, 1]).await;
    for _ in 0..2 {
        assert_eq!(change("PUT", alice.id(), fine.id()).await, (204, 0));
    }
    assert!(alice.has_role(&fine) && !bob.has_role(&fine));
    assert_eq!(change("PUT", alice.id(), beside.id()).await, (204, 0));
    for held in [vec![fine.id()], vec![fine.id(), beside.id()]] {
        let event = gateway.event("GUILD_MEMBER_UPDATE").await;
        let roles: Vec<String> = held.iter().map(ToString::to_string).collect();
        assert_eq!(event["d"]["roles"], json!(roles));
    }
    for _ in 0..2 {
        assert_eq!(change("DELETE", alice.id(), fine.id()).await, (204, 0));
    }
    assert!(!alice.has_role(&fine));

    // A role that moves, and goes.
    let _ = fine.clone().above_bot();
    assert_eq!(change("PUT", alice.id(), fine.id()).await, (403, 50013));
    let _ = fine.clone().position(5);
    assert_eq!(change("PUT", alice.id(), fine.id()).await, (204, 0));
    fine.delete();
    assert!(!alice.has_role(&fine));
    assert_eq!(change("PUT", alice.id(), fine.id()).await, (404, 10011));
    guild.bot_permissions(VIEW_CHANNEL);
    assert_eq!(change("PUT", alice.id(), beside.id()).await, (403, 50013));
    bob.leave();
    guild.bot_permissions(MANAGE_ROLES);
    assert_eq!(change("PUT", bob.id(), beside.id()).await, (404, 10007));
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let discord = FakeDiscord::builder().token("right").start().await.unwrap();
    let other = start().await;
    let host = discord.url().trim_start_matches("http://");
    let mut socket = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "GET /api/v10/users/@me HTTP/1.1\r\nHost: h\r\nAuthorization: Bot {}\r\nConnection: close\r\n\r\n",
        other.token()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"));
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body, json!({ "message": "401: Unauthorized", "code": 0 }));
    discord.stop().await;
    assert!(TcpStream::connect(host).await.is_err());
}

#[tokio::test]
async fn bodies_are_held_against_the_description() {
    let description = json!({
        "paths": { "/channels/{channel_id}/messages": { "post": { "requestBody": { "content": {
            "application/json": { "schema": { "$ref": "#/components/schemas/Create" } },
        }}}}},
        "components": { "schemas": {
            "Create": { "type": "object", "properties": {
                "content": { "type": "string" },
                "attachments": { "type": "array", "items": { "$ref": "#/components/schemas/MessageAttachmentRequest" } },
            }},
            "MessageAttachmentRequest": { "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"] },
        }},
    });
    let file = std::env::temp_dir().join(format!("fake-discord-{}.json", std::process::id()));
    std::fs::write(&file, description.to_string()).unwrap();
    let discord = FakeDiscord::builder().openapi(&file).start().await.unwrap();
    std::fs::remove_file(&file).unwrap();
    let path = format!(
        "/channels/{}/messages",
        discord.guild("G").channel("c").id()
    );
    let good = json!({ "content": "c", "attachments": [{ "id": 0 }] });
    assert_eq!(api(&discord, "POST", &path, &good).await.0, 200);
    assert!(discord.violations().is_empty());
    let wrong = json!({ "content": "c", "attachments": [{ "filename": "f" }] });
    assert_eq!(api(&discord, "POST", &path, &wrong).await.0, 400);
    assert!(discord.violations()[0].errors[0].contains("/attachments/0"));
}

#[tokio::test]
async fn the_control_route_plays_a_member() {
    let discord = start().await;
    let mut socket = connect(&discord).await;
    let wanted = json!({ "guild": "G", "user": "alice", "command": "punctaj add", "options": { "names": "Ana", "points": 3 } });
    let bytes = wanted.to_string().into_bytes();
    let shown = json!({ "type": 4, "data": { "content": "hello", "components": [row(&[button("Undo", "u")])] } });
    let (told, sent) = tokio::join!(
        http(
            &discord,
            "POST",
            "/_control/interaction",
            "application/json",
            &bytes
        ),
        answer(&discord, &mut socket, &shown),
    );
    assert_eq!(sent["data"]["options"][0]["options"][1]["value"], 3);
    let told: Value = serde_json::from_slice(&told.1).unwrap();
    assert_eq!(
        (&told["text"], &told["buttons"]),
        (&json!("hello"), &json!(["Undo"]))
    );
    let wanted = json!({ "guild": "G", "user": "alice", "kind": "click", "command": "Nothing", "message": told["message"] });
    let bytes = wanted.to_string().into_bytes();
    let (status, why) = http(
        &discord,
        "POST",
        "/_control/interaction",
        "application/json",
        &bytes,
    )
    .await;
    assert_eq!(status, 400);
    assert!(String::from_utf8(why).unwrap().contains("no button"));
}

#[tokio::test]
async fn rate_limits_last_as_long_as_they_say() {
    let discord = start().await;
    let path = "/api/v10/users/@me";
    let limit = |lasts| Fault::rate_limit(lasts).on("GET", "/users/@me");
    discord.inject(limit(Duration::from_secs(30)));
    let (head, body) = get(&discord, path).await;
    assert!(head.starts_with("http/1.1 429"), "{head}");
    for header in [
        "retry-after: 30",
        "x-ratelimit-scope: user",
        "x-ratelimit-remaining: 0",
        "x-ratelimit-reset-after: 30",
    ] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    let limited = |global: bool| json!({ "message": "You are being rate limited.", "retry_after": 30.0, "global": global });
    assert_eq!(body, limited(false));
    let (_, early) = get(&discord, path).await;
    let left = early["retry_after"].as_f64().unwrap();
    assert!(left > 0.0 && left <= 30.0, "{left}");
    discord.clear_faults();
    assert!(get(&discord, path).await.0.starts_with("http/1.1 200"));

    discord.inject(limit(Duration::from_millis(200)));
    let (head, body) = get(&discord, path).await;
    assert!(head.contains("retry-after: 1"), "{head}");
    let left = body["retry_after"].as_f64().unwrap();
    tokio::time::sleep(Duration::from_secs_f64(left)).await;
    assert!(get(&discord, path).await.0.starts_with("http/1.1 200"));

    discord.inject(Fault::rate_limit(Duration::from_secs(30)).global());
    let (head, body) = get(&discord, path).await;
    assert!(head.contains("x-ratelimit-global: true"), "{head}");
    assert!(head.contains("x-ratelimit-scope: global"), "{head}");
    assert_eq!(body, limited(true));
    discord.clear_faults();
    assert!(get(&discord, path).await.0.starts_with("http/1.1 200"));
    assert!(discord.refusals().is_empty());
}

#[tokio::test]
async fn requests_are_late_and_connections_close_with_or_without_effect() {
    let discord = start().await;
    let channel = discord.guild("G").channel("c");
    let path = format!("/channels/{}/messages", channel.id());
    let said = |text: &str| json!({ "content": text });
    let orders = [
        (Fault::hang_up(), "", 0),
        (Fault::hang_up().after_effect(), "", 1),
        (Fault::status(500).after_effect(), "http/1.1 500", 2),
        (Fault::status(503).code(7), "http/1.1 503", 2),
    ];
    for (order, answer, messages) in orders {
        discord.inject(order.on("POST", "/messages"));
        let whole = format!("/api/v10{path}");
        let body = said("x").to_string();
        let request = ("POST", whole.as_str());
        let (head, _) = exchange(&discord, request, "application/json", body.as_bytes()).await;
        assert!(head.starts_with(answer), "{head}");
        assert_eq!(head.is_empty(), answer.is_empty(), "{head}");
        assert_eq!(channel.messages().len(), messages);
    }
    let requests = discord.requests();
    let statuses: Vec<u16> = requests.iter().map(|request| request.status).collect();
    assert_eq!(statuses, [0, 0, 500, 503]);

    // Whoever does not wait has said it all the same.
    discord.inject(Fault::late(Duration::from_secs(1)).on("POST", "/messages"));
    let whole = format!("/api/v10{path}");
    let (request, text) = (("POST", whole.as_str()), said("late").to_string());
    let unheard = ask(&discord, request, "application/json", text.as_bytes()).await;
    // The server has its turn at each pause, and reads what was sent, before nobody waits any more.
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(unheard);
    let mut left = 3000;
    while channel.messages().len() == 2 && left > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        left -= 1;
    }
    assert_eq!(channel.messages().len(), 3);
    discord.inject(Fault::late(Duration::from_millis(10)).after_effect());
    assert_eq!(api(&discord, "POST", &path, &said("on time")).await.0, 200);
    assert!(discord.refusals().is_empty());
}
