//! Edits while the database is away: each is kept on disk before its author is told that it waits,
//! done in the order in which it came when the database is back, and its author told what became of
//! it. Meanwhile tables are shown as they were last.
//!
//! ```text
//! command ──> done_or_kept ──> the service, as always
//!                   │ away, or others of the guild wait
//!                   └────────> journal::Edits ──> worker ──> the service ──> told
//! ```

pub mod known;
mod told;
pub mod worker;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serenity::model::id::{ApplicationId, InteractionId};
use tokio::sync::Notify;
use tokio::time::timeout_at;

use super::commands::Edit;
use super::context::{Call, Former};
use super::errors::Failure;
use super::reply::Reply;
use super::views;
use crate::domain::ids::GuildId;
use crate::domain::session::Platform;
use crate::i18n::Locale;
use crate::journal::{EditId, Edits, JournalError, LastKnown, Origin};
use crate::metrics::Outcome;
use crate::service::{Request, ServiceError};

/// How long an edit may take before it is kept instead: longer than a slow database, and short enough
/// for somebody who looks at "thinking …".
const PATIENCE: Duration = Duration::from_secs(10);

/// What waits for the database, and what is known without it.
#[derive(Debug, Clone)]
pub struct Queue {
    edits: Edits,
    known: LastKnown,
    /// Rung when another table is to be known.
    known_bell: Arc<Notify>,
    /// The database could not be reached the last time, so nobody else waits for that again.
    away: Arc<AtomicBool>,
    /// Answers that say that an edit waits, by what became of them.
    answers: Arc<Mutex<HashMap<EditId, Answers>>>,
}

/// What became of the answers to one edit: with two deliveries of an interaction there are two.
#[derive(Debug, Clone, Copy, Default)]
struct Answers {
    /// Still on their way.
    pending: usize,
    /// Discord took one of them.
    taken: bool,
    /// Somebody else had answered.
    elsewhere: bool,
}

/// An answer that says that an edit waits. What becomes of the edit is not told before it is dropped:
/// it would be told first, and then that it waits.
#[derive(Debug)]
pub struct Unanswered {
    queue: Queue,
    id: EditId,
}

/// An edit as it is kept, with all that is needed to answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Waiting {
    application: u64,
    interaction: u64,
    token: Token,
    locale: String,
    platform: Option<Platform>,
    edit: Edit,
}

/// What allows to answer an interaction, for 15 minutes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Does an edit, or keeps it while the database is away. Where edits of its guild wait, it waits
/// behind them.
///
/// # Errors
/// It is refused, or it can't be kept: nothing was changed then.
pub async fn done_or_kept(call: Arc<Call>, edit: Edit) -> Result<Reply, Failure> {
    edit.check()?;
    let request = call.request(edit.device().cloned())?;
    let queue = call.queue.clone();
    if queue.is_away() || queue.edits.waits(request.guild) {
        return queue.keep(&call, &request, edit, None).await;
    }
    match timeout_at(call.received + PATIENCE, edit.run(&call)).await {
        Ok(Err(Failure::Service(error))) if error.may_wait() => {
            queue.keep(&call, &request, edit, Some(error)).await
        }
        Ok(done) => done,
        Err(_) => {
            tracing::warn!(op.id = %call.id, "the database takes too long");
            let error = ServiceError::OutcomeUnknown;
            queue.keep(&call, &request, edit, Some(error)).await
        }
    }
}

