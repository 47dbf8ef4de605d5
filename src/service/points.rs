//! Giving points and taking them.

use serde::{Deserialize, Serialize};

use crate::domain::access::Right;
use crate::domain::entry::{Entry, Field};
use crate::domain::event::Action;
use crate::domain::ids::{EntryId, UserId};
use crate::domain::name::{Name, NameOrMember, TableAddress};
use crate::domain::table::Table;
use crate::store::StoreError;

use super::activities::{self, Work};
use super::error::{OfferedLink, UnknownName};
use super::operation::{Ask, Begun, Operation, Receipt, counts_once};
use super::{Request, ServiceError, Services};

/// Points for one or several entries.
#[derive(Debug, Clone)]
pub struct Award {
    /// For whom; each once.
    pub names: Vec<NameOrMember>,
    /// How many, 0 to [`crate::domain::points::MAX_AWARD`].
    pub points: i64,
    /// Where; the session's last table, or the only one, without.
    pub table: Option<TableAddress>,
    /// Where, by id, before the address.
    pub table_id: Option<crate::domain::ids::TableId>,
    /// Why.
    pub reason: Option<String>,
}

/// What is known of a member whom an award mentions, beyond the id. Only those who have no entry
/// in the table need to be introduced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduction {
    /// Who.
    pub member: UserId,
    /// What they are called in the guild, made legal.
    pub name: Name,
    /// The entry of that name which they may be linked to: it was offered, and agreed to.
    pub link: Option<EntryId>,
}

impl Services {
    /// Adds points to entries by their names, and by members who are linked to one.
    ///
    /// # Errors
    /// As [`Services::add_points_for`].
    pub async fn add_points(
        &self,
        request: &Request,
        award: Award,
    ) -> Result<Receipt, ServiceError> {
        self.add_points_for(request, award, &[]).await
    }

    /// Adds points. Names that are not in the table become new entries. So do members who are
    /// mentioned and have none: linked to them, under what they are called.
    ///
    /// # Errors
    /// No such table, or no right; [`ServiceError::Strangers`] where members need to be
    /// introduced, [`ServiceError::LinksOffered`] where it asks first. Nothing is changed then.
    pub async fn add_points_for(
        &self,
        request: &Request,
        award: Award,
        people: &[Introduction],
    ) -> Result<Receipt, ServiceError> {
        self.add_points_of(request, award, None, people).await
    }

    /// Adds points, or as many as there are for what was done of an activity.
    ///
    /// # Errors
    /// As [`Services::add_points_for`]; no such activity, or no points for so much of it.
    pub async fn add_points_of(
        &self,
        request: &Request,
        mut award: Award,
        work: Option<&Work>,
        people: &[Introduction],
    ) -> Result<Receipt, ServiceError> {
        let mut ask = ask(&award);
        ask.names
            .extend(people.iter().map(|person| person.name.clone()));
        let mut op = match self.begin(request, ask).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let table = op.table(Right::ScoreAdd).await?;
        if let Some(work) = work {
            (award.points, award.reason) = activities::worth(&table, work, award.reason.take())?;
        }
        Awarding::new(&mut op, &table, people).give(&award).await?;
        op.finish(Action::PointsAdd, award.reason, None).await
    }

    /// Takes points away, down to the table's floor.
    ///
    /// # Errors
    /// As for adding; also if a name is not in the table, with the nearest names.
    pub async fn remove_points(
        &self,
        request: &Request,
        award: Award,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, ask(&award)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let table = op.table(Right::ScoreRemove).await?;
        let stamp = op.stamp();
        for id in existing(&mut op, &award.names).await? {
            op.edit(id, |entry| {
                entry.add_points(award.points.saturating_neg(), table.bounds(), &stamp)
            });
        }
        op.finish(Action::PointsRemove, award.reason, None).await
    }
}

/// Whom an award is for: found, created or linked, one after the other.
struct Awarding<'a, 's> {
    op: &'a mut Operation<'s>,
    table: &'a Table,
    people: &'a [Introduction],
    strangers: Vec<UserId>,
    offered: Vec<OfferedLink>,
}

impl<'a, 's> Awarding<'a, 's> {
    const fn new(op: &'a mut Operation<'s>, table: &'a Table, people: &'a [Introduction]) -> Self {
        Self {
            op,
            table,
            people,
            strangers: Vec::new(),
            offered: Vec::new(),
        }
    }

    /// Gives each of them the points, once; or tells what must be known or asked before any of
    /// them gets anything.
    async fn give(mut self, award: &Award) -> Result<(), ServiceError> {
        let (mut ids, stamp) = (Vec::new(), self.op.stamp());
        for who in &award.names {
            let found = match who {
                NameOrMember::Name(name) => Some(self.named(name)?),
                NameOrMember::Member(member) => self.mentioned(*member).await?,
            };
            if let Some(id) = found
                && counts_once(&mut ids, id)
            {
                self.op.edit(id, |entry| {
                    entry.add_points(award.points, self.table.bounds(), &stamp)
                });
            }
        }
        if !self.strangers.is_empty() {
            let members = self.strangers;
            return Err(ServiceError::Strangers { members });
        }
        if !self.offered.is_empty() {
            return Err(ServiceError::LinksOffered {
                table_id: self.table.id,
                table: self.table.address(),
                links: self.offered,
            });
        }
        Ok(())
    }

