//! One entry's card, and all cards of a member.

use crate::domain::access::{Place, Right};
use crate::domain::event::Event;
use crate::domain::ids::{TableId, UserId};
use crate::domain::name::{Name, NameOrMember, TableAddress};
use crate::domain::session::Session;
use crate::domain::table::{Rank, Table};
use crate::store::profile::{self, Card, Cards, CardsWanted, Whose};
use crate::store::{StoreError, complete, tables};

use super::error::UnknownName;
use super::near::Unfound;
use super::operation::Aside;
use super::view::Looking;
use super::{Request, ServiceError, Services, near};

/// Cards that are shown at once.
const CARDS: i64 = 25;

/// Events that are shown with a single card.
const EVENTS: i64 = 5;

/// Which entry's card.
#[derive(Debug, Clone)]
pub struct ProfileOrder {
    /// A name; or a member, for all entries that are linked to them.
    pub who: NameOrMember,
    /// In which table. Without: for a name the session's last one, or the only one; for a member
    /// all of them.
    pub table: Option<TableAddress>,
    /// In which table, by id, before the address.
    pub table_id: Option<TableId>,
}

/// Cards of entries.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Each with its table. None: the member is linked to no entry.
    pub cards: Vec<(Card, Table)>,
    /// How many there are, with those that are left out.
    pub total: i64,
    /// What happened to the entry last, newest first; only with a single card.
    pub recent: Vec<Event>,
    /// The session that looks.
    pub session: Session,
    /// What else its person is to be told.
    pub aside: Aside,
}

/// How far an entry is from the next rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextRank<'a> {
    /// It has none, or its rank has no threshold.
    Unset,
    /// There is none above.
    Highest,
    /// It has enough points to rise when the period closes.
    Reached(&'a Rank),
    /// So many points are missing.
    Missing(&'a Rank, i64),
}

/// How far an entry of that rank and these points is from the next rank of the table.
#[must_use]
pub fn next_rank(table: &Table, rank: Option<i32>, points: i64) -> NextRank<'_> {
    let Some(current) = rank.and_then(|number| table.ranks.get(&number)) else {
        return NextRank::Unset;
    };
    match (table.above(current.number), current.promote_at) {
        (None, _) => NextRank::Highest,
        (Some(_), None) => NextRank::Unset,
        (Some(next), Some(at)) if points >= at => NextRank::Reached(next),
        (Some(next), Some(at)) => NextRank::Missing(next, at.saturating_sub(points)),
    }
}

impl Services {
    /// Reads cards, and notes that the session looked: two round trips, with one more operation
    /// for a person who has no session yet.
    ///
    /// # Errors
    /// Which table is meant can't be told, the name is not in it, or no right.
    pub async fn profile(
        &self,
        request: &Request,
        order: &ProfileOrder,
    ) -> Result<Profile, ServiceError> {
        let (key, member) = match &order.who {
            NameOrMember::Name(name) => (name.key(), None),
            NameOrMember::Member(id) => (String::new(), UserId::try_from(*id).ok()),
        };
        let whose = member.map_or(Whose::Named(&key), Whose::Members);
        let wanted = CardsWanted {
            guild: request.guild,
            user: request.actor,
            device: request.device.as_ref(),
            platform: request.platform,
            limits: self.limits,
            address: order
                .table
                .as_ref()
                .map(|a| (a.category().map(Name::key), a.name().key())),
            table: order.table_id,
            whose,
            caller: request.caller(&[Right::TableView]),
            cards: CARDS,
            events: EVENTS,
        };
        let found = read!(self, conn => profile::cards(&mut conn, &wanted))?;
        let everywhere = member.is_some() && order.table.is_none() && order.table_id.is_none();
        let table = if everywhere {
            None
        } else {
            Some(self.only_table(request, order, &found).await?)
        };
        if let (Some(table), NameOrMember::Name(name)) = (&table, &order.who)
            && found.cards.is_empty()
        {
            return Err(self.unknown_name(table, name).await?);
        }
        let looking = Looking {
            table: table.map(|table| table.id),
            ..Looking::default()
        };
        let looked = self
            .looking(request, found.sessions, found.parked, looking)
            .await?;
        let table_of = |card: &Card| found.tables.iter().find(|table| table.id == card.table_id);
        let with_table = |card: &Card| Some((card.clone(), table_of(card)?.clone()));
        Ok(Profile {
            cards: found.cards.iter().filter_map(with_table).collect(),
            total: found.total,
            recent: found.recent,
            session: looked.session,
            aside: looked.aside,
        })
    }

