//! Application commands.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    choices::{self, INTEGER, NUMBER, STRING},
    items,
};
use crate::problem::{Form, Problem};

const OPTIONS: usize = 25;
const TOTAL: usize = 8000;
const SUBCOMMAND: u64 = 1;
const GROUP: u64 = 2;
const CHAT_INPUT: u64 = 1;

/// The locales that Discord translates into.
const LOCALES: [&str; 34] = [
    "ar", "bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr", "he",
    "hi", "hr", "hu", "id", "it", "ja", "ko", "lt", "nl", "no", "pl", "pt-BR", "ro", "ru", "sv-SE",
    "th", "tr", "uk", "vi", "zh-CN", "zh-TW",
];

/// The type of a command, a slash command unless it says otherwise.
pub(crate) fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(CHAT_INPUT)
}

/// Checks a whole set, as it is registered in one go.
pub(crate) fn check_all(commands: &[Value]) -> Result<(), Problem> {
    let mut form = Form::default();
    let mut names = HashSet::new();
    for (index, command) in commands.iter().enumerate() {
        let at = format!("{index}.");
        check_command(&mut form, command, &at);
        if !names.insert((kind(command), command["name"].as_str())) {
            duplicate(&mut form, &format!("{at}name"));
        }
    }
    for (kind, most) in [(1, 100), (2, 15), (3, 15)] {
        let count = commands
            .iter()
            .filter(|command| self::kind(command) == kind)
            .count();
        if count > most {
            let why = format!("Maximum number of application commands reached ({most}).");
            return Err(Problem::new(400, 30032, &why));
        }
    }
    form.finish()
}

/// Checks one command.
pub(crate) fn check(command: &Value) -> Result<(), Problem> {
    let mut form = Form::default();
    check_command(&mut form, command, "");
    form.finish()
}

fn duplicate(form: &mut Form, path: &str) {
    form.add(
        path,
        "APPLICATION_COMMANDS_DUPLICATE_NAME",
        "Application command names must be unique",
    );
}

fn check_command(form: &mut Form, command: &Value, at: &str) {
    locales(form, command, at);
    match kind(command) {
        CHAT_INPUT => {
            name(form, command, at);
            description(form, command, at);
            check_options(form, command, at, 0);
        }
        2 | 3 => check_menu(form, command, at),
        _ => form.add(
            &format!("{at}type"),
            "BASE_TYPE_CHOICES",
            "Value must be one of {1, 2, 3}.",
        ),
    }
    let size = size(command);
    if size > TOTAL {
        let why = format!("Command exceeds maximum size ({size} of {TOTAL} characters).");
        form.add(&format!("{at}name"), "APPLICATION_COMMAND_TOO_LARGE", &why);
    }
}

/// Context menus have no description and no options.
fn check_menu(form: &mut Form, command: &Value, at: &str) {
    form.text(at, "name", command, 1, 32);
    for (locale, found) in localized(command, "name_localizations") {
        if !(1..=32).contains(&found.trim().chars().count()) {
            form.bounds(&format!("{at}name_localizations.{locale}"), 1, 32);
        }
    }
    if command["description"]
        .as_str()
        .is_some_and(|text| !text.is_empty())
    {
        let why = "Context menu commands cannot have description";
        form.add(
            &format!("{at}description"),
            "APPLICATION_COMMANDS_CONTEXT_MENU_NO_DESCRIPTION",
            why,
        );
    }
    if !items(command, "options").is_empty() {
        let why = "Context menu commands cannot have options";
        form.add(
            &format!("{at}options"),
            "APPLICATION_COMMANDS_CONTEXT_MENU_NO_OPTIONS",
            why,
        );
    }
}

/// The names in other languages: (locale, text).
fn localized<'a>(
    of: &'a Value,
    name: &str,
) -> impl Iterator<Item = (&'a String, &'a str)> + use<'a> {
    let map = of[name].as_object().into_iter().flatten();
    map.map(|(locale, text)| (locale, text.as_str().unwrap_or_default()))
}

fn locales(form: &mut Form, of: &Value, at: &str) {
    for field in ["name_localizations", "description_localizations"] {
        for (locale, _) in localized(of, field) {
            if !LOCALES.contains(&locale.as_str()) {
                let path = format!("{at}{field}.{locale}");
                form.add(
                    &path,
                    "DICT_TYPE_INVALID_KEY",
                    "The locale is not one of Discord's.",
                );
            }
        }
    }
}

