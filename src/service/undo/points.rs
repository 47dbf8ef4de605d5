//! Points are given back as far as they had an effect.

use crate::domain::entry::Entry;
use crate::domain::event::{Action, Change};
use crate::domain::table::Table;
use crate::service::ServiceError;
use crate::store::events;

use super::Undoing;

impl Undoing<'_, '_> {
    pub(super) async fn points(
        &mut self,
        change: &Change,
        entry: &Entry,
    ) -> Result<(), ServiceError> {
        let table = self.op.current_table().cloned();
        let bounds = table.as_ref().map(Table::bounds).unwrap_or_default();
        let (delta, stamp) = (change.delta.unwrap_or(0), self.op.stamp());
        let back = entry.clone().compensate(delta, bounds, &stamp).after;
        if entry.deleted.is_some() {
            self.conflict(entry, "name", back).await?;
        } else if self.event.action == Action::EntrySet && self.base_moved(entry).await? {
            self.conflict(entry, "points", back).await?;
        }
        self.op
            .edit(entry.id, |entry| entry.compensate(delta, bounds, &stamp));
        Ok(())
    }

    /// Whether another base stands than the one this event set. One that was itself undone does
    /// not count: walking backwards goes on beneath it.
    async fn base_moved(&mut self, entry: &Entry) -> Result<bool, ServiceError> {
        let Some(base) = entry.stamps.get("points") else {
            return Ok(false);
        };
        if base.op == self.event.op_id {
            return Ok(false);
        }
        let guild = self.request.guild;
        let Some(later) = events::by_op(self.op.conn(), guild, &base.op).await? else {
            return Ok(true);
        };
        let undone = events::undone_by(self.op.conn(), guild, later.seq).await?;
        Ok(undone.is_none())
    }
}
