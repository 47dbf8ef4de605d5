//! Does what was kept, when the database is back: each guild's edits in their order, and each guild by
//! itself; then tells their authors.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use serenity::http::Http;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument as _;

use super::told::{Outcome, tell};
use super::{Queue, Waiting};
use crate::discord::answer;
use crate::discord::commands::Edit;
use crate::discord::context::{Call, Data};
use crate::discord::errors::{self, Failure};
use crate::discord::people;
use crate::discord::reply::{Reply, Upshot};
use crate::discord::views;
use crate::domain::access::Standing;
use crate::domain::ids::{GuildId, UserId};
use crate::i18n::{Locale, keys};
use crate::journal::{EditId, JournalError, Kept};
use crate::metrics;
use crate::service::ServiceError;

/// How often it is looked whether the database is back, and how long an edit rests that can't be done
/// yet.
const PAUSE: Duration = Duration::from_secs(1);

/// How often it is looked for anything at all.
const REST: Duration = Duration::from_mins(1);

/// How long the database may take to say that it is there.
const PROBING: Duration = Duration::from_secs(3);

/// How long one edit may take.
const LONGEST: Duration = Duration::from_secs(40);

/// How often an edit is tried that fails for a reason which may pass, though the database is there.
const TRIES: u32 = 120;

/// How often one is tried that fails for a reason which hardly will.
const FEW: u32 = 20;

/// How long what somebody may do is taken to be so: Discord is asked twice for it.
const FRESH: Duration = Duration::from_secs(5);

/// Guilds whose edits are done at once: fewer than there are connections.
const GUILDS: usize = 4;

/// People who are told at once.
const TELLING: usize = 8;

/// Works for ever.
pub async fn run(data: Data, http: Arc<Http>) {
    let hands = Hands {
        queue: data.queue.clone(),
        data,
        http,
        tries: Arc::default(),
    };
    let mut worker = Worker {
        hands,
        doing: Tasks::default(),
        telling: Telling(Tasks::default()),
    };
    let queue = worker.hands.queue.clone();
    // Edits of the process before may wait.
    queue.edits.ring();
    loop {
        worker.work().await;
        let pause = if queue.is_away() || queue.depth() > 0 {
            PAUSE
        } else {
            REST
        };
        tokio::select! {
            () = queue.edits.rung() => {}
            () = sleep(pause) => {}
        }
    }
}

/// What people of one guild may do, and since when that is known; of those who left it, nothing.
type Standings = HashMap<UserId, (Option<Standing>, Instant)>;

/// Somebody in a guild.
type Whose = (GuildId, UserId);

struct Worker {
    hands: Hands,
    doing: Tasks<GuildId>,
    telling: Telling,
}

/// What its tasks work with.
#[derive(Clone)]
struct Hands {
    data: Data,
    http: Arc<Http>,
    queue: Queue,
    /// How often edits were tried in vain.
    tries: Arc<Mutex<HashMap<EditId, u32>>>,
}

/// Tasks, one for each key at most. They end with this.
struct Tasks<K> {
    set: JoinSet<()>,
    busy: HashMap<Id, K>,
}

/// Those that tell people. They go on to their end, for which a shutdown waits: what was told is not to
/// be told again.
struct Telling(Tasks<Whose>);

/// What became of one attempt.
enum Attempt {
    /// It is over, well or not.
    Over(Box<Reply>),
    /// It can't be done now; if it never can, its author is told this.
    Later(Box<Reply>, u32),
    /// The database is away, or busy with others.
    Away,
}

impl Worker {
    /// Has all done and told that can be done and told now.
    async fn work(&mut self) {
        self.doing.reap();
        self.telling.0.reap();
        let queue = self.hands.queue.clone();
        queue.edits.sweep().await;
        if queue.is_away() {
            self.hands.probe().await;
        }
        let mut to_do: BTreeMap<GuildId, Vec<EditId>> = BTreeMap::new();
        let mut to_tell: BTreeMap<Whose, Vec<EditId>> = BTreeMap::new();
        // One that can't be told yet holds up those of its person.
        let mut silent = HashSet::new();
        for (id, edit) in queue.edits.all() {
            let whose = (edit.guild, edit.person);
            if !edit.decided {
                to_do.entry(edit.guild).or_default().push(id);
            }
            // Until it has been said that it waits, nothing else is said.
            if !edit.decided || queue.tells(edit.guild, &edit.op).is_none() {
                silent.insert(whose);
            }
            if !silent.contains(&whose) {
                to_tell.entry(whose).or_default().push(id);
            }
        }
        if !queue.is_away() {
            for (guild, edits) in to_do {
                let hands = self.hands.clone();
                self.doing.start(GUILDS, guild, hands.do_all(edits));
            }
        }
        for (whose, edits) in to_tell {
            let hands = self.hands.clone();
            self.telling.0.start(TELLING, whose, hands.tell_all(edits));
        }
    }
}

