//! Messages: how they are made from a request body, edited, and shown to the gateway.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::body::{Body, Upload};
use crate::{
    gateway::intents,
    problem::Problem,
    rules,
    snowflake::now,
    state::{Id, Message, Shared, StoredFile, World},
    wire,
};

pub(crate) const EPHEMERAL: u64 = 1 << 6;
pub(crate) const LOADING: u64 = 1 << 7;
/// The flags a sender may set: suppressed embeds, ephemeral, silent.
const SETTABLE: u64 = (1 << 2) | EPHEMERAL | (1 << 12);

/// Whose message, and where.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) channel: Id,
    pub(crate) interaction: Option<Id>,
    pub(crate) flags: u64,
}

/// Makes a message out of `data`, the part of the body that describes it.
pub(crate) fn create(
    shared: &Shared,
    world: &mut World,
    origin: &Origin,
    data: &Value,
    files: &[Upload],
) -> Result<Value, Problem> {
    let id = shared.ids.next();
    let mut json = blank(shared, world, origin, id);
    apply(shared, world, &mut json, data, files)?;
    if origin.flags & LOADING == 0 {
        rules::messages::check_not_empty(&json)?;
    }
    let message = Message {
        id,
        channel: origin.channel,
        author: shared.application_id,
        interaction: origin.interaction,
        ephemeral: origin.flags & EPHEMERAL != 0,
        deleted: false,
        json: json.clone(),
        versions: Vec::new(),
    };
    announce(world, &message, "MESSAGE_CREATE");
    if let Some(channel) = world.channels.get_mut(&origin.channel) {
        channel.messages.push(id);
    }
    world.messages.insert(id, message);
    Ok(json)
}

/// The flags of a request that count.
pub(crate) fn flags(data: &Value) -> u64 {
    data["flags"].as_u64().unwrap_or(0) & SETTABLE
}

fn blank(shared: &Shared, world: &World, origin: &Origin, id: Id) -> Value {
    let kind = if origin.interaction.is_some() { 20 } else { 0 };
    let mut json = json!({
        "id": id.to_string(),
        "channel_id": origin.channel.to_string(),
        "type": kind,
        "author": wire::user_by_id(world, shared.application_id),
        "content": "",
        "timestamp": wire::created(id),
        "edited_timestamp": null,
        "tts": false,
        "mention_everyone": false,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": false,
        "flags": origin.flags,
    });
    let source = origin.interaction.and_then(|id| world.interaction(id));
    if let Some(interaction) = source {
        let bot = shared.application_id.to_string();
        json["application_id"] = json!(bot);
        json["webhook_id"] = json!(bot);
        if interaction.kind == 2 {
            json["interaction"] = json!({
                "id": interaction.id.to_string(),
                "type": 2,
                "name": interaction.payload["data"]["name"],
                "user": wire::user_by_id(world, interaction.user),
            });
        }
    }
    json
}

/// Edits a message with the fields that are there, and keeps what it was.
pub(crate) fn edit(
    shared: &Shared,
    world: &mut World,
    id: Id,
    data: &Value,
    files: &[Upload],
) -> Result<Value, Problem> {
    let found = world.messages.get(&id).filter(|message| !message.deleted);
    let old = found.ok_or_else(Problem::unknown_message)?.clone();
    let mut json = old.json.clone();
    apply(shared, world, &mut json, data, files)?;
    let loading = json["flags"].as_u64().unwrap_or(0) & LOADING != 0;
    json["flags"] = json!(json["flags"].as_u64().unwrap_or(0) & !LOADING);
    if !loading {
        json["edited_timestamp"] = json!(now().to_rfc3339());
    }
    rules::messages::check_not_empty(&json)?;
    let message = Message {
        json: json.clone(),
        versions: old.versions.iter().chain([&old.json]).cloned().collect(),
        ..old
    };
    announce(world, &message, "MESSAGE_UPDATE");
    world.messages.insert(id, message);
    Ok(json)
}

