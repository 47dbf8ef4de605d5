//! The commands, one file each or one per group: read the options, call one service, show what it
//! returned.

mod add;
mod admin_access;
mod admin_activity;
mod admin_board;
mod admin_data;
mod admin_diagnose;
mod admin_field;
mod admin_period;
mod admin_rank;
mod admin_settings;
mod admin_table;
mod audit_export;
mod audit_search;
mod audit_sessions;
mod audit_show;
mod audit_undo;
mod audit_verify;
mod delete;
mod edit;
mod give;
mod help;
mod merge;
mod news;
mod order;
mod panel;
mod profile;
mod read;
mod remove;
mod session;
mod set;
mod setup;
mod undo;
mod view;

use std::future::Future;
use std::sync::Arc;

use serenity::model::application::{ResolvedOption, ResolvedValue};

use super::answer;
use super::attempts;
use super::context::{Call, CommandResult, Ctx, Data};
use super::errors::Failure;
use super::first_run;
use super::reply::{Manner, Reply};
use crate::domain::name::TableAddress;

pub use add::link;
pub use admin_access::Who;
pub use admin_board::browse as browse_board;
pub use admin_period::{closed as period_closed, ranks_applied, turn as periods_page};
pub use audit_export::again as export_search;
pub use audit_search::page as search_page;
pub use audit_sessions::{end as end_session, page as sessions_page};
pub use audit_show::show as show_event;
pub use audit_undo::{confirmed as undo_confirmed, previewed as undo_previewed};
pub use edit::Edit;
pub use give::given;
pub use merge::merge;
pub use news::restore_mine;
pub use order::chosen;
pub use panel::{Menu, award_panel, press_panel, search_panel};
pub(in crate::discord) use session::ALL_OTHERS;
pub use setup::{press_setup, setup_filled_in};
pub use view::{Turn, turn as turn_page};

/// A command of this bot.
pub type Command = poise::Command<Data, Failure>;

/// All commands, not localised yet.
#[must_use]
pub fn all() -> Vec<Command> {
    vec![
        punctaj(),
        punctaj_audit(),
        punctaj_admin(),
        give::give(),
        profile::profile_of(),
    ]
}

/// The everyday commands.
fn punctaj() -> Command {
    let commands = vec![
        add::add(),
        remove::remove(),
        set::set(),
        delete::delete(),
        view::view(),
        profile::profile(),
        panel::panel(),
        undo::undo_command(),
        news::news(),
        session::group(),
        help::help(),
    ];
    group("punctaj", commands)
}

/// The moderators' commands.
fn punctaj_audit() -> Command {
    let commands = vec![
        audit_search::search(),
        audit_show::show_command(),
        audit_undo::undo(),
        audit_export::export(),
        audit_verify::verify(),
        audit_sessions::sessions(),
    ];
    group("punctaj-audit", commands)
}

/// The commands of those who set it up.
fn punctaj_admin() -> Command {
    group(
        "punctaj-admin",
        vec![
            admin_table::group(),
            admin_field::group(),
            admin_rank::group(),
            admin_activity::group(),
            admin_period::group(),
            admin_board::group(),
            admin_access::group(),
            admin_data::group(),
            admin_settings::group(),
            admin_diagnose::diagnose(),
        ],
    )
}

/// A command that only holds others; Discord never sends it alone.
fn group(name: &'static str, subcommands: Vec<Command>) -> Command {
    Command {
        name: name.into(),
        subcommands,
        subcommand_required: true,
        guild_only: true,
        slash_action: Some(|ctx| {
            Box::pin(
                async move { Err(poise::FrameworkError::SubcommandRequired { ctx: ctx.into() }) },
            )
        }),
        ..Command::default()
    }
}

/// Runs a command and answers with what it returns.
async fn answered<W, F>(ctx: Ctx<'_>, manner: Manner, work: W) -> CommandResult
where
    W: FnOnce(Arc<Call>) -> F,
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let call = called(ctx);
    let work = offering(ctx, Arc::clone(&call), work(Arc::clone(&call)));
    answer::answer(&call, manner, Box::pin(work)).await;
    Ok(())
}

/// The same for a command that takes its time: the answer is deferred at once.
async fn answered_slowly<W, F>(ctx: Ctx<'_>, manner: Manner, work: W) -> CommandResult
where
    W: FnOnce(Arc<Call>) -> F,
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let call = called(ctx);
    let work = offering(ctx, Arc::clone(&call), work(Arc::clone(&call)));
    answer::answer_slowly(&call, manner, Box::pin(work)).await;
    Ok(())
}

/// A command's work, with the set-up offered beside what it returns where that is its place.
fn offering<F>(
    ctx: Ctx<'_>,
    call: Arc<Call>,
    work: F,
) -> impl Future<Output = Result<Reply, Failure>> + Send + 'static
where
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let offers_setup = first_run::offers(&path(ctx));
    async move {
        let reply = work.await?;
        if offers_setup {
            return Ok(first_run::offer(&call, reply).await);
        }
        Ok(reply)
    }
}

/// The table that an option names.
fn table_of(option: &ResolvedOption<'_>) -> Option<TableAddress> {
    match option.value {
        ResolvedValue::String(text) if option.name == "table" => TableAddress::parse(text).ok(),
        _ => None,
    }
}

/// The command's name with those of its groups, as this program has them.
#[must_use]
pub fn path(ctx: Ctx<'_>) -> String {
    let names = ctx.command_tree.iter().map(|it| it.name.as_ref());
    names.collect::<Vec<_>>().join(" ")
}

fn called(ctx: Ctx<'_>) -> Arc<Call> {
    let path = path(ctx);
    let action = attempts::of_command(&path);
    let framework = ctx.framework;
    let call = Call::of_command(
        framework.user_data,
        &framework.serenity_context.http,
        ctx.interaction,
        path,
    );
    if let Some(action) = action {
        call.attempts(action);
    }
    if let Some(table) = ctx.args.iter().find_map(table_of) {
        call.attempts_in(table);
    }
    call
}
