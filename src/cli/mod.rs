//! The command line: one file per command.

pub mod config;
pub mod diagnose;
pub mod migrate;
pub mod run;
pub mod verify;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::app::AppError;
use crate::config::{Config, ConfigErrors, Environment, Loaded};
use crate::logging::{self, LoggingError};

/// Score tables for Discord communities.
#[derive(Debug, Parser)]
#[command(name = "punctaj", version, about)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    /// A configuration file, or a folder with some, to use instead of what would be found
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bot; applies pending migrations first (the default)
    Run,
    /// Apply the database schema, and nothing else
    Migrate,
    /// Show the effective configuration and where each value came from
    Config,
    /// Look at everything the bot needs, and say what is wrong and what to do about it
    Diagnose {
        /// Print one JSON object, for programs
        #[arg(long)]
        json: bool,
    },
    /// Recompute the hash chains, replay all events and compare with the tables
    Verify {
        /// Only this Discord server, by its id; all of them without
        #[arg(long)]
        guild: Option<u64>,
    },
}

/// Why a command failed. Its text, with the causes, goes to standard error.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Logging can't be set up.
    #[error(transparent)]
    Logging(#[from] LoggingError),
    /// The program failed.
    #[error(transparent)]
    App(#[from] AppError),
    /// Something can't be printed or read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A history does not agree; it was said which.
    #[error("not all histories agree")]
    Disagrees,
    /// Something does not work; it was said what, and what to do.
    #[error("not everything works: {failed} failed")]
    Unwell {
        /// How many checks failed.
        failed: usize,
    },
}

impl CliError {
    /// The error and its causes, each on a line of its own.
    #[must_use]
    pub fn whole(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let line = error.to_string();
            if !text.contains(&line) {
                text.push_str("\n  because: ");
                text.push_str(&line);
            }
            cause = error.source();
        }
        text
    }
}

/// What is logged where what is wrong is said otherwise.
const QUIET: &str = "off";

/// Does what the command line says.
///
/// # Errors
/// [`CliError`] says what went wrong and what to do.
pub async fn execute(line: CommandLine) -> Result<(), CliError> {
    let environment = Environment::from_process().with_config(line.config);
    let loaded = Config::load(&environment, &std::env::current_dir()?);
    match line.command.unwrap_or(Command::Run) {
        Command::Config => config::print(&loaded, &mut std::io::stdout().lock())?,
        Command::Diagnose { json } => {
            // What the libraries say would be among the lines.
            let quiet = loaded.log().filter.as_deref().unwrap_or(QUIET);
            logging::init(loaded.log().format, Some(quiet))?;
            diagnose::run(&loaded, json, &mut std::io::stdout()).await?;
        }
        Command::Run => Box::pin(run::run(checked(loaded, true)?)).await?,
        Command::Migrate => migrate::run(checked(loaded, false)?).await?,
        Command::Verify { guild } => {
            let config = checked(loaded, false)?;
            verify::run(config, guild, &mut std::io::stdout()).await?;
        }
    }
    Ok(())
}

/// The configuration, with logging set up as it says.
fn checked(loaded: Loaded, for_run: bool) -> Result<Config, CliError> {
    logging::init(loaded.log().format, loaded.log().filter.as_deref())?;
    for warning in loaded.warnings() {
        tracing::warn!("{warning}");
    }
    Ok(loaded.into_config(for_run)?)
}
