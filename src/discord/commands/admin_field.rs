//! `/punctaj-admin field`.

use crate::discord::complete;
use crate::discord::context::{CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::Manner;
use crate::discord::views;
use crate::domain::field::FieldKind;
use crate::i18n::keys;
use crate::service::fields::{FieldEdit, NewField};

use super::{Command, answered, read};

/// The extra fields of a table.
pub(super) fn group() -> Command {
    super::group("field", vec![add(), edit(), remove()])
}

/// Adds an extra field.
#[poise::command(slash_command, guild_only)]
async fn add(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    field: String,
    kind: Option<String>,
    pattern: Option<String>,
) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let kind = kind
            .as_deref()
            .map_or(Some(FieldKind::Text), FieldKind::parse);
        let order = NewField {
            table: read::table(&table)?,
            name: read::new_field(&field)?,
            kind: kind.ok_or_else(|| Failure::told(keys::ERROR_UNKNOWN_KIND))?,
            pattern: pattern.as_deref().map(read::pattern).transpose()?.flatten(),
        };
        let receipt = call.services.add_field(&call.request(None)?, order).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Changes an extra field.
#[poise::command(slash_command, guild_only)]
async fn edit(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    #[autocomplete = "complete::extra_field"] field: String,
    name: Option<String>,
    pattern: Option<String>,
) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        if name.is_none() && pattern.is_none() {
            return Err(Failure::told(keys::ERROR_NOTHING_GIVEN));
        }
        let edit = FieldEdit {
            table: read::table(&table)?,
            field,
            name: name.as_deref().map(read::new_field).transpose()?,
            pattern: pattern.as_deref().map(read::pattern).transpose()?,
        };
        let receipt = call.services.edit_field(&call.request(None)?, edit).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Takes an extra field away.
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    #[autocomplete = "complete::extra_field"] field: String,
) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let (request, address) = (call.request(None)?, read::table(&table)?);
        let receipt = call
            .services
            .remove_field(&request, &address, &field)
            .await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}
