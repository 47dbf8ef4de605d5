//! Discord: the token, what the bot may be told, how often it may connect, its commands.

use reqwest::StatusCode;

use super::{Finding, listed};
use crate::config::Shards;
use crate::discord::diagnose::{Account, Connecting, Facts, Unasked};
use crate::discord::registration::Difference;
use crate::i18n::{Message, keys};

/// How many connections must be left beside those of one start.
const RESERVE: u32 = 5;

/// The status of what was asked too often.
const TOO_MANY: u16 = StatusCode::TOO_MANY_REQUESTS.as_u16();

/// What Discord said, held against whether the bot wants to be told where people are signed in, and
/// which shards it runs.
#[must_use]
pub fn findings(facts: &Facts, asks_for_presence: bool, shards: Shards) -> Vec<Finding> {
    match &facts.account {
        Ok(account) => of_account(account, asks_for_presence, shards),
        Err(unasked) => vec![unanswered("discord.token", unasked)],
    }
}

fn of_account(account: &Account, asks_for_presence: bool, shards: Shards) -> Vec<Finding> {
    let name = Message::new(keys::DIAGNOSE_TOKEN).with("name", account.name.as_str());
    let intents = "discord.intents";
    vec![
        Finding::ok("discord.token", name),
        match &account.presence {
            _ if !asks_for_presence => Finding::ok(intents, keys::DIAGNOSE_PRESENCE_OFF),
            Ok(true) => Finding::ok(intents, keys::DIAGNOSE_PRESENCE),
            Ok(false) => Finding::warning(
                intents,
                keys::DIAGNOSE_PRESENCE_REFUSED,
                keys::DIAGNOSE_PRESENCE_REMEDY,
            ),
            Err(unasked) => unanswered(intents, unasked),
        },
        match &account.gateway {
            Ok(gateway) => connecting(*gateway, shards),
            Err(unasked) => unanswered("discord.gateway", unasked),
        },
        match &account.commands {
            Ok(difference) => commands(difference),
            Err(unasked) => unanswered("discord.commands", unasked),
        },
    ]
}

fn unanswered(id: &'static str, unasked: &Unasked) -> Finding {
    match unasked {
        Unasked::Token => Finding::failed(
            id,
            keys::DIAGNOSE_TOKEN_REFUSED,
            keys::DIAGNOSE_NO_TOKEN_REMEDY,
        ),
        Unasked::Unreached(words) => Finding::failed(
            id,
            Message::new(keys::DIAGNOSE_NO_DISCORD).with("words", words.as_str()),
            keys::DIAGNOSE_NO_DISCORD_REMEDY,
        ),
        Unasked::Status(TOO_MANY) => Finding::warning(
            id,
            keys::DIAGNOSE_DISCORD_LIMITED,
            keys::DIAGNOSE_DISCORD_LIMITED_REMEDY,
        ),
        Unasked::Status(status) => Finding::failed(
            id,
            Message::new(keys::DIAGNOSE_DISCORD_STATUS).with("status", status.to_string()),
            keys::DIAGNOSE_DISCORD_STATUS_REMEDY,
        ),
    }
}

fn connecting(gateway: Connecting, shards: Shards) -> Finding {
    let id = "discord.gateway";
    let Connecting {
        shards: recommended,
        remaining,
        total,
    } = gateway;
    let (needed, in_all) = match shards {
        Shards::Auto => (recommended, recommended),
        Shards::Range { first, last, total } => (last - first + 1, total),
    };
    let message = Message::new(keys::DIAGNOSE_GATEWAY)
        .with("remaining", remaining)
        .with("total", total);
    if remaining < needed {
        return Finding::failed(id, message, keys::DIAGNOSE_GATEWAY_REMEDY);
    }
    if remaining < needed.saturating_add(RESERVE) {
        return Finding::warning(id, message, keys::DIAGNOSE_GATEWAY_REMEDY);
    }
    if in_all < recommended {
        let message = Message::new(keys::DIAGNOSE_SHARDS)
            .with("count", in_all)
            .with("recommended", recommended);
        return Finding::warning(id, message, keys::DIAGNOSE_SHARDS_REMEDY);
    }
    Finding::ok(id, message)
}

fn commands(difference: &Difference) -> Finding {
    let id = "discord.commands";
    if difference.is_none() {
        return Finding::ok(id, keys::DIAGNOSE_COMMANDS);
    }
    let Difference {
        missing,
        changed,
        surplus,
    } = difference;
    let names = [missing, changed, surplus].into_iter().flatten();
    let names: Vec<&str> = names.map(String::as_str).collect();
    let message = Message::new(keys::DIAGNOSE_COMMANDS_OTHER).with("names", listed(&names));
    Finding::warning(id, message, keys::DIAGNOSE_COMMANDS_REMEDY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Level;

    #[test]
    fn a_start_needs_connections_and_enough_shards() {
        let range = |last, total| Shards::Range {
            first: 0,
            last,
            total,
        };
        for (recommended, remaining, shards, expected) in [
            (1, 1_000, Shards::Auto, Level::Ok),
            (1, 6, Shards::Auto, Level::Ok),
            (1, 5, Shards::Auto, Level::Warning),
            (1, 0, Shards::Auto, Level::Failed),
            (4, 3, Shards::Auto, Level::Failed),
            (4, 1_000, range(0, 2), Level::Warning),
            (4, 1_000, range(1, 4), Level::Ok),
            (4, 3, range(3, 4), Level::Failed),
        ] {
            let gateway = Connecting {
                shards: recommended,
                remaining,
                total: 1_000,
            };
            let level = connecting(gateway, shards).level;
            assert_eq!(level, expected, "{recommended} {remaining} {shards}");
        }
    }
}
