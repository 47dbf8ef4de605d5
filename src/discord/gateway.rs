//! Whether Discord's gateway is connected, for whoever has to tell.

use std::sync::{Arc, OnceLock};

use serenity::all::ShardManager;
use serenity::gateway::ConnectionStage;

/// The connections to the gateway, once there are some.
#[derive(Debug, Clone, Default)]
pub struct Gateway(Arc<OnceLock<Arc<ShardManager>>>);

impl Gateway {
    /// These are the bot's connections, for as long as it runs.
    pub(super) fn watch(&self, shards: &Arc<ShardManager>) {
        // A bot is run once; were it run again, the first one's would still be told about.
        let _ = self.0.set(Arc::clone(shards));
    }

    /// Whether all shards that were started are connected, and at least one was.
    pub async fn is_connected(&self) -> bool {
        let Some(shards) = self.0.get() else {
            return false;
        };
        let runners = shards.runners.lock().await;
        let is_connected = |stage| stage == ConnectionStage::Connected;
        !runners.is_empty() && runners.values().all(|runner| is_connected(runner.stage))
    }
}
