//! A person with a device in hand: commands, clicks, menus, modals.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout_at};

use super::{
    channel::Channel,
    components,
    device::Device,
    discord::FakeDiscord,
    impossible,
    member::Member,
    options::{self, Order},
};
use crate::{
    gateway::intents,
    records::Step,
    reply::{Progress, Reply},
    state::{self, Id, Interaction, World},
    wire,
};

const COMMAND: u64 = 2;
const COMPONENT: u64 = 3;
const AUTOCOMPLETE: u64 = 4;
const MODAL_SUBMIT: u64 = 5;

/// What the stand-in grants beyond the time for a first answer, for its own work on a late one.
const GRACE: Duration = Duration::from_millis(250);

/// A person about to do something.
#[derive(Clone, Debug)]
#[must_use]
pub struct Acting {
    member: Member,
    device: Device,
    at: Option<DateTime<Utc>>,
    channel: Option<Id>,
    direct: bool,
    files: Vec<(String, Bytes)>,
}

/// A choice that a bot proposes while somebody types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is shown.
    pub name: String,
    /// What is filled in (numbers as text).
    pub value: String,
}

/// The parts of an interaction that depend on what is done.
struct Action {
    kind: u64,
    data: Value,
    source: Option<Id>,
    place: Place,
    what: String,
}

/// Where something is done.
#[derive(Clone, Copy)]
struct Place {
    guild: Option<Id>,
    channel: Id,
}

impl Acting {
    pub(crate) fn new(member: &Member, device: &Device) -> Self {
        Self {
            member: member.clone(),
            device: device.clone(),
            at: None,
            channel: None,
            direct: false,
            files: Vec::new(),
        }
    }