    fn named(&mut self, name: &Name) -> Result<EntryId, ServiceError> {
        match self.op.by_name(name) {
            Some(id) => Ok(id),
            None => self.create(name),
        }
    }

    fn create(&mut self, name: &Name) -> Result<EntryId, ServiceError> {
        self.op.require(Right::EntryAdd)?;
        Ok(self.op.create_entry(self.table.id, name))
    }

    /// The entry linked to a member; or the one that bears their name; or a new one.
    async fn mentioned(&mut self, member: u64) -> Result<Option<EntryId>, ServiceError> {
        let member = user(member);
        if let Some(id) = self.op.by_member(member) {
            return Ok(Some(id));
        }
        let introduced = self.people.iter().find(|person| person.member == member);
        let Some(person) = introduced else {
            self.strangers.push(member);
            return Ok(None);
        };
        let namesake = self.op.namesake(&person.name);
        let namesake = namesake.and_then(|id| self.op.entry(id).cloned());
        match namesake {
            Some(entry) if entry.member_id.is_none() => self.link(person, &entry).await,
            // Somebody else of the same name: both are meant to have an entry.
            Some(_) => {
                let name = self.op.free_name(self.table.id, &person.name).await?;
                self.create_linked(person, &name).await.map(Some)
            }
            None => self.create_linked(person, &person.name).await.map(Some),
        }
    }

    /// Links the entry that bears a member's name if that was agreed to, or if this very operation
    /// made it; offers it otherwise.
    async fn link(
        &mut self,
        person: &Introduction,
        entry: &Entry,
    ) -> Result<Option<EntryId>, ServiceError> {
        if self.op.is_new(entry.id) {
            self.set_member(entry.id, person.member).await?;
            return Ok(Some(entry.id));
        }
        // Whoever may not press the button is not shown one.
        if self.op.require(Right::EntryEdit).is_err() {
            return Err(ServiceError::MayNotLink {
                name: entry.name.clone(),
                member: person.member,
                table: self.table.address(),
            });
        }
        if person.link == Some(entry.id) {
            self.set_member(entry.id, person.member).await?;
            return Ok(Some(entry.id));
        }
        // Where two members of one name are mentioned, the second gets an entry of their own.
        if !self.offered.iter().any(|link| link.entry == entry.id) {
            self.offered.push(OfferedLink {
                member: person.member,
                entry: entry.id,
                name: entry.name.clone(),
            });
        }
        Ok(None)
    }

    async fn create_linked(
        &mut self,
        person: &Introduction,
        name: &Name,
    ) -> Result<EntryId, ServiceError> {
        if person.link.is_some() {
            let name = person.name.to_string();
            return Err(ServiceError::LinkOutdated { name });
        }
        let id = self.create(name)?;
        self.set_member(id, person.member).await?;
        Ok(id)
    }

    async fn set_member(&mut self, id: EntryId, member: UserId) -> Result<(), ServiceError> {
        let (field, stamp) = (Field::Member(Some(member)), self.op.stamp());
        let register = field.register();
        let set = |entry: &mut Entry| entry.set(field, &stamp);
        self.op.replace(id, &register, set).await
    }
}

fn ask(award: &Award) -> Ask {
    let (names, members) = split(&award.names);
    Ask {
        table: award.table.clone(),
        table_id: award.table_id,
        names,
        members,
        ..Ask::default()
    }
}

/// Names and members apart, as the opening of an operation takes them.
pub(super) fn split(list: &[NameOrMember]) -> (Vec<Name>, Vec<UserId>) {
    let mut names = Vec::new();
    let mut members = Vec::new();
    for who in list {
        match who {
            NameOrMember::Name(name) => names.push(name.clone()),
            NameOrMember::Member(member) => members.extend(UserId::try_from(*member)),
        }
    }
    (names, members)
}

/// The entries of these names, which all must exist; or have existed when they were last shown.
pub(super) async fn existing(
    op: &mut Operation<'_>,
    list: &[NameOrMember],
) -> Result<Vec<EntryId>, ServiceError> {
    let Some(table) = op.current_table().cloned() else {
        return Err(StoreError::Mismatch("entries without a table").into());
    };
    let mut ids = Vec::new();
    let mut unknown = Vec::new();
    for who in list {
        match who {
            NameOrMember::Name(name) => {
                match op.by_name(name).or_else(|| op.by_unseen_name(name)) {
                    Some(id) => {
                        counts_once(&mut ids, id);
                    }
                    None => unknown.push(name),
                }
            }
            NameOrMember::Member(member) => {
                let id = linked(op, *member, &table)?;
                counts_once(&mut ids, id);
            }
        }
    }
    if unknown.is_empty() {
        return Ok(ids);
    }
    let mut names = Vec::new();
    for name in unknown {
        let near = op.near(table.id, name.as_str()).await?;
        names.push(UnknownName {
            name: name.to_string(),
            near,
        });
    }
    Err(ServiceError::UnknownNames {
        table: table.address(),
        names,
    })
}

/// The entry linked to a member.
fn linked(op: &mut Operation<'_>, member: u64, table: &Table) -> Result<EntryId, ServiceError> {
    let member = user(member);
    op.by_member(member)
        .ok_or_else(|| ServiceError::MemberUnlinked {
            member,
            table_id: table.id,
            table: table.address(),
            near: Vec::new(),
        })
}

/// Discord issues no id beyond those that fit: such a mention is nobody's.
fn user(id: u64) -> UserId {
    UserId::try_from(id).unwrap_or(UserId::from_db(0))
}
