//! The REST side: one entrance that reads, authorises, validates, routes and records.

pub(crate) mod accounts;
pub(crate) mod body;
pub(crate) mod channels;
pub(crate) mod commands;
pub(crate) mod guilds;
pub(crate) mod interactions;
pub(crate) mod messages;
pub(crate) mod webhooks;

use std::{collections::HashMap, time::Instant};

use axum::{
    Json,
    extract::{ConnectInfo, Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{AUTHORIZATION, DATE},
    },
    response::{AppendHeaders, IntoResponse, Response},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use self::body::Body;
use crate::{
    door::Latch,
    fault::Effect,
    gateway,
    problem::{Form, Problem, RateLimit},
    records::{Refusal, Requested, Violation},
    snowflake,
    state::{Attempt, Handle, Id, Shared},
};

/// What a route answers when it accepts.
#[derive(Debug)]
pub(crate) enum Answer {
    Json(Value),
    Created(Value),
    Nothing,
}

pub(crate) type Outcome = Result<Answer, Problem>;

/// A request, read whole.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) body: Body,
    authorization: Option<String>,
}

impl Call {
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path
            .split('/')
            .filter(|part| !part.is_empty())
            .collect()
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.query.get(name).and_then(|value| value.parse().ok())
    }
}

/// An identifier in a path; what is no number names nothing.
pub(crate) fn id(text: &str) -> Id {
    text.parse().unwrap_or_default()
}

