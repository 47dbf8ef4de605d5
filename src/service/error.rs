//! Why a use case did not do what was asked. All but the last two kinds are the caller's to mend,
//! and carry what the message to them needs; nothing was changed in any of these cases.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::access::{Granted, MissingRight, Right, Spot};
use crate::domain::field::{ExtraField, Unfit};
use crate::domain::ids::{EntryId, RoleId, Seq, TableId, UserId};
use crate::domain::period::Every;
use crate::domain::rank_role::UnfitRole;
use crate::store::StoreError;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The caller lacks this right.
    #[error("the right {} is missing", right.code())]
    Forbidden {
        /// The right.
        right: Right,
        /// Where it is lacking, if that is one place.
        at: Option<Spot>,
    },
    /// The very same was granted to the very same before.
    #[error("granted already")]
    AlreadyGranted,
    /// It is about the guild as a whole, and was to be granted in one place.
    #[error("{} is for the whole guild", right.code())]
    OfGuild {
        /// The right.
        right: Right,
    },
    /// The very same was not granted to them.
    #[error("not granted")]
    NotGranted {
        /// What.
        granted: Granted,
    },
    /// Nobody grants or revokes what they don't hold in the whole scope themselves.
    #[error("the right {} is not held", right.code())]
    NotHeld {
        /// What they don't hold.
        right: Right,
    },
    /// Nobody changes their own rights, or those of a role they have.
    #[error("one's own rights")]
    OwnRights,
    /// What changes rights or settings was to be granted to a role that goes with a rank.
    #[error("the role goes with a rank")]
    RankedRole {
        /// The role.
        role: RoleId,
        /// What the rank is called.
        rank: String,
        /// The address of its table.
        table: String,
    },
    /// No table or category is called so.
    #[error("unknown scope")]
    UnknownScope {
        /// As given.
        scope: String,
    },
    /// The table has no such activity; those that it has.
    #[error("unknown activity")]
    UnknownActivity {
        /// As given.
        activity: String,
        /// The table's address.
        table: String,
        /// What its activities are called.
        known: Vec<String>,
    },
    /// So much of an activity is worth no points, or more than can be given at once.
    #[error("unfit quantity")]
    UnfitQuantity {
        /// What it is called.
        activity: String,
        /// How much.
        quantity: i64,
        /// For how much there are points.
        least: i64,
    },
    /// The table has as many activities as there can be.
    #[error("too many activities")]
    TooManyActivities,
    /// Another activity has that name by now.
    #[error("there is an activity {activity} again")]
    ActivityExists {
        /// What it is called.
        activity: String,
    },
    /// The guild has no table yet.
    #[error("there is no table")]
    NoTables,
    /// No table was named, and none is implied; the addresses to choose from.
    #[error("a table must be chosen")]
    ChooseTable {
        /// Up to 25 of them, in order.
        tables: Vec<TableChoice>,
    },
    /// No table has that address; the nearest ones.
    #[error("unknown table")]
    UnknownTable {
        /// As given.
        table: String,
        /// Addresses of existing tables that are close.
        near: Vec<String>,
    },
    /// Several tables of that name stand in different categories.
    #[error("ambiguous table")]
    AmbiguousTable {
        /// As given.
        table: String,
        /// Their addresses.
        tables: Vec<String>,
    },
    /// A table of that address exists.
    #[error("the table exists")]
    TableExists {
        /// Its address.
        table: String,
    },
    /// These names are not in the table; with the nearest that are.
    #[error("unknown names")]
    UnknownNames {
        /// The table's address.
        table: String,
        /// Each unknown name, and names close to it.
        names: Vec<UnknownName>,
    },
    /// Another entry of the table has that name.
    #[error("the name is taken")]
    NameTaken {
        /// The name.
        name: String,
        /// The table's address.
        table: String,
    },
    /// Another entry of the table is linked to that member.
    #[error("the member is linked to another entry")]
    MemberTaken {
        /// The name of the entry that is linked to them.
        name: String,
    },
    /// The member is linked to no entry of the table.
    #[error("the member has no entry")]
    MemberUnlinked {
        /// Who.
        member: UserId,
        /// The table.
        table_id: TableId,
        /// Its address.
        table: String,
        /// Names of the table that are close to what the member is called, where that is known.
        near: Vec<String>,
    },
    /// Members who are linked to no entry of the table: what they are called must be known before
    /// they are given points. Nobody is told this; see [`super::points::Introduction`].
    #[error("members who were not introduced")]
    Strangers {
        /// Who.
        members: Vec<UserId>,
    },
    /// Entries bear the names of members, but are not linked to them: it asks first.
    #[error("links are offered")]
    LinksOffered {
        /// The table.
        table_id: TableId,
        /// Its address.
        table: String,
        /// Which links.
        links: Vec<OfferedLink>,
    },
    /// An entry bears the name of a member, and the caller may not link it.
    #[error("no right to link")]
    MayNotLink {
        /// The entry's name.
        name: String,
        /// Who bears the name too.
        member: UserId,
        /// The table's address.
        table: String,
    },
    /// An entry that was to be linked is not what it was when that was offered.
    #[error("the offered link is outdated")]
    LinkOutdated {
        /// What the member is called.
        name: String,
    },
    /// An entry that was to be merged, or the one that it was to be merged into, is not what it was.
    #[error("the merge is outdated")]
    MergeOutdated {
        /// What the entry was called.
        name: String,
    },
    /// The table has no rank of that number or title.
    #[error("unknown rank")]
    UnknownRank {
        /// As given.
        rank: String,
        /// The table's address.
        table: String,
    },
    /// The value is below the table's floor.
    #[error("below the floor")]
    BelowFloor {
        /// The value.
        value: i64,
        /// The floor.
        floor: i64,
    },
    /// There is no field of that name.
    #[error("unknown field")]
    UnknownField {
        /// As given.
        field: String,
        /// The extra fields that there are.
        known: Vec<String>,
    },
    /// The table has a field of that name.
    #[error("the field exists")]
    FieldExists {
        /// The name.
        field: String,
    },
    /// The table has as many extra fields as it can have.
    #[error("too many fields")]
    TooManyFields,
    /// The value does not fit the extra field.
    #[error("the value does not fit the field")]
    UnfitValue {
        /// The field.
        field: ExtraField,
        /// As given.
        value: String,
        /// What is wrong with it.
        why: Unfit,
    },
    /// The role must not or can't go with a rank.
    #[error("the role can't go with a rank")]
    UnfitRole {
        /// Which role.
        role: RoleId,
        /// Why.
        why: UnfitRole,
    },
    /// Entries have fewer points than the floor would allow.
    #[error("entries are below the new floor")]
    BelowNewFloor {
        /// The floor.
        floor: i64,
        /// How many entries are below it.
        entries: i64,
    },
    /// No table of that address was deleted.
    #[error("no such table was deleted")]
    NotDeleted {
        /// As given.
        table: String,
    },
    /// There is no event of that number.
    #[error("unknown event")]
    UnknownEvent {
        /// The number.
        event: Seq,
    },
    /// The row of that event can't be read: somebody changed it, or a later version of the program
    /// wrote it.
    #[error("event {event} can't be read")]
    UnreadableEvent {
        /// The number.
        event: Seq,
    },
    /// The event is somebody else's, and this command undoes one's own.
    #[error("somebody else's event")]
    NotYours {
        /// The number.
        event: Seq,
    },
    /// A value that was to be put back is somebody else's.
    #[error("somebody else's value")]
    NotYourValue {
        /// The event that wrote it.
        event: Seq,
    },
    /// A value was to be put back into an entry that was deleted.
    #[error("the entry of the value is gone")]
    RestoreGone {
        /// What the entry was called.
        name: String,
    },
    /// The event was undone already.
    #[error("already undone")]
    AlreadyUndone {
        /// The number.
        event: Seq,
        /// The event that undid it.
        by: Seq,
    },
    /// Events of this kind can't be undone.
    #[error("not undoable")]
    NotUndoable {
        /// The number.
        event: Seq,
    },
    /// The caller has nothing that could be undone.
    #[error("nothing to undo")]
    NothingToUndo,
    /// Others have changed since what the event wrote; it can be undone all the same, if wished.
    #[error("changed since")]
    ChangedSince {
        /// The number.
        event: Seq,
        /// What stands in the way.
        conflicts: Vec<Conflict>,
        /// What the table's ranks are called.
        ranks: BTreeMap<i32, String>,
    },
    /// The caller has no open session of that `device_id` or label.
    #[error("unknown session")]
    UnknownSession {
        /// As given.
        session: String,
    },
    /// The table has no such board.
    #[error("no such board")]
    NoBoard {
        /// Its address.
        table: String,
    },
    /// A period that was to be closed is not the open one any more.
    #[error("another period is open")]
    PeriodMoved {
        /// The table's address.
        table: String,
        /// The period that was to be closed.
        period: i32,
        /// The one that is open.
        open: i32,
    },
    /// The table has no closed period of that number, or none at all.
    #[error("unknown period")]
    UnknownPeriod {
        /// The table's address.
        table: String,
        /// As given.
        period: Option<i32>,
        /// The last one that is closed.
        last: Option<i32>,
    },
    /// Only the table's last closing can be undone, and brought back only the next one.
    #[error("not the last period")]
    NotLastPeriod {
        /// The table's address.
        table: String,
        /// The period that was to be opened, or closed again.
        period: i32,
        /// The last one that is closed.
        last: Option<i32>,
    },
    /// No ranks wait to be applied.
    #[error("nothing is proposed")]
    NothingProposed {
        /// The table's address.
        table: String,
        /// The period whose closing had proposed them.
        period: i32,
    },
    /// The table has no schedule that could be changed.
    #[error("no schedule")]
    NoSchedule {
        /// The table's address.
        table: String,
    },
    /// A week or month has no such day.
    #[error("no such day")]
    NoSuchDay {
        /// Of what.
        every: Every,
    },
    /// The guild never had a session of that `device_id` or label.
    #[error("unknown device")]
    UnknownDevice {
        /// As given.
        device: String,
    },
    /// The session that a moderator wants to end is over.
    #[error("the session is over")]
    SessionOver {
        /// Its shortened id.
        session: String,
    },
    /// The table of a button or menu was deleted meanwhile.
    #[error("the table is gone")]
    TableGone,
    /// The table had not been created yet at the moment that was asked for.
    #[error("the table was not there yet")]
    TableNotYet {
        /// Its address now.
        table: String,
        /// The moment.
        at: DateTime<Utc>,
        /// Since when it is there.
        since: Option<DateTime<Utc>>,
    },
    /// The table was deleted at the moment that was asked for.
    #[error("the table was deleted then")]
    TableDeletedThen {
        /// Its address now, or the last one it had.
        table: String,
        /// The moment.
        at: DateTime<Utc>,
    },
    /// An event is missing or does not fit those before it, so that the past can't be told.
    #[error("the history is broken at event {event}")]
    HistoryBroken {
        /// The number of the event.
        event: Seq,
    },
    /// Several of the caller's open sessions have that label.
    #[error("ambiguous session")]
    AmbiguousSession {
        /// As given.
        session: String,
        /// The shortened ids of those that fit.
        ids: Vec<String>,
    },
    /// The panel's session has ended, or it is somebody else's.
    #[error("the panel has ended")]
    PanelEnded,
    /// The database is away, and what a table looked like last is not known; of which it is.
    #[error("nothing is known of that table")]
    NotKnown {
        /// The addresses of those that are known.
        known: Vec<String>,
    },
    /// The database is up, but others keep it busy; the same may work in a moment.
    #[error("the database is busy")]
    Busy,
    /// The search or command that a button belongs to is too old to go on with.
    #[error("the draft is gone")]
    DraftGone,
    /// The connection broke while committing, and whether it was committed could not be found out.
    #[error("the outcome of the operation is unknown")]
    OutcomeUnknown,
    /// The database failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(error) => {
                tracing::warn!(%error, "the database is busy");
                Self::Busy
            }
            error => Self::Store(error),
        }
    }
}

