//! What is wrong, for the people who set a server up. They do not run the bot: of what is the same for
//! all servers they are told whether it works, and nothing else.

use serenity::model::Permissions;
use serenity::model::id::ChannelId;

use super::errors::unfit_role;
use super::words::moment;
use super::{card, listed, shown};
use crate::diagnose::{self, Finding, Level};
use crate::discord::diagnose::{BOARD_NEEDS, LOG_NEEDS, Reach};
use crate::discord::reply::Reply;
use crate::domain::ids;
use crate::domain::rank_role::{GuildRoles, UnfitRole};
use crate::i18n::{Key, Locale, Message, keys};
use crate::service::diagnose::{
    BoardState, GuildState, LATE, NoticeState, RoleState, ScheduleState,
};

/// What was looked at.
#[derive(Debug)]
pub struct Diagnosis {
    /// What is the same for all servers.
    pub common: Vec<Finding>,
    /// What is set and waits here; none while the database is away.
    pub guild: Option<GuildState>,
    /// What the bot may do here; none where Discord does not say.
    pub reach: Option<Reach>,
    /// The commands that are kept from everybody who is not named.
    pub hidden: Vec<&'static str>,
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
            schedules(state, reach, locale),
            roles(state, reach),
            vec![log(state, reach, locale)],
            notices(&state.notices),
            unseen(state.unseen),
        ]
        .concat(),
        None => vec![Finding::failed(
            "guild.settings",
            keys::DIAGNOSE_GUILD_UNREAD,
            keys::DIAGNOSE_UNTOLD_REMEDY,
        )],
    };
    findings.extend(presence(diagnosis.presence_refused));
    findings.extend(hidden(&diagnosis.hidden));
    if reach.is_none() {
        let (untold, remedy) = (keys::DIAGNOSE_UNTOLD, keys::DIAGNOSE_UNTOLD_REMEDY);
        findings.push(Finding::warning("guild.reach", untold, remedy));
    }
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

/// What is wrong with a board; none where nothing is.
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
    let behind = board.behind.filter(|behind| *behind >= LATE)?;
    let message = message(keys::DIAGNOSE_BOARD_BEHIND).with("count", behind.as_secs() / 60);
    Some(Finding::warning(id, message, keys::DIAGNOSE_LATE_REMEDY))
}

/// Why a schedule did not close its table, or nobody was told.
fn schedules(state: &GuildState, reach: Option<&Reach>, locale: Locale) -> Vec<Finding> {
    let log = state.settings.log_channel;
    let schedules = state.schedules.iter();
    let mut findings: Vec<Finding> = schedules
        .flat_map(|it| [not_run(it), untold(it, log, reach, locale)])
        .flatten()
        .collect();
    let next = state.schedules.iter().filter_map(|it| it.next).min();
    if let Some(next) = next {
        let running = state.schedules.iter().filter(|it| it.next.is_some());
        let message = Message::new(keys::DIAGNOSE_SCHEDULES)
            .with("count", running.count())
            .with("at", moment(next));
        findings.push(Finding::ok("guild.schedules", message));
    }
    findings
}

/// Why a schedule did not run, or not when it should have.
fn not_run(schedule: &ScheduleState) -> Option<Finding> {
    let id = "guild.schedule";
    let message = |key| Message::new(key).with("table", shown(&schedule.table));
    if schedule.paused {
        return Some(Finding::ok(id, message(keys::DIAGNOSE_SCHEDULE_PAUSED)));
    }
    if let Some(since) = schedule.overdue {
        let message = message(keys::DIAGNOSE_SCHEDULE_OVERDUE).with("at", moment(since));
        let remedy = keys::DIAGNOSE_SCHEDULE_OVERDUE_REMEDY;
        return Some(Finding::failed(id, message, remedy));
    }
    let late = schedule.late?;
    let message = message(keys::DIAGNOSE_SCHEDULE_LATE).with("at", moment(late));
    Some(Finding::ok(id, message))
}

