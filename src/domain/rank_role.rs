//! Discord roles that go with ranks: which of them the bot may hand out. A rank is given by whoever
//! keeps the points, so no role goes with one by which somebody could harm the server.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::access::{Grant, Right};
use super::ids::{GuildId, RoleId, UserId};

/// *Administrator*: everything, whatever else is set.
const ADMINISTRATOR: Power = Power::new("administrator", 3);

/// *Manage Roles*, which the bot needs itself.
const MANAGE_ROLES: Power = Power::new("manage-roles", 28);

/// What no role may allow that is handed out with a rank: what Discord wants a second factor of
/// moderators for, and what reaches everybody at once. What only works in a voice channel (muting,
/// moving) or on names is left: a rank may well allow that.
const POWERS: [Power; 13] = [
    ADMINISTRATOR,
    // The server itself, its bots and its invitations; and everything that this bot can do.
    Power::new("manage-guild", 5),
    // Any role below one's own, and with it what those allow.
    MANAGE_ROLES,
    // Deletes channels with all that was written there.
    Power::new("manage-channels", 4),
    // Writes under any name, from outside, and goes on after the role is gone.
    Power::new("manage-webhooks", 29),
    // These throw people out or silence them.
    Power::new("kick-members", 1),
    Power::new("ban-members", 2),
    Power::new("moderate-members", 40),
    // These delete what others wrote or made.
    Power::new("manage-messages", 13),
    Power::new("manage-threads", 34),
    Power::new("manage-expressions", 30),
    Power::new("manage-events", 33),
    // Wakes up the whole server.
    Power::new("mention-everyone", 17),
];

/// A permission of Discord's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Power {
    name: &'static str,
    bit: u64,
}

impl Power {
    const fn new(name: &'static str, bit: u32) -> Self {
        Self {
            name,
            bit: 1 << bit,
        }
    }

    /// All that make a role unfit.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &POWERS
    }

    /// Its name in the catalogues and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.name
    }

    /// What is called so.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        POWERS.into_iter().find(|power| power.name == name)
    }

    const fn is_in(self, permissions: u64) -> bool {
        permissions & self.bit != 0
    }
}

/// Why a role can't be handed out, or taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnfitRole {
    /// There is no such role in the guild.
    Missing,
    /// Everybody has it.
    Everyones,
    /// It belongs to a bot, to boosts or to another service, which alone gives it.
    Managed,
    /// It does not stand below the bot's highest role.
    TooHigh,
    /// The bot may not manage roles.
    MayNotManage,
    /// It allows what must not come with a rank.
    Powerful(Power),
    /// It was granted a right by which one changes rights or settings of this program.
    GivesRights,
    /// It does not stand below the highest role of the one who chose it.
    AboveYou,
    /// Discord refuses, in its words.
    Refused(String),
}

impl UnfitRole {
    /// As the database keeps it: which reason, and what it names.
    #[must_use]
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Missing => ("missing", None),
            Self::Everyones => ("everyones", None),
            Self::Managed => ("managed", None),
            Self::TooHigh => ("too_high", None),
            Self::MayNotManage => ("may_not_manage", None),
            Self::Powerful(power) => ("powerful", Some(power.as_str())),
            Self::GivesRights => ("gives_rights", None),
            Self::AboveYou => ("above_you", None),
            Self::Refused(words) => ("refused", Some(words)),
        }
    }

    /// Reads [`Self::parts`]. What another version wrote is as if Discord had said it.
    #[must_use]
    pub fn from_parts(reason: &str, detail: Option<&str>) -> Self {
        let detail = detail.unwrap_or_default();
        match reason {
            "missing" => Self::Missing,
            "everyones" => Self::Everyones,
            "managed" => Self::Managed,
            "too_high" => Self::TooHigh,
            "may_not_manage" => Self::MayNotManage,
            "gives_rights" => Self::GivesRights,
            "above_you" => Self::AboveYou,
            _ => Power::parse(detail)
                .map_or_else(|| Self::Refused(detail.to_owned()), Self::Powerful),
        }
    }
}

