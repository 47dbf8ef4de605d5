//! The bot's own user, its application, other users, and channels for direct messages.

use serde_json::{Value, json};

use super::{Answer, Call, Outcome, id};
use crate::{
    problem::Problem,
    state::{Handle, Shared},
    wire,
};

pub(crate) fn route(shared: &Handle, call: &Call) -> Outcome {
    let world = shared.world();
    match (call.method.as_str(), call.segments().as_slice()) {
        ("GET" | "PATCH", ["users", "@me"]) => {
            let user = wire::user_by_id(&world, shared.application_id);
            Ok(Answer::Json(user))
        }
        ("GET", ["users", "@me", "guilds"]) => {
            let guilds: Vec<Value> = world.guilds.values().map(wire::guild).collect();
            Ok(Answer::Json(json!(guilds)))
        }
        ("GET", ["users", user]) => {
            let user = world
                .users
                .get(&id(user))
                .ok_or_else(Problem::unknown_user)?;
            Ok(Answer::Json(wire::user(user)))
        }
        ("GET", ["oauth2", "applications", "@me"] | ["applications", "@me"]) => {
            Ok(Answer::Json(wire::application(shared, &world)))
        }
        ("POST", ["users", "@me", "channels"]) => {
            drop(world);
            open_direct(shared, &call.body.json)
        }
        _ => Err(Problem::unknown_route()),
    }
}

fn open_direct(shared: &Shared, body: &Value) -> Outcome {
    let mut world = shared.world();
    let user = id(body["recipient_id"].as_str().unwrap_or_default());
    let channel = world.direct_channel(user, &shared.ids);
    let channel = channel.and_then(|id| world.channels.get(&id));
    let channel = channel.ok_or_else(Problem::unknown_user)?;
    let json = wire::channel(&world, channel, shared.application_id);
    Ok(Answer::Json(json))
}
