//! Discord roles that go with ranks. Who should have which follows from the tables; that they do is the
//! work of whichever process takes them in hand. Points never wait for it.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{Connection as _, PgConnection};

use crate::domain::access::Grantee;
use crate::domain::ids::{GuildId, RoleId, UserId};
use crate::domain::rank_role::{UnfitRole, is_powerful};
pub use crate::store::rank_roles::{InHand, MemberRoles, RoleProblem, Waiting};
use crate::store::{StoreError, grants, rank_roles};

use super::{ServiceError, Services};

/// After which one that took members in hand, and has not said since that it still has them, is taken
/// for dead: longer than one member's roles take.
const PATIENCE: TimeDelta = TimeDelta::seconds(20);

/// How many members are taken in hand at once.
const AT_ONCE: i64 = 10;

/// The first pause after Discord did not take it, and the longest.
const REST: (TimeDelta, TimeDelta) = (TimeDelta::seconds(2), TimeDelta::minutes(1));

/// The first pause after something that others have to mend, and the longest.
const MENDED: (TimeDelta, TimeDelta) = (TimeDelta::minutes(1), TimeDelta::days(1));

/// How long a member waits at most because Discord asks for it: then it is asked again.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// How often what others have to mend is tried by itself: over some days.
const TRIES: i32 = 13;

/// What became of a member's roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// They are as they should be.
    Done,
    /// The member is not in the guild any more.
    Left,
    /// Others have to mend something: for these roles.
    Stuck(Vec<(RoleId, UnfitRole)>),
    /// Discord did not take it this time.
    NotNow {
        /// How long it wants to be left alone, if it says.
        wait: Option<Duration>,
    },
}

