//! What the bot answered, as people see it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    client::{
        acting::{self, Choice},
        components,
        discord::FakeDiscord,
        impossible,
    },
    rest::messages::{EPHEMERAL, LOADING},
    rules::components::BUTTON,
    state::{First, Id, Interaction, Message, World},
};

/// What kind of answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// A new message.
    Message,
    /// The message that was clicked on has changed.
    Update,
    /// A modal has opened.
    Modal,
    /// Choices while typing.
    Choices,
    /// "The application did not respond": nothing in time.
    Silence,
    /// "Thinking…" was never followed by an answer.
    Unfinished,
    /// A message that was not an answer to anybody.
    Posted,
    /// The answer was deleted.
    Deleted,
}

/// How far an interaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Unanswered,
    Deferred,
    Done,
}

/// An answer, or a message, as it was when it was looked at.
#[derive(Clone, Debug)]
pub struct Reply {
    discord: FakeDiscord,
    kind: ReplyKind,
    interaction: Option<Id>,
    message: Option<Id>,
    deferred: bool,
    raw: Value,
}

impl Reply {
    /// The state of an interaction.
    pub(crate) fn of(discord: &FakeDiscord, world: &World, id: Id) -> (Progress, Self) {
        let Some(interaction) = world.interaction(id) else {
            impossible(&format!("there is no interaction {id}"));
        };
        let mut reply = Self {
            discord: discord.clone(),
            kind: ReplyKind::Silence,
            interaction: Some(id),
            message: None,
            deferred: false,
            raw: Value::Null,
        };
        let progress = reply.take(world, interaction);
        (progress, reply)
    }

    fn take(&mut self, world: &World, interaction: &Interaction) -> Progress {
        match &interaction.first {
            None => return Progress::Unanswered,
            Some(First::Choices(choices)) => {
                self.kind = ReplyKind::Choices;
                self.raw = json!({ "choices": choices });
            }
            Some(First::Modal(modal)) => {
                self.kind = ReplyKind::Modal;
                self.raw = modal.clone();
            }
            Some(First::Message) => self.show(world, interaction.original, ReplyKind::Message),
            Some(First::Update) => self.show(world, interaction.original, ReplyKind::Update),
            Some(First::Deferred) => {
                return self.take_deferred(world, interaction, ReplyKind::Message);
            }
            Some(First::DeferredUpdate) => {
                return self.take_deferred(world, interaction, ReplyKind::Update);
            }
        }
        Progress::Done
    }

    fn take_deferred(
        &mut self,
        world: &World,
        interaction: &Interaction,
        kind: ReplyKind,
    ) -> Progress {
        self.deferred = true;
        self.show(world, interaction.original, kind);
        if interaction.completed || self.kind == ReplyKind::Deleted {
            return Progress::Done;
        }
        if let Some(follow_up) = interaction.follow_ups.first() {
            self.show(world, Some(*follow_up), ReplyKind::Message);
            return Progress::Done;
        }
        self.kind = ReplyKind::Unfinished;
        Progress::Deferred
    }

    fn show(&mut self, world: &World, message: Option<Id>, kind: ReplyKind) {
        self.kind = kind;
        self.message = message;
        match message.and_then(|id| world.messages.get(&id)) {
            Some(found) if !found.deleted => self.raw = found.json.clone(),
            _ => self.kind = ReplyKind::Deleted,
        }
    }

    pub(crate) fn posted(discord: &FakeDiscord, message: &Message) -> Self {
        Self {
            discord: discord.clone(),
            kind: if message.deleted {
                ReplyKind::Deleted
            } else {
                ReplyKind::Posted
            },
            interaction: message.interaction,
            message: Some(message.id),
            deferred: false,
            raw: message.json.clone(),
        }
    }

    /// What kind of answer it is.
    #[must_use]
    pub fn kind(&self) -> ReplyKind {
        self.kind
    }

    /// The interaction it answers.
    #[must_use]
    pub fn interaction_id(&self) -> Option<u64> {
        self.interaction
    }

    /// The message, if it is one.
    #[must_use]
    pub fn message_id(&self) -> Option<u64> {
        self.message
    }

