//! Logs go to standard error: standard output belongs to the commands' results.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;

/// What is logged when nothing else is asked for. The libraries' own news is too much.
pub const DEFAULT_FILTER: &str = "info,serenity=warn,poise=warn,sqlx=warn,tracing=warn";

/// Why nothing will be logged.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter can't be read.
    #[error("the log filter can't be read")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody else was first.
    #[error("logging is already set up")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sets up logging for the whole process.
///
/// # Errors
/// When the filter is invalid, or it is done a second time.
pub fn init(format: LogFormat, filter: Option<&str>) -> Result<(), LoggingError> {
    let filter = EnvFilter::builder().parse(filter.unwrap_or(DEFAULT_FILTER))?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init()?,
        // On a terminal the library heeds NO_COLOR.
        LogFormat::Text if std::io::stderr().is_terminal() => registry.with(lines).try_init()?,
        LogFormat::Text => registry.with(lines.with_ansi(false)).try_init()?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_up_once() {
        let error = init(LogFormat::Text, Some("punctaj=loud")).unwrap_err();
        assert!(matches!(error, LoggingError::Filter(_)), "{error}");
        // Another test of this process may have been first.
        let _ = init(LogFormat::Json, None);
        let error = init(LogFormat::Text, None).unwrap_err();
        assert!(matches!(error, LoggingError::Twice(_)), "{error}");
    }
}
