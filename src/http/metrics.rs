//! `/metrics`: what was counted, and what the bot's parts say when they are asked. What is not known
//! is not told: a number that nobody knows is no zero.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};
use tokio::runtime::Handle;

use super::Health;
use crate::discord::gateway::Shard;
use crate::metrics::PREFIX;
use crate::service::{Backlog, PoolUse};

/// The media type of what is written here.
pub(super) const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShardNumber {
    shard: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

/// All metrics, as of now. A database that does not answer holds it up for no longer than
/// readiness waits for it.
///
/// # Errors
/// Never, as long as there is memory.
pub(super) async fn page(health: &Health) -> Result<String, fmt::Error> {
    let (shards, backlog) = tokio::join!(health.shards(), health.backlog());
    let mut text = String::new();
    health.services.metrics().write(&mut text)?;
    let mut asked = Registry::with_prefix(PREFIX);
    gateway(&mut asked, shards);
    database(&mut asked, health.services.pool_use(), backlog);
    count(
        &mut asked,
        "journal_depth",
        "Edits that were accepted while the database was away, and wait for it or to be told",
        health.journal_depth(),
    );
    let tasks = Handle::current().metrics().num_alive_tasks();
    count(
        &mut asked,
        "tasks_alive",
        "Tasks of the runtime that have not ended",
        tasks,
    );
    encode_registry(&mut text, &asked)?;
    encode_registry(&mut text, &process())?;
    encode_eof(&mut text)?;
    Ok(text)
}

fn count(registry: &mut Registry, name: &str, help: &str, value: impl TryInto<i64>) {
    let value = value.try_into().unwrap_or(i64::MAX);
    registry.register(name, help, ConstGauge::new(value));
}

fn gateway(registry: &mut Registry, shards: Option<Vec<Shard>>) {
    let Some(shards) = shards else { return };
    let ready = shards.iter().filter(|shard| shard.connected).count();
    let latency = Family::<ShardNumber, Gauge<f64, AtomicU64>>::default();
    for Shard {
        number,
        latency: known,
        ..
    } in &shards
    {
        if let Some(known) = known {
            let shard = ShardNumber { shard: *number };
            latency.get_or_create(&shard).set(known.as_secs_f64());
        }
    }
    count(
        registry,
        "gateway_shards",
        "Shards that were started",
        shards.len(),
    );
    count(
        registry,
        "gateway_shards_ready",
        "Shards that are connected",
        ready,
    );
    registry.register_with_unit(
        "gateway_latency",
        "Between the newest heartbeat that Discord acknowledged and its word on it",
        Unit::Seconds,
        latency,
    );
}

fn database(registry: &mut Registry, pool: PoolUse, backlog: Option<Backlog>) {
    count(
        registry,
        "database_up",
        "Whether the database answered this scrape, under the bot's role and with its schema",
        i64::from(backlog.is_some()),
    );
    let connections = Family::<State, Gauge>::default();
    for (state, number) in [("idle", pool.idle), ("used", pool.used)] {
        connections
            .get_or_create(&State { state })
            .set(number.into());
    }
    registry.register(
        "database_connections",
        "Connections of the pool; the one that listens is not among them",
        connections,
    );
    count(
        registry,
        "database_connections_max",
        "The most connections that the pool holds",
        pool.most,
    );
    let Some(backlog) = backlog else { return };
    count(
        registry,
        "outbox_pending",
        "Messages to log channels and people that are not posted; of all processes",
        backlog.outbox,
    );
    count(
        registry,
        "boards_pending",
        "Boards that do not show their guild's newest event yet, save those that Discord refuses; of all \
         processes",
        backlog.boards,
    );
    registry.register_with_unit(
        "feed_lag",
        "Age of the oldest change that a board does not show or the outbox has not told yet; 0 if there is \
         none",
        Unit::Seconds,
        ConstGauge::new(backlog.lag.as_secs_f64()),
    );
}

/// The process, as programs in all languages name it.
#[cfg(target_os = "linux")]
fn process() -> Registry {
    let mut registry = Registry::default();
    let Ok(process) = procfs::process::Process::myself() else {
        return registry;
    };
    if let Some(kilobytes) = process.status().ok().and_then(|status| status.vmrss) {
        registry.register_with_unit(
            "process_resident_memory",
            "Resident memory of the process",
            Unit::Bytes,
            ConstGauge::new(i64::try_from(kilobytes.saturating_mul(1024)).unwrap_or(i64::MAX)),
        );
    }
    if let Ok(open) = process.fd_count() {
        count(
            &mut registry,
            "process_open_fds",
            "Open file descriptors of the process",
            open,
        );
    }
    registry
}

/// Elsewhere the process says nothing of itself.
#[cfg(not(target_os = "linux"))]
fn process() -> Registry {
    Registry::default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn told(shards: Option<Vec<Shard>>) -> String {
        let (mut registry, mut text) = (Registry::with_prefix(PREFIX), String::new());
        gateway(&mut registry, shards);
        encode_registry(&mut text, &registry).unwrap();
        text
    }

    fn shard(number: u32, latency: Option<u64>) -> Shard {
        Shard {
            number,
            connected: latency.is_some(),
            latency: latency.map(Duration::from_millis),
        }
    }

    #[test]
    fn a_latency_that_is_not_known_is_not_told() {
        let text = told(Some(vec![shard(0, Some(42)), shard(1, None)]));
        for line in [
            "punctaj_gateway_latency_seconds{shard=\"0\"} 0.042\n",
            "punctaj_gateway_shards 2\n",
            "punctaj_gateway_shards_ready 1\n",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
        assert!(!text.contains("shard=\"1\""), "{text}");
        assert!(!told(Some(Vec::new())).contains("latency"));
        assert!(told(Some(Vec::new())).contains("punctaj_gateway_shards_ready 0\n"));
        assert_eq!(told(None), "");
    }
}
