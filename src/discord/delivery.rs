//! Delivers answers to interactions: tries again what is safe to repeat, waits as long as Discord
//! asks for, and gives up when an answer would come too late.
//!
//! | what happened | is it repeated? |
//! |---|---|
//! | 429 | yes, after the time that Discord names: it was not carried out |
//! | no connection | yes |
//! | 5xx, a lost or late answer | where Discord carries out only one of several, see [`Repeat`] |
//! | any other refusal | no: it would be refused again |
//!
//! The few questions that the bot asks on the way are asked in the same manner.
//!
//! The requests go through a client of their own, since serenity does not pass on what Discord
//! says with a 429. Its limiter is not needed here: answers to interactions don't count towards
//! the bot's limit, and each interaction has a bucket of its own. Questions do count; they are few,
//! and a 429 is waited out.

use std::sync::LazyLock;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serenity::builder::CreateAttachment;
use serenity::http::{Http, LightMethod, Multipart, MultipartUpload, Request, Route};
use tokio::time::{Instant, timeout_at};

/// Pauses between two tries, each with as much again by chance; longer if Discord says so. An
/// answer that Discord does not take for two minutes is given up, even though its token lives on.
const PAUSES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(200))
    .with_factor(2.0)
    .with_max_delay(Duration::from_secs(20))
    .with_max_times(10)
    .with_jitter();

/// How long a connection may take: what never got one is known not to have been carried out.
const CONNECTING: Duration = Duration::from_secs(2);

/// How long any request may take.
const LONGEST: Duration = Duration::from_mins(1);

/// How long a connection is kept for the next request: networks forget idle ones without a word.
const IDLE: Duration = Duration::from_secs(30);

/// "Interaction has already been acknowledged": Discord takes only one first answer.
const ALREADY_ANSWERED: u32 = 40060;

/// The connections of the process to Discord.
static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let client = Client::builder()
        .use_rustls_tls()
        .connect_timeout(CONNECTING)
        .timeout(LONGEST)
        .pool_idle_timeout(IDLE);
    client.build().unwrap_or_default()
});

/// The client for Discord, for the library too: it would wait for an answer for ever.
#[must_use]
pub fn client() -> Client {
    CLIENT.clone()
}

/// An answer on its way.
#[derive(Debug)]
pub struct Outgoing<'a> {
    request: Request<'a>,
    repeat: Repeat,
    limits: Limits,
}

/// Whether it may be sent again when Discord may have carried it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Discord takes only one, or the second changes nothing.
    Safe,
    /// The second would be shown too.
    Doubles,
    /// Discord counts each against a limit. Only what never reached it is sent again.
    Counts,
}

/// How long it is worth trying.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// No try begins after that.
    pub until: Instant,
    /// How long one try may take.
    pub patience: Duration,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// Discord has it.
    Yes,
    /// Another delivery of the same interaction was answered, here or in another process.
    Elsewhere,
    /// Discord may have it or not: its word on that was lost.
    Perhaps,
    /// Discord does not have it.
    No,
}