impl Queue {
    /// Opens what is kept in the data folder.
    ///
    /// # Errors
    /// If the disk does not allow it.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        Ok(Self::new(Edits::open(folder)?, LastKnown::open(folder)?))
    }

    /// On these.
    #[must_use]
    pub fn new(edits: Edits, known: LastKnown) -> Self {
        Self {
            edits,
            known,
            known_bell: Arc::default(),
            away: Arc::default(),
            answers: Arc::default(),
        }
    }

    /// How many edits are to be done, or to be told.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.edits.depth()
    }

    /// Whether the database could not be reached the last time.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// The database can't be reached: the worker finds out when it is back.
    pub fn goes_away(&self) {
        self.is_there(false);
        self.edits.ring();
    }

    fn is_there(&self, there: bool) {
        let was_away = self.away.swap(!there, Ordering::Relaxed);
        match (was_away, there) {
            (false, false) => {
                tracing::warn!("the database is away; edits are kept until it is back");
            }
            (true, true) => tracing::info!(edits.waiting = self.depth(), "the database is back"),
            _ => {}
        }
    }

    /// Keeps an edit that could not be done, for that reason.
    async fn keep(
        &self,
        call: &Arc<Call>,
        request: &Request,
        edit: Edit,
        why: Option<ServiceError>,
    ) -> Result<Reply, Failure> {
        if let Some(error) = &why {
            tracing::warn!(op.id = %call.id, %error, "an edit is kept for later");
            // A database that is busy, or takes no changes, can be reached and looked at.
            if error.is_away() {
                self.goes_away();
            }
        }
        let application = call.http.application_id();
        let waiting = Waiting {
            application: application.map(ApplicationId::get).unwrap_or_default(),
            interaction: call.id.get(),
            token: Token(call.token.clone()),
            locale: call.locale.discord_code().to_owned(),
            platform: request.platform,
            edit: edit.pinned(call, request),
        };
        let origin = Origin {
            guild: request.guild,
            person: request.actor,
            op: request.op.clone(),
        };
        match self.edits.keep(origin, &waiting).await {
            Ok(id) => {
                call.measured.ended(Outcome::Queued);
                let mut what = waiting.edit.told(call.locale);
                if let Some(table) = self.table_of(request.guild, &waiting.edit).await {
                    what = views::queued::in_table(&what, &table, call.locale);
                }
                let reply = views::queued::queued(&what, call.locale);
                Ok(Reply {
                    queued: Some(Arc::new(self.unanswered(id))),
                    ..reply
                })
            }
            Err(error) => {
                tracing::error!(op.id = %call.id, %error, "an edit can't be kept");
                match why {
                    // It may have been done: nobody may be told that it was not.
                    Some(ServiceError::OutcomeUnknown) => Err(ServiceError::OutcomeUnknown.into()),
                    _ => Ok(views::queued::not_kept(
                        matches!(error, JournalError::Full),
                        call.locale,
                    )),
                }
            }
        }
    }

    /// The address of the table that an edit is for, as far as it is known here.
    async fn table_of(&self, guild: GuildId, edit: &Edit) -> Option<String> {
        if let Some(address) = edit.address() {
            return Some(address.to_string());
        }
        let id = edit.table_id()?;
        let known = self.known_tables(guild).await;
        let table = known.into_iter().find(|known| known.table.id == id)?;
        Some(table.table.address())
    }

    fn unanswered(&self, id: EditId) -> Unanswered {
        self.answers().entry(id).or_default().pending += 1;
        Unanswered {
            queue: self.clone(),
            id,
        }
    }

    /// Whether somebody else tells what becomes of an edit; none while that is not known yet.
    fn tells(&self, id: EditId) -> Option<bool> {
        let answers = self.answers().get(&id).copied().unwrap_or_default();
        (answers.pending == 0).then_some(answers.taken || !answers.elsewhere)
    }

    /// Lets go of an edit that was told.
    async fn told(&self, id: EditId) {
        self.edits.remove(id).await;
        self.answers().remove(&id);
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<EditId, Answers>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unanswered {
    /// Discord took the answer.
    pub fn taken(&self) {
        self.queue.answers().entry(self.id).or_default().taken = true;
    }

    /// Another delivery of the interaction was answered: whoever did tells what becomes of it.
    pub fn elsewhere(&self) {
        self.queue.answers().entry(self.id).or_default().elsewhere = true;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(answers) = self.queue.answers().get_mut(&self.id) {
            answers.pending = answers.pending.saturating_sub(1);
        }
        self.queue.edits.ring();
    }
}

impl Waiting {
    /// The interaction that it came by.
    fn former(&self) -> Former<'_> {
        Former {
            id: InteractionId::new(self.interaction.max(1)),
            token: &self.token.0,
            locale: Locale::from_discord(&self.locale),
            platform: self.platform,
        }
    }
}