    /// The JSON: of the message, of the modal, or `{"choices": […]}`.
    #[must_use]
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    /// All the text that can be read, in reading order.
    #[must_use]
    pub fn text(&self) -> String {
        match self.kind {
            ReplyKind::Silence => "(the application did not respond)".to_owned(),
            ReplyKind::Unfinished => "(thinking…)".to_owned(),
            ReplyKind::Deleted => "(deleted)".to_owned(),
            ReplyKind::Choices => join(self.raw["choices"].as_array(), |choice| {
                vec![&choice["name"]]
            }),
            ReplyKind::Modal => self.modal_text(),
            ReplyKind::Message | ReplyKind::Update | ReplyKind::Posted => self.message_text(),
        }
    }

    fn modal_text(&self) -> String {
        let labels = components::all(&self.raw).map(|input| &input["label"]);
        lines(std::iter::once(&self.raw["title"]).chain(labels))
    }

    fn message_text(&self) -> String {
        let embeds = join(self.raw["embeds"].as_array(), embed_texts);
        lines([&self.raw["content"], &json!(embeds)])
    }

    /// The content above the embeds.
    #[must_use]
    pub fn content(&self) -> &str {
        self.raw["content"].as_str().unwrap_or_default()
    }

    /// The embeds as JSON.
    #[must_use]
    pub fn embeds(&self) -> Vec<Value> {
        self.raw["embeds"].as_array().cloned().unwrap_or_default()
    }

    /// The labels of all buttons, also of disabled ones and links.
    #[must_use]
    pub fn buttons(&self) -> Vec<String> {
        self.labels(|_| true)
    }

    /// The labels of the buttons that can be pressed.
    #[must_use]
    pub fn enabled_buttons(&self) -> Vec<String> {
        self.labels(|button| button["disabled"] != true && !button["custom_id"].is_null())
    }

    fn labels(&self, which: impl Fn(&Value) -> bool) -> Vec<String> {
        let buttons = components::all(&self.raw).filter(|found| found["type"] == BUTTON);
        buttons
            .filter(|button| which(button))
            .map(|button| components::label(button).to_owned())
            .collect()
    }

    /// There is such a button and it can be pressed.
    #[must_use]
    pub fn has_button(&self, label: &str) -> bool {
        self.enabled_buttons().iter().any(|button| button == label)
    }

    /// The identifiers of all components, in order.
    #[must_use]
    pub fn custom_ids(&self) -> Vec<String> {
        let ids = components::all(&self.raw).filter_map(|found| found["custom_id"].as_str());
        ids.map(str::to_owned).collect()
    }

    /// The options of a menu, named by its placeholder or the beginning of its `custom_id`.
    #[must_use]
    pub fn menu(&self, wanted: &str) -> Vec<Choice> {
        let fits = |menu: &&Value| {
            let begins = menu["custom_id"]
                .as_str()
                .is_some_and(|id| id.starts_with(wanted));
            menu["type"] != BUTTON && (menu["placeholder"] == wanted || begins)
        };
        let menu = components::all(&self.raw).find(fits);
        let options = menu
            .and_then(|menu| menu["options"].as_array())
            .into_iter()
            .flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let choice = |option: &Value| Choice {
            name: text(&option["label"]),
            value: text(&option["value"]),
        };
        options.map(choice).collect()
    }

    fn flags(&self) -> u64 {
        self.raw["flags"].as_u64().unwrap_or(0)
    }

    /// Only the person who asked sees it.
    #[must_use]
    pub fn is_ephemeral(&self) -> bool {
        self.flags() & EPHEMERAL != 0
    }

