//! What one can do here, given one's rights. The words are those of the command manifest.

use std::collections::BTreeSet;

use super::{card, fits};
use crate::discord::reply::Reply;
use crate::domain::access::{Authority, Granted, Place, Right};
use crate::i18n::{Key, Locale, keys};

/// A part of the help.
struct Topic {
    name: &'static str,
    title: Key,
    text: Key,
    commands: &'static [Command],
}

/// A command, and who may use it.
struct Command {
    path: &'static str,
    /// Of these it needs one; none where it needs none.
    rights: &'static [Right],
    /// Whether that is about the guild as a whole, so that a right in one table does not do.
    whole: bool,
}

/// A command in which one of these rights does, wherever it is held.
const fn of(path: &'static str, rights: &'static [Right]) -> Command {
    let whole = false;
    Command {
        path,
        rights,
        whole,
    }
}

/// A command about the guild as a whole.
const fn whole(path: &'static str, rights: &'static [Right]) -> Command {
    let whole = true;
    Command {
        path,
        rights,
        whole,
    }
}

impl Command {
    fn top_level(&self) -> &'static str {
        self.path.split(' ').next().unwrap_or(self.path)
    }

    /// Whether somebody may use it, wherever that is.
    fn is_for(&self, authority: &Authority) -> bool {
        let may = |right: &Right| {
            if self.whole {
                authority.may(*right, Place::GUILD)
            } else {
                authority.may_somewhere(*right)
            }
        };
        self.rights.is_empty() || self.rights.iter().any(may)
    }
}

const TOPICS: &[Topic] = &[
    Topic {
        name: "everyday",
        title: keys::HELP_EVERYDAY,
        text: keys::HELP_EVERYDAY_TEXT,
        commands: &[
            of("punctaj add", &[Right::ScoreAdd]),
            of("punctaj remove", &[Right::ScoreRemove]),
            of("punctaj set", &[Right::ScoreSet, Right::EntryEdit]),
            of("punctaj delete", &[Right::EntryDelete]),
            of("punctaj view", &[Right::TableView]),
            of("punctaj news", &[Right::TableView]),
            of("punctaj profile", &[Right::TableView]),
            of("punctaj panel", &[Right::ScoreAdd, Right::ScoreRemove]),
            // Everybody may ask it of themselves.
            of("punctaj-admin access explain", &[]),
        ],
    },
    Topic {
        name: "undo",
        title: keys::HELP_UNDO,
        text: keys::HELP_UNDO_TEXT,
        commands: &[of("punctaj undo", &[])],
    },
    Topic {
        name: DEVICES,
        title: keys::HELP_SESSIONS,
        text: keys::HELP_SESSIONS_TEXT,
        commands: &[
            of("punctaj session login", &[]),
            of("punctaj session list", &[]),
            of("punctaj session use", &[]),
            of("punctaj session rename", &[]),
            of("punctaj session logout", &[]),
        ],
    },
    Topic {
        name: "audit",
        title: keys::HELP_AUDIT,
        text: keys::HELP_AUDIT_TEXT,
        commands: &[
            of("punctaj-audit search", &[Right::AuditView]),
            of("punctaj-audit show", &[Right::AuditView]),
            of("punctaj-audit undo", &[Right::AuditUndo]),
            of("punctaj-audit export", &[Right::AuditExport]),
            whole("punctaj-audit verify", &[Right::AuditView]),
            whole("punctaj-audit sessions", &[Right::AuditView]),
        ],
    },
    Topic {
        name: "admin",
        title: keys::HELP_ADMIN,
        text: keys::HELP_ADMIN_TEXT,
        commands: &[
            of("punctaj-admin table create", &[Right::TableEdit]),
            of("punctaj-admin table edit", &[Right::TableEdit]),
            of("punctaj-admin table delete", &[Right::TableEdit]),
            of("punctaj-admin table restore", &[Right::TableEdit]),
            of("punctaj-admin table list", &[Right::TableView]),
            of("punctaj-admin field add", &[Right::TableEdit]),
            of("punctaj-admin field edit", &[Right::TableEdit]),
            of("punctaj-admin field remove", &[Right::TableEdit]),
            of("punctaj-admin rank set", &[Right::TableEdit]),
            of("punctaj-admin rank remove", &[Right::TableEdit]),
            of("punctaj-admin rank list", &[Right::TableView]),
            of("punctaj-admin activity set", &[Right::TableEdit]),
            of("punctaj-admin activity remove", &[Right::TableEdit]),
            of("punctaj-admin activity list", &[Right::TableView]),
            of("punctaj-admin board post", &[Right::BoardManage]),
            of("punctaj-admin board remove", &[Right::BoardManage]),
            of("punctaj-admin board list", &[Right::BoardManage]),
            of("punctaj-admin period close", &[Right::PeriodClose]),
            of("punctaj-admin period schedule", &[Right::PeriodClose]),
            of("punctaj-admin period list", &[Right::TableView]),
            of("punctaj-admin period report", &[Right::TableView]),
            of("punctaj-admin access grant", &[Right::AccessManage]),
            of("punctaj-admin access revoke", &[Right::AccessManage]),
            of("punctaj-admin access list", &[Right::AccessManage]),
            of("punctaj-admin data export", &[Right::DataExport]),
            whole("punctaj-admin settings show", &[Right::SettingsManage]),
            whole("punctaj-admin settings language", &[Right::SettingsManage]),
            whole("punctaj-admin settings timezone", &[Right::SettingsManage]),
            whole(
                "punctaj-admin settings log-channel",
                &[Right::SettingsManage],
            ),
            whole("punctaj-admin diagnose", &[Right::SettingsManage]),
        ],
    },
];