impl<'a> Outgoing<'a> {
    /// A message to that route.
    ///
    /// # Errors
    /// When it can't be written as JSON.
    pub fn new(
        (method, route): (LightMethod, Route<'a>),
        message: &impl Serialize,
        file: Option<CreateAttachment>,
        (repeat, limits): (Repeat, Limits),
    ) -> Result<Self, serde_json::Error> {
        let request = Request::new(route, method);
        let request = match file {
            None => request.body(Some(serde_json::to_vec(message)?)),
            Some(file) => request.multipart(Some(Multipart {
                upload: MultipartUpload::Attachments(vec![file]),
                payload_json: Some(serde_json::to_string(message)?),
                fields: Vec::new(),
            })),
        };
        Ok(Self {
            request,
            repeat,
            limits,
        })
    }

    /// A question, which can be asked again and again.
    fn question(route: Route<'a>, limits: Limits) -> Self {
        Self {
            request: Request::new(route, LightMethod::Get),
            repeat: Repeat::Safe,
            limits,
        }
    }

    /// A question with parameters, which can be asked again and again.
    #[must_use]
    pub fn question_with(
        route: Route<'a>,
        parameters: Vec<(&'static str, String)>,
        limits: Limits,
    ) -> Self {
        let question = Self::question(route, limits);
        Self {
            request: question.request.params(Some(parameters)),
            ..question
        }
    }

    /// Whether another try may do better, and harms nobody.
    fn may_repeat(&self, fault: &Fault) -> bool {
        match fault {
            Fault::Refused(refusal) if refusal.status == StatusCode::TOO_MANY_REQUESTS => {
                self.repeat != Repeat::Counts
            }
            Fault::Unconnected(_) => true,
            fault => fault.leaves_open() && self.repeat == Repeat::Safe,
        }
    }

    /// The pause before the next try; none if that would be too late.
    fn pause(&self, fault: &Fault, pause: Option<Duration>) -> Option<Duration> {
        let pause = pause?.max(fault.retry_after().unwrap_or_default());
        let next = Instant::now().checked_add(pause)?;
        (next < self.limits.until).then_some(pause)
    }
}

/// Sends it, again and again where that helps. What can't be delivered is logged.
pub async fn deliver(http: &Http, outgoing: &Outgoing<'_>) -> Delivered {
    let (sent, perhaps) = send(http, outgoing).await;
    match sent {
        Ok(_) => Delivered::Yes,
        Err(Fault::Refused(refusal)) if refusal.code == ALREADY_ANSWERED => {
            tracing::debug!(retried = perhaps, "the interaction is answered already");
            // By a try of ours, unless nothing of ours can have arrived.
            if perhaps {
                Delivered::Yes
            } else {
                Delivered::Elsewhere
            }
        }
        Err(fault) if perhaps || fault.leaves_open() => {
            tracing::warn!(error = %fault, "whether Discord took the answer is not known; what was done stays done");
            Delivered::Perhaps
        }
        Err(fault) => {
            tracing::error!(error = %fault, "Discord did not take the answer; what was done stays done");
            Delivered::No
        }
    }
}

/// What became of a message that nobody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// Discord has it.
    Yes,
    /// Discord refuses it, and will the next time too: in its words.
    Never(String),
    /// It may be sent later.
    NotNow,
}

/// Sends a message that nobody waits for.
pub async fn post(http: &Http, outgoing: &Outgoing<'_>) -> Posted {
    match ask(http, outgoing).await {
        Answered::Yes(_) => Posted::Yes,
        Answered::Refused { message, .. } => Posted::Never(message),
        Answered::NotNow { .. } => Posted::NotNow,
    }
}

/// What Discord says to a request that nobody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It was carried out: what Discord told.
    Yes(Vec<u8>),
    /// It is refused, and will be the next time too.
    Refused {
        /// Discord's number for why.
        code: u32,
        /// Its words.
        message: String,
    },
    /// It may be sent later.
    NotNow {
        /// How long Discord wants it to wait, if it says.
        wait: Option<Duration>,
    },
}

/// Sends a request that nobody waits for, and reads what Discord says to it.
pub async fn ask(http: &Http, outgoing: &Outgoing<'_>) -> Answered {
    match send(http, outgoing).await.0 {
        Ok(body) => Answered::Yes(body),
        Err(Fault::Refused(refusal)) if refusal.is_final() => Answered::Refused {
            code: refusal.code,
            message: refusal.message,
        },
        Err(fault) => {
            tracing::warn!(error = %fault, "Discord did not take a message; it is sent again later");
            let wait = fault.retry_after();
            Answered::NotNow { wait }
        }
    }
}

