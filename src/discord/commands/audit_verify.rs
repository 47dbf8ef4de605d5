//! `/punctaj-audit verify`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::discord::answer;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::service::verify::Progress;

/// How often it says how far it is; long enough for the answer to be deferred before the first time.
const TELLING: Duration = Duration::from_secs(4);

/// Verifies the history.
#[poise::command(slash_command, guild_only)]
pub(super) async fn verify(ctx: Ctx<'_>) -> CommandResult {
    super::answered(ctx, Manner::Own, verified).await
}

async fn verified(call: Arc<Call>) -> Result<Reply, Failure> {
    let (request, services) = (call.request(None)?, call.services.clone());
    let (progress, told) = watch::channel(Progress::default());
    let mut work = tokio::spawn(async move { services.verify_telling(&request, &progress).await });
    loop {
        tokio::select! {
            done = &mut work => {
                let report = done.map_err(|error| Failure::Internal(error.to_string()))??;
                return Ok(views::verify::report(&report, call.locale));
            }
            () = tokio::time::sleep(TELLING) => {
                let progress = *told.borrow();
                answer::amend(&call, views::verify::progress(progress, call.locale)).await;
            }
        }
    }
}
