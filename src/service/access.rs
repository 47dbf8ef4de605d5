//! Rights: what somebody may do and why, and granting and revoking it.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::domain::access::{
    Authority, Grant, Granted, Grantee, Place, Right, Scope, Spot, Standing,
};
use crate::domain::event::{Action, Event};
use crate::domain::ids::{RoleId, UserId};
use crate::domain::name::{Name, TableAddress, fold};
use crate::domain::rank_role::{UnfitRole, is_powerful};
use crate::domain::table::Table;
use crate::store::rank_roles::{self, RankOf};
use crate::store::{StoreError, complete, grants, tables};

use super::complete::{CHOICES, filter};

use super::operation::{Ask, Begun, Operation, Receipt};
use super::undo::Whose;
use super::{Request, ServiceError, Services};

pub use crate::store::grants::Listed;

/// What follows a category's name where it is meant as such: a table may be called alike.
pub const WHOLE_CATEGORY: &str = "/*";

/// What is to be granted or revoked.
#[derive(Debug, Clone)]
pub struct GrantOrder {
    /// To whom.
    pub who: Grantee,
    /// What.
    pub granted: Granted,
    /// In which category or table; in the whole guild, without.
    pub scope: Option<String>,
}

/// Whose rights are explained.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Whose.
    pub who: Grantee,
    /// What Discord says of them; of a role, what it alone allows.
    pub standing: Standing,
}

/// Why somebody may or may not do something.
#[derive(Debug, Clone)]
pub struct Explained {
    /// What they may do, by what they hold.
    pub authority: Authority,
    /// The codes that were asked for.
    pub rights: Vec<Right>,
    /// The table that was asked for.
    pub table: Option<Table>,
    /// What they hold, with the addresses of its tables.
    pub grants: Vec<Listed>,
}

