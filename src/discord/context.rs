//! One interaction, as the rest of the program needs it: who asks, in which language, with which
//! rights, and how to answer.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serenity::http::Http;
use serenity::model::Permissions;
use serenity::model::application::{CommandInteraction, ComponentInteraction, ModalInteraction};
use serenity::model::guild::Member;
use serenity::model::id::{GuildId, InteractionId, RoleId, UserId};
use tokio::time::Instant;

use super::errors::Failure;
use super::flights::{Flight, Flights};
use super::presence::Presences;
use super::queue::Queue;
use crate::domain::access::Standing;
use crate::domain::event::{Action, Via};
use crate::domain::ids::{self, DeviceId, OpId};
use crate::domain::name::TableAddress;
use crate::domain::session::Platform;
use crate::i18n::{Locale, keys};
use crate::metrics;
use crate::service::refusals::Attempt;
use crate::service::{Request, Services};

/// What every command is given.
pub type Ctx<'a> = poise::ApplicationContext<'a, Data, Failure>;

/// What a command returns. It has answered by then, also where it failed.
pub type CommandResult = Result<(), Failure>;

/// The first millisecond of Discord's clock.
const DISCORD_EPOCH: i64 = 1_420_070_400_000;

/// What lives as long as the bot.
#[derive(Debug, Clone)]
pub struct Data {
    /// The use cases.
    pub services: Services,
    /// The interactions that are not answered yet.
    pub flights: Flights,
    /// Which kind of client people are signed in on.
    pub presences: Presences,
    /// What waits for the database.
    pub queue: Queue,
}

/// What allows to answer an interaction, for 15 minutes: a secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// The text, for the address that an answer goes to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// An interaction that came before, and is worked on now.
#[derive(Debug)]
pub struct Former<'a> {
    /// Which.
    pub id: InteractionId,
    /// What allowed to answer it.
    pub token: &'a Token,
    /// Its author's language.
    pub locale: Locale,
    /// The only kind of client that its author was signed in on then, where presence told.
    pub platform: Option<Platform>,
}

/// How an interaction came here.
#[derive(Debug, Clone, Copy)]
enum Arrival {
    /// Just now.
    Now,
    /// It waited for the database; with the kind of client that presence told of then.
    Waited(Option<Platform>),
}

/// An interaction that is to be answered.
#[derive(Debug)]
pub struct Call {
    /// The use cases.
    pub services: Services,
    /// The way back to Discord.
    pub http: Arc<Http>,
    /// Which interaction.
    pub id: InteractionId,
    /// What allows to answer it.
    pub token: Token,
    /// The caller's language.
    pub locale: Locale,
    /// The guild's, as far as its owner told Discord.
    pub guild_locale: Locale,
    /// What the caller may do.
    pub standing: Standing,
    /// The largest file that may be attached, in bytes.
    pub attachment_limit: usize,
    /// When it came.
    pub received: Instant,
    /// Where it is recorded how it ends.
    pub measured: metrics::Interaction,
    /// Which kind of client people are signed in on.
    pub presences: Presences,
    /// What waits for the database.
    pub queue: Queue,
    arrival: Arrival,
    guild: Option<GuildId>,
    /// In a direct message: the guild that it is about, and what the caller may do there.
    about: OnceLock<(ids::GuildId, Standing)>,
    user: UserId,
    /// What is attempted, for the history if it is refused.
    attempt: OnceLock<Action>,
    /// In which table, as it was named.
    table: OnceLock<TableAddress>,
    /// The device session that the click carried.
    device: OnceLock<DeviceId>,
    /// Keeps the process from ending before the answer.
    _flight: Flight,
}

macro_rules! call {
    ($data:expr, $http:expr, $interaction:expr, $member:expr, $kind:expr) => {{
        let interaction = $interaction;
        Arc::new(Call {
            services: $data.services.clone(),
            http: Arc::clone($http),
            id: interaction.id,
            token: Token(interaction.token.clone()),
            locale: Locale::from_discord(&interaction.locale),
            guild_locale: Locale::from_discord(interaction.guild_locale.as_deref().unwrap_or("")),
            standing: standing($member),
            attachment_limit: usize::try_from(interaction.attachment_size_limit)
                .unwrap_or(usize::MAX),
            received: Instant::now(),
            measured: $data.services.metrics().interaction($kind),
            presences: $data.presences.clone(),
            queue: $data.queue.clone(),
            arrival: Arrival::Now,
            guild: interaction.guild_id,
            user: interaction.user.id,
            about: OnceLock::new(),
            attempt: OnceLock::new(),
            table: OnceLock::new(),
            device: OnceLock::new(),
            _flight: $data.flights.begin(),
        })
    }};
}

impl Call {
    /// A slash command, or the typing of one; and which, in the program's own words.
    #[must_use]
    pub fn of_command(
        data: &Data,
        http: &Arc<Http>,
        interaction: &CommandInteraction,
        command: impl Into<Cow<'static, str>>,
    ) -> Arc<Self> {
        let member = interaction.member.as_deref();
        call!(data, http, interaction, member, command)
    }

    /// A click, and on which kind of button.
    #[must_use]
    pub fn of_click(
        data: &Data,
        http: &Arc<Http>,
        interaction: &ComponentInteraction,
        kind: &'static str,
    ) -> Arc<Self> {
        let member = interaction.member.as_ref();
        call!(data, http, interaction, member, kind)
    }

