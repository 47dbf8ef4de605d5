//! The commands, one file each or one per group: read the options, call one service, show what it
//! returned.

mod add;
mod admin_data;
mod admin_rank;
mod admin_table;
mod audit_export;
mod audit_search;
mod audit_show;
mod audit_verify;
mod delete;
mod help;
mod order;
mod read;
mod remove;
mod session;
mod set;
mod undo;
mod view;

use std::future::Future;
use std::sync::Arc;

use super::answer;
use super::context::{Call, CommandResult, Ctx, Data};
use super::errors::Failure;
use super::reply::{Manner, Reply};

pub use audit_search::page as search_page;
pub use audit_show::show as show_event;
pub use order::chosen;
pub(in crate::discord) use session::ALL_OTHERS;
pub use undo::undo;
pub use view::{Turn, turn as turn_page};

/// All commands, not localised yet.
#[must_use]
pub fn all() -> Vec<poise::Command<Data, Failure>> {
    vec![punctaj(), punctaj_audit(), punctaj_admin()]
}

/// The everyday commands.
#[poise::command(
    slash_command,
    guild_only,
    subcommand_required,
    subcommands(
        "add::add",
        "remove::remove",
        "set::set",
        "delete::delete",
        "view::view",
        "undo::undo_command",
        "session::session",
        "help::help"
    )
)]
async fn punctaj(_ctx: Ctx<'_>) -> CommandResult {
    Ok(())
}

/// The moderators' commands.
#[poise::command(
    slash_command,
    guild_only,
    subcommand_required,
    rename = "punctaj-audit",
    subcommands(
        "audit_search::search",
        "audit_show::show_command",
        "audit_export::export",
        "audit_verify::verify"
    )
)]
async fn punctaj_audit(_ctx: Ctx<'_>) -> CommandResult {
    Ok(())
}

/// The commands of those who set it up.
#[poise::command(
    slash_command,
    guild_only,
    subcommand_required,
    rename = "punctaj-admin",
    subcommands("admin_table::table", "admin_rank::rank", "admin_data::data")
)]
async fn punctaj_admin(_ctx: Ctx<'_>) -> CommandResult {
    Ok(())
}

/// Runs a command and answers with what it returns.
async fn answered<W, F>(ctx: Ctx<'_>, manner: Manner, work: W) -> CommandResult
where
    W: FnOnce(Arc<Call>) -> F,
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let framework = ctx.framework;
    let call = Call::of_command(framework.user_data, &framework.serenity_context.http, ctx.interaction);
    answer::answer(&call, manner, work(Arc::clone(&call))).await;
    Ok(())
}
