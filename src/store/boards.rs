//! Boards: what is known of the messages that show tables, and which of them is behind.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::postgres::PgConnection;

use super::StoreError;
use super::entries::PageRow;
use super::operation::decode;
use super::tables;
use crate::domain::ids::{ChannelId, GuildId, Seq, TableId};
use crate::domain::layout::Layout;
use crate::domain::table::Table;

/// Held while a board is taken in hand, so that a channel's budget is counted by one at a time.
const TAKING: i64 = 0x7075_6e63_7461_6a02;

/// A board and its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Whose.
    pub guild: GuildId,
    /// Which table it shows.
    pub table: TableId,
    /// Where.
    pub channel: ChannelId,
    /// How it is laid out; none where it was removed and its message is to go.
    pub layout: Option<Layout>,
    /// The message.
    pub message: Option<i64>,
    /// What makes its nonces others than those of any other board.
    pub mark: uuid::Uuid,
    /// How often it was posted.
    pub posts: i32,
    /// Whether a post was begun whose end nobody saw.
    pub posting: bool,
    /// A hash of what the message shows.
    pub shows: Option<String>,
    /// The newest event when it was taken in hand.
    pub head: Seq,
    /// Why it can't be posted.
    pub problem: Option<String>,
}

/// What a message shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Which message.
    pub message: i64,
    /// A hash of it.
    pub hash: String,
    /// Whether Discord was written to for that.
    pub written: bool,
}

/// The rows that a board shows, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The first ones, most points first.
    pub rows: Vec<PageRow>,
    /// All rows of the table.
    pub total: i64,
    /// The sum of their points.
    pub points: i64,
}

struct Row {
    guild_id: i64,
    table_id: uuid::Uuid,
    channel_id: i64,
    layout: Option<String>,
    message_id: Option<i64>,
    mark: uuid::Uuid,
    posts: i32,
    posting: bool,
    shows: Option<String>,
    head_seq: i64,
    problem: Option<String>,
}

impl From<Row> for Board {
    fn from(row: Row) -> Self {
        Self {
            guild: GuildId::from_db(row.guild_id),
            table: TableId(row.table_id),
            channel: ChannelId::from_db(row.channel_id),
            layout: row.layout.as_deref().and_then(Layout::parse),
            message: row.message_id,
            mark: row.mark,
            posts: row.posts,
            posting: row.posting,
            shows: row.shows,
            head: Seq(row.head_seq),
            problem: row.problem,
        }
    }
}