    /// A form that was filled in, and which kind of form.
    #[must_use]
    pub fn of_form(
        data: &Data,
        http: &Arc<Http>,
        interaction: &ModalInteraction,
        kind: &'static str,
    ) -> Arc<Self> {
        let member = interaction.member.as_ref();
        call!(data, http, interaction, member, kind)
    }

    /// An edit that waited for the database, with what its author may do now.
    #[must_use]
    pub fn of_kept(
        (data, http): (&Data, &Arc<Http>),
        former: &Former<'_>,
        (guild, person): (ids::GuildId, ids::UserId),
        standing: Standing,
    ) -> Arc<Self> {
        Arc::new(Self {
            services: data.services.clone(),
            http: Arc::clone(http),
            id: former.id,
            token: former.token.clone(),
            locale: former.locale,
            guild_locale: former.locale,
            standing,
            attachment_limit: 0,
            received: Instant::now(),
            presences: data.presences.clone(),
            queue: data.queue.clone(),
            arrival: Arrival::Waited(former.platform),
            measured: data.services.metrics().interaction("queued edit"),
            guild: Some(GuildId::new(guild.get().max(1))),
            user: UserId::new(person.get().max(1)),
            about: OnceLock::new(),
            attempt: OnceLock::new(),
            table: OnceLock::new(),
            device: OnceLock::new(),
            _flight: data.flights.begin(),
        })
    }

    /// Notes what is attempted, before it is. The first note counts.
    pub fn attempts(&self, action: Action) {
        // That it was noted already is no failure.
        let _ = self.attempt.set(action);
    }

    /// Notes in which table it is attempted, as it was named.
    pub fn attempts_in(&self, table: TableAddress) {
        let _ = self.table.set(table);
    }

    /// What is attempted, and the request for it: once more, for the history.
    #[must_use]
    pub fn attempt(&self) -> Option<(Attempt, Request)> {
        let action = *self.attempt.get()?;
        let table = self.table.get().cloned();
        Some((Attempt { action, table }, self.request_again()?))
    }

    /// The request that was made before, if any could be made.
    #[must_use]
    pub fn request_again(&self) -> Option<Request> {
        self.request(self.device.get().cloned()).ok()
    }

    /// A click in a direct message is about a guild, in which its person may do that.
    pub fn is_about(&self, guild: ids::GuildId, standing: Standing) {
        // Each button is about one.
        let _ = self.about.set((guild, standing));
    }

    /// The request to the services, with the device session that a click carried.
    ///
    /// # Errors
    /// There is no guild, or an id is out of range.
    pub fn request(&self, device: Option<DeviceId>) -> Result<Request, Failure> {
        let (guild, standing) = match (self.guild, self.about.get()) {
            (Some(guild), _) => {
                let guild = ids::GuildId::try_from(guild.get()).map_err(|_| out_of_range())?;
                (guild, self.standing.clone())
            }
            (None, Some(about)) => about.clone(),
            (None, None) => return Err(Failure::told(keys::ERROR_GUILD_ONLY)),
        };
        if let Some(device) = &device {
            let _ = self.device.set(device.clone());
        }
        Ok(Request {
            guild,
            actor: self.actor()?,
            standing,
            op: OpId::new(self.id.to_string()),
            at: created_at(self.id)
                .ok_or_else(|| Failure::Internal("an id without a time".to_owned()))?,
            device,
            platform: match self.arrival {
                Arrival::Waited(platform) => platform,
                Arrival::Now => self
                    .presences
                    .platform(GuildId::new(guild.get()), self.user),
            },
            via: match self.arrival {
                Arrival::Waited(_) => Via::Journal,
                Arrival::Now => Via::Direct,
            },
        })
    }

    /// When it was made.
    #[must_use]
    pub fn made_at(&self) -> DateTime<Utc> {
        created_at(self.id).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Whether it came from a direct message.
    #[must_use]
    pub const fn is_direct(&self) -> bool {
        self.guild.is_none()
    }

    /// Who acts.
    ///
    /// # Errors
    /// The id is out of range.
    pub fn actor(&self) -> Result<ids::UserId, Failure> {
        ids::UserId::try_from(self.user.get()).map_err(|_| out_of_range())
    }
}

fn out_of_range() -> Failure {
    Failure::Internal("a Discord id is out of range".to_owned())
}

/// The time in a snowflake.
fn created_at(id: InteractionId) -> Option<DateTime<Utc>> {
    let since_epoch = i64::try_from(id.get() >> 22).ok()?;
    DateTime::from_timestamp_millis(since_epoch.checked_add(DISCORD_EPOCH)?)
}

/// What these permissions and roles come to.
#[must_use]
pub fn standing_of(permissions: Permissions, roles: &[RoleId]) -> Standing {
    let manages = Permissions::MANAGE_GUILD | Permissions::ADMINISTRATOR;
    let roles = roles.iter().map(|id| ids::RoleId::try_from(id.get()));
    Standing {
        manage_server: permissions.intersects(manages),
        roles: roles.filter_map(Result::ok).collect(),
    }
}

/// What Discord worked out for this very interaction.
fn standing(member: Option<&Member>) -> Standing {
    let permissions = member
        .and_then(|member| member.permissions)
        .unwrap_or_else(Permissions::empty);
    let roles = member.map(|member| member.roles.as_slice());
    standing_of(permissions, roles.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snowflake_holds_a_time() {
        let at = created_at(InteractionId::new(175_928_847_299_117_063)).unwrap();
        assert_eq!(at.to_rfc3339(), "2016-04-30T11:18:25.796+00:00");
    }
}
