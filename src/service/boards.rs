//! Boards: messages that always show a table. Which there are is part of the history; that each
//! shows its guild's last state is the work of whichever process takes it in hand.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use sqlx::Connection as _;

use crate::domain::access::Right;
use crate::domain::event::Action;
use crate::domain::guild::Settings;
use crate::domain::ids::{ChannelId, GuildId};
use crate::domain::layout::Layout;
use crate::domain::name::TableAddress;
use crate::domain::table::Table;
pub use crate::store::boards::{Board, Shown, Whole};
use crate::store::{StoreError, boards, guilds};

use super::operation::{Ask, Begun, Receipt};
use super::view::PAGE_ROWS;
use super::{Request, ServiceError, Services};

/// After which one that took a board in hand, and has not said since that it still has it, is taken
/// for dead.
const PATIENCE: TimeDelta = TimeDelta::seconds(12);

/// How often whoever has a board in hand says so.
pub const HOLDING: Duration = Duration::from_secs(4);

/// After which one is tried again that Discord refused for a reason that may be mended.
const MENDED: TimeDelta = TimeDelta::minutes(5);

/// How long a board rests after an attempt that Discord did not take.
const REST: TimeDelta = TimeDelta::seconds(2);

/// How long a channel rests at most, whatever Discord says: then it is asked again.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// What Discord says of a channel that is not there.
const UNKNOWN_CHANNEL: &str = "Unknown Channel";

/// Discord's limit for edits of older messages in one channel: how many within how long.
const BUDGET: (i64, TimeDelta) = (3, TimeDelta::seconds(6));

/// When to look again for a board that is behind, and that others have in hand or whose channel was
/// written to often enough.
const SOON: Duration = Duration::from_millis(500);

/// A board in hand: what is known of it, and what it is to show.
#[derive(Debug)]
pub struct InHand {
    /// The board.
    pub board: Board,
    /// The settings of its guild.
    pub settings: Settings,
    /// What it is to show; nothing where the board was removed.
    pub page: Option<BoardPage>,
}

/// What a board shows.
#[derive(Debug, Clone)]
pub struct BoardPage {
    /// The table, be it deleted.
    pub table: Table,
    /// Its first rows.
    pub rows: Whole,
    /// How it is laid out.
    pub layout: Layout,
    /// When it was changed last.
    pub changed_at: Option<DateTime<Utc>>,
}

/// What there is to do.
#[derive(Debug)]
pub enum Next {
    /// A board, for this process alone.
    Board(Box<InHand>),
    /// Nothing yet: a board waits for others to finish, for its channel's budget, or for its rest.
    Wait(Duration),
    /// Nothing.
    Nothing,
}

/// What became of a board in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The message shows this.
    Shows(Shown),
    /// The message is gone: it is posted anew.
    Gone,
    /// The board was removed, and its message with it.
    Removed,
    /// Discord did not take it this time.
    NotNow {
        /// How long it wants the channel to wait, if it says.
        wait: Option<Duration>,
    },
    /// Discord refuses it, in its words. Who set up the server may mend that.
    Refused(String),
    /// Discord never will take it: in its words.
    Never(String),
}

