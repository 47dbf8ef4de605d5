//! Commands as people type them: checked and typed by the definition the bot registered.

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use super::{acting::resolve_user, discord::FakeDiscord};
use crate::{
    permissions,
    rest::messages,
    rules::{self, choices::LARGEST},
    state::{Id, StoredFile, World},
    wire,
};

const SUBCOMMAND: u64 = 1;
const GROUP: u64 = 2;

/// What somebody wants to do.
pub(crate) struct Order<'a> {
    pub(crate) guild: Option<Id>,
    pub(crate) channel: Id,
    pub(crate) user: Id,
    pub(crate) command: &'a str,
    pub(crate) options: &'a [(&'a str, &'a str)],
    pub(crate) files: &'a [(String, Bytes)],
    pub(crate) focused: Option<&'a str>,
}

type Typed<T> = Result<T, String>;

/// The `data` of a slash command, or of its autocomplete when an option has the focus.
pub(crate) fn invocation(discord: &FakeDiscord, order: &Order) -> Typed<Value> {
    let mut words = order.command.split_whitespace();
    let top = words.next().unwrap_or_default();
    let mut world = discord.shared.world();
    if let Some(why) = hidden(&world, order.guild, order.user, top) {
        return Err(why);
    }
    let command = find(&world, order.guild, 1, top)?;
    let (path, leaf) = descend(&command, words)?;
    let mut desk = Desk {
        discord,
        world: &mut world,
        order,
        resolved: json!({}),
    };
    let mut options = desk.fill_in(&leaf)?;
    let resolved = desk.resolved;
    for (name, kind) in path.into_iter().rev() {
        options = vec![json!({ "name": name, "type": kind, "options": options })];
    }
    Ok(data(&command, &options, resolved))
}

/// The `data` of a context menu command on a user.
pub(crate) fn on_user(discord: &FakeDiscord, order: &Order, target: Id) -> Typed<Value> {
    let world = discord.shared.world();
    let command = find(&world, order.guild, 2, order.command)?;
    let mut resolved = json!({});
    resolve_user(&world, order.guild, target, &mut resolved);
    let mut data = data(&command, &[], resolved);
    data["target_id"] = json!(target.to_string());
    Ok(data)
}

/// The `data` of a context menu command on a message.
pub(crate) fn on_message(discord: &FakeDiscord, order: &Order, target: Option<Id>) -> Typed<Value> {
    let world = discord.shared.world();
    let command = find(&world, order.guild, 3, order.command)?;
    let message = target.and_then(|id| world.messages.get(&id));
    let message = message.ok_or("there is no such message")?;
    let resolved = json!({ "messages": { message.id.to_string(): message.json } });
    let mut data = data(&command, &[], resolved);
    data["target_id"] = json!(message.id.to_string());
    Ok(data)
}

fn data(command: &Value, options: &[Value], resolved: Value) -> Value {
    let mut data = json!({
        "id": command["id"],
        "name": command["name"],
        "type": command["type"],
    });
    if !command["guild_id"].is_null() {
        data["guild_id"] = command["guild_id"].clone();
    }
    if !options.is_empty() {
        data["options"] = json!(options);
    }
    if resolved.as_object().is_some_and(|map| !map.is_empty()) {
        data["resolved"] = resolved;
    }
    data
}

/// The registered command: one of the guild hides a global one of the same name.
fn find(world: &World, guild: Option<Id>, kind: u64, name: &str) -> Typed<Value> {
    let own = guild.and_then(|guild| world.commands.get(&Some(guild)));
    let all: Vec<&Value> = own
        .into_iter()
        .chain(world.commands.get(&None))
        .flatten()
        .collect();
    let fits =
        |command: &&&Value| rules::commands::kind(command) == kind && command["name"] == name;
    let names = || {
        all.iter()
            .filter_map(|command| command["name"].as_str())
            .collect::<Vec<_>>()
    };
    let found = all.iter().find(fits).map(|found| (*found).clone());
    found.ok_or_else(|| {
        format!(
            "no command {name:?} of type {kind} is registered; there are {:?}",
            names()
        )
    })
}

/// Why Discord does not show a command to somebody, if it does not.
pub(crate) fn hidden(world: &World, guild: Option<Id>, user: Id, command: &str) -> Option<String> {
    let top = command.split_whitespace().next().unwrap_or_default();
    let command = find(world, guild, 1, top).ok()?;
    let needed = &command["default_member_permissions"];
    let needed = needed.as_u64().or_else(|| needed.as_str()?.parse().ok());
    let context = u8::from(guild.is_none());
    let contexts = command["contexts"].as_array();
    let elsewhere = contexts.is_some_and(|all| !all.iter().any(|one| *one == context));
    if elsewhere || (guild.is_none() && command["dm_permission"] == false) {
        return Some(format!("/{top} is not offered in this context ({context})"));
    }
    let held = world.permissions(guild?, user);
    let lacking = held != permissions::ALL
        && needed.is_some_and(|needed| held & needed != needed || needed == 0);
    lacking.then(|| format!("/{top} is not shown to this member: it needs {needed:?}"))
}

