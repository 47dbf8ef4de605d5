//! The private Postgres of the playground, which can let nobody in for a while.

use std::error::Error;
use std::path::Path;

use punctaj::embedded::{EmbeddedOptions, EmbeddedPostgres};
use sqlx::{Connection as _, Executor as _, PgConnection};

pub struct Database {
    server: EmbeddedPostgres,
}

impl Database {
    pub async fn start(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let server = EmbeddedPostgres::start(EmbeddedOptions::new(folder)).await?;
        Ok(Self { server })
    }

    pub fn url(&self) -> String {
        self.server.url("punctaj").expose().to_owned()
    }

    /// Whoever works on it is thrown out, and nobody is let in.
    pub async fn goes_away(&self) {
        let told = self
            .tell("alter database punctaj allow_connections false")
            .await;
        told.unwrap_or_else(|error| unreachable!("{error}"));
        let told = self
            .tell(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'punctaj'",
            )
            .await;
        told.unwrap_or_else(|error| unreachable!("{error}"));
    }

    pub async fn comes_back(&self) {
        let told = self
            .tell("alter database punctaj allow_connections true")
            .await;
        told.unwrap_or_else(|error| unreachable!("{error}"));
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }

    async fn tell(&self, statement: &'static str) -> Result<(), sqlx::Error> {
        let mut conn = PgConnection::connect(self.server.url("postgres").expose()).await?;
        conn.execute(statement).await?;
        conn.close().await
    }
}
