//! What autocomplete offers. Nothing here fails a command: what goes wrong offers nothing.

use crate::domain::name::{Name, TableAddress, fold};
use crate::store::complete::{self, EventChoice, RankChoice, SessionChoice};

use super::{Request, ServiceError, Services};

/// Discord shows at most 25 choices.
const CHOICES: i64 = 25;

impl Services {
    /// Names of entries that begin with this text.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_entries(
        &self,
        request: &Request,
        table: Option<&TableAddress>,
        text: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let (guild, user) = (request.guild, request.actor);
        Ok(complete::entries(
            &self.pool,
            guild,
            user,
            keys(table),
            &fold(text.trim()),
            CHOICES,
        )
        .await?)
    }

    /// Addresses of tables that hold this text.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_tables(
        &self,
        request: &Request,
        text: &str,
    ) -> Result<Vec<String>, ServiceError> {
        Ok(complete::tables(&self.pool, request.guild, &fold(text.trim()), CHOICES).await?)
    }

    /// Ranks of a table.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_ranks(
        &self,
        request: &Request,
        table: Option<&TableAddress>,
    ) -> Result<Vec<RankChoice>, ServiceError> {
        Ok(complete::ranks(
            &self.pool,
            request.guild,
            request.actor,
            keys(table),
            CHOICES,
        )
        .await?)
    }

    /// The caller's open sessions.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_sessions(
        &self,
        request: &Request,
    ) -> Result<Vec<SessionChoice>, ServiceError> {
        Ok(complete::sessions(&self.pool, request.guild, request.actor, CHOICES).await?)
    }

    /// The newest events whose number begins so; the caller's own, or everybody's.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_events(
        &self,
        request: &Request,
        own: bool,
        digits: &str,
    ) -> Result<Vec<EventChoice>, ServiceError> {
        let digits = digits.trim().trim_start_matches('#');
        Ok(complete::events(
            &self.pool,
            request.guild,
            own.then_some(request.actor),
            digits,
            CHOICES,
        )
        .await?)
    }
}

fn keys(table: Option<&TableAddress>) -> Option<(Option<String>, String)> {
    table.map(|address| (address.category().map(Name::key), address.name().key()))
}
