//! A connection that hears what the triggers say.

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};

use super::StoreError;

/// Which guild an event was written in.
const EVENTS: &str = "punctaj_events";

/// Listens for events.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Listener {
    /// On a connection of its own to the same database: those of the pool are for work.
    ///
    /// # Errors
    /// If the database can't be reached, or lets nobody listen.
    pub async fn connect(pool: &PgPool) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_with(pool.connect_options().as_ref().clone())
            .await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        // What is missed while it connects again must be known to be missed.
        listener.eager_reconnect(false);
        listener.listen(EVENTS).await?;
        Ok(Self(listener))
    }

    /// The next hint.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        match self.0.try_recv().await? {
            Some(_) => {
                // Several at once are one hint.
                while self.0.next_buffered().is_some() {}
                Ok(())
            }
            None => Err(StoreError::Silent),
        }
    }

    /// Makes sure that the connection stands.
    ///
    /// # Errors
    /// It does not.
    pub async fn probe(&mut self) -> Result<(), StoreError> {
        sqlx::query!("select 1 as one")
            .fetch_one(&mut self.0)
            .await?;
        Ok(())
    }
}
