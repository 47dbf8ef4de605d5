//! `/punctaj-admin data`.

use serde::{Deserialize, Serialize};
use serenity::builder::CreateAttachment;

use super::order::{Order, Place, ordered};
use super::{Command, read};
use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::access::Right;
use crate::domain::name::{Name, TableAddress};
use crate::domain::table::Table;
use crate::exchange;
use crate::i18n::keys;
use crate::service::error::TableChoice;
use crate::service::{Request, ServiceError};

/// The options of the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Export {
    format: Option<String>,
    #[serde(default)]
    period: Option<i64>,
}

/// Data in and out.
pub(super) fn group() -> Command {
    super::group("data", vec![export()])
}

/// Exports a table.
#[poise::command(slash_command, guild_only)]
async fn export(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::table"] table: Option<String>,
    format: Option<String>,
    #[autocomplete = "complete::period"] period: Option<i64>,
) -> CommandResult {
    let order = Order::Export(Export { format, period });
    ordered(ctx, Manner::Own, order, table).await
}

impl Export {
    pub(super) async fn run(
        &self,
        call: &Call,
        request: &Request,
        place: Place,
    ) -> Result<Reply, Failure> {
        let authority = call.services.authority(request).await?;
        authority
            .require_somewhere(Right::DataExport)
            .map_err(ServiceError::from)?;
        let format = self.format.as_deref().unwrap_or("csv");
        let address = match place.address {
            Some(address) => address,
            None => address_of(self.pick(call, request, &place).await?)?,
        };
        let period = self.period.map(read::period).transpose()?;
        let (table, rows) = match period {
            Some(period) => {
                call.services
                    .export_period(request, &address, period)
                    .await?
            }
            None => call.services.export_table(request, &address).await?,
        };
        let file = match format {
            "csv" => exchange::table::csv(&table, &rows)
                .map_err(|error| Failure::Internal(error.to_string()))?,
            "json" => exchange::table::json(&table, &rows),
            _ => return Err(Failure::told(keys::ERROR_UNKNOWN_FORMAT)),
        };
        views::export::check_size(file.len(), call.attachment_limit)?;
        let of = match period {
            Some(period) => format!("{}_{period}", table.address()),
            None => table.address(),
        };
        let attachment = CreateAttachment::bytes(file, views::export::file_name(&of, format));
        Ok(views::export::table(&table, rows.len(), call.locale).attach(attachment))
    }

    /// The table that was chosen, or the only one.
    async fn pick(&self, call: &Call, request: &Request, place: &Place) -> Result<Table, Failure> {
        let mut tables: Vec<Table> = call
            .services
            .list_tables(request)
            .await?
            .into_iter()
            .map(|(table, _)| table)
            .collect();
        if let Some(id) = place.id {
            tables.retain(|table| table.id == id);
        }
        let choice = |table: &Table| TableChoice {
            id: table.id,
            address: table.address(),
        };
        let choices = tables.iter().take(25).map(choice).collect();
        match (tables.pop(), tables.is_empty()) {
            (Some(table), true) => Ok(table),
            (None, _) if place.id.is_some() => Err(ServiceError::TableGone.into()),
            (None, _) => Err(ServiceError::NoTables.into()),
            _ => Err(ServiceError::ChooseTable { tables: choices }.into()),
        }
    }
}

fn address_of(table: Table) -> Result<TableAddress, Failure> {
    let stored = || Failure::Internal("a stored table has no valid address".to_owned());
    let category = table
        .category
        .map(|category| Name::parse(&category))
        .transpose()
        .map_err(|_| stored())?;
    let name = Name::parse(&table.name).map_err(|_| stored())?;
    TableAddress::new(category, name).map_err(|_| stored())
}