/// A role, as Discord has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuildRole {
    /// Which.
    pub id: RoleId,
    /// Its place in the order of roles; higher is higher.
    pub position: u16,
    /// What it allows.
    pub permissions: u64,
    /// Whether something else than people gives it.
    pub managed: bool,
}

/// The roles of a guild as Discord has them now, and what the bot can do with them.
#[derive(Debug, Clone)]
pub struct GuildRoles {
    everyones: Option<RoleId>,
    owner: UserId,
    roles: BTreeMap<RoleId, GuildRole>,
    bots: Vec<RoleId>,
}

impl GuildRoles {
    /// Of this guild and owner, with the roles that the bot has.
    #[must_use]
    pub fn new(
        (guild, owner): (GuildId, UserId),
        roles: impl IntoIterator<Item = GuildRole>,
        bots: Vec<RoleId>,
    ) -> Self {
        Self {
            // The role that everybody has bears the guild's own id.
            everyones: RoleId::try_from(guild.get()).ok(),
            owner,
            roles: roles.into_iter().map(|role| (role.id, role)).collect(),
            bots,
        }
    }

    /// Why the bot must not or can't hand a role out.
    ///
    /// # Errors
    /// The first reason that there is.
    pub fn fit(&self, role: RoleId) -> Result<(), UnfitRole> {
        let found = self.roles.get(&role).ok_or(UnfitRole::Missing)?;
        if self.everyones == Some(role) {
            return Err(UnfitRole::Everyones);
        }
        if found.managed {
            return Err(UnfitRole::Managed);
        }
        let power = POWERS.iter().find(|it| it.is_in(found.permissions));
        if let Some(power) = power {
            return Err(UnfitRole::Powerful(*power));
        }
        self.within_reach(role)
    }

    /// Why the bot can't take a role back.
    ///
    /// # Errors
    /// The first reason that there is.
    pub fn within_reach(&self, role: RoleId) -> Result<(), UnfitRole> {
        let found = self.roles.get(&role).ok_or(UnfitRole::Missing)?;
        let of_bot = || self.bots.iter().chain(&self.everyones);
        let permissions = of_bot().filter_map(|id| self.roles.get(id));
        let permissions = permissions.fold(0, |all, role| all | role.permissions);
        if ![ADMINISTRATOR, MANAGE_ROLES]
            .iter()
            .any(|it| it.is_in(permissions))
        {
            return Err(UnfitRole::MayNotManage);
        }
        if self.is_below(found, &self.bots) {
            Ok(())
        } else {
            Err(UnfitRole::TooHigh)
        }
    }

    /// Whether somebody with these roles may have others handed that role: Discord's own rule for
    /// members.
    ///
    /// # Errors
    /// It does not stand below their highest role.
    pub fn may_choose(
        &self,
        (person, theirs): (UserId, &[RoleId]),
        role: RoleId,
    ) -> Result<(), UnfitRole> {
        let is_below = |role| self.is_below(role, theirs);
        if person == self.owner || self.roles.get(&role).is_some_and(is_below) {
            Ok(())
        } else {
            Err(UnfitRole::AboveYou)
        }
    }

    /// Whether a role stands below the highest of these. Of two at the same position, the older one
    /// stands higher.
    fn is_below(&self, role: &GuildRole, others: &[RoleId]) -> bool {
        let place = |role: &GuildRole| (role.position, Reverse(role.id));
        let others = others.iter().filter_map(|id| self.roles.get(id));
        others.map(place).max() > Some(place(role))
    }
}

