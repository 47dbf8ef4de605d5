//! What was created goes, what was deleted comes back, and fields get their former values back.

use crate::domain::entry::{Entry, Field};
use crate::domain::event::Change;
use crate::domain::ids::UserId;
use crate::service::ServiceError;
use crate::service::error::{Conflict, ConflictKind};
use crate::store::{entries, events};

use super::{Force, Undoing, told};

impl Undoing<'_, '_> {
    pub(super) async fn entry(&mut self, change: &Change) -> Result<(), ServiceError> {
        let Some(id) = change.entry_id().and_then(|id| self.op.by_id(id)) else {
            return Ok(());
        };
        let Some(entry) = self.op.entry(id).cloned() else {
            return Ok(());
        };
        if change.is_creation() {
            self.uncreate(change, &entry).await
        } else if change.is_deletion() {
            self.undelete(change, &entry).await
        } else if change.register() == "points" {
            self.points(change, &entry).await
        } else {
            self.field(change, &entry).await
        }
    }

    async fn field(&mut self, change: &Change, entry: &Entry) -> Result<(), ServiceError> {
        if change.register() == "rank" && self.without_rank.contains(&entry.id) {
            return Ok(());
        }
        if entry.deleted.is_some() {
            self.conflict(entry, "name", change.before.clone()).await?;
        } else if entry.value_of(&change.register()) != change.after {
            self.field_conflict(entry, change).await?;
        }
        let Some(former) = former_value(change) else {
            return Ok(());
        };
        let former = self.free(entry, former).await?;
        let (register, stamp) = (change.register(), self.op.stamp());
        let is_meant = entry.value_of(&register) == change.after;
        let set = |entry: &mut Entry| entry.set(former, &stamp);
        // What is meant to go is not lost unseen, nor what was shown before the button was pressed.
        if is_meant || matches!(self.force, Force::Shown(_)) {
            self.op.edit(entry.id, set);
            return Ok(());
        }
        self.op.replace(entry.id, &register, set).await
    }

    /// A value that no other entry of the table holds, where only one may, and no rank that is
    /// gone: asks if it is another one than should come back.
    async fn free(&mut self, entry: &Entry, wanted: Field) -> Result<Field, ServiceError> {
        match wanted {
            Field::Name(name) => Ok(Field::Name(self.free_name(entry, name).await?)),
            Field::Member(Some(member)) => {
                let table = entry.table_id;
                let holder =
                    entries::holder_of_member(self.op.conn(), table, member, entry.id).await?;
                let Some(holder) = holder else {
                    return Ok(Field::Member(Some(member)));
                };
                let member = serde_json::Value::from(member.to_string());
                let nobody = serde_json::Value::Null;
                self.replaced(ConflictKind::Taken, holder, "member", (member, nobody));
                Ok(Field::Member(None))
            }
            Field::Rank(Some(rank)) if !self.has_rank(rank) => {
                let (name, none) = (entry.name.clone(), serde_json::Value::Null);
                self.replaced(ConflictKind::RankGone, name, "rank", (rank.into(), none));
                Ok(Field::Rank(None))
            }
            other => Ok(other),
        }
    }

    fn has_rank(&self, number: i32) -> bool {
        let table = self.op.current_table();
        table.is_some_and(|table| table.ranks.contains_key(&number))
    }

    async fn free_name(&mut self, entry: &Entry, wanted: String) -> Result<String, ServiceError> {
        // What this undo brings back itself is not in the table yet.
        let promised = self.op.names_appearing(Some(entry.id));
        let (table, conn) = (entry.table_id, self.op.conn());
        let (name, taken) =
            events::free_name(conn, table, Some(entry.id), &wanted, &promised).await?;
        if taken {
            let (now, back) = (wanted.clone().into(), name.clone().into());
            self.replaced(ConflictKind::Taken, wanted, "name", (now, back));
        }
        Ok(name)
    }

    /// Notes that what would come back can't, and what comes instead.
    fn replaced(
        &mut self,
        kind: ConflictKind,
        name: String,
        field: &str,
        (now, back): (serde_json::Value, serde_json::Value),
    ) {
        self.conflicts.push(Conflict {
            kind,
            name,
            field: field.to_owned(),
            extra: false,
            now,
            back,
            by: None,
        });
    }

    async fn uncreate(&mut self, change: &Change, entry: &Entry) -> Result<(), ServiceError> {
        if entry.deleted.is_some() {
            return self.conflict(entry, "name", change.before.clone()).await;
        }
        let changed_by_others = events::last_touching(
            self.op.conn(),
            self.request.guild,
            entry.id,
            self.event.seq,
            self.request.actor,
        )
        .await?;
        if let Some(other) = changed_by_others {
            self.conflicts.push(Conflict {
                kind: ConflictKind::InUse,
                name: entry.name.clone(),
                field: "points".to_owned(),
                extra: false,
                now: self.op.points_before(entry.id).into(),
                back: change.before.clone(),
                by: Some(told(&other)),
            });
        }
        let stamp = self.op.stamp();
        self.op.edit(entry.id, |entry| entry.delete(&stamp, &stamp));
        Ok(())
    }

    async fn undelete(&mut self, change: &Change, entry: &Entry) -> Result<(), ServiceError> {
        if entry.deleted.is_none() {
            return Ok(());
        }
        let wanted = change.before.as_str().unwrap_or(&entry.name).to_owned();
        let name = self.free_name(entry, wanted).await?;
        let stamp = self.op.stamp();
        self.op.edit(entry.id, |entry| entry.restore(name, &stamp));
        let rank = Field::Rank(entry.rank);
        if self.free(entry, rank.clone()).await? != rank {
            self.op.edit(entry.id, |entry| entry.lose_rank(&stamp));
        }
        let member = Field::Member(entry.member_id);
        let link = self.free(entry, member.clone()).await?;
        if link != member {
            self.op.edit(entry.id, |entry| entry.set(link, &stamp));
        }
        Ok(())
    }

    /// Notes that a field of an entry no longer holds what the event wrote.
    async fn field_conflict(&mut self, entry: &Entry, change: &Change) -> Result<(), ServiceError> {
        let register = change.register();
        self.conflict(entry, &register, change.before.clone())
            .await?;
        if let Some(conflict) = self.conflicts.last_mut() {
            conflict.field.clone_from(&change.field);
            conflict.extra = change.field_id.is_some();
        }
        Ok(())
    }
}

/// The value a field had before a change.
fn former_value(change: &Change) -> Option<Field> {
    if let Some(number) = &change.field_id {
        return Some(Field::Extra {
            number: number.parse().ok()?,
            name: change.field.clone(),
            value: change.before.as_str().map(str::to_owned),
        });
    }
    Some(match change.field.as_str() {
        "name" => Field::Name(change.before.as_str()?.to_owned()),
        "rank" => Field::Rank(
            change
                .before
                .as_i64()
                .and_then(|rank| i32::try_from(rank).ok()),
        ),
        "exempt" => Field::Exempt(change.before.as_bool().unwrap_or_default()),
        "member" => Field::Member(
            change
                .before
                .as_str()
                .and_then(|id| id.parse().ok())
                .map(UserId::from_db),
        ),
        _ => return None,
    })
}
