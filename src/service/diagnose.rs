//! What is wrong with the database, and why a guild does not see what it should.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use crate::domain::access::{Place, Right};
use crate::domain::guild::Settings;
pub use crate::store::diagnose::{
    BoardState, Content, Encryption, Facts, NoticeState, Schema, There, Unreached, Why,
};
use crate::store::{diagnose, guilds};

use super::{Request, ServiceError, Services};

/// One look at a time: each takes some connections of its own, and many may ask.
static TURN: Semaphore = Semaphore::const_new(1);

/// After which a message that waits or a board that is behind is worth a word: both are tried anew
/// much more often.
pub const LATE: Duration = Duration::from_mins(2);

/// What a guild has set and what waits in it.
#[derive(Debug, Clone)]
pub struct GuildState {
    /// Its settings.
    pub settings: Settings,
    /// Why the log channel could not be posted to, in Discord's words.
    pub log_problem: Option<String>,
    /// Its boards.
    pub boards: Vec<BoardState>,
    /// What its people are still to be told.
    pub notices: NoticeState,
}

impl Services {
    /// Looks at the database, with the rights of the address. `now` is the host's clock.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn diagnose_database(&self, now: fn() -> DateTime<Utc>) -> Result<Facts, Unreached> {
        let _turn = TURN.acquire().await;
        let options = diagnose::options_of(&self.pool);
        diagnose::look(&options, now, self.entropy.uuid()).await
    }

    /// What a guild has set and what waits in it.
    ///
    /// # Errors
    /// No right, or the database fails.
    pub async fn diagnose_guild(&self, request: &Request) -> Result<GuildState, ServiceError> {
        let authority = self.authority(request).await?;
        authority.require(Right::SettingsManage, Place::GUILD)?;
        let mut conn = self.connection().await?;
        let (settings, log_problem) = guilds::settings(&mut conn, request.guild).await?;
        Ok(GuildState {
            settings,
            log_problem,
            boards: diagnose::boards(&mut conn, request.guild).await?,
            notices: diagnose::notices(&mut conn, request.guild).await?,
        })
    }
}