type Step = (String, u64);

/// Follows the words to the subcommand that is meant.
fn descend<'a>(command: &Value, words: impl Iterator<Item = &'a str>) -> Typed<(Vec<Step>, Value)> {
    let mut path = Vec::new();
    let mut here = command.clone();
    for word in words {
        let nested = nested(&here);
        let next = nested.iter().find(|option| option["name"] == word);
        let names = || {
            nested
                .iter()
                .map(|option| option["name"].to_string())
                .collect::<Vec<_>>()
        };
        let next =
            next.ok_or_else(|| format!("there is no subcommand {word:?}, only {:?}", names()))?;
        path.push((word.to_owned(), next["type"].as_u64().unwrap_or(SUBCOMMAND)));
        here = next.clone();
    }
    if nested(&here).is_empty() {
        Ok((path, here))
    } else {
        let names = nested(&here)
            .iter()
            .map(|option| option["name"].to_string())
            .collect::<Vec<_>>();
        Err(format!(
            "{} needs one of the subcommands {names:?}",
            here["name"]
        ))
    }
}

fn nested(command: &Value) -> Vec<Value> {
    let options = command["options"].as_array().cloned().unwrap_or_default();
    let is_nested = |option: &Value| matches!(option["type"].as_u64(), Some(SUBCOMMAND | GROUP));
    options.into_iter().filter(is_nested).collect()
}

/// Fills in one command's options.
struct Desk<'a> {
    discord: &'a FakeDiscord,
    world: &'a mut World,
    order: &'a Order<'a>,
    resolved: Value,
}

