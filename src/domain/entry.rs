//! A row of a table: its fields are last-write-wins registers, its points a sum of deltas on a
//! base. Every edit carries a [`Stamp`]; an edit dated before what stands is superseded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{Change, EXTRA, What, extra_register};
use super::ids::{EntryId, TableId, UserId};
use super::points::{self, Bounds};
use super::stamp::Stamp;

/// A field that `set` can write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// What the entry is called.
    Name(String),
    /// The number of its rank, or none.
    Rank(Option<i32>),
    /// The Discord member it is linked to, or none.
    Member(Option<UserId>),
    /// Whether a closing leaves it its rank.
    Exempt(bool),
    /// An extra field of the table.
    Extra {
        /// Its number.
        number: i32,
        /// What it is called.
        name: String,
        /// What it is to hold, or nothing.
        value: Option<String>,
    },
}

impl Field {
    /// The register it writes.
    #[must_use]
    pub fn register(&self) -> String {
        match self {
            Self::Name(_) => "name".to_owned(),
            Self::Rank(_) => "rank".to_owned(),
            Self::Member(_) => "member".to_owned(),
            Self::Exempt(_) => "exempt".to_owned(),
            Self::Extra { number, .. } => extra_register(&number.to_string()),
        }
    }

    /// Of a rank by its number.
    #[must_use]
    pub const fn rank(number: i32) -> Self {
        Self::Rank(Some(number))
    }

    fn value(&self) -> Value {
        match self {
            Self::Name(name) => name.clone().into(),
            Self::Rank(rank) => (*rank).into(),
            Self::Member(member) => member.map(|id| id.to_string()).into(),
            Self::Exempt(exempt) => exempt.then_some(true).into(),
            Self::Extra { value, .. } => value.clone().into(),
        }
    }
}

/// A row of a table, live or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Never reused.
    pub id: EntryId,
    /// Where it stands.
    pub table_id: TableId,
    /// What it is called.
    pub name: String,
    /// Who it is linked to.
    pub member_id: Option<UserId>,
    /// The number of its rank.
    pub rank: Option<i32>,
    /// Within the table's floor and [`points::LIMIT`].
    pub points: i64,
    /// Whether a closing leaves it its rank, though it has too few points for it.
    #[serde(default)]
    pub exempt: bool,
    /// The values of the table's extra fields, by their numbers.
    pub extra: BTreeMap<String, String>,
    /// When each register was last written: `name`, `rank`, `member`, `exempt`, `extra:<number>`, `points`
    /// for the base, and `restored` for its last return from deletion.
    pub stamps: BTreeMap<String, Stamp>,
    /// When it came to be.
    pub created: Stamp,
    /// When it was deleted, if it was.
    pub deleted: Option<Stamp>,
}

impl Entry {
    /// A new entry without points.
    #[must_use]
    pub fn create(id: EntryId, table_id: TableId, name: String, stamp: &Stamp) -> (Self, Change) {
        let entry = Self {
            id,
            table_id,
            name,
            member_id: None,
            rank: None,
            points: 0,
            exempt: false,
            extra: BTreeMap::new(),
            stamps: BTreeMap::from([("name".to_owned(), stamp.clone())]),
            created: stamp.clone(),
            deleted: None,
        };
        let change = entry.change("name").after(entry.name.clone());
        (entry, change)
    }

    /// Adds `requested` (negative: takes away), between the bounds. Superseded by a deletion and
    /// by a base that are dated later; a base of a period that is closed does not count any more.
    pub fn add_points(&mut self, requested: i64, bounds: Bounds<'_>, stamp: &Stamp) -> Change {
        let mut change = self.change("points").before(self.points).after(self.points);
        change.requested = Some(requested);
        change.delta = Some(0);
        let mut base = self.stamps.get("points").into_iter();
        if self.is_deleted_after(stamp)
            || base.any(|base| base > stamp && Some(base) > bounds.closed)
        {
            return change.superseded();
        }
        self.give(requested, bounds.floor, change)
    }

