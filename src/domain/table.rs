//! Score tables and their ranks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::{Change, What};
use super::ids::{RoleId, TableId};

/// The highest rank number; there are far fewer ranks in practice.
pub const MAX_RANK: i32 = 1000;

/// A score table with its ranks.
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

    /// The changes that tell of its creation.
    #[must_use]
    pub fn created(&self) -> Vec<Change> {
        let change = |field: &str| {
            Change::new(
                What::Table,
                self.id.to_string(),
                Some(self.address()),
                field,
            )
        };
        let mut changes = vec![change("name").after(self.name.clone())];
        if let Some(category) = &self.category {
            changes.push(change("category").after(category.clone()));
        }
        changes.push(change("floor").after(self.floor));
        changes.push(change("private").after(self.private));
        changes
    }

    /// Deletes it, and tells so.
    pub fn delete(&mut self, now: DateTime<Utc>) -> Change {
        self.deleted_at = Some(now);
        self.existence().before(self.name.clone())
    }

    /// Brings it back, and tells so.
    pub fn restore(&mut self) -> Change {
        self.deleted_at = None;
        self.existence().after(self.name.clone())
    }

    fn existence(&self) -> Change {
        Change::new(
            What::Table,
            self.id.to_string(),
            Some(self.address()),
            "name",
        )
    }

    /// Puts `rank` in the place of the rank of its number, and tells what changed by it.
    pub fn set_rank(&mut self, rank: Rank) -> Vec<Change> {
        let old = self.ranks.get(&rank.number);
        let change = |field: &str| {
            Change::new(
                What::Rank,
                rank.number.to_string(),
                Some(rank.title.clone()),
                field,
            )
        };
        let mut changes = Vec::new();
        if old.map(|old| &old.title) != Some(&rank.title) {
            changes.push(
                change("title")
                    .before(old.map(|old| old.title.clone()))
                    .after(rank.title.clone()),
            );
        }
        for (field, before, after) in [
            (
                "promote_at",
                old.and_then(|old| old.promote_at),
                rank.promote_at,
            ),
            (
                "demote_below",
                old.and_then(|old| old.demote_below),
                rank.demote_below,
            ),
        ] {
            if before != after {
                changes.push(change(field).before(before).after(after));
            }
        }
        let role = |role: Option<RoleId>| role.map(|role| role.to_string());
        let (before, after) = (role(old.and_then(|old| old.role)), role(rank.role));
        if before != after {
            changes.push(change("role").before(before).after(after));
        }
        self.ranks.insert(rank.number, rank);
        changes
    }

    /// A field of a rank, as events hold it; null where there is no such rank.
    #[must_use]
    pub fn rank_value(&self, number: i32, field: &str) -> Value {
        let Some(rank) = self.ranks.get(&number) else {
            return Value::Null;
        };
        match field {
            "title" => rank.title.clone().into(),
            "promote_at" => rank.promote_at.into(),
            "demote_below" => rank.demote_below.into(),
            "role" => rank.role.map(|role| role.to_string()).into(),
            _ => Value::Null,
        }
    }

    /// Takes a rank away, and tells so.
    pub fn remove_rank(&mut self, number: i32) -> Vec<Change> {
        let Some(rank) = self.ranks.remove(&number) else {
            return Vec::new();
        };
        let change = |field: &str| {
            Change::new(
                What::Rank,
                number.to_string(),
                Some(rank.title.clone()),
                field,
            )
        };
        let mut changes = vec![change("title").before(rank.title.clone())];
        for (field, before) in [
            ("promote_at", rank.promote_at),
            ("demote_below", rank.demote_below),
        ] {
            if before.is_some() {
                changes.push(change(field).before(before));
            }
        }
        if let Some(role) = rank.role {
            changes.push(change("role").before(role.to_string()));
        }
        changes
    }
}
