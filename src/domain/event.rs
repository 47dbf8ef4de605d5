//! Events: the history. One accepted or refused operation each, numbered per guild without gaps.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ids::{DeviceId, EntryId, GuildId, OpId, Seq, TableId, UserId};
use super::session::Attribution;
use super::stamp::Stamp;

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)*) => {
        /// What an operation did, as `<what>.<verb>`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Action {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl Action {
            /// All actions.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name users, exports and the database see.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The action of that name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|action| action.as_str() == text)
            }
        }
    };
}

actions! {
    /// Points were given; entries may have been created by it.
    PointsAdd = "points.add";
    /// Points were taken.
    PointsRemove = "points.remove";
    /// One field of an entry was set.
    EntrySet = "entry.set";
    /// Entries were deleted.
    EntryDelete = "entry.delete";
    /// An entry that was just created moved into the one that was meant.
    EntryMerge = "entry.merge";
    /// A table was created.
    TableCreate = "table.create";
    /// A rank was created or changed.
    RankSet = "rank.set";
    /// An earlier event was undone.
    EventUndo = "event.undo";
    /// A device session was opened.
    SessionOpen = "session.open";
    /// A device session ended.
    SessionClose = "session.close";
}

impl Action {
    /// Whether it is about a device session rather than about data.
    #[must_use]
    pub const fn is_session(self) -> bool {
        matches!(self, Self::SessionOpen | Self::SessionClose)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Through which door an operation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// An interaction, answered at once.
    Direct,
    /// An edit that waited while the database was away.
    Journal,
    /// A schedule or an expiry.
    Schedule,
    /// An operator's command.
    Cli,
}

impl Via {
    /// The word the database keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Journal => "journal",
            Self::Schedule => "schedule",
            Self::Cli => "cli",
        }
    }
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It took effect.
    Applied,
    /// All of it came too late: something dated later stands.
    Superseded,
    /// The actor had no right to it.
    Refused,
}

impl Outcome {
    /// The word the database keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Superseded => "superseded",
            Self::Refused => "refused",
        }
    }
}

/// The kind of thing a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// A score table.
    Table,
    /// A rank of a table.
    Rank,
    /// A row of a table.
    Entry,
    /// A device session.
    Session,
}

/// One field of one thing, before and after. A thing comes to be by a change of its `name`
/// (ranks: `title`, sessions: `user`) from nothing, and goes by a change of it to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The kind of thing.
    pub what: What,
    /// Which one: an entry's or table's uuid, a rank's number, a session's `device_id`.
    pub id: String,
    /// What it was called when the change was made.
    pub name: Option<String>,
    /// Which field.
    pub field: String,
    /// Null, a boolean, a whole number or a text.
    pub before: Value,
    /// As `before`.
    pub after: Value,
    /// Points: what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<i64>,
    /// Points: what it came to, between the bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<i64>,
    /// It came too late and had no effect.
    #[serde(default, skip_serializing_if = "is_false")]
    pub superseded: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Change {
    /// A change of `field`, from nothing to nothing until told otherwise.
    #[must_use]
    pub fn new(what: What, id: String, name: Option<String>, field: &str) -> Self {
        Self {
            what,
            id,
            name,
            field: field.to_owned(),
            before: Value::Null,
            after: Value::Null,
            requested: None,
            delta: None,
            superseded: false,
        }
    }

    /// With what was there.
    #[must_use]
    pub fn before(mut self, value: impl Into<Value>) -> Self {
        self.before = value.into();
        self
    }

    /// With what is there now.
    #[must_use]
    pub fn after(mut self, value: impl Into<Value>) -> Self {
        self.after = value.into();
        self
    }

    /// Marked as without effect.
    #[must_use]
    pub fn superseded(mut self) -> Self {
        self.superseded = true;
        self.after = self.before.clone();
        self
    }

    /// Whether the thing came to be by this change.
    #[must_use]
    pub fn is_creation(&self) -> bool {
        self.is_existence() && self.before.is_null() && !self.after.is_null()
    }

    /// Whether the thing went by this change.
    #[must_use]
    pub fn is_deletion(&self) -> bool {
        self.is_existence() && self.after.is_null() && !self.before.is_null()
    }

    /// Whose points this changed, and by how much.
    #[must_use]
    pub fn effective_points(&self) -> Option<(EntryId, i64)> {
        let is_points = self.what == What::Entry && self.field == "points" && !self.superseded;
        self.delta
            .filter(|_| is_points)
            .and_then(|delta| Some((self.entry_id()?, delta)))
    }

    /// The entry it is about.
    #[must_use]
    pub fn entry_id(&self) -> Option<EntryId> {
        (self.what == What::Entry)
            .then(|| self.id.parse().ok().map(EntryId))
            .flatten()
    }

    fn is_existence(&self) -> bool {
        let field = match self.what {
            What::Table | What::Entry => "name",
            What::Rank => "title",
            What::Session => "user",
        };
        !self.superseded && self.field == field
    }
}

/// A value of another device that an edit replaced unseen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overwrote {
    /// The event that had written it.
    pub seq: Seq,
    /// Whose thing it was, as in [`Change::id`].
    pub id: String,
    /// Which field.
    pub field: String,
    /// The value that was lost by it.
    pub value: Value,
}

/// An event as it stands in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The tenant.
    pub guild_id: GuildId,
    /// Its number there.
    pub seq: Seq,
    /// Which operation it was.
    pub op_id: OpId,
    /// When the person acted: Discord's clock.
    pub at: DateTime<Utc>,
    /// When it took effect: the database's clock, never going back within a guild.
    pub applied_at: DateTime<Utc>,
    /// Who acted; none for schedules and operators.
    pub actor_id: Option<UserId>,
    /// From which device session.
    pub device_id: Option<DeviceId>,
    /// How that session was found.
    pub attribution: Option<Attribution>,
    /// Through which door.
    pub via: Via,
    /// What was done.
    pub action: Action,
    /// In which table.
    pub table_id: Option<TableId>,
    /// Field by field.
    pub changes: Vec<Change>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// What was replaced unseen.
    pub overwrote: Option<Vec<Overwrote>>,
    /// Which event it undid.
    pub undoes: Option<Seq>,
    /// What became of it.
    pub outcome: Outcome,
    /// The hash of the event before; 64 zeros for the first.
    pub prev_hash: String,
    /// See [`super::canonical`].
    pub hash: String,
    /// 32 hex digits, the root of this event's commitments; none once a person was forgotten in it.
    pub salt: Option<String>,
}

impl Event {
    /// When it was made, in the order that decides between edits.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        Stamp::new(self.at, self.op_id.clone())
    }
}
