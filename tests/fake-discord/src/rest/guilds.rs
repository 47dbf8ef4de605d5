//! Guilds, members and roles.

use serde_json::{Value, json};

use super::{Answer, Call, Outcome, id};
use crate::{
    gateway::intents,
    permissions::MANAGE_ROLES,
    problem::Problem,
    state::{Guild, Handle, Id, Shared, World},
    wire,
};

pub(crate) fn route(shared: &Handle, call: &Call) -> Outcome {
    let segments = call.segments();
    let guild = id(segments.get(1).copied().unwrap_or_default());
    match (call.method.as_str(), segments.get(2..).unwrap_or_default()) {
        ("GET", []) => read(shared, guild, |_, guild| Ok(wire::guild(guild))),
        ("GET", ["channels"]) => read(shared, guild, |world, guild| {
            let channels = guild
                .channels
                .iter()
                .filter_map(|id| world.channels.get(id));
            let bot = shared.application_id;
            Ok(channels
                .map(|found| wire::channel(world, found, bot))
                .collect())
        }),
        ("GET", ["roles"]) => read(shared, guild, |_, guild| {
            Ok(guild.roles.values().map(wire::role).collect())
        }),
        ("GET", ["roles", role]) => read(shared, guild, |_, guild| {
            let role = guild
                .roles
                .get(&id(role))
                .ok_or_else(Problem::unknown_role)?;
            Ok(wire::role(role))
        }),
        ("GET", ["members"]) => read(shared, guild, |world, guild| Ok(page(world, guild, call))),
        ("GET", ["members", "search"]) => {
            read(shared, guild, |world, guild| Ok(search(world, guild, call)))
        }
        ("GET", ["members", user]) => read(shared, guild, |world, guild| {
            let user = if *user == "@me" {
                shared.application_id
            } else {
                id(user)
            };
            let member = guild
                .members
                .get(&user)
                .ok_or_else(Problem::unknown_member)?;
            Ok(wire::member(world, member))
        }),
        ("PUT", ["members", user, "roles", role]) => {
            change_role(shared, guild, id(user), id(role), true)
        }
        ("DELETE", ["members", user, "roles", role]) => {
            change_role(shared, guild, id(user), id(role), false)
        }
        _ => Err(Problem::unknown_route()),
    }
}

/// Answers from a guild that the bot is in.
fn read(
    shared: &Shared,
    guild: Id,
    answer: impl FnOnce(&World, &Guild) -> Result<Value, Problem>,
) -> Outcome {
    let world = shared.world();
    let guild = world
        .guilds
        .get(&guild)
        .ok_or_else(Problem::unknown_guild)?;
    answer(&world, guild).map(Answer::Json)
}

fn page(world: &World, guild: &Guild, call: &Call) -> Value {
    let limit = usize::try_from(call.number("limit").unwrap_or(1)).unwrap_or(1);
    let after = call.number("after").unwrap_or(0);
    let members = guild.members.values().filter(|member| member.user > after);
    members
        .take(limit)
        .map(|member| wire::member(world, member))
        .collect()
}

fn search(world: &World, guild: &Guild, call: &Call) -> Value {
    let limit = usize::try_from(call.number("limit").unwrap_or(1)).unwrap_or(1);
    let query = call
        .query
        .get("query")
        .map(|text| text.to_lowercase())
        .unwrap_or_default();
    let named = |id: &Id| {
        world
            .users
            .get(id)
            .is_some_and(|user| user.name.to_lowercase().starts_with(&query))
    };
    let members = guild.members.values().filter(|member| named(&member.user));
    members
        .take(limit)
        .map(|member| wire::member(world, member))
        .collect()
}

fn change_role(shared: &Shared, guild: Id, user: Id, role: Id, give: bool) -> Outcome {
    let mut world = shared.world();
    may_change_role(&world, guild, role, shared.application_id)?;
    if !world.set_role(guild, user, role, give) {
        return Err(Problem::unknown_member());
    }
    Ok(Answer::Nothing)
}

/// The bot needs the permission, and a role above the one it gives or takes.
fn may_change_role(world: &World, guild: Id, role: Id, bot: Id) -> Result<(), Problem> {
    let found = world
        .guilds
        .get(&guild)
        .ok_or_else(Problem::unknown_guild)?;
    let role = found.roles.get(&role).ok_or_else(Problem::unknown_role)?;
    let allowed = world.permissions(guild, bot) & MANAGE_ROLES != 0;
    // Everybody has the guild's own role, and nobody gives it.
    if role.id == guild {
        return Err(Problem::invalid_role());
    }
    if allowed && !role.managed && found.is_below(role, bot) {
        Ok(())
    } else {
        Err(Problem::missing_permissions())
    }
}

impl World {
    /// Gives or takes a role; false if there is no such member.
    pub(crate) fn set_role(&mut self, guild: Id, user: Id, role: Id, give: bool) -> bool {
        let guild_found = self.guilds.get_mut(&guild);
        let Some(member) = guild_found.and_then(|found| found.members.get_mut(&user)) else {
            return false;
        };
        if member.roles.contains(&role) == give {
            return true;
        }
        member.roles.retain(|held| *held != role);
        if give {
            member.roles.push(role);
        }
        self.announce_member(guild, user, "GUILD_MEMBER_UPDATE");
        true
    }

    /// Tells the bot about a member (`GUILD_MEMBER_ADD`, `GUILD_MEMBER_UPDATE`).
    pub(crate) fn announce_member(&mut self, guild: Id, user: Id, event: &'static str) {
        let found = self
            .guilds
            .get(&guild)
            .and_then(|found| found.members.get(&user));
        let Some(member) = found else { return };
        let mut json = wire::member(self, member);
        json["guild_id"] = json!(guild.to_string());
        self.dispatch(Some(guild), intents::GUILD_MEMBERS, event, &json);
    }
}
