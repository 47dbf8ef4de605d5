//! Giving points and taking them.

use crate::domain::access::Right;
use crate::domain::event::Action;
use crate::domain::ids::{EntryId, UserId};
use crate::domain::name::{Name, NameOrMember, TableAddress};
use crate::store::StoreError;

use super::error::UnknownName;
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

impl Services {
    /// Adds points. Names that are not in the table become new entries.
    ///
    /// # Errors
    /// No such table, no right, or a member without an entry; nothing is changed then.
    pub async fn add_points(
        &self,
        request: &Request,
        award: Award,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, ask(&award)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let table = op.table(Right::ScoreAdd).await?;
        let stamp = op.stamp();
        let mut ids = Vec::new();
        for who in &award.names {
            let id = match who {
                NameOrMember::Name(name) => {
                    if let Some(id) = op.by_name(name) {
                        id
                    } else {
                        request.require(Right::EntryAdd)?;
                        op.create_entry(table.id, name)
                    }
                }
                NameOrMember::Member(member) => linked(&mut op, *member, &table.address())?,
            };
            if counts_once(&mut ids, id) {
                op.edit(id, |entry| {
                    entry.add_points(award.points, table.floor, &stamp)
                });
            }
        }
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
                entry.add_points(award.points.saturating_neg(), table.floor, &stamp)
            });
        }
        op.finish(Action::PointsRemove, award.reason, None).await
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

/// The entries of these names, which all must exist.
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
            NameOrMember::Name(name) => match op.by_name(name) {
                Some(id) => {
                    counts_once(&mut ids, id);
                }
                None => unknown.push(name),
            },
            NameOrMember::Member(member) => {
                let id = linked(op, *member, &table.address())?;
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
fn linked(op: &mut Operation<'_>, member: u64, table: &str) -> Result<EntryId, ServiceError> {
    let member = UserId::try_from(member).map_err(|_| ServiceError::MemberUnlinked {
        member: UserId::from_db(0),
        table: table.to_owned(),
    })?;
    op.by_member(member)
        .ok_or_else(|| ServiceError::MemberUnlinked {
            member,
            table: table.to_owned(),
        })
}