    /// Pins the moment which the interaction's identifier tells.
    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.at = Some(at);
        self
    }

    /// In this channel; otherwise it is the guild's first one.
    pub fn in_channel(mut self, channel: &Channel) -> Self {
        self.channel = Some(channel.id());
        self
    }

    /// In the direct messages with the bot.
    pub fn in_dm(mut self) -> Self {
        self.direct = true;
        self
    }

    /// With a file at hand, for options that take one: their value is the file's name.
    pub fn file(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files
            .push((name.to_owned(), Bytes::from(bytes.into())));
        self
    }

    /// A slash command with its subcommands (`punctaj add`), and the options as they are typed.
    pub async fn slash<'a>(
        &self,
        command: &str,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Reply {
        self.slash_start(command, options).answer().await
    }

    /// Sends a slash command without waiting.
    pub fn slash_start<'a>(
        &self,
        command: &str,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Pending {
        let options: Vec<(&str, &str)> = options.into_iter().collect();
        let typed = options
            .iter()
            .map(|(name, value)| format!(" {name}: {value}"));
        let what = format!("/{command}{}", typed.collect::<String>());
        let place = self.place();
        let order = self.order(place, command, &options, None);
        let data =
            options::invocation(self.discord(), &order).unwrap_or_else(|why| impossible(&why));
        self.send(Action {
            kind: COMMAND,
            data,
            source: None,
            place,
            what,
        })
    }

    fn order<'a>(
        &'a self,
        place: Place,
        command: &'a str,
        options: &'a [(&'a str, &'a str)],
        focused: Option<&'a str>,
    ) -> Order<'a> {
        Order {
            guild: place.guild,
            channel: place.channel,
            user: self.member.id(),
            command,
            options,
            files: &self.files,
            focused,
        }
    }

    /// What the bot proposes for the focused option, given what was typed so far.
    pub async fn autocomplete<'a>(
        &self,
        command: &str,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
        focused: &str,
    ) -> Vec<Choice> {
        let choices = self.try_autocomplete(command, options, focused).await;
        let why = || impossible(&format!("no choices for {focused} of /{command} in time"));
        choices.unwrap_or_else(why)
    }

    /// As [`Self::autocomplete`], but `None` if the bot did not answer in time.
    pub async fn try_autocomplete<'a>(
        &self,
        command: &str,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
        focused: &str,
    ) -> Option<Vec<Choice>> {
        let options: Vec<(&str, &str)> = options.into_iter().collect();
        let place = self.place();
        let order = self.order(place, command, &options, Some(focused));
        let data =
            options::invocation(self.discord(), &order).unwrap_or_else(|why| impossible(&why));
        let what = format!("/{command} {focused}: …");
        let action = Action {
            kind: AUTOCOMPLETE,
            data,
            source: None,
            place,
            what,
        };
        self.send(action).answer().await.choices()
    }

    /// A context menu command on a member.
    pub async fn context_menu(&self, command: &str, target: &Member) -> Reply {
        self.context_menu_start(command, target).answer().await
    }

    /// Sends a context menu command without waiting.
    pub fn context_menu_start(&self, command: &str, target: &Member) -> Pending {
        let place = self.place();
        let order = self.order(place, command, &[], None);
        let data = options::on_user(self.discord(), &order, target.id());
        self.send(Action {
            kind: COMMAND,
            data: data.unwrap_or_else(|why| impossible(&why)),
            source: None,
            place,
            what: format!("{command} → {}", target.name()),
        })
    }

    /// A context menu command on a message.
    pub async fn message_menu(&self, command: &str, message: &Reply) -> Reply {
        let place = self.place();
        let order = self.order(place, command, &[], None);
        let data = options::on_message(self.discord(), &order, message.message_id());
        let action = Action {
            kind: COMMAND,
            data: data.unwrap_or_else(|why| impossible(&why)),
            source: None,
            place,
            what: format!("{command} → a message"),
        };
        self.send(action).answer().await
    }

    /// Presses a button by its label (or the beginning of its `custom_id`).
    pub async fn click(&self, on: &Reply, button: &str) -> Reply {
        self.click_start(on, button).answer().await
    }

    /// Presses a button without waiting.
    pub fn click_start(&self, on: &Reply, button: &str) -> Pending {
        let message = self.message(on);
        let data = components::button(&message.json, button).unwrap_or_else(|why| impossible(&why));
        self.send_component(&message, data, format!("[{button}]"))
    }

    /// Chooses in a menu, named by its placeholder or the beginning of its `custom_id`: options
    /// by value or label, members, roles and channels by mention.
    pub async fn select<'a>(
        &self,
        on: &Reply,
        menu: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Reply {
        self.select_start(on, menu, values).answer().await
    }

    /// Chooses in a menu without waiting.
    pub fn select_start<'a>(
        &self,
        on: &Reply,
        menu: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Pending {
        let values: Vec<&str> = values.into_iter().collect();
        let message = self.message(on);
        let place = self.place_of(&message);
        let data = components::select(
            &self.discord().shared.world(),
            place.guild,
            &message.json,
            menu,
            &values,
        );
        let what = format!("[{menu}: {}]", values.join(", "));
        self.send_component(&message, data.unwrap_or_else(|why| impossible(&why)), what)
    }

    /// Sends the modal that a reply opened: fields by `custom_id` or label; the others keep what
    /// the bot filled in.
    pub async fn submit<'a>(
        &self,
        modal: &Reply,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Reply {
        self.submit_start(modal, fields).answer().await
    }

    /// Sends a modal without waiting.
    pub fn submit_start<'a>(
        &self,
        modal: &Reply,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Pending {
        let fields: Vec<(&str, &str)> = fields.into_iter().collect();
        let form = modal
            .modal()
            .unwrap_or_else(|| impossible("the reply opened no modal"));
        let data = components::submit(form, &fields).unwrap_or_else(|why| impossible(&why));
        let (place, source) = self.opened_from(modal);
        let typed = fields
            .iter()
            .map(|(name, value)| format!(" {name}: {value}"));
        let title = form["title"].as_str().unwrap_or_default();
        self.send(Action {
            kind: MODAL_SUBMIT,
            data,
            source,
            place,
            what: format!("({title}){}", typed.collect::<String>()),
        })
    }

    /// Where the interaction was that opened a modal, and on which message.
    fn opened_from(&self, modal: &Reply) -> (Place, Option<Id>) {
        let world = self.discord().shared.world();
        match modal.interaction_id().and_then(|id| world.interaction(id)) {
            Some(opener) if opener.user == self.member.id() => {
                let place = Place {
                    guild: opener.guild,
                    channel: opener.channel,
                };
                (place, opener.source)
            }
            _ => impossible("the modal was not opened for this person"),
        }
    }

    fn discord(&self) -> &FakeDiscord {
        self.member.discord()
    }

    /// The message as it is now; nobody can use one that is gone or not theirs to see.
    fn message(&self, on: &Reply) -> state::Message {
        let world = self.discord().shared.world();
        let message = on
            .message_id()
            .and_then(|id| world.messages.get(&id))
            .cloned();
        let Some(message) = message.filter(|message| !message.deleted) else {
            impossible("there is no message to use");
        };
        let seen_by = message
            .interaction
            .and_then(|id| world.interaction(id))
            .map(|found| found.user);
        if message.ephemeral && seen_by != Some(self.member.id()) {
            impossible("the message is ephemeral and was shown to somebody else");
        }
        message
    }

    fn send_component(&self, message: &state::Message, data: Value, what: String) -> Pending {
        self.send(Action {
            kind: COMPONENT,
            data,
            source: Some(message.id),
            place: self.place_of(message),
            what,
        })
    }

    fn place_of(&self, message: &state::Message) -> Place {
        Place {
            guild: self
                .discord()
                .shared
                .world()
                .guild_of_channel(message.channel),
            channel: message.channel,
        }
    }

    /// Where commands are given.
    fn place(&self) -> Place {
        let shared = &self.discord().shared;
        let mut world = shared.world();
        if self.direct {
            let channel = world.direct_channel(self.member.id(), &shared.ids);
            return Place {
                guild: None,
                channel: channel.unwrap_or_default(),
            };
        }
        let guild = self.member.guild.id;
        let first = world
            .guilds
            .get(&guild)
            .and_then(|found| found.channels.first().copied());
        Place {
            guild: Some(guild),
            channel: self
                .channel
                .or(first)
                .unwrap_or_else(|| impossible("the guild has no channel")),
        }
    }

    /// Creates the interaction and sends it to every bot that listens.
    fn send(&self, action: Action) -> Pending {
        let shared = &self.discord().shared;
        let id = self
            .at
            .map_or_else(|| shared.ids.next(), |at| shared.ids.at(at));
        let mut world = shared.world();
        if let Some(guild) = action
            .place
            .guild
            .and_then(|guild| world.guilds.get(&guild))
            && !guild.members.contains_key(&self.member.id())
        {
            impossible(&format!(
                "member {} is not in {}",
                self.member.id(),
                guild.name
            ));
        }
        let mut interaction = self.interaction(id, &action, world.passed);
        interaction.payload = wire::interaction(shared, &world, &interaction, &action.data);
        let payload = interaction.payload.clone();
        world.tokens.insert(interaction.token.clone(), id);
        world.interactions.insert(id, interaction);
        world.dispatch(
            action.place.guild,
            intents::NONE,
            "INTERACTION_CREATE",
            &payload,
        );
        drop(world);
        let mut pending = Pending::of(self.discord(), id);
        pending.step = Some(Step {
            who: self.member.name(),
            device: self.device.label().to_owned(),
            what: action.what,
            reply: String::new(),
        });
        pending
    }

    fn interaction(&self, id: Id, action: &Action, passed: Duration) -> Interaction {
        Interaction {
            id,
            token: BASE64_URL_SAFE_NO_PAD
                .encode(format!("interaction:{id}:of:{}", self.member.id())),
            kind: action.kind,
            payload: Value::Null,
            guild: action.place.guild,
            channel: action.place.channel,
            user: self.member.id(),
            source: action.source,
            dispatched: Instant::now(),
            passed_before: passed,
            first: None,
            original: None,
            completed: false,
            follow_ups: Vec::new(),
            attempts: Vec::new(),
            changed: watch::Sender::new(0),
        }
    }
}

