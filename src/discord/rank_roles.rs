//! Hands out the Discord roles that go with ranks, and takes back what was handed out. Who should have
//! which is read anew each time, so whatever goes wrong on the way, the next look finds it.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use serde::Deserialize;
use serenity::http::{Http, LightMethod, Route};
use serenity::model::guild::Role;
use serenity::model::id;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use super::boards::noted;
use super::context::{Call, Data};
use super::delivery::{self, Answered, Limits, Outgoing, Repeat, Unfetched};
use super::errors::Failure;
use super::people::{Guild, Roles};
use crate::domain::access::Right;
use crate::domain::ids::{GuildId, RoleId, UserId};
use crate::domain::rank_role::{GuildRole, GuildRoles, UnfitRole};
use crate::i18n::keys;
use crate::service::rank_roles::{InHand, Outcome, Waiting};
use crate::service::{Request, ServiceError, Services, answered};

/// How many guilds are in hand at once.
const HANDS: usize = 4;

/// How often it is looked where nothing is heard.
const POLL: Duration = Duration::from_secs(5);

/// How long nothing is tried when the database fails.
const PAUSE: Duration = Duration::from_secs(5);

/// How long one request is tried before it is left for later. With what one try may take, it is
/// shorter than others wait for whoever has a member in hand.
const TRYING: Duration = Duration::from_secs(6);

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long a hand rests after what Discord did not take: where it takes nothing at all, it must not
/// be asked all the time.
const BREATH: Duration = Duration::from_secs(2);

/// How long one member's roles take at most.
const LONGEST: Duration = Duration::from_mins(1);

/// Tries to tell what became of a member's roles.
const TELLING: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(200))
    .with_max_times(4)
    .with_jitter();

/// "Unknown member" and "Unknown user".
const UNKNOWN_MEMBER: [u32; 2] = [10007, 10013];

/// "Unknown role".
const UNKNOWN_ROLE: u32 = 10011;

/// Discord did not take it, and did not say for how long.
const LATER: Outcome = Outcome::NotNow { wait: None };

/// Who the bot is.
#[derive(Debug, Deserialize)]
struct Account {
    id: id::UserId,
}

/// Works for ever. Members that are in hand when this ends are finished all the same, as far as the
/// end waits for it.
pub async fn run(data: Data, http: Arc<Http>) {
    let (hands, me) = (Arc::new(Semaphore::new(HANDS)), Arc::new(OnceCell::new()));
    let mut bell = data.services.bell();
    loop {
        let Ok(hand) = Arc::clone(&hands).acquire_owned().await else {
            return;
        };
        match answered(data.services.next_roles()).await {
            Ok(Some(in_hand)) => {
                let (services, http) = (data.services.clone(), Arc::clone(&http));
                let (flight, me) = (data.flights.begin(), Arc::clone(&me));
                tokio::spawn(async move {
                    let worked = work(&services, &http, &me, &in_hand).await;
                    drop(flight);
                    match worked {
                        Ok(true) => {}
                        Ok(false) => sleep(BREATH).await,
                        Err(error) => {
                            tracing::debug!(%error, "roles wait for the database");
                            sleep(BREATH).await;
                        }
                    }
                    drop(hand);
                });
            }
            Ok(None) => {
                // That the time is up is no failure.
                let _ = timeout(POLL, bell.changed()).await;
            }
            Err(error) => {
                tracing::debug!(%error, "roles wait for the database");
                sleep(PAUSE).await;
            }
        }
    }
}

/// What happened to a guild's roles while Discord could not tell, nobody knows: whoever lacks one is
/// looked at once more.
pub async fn look_again(data: &Data, guild: id::GuildId) {
    if let Ok(guild) = GuildId::try_from(guild.get()) {
        noted(data, || data.services.recheck_roles(guild)).await;
    }
}

/// A role of a guild was changed or moved, perhaps such that it can be handed out now.
pub async fn changed(data: &Data, guild: id::GuildId) {
    if let Ok(guild) = GuildId::try_from(guild.get()) {
        noted(data, || data.services.roles_changed(guild)).await;
    }
}

