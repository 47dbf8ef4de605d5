//! The command manifest: names, descriptions and choices from the catalogues, and its
//! registration with Discord.
//!
//! A command's texts are `cmd-<path>` and `cmd-<path>.description`, an option's
//! `cmd-<path>-<option>`, or `opt` in place of the path where several commands share them; a
//! choice's is `cmd-choice-<value>`. An entry of a member's menu is `cmd-menu-<name>`, and has no
//! description. English is what Discord shows unless a translation fits.

use std::borrow::Cow;

use poise::CommandParameter;
use serde_json::Value;
use serenity::builder::{CreateCommand, CreateCommandOption};
use serenity::http::Http;

use super::commands::{self, Command};
use super::context::Data;
use super::errors::Failure;
use super::templates;
use crate::domain::field::FieldKind;
use crate::domain::guild::Language;
use crate::i18n::Locale;
use crate::service::audit::Only;

/// The commands, with their texts.
#[must_use]
pub fn commands() -> Vec<Command> {
    let mut commands = commands::all();
    for command in &mut commands {
        localise(command, "cmd");
    }
    commands
}

/// The commands as they are registered.
#[must_use]
pub fn manifest() -> Vec<CreateCommand> {
    commands()
        .iter()
        .filter_map(|command| {
            command
                .create_as_slash_command()
                .or_else(|| menu_entry(command))
        })
        .collect()
}

/// An entry of a member's menu, which poise leaves in English.
fn menu_entry(command: &Command) -> Option<CreateCommand> {
    let entry = command.create_as_context_menu_command()?;
    let names = command.name_localizations.iter();
    Some(names.fold(entry, |entry, (locale, name)| {
        entry.name_localized(locale.as_ref(), name.as_ref())
    }))
}

/// Registers the commands with Discord, for all guilds, in the place of what was there.
///
/// # Errors
/// Discord refuses them, or can't be reached.
pub async fn register(http: &Http) -> Result<usize, serenity::Error> {
    let registered =
        serenity::model::application::Command::set_global_commands(http, manifest()).await?;
    Ok(registered.len())
}

/// How the commands that are registered differ from those of this program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Commands that are not registered.
    pub missing: Vec<String>,
    /// Commands that are registered otherwise.
    pub changed: Vec<String>,
    /// Commands that this program does not have.
    pub surplus: Vec<String>,
}

