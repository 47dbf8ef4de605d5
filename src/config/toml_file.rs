//! `punctaj.toml`: a table for each section, whose keys are those of [`Setting::toml_key`].

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::layers::Layer;
use super::loaded::Problem;
use super::names::shown_name;
use super::setting::Setting;

/// Reads the settings of a text. Nothing of its content gets into a problem, but for the names
/// of keys.
pub(super) fn read(layer: &mut Layer, text: &str) {
    let sections = match DeTable::parse(text) {
        Ok(sections) => sections.into_inner(),
        // The library's text may repeat what it stumbled over.
        Err(error) => {
            let place = error
                .span()
                .map_or_else(String::new, |span| at(text, &span));
            layer.complain(&format!("is no valid TOML{place}"));
            return;
        }
    };
    for (section, value) in &sections {
        let section = section.get_ref();
        match value.get_ref() {
            DeValue::Table(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    let name = format!("{section}.{}", key.get_ref());
                    let place = || at(text, &value.span());
                    entry(layer, &name, value.get_ref(), place);
                }
            }
            DeValue::Table(_) if is_section(section) => {}
            _ => layer.warn_unknown(&shown_name(section)),
        }
    }
}

fn entry(layer: &mut Layer, name: &str, value: &DeValue<'_>, place: impl Fn() -> String) {
    let of_this_name = |setting: &Setting| setting.toml_key() == name;
    let Some(setting) = Setting::ALL.into_iter().find(of_this_name) else {
        layer.warn_unknown(&shown_name(name));
        return;
    };
    if let Some(text) = text_of(setting, value) {
        layer.set(setting, &text);
    } else {
        let text = format!("must be a text in quotes ({}{})", layer.origin, place());
        layer.problems.push(Problem::new(name, text));
    }
}

fn is_section(name: &str) -> bool {
    let section = |setting: &Setting| setting.toml_key().split('.').next() == Some(name);
    Setting::ALL.iter().any(section)
}

/// A value as it would be written in the environment. Numbers and `true` are fine where they
/// can't be misunderstood.
fn text_of(setting: Setting, value: &DeValue<'_>) -> Option<String> {
    match (setting, value) {
        (_, DeValue::String(text)) => Some(text.clone().into_owned()),
        (Setting::DatabasePool, DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            // Too large for a number is too large for a pool.
            Some(number.unwrap_or(i64::MAX).to_string())
        }
        (Setting::DatabaseInsecure, DeValue::Boolean(on)) => {
            Some(if *on { "allow" } else { "" }.to_owned())
        }
        (Setting::DiscordRatelimit | Setting::Presence, DeValue::Boolean(on)) => {
            Some(if *on { "on" } else { "off" }.to_owned())
        }
        _ => None,
    }
}

/// Where something begins: ` at line 3, column 7`.
fn at(text: &str, span: &Range<usize>) -> String {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before[start..].chars().count() + 1;
    format!(" at line {line}, column {column}")
}
