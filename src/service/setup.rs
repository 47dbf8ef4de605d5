//! The first run: whom to welcome, and how far a guild is set up. What is set goes the ordinary ways:
//! settings, tables, rights. Nothing is kept but these.

use chrono::{DateTime, Utc};

use crate::domain::access::{Authority, Grantee, Place, Right};
use crate::domain::guild::Settings;
use crate::domain::ids::GuildId;
use crate::domain::table::Table;
use crate::store::{StoreError, grants, guilds, tables, welcomes};

use super::{Request, ServiceError, Services};

/// Of these, whoever sets a guild up needs one.
const RIGHTS: [Right; 3] = [Right::SettingsManage, Right::TableEdit, Right::AccessManage];

/// How far a guild is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Which guild.
    pub guild: GuildId,
    /// What is set.
    pub settings: Settings,
    /// Why the log channel could not be posted to, in Discord's words.
    pub log_problem: Option<String>,
    /// The addresses of its tables, as far as the caller sees them.
    pub tables: Vec<String>,
    /// Whether the caller may give a new name points in one of them.
    pub gives: bool,
    /// Who was granted to give points, anywhere.
    pub givers: Vec<Grantee>,
    /// What the caller may do.
    pub authority: Authority,
}

impl Setup {
    /// Whether the caller may do that in the whole guild.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.authority.may(right, Place::GUILD)
    }
}

impl Services {
    /// Whether a guild which the bot joined at that moment is to be welcomed by whoever asks.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn welcomes(
        &self,
        guild: GuildId,
        joined_at: DateTime<Utc>,
    ) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        Ok(welcomes::claim(&mut conn, guild, joined_at).await?)
    }

    /// A guild could not be welcomed: it is to be, by whoever asks next.
    ///
    /// # Errors
    /// If the database fails: it is not welcomed then.
    pub async fn not_welcomed(
        &self,
        guild: GuildId,
        joined_at: DateTime<Utc>,
    ) -> Result<(), ServiceError> {
        let mut conn = self.connection().await?;
        Ok(welcomes::give_back(&mut conn, guild, joined_at).await?)
    }

    /// How far the caller's guild is set up.
    ///
    /// # Errors
    /// No right to set anything up, or the database fails.
    pub async fn setup(&self, request: &Request) -> Result<Setup, ServiceError> {
        let authority = self.authority(request).await?;
        if !may_set_up(&authority) {
            authority.require(Right::SettingsManage, Place::GUILD)?;
        }
        let mut conn = self.connection().await?;
        let (settings, log_problem) = guilds::settings(&mut conn, request.guild).await?;
        let found = tables::list(&mut conn, request.guild, &request.anyhow()).await?;
        let may_give = |table: &Table| {
            let mut needed = [Right::EntryAdd, Right::ScoreAdd].into_iter();
            needed.all(|right| authority.may(right, Place::table(table)))
        };
        let may_begin = found.iter().any(may_give);
        let granted = grants::list(&mut conn, request.guild, None).await?;
        // As the list of grants tells it.
        let told = |listed: &grants::Listed| authority.may(Right::AccessManage, listed.place());
        let granted = granted.into_iter().filter(told).map(|listed| listed.grant);
        let giving = granted.filter(|grant| grant.granted.gives(Right::ScoreAdd));
        let mut givers: Vec<Grantee> = giving.map(|grant| grant.who).collect();
        givers.dedup();
        Ok(Setup {
            guild: request.guild,
            settings,
            log_problem,
            tables: found.iter().map(Table::address).collect(),
            gives: may_begin,
            givers,
            authority,
        })
    }

    /// Whether the caller's guild has no table yet, and the caller may set something up in it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn wants_setup(&self, request: &Request) -> Result<bool, ServiceError> {
        if read!(self, conn => tables::any(&mut conn, request.guild))? {
            return Ok(false);
        }
        Ok(may_set_up(&self.authority(request).await?))
    }
}

fn may_set_up(authority: &Authority) -> bool {
    let mut rights = RIGHTS.into_iter();
    rights.any(|right| authority.may(right, Place::GUILD))
}