impl Difference {
    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares what Discord says is registered with what this program would register.
#[must_use]
pub fn difference(registered: &[Value]) -> Difference {
    let own: Vec<Value> = manifest()
        .iter()
        .filter_map(|command| serde_json::to_value(command).ok())
        .collect();
    let name = |command: &Value| command["name"].as_str().unwrap_or_default().to_owned();
    let twin = |of: &Value, among: &[Value]| {
        let mut among = among.iter();
        among.find(|it| name(it) == name(of)).cloned()
    };
    let mut difference = Difference::default();
    for command in &own {
        match twin(command, registered) {
            None => difference.missing.push(name(command)),
            Some(theirs) if !is_same(command, &theirs) => difference.changed.push(name(command)),
            Some(_) => {}
        }
    }
    let is_surplus = |command: &&Value| twin(command, &own).is_none();
    difference.surplus = registered.iter().filter(is_surplus).map(name).collect();
    difference
}

/// What of a command, option or choice is compared.
const COMPARED: [&str; 12] = [
    "name",
    "description",
    "name_localizations",
    "description_localizations",
    "required",
    "autocomplete",
    "value",
    "channel_types",
    "min_value",
    "max_value",
    "options",
    "choices",
];

/// Whether two commands, options or choices are the same. What is empty, Discord may leave out.
fn is_same(one: &Value, other: &Value) -> bool {
    let kind = |of: &Value| of["type"].as_u64().unwrap_or(1);
    kind(one) == kind(other)
        && COMPARED.iter().all(|field| {
            let (one, other) = (&one[field], &other[field]);
            match (one.as_array(), other.as_array()) {
                (Some(one), Some(other)) if matches!(*field, "options" | "choices") => {
                    let mut pairs = one.iter().zip(other);
                    one.len() == other.len() && pairs.all(|(one, other)| is_same(one, other))
                }
                _ => one == other || is_empty(one) && is_empty(other),
            }
        })
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn localise(command: &mut Command, parent: &str) {
    let id = format!("{parent}-{}", command.name);
    command.name_localizations = translated(&id);
    command.description = described(&id);
    command.description_localizations = translated(&format!("{id}.description"));
    for parameter in &mut command.parameters {
        localise_option(parameter, &id);
    }
    for subcommand in &mut command.subcommands {
        localise(subcommand, &id);
    }
}

fn localise_option(parameter: &mut CommandParameter<Data, Failure>, command: &str) {
    let own = format!("{command}-{}", parameter.name);
    let shared = format!("cmd-opt-{}", parameter.name);
    let id = if Locale::default().lookup(&own).is_some() {
        own
    } else {
        shared
    };
    parameter.name_localizations = translated(&id);
    parameter.description = described(&id);
    parameter.description_localizations = translated(&format!("{id}.description"));
    if let Some(setter) = choices_of(command, &parameter.name) {
        parameter.type_setter = Some(setter);
    }
}

/// The fixed choices of an option. poise's own choices are numbers on the wire; these are words,
/// which tools and people can read.
fn choices_of(
    command: &str,
    option: &str,
) -> Option<fn(CreateCommandOption) -> CreateCommandOption> {
    Some(match (command, option) {
        (_, "sort") => |option| choices(option, &["points", "name", "rank"]),
        (_, "layout") => |option| choices(option, &["phone", "wide"]),
        (_, "template") => |option| choices(option, &templates::NAMES),
        (_, "every") => |option| choices(option, &["week", "month", "off"]),
        ("cmd-punctaj-admin-rank-set", "clear") => {
            |option| choices(option, &["promote_at", "demote_below", "role"])
        }
        (_, "clear") => |option| choices(option, &["channel", "warning"]),
        (_, "promotions") => |option| choices(option, &["automatic", "proposed"]),
        (_, "kind") => |option| choices(option, &FieldKind::ALL.map(FieldKind::as_str)),
        (_, "only") => |option| choices(option, &Only::ALL.map(Only::as_str)),
        (_, "language") => |option| choices(option, &Language::ALL.map(Language::as_str)),
        (_, "topic") => {
            |option| choices(option, &["everyday", "sessions", "undo", "audit", "admin"])
        }
        ("cmd-punctaj-audit-export", "format") => |option| choices(option, &["csv", "jsonl"]),
        ("cmd-punctaj-admin-data-export", "format") => |option| choices(option, &["csv", "json"]),
        _ => return None,
    })
}

fn choices(option: CreateCommandOption, values: &[&str]) -> CreateCommandOption {
    values.iter().fold(option, |option, value| {
        let id = format!("cmd-choice-{value}");
        let name = Locale::default()
            .lookup(&id)
            .unwrap_or_else(|| (*value).to_owned());
        option.add_string_choice_localized(name, *value, translations(&id))
    })
}

fn described(id: &str) -> Option<Cow<'static, str>> {
    Locale::default()
        .lookup(&format!("{id}.description"))
        .map(Cow::Owned)
}

fn translated(id: &str) -> Cow<'static, [(Cow<'static, str>, Cow<'static, str>)]> {
    let pairs = translations(id).map(|(locale, text)| (Cow::Borrowed(locale), Cow::Owned(text)));
    Cow::Owned(pairs.collect())
}

