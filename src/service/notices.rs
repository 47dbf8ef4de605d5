//! What others must be told: taken from the outbox, so that it is posted once however many
//! processes there are and whenever one of them ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sqlx::PgConnection;

use crate::domain::guild::Settings;
use crate::domain::ids::{ChannelId, GuildId, RoleId, Seq, UserId};
use crate::domain::rank_role::UnfitRole;
pub use crate::store::outbox::To;
use crate::store::outbox::{self, Batch, News};
use crate::store::{answered, boards, events, guilds, rank_roles};

use super::operation::Receipt;
use super::periods::{Report, Warning};
use super::{Request, ServiceError, Services};

/// Pieces of news in one message.
const BATCH: i64 = 5;

/// After which one that took a batch and did not post it is taken for dead.
const PATIENCE: TimeDelta = TimeDelta::seconds(30);

/// What goes into one message in a channel.
#[derive(Debug)]
pub struct Post {
    /// To whom.
    pub to: To,
    /// In which guild it happened.
    pub guild: GuildId,
    /// The settings of the guild that reads it.
    pub settings: Settings,
    /// What happened, in order.
    pub news: Vec<Told>,
    batch: Batch,
}

/// A piece of news.
#[derive(Debug)]
pub enum Told {
    /// An edit.
    Edit(Box<Receipt>),
    /// The head of the chain.
    Head {
        /// The newest event's number.
        seq: Seq,
        /// Its hash, whole.
        hash: String,
    },
    /// A board can't be posted.
    Board {
        /// Its table's address.
        table: String,
        /// Where it should stand.
        channel: ChannelId,
        /// Why not, in Discord's words.
        problem: String,
    },
    /// A role that goes with a rank can't be handed out or taken back.
    Role {
        /// Which role.
        role: RoleId,
        /// Why.
        why: UnfitRole,
    },
    /// A period was closed.
    Period(Box<Report>),
    /// A table is about to be closed, and some are below a threshold.
    Warning(Box<Warning>),
    /// What has become of an edit that had waited: as it is told.
    Outcome(String),
    /// A value was replaced unseen.
    Overwritten {
        /// What replaced it.
        by: Box<Receipt>,
        /// Which of those that it replaced.
        index: usize,
    },
}

impl Post {
    /// The same each time this is tried, in at most 25 characters.
    #[must_use]
    pub fn nonce(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.batch.id.as_bytes())
    }
}

impl Services {
    /// Queues the head of each chain that was not posted today. Which day it is in a guild is
    /// computed here: the database may not know each time zone that can be set.
    ///
    /// # Errors
    /// If the database can't be reached.
    pub async fn queue_heads(&self) -> Result<(), ServiceError> {
        let mut conn = self.connection().await?;
        for log in outbox::logs(&mut conn).await? {
            let settings = Settings {
                timezone: log.timezone,
                ..Settings::default()
            };
            let today = log.now.with_timezone(&settings.timezone()).date_naive();
            if log.head_posted_on != Some(today) {
                let queued = outbox::queue_head(&mut conn, log.guild, today).await;
                if let Err(error) = queued.map_err(ServiceError::from) {
                    if error.is_unreachable() {
                        return Err(error);
                    }
                    // What is wrong with one guild is not to keep the others waiting.
                    tracing::warn!(guild.id = %log.guild, %error, "the head of the day is not queued yet");
                }
            }
        }
        Ok(())
    }

    /// The next message that is to be posted, for this process alone.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_post(&self) -> Result<Option<Post>, ServiceError> {
        let mut conn = self.connection().await?;
        let fresh = self.entropy.uuid();
        match outbox::take(&mut conn, fresh, PATIENCE, BATCH).await? {
            Some(batch) => Ok(Some(self.post_of(&mut conn, batch).await?)),
            None => Ok(None),
        }
    }

    /// The next message of what waited for the caller's next command. It waits on if it is not
    /// [`Self::posted`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_parked(&self, request: &Request) -> Result<Option<Post>, ServiceError> {
        let mut conn = self.connection().await?;
        let (fresh, whose) = (self.entropy.uuid(), (request.guild, request.actor));
        match outbox::unpark(&mut conn, whose, fresh, PATIENCE, BATCH).await? {
            Some(batch) => Ok(Some(self.post_of(&mut conn, batch).await?)),
            None => Ok(None),
        }
    }

    async fn post_of(&self, conn: &mut PgConnection, batch: Batch) -> Result<Post, ServiceError> {
        let (settings, _) = guilds::settings(conn, batch.guild).await?;
        let mut news = Vec::new();
        for piece in &batch.news {
            news.extend(self.told(conn, batch.guild, piece).await?);
        }
        Ok(Post {
            to: batch.to,
            guild: batch.guild,
            settings,
            news,
            batch,
        })
    }

    /// A piece of news with all that is told of it.
    async fn told(
        &self,
        conn: &mut PgConnection,
        guild: GuildId,
        piece: &News,
    ) -> Result<Option<Told>, ServiceError> {
        Ok(match piece {
            News::Head { seq, hash } => Some(Told::Head {
                seq: *seq,
                hash: hash.clone(),
            }),
            News::Board { table, channel } => {
                let found = boards::problem(conn, *table, *channel).await?;
                found.map(|(table, problem)| Told::Board {
                    table: table.address(),
                    channel: *channel,
                    problem,
                })
            }
            News::Role { role } => {
                let found = rank_roles::problem(conn, guild, *role).await?;
                found.map(|why| Told::Role { role: *role, why })
            }
            News::Period { seq } => {
                let report = self.report_of(conn, guild, *seq).await?;
                report.map(|report| Told::Period(Box::new(report)))
            }
            News::Warning { table, due } => {
                let warning = self.warning(conn, guild, *table, *due).await?;
                warning.map(|warning| Told::Warning(Box::new(warning)))
            }
            News::Outcome { text } => Some(Told::Outcome(text.clone())),
            News::Event { seq } => match events::by_seq(conn, guild, *seq).await? {
                Some(event) => Some(Told::Edit(Box::new(self.receipt_of(conn, event).await?))),
                None => None,
            },
            News::Overwritten { seq, index } => match events::by_seq(conn, guild, *seq).await? {
                Some(event) => Some(Told::Overwritten {
                    by: Box::new(self.receipt_of(conn, event).await?),
                    index: *index,
                }),
                None => None,
            },
        })
    }

    /// Has somebody told what has become of an edit of theirs that had waited: by a direct message, or
    /// as near as it gets. In a guild where nothing was ever done, there is nothing to tell.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tell_outcome(
        &self,
        guild: GuildId,
        person: UserId,
        text: String,
    ) -> Result<(), ServiceError> {
        let queued = async {
            let mut conn = self.connection().await?;
            outbox::queue(&mut conn, guild, person, &News::Outcome { text }).await
        };
        answered(queued).await?;
        self.ring();
        Ok(())
    }

    /// The message waits for its person's next command.
    ///
    /// # Errors
    /// If the database fails. It is posted again then, under the same nonce.
    pub async fn park(&self, post: &Post) -> Result<(), ServiceError> {
        let mut conn = self.connection().await?;
        Ok(outbox::park(&mut conn, &post.batch).await?)
    }

    /// The message was posted; or it never will be, and why. Returns whether that is otherwise
    /// than with the message before.
    ///
    /// # Errors
    /// If the database fails. It is posted again then, under the same nonce.
    pub async fn posted(&self, post: &Post, problem: Option<&str>) -> Result<bool, ServiceError> {
        let mut conn = self.connection().await?;
        Ok(outbox::done(&mut conn, &post.batch, problem).await?)
    }
}
