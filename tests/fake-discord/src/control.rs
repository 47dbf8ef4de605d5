//! The control route: people for programs that are not written in Rust.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    client::{acting::Acting, device::Device, discord::FakeDiscord},
    reply::Reply,
    state::{Handle, Id},
};

/// What is asked for; the crate's documentation explains the fields.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    guild: String,
    user: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    command: String,
    #[serde(default)]
    options: Value,
    #[serde(default)]
    focused: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    device: String,
}

type Answered = (StatusCode, Json<Value>);

/// Plays a member, and answers with what the bot replied.
pub(crate) async fn interact(State(shared): State<Handle>, Json(wanted): Json<Wanted>) -> Answered {
    // A task of its own: what a person could not do ends it with a message.
    let playing = tokio::spawn(play(FakeDiscord::within(shared), wanted));
    match playing.await {
        Ok(Ok(reply)) => (StatusCode::OK, Json(reply)),
        Ok(Err(why)) => (StatusCode::BAD_REQUEST, Json(json!({ "error": why }))),
        Err(error) => (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": reason(error) })),
        ),
    }
}

fn reason(error: tokio::task::JoinError) -> String {
    let shown = error.to_string();
    match error.try_into_panic() {
        Ok(panic) => panic.downcast::<String>().map_or(shown, |text| *text),
        Err(_) => shown,
    }
}

async fn play(discord: FakeDiscord, wanted: Wanted) -> Result<Value, String> {
    let guild = discord.guild(&wanted.guild);
    let person = guild
        .member(&wanted.user)
        .join()
        .on(&Device::web(&wanted.device));
    let kind = wanted.kind.as_deref().unwrap_or("slash");
    if kind == "autocomplete" {
        return Ok(complete(&person, &wanted).await);
    }
    let reply = match kind {
        "slash" => {
            person
                .slash(&wanted.command, pairs(&texts(&wanted.options)))
                .await
        }
        "context_menu" => {
            let target = guild.member(&wanted.target).join();
            person.context_menu(&wanted.command, &target).await
        }
        "click" => {
            person
                .click(&message(&discord, &wanted)?, &wanted.command)
                .await
        }
        "select" => {
            let values = wanted
                .options
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            person
                .select(&message(&discord, &wanted)?, &wanted.command, values)
                .await
        }
        "submit" => {
            let opener = wanted
                .message
                .parse::<Id>()
                .map_err(|_| "message is no identifier")?;
            let modal = discord.pending(opener).answer().await;
            person.submit(&modal, pairs(&texts(&wanted.options))).await
        }
        other => return Err(format!("there is no kind {other:?}")),
    };
    Ok(shown(&reply))
}

async fn complete(person: &Acting, wanted: &Wanted) -> Value {
    let texts = texts(&wanted.options);
    let choices = person
        .autocomplete(&wanted.command, pairs(&texts), &wanted.focused)
        .await;
    let choices: Vec<Value> = choices
        .into_iter()
        .map(|choice| json!({ "name": choice.name, "value": choice.value }))
        .collect();
    json!({ "kind": "Choices", "choices": choices })
}

fn message(discord: &FakeDiscord, wanted: &Wanted) -> Result<Reply, String> {
    let id = wanted
        .message
        .parse::<Id>()
        .map_err(|_| "message is no identifier")?;
    discord
        .message(id)
        .ok_or_else(|| format!("there is no message {id}"))
}

fn texts(options: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let pairs = options.as_object().into_iter().flat_map(Map::iter);
    pairs
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn pairs(texts: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    texts
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

fn shown(reply: &Reply) -> Value {
    json!({
        "kind": format!("{:?}", reply.kind()),
        "text": reply.text(),
        "content": reply.content(),
        "buttons": reply.buttons(),
        "ephemeral": reply.is_ephemeral(),
        "deferred": reply.was_deferred(),
        "message": reply.message_id().map(|id| id.to_string()),
        "interaction": reply.interaction_id().map(|id| id.to_string()),
        "raw": reply.raw(),
    })
}
