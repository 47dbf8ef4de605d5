//! Who asks, where, when, and from which device: what every use case is given.

use chrono::{DateTime, Utc};

use crate::domain::access::{Authority, Caller, Grant, Right, Standing};
use crate::domain::event::Via;
use crate::domain::ids::{DeviceId, GuildId, OpId, UserId};
use crate::domain::session::Platform;
use crate::domain::stamp::Stamp;

/// One interaction, as the services see it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The tenant.
    pub guild: GuildId,
    /// Who acts.
    pub actor: UserId,
    /// What Discord says of them.
    pub standing: Standing,
    /// The interaction's id.
    pub op: OpId,
    /// The time in the interaction's id.
    pub at: DateTime<Utc>,
    /// The device session that the click's `custom_id` carried.
    pub device: Option<DeviceId>,
    /// The only kind of client that the actor is signed in on, where presence tells.
    pub platform: Option<Platform>,
    /// Through which door it came.
    pub via: Via,
}

impl Request {
    /// The stamp of the edits this request makes.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        Stamp::new(self.at, self.op.clone())
    }

    /// Whoever asks, where one of these rights is held.
    #[must_use]
    pub fn caller(&self, rights: &[Right]) -> Caller {
        Caller::with(self.guild, self.actor, &self.standing, rights)
    }

    /// Whoever asks, where they hold any right at all.
    #[must_use]
    pub fn anyhow(&self) -> Caller {
        self.caller(Right::ALL)
    }

    /// What whoever asks may do, given what was granted to them.
    #[must_use]
    pub fn authority(&self, grants: Vec<Grant>) -> Authority {
        Authority::new(self.guild, self.actor, &self.standing, grants)
    }
}
