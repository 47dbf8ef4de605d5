//! `/punctaj session`.

use crate::discord::complete;
use crate::discord::context::{CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::reply::Manner;
use crate::discord::views;
use crate::i18n::keys;
use crate::service::ServiceError;
use crate::service::operation::Aside;
use crate::service::sessions::Which;

use super::{Command, answered, read};

/// The word for "all but the current one" in `session`.
pub(in crate::discord) const ALL_OTHERS: &str = "all-others";

/// The caller's device sessions.
pub(super) fn group() -> Command {
    let commands = vec![login(), list(), use_session(), rename(), logout()];
    super::group("session", commands)
}

/// Opens a fresh session.
#[poise::command(slash_command, guild_only)]
async fn login(ctx: Ctx<'_>, device: Option<String>) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let label = read::label(device.as_deref())?;
        let receipt = call.services.log_in(&call.request(None)?, label).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Lists the caller's open sessions.
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Ctx<'_>) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let request = call.request(None)?;
        let (sessions, attribution) = call.services.list_sessions(&request).await?;
        let aside = match sessions.first() {
            Some(current) => call.services.aside(&request, current).await?,
            None => Aside::default(),
        };
        let list = views::session::list(&sessions, attribution, aside, call.locale);
        Ok(list)
    })
    .await
}

/// Switches to one of the caller's sessions.
#[poise::command(slash_command, guild_only, rename = "use")]
async fn use_session(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::session"] session: Option<String>,
) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let session = session.ok_or_else(|| Failure::told(keys::ERROR_SESSION_MISSING))?;
        let request = call.request(None)?;
        let session = call.services.use_session(&request, &session).await?;
        Ok(views::session::used(
            &session,
            request.platform,
            call.locale,
        ))
    })
    .await
}

/// Gives one of the caller's sessions another label.
#[poise::command(slash_command, guild_only)]
async fn rename(
    ctx: Ctx<'_>,
    device: String,
    #[autocomplete = "complete::session"] session: Option<String>,
) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let label = read::label(Some(&device))?;
        let label = label.ok_or_else(|| Failure::told(keys::ERROR_LABEL_MISSING))?;
        let request = call.request(None)?;
        let renamed = call
            .services
            .rename_session(&request, session.as_deref(), label);
        Ok(views::receipt::receipt(&renamed.await?, &[], call.locale))
    })
    .await
}

/// Ends sessions of the caller's.
#[poise::command(slash_command, guild_only)]
async fn logout(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::session_or_others"] session: Option<String>,
) -> CommandResult {
    answered(ctx, Manner::Own, |call| async move {
        let which = which(session);
        match call.services.log_out(&call.request(None)?, &which).await {
            Ok(receipt) => Ok(views::receipt::receipt(&receipt, &[], call.locale)),
            Err(ServiceError::UnknownSession { .. }) if which == Which::Current => {
                Err(Failure::told(keys::ERROR_NO_SESSION))
            }
            Err(error) => Err(error.into()),
        }
    })
    .await
}

fn which(session: Option<String>) -> Which {
    match session {
        None => Which::Current,
        Some(session) if session.trim().eq_ignore_ascii_case(ALL_OTHERS) => Which::AllOthers,
        Some(session) => Which::Named(session),
    }
}