    /// Gives back the effective delta of an earlier change. An undo may arrive late as well.
    pub fn compensate(&mut self, delta: i64, bounds: Bounds<'_>, stamp: &Stamp) -> Change {
        self.add_points(delta.saturating_neg(), bounds, stamp)
    }

    fn give(&mut self, requested: i64, floor: i64, mut change: Change) -> Change {
        let after = points::after_delta(self.points, requested, floor);
        change.delta = Some(after.saturating_sub(self.points));
        self.points = after;
        change.after(after)
    }

    /// Sets the base of the points to `value`; `later` is the sum of the effective deltas dated
    /// after `stamp`, which stay. Superseded by a later base, closing or deletion.
    pub fn set_points(
        &mut self,
        value: i64,
        later: i64,
        bounds: Bounds<'_>,
        stamp: &Stamp,
    ) -> Change {
        let mut change = self.change("points").before(self.points).after(self.points);
        change.requested = Some(value);
        change.delta = Some(0);
        if self.is_deleted_after(stamp)
            || self.stamps.get("points").is_some_and(|base| base > stamp)
            || bounds.closed.is_some_and(|closed| closed > stamp)
        {
            return change.superseded();
        }
        let after = points::after_base(value, later, bounds.floor);
        change.delta = Some(after.saturating_sub(self.points));
        self.points = after;
        self.stamps.insert("points".to_owned(), stamp.clone());
        change.after(after)
    }

    /// Its period is closed by `closing`: a base that is dated later was set in it all the same, and
    /// is over with it. One that is dated earlier is told by its date.
    pub fn forget_base(&mut self, closing: &Stamp) {
        if self.stamps.get("points").is_some_and(|base| base > closing) {
            self.stamps.remove("points");
        }
    }

    /// Its period is closed: whatever it has, it begins with `start` again.
    pub fn close(&mut self, start: i64) -> Change {
        let mut change = self.change("points").before(self.points).after(start);
        change.requested = Some(start);
        change.delta = Some(start.saturating_sub(self.points));
        self.points = start;
        change
    }

    /// Writes a field. Superseded by a later write of the same field and by a later deletion.
    pub fn set(&mut self, field: Field, stamp: &Stamp) -> Change {
        let register = field.register();
        let change = self
            .change_of(&field)
            .before(self.value_of(&register))
            .after(field.value());
        if self.deleted.is_some() || self.stamps.get(&register).is_some_and(|last| last > stamp) {
            return change.superseded();
        }
        self.stamps.insert(register, stamp.clone());
        match field {
            Field::Name(name) => self.name = name,
            Field::Rank(rank) => self.rank = rank,
            Field::Member(member) => self.member_id = member,
            Field::Exempt(exempt) => self.exempt = exempt,
            Field::Extra { number, value, .. } => match value {
                Some(value) => drop(self.extra.insert(number.to_string(), value)),
                None => drop(self.extra.remove(&number.to_string())),
            },
        }
        change
    }

    /// Takes away a rank that goes itself, also from whoever was given it later: there is nothing
    /// left to be given.
    pub fn lose_rank(&mut self, stamp: &Stamp) -> Change {
        let change = self.change("rank").before(self.rank);
        self.rank = None;
        let last = self.stamps.entry("rank".to_owned());
        let last = last.or_insert_with(|| stamp.clone());
        *last = stamp.max(last).clone();
        change
    }

    /// Deletes it. `last_edit` is the newest stamp of anything done to it: a deletion dated
    /// before that is superseded, since whoever asked for it had not seen the edit.
    pub fn delete(&mut self, last_edit: &Stamp, stamp: &Stamp) -> Change {
        let change = self.change("name").before(self.name.clone());
        if self.deleted.is_some() || last_edit > stamp {
            return change.after(self.name.clone()).superseded();
        }
        self.deleted = Some(stamp.clone());
        change
    }

    /// Brings it back from deletion, under `name`.
    pub fn restore(&mut self, name: String, stamp: &Stamp) -> Change {
        self.deleted = None;
        // A deletion dated before this arrives too late.
        self.stamps.insert("restored".to_owned(), stamp.clone());
        if self.name != name {
            self.name = name;
            self.stamps.insert("name".to_owned(), stamp.clone());
        }
        self.change("name").after(self.name.clone())
    }

