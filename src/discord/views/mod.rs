//! What people see: pure functions from what a service returned to a [`super::reply::Reply`].
//!
//! Everything keeps to Discord's limits by construction: lines are clipped, and lists that don't
//! fit end with how many lines are left out.

pub mod access;
pub mod audit;
pub mod board;
pub mod choose;
pub mod diagnose;
pub mod errors;
pub mod export;
pub mod form;
pub mod help;
pub mod input;
pub mod lists;
pub mod log;
pub mod news;
pub mod offer;
pub mod panel;
pub mod period;
pub mod profile;
pub mod queued;
pub mod receipt;
pub mod session;
pub mod settings;
pub mod setup;
pub mod table;
#[cfg(test)]
mod tests;
pub mod undo;
pub mod verify;
pub mod words;

use serenity::all::ButtonStyle;
use serenity::builder::{CreateButton, CreateEmbed, CreateEmbedFooter};

use super::custom_id::Press;
use crate::i18n::{Key, Locale, Message, keys};
use crate::render;

/// Characters of a card's text. Discord takes 4096; title and footer need to fit beside it.
const DESCRIPTION: usize = 4000;

/// Characters of a card's title.
const TITLE: usize = 256;

/// Characters of a card's footer.
const FOOTER: usize = 300;

/// Characters of a message's text.
const CONTENT: usize = 2000;

/// Characters of a list of names within a line.
const LINE: usize = 1200;

/// Characters of one name within a line.
const NAME: usize = 220;

/// A card: title, lines, footer.
fn card(title: &str, lines: &[String], footer: Option<&str>, locale: Locale) -> CreateEmbed {
    let card = CreateEmbed::new()
        .title(render::clip(title, TITLE))
        .description(fitted(lines, DESCRIPTION, locale));
    match footer {
        Some(footer) => card.footer(CreateEmbedFooter::new(render::clip(footer, FOOTER))),
        None => card,
    }
}

/// Whether a card has room for all of these lines.
fn fits(lines: &[String]) -> bool {
    render::length(&lines.join("\n")) <= DESCRIPTION
}

/// As many lines as fit, and how many there are besides.
fn fitted(lines: &[String], limit: usize, locale: Locale) -> String {
    let whole = lines.join("\n");
    if render::length(&whole) <= limit {
        return whole;
    }
    let rest = |kept: usize| {
        locale.text(&Message::new(keys::MORE_LINES).with("count", lines.len() - kept))
    };
    let room = limit.saturating_sub(render::length(&rest(0)) + 1);
    let (mut text, mut used, mut kept) = (String::new(), 0, 0);
    for line in lines {
        used += render::length(line) + 1;
        if used > room {
            break;
        }
        text.push_str(line);
        text.push('\n');
        kept += 1;
    }
    text + &rest(kept)
}

/// User text within a line of a card: on one line, escaped, not too long.
fn shown(text: &str) -> String {
    let line = text.replace(['\n', '\r', '\u{2028}', '\u{2029}', '\u{85}'], " ");
    render::escape(&render::clip(&line, NAME / 2))
}

/// Characters of a list among others of its kind.
const LIST: usize = 500;

/// What is shown already, separated by commas, as much as fits beside other lists, and how many there
/// are besides.
fn joined(pieces: impl IntoIterator<Item = String>, locale: Locale) -> String {
    let (mut line, mut pieces) = (String::new(), pieces.into_iter());
    while let Some(piece) = pieces.next() {
        if !line.is_empty() && render::length(&line) + render::length(&piece) > LIST {
            let left = pieces.count().saturating_add(1);
            return line + &locale.text(&Message::new(keys::MORE_NAMES).with("count", left));
        }
        if !line.is_empty() {
            line.push_str(", ");
        }
        line.push_str(&piece);
    }
    line
}

/// Names, separated by commas, as many as fit in a line.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let mut line = String::new();
    for name in names {
        let name = shown(name.as_ref());
        if render::length(&line) + render::length(&name) > LINE {
            return line + ", …";
        }
        if !line.is_empty() {
            line.push_str(", ");
        }
        line.push_str(&name);
    }
    line
}

/// A button with a fixed label.
fn button(press: &Press, label: Key, style: ButtonStyle, locale: Locale) -> CreateButton {
    CreateButton::new(press.encode())
        .label(locale.text(&label.into()))
        .style(style)
}
