//! What the bot needs to be of use.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::discord::gateway::{Gateway, Shard};
use crate::discord::queue::Queue;
use crate::service::{Backlog, Services, StoreError};

/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the bot's parts how they are.
#[derive(Debug, Clone)]
pub struct Health {
    gateway: Gateway,
    pub(super) services: Services,
    queue: Queue,
    /// One question at a time: whoever asks often must not take the bot's connections.
    turn: Arc<Mutex<()>>,
}

impl Health {
    /// Of a bot with this gateway, this database, and what waits for it.
    #[must_use]
    pub fn new(gateway: Gateway, services: Services, queue: Queue) -> Self {
        Self {
            gateway,
            services,
            queue,
            turn: Arc::default(),
        }
    }

    /// What is missing to serve people; nothing if the bot is ready.
    pub async fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if !self.gateway.is_connected().await {
            missing.push("Discord's gateway is not connected");
        }
        if !self.database_answers().await {
            missing.push("the database does not answer");
        }
        missing
    }

    async fn database_answers(&self) -> bool {
        self.in_turn(self.services.ping()).await.is_some()
    }

    /// The connections to the gateway; nothing if that can't be said in time.
    pub(super) async fn shards(&self) -> Option<Vec<Shard>> {
        timeout(PATIENCE, self.gateway.shards()).await.ok()
    }

    /// How many edits wait for the database.
    pub(super) fn journal_depth(&self) -> usize {
        self.queue.depth()
    }

    /// What is left to do; nothing if the database does not answer in time.
    pub(super) async fn backlog(&self) -> Option<Backlog> {
        self.in_turn(self.services.backlog()).await
    }

    /// The database's answer to a question.
    async fn in_turn<T>(&self, question: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        let asked = timeout(PATIENCE, async {
            let _turn = self.turn.lock().await;
            question.await
        });
        let no_answer = |error: &StoreError| {
            tracing::debug!(%error, "the database does not answer");
        };
        asked.await.ok()?.inspect_err(no_answer).ok()
    }
}
