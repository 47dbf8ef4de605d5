//! What Discord says of the bot, and what it lets the bot do in a guild: for whoever wonders why
//! something does not happen. Each question is asked once; that it is not answered is an answer too.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, DATE, HeaderMap};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serenity::http::{Http, Route};
use serenity::model::Permissions;
use serenity::model::channel::{PermissionOverwrite, PermissionOverwriteType};
use serenity::model::id::{ApplicationId, ChannelId, GuildId, RoleId, UserId};
use tokio::time::{Instant, timeout};

use super::delivery::{self, Limits, Unfetched};
use super::integrations;
use super::people::{Guild, Roles};
use super::rank_roles::{self, guild_roles};
use super::registration::{self, Difference};
use super::views::help;
use crate::config::{self, Secret};
use crate::domain::ids;
use crate::domain::rank_role::GuildRoles;

/// How long Discord may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same where the answer can do without.
const SOON: Duration = Duration::from_secs(5);

/// The version of the API.
const API: &str = "api/v10";

/// The application may be told where people are signed in: in any number of guilds, or in few.
const PRESENCE_FLAGS: u64 = 1 << 12 | 1 << 13;

/// What a board needs in its channel. It is an embed, and a message that was lost is looked for among
/// the last ones.
pub const BOARD_NEEDS: Permissions = LOG_NEEDS
    .union(Permissions::EMBED_LINKS)
    .union(Permissions::READ_MESSAGE_HISTORY);

/// What messages in the log channel need, which are text.
pub const LOG_NEEDS: Permissions = Permissions::VIEW_CHANNEL.union(Permissions::SEND_MESSAGES);

/// Where Discord is, and as whom it is asked.
#[derive(Debug, Clone)]
pub struct Access {
    base: String,
    token: Secret,
}

impl Access {
    /// As configured; none without a token.
    #[must_use]
    pub fn configured(config: &config::Discord) -> Option<Self> {
        Some(Self {
            base: config.api_url.as_str().trim_end_matches('/').to_owned(),
            token: config.token.clone()?,
        })
    }

    /// As the running bot has it.
    #[must_use]
    pub fn of(http: &Http) -> Self {
        let base = http.proxy.as_deref().unwrap_or("https://discord.com");
        Self {
            base: base.to_owned(),
            token: Secret::new(http.token().trim_start_matches("Bot ")),
        }
    }
}

/// What Discord says of the bot.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Who it is, or why Discord does not say.
    pub account: Result<Account, Unasked>,
    /// By how much Discord's clock is ahead of the host's, if it told the time.
    pub ahead: Option<TimeDelta>,
}

/// The bot's account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its user.
    pub id: UserId,
    /// What it is called.
    pub name: String,
    /// Whether it may be told where people are signed in.
    pub presence: Result<bool, Unasked>,
    /// How often it may connect.
    pub gateway: Result<Connecting, Unasked>,
    /// Whether its commands are registered as this program has them.
    pub commands: Result<Difference, Unasked>,
}

/// How often the bot may connect to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connecting {
    /// How many shards Discord recommends.
    pub shards: u32,
    /// How many connections are left of today's.
    pub remaining: u32,
    /// How many there are in a day.
    pub total: u32,
}

/// Why Discord does not answer a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unasked {
    /// It does not know the token.
    Token,
    /// It is not reached, and why.
    Unreached(String),
    /// It answers with this status.
    Status(u16),
}

#[derive(Deserialize)]
struct Me {
    id: UserId,
    username: String,
}

#[derive(Deserialize)]
struct Application {
    id: ApplicationId,
    #[serde(default)]
    flags: u64,
}

#[derive(Deserialize)]
struct Gateway {
    shards: u32,
    session_start_limit: Starts,
}

#[derive(Deserialize)]
struct Starts {
    total: u32,
    remaining: u32,
}

/// Asks Discord about the bot. `now` is the host's clock.
pub async fn look(access: &Access, now: fn() -> DateTime<Utc>) -> Facts {
    let before = now();
    let answer = ask(access, "users/@me").await;
    let host = before + (now() - before) / 2;
    let (me, ahead) = match answer {
        Ok((headers, me)) => (me, told_time(&headers).map(|time| time - host)),
        Err(unasked) => (Err(unasked), None),
    };
    let account = match me.and_then(|body| read::<Me>(&body)) {
        Ok(me) => Ok(account(access, me).await),
        Err(unasked) => Err(unasked),
    };
    Facts { account, ahead }
}

