//! Does what was kept, when the database is back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serenity::http::Http;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

use super::told::{Outcome, tell};
use super::{Queue, Waiting};
use crate::discord::answer;
use crate::discord::context::{Call, Data};
use crate::discord::errors::{self, Failure};
use crate::discord::people;
use crate::discord::reply::Reply;
use crate::discord::views;
use crate::domain::access::Standing;
use crate::domain::ids::{GuildId, UserId};
use crate::i18n::keys;
use crate::journal::{EditId, JournalError};
use crate::metrics;
use crate::service::ServiceError;

/// How often it is looked whether the database is back.
const PAUSE: Duration = Duration::from_secs(1);

/// How often it is looked for anything at all.
const REST: Duration = Duration::from_mins(1);

/// How long the database may take to say that it is there.
const PROBING: Duration = Duration::from_secs(3);

/// How long one edit may take.
const LONGEST: Duration = Duration::from_secs(40);

/// How often an edit waits for Discord to say who somebody is, before its author is told that it does
/// not.
const STRANGE: u32 = 30;

/// How long what somebody may do is taken to be so: Discord is asked for each of them.
const FRESH: Duration = Duration::from_secs(5);

/// People who are told at once.
const TELLING: usize = 8;

/// Edits that are done before their authors are told.
const AT_ONCE: usize = 20;