/// Takes a board in hand that is behind: nobody else has it or another one of its channel, and the
/// channel was written to less often than `budget` allows. To be committed at once.
///
/// # Errors
/// If the database fails.
pub async fn take(
    conn: &mut PgConnection,
    patience: TimeDelta,
    (most, within): (i64, TimeDelta),
) -> Result<Option<Board>, StoreError> {
    sqlx::query!("select pg_advisory_xact_lock($1)", TAKING)
        .execute(&mut *conn)
        .await?;
    let found = sqlx::query_as!(
        Row,
        r#"
        with due as (
            select b.table_id, b.channel_id
            from punctaj.boards b
            join punctaj.tables t using (table_id)
            join punctaj.guilds g using (guild_id)
            where case when b.problem is null or b.layout is null
                    then coalesce(b.not_before, '-infinity') <= now()
                    -- One that may be mended by others is tried again from time to time.
                    else b.not_before <= now()
                end
                and (b.seen_seq < g.head_seq or b.layout is null)
                and not exists (
                    select from punctaj.boards o
                    where o.channel_id = b.channel_id and o.claimed_at > now() - make_interval(secs => $1)
                )
                and $2 > (
                    select count(*) from punctaj.boards o, unnest(o.edited_at) as edit
                    where o.channel_id = b.channel_id and edit > now() - make_interval(secs => $3)
                )
            order by b.taken_at nulls first
            limit 1
            for update of b skip locked
        )
        update punctaj.boards b
        set claimed_at = now(), taken_at = now()
        from due d, punctaj.tables t, punctaj.guilds g
        where b.table_id = d.table_id and b.channel_id = d.channel_id
            and t.table_id = b.table_id and g.guild_id = t.guild_id
        returning t.guild_id, b.table_id, b.channel_id, b.layout, b.message_id, b.mark, b.posts, b.posting,
            b.shows, g.head_seq, b.problem
        "#,
        patience.as_seconds_f64(),
        most,
        within.as_seconds_f64(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(Board::from))
}

/// A board is still in hand. Returns whether it was until now: it may have been taken for dropped.
///
/// # Errors
/// If the database fails.
pub async fn holds(conn: &mut PgConnection, board: &Board) -> Result<bool, StoreError> {
    let held = sqlx::query!(
        r#"
        update punctaj.boards
        set claimed_at = now()
        where table_id = $1 and channel_id = $2 and claimed_at is not null
        "#,
        board.table.0,
        board.channel.db(),
    )
    .execute(conn)
    .await?;
    Ok(held.rows_affected() > 0)
}

/// Whether a board is behind, though it can't be taken in hand yet.
///
/// # Errors
/// If the database fails.
pub async fn is_one_behind(conn: &mut PgConnection) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"
        select exists (
            select from punctaj.boards b
            join punctaj.tables t using (table_id)
            join punctaj.guilds g using (guild_id)
            where (b.problem is null or b.layout is null or b.not_before <= now())
                and (b.seen_seq < g.head_seq or b.layout is null)
        ) as "behind!"
        "#,
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// What a table's board is to show: the table, so many of its first rows, when it was changed last.
///
/// # Errors
/// If the database fails.
pub async fn page(
    conn: &mut PgConnection,
    guild: GuildId,
    table: TableId,
    limit: i64,
) -> Result<(Table, Whole, Option<DateTime<Utc>>), StoreError> {
    let found = sqlx::query!(
        r#"
        select punctaj.table_json(t) as "table!",
            (
                select coalesce(jsonb_agg(to_jsonb(r) order by r.place), '[]')
                from (
                    select e.entry_id as id, e.name, e.member_id, e.rank, e.points, e.extra,
                        row_number() over (order by e.points desc, e.name_key) as place
                    from punctaj.entries e
                    where e.table_id = t.table_id and e.deleted_at is null
                    order by e.points desc, e.name_key
                    limit $3
                ) r
            ) as "rows!",
            whole.total as "total!", whole.points as "points!",
            (
                select e.applied_at from punctaj.events e
                where e.guild_id = $1 and e.table_id = t.table_id and e.outcome = 'applied'
                order by e.seq desc
                limit 1
            ) as changed_at
        from punctaj.tables t
        cross join lateral (
            select count(*) as total, coalesce(sum(e.points), 0)::bigint as points
            from punctaj.entries e
            where e.table_id = t.table_id and e.deleted_at is null
        ) whole
        where t.guild_id = $1 and t.table_id = $2
        "#,
        guild.db(),
        table.0,
        limit,
    )
    .fetch_one(conn)
    .await?;
    let rows = Whole {
        rows: decode::<Vec<PageRow>>(found.rows, "rows")?,
        total: found.total,
        points: found.points,
    };
    Ok((tables::decoded(found.table)?, rows, found.changed_at))
}

/// The boards of a table.
///
/// # Errors
/// If the database fails.
pub async fn of_table(
    conn: &mut PgConnection,
    table: TableId,
) -> Result<BTreeMap<ChannelId, Board>, StoreError> {
    let found = sqlx::query_as!(
        Row,
        r#"
        select t.guild_id, b.table_id, b.channel_id, b.layout, b.message_id, b.mark, b.posts, b.posting,
            b.shows, b.seen_seq as head_seq, b.problem
        from punctaj.boards b join punctaj.tables t using (table_id)
        where b.table_id = $1 and b.layout is not null
        "#,
        table.0,
    )
    .fetch_all(conn)
    .await?;
    let boards = found.into_iter().map(Board::from);
    Ok(boards.map(|board| (board.channel, board)).collect())
}

/// The boards of a channel that was there until now, and those that were to be removed from it.
///
/// # Errors
/// If the database fails.
pub async fn of_channel(
    conn: &mut PgConnection,
    guild: GuildId,
    channel: ChannelId,
) -> Result<Vec<Board>, StoreError> {
    let found = sqlx::query_as!(
        Row,
        r#"
        select t.guild_id, b.table_id, b.channel_id, b.layout, b.message_id, b.mark, b.posts, b.posting,
            b.shows, b.seen_seq as head_seq, b.problem
        from punctaj.boards b join punctaj.tables t using (table_id)
        where b.channel_id = $1 and t.guild_id = $2 and b.problem is null
        "#,
        channel.db(),
        guild.db(),
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(Board::from).collect())
}

/// Where a table's boards can't be posted for that reason.
///
/// # Errors
/// If the database fails.
pub async fn channels_with(
    conn: &mut PgConnection,
    table: TableId,
    problem: &str,
) -> Result<Vec<ChannelId>, StoreError> {
    let found = sqlx::query_scalar!(
        "select channel_id from punctaj.boards where table_id = $1 and problem = $2",
        table.0,
        problem,
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(ChannelId::from_db).collect())
}

/// One that could not be posted has another chance.
///
/// # Errors
/// If the database fails.
pub async fn try_again(
    conn: &mut PgConnection,
    table: TableId,
    channel: ChannelId,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update punctaj.boards
        set problem = null, not_before = null, seen_seq = 0, shows = null
        where table_id = $1 and channel_id = $2
        "#,
        table.0,
        channel.db(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A message is about to be posted.
///
/// # Errors
/// If the database fails.
pub async fn posting(conn: &mut PgConnection, board: &Board) -> Result<(), StoreError> {
    sqlx::query!(
        "update punctaj.boards set posting = true where table_id = $1 and channel_id = $2",
        board.table.0,
        board.channel.db(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The message shows the state as of the board's head.
///
/// # Errors
/// If the database fails.
pub async fn shows(
    conn: &mut PgConnection,
    board: &Board,
    shown: &Shown,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update punctaj.boards b
        set claimed_at = null,
            edited_at = case when $6 then (array[now()] || b.edited_at)[1:3] else b.edited_at end,
            -- A look that found nothing to send need not be repeated at once.
            not_before = case when not x.gone and x.stands and not $6 then now() + interval '1 second' end,
            message_id = case when x.stands then $3 else b.message_id end,
            shows = case when x.stands then $4 else b.shows end,
            posting = b.posting and not x.stands,
            problem = case when x.gone then b.problem end,
            seen_seq = case when x.stands and $4 <> '' then greatest(b.seen_seq, $5) else b.seen_seq end
        from (
            -- Not where the message was deleted meanwhile, nor where another look was asked for. Where
            -- the channel was deleted, it stays so.
            select o.posts = $7 and ($6 or o.shows is not distinct from $4) as stands,
                o.problem is not null and o.not_before is null as gone
            from punctaj.boards o where o.table_id = $1 and o.channel_id = $2
        ) x
        where b.table_id = $1 and b.channel_id = $2
        "#,
        board.table.0,
        board.channel.db(),
        shown.message,
        shown.hash,
        board.head.0,
        shown.written,
        board.posts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The message is gone; the next one is posted under another nonce.
///
/// # Errors
/// If the database fails.
pub async fn gone(conn: &mut PgConnection, board: &Board) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update punctaj.boards b
        set claimed_at = null,
            -- The edit by which that was found.
            edited_at = (array[now()] || b.edited_at)[1:3],
            -- Unless that was heard of meanwhile.
            message_id = case when x.known then null else b.message_id end,
            shows = case when x.known then null else b.shows end,
            posting = b.posting and not x.known,
            posts = b.posts + x.known::integer,
            seen_seq = case when x.known then 0 else b.seen_seq end
        from (
            select o.message_id is not distinct from $3 as known
            from punctaj.boards o where o.table_id = $1 and o.channel_id = $2
        ) x
        where b.table_id = $1 and b.channel_id = $2
        "#,
        board.table.0,
        board.channel.db(),
        board.message,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A board that was removed is gone with its message; unless it was posted again meanwhile.
///
/// # Errors
/// If the database fails.
pub async fn removed(conn: &mut PgConnection, board: &Board) -> Result<(), StoreError> {
    let gone = sqlx::query!(
        "delete from punctaj.boards where table_id = $1 and channel_id = $2 and layout is null",
        board.table.0,
        board.channel.db(),
    )
    .execute(&mut *conn)
    .await?;
    if gone.rows_affected() == 0 {
        self::gone(conn, board).await?;
    }
    Ok(())
}

/// The board is left alone for a while.
///
/// # Errors
/// If the database fails.
pub async fn rests(
    conn: &mut PgConnection,
    board: &Board,
    rest: TimeDelta,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update punctaj.boards
        set claimed_at = null, not_before = now() + make_interval(secs => $3),
            -- Discord may have carried it out.
            edited_at = (array[now()] || edited_at)[1:3]
        where table_id = $1 and channel_id = $2
        "#,
        board.table.0,
        board.channel.db(),
        rest.as_seconds_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Discord wants a channel to be left alone for a while: all its boards are.
///
/// # Errors
/// If the database fails.
pub async fn channel_rests(
    conn: &mut PgConnection,
    board: &Board,
    rest: TimeDelta,
) -> Result<(), StoreError> {
    rests(&mut *conn, board, rest).await?;
    sqlx::query!(
        r#"
        update punctaj.boards
        set not_before = greatest(not_before, now() + make_interval(secs => $2))
        where channel_id = $1 and problem is null
        "#,
        board.channel.db(),
        rest.as_seconds_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The board can't be posted: it is left alone for so long, or until somebody posts it again, and the
/// log channel is told. Returns whether that is news.
///
/// # Errors
/// If the database fails.
pub async fn park(
    conn: &mut PgConnection,
    board: &Board,
    problem: &str,
    again: Option<TimeDelta>,
) -> Result<bool, StoreError> {
    let parked = sqlx::query_scalar!(
        r#"
        with released as (
            update punctaj.boards
            set claimed_at = null, posting = false,
                problem = case when layout is not null then $4 end,
                not_before = now() + make_interval(secs => $5)
            where table_id = $2 and channel_id = $3
        ),
        parked as (
            select b.channel_id from punctaj.boards b
            where b.table_id = $2 and b.channel_id = $3 and b.problem is null and b.layout is not null
        ),
        told as (
            insert into punctaj.outbox (guild_id, channel_id, kind, body)
            select $1, g.log_channel, 'board', jsonb_build_object('table', $2::uuid, 'channel', $3::bigint)
            from parked p join punctaj.guilds g on g.guild_id = $1
            where g.log_channel is not null and g.log_channel <> p.channel_id
        )
        select count(*) as "parked!" from parked
        "#,
        board.guild.db(),
        board.table.0,
        board.channel.db(),
        problem,
        again.map(TimeDelta::as_seconds_f64),
    )
    .fetch_one(conn)
    .await?;
    Ok(parked > 0)
}

/// Messages of a channel were deleted. Returns whether boards were among them.
///
/// # Errors
/// If the database fails.
pub async fn messages_gone(
    conn: &mut PgConnection,
    channel: ChannelId,
    messages: &[i64],
) -> Result<bool, StoreError> {
    let gone = sqlx::query!(
        r#"
        update punctaj.boards
        set message_id = null, shows = null, posts = posts + 1, seen_seq = 0
        where channel_id = $1 and message_id = any($2)
        "#,
        channel.db(),
        messages,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected() > 0)
}

/// Each board of these guilds is looked at once more. Returns whether there are any.
///
/// # Errors
/// If the database fails.
pub async fn recheck(conn: &mut PgConnection, guilds: &[GuildId]) -> Result<bool, StoreError> {
    let guilds: Vec<i64> = guilds.iter().map(|guild| guild.db()).collect();
    let behind = sqlx::query!(
        r#"
        update punctaj.boards b
        set shows = null, seen_seq = 0, not_before = case when b.problem is null then null else least(b.not_before, now()) end
        from punctaj.tables t
        where t.table_id = b.table_id and t.guild_id = any($1) and b.layout is not null
        "#,
        &guilds,
    )
    .execute(conn)
    .await?;
    Ok(behind.rows_affected() > 0)
}

/// A board that can't be posted, by the name of its table, and why.
///
/// # Errors
/// If the database fails.
pub async fn problem(
    conn: &mut PgConnection,
    table: TableId,
    channel: ChannelId,
) -> Result<Option<(Table, String)>, StoreError> {
    let found = sqlx::query!(
        r#"
        select punctaj.table_json(t) as "table!", b.problem as "problem!"
        from punctaj.boards b join punctaj.tables t using (table_id)
        where b.table_id = $1 and b.channel_id = $2 and b.problem is not null
        "#,
        table.0,
        channel.db(),
    )
    .fetch_optional(conn)
    .await?;
    let read = |table: Value, problem| Ok((tables::decoded(table)?, problem));
    found.map(|row| read(row.table, row.problem)).transpose()
}
