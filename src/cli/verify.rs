//! `punctaj verify`: the histories of all guilds, checked without the bot.

use std::io::{self, Write};

use super::CliError;
use crate::app::{AppError, Backend};
use crate::config::Config;
use crate::domain::ids::GuildId;
use crate::service::verify::{Problem, VerifyReport};
use crate::service::{ServiceError, Services};

/// Verifies one guild, or all; a line each.
///
/// # Errors
/// [`CliError::Disagrees`] if one does not agree; else what failed.
pub async fn run(config: Config, guild: Option<u64>, out: &mut impl Write) -> Result<(), CliError> {
    let backend = Backend::start(&config).await?;
    let reports = match backend.require_schema().await {
        Ok(()) => reports(&backend.services(&config), guild)
            .await
            .map_err(AppError::Service),
        Err(error) => Err(error),
    };
    backend.stop().await;
    let mut agree = true;
    for (guild, report) in reports? {
        agree &= report.problem.is_none();
        print(guild, &report, out)?;
    }
    if agree {
        Ok(())
    } else {
        Err(CliError::Disagrees)
    }
}

async fn reports(
    services: &Services,
    guild: Option<u64>,
) -> Result<Vec<(GuildId, VerifyReport)>, ServiceError> {
    let guilds = match guild.map(GuildId::try_from) {
        Some(guild) => guild.into_iter().collect(),
        None => services.guilds().await?,
    };
    let mut reports = Vec::new();
    for guild in guilds {
        reports.push((guild, services.verify_guild(guild).await?));
    }
    Ok(reports)
}

fn print(guild: GuildId, report: &VerifyReport, out: &mut impl Write) -> io::Result<()> {
    let VerifyReport {
        events,
        head_seq,
        head_hash,
        problem,
    } = report;
    match problem {
        None => writeln!(
            out,
            "guild {guild}: {events} events agree; head {head_seq} {head_hash}"
        ),
        Some(problem) => writeln!(
            out,
            "guild {guild}: DOES NOT AGREE after {events} events: {}",
            told(problem)
        ),
    }
}

fn told(problem: &Problem) -> String {
    match problem {
        Problem::Missing(seq) => format!("event {seq} is missing"),
        Problem::BrokenChain(seq) => format!("event {seq} does not follow on the hash before it"),
        Problem::WrongHash(seq) => format!("event {seq} is not what its hash was computed from"),
        Problem::WrongBefore { seq, name, field } => {
            format!("event {seq} changes {field} of {name:?}, which was not as it says")
        }
        Problem::WrongHead { head } => {
            format!("the head says {head}, which is not the newest event")
        }
        Problem::WrongState { what, name, field } => {
            format!("{field} of {what} {name:?} is not what the events tell")
        }
    }
}