impl Desk<'_> {
    fn fill_in(&mut self, leaf: &Value) -> Typed<Vec<Value>> {
        let defined = leaf["options"].as_array().cloned().unwrap_or_default();
        let names: Vec<&str> = defined
            .iter()
            .filter_map(|option| option["name"].as_str())
            .collect();
        let mut filled = Vec::new();
        for (name, text) in self.order.options {
            let option = defined.iter().find(|option| option["name"] == *name);
            let unknown = || {
                format!(
                    "/{} has no option {name:?}, only {names:?}",
                    self.order.command
                )
            };
            let option = option.ok_or_else(unknown)?.clone();
            filled.extend(self.fill_in_one(&option, name, text)?);
        }
        match self.order.focused {
            Some(focused) => focus(&defined, focused, &mut filled)?,
            None => self.nothing_missing(&defined)?,
        }
        Ok(filled)
    }

    fn nothing_missing(&self, defined: &[Value]) -> Typed<()> {
        let given = |option: &Value| {
            self.order
                .options
                .iter()
                .any(|(name, _)| option["name"] == *name)
        };
        let missing = defined
            .iter()
            .find(|option| option["required"] == true && !given(option));
        match missing {
            None => Ok(()),
            Some(option) => Err(format!(
                "/{} needs the option {}",
                self.order.command, option["name"]
            )),
        }
    }

    /// While an option is being completed, the others may still be half typed.
    fn fill_in_one(&mut self, option: &Value, name: &str, text: &str) -> Typed<Option<Value>> {
        let kind = option["type"].as_u64().unwrap_or_default();
        if self.order.focused == Some(name) {
            let value = json!({ "name": name, "type": kind, "value": text, "focused": true });
            return Ok(Some(value));
        }
        match self.value(option, kind, text) {
            Ok(value) => Ok(Some(json!({ "name": name, "type": kind, "value": value }))),
            Err(_) if self.order.focused.is_some() => Ok(None),
            Err(why) => Err(format!("/{} {name}: {text:?} {why}", self.order.command)),
        }
    }

    fn value(&mut self, option: &Value, kind: u64, text: &str) -> Typed<Value> {
        if let Some(choices) = option["choices"].as_array().filter(|all| !all.is_empty()) {
            return choose(choices, text);
        }
        match kind {
            3 => string(option, text),
            4 => integer(option, text),
            5 => text
                .parse::<bool>()
                .map(Value::from)
                .map_err(|_| "is neither true nor false".into()),
            6 => self.user(text),
            7 => self.channel(option, text),
            8 => self.role(text),
            9 => self.user(text).or_else(|_| self.role(text)),
            10 => number(option, text),
            11 => self.file(text),
            _ => Err(format!("cannot be typed: the option has type {kind}")),
        }
    }

    fn user(&mut self, text: &str) -> Typed<Value> {
        let id = mentioned(text)?;
        if resolve_user(self.world, self.order.guild, id, &mut self.resolved) {
            Ok(json!(id.to_string()))
        } else {
            Err("is nobody's mention".into())
        }
    }

    fn role(&mut self, text: &str) -> Typed<Value> {
        let id = mentioned(text)?;
        let guild = self
            .order
            .guild
            .and_then(|guild| self.world.guilds.get(&guild));
        let role = guild
            .and_then(|guild| guild.roles.get(&id))
            .ok_or("is no role here")?;
        self.resolved["roles"][id.to_string()] = wire::role(role);
        Ok(json!(id.to_string()))
    }

    fn channel(&mut self, option: &Value, text: &str) -> Typed<Value> {
        let id = mentioned(text)?;
        let found = self
            .world
            .channels
            .get(&id)
            .filter(|found| found.guild() == self.order.guild);
        found.ok_or("is no channel here")?;
        let kinds = option["channel_types"]
            .as_array()
            .filter(|all| !all.is_empty());
        if kinds.is_some_and(|all| !all.iter().any(|kind| *kind == 0)) {
            return Err("is a text channel, which the option does not take".into());
        }
        let bot = self.discord.application_id();
        let json = wire::interaction_channel(self.world, id, self.order.user, bot);
        self.resolved["channels"][id.to_string()] = json;
        Ok(json!(id.to_string()))
    }

    fn file(&mut self, name: &str) -> Typed<Value> {
        let file = self.order.files.iter().find(|(known, _)| known == name);
        let (name, bytes) = file.ok_or("is no file at hand: give it with .file(name, bytes)")?;
        let file = StoredFile {
            name: name.clone(),
            content_type: content_type(name).to_owned(),
            bytes: bytes.clone(),
        };
        let place = self.order.channel.to_string();
        let mut json = messages::store_file(&self.discord.shared, self.world, &place, file);
        json["ephemeral"] = json!(true);
        let id = json["id"].clone();
        self.resolved["attachments"][id.as_str().unwrap_or_default()] = json;
        Ok(id)
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("csv") => "text/csv; charset=utf-8",
        Some("json") => "application/json; charset=utf-8",
        Some("txt" | "ini" | "jsonl") => "text/plain; charset=utf-8",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

/// The option in focus must be there, if only empty, and complete itself.
fn focus(defined: &[Value], focused: &str, filled: &mut Vec<Value>) -> Typed<()> {
    let option = defined.iter().find(|option| option["name"] == focused);
    let option = option.ok_or_else(|| format!("there is no option {focused:?} to complete"))?;
    if option["autocomplete"] != true {
        return Err(format!("the option {focused:?} has no autocomplete"));
    }
    if !filled.iter().any(|option| option["focused"] == true) {
        filled.push(json!({
            "name": focused, "type": option["type"], "value": "", "focused": true,
        }));
    }
    Ok(())
}

/// A choice by its name in any language, or by its value.
fn choose(choices: &[Value], text: &str) -> Typed<Value> {
    let translated = |choice: &Value| {
        let names = choice["name_localizations"]
            .as_object()
            .into_iter()
            .flat_map(Map::values);
        names.into_iter().any(|name| name == text)
    };
    let value = |choice: &Value| {
        let typed = choice["value"].to_string();
        choice["value"] == text || typed == text
    };
    let fits = |choice: &&Value| choice["name"] == text || translated(choice) || value(choice);
    let names = || {
        choices
            .iter()
            .map(|choice| choice["name"].to_string())
            .collect::<Vec<_>>()
    };
    let found = choices
        .iter()
        .find(fits)
        .map(|choice| choice["value"].clone());
    found.ok_or_else(|| format!("is none of the choices {:?}", names()))
}

fn string(option: &Value, text: &str) -> Typed<Value> {
    let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    let least = option["min_length"].as_u64().unwrap_or(0);
    let most = option["max_length"].as_u64().unwrap_or(6000);
    if (least..=most).contains(&length) {
        Ok(json!(text))
    } else {
        Err(format!("has {length} characters, not {least} to {most}"))
    }
}

fn integer(option: &Value, text: &str) -> Typed<Value> {
    let value: i64 = text.parse().map_err(|_| "is no whole number")?;
    let least = option["min_value"].as_i64().unwrap_or(-LARGEST);
    let most = option["max_value"].as_i64().unwrap_or(LARGEST);
    if (least..=most).contains(&value) {
        Ok(json!(value))
    } else {
        Err(format!("is not between {least} and {most}"))
    }
}

fn number(option: &Value, text: &str) -> Typed<Value> {
    let value: f64 = text.parse().map_err(|_| "is no number")?;
    let below = option["min_value"]
        .as_f64()
        .is_some_and(|least| value < least);
    let above = option["max_value"]
        .as_f64()
        .is_some_and(|most| value > most);
    if below || above {
        return Err("is out of the option's bounds".into());
    }
    Ok(json!(value))
}

/// The identifier in `<@1>`, `<@!1>`, `<@&1>`, `<#1>`, or on its own.
pub(crate) fn mentioned(text: &str) -> Typed<Id> {
    let digits = text.trim_matches(|c: char| !c.is_ascii_digit());
    digits.parse().map_err(|_| "is no mention".to_owned())
}
