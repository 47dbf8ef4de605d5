//! `punctaj verify`: the histories of all guilds, checked without the bot.

use std::io::{self, Write};

use tokio::sync::watch;
use tracing::Instrument as _;
use tracing_indicatif::span_ext::IndicatifSpanExt as _;

use super::CliError;
use crate::app::{AppError, Backend};
use crate::config::Config;
use crate::domain::ids::GuildId;
use crate::service::verify::{Problem, Progress, Thing, VerifyReport};
use crate::service::{ServiceError, Services};

/// Verifies one guild, or all; a line each. On a terminal, a bar shows how far it is.
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
        reports.push((guild, report(services, guild).await?));
    }
    Ok(reports)
}

/// Verifies one guild, under a bar on a terminal.
async fn report(services: &Services, guild: GuildId) -> Result<VerifyReport, ServiceError> {
    let span = tracing::info_span!("verify", guild.id = %guild);
    span.pb_set_style(&crate::logging::verifying());
    let (progress, mut told) = watch::channel(Progress::default());
    let bar = span.clone();
    let showing = async move {
        while told.changed().await.is_ok() {
            let Progress { events, of } = *told.borrow_and_update();
            bar.pb_set_length(of.unsigned_abs());
            bar.pb_set_position(events.unsigned_abs());
        }
    };
    let verifying = async {
        let report = services.verify_guild_telling(guild, &progress).await;
        drop(progress);
        report
    };
    let shown = async { tokio::join!(verifying, showing).0 };
    shown.instrument(span).await
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
        Problem::BeforeFirst(seq) => format!("there is an event {seq}, below the first"),
        Problem::Missing(seq) => format!("event {seq} is missing"),
        Problem::Unreadable(seq) => format!(
            "event {seq} can't be read: somebody changed it, or a newer version of the bot wrote it"
        ),
        Problem::BrokenChain(seq) => format!("event {seq} does not follow on the hash before it"),
        Problem::WrongHash(seq) => format!("event {seq} is not what its hash was computed from"),
        Problem::WrongBefore { seq, name, field } => {
            format!("event {seq} changes {field} of {name:?}, which was not as it says")
        }
        Problem::WrongLedger { seq, entry } => {
            let entry = named(entry);
            format!("the ledger does not hold what event {seq} says of {entry}")
        }
        Problem::WrongSum { entry } => {
            let entry = named(entry);
            format!("the points of {entry} are not the sum of what the ledger holds")
        }
        Problem::WrongPeriod { seq, thing } => {
            let thing = named(thing);
            format!("what was kept of the period that event {seq} closed is not what {thing} was")
        }
        Problem::WrongHead { head } => {
            format!("the head says {head}, which is not the newest event")
        }
        Problem::WrongState { what, thing, field } => {
            let thing = named(thing);
            format!("{field} of {what} {thing} is not what the events tell")
        }
    }
}

fn named(thing: &Thing) -> String {
    match &thing.table {
        Some(table) => format!("{:?} in {table:?}", thing.name),
        None => format!("{:?}", thing.name),
    }
}
