//! A guild of the story.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{channel::Channel, discord::FakeDiscord, member::MemberBuilder};
use crate::{
    gateway::{Session, intents},
    permissions,
    snowflake::now,
    state::{self, Id, Place, Shared, User, World},
    wire,
};

/// The position of the bot's own role; other roles stand below unless they say otherwise.
const BOT_POSITION: u16 = 100;

/// How long the bot has been in guilds that were there before it connected.
const LONG_AGO: chrono::TimeDelta = chrono::TimeDelta::days(30);

/// A guild (a "server").
#[derive(Clone, Debug)]
pub struct Guild {
    pub(crate) discord: FakeDiscord,
    pub(crate) id: Id,
}

impl Guild {
    /// The guild of that name, made on first use.
    pub(crate) fn open(discord: &FakeDiscord, name: &str) -> Self {
        let mut world = discord.shared.world();
        let known = world
            .guilds
            .values()
            .find(|guild| guild.name == name)
            .map(|guild| guild.id);
        let id = known.unwrap_or_else(|| found(&discord.shared, &mut world, name));
        Self {
            discord: discord.clone(),
            id,
        }
    }

    /// The identifier.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> String {
        self.read(|guild| guild.name.clone())
    }

    fn read<T: Default>(&self, what: impl FnOnce(&state::Guild) -> T) -> T {
        self.discord
            .shared
            .world()
            .guilds
            .get(&self.id)
            .map(what)
            .unwrap_or_default()
    }

    /// Sets the guild's language.
    #[must_use]
    pub fn locale(self, locale: &str) -> Self {
        let mut world = self.discord.shared.world();
        if let Some(guild) = world.guilds.get_mut(&self.id) {
            locale.clone_into(&mut guild.locale);
            let json = wire::guild(guild);
            world.dispatch(Some(self.id), intents::GUILDS, "GUILD_UPDATE", &json);
        }
        drop(world);
        self
    }

    /// A member who will join; somebody of that name in another guild is the same person.
    pub fn member(&self, name: &str) -> MemberBuilder {
        MemberBuilder::new(self, name)
    }

    /// The text channel of that name, made on first use.
    #[must_use]
    pub fn channel(&self, name: &str) -> Channel {
        let mut world = self.discord.shared.world();
        let known = self.channel_named(&world, name);
        let id =
            known.unwrap_or_else(|| add_channel(&self.discord.shared, &mut world, self.id, name));
        drop(world);
        let channel = Channel::new(&self.discord, id);
        if known.is_none() {
            channel.announce("CHANNEL_CREATE");
        }
        channel
    }

    fn channel_named(&self, world: &World, name: &str) -> Option<Id> {
        let channels = &world.guilds.get(&self.id)?.channels;
        let named = |id: &&Id| {
            world
                .channels
                .get(id)
                .is_some_and(|channel| channel.name == name)
        };
        channels.iter().find(named).copied()
    }

    /// The role of that name, made on first use, below the bot's own role.
    #[must_use]
    pub fn role(&self, name: &str) -> Role {
        let mut world = self.discord.shared.world();
        let named = |guild: &state::Guild| {
            guild
                .roles
                .values()
                .find(|role| role.name == name)
                .map(|role| role.id)
        };
        let known = world.guilds.get(&self.id).and_then(named);
        let id = known.unwrap_or_else(|| add_role(&self.discord.shared, &mut world, self.id, name));
        Role {
            guild: self.clone(),
            id,
        }
    }

    /// Sets what the bot may do in this guild.
    pub fn bot_permissions(&self, bits: u64) {
        let role = self.read(|guild| guild.bot_role);
        set_role_permissions(&mut self.discord.shared.world(), self.id, role, bits);
    }

    /// Server Settings > Integrations: shows a command to everybody who has a role (or everybody,
    /// with the guild's own id), or hides it from them.
    ///
    /// # Panics
    /// If there is no such command.
    pub fn show_command(&self, command: &str, role: u64, shown: bool) {
        let mut world = self.discord.shared.world();
        let registered = world.commands.get(&None).into_iter().flatten();
        let mut registered = registered.filter(|it| it["name"] == command);
        let Some(id) = registered.next().map(|it| it["id"].clone()) else {
            unreachable!("there is no command {command}");
        };
        let application = self.discord.shared.application_id.to_string();
        let guild = self.id.to_string();
        let set = world.command_permissions.entry(self.id).or_default();
        let at = set.iter().position(|it| it["id"] == id);
        let at = at.unwrap_or_else(|| {
            set.push(json!({
                "id": id, "application_id": application, "guild_id": guild, "permissions": []
            }));
            set.len() - 1
        });
        let permission = json!({ "id": role.to_string(), "type": 1, "permission": shown });
        if let Some(all) = set[at]["permissions"].as_array_mut() {
            all.retain(|it| it["id"] != permission["id"]);
            all.push(permission);
        }
    }

    /// The owner keeps a command from everybody, under Server Settings > Integrations.
    pub fn hide_command(&self, name: &str) {
        self.show_command(name, self.id, false);
    }

    /// The bot is thrown out: `GUILD_DELETE`, and the guild is gone.
    pub fn remove_bot(&self) {
        let mut world = self.discord.shared.world();
        let json = json!({ "id": self.id.to_string() });
        world.dispatch(Some(self.id), intents::GUILDS, "GUILD_DELETE", &json);
        if let Some(guild) = world.guilds.remove(&self.id) {
            world.left.insert(self.id, guild);
        }
    }

    /// The bot is invited again after it was thrown out: `GUILD_CREATE`, with all that is there.
    pub fn invite_bot_again(&self) {
        let mut world = self.discord.shared.world();
        if let Some(mut guild) = world.left.remove(&self.id) {
            // Whole seconds are all that some bots look at.
            guild.joined_at = now().max(guild.joined_at + chrono::TimeDelta::seconds(1));
            world.guilds.insert(self.id, guild);
        }
        world.dispatch_guild(self.id, self.discord.application_id());
    }

    /// Sets the channel for Discord's own messages; a new guild has none.
    pub fn system_channel(&self, channel: &Channel) {
        let mut world = self.discord.shared.world();
        if let Some(guild) = world.guilds.get_mut(&self.id) {
            guild.system_channel = Some(channel.id());
            let json = wire::guild(guild);
            world.dispatch(Some(self.id), intents::GUILDS, "GUILD_UPDATE", &json);
        }
    }
}

