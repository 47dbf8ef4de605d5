//! What autocomplete offers. Nothing here fails a command: what goes wrong offers nothing. Each
//! answer holds what its caller reaches.

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::access::Right;
use crate::domain::guild::Settings;
use crate::domain::name::{Name, TableAddress, fold};
use crate::domain::table::Table;
use crate::store::complete::{self, EventChoice, SessionChoice, TableFilter, Whose};
use crate::store::{StoreError, periods};

use super::{Request, ServiceError, Services};

/// A closed period to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodChoice {
    /// Its number.
    pub number: i32,
    /// The day on which it was closed, by the guild's clocks.
    pub closed_on: NaiveDate,
}

/// Discord shows at most 25 choices.
pub(super) const CHOICES: i64 = 25;

impl Services {
    /// Names of entries that begin with this text; of a private table for those who hold one of these
    /// rights there.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_entries(
        &self,
        request: &Request,
        rights: &[Right],
        table: Option<&TableAddress>,
        text: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let (place, prefix) = (self.place(request, rights, table), fold(text.trim()));
        Ok(read!(self, conn => complete::entries(&mut conn, &place, &prefix, CHOICES))?)
    }

    /// Addresses of tables that hold this text, in which the caller holds one of these rights.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_tables(
        &self,
        request: &Request,
        rights: &[Right],
        text: &str,
    ) -> Result<Vec<String>, ServiceError> {
        self.tables(request, text, &filter(request, rights)).await
    }

    /// Addresses of deleted tables that hold this text.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_deleted_tables(
        &self,
        request: &Request,
        text: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let filter = TableFilter {
            deleted: true,
            caller: request.caller(&[Right::TableEdit]),
            open: false,
        };
        self.tables(request, text, &filter).await
    }

    async fn tables(
        &self,
        request: &Request,
        text: &str,
        filter: &TableFilter,
    ) -> Result<Vec<String>, ServiceError> {
        let (guild, text) = (request.guild, fold(text.trim()));
        Ok(read!(self, conn => complete::tables(&mut conn, guild, &text, filter, CHOICES))?)
    }

    /// The table that is meant, for its ranks and extra fields; a private one for those who hold one of
    /// these rights there.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_within(
        &self,
        request: &Request,
        rights: &[Right],
        table: Option<&TableAddress>,
    ) -> Result<Option<Table>, ServiceError> {
        let place = self.place(request, rights, table);
        Ok(read!(self, conn => complete::table(&mut conn, &place))?)
    }

    /// The closed periods of the table that is meant whose numbers begin so, newest first; of a private
    /// one for those who hold one of these rights there.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_periods(
        &self,
        request: &Request,
        rights: &[Right],
        table: Option<&TableAddress>,
        digits: &str,
    ) -> Result<Vec<PeriodChoice>, ServiceError> {
        let (place, digits) = (self.place(request, rights, table), digits.trim());
        let Some(table) = read!(self, conn => complete::table(&mut conn, &place))? else {
            return Ok(Vec::new());
        };
        let found = read!(self, conn => periods::choices(&mut conn, table.id, digits, CHOICES))?;
        let choice = |(number, closed, zone): (i32, DateTime<Utc>, Option<String>)| {
            let settings = Settings {
                timezone: zone,
                ..Settings::default()
            };
            PeriodChoice {
                number,
                closed_on: closed.with_timezone(&settings.timezone()).date_naive(),
            }
        };
        Ok(found.into_iter().map(choice).collect())
    }

    /// The caller's open sessions.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn complete_sessions(
        &self,
        request: &Request,
    ) -> Result<Vec<SessionChoice>, ServiceError> {
        let (guild, user) = (request.guild, request.actor);
        Ok(read!(self, conn => complete::sessions(&mut conn, guild, user, CHOICES))?)
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
        let caller = request.caller(&[Right::AuditView]);
        let whose = if own {
            Whose::Own(request.actor)
        } else {
            Whose::Reached(&caller)
        };
        Ok(read!(self, conn => complete::events(&mut conn, request.guild, whose, digits, CHOICES))?)
    }

    fn place(
        &self,
        request: &Request,
        rights: &[Right],
        table: Option<&TableAddress>,
    ) -> complete::Place {
        complete::Place {
            guild: request.guild,
            user: request.actor,
            platform: request.platform,
            limits: self.limits,
            address: table.map(|address| (address.category().map(Name::key), address.name().key())),
            caller: request.caller(rights),
        }
    }
}

/// The tables that are there, in which the caller holds one of these rights.
pub(super) fn filter(request: &Request, rights: &[Right]) -> TableFilter {
    TableFilter {
        deleted: false,
        caller: request.caller(rights),
        open: rights.contains(&Right::TableView),
    }
}
