//! A board: what a channel always shows of a table; and the list of them.

use std::collections::BTreeMap;

use serenity::all::ButtonStyle;
use serenity::builder::{CreateActionRow, CreateEmbed};

use super::table::{cut, laid_out, view};
use super::words::{ago, entries, points};
use super::{CONTENT, DESCRIPTION, button, card, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::Reply;
use crate::domain::ids::ChannelId;
use crate::domain::table::Table;
use crate::i18n::{Locale, Message, keys};
use crate::render;
use crate::service::boards::{Board, BoardPage};

/// The message, in the guild's language.
#[must_use]
pub fn board(page: &BoardPage, locale: Locale) -> Reply {
    let press = Press::Board {
        table: page.table.id,
    };
    // It is there whatever the board says: it tells which board it is.
    let browse = button(&press, keys::BUTTON_BROWSE, ButtonStyle::Secondary, locale);
    content(page, locale).row(CreateActionRow::Buttons(vec![browse]))
}

fn content(page: &BoardPage, locale: Locale) -> Reply {
    let table = &page.table;
    if table.deleted_at.is_some() {
        let gone = Message::new(keys::BOARD_TABLE_DELETED).with("table", shown(&table.address()));
        return Reply::text(locale.text(&gone));
    }
    let head = heading(page, locale);
    let foot = foot(page, locale);
    if page.rows.rows.is_empty() {
        let empty = locale.text(&keys::BOARD_EMPTY.into());
        return Reply::text(format!("{head}\n{empty}\n{foot}"));
    }
    rows(page, &head, &foot, locale)
}

fn heading(page: &BoardPage, locale: Locale) -> String {
    let message = Message::new(keys::TABLE_HEADING)
        .with("table", shown(&page.table.address()))
        .with("entries", entries(page.rows.total, locale))
        .with("points", points(page.rows.points, locale));
    locale.text(&message)
}

/// How old it is: Discord keeps that up to date by itself.
fn foot(page: &BoardPage, locale: Locale) -> String {
    let changed = page
        .changed_at
        .map(|at| Message::new(keys::BOARD_CHANGED).with("at", ago(at)));
    changed.map_or_else(String::new, |changed| locale.text(&changed))
}

fn rows(page: &BoardPage, head: &str, foot: &str, locale: Locale) -> Reply {
    let view = view((&page.table, &page.rows.rows), 1, page.layout, locale);
    let room =
        |limit: usize| limit.saturating_sub(render::length(head) + render::length(foot) + 120);
    let more = |rows_shown: usize| {
        let total = usize::try_from(page.rows.total).unwrap_or(usize::MAX);
        cut(total.saturating_sub(rows_shown), locale)
    };
    let content = laid_out(&view, page.layout, room(CONTENT));
    if content.rows_shown == page.rows.rows.len() {
        let more = more(content.rows_shown);
        return Reply::text(format!("{head}\n{}\n{more}{foot}", content.text));
    }
    // A card takes twice as much as a message.
    let card = laid_out(&view, page.layout, room(DESCRIPTION));
    let more = more(card.rows_shown);
    Reply::card(CreateEmbed::new().description(format!("{head}\n{}\n{more}{foot}", card.text)))
}

/// The boards of a table: all, or that of one channel.
#[must_use]
pub fn list(
    table: &Table,
    boards: &BTreeMap<ChannelId, Board>,
    only: Option<ChannelId>,
    locale: Locale,
) -> Reply {
    let address = shown(&table.address());
    let wanted = |channel: &ChannelId| only.is_none_or(|only| only == *channel);
    let lines: Vec<String> = boards
        .values()
        .filter(|board| wanted(&board.channel))
        .map(|board| line(board, locale))
        .collect();
    if lines.is_empty() {
        return Reply::text(locale.text(&Message::new(keys::BOARDS_NONE).with("table", address)));
    }
    let title = locale.text(&Message::new(keys::BOARDS_TITLE).with("table", address));
    Reply::card(card(&title, &lines, None, locale))
}

fn line(board: &Board, locale: Locale) -> String {
    let channel = format!("<#{}>", board.channel);
    let layout = board
        .layout
        .map(|layout| super::words::layout(layout, locale));
    let message = match (&board.problem, board.message) {
        (Some(problem), _) => {
            Message::new(keys::BOARDS_LINE_PROBLEM).with("problem", shown(problem))
        }
        (None, Some(message)) => Message::new(keys::BOARDS_LINE).with(
            "link",
            format!(
                "https://discord.com/channels/{}/{}/{message}",
                board.guild, board.channel
            ),
        ),
        (None, None) => keys::BOARDS_LINE_SOON.into(),
    };
    let message = message
        .with("channel", channel)
        .with("layout", layout.unwrap_or_default());
    locale.text(&message)
}
