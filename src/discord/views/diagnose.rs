//! What is wrong, for the people who set a server up. They do not run the bot: of what is the same for
//! all servers they are told whether it works, and nothing else.

use serenity::model::Permissions;
use serenity::model::id::ChannelId;

use super::{card, listed, shown};
use crate::diagnose::{self, Finding, Level};
use crate::discord::diagnose::{BOARD_NEEDS, LOG_NEEDS, Reach};
use crate::discord::reply::Reply;
use crate::domain::ids;
use crate::i18n::{Key, Locale, Message, keys};
use crate::service::diagnose::{BoardState, GuildState, LATE, NoticeState};

/// What was looked at.
#[derive(Debug)]
pub struct Diagnosis {
    /// What is the same for all servers.
    pub common: Vec<Finding>,
    /// What is set and waits here; none while the database is away.
    pub guild: Option<GuildState>,
    /// What the bot may do here; none where Discord does not say.
    pub reach: Option<Reach>,
    /// Whether Discord refuses to tell where people are signed in.
    pub presence_refused: bool,
}

/// What was found, the worst first.
#[must_use]
pub fn report(diagnosis: &Diagnosis, locale: Locale) -> Reply {
    let mut findings = common(&diagnosis.common);
    findings.extend(guild(diagnosis, locale));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let lines: Vec<String> = findings.iter().map(|it| line(it, locale)).collect();
    let title = locale.text(&keys::DIAGNOSE_TITLE.into());
    Reply::card(card(&title, &lines, None, locale))
}

fn line(finding: &Finding, locale: Locale) -> String {
    let mark = match finding.level {
        Level::Ok => "✅",
        Level::Warning => "⚠️",
        Level::Failed => "❌",
    };
    let message = locale.text(&finding.message);
    match &finding.remedy {
        Some(remedy) => format!("{mark} {message}\n\u{2003}↳ {}", locale.text(remedy)),
        None => format!("{mark} {message}"),
    }
}

/// One line for each family.
fn common(findings: &[Finding]) -> Vec<Finding> {
    let mut families: Vec<&str> = findings.iter().map(Finding::family).collect();
    families.dedup();
    let of_family = |family: &str| {
        let of = findings.iter().filter(|it| it.family() == family);
        let level = diagnose::worst(&of.cloned().collect::<Vec<_>>());
        let message = |key| Message::new(key).with("family", diagnose::title(family));
        let (id, remedy) = (format!("{family}.all"), keys::DIAGNOSE_SHORT_REMEDY);
        match level {
            Level::Ok => Finding::ok(id, message(keys::DIAGNOSE_SHORT_OK)),
            Level::Warning => Finding::warning(id, message(keys::DIAGNOSE_SHORT_WARNING), remedy),
            Level::Failed => Finding::failed(id, message(keys::DIAGNOSE_SHORT_FAILED), remedy),
        }
    };
    families.into_iter().map(of_family).collect()
}

/// What is wrong in the server itself: one function for each thing that may not happen.
fn guild(diagnosis: &Diagnosis, locale: Locale) -> Vec<Finding> {
    let reach = diagnosis.reach.as_ref();
    let mut findings = match &diagnosis.guild {
        Some(state) => [
            boards(&state.boards, reach, locale),
            vec![log(state, reach, locale)],
            notices(&state.notices),
        ]
        .concat(),
        None => vec![Finding::failed(
            "guild.settings",
            keys::DIAGNOSE_GUILD_UNREAD,
            keys::DIAGNOSE_UNTOLD_REMEDY,
        )],
    };
    findings.extend(presence(diagnosis.presence_refused));
    findings.extend(match reach {
        Some(reach) => hidden(&reach.hidden),
        None => Some(Finding::warning(
            "guild.reach",
            keys::DIAGNOSE_UNTOLD,
            keys::DIAGNOSE_UNTOLD_REMEDY,
        )),
    });
    findings
}

/// Why a board does not show its table.
fn boards(boards: &[BoardState], reach: Option<&Reach>, locale: Locale) -> Vec<Finding> {
    let ill = boards.iter().filter_map(|it| board(it, reach, locale));
    let mut findings: Vec<Finding> = ill.collect();
    let well = boards.len() - findings.len();
    if well > 0 {
        let message = Message::new(keys::DIAGNOSE_BOARDS).with("count", well);
        findings.push(Finding::ok("guild.boards", message));
    }
    findings
}

/// What is wrong with a board, or still to be done; none where nothing is.
fn board(board: &BoardState, reach: Option<&Reach>, locale: Locale) -> Option<Finding> {
    let id = "guild.board";
    let channel = mention(board.channel);
    let message = |key| {
        Message::new(key)
            .with("table", shown(&board.table))
            .with("channel", channel.as_str())
    };
    match reach.map(|reach| lacking(reach, board.channel, BOARD_NEEDS)) {
        Some(None) => {
            let message = message(keys::DIAGNOSE_BOARD_CHANNEL);
            return Some(Finding::failed(
                id,
                message,
                keys::DIAGNOSE_BOARD_CHANNEL_REMEDY,
            ));
        }
        Some(Some(lacking)) if !lacking.is_empty() => {
            let message = message(keys::DIAGNOSE_BOARD_RIGHTS);
            let message = message.with("names", names(lacking, locale));
            return Some(Finding::failed(id, message, keys::DIAGNOSE_CHANNEL_REMEDY));
        }
        _ => {}
    }
    if let Some(problem) = &board.problem {
        let message = message(keys::DIAGNOSE_BOARD_PROBLEM).with("problem", shown(problem));
        return Some(Finding::failed(
            id,
            message,
            keys::DIAGNOSE_BOARD_PROBLEM_REMEDY,
        ));
    }
    if let Some(absent) = board.absent {
        let message = message(keys::DIAGNOSE_BOARD_ABSENT);
        return Some(if absent < LATE {
            Finding::ok(id, message)
        } else {
            Finding::warning(id, message, keys::DIAGNOSE_LATE_REMEDY)
        });
    }
    let behind = board.behind.filter(|behind| *behind >= LATE)?;
    let message = message(keys::DIAGNOSE_BOARD_BEHIND).with("count", behind.as_secs() / 60);
    Some(Finding::warning(id, message, keys::DIAGNOSE_LATE_REMEDY))
}

