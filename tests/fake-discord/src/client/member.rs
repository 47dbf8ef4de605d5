//! A member of a guild: a person of the story.

use serde_json::json;

use super::{
    acting::Acting,
    device::Device,
    discord::FakeDiscord,
    guild::{self, Guild, Role},
};
use crate::{
    gateway::intents,
    state::{self, Id, World},
    wire,
};

/// Somebody who is about to join.
#[derive(Clone, Debug)]
#[must_use]
pub struct MemberBuilder {
    guild: Guild,
    name: String,
    nick: Option<String>,
    locale: Option<String>,
    permissions: Option<u64>,
    roles: Vec<Id>,
    owner: bool,
}

impl MemberBuilder {
    pub(crate) fn new(guild: &Guild, name: &str) -> Self {
        Self {
            guild: guild.clone(),
            name: name.to_owned(),
            nick: None,
            locale: None,
            permissions: None,
            roles: Vec::new(),
            owner: false,
        }
    }

    /// The name shown in this guild.
    pub fn display_name(mut self, name: &str) -> Self {
        self.nick = Some(name.to_owned());
        self
    }

    /// The language of the person's Discord.
    pub fn locale(mut self, locale: &str) -> Self {
        self.locale = Some(locale.to_owned());
        self
    }

    /// Permission bits, through a role of the person's own.
    pub fn permissions(mut self, bits: u64) -> Self {
        self.permissions = Some(bits);
        self
    }

    /// Roles of the guild.
    pub fn roles<'a>(mut self, roles: impl IntoIterator<Item = &'a Role>) -> Self {
        self.roles.extend(roles.into_iter().map(Role::id));
        self
    }

    /// Makes the person the owner of the guild.
    pub fn owner(mut self) -> Self {
        self.owner = true;
        self
    }

    /// The person joins; one who is in the guild already is changed.
    #[must_use]
    pub fn join(self) -> Member {
        let shared = &self.guild.discord.shared;
        let mut world = shared.world();
        let user = guild::add_user(shared, &mut world, &self.name);
        if let (Some(locale), Some(user)) = (&self.locale, world.users.get_mut(&user)) {
            user.locale.clone_from(locale);
        }
        self.enrol(&mut world, user);
        drop(world);
        let member = Member {
            guild: self.guild.clone(),
            user,
        };
        if let Some(bits) = self.permissions {
            member.set_permissions(bits);
        }
        member
    }

    fn enrol(&self, world: &mut World, user: Id) {
        let Some(guild) = world.guilds.get_mut(&self.guild.id) else {
            return;
        };
        if self.owner {
            guild.owner = user;
        }
        let fresh = !guild.members.contains_key(&user);
        let member = guild
            .members
            .entry(user)
            .or_insert_with(|| guild::member(user, Vec::new()));
        if self.nick.is_some() {
            member.nick.clone_from(&self.nick);
        }
        for role in &self.roles {
            if !member.roles.contains(role) {
                member.roles.push(*role);
            }
        }
        let event = if fresh {
            "GUILD_MEMBER_ADD"
        } else {
            "GUILD_MEMBER_UPDATE"
        };
        world.announce_member(self.guild.id, user, event);
    }
}

/// A person in a guild.
#[derive(Clone, Debug)]
pub struct Member {
    pub(crate) guild: Guild,
    pub(crate) user: Id,
}

impl Member {
    /// The user's identifier.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.user
    }

    /// The user name.
    #[must_use]
    pub fn name(&self) -> String {
        let world = self.discord().shared.world();
        world
            .users
            .get(&self.user)
            .map(|user| user.name.clone())
            .unwrap_or_default()
    }

    /// `<@id>`
    #[must_use]
    pub fn mention(&self) -> String {
        format!("<@{}>", self.user)
    }

    /// The guild.
    #[must_use]
    pub fn guild(&self) -> &Guild {
        &self.guild
    }

    pub(crate) fn discord(&self) -> &FakeDiscord {
        &self.guild.discord
    }

    /// The person takes a device and acts.
    pub fn on(&self, device: &Device) -> Acting {
        Acting::new(self, device)
    }

    /// Whether Discord shows the person this command at all.
    #[must_use]
    pub fn can_see(&self, command: &str) -> bool {
        let world = self.discord().shared.world();
        super::options::hidden(&world, Some(self.guild.id), self.user, command).is_none()
    }

    /// The person is signed in on these devices and on no others.
    pub fn presence<'a>(&self, devices: impl IntoIterator<Item = &'a Device>) {
        let clients = devices
            .into_iter()
            .map(|device| (device.platform().key(), "online"));
        let mut world = self.discord().shared.world();
        let Some(user) = world.users.get_mut(&self.user) else {
            return;
        };
        user.clients = clients.collect();
        let user = user.clone();
        let at = world
            .guilds
            .values()
            .filter(|guild| guild.members.contains_key(&user.id));
        let guilds: Vec<Id> = at.map(|guild| guild.id).collect();
        for guild in guilds {
            let json = wire::presence(&user, guild);
            world.dispatch(
                Some(guild),
                intents::GUILD_PRESENCES,
                "PRESENCE_UPDATE",
                &json,
            );
        }
    }

    /// Changes what the person may do.
    pub fn set_permissions(&self, bits: u64) {
        let name = format!("permissions of {}", self.name());
        let role = self.guild.role(&name).permissions(bits);
        self.add_role(&role);
    }

    /// Gives the person a role.
    pub fn add_role(&self, role: &Role) {
        self.discord()
            .shared
            .world()
            .set_role(self.guild.id, self.user, role.id(), true);
    }

    /// Takes a role from the person.
    pub fn remove_role(&self, role: &Role) {
        self.discord()
            .shared
            .world()
            .set_role(self.guild.id, self.user, role.id(), false);
    }

    /// The person has this role now.
    #[must_use]
    pub fn has_role(&self, role: &Role) -> bool {
        let id = role.id();
        self.read(|member| member.roles.contains(&id))
    }

    fn read<T: Default>(&self, what: impl FnOnce(&state::Member) -> T) -> T {
        let world = self.discord().shared.world();
        let guild = world.guilds.get(&self.guild.id);
        guild
            .and_then(|guild| guild.members.get(&self.user))
            .map(what)
            .unwrap_or_default()
    }

    /// From now on the person takes (or no longer takes) no direct messages.
    pub fn close_dms(&self, closed: bool) {
        if let Some(user) = self.discord().shared.world().users.get_mut(&self.user) {
            user.closed = closed;
        }
    }

    /// The person leaves the guild.
    pub fn leave(&self) {
        let mut world = self.discord().shared.world();
        if let Some(guild) = world.guilds.get_mut(&self.guild.id) {
            guild.members.remove(&self.user);
        }
        let json = json!({
            "guild_id": self.guild.id.to_string(),
            "user": wire::user_by_id(&world, self.user),
        });
        world.dispatch(
            Some(self.guild.id),
            intents::GUILD_MEMBERS,
            "GUILD_MEMBER_REMOVE",
            &json,
        );
    }
}
