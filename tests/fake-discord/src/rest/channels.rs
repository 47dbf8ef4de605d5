//! Channels and the messages the bot posts there on its own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Answer, Call, Outcome, id, messages};
use crate::{
    gateway::intents,
    permissions::{
        ATTACH_FILES, EMBED_LINKS, MANAGE_MESSAGES, READ_MESSAGE_HISTORY, SEND_MESSAGES,
        VIEW_CHANNEL,
    },
    problem::Problem,
    state::{Handle, Id, Place, Shared, World},
    wire,
};

/// How long the same nonce means the same message.
const NONCE_LIFE: Duration = Duration::from_mins(5);

pub(crate) fn route(shared: &Handle, call: &Call) -> Outcome {
    let segments = call.segments();
    let channel = id(segments.get(1).copied().unwrap_or_default());
    visible(shared, channel)?;
    match (call.method.as_str(), segments.get(2..).unwrap_or_default()) {
        ("GET", []) => Ok(Answer::Json(show(shared, channel)?)),
        ("POST", ["typing"]) => Ok(Answer::Nothing),
        ("GET", ["messages"]) => list(shared, channel, call),
        ("POST", ["messages"]) => post(shared, channel, call),
        ("POST", ["messages", "bulk-delete"]) => delete_many(shared, channel, call),
        ("GET", ["messages", message]) => read(shared, channel, id(message)),
        ("PATCH", ["messages", message]) => edit(shared, channel, id(message), call),
        ("DELETE", ["messages", message]) => delete(shared, channel, id(message)),
        ("PUT", ["pins", message] | ["messages", "pins", message]) => {
            pin(shared, channel, id(message), true)
        }
        ("DELETE", ["pins", message] | ["messages", "pins", message]) => {
            pin(shared, channel, id(message), false)
        }
        _ => Err(Problem::unknown_route()),
    }
}

/// The channel is there, and the bot may see it.
fn visible(shared: &Shared, channel: Id) -> Result<(), Problem> {
    let world = shared.world();
    if !world.channels.contains_key(&channel) {
        return Err(Problem::unknown_channel());
    }
    if world.bot_permissions(channel, shared.application_id) & VIEW_CHANNEL == 0 {
        return Err(Problem::missing_access());
    }
    Ok(())
}

fn needs(shared: &Shared, world: &World, channel: Id, bits: u64) -> Result<(), Problem> {
    if world.bot_permissions(channel, shared.application_id) & bits == bits {
        Ok(())
    } else {
        Err(Problem::missing_permissions())
    }
}

fn show(shared: &Shared, channel: Id) -> Result<Value, Problem> {
    let world = shared.world();
    let channel = world
        .channels
        .get(&channel)
        .ok_or_else(Problem::unknown_channel)?;
    Ok(wire::channel(&world, channel, shared.application_id))
}

fn post(shared: &Shared, channel: Id, call: &Call) -> Outcome {
    messages::check(&call.body)?;
    let mut world = shared.world();
    may_post(shared, &world, channel, call)?;
    if let Some(known) = same_nonce(shared, &world, channel, &call.body.json) {
        return Ok(Answer::Json(known));
    }
    let origin = messages::Origin {
        channel,
        interaction: None,
        flags: messages::flags(&call.body.json) & !messages::EPHEMERAL,
    };
    let message = messages::create(
        shared,
        &mut world,
        &origin,
        &call.body.json,
        &call.body.files,
    )?;
    if let Some(nonce) = nonce(&call.body.json) {
        let message = id(message["id"].as_str().unwrap_or_default());
        world
            .nonces
            .insert((channel, nonce), (message, Instant::now()));
    }
    Ok(Answer::Json(message))
}

fn may_post(shared: &Shared, world: &World, channel: Id, call: &Call) -> Result<(), Problem> {
    let place = world.channels.get(&channel).map(|channel| &channel.place);
    if let Some(Place::Direct(user)) = place {
        let closed = world.users.get(user).is_some_and(|user| user.closed);
        return if closed {
            Err(Problem::direct_messages_closed())
        } else {
            Ok(())
        };
    }
    let mut bits = SEND_MESSAGES;
    if !call.body.files.is_empty() {
        bits |= ATTACH_FILES;
    }
    if call.body.json["embeds"]
        .as_array()
        .is_some_and(|all| !all.is_empty())
    {
        bits |= EMBED_LINKS;
    }
    needs(shared, world, channel, bits)
}