impl Services {
    /// The next members whose roles may have to change, for this process alone.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_roles(&self) -> Result<Option<InHand>, ServiceError> {
        if !read!(self, conn => rank_roles::is_one_due(&mut conn, PATIENCE))? {
            return Ok(None);
        }
        let mut conn = self.connection().await?;
        let mut tx = conn.begin().await.map_err(StoreError::from)?;
        let claim = self.entropy.uuid();
        let taken = rank_roles::take(&mut tx, claim, PATIENCE, AT_ONCE).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(taken)
    }

    /// A member is still in hand. Returns whether they were until now.
    ///
    /// # Errors
    /// If the database fails: somebody else may take them in hand then.
    pub async fn holds_roles(
        &self,
        in_hand: &InHand,
        member: UserId,
    ) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        Ok(rank_roles::holds(&mut conn, in_hand.claim, member).await?)
    }

    /// What a member should have now, and what was handed to them.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn member_roles(
        &self,
        guild: GuildId,
        member: UserId,
    ) -> Result<MemberRoles, ServiceError> {
        let mut conn = self.connection().await?;
        Ok(rank_roles::of_member(&mut conn, guild, member).await?)
    }

    /// Why a role must not go with a rank, by what was granted to it here.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unfit_role(
        &self,
        guild: GuildId,
        role: RoleId,
    ) -> Result<Option<UnfitRole>, ServiceError> {
        let mut conn = self.connection().await?;
        let granted = grants::list(&mut conn, guild, Some(Grantee::Role(role))).await?;
        let gives = granted.iter().any(|listed| is_powerful(&listed.grant));
        Ok(gives.then_some(UnfitRole::GivesRights))
    }

    /// A role is about to be handed to a member: should this process die, they may have it. Returns
    /// whether the member is in hand still.
    ///
    /// # Errors
    /// If the database fails; it must not be handed out then.
    pub async fn handing_role(
        &self,
        in_hand: &InHand,
        member: UserId,
        role: RoleId,
    ) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        Ok(rank_roles::handing(&mut conn, in_hand, member, role).await?)
    }

    /// A member does not have a role from the bot, or not any more.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn forget_role(
        &self,
        in_hand: &InHand,
        member: UserId,
        role: RoleId,
    ) -> Result<(), ServiceError> {
        let mut conn = self.connection().await?;
        let member = Some(member);
        Ok(rank_roles::forget(&mut conn, in_hand.guild, member, Some(role)).await?)
    }

    /// A role was handed out or taken back, so nothing is wrong with it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn role_works(&self, guild: GuildId, role: RoleId) -> Result<(), ServiceError> {
        let mut conn = self.connection().await?;
        Ok(rank_roles::mended(&mut conn, guild, role, false).await?)
    }

    /// What became of a member in hand. Returns the roles of which it is news that they can't be
    /// handed out or taken back.
    ///
    /// # Errors
    /// If the database fails. They are taken in hand again then.
    pub async fn roles_done(
        &self,
        in_hand: &InHand,
        waiting: Waiting,
        outcome: &Outcome,
    ) -> Result<Vec<RoleId>, ServiceError> {
        let mut conn = self.connection().await?;
        let (claim, guild, member) = (in_hand.claim, in_hand.guild, waiting.member);
        let mut news = Vec::new();
        match outcome {
            Outcome::Done => rank_roles::done(&mut conn, claim, member).await?,
            Outcome::Left => {
                rank_roles::forget(&mut conn, guild, Some(member), None).await?;
                rank_roles::done(&mut conn, claim, member).await?;
            }
            Outcome::Stuck(roles) => {
                for (role, why) in roles {
                    if rank_roles::note_problem(&mut conn, guild, *role, why).await? {
                        news.push(*role);
                    }
                }
                let is_given_up = waiting.tries >= TRIES;
                let pause = (!is_given_up).then(|| pause(MENDED, waiting.tries));
                rank_roles::rest(&mut conn, claim, &[member], (pause, true)).await?;
            }
            Outcome::NotNow { wait } => {
                let rest = pause(REST, waiting.tries).max(asked(*wait));
                rank_roles::rest(&mut conn, claim, &[member], (Some(rest), true)).await?;
            }
        }
        Ok(news)
    }

    /// These members in hand were not come to, since Discord does not take anything.
    ///
    /// # Errors
    /// If the database fails. They are taken in hand again then.
    pub async fn roles_later(
        &self,
        in_hand: &InHand,
        members: &[Waiting],
        wait: Option<Duration>,
    ) -> Result<(), ServiceError> {
        let members: Vec<UserId> = members.iter().map(|waiting| waiting.member).collect();
        let mut conn = self.connection().await?;
        let rest = REST.0.max(asked(wait));
        rank_roles::rest(&mut conn, in_hand.claim, &members, (Some(rest), false)).await?;
        Ok(())
    }

    /// Something about a guild's roles was changed on Discord: who waits for that is tried again.
    /// Returns whether there is anybody.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn roles_changed(&self, guild: GuildId) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        Ok(rank_roles::try_again(&mut conn, guild).await?)
    }

    /// Nobody knows what happened to the members' roles while the bot was away: whoever lacks one is
    /// looked at once more. Returns whether there is anybody.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn recheck_roles(&self, guild: GuildId) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        let waited = rank_roles::try_again(&mut conn, guild).await?;
        Ok(rank_roles::queue_astray(&mut conn, guild).await? || waited)
    }

    /// A role was deleted on Discord, from whoever had it. Where it goes with a rank, the log channel
    /// is told. Returns whether it does.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn role_gone(&self, guild: GuildId, role: RoleId) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        rank_roles::forget(&mut conn, guild, None, Some(role)).await?;
        if rank_roles::rank_of(&mut conn, guild, role).await?.is_none() {
            return Ok(false);
        }
        Ok(rank_roles::note_problem(&mut conn, guild, role, &UnfitRole::Missing).await?)
    }

    /// The roles that can't be handed out or taken back, of one guild or of all, and why.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn role_problems(
        &self,
        guild: Option<GuildId>,
    ) -> Result<Vec<RoleProblem>, ServiceError> {
        let mut conn = self.connection().await?;
        Ok(rank_roles::problems(&mut conn, guild).await?)
    }
}

/// A role is chosen for a rank: what was wrong with it before is forgotten, and who waits for it is
/// tried again.
pub(super) async fn chosen(
    conn: &mut PgConnection,
    guild: GuildId,
    role: RoleId,
) -> Result<(), ServiceError> {
    rank_roles::mended(conn, guild, role, true).await?;
    rank_roles::try_again(conn, guild).await?;
    Ok(())
}

/// The pause after so many tries: each is twice the one before.
fn pause((first, longest): (TimeDelta, TimeDelta), tries: i32) -> TimeDelta {
    let doubled = 2_i32.saturating_pow(tries.unsigned_abs());
    first.checked_mul(doubled).unwrap_or(longest).min(longest)
}

fn asked(wait: Option<Duration>) -> TimeDelta {
    let wait = wait.map(|wait| TimeDelta::from_std(wait).unwrap_or(LONGEST));
    wait.unwrap_or_default().min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let seconds = |tries| pause(REST, tries).num_seconds();
        let first: Vec<i64> = (0..7).map(seconds).collect();
        assert_eq!(first, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(seconds(i32::MAX), 60);
        let whole: TimeDelta = (0..TRIES).map(|tries| pause(MENDED, tries)).sum();
        assert!((2..7).contains(&whole.num_days()), "{whole}");
    }

    #[test]
    fn no_wait_is_longer_than_an_hour() {
        assert_eq!(asked(None), TimeDelta::zero());
        assert_eq!(asked(Some(Duration::from_secs(7))), TimeDelta::seconds(7));
        assert_eq!(asked(Some(Duration::MAX)), TimeDelta::hours(1));
    }
}