/// Sends it, again and again where that helps. Also tells whether a try that failed may have
/// arrived.
async fn send(http: &Http, outgoing: &Outgoing<'_>) -> (Result<Vec<u8>, Fault>, bool) {
    let mut perhaps = false;
    let sent = (|| attempt(http, outgoing))
        .retry(PAUSES)
        .when(|fault| outgoing.may_repeat(fault))
        .adjust(|fault, pause| outgoing.pause(fault, pause))
        .notify(|fault, pause| {
            perhaps |= fault.leaves_open();
            tracing::debug!(error = %fault, pause.ms = pause.as_millis(), "Discord did not take the message; trying again");
        })
        .await;
    (sent, perhaps)
}

/// What Discord knows, asked again and again where that helps; `None` where there is no such thing.
///
/// # Errors
/// When Discord does not say, or something else than was asked for.
pub async fn fetch<T: DeserializeOwned>(
    http: &Http,
    route: Route<'_>,
    limits: Limits,
) -> Result<Option<T>, Unfetched> {
    let question = Outgoing::question(route, limits);
    match send(http, &question).await.0 {
        Ok(body) => Ok(Some(serde_json::from_slice(&body)?)),
        // What the bot may not see is not there for it: it was removed from the guild, say.
        Err(Fault::Refused(refusal))
            if matches!(
                refusal.status,
                StatusCode::NOT_FOUND | StatusCode::FORBIDDEN
            ) =>
        {
            Ok(None)
        }
        Err(fault) => Err(Unfetched(fault)),
    }
}

