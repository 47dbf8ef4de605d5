//! `punctaj run`: the bot, until a signal.

use crate::app::{self, AppError};
use crate::config::Config;

/// Runs until SIGTERM or Ctrl-C.
///
/// # Errors
/// Whatever ends the bot otherwise.
pub async fn run(config: Config) -> Result<(), AppError> {
    app::run(config, app::signal()?).await
}