impl Hands {
    /// Looks whether the database is there.
    async fn probe(&self) -> bool {
        let there = timeout(PROBING, self.data.services.ping()).await;
        let there = matches!(there, Ok(Ok(())));
        self.queue.is_there(there);
        there
    }

    /// Does the edits of a guild until one can't be done yet: it holds up those that came after it.
    async fn do_all(self, edits: Vec<EditId>) {
        let mut standings = HashMap::new();
        for id in edits {
            match self.attempt(id, &mut standings).await {
                Ok(true) => self.queue.edits.ring(),
                Ok(false) => {
                    sleep(PAUSE).await;
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, "the journal can't be worked through; trying again");
                    sleep(PAUSE).await;
                    break;
                }
            }
        }
        // For what came meanwhile.
        self.queue.edits.ring();
    }

    /// Tries to do an edit, and notes what became of it. Returns whether those after it may be done.
    async fn attempt(&self, id: EditId, standings: &mut Standings) -> Result<bool, JournalError> {
        let Some(kept) = self.queue.edits.read(id).await? else {
            return Ok(true);
        };
        let Ok(waiting) = serde_json::from_value::<Waiting>(kept.edit.clone()) else {
            return self.unreadable(id, &kept).await;
        };
        let Some((call, is_member)) = self.call(&kept, &waiting, standings).await else {
            return Ok(false);
        };
        let reply = match self.done(&call, &waiting, is_member).await {
            Attempt::Over(reply) => reply,
            Attempt::Later(reply, tries) if self.tried(id) >= tries => reply,
            Attempt::Later(..) => {
                call.measured.ended(metrics::Outcome::Queued);
                return Ok(false);
            }
            Attempt::Away => {
                call.measured.ended(metrics::Outcome::Queued);
                // With the database there, it is this edit that does not get on.
                if !self.probe().await || self.tried(id) < TRIES {
                    return Ok(false);
                }
                let error = ServiceError::OutcomeUnknown;
                Box::new(errors::reply(&call, error.into()))
            }
        };
        call.measured.ended(metrics::Outcome::Ok);
        self.tries().remove(&id);
        let outcome = Outcome::new(&call, *reply, waiting.edit.updates());
        self.queue.edits.decide(id, &outcome).await?;
        Ok(true)
    }

    /// Sets aside what another version of the program kept, perhaps, and has its author told.
    async fn unreadable(&self, id: EditId, kept: &Kept) -> Result<bool, JournalError> {
        let origin = &kept.origin;
        tracing::error!(op.id = %origin.op, "an edit in the journal can't be read; it is set aside");
        let locale = kept.edit.get("locale").and_then(Value::as_str);
        let text = views::queued::unreadable(locale.map(Locale::from_discord).unwrap_or_default());
        let services = &self.data.services;
        if let Err(error) = services
            .tell_outcome(origin.guild, origin.person, text)
            .await
        {
            tracing::warn!(op.id = %origin.op, %error, "what became of an edit is not told yet");
            return Ok(false);
        }
        self.queue.edits.set_aside(id).await?;
        Ok(true)
    }

    /// The edit's interaction, with what its author may do now, and whether they are in the guild
    /// still; none where Discord does not say.
    async fn call(
        &self,
        kept: &Kept,
        waiting: &Waiting,
        standings: &mut Standings,
    ) -> Option<(Arc<Call>, bool)> {
        let whose = (kept.origin.guild, kept.origin.person);
        let known = standings.get(&whose.1);
        let standing = match known.filter(|(_, since)| since.elapsed() < FRESH) {
            Some((standing, _)) => standing.clone(),
            None => match people::standing_in(&self.http, whose.0, whose.1).await {
                Ok(standing) => {
                    standings.insert(whose.1, (standing.clone(), Instant::now()));
                    standing
                }
                Err(error) => {
                    tracing::warn!(op.id = %kept.origin.op, %error, "what somebody may do is not known; their edits wait");
                    return None;
                }
            },
        };
        let (via, is_member) = ((&self.data, &self.http), standing.is_some());
        let standing = standing.unwrap_or_default();
        let call = Call::of_kept(via, &waiting.former(), whose, standing);
        call.attempts(waiting.edit.action());
        if let Some(table) = waiting.edit.address() {
            call.attempts_in(table);
        }
        Some((call, is_member))
    }

    async fn done(&self, call: &Arc<Call>, waiting: &Waiting, is_member: bool) -> Attempt {
        let (same, edit) = (Arc::clone(call), waiting.edit.clone());
        let span = tracing::info_span!("kept", op.id = %call.id);
        // In a task of its own: a panic in there is to end nothing else.
        let work = async move {
            let done = match may_be_done(&same, &edit, is_member).await {
                Ok(()) => edit.run(&same).await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = &done {
                answer::note_refusal(Arc::clone(&same), failure).await;
            }
            done
        };
        let mut work = tokio::spawn(work.instrument(span));
        let Ok(done) = timeout(LONGEST, &mut work).await else {
            work.abort();
            return Attempt::Away;
        };
        let done = done.unwrap_or_else(|error| Err(Failure::Internal(error.to_string())));
        let failure = match done {
            Ok(reply) => return Attempt::Over(Box::new(reply)),
            Err(failure) => failure,
        };
        let tries = match &failure {
            Failure::Service(error) if error.is_away() || error.is_busy() => return Attempt::Away,
            Failure::Service(error) if error.may_wait() || error.is_not_ready() => u32::MAX,
            Failure::Service(ServiceError::Store(_)) => FEW,
            Failure::Told(message) if message.key() == keys::ERROR_MEMBER_UNKNOWN => FEW,
            _ => 0,
        };
        if tries > 0 {
            tracing::debug!(op.id = %call.id, error = %failure, "an edit waits on");
        }
        let reply = Box::new(errors::reply(call, failure).but(Upshot::Refused));
        if tries == 0 {
            Attempt::Over(reply)
        } else {
            Attempt::Later(reply, tries)
        }
    }

    /// Counts a try, and returns the how many-th it was.
    fn tried(&self, id: EditId) -> u32 {
        let mut tries = self.tries();
        let times = tries.entry(id).or_default();
        *times = times.saturating_add(1);
        *times
    }

    fn tries(&self) -> std::sync::MutexGuard<'_, HashMap<EditId, u32>> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells somebody what became of their edits, one after the other.
    async fn tell_all(self, edits: Vec<EditId>) {
        let _flight = self.data.flights.begin();
        for id in edits {
            if let Err(error) = self.tell(id).await {
                tracing::warn!(%error, "what became of an edit is not told yet");
                sleep(PAUSE).await;
                break;
            }
        }
        // For others, and for what came meanwhile.
        self.queue.edits.ring();
    }

    /// Tells what became of an edit, unless somebody else does, and lets go of it.
    async fn tell(&self, id: EditId) -> Result<(), Untold> {
        let Some(kept) = self.queue.edits.read(id).await? else {
            return Ok(());
        };
        let origin = &kept.origin;
        if self.queue.tells(origin.guild, &origin.op).unwrap_or(true) {
            tell(&self.data, &self.http, &kept).await?;
        }
        self.queue.told(id, &kept.origin).await;
        Ok(())
    }
}