/// Why nobody is told what a schedule did.
fn untold(
    schedule: &ScheduleState,
    log: Option<ids::ChannelId>,
    reach: Option<&Reach>,
    locale: Locale,
) -> Option<Finding> {
    let id = "guild.schedule-channel";
    let message = |key| Message::new(key).with("table", shown(&schedule.table));
    let Some(channel) = schedule.channel else {
        // That the log channel can't be used is said once, for all.
        let message = message(keys::DIAGNOSE_SCHEDULE_UNTOLD);
        return log.is_none().then(|| Finding::ok(id, message));
    };
    match lacking(reach?, channel, LOG_NEEDS) {
        None => Some(Finding::warning(
            id,
            message(keys::DIAGNOSE_SCHEDULE_CHANNEL),
            keys::DIAGNOSE_SCHEDULE_CHANNEL_REMEDY,
        )),
        Some(lacking) if !lacking.is_empty() => {
            let message = message(keys::DIAGNOSE_SCHEDULE_RIGHTS)
                .with("channel", mention(channel))
                .with("names", names(lacking, locale));
            Some(Finding::warning(id, message, keys::DIAGNOSE_CHANNEL_REMEDY))
        }
        Some(_) => None,
    }
}

/// Why somebody does not have the role of their rank, or still has one.
fn roles(state: &GuildState, reach: Option<&Reach>) -> Vec<Finding> {
    let ill = state.roles.iter().filter_map(|it| role(it, reach));
    let mut findings: Vec<Finding> = ill.collect();
    let well = state.roles.len() - findings.len();
    if well > 0 {
        let message = Message::new(keys::DIAGNOSE_ROLES).with("count", well);
        findings.push(Finding::ok("guild.roles", message));
    }
    let waiting = &state.roles_waiting;
    let message = |key, count: i64| Message::new(key).with("count", count);
    if waiting.late > 0 {
        let late = message(keys::DIAGNOSE_ROLES_LATE, waiting.late);
        let remedy = keys::DIAGNOSE_ROLES_LATE_REMEDY;
        findings.push(Finding::warning("guild.roles-late", late, remedy));
    }
    if waiting.given_up > 0 {
        let given_up = message(keys::DIAGNOSE_ROLES_GIVEN_UP, waiting.given_up);
        let remedy = keys::DIAGNOSE_ROLES_GIVEN_UP_REMEDY;
        findings.push(Finding::failed("guild.roles-given-up", given_up, remedy));
    }
    if waiting.unlinked > 0 {
        let unlinked = message(keys::DIAGNOSE_ROLES_UNLINKED, waiting.unlinked);
        findings.push(Finding::ok("guild.roles-unlinked", unlinked));
    }
    findings
}

/// Why a role is not handed out or taken back; none where nothing keeps it from that. What Discord
/// says now is newer than what it said when it was tried.
fn role(state: &RoleState, reach: Option<&Reach>) -> Option<Finding> {
    let is_rank = !state.ranks.is_empty();
    let now = reach.and_then(|reach| {
        let can = if is_rank {
            GuildRoles::fit
        } else {
            GuildRoles::within_reach
        };
        can(&reach.grantable, state.role).err()
    });
    let before = state.problem.as_ref().filter(|why| {
        let is_known_anew = !matches!(why, UnfitRole::GivesRights | UnfitRole::Refused(_));
        !(reach.is_some() && is_known_anew)
    });
    let why = now.or_else(|| before.cloned())?;
    let ranks = state.ranks.iter();
    let ranks: Vec<String> = ranks
        .map(|(table, rank)| format!("{table}: {rank}"))
        .collect();
    let key = if is_rank {
        keys::DIAGNOSE_RANK_ROLE
    } else {
        keys::DIAGNOSE_ROLE_LEFT
    };
    let message = Message::new(key)
        .with("role", format!("<@&{}>", state.role))
        .with("names", listed(&ranks));
    let remedy = unfit_role(state.role, &why);
    Some(Finding::failed("guild.role", message, remedy))
}

/// Why something is not told here.
fn unseen(tables: usize) -> Vec<Finding> {
    let message = Message::new(keys::DIAGNOSE_UNSEEN).with("count", tables);
    let finding = (tables > 0).then(|| Finding::ok("guild.unseen", message));
    finding.into_iter().collect()
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
fn hidden(commands: &[&str]) -> Option<Finding> {
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
pub(super) fn names(permissions: Permissions, locale: Locale) -> String {
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
