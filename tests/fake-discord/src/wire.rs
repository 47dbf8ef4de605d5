//! JSON objects in the shape in which Discord sends them.

use serde_json::{Value, json};

use crate::{
    permissions::ALL,
    snowflake,
    state::{Channel, Guild, Id, Interaction, Member, Place, Role, Shared, User, World},
};

/// What Discord lets a bot upload where nobody boosts.
pub(crate) const ATTACHMENT_LIMIT: usize = 10 * 1024 * 1024;

pub(crate) fn user(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "username": user.name,
        "global_name": user.global_name,
        "discriminator": if user.bot { "4242" } else { "0" },
        "avatar": null,
        "bot": user.bot,
        "system": false,
        "public_flags": 0,
        "flags": 0,
        "avatar_decoration_data": null,
        "primary_guild": null,
    })
}

pub(crate) fn user_by_id(world: &World, id: Id) -> Value {
    world.users.get(&id).map_or(Value::Null, user)
}

/// A member without the user, as it stands beside messages.
pub(crate) fn partial_member(member: &Member) -> Value {
    let roles: Vec<String> = member.roles.iter().map(ToString::to_string).collect();
    json!({
        "roles": roles,
        "nick": member.nick,
        "avatar": null,
        "banner": null,
        "joined_at": member.joined_at.to_rfc3339(),
        "premium_since": null,
        "deaf": false,
        "mute": false,
        "flags": 0,
        "pending": false,
        "communication_disabled_until": null,
    })
}

pub(crate) fn member(world: &World, member: &Member) -> Value {
    let mut json = partial_member(member);
    json["user"] = user_by_id(world, member.user);
    json
}

/// A member as interactions carry it: with the permissions worked out.
pub(crate) fn interacting_member(world: &World, guild: Id, user: Id) -> Value {
    let found = world.guilds.get(&guild).and_then(|g| g.members.get(&user));
    let mut json = found.map_or(Value::Null, |found| member(world, found));
    json["permissions"] = json!(world.permissions(guild, user).to_string());
    json
}

pub(crate) fn role(role: &Role) -> Value {
    json!({
        "id": role.id.to_string(),
        "name": role.name,
        "color": 0,
        "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
        "hoist": false,
        "icon": null,
        "unicode_emoji": null,
        "position": role.position,
        "permissions": role.permissions.to_string(),
        "managed": role.managed,
        "mentionable": false,
        "flags": 0,
    })
}

pub(crate) fn channel(world: &World, channel: &Channel, bot: Id) -> Value {
    let last = channel.messages.last().map(ToString::to_string);
    match channel.place {
        Place::Direct(recipient) => json!({
            "id": channel.id.to_string(),
            "type": 1,
            "flags": 0,
            "last_message_id": last,
            "recipients": [user_by_id(world, recipient)],
        }),
        Place::Guild(guild) => json!({
            "id": channel.id.to_string(),
            "type": 0,
            "guild_id": guild.to_string(),
            "name": channel.name,
            "position": 0,
            "permission_overwrites": overwrites(channel, bot),
            "parent_id": null,
            "topic": null,
            "nsfw": false,
            "rate_limit_per_user": 0,
            "last_message_id": last,
            "last_pin_timestamp": null,
            "flags": 0,
        }),
    }
}

fn overwrites(channel: &Channel, bot: Id) -> Value {
    if channel.denied == 0 {
        return json!([]);
    }
    json!([{
        "id": bot.to_string(),
        "type": 1,
        "allow": "0",
        "deny": channel.denied.to_string(),
    }])
}

/// The channel inside an interaction, with what the user may do there.
pub(crate) fn interaction_channel(world: &World, id: Id, user: Id, bot: Id) -> Value {
    let Some(found) = world.channels.get(&id) else {
        return Value::Null;
    };
    let mut json = channel(world, found, bot);
    let bits = found
        .guild()
        .map_or(ALL, |guild| world.permissions(guild, user));
    json["permissions"] = json!(bits.to_string());
    json
}

/// A guild as REST answers it.
pub(crate) fn guild(guild: &Guild) -> Value {
    let roles: Vec<Value> = guild.roles.values().map(role).collect();
    json!({
        "id": guild.id.to_string(),
        "name": guild.name,
        "icon": null,
        "icon_hash": null,
        "splash": null,
        "discovery_splash": null,
        "owner_id": guild.owner.to_string(),
        "region": "rotterdam",
        "afk_channel_id": null,
        "afk_timeout": 300,
        "widget_enabled": false,
        "widget_channel_id": null,
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "roles": roles,
        "emojis": [],
        "features": [],
        "mfa_level": 0,
        "application_id": null,
        "system_channel_id": guild.system_channel.map(|id| id.to_string()),
        "system_channel_flags": 0,
        "rules_channel_id": null,
        "max_members": 500_000,
        "vanity_url_code": null,
        "description": null,
        "banner": null,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": guild.locale,
        "public_updates_channel_id": null,
        "max_video_channel_users": 25,
        "nsfw_level": 0,
        "nsfw": false,
        "stickers": [],
        "premium_progress_bar_enabled": false,
        "safety_alerts_channel_id": null,
        "incidents_data": null,
    })
}