    /// Whether a deletion stands that is dated after `stamp`.
    #[must_use]
    pub fn is_deleted_after(&self, stamp: &Stamp) -> bool {
        self.deleted.as_ref().is_some_and(|deleted| deleted > stamp)
    }

    /// The value of a register, as events hold it.
    #[must_use]
    pub fn value_of(&self, register: &str) -> Value {
        match register {
            "name" => self.name.clone().into(),
            "rank" => self.rank.into(),
            "member" => self.member_id.map(|id| id.to_string()).into(),
            "points" => self.points.into(),
            "exempt" => self.exempt.then_some(true).into(),
            extra => {
                let number = extra.strip_prefix(EXTRA).unwrap_or_default();
                self.extra.get(number).cloned().into()
            }
        }
    }

    fn change_of(&self, field: &Field) -> Change {
        match field {
            Field::Extra { number, name, .. } => Change {
                field_id: Some(number.to_string()),
                ..self.change(name)
            },
            field => self.change(&field.register()),
        }
    }

    fn change(&self, field: &str) -> Change {
        Change::new(
            What::Entry,
            self.id.to_string(),
            Some(self.name.clone()),
            field,
        )
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::OpId;

    fn stamp(second: i64) -> Stamp {
        Stamp::new(
            DateTime::from_timestamp(second, 0).unwrap(),
            OpId::new(second.to_string()),
        )
    }

    fn entry() -> Entry {
        Entry::create(
            EntryId(Uuid::nil()),
            TableId(Uuid::nil()),
            "Ana".to_owned(),
            &stamp(1),
        )
        .0
    }

    #[test]
    fn the_later_write_of_a_field_wins_whatever_comes_first() {
        let (mut one, mut other) = (entry(), entry());
        one.set(Field::Rank(Some(2)), &stamp(5));
        assert!(one.set(Field::Rank(Some(1)), &stamp(4)).superseded);
        other.set(Field::Rank(Some(1)), &stamp(4));
        other.set(Field::Rank(Some(2)), &stamp(5));
        assert_eq!(one, other);
    }

    #[test]
    fn a_late_base_counts_the_deltas_dated_after_it_and_no_others() {
        let mut in_order = entry();
        in_order.add_points(5, Bounds::default(), &stamp(3));
        in_order.set_points(100, 0, Bounds::default(), &stamp(4));
        in_order.add_points(7, Bounds::default(), &stamp(5));
        let mut late = entry();
        late.add_points(7, Bounds::default(), &stamp(5));
        late.set_points(100, 7, Bounds::default(), &stamp(4));
        assert!(late.add_points(5, Bounds::default(), &stamp(3)).superseded);
        assert_eq!((in_order.points, late.points), (107, 107));
    }

    #[test]
    fn a_closing_ends_what_was_set_before_it_and_keeps_what_comes_late() {
        let closing = stamp(5);
        let closed = Bounds {
            floor: 0,
            closed: Some(&closing),
        };
        let (mut one, mut other) = (entry(), entry());
        one.set_points(100, 0, Bounds::default(), &stamp(4));
        let change = one.close(0);
        assert_eq!((change.delta, one.points), (Some(-100), 0));
        other.close(0);
        assert!(other.set_points(100, 0, closed, &stamp(4)).superseded);
        for entry in [&mut one, &mut other] {
            assert!(!entry.add_points(7, closed, &stamp(3)).superseded);
            assert_eq!(entry.points, 7);
        }
    }

    #[test]
    fn a_deletion_beats_what_is_dated_before_it() {
        let mut entry = entry();
        entry.delete(&stamp(1), &stamp(9));
        assert!(entry.add_points(5, Bounds::default(), &stamp(8)).superseded);
        assert!(entry.set(Field::Rank(Some(1)), &stamp(8)).superseded);
        assert_eq!(entry.points, 0);
    }

    #[test]
    fn a_deletion_dated_before_an_edit_does_not_delete() {
        let mut entry = entry();
        assert!(entry.delete(&stamp(9), &stamp(8)).superseded);
        assert_eq!(entry.deleted, None);
    }
}
