//! Discord roles of ranks: whose are to be looked at, who should have which, what was handed out.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::{GuildId, RoleId, UserId};
use crate::domain::rank_role::UnfitRole;

/// Held while members are taken in hand, so that a guild is in one process's hands at a time.
const TAKING: i64 = 0x7075_6e63_7461_6a03;

/// Members of a guild whose roles may have to change, for one process alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InHand {
    /// Under which name it was taken.
    pub claim: Uuid,
    /// Which guild.
    pub guild: GuildId,
    /// Who, who waited longest first.
    pub members: Vec<Waiting>,
}

/// A member whose roles may have to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Who.
    pub member: UserId,
    /// How often it could not be done.
    pub tries: i32,
}

/// What a member should have of the roles that go with ranks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberRoles {
    /// Those of the ranks that they hold.
    pub wanted: BTreeSet<RoleId>,
    /// Those that the bot handed to them, or was about to.
    pub handed: BTreeSet<RoleId>,
}

/// A role that can't be handed out or taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleProblem {
    /// Of which guild.
    pub guild: GuildId,
    /// Which role.
    pub role: RoleId,
    /// Why.
    pub why: UnfitRole,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Whether there is somebody who could be taken in hand.
///
/// # Errors
/// If the database fails.
pub async fn is_one_due(conn: &mut PgConnection, patience: TimeDelta) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select exists (
            select from punctaj.role_changes c
            where c.not_before <= now()
                and (c.claimed_at is null or c.claimed_at <= now() - make_interval(secs => $1))
        ) as "due!"
        "#,
        patience.as_seconds_f64(),
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// Takes up to `limit` members of a guild in hand that nobody else has in hand. To be committed at
/// once.
///
/// # Errors
/// If the database fails.
pub async fn take(
    conn: &mut PgConnection,
    claim: Uuid,
    patience: TimeDelta,
    limit: i64,
) -> Result<Option<InHand>, StoreError> {
    sqlx::query!("select pg_advisory_xact_lock($1)", TAKING)
        .execute(&mut *conn)
        .await?;
    let rows = sqlx::query!(
        r#"
        with due as (
            select c.guild_id
            from punctaj.role_changes c
            where c.not_before <= now() and not exists (
                select from punctaj.role_changes o
                where o.guild_id = c.guild_id and o.claimed_at > now() - make_interval(secs => $2)
            )
            -- What fails again and again keeps nothing waiting that was not tried yet.
            order by c.tries, c.change_id
            limit 1
        ),
        members as (
            select c.guild_id, c.member_id
            from punctaj.role_changes c join due using (guild_id)
            where c.not_before <= now()
            group by c.guild_id, c.member_id
            order by min(c.tries), min(c.change_id)
            limit $3
        )
        update punctaj.role_changes c
        set claim = $1, claimed_at = now()
        from members m
        where c.guild_id = m.guild_id and c.member_id = m.member_id
        returning c.change_id, c.guild_id, c.member_id, c.tries
        "#,
        claim,
        patience.as_seconds_f64(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let Some(guild) = rows.first().map(|row| GuildId::from_db(row.guild_id)) else {
        return Ok(None);
    };
    // Of several changes the newest one tells how often it was tried: it is another chance.
    let mut newest = BTreeMap::new();
    for row in rows {
        let known = newest
            .entry(row.member_id)
            .or_insert((row.change_id, row.tries));
        *known = (*known).max((row.change_id, row.tries));
    }
    let mut members: Vec<_> = newest.into_iter().collect();
    members.sort_by_key(|(_, (change, _))| *change);
    let waiting = |(member, (_, tries))| Waiting {
        member: UserId::from_db(member),
        tries,
    };
    Ok(Some(InHand {
        claim,
        guild,
        members: members.into_iter().map(waiting).collect(),
    }))
}

/// A member is still in hand, with all that were taken with them. Returns whether they were until
/// now: they may have been taken for dropped.
///
/// # Errors
/// If the database fails.
pub async fn holds(
    conn: &mut PgConnection,
    claim: Uuid,
    member: UserId,
) -> Result<bool, StoreError> {
    let held = sqlx::query_scalar!(
        r#"
        with held as (
            update punctaj.role_changes set claimed_at = now() where claim = $1 returning member_id
        )
        select exists (select from held h where h.member_id = $2) as "held!"
        "#,
        claim,
        member.db(),
    )
    .fetch_one(conn)
    .await?;
    Ok(held)
}

/// What a member should have, and what was handed to them.
///
/// # Errors
/// If the database fails.
pub async fn of_member(
    conn: &mut PgConnection,
    guild: GuildId,
    member: UserId,
) -> Result<MemberRoles, StoreError> {
    let rows = sqlx::query!(
        r#"
        select r.role_id as "role_id!", true as "is_wanted!"
        from punctaj.tables t
        join punctaj.entries e
            on e.table_id = t.table_id and e.deleted_at is null and e.member_id = $2
        join punctaj.ranks r on r.table_id = e.table_id and r.number = e.rank
        where t.guild_id = $1 and t.deleted_at is null and r.role_id is not null
        union all
        select h.role_id, false
        from punctaj.handed_roles h
        where h.guild_id = $1 and h.member_id = $2
        "#,
        guild.db(),
        member.db(),
    )
    .fetch_all(conn)
    .await?;
    let mut roles = MemberRoles::default();
    for row in rows {
        let role = RoleId::from_db(row.role_id);
        let of = if row.is_wanted {
            &mut roles.wanted
        } else {
            &mut roles.handed
        };
        of.insert(role);
    }
    Ok(roles)
}

/// A role is about to be handed to a member in hand. Returns whether they are in hand still: it must
/// not be handed out otherwise.
///
/// # Errors
/// If the database fails.
pub async fn handing(
    conn: &mut PgConnection,
    in_hand: &InHand,
    member: UserId,
    role: RoleId,
) -> Result<bool, StoreError> {
    if !holds(&mut *conn, in_hand.claim, member).await? {
        return Ok(false);
    }
    sqlx::query!(
        r#"
        insert into punctaj.handed_roles (guild_id, member_id, role_id)
        values ($1, $2, $3)
        on conflict do nothing
        "#,
        in_hand.guild.db(),
        member.db(),
        role.db(),
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// A member does not have a role from the bot, or not any more; without a role, none at all; without a
/// member, nobody has it.
///
/// # Errors
/// If the database fails.
pub async fn forget(
    conn: &mut PgConnection,
    guild: GuildId,
    member: Option<UserId>,
    role: Option<RoleId>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        delete from punctaj.handed_roles
        where guild_id = $1 and ($2::bigint is null or member_id = $2)
            and ($3::bigint is null or role_id = $3)
        "#,
        guild.db(),
        member.map(UserId::db),
        role.map(RoleId::db),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A member's roles are as they should be, as of when they were taken in hand.
///
/// # Errors
/// If the database fails.
pub async fn done(conn: &mut PgConnection, claim: Uuid, member: UserId) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from punctaj.role_changes where claim = $1 and member_id = $2",
        claim,
        member.db(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// These members are left alone for a while, or until somebody mends what is wrong; `counts` where they
/// were tried.
///
/// # Errors
/// If the database fails.
pub async fn rest(
    conn: &mut PgConnection,
    claim: Uuid,
    members: &[UserId],
    (pause, counts): (Option<TimeDelta>, bool),
) -> Result<(), StoreError> {
    let members: Vec<i64> = members.iter().map(|member| member.db()).collect();
    sqlx::query!(
        r#"
        with newest as (
            select max(c.change_id) as change_id
            from punctaj.role_changes c
            where c.claim = $1 and c.member_id = any($2)
            group by c.member_id
        ),
        -- One of them says it all.
        gone as (
            delete from punctaj.role_changes c
            where c.claim = $1 and c.member_id = any($2)
                and c.change_id not in (select n.change_id from newest n)
        )
        update punctaj.role_changes c
        set claim = null, claimed_at = null, tries = c.tries + $4::boolean::integer,
            not_before = coalesce(now() + make_interval(secs => $3), 'infinity')
        from newest n
        where c.change_id = n.change_id
        "#,
        claim,
        &members,
        pause.map(TimeDelta::as_seconds_f64),
        counts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whoever waits in a guild is tried again at once. Returns whether there is anybody.
///
/// # Errors
/// If the database fails.
pub async fn try_again(conn: &mut PgConnection, guild: GuildId) -> Result<bool, StoreError> {
    let due = sqlx::query!(
        r#"
        update punctaj.role_changes c
        set not_before = '-infinity', tries = 0
        from (
            select o.change_id from punctaj.role_changes o
            where o.guild_id = $1 and o.not_before > now()
            -- Whoever has one of these in hand looks at it just now.
            for update skip locked
        ) w
        where c.change_id = w.change_id
        "#,
        guild.db(),
    )
    .execute(conn)
    .await?;
    Ok(due.rows_affected() > 0)
}

/// Whoever should have a role that the bot did not hand them is looked at, and whoever has one that it
/// should take back. Returns whether there is anybody.
///
/// # Errors
/// If the database fails.
pub async fn queue_astray(conn: &mut PgConnection, guild: GuildId) -> Result<bool, StoreError> {
    let queued = sqlx::query!(
        r#"
        with wanted as (
            select distinct e.member_id, r.role_id
            from punctaj.tables t
            join punctaj.ranks r on r.table_id = t.table_id and r.role_id is not null
            join punctaj.entries e
                on e.table_id = t.table_id and e.rank = r.number and e.deleted_at is null
                and e.member_id is not null
            where t.guild_id = $1 and t.deleted_at is null
        ),
        handed as (
            select h.member_id, h.role_id from punctaj.handed_roles h where h.guild_id = $1
        )
        insert into punctaj.role_changes (guild_id, member_id)
        select distinct $1, a.member_id
        from (
            (select * from wanted except select * from handed)
            union all
            (select * from handed except select * from wanted)
        ) a
        where not exists (
            select from punctaj.role_changes c where c.guild_id = $1 and c.member_id = a.member_id
        )
        "#,
        guild.db(),
    )
    .execute(conn)
    .await?;
    Ok(queued.rows_affected() > 0)
}

/// Notes why a role can't be handed out or taken back, and tells it in the log channel if it was not
/// known. Returns whether it is news.
///
/// # Errors
/// If the database fails.
pub async fn note_problem(
    conn: &mut PgConnection,
    guild: GuildId,
    role: RoleId,
    why: &UnfitRole,
) -> Result<bool, StoreError> {
    let (reason, detail) = why.parts();
    let news = sqlx::query_scalar!(
        r#"
        with noted as (
            insert into punctaj.role_problems as p (guild_id, role_id, why, detail)
            values ($1, $2, $3, $4)
            on conflict (guild_id, role_id) do update
                set why = excluded.why, detail = excluded.detail, since = now()
                where (p.why, p.detail) is distinct from (excluded.why, excluded.detail)
            returning p.role_id
        ),
        told as (
            insert into punctaj.outbox (guild_id, channel_id, kind, body)
            select $1, g.log_channel, 'role', jsonb_build_object('role', n.role_id)
            from noted n join punctaj.guilds g on g.guild_id = $1
            where g.log_channel is not null
        )
        select count(*) as "news!" from noted
        "#,
        guild.db(),
        role.db(),
        reason,
        detail,
    )
    .fetch_one(conn)
    .await?;
    Ok(news > 0)
}

/// Nothing is wrong with a role any more. That it is gone stays so where something was only done with
/// it: that may have been just before.
///
/// # Errors
/// If the database fails.
pub async fn mended(
    conn: &mut PgConnection,
    guild: GuildId,
    role: RoleId,
    is_there: bool,
) -> Result<(), StoreError> {
    let gone = UnfitRole::Missing.parts().0;
    sqlx::query!(
        "delete from punctaj.role_problems where guild_id = $1 and role_id = $2 and ($3 or why <> $4)",
        guild.db(),
        role.db(),
        is_there,
        gone,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is wrong with a role.
///
/// # Errors
/// If the database fails.
pub async fn problem(
    conn: &mut PgConnection,
    guild: GuildId,
    role: RoleId,
) -> Result<Option<UnfitRole>, StoreError> {
    let found = sqlx::query!(
        "select why, detail from punctaj.role_problems where guild_id = $1 and role_id = $2",
        guild.db(),
        role.db(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| UnfitRole::from_parts(&row.why, row.detail.as_deref())))
}

/// The roles that can't be handed out or taken back, of one guild or of all; only those that still go
/// with a rank, or that somebody has from the bot.
///
/// # Errors
/// If the database fails.
pub async fn problems(
    conn: &mut PgConnection,
    guild: Option<GuildId>,
) -> Result<Vec<RoleProblem>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select p.guild_id, p.role_id, p.why, p.detail, p.since
        from punctaj.role_problems p
        where ($1::bigint is null or p.guild_id = $1) and (
            exists (
                select from punctaj.tables t join punctaj.ranks r using (table_id)
                where t.guild_id = p.guild_id and t.deleted_at is null and r.role_id = p.role_id
            )
            or exists (
                select from punctaj.handed_roles h
                where h.guild_id = p.guild_id and h.role_id = p.role_id
            )
        )
        order by p.guild_id, p.since, p.role_id
        "#,
        guild.map(GuildId::db),
    )
    .fetch_all(conn)
    .await?;
    let problem = rows.into_iter().map(|row| RoleProblem {
        guild: GuildId::from_db(row.guild_id),
        role: RoleId::from_db(row.role_id),
        why: UnfitRole::from_parts(&row.why, row.detail.as_deref()),
        since: row.since,
    });
    Ok(problem.collect())
}

/// A rank of a live table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankOf {
    /// What it is called.
    pub title: String,
    /// The address of its table.
    pub table: String,
}

/// The rank of a live table that a role goes with; the first one, of several.
///
/// # Errors
/// If the database fails.
pub async fn rank_of(
    conn: &mut PgConnection,
    guild: GuildId,
    role: RoleId,
) -> Result<Option<RankOf>, StoreError> {
    let found = sqlx::query_as!(
        RankOf,
        r#"
        select r.title, case when t.category is null then t.name else t.category || '/' || t.name end as "table!"
        from punctaj.tables t join punctaj.ranks r using (table_id)
        where t.guild_id = $1 and t.deleted_at is null and r.role_id = $2
        order by t.category_key, t.name_key, r.number
        limit 1
        "#,
        guild.db(),
        role.db(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}