impl From<sqlx::Error> for ServiceError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// A table that could have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableChoice {
    /// Its id.
    pub id: TableId,
    /// Its address.
    pub address: String,
}

/// A link that could have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedLink {
    /// Who.
    pub member: UserId,
    /// To which entry.
    pub entry: EntryId,
    /// What it is called.
    pub name: String,
}

impl ServiceError {
    /// Whether the database can't be reached: nothing else will work either.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Unreachable(_) | StoreError::NotReady(_))
        )
    }

    /// Whether the connection to the database failed, whatever became of the edit.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        matches!(
            self,
            Self::OutcomeUnknown | Self::Store(StoreError::Unreachable(_))
        )
    }

    /// Whether others keep the database busy.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy)
    }

    /// Whether the schema is not there yet.
    #[must_use]
    pub const fn is_not_ready(&self) -> bool {
        matches!(self, Self::Store(StoreError::NotReady(_)))
    }

    /// Whether an edit may wait until the database takes changes again: nothing is wrong with the
    /// edit itself, and it is not known to have been done.
    #[must_use]
    pub const fn may_wait(&self) -> bool {
        self.is_away() || matches!(self, Self::Busy | Self::Store(StoreError::ReadOnly(_)))
    }
}

/// A name that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// As given.
    pub name: String,
    /// Names of the table that are close to it.
    pub near: Vec<String>,
}

