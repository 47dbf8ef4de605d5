//! Events: the history. One accepted or refused operation each, numbered per guild without gaps.

use std::borrow::Cow;
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
    /// A table's name, category, floor or privacy was changed.
    TableEdit = "table.edit";
    /// A table was deleted.
    TableDelete = "table.delete";
    /// A deleted table was brought back.
    TableRestore = "table.restore";
    /// An extra field was added to a table.
    FieldAdd = "field.add";
    /// An extra field's name or pattern was changed.
    FieldEdit = "field.edit";
    /// An extra field was taken away.
    FieldRemove = "field.remove";
    /// A rank was created or changed.
    RankSet = "rank.set";
    /// A rank was taken away, also from the entries that held it.
    RankRemove = "rank.remove";
    /// An activity was set: how many points are given for it.
    ActivitySet = "activity.set";
    /// An activity was taken away.
    ActivityRemove = "activity.remove";
    /// Proposed ranks were given and taken.
    RankApply = "rank.apply";
    /// A table's period was closed.
    PeriodClose = "period.close";
    /// When a table is closed by itself was changed.
    PeriodSchedule = "period.schedule";
    /// A board was posted, or laid out anew.
    BoardPost = "board.post";
    /// Boards were removed.
    BoardRemove = "board.remove";
    /// A setting of the guild was changed.
    SettingsSet = "settings.set";
    /// A right was granted.
    AccessGrant = "access.grant";
    /// A right that was granted was taken away.
    AccessRevoke = "access.revoke";
    /// An earlier event was undone.
    EventUndo = "event.undo";
    /// A device session was opened.
    SessionOpen = "session.open";
    /// A device session ended.
    SessionClose = "session.close";
    /// A device session was given another label.
    SessionRename = "session.rename";
    /// A table was to be looked at; in the history only where that was refused, as are the others
    /// that read.
    TableView = "table.view";
    /// The history was to be looked at.
    AuditView = "audit.view";
    /// The history was to be exported.
    AuditExport = "audit.export";
    /// A table was to be exported.
    DataExport = "data.export";
    /// The settings were to be looked at.
    SettingsView = "settings.view";
    /// Who was granted what was to be looked at.
    AccessView = "access.view";
    /// A person was refused more often in a minute than is worth an event each: how often.
    AccessRefuse = "access.refuse";
}

impl Action {
    /// Whether it is about a device session rather than about data.
    #[must_use]
    pub const fn is_session(self) -> bool {
        matches!(
            self,
            Self::SessionOpen | Self::SessionClose | Self::SessionRename
        )
    }

    /// Whether it changes nothing: it stands in the history only as refused.
    #[must_use]
    pub const fn is_only_refused(self) -> bool {
        matches!(
            self,
            Self::TableView
                | Self::AuditView
                | Self::AuditExport
                | Self::DataExport
                | Self::SettingsView
                | Self::AccessView
                | Self::AccessRefuse
        )
    }

    /// Whether it happens in a table.
    #[must_use]
    pub const fn is_about_table(self) -> bool {
        !self.is_session() && !self.is_only_refused() && !self.is_about_guild()
    }

    /// Whether it is about the guild as a whole, or a part of it.
    const fn is_about_guild(self) -> bool {
        matches!(
            self,
            Self::SettingsSet | Self::AccessGrant | Self::AccessRevoke
        )
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// A score table.
    Table,
    /// A rank of a table.
    Rank,
    /// An extra field of a table.
    Field,
    /// What points are given for in a table.
    Activity,
    /// A message that always shows a table.
    Board,
    /// A closed period of a table.
    Period,
    /// A row of a table.
    Entry,
    /// The guild itself: its settings.
    Guild,
    /// A right that was granted.
    Grant,
    /// A device session.
    Session,
}

impl What {
    /// The word in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Rank => "rank",
            Self::Field => "field",
            Self::Activity => "activity",
            Self::Board => "board",
            Self::Period => "period",
            Self::Entry => "entry",
            Self::Guild => "guild",
            Self::Grant => "grant",
            Self::Session => "session",
        }
    }
}

/// One field of one thing, before and after. A thing comes to be by a change of its `name`
/// (ranks: `title`, boards: `layout`, periods: `closed`, grants: `right`, sessions: `user`) from nothing, and goes by a change of it to
/// nothing.
///
/// A key that is not one of these is no change of ours: no hash would cover it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The kind of thing.
    pub what: What,
    /// Which one: an entry's or table's uuid, a rank's, extra field's, activity's or period's number, a board's
    /// channel, a session's `device_id`, a grant's uuid, the guild's id.
    pub id: String,
    /// What it was called when the change was made.
    pub name: Option<String>,
    /// Which field; an extra field by the name it had.
    pub field: String,
    /// The number of the extra field, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_id: Option<String>,
    /// Null, a boolean, a whole number or a text.
    pub before: Value,
    /// As `before`; where it came too late, what it was to come to.
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
            field_id: None,
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

    /// Marked as without effect: what it was to come to is told, and does not stand.
    #[must_use]
    pub fn superseded(mut self) -> Self {
        self.superseded = true;
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
        let is_points = self.what == What::Entry && self.register() == "points" && !self.superseded;
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

    /// The register it writes: the field's name, or one that an extra field keeps when it is
    /// renamed.
    #[must_use]
    pub fn register(&self) -> Cow<'_, str> {
        match &self.field_id {
            Some(number) => Cow::Owned(extra_register(number)),
            None => Cow::Borrowed(&self.field),
        }
    }

    fn is_existence(&self) -> bool {
        let field = match self.what {
            What::Table | What::Field | What::Activity | What::Entry => "name",
            What::Rank => "title",
            What::Board => "layout",
            What::Grant => "right",
            What::Period => "closed",
            What::Session => "user",
            What::Guild => return false,
        };
        !self.superseded && self.field_id.is_none() && self.field == field
    }
}

/// How the registers of extra fields begin, before the field's number.
pub const EXTRA: &str = "extra:";

/// The register of an extra field.
#[must_use]
pub fn extra_register(number: &str) -> String {
    format!("{EXTRA}{number}")
}

/// A value of another device that an edit replaced unseen. With no other keys, as [`Change`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overwrote {
    /// The event that had written it.
    pub seq: Seq,
    /// Whose thing it was, as in [`Change::id`].
    pub id: String,
    /// Which field; an extra field by the name it had.
    pub field: String,
    /// The number of the extra field, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_id: Option<String>,
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
