//! Refused attempts, as events: each in a transaction of its own, after that of the attempt is gone.

use sqlx::PgConnection;

use crate::domain::access::{Caller, Right, Standing};
use crate::domain::event::{Action, Via};
use crate::domain::ids::{GuildId, TableId, UserId};
use crate::domain::name::{Name, TableAddress};
use crate::domain::refusal::{Noted, Tally};
use crate::store::{StoreError, refusals, tables};

use super::operation::{Ask, Begun, SessionNeed};
use super::{Request, ServiceError, Services};

/// What somebody was refused.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What was attempted.
    pub action: Action,
    /// In which table, as it was named.
    pub table: Option<TableAddress>,
}

impl From<Action> for Attempt {
    fn from(action: Action) -> Self {
        Self {
            action,
            table: None,
        }
    }
}

impl Services {
    /// Notes that somebody was refused what they have no right to. What was attempted is an event,
    /// or counted where there are too many in a minute.
    ///
    /// # Errors
    /// If the database fails. Whoever was refused need not know.
    pub async fn note_refusal(
        &self,
        request: &Request,
        attempt: impl Into<Attempt>,
        right: Right,
    ) -> Result<(), ServiceError> {
        let ask = Ask {
            session: SessionNeed::Find,
            ..Ask::default()
        };
        let mut op = match self.begin(request, ask).await {
            Ok(Begun::Fresh(op)) => op,
            // The same interaction was delivered before.
            Ok(Begun::Repeated(_)) | Err(ServiceError::Forbidden { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let (guild, user, now) = (request.guild, request.actor, op.now());
        let tally = refusals::tally(op.conn(), guild, user).await?;
        let mut tally = tally.unwrap_or_else(|| Tally::new(now));
        if tally.is_over(now) && !tally.ops.contains(&request.op) {
            op.tell_refusals(user, &tally);
            tally = Tally::new(now);
        }
        let noted = tally.note(&request.op, right);
        if noted == Noted::Again {
            return Ok(());
        }
        refusals::keep(op.conn(), guild, user, &tally).await?;
        match noted {
            Noted::Event => {
                let Attempt { action, table } = attempt.into();
                let table = match table {
                    Some(address) => attempted_in(op.conn(), guild, &address).await?,
                    None => None,
                };
                op.refuse(action, table, right).await.map(drop)
            }
            Noted::Counted | Noted::Again => op.keep().await,
        }
    }

    /// Makes an event of what was only counted, where the minute is over. Any process may do it,
    /// and several at once.
    ///
    /// # Errors
    /// If the database can't be reached; the next time it is done.
    pub async fn tell_refusals(&self) -> Result<(), ServiceError> {
        let mut conn = self.connection().await?;
        let due = refusals::due(&mut conn).await?;
        drop(conn);
        for (guild, user) in due {
            match self.tell_refusals_of(guild, user).await {
                // What is wrong with one guild is not to keep the others waiting.
                Err(error) if !error.is_unreachable() => {
                    tracing::warn!(guild.id = %guild, %error, "counted refusals are not in the history yet");
                }
                done => done?,
            }
        }
        Ok(())
    }

    async fn tell_refusals_of(&self, guild: GuildId, user: UserId) -> Result<(), ServiceError> {
        let mut conn = self.connection().await?;
        let Some(tally) = refusals::tally(&mut conn, guild, user).await? else {
            return Ok(());
        };
        drop(conn);
        let request = Request {
            guild,
            actor: user,
            standing: Standing::default(),
            op: tally.op(user),
            at: tally.since,
            device: None,
            platform: None,
            via: Via::Schedule,
        };
        let ask = Ask {
            session: SessionNeed::OpensItself,
            ..Ask::default()
        };
        let Begun::Fresh(mut op) = self.begin(&request, ask).await? else {
            return Ok(());
        };
        // Looked at again under the lock: another process may have been faster.
        let now = refusals::tally(op.conn(), guild, user).await?;
        let Some(refusal) = tally.untold().filter(|_| now.as_ref() == Some(&tally)) else {
            return Ok(());
        };
        let told = Tally {
            told: true,
            ..tally
        };
        refusals::keep(op.conn(), guild, user, &told).await?;
        op.sum_up(&refusal).await.map(drop)
    }
}

/// The live table of that address; none where there is none or the address means several. Private
/// tables too: whoever was refused is not told.
async fn attempted_in(
    conn: &mut PgConnection,
    guild: GuildId,
    address: &TableAddress,
) -> Result<Option<TableId>, StoreError> {
    let category = address.category().map(Name::key);
    let name = address.name().key();
    let found =
        tables::by_address(conn, guild, category.as_deref(), &name, &Caller::program()).await?;
    Ok(match found.as_slice() {
        [only] => Some(only.id),
        _ => None,
    })
}
