//! `/punctaj remove`.

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
use crate::service::points::Award;

/// The options of the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Remove {
    names: String,
    points: i64,
    reason: Option<String>,
}

/// Takes points from one or several entries.
#[poise::command(slash_command, guild_only)]
pub(super) async fn remove(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::names"] names: String,
    points: i64,
    #[autocomplete = "complete::table"] table: Option<String>,
    reason: Option<String>,
) -> CommandResult {
    let order = Order::Remove(Remove {
        names,
        points,
        reason,
    });
    edited(ctx, order, table).await
}

impl Remove {
    pub(super) async fn run(
        &self,
        call: &Call,
        request: &Request,
        place: Place,
    ) -> Result<Reply, Failure> {
        let (award, repeated) = self.read(place)?;
        let receipt = call.services.remove_points(request, award).await?;
        Ok(views::receipt::receipt(&receipt, &repeated, call.locale))
    }
    /// What is asked for, and the names that were given twice.
    pub(super) fn read(&self, place: Place) -> Result<(Award, Vec<NameOrMember>), Failure> {
        let names = read::names(&self.names)?;
        let repeated = names.repeated().to_vec();
        let award = Award {
            points: read::removed(self.points)?,
            reason: read::reason(self.reason.as_deref())?,
            names: names.into_items(),
            table: place.address,
            table_id: place.id,
        };
        Ok((award, repeated))
    }
}