/// One try, and the answer's body.
async fn attempt(http: &Http, outgoing: &Outgoing<'_>) -> Result<Vec<u8>, Fault> {
    let limit = Instant::now() + outgoing.limits.patience;
    let request = outgoing.request.clone();
    let request = request.build(&CLIENT, http.token(), http.proxy.as_deref())?;
    let response = timeout_at(limit, request.send())
        .await
        .map_err(|_| Fault::Late)??;
    let status = response.status();
    if status.is_success() {
        // Read to its end, so that the connection can be used again; who asked nothing is content
        // without it.
        let body = timeout_at(limit, response.bytes()).await;
        let body = body.ok().and_then(Result::ok);
        return Ok(body.map(Vec::from).unwrap_or_default());
    }
    let refusal = timeout_at(limit, Refusal::read(response)).await;
    Err(Fault::Refused(
        refusal.unwrap_or_else(|_| Refusal::new(status)),
    ))
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Unfetched(Fault);

impl From<serde_json::Error> for Unfetched {
    fn from(error: serde_json::Error) -> Self {
        Self(Fault::Unreadable(error))
    }
}

/// Why a try failed. None of them shows the address, in which the interaction's token is.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("Discord answers {}: {} {}", .0.status, .0.code, .0.message)]
    Refused(Refusal),
    #[error("there is no connection to Discord: {0:?}")]
    Unconnected(#[source] reqwest::Error),
    #[error("Discord's answer was lost: {0:?}")]
    Lost(#[source] reqwest::Error),
    #[error("Discord does not answer in time")]
    Late,
    #[error("Discord's answer can't be read: {0}")]
    Unreadable(#[source] serde_json::Error),
    #[error("the request can't be made: {0}")]
    Unsendable(#[from] serenity::Error),
}

impl From<reqwest::Error> for Fault {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_builder() {
            Self::Unsendable(error.into())
        } else if error.is_connect() {
            Self::Unconnected(error)
        } else {
            Self::Lost(error)
        }
    }
}

impl Fault {
    /// Whether Discord may have carried it out all the same.
    fn leaves_open(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.status.is_server_error(),
            Self::Lost(_) | Self::Late => true,
            Self::Unconnected(_) | Self::Unsendable(_) | Self::Unreadable(_) => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

/// What Discord says when it does not accept a request.
#[derive(Debug, Clone, PartialEq)]
struct Refusal {
    status: StatusCode,
    code: u32,
    message: String,
    retry_after: Option<Duration>,
}

/// Its body, if it is Discord itself that answers and not something before it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RefusalBody {
    code: u32,
    message: String,
    retry_after: Option<f64>,
}

impl Refusal {
    fn new(status: StatusCode) -> Self {
        Self::parse(status, &HeaderMap::new(), &[])
    }

    /// Whether it would be refused again: neither a limit, nor a token that may be mended.
    fn is_final(&self) -> bool {
        self.status.is_client_error()
            && !matches!(
                self.status,
                StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::UNAUTHORIZED
                    | StatusCode::REQUEST_TIMEOUT
            )
    }

    async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.unwrap_or_default();
        Self::parse(status, &headers, &body)
    }

    /// The time to wait is exact in the body, and rounded up in the header.
    fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let body: RefusalBody = serde_json::from_slice(body).unwrap_or_default();
        let header = headers.get(RETRY_AFTER);
        let header = header.and_then(|value| value.to_str().ok()?.parse().ok());
        let seconds = body.retry_after.or(header);
        Self {
            status,
            code: body.code,
            message: body.message,
            retry_after: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, header: Option<&str>, body: &str) -> Refusal {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        Refusal::parse(status, &headers, body.as_bytes())
    }

    fn outgoing(repeat: Repeat) -> Outgoing<'static> {
        let limits = Limits {
            until: Instant::now() + Duration::from_secs(3),
            patience: Duration::from_secs(1),
        };
        let gateway = (LightMethod::Get, Route::Gateway);
        Outgoing::new(gateway, &(), None, (repeat, limits)).unwrap()
    }

    #[test]
    fn the_time_to_wait_is_read_from_body_or_header() {
        let discord =
            r#"{"message":"You are being rate limited.","retry_after":0.3,"global":true}"#;
        let after = |header, body| refusal(429, header, body).retry_after;
        assert_eq!(after(Some("1"), discord), Some(Duration::from_millis(300)));
        let cloudflare = "<html>error 1015</html>";
        assert_eq!(after(Some("2"), cloudflare), Some(Duration::from_secs(2)));
        for nonsense in ["-1", "NaN", "inf", "1e300", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(after(Some(nonsense), ""), None, "{nonsense}");
        }
        let coded = refusal(400, None, r#"{"code":40060,"message":"done","errors":{}}"#);
        assert_eq!((coded.code, coded.message.as_str()), (40060, "done"));
    }

    #[test]
    fn only_what_harms_nobody_is_repeated() {
        let refused = |status| Fault::Refused(refusal(status, None, ""));
        let cases = [
            (refused(429), true, true),
            (refused(500), true, false),
            (refused(503), true, false),
            (Fault::Late, true, false),
            (refused(400), false, false),
            (refused(401), false, false),
            (refused(404), false, false),
        ];
        let (safe, doubles) = (outgoing(Repeat::Safe), outgoing(Repeat::Doubles));
        let counts = outgoing(Repeat::Counts);
        for (fault, if_safe, if_it_doubles) in cases {
            assert_eq!(safe.may_repeat(&fault), if_safe, "{fault}");
            assert_eq!(doubles.may_repeat(&fault), if_it_doubles, "{fault}");
            assert!(!counts.may_repeat(&fault), "{fault}");
        }
    }

    #[test]
    fn a_pause_is_as_long_as_discord_asks_and_never_ends_too_late() {
        let outgoing = outgoing(Repeat::Safe);
        let own = Some(Duration::from_millis(200));
        let asked = |header| Fault::Refused(refusal(429, Some(header), ""));
        assert_eq!(outgoing.pause(&Fault::Late, own), own);
        assert_eq!(outgoing.pause(&asked("0.1"), own), own);
        let two = Some(Duration::from_secs(2));
        assert_eq!(outgoing.pause(&asked("2"), own), two);
        assert_eq!(outgoing.pause(&asked("4"), own), None);
        assert_eq!(outgoing.pause(&asked("1e18"), own), None);
        assert_eq!(outgoing.pause(&asked("2"), None), None);
    }
}
