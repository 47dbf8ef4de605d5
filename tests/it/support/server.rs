//! A database server of a test's own, which can be stopped.

use std::path::PathBuf;
use std::process::Child;

use punctaj::embedded::{DATABASE, EmbeddedOptions, EmbeddedPostgres, Transport};

use crate::support::db::{reachable_folder, watchdog};

/// A Postgres server.
pub struct OwnServer {
    options: EmbeddedOptions,
    postgres: Option<EmbeddedPostgres>,
    _watchdog: Child,
    folder: tempfile::TempDir,
}

impl OwnServer {
    /// With these settings.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_over(Transport::default(), settings).await
    }

    /// The same, talked to over that.
    pub async fn start_over(transport: Transport, settings: &[(&str, &str)]) -> Self {
        let folder = reachable_folder();
        let mut options = EmbeddedOptions::new(folder.path()).transport(transport);
        for (name, value) in settings {
            options = options.setting(*name, *value);
        }
        let mut server = Self {
            options,
            postgres: None,
            _watchdog: watchdog(folder.path()),
            folder,
        };
        server.start_again().await;
        server
    }

    /// Starts it on the same cluster.
    pub async fn start_again(&mut self) {
        let started = EmbeddedPostgres::start(self.options.clone()).await;
        self.postgres = Some(started.expect("a server"));
    }

    /// Stops it as a crash does: nothing is written, nobody is told.
    pub async fn stop_immediately(&mut self) {
        let postgres = self.postgres.take();
        let stopping = tokio::task::spawn_blocking(move || drop(postgres));
        stopping.await.unwrap();
    }

    /// The folder of its cluster.
    pub fn cluster(&self) -> PathBuf {
        self.folder.path().join("postgres")
    }

    /// The address of its database.
    pub fn url(&self) -> String {
        let postgres = self.postgres.as_ref().expect("it runs");
        postgres.url(DATABASE).expose().to_owned()
    }
}
