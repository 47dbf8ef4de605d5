//! What comes after the first answer: the original response and follow-ups, by token.

use serde_json::Value;

use super::{Answer, Call, Outcome, id, messages};
use crate::{
    problem::Problem,
    state::{First, Handle, Id, Interaction, Shared, TOKEN_LIFE, World},
};

pub(crate) fn route(shared: &Handle, call: &Call) -> Outcome {
    let segments = call.segments();
    let ["webhooks", app, token, rest @ ..] = segments.as_slice() else {
        return Err(Problem::unknown_route());
    };
    let mut world = shared.world();
    let number = answered(&world, shared, app, token)?;
    match (call.method.as_str(), rest) {
        ("POST", []) => follow_up(shared, &mut world, call, number),
        ("GET", ["messages", which]) => {
            let message = find(&world, number, which)?;
            let message = world
                .messages
                .get(&message)
                .ok_or_else(Problem::unknown_message)?;
            Ok(Answer::Json(message.json.clone()))
        }
        ("PATCH", ["messages", which]) => {
            let message = find(&world, number, which)?;
            edit(shared, &mut world, call, number, message).map(Answer::Json)
        }
        ("DELETE", ["messages", which]) => {
            let message = find(&world, number, which)?;
            messages::delete(&mut world, message)?;
            touch(&world, number);
            Ok(Answer::Nothing)
        }
        _ => Err(Problem::unknown_route()),
    }
}

/// The interaction of a token that works: answered once, and not too old.
fn answered(world: &World, shared: &Shared, app: &str, token: &str) -> Result<Id, Problem> {
    let number = world.tokens.get(token).copied();
    let interaction = number.and_then(|number| world.interaction(number));
    let interaction = interaction.ok_or_else(Problem::unknown_webhook)?;
    if app != shared.application_id.to_string() || interaction.first.is_none() {
        return Err(Problem::unknown_webhook());
    }
    if world.age(interaction) > TOKEN_LIFE {
        return Err(Problem::expired_token());
    }
    Ok(interaction.id)
}

/// `@original`, or a message of this interaction by its identifier.
fn find(world: &World, number: Id, which: &str) -> Result<Id, Problem> {
    let interaction = world
        .interaction(number)
        .ok_or_else(Problem::unknown_webhook)?;
    let found = if which == "@original" {
        interaction.original
    } else {
        let own = |found: &Id| {
            interaction.follow_ups.contains(found) || interaction.original == Some(*found)
        };
        Some(id(which)).filter(own)
    };
    let standing = |id: &Id| {
        world
            .messages
            .get(id)
            .is_some_and(|message| !message.deleted)
    };
    found.filter(standing).ok_or_else(Problem::unknown_message)
}

fn touch(world: &World, number: Id) {
    if let Some(interaction) = world.interaction(number) {
        interaction.touch();
    }
}

fn edit(
    shared: &Shared,
    world: &mut World,
    call: &Call,
    number: Id,
    message: Id,
) -> Result<Value, Problem> {
    messages::check(&call.body)?;
    let json = messages::edit(shared, world, message, &call.body.json, &call.body.files)?;
    if let Some(interaction) = world.interactions.get_mut(&number) {
        interaction.completed |= interaction.original == Some(message);
        interaction.touch();
    }
    Ok(json)
}

/// The first follow-up after a defer is the original response, as visible as the defer was.
fn follow_up(shared: &Shared, world: &mut World, call: &Call, number: Id) -> Outcome {
    let interaction = world
        .interaction(number)
        .ok_or_else(Problem::unknown_webhook)?;
    if let Some(waiting) = waiting(world, interaction) {
        rejects_nothing_to_show(call)?;
        return edit(shared, world, call, number, waiting).map(Answer::Json);
    }
    messages::check(&call.body)?;
    let origin = messages::Origin {
        channel: interaction.channel,
        interaction: Some(number),
        flags: messages::flags(&call.body.json),
    };
    let message = messages::create(shared, world, &origin, &call.body.json, &call.body.files)?;
    if let Some(interaction) = world.interactions.get_mut(&number) {
        interaction
            .follow_ups
            .push(id(message["id"].as_str().unwrap_or_default()));
        interaction.touch();
    }
    Ok(Answer::Json(message))
}

/// The "thinking" message which still waits for its content.
fn waiting(world: &World, interaction: &Interaction) -> Option<Id> {
    let deferred = interaction.first == Some(First::Deferred) && !interaction.completed;
    let standing = |id: &Id| {
        world
            .messages
            .get(id)
            .is_some_and(|message| !message.deleted)
    };
    interaction.original.filter(standing).filter(|_| deferred)
}

fn rejects_nothing_to_show(call: &Call) -> Result<(), Problem> {
    if call.body.json.is_object() || !call.body.files.is_empty() {
        Ok(())
    } else {
        Err(Problem::empty_message())
    }
}
