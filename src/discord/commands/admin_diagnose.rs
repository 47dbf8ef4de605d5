//! `/punctaj-admin diagnose`.

use std::sync::Arc;

use crate::config::Shards;
use crate::diagnose::{Finding, clock, database, discord, disk};
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::diagnose::{self as asking, Access, Account, Reach};
use crate::discord::errors::Failure;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views::diagnose::{Diagnosis, report};
use crate::domain::ids::GuildId;
use crate::service::diagnose::{Facts, Unreached};

/// Says what is wrong, and what to do.
#[poise::command(slash_command, guild_only)]
pub(super) async fn diagnose(ctx: Ctx<'_>) -> CommandResult {
    super::answered_slowly(ctx, Manner::Own, diagnosed).await
}

/// Whether the caller may know comes first. A database that is away keeps only that untold which
/// nobody else knows.
async fn diagnosed(call: Arc<Call>) -> Result<Reply, Failure> {
    let request = call.request(None)?;
    let guild = match call.services.diagnose_guild(&request).await {
        Ok(state) => Some(state),
        // What was granted is not known now.
        Err(error) if error.is_unreachable() && request.standing.manage_server => None,
        Err(error) => return Err(error.into()),
    };
    let access = Access::of(&call.http);
    let (database, discord, probed) = tokio::join!(
        call.services.diagnose_database(clock::host),
        asking::look(&access, clock::host),
        call.queue.probe(),
    );
    let (reach, hidden) = match &discord.account {
        Ok(account) => tokio::join!(
            reach(&call, request.guild, account),
            hidden(&call, request.guild),
        ),
        Err(_) => (None, Vec::new()),
    };
    let diagnosis = Diagnosis {
        common: common(&database, &discord, probed.is_ok()),
        guild,
        reach,
        hidden,
        presence_refused: call.presences.is_refused(),
    };
    Ok(report(&diagnosis, call.locale))
}

/// What is the same for all servers. Where people are signed in is told for itself, and the shards
/// are those of one process of perhaps several.
fn common(
    database: &Result<Facts, Unreached>,
    discord: &asking::Facts,
    is_kept: bool,
) -> Vec<Finding> {
    let ahead = database.as_ref().ok().and_then(|facts| facts.ahead);
    [
        database::findings(database, ""),
        discord::findings(discord, false, Shards::Auto),
        clock::findings(ahead, discord.ahead),
        vec![disk::kept(is_kept)],
    ]
    .concat()
}

async fn reach(call: &Call, guild: GuildId, bot: &Account) -> Option<Reach> {
    let reach = asking::reach(&call.http, (guild, bot.id)).await;
    let unasked = |error: &_| tracing::warn!(op.id = %call.id, %error, "what the bot may do in a guild is not known");
    reach.inspect_err(unasked).ok()?
}

async fn hidden(call: &Call, guild: GuildId) -> Vec<&'static str> {
    let hidden = asking::hidden(&call.http, guild).await;
    let unasked = |error: &_| tracing::warn!(op.id = %call.id, %error, "which commands are hidden is not known");
    hidden.inspect_err(unasked).unwrap_or_default()
}
