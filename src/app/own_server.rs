//! The server that the bot runs by itself where no database is configured. A program built without
//! the feature `embedded` has none.

#[cfg(feature = "embedded")]
mod built {
    use crate::app::AppError;
    use crate::config::{Config, DataDir, DatabaseUrl};
    use crate::embedded::{DATABASE, EmbeddedOptions, EmbeddedPostgres};

    /// A running server.
    pub(in crate::app) struct OwnServer(EmbeddedPostgres);

    impl OwnServer {
        /// Starts it in the data folder.
        pub(in crate::app) async fn start(
            config: &Config,
            data_dir: &DataDir,
        ) -> Result<Self, AppError> {
            tracing::warn!(
                data.dir = %config.data_dir.display(),
                "PUNCTAJ_DATABASE_URL is not set: using an embedded PostgreSQL in the data folder. \
                 Back this folder up, or connect a database of your own"
            );
            let options = EmbeddedOptions::new(data_dir.path()).search(config.search_path.clone());
            Ok(Self(EmbeddedPostgres::start(options).await?))
        }

        /// The address of its database.
        pub(in crate::app) fn url(&self) -> DatabaseUrl {
            self.0.url(DATABASE)
        }

        /// Ends when the server has ended by itself.
        pub(in crate::app) async fn exited(&mut self) {
            self.0.exited().await;
        }

        /// Stops it.
        pub(in crate::app) async fn stop(self) {
            self.0.stop().await;
        }
    }
}

#[cfg(not(feature = "embedded"))]
mod left_out {
    use crate::app::AppError;
    use crate::config::{Config, DataDir, DatabaseUrl};

    /// A server that can't be.
    pub(in crate::app) enum OwnServer {}

    #[expect(clippy::unused_async, reason = "as a server that can be")]
    impl OwnServer {
        /// Never: the configuration is refused before.
        pub(in crate::app) async fn start(_: &Config, _: &DataDir) -> Result<Self, AppError> {
            Err(AppError::NoEmbedded)
        }

        pub(in crate::app) fn url(&self) -> DatabaseUrl {
            match *self {}
        }

        pub(in crate::app) async fn exited(&mut self) {
            match *self {}
        }

        pub(in crate::app) async fn stop(self) {
            match self {}
        }
    }
}

#[cfg(feature = "embedded")]
pub(super) use built::OwnServer;
#[cfg(not(feature = "embedded"))]
pub(super) use left_out::OwnServer;
