//! A channel of the story.

use serde_json::json;

use super::discord::FakeDiscord;
use super::impossible;
use crate::rest::messages;
use crate::{gateway::intents, reply::Reply, state::Id, wire};

/// A channel, of a guild or for direct messages.
#[derive(Clone, Debug)]
pub struct Channel {
    discord: FakeDiscord,
    id: Id,
}

impl Channel {
    pub(crate) fn new(discord: &FakeDiscord, id: Id) -> Self {
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

    /// `<#id>`
    #[must_use]
    pub fn mention(&self) -> String {
        format!("<#{}>", self.id)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> String {
        let world = self.discord.shared.world();
        world
            .channels
            .get(&self.id)
            .map(|found| found.name.clone())
            .unwrap_or_default()
    }

    /// What stands here now, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Reply> {
        self.discord.channel_messages(self.id)
    }

    /// The newest message.
    #[must_use]
    pub fn last_message(&self) -> Option<Reply> {
        self.messages().pop()
    }

    /// Somebody deletes a message.
    ///
    /// # Panics
    /// If it does not stand here any more.
    pub fn delete_message(&self, message: &Reply) {
        let id = message.message_id().unwrap_or_default();
        let mut world = self.discord.shared.world();
        if let Err(problem) = messages::delete(&mut world, id) {
            impossible(&format!("{} is not there: {problem:?}", message.text()));
        }
    }

    /// Takes permissions from the bot in this channel; 0 gives them back.
    pub fn deny_bot(&self, bits: u64) {
        if let Some(channel) = self.discord.shared.world().channels.get_mut(&self.id) {
            channel.denied = bits;
        }
        self.announce("CHANNEL_UPDATE");
    }

    /// Deletes the channel with all that stands in it.
    pub fn delete(&self) {
        self.announce("CHANNEL_DELETE");
        let mut world = self.discord.shared.world();
        let guild = world.guild_of_channel(self.id);
        world.channels.remove(&self.id);
        if let Some(guild) = guild.and_then(|id| world.guilds.get_mut(&id)) {
            guild.channels.retain(|kept| *kept != self.id);
        }
    }

    pub(crate) fn announce(&self, event: &'static str) {
        let mut world = self.discord.shared.world();
        let Some(channel) = world.channels.get(&self.id) else {
            return;
        };
        let guild = channel.guild();
        let json = wire::channel(&world, channel, self.discord.application_id());
        world.dispatch(guild, intents::GUILDS, event, &json!(json));
    }
}