    /// It still says "thinking…".
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.flags() & LOADING != 0
    }

    /// The bot deferred before it answered.
    #[must_use]
    pub fn was_deferred(&self) -> bool {
        self.deferred
    }

    /// A modal has opened.
    #[must_use]
    pub fn is_modal(&self) -> bool {
        self.kind == ReplyKind::Modal
    }

    /// The bot answered at all, and finished.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        !matches!(self.kind, ReplyKind::Silence | ReplyKind::Unfinished)
    }

    pub(crate) fn modal(&self) -> Option<&Value> {
        self.is_modal().then_some(&self.raw)
    }

    pub(crate) fn choices(&self) -> Option<Vec<Choice>> {
        let choices = self.raw["choices"].as_array()?;
        Some(acting::choices(choices))
    }

    /// The attached files: name and bytes.
    #[must_use]
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let world = self.discord.shared.world();
        let attachments = self.raw["attachments"].as_array().into_iter().flatten();
        let id = |attachment: &Value| attachment["id"].as_str()?.parse::<Id>().ok();
        let files = attachments.filter_map(|attachment| world.files.get(&id(attachment)?));
        files
            .map(|file| (file.name.clone(), file.bytes.to_vec()))
            .collect()
    }

    /// Who was really pinged, as mentions.
    #[must_use]
    pub fn pings(&self) -> Vec<String> {
        let list = |name: &str| self.raw[name].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let users = list("mentions");
        let users = users.iter().map(|user| format!("<@{}>", text(&user["id"])));
        let roles = list("mention_roles");
        let roles = roles.iter().map(|role| format!("<@&{}>", text(role)));
        let everyone = (self.raw["mention_everyone"] == true).then(|| "@everyone".to_owned());
        users.chain(roles).chain(everyone).collect()
    }

    /// The same message as it is now.
    #[must_use]
    pub fn latest(&self) -> Self {
        let mut latest = self.clone();
        if self.message.is_some() {
            latest.show(&self.discord.shared.world(), self.message, self.kind);
        }
        latest
    }

    /// The texts the message had before, oldest first.
    #[must_use]
    pub fn earlier(&self) -> Vec<Value> {
        let world = self.discord.shared.world();
        let message = self.message.and_then(|id| world.messages.get(&id));
        message
            .map(|message| message.versions.clone())
            .unwrap_or_default()
    }

    /// The further messages of the bot to the same interaction so far.
    #[must_use]
    pub fn follow_ups(&self) -> Vec<Self> {
        let world = self.discord.shared.world();
        let interaction = self.interaction.and_then(|id| world.interaction(id));
        let ids = interaction
            .map(|found| found.follow_ups.clone())
            .unwrap_or_default();
        let messages = ids.iter().filter_map(|id| world.messages.get(id));
        messages
            .map(|message| Self::posted(&self.discord, message))
            .collect()
    }

    /// Waits until there are so many further messages (at most 60 s), and returns them.
    pub async fn wait_follow_ups(&self, count: usize) -> Vec<Self> {
        self.discord
            .wait(Duration::from_mins(1), |world| self.count(world) >= count)
            .await;
        self.follow_ups()
    }

    fn count(&self, world: &World) -> usize {
        let interaction = self.interaction.and_then(|id| world.interaction(id));
        interaction.map_or(0, |found| found.follow_ups.len())
    }

    /// Waits until the message satisfies a condition (at most 60 s), and returns it as it is then.
    pub async fn wait_until(&self, condition: impl Fn(&Self) -> bool) -> Self {
        let now = |world: &World| {
            let mut latest = self.clone();
            latest.show(world, self.message, self.kind);
            latest
        };
        self.discord
            .wait(Duration::from_mins(1), |world| condition(&now(world)))
            .await;
        self.latest()
    }
}

/// The texts of an embed in reading order.
fn embed_texts(embed: &Value) -> Vec<&Value> {
    let fields = embed["fields"].as_array().into_iter().flatten();
    let mut texts = vec![
        &embed["author"]["name"],
        &embed["title"],
        &embed["description"],
    ];
    texts.extend(fields.flat_map(|field| [&field["name"], &field["value"]]));
    texts.push(&embed["footer"]["text"]);
    texts
}

fn join<'a>(items: Option<&'a Vec<Value>>, texts: impl Fn(&'a Value) -> Vec<&'a Value>) -> String {
    lines(items.into_iter().flatten().flat_map(texts))
}

fn lines<'a>(texts: impl IntoIterator<Item = &'a Value>) -> String {
    let texts = texts.into_iter().filter_map(Value::as_str);
    texts
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}
