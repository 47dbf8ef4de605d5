//! `/punctaj-admin period`, and its buttons.

use std::sync::Arc;

use serenity::model::channel::PartialChannel;

use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::ids::{DeviceId, Seq, TableId};
use crate::domain::name::TableAddress;
use crate::service::periods::{Pinned, ScheduleOrder};

use super::{Command, answered, read};

/// The periods of a table.
pub(super) fn group() -> Command {
    super::group("period", vec![close(), schedule(), list(), report()])
}

/// Shows what closing a table's period would come to, and asks.
#[poise::command(slash_command, guild_only)]
async fn close(ctx: Ctx<'_>, #[autocomplete = "complete::table"] table: String) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let (request, address) = (call.request(None)?, read::table(&table)?);
        let report = call.services.preview_close(&request, &address).await?;
        let (session, _) = call.services.session(&request).await?;
        Ok(views::period::preview(
            &report,
            session.device_id,
            call.locale,
        ))
    })
    .await
}

/// Sets when a table is closed by itself; without options, shows it.
#[poise::command(slash_command, guild_only)]
#[expect(
    clippy::too_many_arguments,
    reason = "they are the options of the command"
)]
async fn schedule(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    every: Option<String>,
    #[autocomplete = "complete::day"] day: Option<String>,
    time: Option<String>,
    #[channel_types("Text", "News")] channel: Option<PartialChannel>,
    warning: Option<i64>,
    clear: Option<String>,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let (request, address) = (call.request(None)?, read::table(&table)?);
        let order = ScheduleOrder {
            every: every.as_deref().map(read::often).transpose()?,
            day: day.as_deref().map(read::day).transpose()?,
            time: time.as_deref().map(read::time_of_day).transpose()?,
            channel: channel.map(|it| read::channel(it.id.get())).transpose()?,
            warning: warning.map(read::hours).transpose()?,
            clear: clear.as_deref().map(read::schedule_part).transpose()?,
        };
        if order.is_empty() {
            let shown = call.services.schedule(&request, &address).await?;
            return Ok(views::period::schedule(&shown, call.locale));
        }
        let receipt = call
            .services
            .set_schedule(&request, &address, order)
            .await?;
        let shown = call.services.schedule(&request, &address).await?;
        let mut reply = views::receipt::receipt(&receipt, &[], call.locale);
        reply.content = views::period::runs(&shown, call.locale).join("\n");
        Ok(reply)
    })
    .await
}

/// Lists the closed periods.
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Ctx<'_>, #[autocomplete = "complete::table"] table: String) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let address = read::table(&table)?;
        page(call, None, &address, 0).await
    })
    .await
}

/// Tells what a closed period came to.
#[poise::command(slash_command, guild_only)]
async fn report(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    #[autocomplete = "complete::period"] period: Option<i64>,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let (request, address) = (call.request(None)?, read::table(&table)?);
        let period = period.map(read::period).transpose()?;
        let report = call
            .services
            .period_report(&request, &address, period)
            .await?;
        Ok(views::period::report(&report, call.locale))
    })
    .await
}

async fn page(
    call: Arc<Call>,
    device: Option<DeviceId>,
    address: &TableAddress,
    page: u32,
) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let list = call.services.list_periods(&request, address, page).await?;
    let (session, _) = call.services.session(&request).await?;
    Ok(views::period::list(&list, &session.device_id, call.locale))
}

/// Turns to a page of the closed periods.
///
/// # Errors
/// The table is gone, or no right.
pub async fn turn(
    call: Arc<Call>,
    device: Option<DeviceId>,
    table: TableId,
    number: u32,
) -> Result<Reply, Failure> {
    let request = call.request(device.clone())?;
    let address = call.services.address(&request, table).await?;
    let reply = page(call, device, &address, number).await?;
    Ok(reply.going(Manner::Update))
}

/// Closes the period that was shown.
///
/// # Errors
/// Another one is open by now, the table is gone, or no right.
pub async fn closed(
    call: Arc<Call>,
    device: Option<DeviceId>,
    pinned: Pinned,
) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let receipt = call.services.close_period(&request, pinned).await?;
    let reply = views::receipt::receipt(&receipt, &[], call.locale);
    Ok(reply.going(Manner::Update))
}

/// Applies the ranks that a closing proposed.
///
/// # Errors
/// They were applied already, the closing was undone, or no right.
pub async fn ranks_applied(call: Arc<Call>, closing: Seq) -> Result<Reply, Failure> {
    let request = call.request(None)?;
    let receipt = call.services.apply_ranks(&request, closing).await?;
    Ok(views::receipt::receipt(&receipt, &[], call.locale))
}
