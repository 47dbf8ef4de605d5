//! What one can do here, given one's rights. The words are those of the command manifest.

use super::card;
use crate::discord::reply::Reply;
use crate::domain::access::{Right, Standing};
use crate::i18n::{Key, Locale, keys};

/// A part of the help.
struct Topic {
    name: &'static str,
    title: Key,
    text: Key,
    /// Paths of commands, and the right that each needs.
    commands: &'static [(&'static str, Option<Right>)],
}

const TOPICS: &[Topic] = &[
    Topic {
        name: "everyday",
        title: keys::HELP_EVERYDAY,
        text: keys::HELP_EVERYDAY_TEXT,
        commands: &[
            ("punctaj add", Some(Right::ScoreAdd)),
            ("punctaj remove", Some(Right::ScoreRemove)),
            ("punctaj set", Some(Right::ScoreSet)),
            ("punctaj delete", Some(Right::EntryDelete)),
            ("punctaj view", Some(Right::TableView)),
            ("punctaj news", Some(Right::TableView)),
            ("punctaj profile", Some(Right::TableView)),
            ("punctaj panel", Some(Right::ScoreAdd)),
        ],
    },
    Topic {
        name: "undo",
        title: keys::HELP_UNDO,
        text: keys::HELP_UNDO_TEXT,
        commands: &[("punctaj undo", None)],
    },
    Topic {
        name: DEVICES,
        title: keys::HELP_SESSIONS,
        text: keys::HELP_SESSIONS_TEXT,
        commands: &[
            ("punctaj session login", None),
            ("punctaj session list", None),
            ("punctaj session use", None),
            ("punctaj session rename", None),
            ("punctaj session logout", None),
        ],
    },
    Topic {
        name: "audit",
        title: keys::HELP_AUDIT,
        text: keys::HELP_AUDIT_TEXT,
        commands: &[
            ("punctaj-audit search", Some(Right::AuditView)),
            ("punctaj-audit show", Some(Right::AuditView)),
            ("punctaj-audit undo", Some(Right::AuditUndo)),
            ("punctaj-audit export", Some(Right::AuditExport)),
            ("punctaj-audit verify", Some(Right::AuditView)),
            ("punctaj-audit sessions", Some(Right::AuditView)),
        ],
    },
    Topic {
        name: "admin",
        title: keys::HELP_ADMIN,
        text: keys::HELP_ADMIN_TEXT,
        commands: &[
            ("punctaj-admin table create", Some(Right::TableEdit)),
            ("punctaj-admin table edit", Some(Right::TableEdit)),
            ("punctaj-admin table delete", Some(Right::TableEdit)),
            ("punctaj-admin table restore", Some(Right::TableEdit)),
            ("punctaj-admin table list", Some(Right::TableView)),
            ("punctaj-admin field add", Some(Right::TableEdit)),
            ("punctaj-admin field edit", Some(Right::TableEdit)),
            ("punctaj-admin field remove", Some(Right::TableEdit)),
            ("punctaj-admin rank set", Some(Right::TableEdit)),
            ("punctaj-admin rank remove", Some(Right::TableEdit)),
            ("punctaj-admin rank list", Some(Right::TableView)),
            ("punctaj-admin board post", Some(Right::BoardManage)),
            ("punctaj-admin board remove", Some(Right::BoardManage)),
            ("punctaj-admin board list", Some(Right::BoardManage)),
            ("punctaj-admin data export", Some(Right::DataExport)),
            ("punctaj-admin settings show", Some(Right::SettingsManage)),
            (
                "punctaj-admin settings language",
                Some(Right::SettingsManage),
            ),
            (
                "punctaj-admin settings timezone",
                Some(Right::SettingsManage),
            ),
            (
                "punctaj-admin settings log-channel",
                Some(Right::SettingsManage),
            ),
            ("punctaj-admin diagnose", Some(Right::SettingsManage)),
        ],
    },
];

/// The commands that not everybody may use.
#[cfg(test)]
pub(in crate::discord) fn paths_with_a_right() -> impl Iterator<Item = &'static str> {
    let commands = TOPICS.iter().flat_map(|topic| topic.commands);
    commands.filter_map(|(path, right)| right.map(|_| *path))
}

/// The topic under which it is told that Discord refuses presences.
const DEVICES: &str = "sessions";

/// The help, whole or on one topic. That Discord refuses to tell where people are signed in is told
/// to everybody, since everybody's sessions are recognised otherwise then.
#[must_use]
pub fn help(
    topic: Option<&str>,
    standing: Standing,
    presence_refused: bool,
    locale: Locale,
) -> Reply {
    let wanted = |of: &&Topic| topic.is_none_or(|name| name == of.name);
    let mut lines: Vec<String> = TOPICS
        .iter()
        .filter(wanted)
        .flat_map(|topic| part(topic, standing, locale))
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

fn part(topic: &Topic, standing: Standing, locale: Locale) -> Vec<String> {
    let may = |right: Option<Right>| right.is_none_or(|right| standing.may(right));
    let commands: Vec<String> = topic
        .commands
        .iter()
        .filter(|(_, right)| may(*right))
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
fn command(path: &str, locale: Locale) -> String {
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
