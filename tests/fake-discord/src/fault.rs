//! Faults that a test orders: what Discord and the network do to requests on bad days.

use std::time::{Duration, Instant};

use crate::problem::{Problem, RateLimit};

/// What goes wrong with requests that match; see [`crate::FakeDiscord::inject`].
///
/// ```
/// # use std::time::Duration;
/// # use fake_discord::Fault;
/// // The next two edits of an answer are carried out, but a gateway in between says 502.
/// let lost = Fault::status(502).on("PATCH", "/messages/@original").after_effect().times(2);
/// // Everything is refused for 300 ms from the next request on, as the bot is told.
/// let busy = Fault::rate_limit(Duration::from_millis(300)).global();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    kind: Kind,
    method: Option<String>,
    path_contains: String,
    times: usize,
    after: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    Status {
        status: u16,
        code: u32,
    },
    RateLimit {
        wait: Duration,
        global: bool,
        ends: Option<Instant>,
    },
    Late(Duration),
    HangUp,
}

/// What a fault does to one request.
#[derive(Debug)]
pub(crate) enum Effect {
    Answer(Problem),
    Delay(Duration),
    HangUp,
}

impl Fault {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            method: None,
            path_contains: String::new(),
            times: 1,
            after: false,
        }
    }

    /// This HTTP status instead of an answer.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status { status, code: 0 })
    }

    /// Status 429 for so long, counted from the first request that meets it. Each answer tells how
    /// long is left, so whoever waits that long meets it once. [`Self::times`] counts such spells.
    pub fn rate_limit(wait: Duration) -> Self {
        Self::new(Kind::RateLimit {
            wait,
            global: false,
            ends: None,
        })
    }

    /// The request is carried out so much later, whether or not the bot still waits for it; with
    /// [`Self::after_effect`] it is carried out at once and answered later.
    pub fn late(by: Duration) -> Self {
        Self::new(Kind::Late(by))
    }

    /// The connection closes without an answer.
    pub fn hang_up() -> Self {
        Self::new(Kind::HangUp)
    }

    /// With this error code of Discord's, for [`Self::status`].
    pub fn code(mut self, error: u32) -> Self {
        if let Kind::Status { code, .. } = &mut self.kind {
            *code = error;
        }
        self
    }

    /// The rate limit is said to be the bot's global one.
    pub fn global(mut self) -> Self {
        if let Kind::RateLimit { global, .. } = &mut self.kind {
            *global = true;
        }
        self
    }

    /// Only requests of that method whose path contains the text; otherwise all.
    pub fn on(mut self, method: &str, path_contains: &str) -> Self {
        self.method = Some(method.to_owned());
        path_contains.clone_into(&mut self.path_contains);
        self
    }

    /// So many times instead of once.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// The request is carried out first. A rate limit never is.
    pub fn after_effect(mut self) -> Self {
        self.after = !matches!(self.kind, Kind::RateLimit { .. });
        self
    }

    /// What it does to a request, used up by asking.
    pub(crate) fn strike(&mut self, method: &str, path: &str, after: bool) -> Option<Effect> {
        let named = self.method.as_deref().is_none_or(|named| named == method);
        if !named || !path.contains(&self.path_contains) || self.after != after {
            return None;
        }
        if let Kind::RateLimit { wait, global, ends } = &mut self.kind {
            let left = spell(&mut self.times, *wait, ends)?;
            let limit = RateLimit {
                left,
                global: *global,
            };
            return Some(Effect::Answer(Problem::rate_limited(limit)));
        }
        self.times = self.times.checked_sub(1)?;
        match &self.kind {
            Kind::Status { status, code } => Some(Effect::Answer(Problem::ordered(*status, *code))),
            Kind::Late(by) => Some(Effect::Delay(*by)),
            Kind::HangUp => Some(Effect::HangUp),
            Kind::RateLimit { .. } => None,
        }
    }
}

/// What is left of the spell that lasts, or of a new one.
fn spell(times: &mut usize, wait: Duration, ends: &mut Option<Instant>) -> Option<Duration> {
    let now = Instant::now();
    if let Some(left) = ends.and_then(|ends| ends.checked_duration_since(now))
        && !left.is_zero()
    {
        return Some(left);
    }
    *times = times.checked_sub(1)?;
    *ends = Some(now + wait);
    Some(wait)
}