fn nonce(body: &Value) -> Option<String> {
    match &body["nonce"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// With `enforce_nonce`, a message posted with the same nonce in the last minutes is the answer.
fn same_nonce(shared: &Shared, world: &World, channel: Id, body: &Value) -> Option<Value> {
    if body["enforce_nonce"] != true {
        return None;
    }
    let (message, at) = world.nonces.get(&(channel, nonce(body)?))?;
    let message = world.messages.get(message)?;
    let own = message.author == shared.application_id && at.elapsed() < NONCE_LIFE;
    own.then(|| message.json.clone())
}

fn list(shared: &Shared, channel: Id, call: &Call) -> Outcome {
    let world = shared.world();
    needs(shared, &world, channel, READ_MESSAGE_HISTORY)?;
    let limit = usize::try_from(call.number("limit").unwrap_or(50)).unwrap_or(50);
    let before = call.number("before").unwrap_or(Id::MAX);
    let after = call.number("after").unwrap_or(0);
    let channel = world
        .channels
        .get(&channel)
        .ok_or_else(Problem::unknown_channel)?;
    let messages = channel
        .messages
        .iter()
        .rev()
        .filter(|id| **id < before && **id > after);
    let messages = messages.filter_map(|id| world.messages.get(id));
    let messages = messages.filter(|message| !message.ephemeral).take(limit);
    let page: Vec<&Value> = messages.map(|message| &message.json).collect();
    Ok(Answer::Json(json!(page)))
}

/// A message that stands in this channel and that a channel route may touch.
fn standing(world: &World, channel: Id, message: Id) -> Result<Id, Problem> {
    let found = world.messages.get(&message);
    let found =
        found.filter(|found| found.channel == channel && !found.deleted && !found.ephemeral);
    found
        .map(|found| found.author)
        .ok_or_else(Problem::unknown_message)
}

fn read(shared: &Shared, channel: Id, message: Id) -> Outcome {
    let world = shared.world();
    standing(&world, channel, message)?;
    needs(shared, &world, channel, READ_MESSAGE_HISTORY)?;
    let json = world
        .messages
        .get(&message)
        .map(|message| message.json.clone());
    json.map(Answer::Json).ok_or_else(Problem::unknown_message)
}

fn edit(shared: &Shared, channel: Id, message: Id, call: &Call) -> Outcome {
    messages::check(&call.body)?;
    let mut world = shared.world();
    if standing(&world, channel, message)? != shared.application_id {
        return Err(Problem::not_the_author());
    }
    let body = &call.body;
    messages::edit(shared, &mut world, message, &body.json, &body.files).map(Answer::Json)
}

fn delete(shared: &Shared, channel: Id, message: Id) -> Outcome {
    let mut world = shared.world();
    if standing(&world, channel, message)? != shared.application_id {
        needs(shared, &world, channel, MANAGE_MESSAGES)?;
    }
    messages::delete(&mut world, message)?;
    Ok(Answer::Nothing)
}

fn delete_many(shared: &Shared, channel: Id, call: &Call) -> Outcome {
    let mut world = shared.world();
    needs(shared, &world, channel, MANAGE_MESSAGES)?;
    let named = call.body.json["messages"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    for message in named.iter().filter_map(Value::as_str).map(id) {
        if standing(&world, channel, message).is_ok() {
            messages::delete(&mut world, message)?;
        }
    }
    Ok(Answer::Nothing)
}

fn pin(shared: &Shared, channel: Id, message: Id, pinned: bool) -> Outcome {
    let mut world = shared.world();
    standing(&world, channel, message)?;
    needs(shared, &world, channel, MANAGE_MESSAGES)?;
    if let Some(found) = world.messages.get_mut(&message) {
        found.json["pinned"] = json!(pinned);
    }
    let guild = world.guild_of_channel(channel);
    let mut event = json!({ "channel_id": channel.to_string(), "last_pin_timestamp": null });
    if let Some(guild) = guild {
        event["guild_id"] = json!(guild.to_string());
    }
    world.dispatch(guild, intents::GUILDS, "CHANNEL_PINS_UPDATE", &event);
    Ok(Answer::Nothing)
}
