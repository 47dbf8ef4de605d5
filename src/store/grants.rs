//! What was granted to whom.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::StoreError;
use super::operation::decode;
use crate::domain::access::{Caller, Grant, Granted, Grantee, Place, Scope};
use crate::domain::ids::{GrantId, GuildId, RoleId, TableId, UserId};
use crate::domain::name::fold;

/// A grant as `punctaj.grants_json` writes it, and as it is written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GrantRow {
    id: GrantId,
    role: Option<RoleId>,
    member: Option<UserId>,
    granted: String,
    category: Option<String>,
    #[serde(default)]
    category_key: Option<String>,
    table: Option<TableId>,
}

impl From<&Grant> for GrantRow {
    fn from(grant: &Grant) -> Self {
        let (role, member) = columns(grant.who);
        let (category, table) = match &grant.scope {
            Scope::Guild => (None, None),
            Scope::Category(category) => (Some(category.clone()), None),
            Scope::Table(id) => (None, Some(*id)),
        };
        Self {
            id: grant.id,
            role,
            member,
            granted: grant.granted.as_str().to_owned(),
            category_key: category.as_deref().map(fold),
            category,
            table,
        }
    }
}

impl GrantRow {
    /// Nothing for what another version may grant.
    fn read(self) -> Option<Grant> {
        let who = match (self.role, self.member) {
            (Some(role), _) => Grantee::Role(role),
            (None, Some(member)) => Grantee::Member(member),
            (None, None) => return None,
        };
        let scope = match (self.category, self.table) {
            (Some(category), _) => Scope::Category(category),
            (None, Some(table)) => Scope::Table(table),
            (None, None) => Scope::Guild,
        };
        Some(Grant {
            id: self.id,
            who,
            granted: Granted::parse(&self.granted)?,
            scope,
        })
    }
}

const fn columns(who: Grantee) -> (Option<RoleId>, Option<UserId>) {
    match who {
        Grantee::Role(role) => (Some(role), None),
        Grantee::Member(member) => (None, Some(member)),
    }
}

/// Grants as the database writes them.
pub(super) fn decoded(grants: Value) -> Result<Vec<Grant>, StoreError> {
    let rows: Vec<GrantRow> = decode(grants, "grants")?;
    Ok(rows.into_iter().filter_map(GrantRow::read).collect())
}

/// What was granted to somebody.
///
/// # Errors
/// If the database fails.
pub async fn of_caller(
    conn: &mut PgConnection,
    guild: GuildId,
    caller: &Caller,
) -> Result<Vec<Grant>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"select punctaj.grants_json($1, $2) as "grants!""#,
        guild.db(),
        Json(caller) as _,
    )
    .fetch_one(conn)
    .await?;
    decoded(found)
}

/// A grant, with what is to be known of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The grant.
    pub grant: Grant,
    /// Where it holds for one table: its address.
    pub table: Option<String>,
    /// The category that the table is in.
    category: Option<String>,
    private: bool,
    /// Whether the table was deleted.
    pub is_deleted: bool,
}

impl Listed {
    /// Where the grant holds.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        match &self.grant.scope {
            Scope::Guild => Place::GUILD,
            Scope::Category(category) => Place::category(Some(category)),
            Scope::Table(id) => Place::table_of(*id, self.category.as_deref(), self.private),
        }
    }
}

/// All grants of a guild, or those of one role or member; those in tables that were deleted, too.
///
/// # Errors
/// If the database fails.
pub async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    who: Option<Grantee>,
) -> Result<Vec<Listed>, StoreError> {
    let (role, member) = who.map_or((None, None), columns);
    let rows = sqlx::query!(
        r#"
        select jsonb_build_object(
                'id', g.grant_id, 'role', g.role_id, 'member', g.user_id, 'granted', g.granted,
                'category', g.category, 'table', g.table_id
            ) as "grant!",
            case when t.category is null then t.name else t.category || '/' || t.name end as "table?",
            t.category as "category?", t.deleted_at is not null as "is_deleted!",
            coalesce(t.private, false) as "private!"
        from punctaj.grants g
        left join punctaj.tables t using (table_id)
        where g.guild_id = $1
            and ($2::bigint is null or g.role_id = $2) and ($3::bigint is null or g.user_id = $3)
        order by g.role_id, g.user_id, g.category_key, t.category_key, t.name_key, g.granted
        "#,
        guild.db(),
        role.map(RoleId::db),
        member.map(UserId::db),
    )
    .fetch_all(conn)
    .await?;
    let mut listed = Vec::new();
    for row in rows {
        if let Some(grant) = decode::<GrantRow>(row.grant, "grant")?.read() {
            listed.push(Listed {
                grant,
                table: row.table,
                category: row.category,
                private: row.private,
                is_deleted: row.is_deleted,
            });
        }
    }
    Ok(listed)
}

/// The grant of that to somebody, there.
///
/// # Errors
/// If the database fails.
pub async fn find(
    conn: &mut PgConnection,
    guild: GuildId,
    who: Grantee,
    granted: Granted,
    scope: &Scope,
) -> Result<Option<Grant>, StoreError> {
    let of_them = list(conn, guild, Some(who)).await?;
    let same = |scoped: &Scope| match (scoped, scope) {
        (Scope::Category(one), Scope::Category(other)) => fold(one) == fold(other),
        (one, other) => one == other,
    };
    let mut grants = of_them.into_iter().map(|listed| listed.grant);
    Ok(grants.find(|grant| grant.granted == granted && same(&grant.scope)))
}

/// Whether anything was granted in one of these categories as such.
///
/// # Errors
/// If the database fails.
pub async fn any_in_categories(
    conn: &mut PgConnection,
    guild: GuildId,
    keys: &[String],
) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select exists (
            select from punctaj.grants g where g.guild_id = $1 and g.category_key = any($2)
        ) as "any!"
        "#,
        guild.db(),
        keys,
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// The categories of a guild's live tables, in order.
///
/// # Errors
/// If the database fails.
pub async fn categories(
    conn: &mut PgConnection,
    guild: GuildId,
) -> Result<Vec<String>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select distinct on (t.category_key) t.category as "category!"
        from punctaj.tables t
        where t.guild_id = $1 and t.deleted_at is null and t.category is not null
        order by t.category_key, t.category
        "#,
        guild.db(),
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}
