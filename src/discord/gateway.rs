//! Whether Discord's gateway is connected, for whoever has to tell.

use std::sync::Arc;
use std::time::Duration;

use serenity::all::{ShardId, ShardManager, ShardRunnerInfo};
use serenity::gateway::ConnectionStage;
use tokio::sync::watch;

/// The connections to the gateway, once there are some.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<watch::Sender<Option<Arc<ShardManager>>>>);

/// A connection to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Its number.
    pub number: u32,
    /// Whether it is connected.
    pub connected: bool,
    /// How long Discord took to acknowledge a heartbeat, once it has.
    pub latency: Option<Duration>,
}

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
        let shards = self.shards().await;
        !shards.is_empty() && shards.iter().all(|shard| shard.connected)
    }

    /// The shards that were started.
    pub async fn shards(&self) -> Vec<Shard> {
        let Some(shards) = self.0.borrow().clone() else {
            return Vec::new();
        };
        let runners = shards.runners.lock().await;
        let shard = |(id, runner): (&ShardId, &ShardRunnerInfo)| Shard {
            number: id.0,
            connected: runner.stage == ConnectionStage::Connected,
            latency: runner.latency,
        };
        runners.iter().map(shard).collect()
    }
}