impl Services {
    /// What whoever asks may do.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn authority(&self, request: &Request) -> Result<Authority, ServiceError> {
        let caller = request.anyhow();
        let grants = read!(self, conn => grants::of_caller(&mut conn, request.guild, &caller))?;
        Ok(request.authority(grants))
    }

    /// Grants a code or a bundle.
    ///
    /// # Errors
    /// It is granted already, it is nothing to be held in one place, they don't hold it themselves, it
    /// is for themselves, everybody who is promoted would get it, no such category or table, or no right; nothing is changed then.
    pub async fn grant(
        &self,
        request: &Request,
        order: &GrantOrder,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, Ask::default()).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let scope = allowed(&mut op, request, order).await?;
        let (guild, who, granted) = (request.guild, order.who, order.granted);
        if let (Granted::Right(right), false) = (granted, scope == Scope::Guild)
            && right.is_of_guild()
        {
            return Err(ServiceError::OfGuild { right });
        }
        if grants::find(op.conn(), guild, who, granted, &scope)
            .await?
            .is_some()
        {
            return Err(ServiceError::AlreadyGranted);
        }
        let grant = Grant {
            id: self.entropy.grant_id(),
            who,
            granted,
            scope,
        };
        require_unranked(&mut op, request, &grant).await?;
        op.grant(grant);
        op.finish(Action::AccessGrant, None, None).await
    }

    /// Takes away what was granted; also in a table that was deleted, or in a category that no table
    /// is in any more.
    ///
    /// # Errors
    /// It was not granted there, they don't hold it themselves, it is their own, no such category or
    /// table, or no right; nothing is changed then.
    pub async fn revoke(
        &self,
        request: &Request,
        order: &GrantOrder,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, Ask::default()).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        op.leave_table();
        op.authority().require_somewhere(Right::AccessManage)?;
        let (guild, who, granted) = (request.guild, order.who, order.granted);
        let grant = if let Some(listed) = listed_as(&mut op, request, order).await? {
            require_change(op.authority(), who, granted, listed.place())?;
            if let Scope::Table(id) = listed.grant.scope {
                op.load(Some(id), Vec::new()).await?;
            }
            Some(listed.grant)
        } else {
            let scope = allowed(&mut op, request, order).await?;
            grants::find(op.conn(), guild, who, granted, &scope).await?
        };
        let grant = grant.ok_or(ServiceError::NotGranted { granted })?;
        op.revoke(&grant);
        op.finish(Action::AccessRevoke, None, None).await
    }

    /// What was granted, where the caller may grant: to everybody, or to one role or member.
    ///
    /// # Errors
    /// No right, or the database fails.
    pub async fn grants(
        &self,
        request: &Request,
        who: Option<Grantee>,
    ) -> Result<Vec<Listed>, ServiceError> {
        let (authority, listed) = self.listed(request, who).await?;
        authority.require_somewhere(Right::AccessManage)?;
        Ok(listed)
    }

    /// What the caller may do, and what was granted where they may grant.
    async fn listed(
        &self,
        request: &Request,
        who: Option<Grantee>,
    ) -> Result<(Authority, Vec<Listed>), ServiceError> {
        let (authority, mut listed) = read!(self, conn => async {
            let authority = authority(&mut conn, request).await?;
            let listed = grants::list(&mut conn, request.guild, who).await?;
            Ok::<_, StoreError>((authority, listed))
        })?;
        listed.retain(|it| authority.may(Right::AccessManage, it.place()));
        Ok((authority, listed))
    }

    /// Why somebody may or may not do something: in a table, or in the guild. Everybody may ask that
    /// of themselves, and those who grant there, of others.
    ///
    /// # Errors
    /// No such table, no right, or the database fails.
    pub async fn explain(
        &self,
        request: &Request,
        subject: &Subject,
        asked: Option<Granted>,
        table: Option<&TableAddress>,
    ) -> Result<Explained, ServiceError> {
        let mut conn = self.connection().await?;
        let own = authority(&mut conn, request).await?;
        let is_own = subject.who == Grantee::Member(request.actor);
        if !is_own {
            own.require_somewhere(Right::AccessManage)?;
        }
        let table = match table {
            Some(address) => {
                Some(super::tables::find(&mut conn, request, address, Right::TableView).await?)
            }
            None => None,
        };
        let place = table.as_ref().map_or(Place::GUILD, Place::table);
        if let (Some(_), false) = (&table, is_own) {
            own.require(Right::AccessManage, place)?;
        }
        let request = Request {
            actor: match subject.who {
                Grantee::Member(user) => user,
                Grantee::Role(_) => UserId::from_db(0),
            },
            standing: subject.standing.clone(),
            ..request.clone()
        };
        let authority = authority(&mut conn, &request).await?;
        let mut grants = grants::list(&mut conn, request.guild, None).await?;
        // Of what others were granted elsewhere one is told as the list tells it.
        let is_told = |it: &Listed| {
            is_own || it.grant.scope.covers(place) || own.may(Right::AccessManage, it.place())
        };
        grants.retain(|it| authority.grants().contains(&it.grant) && is_told(it));
        Ok(Explained {
            rights: match &asked {
                Some(granted) => granted.rights().to_vec(),
                None => Right::ALL.to_vec(),
            },
            authority,
            table,
            grants,
        })
    }

    /// Who can give a right to others there, or somewhere, beside the members with *Manage Server*.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn givers(
        &self,
        request: &Request,
        right: Right,
        at: Option<&Spot>,
    ) -> Result<Vec<Grantee>, ServiceError> {
        let listed = read!(self, conn => grants::list(&mut conn, request.guild, None))?;
        let holds = |who: Grantee, right: Right, place: Place<'_>| {
            let mut grants = listed.iter().map(|listed| &listed.grant);
            grants.any(|it| it.who == who && it.granted.gives(right) && it.scope.covers(place))
        };
        let is_giver = |who: Grantee, place: Place<'_>| {
            holds(who, Right::AccessManage, place) && holds(who, right, place)
        };
        let mut givers: Vec<Grantee> = listed.iter().map(|listed| listed.grant.who).collect();
        givers.dedup();
        givers.retain(|who| match at {
            Some(spot) => is_giver(*who, spot.place()),
            None => listed.iter().any(|it| is_giver(*who, it.place())),
        });
        Ok(givers)
    }

    /// Addresses of tables and categories that hold this text, where the caller may grant.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_scopes(
        &self,
        request: &Request,
        text: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let (guild, typed) = (request.guild, fold(text.trim()));
        let filter = filter(request, &[Right::AccessManage]);
        let (authority, categories, tables) = read!(self, conn => async {
            let authority = authority(&mut conn, request).await?;
            let categories = grants::categories(&mut conn, guild).await?;
            let tables = complete::tables(&mut conn, guild, &typed, &filter, CHOICES).await?;
            Ok::<_, StoreError>((authority, categories, tables))
        })?;
        let categories = categories.into_iter().filter(|category| {
            let place = Place::category(Some(category));
            fold(category).contains(&typed) && authority.may(Right::AccessManage, place)
        });
        let categories = categories.map(|category| format!("{category}{WHOLE_CATEGORY}"));
        Ok(categories.chain(tables).collect())
    }

    /// Where something was granted that the caller may revoke: those places that hold this text,
    /// each once.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_granted_scopes(
        &self,
        request: &Request,
        text: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let (_, listed) = self.listed(request, None).await?;
        let (typed, mut once) = (fold(text.trim()), BTreeSet::new());
        let mut labels: Vec<String> = listed.iter().filter_map(label).collect();
        labels.retain(|it| fold(it).contains(&typed) && once.insert(fold(it)));
        Ok(labels)
    }

    /// What the caller may grant anywhere.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn grantable(&self, request: &Request) -> Result<Vec<Granted>, ServiceError> {
        let authority = self.authority(request).await?;
        let holds = |granted: &Granted| {
            let mut rights = granted.rights().iter();
            rights.all(|right| authority.may_somewhere(*right))
        };
        let may = authority.may_somewhere(Right::AccessManage);
        Ok(Granted::all().filter(|it| may && holds(it)).collect())
    }
}

