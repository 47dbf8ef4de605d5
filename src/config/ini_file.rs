//! The settings files of the old desktop program. Most of what they hold means nothing to the
//! bot: that is listed by name, never by value.

use configparser::ini::Ini;

use super::layers::Layer;
use super::names::shown_name;
use super::setting::Setting;

/// What the bot takes from them, by lower-case section and option. Where several are meant for
/// the same setting, the first that is there counts.
const KNOWN: [(&str, &str, Setting); 5] = [
    ("supabase", "url", Setting::SupabaseUrl),
    ("supabase", "service_key", Setting::SupabaseServiceKey),
    ("supabase", "key", Setting::SupabaseServiceKey),
    ("supabase", "anon_key", Setting::SupabaseServiceKey),
    ("discord", "token", Setting::DiscordToken),
];

/// Reads the settings of a text, in which names have any letter case.
pub(super) fn read(layer: &mut Layer, text: &str) {
    // As the old program did: a comment is a line of its own, and `#` may be in a value.
    let mut ini = Ini::new();
    ini.set_inline_comment_symbols(Some(&[]));
    let sections = match ini.read(text.to_owned()) {
        Ok(sections) => sections,
        Err(message) => {
            layer.complain(&broken(text, line_of(&message)));
            return;
        }
    };
    let valueless =
        |(name, value): (&String, &Option<String>)| value.is_none().then(|| find_line(text, name));
    let bare = sections
        .values()
        .flat_map(|options| options.iter().filter_map(valueless));
    if let Some(line) = bare.min() {
        layer.complain(&broken(text, line));
        return;
    }
    for (section, name, setting) in KNOWN {
        let option = sections.get(section).and_then(|options| options.get(name));
        if let Some(value) = option.and_then(Option::as_deref)
            && !layer.values.contains_key(&setting)
        {
            layer.set(setting, unquoted(value));
        }
    }
    let used = |section: &str, name: &str| {
        KNOWN
            .iter()
            .any(|known| (known.0, known.1) == (section, name))
    };
    for (section, options) in &sections {
        for name in options.keys().filter(|name| !used(section, name)) {
            let shown = format!("[{}] {}", shown_name(section), shown_name(name));
            layer.unused.push(shown);
        }
    }
    layer.unused.sort();
}

/// A value between quotes, as people write it who know other formats.
fn unquoted(value: &str) -> &str {
    let between = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\'')).unwrap_or(value)
}

fn broken(text: &str, line: Option<usize>) -> String {
    let expected = "expected [section] or option = value";
    let Some(line) = line else {
        return format!("can't be read; {expected}");
    };
    let content = text.lines().nth(line - 1).unwrap_or_default();
    let column = content.chars().take_while(|c| c.is_whitespace()).count() + 1;
    format!("can't be read at line {line}, column {column}; {expected}")
}

/// The library says `line 3: …` or `line 3:7: …`.
fn line_of(message: &str) -> Option<usize> {
    let rest = message.strip_prefix("line ")?;
    rest.split(':')
        .next()?
        .parse()
        .ok()
        .filter(|line| *line > 0)
}

/// The line that is nothing but a name.
fn find_line(text: &str, name: &str) -> Option<usize> {
    let position = text
        .lines()
        .position(|line| line.trim().to_lowercase() == name);
    position.map(|index| index + 1)
}