/// The entrance of every REST request.
pub(crate) async fn enter(State(shared): State<Handle>, request: Request) -> Response {
    let latch = request.extensions().get::<ConnectInfo<Latch>>().cloned();
    let (call, read) = read(request).await;
    // A task of its own: what has arrived is carried out, even if the bot does not wait for it.
    let date = date(&shared);
    let end = tokio::spawn(async move { carry_out(&shared, &call, read).await }).await;
    match end {
        Ok(End::Answered(outcome)) => {
            let mut response = respond(outcome);
            response.headers_mut().extend(date.map(|date| (DATE, date)));
            response
        }
        Ok(End::HungUp) => {
            if let Some(ConnectInfo(latch)) = latch {
                latch.shut();
            }
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(bug) => std::panic::resume_unwind(bug.into_panic()),
    }
}

/// What the clock says, where a test has put it wrong.
fn date(shared: &Shared) -> Option<HeaderValue> {
    let ahead = shared.world().clock_ahead;
    let now = snowflake::now() + TimeDelta::seconds(ahead);
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    (ahead != 0).then(|| HeaderValue::from_str(&date).ok())?
}

/// How a request ends.
enum End {
    Answered(Outcome),
    HungUp,
}

/// Carries a request out, with what a test ordered for it before and after.
async fn carry_out(shared: &Handle, call: &Call, read: Result<(), Problem>) -> End {
    let allowed = read.and_then(|()| authorize(shared, call));
    let before = allowed
        .as_ref()
        .ok()
        .and_then(|()| fault(shared, call, false));
    match before {
        Some(Effect::HangUp) => {
            record(shared, call, (0, 0), None);
            return End::HungUp;
        }
        Some(Effect::Answer(problem)) => return answered(shared, call, Err(problem)),
        Some(Effect::Delay(by)) => tokio::time::sleep(by).await,
        None => {}
    }
    let outcome = allowed
        .and_then(|()| validate(shared, call))
        .and_then(|()| route(shared, call));
    let after = outcome
        .as_ref()
        .ok()
        .and_then(|_| fault(shared, call, true));
    match after {
        Some(Effect::HangUp) => {
            record(shared, call, (0, 0), None);
            End::HungUp
        }
        Some(Effect::Answer(problem)) => answered(shared, call, Err(problem)),
        Some(Effect::Delay(by)) => {
            let end = answered(shared, call, outcome);
            tokio::time::sleep(by).await;
            end
        }
        None => answered(shared, call, outcome),
    }
}

fn answered(shared: &Shared, call: &Call, outcome: Outcome) -> End {
    let (status, problem) = match &outcome {
        Ok(Answer::Json(_)) => ((200, 0), None),
        Ok(Answer::Created(_)) => ((201, 0), None),
        Ok(Answer::Nothing) => ((204, 0), None),
        Err(problem) => ((problem.status, problem.code), Some(problem)),
    };
    record(shared, call, status, problem);
    End::Answered(outcome)
}

/// What a test ordered for this request.
fn fault(shared: &Shared, call: &Call, after: bool) -> Option<Effect> {
    let mut world = shared.world();
    world.records.take_fault(&call.method, &call.path, after)
}

async fn read(request: Request) -> (Call, Result<(), Problem>) {
    let uri = request.uri().clone();
    let authorization = request.headers().get(AUTHORIZATION);
    let mut call = Call {
        method: request.method().to_string(),
        path: strip_version(uri.path()).to_owned(),
        query: query(uri.query().unwrap_or_default()),
        body: Body::default(),
        authorization: authorization
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
    };
    match body::read(request).await {
        Ok(body) => {
            call.body = body;
            (call, Ok(()))
        }
        Err(problem) => (call, Err(problem)),
    }
}

/// `/api/v10/users/@me` → `/users/@me`
fn strip_version(path: &str) -> &str {
    let rest = path.strip_prefix("/api").unwrap_or(path);
    rest.strip_prefix("/v10")
        .or_else(|| rest.strip_prefix("/v9"))
        .unwrap_or(rest)
}

fn query(text: &str) -> HashMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Interactions and their webhooks carry their own token; all else needs the bot's.
fn authorize(shared: &Shared, call: &Call) -> Result<(), Problem> {
    let own = ["/interactions/", "/webhooks/", "/gateway"];
    if call.path != "/gateway/bot" && own.iter().any(|prefix| call.path.starts_with(prefix)) {
        return Ok(());
    }
    let expected = format!("Bot {}", shared.settings.token);
    if call.authorization.as_ref() == Some(&expected) {
        Ok(())
    } else {
        Err(Problem::unauthorized())
    }
}

/// Holds the body against the official description.
fn validate(shared: &Shared, call: &Call) -> Result<(), Problem> {
    let Some(openapi) = &shared.openapi else {
        return Ok(());
    };
    if !call.body.given {
        return Ok(());
    }
    let errors = openapi.violations(&call.method, &call.segments(), &call.body.json);
    if errors.is_empty() {
        return Ok(());
    }
    let mut form = Form::default();
    for error in &errors {
        form.add("", "OPENAPI_VIOLATION", error);
    }
    shared.world().records.violations.push(Violation {
        method: call.method.clone(),
        path: call.path.clone(),
        body: call.body.json.clone(),
        errors,
    });
    form.finish()
}

fn route(shared: &Handle, call: &Call) -> Outcome {
    let segments = call.segments();
    match segments.as_slice() {
        ["gateway", rest @ ..] => gateway(shared, rest),
        ["users" | "oauth2", ..] | ["applications", "@me"] => accounts::route(shared, call),
        ["applications", ..] => commands::route(shared, call),
        ["interactions", ..] => interactions::route(shared, call),
        ["webhooks", ..] => webhooks::route(shared, call),
        ["channels", ..] => channels::route(shared, call),
        ["guilds", ..] => guilds::route(shared, call),
        _ => Err(Problem::unknown_route()),
    }
}

fn gateway(shared: &Shared, rest: &[&str]) -> Outcome {
    let url = gateway::gateway_url(shared);
    let more_shards = shared.world().more_shards;
    match rest {
        [] => Ok(Answer::Json(json!({ "url": url }))),
        ["bot"] => Ok(Answer::Json(json!({
            "url": url,
            "shards": 1 + more_shards,
            "session_start_limit": {
                "total": 1000, "remaining": 1000_u32.saturating_sub(shared.world().starts_used),
                "reset_after": 0, "max_concurrency": 16,
            },
        }))),
        _ => Err(Problem::unknown_route()),
    }
}

/// Notes a request, its status and error code, and why it was refused.
fn record(shared: &Shared, call: &Call, (status, code): (u16, u32), problem: Option<&Problem>) {
    let mut world = shared.world();
    world.records.requests.push(Requested {
        method: call.method.clone(),
        path: call.path.clone(),
        status,
        at: Instant::now(),
    });
    if let Some(problem) = problem
        && problem.status < 500
        && !problem.ordered
    {
        world.records.refusals.push(Refusal {
            method: call.method.clone(),
            path: call.path.clone(),
            body: call.body.json.clone(),
            status,
            code,
            reason: problem.reason(),
        });
    }
    let of = match call.segments().as_slice() {
        ["interactions", number, ..] => Some(id(number)),
        ["webhooks", _, token, ..] => world.tokens.get(*token).copied(),
        _ => None,
    };
    let interaction = of.and_then(|of| world.interactions.get_mut(&of));
    if let Some(interaction) = interaction {
        interaction.attempts.push(Attempt {
            method: call.method.clone(),
            path: call.path.clone(),
            body: call.body.json.clone(),
            status,
            code,
        });
        interaction.touch();
    }
    drop(world);
    shared.touch();
}

fn respond(outcome: Outcome) -> Response {
    match outcome {
        Ok(Answer::Json(json)) => Json(json).into_response(),
        Ok(Answer::Created(json)) => (StatusCode::CREATED, Json(json)).into_response(),
        Ok(Answer::Nothing) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => {
            let status = StatusCode::from_u16(problem.status);
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let headers = problem.rate_limit.map(RateLimit::headers);
            let headers = AppendHeaders(headers.unwrap_or_default());
            (status, headers, Json(problem.body())).into_response()
        }
    }
}
