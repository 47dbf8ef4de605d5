//! A closed period is opened again, and a closing brought back.

use serde_json::Value;
use sqlx::PgConnection;

use crate::domain::event::{Change, Event, What};
use crate::domain::ids::{EntryId, GuildId, Seq, TableId};
use crate::domain::period::{read_proposed, start};
use crate::domain::table::Table;
use crate::service::ServiceError;
use crate::service::error::{Conflict, ConflictEvent, ConflictKind};
use crate::store::periods::Kept;
use crate::store::{StoreError, entries, events, periods};

use super::{Undoing, undone};

/// Ranks that stay though the closing that had proposed them is undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RanksLeft {
    /// The event that applied them.
    pub event: Seq,
    /// Who holds them.
    pub names: Vec<String>,
}

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
            let (guild, undone) = (self.request.guild, self.event.undoes);
            let kept = closing(self.op.conn(), guild, undone).await?;
            let is_next = last_number.unwrap_or(0).checked_add(1) == Some(number);
            let kept = kept.filter(|_| is_next).ok_or_else(outdated)?;
            return self.op.reclose_period(address, &kept).await;
        }
        let moves_period = |it: &Change| it.what == What::Period && it.field == "closed";
        if change.field == "proposed" && !self.event.changes.iter().any(moves_period) {
            let kept = periods::closed(self.op.conn(), table, Some(number)).await?;
            if let Some(kept) = kept {
                return self.propose_again(change, address, &kept).await;
            }
        }
        Ok(())
    }

    /// What a closing had proposed is proposed again; not by another closing of the same number.
    async fn propose_again(
        &mut self,
        change: &Change,
        address: &str,
        stands: &Kept,
    ) -> Result<(), ServiceError> {
        let applied = self.original().await?;
        let (conn, number) = (self.op.conn(), stands.period.number);
        if closing_at(conn, &applied, number).await? != Some(stands.seq) {
            self.period_conflict(ConflictKind::ClosedAnew, address, stands);
            return Ok(());
        }
        let proposed = change.before.as_str().map(read_proposed);
        let proposed = proposed.unwrap_or_default();
        self.op.propose_ranks(address, stands, proposed).await
    }

    /// The event that was undone first, by however many undos this is of it.
    async fn original(&mut self) -> Result<Event, ServiceError> {
        let mut event = self.event.clone();
        while let Some(undone) = event.undoes {
            event = events::by_seq(self.op.conn(), self.request.guild, undone)
                .await?
                .ok_or(ServiceError::UnknownEvent { event: undone })?;
        }
        Ok(event)
    }

    /// Points of a period that was closed since would come from the open one: it asks first.
    pub(super) async fn closed_since(&mut self) -> Result<(), ServiceError> {
        // Of a table without a closing there is nothing to ask.
        let table = self.op.current_table();
        let closed = table.filter(|table| table.periods.closed.is_some());
        let Some(table) = closed.cloned() else {
            return Ok(());
        };
        if !undone(self.event).any(|change| self.moves_points(change, &table)) {
            return Ok(());
        }
        let after = self.event.seq;
        if let Some(closed) = periods::closed_after(self.op.conn(), table.id, after).await? {
            self.period_conflict(ConflictKind::ClosedSince, &table.address(), &closed);
        }
        Ok(())
    }

    /// Whether undoing a change gives or takes points, or brings back an entry that has some.
    fn moves_points(&mut self, change: &Change, table: &Table) -> bool {
        if let Some((_, delta)) = change.effective_points() {
            return delta != 0;
        }
        let gone = change.entry_id().filter(|_| change.is_deletion());
        let gone = gone.and_then(|id| self.op.by_id(id));
        let entry = gone.and_then(|id| self.op.entry(id));
        entry.is_some_and(|entry| entry.deleted.is_some() && entry.points != start(table))
    }

    fn period_conflict(&mut self, kind: ConflictKind, address: &str, closed: &Kept) {
        self.conflicts.push(Conflict {
            kind,
            name: address.to_owned(),
            field: "period".to_owned(),
            extra: false,
            now: closed.period.number.into(),
            back: Value::Null,
            by: Some(ConflictEvent {
                seq: closed.seq,
                actor: closed.by,
                at: closed.period.closed,
            }),
        });
    }
}

/// The closing that an event is, or that it undid or brought back, by however many undos.
async fn closing(
    conn: &mut PgConnection,
    guild: GuildId,
    event: Option<Seq>,
) -> Result<Option<Kept>, StoreError> {
    let mut event = event;
    while let Some(seq) = event {
        if let Some(kept) = periods::by_seq(conn, guild, seq).await? {
            return Ok(Some(kept));
        }
        event = events::by_seq(conn, guild, seq)
            .await?
            .and_then(|event| event.undoes);
    }
    Ok(None)
}

/// The closing of a period that stood when something happened: a number can be closed again.
async fn closing_at(
    conn: &mut PgConnection,
    event: &Event,
    number: i32,
) -> Result<Option<Seq>, StoreError> {
    let (guild, Some(table)) = (event.guild_id, event.table_id) else {
        return Ok(None);
    };
    let last = events::last_closing(conn, guild, table, number, event.seq).await?;
    let kept = closing(conn, guild, last.map(|last| last.seq)).await?;
    Ok(kept.map(|kept| kept.seq))
}

/// The period that changes open again, if they do.
pub(in crate::service) fn opened(changes: &[Change]) -> Option<i32> {
    let opens = |change: &&Change| change.what == What::Period && change.is_deletion();
    changes.iter().find(opens)?.id.parse().ok()
}

/// The ranks that stay though an undo of `undone`, which is to be event `by`, opens that period of a
/// table again: whoever applied them meant them, and may undo that too.
pub(in crate::service) async fn ranks_left(
    conn: &mut PgConnection,
    (guild, table): (GuildId, TableId),
    number: i32,
    (undone, by): (Seq, Seq),
) -> Result<Option<RanksLeft>, StoreError> {
    let Some(kept) = closing(conn, guild, Some(undone)).await? else {
        return Ok(None);
    };
    let between = (kept.seq, by);
    let applied = events::last_applied(conn, guild, table, number, between).await?;
    let Some(applied) = applied else {
        return Ok(None);
    };
    if closing_at(conn, &applied, number).await? != Some(kept.seq) {
        return Ok(None);
    }
    let names = entries::holding(conn, &given(&applied)).await?;
    Ok((!names.is_empty()).then_some(RanksLeft {
        event: applied.seq,
        names,
    }))
}

/// The ranks that an event gave.
fn given(event: &Event) -> Vec<(EntryId, i32)> {
    let ranks = event.changes.iter().filter(|change| !change.superseded);
    let ranks = ranks.filter(|change| change.register() == "rank");
    let given = ranks.filter_map(|change| {
        let rank = i32::try_from(change.after.as_i64()?).ok()?;
        Some((change.entry_id()?, rank))
    });
    given.collect()
}
