//! "Meant X?": a new name that is close to an existing one is often a slip of the pen. Whoever
//! made the entry may move its points to the one that was meant.

use std::collections::BTreeSet;

use crate::domain::access::Right;
use crate::domain::entry::Entry;
use crate::domain::event::{Action, Change, Event, Outcome};
use crate::domain::ids::{EntryId, Seq};
use crate::domain::stamp::Stamp;
use crate::store::{complete, events};

use super::operation::{Ask, Begun, Operation, Receipt};
use super::{Request, ServiceError, Services, near};

/// Entries whose names are compared with those of the table. Whoever makes more at once fills a
/// table, and does not mistype.
const COMPARED: usize = 4;

/// An entry that may have been meant by a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    /// The new one.
    pub created: EntryId,
    /// The one that was there.
    pub entry: EntryId,
    /// What it is called.
    pub name: String,
}

/// A new entry to move into another.
#[derive(Debug, Clone, Copy)]
pub struct MergeOrder {
    /// The award that created it.
    pub event: Seq,
    /// Which entry it created.
    pub created: EntryId,
    /// The one that was meant.
    pub meant: EntryId,
}

impl Services {
    /// For each entry that an award created: the one that may have been meant, if there is one.
    /// Entries of members are left alone; it is known whose they are.
    ///
    /// It is read after the award was committed and outside the guild's lock: looking for near
    /// names walks through the table, which nobody else is to wait for, and only new names need
    /// it. What fails here fails no award.
    pub async fn meant(&self, request: &Request, receipt: &Receipt) -> Vec<Meant> {
        let event = &receipt.event;
        let created = created_for_names(event);
        let Some(table) = event.table_id else {
            return Vec::new();
        };
        let is_award = event.action == Action::PointsAdd && event.outcome == Outcome::Applied;
        if !is_award || !(1..=COMPARED).contains(&created.len()) {
            return Vec::new();
        }
        let names: Vec<&str> = created.iter().map(|(_, name)| *name).collect();
        let but: Vec<EntryId> = event.changes.iter().filter_map(Change::entry_id).collect();
        let found = async {
            let mut conn = self.pool.acquire().await?;
            complete::close_entries(&mut conn, table, &names, &but).await
        };
        let existing = match found.await {
            Ok(existing) => existing,
            Err(error) => {
                tracing::warn!(%error, op.id = %request.op, "near names are not looked for");
                return Vec::new();
            }
        };
        let meant = |(created, name): (EntryId, &str)| {
            let close = near::slip_of(name, &existing)?;
            Some(Meant {
                created,
                entry: close.id,
                name: close.name.clone(),
            })
        };
        created.into_iter().filter_map(meant).collect()
    }

    /// Moves the points of an entry that the caller's own award created to the one that was meant,
    /// and removes it: one event.
    ///
    /// # Errors
    /// [`ServiceError::MergeOutdated`] if either entry is not what it was then; somebody else's
    /// award, or no right. Nothing is changed then.
    pub async fn merge(
        &self,
        request: &Request,
        order: MergeOrder,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, Ask::default()).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let award = find(&mut op, request, order).await?;
        op.load(award.table_id, vec![order.created, order.meant])
            .await?;
        op.require(Right::ScoreAdd)?;
        let live = op
            .current_table()
            .filter(|table| table.deleted_at.is_none());
        let table = live.cloned().ok_or(ServiceError::TableGone)?;
        let (created, last_edit) = untouched(&mut op, &award, order.created).await?;
        let meant = op.by_id(order.meant).and_then(|id| op.entry(id).cloned());
        let mut meant = meant
            .filter(|meant| meant.table_id == created.table_id)
            .ok_or_else(|| outdated(&created))?;
        let stamp = op.stamp();
        // All of it or nothing: neither a later base nor the highest number may swallow points.
        let moved = meant.add_points(created.points, table.bounds(), &stamp);
        if meant.deleted.is_some() || moved.superseded || moved.delta != Some(created.points) {
            return Err(outdated(&meant));
        }
        op.edit(created.id, |entry| entry.delete(&last_edit, &stamp));
        op.edit(meant.id, |entry| {
            entry.add_points(created.points, table.bounds(), &stamp)
        });
        op.finish(Action::EntryMerge, None, None).await
    }
}

/// The caller's own award that created the entry.
async fn find(
    op: &mut Operation<'_>,
    request: &Request,
    order: MergeOrder,
) -> Result<Event, ServiceError> {
    let unknown = ServiceError::UnknownEvent { event: order.event };
    let award = events::by_seq(op.conn(), request.guild, order.event)
        .await?
        .ok_or(unknown)?;
    if award.actor_id != Some(request.actor) {
        return Err(ServiceError::NotYours { event: order.event });
    }
    Ok(award)
}

/// The entry as the award created it, but for points that the same person gave it since; and the
/// newest stamp in it.
async fn untouched(
    op: &mut Operation<'_>,
    award: &Event,
    id: EntryId,
) -> Result<(Entry, Stamp), ServiceError> {
    let created_name = created_for_names(award)
        .into_iter()
        .find(|(created, _)| *created == id)
        .map(|(_, name)| name.to_owned());
    let gone = || ServiceError::MergeOutdated {
        name: created_name.clone().unwrap_or_default(),
    };
    let entry = op.by_id(id).and_then(|id| op.entry(id).cloned());
    let entry = entry.filter(|_| created_name.is_some()).ok_or_else(gone)?;
    let changed = entry
        .stamps
        .iter()
        .any(|(register, stamp)| register != "points" && stamp.op != award.op_id);
    if entry.deleted.is_some() || changed {
        return Err(gone());
    }
    let actor = award.actor_id.ok_or_else(gone)?;
    let others = events::last_touching(op.conn(), award.guild_id, id, award.seq, actor).await?;
    let last_edit = op.last_edit(id).ok_or_else(gone)?;
    if others.is_some() || last_edit > op.stamp() {
        return Err(gone());
    }
    Ok((entry, last_edit))
}

fn outdated(entry: &Entry) -> ServiceError {
    ServiceError::MergeOutdated {
        name: entry.name.clone(),
    }
}

/// The entries that an event created for names, and not for members, with those names.
fn created_for_names(event: &Event) -> Vec<(EntryId, &str)> {
    let linked: BTreeSet<EntryId> = event
        .changes
        .iter()
        .filter(|change| change.field == "member")
        .filter_map(Change::entry_id)
        .collect();
    let created = event.changes.iter().filter(|change| change.is_creation());
    created
        .filter_map(|change| Some((change.entry_id()?, change.after.as_str()?)))
        .filter(|(id, _)| !linked.contains(id))
        .collect()
}