/// A role of a guild.
#[derive(Clone, Debug)]
pub struct Role {
    guild: Guild,
    id: Id,
}

impl Role {
    /// The identifier.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// `<@&id>`
    #[must_use]
    pub fn mention(&self) -> String {
        format!("<@&{}>", self.id)
    }

    /// Sets what the role grants.
    #[must_use]
    pub fn permissions(self, bits: u64) -> Self {
        let mut world = self.guild.discord.shared.world();
        set_role_permissions(&mut world, self.guild.id, self.id, bits);
        drop(world);
        self
    }

    /// Moves the role above the bot's own, which then cannot give or take it.
    #[must_use]
    pub fn above_bot(self) -> Self {
        self.position(BOT_POSITION + 1)
    }

    /// Moves the role; higher is higher. The bot's own stands at 100, a new one at 1.
    #[must_use]
    pub fn position(self, position: u16) -> Self {
        self.change(|role| role.position = position)
    }

    /// Makes it one that a bot, a boost or another service gives, and nobody else.
    #[must_use]
    pub fn managed(self) -> Self {
        self.change(|role| role.managed = true)
    }

    fn change(self, change: impl FnOnce(&mut state::Role)) -> Self {
        let mut world = self.guild.discord.shared.world();
        change_role(&mut world, self.guild.id, self.id, change);
        drop(world);
        self
    }

    /// Deletes the role, also from its members.
    pub fn delete(&self) {
        let mut world = self.guild.discord.shared.world();
        let Some(guild) = world.guilds.get_mut(&self.guild.id) else {
            return;
        };
        guild.roles.remove(&self.id);
        for member in guild.members.values_mut() {
            member.roles.retain(|role| *role != self.id);
        }
        let json = json!({ "guild_id": self.guild.id.to_string(), "role_id": self.id.to_string() });
        world.dispatch(
            Some(self.guild.id),
            intents::GUILDS,
            "GUILD_ROLE_DELETE",
            &json,
        );
    }
}