/// What whoever asks may do, on a connection that is at hand.
pub(super) async fn authority(
    conn: &mut PgConnection,
    request: &Request,
) -> Result<Authority, StoreError> {
    let grants = grants::of_caller(conn, request.guild, &request.anyhow()).await?;
    Ok(request.authority(grants))
}

/// Whether what an event granted or revoked may be undone: by those who might do it, and also undo
/// what others did, where it was somebody else's.
pub(super) async fn require_undo(
    op: &mut Operation<'_>,
    request: &Request,
    event: &Event,
    whose: Whose,
) -> Result<(), ServiceError> {
    for (grant, _) in Grant::told_by(event) {
        let table = match grant.scope {
            Scope::Table(id) => tables::by_id(op.conn(), request.guild, id).await?,
            Scope::Guild | Scope::Category(_) => None,
        };
        let place = place_of(&grant.scope, table.as_slice());
        if whose == Whose::Anybodys {
            op.authority().require(Right::AuditUndo, place)?;
        }
        require_change(op.authority(), grant.who, grant.granted, place)?;
    }
    Ok(())
}

/// A table that moves takes other rights with it: where its old or new category has any, that is for
/// those who may grant in both. A private one is opened only by those who look at it.
pub(super) async fn require_move(
    op: &mut Operation<'_>,
    request: &Request,
    from: &Table,
    to: &Table,
) -> Result<(), ServiceError> {
    if from.private && !to.private {
        op.authority()
            .require(Right::TableView, Place::table(from))?;
    }
    let category = |table: &Table| table.category.as_deref().map(fold);
    if category(from) == category(to) {
        return Ok(());
    }
    let places = [from, to].map(Place::table);
    op.authority().require(Right::TableEdit, places[1])?;
    let keys: Vec<String> = [from, to].into_iter().filter_map(category).collect();
    if grants::any_in_categories(op.conn(), request.guild, &keys).await? {
        for place in places {
            op.authority().require(Right::AccessManage, place)?;
        }
    }
    Ok(())
}

/// Whoever lets a role go with a rank hands out all that was granted to the role. What changes rights
/// or settings is handed out by nobody.
pub(super) async fn require_role(
    op: &mut Operation<'_>,
    request: &Request,
    role: RoleId,
) -> Result<(), ServiceError> {
    let granted = grants::list(op.conn(), request.guild, Some(Grantee::Role(role))).await?;
    if granted.iter().any(|listed| is_powerful(&listed.grant)) {
        let why = UnfitRole::GivesRights;
        return Err(ServiceError::UnfitRole { role, why });
    }
    let lacking =
        |listed: &Listed| first_lacking(op.authority(), listed.grant.granted, listed.place());
    match granted.iter().find_map(lacking) {
        Some(right) => Err(ServiceError::NotHeld { right }),
        None => Ok(()),
    }
}

/// The same for the roles that go with a rank again where a table comes back, or is as it was.
pub(super) async fn require_roles(
    op: &mut Operation<'_>,
    request: &Request,
    from: Option<&Table>,
    to: &Table,
) -> Result<(), ServiceError> {
    if to.deleted_at.is_some() {
        return Ok(());
    }
    let live = from.filter(|from| from.deleted_at.is_none());
    for rank in to.ranks.values() {
        let was = live.and_then(|from| from.ranks.get(&rank.number));
        let new = rank
            .role
            .filter(|role| was.and_then(|was| was.role) != Some(*role));
        if let Some(role) = new {
            require_role(op, request, role).await?;
        }
    }
    Ok(())
}

/// What changes rights or settings is not granted to a role that goes with a rank: everybody who is
/// promoted would get it.
pub(super) async fn require_unranked(
    op: &mut Operation<'_>,
    request: &Request,
    grant: &Grant,
) -> Result<(), ServiceError> {
    let Grantee::Role(role) = grant.who else {
        return Ok(());
    };
    if !is_powerful(grant) {
        return Ok(());
    }
    match rank_roles::rank_of(op.conn(), request.guild, role).await? {
        Some(RankOf { title, table }) => Err(ServiceError::RankedRole {
            role,
            rank: title,
            table,
        }),
        None => Ok(()),
    }
}

