//! A guild's settings.

use crate::domain::access::{Place, Right};
use crate::domain::event::Action;
use crate::domain::guild::{Language, Settings};
use crate::domain::ids::{ChannelId, GuildId};
use crate::store::guilds;

use super::operation::{Ask, Begun, Receipt};
use super::{Request, ServiceError, Services};

/// A setting, and what it is to be.
#[derive(Debug, Clone)]
pub enum Setting {
    /// In which language the bot speaks where everybody reads.
    Language(Language),
    /// The guild's time zone.
    Timezone(chrono_tz::Tz),
    /// Where edits and the daily head of the chain are posted.
    LogChannel(ChannelId),
}

/// The settings as they stand.
#[derive(Debug, Clone)]
pub struct SettingsShown {
    /// What is set.
    pub settings: Settings,
    /// Why the log channel could not be posted to, in Discord's words.
    pub log_problem: Option<String>,
}

impl Services {
    /// Changes a setting.
    ///
    /// # Errors
    /// No right; nothing is changed then.
    pub async fn set_setting(
        &self,
        request: &Request,
        setting: Setting,
    ) -> Result<Receipt, ServiceError> {
        let mut op = match self.begin(request, Ask::default()).await? {
            Begun::Repeated(receipt) => return Ok(*receipt),
            Begun::Fresh(op) => op,
        };
        op.authority()
            .require(Right::SettingsManage, Place::GUILD)?;
        let mut settings = op.settings().clone();
        match setting {
            Setting::Language(language) => settings.language = Some(language),
            Setting::Timezone(zone) => settings.timezone = Some(zone.name().to_owned()),
            Setting::LogChannel(channel) => settings.log_channel = Some(channel),
        }
        op.put_settings(settings).await?;
        op.finish(Action::SettingsSet, None, None).await
    }

    /// The language of what everybody in a guild reads, if one was chosen.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn language(&self, guild: GuildId) -> Result<Option<Language>, ServiceError> {
        let mut conn = self.connection().await?;
        let (settings, _) = guilds::settings(&mut conn, guild).await?;
        Ok(settings.language)
    }

    /// The settings of the caller's guild.
    ///
    /// # Errors
    /// No right, or the database fails.
    pub async fn show_settings(&self, request: &Request) -> Result<SettingsShown, ServiceError> {
        let authority = self.authority(request).await?;
        authority.require(Right::SettingsManage, Place::GUILD)?;
        let mut conn = self.connection().await?;
        let (settings, log_problem) = guilds::settings(&mut conn, request.guild).await?;
        Ok(SettingsShown {
            settings,
            log_problem,
        })
    }
}
