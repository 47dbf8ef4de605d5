//! Periods under the hands of an operation: closed with the rows as they are, opened again, and what
//! is told of it.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::domain::entry::Field;
use crate::domain::ids::{EntryId, Seq};
use crate::domain::period::{self, Period};
use crate::domain::table::Table;
use crate::service::ServiceError;
use crate::store::outbox::{News, Notice, To};
use crate::store::{entries, periods};

use super::{Nature, Operation};

impl Operation<'_> {
    /// The number that the operation's own event gets.
    pub(in crate::service) fn own_seq(&self) -> Seq {
        let before = i64::try_from(self.before.len()).unwrap_or(i64::MAX);
        Seq(self.head_seq.0.saturating_add(before)).next()
    }

    /// From here on nobody asks for it: a schedule does.
    pub(in crate::service) const fn is_unattended(&mut self) {
        self.nature = Nature::Unattended;
    }

    /// Closes a period of the table: all rows are kept as they are, and then they begin anew. Ranks
    /// move by the thresholds, or are proposed.
    pub(in crate::service) async fn close_period(
        &mut self,
        table: &Table,
        number: i32,
        due: Option<&period::Due>,
    ) -> Result<(), ServiceError> {
        let ids = entries::live(&mut self.tx, table.id).await?;
        self.load(Some(table.id), ids.clone()).await?;
        let held: Vec<EntryId> = ids.into_iter().filter_map(|id| self.by_id(id)).collect();
        let (mut moves, mut total) = (BTreeMap::new(), 0_i64);
        for id in &held {
            let Some(entry) = self.entry(*id) else {
                continue;
            };
            total = total.saturating_add(entry.points);
            let to = period::moves_to(table, entry.rank, entry.points, entry.exempt);
            moves.extend(to.map(|to| (*id, to)));
        }
        let given = if table.periods.proposes {
            BTreeMap::new()
        } else {
            std::mem::take(&mut moves)
        };
        let closed = Period {
            table_id: table.id,
            number,
            since: table.periods.closed.as_ref().map(|closed| closed.at),
            closed: self.request.at,
            due: due.map(|due| due.since),
            entries: i64::try_from(held.len()).unwrap_or(i64::MAX),
            total,
            proposed: moves,
        };
        let on = due.map(|due| due.on);
        self.keep_period(table, &closed, on).await?;
        self.begin_anew(table, &held, &given);
        Ok(())
    }

    async fn keep_period(
        &mut self,
        table: &Table,
        closed: &Period,
        due_on: Option<NaiveDate>,
    ) -> Result<(), ServiceError> {
        self.changes.extend(closed.closing(&table.address()));
        let seq = self.own_seq();
        let own = (self.request.guild, seq, &self.request.op);
        periods::keep(&mut self.tx, own, closed, due_on).await?;
        self.report_period(table, seq);
        Ok(())
    }

    /// Where reports go, this one is posted.
    fn report_period(&mut self, table: &Table, closing: Seq) {
        let channel = table.periods.schedule.channel;
        let channel = channel.or(self.settings.log_channel);
        self.news.extend(channel.map(|channel| Notice {
            to: To::Channel(channel),
            news: News::Period { seq: closing },
        }));
    }

    fn begin_anew(&mut self, table: &Table, held: &[EntryId], ranks: &BTreeMap<EntryId, i32>) {
        let (start, stamp) = (period::start(table), self.stamp());
        for id in held {
            self.forget_base(*id, &stamp);
            if self.entry(*id).is_some_and(|entry| entry.points != start) {
                self.edit(*id, |entry| entry.close(start));
            }
            if let Some(rank) = ranks.get(id) {
                self.edit(*id, |entry| entry.set(Field::rank(*rank), &stamp));
            }
        }
    }

    /// The table's last closing is undone.
    pub(in crate::service) async fn reopen_period(
        &mut self,
        address: &str,
        kept: &periods::Kept,
    ) -> Result<(), ServiceError> {
        self.changes.extend(kept.period.reopening(address));
        self.mark_reopened(kept, true).await
    }

    /// A closing that was undone is brought back, with the rows that were kept then.
    pub(in crate::service) async fn reclose_period(
        &mut self,
        address: &str,
        kept: &periods::Kept,
    ) -> Result<(), ServiceError> {
        self.changes.extend(kept.period.closing(address));
        self.mark_reopened(kept, false).await
    }

    /// Those who read the report hear of it, too.
    async fn mark_reopened(
        &mut self,
        kept: &periods::Kept,
        reopened: bool,
    ) -> Result<(), ServiceError> {
        let guild = self.request.guild;
        periods::mark_reopened(&mut self.tx, guild, kept.seq, reopened).await?;
        if let Some(table) = self.current_table().cloned() {
            self.report_period(&table, kept.seq);
        }
        Ok(())
    }

    /// Other ranks are proposed by a closing than were.
    pub(in crate::service) async fn propose_ranks(
        &mut self,
        address: &str,
        kept: &periods::Kept,
        proposed: BTreeMap<EntryId, i32>,
    ) -> Result<(), ServiceError> {
        let mut period = kept.period.clone();
        self.changes.extend(period.propose(address, proposed));
        let guild = self.request.guild;
        Ok(periods::propose(&mut self.tx, guild, kept.seq, &period).await?)
    }
}
