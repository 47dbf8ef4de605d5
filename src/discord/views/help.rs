//! What one can do here, given one's rights. The words are those of the command manifest.

use std::collections::BTreeSet;

use super::card;
use crate::discord::reply::Reply;
use crate::domain::access::{Authority, Granted, Right};
use crate::i18n::{Key, Locale, keys};

/// A part of the help.
struct Topic {
    name: &'static str,
    title: Key,
    text: Key,
    /// Paths of commands, and the rights of which each needs one; none where it needs none.
    commands: &'static [(&'static str, &'static [Right])],
}

const TOPICS: &[Topic] = &[
    Topic {
        name: "everyday",
        title: keys::HELP_EVERYDAY,
        text: keys::HELP_EVERYDAY_TEXT,
        commands: &[
            ("punctaj add", &[Right::ScoreAdd]),
            ("punctaj remove", &[Right::ScoreRemove]),
            ("punctaj set", &[Right::ScoreSet, Right::EntryEdit]),
            ("punctaj delete", &[Right::EntryDelete]),
            ("punctaj view", &[Right::TableView]),
            ("punctaj news", &[Right::TableView]),
            ("punctaj profile", &[Right::TableView]),
            ("punctaj panel", &[Right::ScoreAdd, Right::ScoreRemove]),
        ],
    },
    Topic {
        name: "undo",
        title: keys::HELP_UNDO,
        text: keys::HELP_UNDO_TEXT,
        commands: &[("punctaj undo", &[])],
    },
    Topic {
        name: DEVICES,
        title: keys::HELP_SESSIONS,
        text: keys::HELP_SESSIONS_TEXT,
        commands: &[
            ("punctaj session login", &[]),
            ("punctaj session list", &[]),
            ("punctaj session use", &[]),
            ("punctaj session rename", &[]),
            ("punctaj session logout", &[]),
        ],
    },
    Topic {
        name: "audit",
        title: keys::HELP_AUDIT,
        text: keys::HELP_AUDIT_TEXT,
        commands: &[
            ("punctaj-audit search", &[Right::AuditView]),
            ("punctaj-audit show", &[Right::AuditView]),
            ("punctaj-audit undo", &[Right::AuditUndo]),
            ("punctaj-audit export", &[Right::AuditExport]),
            ("punctaj-audit verify", &[Right::AuditView]),
            ("punctaj-audit sessions", &[Right::AuditView]),
        ],
    },
    Topic {
        name: "admin",
        title: keys::HELP_ADMIN,
        text: keys::HELP_ADMIN_TEXT,
        commands: &[
            ("punctaj-admin table create", &[Right::TableEdit]),
            ("punctaj-admin table edit", &[Right::TableEdit]),
            ("punctaj-admin table delete", &[Right::TableEdit]),
            ("punctaj-admin table restore", &[Right::TableEdit]),
            ("punctaj-admin table list", &[Right::TableView]),
            ("punctaj-admin field add", &[Right::TableEdit]),
            ("punctaj-admin field edit", &[Right::TableEdit]),
            ("punctaj-admin field remove", &[Right::TableEdit]),
            ("punctaj-admin rank set", &[Right::TableEdit]),
            ("punctaj-admin rank remove", &[Right::TableEdit]),
            ("punctaj-admin rank list", &[Right::TableView]),
            ("punctaj-admin activity set", &[Right::TableEdit]),
            ("punctaj-admin activity remove", &[Right::TableEdit]),
            ("punctaj-admin activity list", &[Right::TableView]),
            ("punctaj-admin board post", &[Right::BoardManage]),
            ("punctaj-admin board remove", &[Right::BoardManage]),
            ("punctaj-admin board list", &[Right::BoardManage]),
            ("punctaj-admin period close", &[Right::PeriodClose]),
            ("punctaj-admin period schedule", &[Right::PeriodClose]),
            ("punctaj-admin period list", &[Right::TableView]),
            ("punctaj-admin period report", &[Right::TableView]),
            ("punctaj-admin access grant", &[Right::AccessManage]),
            ("punctaj-admin access revoke", &[Right::AccessManage]),
            ("punctaj-admin access list", &[Right::AccessManage]),
            ("punctaj-admin access explain", &[Right::AccessManage]),
            ("punctaj-admin data export", &[Right::DataExport]),
            ("punctaj-admin settings show", &[Right::SettingsManage]),
            ("punctaj-admin settings language", &[Right::SettingsManage]),
            ("punctaj-admin settings timezone", &[Right::SettingsManage]),
            (
                "punctaj-admin settings log-channel",
                &[Right::SettingsManage],
            ),
            ("punctaj-admin diagnose", &[Right::SettingsManage]),
        ],
    },
];