async fn account(access: &Access, me: Me) -> Account {
    let application = get::<Application>(access, "applications/@me").await;
    let commands = match &application {
        Ok(application) => commands(access, application.id).await,
        Err(unasked) => Err(unasked.clone()),
    };
    let gateway = get::<Gateway>(access, "gateway/bot").await;
    Account {
        id: me.id,
        name: me.username,
        presence: application.map(|application| application.flags & PRESENCE_FLAGS != 0),
        gateway: gateway.map(|gateway| Connecting {
            shards: gateway.shards,
            remaining: gateway.session_start_limit.remaining,
            total: gateway.session_start_limit.total,
        }),
        commands,
    }
}

async fn commands(access: &Access, id: ApplicationId) -> Result<Difference, Unasked> {
    let path = format!("applications/{id}/commands?with_localizations=true");
    let registered = get::<Vec<Value>>(access, &path).await?;
    Ok(registration::difference(&registered))
}

async fn get<T: DeserializeOwned>(access: &Access, path: &str) -> Result<T, Unasked> {
    read(&ask(access, path).await?.1?)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unasked> {
    let unreadable = |error: serde_json::Error| Unasked::Unreached(error.to_string());
    serde_json::from_slice(body).map_err(unreadable)
}

/// The headers of an answer, and its body if it is what was asked for.
async fn ask(
    access: &Access,
    path: &str,
) -> Result<(HeaderMap, Result<Vec<u8>, Unasked>), Unasked> {
    let lost = |error: reqwest::Error| Unasked::Unreached(cause(&error.without_url()));
    let request = delivery::client().get(format!("{}/{API}/{path}", access.base));
    let token = format!("Bot {}", access.token.expose());
    let request = request.header(AUTHORIZATION, token).timeout(PATIENCE);
    let response = request.send().await.map_err(lost)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = match status {
        StatusCode::UNAUTHORIZED => Err(Unasked::Token),
        status if !status.is_success() => Err(Unasked::Status(status.as_u16())),
        _ => response.bytes().await.map(Vec::from).map_err(lost),
    };
    Ok((headers, body))
}

/// The innermost reason, which is what helps.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// The time in the header `Date`, which is told in whole seconds: on average half of one has passed.
fn told_time(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let date = headers.get(DATE)?.to_str().ok()?;
    let time = DateTime::parse_from_rfc2822(date).ok()?;
    Some(time.to_utc() + TimeDelta::milliseconds(500))
}

/// What the bot may do in a guild.
#[derive(Debug)]
pub struct Reach {
    guild: GuildId,
    bot: UserId,
    /// The roles that it has.
    held: Vec<RoleId>,
    /// What each role allows.
    roles: Vec<(RoleId, Permissions)>,
    /// What it can do with them.
    pub grantable: GuildRoles,
    channels: Vec<Channel>,
}

#[derive(Debug, Deserialize)]
struct Channel {
    id: ChannelId,
    #[serde(default)]
    permission_overwrites: Vec<PermissionOverwrite>,
}

/// Asks what the bot may do in a guild; none where it is not in it.
///
/// # Errors
/// Discord does not say.
pub async fn reach(
    http: &Http,
    (whose, bot): (ids::GuildId, UserId),
) -> Result<Option<Reach>, Unfetched> {
    let guild = GuildId::new(whose.get().max(1));
    let limits = Limits {
        until: Instant::now() + PATIENCE,
        patience: PATIENCE,
    };
    let (guild_id, user_id) = (guild, bot);
    let member = delivery::fetch::<Roles>(http, Route::GuildMember { guild_id, user_id }, limits);
    let roles = delivery::fetch::<Guild>(http, Route::Guild { guild_id }, limits);
    let channels = delivery::fetch(http, Route::GuildChannels { guild_id }, limits);
    let (member, roles, channels) = tokio::try_join!(member, roles, channels)?;
    let (Some(held), Some(found), Some(channels)) = (member, roles, channels) else {
        return Ok(None);
    };
    let roles = found.roles.iter();
    Ok(Some(Reach {
        guild,
        bot,
        grantable: guild_roles(whose, &found, &held),
        held: held.roles,
        roles: roles.map(|role| (role.id, role.permissions)).collect(),
        channels,
    }))
}

/// The same for an answer that can do without; none where Discord does not say in time.
pub async fn reach_of_the_bot(http: &Http, guild: ids::GuildId) -> Option<Reach> {
    let asked = async {
        let me = rank_roles::who_am_i(http).await?;
        let reach = reach(http, (guild, me)).await;
        let unasked =
            |error: &_| tracing::debug!(%error, "what the bot may do in a guild is not known");
        reach.inspect_err(unasked).ok()?
    };
    timeout(SOON, asked).await.ok()?
}

/// The commands that Server Settings > Integrations keeps from everybody who is not named there.
///
/// # Errors
/// Discord does not say.
pub async fn hidden(http: &Http, guild: ids::GuildId) -> Result<Vec<&'static str>, Unfetched> {
    let everybody = integrations::Viewer::default();
    integrations::hidden(http, guild, &everybody, help::commands()).await
}

