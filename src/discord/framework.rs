//! poise: which commands there are, where events and errors go.

use poise::{FrameworkContext, FrameworkError, FrameworkOptions};
use serenity::builder::CreateAllowedMentions;
use serenity::client::FullEvent;
use serenity::model::application::Interaction;

use super::answer;
use super::boards;
use super::commands;
use super::complete;
use super::context::{Call, Data};
use super::errors::Failure;
use super::first_run;
use super::rank_roles;
use super::registration;
use super::router;
use crate::i18n::keys;

/// How poise works here.
#[must_use]
pub fn options() -> FrameworkOptions<Data, Failure> {
    FrameworkOptions {
        commands: registration::commands(),
        on_error: |error| Box::pin(on_error(error)),
        event_handler: |framework, event| Box::pin(on_event(framework, event)),
        allowed_mentions: Some(CreateAllowedMentions::new()),
        manual_cooldowns: true,
        // It would ask Discord who owns the application; nothing here depends on it.
        initialize_owners: false,
        ..FrameworkOptions::default()
    }
}

async fn on_event(
    framework: FrameworkContext<'_, Data, Failure>,
    event: &FullEvent,
) -> Result<(), Failure> {
    let (data, http) = (framework.user_data, &framework.serenity_context.http);
    match event {
        FullEvent::InteractionCreate {
            interaction: Interaction::Component(click),
        } => {
            router::click(data, http, click).await;
        }
        FullEvent::InteractionCreate {
            interaction: Interaction::Modal(form),
        } => {
            Box::pin(router::form(data, http, form)).await;
        }
        FullEvent::GuildCreate { guild, .. } => {
            tokio::join!(
                boards::look_again(data, guild.id),
                rank_roles::look_again(data, guild.id),
                first_run::welcome(data, http, guild, framework.bot_id()),
            );
        }
        FullEvent::GuildRoleUpdate { new, .. } => rank_roles::changed(data, new.guild_id).await,
        FullEvent::GuildRoleDelete {
            guild_id,
            removed_role_id,
            ..
        } => rank_roles::gone(data, *guild_id, *removed_role_id).await,
        FullEvent::ChannelDelete { channel, .. } => {
            boards::channel_gone(data, channel.guild_id, channel.id).await;
        }
        FullEvent::MessageDelete {
            channel_id,
            deleted_message_id,
            ..
        } => boards::messages_gone(data, *channel_id, &[*deleted_message_id]).await,
        FullEvent::MessageDeleteBulk {
            channel_id,
            multiple_deleted_messages_ids,
            ..
        } => boards::messages_gone(data, *channel_id, multiple_deleted_messages_ids).await,
        _ => {}
    }
    Ok(())
}

/// What poise itself finds wrong. The commands answer their own failures.
async fn on_error(error: FrameworkError<'_, Data, Failure>) {
    let logged = error.to_string();
    let (ctx, failure) = match error {
        // Neither fails here: both answer or report for themselves.
        FrameworkError::Setup { .. } | FrameworkError::EventHandler { .. } => {
            tracing::error!(error = logged, "a failure that nobody asked for");
            return;
        }
        FrameworkError::UnknownInteraction {
            framework,
            interaction,
            ..
        } => {
            let call = Call::of_command(
                framework.user_data,
                &framework.serenity_context.http,
                interaction,
                "command unknown",
            );
            return answer::refuse(&call, Failure::told(keys::ERROR_OLD_COMMAND)).await;
        }
        FrameworkError::Command { error, ctx, .. } => (ctx, error),
        FrameworkError::GuildOnly { ctx, .. } => (ctx, Failure::told(keys::ERROR_GUILD_ONLY)),
        FrameworkError::ArgumentParse { ctx, .. } => {
            tracing::debug!(error = logged, "an option can't be read");
            (ctx, Failure::told(keys::ERROR_OPTION))
        }
        // Discord still has the commands of another version.
        FrameworkError::CommandStructureMismatch { ctx, .. } => (
            poise::Context::Application(ctx),
            Failure::told(keys::ERROR_OLD_COMMAND),
        ),
        FrameworkError::SubcommandRequired { ctx } => (ctx, Failure::told(keys::ERROR_OLD_COMMAND)),
        // A bug; and checks that no command here asks for.
        FrameworkError::CommandPanic { ctx, .. }
        | FrameworkError::CooldownHit { ctx, .. }
        | FrameworkError::MissingBotPermissions { ctx, .. }
        | FrameworkError::MissingUserPermissions { ctx, .. }
        | FrameworkError::PermissionFetchFailed { ctx, .. }
        | FrameworkError::NotAnOwner { ctx, .. }
        | FrameworkError::DmOnly { ctx, .. }
        | FrameworkError::NsfwOnly { ctx, .. }
        | FrameworkError::CommandCheckFailed { ctx, .. } => (ctx, Failure::Internal(logged)),
        // Commands by message, of which there are none.
        FrameworkError::DynamicPrefix { .. }
        | FrameworkError::UnknownCommand { .. }
        | FrameworkError::NonCommandMessage { .. } => return,
        FrameworkError::__NonExhaustive(never) => match never {},
    };
    told(ctx, failure).await;
}

async fn told(ctx: poise::Context<'_, Data, Failure>, failure: Failure) {
    let poise::Context::Application(ctx) = ctx else {
        return;
    };
    if ctx.interaction_type == poise::CommandInteractionType::Autocomplete {
        complete::offers_nothing(&complete::asking(ctx), &failure);
        return;
    }
    let framework = ctx.framework;
    let call = Call::of_command(
        framework.user_data,
        &framework.serenity_context.http,
        ctx.interaction,
        commands::path(ctx),
    );
    answer::refuse(&call, failure).await;
}
