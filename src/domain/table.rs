//! Score tables with their ranks and extra fields. What changed between two states of a table is
//! told register by register ([`Table::changes_since`]); undo writes single registers back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::activity::Activity;
use super::event::{Change, What};
use super::field::ExtraField;
use super::ids::{ChannelId, RoleId, TableId};
use super::layout::Layout;
use super::name::fold;
use super::period::Periods;
use super::points::Bounds;

/// The highest rank number; there are far fewer ranks in practice.
pub const MAX_RANK: i32 = 1000;

/// A score table with its ranks and extra fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Never reused, also after deletion.
    pub id: TableId,
    /// The part before the slash of its address.
    pub category: Option<String>,
    /// The part after it.
    pub name: String,
    /// Points never fall below it.
    pub floor: i64,
    /// Only those with a grant see it.
    pub private: bool,
    /// When it was deleted; it can be restored.
    pub deleted_at: Option<DateTime<Utc>>,
    /// By number.
    pub ranks: BTreeMap<i32, Rank>,
    /// By number, with those that were removed.
    pub fields: BTreeMap<i32, ExtraField>,
    /// What points are given for, by number.
    #[serde(default)]
    pub activities: BTreeMap<i32, Activity>,
    /// The channels in which a message always shows the table, and how it is laid out there.
    #[serde(default)]
    pub boards: BTreeMap<ChannelId, Layout>,
    /// How its periods go.
    #[serde(default)]
    pub periods: Periods,
}

/// A rank of a table. Entries are promoted and demoted by points when a period closes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    /// Its place in the order of ranks; higher is higher.
    pub number: i32,
    /// What people call it.
    pub title: String,
    /// Points in a period from which an entry rises to the next rank.
    pub promote_at: Option<i64>,
    /// Points in a period below which an entry falls to the rank before.
    pub demote_below: Option<i64>,
    /// The Discord role that goes with it.
    pub role: Option<RoleId>,
}

