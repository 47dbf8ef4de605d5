//! Tables as they were last: kept up to date while the database is there, shown while it is away.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Queue;
use crate::discord::context::Call;
use crate::discord::errors::Failure;
use crate::domain::ids::{GuildId, Seq, TableId};
use crate::service::known::KnownTable;
use crate::service::view::{TablePage, ViewOrder};
use crate::service::{Request, ServiceError, Services};

/// How long changes gather before tables are read again.
const GATHERING: Duration = Duration::from_millis(500);

/// How often it is looked without having heard of a change.
const POLL: Duration = Duration::from_secs(30);

/// How long nothing is tried after the database failed.
const PAUSE: Duration = Duration::from_secs(5);

/// Looks at a table: as it is, or as it was last while the database is away.
///
/// # Errors
/// As [`Services::view`], or nothing is known of it.
pub async fn view(call: &Call, request: &Request, order: &ViewOrder) -> Result<TablePage, Failure> {
    let queue = &call.queue;
    let of_the_past = order.at.is_some() || order.period.is_some();
    if !queue.is_away() || of_the_past {
        match call.services.view(request, order).await {
            Err(error) if error.may_wait() && !error.is_busy() && !of_the_past => {
                tracing::warn!(op.id = %call.id, %error, "a table is shown as it was last");
                if error.is_away() {
                    queue.goes_away();
                }
            }
            done => {
                let page = done?;
                queue.known_bell.notify_one();
                return Ok(page);
            }
        }
    }
    let known = queue.known_tables(request.guild).await;
    let page = call.services.view_known(request, order, known)?;
    queue.looked_at(call, request, page.table.id);
    Ok(page)
}

impl Queue {
    /// What is known of a guild's tables.
    pub async fn known_tables(&self, guild: GuildId) -> Vec<KnownTable> {
        let known = self.known.of_guild(guild).await;
        known.unwrap_or_else(|error| {
            tracing::error!(%error, "the last known tables can't be read");
            Vec::new()
        })
    }
}

/// Keeps the tables that people edit and look at, and those with boards, for ever.
pub async fn run(services: Services, queue: Queue) {
    let mut bell = services.bell();
    let mut kept = BTreeMap::new();
    loop {
        if !queue.is_away()
            && let Err(error) = keep_all(&services, &queue, &mut kept).await
        {
            tracing::debug!(%error, "what tables look like is not kept for now");
            sleep(PAUSE).await;
        }
        let heard = async {
            tokio::select! {
                _ = bell.changed() => {}
                () = queue.known_bell.notified() => {}
            }
        };
        // That the time is up is no failure.
        let _ = timeout(POLL, heard).await;
        sleep(GATHERING).await;
    }
}

/// Reads those tables again whose guild has gone on since.
async fn keep_all(
    services: &Services,
    queue: &Queue,
    kept: &mut BTreeMap<(GuildId, TableId), Seq>,
) -> Result<(), ServiceError> {
    for (guild, table) in services.used_tables() {
        queue.known.ask_for(guild, table);
    }
    let wanted = queue.known.wanted();
    kept.retain(|which, _| wanted.contains(which));
    let guilds: BTreeSet<GuildId> = wanted.iter().map(|(guild, _)| *guild).collect();
    if guilds.is_empty() {
        return Ok(());
    }
    let guilds: Vec<GuildId> = guilds.into_iter().collect();
    for head in services.heads(&guilds).await? {
        for (guild, table) in wanted.iter().filter(|(guild, _)| *guild == head.guild) {
            let which = (*guild, *table);
            if kept.get(&which).is_some_and(|seq| *seq >= head.seq) {
                continue;
            }
            let done = match services.known_table(&head, *table).await {
                Ok(Some(state)) => queue.known.keep(which, &state).await,
                Ok(None) => queue.known.forget(which).await,
                Err(error) if error.is_away() => return Err(error),
                // The others are none the worse for it.
                Err(error) => {
                    tracing::warn!(table.id = %table, %error, "what a table looks like can't be read");
                    queue.known.forget(which).await
                }
            };
            match done {
                Ok(()) => drop(kept.insert(which, head.seq)),
                Err(error) => {
                    tracing::warn!(%error, "what a table looks like can't be kept");
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
