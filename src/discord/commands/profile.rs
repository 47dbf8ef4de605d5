//! `/punctaj profile`, and the same in the menu of a member.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serenity::model::user::User;
use tokio::time::timeout;

use super::order::{Order, Place, ordered};
use super::read;
use crate::discord::complete;
use crate::discord::context::{Call, CommandResult, Ctx};
use crate::discord::errors::Failure;
use crate::discord::people;
use crate::discord::reply::{Manner, Reply};
use crate::discord::views;
use crate::discord::views::profile::Asked;
use crate::domain::ids::UserId;
use crate::domain::name::{Name, NameOrMember};
use crate::service::Request;
use crate::service::profile::{Profile as Found, ProfileOrder};

/// How long a card waits for what its member is called.
const NAMED: Duration = Duration::from_secs(1);

/// The options of the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Profile {
    name: Option<String>,
}

/// Shows an entry's card, or the caller's own.
#[poise::command(slash_command, guild_only)]
pub(super) async fn profile(
    ctx: Ctx<'_>,
    #[autocomplete = "complete::name"] name: Option<String>,
    #[autocomplete = "complete::table"] table: Option<String>,
) -> CommandResult {
    ordered(ctx, Manner::Own, Order::Profile(Profile { name }), table).await
}

/// Shows the entries that are linked to a member.
#[poise::command(
    context_menu_command = "Punctaj: profile",
    rename = "menu-profile",
    guild_only
)]
pub(super) async fn profile_of(ctx: Ctx<'_>, user: User) -> CommandResult {
    super::answered(ctx, Manner::Own, |call| async move {
        let request = call.request(None)?;
        let order = ProfileOrder {
            who: NameOrMember::Member(user.id.get()),
            table: None,
            table_id: None,
        };
        let found = call.services.profile(&request, &order).await?;
        let asked = Asked::Member(Some(people::resolved(&user)));
        Ok(views::profile::profile(&found, &asked, call.locale))
    })
    .await
}

impl Profile {
    pub(super) async fn run(
        &self,
        call: &Call,
        request: &Request,
        place: Place,
    ) -> Result<Reply, Failure> {
        let who = self.name.as_deref().map(read::who).transpose()?;
        let own = NameOrMember::Member(request.actor.get());
        let order = ProfileOrder {
            who: who.clone().unwrap_or(own),
            table: place.address,
            table_id: place.id,
        };
        let found = call.services.profile(request, &order).await?;
        let name = match &who {
            // Whoever has no entry is at least a member.
            Some(NameOrMember::Member(id)) if found.cards.is_empty() => {
                let member = UserId::try_from(*id).unwrap_or(UserId::from_db(0));
                Some(people::called(call, request.guild, member).await?)
            }
            _ => named(call, request, &found, &order.who).await,
        };
        let asked = match who {
            None => Asked::Own(name),
            Some(_) => Asked::Member(name),
        };
        Ok(views::profile::profile(&found, &asked, call.locale))
    }
}

/// What the member is called whom the cards are about. A card without it is better than none.
async fn named(call: &Call, request: &Request, found: &Found, who: &NameOrMember) -> Option<Name> {
    let mentioned = match who {
        NameOrMember::Member(id) => UserId::try_from(*id).ok(),
        NameOrMember::Name(_) => None,
    };
    let linked = found
        .cards
        .iter()
        .find_map(|(card, _)| card.entry.member_id);
    let member = mentioned.or(linked)?;
    let called = people::called(call, request.guild, member);
    timeout(NAMED, called).await.ok()?.ok()
}