/// Why edits are not posted in the log channel.
fn log(state: &GuildState, reach: Option<&Reach>, locale: Locale) -> Finding {
    let id = "guild.log";
    let Some(log) = state.settings.log_channel else {
        return Finding::ok(id, keys::DIAGNOSE_LOG_NONE);
    };
    let message = |key| Message::new(key).with("channel", mention(log));
    match reach.map(|reach| lacking(reach, log, LOG_NEEDS)) {
        Some(None) => {
            let (gone, remedy) = (
                keys::DIAGNOSE_LOG_CHANNEL,
                keys::DIAGNOSE_LOG_CHANNEL_REMEDY,
            );
            return Finding::failed(id, gone, remedy);
        }
        Some(Some(lacking)) if !lacking.is_empty() => return log_closed(log, lacking, locale),
        _ => {}
    }
    match &state.log_problem {
        Some(problem) => {
            let message = message(keys::DIAGNOSE_LOG_PROBLEM).with("problem", shown(problem));
            Finding::failed(id, message, keys::DIAGNOSE_LOG_CHANNEL_REMEDY)
        }
        None => Finding::ok(id, message(keys::DIAGNOSE_LOG)),
    }
}

/// What the bot lacks in a channel that is to be the log, if it lacks anything, and what to do.
#[must_use]
pub fn log_lacks(reach: &Reach, channel: ids::ChannelId, locale: Locale) -> Option<String> {
    let lacking = lacking(reach, channel, LOG_NEEDS).filter(|lacking| !lacking.is_empty())?;
    Some(line(&log_closed(channel, lacking, locale), locale))
}

/// The bot may not post in the log channel.
fn log_closed(channel: ids::ChannelId, lacking: Permissions, locale: Locale) -> Finding {
    let message = Message::new(keys::DIAGNOSE_LOG_RIGHTS)
        .with("channel", mention(channel))
        .with("names", names(lacking, locale));
    Finding::failed("guild.log", message, keys::DIAGNOSE_CHANNEL_REMEDY)
}

/// Why somebody was not told something.
fn notices(notices: &NoticeState) -> Vec<Finding> {
    let id = "guild.notices";
    let message = |key, count: i64| Message::new(key).with("count", count);
    let mut findings = Vec::new();
    if notices.waiting > 0 && notices.oldest >= LATE {
        let late = message(keys::DIAGNOSE_NOTICES_LATE, notices.waiting);
        findings.push(Finding::warning(id, late, keys::DIAGNOSE_LATE_REMEDY));
    }
    if notices.parked > 0 {
        let parked = message(keys::DIAGNOSE_NOTICES_PARKED, notices.parked);
        findings.push(Finding::ok(id, parked));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(id, keys::DIAGNOSE_NOTICES));
    }
    findings
}

/// Why devices are not recognised by where people are signed in.
fn presence(is_refused: bool) -> Option<Finding> {
    is_refused.then(|| {
        Finding::warning(
            "guild.presence",
            keys::DIAGNOSE_PRESENCE_REFUSED,
            keys::DIAGNOSE_GUILD_PRESENCE_REMEDY,
        )
    })
}

/// Why somebody does not see a command. Meant so, mostly.
fn hidden(commands: &[String]) -> Option<Finding> {
    let names: Vec<String> = commands.iter().map(|name| format!("/{name}")).collect();
    let message = Message::new(keys::DIAGNOSE_HIDDEN).with("names", listed(&names));
    (!names.is_empty()).then(|| Finding::ok("guild.commands", message))
}

/// What the bot needs in a channel and may not do; none where there is no such channel.
fn lacking(reach: &Reach, channel: ids::ChannelId, needs: Permissions) -> Option<Permissions> {
    let allowed = reach.allowed(ChannelId::new(channel.get().max(1)))?;
    Some(needs - allowed)
}

fn mention(channel: ids::ChannelId) -> String {
    format!("<#{channel}>")
}

/// Permissions as Discord's settings call them.
fn names(permissions: Permissions, locale: Locale) -> String {
    const NAMED: [(Permissions, Key); 4] = [
        (Permissions::VIEW_CHANNEL, keys::PERMISSION_VIEW_CHANNEL),
        (Permissions::SEND_MESSAGES, keys::PERMISSION_SEND_MESSAGES),
        (Permissions::EMBED_LINKS, keys::PERMISSION_EMBED_LINKS),
        (
            Permissions::READ_MESSAGE_HISTORY,
            keys::PERMISSION_READ_HISTORY,
        ),
    ];
    let lacking = NAMED.iter().filter(|(it, _)| permissions.contains(*it));
    let names: Vec<String> = lacking
        .map(|(_, key)| locale.text(&(*key).into()))
        .collect();
    names.join(", ")
}
