//! `/punctaj view`, and turning its pages.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::order::{Order, Place, ordered};
use super::read;
use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::queue::known;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::ids::{DeviceId, TableId};
use crate::domain::layout::Layout;
use crate::domain::moment::Moment;
use crate::i18n::keys;
use crate::service::view::ViewOrder;
use crate::service::{Request, Sort};

/// The options of the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct View {
    sort: Option<String>,
    layout: Option<String>,
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    period: Option<i64>,
    share: bool,
}

/// Shows a table, in pages.
#[poise::command(slash_command, guild_only)]
pub(super) async fn view(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: Option<String>,
    sort: Option<String>,
    layout: Option<String>,
    #[autocomplete = "complete::period"] period: Option<i64>,
    at: Option<String>,
    share: Option<bool>,
) -> CommandResult {
    let share = share.unwrap_or(false);
    let manner = if share { Manner::Shared } else { Manner::Own };
    ordered(
        ctx,
        manner,
        Order::View(View {
            sort,
            layout,
            at,
            period,
            share,
        }),
        table,
    )
    .await
}

impl View {
    pub(super) async fn run(
        &self,
        call: &Call,
        request: &Request,
        place: Place,
    ) -> Result<Reply, Failure> {
        if self.at.is_some() && self.period.is_some() {
            return Err(Failure::told(keys::ERROR_PERIOD_AND_AT));
        }
        let layout = self.layout.as_deref().map(read::layout).transpose()?;
        let order = ViewOrder {
            table: place.address,
            table_id: place.id,
            sort: self
                .sort
                .as_deref()
                .map(sort)
                .transpose()?
                .unwrap_or_default(),
            page: 0,
            layout: layout.map(|layout| layout.as_str().to_owned()),
            at: self.at.as_deref().map(read::moment).transpose()?,
            period: self.period.map(read::period).transpose()?,
            shared: self.share,
        };
        let page = known::view(call, request, &order).await?;
        let shown = views::table::Shown {
            layout: layout.unwrap_or_else(|| page.layout()),
            shared: self.share,
            device: page.device(),
        };
        let manner = if self.share {
            Manner::Shared
        } else {
            Manner::Own
        };
        Ok(views::table::page(&page, &shown, call.locale).going(manner))
    }
}

/// What a pager's button carries.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The session of the message.
    pub device: Option<DeviceId>,
    /// Which table.
    pub table: TableId,
    /// In which order.
    pub sort: Sort,
    /// Which page, from 0.
    pub page: u32,
    /// In which layout.
    pub layout: Layout,
    /// Whether everybody sees it.
    pub shared: bool,
    /// As it was at that moment; as it is now, without.
    pub at: Option<DateTime<Utc>>,
    /// As it was when this period was closed.
    pub period: Option<i32>,
}

/// Turns to a page, in the place of the one that was shown.
///
/// # Errors
/// The table is gone, or no right.
pub async fn turn(call: Arc<Call>, turn: Turn) -> Result<Reply, Failure> {
    let request = call.request(turn.device.clone())?;
    let mut order = ViewOrder {
        table_id: Some(turn.table),
        sort: turn.sort,
        page: turn.page,
        at: turn.at.map(Moment::instant),
        period: turn.period,
        shared: turn.shared,
        ..ViewOrder::default()
    };
    let mut page = known::view(&call, &request, &order).await?;
    if page.is_past_the_end() {
        order.page = page.pages.saturating_sub(1);
        page = known::view(&call, &request, &order).await?;
    }
    // A shared page keeps its author's session, whoever turns it.
    let device = if turn.shared {
        turn.device
    } else {
        page.device()
    };
    let shown = views::table::Shown {
        layout: turn.layout,
        shared: turn.shared,
        device,
    };
    Ok(views::table::page(&page, &shown, call.locale).going(Manner::Update))
}

fn sort(text: &str) -> Result<Sort, Failure> {
    Sort::parse(text).ok_or_else(|| Failure::told(keys::ERROR_UNKNOWN_SORT))
}
