//! The first answer to an interaction.

use serde_json::{Value, json};

use super::{Answer, Call, Outcome, body::Body, id, messages};
use crate::{
    problem::{Form, Problem},
    rules,
    state::{First, Handle, Id, Interaction, Shared, World},
};

const COMMAND: u64 = 2;
const COMPONENT: u64 = 3;
const AUTOCOMPLETE: u64 = 4;
const MODAL_SUBMIT: u64 = 5;

pub(crate) fn route(shared: &Handle, call: &Call) -> Outcome {
    match (call.method.as_str(), call.segments().as_slice()) {
        ("POST", ["interactions", number, token, "callback"]) => {
            callback(shared, call, id(number), token)
        }
        _ => Err(Problem::unknown_route()),
    }
}

fn callback(shared: &Shared, call: &Call, number: Id, token: &str) -> Outcome {
    let mut world = shared.world();
    let interaction = world
        .interaction(number)
        .filter(|found| found.token == token);
    let interaction = interaction.ok_or_else(Problem::unknown_interaction)?;
    if interaction.first.is_some() {
        return Err(Problem::already_acknowledged());
    }
    if world.age(interaction) > shared.settings.first_answer {
        return Err(Problem::unknown_interaction());
    }
    let kind = call.body.json["type"].as_u64().unwrap_or_default();
    fits(interaction, kind)?;
    let first = match kind {
        4 => reply(shared, &mut world, call, number)?,
        5 => defer(shared, &mut world, call, number)?,
        6 => First::DeferredUpdate,
        7 => update(shared, &mut world, call, number)?,
        8 => complete(interaction, &call.body.json)?,
        _ => modal(&call.body.json)?,
    };
    let original = settle(&mut world, number, first);
    if call
        .query
        .get("with_response")
        .is_some_and(|value| value == "true")
    {
        return Ok(Answer::Json(response(&world, number, kind, original)));
    }
    Ok(Answer::Nothing)
}

/// Which answers fit which interactions.
fn fits(interaction: &Interaction, kind: u64) -> Result<(), Problem> {
    let on_message = interaction.source.is_some();
    let allowed = match (interaction.kind, kind) {
        (COMMAND, 4 | 5 | 9)
        | (COMPONENT, 4..=7 | 9)
        | (MODAL_SUBMIT, 4 | 5)
        | (AUTOCOMPLETE, 8) => true,
        (MODAL_SUBMIT, 6 | 7) => on_message,
        _ => false,
    };
    if allowed {
        return Ok(());
    }
    let mut form = Form::default();
    let why = format!(
        "A response of type {kind} does not fit an interaction of type {}.",
        interaction.kind
    );
    form.add("type", "INTERACTION_RESPONSE_TYPE_INVALID", &why);
    form.finish()
}

/// Remembers the first answer, and which message is the original response.
fn settle(world: &mut World, number: Id, first: First) -> Option<Id> {
    let interaction = world.interactions.get_mut(&number)?;
    if matches!(first, First::DeferredUpdate | First::Update) {
        interaction.original = interaction.source;
    }
    interaction.first = Some(first);
    interaction.touch();
    interaction.original
}

fn reply(shared: &Shared, world: &mut World, call: &Call, number: Id) -> Result<First, Problem> {
    let data = &call.body.json["data"];
    rules::messages::check(data, "data.")?;
    post(shared, world, &call.body, number, messages::flags(data))?;
    Ok(First::Message)
}

fn defer(shared: &Shared, world: &mut World, call: &Call, number: Id) -> Result<First, Problem> {
    let ephemeral = messages::flags(&call.body.json["data"]) & messages::EPHEMERAL;
    let nothing = Body::default();
    post(
        shared,
        world,
        &nothing,
        number,
        ephemeral | messages::LOADING,
    )?;
    Ok(First::Deferred)
}

/// Makes the original response.
fn post(
    shared: &Shared,
    world: &mut World,
    body: &Body,
    number: Id,
    flags: u64,
) -> Result<(), Problem> {
    let channel = world.interaction(number).map(|found| found.channel);
    let origin = messages::Origin {
        channel: channel.ok_or_else(Problem::unknown_interaction)?,
        interaction: Some(number),
        flags,
    };
    let message = messages::create(shared, world, &origin, &body.json["data"], &body.files)?;
    let original = id(message["id"].as_str().unwrap_or_default());
    if let Some(interaction) = world.interactions.get_mut(&number) {
        interaction.original = Some(original);
    }
    Ok(())
}

fn update(shared: &Shared, world: &mut World, call: &Call, number: Id) -> Result<First, Problem> {
    let data = &call.body.json["data"];
    rules::messages::check(data, "data.")?;
    let source = world.interaction(number).and_then(|found| found.source);
    let source = source.ok_or_else(Problem::unknown_message)?;
    if data.is_object() {
        messages::edit(shared, world, source, data, &call.body.files)?;
    }
    Ok(First::Update)
}

fn complete(interaction: &Interaction, body: &Value) -> Result<First, Problem> {
    let kind = focused_kind(&interaction.payload["data"]).unwrap_or(rules::choices::STRING);
    rules::choices::check(&body["data"], kind)?;
    let choices = body["data"]["choices"].as_array();
    Ok(First::Choices(choices.cloned().unwrap_or_default()))
}

/// The type of the option which has the focus.
fn focused_kind(data: &Value) -> Option<u64> {
    let options = data["options"].as_array()?;
    options.iter().find_map(|option| {
        if option["focused"] == true {
            option["type"].as_u64()
        } else {
            focused_kind(option)
        }
    })
}

fn modal(body: &Value) -> Result<First, Problem> {
    rules::modals::check(&body["data"])?;
    Ok(First::Modal(body["data"].clone()))
}

/// The answer to `?with_response=true`.
fn response(world: &World, number: Id, kind: u64, original: Option<Id>) -> Value {
    let interaction = world.interaction(number);
    let mut json = json!({
        "interaction": {
            "id": number.to_string(),
            "type": interaction.map_or(0, |found| found.kind),
            "response_message_id": original.map(|id| id.to_string()),
        },
        "resource": { "type": kind },
    });
    if let Some(message) = original.and_then(|id| world.messages.get(&id)) {
        json["resource"]["message"] = message.json.clone();
    }
    json
}
