//! Supabase's API, where it is configured: whether the key is taken, that it does not show the
//! program's schema, and whether there is storage.

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde::Deserialize;

use super::{Finding, unused};
use crate::config::{Loaded, Setting, Supabase};
use crate::discord::diagnose::cause;
use crate::i18n::{Message, keys};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the REST API says that it does not show a schema.
const NOT_EXPOSED: &str = "PGRST106";

/// What the API answers.
struct Answer {
    status: StatusCode,
    /// The number of an error.
    code: Option<String>,
}

#[derive(Deserialize)]
struct Problem {
    code: Option<String>,
}

/// What was found of the API; nothing where it is not configured.
pub async fn findings(loaded: &Loaded) -> Vec<Finding> {
    for setting in [Setting::SupabaseUrl, Setting::SupabaseServiceKey] {
        if loaded.is_broken(setting) {
            return vec![unused("supabase.rest", setting)];
        }
    }
    let Some(supabase) = &loaded.usable().supabase else {
        return vec![Finding::ok("supabase.rest", keys::DIAGNOSE_SUPABASE_OFF)];
    };
    let rest = ask(supabase, "rest/v1/", None).await;
    if rest.is_err() {
        return vec![self::rest(rest)];
    }
    let exposed = ask(
        supabase,
        "rest/v1/guilds?select=guild_id&limit=1",
        Some("punctaj"),
    );
    let storage = ask(supabase, "storage/v1/bucket", None);
    let (exposed, storage) = tokio::join!(exposed, storage);
    vec![
        self::rest(rest),
        self::exposed(exposed),
        self::storage(storage),
    ]
}

/// One question, as the holder of the key. No redirection is followed: the key would go along.
async fn ask(supabase: &Supabase, path: &str, profile: Option<&str>) -> Result<Answer, String> {
    let lost = |error: reqwest::Error| cause(&error.without_url());
    let client = Client::builder()
        .use_rustls_tls()
        .redirect(Policy::none())
        .timeout(PATIENCE);
    let client = client.build().map_err(lost)?;
    let base = supabase.url.as_str().trim_end_matches('/');
    let key = supabase.service_key.expose();
    let mut request = client
        .get(format!("{base}/{path}"))
        .header("apikey", key)
        .header(AUTHORIZATION, format!("Bearer {key}"));
    if let Some(profile) = profile {
        request = request.header("Accept-Profile", profile);
    }
    let response = request.send().await.map_err(lost)?;
    let status = response.status();
    // A body that says nothing of the kind is no problem of its own.
    let problem = response.json::<Problem>().await.ok();
    Ok(Answer {
        status,
        code: problem.and_then(|problem| problem.code),
    })
}

fn rest(answer: Result<Answer, String>) -> Finding {
    answered("supabase.rest", answer, |status| {
        status
            .is_success()
            .then(|| Finding::ok("supabase.rest", keys::DIAGNOSE_REST))
    })
}

fn storage(answer: Result<Answer, String>) -> Finding {
    let id = "supabase.storage";
    answered(id, answer, |status| match status {
        StatusCode::NOT_FOUND => Some(Finding::warning(
            id,
            keys::DIAGNOSE_STORAGE_NONE,
            keys::DIAGNOSE_STORAGE_REMEDY,
        )),
        // So it says that the key is not good enough.
        StatusCode::BAD_REQUEST => Some(refused(id)),
        status => status
            .is_success()
            .then(|| Finding::ok(id, keys::DIAGNOSE_STORAGE)),
    })
}

/// What an answer comes to: `own` knows some of them.
fn answered(
    id: &'static str,
    answer: Result<Answer, String>,
    own: impl FnOnce(StatusCode) -> Option<Finding>,
) -> Finding {
    let status = match answer {
        Ok(answer) => answer.status,
        Err(words) => {
            return Finding::failed(
                id,
                Message::new(keys::DIAGNOSE_NO_SUPABASE).with("words", words),
                keys::DIAGNOSE_NO_SUPABASE_REMEDY,
            );
        }
    };
    own(status).unwrap_or_else(|| match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => refused(id),
        status => Finding::failed(
            id,
            Message::new(keys::DIAGNOSE_SUPABASE_STATUS).with("status", status.as_str()),
            keys::DIAGNOSE_NO_SUPABASE_REMEDY,
        ),
    })
}

fn refused(id: &'static str) -> Finding {
    Finding::failed(id, keys::DIAGNOSE_KEY_REFUSED, keys::DIAGNOSE_KEY_REMEDY)
}

/// Where the schema is shown, the question is refused for want of rights, at best.
fn exposed(answer: Result<Answer, String>) -> Finding {
    let id = "supabase.exposure";
    match answer {
        Ok(answer) if answer.code.as_deref() == Some(NOT_EXPOSED) => {
            Finding::ok(id, keys::DIAGNOSE_REST_UNEXPOSED)
        }
        Ok(answer) if answer.status.is_success() => Finding::failed(
            id,
            keys::DIAGNOSE_REST_EXPOSED,
            keys::DIAGNOSE_REST_EXPOSED_REMEDY,
        ),
        Ok(Answer { code: Some(_), .. }) => Finding::warning(
            id,
            keys::DIAGNOSE_REST_LISTED,
            keys::DIAGNOSE_REST_EXPOSED_REMEDY,
        ),
        unknown => answered(id, unknown, |_| None),
    }
}