/// Deletes a message; it stays readable for tests.
pub(crate) fn delete(world: &mut World, id: Id) -> Result<(), Problem> {
    let found = world
        .messages
        .get_mut(&id)
        .filter(|message| !message.deleted);
    let message = found.ok_or_else(Problem::unknown_message)?;
    message.deleted = true;
    let message = message.clone();
    if let Some(channel) = world.channels.get_mut(&message.channel) {
        channel.messages.retain(|kept| *kept != id);
    }
    announce(world, &message, "MESSAGE_DELETE");
    Ok(())
}

fn apply(
    shared: &Shared,
    world: &mut World,
    json: &mut Value,
    data: &Value,
    files: &[Upload],
) -> Result<(), Problem> {
    if let Some(content) = data.get("content") {
        json["content"] = json!(content.as_str().unwrap_or_default().trim());
    }
    for name in ["embeds", "components"] {
        if let Some(list) = data.get(name) {
            json[name] = json!(list.as_array().cloned().unwrap_or_default());
        }
    }
    if let Some(nonce) = data.get("nonce") {
        json["nonce"] = nonce.clone();
    }
    apply_files(shared, world, json, data, files)?;
    finish_embeds(json);
    finish_components(json);
    if data.get("content").is_some() {
        mention(world, json, &data["allowed_mentions"]);
    }
    Ok(())
}

/// Keeps the attachments that are named (all, if none are) and adds the uploads.
fn apply_files(
    shared: &Shared,
    world: &mut World,
    json: &mut Value,
    data: &Value,
    files: &[Upload],
) -> Result<(), Problem> {
    let described = data["attachments"].as_array();
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let about = |id: &str| described.and_then(|all| all.iter().find(|one| text(&one["id"]) == id));
    let mut kept = json["attachments"].as_array().cloned().unwrap_or_default();
    if described.is_some() {
        kept.retain(|old| old["id"].as_str().is_some_and(|id| about(id).is_some()));
    }
    for file in files {
        let description = about(&file.number).map_or(Value::Null, |one| one["description"].clone());
        kept.push(store(
            shared,
            world,
            &json["channel_id"],
            file,
            &description,
        ));
    }
    if kept.len() > 10 {
        return Err(Problem::form(
            "attachments",
            "BASE_TYPE_MAX_LENGTH",
            "Must be 10 or fewer in length.",
        ));
    }
    json["attachments"] = json!(kept);
    Ok(())
}

fn store(
    shared: &Shared,
    world: &mut World,
    channel: &Value,
    file: &Upload,
    about: &Value,
) -> Value {
    let mut json = store_file(
        shared,
        world,
        channel.as_str().unwrap_or_default(),
        StoredFile {
            name: file.name.clone(),
            content_type: file.content_type.clone(),
            bytes: file.bytes.clone(),
        },
    );
    if !about.is_null() {
        json["description"] = about.clone();
    }
    json
}

/// Keeps a file and returns the attachment that names it.
pub(crate) fn store_file(
    shared: &Shared,
    world: &mut World,
    channel: &str,
    file: StoredFile,
) -> Value {
    let id = shared.ids.next();
    let url = format!(
        "{}/attachments/{channel}/{id}/{}",
        shared.base,
        escape(&file.name)
    );
    let mut json = json!({
        "id": id.to_string(),
        "filename": file.name,
        "size": file.bytes.len(),
        "url": url,
        "proxy_url": url,
        "content_type": file.content_type,
    });
    if let Some((width, height)) = png_size(&file.bytes) {
        json["width"] = json!(width);
        json["height"] = json!(height);
    }
    world.files.insert(id, file);
    json
}

