//! Device sessions, as their person sees them, and as moderators see everybody's.

use serenity::all::ButtonStyle;
use serenity::builder::{
    CreateActionRow, CreateButton, CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption,
};

use super::receipt::missed_note;
use super::words::{ago, attribution, person, platform_of};
use super::{button, card, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::Reply;
use crate::domain::ids::DeviceId;
use crate::domain::session::{Attribution, Platform, Session};
use crate::i18n::{Locale, Message, keys};
use crate::render;
use crate::service::operation::Aside;
use crate::service::sessions::SessionsPage;

/// Characters of a menu's option.
const OPTION: usize = 100;

/// The open sessions, the current one first, and how it was recognised.
#[must_use]
pub fn list(sessions: &[Session], how: Attribution, aside: Aside, locale: Locale) -> Reply {
    let mut lines: Vec<String> = sessions
        .iter()
        .enumerate()
        .map(|(place, session)| {
            let line = line(session, locale);
            if place == 0 {
                current(&line, how, locale)
            } else {
                line
            }
        })
        .collect();
    lines.extend(missed_note(aside.missed, locale));
    let title = locale.text(&keys::SESSIONS_TITLE.into());
    Reply::card(card(&title, &lines, None, locale)).aside(aside)
}

/// The session that was switched to. Where presence names another kind of client, that goes first.
#[must_use]
pub fn used(session: &Session, seen_on: Option<Platform>, locale: Locale) -> Reply {
    let message = Message::new(keys::SESSION_USED).with("session", line(session, locale));
    let mut text = locale.text(&message);
    if let Some(platform) = seen_on.filter(|platform| *platform != session.platform) {
        let platform = platform_of(platform.as_str(), locale);
        let note = Message::new(keys::SESSION_USED_ELSEWHERE).with("platform", platform);
        text.push('\n');
        text.push_str(&locale.text(&note));
    }
    Reply::text(text)
}

/// A page of the guild's open sessions, for moderators; with a menu to end one, for those who may.
#[must_use]
pub fn desk(page: &SessionsPage, device: &DeviceId, locale: Locale) -> Reply {
    let title = locale.text(&Message::new(keys::SESSIONS_DESK_TITLE).with("count", page.total));
    let mut lines: Vec<String> = page
        .sessions
        .iter()
        .map(|session| {
            format!(
                "{} · {}",
                person(Some(session.user_id), locale),
                line(session, locale)
            )
        })
        .collect();
    if page.sessions.is_empty() {
        lines.push(locale.text(&keys::SESSIONS_DESK_NONE.into()));
    } else if !page.may_end {
        lines.push(locale.text(&keys::SESSIONS_DESK_RIGHT.into()));
    }
    let footer = Message::new(keys::SESSIONS_DESK_PAGE)
        .with("page", page.page + 1)
        .with("pages", page.pages);
    let footer = (page.pages > 1).then(|| locale.text(&footer));
    let mut reply = Reply::card(card(&title, &lines, footer.as_deref(), locale));
    if page.may_end && !page.sessions.is_empty() {
        reply = reply.row(menu(page, device, locale));
    }
    let buttons = pager(page, device, locale);
    if buttons.is_empty() {
        reply
    } else {
        reply.row(CreateActionRow::Buttons(buttons))
    }
}

fn menu(page: &SessionsPage, device: &DeviceId, locale: Locale) -> CreateActionRow {
    let option = |session: &Session| {
        let label = choice(
            session.label.as_deref(),
            session.device_id.short(),
            session.platform.as_str(),
            locale,
        );
        CreateSelectMenuOption::new(render::clip(&label, OPTION), session.device_id.as_str())
    };
    let options = page.sessions.iter().map(option).collect();
    let press = Press::End {
        device: Some(device.clone()),
    };
    let menu = CreateSelectMenu::new(press.encode(), CreateSelectMenuKind::String { options });
    CreateActionRow::SelectMenu(menu.placeholder(locale.text(&keys::SESSIONS_DESK_MENU.into())))
}

fn pager(page: &SessionsPage, device: &DeviceId, locale: Locale) -> Vec<CreateButton> {
    let press = |to: u32| Press::Sessions {
        device: Some(device.clone()),
        who: page.who,
        page: to,
    };
    let back = page.page.checked_sub(1);
    let next = page.page.checked_add(1).filter(|to| *to < page.pages);
    let buttons = [(back, keys::BUTTON_BACK), (next, keys::BUTTON_NEXT)];
    buttons
        .into_iter()
        .filter_map(|(to, label)| {
            let press = press(to?);
            Some(button(&press, label, ButtonStyle::Secondary, locale))
        })
        .collect()
}

/// A session in a list to choose from, where markdown is not read.
#[must_use]
pub fn choice(label: Option<&str>, short: &str, platform: &str, locale: Locale) -> String {
    let message = Message::new(keys::SESSION_CHOICE)
        .with("id", short)
        .with("platform", platform_of(platform, locale));
    let short = locale.text(&message);
    label.map_or_else(|| short.clone(), |label| format!("{label} · {short}"))
}

fn current(line: &str, how: Attribution, locale: Locale) -> String {
    let message = Message::new(keys::SESSION_CURRENT)
        .with("session", line)
        .with("how", attribution(how, locale));
    locale.text(&message)
}

pub(super) fn line(session: &Session, locale: Locale) -> String {
    let unnamed = || locale.text(&keys::SESSION_UNNAMED.into());
    let label = session.label.as_deref().map_or_else(unnamed, shown);
    let message = Message::new(keys::SESSION_LINE)
        .with("label", label)
        .with("id", session.device_id.short())
        .with("platform", platform_of(session.platform.as_str(), locale))
        .with("since", ago(session.login_at))
        .with("seen", ago(session.last_seen_at));
    locale.text(&message)
}
