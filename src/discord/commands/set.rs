//! `/punctaj set`.

use serde::{Deserialize, Serialize};

use super::edit::edited;
use super::order::{Order, Place};
use super::read;
use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::people;
use crate::discord::reply::Reply;
use crate::discord::views;
use crate::service::Request;
use crate::service::entries::{Assignment, NewValue};

/// The options of the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Set {
    name: String,
    field: String,
    value: String,
}

/// Sets one field of an entry.
#[poise::command(slash_command, guild_only)]
pub(super) async fn set(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::name"] name: String,
    #[autocomplete = "complete::field"] field: String,
    value: String,
    #[autocomplete = "complete::table"] table: Option<String>,
) -> CommandResult {
    edited(ctx, Order::Set(Set { name, field, value }), table).await
}

impl Set {
    pub(super) async fn run(
        &self,
        call: &Call,
        request: &Request,
        place: Place,
    ) -> Result<Reply, Failure> {
        let order = self.read(place)?;
        if let NewValue::Member(Some(member)) = order.value {
            people::called(call, request.guild, member).await?;
        }
        let receipt = call.services.set(request, order).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    }
    /// What is asked for.
    pub(super) fn read(&self, place: Place) -> Result<Assignment, Failure> {
        Ok(Assignment {
            who: read::who(&self.name)?,
            value: read::value(&self.field, &self.value)?,
            table: place.address,
            table_id: place.id,
        })
    }

    /// Field and value, as they were typed.
    pub(super) fn typed(&self) -> (&str, &str) {
        (&self.field, &self.value)
    }
}
