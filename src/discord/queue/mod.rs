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
use super::context::{Call, Former, Token};
use super::errors::Failure;
use super::reply::Reply;
use super::views;
use crate::domain::ids::{DeviceId, GuildId, OpId, TableId, UserId};
use crate::domain::session::Platform;
use crate::i18n::{Locale, keys};
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
    answers: Arc<Mutex<HashMap<Which, Answers>>>,
    /// The table that somebody's waiting edits were for last, by device: the next one is for it too.
    places: Arc<Mutex<HashMap<Seat, Place>>>,
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
    which: Which,
}

/// Which edit: by its operation, which is known before it is kept.
type Which = (GuildId, OpId);

/// Somebody with a device in a guild.
type Seat = (GuildId, UserId, Option<DeviceId>);

/// A table, by its address or id.
#[derive(Debug, Clone)]
enum Place {
    Address(String),
    Id(TableId),
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

/// Does an edit, or keeps it while the database is away. Where edits of its guild wait, it waits
/// behind them.
///
/// # Errors
/// It is refused, or it can't be kept: nothing was changed then.
pub async fn done_or_kept(call: Arc<Call>, edit: Edit) -> Result<Reply, Failure> {
    edit.check()?;
    let request = call.request(edit.device().cloned())?;
    let queue = call.queue.clone();
    // What it was meant for when it was made: it may be kept some seconds later.
    let pinned = queue.pinned(&call, &request, edit.clone());
    if queue.is_away() || queue.edits.waits(request.guild) {
        match queue.keep(&call, &request, &pinned).await {
            Ok(reply) => return Ok(reply),
            Err(error) if queue.is_away() => return Err(not_kept(&call, &error)),
            // It does not need to be kept: its place in the order is all that it loses.
            Err(error) => tracing::error!(op.id = %call.id, %error, "an edit can't be kept"),
        }
    }
    let error = match timeout_at(call.received + PATIENCE, edit.run(&call)).await {
        Ok(Err(Failure::Service(error))) if error.may_wait() => error,
        Ok(done) => return done,
        Err(_) => ServiceError::OutcomeUnknown,
    };
    tracing::warn!(op.id = %call.id, %error, "an edit is kept for later");
    // A database that is busy, or takes no changes, can be reached and looked at; so it may be where
    // something takes long.
    if error.is_unreachable() {
        queue.goes_away();
    }
    match (queue.keep(&call, &request, &pinned).await, error) {
        (Ok(reply), _) => Ok(reply),
        // It may have been done: nobody may be told that it was not.
        (Err(_), ServiceError::OutcomeUnknown) => Err(ServiceError::OutcomeUnknown.into()),
        (Err(error), _) => Err(not_kept(&call, &error)),
    }
}

fn not_kept(call: &Call, error: &JournalError) -> Failure {
    tracing::error!(op.id = %call.id, %error, "an edit can't be kept");
    Failure::told(match error {
        JournalError::Full => keys::ERROR_QUEUE_FULL,
        _ => keys::ERROR_NOT_KEPT,
    })
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
            places: Arc::default(),
        }
    }

    /// Makes sure that the disk takes what would be kept.
    ///
    /// # Errors
    /// It does not.
    pub async fn probe(&self) -> Result<(), JournalError> {
        self.edits.probe().await
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

    /// Keeps an edit.
    async fn keep(
        &self,
        call: &Arc<Call>,
        request: &Request,
        edit: &Edit,
    ) -> Result<Reply, JournalError> {
        let application = call.http.application_id();
        let waiting = Waiting {
            application: application.map(ApplicationId::get).unwrap_or_default(),
            interaction: call.id.get(),
            token: call.token.clone(),
            locale: call.locale.discord_code().to_owned(),
            platform: request.platform,
            edit: edit.clone(),
        };
        let origin = Origin {
            guild: request.guild,
            person: request.actor,
            op: request.op.clone(),
        };
        let what = self.told_of(request.guild, edit, call.locale).await;
        // Before it can be found by the worker.
        let unanswered = self.unanswered((request.guild, request.op.clone()));
        if let Err(error) = self.edits.keep(origin, &waiting).await {
            locked(&self.answers).remove(&unanswered.which);
            return Err(error);
        }
        self.is_for(call, request, edit);
        call.measured.ended(Outcome::Queued);
        let reply = views::queued::queued(&what, call.locale);
        Ok(Reply {
            queued: Some(Arc::new(unanswered)),
            ..reply
        })
    }

    /// With what only this moment knows: for which table it is, who is picked.
    fn pinned(&self, call: &Call, request: &Request, edit: Edit) -> Edit {
        let place = if self.edits.waits(request.guild) {
            let seat = seat(call, request);
            locked(&self.places).get(&seat).cloned()
        } else {
            // Nobody's edits wait any more.
            locked(&self.places).retain(|(guild, ..), _| *guild != request.guild);
            None
        };
        let edit = match place {
            Some(Place::Address(table)) => edit.in_table(Some(table), None),
            Some(Place::Id(table)) => edit.in_table(None, Some(table)),
            None => edit,
        };
        edit.pinned(call, request)
    }

    /// Remembers which table a waiting edit is for.
    fn is_for(&self, call: &Call, request: &Request, edit: &Edit) {
        let address = edit
            .address()
            .map(|table| Place::Address(table.to_string()));
        let Some(place) = address.or(edit.table_id().map(Place::Id)) else {
            return;
        };
        locked(&self.places).insert(seat(call, request), place);
    }

    /// Remembers that somebody looked at a table as it was last: looking counts as use.
    fn looked_at(&self, call: &Call, request: &Request, table: TableId) {
        if self.edits.waits(request.guild) {
            locked(&self.places).insert(seat(call, request), Place::Id(table));
        }
    }

    /// What is asked for, and in which table as far as that is known here.
    async fn told_of(&self, guild: GuildId, edit: &Edit, locale: Locale) -> String {
        let what = edit.told(locale);
        let address = match (edit.address(), edit.table_id()) {
            (Some(address), _) => Some(address.to_string()),
            (None, Some(id)) => {
                let known = self.known_tables(guild).await;
                let table = known.into_iter().find(|known| known.table.id == id);
                table.map(|known| known.table.address())
            }
            (None, None) => None,
        };
        match address {
            Some(table) => views::queued::in_table(&what, &table, locale),
            None => what,
        }
    }

    fn unanswered(&self, which: Which) -> Unanswered {
        locked(&self.answers)
            .entry(which.clone())
            .or_default()
            .pending += 1;
        Unanswered {
            queue: self.clone(),
            which,
        }
    }

    /// Whether it is this process that tells what becomes of an edit; none while that is not known yet.
    fn tells(&self, guild: GuildId, op: &OpId) -> Option<bool> {
        let answers = locked(&self.answers);
        let answers = answers
            .get(&(guild, op.clone()))
            .copied()
            .unwrap_or_default();
        (answers.pending == 0).then_some(answers.taken || !answers.elsewhere)
    }

    /// Lets go of an edit that was told.
    async fn told(&self, id: EditId, origin: &Origin) {
        self.edits.remove(id).await;
        locked(&self.answers).remove(&(origin.guild, origin.op.clone()));
    }
}

/// Somebody at the device that they seem to use.
fn seat(call: &Call, request: &Request) -> Seat {
    let session = call.services.seen_session(request);
    let device = session.map(|session| session.device_id);
    (request.guild, request.actor, device)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Unanswered {
    /// Discord took the answer.
    pub fn taken(&self) {
        self.note(|answers| answers.taken = true);
    }

    /// Another delivery of the interaction was answered: whoever did tells what becomes of it.
    pub fn elsewhere(&self) {
        self.note(|answers| answers.elsewhere = true);
    }

    fn note(&self, note: impl FnOnce(&mut Answers)) {
        if let Some(answers) = locked(&self.queue.answers).get_mut(&self.which) {
            note(answers);
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.note(|answers| answers.pending = answers.pending.saturating_sub(1));
        self.queue.edits.ring();
    }
}

impl Waiting {
    /// The interaction that it came by.
    fn former(&self) -> Former<'_> {
        Former {
            id: InteractionId::new(self.interaction.max(1)),
            token: &self.token,
            locale: Locale::from_discord(&self.locale),
            platform: self.platform,
        }
    }
}