/// A role was deleted, perhaps one that goes with a rank.
pub async fn gone(data: &Data, guild: id::GuildId, role: id::RoleId) {
    let ids = (GuildId::try_from(guild.get()), RoleId::try_from(role.get()));
    if let (Ok(guild), Ok(role)) = ids {
        noted(data, || data.services.role_gone(guild, role)).await;
    }
}

/// Makes sure that a role may go with a rank, and that the caller may choose it.
///
/// # Errors
/// It must not or can't be handed out, they may not choose it, Discord does not say, or no right.
pub async fn check(
    call: &Call,
    request: &Request,
    me: id::UserId,
    role: RoleId,
) -> Result<(), Failure> {
    let authority = call.services.authority(request).await?;
    let may = authority.require_somewhere(Right::TableEdit);
    may.map_err(ServiceError::from)?;
    let roles = match roles_of(&call.http, request.guild, me).await {
        Ok(Some(roles)) => roles,
        Ok(None) => return Err(Failure::told(keys::ERROR_ROLES_UNKNOWN)),
        Err(error) => {
            tracing::warn!(op.id = %call.id, %error, "which roles there are is not known");
            return Err(Failure::told(keys::ERROR_ROLES_UNKNOWN));
        }
    };
    let caller = (request.actor, &*request.standing.roles);
    let fits = roles
        .fit(role)
        .and_then(|()| roles.may_choose(caller, role));
    fits.map_err(|why| ServiceError::UnfitRole { role, why }.into())
}

/// The roles of a guild as they are now, and which of them the bot has; none where it is not in it.
async fn roles_of(
    http: &Http,
    guild: GuildId,
    me: id::UserId,
) -> Result<Option<GuildRoles>, Unfetched> {
    let guild_id = id::GuildId::new(guild.get());
    let user_id = me;
    let bot = delivery::fetch::<Roles>(http, Route::GuildMember { guild_id, user_id }, limits());
    let found = delivery::fetch::<Guild>(http, Route::Guild { guild_id }, limits());
    let (Some(bot), Some(found)) = tokio::try_join!(bot, found)? else {
        return Ok(None);
    };
    Ok(Some(guild_roles(guild, &found, &bot)))
}

/// The roles of a guild, and what the bot with its own can do with them.
pub(super) fn guild_roles(guild: GuildId, found: &Guild, bot: &Roles) -> GuildRoles {
    let owner = UserId::try_from(found.owner_id.get()).unwrap_or(UserId::from_db(0));
    let roles = found.roles.iter().filter_map(guild_role);
    GuildRoles::new((guild, owner), roles, bot.ids())
}

fn guild_role(role: &Role) -> Option<GuildRole> {
    Some(GuildRole {
        id: RoleId::try_from(role.id.get()).ok()?,
        position: role.position,
        permissions: role.permissions.bits(),
        managed: role.managed,
    })
}

fn limits() -> Limits {
    Limits {
        until: Instant::now() + TRYING,
        patience: PATIENCE,
    }
}

/// Who the bot is.
pub(super) async fn who_am_i(http: &Http) -> Option<id::UserId> {
    let account = delivery::fetch::<Account>(http, Route::UserMe, limits()).await;
    account.ok().flatten().map(|account| account.id)
}

