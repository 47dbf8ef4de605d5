//! `/punctaj-audit search`, and its pages.

use std::sync::Arc;

use serenity::model::user::User;

use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::event::Action;
use crate::domain::ids::{DeviceId, DraftId, Seq, UserId};
use crate::i18n::{Message, keys};
use crate::render;
use crate::service::audit::{Only, SearchOrder};

use super::{answered, read};

/// The filters of a search or an export, as they were given.
#[derive(Debug, Clone)]
pub(super) struct Filters {
    pub(super) who: Option<u64>,
    pub(super) table: Option<String>,
    pub(super) name: Option<String>,
    pub(super) action: Option<String>,
    pub(super) device: Option<String>,
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
    pub(super) only: Option<String>,
}

/// Searches the history.
#[poise::command(slash_command, guild_only)]
#[expect(
    clippy::too_many_arguments,
    reason = "they are the options of the command"
)]
pub(super) async fn search(
    ctx: Ctx<'_>,
    who: Option<User>,
    #[autocomplete = "complete::table"] table: Option<String>,
    #[autocomplete = "complete::name"] name: Option<String>,
    #[autocomplete = "complete::action"] action: Option<String>,
    #[autocomplete = "complete::device"] device: Option<String>,
    since: Option<String>,
    until: Option<String>,
    only: Option<String>,
) -> CommandResult {
    let filters = Filters {
        who: who.map(|user| user.id.get()),
        table,
        name,
        action,
        device,
        since,
        until,
        only,
    };
    answered(ctx, Manner::Own, |call| async move {
        let request = call.request(None)?;
        let page = call.services.search(&request, filters.order()?).await?;
        let (session, _) = call.services.session(&request).await?;
        Ok(views::audit::list(&page, &session.device_id, call.locale))
    })
    .await
}

impl Filters {
    /// As the services take them.
    pub(super) fn order(&self) -> Result<SearchOrder, Failure> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let moment = |text: &Option<String>| text.as_deref().map(read::moment).transpose();
        Ok(SearchOrder {
            who: self.who.and_then(|id| UserId::try_from(id).ok()),
            table: read::optional_table(self.table.as_deref())?,
            name: given(&self.name),
            action: self.action.as_deref().map(action).transpose()?,
            device: given(&self.device),
            since: moment(&self.since)?,
            until: moment(&self.until)?,
            only: self.only.as_deref().map(only).transpose()?,
        })
    }
}

/// Shows another page of a search, in the place of the one that was shown.
///
/// # Errors
/// The search is forgotten, or no right.
pub async fn page(
    call: Arc<Call>,
    device: Option<DeviceId>,
    draft: DraftId,
    before: Option<Seq>,
) -> Result<Reply, Failure> {
    let request = call.request(device)?;
    let page = call.services.search_again(&request, draft, before).await?;
    let (session, _) = call.services.session(&request).await?;
    Ok(views::audit::list(&page, &session.device_id, call.locale).going(Manner::Update))
}

fn action(text: &str) -> Result<Action, Failure> {
    Action::parse(text.trim()).ok_or_else(|| {
        let known: Vec<_> = Action::ALL
            .iter()
            .map(|action| format!("`{action}`"))
            .collect();
        let given = render::escape(&render::clip(text, 100));
        let message = Message::new(keys::ERROR_UNKNOWN_ACTION).with("action", given);
        Failure::told(message.with("known", known.join(", ")))
    })
}

fn only(text: &str) -> Result<Only, Failure> {
    Only::parse(text.trim()).ok_or_else(|| Failure::told(keys::ERROR_UNKNOWN_ONLY))
}
