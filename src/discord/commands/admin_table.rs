//! `/punctaj-admin table`.

use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::Manner;
use crate::discord::{templates, views};
use crate::domain::name::TableAddress;
use crate::i18n::{Locale, keys};
use crate::service::Receipt;
use crate::service::tables::{NewTable, TableEdit};

use super::{Command, answered, read};

/// Tables.
pub(super) fn group() -> Command {
    let commands = vec![create(), edit(), delete(), restore(), list()];
    super::group("table", commands)
}

/// Creates a table.
#[poise::command(slash_command, guild_only)]
async fn create(ctx: Ctx<'_>, table: String, template: Option<String>) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let address = read::table(&table)?;
        let template = template.as_deref().unwrap_or(templates::PLAIN);
        let receipt = created(&call, address, template).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Creates a table. What a template begins with is for everybody: it is in the guild's language, if
/// that is chosen.
pub(super) async fn created(
    call: &Call,
    address: TableAddress,
    template: &str,
) -> Result<Receipt, Failure> {
    let request = call.request(None)?;
    let locale = if template == templates::PLAIN {
        call.locale
    } else {
        let language = call.services.language(request.guild).await?;
        language.map_or(call.locale, Locale::from)
    };
    let (ranks, fields) = templates::of(template, locale)
        .ok_or_else(|| Failure::told(keys::ERROR_UNKNOWN_TEMPLATE))?;
    let order = NewTable {
        address,
        ranks,
        fields,
    };
    Ok(call.services.create_table(&request, order).await?)
}

/// Changes a table.
#[poise::command(slash_command, guild_only)]
async fn edit(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: String,
    name: Option<String>,
    category: Option<String>,
    floor: Option<i64>,
    private: Option<bool>,
    promotions: Option<String>,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let nothing = name.is_none() && category.is_none() && floor.is_none();
        if nothing && private.is_none() && promotions.is_none() {
            return Err(Failure::told(keys::ERROR_NOTHING_GIVEN));
        }
        let edit = TableEdit {
            table: read::table(&table)?,
            name: name.as_deref().map(read::part_of_address).transpose()?,
            category: category.as_deref().map(read::category).transpose()?,
            floor: floor.map(read::bound).transpose()?,
            private,
            proposes: promotions.as_deref().map(read::proposes).transpose()?,
        };
        let receipt = call.services.edit_table(&call.request(None)?, edit).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Deletes a table.
#[poise::command(slash_command, guild_only)]
async fn delete(ctx: Ctx<'_>, #[autocomplete = "complete::table"] table: String) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let (request, address) = (call.request(None)?, read::table(&table)?);
        let receipt = call.services.delete_table(&request, &address).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Brings a deleted table back.
#[poise::command(slash_command, guild_only)]
async fn restore(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::deleted_table"] table: String,
) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let (request, address) = (call.request(None)?, read::table(&table)?);
        let receipt = call.services.restore_table(&request, &address).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Lists the tables.
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Ctx<'_>) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let tables = call.services.list_tables(&call.request(None)?).await?;
        Ok(views::lists::tables(&tables, call.locale))
    })
    .await
}