/// Whoever left the guild may do nothing there, whatever is granted to them still. What was done
/// before that is told as it was.
async fn may_be_done(call: &Call, edit: &Edit, is_member: bool) -> Result<(), Failure> {
    if is_member {
        return Ok(());
    }
    let request = call.request(edit.device().cloned())?;
    match call.services.done_before(&request).await? {
        Some(_) => Ok(()),
        None => Err(Failure::told(keys::ERROR_LEFT)),
    }
}

/// Why somebody was not told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl<K> Default for Tasks<K> {
    fn default() -> Self {
        Self {
            set: JoinSet::new(),
            busy: HashMap::new(),
        }
    }
}

impl<K: Eq + Hash> Tasks<K> {
    /// Notes which have ended.
    fn reap(&mut self) {
        while let Some(ended) = self.set.try_join_next_with_id() {
            let id = ended.map_or_else(|panicked| panicked.id(), |(id, ())| id);
            self.busy.remove(&id);
        }
    }

    /// Starts one, unless there is one for that key, or as many as may be.
    fn start(&mut self, most: usize, key: K, work: impl Future<Output = ()> + Send + 'static) {
        let is_there = self.busy.values().any(|busy| *busy == key);
        if !is_there && self.busy.len() < most {
            let id = self.set.spawn(work).id();
            self.busy.insert(id, key);
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.set.detach_all();
    }
}