fn name(form: &mut Form, of: &Value, at: &str) {
    let path = format!("{at}name");
    check_name(form, of["name"].as_str().unwrap_or_default(), &path);
    for (locale, found) in localized(of, "name_localizations") {
        check_name(form, found, &format!("{at}name_localizations.{locale}"));
    }
}

fn check_name(form: &mut Form, name: &str, path: &str) {
    if name.is_empty() {
        form.required(path);
    } else if name.chars().count() > 32 {
        form.bounds(path, 1, 32);
    } else if !name.chars().all(is_name_character) || name.to_lowercase() != name {
        let why = "Command name is invalid";
        form.add(path, "APPLICATION_COMMAND_INVALID_NAME", why);
    }
}

/// `[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]`
fn is_name_character(c: char) -> bool {
    let scripts = ['\u{900}'..='\u{97F}', '\u{E00}'..='\u{E7F}'];
    matches!(c, '-' | '_' | '\'')
        || c.is_alphanumeric()
        || scripts.iter().any(|script| script.contains(&c))
}

fn description(form: &mut Form, of: &Value, at: &str) {
    form.text(at, "description", of, 1, 100);
    for (locale, found) in localized(of, "description_localizations") {
        if !(1..=100).contains(&found.trim().chars().count()) {
            form.bounds(&format!("{at}description_localizations.{locale}"), 1, 100);
        }
    }
}

/// Checks the options of a command (depth 0), a group or a subcommand of one (1, 2).
fn check_options(form: &mut Form, of: &Value, at: &str, depth: usize) {
    let options = items(of, "options");
    if options.len() > OPTIONS {
        form.too_long(&format!("{at}options"), OPTIONS);
    }
    unique_names(form, options, at);
    order(form, options, at);
    for (index, option) in options.iter().enumerate() {
        let at = format!("{at}options.{index}.");
        locales(form, option, &at);
        name(form, option, &at);
        description(form, option, &at);
        match option["type"].as_u64() {
            Some(SUBCOMMAND) => check_subcommand(form, option, &at, depth),
            Some(GROUP) => check_group(form, option, &at, depth),
            Some(kind @ 3..=11) => check_option(form, option, kind, &at),
            _ => form.add(
                &format!("{at}type"),
                "BASE_TYPE_CHOICES",
                "The option type is unknown.",
            ),
        }
    }
}