/// Where an order holds, if its caller may change that.
async fn allowed(
    op: &mut Operation<'_>,
    request: &Request,
    order: &GrantOrder,
) -> Result<Scope, ServiceError> {
    op.leave_table();
    op.authority().require_somewhere(Right::AccessManage)?;
    let (scope, table) = match &order.scope {
        Some(given) => meant(op, request, given).await?,
        None => (Scope::Guild, None),
    };
    let place = place_of(&scope, table.as_slice());
    require_change(op.authority(), order.who, order.granted, place)?;
    if let Some(table) = table {
        op.load(Some(table.id), Vec::new()).await?;
    }
    Ok(scope)
}

/// Nobody grants what they don't hold, nor changes their own rights or those of a role they have,
/// unless they hold *Manage Server*.
fn require_change(
    authority: &Authority,
    who: Grantee,
    granted: Granted,
    place: Place<'_>,
) -> Result<(), ServiceError> {
    authority.require(Right::AccessManage, place)?;
    if authority.is_self(who) && !authority.manages() {
        return Err(ServiceError::OwnRights);
    }
    match first_lacking(authority, granted, place) {
        Some(right) => Err(ServiceError::NotHeld { right }),
        None => Ok(()),
    }
}

/// A right of those that somebody does not hold there themselves.
fn first_lacking(authority: &Authority, granted: Granted, place: Place<'_>) -> Option<Right> {
    let mut rights = granted.rights().iter().copied();
    rights.find(|right| !authority.may(*right, place))
}

/// How a scope is named, where it is not the whole guild.
fn label(listed: &Listed) -> Option<String> {
    match &listed.grant.scope {
        Scope::Guild => None,
        Scope::Category(category) => Some(format!("{category}{WHOLE_CATEGORY}")),
        Scope::Table(_) => listed.table.clone(),
    }
}

/// The grant that an order to revoke one calls as the list does, be there such a table or category
/// still or not. Of several, first that in a table that is there, and last that in one that was
/// deleted.
async fn listed_as(
    op: &mut Operation<'_>,
    request: &Request,
    order: &GrantOrder,
) -> Result<Option<Listed>, ServiceError> {
    let Some(given) = order.scope.as_deref().map(fold) else {
        return Ok(None);
    };
    let given = given.trim();
    let listed = grants::list(op.conn(), request.guild, Some(order.who)).await?;
    let is_meant = |it: &Listed| {
        let is_called = match &it.grant.scope {
            Scope::Category(category) if fold(category) == given => true,
            _ => label(it).is_some_and(|label| fold(&label) == given),
        };
        let may = || op.authority().may(Right::AccessManage, it.place());
        it.grant.granted == order.granted && is_called && may()
    };
    let meant = listed.into_iter().filter(is_meant);
    Ok(meant.min_by_key(|it| match it.grant.scope {
        Scope::Guild | Scope::Category(_) => 1,
        Scope::Table(_) if it.is_deleted => 2,
        Scope::Table(_) => 0,
    }))
}

/// The table or category that is meant: the table of exactly that address, else the category of that
/// name, else the table of that name in any category.
async fn meant(
    op: &mut Operation<'_>,
    request: &Request,
    given: &str,
) -> Result<(Scope, Option<Table>), ServiceError> {
    let unknown = || ServiceError::UnknownScope {
        scope: given.to_owned(),
    };
    let (text, is_category) = match given.trim().strip_suffix(WHOLE_CATEGORY) {
        Some(category) => (category, true),
        None => (given.trim(), false),
    };
    let categories = grants::categories(op.conn(), request.guild).await?;
    let category = categories.into_iter().find(|it| fold(it) == fold(text));
    let found = match TableAddress::parse(text) {
        Ok(address) if !is_category => {
            let (category, name) = (address.category().map(Name::key), address.name().key());
            let caller = request.anyhow();
            tables::by_address(
                op.conn(),
                request.guild,
                category.as_deref(),
                &name,
                &caller,
            )
            .await?
        }
        _ => Vec::new(),
    };
    let is_exact = |table: &Table| fold(&table.address()) == fold(text);
    match (found.as_slice(), category) {
        ([table], category) if category.is_none() || is_exact(table) => {
            Ok((Scope::Table(table.id), Some(table.clone())))
        }
        (_, Some(category)) => Ok((Scope::Category(category), None)),
        ([], None) => Err(unknown()),
        (several, None) => Err(ServiceError::AmbiguousTable {
            table: given.to_owned(),
            tables: several.iter().map(Table::address).collect(),
        }),
    }
}

/// The place that a scope is, of these tables.
fn place_of<'a>(scope: &'a Scope, tables: &'a [Table]) -> Place<'a> {
    match scope {
        Scope::Guild => Place::GUILD,
        Scope::Category(category) => Place::category(Some(category)),
        Scope::Table(id) => tables
            .iter()
            .find(|table| table.id == *id)
            .map_or(Place::GUILD, Place::table),
    }
}
