//! Lists of tables and of ranks.

use super::words::{entries, mention, points};
use super::{card, shown};
use crate::discord::reply::Reply;
use crate::domain::activity::Activity;
use crate::domain::table::{Rank, Table};
use crate::i18n::{Locale, Message, keys};

/// The guild's tables, each with its number of entries.
#[must_use]
pub fn tables(tables: &[(Table, i64)], locale: Locale) -> Reply {
    if tables.is_empty() {
        return Reply::text(locale.text(&keys::TABLES_NONE.into()));
    }
    let line = |(table, count): &(Table, i64)| {
        let message = Message::new(keys::TABLES_LINE)
            .with("table", shown(&table.address()))
            .with("entries", entries(*count, locale))
            .with("ranks", table.ranks.len());
        locale.text(&message)
    };
    let lines: Vec<String> = tables.iter().map(line).collect();
    let title = locale.text(&Message::new(keys::TABLES_TITLE).with("count", tables.len()));
    Reply::card(card(&title, &lines, None, locale))
}

/// The ranks of a table, from the highest.
#[must_use]
pub fn ranks(table: &Table, locale: Locale) -> Reply {
    let address = shown(&table.address());
    if table.ranks.is_empty() {
        return Reply::text(locale.text(&Message::new(keys::RANKS_NONE).with("table", address)));
    }
    let lines: Vec<String> = table
        .ranks
        .values()
        .rev()
        .map(|rank| rank_line(rank, locale))
        .collect();
    let title = locale.text(&Message::new(keys::RANKS_TITLE).with("table", address));
    Reply::card(card(&title, &lines, None, locale))
}

/// The activities of a table.
#[must_use]
pub fn activities(table: &Table, locale: Locale) -> Reply {
    let address = shown(&table.address());
    if table.activities.is_empty() {
        let none = Message::new(keys::ACTIVITIES_NONE).with("table", address);
        return Reply::text(locale.text(&none));
    }
    let line = |of: &Activity| activity(of, locale);
    let lines: Vec<String> = table
        .activities
        .values()
        .map(line)
        .map(|line| shown(&line))
        .collect();
    let title = Message::new(keys::ACTIVITIES_TITLE).with("table", address);
    Reply::card(card(&locale.text(&title), &lines, None, locale))
}

/// An activity with what it is worth, as plain text.
#[must_use]
pub fn activity(activity: &Activity, locale: Locale) -> String {
    let worth = points(activity.points, locale);
    let line = Message::new(keys::ACTIVITIES_LINE)
        .with("activity", activity.name.as_str())
        .with("quantity", locale.integer(activity.quantity))
        .with("points", worth);
    locale.text(&line)
}

fn rank_line(rank: &Rank, locale: Locale) -> String {
    let message = Message::new(keys::RANKS_LINE)
        .with("rank", rank.number.to_string())
        .with("title", shown(&rank.title));
    let mut line = locale.text(&message);
    for (key, threshold) in [
        (keys::RANKS_PROMOTE, rank.promote_at),
        (keys::RANKS_DEMOTE, rank.demote_below),
    ] {
        if let Some(threshold) = threshold {
            line += &locale.text(&Message::new(key).with("points", points(threshold, locale)));
        }
    }
    if let Some(role) = rank.role {
        line += " · ";
        line += &mention(role);
    }
    line
}
