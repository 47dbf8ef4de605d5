//! What members are called. Discord resolves no mention inside a text, and the bot keeps no list of
//! members, so it asks; it is enough to ask for those whom no entry is linked to.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serenity::http::{Http, Route};
use serenity::model::Permissions;
use serenity::model::guild::Role;
use serenity::model::id::{self, RoleId};
use serenity::model::user::User;
use tokio::time::Instant;

use super::context::{Call, standing_of};
use super::delivery::{self, Limits, Unfetched};
use super::errors::Failure;
use super::views::errors::{nobody, unknown_member};
use crate::domain::access::Standing;
use crate::domain::ids::{self, GuildId, UserId};
use crate::domain::name::Name;
use crate::service::Request;
use crate::service::points::Introduction;

/// How many are asked for at once.
const AT_ONCE: usize = 5;

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it is worth trying, for somebody who looks at "thinking …".
const LONGEST: Duration = Duration::from_secs(15);

/// The part of a guild's member that names them.
#[derive(Debug, Deserialize)]
struct Member {
    nick: Option<String>,
    user: Account,
}

/// The part of a user that names them.
#[derive(Debug, Deserialize)]
struct Account {
    username: String,
    global_name: Option<String>,
}

/// What a member is called in the guild.
///
/// # Errors
/// Nobody in the guild has that id, or Discord does not say.
pub async fn called(call: &Call, guild: GuildId, member: UserId) -> Result<Name, Failure> {
    if guild.get() == 0 || member.get() == 0 {
        return Err(Failure::told(nobody(member)));
    }
    let route = Route::GuildMember {
        guild_id: id::GuildId::new(guild.get()),
        user_id: id::UserId::new(member.get()),
    };
    let limits = Limits {
        until: Instant::now() + LONGEST,
        patience: PATIENCE,
    };
    match delivery::fetch::<Member>(&call.http, route, limits).await {
        Ok(Some(found)) => {
            let Account {
                username,
                global_name,
            } = found.user;
            let names = [found.nick, global_name, Some(username)];
            Ok(name_of(names.iter().flatten().map(String::as_str), member))
        }
        Ok(None) => Err(Failure::told(nobody(member))),
        Err(error) => {
            tracing::warn!(op.id = %call.id, %error, "what a member is called is not known");
            Err(Failure::told(unknown_member(member)))
        }
    }
}

/// The part of a guild's member that says what they may do.
#[derive(Debug, Deserialize)]
pub(super) struct Roles {
    pub(super) roles: Vec<RoleId>,
}

impl Roles {
    /// As the rest of the program has them.
    pub(super) fn ids(&self) -> Vec<ids::RoleId> {
        let ids = self.roles.iter().map(|role| role.get().try_into());
        ids.filter_map(Result::ok).collect()
    }
}

/// The part of a guild that says what its roles allow.
#[derive(Debug, Deserialize)]
pub(super) struct Guild {
    pub(super) owner_id: id::UserId,
    pub(super) roles: Vec<Role>,
}

/// What the caller may do in a guild that this interaction does not tell of.
///
/// # Errors
/// The caller or the bot is not in that guild, or Discord does not say.
pub async fn standing(call: &Call, guild: GuildId) -> Result<Standing, Failure> {
    let caller = call.actor()?;
    match standing_in(&call.http, guild, caller).await {
        Ok(Some(standing)) => Ok(standing),
        Ok(None) => Err(Failure::told(nobody(caller))),
        Err(error) => {
            tracing::warn!(op.id = %call.id, %error, "what a member may do is not known");
            Err(Failure::told(unknown_member(caller)))
        }
    }
}

/// What somebody may do in a guild now; none where they or the bot are not in it.
///
/// # Errors
/// Discord does not say.
pub async fn standing_in(
    http: &Http,
    guild: GuildId,
    person: UserId,
) -> Result<Option<Standing>, Unfetched> {
    if guild.get() == 0 || person.get() == 0 {
        return Ok(None);
    }
    let (guild_id, user_id) = (id::GuildId::new(guild.get()), id::UserId::new(person.get()));
    let limits = Limits {
        until: Instant::now() + LONGEST,
        patience: PATIENCE,
    };
    let member = delivery::fetch::<Roles>(http, Route::GuildMember { guild_id, user_id }, limits);
    let guild = delivery::fetch::<Guild>(http, Route::Guild { guild_id }, limits);
    let (member, guild) = tokio::try_join!(member, guild)?;
    let (Some(member), Some(guild)) = (member, guild) else {
        return Ok(None);
    };
    if guild.owner_id == user_id {
        return Ok(Some(standing_of(Permissions::all(), &member.roles)));
    }
    // The role that everybody has bears the guild's own id.
    let has = |role: &&Role| role.id.get() == guild_id.get() || member.roles.contains(&role.id);
    let roles = guild.roles.iter().filter(has);
    let permissions = roles.map(|role| role.permissions).collect();
    Ok(Some(standing_of(permissions, &member.roles)))
}

/// What each of these members is called.
///
/// # Errors
/// As [`called`], for the first of them.
pub async fn introduced(
    call: &Call,
    request: &Request,
    members: Vec<UserId>,
) -> Result<Vec<Introduction>, Failure> {
    let introduction = async |member| {
        Ok(Introduction {
            member,
            name: called(call, request.guild, member).await?,
            link: None,
        })
    };
    stream::iter(members)
        .map(introduction)
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// What a user whom Discord sent along is called in the guild.
#[must_use]
pub fn resolved(user: &User) -> Name {
    let nick = user
        .member
        .as_ref()
        .and_then(|member| member.nick.as_deref());
    let names = [nick, user.global_name.as_deref(), Some(user.name.as_str())];
    let id = UserId::try_from(user.id.get()).unwrap_or(UserId::from_db(0));
    name_of(names.into_iter().flatten(), id)
}

/// The first of these that something is left of once it is made legal.
fn name_of<'a>(mut names: impl Iterator<Item = &'a str>, member: UserId) -> Name {
    let found = names.find_map(Name::made_legal);
    found.unwrap_or_else(|| Name::of_id(member))
}