/// Brings the roles of members up to date, one after the other. Returns whether Discord did what it
/// was asked to.
async fn work(
    services: &Services,
    http: &Http,
    me: &OnceCell<id::UserId>,
    in_hand: &InHand,
) -> Result<bool, ServiceError> {
    let asked = me.get_or_try_init(async || who_am_i(http).await.ok_or(()));
    let facts = match asked.await {
        Ok(me) => roles_of(http, in_hand.guild, *me).await,
        Err(()) => Ok(None),
    };
    let roles = match facts {
        Ok(Some(roles)) => roles,
        Ok(None) => return later(services, in_hand, &in_hand.members, None).await,
        Err(error) => {
            tracing::debug!(%error, "which roles there are is not known; it is asked again later");
            return later(services, in_hand, &in_hand.members, None).await;
        }
    };
    let hand = Hand {
        services,
        http,
        taken: in_hand,
        roles,
    };
    let mut members = in_hand.members.as_slice();
    while let [waiting, rest @ ..] = members {
        let changing = timeout(LONGEST, hand.bring_up_to_date(waiting.member));
        let outcome = match changing.await {
            Ok(Ok(Some(outcome))) => outcome,
            // Somebody else has them by now.
            Ok(Ok(None)) => return Ok(true),
            Ok(Err(error)) => return Err(error),
            Err(_) => LATER,
        };
        hand.tell(*waiting, &outcome).await?;
        if let Outcome::NotNow { wait } = outcome {
            return later(services, in_hand, rest, wait).await;
        }
        members = rest;
    }
    Ok(true)
}

/// Discord takes nothing for now.
async fn later(
    services: &Services,
    in_hand: &InHand,
    members: &[Waiting],
    wait: Option<Duration>,
) -> Result<bool, ServiceError> {
    answered(services.roles_later(in_hand, members, wait)).await?;
    Ok(false)
}

/// Members of one guild, while nobody else has them in hand.
struct Hand<'a> {
    services: &'a Services,
    http: &'a Http,
    taken: &'a InHand,
    roles: GuildRoles,
}

/// Why a member's roles are left as they are.
enum Left {
    /// Somebody else has the member in hand by now.
    ToOthers,
    /// Nothing else will work either.
    So(Outcome),
    /// The database failed.
    Database(ServiceError),
}

impl From<ServiceError> for Left {
    fn from(error: ServiceError) -> Self {
        Self::Database(error)
    }
}

/// What became of one role: nothing, or why it can't be changed.
type Changed = Result<Option<UnfitRole>, Left>;