impl Services {
    /// Has a channel show a table, or lays its board out anew. One that could not be posted is
    /// tried again; those whose channel is gone give way to it.
    ///
    /// # Errors
    /// No such table, or no right; nothing is changed then.
    pub async fn post_board(
        &self,
        request: &Request,
        address: &TableAddress,
        channel: ChannelId,
        layout: Option<Layout>,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(address)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::BoardManage).await?;
        let former = table.boards.get(&channel).copied();
        let layout = layout.or(former).unwrap_or(Layout::Phone);
        for gone in boards::channels_with(op.conn(), table.id, UNKNOWN_CHANNEL).await? {
            table.boards.remove(&gone);
        }
        table.boards.insert(channel, layout);
        boards::try_again(op.conn(), table.id, channel).await?;
        op.put_table(table);
        op.finish(Action::BoardPost, None, None).await
    }

    /// Takes a table's boards away: that of a channel, or all.
    ///
    /// # Errors
    /// No such table, it has no board there, or no right; nothing is changed then.
    pub async fn remove_boards(
        &self,
        request: &Request,
        address: &TableAddress,
        channel: Option<ChannelId>,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, of_table(address)).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        let mut table = op.table(Right::BoardManage).await?;
        let before = table.boards.len();
        table
            .boards
            .retain(|of, _| channel.is_some_and(|channel| channel != *of));
        if table.boards.len() == before {
            let table = table.address();
            return Err(ServiceError::NoBoard { table });
        }
        op.put_table(table);
        op.finish(Action::BoardRemove, None, None).await
    }

    /// A table with its boards and what is known of them.
    ///
    /// # Errors
    /// No such table, or no right.
    pub async fn boards(
        &self,
        request: &Request,
        address: &TableAddress,
    ) -> Result<(Table, BTreeMap<ChannelId, Board>), ServiceError> {
        let table = self.table_for(request, address, Right::BoardManage).await?;
        let mut conn = self.connection().await?;
        let boards = boards::of_table(&mut conn, table.id).await?;
        Ok((table, boards))
    }

    /// The next board that does not show its guild's last state.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_board(&self) -> Result<Next, ServiceError> {
        if !read!(self, conn => boards::is_one_behind(&mut conn))? {
            return Ok(Next::Nothing);
        }
        let mut conn = self.connection().await?;
        let mut tx = conn.begin().await.map_err(StoreError::from)?;
        let taken = boards::take(&mut tx, PATIENCE, BUDGET).await?;
        tx.commit().await.map_err(StoreError::from)?;
        let Some(board) = taken else {
            return Ok(Next::Wait(SOON));
        };
        drop(conn);
        match self.in_hand(&board).await {
            Ok(in_hand) => {
                self.saw_table(in_hand.board.guild, in_hand.board.table);
                Ok(Next::Board(Box::new(in_hand)))
            }
            Err(error) => {
                // Nobody has it in hand after all. If that can't be told either, its time runs out.
                let _ = self
                    .board_done(&board, &Outcome::NotNow { wait: None })
                    .await;
                Err(error)
            }
        }
    }

    async fn in_hand(&self, board: &Board) -> Result<InHand, ServiceError> {
        let mut conn = self.connection().await?;
        let (settings, _) = guilds::settings(&mut conn, board.guild).await?;
        let page = match board.layout {
            None => None,
            Some(layout) => Some(page(&mut conn, board, layout).await?),
        };
        let board = board.clone();
        Ok(InHand {
            board,
            settings,
            page,
        })
    }

    /// A message is about to be posted: should this process die, it may stand there unknown.
    ///
    /// # Errors
    /// If the database fails; it must not be posted then.
    pub async fn posting(&self, board: &Board) -> Result<(), ServiceError> {
        let mut conn = self.connection().await?;
        Ok(boards::posting(&mut conn, board).await?)
    }

    /// A board is still in hand. Returns whether it was until now.
    ///
    /// # Errors
    /// If the database fails: somebody else may take it in hand then.
    pub async fn holds_board(&self, board: &Board) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        Ok(boards::holds(&mut conn, board).await?)
    }

    /// What became of a board in hand. Returns whether it is news that it can't be posted.
    ///
    /// # Errors
    /// If the database fails. It is taken in hand again then.
    pub async fn board_done(&self, board: &Board, outcome: &Outcome) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        match outcome {
            Outcome::Shows(shown) => boards::shows(&mut conn, board, shown).await?,
            Outcome::Gone => boards::gone(&mut conn, board).await?,
            Outcome::Removed => boards::removed(&mut conn, board).await?,
            Outcome::NotNow { wait: None } => boards::rests(&mut conn, board, REST).await?,
            Outcome::NotNow { wait: Some(wait) } => {
                let wait = TimeDelta::from_std(*wait).unwrap_or(LONGEST).min(LONGEST);
                boards::channel_rests(&mut conn, board, wait.max(REST)).await?;
            }
            Outcome::Refused(problem) => {
                return Ok(boards::park(&mut conn, board, problem, Some(MENDED)).await?);
            }
            Outcome::Never(problem) => {
                return Ok(boards::park(&mut conn, board, problem, None).await?);
            }
        }
        Ok(false)
    }

    /// Messages were deleted: boards among them are posted anew. Returns whether there were any.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn messages_gone(
        &self,
        channel: ChannelId,
        messages: &[i64],
    ) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        Ok(boards::messages_gone(&mut conn, channel, messages).await?)
    }

    /// A channel was deleted: the boards in it are parked, and the log channel is told. Returns
    /// whether there were any.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn channel_gone(
        &self,
        guild: GuildId,
        channel: ChannelId,
    ) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        let found = boards::of_channel(&mut conn, guild, channel).await?;
        for board in &found {
            match board.layout {
                Some(_) => {
                    boards::park(&mut conn, board, UNKNOWN_CHANNEL, None).await?;
                }
                None => boards::removed(&mut conn, board).await?,
            }
        }
        Ok(!found.is_empty())
    }

    /// Nobody knows what happened to the messages while the bot was away: each board of these
    /// guilds is looked at once more. Returns whether there are any.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn recheck_boards(&self, guilds: &[GuildId]) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        Ok(boards::recheck(&mut conn, guilds).await?)
    }
}

async fn page(
    conn: &mut sqlx::PgConnection,
    board: &Board,
    layout: Layout,
) -> Result<BoardPage, StoreError> {
    let (table, rows, changed_at) = boards::page(conn, board.guild, board.table, PAGE_ROWS).await?;
    Ok(BoardPage {
        table,
        rows,
        layout,
        changed_at,
    })
}

fn of_table(address: &TableAddress) -> Ask {
    Ask {
        table: Some(address.clone()),
        ..Ask::default()
    }
}