fn check_subcommand(form: &mut Form, option: &Value, at: &str, depth: usize) {
    if depth > 1 {
        form.add(
            &format!("{at}type"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-commands cannot be nested this deep",
        );
    }
    let nested = |inner: &Value| matches!(inner["type"].as_u64(), Some(SUBCOMMAND | GROUP));
    if items(option, "options").iter().any(nested) {
        form.add(
            &format!("{at}options"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command cannot have nested sub-commands",
        );
    }
    check_options(form, option, at, depth + 1);
}

fn check_group(form: &mut Form, option: &Value, at: &str, depth: usize) {
    if depth > 0 {
        form.add(
            &format!("{at}type"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command groups cannot be nested",
        );
        return;
    }
    let plain = |inner: &Value| inner["type"] != SUBCOMMAND;
    if items(option, "options").iter().any(plain) {
        form.add(
            &format!("{at}options"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command group options must be sub-commands",
        );
    }
    check_options(form, option, at, 1);
}

/// No two options of one level share a name, in any language.
fn unique_names(form: &mut Form, options: &[Value], at: &str) {
    let mut seen = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        let path = format!("{at}options.{index}.name");
        if !seen.insert((None, option["name"].as_str().unwrap_or_default())) {
            form.add(
                &path,
                "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                "Option names must be unique",
            );
        }
        for (locale, name) in localized(option, "name_localizations") {
            if !seen.insert((Some(locale), name)) {
                form.add(
                    &path,
                    "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                    "Localized option names must be unique",
                );
            }
        }
    }
}

/// Required options first; subcommands never beside plain options.
fn order(form: &mut Form, options: &[Value], at: &str) {
    let required = |option: &Value| option["required"] == true;
    let late = options
        .iter()
        .skip_while(|option| required(option))
        .position(required);
    if late.is_some() {
        let why = "Required options must be placed before non-required options";
        form.add(
            &format!("{at}options"),
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
            why,
        );
    }
    let nested = |option: &Value| matches!(option["type"].as_u64(), Some(SUBCOMMAND | GROUP));
    let count = options.iter().filter(|option| nested(option)).count();
    if count > 0 && count < options.len() {
        let why = "Sub-command and sub-command group option types are mutually exclusive to all other types";
        form.add(
            &format!("{at}options"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            why,
        );
    }
}

fn check_option(form: &mut Form, option: &Value, kind: u64, at: &str) {
    let choices = items(option, "choices");
    let completes = option["autocomplete"] == true;
    let chooses = matches!(kind, STRING | INTEGER | NUMBER);
    if completes && !choices.is_empty() {
        let why = "Autocomplete options cannot have choices";
        form.add(
            &format!("{at}choices"),
            "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES",
            why,
        );
    }
    if !chooses && (completes || !choices.is_empty()) {
        let why = "Options of this type have neither choices nor autocomplete";
        form.add(
            &format!("{at}type"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            why,
        );
    }
    check_choices(form, choices, kind, at);
    check_bounds(form, option, kind, at);
}

fn check_choices(form: &mut Form, choices: &[Value], kind: u64, at: &str) {
    if choices.len() > OPTIONS {
        form.too_long(&format!("{at}choices"), OPTIONS);
    }
    let mut names = HashSet::new();
    let mut values = HashSet::new();
    for (index, choice) in choices.iter().enumerate() {
        let at = format!("{at}choices.{index}.");
        choices::check_choice(form, choice, kind, &at);
        locales(form, choice, &at);
        let fresh = names.insert(choice["name"].to_string());
        if !values.insert(choice["value"].to_string()) || !fresh {
            let why = "Option choice names and values must be unique";
            form.add(
                &format!("{at}name"),
                "APPLICATION_COMMAND_OPTIONS_CHOICE_ALREADY_EXISTS",
                why,
            );
        }
    }
}

fn check_bounds(form: &mut Form, option: &Value, kind: u64, at: &str) {
    let given = |name: &str| !option[name].is_null();
    if (given("min_value") || given("max_value")) && !matches!(kind, INTEGER | NUMBER) {
        form.add(
            &format!("{at}min_value"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Only numbers have bounds",
        );
    }
    if (given("min_length") || given("max_length")) && kind != STRING {
        form.add(
            &format!("{at}min_length"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Only strings have lengths",
        );
    }
    for (least, most) in [("min_value", "max_value"), ("min_length", "max_length")] {
        let (low, high) = (option[least].as_f64(), option[most].as_f64());
        if low.zip(high).is_some_and(|(low, high)| low > high) {
            form.add(
                &format!("{at}{least}"),
                "NUMBER_TYPE_MAX",
                "The minimum is above the maximum.",
            );
        }
    }
    for bound in ["min_value", "max_value"] {
        if option[bound]
            .as_i64()
            .is_some_and(|value| value.abs() > choices::LARGEST)
        {
            form.add(
                &format!("{at}{bound}"),
                "NUMBER_TYPE_MAX",
                "int value is out of bounds.",
            );
        }
    }
    for bound in ["min_length", "max_length"] {
        if option[bound].as_u64().is_some_and(|value| value > 6000) {
            form.add(
                &format!("{at}{bound}"),
                "NUMBER_TYPE_MAX",
                "int value should be less than or equal to 6000.",
            );
        }
    }
}

/// The characters which Discord counts: names, descriptions and values, in the longest language.
pub(crate) fn size(of: &Value) -> usize {
    let longest = |name: &str| {
        let translations = localized(of, &format!("{name}_localizations"));
        let lengths = translations.map(|(_, text)| text.chars().count());
        let own = of[name].as_str().map_or(0, |text| text.chars().count());
        lengths.fold(own, usize::max)
    };
    let value = match &of["value"] {
        Value::Null => 0,
        Value::String(text) => text.chars().count(),
        other => other.to_string().chars().count(),
    };
    let inner = items(of, "options").iter().chain(items(of, "choices"));
    longest("name") + longest("description") + value + inner.map(size).sum::<usize>()
}
