//! `/punctaj-admin board`, and what a board's button shows.

use std::sync::Arc;

use serenity::model::channel::PartialChannel;

use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::queue::known;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::ids::TableId;
use crate::service::view::ViewOrder;

use super::{Command, answered, read};

/// The boards of a table.
pub(super) fn group() -> Command {
    super::group("board", vec![post(), remove(), list()])
}

/// Has a channel always show a table.
#[poise::command(slash_command, guild_only)]
async fn post(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    #[channel_types("Text", "News")] channel: Option<PartialChannel>,
    layout: Option<String>,
) -> CommandResult {
    let here = ctx.interaction.channel_id.get();
    let channel = channel.map_or(here, |channel| channel.id.get());
    answered(ctx, Manner::Own, move |call| async move {
        let address = read::table(&table)?;
        let layout = layout.as_deref().map(read::layout).transpose()?;
        let request = call.request(None)?;
        let receipt = call
            .services
            .post_board(&request, &address, read::channel(channel)?, layout)
            .await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Removes boards.
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    #[channel_types("Text", "News")] channel: Option<PartialChannel>,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let address = read::table(&table)?;
        let channel = channel.map(|it| read::channel(it.id.get())).transpose()?;
        let request = call.request(None)?;
        let receipt = call
            .services
            .remove_boards(&request, &address, channel)
            .await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Lists boards.
#[poise::command(slash_command, guild_only)]
async fn list(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    #[channel_types("Text", "News")] channel: Option<PartialChannel>,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let address = read::table(&table)?;
        let channel = channel.map(|it| read::channel(it.id.get())).transpose()?;
        let request = call.request(None)?;
        let (table, boards) = call.services.boards(&request, &address).await?;
        Ok(views::board::list(&table, &boards, channel, call.locale))
    })
    .await
}

/// A board's table, for the one who clicked: in pages, and in the layout of their device.
///
/// # Errors
/// The table is gone, or no right.
pub async fn browse(call: Arc<Call>, table: TableId) -> Result<Reply, Failure> {
    let request = call.request(None)?;
    let order = ViewOrder {
        table_id: Some(table),
        ..ViewOrder::default()
    };
    let page = known::view(&call, &request, &order).await?;
    let how = views::table::Shown {
        layout: page.layout(),
        shared: false,
        device: page.device(),
    };
    Ok(views::table::page(&page, &how, call.locale))
}