impl Hand<'_> {
    /// What became of a member's roles; nothing where somebody else has them in hand by now.
    async fn bring_up_to_date(&self, member: UserId) -> Result<Option<Outcome>, ServiceError> {
        match self.change(member).await {
            Ok(stuck) if stuck.is_empty() => Ok(Some(Outcome::Done)),
            Ok(stuck) => Ok(Some(Outcome::Stuck(stuck))),
            Err(Left::So(outcome)) => Ok(Some(outcome)),
            Err(Left::ToOthers) => Ok(None),
            Err(Left::Database(error)) => Err(error),
        }
    }

    /// Changes a member's roles; returns those that can't be changed.
    async fn change(&self, member: UserId) -> Result<Vec<(RoleId, UnfitRole)>, Left> {
        let guild = self.taken.guild;
        self.hold(member).await?;
        let should = self.services.member_roles(guild, member).await?;
        let mut stuck = Vec::new();
        if should.wanted.is_empty() && should.handed.is_empty() {
            return Ok(stuck);
        }
        let has = self.roles_of_member(member).await.map_err(Left::So)?;
        for role in should.wanted.iter().filter(|role| !has.contains(role)) {
            if let Some(why) = self.hand_out(member, *role).await? {
                stuck.push((*role, why));
            }
        }
        for role in should.handed.difference(&should.wanted) {
            if !has.contains(role) {
                // Somebody else took it.
                self.forget(member, *role).await?;
            } else if let Some(why) = self.take_back(member, *role).await? {
                stuck.push((*role, why));
            }
        }
        Ok(stuck)
    }

    async fn roles_of_member(&self, member: UserId) -> Result<Vec<RoleId>, Outcome> {
        let route = Route::GuildMember {
            guild_id: self.guild_id(),
            user_id: id::UserId::new(member.get()),
        };
        let question = Outgoing::question_with(route, Vec::new(), limits());
        match delivery::ask(self.http, &question).await {
            Answered::Yes(body) => match serde_json::from_slice::<Roles>(&body) {
                Ok(roles) => Ok(roles.ids()),
                Err(_) => Err(LATER),
            },
            Answered::Refused { code, .. } if UNKNOWN_MEMBER.contains(&code) => Err(Outcome::Left),
            Answered::Refused { .. } => Err(LATER),
            Answered::NotNow { wait } => Err(Outcome::NotNow { wait }),
        }
    }

    /// Hands a role out, if it is still one that may be.
    async fn hand_out(&self, member: UserId, role: RoleId) -> Changed {
        let guild = self.taken.guild;
        let mut refused = match self.roles.fit(role) {
            Ok(()) => self.services.unfit_role(guild, role).await?,
            Err(why) => Some(why),
        };
        if refused.is_none() {
            // Noted before, so that it is taken back one day even if this process dies now.
            if !self.services.handing_role(self.taken, member, role).await? {
                return Err(Left::ToOthers);
            }
            refused = self.ask(LightMethod::Put, member, role).await?;
        }
        if refused.is_some() {
            // Should somebody give it by hand, it is none of ours.
            self.forget(member, role).await?;
        } else {
            self.services.role_works(guild, role).await?;
        }
        Ok(refused)
    }

    async fn take_back(&self, member: UserId, role: RoleId) -> Changed {
        let refused = match self.roles.within_reach(role) {
            Ok(()) => {
                self.hold(member).await?;
                self.ask(LightMethod::Delete, member, role).await?
            }
            Err(why) => Some(why),
        };
        match refused {
            None => {
                self.forget(member, role).await?;
                self.services.role_works(self.taken.guild, role).await?;
                Ok(None)
            }
            // Nobody has it any more.
            Some(UnfitRole::Missing) => {
                self.forget(member, role).await?;
                Ok(None)
            }
            refused => Ok(refused),
        }
    }

    async fn hold(&self, member: UserId) -> Result<(), Left> {
        if self.services.holds_roles(self.taken, member).await? {
            Ok(())
        } else {
            Err(Left::ToOthers)
        }
    }

    async fn forget(&self, member: UserId, role: RoleId) -> Result<(), Left> {
        let forgotten = self.services.forget_role(self.taken, member, role);
        Ok(forgotten.await?)
    }

    async fn ask(&self, method: LightMethod, member: UserId, role: RoleId) -> Changed {
        let route = Route::GuildMemberRole {
            guild_id: self.guild_id(),
            user_id: id::UserId::new(member.get()),
            role_id: id::RoleId::new(role.get()),
        };
        let limits = (Repeat::Safe, limits());
        let Ok(outgoing) = Outgoing::new((method, route), &(), None, limits) else {
            return Err(Left::So(LATER));
        };
        match delivery::ask(self.http, &outgoing).await {
            Answered::Yes(_) => Ok(None),
            Answered::Refused { code, .. } if UNKNOWN_MEMBER.contains(&code) => {
                Err(Left::So(Outcome::Left))
            }
            Answered::Refused { code, .. } if code == UNKNOWN_ROLE => Ok(Some(UnfitRole::Missing)),
            // What has no number comes from something before Discord.
            Answered::Refused { code: 0, .. } => Err(Left::So(LATER)),
            Answered::Refused { message, .. } => Ok(Some(UnfitRole::Refused(message))),
            Answered::NotNow { wait } => Err(Left::So(Outcome::NotNow { wait })),
        }
    }

    fn guild_id(&self) -> id::GuildId {
        id::GuildId::new(self.taken.guild.get())
    }

    /// Notes what became of a member's roles. If that fails for long, they are taken in hand again.
    async fn tell(&self, waiting: Waiting, outcome: &Outcome) -> Result<(), ServiceError> {
        let done = || answered(self.services.roles_done(self.taken, waiting, outcome));
        let news = done.retry(TELLING).await?;
        for role in &news {
            tracing::warn!(
                guild.id = %self.taken.guild,
                role.id = %role,
                error = ?outcome,
                "a role can't be handed out or taken back: see that the bot may manage roles, and that its role stands above"
            );
        }
        if !news.is_empty() {
            self.services.ring();
        }
        Ok(())
    }
}