/// A guild as `GUILD_CREATE` brings it, which depends on the intents of the session.
pub(crate) fn guild_create(world: &World, guild: &Guild, bot: Id, all: bool, seen: bool) -> Value {
    let members: Vec<Value> = guild
        .members
        .values()
        .filter(|found| all || found.user == bot)
        .map(|found| member(world, found))
        .collect();
    let channels: Vec<Value> = guild
        .channels
        .iter()
        .filter_map(|id| world.channels.get(id))
        .map(|found| channel(world, found, bot))
        .collect();
    let mut json = self::guild(guild);
    json["joined_at"] = json!(guild.joined_at.to_rfc3339());
    json["large"] = json!(false);
    json["unavailable"] = json!(false);
    json["member_count"] = json!(guild.members.len());
    json["members"] = json!(members);
    json["channels"] = json!(channels);
    json["presences"] = if seen {
        presences(world, guild)
    } else {
        json!([])
    };
    for empty in [
        "voice_states",
        "threads",
        "stage_instances",
        "guild_scheduled_events",
    ] {
        json[empty] = json!([]);
    }
    json["soundboard_sounds"] = json!([]);
    json
}

fn presences(world: &World, guild: &Guild) -> Value {
    let users = guild.members.keys().filter_map(|id| world.users.get(id));
    users
        .filter(|user| !user.clients.is_empty())
        .map(|user| presence(user, guild.id))
        .collect()
}

/// `PRESENCE_UPDATE`: where a user is signed in.
pub(crate) fn presence(user: &User, guild: Id) -> Value {
    let status = user.clients.values().next().copied().unwrap_or("offline");
    json!({
        "user": { "id": user.id.to_string() },
        "guild_id": guild.to_string(),
        "status": status,
        "activities": [],
        "client_status": user.clients,
    })
}

/// The payload of `INTERACTION_CREATE`.
pub(crate) fn interaction(shared: &Shared, world: &World, of: &Interaction, data: &Value) -> Value {
    let bot = shared.application_id;
    let locale = world
        .users
        .get(&of.user)
        .map_or("en-US", |user| &user.locale);
    let mut json = json!({
        "id": of.id.to_string(),
        "application_id": bot.to_string(),
        "type": of.kind,
        "token": of.token,
        "version": 1,
        "data": data,
        "channel_id": of.channel.to_string(),
        "channel": interaction_channel(world, of.channel, of.user, bot),
        "locale": locale,
        "app_permissions": world.bot_permissions(of.channel, bot).to_string(),
        "entitlements": [],
        "attachment_size_limit": world.attachment_limit.unwrap_or(ATTACHMENT_LIMIT),
        "authorizing_integration_owners": { "0": of.guild.unwrap_or(0).to_string() },
        "context": u8::from(of.guild.is_none()),
    });
    match of.guild.and_then(|id| world.guilds.get(&id)) {
        Some(guild) => {
            json["guild_id"] = json!(guild.id.to_string());
            json["guild_locale"] = json!(guild.locale);
            json["guild"] = json!({
                "id": guild.id.to_string(), "locale": guild.locale, "features": [],
            });
            json["member"] = interacting_member(world, guild.id, of.user);
        }
        None => json["user"] = user_by_id(world, of.user),
    }
    if let Some(source) = of.source.and_then(|id| world.messages.get(&id)) {
        json["message"] = source.json.clone();
    }
    json
}

/// The application, as `/applications/@me` answers it.
pub(crate) fn application(shared: &Shared, world: &World) -> Value {
    let owner = world.guilds.values().next().map(|guild| guild.owner);
    let owner = owner.unwrap_or(shared.application_id);
    json!({
        "id": shared.application_id.to_string(),
        "name": "Punctaj",
        "icon": null,
        "description": "",
        "summary": "",
        "type": null,
        "bot_public": true,
        "bot_require_code_grant": false,
        "verify_key": "0".repeat(64),
        "team": null,
        // The presence intent, as an application in few guilds has it.
        "flags": if shared.settings.refuse_presence { 0 } else { 1 << 13 },
        "hook": true,
        "owner": user_by_id(world, owner),
        "bot": user_by_id(world, shared.application_id),
        "integration_types_config": { "0": {} },
        "approximate_guild_count": world.guilds.len(),
        "redirect_uris": [],
        "interactions_endpoint_url": null,
    })
}

/// A timestamp of now for edits, or of an identifier.
pub(crate) fn created(id: Id) -> Value {
    json!(snowflake::timestamp(id))
}
