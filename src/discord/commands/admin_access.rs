//! `/punctaj-admin access`.

use poise::SlashArgError;
use serenity::async_trait;
use serenity::builder::CreateCommandOption;
use serenity::model::application::{
    CommandInteraction, CommandOptionType, ComponentInteractionData, ComponentInteractionDataKind,
    ResolvedValue,
};
use serenity::model::guild::{PartialMember, Role};
use serenity::model::id::{RoleId, UserId};
use serenity::model::user::User;

use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx, standing_of};
use crate::discord::errors::Failure;
use crate::discord::integrations::{self, Viewer};
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::domain::access::{Granted, Grantee, Standing};
use crate::domain::ids;
use crate::service::Receipt;
use crate::service::access::{GrantOrder, Subject};

use super::{Command, answered, read};

/// Who may do what.
pub(super) fn group() -> Command {
    super::group("access", vec![grant(), revoke(), list(), explain()])
}

/// A role or a member, with what Discord says of them.
#[derive(Debug, Clone)]
pub struct Who {
    grantee: Grantee,
    standing: Standing,
    administrator: bool,
}

impl Who {
    fn role(role: &Role) -> Option<Self> {
        let id = ids::RoleId::try_from(role.id.get()).ok()?;
        Some(Self {
            grantee: Grantee::Role(id),
            standing: standing_of(role.permissions, &[role.id]),
            administrator: role.permissions.administrator(),
        })
    }

    fn member(user: &User, member: Option<&PartialMember>) -> Option<Self> {
        let roles: &[RoleId] = member.map(|member| &*member.roles).unwrap_or_default();
        let permissions = member.and_then(|member| member.permissions);
        let permissions = permissions.unwrap_or_default();
        let id = ids::UserId::try_from(user.id.get()).ok()?;
        Some(Self {
            grantee: Grantee::Member(id),
            standing: standing_of(permissions, roles),
            administrator: permissions.administrator(),
        })
    }

    /// Whoever was chosen in a menu of roles and members.
    #[must_use]
    pub fn chosen(data: &ComponentInteractionData) -> Option<Self> {
        let ComponentInteractionDataKind::MentionableSelect { values } = &data.kind else {
            return None;
        };
        let (id, resolved) = (values.first()?, &data.resolved);
        if let Some(role) = resolved.roles.get(&RoleId::new(id.get())) {
            return Self::role(role);
        }
        let user = resolved.users.get(&UserId::new(id.get()))?;
        Self::member(user, resolved.members.get(&user.id))
    }

    /// As whom Discord shows them commands, or does not.
    fn viewer(&self) -> Viewer {
        Viewer {
            member: match self.grantee {
                Grantee::Member(member) => Some(member),
                Grantee::Role(_) => None,
            },
            roles: self.standing.roles.clone(),
            administrator: self.administrator,
        }
    }

    /// To be granted that, in the whole guild.
    pub(super) const fn everywhere(&self, granted: Granted) -> GrantOrder {
        GrantOrder {
            who: self.grantee,
            granted,
            scope: None,
        }
    }
}

#[async_trait]
impl poise::SlashArgument for Who {
    async fn extract(
        _: &serenity::client::Context,
        _: &CommandInteraction,
        value: &ResolvedValue<'_>,
    ) -> Result<Self, SlashArgError> {
        let found = match value {
            ResolvedValue::Role(role) => Self::role(role),
            ResolvedValue::User(user, member) => Self::member(user, *member),
            _ => None,
        };
        found.ok_or_else(|| SlashArgError::new_command_structure_mismatch("a role or a member"))
    }

    fn create(option: CreateCommandOption) -> CreateCommandOption {
        option.kind(CommandOptionType::Mentionable)
    }
}

/// Grants a right.
#[poise::command(slash_command, guild_only)]
async fn grant(
    ctx: Ctx<'_>,
    who: Who,
    #[autocomplete = "complete::right"] right: String,
    #[autocomplete = "complete::scope"] scope: Option<String>,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let order = order(&who, &right, scope)?;
        let (receipt, hidden) = granted_to(&call, &who, &order).await?;
        let reply = views::receipt::receipt(&receipt, &[], call.locale);
        Ok(Reply {
            content: hidden.join("\n"),
            ..reply
        })
    })
    .await
}

/// Grants it, and tells which commands Discord hides from them all the same.
pub(super) async fn granted_to(
    call: &Call,
    who: &Who,
    order: &GrantOrder,
) -> Result<(Receipt, Vec<String>), Failure> {
    let request = call.request(None)?;
    let receipt = call.services.grant(&request, order).await?;
    let commands = views::help::commands_for(order.granted);
    let hidden = integrations::hidden(&call.http, request.guild, &who.viewer(), commands).await;
    let unknown = |error: &_| tracing::debug!(%error, "whom commands are hidden from is not known");
    let hidden = hidden.inspect_err(unknown).unwrap_or_default();
    let told = hidden
        .iter()
        .map(|name| views::access::hidden(name, who.grantee, request.guild, call.locale));
    Ok((receipt, told.collect()))
}

/// Takes away what was granted.
#[poise::command(slash_command, guild_only)]
async fn revoke(
    ctx: Ctx<'_>,
    who: Who,
    #[autocomplete = "complete::right"] right: String,
    #[autocomplete = "complete::granted_scope"] scope: Option<String>,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let order = order(&who, &right, scope)?;
        let receipt = call.services.revoke(&call.request(None)?, &order).await?;
        Ok(views::receipt::receipt(&receipt, &[], call.locale))
    })
    .await
}

/// Lists what was granted.
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Ctx<'_>, who: Option<Who>) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let request = call.request(None)?;
        let who = who.map(|who| who.grantee);
        let listed = call.services.grants(&request, who).await?;
        Ok(views::access::list(&listed, request.guild, call.locale))
    })
    .await
}

/// Says why somebody may or may not do something.
#[poise::command(slash_command, guild_only)]
async fn explain(
    ctx: Ctx<'_>,
    who: Who,
    #[autocomplete = "complete::right"] right: Option<String>,
    #[autocomplete = "complete::table"] table: Option<String>,
) -> CommandResult {
    answered(ctx, Manner::Own, move |call| async move {
        let right = right.as_deref().map(granted).transpose()?;
        let table = table.as_deref().map(read::table).transpose()?;
        let (request, grantee) = (call.request(None)?, who.grantee);
        let subject = Subject {
            who: grantee,
            standing: who.standing,
        };
        let explained = call
            .services
            .explain(&request, &subject, right, table.as_ref())
            .await?;
        Ok(views::access::explain(
            &explained,
            grantee,
            request.guild,
            call.locale,
        ))
    })
    .await
}

fn order(who: &Who, right: &str, scope: Option<String>) -> Result<GrantOrder, Failure> {
    Ok(GrantOrder {
        who: who.grantee,
        granted: granted(right)?,
        scope,
    })
}

fn granted(text: &str) -> Result<Granted, Failure> {
    Granted::parse(text).ok_or_else(|| Failure::told(views::input::not_a_right(text)))
}