/// An interaction on its way.
#[derive(Debug)]
#[must_use]
pub struct Pending {
    discord: FakeDiscord,
    interaction: Id,
    started: Instant,
    step: Option<Step>,
}

impl Pending {
    pub(crate) fn of(discord: &FakeDiscord, interaction: Id) -> Self {
        Self {
            discord: discord.clone(),
            interaction,
            started: Instant::now(),
            step: None,
        }
    }

    /// The interaction's identifier.
    #[must_use]
    pub fn interaction_id(&self) -> u64 {
        self.interaction
    }

    /// Waits for the final answer: for the first sign of life and for a deferred answer as long as
    /// the builder says.
    pub async fn answer(self) -> Reply {
        let reply = self.outcome().await;
        if let Some(mut step) = self.step {
            step.reply = reply.text();
            self.discord.shared.world().records.transcript.push(step);
        }
        reply
    }

    async fn outcome(&self) -> Reply {
        let mut changes = self.changes();
        let settings = &self.discord.shared.settings;
        loop {
            let (progress, reply) = self.look();
            let bound = match progress {
                Progress::Done => return reply,
                Progress::Unanswered => settings.first_answer + GRACE,
                Progress::Deferred => settings.deferred_bound,
            };
            let deadline = self.started + bound;
            if !matches!(
                timeout_at(deadline.into(), changes.changed()).await,
                Ok(Ok(()))
            ) {
                return self.look().1;
            }
        }
    }

    fn changes(&self) -> watch::Receiver<u64> {
        let world = self.discord.shared.world();
        let interaction = world.interaction(self.interaction);
        let unknown = || impossible(&format!("there is no interaction {}", self.interaction));
        interaction.unwrap_or_else(unknown).changed.subscribe()
    }

    fn look(&self) -> (Progress, Reply) {
        let world = self.discord.shared.world();
        Reply::of(&self.discord, &world, self.interaction)
    }
}

/// The choices of an autocomplete answer.
pub(crate) fn choices(found: &[Value]) -> Vec<Choice> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let choice = |found: &Value| Choice {
        name: text(&found["name"]),
        value: text(&found["value"]),
    };
    found.iter().map(choice).collect()
}

/// Marks what an interaction names as resolved.
pub(crate) fn resolve_user(
    world: &World,
    guild: Option<Id>,
    user: Id,
    resolved: &mut Value,
) -> bool {
    let Some(found) = world.users.get(&user) else {
        return false;
    };
    let key = user.to_string();
    resolved["users"][&key] = wire::user(found);
    let member = guild.and_then(|id| world.guilds.get(&id)?.members.get(&user));
    if let (Some(member), Some(guild)) = (member, guild) {
        let mut json = wire::partial_member(member);
        json["permissions"] = json!(world.permissions(guild, user).to_string());
        resolved["members"][&key] = json;
    }
    true
}
