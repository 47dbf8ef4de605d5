//! `/punctaj delete`.

use serde::{Deserialize, Serialize};

use super::edit::edited;
use super::order::{Order, Place};
use super::read;
use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::Reply;
use crate::discord::views;
use crate::domain::name::NameOrMember;
use crate::service::Request;
use crate::service::entries::Deletion;

/// The options of the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delete {
    names: String,
}

/// Deletes entries.
#[poise::command(slash_command, guild_only)]
pub(super) async fn delete(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::names"] names: String,
    #[autocomplete = "complete::table"] table: Option<String>,
) -> CommandResult {
    edited(ctx, Order::Delete(Delete { names }), table).await
}

impl Delete {
    pub(super) async fn run(
        &self,
        call: &Call,
        request: &Request,
        place: Place,
    ) -> Result<Reply, Failure> {
        let (order, repeated) = self.read(place)?;
        let receipt = call.services.delete(request, order).await?;
        Ok(views::receipt::receipt(&receipt, &repeated, call.locale))
    }
    /// What is asked for, and the names that were given twice.
    pub(super) fn read(&self, place: Place) -> Result<(Deletion, Vec<NameOrMember>), Failure> {
        let names = read::names(&self.names)?;
        let repeated = names.repeated().to_vec();
        let order = Deletion {
            names: names.into_items(),
            table: place.address,
            table_id: place.id,
        };
        Ok((order, repeated))
    }
}
