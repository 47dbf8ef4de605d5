//! Application commands: global ones and those of one guild.

use serde_json::{Map, Value, json};

use super::{Answer, Call, Outcome, id};
use crate::{
    problem::Problem,
    rules,
    state::{Handle, Id, Shared},
};

pub(crate) fn route(shared: &Handle, call: &Call) -> Outcome {
    let segments = call.segments();
    let own = shared.application_id.to_string();
    match segments.as_slice() {
        ["applications", app, ..] if *app != own => {
            Err(Problem::new(404, 10002, "Unknown Application"))
        }
        ["applications", _, "commands", rest @ ..] => scoped(shared, call, None, rest),
        ["applications", _, "guilds", guild, "commands", rest @ ..] => {
            let guild = id(guild);
            if !shared.world().guilds.contains_key(&guild) {
                return Err(Problem::missing_access());
            }
            match (call.method.as_str(), rest) {
                ("GET", ["permissions"]) => Ok(Answer::Json(permissions(shared, guild))),
                _ => scoped(shared, call, Some(guild), rest),
            }
        }
        _ => Err(Problem::unknown_route()),
    }
}

/// Which commands the guild's owner keeps from everybody.
fn permissions(shared: &Shared, guild: Id) -> Value {
    let world = shared.world();
    let hidden = world.hidden_commands.get(&guild);
    let is_hidden = |command: &&Value| {
        let mut hidden = hidden.into_iter().flatten();
        hidden.any(|name| command["name"] == name.as_str())
    };
    let commands = world.commands.get(&None).into_iter().flatten();
    let gate = |command: &Value| {
        json!({
            "id": command["id"],
            "application_id": shared.application_id.to_string(),
            "guild_id": guild.to_string(),
            "permissions": [{ "id": guild.to_string(), "type": 1, "permission": false }],
        })
    };
    commands.filter(is_hidden).map(gate).collect()
}

fn scoped(shared: &Shared, call: &Call, guild: Option<Id>, rest: &[&str]) -> Outcome {
    let body = &call.body.json;
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(Answer::Json(json!(
            shared
                .world()
                .commands
                .get(&guild)
                .cloned()
                .unwrap_or_default()
        ))),
        ("PUT", []) => replace_all(shared, guild, body),
        ("POST", []) => create(shared, guild, body),
        ("GET", [command]) => find(shared, guild, command).map(Answer::Json),
        ("PATCH", [command]) => edit(shared, guild, command, body),
        ("DELETE", [command]) => delete(shared, guild, command),
        _ => Err(Problem::unknown_route()),
    }
}

fn replace_all(shared: &Shared, guild: Option<Id>, body: &Value) -> Outcome {
    let commands = body.as_array().map_or(&[][..], Vec::as_slice);
    rules::commands::check_all(commands)?;
    let mut world = shared.world();
    let old = world.commands.remove(&guild).unwrap_or_default();
    let stored: Vec<Value> = commands
        .iter()
        .map(|command| {
            stored(
                shared,
                guild,
                command,
                old.iter().find(|old| same(old, command)),
            )
        })
        .collect();
    world.commands.insert(guild, stored.clone());
    world.registrations += 1;
    Ok(Answer::Json(json!(stored)))
}

fn create(shared: &Shared, guild: Option<Id>, body: &Value) -> Outcome {
    rules::commands::check(body)?;
    let mut world = shared.world();
    let commands = world.commands.entry(guild).or_default();
    let old = commands
        .iter()
        .position(|old| same(old, body))
        .map(|at| commands.remove(at));
    let command = stored(shared, guild, body, old.as_ref());
    commands.push(command.clone());
    rules::commands::check_all(commands)?;
    world.registrations += 1;
    Ok(match old {
        Some(_) => Answer::Json(command),
        None => Answer::Created(command),
    })
}

fn same(one: &Value, other: &Value) -> bool {
    one["name"] == other["name"] && rules::commands::kind(one) == rules::commands::kind(other)
}

/// A command as Discord keeps it; one of the same name keeps its identifier.
fn stored(shared: &Shared, guild: Option<Id>, command: &Value, old: Option<&Value>) -> Value {
    let mut json = command.clone();
    let fresh = json!(shared.ids.next().to_string());
    json["id"] = old.map_or(fresh, |old| old["id"].clone());
    json["version"] = json!(shared.ids.next().to_string());
    json["application_id"] = json!(shared.application_id.to_string());
    json["type"] = json!(rules::commands::kind(command));
    if let Some(guild) = guild {
        json["guild_id"] = json!(guild.to_string());
    }
    let defaults = json!({
        "description": "",
        "default_member_permissions": null,
        "dm_permission": true,
        "contexts": null,
        "integration_types": [0],
        "nsfw": false,
        "options": [],
    });
    for (name, value) in defaults.as_object().into_iter().flat_map(Map::iter) {
        if json[name].is_null() {
            json[name] = value.clone();
        }
    }
    json
}

fn find(shared: &Shared, guild: Option<Id>, id: &str) -> Result<Value, Problem> {
    let world = shared.world();
    let mut commands = world.commands.get(&guild).into_iter().flatten();
    let command = commands.find(|command| command["id"] == id).cloned();
    command.ok_or_else(Problem::unknown_command)
}

fn edit(shared: &Shared, guild: Option<Id>, id: &str, body: &Value) -> Outcome {
    let mut command = find(shared, guild, id)?;
    for (name, value) in body.as_object().into_iter().flat_map(Map::iter) {
        command[name] = value.clone();
    }
    rules::commands::check(&command)?;
    command["version"] = json!(shared.ids.next().to_string());
    let mut world = shared.world();
    for old in world.commands.entry(guild).or_default() {
        if old["id"] == id {
            *old = command.clone();
        }
    }
    world.registrations += 1;
    Ok(Answer::Json(command))
}

fn delete(shared: &Shared, guild: Option<Id>, id: &str) -> Outcome {
    find(shared, guild, id)?;
    let mut world = shared.world();
    world
        .commands
        .entry(guild)
        .or_default()
        .retain(|command| command["id"] != id);
    Ok(Answer::Nothing)
}