    /// Names of a table's entries that are close to one that is not in it.
    ///
    /// # Errors
    /// No right, or the database fails.
    pub async fn near_names(
        &self,
        request: &Request,
        table: TableId,
        name: &Name,
    ) -> Result<Vec<String>, ServiceError> {
        let authority = self.authority(request).await?;
        let found = read!(self, conn => tables::by_id(&mut conn, request.guild, table))?;
        let found = found.ok_or(ServiceError::TableGone)?;
        authority.require(Right::TableView, Place::table(&found))?;
        let key = name.key();
        let found = read!(self, conn => complete::candidates(&mut conn, table, &key))?;
        Ok(near::nearest(name.as_str(), found))
    }

    /// The table that the order is about.
    async fn only_table(
        &self,
        request: &Request,
        order: &ProfileOrder,
        found: &Cards,
    ) -> Result<Table, ServiceError> {
        if let [table] = found.tables.as_slice() {
            return Ok(table.clone());
        }
        if order.table_id.is_some() {
            return Err(ServiceError::TableGone);
        }
        let mut conn = self.connection().await?;
        let authority = super::access::authority(&mut conn, request).await?;
        let unfound = Unfound {
            right: Right::TableView,
            candidates: found.tables.iter().map(Table::address).collect(),
            address: order.table.as_ref().map(ToString::to_string),
        };
        Err(near::no_table(&mut conn, request, &authority, unfound).await)
    }

    async fn unknown_name(&self, table: &Table, name: &Name) -> Result<ServiceError, StoreError> {
        let key = name.key();
        let candidates = read!(self, conn => complete::candidates(&mut conn, table.id, &key))?;
        let unknown = UnknownName {
            name: name.to_string(),
            near: near::nearest(name.as_str(), candidates),
        };
        Ok(ServiceError::UnknownNames {
            table: table.address(),
            names: vec![unknown],
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::domain::period::Periods;

    #[test]
    fn the_next_rank_is_as_far_as_the_threshold_of_the_current_one() {
        let rank = |number, promote_at| Rank {
            number,
            title: format!("R{number}"),
            promote_at,
            demote_below: None,
            role: None,
        };
        let ranks = [rank(1, Some(50)), rank(5, None), rank(9, Some(100))];
        let table = Table {
            id: TableId(Uuid::nil()),
            category: None,
            name: "P".to_owned(),
            floor: 0,
            private: false,
            deleted_at: None,
            ranks: ranks
                .map(|rank| (rank.number, rank))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            fields: BTreeMap::new(),
            activities: BTreeMap::new(),
            boards: BTreeMap::new(),
            periods: Periods::default(),
        };
        let of = |rank, points| next_rank(&table, rank, points);
        assert_eq!(of(Some(1), 45), NextRank::Missing(&table.ranks[&5], 5));
        assert_eq!(of(Some(1), 50), NextRank::Reached(&table.ranks[&5]));
        assert_eq!(of(Some(5), 999), NextRank::Unset);
        assert_eq!(of(Some(9), 999), NextRank::Highest);
        assert_eq!(
            (of(None, 45), of(Some(3), 45)),
            (NextRank::Unset, NextRank::Unset)
        );
    }
}