impl Table {
    /// `Category/Name`, or `Name` where it has no category.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.category {
            Some(category) => format!("{category}/{}", self.name),
            None => self.name.clone(),
        }
    }

    /// What its ranks are called.
    #[must_use]
    pub fn titles(&self) -> BTreeMap<i32, String> {
        self.ranks
            .values()
            .map(|rank| (rank.number, rank.title.clone()))
            .collect()
    }

    /// Between what its points stay, and which sets of them come too late.
    #[must_use]
    pub const fn bounds(&self) -> Bounds<'_> {
        Bounds {
            floor: self.floor,
            closed: self.periods.closed.as_ref(),
        }
    }

    /// The rank above that number.
    #[must_use]
    pub fn above(&self, number: i32) -> Option<&Rank> {
        let above = number.saturating_add(1)..;
        self.ranks.range(above).next().map(|(_, rank)| rank)
    }

    /// The rank below that number.
    #[must_use]
    pub fn below(&self, number: i32) -> Option<&Rank> {
        self.ranks.range(..number).next_back().map(|(_, rank)| rank)
    }

    /// The extra fields that were not removed, in the order in which they were added.
    pub fn live_fields(&self) -> impl Iterator<Item = &ExtraField> {
        self.fields.values().filter(|field| !field.removed)
    }

    /// The extra field of that name.
    #[must_use]
    pub fn field_named(&self, name: &str) -> Option<&ExtraField> {
        let key = fold(name);
        self.live_fields().find(|field| fold(&field.name) == key)
    }

    /// The activity of that name.
    #[must_use]
    pub fn activity_named(&self, name: &str) -> Option<&Activity> {
        let key = fold(name.trim());
        let mut activities = self.activities.values();
        activities.find(|activity| fold(&activity.name) == key)
    }

    /// What changed since `old`, or its creation if there is none.
    #[must_use]
    pub fn changes_since(&self, old: Option<&Self>) -> Vec<Change> {
        let mut changes = diff(
            What::Table,
            &self.id.to_string(),
            &old.map_or_else(|| self.address(), Self::address),
            &old.map(Self::registers).unwrap_or_default(),
            &self.registers(),
        );
        let ranks = |table: &Self| -> BTreeMap<i32, (String, Registers)> {
            let told = |rank: &Rank| (rank.title.clone(), rank.registers());
            let ranks = table.ranks.iter();
            ranks.map(|(number, rank)| (*number, told(rank))).collect()
        };
        let fields = |table: &Self| -> BTreeMap<i32, (String, Registers)> {
            let told = |field: &ExtraField| (field.name.clone(), field.registers());
            let fields = table.fields.iter();
            fields
                .map(|(number, field)| (*number, told(field)))
                .collect()
        };
        let activities = |table: &Self| -> BTreeMap<i32, (String, Registers)> {
            let told = |activity: &Activity| (activity.name.clone(), activity.registers());
            let activities = table.activities.iter();
            activities
                .map(|(number, activity)| (*number, told(activity)))
                .collect()
        };
        let boards = |table: &Self| -> BTreeMap<ChannelId, (String, Registers)> {
            let told = |layout: &Layout| (table.address(), board_registers(*layout));
            let boards = table.boards.iter();
            boards
                .map(|(channel, layout)| (*channel, told(layout)))
                .collect()
        };
        let before = |of: fn(&Self) -> _| old.map(of).unwrap_or_default();
        changes.extend(diff_all(What::Rank, &before(ranks), &ranks(self)));
        changes.extend(diff_all(What::Field, &before(fields), &fields(self)));
        changes.extend(diff_all(
            What::Activity,
            &before(activities),
            &activities(self),
        ));
        let old_boards = old.map(boards).unwrap_or_default();
        changes.extend(diff_all(What::Board, &old_boards, &boards(self)));
        changes
    }

    fn registers(&self) -> Registers {
        let name = self.deleted_at.is_none().then(|| self.name.clone());
        let promotions = self.periods.proposes.then_some("proposed");
        let mut registers = vec![
            ("name", name.into()),
            ("category", self.category.clone().into()),
            ("floor", self.floor.into()),
            ("private", self.private.into()),
            ("promotions", promotions.into()),
        ];
        registers.extend(self.periods.schedule.registers());
        registers
    }

    /// A register of the table, of one of its ranks, extra fields or boards, as events hold it; null
    /// where there is no such thing.
    #[must_use]
    pub fn register(&self, what: What, id: &str, field: &str) -> Value {
        let number = id.parse().unwrap_or_default();
        let registers = match what {
            What::Table => Some(self.registers()),
            What::Rank => self.ranks.get(&number).map(Rank::registers),
            What::Field => self.fields.get(&number).map(ExtraField::registers),
            What::Activity => self.activities.get(&number).map(Activity::registers),
            What::Board => board_of(id)
                .and_then(|channel| self.boards.get(&channel))
                .map(|layout| board_registers(*layout)),
            What::Entry | What::Period | What::Guild | What::Grant | What::Session => None,
        };
        let mut of_field = registers.into_iter().flatten();
        of_field
            .find(|(name, _)| *name == field)
            .map(|(_, value)| value)
            .unwrap_or_default()
    }

    /// Writes a register back, as an undo does. A rank comes to be by it and goes with its title, an
    /// activity with its name, a board with its layout; a table or an extra field only leaves sight.
    pub fn write_register(&mut self, change: &Change, value: &Value, now: DateTime<Utc>) {
        let number = change.id.parse().unwrap_or_default();
        match change.what {
            What::Table => self.write_own(&change.field, value, now),
            What::Rank if change.field == "title" && value.is_null() => {
                self.ranks.remove(&number);
            }
            What::Rank => {
                let rank = self.ranks.entry(number).or_insert_with(|| Rank {
                    number,
                    title: change.name.clone().unwrap_or_default(),
                    promote_at: None,
                    demote_below: None,
                    role: None,
                });
                rank.write(&change.field, value);
            }
            What::Field => {
                if let Some(field) = self.fields.get_mut(&number) {
                    field.write(&change.field, value);
                }
            }
            What::Activity if change.field == "name" && value.is_null() => {
                self.activities.remove(&number);
            }
            What::Activity => {
                let activity = self.activities.entry(number).or_insert_with(|| Activity {
                    number,
                    name: change.name.clone().unwrap_or_default(),
                    quantity: 1,
                    points: 1,
                });
                activity.write(&change.field, value);
            }
            What::Board => {
                if let Some(channel) = board_of(&change.id) {
                    match value.as_str().and_then(Layout::parse) {
                        Some(layout) => drop(self.boards.insert(channel, layout)),
                        None => drop(self.boards.remove(&channel)),
                    }
                }
            }
            What::Entry | What::Period | What::Guild | What::Grant | What::Session => {}
        }
    }

    fn write_own(&mut self, field: &str, value: &Value, now: DateTime<Utc>) {
        match (field, value) {
            ("name", Value::String(name)) => {
                self.comes_back(now);
                self.name.clone_from(name);
            }
            ("name", _) => self.deleted_at = Some(now),
            ("category", _) => self.category = value.as_str().map(str::to_owned),
            ("floor", _) => self.floor = value.as_i64().unwrap_or_default(),
            ("private", _) => self.private = value.as_bool().unwrap_or_default(),
            ("promotions", _) => self.periods.proposes = !value.is_null(),
            (schedule, _) => self.periods.schedule.write(schedule, value, now),
        }
    }

    /// It is brought back from deletion. What its schedule wanted meanwhile is not made up for.
    pub fn comes_back(&mut self, now: DateTime<Utc>) {
        if self.deleted_at.take().is_some() {
            self.periods.schedule.from = Some(now);
        }
    }
}