/// Works for ever.
pub async fn run(data: Data, http: Arc<Http>) {
    let mut worker = Worker {
        queue: data.queue.clone(),
        data,
        http,
        telling: JoinSet::new(),
        told: HashSet::new(),
        strange: HashMap::new(),
    };
    // Edits of the process before may wait.
    worker.queue.edits.ring();
    loop {
        if let Err(error) = worker.work().await {
            tracing::error!(%error, "the journal can't be worked through; trying again");
        }
        let queue = &worker.queue;
        let pause = if queue.is_away() || queue.depth() > 0 {
            PAUSE
        } else {
            REST
        };
        tokio::select! {
            () = queue.edits.rung() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Somebody in a guild.
type Whose = (GuildId, UserId);

struct Worker {
    data: Data,
    http: Arc<Http>,
    queue: Queue,
    /// Outcomes on their way to their authors.
    telling: JoinSet<Whose>,
    /// To whom.
    told: HashSet<Whose>,
    /// How often Discord did not say who an edit is about.
    strange: HashMap<EditId, u32>,
}

/// What became of one attempt.
enum Attempt {
    /// It is over, well or not.
    Over(Box<Reply>, bool),
    /// It can't be done now, though others may.
    Later,
    /// The database is away again.
    Away,
}

impl Worker {
    /// Does and tells all that can be done and told now.
    async fn work(&mut self) -> Result<(), JournalError> {
        while let Some(told) = self.telling.try_join_next() {
            match told {
                Ok(whose) => drop(self.told.remove(&whose)),
                // Who it was is not known after a panic; being told twice at once is no harm.
                Err(_) => self.told.clear(),
            }
        }
        self.queue.edits.sweep().await;
        if self.queue.depth() == 0 && !self.queue.is_away() {
            return Ok(());
        }
        let there = timeout(PROBING, self.data.services.ping()).await;
        let there = matches!(there, Ok(Ok(())));
        self.queue.is_there(there);
        if !there {
            return Ok(());
        }
        // An edit that can't be done yet holds up those of its guild that came after it, and one
        // that can't be told yet those of its person.
        let (mut held, mut silent) = (HashSet::new(), HashSet::new());
        let mut ready: BTreeMap<Whose, Vec<EditId>> = BTreeMap::new();
        let (mut standings, mut attempts) = (HashMap::new(), 0);
        for (id, edit) in self.queue.edits.all() {
            let whose = (edit.guild, edit.person);
            let waits = !edit.decided && (attempts == AT_ONCE || held.contains(&edit.guild));
            if !edit.decided && !waits {
                attempts += 1;
                match self.attempt(id, &mut standings).await? {
                    Next::Tell => {}
                    Next::Hold => {
                        held.insert(edit.guild);
                        silent.insert(whose);
                    }
                    Next::Stop => break,
                }
            }
            // Until it has been said that it waits, nothing else is said.
            if waits || self.queue.tells(id).is_none() {
                silent.insert(whose);
            }
            if !silent.contains(&whose) {
                ready.entry(whose).or_default().push(id);
            }
        }
        for (whose, edits) in ready {
            self.tell(whose, edits);
        }
        if attempts == AT_ONCE {
            self.queue.edits.ring();
        }
        Ok(())
    }

    /// Tells somebody what became of their edits, one after the other, beside the work on others.
    fn tell(&mut self, whose: Whose, edits: Vec<EditId>) {
        if self.telling.len() >= TELLING || !self.told.insert(whose) {
            return;
        }
        let (data, http) = (self.data.clone(), Arc::clone(&self.http));
        self.telling.spawn(async move {
            // A shutdown waits for it.
            let _flight = data.flights.begin();
            for id in edits {
                if let Err(error) = tell_one(&data, &http, id).await {
                    tracing::warn!(%error, "what became of an edit is not told yet");
                    return whose;
                }
            }
            // For others, and for what came meanwhile.
            data.queue.edits.ring();
            whose
        });
    }

    /// Tries to do an edit, and notes what became of it.
    async fn attempt(
        &mut self,
        id: EditId,
        standings: &mut HashMap<Whose, (Standing, Instant)>,
    ) -> Result<Next, JournalError> {
        let Some(kept) = self.queue.edits.read(id).await? else {
            return Ok(Next::Hold);
        };
        let Ok(waiting) = serde_json::from_value::<Waiting>(kept.edit.clone()) else {
            tracing::error!(op.id = %kept.origin.op, "an edit in the journal can't be read; it was set aside");
            self.queue.edits.set_aside(id).await?;
            return Ok(Next::Hold);
        };
        let whose = (kept.origin.guild, kept.origin.person);
        let known = standings.get(&whose);
        let standing = match known.filter(|(_, since)| since.elapsed() < FRESH) {
            Some((standing, _)) => *standing,
            None => match people::standing_in(&self.http, whose.0, whose.1).await {
                Ok(found) => {
                    let standing = found.unwrap_or_default();
                    standings.insert(whose, (standing, Instant::now()));
                    standing
                }
                Err(error) => {
                    tracing::warn!(op.id = %kept.origin.op, %error, "what somebody may do is not known; their edits wait");
                    return Ok(Next::Hold);
                }
            },
        };
        let call = Call::of_kept((&self.data, &self.http), &waiting.former(), whose, standing);
        call.attempts(waiting.edit.action());
        if let Some(table) = waiting.edit.address() {
            call.attempts_in(table);
        }
        let (reply, done) = match self.done(id, &call, &waiting).await {
            Attempt::Over(reply, done) => (reply, done),
            Attempt::Later => return Ok(Next::Hold),
            Attempt::Away => {
                self.queue.is_there(false);
                return Ok(Next::Stop);
            }
        };
        call.measured.ended(metrics::Outcome::Ok);
        let outcome = Outcome::new(&call, *reply, done, waiting.edit.updates());
        self.queue.edits.decide(id, &outcome).await?;
        Ok(Next::Tell)
    }

    async fn done(&mut self, id: EditId, call: &Arc<Call>, waiting: &Waiting) -> Attempt {
        let (same, edit) = (Arc::clone(call), waiting.edit.clone());
        let span = tracing::info_span!("kept", op.id = %call.id);
        // In a task of its own: a panic in there is to end nothing else.
        let work = async move {
            let done = edit.run(&same).await;
            if let Err(failure) = &done {
                answer::note_refusal(Arc::clone(&same), failure).await;
            }
            done
        };
        let mut work = tokio::spawn(work.instrument(span));
        let Ok(done) = timeout(LONGEST, &mut work).await else {
            work.abort();
            return Attempt::Later;
        };
        let done = done.unwrap_or_else(|error| Err(Failure::Internal(error.to_string())));
        match done {
            Ok(reply) => Attempt::Over(Box::new(reply), true),
            Err(Failure::Service(error)) if error.is_away() => Attempt::Away,
            Err(Failure::Service(error)) if error.may_wait() || error.is_not_ready() => {
                tracing::debug!(op.id = %call.id, %error, "an edit waits on");
                Attempt::Later
            }
            Err(Failure::Told(message)) if message.key() == keys::ERROR_MEMBER_UNKNOWN => {
                let times = self.strange.entry(id).or_default();
                *times += 1;
                if *times < STRANGE {
                    return Attempt::Later;
                }
                self.strange.remove(&id);
                let reply = views::errors::told(&message, call.locale);
                Attempt::Over(Box::new(reply), false)
            }
            Err(failure) => Attempt::Over(Box::new(errors::reply(call, failure)), false),
        }
    }
}

/// Tells what became of an edit, unless somebody else does, and lets go of it.
async fn tell_one(data: &Data, http: &Http, id: EditId) -> Result<(), Untold> {
    let queue = &data.queue;
    if queue.tells(id).unwrap_or(true)
        && let Some(kept) = queue.edits.read(id).await?
    {
        tell(data, http, &kept).await?;
    }
    queue.told(id).await;
    Ok(())
}

/// Why somebody was not told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// What to do after an attempt.
enum Next {
    /// Tell its author.
    Tell,
    /// Let the guild's other edits wait.
    Hold,
    /// Let all of them wait.
    Stop,
}