/// Percent-encodes what may not stand in a URL.
fn escape(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let encode = |byte: u8| match byte {
        byte if plain(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.bytes().map(encode).collect()
}

fn png_size(bytes: &Bytes) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let number = |at: usize| {
        header
            .get(at..at + 4)?
            .try_into()
            .ok()
            .map(u32::from_be_bytes)
    };
    Some((number(8)?, number(12)?))
}

/// Fills in what Discord adds to embeds, and the addresses of attached images.
fn finish_embeds(json: &mut Value) {
    let attachments = json["attachments"].as_array().cloned().unwrap_or_default();
    let address = |name: &str| {
        let found = attachments
            .iter()
            .find(|attachment| attachment["filename"] == name);
        found.map(|attachment| attachment["url"].clone())
    };
    for embed in json["embeds"].as_array_mut().into_iter().flatten() {
        embed["type"] = json!("rich");
        for field in embed["fields"].as_array_mut().into_iter().flatten() {
            field["inline"] = json!(field["inline"] == true);
        }
        for part in ["image", "thumbnail"] {
            let url = embed[part]["url"]
                .as_str()
                .and_then(|url| url.strip_prefix("attachment://"));
            if let Some(url) = url.and_then(address) {
                embed[part]["url"] = url;
            }
        }
        if let Some(embed) = embed.as_object_mut() {
            embed.retain(|_, value| !value.is_null());
        }
    }
}

/// Numbers the components, as Discord does.
fn finish_components(json: &mut Value) {
    let mut number = 0;
    for row in json["components"].as_array_mut().into_iter().flatten() {
        number += 1;
        row["id"] = json!(number);
        for component in row["components"].as_array_mut().into_iter().flatten() {
            number += 1;
            component["id"] = json!(number);
        }
    }
}

/// Works out who is really pinged.
fn mention(world: &World, json: &mut Value, allowed: &Value) {
    let content = json["content"].as_str().unwrap_or_default().to_owned();
    let may = |kind: &str, id: &str| {
        let listed = |name: &str, value: &str| {
            allowed[name]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one == value))
        };
        allowed.is_null() || listed("parse", kind) || listed(kind, id)
    };
    let users = mentioned(&content, "<@")
        .into_iter()
        .filter(|id| may("users", id));
    let users: Vec<Value> = users
        .filter_map(|id| world.users.get(&id.parse().ok()?).map(wire::user))
        .collect();
    let roles: Vec<String> = mentioned(&content, "<@&")
        .into_iter()
        .filter(|id| may("roles", id))
        .collect();
    let everyone = content.contains("@everyone") || content.contains("@here");
    json["mentions"] = json!(users);
    json["mention_roles"] = json!(roles);
    json["mention_everyone"] = json!(everyone && may("everyone", ""));
}

/// The identifiers between `prefix` and `>`.
fn mentioned(content: &str, prefix: &str) -> Vec<String> {
    let mut found: Vec<String> = content
        .split(prefix)
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(id, _)| id.trim_start_matches('!').to_owned())
        .filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Tells the gateway about a message, unless only one person sees it.
fn announce(world: &mut World, message: &Message, event: &'static str) {
    if message.ephemeral {
        return;
    }
    let guild = world.guild_of_channel(message.channel);
    let mut json = if event == "MESSAGE_DELETE" {
        json!({ "id": message.id.to_string(), "channel_id": message.channel.to_string() })
    } else {
        message.json.clone()
    };
    let member = guild.and_then(|id| world.guilds.get(&id)?.members.get(&message.author));
    if let (Some(member), true) = (member, event != "MESSAGE_DELETE") {
        json["member"] = wire::partial_member(member);
    }
    if let Some(guild) = guild {
        json["guild_id"] = json!(guild.to_string());
    }
    let intent = if guild.is_some() {
        intents::GUILD_MESSAGES
    } else {
        intents::DIRECT_MESSAGES
    };
    world.dispatch(guild, intent, event, &json);
}

/// Checks the description of a message in a request.
pub(crate) fn check(body: &Body) -> Result<(), Problem> {
    rules::messages::check(&body.json, "")
}
