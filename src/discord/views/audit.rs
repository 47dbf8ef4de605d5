//! The history: a page of events, and one event whole.

use std::cmp::Reverse;

use serenity::all::ButtonStyle;
use serenity::builder::{
    CreateActionRow, CreateAttachment, CreateButton, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption,
};

use super::words::{actor, attribution, moment, platform_of, rank, value};
use super::{button, card, fits, receipt, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::Reply;
use crate::domain::event::{Event, Outcome, Via, What};
use crate::domain::ids::{DeviceId, Seq};
use crate::domain::refusal::Refusal;
use crate::i18n::{Key, Locale, Message, keys};
use crate::render;
use crate::service::Found;
use crate::service::audit::SearchPage;

/// Characters of one event in a list: ten of them fit a card.
const LINE: usize = 380;

/// Characters of a table's address and of a device's label in a list.
const TABLE: usize = 60;
const LABEL: usize = 30;

/// Characters of a menu's option.
const OPTION: usize = 100;

/// A page of events, newest first.
#[must_use]
pub fn list(page: &SearchPage, device: &DeviceId, locale: Locale) -> Reply {
    let title = locale.text(&keys::SEARCH_TITLE.into());
    if page.events.is_empty() && page.unreadable.is_empty() {
        let lines = [locale.text(&keys::SEARCH_EMPTY.into())];
        return Reply::card(card(&title, &lines, None, locale));
    }
    let readable = page.events.iter();
    let unreadable = page.unreadable.iter();
    let mut lines: Vec<(Seq, String)> = readable
        .map(|found| (found.event.seq, line(found, locale)))
        .chain(unreadable.map(|seq| (*seq, illegible(*seq, locale))))
        .collect();
    lines.sort_by_key(|(seq, _)| Reverse(*seq));
    let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
    let mut buttons = pager(page, device, locale);
    let export = Press::Export {
        device: Some(device.clone()),
        draft: page.draft,
    };
    let quiet = ButtonStyle::Secondary;
    buttons.push(button(&export, keys::BUTTON_EXPORT, quiet, locale));
    let mut reply = Reply::card(card(&title, &lines, None, locale));
    if !page.events.is_empty() {
        reply = reply.row(menu(page, device, locale));
    }
    reply.row(CreateActionRow::Buttons(buttons))
}

fn illegible(seq: Seq, locale: Locale) -> String {
    locale.text(&Message::new(keys::SEARCH_UNREADABLE).with("event", seq.to_string()))
}

fn line(found: &Found, locale: Locale) -> String {
    let event = &found.event;
    let head = Message::new(keys::SEARCH_LINE)
        .with("event", event.seq.to_string())
        .with("when", moment(event.at))
        .with("who", who(found, locale))
        .with("action", event.action.as_str());
    let mut line = locale.text(&head);
    if let Some(table) = &found.table {
        line.push_str(" · ");
        line.push_str(&brief(table, TABLE));
    }
    if event.outcome == Outcome::Refused {
        line.push('\n');
        return line + &refused(event, locale);
    }
    if let Some(by) = found.undone_by {
        line += &locale.text(&Message::new(keys::SEARCH_UNDONE).with("event", by.to_string()));
    }
    let room = LINE.saturating_sub(render::length(&line) + 2);
    line + &short_changes(found, room, locale)
}

/// Who did it, and from which device: by its label, else by its short id.
fn who(found: &Found, locale: Locale) -> String {
    let person = actor(&found.event, locale);
    match (&found.event.device_id, &found.label) {
        (Some(_), Some(label)) => format!("{person} ({})", brief(label, LABEL)),
        (Some(device), None) => format!("{person} (`{}`)", device.short()),
        (None, _) => person,
    }
}

/// User text within a crowded line.
fn brief(text: &str, chars: usize) -> String {
    shown(&render::clip(text, chars))
}

/// The first changes, as many as fit.
fn short_changes(found: &Found, room: usize, locale: Locale) -> String {
    let event = &found.event;
    let lines = receipt::lines(event, &found.ranks, locale);
    let Some(first) = lines.first().filter(|_| !event.changes.is_empty()) else {
        return String::new();
    };
    let more = Message::new(keys::SEARCH_MORE).with("count", lines.len() - 1);
    let more = if lines.len() > 1 {
        locale.text(&more)
    } else {
        String::new()
    };
    if render::length(first) + render::length(&more) < room {
        return format!("\n{first}{more}");
    }
    // A line that was cut could end within its markdown.
    let count = Message::new(keys::SEARCH_CHANGES).with("count", lines.len());
    format!("\n{}", locale.text(&count))
}

fn menu(page: &SearchPage, device: &DeviceId, locale: Locale) -> CreateActionRow {
    let option = |found: &Found| {
        let event = &found.event;
        let about = event
            .changes
            .iter()
            .filter(|change| change.what != What::Grant)
            .find_map(|change| change.name.as_deref())
            .unwrap_or_default();
        let label = format!("#{} {} {about}", event.seq, event.action);
        CreateSelectMenuOption::new(render::clip(label.trim(), OPTION), event.seq.to_string())
    };
    let options = page.events.iter().map(option).collect();
    let press = Press::Show {
        device: Some(device.clone()),
    };
    let menu = CreateSelectMenu::new(press.encode(), CreateSelectMenuKind::String { options });
    CreateActionRow::SelectMenu(menu.placeholder(locale.text(&keys::SEARCH_MENU.into())))
}

/// Back leads to the page before, Next to older events.
fn pager(page: &SearchPage, device: &DeviceId, locale: Locale) -> Vec<CreateButton> {
    let press = |before: Option<Seq>| Press::Find {
        device: Some(device.clone()),
        draft: page.draft,
        before,
    };
    let back = page.newer.map(|newer| (press(newer), keys::BUTTON_BACK));
    let next = page
        .older
        .map(|older| (press(Some(older)), keys::BUTTON_NEXT));
    let buttons = [back, next].into_iter().flatten();
    buttons
        .map(|(press, label)| button(&press, label, ButtonStyle::Secondary, locale))
        .collect()
}

/// One event whole, with a button to undo it where that is possible. What has no room in the card is
/// in a file with all of it.
#[must_use]
pub fn event(found: &Found, device: &DeviceId, locale: Locale) -> Reply {
    let event = &found.event;
    let title = Message::new(keys::EVENT_TITLE)
        .with("event", event.seq.to_string())
        .with("action", event.action.as_str());
    let mut lines = facts(found, locale);
    lines.extend(
        event
            .changes
            .iter()
            .map(|change| receipt::line(event, change, &found.ranks, locale)),
    );
    if event.changes.is_empty() {
        lines.push(locale.text(&keys::EVENT_NO_CHANGES.into()));
    }
    let hash = Message::new(keys::EVENT_HASH).with("hash", event.hash.as_str());
    let (title, footer) = (locale.text(&title), locale.text(&hash));
    let mut reply = Reply::card(card(&title, &lines, Some(&footer), locale));
    if !fits(&lines) {
        let whole = format!("{title}\n\n{}\n\n{footer}\n", lines.join("\n"));
        let name = format!("event-{}.txt", event.seq);
        reply = reply.attach(CreateAttachment::bytes(whole, name));
    }
    if found.undone_by.is_some() || event.outcome != Outcome::Applied || !receipt::has_effect(event)
    {
        return reply;
    }
    let press = Press::Preview {
        device: Some(device.clone()),
        event: event.seq,
    };
    let undo = button(&press, keys::BUTTON_UNDO, ButtonStyle::Secondary, locale);
    reply.row(CreateActionRow::Buttons(vec![undo]))
}

/// Which right was missing; of several attempts, how many there were.
fn refused(event: &Event, locale: Locale) -> String {
    let refusal = Refusal::parse(event.reason.as_deref().unwrap_or_default());
    let rights: Vec<String> = refusal
        .rights
        .iter()
        .map(|right| format!("`{}`", render::code_safe(right)))
        .collect();
    let message = Message::new(keys::EVENT_REFUSED)
        .with("count", refusal.count)
        .with("rights", rights.join(", "));
    locale.text(&message)
}

/// Everything but the changes.
fn facts(found: &Found, locale: Locale) -> Vec<String> {
    let event = &found.event;
    let mut facts: Vec<(Key, String)> = vec![(keys::EVENT_WHO, actor(event, locale))];
    if let Some(table) = &found.table {
        facts.push((keys::EVENT_TABLE, shown(table)));
    }
    facts.push((
        keys::EVENT_OUTCOME,
        locale.text(&outcome(event.outcome).into()),
    ));
    if let Some(device) = &event.device_id {
        facts.push((keys::EVENT_DEVICE, described_device(found, device, locale)));
    }
    if let Some(rule) = event.attribution {
        facts.push((keys::EVENT_ATTRIBUTION, attribution(rule, locale)));
    }
    if event.via != Via::Direct {
        facts.push((keys::EVENT_VIA, via(event.via, locale)));
    }
    facts.push((keys::EVENT_AT, moment(event.at)));
    facts.push((keys::EVENT_APPLIED_AT, moment(event.applied_at)));
    if event.outcome == Outcome::Refused {
        let value = refused(event, locale);
        facts.push((keys::EVENT_MISSING, value));
    } else if let Some(reason) = &event.reason {
        facts.push((
            keys::EVENT_REASON,
            render::escape(&render::clip(reason, 300)),
        ));
    }
    for (key, seq) in [
        (keys::EVENT_UNDOES, event.undoes),
        (keys::EVENT_UNDONE_BY, found.undone_by),
    ] {
        facts.extend(seq.map(|seq| (key, format!("#{seq}"))));
    }
    for lost in event.overwrote.iter().flatten().take(5) {
        let value = match lost.field.as_str() {
            _ if lost.field_id.is_some() => value("", &lost.value, locale),
            "rank" => rank(&lost.value, &found.ranks, locale),
            field => value(field, &lost.value, locale),
        };
        facts.push((keys::EVENT_OVERWROTE, format!("#{} · {value}", lost.seq)));
    }
    facts
        .into_iter()
        .map(|(key, value)| locale.text(&Message::new(key).with("value", value)))
        .collect()
}

fn described_device(found: &Found, device: &DeviceId, locale: Locale) -> String {
    let platform = platform_of(found.platform.as_deref().unwrap_or_default(), locale);
    match &found.label {
        Some(label) => format!("`{}` · {} · {platform}", device.short(), shown(label)),
        None => format!("`{}` · {platform}", device.short()),
    }
}

fn via(via: Via, locale: Locale) -> String {
    let key = match via {
        Via::Direct => keys::VIA_DIRECT,
        Via::Journal => keys::VIA_JOURNAL,
        Via::Schedule => keys::VIA_SCHEDULE,
        Via::Cli => keys::VIA_CLI,
    };
    locale.text(&key.into())
}

const fn outcome(outcome: Outcome) -> Key {
    match outcome {
        Outcome::Applied => keys::OUTCOME_APPLIED,
        Outcome::Superseded => keys::OUTCOME_SUPERSEDED,
        Outcome::Refused => keys::OUTCOME_REFUSED,
    }
}