impl Rank {
    fn registers(&self) -> Registers {
        vec![
            ("title", self.title.clone().into()),
            ("promote_at", self.promote_at.into()),
            ("demote_below", self.demote_below.into()),
            ("role", self.role.map(|role| role.to_string()).into()),
        ]
    }

    fn write(&mut self, field: &str, value: &Value) {
        match field {
            "title" => value
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut self.title),
            "promote_at" => self.promote_at = value.as_i64(),
            "demote_below" => self.demote_below = value.as_i64(),
            "role" => {
                let id = value.as_str().and_then(|id| id.parse().ok());
                self.role = id.map(RoleId::from_db);
            }
            _ => {}
        }
    }
}

/// A board's fields: it is there as long as it has a layout.
fn board_registers(layout: Layout) -> Registers {
    vec![("layout", layout.as_str().into())]
}

/// A board is known by its channel.
fn board_of(id: &str) -> Option<ChannelId> {
    id.parse().ok().map(ChannelId::from_db)
}

/// The fields of a thing, as events hold them.
pub(super) type Registers = Vec<(&'static str, Value)>;

/// What changed in one thing, in the order of its registers. What is not there has none.
pub(super) fn diff(
    what: What,
    id: &str,
    name: &str,
    before: &Registers,
    after: &Registers,
) -> Vec<Change> {
    let value = |registers: &Registers, field: &str| {
        let found = registers.iter().find(|(name, _)| *name == field);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let fields = if after.is_empty() { before } else { after };
    let changed = |field: &str| {
        let (before, after) = (value(before, field), value(after, field));
        (before != after).then(|| {
            Change::new(what, id.to_owned(), Some(name.to_owned()), field)
                .before(before)
                .after(after)
        })
    };
    fields
        .iter()
        .filter_map(|(field, _)| changed(field))
        .collect()
}

fn diff_all<Id: Ord + ToString>(
    what: What,
    before: &BTreeMap<Id, (String, Registers)>,
    after: &BTreeMap<Id, (String, Registers)>,
) -> Vec<Change> {
    let ids: BTreeSet<&Id> = before.keys().chain(after.keys()).collect();
    let of = |id: &Id| {
        let (old, new) = (before.get(id), after.get(id));
        let name = old.or(new).map(|(name, _)| name.as_str());
        let registers = |thing: Option<&(String, Registers)>| {
            thing
                .map(|(_, registers)| registers.clone())
                .unwrap_or_default()
        };
        diff(
            what,
            &id.to_string(),
            name.unwrap_or_default(),
            &registers(old),
            &registers(new),
        )
    };
    ids.into_iter().flat_map(of).collect()
}