/// Makes a guild with an owner, the bot, its role, and one channel.
fn found(shared: &Shared, world: &mut World, name: &str) -> Id {
    let id = shared.ids.next();
    let bot_role = shared.ids.next();
    let owner = add_user(shared, world, &format!("owner of {name}"));
    let joins = world.sessions.values().any(Session::connected);
    let mut guild = state::Guild {
        id,
        name: name.to_owned(),
        owner,
        locale: "en-US".to_owned(),
        // A guild that is there before the bot connects has had it for long.
        joined_at: if joins { now() } else { now() - LONG_AGO },
        bot_role,
        system_channel: None,
        roles: BTreeMap::new(),
        members: BTreeMap::new(),
        channels: Vec::new(),
    };
    let everyone = role(id, "@everyone", permissions::EVERYONE, 0);
    let own = state::Role {
        managed: true,
        ..role(bot_role, "Punctaj", permissions::BOT, BOT_POSITION)
    };
    guild.roles.extend([(id, everyone), (bot_role, own)]);
    for (user, roles) in [(owner, vec![]), (shared.application_id, vec![bot_role])] {
        guild.members.insert(user, member(user, roles));
    }
    world.guilds.insert(id, guild);
    add_channel(shared, world, id, "general");
    world.dispatch_guild(id, shared.application_id);
    id
}

pub(crate) fn member(user: Id, roles: Vec<Id>) -> state::Member {
    state::Member {
        user,
        nick: None,
        roles,
        joined_at: now(),
    }
}

fn role(id: Id, name: &str, permissions: u64, position: u16) -> state::Role {
    state::Role {
        id,
        name: name.to_owned(),
        permissions,
        position,
        managed: false,
    }
}

/// The user of that name, made on first use.
pub(crate) fn add_user(shared: &Shared, world: &mut World, name: &str) -> Id {
    let known = world
        .users
        .values()
        .find(|user| user.name == name && !user.bot);
    if let Some(known) = known {
        return known.id;
    }
    let id = shared.ids.next();
    let user = User {
        id,
        name: name.to_owned(),
        locale: "en-US".to_owned(),
        ..User::default()
    };
    world.users.insert(id, user);
    id
}

fn add_channel(shared: &Shared, world: &mut World, guild: Id, name: &str) -> Id {
    let id = shared.ids.next();
    let channel = state::Channel {
        id,
        name: name.to_owned(),
        place: Place::Guild(guild),
        denied: 0,
        messages: Vec::new(),
    };
    world.channels.insert(id, channel);
    if let Some(guild) = world.guilds.get_mut(&guild) {
        guild.channels.push(id);
    }
    id
}

pub(crate) fn add_role(shared: &Shared, world: &mut World, guild: Id, name: &str) -> Id {
    let id = shared.ids.next();
    let Some(found) = world.guilds.get_mut(&guild) else {
        return id;
    };
    let made = role(id, name, 0, 1);
    let json = role_event(guild, &made);
    found.roles.insert(id, made);
    world.dispatch(Some(guild), intents::GUILDS, "GUILD_ROLE_CREATE", &json);
    id
}

fn role_event(guild: Id, role: &state::Role) -> Value {
    json!({ "guild_id": guild.to_string(), "role": wire::role(role) })
}

pub(crate) fn set_role_permissions(world: &mut World, guild: Id, role: Id, bits: u64) {
    change_role(world, guild, role, |role| role.permissions = bits);
}

fn change_role(world: &mut World, guild: Id, role: Id, change: impl FnOnce(&mut state::Role)) {
    let found = world
        .guilds
        .get_mut(&guild)
        .and_then(|found| found.roles.get_mut(&role));
    let Some(found) = found else { return };
    change(found);
    let json = role_event(guild, found);
    world.dispatch(Some(guild), intents::GUILDS, "GUILD_ROLE_UPDATE", &json);
}
