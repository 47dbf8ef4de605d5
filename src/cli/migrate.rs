//! `punctaj migrate`: the schema, and nothing else.

use crate::app::{AppError, Backend};
use crate::config::Config;

/// Applies what is pending of the schema.
///
/// # Errors
/// When the database can't be reached or a migration fails.
pub async fn run(config: Config) -> Result<(), AppError> {
    let backend = Backend::start(&config).await?;
    let migrated = backend.migrate().await;
    backend.stop().await;
    migrated?;
    tracing::info!("the schema is up to date");
    Ok(())
}