/// Whether a grant makes whoever has its role one who changes rights or settings of this program.
#[must_use]
pub fn is_powerful(grant: &Grant) -> bool {
    [Right::AccessManage, Right::SettingsManage]
        .into_iter()
        .any(|right| grant.granted.gives(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYONES: u64 = 1;
    const BOTS: u64 = 50;

    fn id(raw: u64) -> RoleId {
        RoleId::try_from(raw).unwrap()
    }

    fn role(raw: u64, position: u16, permissions: u64) -> GuildRole {
        GuildRole {
            id: id(raw),
            position,
            permissions,
            managed: false,
        }
    }

    /// A guild with the bot's role at position 10, which allows these.
    fn guild(bot: u64, others: impl IntoIterator<Item = GuildRole>) -> GuildRoles {
        let own = [role(EVERYONES, 0, 1 << 10), role(BOTS, 10, bot)];
        let whose = (GuildId::from_db(1), UserId::from_db(2));
        GuildRoles::new(whose, own.into_iter().chain(others), vec![id(BOTS)])
    }

    #[test]
    fn a_role_is_handed_out_that_harms_nobody_and_stands_below_the_bot() {
        let managed = GuildRole {
            managed: true,
            ..role(22, 1, 0)
        };
        let roles = [role(20, 9, 1 << 11), role(21, 11, 0), managed];
        let all = guild(1 << 28, roles.clone());
        assert_eq!(all.fit(id(20)), Ok(()));
        assert_eq!(all.fit(id(21)), Err(UnfitRole::TooHigh));
        assert_eq!(all.fit(id(22)), Err(UnfitRole::Managed));
        assert_eq!(all.fit(id(99)), Err(UnfitRole::Missing));
        assert_eq!(all.fit(id(EVERYONES)), Err(UnfitRole::Everyones));
        assert_eq!(all.fit(id(BOTS)), Err(UnfitRole::Powerful(MANAGE_ROLES)));
        let weak = guild(1 << 11, roles.clone());
        assert_eq!(weak.fit(id(20)), Err(UnfitRole::MayNotManage));
        // An administrator may manage roles, but only those below.
        let administrator = guild(1 << 3, roles);
        assert_eq!(administrator.fit(id(20)), Ok(()));
        assert_eq!(administrator.fit(id(21)), Err(UnfitRole::TooHigh));
    }

    #[test]
    fn of_two_roles_at_one_position_the_older_one_is_higher() {
        let all = guild(1 << 28, [role(49, 10, 0), role(51, 10, 0)]);
        assert_eq!(all.fit(id(49)), Err(UnfitRole::TooHigh));
        assert_eq!(all.fit(id(51)), Ok(()));
    }

    #[test]
    fn no_power_is_handed_out_but_each_can_be_taken_back() {
        for power in Power::all() {
            let all = guild(1 << 28, [role(20, 1, power.bit | 1 << 11)]);
            assert_eq!(all.fit(id(20)), Err(UnfitRole::Powerful(*power)));
            assert_eq!(all.within_reach(id(20)), Ok(()));
        }
    }

    #[test]
    fn nobody_but_the_owner_chooses_a_role_that_stands_above_them() {
        let all = guild(1 << 28, [role(20, 5, 0), role(21, 6, 0)]);
        let (member, owner) = (UserId::from_db(3), UserId::from_db(2));
        assert_eq!(all.may_choose((member, &[id(21)]), id(20)), Ok(()));
        for theirs in [&[id(20)][..], &[]] {
            assert_eq!(
                all.may_choose((member, theirs), id(20)),
                Err(UnfitRole::AboveYou)
            );
        }
        assert_eq!(all.may_choose((owner, &[]), id(21)), Ok(()));
    }

    #[test]
    fn a_reason_is_read_as_it_was_written() {
        let mut reasons = vec![
            UnfitRole::Missing,
            UnfitRole::Everyones,
            UnfitRole::Managed,
            UnfitRole::TooHigh,
            UnfitRole::MayNotManage,
            UnfitRole::GivesRights,
            UnfitRole::AboveYou,
            UnfitRole::Refused("Missing Access".to_owned()),
        ];
        reasons.extend(Power::all().iter().copied().map(UnfitRole::Powerful));
        for reason in reasons {
            let (kind, detail) = reason.parts();
            assert_eq!(UnfitRole::from_parts(kind, detail), reason);
        }
    }
}