/// Which reason an undo has to ask first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    /// Something else stands there now than the event wrote.
    Changed,
    /// The thing it is about was deleted since.
    Deleted,
    /// The name (or member link) that would come back belongs to another entry now.
    Taken,
    /// The rank that would come back does not exist any more.
    RankGone,
    /// What would go is in use: entries hold the rank, the table or entry was worked on since.
    InUse,
    /// What the event granted was revoked since, and granted anew.
    GrantedAnew,
    /// The period whose points would come back was closed since.
    ClosedSince,
    /// The closing whose proposals would come back was undone since, and its period closed anew.
    ClosedAnew,
}

/// Why an undo asks first.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// Which reason.
    pub kind: ConflictKind,
    /// The entry or other thing it is about.
    pub name: String,
    /// Which field.
    pub field: String,
    /// It is an extra field, called so by people.
    pub extra: bool,
    /// What stands there now.
    pub now: Value,
    /// What the undo would put there.
    pub back: Value,
    /// The event that wrote what stands there.
    pub by: Option<ConflictEvent>,
}

/// The event that wrote what stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictEvent {
    /// Its number.
    pub seq: Seq,
    /// Who did it.
    pub actor: Option<UserId>,
    /// When.
    pub at: DateTime<Utc>,
}

impl From<MissingRight> for ServiceError {
    fn from(MissingRight { right, at }: MissingRight) -> Self {
        Self::Forbidden { right, at }
    }
}