/// The top-level commands in which something can be done with what is granted.
#[must_use]
pub fn commands_for(granted: Granted) -> BTreeSet<&'static str> {
    let commands = TOPICS.iter().flat_map(|topic| topic.commands);
    let usable = commands.filter(|it| it.rights.iter().any(|right| granted.gives(*right)));
    usable.map(Command::top_level).collect()
}

/// All top-level commands.
#[must_use]
pub fn commands() -> BTreeSet<&'static str> {
    let commands = TOPICS.iter().flat_map(|topic| topic.commands);
    commands.map(Command::top_level).collect()
}

/// All commands that help tells of.
#[cfg(test)]
pub(in crate::discord) fn paths() -> impl Iterator<Item = &'static str> {
    let commands = TOPICS.iter().flat_map(|topic| topic.commands);
    commands.map(|command| command.path)
}

/// The commands that not everybody may use.
#[cfg(test)]
pub(in crate::discord) fn paths_with_a_right() -> impl Iterator<Item = &'static str> {
    let commands = TOPICS.iter().flat_map(|topic| topic.commands);
    let needing = commands.filter(|command| !command.rights.is_empty());
    needing.map(|command| command.path)
}

/// The rights of which a command needs one; none where it needs none, or is none of ours.
#[must_use]
pub fn rights_of(path: &str) -> &'static [Right] {
    let mut commands = TOPICS.iter().flat_map(|topic| topic.commands);
    let found = commands.find(|command| command.path == path);
    found.map_or(&[], |command| command.rights)
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
    let topics: Vec<&Topic> = TOPICS.iter().filter(wanted).collect();
    let told = |line: Line| -> Vec<String> {
        let parts = topics
            .iter()
            .map(|topic| part(topic, authority, line, locale));
        parts.flatten().collect()
    };
    let mut lines = told(described);
    if !fits(&lines) {
        lines = told(named);
        lines.push(locale.text(&keys::HELP_MORE.into()));
    }
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

/// How a command is told of.
type Line = fn(&str, Locale) -> String;

fn part(topic: &Topic, authority: &Authority, line: Line, locale: Locale) -> Vec<String> {
    let commands = topic.commands.iter();
    let usable = commands.filter(|command| command.is_for(authority));
    let commands: Vec<String> = usable.map(|it| line(it.path, locale)).collect();
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
pub(super) fn described(path: &str, locale: Locale) -> String {
    let id = format!("cmd-{}.description", path.replace(' ', "-"));
    let does = locale.lookup(&id).unwrap_or_default();
    format!("{} — {does}", named(path, locale))
}

/// A command as it is typed in the reader's language.
fn named(path: &str, locale: Locale) -> String {
    let mut id = "cmd".to_owned();
    let mut typed = Vec::new();
    for name in path.split(' ') {
        id = format!("{id}-{name}");
        typed.push(locale.lookup(&id).unwrap_or_else(|| name.to_owned()));
    }
    format!("`/{}`", typed.join(" "))
}
