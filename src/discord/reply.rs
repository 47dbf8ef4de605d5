//! What is said: text, a card, buttons, a file. How it is delivered is `answer`'s.

use std::sync::Arc;

use serenity::builder::{
    CreateActionRow, CreateAllowedMentions, CreateAttachment, CreateEmbed,
    CreateInteractionResponse, CreateInteractionResponseFollowup, CreateInteractionResponseMessage,
    EditInteractionResponse,
};

use super::queue::Unanswered;
use crate::service::news::Marked;
use crate::service::operation::Aside;

/// Where a reply goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// A new message that only the caller sees.
    #[default]
    Own,
    /// A new message that everybody in the channel sees.
    Shared,
    /// In place of the message whose button was clicked.
    Update,
}

/// What a reply comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Upshot {
    /// What was asked for is done, or shown.
    #[default]
    Done,
    /// It asks something first.
    Asks,
    /// Nothing was done.
    Refused,
}

/// A reply, in the caller's language.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Text above the rest; may be empty.
    pub content: String,
    /// A card, or none.
    pub embed: Option<CreateEmbed>,
    /// Rows of buttons and menus.
    pub rows: Vec<CreateActionRow>,
    /// An attached file.
    pub file: Option<CreateAttachment>,
    /// Where it goes.
    pub manner: Manner,
    /// What was noted that the session is shown by it: taken back if Discord does not accept it.
    pub marked: Option<Marked>,
    /// Something else waits to be told to the caller.
    pub parked: bool,
    /// What it comes to.
    pub upshot: Upshot,
    /// It says that an edit waits.
    pub queued: Option<Arc<Unanswered>>,
}

impl Reply {
    /// Plain text for the caller alone.
    #[must_use]
    pub fn text(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            ..Self::default()
        }
    }

    /// A card for the caller alone.
    #[must_use]
    pub fn card(embed: CreateEmbed) -> Self {
        Self {
            embed: Some(embed),
            ..Self::default()
        }
    }

    /// With one more row.
    #[must_use]
    pub fn row(mut self, row: CreateActionRow) -> Self {
        self.rows.push(row);
        self
    }

    /// With a file.
    #[must_use]
    pub fn attach(mut self, file: CreateAttachment) -> Self {
        self.file = Some(file);
        self
    }

    /// With what else the caller is to be told.
    #[must_use]
    pub const fn aside(mut self, aside: Aside) -> Self {
        self.parked = aside.parked;
        self
    }

    /// With what was noted that the session is shown by it.
    #[must_use]
    pub fn marked(mut self, marked: Option<Marked>) -> Self {
        self.marked = marked;
        self
    }

    /// Coming to that.
    #[must_use]
    pub const fn but(mut self, upshot: Upshot) -> Self {
        self.upshot = upshot;
        self
    }

    /// Going there.
    #[must_use]
    pub const fn going(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// As the first answer to an interaction.
    #[must_use]
    pub fn first(self) -> CreateInteractionResponse {
        let manner = self.manner;
        let message = CreateInteractionResponseMessage::new()
            .content(self.content)
            .embeds(self.embed.into_iter().collect())
            .components(self.rows)
            .files(self.file)
            .allowed_mentions(CreateAllowedMentions::new());
        match manner {
            Manner::Own => CreateInteractionResponse::Message(message.ephemeral(true)),
            Manner::Shared => CreateInteractionResponse::Message(message),
            Manner::Update => CreateInteractionResponse::UpdateMessage(message),
        }
    }

    /// In place of the message that a deferral promised, or that was clicked.
    pub fn edit(self) -> EditInteractionResponse {
        let edit = EditInteractionResponse::new()
            .content(self.content)
            .embeds(self.embed.into_iter().collect())
            .components(self.rows)
            .allowed_mentions(CreateAllowedMentions::new());
        match self.file {
            Some(file) => edit.new_attachment(file),
            None => edit,
        }
    }

    /// As a message after the first answer.
    pub fn followup(self) -> CreateInteractionResponseFollowup {
        let ephemeral = self.manner != Manner::Shared;
        CreateInteractionResponseFollowup::new()
            .content(self.content)
            .embeds(self.embed.into_iter().collect())
            .components(self.rows)
            .files(self.file)
            .allowed_mentions(CreateAllowedMentions::new())
            .ephemeral(ephemeral)
    }
}
