//! Whether Discord's gateway is connected, for whoever has to tell.

use std::sync::Arc;

use serenity::all::ShardManager;
use serenity::gateway::ConnectionStage;
use tokio::sync::watch;

/// The connections to the gateway, once there are some.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<watch::Sender<Option<Arc<ShardManager>>>>);

impl Default for Gateway {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Gateway {
    /// These are the bot's connections from now on.
    pub(super) fn watch(&self, shards: &Arc<ShardManager>) {
        self.0.send_replace(Some(Arc::clone(shards)));
    }

    /// Whether all shards that were started are connected, and at least one was.
    pub async fn is_connected(&self) -> bool {
        let Some(shards) = self.0.borrow().clone() else {
            return false;
        };
        let runners = shards.runners.lock().await;
        let is_connected = |stage| stage == ConnectionStage::Connected;
        !runners.is_empty() && runners.values().all(|runner| is_connected(runner.stage))
    }
}