/// The text in all languages but the default one.
fn translations(id: &str) -> impl Iterator<Item = (&'static str, String)> {
    let others = Locale::ALL
        .into_iter()
        .filter(|locale| *locale != Locale::default());
    others.filter_map(move |locale| Some((locale.discord_code(), locale.lookup(id)?)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// What Discord counts for one top-level command.
    const BUDGET: usize = 8000;

    fn json() -> Vec<Value> {
        manifest()
            .iter()
            .map(|command| serde_json::to_value(command).unwrap())
            .collect()
    }

    fn items<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
        of[name].as_array().into_iter().flatten()
    }

    /// The lengths of a text in all languages.
    fn longest(of: &Value, field: &str) -> usize {
        let localized = of[format!("{field}_localizations")]
            .as_object()
            .into_iter()
            .flatten();
        let texts = localized
            .map(|(_, text)| text)
            .chain([&of[field]])
            .filter_map(Value::as_str);
        texts
            .map(|text| text.encode_utf16().count())
            .max()
            .unwrap_or(0)
    }

    fn size(of: &Value) -> usize {
        let choices = items(of, "choices").map(|choice| {
            longest(choice, "name") + choice["value"].as_str().unwrap_or_default().len()
        });
        let options = items(of, "options").map(size);
        longest(of, "name")
            + longest(of, "description")
            + choices.sum::<usize>()
            + options.sum::<usize>()
    }

    fn walk<'a>(of: &'a Value, path: &str, visit: &mut impl FnMut(&str, &'a Value)) {
        let path = format!("{path} {}", of["name"].as_str().unwrap());
        visit(&path, of);
        for option in items(of, "options") {
            walk(option, &path, visit);
        }
    }

    /// A line for each command, option and choice: its name and description in both languages.
    fn outline(of: &Value, depth: usize, lines: &mut Vec<String>) {
        let both = |field: &str| {
            let english = of[field].as_str().unwrap_or_default();
            let romanian = of[format!("{field}_localizations")]["ro"].as_str();
            romanian.map_or_else(|| english.to_owned(), |ro| format!("{english} / {ro}"))
        };
        let required = if of["required"] == true {
            " (required)"
        } else {
            ""
        };
        let indent = "  ".repeat(depth);
        lines.push(format!(
            "{indent}{}{required}: {}",
            both("name"),
            both("description")
        ));
        for inner in items(of, "options").chain(items(of, "choices")) {
            outline(inner, depth + 1, lines);
        }
    }

    #[test]
    fn the_manifest_in_both_languages() {
        let mut lines = Vec::new();
        for command in json() {
            outline(&command, 0, &mut lines);
            lines.push(format!("= {} of {BUDGET} characters", size(&command)));
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    /// Each command as one types it with Discord in Romanian, groups too.
    fn romanian(of: &Value, path: &str, paths: &mut HashSet<String>) {
        let name = of["name_localizations"]["ro"].as_str();
        let name = name.or(of["name"].as_str()).unwrap();
        let path = if path.is_empty() {
            format!("/{name}")
        } else {
            format!("{path} {name}")
        };
        for inner in items(of, "options").filter(|it| matches!(it["type"].as_u64(), Some(1 | 2))) {
            romanian(inner, &path, paths);
        }
        paths.insert(path);
    }

    #[test]
    fn romanian_texts_name_commands_as_they_are_called_in_romanian() {
        let mut paths = HashSet::new();
        for command in json() {
            romanian(&command, "", &mut paths);
        }
        let texts = include_str!("../../config/locales/ro.ftl");
        // In brackets, after the Romanian name, stands the English one.
        let named = texts
            .match_indices("`/punctaj")
            .filter(|(at, _)| !texts[..*at].ends_with('('));
        let mut found = 0;
        for (at, _) in named {
            let span = texts[at + 1..].split('`').next().unwrap();
            // What follows the command is an option of it.
            let words: Vec<&str> = span
                .split(' ')
                .take_while(|word| !word.contains(':'))
                .collect();
            assert!(paths.contains(&words.join(" ")), "{span}");
            found += 1;
        }
        assert!(found > 50, "{found}");
    }

    #[test]
    fn each_command_keeps_to_discords_budget() {
        for command in json() {
            let size = size(&command);
            assert!(size < BUDGET, "{}: {size}", command["name"]);
        }
    }

    #[test]
    fn names_and_options_are_those_of_the_contract() {
        let mut found = Vec::new();
        for command in json() {
            walk(&command, "", &mut |path, item| {
                let kind = item["type"].as_u64().unwrap_or(1);
                let leaf = items(item, "options").all(|option| option["type"].as_u64() > Some(2));
                if kind <= 2 && leaf {
                    let options = items(item, "options").map(|option| {
                        let mark = if option["required"] == true { "" } else { "?" };
                        format!(" {}{mark}", option["name"].as_str().unwrap())
                    });
                    found.push(format!("{}:{}", path.trim(), options.collect::<String>()));
                }
            });
        }
        assert_eq!(
            found,
            [
                "punctaj add: names points? table? reason? activity? quantity?",
                "punctaj remove: names points table? reason?",
                "punctaj set: name field value table?",
                "punctaj delete: names table?",
                "punctaj view: table? sort? layout? period? at? share?",
                "punctaj profile: name? table?",
                "punctaj panel: table?",
                "punctaj undo: event?",
                "punctaj news:",
                "punctaj session login: device?",
                "punctaj session list:",
                "punctaj session use: session?",
                "punctaj session rename: device session?",
                "punctaj session logout: session?",
                "punctaj help: topic?",
                "punctaj-audit search: who? table? name? action? device? since? until? only?",
                "punctaj-audit show: event",
                "punctaj-audit undo: event force?",
                "punctaj-audit export: who? table? name? action? device? since? until? only? format?",
                "punctaj-audit verify:",
                "punctaj-audit sessions: who?",
                "punctaj-admin table create: table template?",
                "punctaj-admin table edit: table name? category? floor? private? promotions?",
                "punctaj-admin table delete: table",
                "punctaj-admin table restore: table",
                "punctaj-admin table list:",
                "punctaj-admin field add: table field kind? pattern?",
                "punctaj-admin field edit: table field name? pattern?",
                "punctaj-admin field remove: table field",
                "punctaj-admin rank set: table rank title promote_at? demote_below? role? clear?",
                "punctaj-admin rank remove: table rank",
                "punctaj-admin rank list: table",
                "punctaj-admin activity set: table activity points quantity?",
                "punctaj-admin activity remove: table activity",
                "punctaj-admin activity list: table",
                "punctaj-admin period close: table",
                "punctaj-admin period schedule: table every? day? time? channel? warning? clear?",
                "punctaj-admin period list: table",
                "punctaj-admin period report: table period?",
                "punctaj-admin board post: table channel? layout?",
                "punctaj-admin board remove: table channel?",
                "punctaj-admin board list: table channel?",
                "punctaj-admin access grant: who right scope?",
                "punctaj-admin access revoke: who right scope?",
                "punctaj-admin access list: who?",
                "punctaj-admin access explain: who right? table?",
                "punctaj-admin data export: table? format? period?",
                "punctaj-admin settings show:",
                "punctaj-admin settings language: language",
                "punctaj-admin settings timezone: timezone",
                "punctaj-admin settings log-channel: channel",
                "punctaj-admin diagnose:",
                "Punctaj: add points:",
                "Punctaj: profile:",
            ]
        );
    }

    #[test]
    fn help_tells_of_every_command() {
        let told: HashSet<&str> = crate::discord::views::help::paths().collect();
        for command in json() {
            walk(&command, "", &mut |path, item| {
                let is_menu_entry = item["type"] == 2 && items(item, "options").next().is_none();
                let kind = item["type"].as_u64().unwrap_or(1);
                let leaf = items(item, "options").all(|option| option["type"].as_u64() > Some(2));
                if kind <= 2 && leaf && !is_menu_entry {
                    let path = path.trim();
                    assert!(path == "punctaj help" || told.contains(path), "{path}");
                }
            });
        }
    }

    #[test]
    fn every_text_is_there_in_every_language_and_fits() {
        for command in json() {
            walk(&command, "", &mut |path, item| {
                let is_menu_entry = item["type"] == 2 && items(item, "options").next().is_none();
                let description = item["description"].as_str();
                assert_eq!(description.is_none(), is_menu_entry, "{path}");
                assert!(
                    !description.is_some_and(|text| text.starts_with("A slash command")),
                    "{path} has no description"
                );
                let texts: &[&str] = if is_menu_entry {
                    &["name"]
                } else {
                    &["name", "description"]
                };
                for field in texts {
                    let translated = &item[format!("{field}_localizations")]["ro"];
                    assert!(translated.is_string(), "{path} has no Romanian {field}");
                }
                assert!(longest(item, "name") <= 32, "{path}");
                assert!(longest(item, "description") <= 100, "{path}");
                let valid = |name: &str| {
                    name.chars()
                        .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
                        && name == name.to_lowercase()
                };
                let romanian = item["name_localizations"]["ro"].as_str().unwrap();
                assert!(is_menu_entry || valid(romanian), "{path}");
                for choice in items(item, "choices") {
                    assert!(
                        choice["name_localizations"]["ro"].is_string(),
                        "{path}: {choice}"
                    );
                }
            });
        }
    }

    #[test]
    fn a_difference_from_what_is_registered_is_found() {
        // As Discord tells them: with more, and without what is empty.
        let mut registered = json();
        for command in &mut registered {
            command["version"] = "7".into();
            if let Some(option) = command["options"].get_mut(0) {
                option["required"] = Value::Null;
            }
        }
        assert!(difference(&registered).is_none());
        registered[0]["options"][1]["options"][0]["description"] = "Other".into();
        registered[1]["options"].as_array_mut().unwrap().pop();
        registered[2]["name"] = "score".into();
        assert_eq!(
            difference(&registered),
            Difference {
                missing: vec!["punctaj-admin".to_owned()],
                changed: vec!["punctaj".to_owned(), "punctaj-audit".to_owned()],
                surplus: vec!["score".to_owned()],
            }
        );
        assert_eq!(difference(&[]).missing.len(), json().len());
    }

    #[test]
    fn english_names_are_the_base_names() {
        fn check(commands: &[Command], parent: &str) {
            for command in commands {
                let id = format!("{parent}-{}", command.name);
                let menu = command.context_menu_name.as_ref();
                let name = menu.unwrap_or(&command.name);
                assert_eq!(
                    Locale::En.lookup(&id).as_deref(),
                    Some(name.as_ref()),
                    "{id}"
                );
                // A menu entry is about whom it was opened on.
                let options = command.parameters.iter().filter(|_| menu.is_none());
                for parameter in options {
                    let own = Locale::En.lookup(&format!("{id}-{}", parameter.name));
                    let text =
                        own.or_else(|| Locale::En.lookup(&format!("cmd-opt-{}", parameter.name)));
                    assert_eq!(text.as_deref(), Some(parameter.name.as_ref()), "{id}");
                }
                check(&command.subcommands, &id);
            }
        }
        check(&commands(), "cmd");
    }

    #[test]
    fn names_are_unique_on_each_level_in_every_language() {
        for command in json() {
            walk(&command, "", &mut |path, item| {
                for name in ["name", "ro"] {
                    let names = items(item, "options").map(|option| match name {
                        "ro" => &option["name_localizations"]["ro"],
                        _ => &option["name"],
                    });
                    let names: Vec<_> = names.filter_map(Value::as_str).collect();
                    let unique: HashSet<_> = names.iter().collect();
                    assert_eq!(unique.len(), names.len(), "{path}: {names:?}");
                }
            });
        }
    }
}
