//! A closed period is opened again, and a closing brought back.

use crate::domain::event::{Change, What};
use crate::domain::period::read_proposed;
use crate::service::ServiceError;
use crate::store::{events, periods};

use super::Undoing;

impl Undoing<'_, '_> {
    /// A closing is undone, or brought back; or what it had proposed is proposed again.
    pub(super) async fn period(
        &mut self,
        change: &Change,
        address: &str,
    ) -> Result<(), ServiceError> {
        let Some(table) = self.event.table_id else {
            return Ok(());
        };
        let last = periods::closed(self.op.conn(), table, None).await?;
        let last_number = last.as_ref().map(|last| last.period.number);
        let number = change.id.parse().unwrap_or_default();
        let outdated = || ServiceError::NotLastPeriod {
            table: address.to_owned(),
            period: number,
            last: last_number,
        };
        if change.is_creation() {
            let kept = last.filter(|last| last.period.number == number);
            let kept = kept.ok_or_else(outdated)?;
            return self.op.reopen_period(address, &kept).await;
        }
        if change.is_deletion() {
            let kept = self.closing().await?;
            let is_next = last_number.unwrap_or(0).checked_add(1) == Some(number);
            let kept = kept.filter(|_| is_next).ok_or_else(outdated)?;
            return self.op.reclose_period(address, &kept).await;
        }
        let moves_period = |it: &Change| it.what == What::Period && it.field == "closed";
        if change.field == "proposed" && !self.event.changes.iter().any(moves_period) {
            let kept = periods::closed(self.op.conn(), table, Some(number)).await?;
            if let Some(kept) = kept {
                let proposed = change.before.as_str().map(read_proposed);
                let proposed = proposed.unwrap_or_default();
                return self.op.propose_ranks(address, &kept, proposed).await;
            }
        }
        Ok(())
    }

    /// The closing that the event undid, by however many undos.
    async fn closing(&mut self) -> Result<Option<periods::Kept>, ServiceError> {
        let (guild, mut undone) = (self.request.guild, self.event.undoes);
        while let Some(seq) = undone {
            if let Some(kept) = periods::by_seq(self.op.conn(), guild, seq).await? {
                return Ok(Some(kept));
            }
            let event = events::by_seq(self.op.conn(), guild, seq).await?;
            undone = event.and_then(|event| event.undoes);
        }
        Ok(None)
    }
}