impl Reach {
    /// What the bot may do in a channel; none where there is no such channel.
    #[must_use]
    pub fn allowed(&self, channel: ChannelId) -> Option<Permissions> {
        let channel = self.channels.iter().find(|found| found.id == channel)?;
        let everybody = RoleId::new(self.guild.get());
        let has = |role: RoleId| role == everybody || self.held.contains(&role);
        let roles = self.roles.iter().filter(|(role, _)| has(*role));
        let base: Permissions = roles.map(|(_, permissions)| *permissions).collect();
        if base.administrator() {
            return Some(Permissions::all());
        }
        let of = |wanted: &dyn Fn(PermissionOverwriteType) -> bool| {
            let overwrites = channel.permission_overwrites.iter();
            let overwrites = overwrites.filter(|overwrite| wanted(overwrite.kind));
            overwrites.fold((Permissions::empty(), Permissions::empty()), |all, one| {
                (all.0 | one.deny, all.1 | one.allow)
            })
        };
        // From the general to the particular, and in each step what is allowed wins.
        let steps = [
            of(&|kind| kind == PermissionOverwriteType::Role(everybody)),
            of(&|kind| {
                let held = |role| role != everybody && self.held.contains(&role);
                matches!(kind, PermissionOverwriteType::Role(role) if held(role))
            }),
            of(&|kind| kind == PermissionOverwriteType::Member(self.bot)),
        ];
        let apply = |may: Permissions, (deny, allow)| (may - deny) | allow;
        Some(steps.into_iter().fold(base, apply))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GUILD: u64 = 1;
    const BOT: u64 = 2;
    const HELD: u64 = 3;
    const OTHER: u64 = 4;

    /// What is left of the needs of a board, with such overwrites: whose, whether a member's, denied,
    /// allowed.
    fn left(own: Permissions, overwrites: &[(u64, bool, Permissions, Permissions)]) -> Permissions {
        let overwrites: Vec<_> = overwrites
            .iter()
            .map(|(id, is_member, deny, allow)| {
                json!({
                    "id": id.to_string(), "type": u8::from(*is_member),
                    "deny": deny.bits().to_string(), "allow": allow.bits().to_string(),
                })
            })
            .collect();
        let channel = json!({ "id": "9", "permission_overwrites": overwrites });
        let reach = Reach {
            guild: GuildId::new(GUILD),
            bot: UserId::new(BOT),
            held: vec![RoleId::new(HELD)],
            roles: vec![
                (RoleId::new(GUILD), Permissions::VIEW_CHANNEL),
                (RoleId::new(HELD), own),
                (RoleId::new(OTHER), Permissions::ADMINISTRATOR),
            ],
            grantable: GuildRoles::new(
                (ids::GuildId::from_db(1), ids::UserId::from_db(5)),
                [],
                Vec::new(),
            ),
            channels: vec![serde_json::from_value(channel).unwrap()],
        };
        assert_eq!(reach.allowed(ChannelId::new(8)), None);
        reach.allowed(ChannelId::new(9)).unwrap() & BOARD_NEEDS
    }

    #[test]
    fn permissions_come_from_roles_then_from_the_channel() {
        let (none, view) = (Permissions::empty(), Permissions::VIEW_CHANNEL);
        let send = Permissions::SEND_MESSAGES;
        let cases: [(Permissions, &[_], Permissions); 8] = [
            (none, &[], view),
            (send, &[], view | send),
            (send, &[(GUILD, false, send, none)], view),
            (
                send,
                &[(GUILD, false, send, none), (HELD, false, none, send)],
                view | send,
            ),
            (
                send,
                &[(HELD, false, send | view, none), (BOT, true, none, view)],
                view,
            ),
            (
                send,
                &[(OTHER, false, send, none), (5, true, send, none)],
                view | send,
            ),
            (
                send,
                &[(BOT, true, view, none), (HELD, false, none, view)],
                send,
            ),
            (
                Permissions::ADMINISTRATOR,
                &[(BOT, true, view | send, none)],
                BOARD_NEEDS,
            ),
        ];
        for (own, overwrites, expected) in cases {
            assert_eq!(left(own, overwrites), expected, "{own} {overwrites:?}");
        }
    }

    #[test]
    fn the_time_is_read_from_the_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(told_time(&headers), None);
        headers.insert(DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        let time = told_time(&headers).unwrap();
        assert_eq!(time.to_rfc3339(), "1994-11-06T08:49:37.500+00:00");
        headers.insert(DATE, "yesterday".parse().unwrap());
        assert_eq!(told_time(&headers), None);
    }
}
