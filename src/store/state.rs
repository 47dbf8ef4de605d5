//! A guild's whole state as the tables hold it, in the words of the events, for `verify`.

use futures_util::{Stream, StreamExt as _};
use serde_json::Value;
use sqlx::postgres::PgConnection;

use super::StoreError;
use super::operation::decode;
use crate::domain::ids::GuildId;
use crate::domain::replay::{Fields, Key};

/// A time as events hold it.
const TIME: &str = r#"YYYY-MM-DD"T"HH24:MI:SS.US"Z""#;

/// Reads it row by row, in no order.
///
/// # Errors
/// If the database fails.
pub fn of_guild(
    conn: &mut PgConnection,
    guild: GuildId,
) -> impl Stream<Item = Result<(Key, Fields), StoreError>> {
    let rows = sqlx::query!(
        r#"
        select 'table' as "what!", null::text as table_id, t.table_id::text as "id!", jsonb_build_object(
            'name', case when t.deleted_at is null then t.name end, 'category', t.category,
            'floor', t.floor, 'private', t.private, 'promotions', t.promotions,
            'every', t.schedule_every, 'day', t.schedule_day, 'time', t.schedule_time,
            'channel', t.schedule_channel::text, 'warning', t.schedule_warning,
            'paused', case when t.schedule_paused then true end
        ) as "fields!"
        from punctaj.tables t where t.guild_id = $1
        union all
        select 'rank', r.table_id::text, r.number::text, jsonb_build_object(
            'title', r.title, 'promote_at', r.promote_at, 'demote_below', r.demote_below,
            'role', r.role_id::text
        )
        from punctaj.ranks r join punctaj.tables t using (table_id) where t.guild_id = $1
        union all
        select 'field', f.table_id::text, f.number::text, jsonb_build_object(
            'name', case when not f.removed then f.name end, 'kind', f.kind, 'pattern', f.pattern
        )
        from punctaj.fields f join punctaj.tables t using (table_id) where t.guild_id = $1
        union all
        select 'activity', a.table_id::text, a.number::text, jsonb_build_object(
            'name', a.name, 'quantity', a.quantity, 'points', a.points
        )
        from punctaj.activities a join punctaj.tables t using (table_id) where t.guild_id = $1
        union all
        select 'board', b.table_id::text, b.channel_id::text, jsonb_build_object('layout', b.layout)
        from punctaj.boards b join punctaj.tables t using (table_id)
        where t.guild_id = $1 and b.layout is not null
        union all
        select 'period', p.table_id::text, p.number::text, jsonb_build_object(
            'closed', to_char(p.closed_at at time zone 'utc', $2),
            'since', to_char(p.since at time zone 'utc', $2),
            'due', to_char(p.due_at at time zone 'utc', $2),
            'entries', p.entries, 'total', p.total, 'proposed', p.proposed
        )
        from punctaj.periods p where p.guild_id = $1 and not p.reopened
        union all
        select 'entry', e.table_id::text, e.entry_id::text, jsonb_build_object(
            'name', case when e.deleted_at is null then e.name end, 'rank', e.rank,
            'member', e.member_id::text, 'points', e.points,
            'exempt', case when e.exempt then true end
        ) || (
            select coalesce(jsonb_object_agg('extra:' || x.key, x.value), '{}') from jsonb_each(e.extra) x
        )
        from punctaj.entries e where e.guild_id = $1
        union all
        select 'session', null, s.device_id, jsonb_build_object(
            'user', s.user_id::text, 'platform', s.platform, 'label', s.label, 'ended', s.end_reason
        )
        from punctaj.sessions s where s.guild_id = $1
        union all
        select 'guild', null, g.guild_id::text, jsonb_build_object(
            'language', g.language, 'timezone', g.timezone, 'log_channel', g.log_channel::text
        )
        from punctaj.guilds g
        where g.guild_id = $1 and coalesce(g.language, g.timezone, g.log_channel::text) is not null
        union all
        select 'grant', null, r.grant_id::text, jsonb_build_object(
            'who', case when r.role_id is null then 'member:' || r.user_id else 'role:' || r.role_id end,
            'right', r.granted,
            'scope', coalesce('category:' || r.category, 'table:' || r.table_id, 'guild')
        )
        from punctaj.grants r where r.guild_id = $1
        "#,
        guild.db(),
        TIME,
    )
    .fetch(conn);
    rows.map(|row| {
        let row = row?;
        let fields: Fields = decode::<serde_json::Map<String, Value>>(row.fields, "state")?
            .into_iter()
            .collect();
        let what = match row.what.as_str() {
            "table" => "table",
            "rank" => "rank",
            "field" => "field",
            "activity" => "activity",
            "board" => "board",
            "period" => "period",
            "guild" => "guild",
            "grant" => "grant",
            "entry" => "entry",
            _ => "session",
        };
        let (table, id) = (row.table_id, row.id);
        Ok((Key { what, table, id }, fields))
    })
}

/// The address of a table of the guild, be it deleted or not.
///
/// # Errors
/// If the database fails.
pub async fn address(
    conn: &mut PgConnection,
    guild: GuildId,
    table: &str,
) -> Result<Option<String>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select case when category is null then name else category || '/' || name end as "address!"
        from punctaj.tables
        where guild_id = $1 and table_id::text = $2
        "#,
        guild.db(),
        table,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}
