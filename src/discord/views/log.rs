//! What the log channel reads: edits and the daily head of the chain; what a person is told of a
//! value of theirs.

use serenity::all::ButtonStyle;
use serenity::builder::CreateActionRow;

use super::errors::unfit_role;
use super::words::{actor, mention, subject};
use super::{CONTENT, button, fitted, period, receipt, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::Reply;
use crate::domain::ids::{DeviceId, GuildId, UserId};
use crate::i18n::{Locale, Message, keys};
use crate::render::length;
use crate::service::Receipt;
use crate::service::notices::{Post, Told};

/// Characters of the text: a mention may stand before it.
const ROOM: usize = CONTENT - 40;

/// Discord's limit for the buttons of a row.
const BUTTONS: usize = 5;

/// Lines of one edit; the rest is in the history.
const EDIT_LINES: usize = 8;

/// One message, in the guild's language; to a person who is named in it, if it is for one.
#[must_use]
pub fn post(post: &Post, to: Option<UserId>, locale: Locale) -> Reply {
    let reply = news(&post.news, post.guild, None, locale);
    match to {
        Some(person) if !reply.content.is_empty() => Reply {
            content: format!("<@{person}> {}", reply.content),
            ..reply
        },
        _ => reply,
    }
}

/// Pieces of news, with the buttons of those that have one; from that session, if it is the answer to
/// what was done there.
#[must_use]
pub fn news(news: &[Told], guild: GuildId, device: Option<&DeviceId>, locale: Locale) -> Reply {
    let reply = Reply::text(text(news, locale));
    let buttons = news.iter().filter_map(|told| match told {
        Told::Period(report) => period::apply_of(report, locale),
        Told::Overwritten { by, index } => {
            let press = Press::Mine {
                device: device.cloned(),
                guild,
                event: by.event.seq,
                index: *index,
            };
            let style = ButtonStyle::Primary;
            Some(button(&press, keys::BUTTON_RESTORE_MINE, style, locale))
        }
        Told::Edit(_)
        | Told::Head { .. }
        | Told::Board { .. }
        | Told::Role { .. }
        | Told::Warning(_)
        | Told::Outcome(_) => None,
    });
    let buttons: Vec<_> = buttons.take(BUTTONS).collect();
    if buttons.is_empty() {
        reply
    } else {
        reply.row(CreateActionRow::Buttons(buttons))
    }
}

fn text(news: &[Told], locale: Locale) -> String {
    let told: Vec<Vec<String>> = news.iter().map(|told| lines(told, locale)).collect();
    let whole = told.concat().join("\n");
    if length(&whole) <= ROOM {
        return whole;
    }
    // Of each something is told, before more is told of any; what is short leaves room to the others.
    let mut shortest: Vec<usize> = (0..told.len()).collect();
    let lengths: Vec<usize> = told.iter().map(|it| length(&it.join("\n")) + 1).collect();
    let of = |piece: usize| lengths.get(piece).copied().unwrap_or_default();
    shortest.sort_by_key(|piece| of(*piece));
    let (mut room, mut shares) = (ROOM, vec![0; told.len()]);
    for (done, piece) in shortest.into_iter().enumerate() {
        let share = of(piece).min(room / (told.len() - done));
        room -= share;
        if let Some(its) = shares.get_mut(piece) {
            *its = share.saturating_sub(1);
        }
    }
    let each = told.iter().zip(shares);
    let each = each.map(|(lines, share)| fitted(lines, share, locale));
    each.collect::<Vec<_>>().join("\n")
}

fn lines(told: &Told, locale: Locale) -> Vec<String> {
    match told {
        Told::Edit(receipt) => edit(receipt, locale),
        Told::Head { seq, hash } => {
            let head = Message::new(keys::LOG_HEAD)
                .with("event", seq.to_string())
                .with("hash", hash.as_str());
            vec![locale.text(&head)]
        }
        Told::Board {
            table,
            channel,
            problem,
        } => {
            let message = Message::new(keys::LOG_BOARD)
                .with("table", shown(table))
                .with("channel", format!("<#{channel}>"))
                .with("problem", shown(problem));
            vec![locale.text(&message)]
        }
        Told::Role { role, why } => {
            let why = locale.text(&unfit_role(*role, why));
            let message = Message::new(keys::LOG_ROLE)
                .with("role", mention(*role))
                .with("why", why);
            vec![locale.text(&message)]
        }
        Told::Period(report) => period::posted(report, locale),
        Told::Warning(warning) => period::warning(warning, locale),
        Told::Outcome(text) => text.lines().map(str::to_owned).collect(),
        Told::Overwritten { by, index } => overwritten(by, *index, locale),
    }
}

fn overwritten(by: &Receipt, index: usize, locale: Locale) -> Vec<String> {
    let event = &by.event;
    let Some(lost) = event.overwrote.as_ref().and_then(|lost| lost.get(index)) else {
        return Vec::new();
    };
    let change = event
        .changes
        .iter()
        .find(|change| change.id == lost.id && change.field == lost.field);
    let told = |value| receipt::lost_value(lost, value, &by.ranks, locale);
    let message = Message::new(keys::NOTICE_OVERWRITTEN)
        .with("table", shown(by.table.as_deref().unwrap_or_default()))
        .with(
            "name",
            change.map_or_else(String::new, |change| subject(change, locale)),
        )
        .with("field", receipt::lost_field(lost, locale))
        .with("lost", told(&lost.value))
        .with(
            "now",
            change.map_or_else(String::new, |change| told(&change.after)),
        )
        .with("who", actor(event, locale))
        .with("event", event.seq.to_string());
    vec![locale.text(&message)]
}

fn edit(receipt: &Receipt, locale: Locale) -> Vec<String> {
    let event = &receipt.event;
    let head = Message::new(keys::LOG_EDIT)
        .with("event", event.seq.to_string())
        .with("title", receipt::title(receipt, locale))
        .with("who", actor(event, locale));
    let mut lines = vec![locale.text(&head)];
    let changes = receipt::lines(event, &receipt.ranks, locale);
    let more = changes.len().saturating_sub(EDIT_LINES);
    lines.extend(changes.into_iter().take(EDIT_LINES));
    if more > 0 {
        lines.push(locale.text(&Message::new(keys::MORE_LINES).with("count", more)));
    }
    lines.extend(receipt::reason_note(event, locale));
    lines
}