/// The top-level commands in which something can be done with what is granted.
#[must_use]
pub fn commands_for(granted: Granted) -> BTreeSet<&'static str> {
    let commands = TOPICS.iter().flat_map(|topic| topic.commands);
    let usable = commands.filter(|(_, rights)| rights.iter().any(|right| granted.gives(*right)));
    usable
        .filter_map(|(path, _)| path.split(' ').next())
        .collect()
}

/// All commands that help tells of.
#[cfg(test)]
pub(in crate::discord) fn paths() -> impl Iterator<Item = &'static str> {
    let commands = TOPICS.iter().flat_map(|topic| topic.commands);
    commands.map(|(path, _)| *path)
}

/// The commands that not everybody may use.
#[cfg(test)]
pub(in crate::discord) fn paths_with_a_right() -> impl Iterator<Item = &'static str> {
    let commands = TOPICS.iter().flat_map(|topic| topic.commands);
    let needing = commands.filter(|(_, rights)| !rights.is_empty());
    needing.map(|(path, _)| *path)
}

/// The rights of which a command needs one; none where it needs none, or is none of ours.
#[must_use]
pub fn rights_of(path: &str) -> &'static [Right] {
    let mut commands = TOPICS.iter().flat_map(|topic| topic.commands);
    let found = commands.find(|(of, _)| *of == path);
    found.map_or(&[], |(_, rights)| rights)
}

/// The topic under which it is told that Discord refuses presences.
const DEVICES: &str = "sessions";

/// The help, whole or on one topic. That Discord refuses to tell where people are signed in is told
/// to everybody, since everybody's sessions are recognised otherwise then.
#[must_use]
pub fn help(
    topic: Option<&str>,
    authority: &Authority,
    presence_refused: bool,
    locale: Locale,
) -> Reply {
    let wanted = |of: &&Topic| topic.is_none_or(|name| name == of.name);
    let mut lines: Vec<String> = TOPICS
        .iter()
        .filter(wanted)
        .flat_map(|topic| part(topic, authority, locale))
        .collect();
    let is_about_devices = topic.is_none_or(|name| name == DEVICES);
    if presence_refused && is_about_devices {
        lines.insert(0, locale.text(&keys::HELP_PRESENCE_REFUSED.into()));
    }
    if lines.is_empty() {
        // A topic of another version, or one in which the caller may do nothing.
        lines.push(locale.text(&keys::HELP_NOTHING.into()));
    }
    Reply::card(card(
        &locale.text(&keys::HELP_TITLE.into()),
        &lines,
        None,
        locale,
    ))
}

fn part(topic: &Topic, authority: &Authority, locale: Locale) -> Vec<String> {
    let may = |rights: &[Right]| {
        let mut held = rights
            .iter()
            .filter(|right| authority.may_somewhere(**right));
        rights.is_empty() || held.next().is_some()
    };
    let commands: Vec<String> = topic
        .commands
        .iter()
        .filter(|(_, rights)| may(rights))
        .map(|(path, _)| command(path, locale))
        .collect();
    if commands.is_empty() {
        return commands;
    }
    let title = format!("**{}**", locale.text(&topic.title.into()));
    let text = locale.text(&topic.text.into());
    [title, text]
        .into_iter()
        .chain(commands)
        .chain([String::new()])
        .collect()
}

/// A command as it is typed in the reader's language, and what it does.
pub(super) fn command(path: &str, locale: Locale) -> String {
    let mut id = "cmd".to_owned();
    let mut typed = Vec::new();
    for name in path.split(' ') {
        id = format!("{id}-{name}");
        typed.push(locale.lookup(&id).unwrap_or_else(|| name.to_owned()));
    }
    let does = locale
        .lookup(&format!("{id}.description"))
        .unwrap_or_default();
    format!("`/{}` — {does}", typed.join(" "))
}
