//! Buttons, menus and modals as people use them.

use serde_json::{Value, json};

use super::{acting::resolve_user, options::mentioned};
use crate::{
    rules::components::{
        BUTTON, CHANNEL_SELECT, MENTIONABLE_SELECT, ROLE_SELECT, STRING_SELECT, USER_SELECT,
    },
    state::{Id, World},
    wire,
};

type Used<T> = Result<T, String>;

/// All the components of a message, row after row.
pub(crate) fn all(message: &Value) -> impl Iterator<Item = &Value> {
    let rows = message["components"].as_array().into_iter().flatten();
    rows.flat_map(|row| row["components"].as_array().into_iter().flatten())
}

/// What a button shows: its label, or its emoji.
pub(crate) fn label(button: &Value) -> &str {
    let label = button["label"].as_str();
    label
        .or_else(|| button["emoji"]["name"].as_str())
        .unwrap_or_default()
}

fn begins(component: &Value, with: &str) -> bool {
    component["custom_id"]
        .as_str()
        .is_some_and(|id| id.starts_with(with))
}

/// The `data` of a click.
pub(crate) fn button(message: &Value, wanted: &str) -> Used<Value> {
    let buttons: Vec<&Value> = all(message)
        .filter(|found| found["type"] == BUTTON)
        .collect();
    let found = buttons.iter().find(|button| label(button) == wanted);
    let found = found.or_else(|| buttons.iter().find(|button| begins(button, wanted)));
    let labels = || {
        buttons
            .iter()
            .map(|button| label(button))
            .collect::<Vec<_>>()
    };
    let found =
        found.ok_or_else(|| format!("there is no button {wanted:?}, only {:?}", labels()))?;
    if found["disabled"] == true {
        return Err(format!("the button {wanted:?} is disabled"));
    }
    if found["custom_id"].is_null() {
        return Err(format!("the button {wanted:?} is a link"));
    }
    Ok(json!({
        "custom_id": found["custom_id"], "component_type": BUTTON, "id": found["id"],
    }))
}

/// The `data` of a choice in a menu.
pub(crate) fn select(
    world: &World,
    guild: Option<Id>,
    message: &Value,
    wanted: &str,
    values: &[&str],
) -> Used<Value> {
    let menus: Vec<&Value> = all(message)
        .filter(|found| found["type"] != BUTTON)
        .collect();
    let found = menus.iter().find(|menu| menu["placeholder"] == wanted);
    let found = found.or_else(|| menus.iter().find(|menu| begins(menu, wanted)));
    let names = || {
        menus
            .iter()
            .map(|menu| menu["placeholder"].to_string())
            .collect::<Vec<_>>()
    };
    let menu = found.ok_or_else(|| format!("there is no menu {wanted:?}, only {:?}", names()))?;
    if menu["disabled"] == true {
        return Err(format!("the menu {wanted:?} is disabled"));
    }
    let least = menu["min_values"].as_u64().unwrap_or(1);
    let most = menu["max_values"].as_u64().unwrap_or(1);
    let count = u64::try_from(values.len()).unwrap_or(u64::MAX);
    if !(least..=most).contains(&count) {
        return Err(format!(
            "the menu {wanted:?} takes {least} to {most} values, not {count}"
        ));
    }
    let mut resolved = json!({});
    let chosen: Used<Vec<String>> = values
        .iter()
        .map(|value| choose(world, guild, menu, value, &mut resolved))
        .collect();
    Ok(json!({
        "custom_id": menu["custom_id"],
        "component_type": menu["type"],
        "id": menu["id"],
        "values": chosen?,
        "resolved": resolved,
    }))
}

fn choose(
    world: &World,
    guild: Option<Id>,
    menu: &Value,
    value: &str,
    resolved: &mut Value,
) -> Used<String> {
    if menu["type"] == STRING_SELECT {
        return option(menu, value);
    }
    let id = mentioned(value).map_err(|why| format!("{value:?} {why}"))?;
    let key = id.to_string();
    let found = guild.and_then(|guild| world.guilds.get(&guild));
    let role = found.and_then(|guild| guild.roles.get(&id));
    let channel = world.channels.get(&id);
    let channel = channel.filter(|channel| channel.guild() == guild);
    match (menu["type"].as_u64(), role, channel) {
        (Some(ROLE_SELECT | MENTIONABLE_SELECT), Some(role), _) => {
            resolved["roles"][&key] = wire::role(role);
        }
        (Some(CHANNEL_SELECT), _, Some(channel)) => {
            let json = wire::channel(world, channel, 0);
            let types = menu["channel_types"].as_array();
            if types.is_some_and(|types| !types.is_empty() && !types.contains(&json["type"])) {
                return Err(format!("{value:?} is not of a type that this menu shows"));
            }
            resolved["channels"][&key] = json;
        }
        (Some(USER_SELECT | MENTIONABLE_SELECT), None, _)
            if resolve_user(world, guild, id, resolved) => {}
        _ => return Err(format!("{value:?} cannot be chosen in this menu")),
    }
    Ok(key)
}

/// An option of a string select, by value or by label.
fn option(menu: &Value, wanted: &str) -> Used<String> {
    let options = menu["options"].as_array().map_or(&[][..], Vec::as_slice);
    let found = options.iter().find(|option| option["value"] == wanted);
    let found = found.or_else(|| options.iter().find(|option| option["label"] == wanted));
    let labels = || {
        options
            .iter()
            .map(|option| option["label"].to_string())
            .collect::<Vec<_>>()
    };
    let value = found.and_then(|option| option["value"].as_str());
    value
        .map(str::to_owned)
        .ok_or_else(|| format!("{wanted:?} is none of {:?}", labels()))
}

/// The `data` of a modal that is sent.
pub(crate) fn submit(modal: &Value, fields: &[(&str, &str)]) -> Used<Value> {
    let inputs: Vec<&Value> = all(modal).collect();
    let named = |input: &Value, name: &str| input["custom_id"] == name || input["label"] == name;
    let labels = || {
        inputs
            .iter()
            .map(|input| input["label"].to_string())
            .collect::<Vec<_>>()
    };
    for (name, _) in fields {
        if !inputs.iter().any(|input| named(input, name)) {
            return Err(format!(
                "the modal has no field {name:?}, only {:?}",
                labels()
            ));
        }
    }
    let mut rows = Vec::new();
    for input in &inputs {
        let typed = fields
            .iter()
            .find(|(name, _)| named(input, name))
            .map(|(_, value)| *value);
        let value = typed
            .or_else(|| input["value"].as_str())
            .unwrap_or_default();
        fits(input, value)?;
        let id = &input["custom_id"];
        rows.push(json!({
            "type": 1,
            "components": [{ "type": 4, "custom_id": id, "value": value }],
        }));
    }
    Ok(json!({ "custom_id": modal["custom_id"], "components": rows }))
}

fn fits(input: &Value, value: &str) -> Used<()> {
    let length = u64::try_from(value.chars().count()).unwrap_or(u64::MAX);
    let required = input["required"] != false;
    let least = input["min_length"].as_u64().unwrap_or(u64::from(required));
    let most = input["max_length"].as_u64().unwrap_or(4000);
    if (length == 0 && !required) || (least..=most).contains(&length) {
        Ok(())
    } else {
        Err(format!(
            "the field {} takes {least} to {most} characters, not {length}",
            input["label"]
        ))
    }
}
