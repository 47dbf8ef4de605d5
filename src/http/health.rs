//! What the bot needs to be of use.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::discord::gateway::Gateway;
use crate::service::Services;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the bot's parts how they are.
#[derive(Debug, Clone)]
pub struct Health {
    gateway: Gateway,
    services: Services,
    /// One question at a time: whoever asks often must not take the bot's connections.
    turn: Arc<Mutex<()>>,
}

impl Health {
    /// Of a bot with this gateway and this database.
    #[must_use]
    pub fn new(gateway: Gateway, services: Services) -> Self {
        Self {
            gateway,
            services,
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
        let asked = timeout(PATIENCE, async {
            let _turn = self.turn.lock().await;
            self.services.ping().await
        });
        match asked.await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the database does not answer");
                false
            }
            Err(_) => false,
        }
    }
}
