//! `/punctaj-audit export`.

use serenity::builder::CreateAttachment;
use serenity::model::user::User;

use super::audit_search::Filters;
use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::exchange;
use crate::i18n::keys;

/// Exports the result of a search, whole.
#[poise::command(slash_command, guild_only)]
pub(super) async fn export(
    ctx: Ctx<'_>,
    who: Option<User>,
    #[autocomplete = "complete::table"] table: Option<String>,
    #[autocomplete = "complete::name"] name: Option<String>,
    #[autocomplete = "complete::action"] action: Option<String>,
    format: Option<String>,
) -> CommandResult {
    let filters = Filters {
        who: who.map(|user| user.id.get()),
        table,
        name,
        action,
    };
    let format = format.unwrap_or_else(|| "csv".to_owned());
    super::answered(ctx, Manner::Own, |call| async move {
        file(&call, &filters, &format).await
    })
    .await
}

async fn file(call: &Call, filters: &Filters, format: &str) -> Result<Reply, Failure> {
    if !["csv", "jsonl"].contains(&format) {
        return Err(Failure::told(keys::ERROR_UNKNOWN_FORMAT));
    }
    let events = call
        .services
        .export_events(&call.request(None)?, filters.order()?)
        .await?;
    let file = match format {
        "csv" => {
            exchange::events::csv(&events).map_err(|error| Failure::Internal(error.to_string()))?
        }
        _ => exchange::events::jsonl(&events),
    };
    views::export::check_size(file.len(), call.attachment_limit)?;
    let attachment = CreateAttachment::bytes(file, views::export::file_name("events", format));
    Ok(views::export::events(events.len(), call.locale).attach(attachment))
}
