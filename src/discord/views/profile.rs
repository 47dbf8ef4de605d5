//! Cards of entries: one whole, or several in short.

use std::collections::BTreeMap;

use super::receipt::{self, missed_note};
use super::words::{actor, ago, person, points};
use super::{card, shown};
use crate::discord::reply::Reply;
use crate::domain::event::Event;
use crate::domain::field::ExtraField;
use crate::domain::name::Name;
use crate::domain::table::Table;
use crate::i18n::{Locale, Message, keys};
use crate::service::Card;
use crate::service::profile::{NextRank, Profile, next_rank};

/// Lines of one event on a card.
const EVENT_LINES: usize = 3;

/// Who is asked about, and what they are called where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The caller.
    Own(Option<Name>),
    /// Somebody else, or an entry.
    Member(Option<Name>),
}

impl Asked {
    fn name(&self) -> Option<String> {
        let (Self::Own(name) | Self::Member(name)) = self;
        name.as_ref().map(|name| shown(name.as_str()))
    }
}

/// The cards; or a word on why there is none.
#[must_use]
pub fn profile(profile: &Profile, asked: &Asked, locale: Locale) -> Reply {
    let mut reply = match profile.cards.as_slice() {
        [] => none(asked, locale),
        [(only, table)] if profile.total <= 1 => whole(only, table, &profile.recent, asked, locale),
        cards => several(cards, profile.total, asked, locale),
    };
    // Below a text, above a card.
    let missed = missed_note(profile.aside.missed, locale);
    let said = [Some(reply.content), missed].into_iter().flatten();
    let said: Vec<String> = said.filter(|line| !line.is_empty()).collect();
    reply.content = said.join("\n");
    reply.aside(profile.aside)
}

fn none(asked: &Asked, locale: Locale) -> Reply {
    let message = match asked {
        Asked::Own(_) => keys::PROFILE_OWN_NONE.into(),
        Asked::Member(_) => {
            let unknown = || locale.text(&keys::NOBODY.into());
            Message::new(keys::PROFILE_NONE).with("name", asked.name().unwrap_or_else(unknown))
        }
    };
    Reply::text(locale.text(&message))
}

fn whole(card: &Card, table: &Table, recent: &[Event], asked: &Asked, locale: Locale) -> Reply {
    let address = Message::new(keys::PROFILE_TABLE).with("table", shown(&table.address()));
    let sum = Message::new(keys::PROFILE_POINTS).with("points", points(card.entry.points, locale));
    let mut lines = vec![locale.text(&address), locale.text(&sum)];
    lines.push(place_line(card, locale));
    lines.extend(rank_line(card, table, locale));
    lines.extend(next_line(card, table, locale));
    lines.extend((card.entry.exempt).then(|| locale.text(&keys::PROFILE_EXEMPT.into())));
    lines.extend(member_line(card, asked, locale));
    lines.extend(extra_lines(card, table, locale));
    if !recent.is_empty() {
        lines.push(String::new());
        lines.push(locale.text(&keys::PROFILE_RECENT.into()));
        let ranks = table.titles();
        let told = recent
            .iter()
            .flat_map(|event| event_lines(event, card, &ranks, locale));
        lines.extend(told);
    }
    card_of(&shown(&card.entry.name), &lines, locale)
}

/// The extra fields that have a value.
fn extra_lines(card: &Card, table: &Table, locale: Locale) -> Vec<String> {
    let line = |field: &ExtraField| {
        let value = card.entry.extra.get(&field.number.to_string())?;
        let line = Message::new(keys::PROFILE_EXTRA)
            .with("field", shown(&field.name))
            .with("value", shown(value));
        Some(locale.text(&line))
    };
    table.live_fields().filter_map(line).collect()
}

fn several(cards: &[(Card, Table)], total: i64, asked: &Asked, locale: Locale) -> Reply {
    let title = match asked {
        Asked::Own(_) => keys::PROFILE_OWN_ENTRIES.into(),
        Asked::Member(_) => {
            let first = || cards.first().map(|(card, _)| shown(&card.entry.name));
            let name = asked.name().or_else(first).unwrap_or_default();
            Message::new(keys::PROFILE_ENTRIES).with("name", name)
        }
    };
    let mut lines: Vec<String> = Vec::new();
    for (card, table) in cards {
        let head = Message::new(keys::PROFILE_ENTRY)
            .with("table", shown(&table.address()))
            .with("name", shown(&card.entry.name));
        let place = place_line(card, locale);
        let sum =
            Message::new(keys::PROFILE_POINTS).with("points", points(card.entry.points, locale));
        lines.push(locale.text(&head));
        lines.push(format!("{} · {place}", locale.text(&sum)));
        lines.extend(rank_line(card, table, locale));
        lines.extend(next_line(card, table, locale));
        lines.push(String::new());
    }
    let listed = i64::try_from(cards.len()).unwrap_or(i64::MAX);
    if total > listed {
        let more = Message::new(keys::PROFILE_MORE).with("count", total.saturating_sub(listed));
        lines.push(locale.text(&more));
    }
    card_of(&locale.text(&title), &lines, locale)
}

fn card_of(title: &str, lines: &[String], locale: Locale) -> Reply {
    Reply::card(card(title, lines, None, locale))
}

fn place_line(card: &Card, locale: Locale) -> String {
    let message = Message::new(keys::PROFILE_PLACE)
        .with("place", card.place)
        .with("count", card.entries);
    locale.text(&message)
}

fn rank_line(card: &Card, table: &Table, locale: Locale) -> Option<String> {
    let rank = table.ranks.get(&card.entry.rank?)?;
    let message = Message::new(keys::PROFILE_RANK).with("rank", shown(&rank.title));
    Some(locale.text(&message))
}

fn next_line(card: &Card, table: &Table, locale: Locale) -> Option<String> {
    let message = match next_rank(table, card.entry.rank, card.entry.points) {
        NextRank::Unset => return None,
        NextRank::Highest => keys::PROFILE_NEXT_HIGHEST.into(),
        NextRank::Reached(next) => {
            Message::new(keys::PROFILE_NEXT_REACHED).with("rank", shown(&next.title))
        }
        NextRank::Missing(next, missing) => Message::new(keys::PROFILE_NEXT)
            .with("rank", shown(&next.title))
            .with("points", points(missing, locale)),
    };
    Some(locale.text(&message))
}

fn member_line(card: &Card, asked: &Asked, locale: Locale) -> Option<String> {
    let member = card.entry.member_id?;
    let name = asked.name().unwrap_or_else(|| person(Some(member), locale));
    Some(locale.text(&Message::new(keys::PROFILE_MEMBER).with("member", name)))
}

/// When, who and what: only what the event did to this entry.
fn event_lines(
    event: &Event,
    card: &Card,
    ranks: &BTreeMap<i32, String>,
    locale: Locale,
) -> Vec<String> {
    let mut own = event.clone();
    own.changes
        .retain(|change| change.entry_id() == Some(card.entry.id));
    let head = Message::new(keys::PROFILE_EVENT)
        .with("event", event.seq.to_string())
        .with("when", ago(event.at))
        .with("who", actor(event, locale))
        .with("action", event.action.as_str());
    let told = receipt::lines(&own, ranks, locale).into_iter();
    [locale.text(&head)]
        .into_iter()
        .chain(told.take(EVENT_LINES))
        .collect()
}
