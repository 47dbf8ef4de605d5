//! What waits for a click: commands and searches that a `custom_id` is too short for. And the
//! references by which an answer and the log are brought together.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::ids::DraftId;
use crate::store::drafts;

use super::{Request, ServiceError, Services};

impl Services {
    /// Keeps something of the caller's for a later click.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn keep_draft<T: Serialize + Sync>(
        &self,
        request: &Request,
        body: &T,
    ) -> Result<DraftId, ServiceError> {
        let id = self.entropy.draft_id();
        let mut conn = self.connection().await?;
        drafts::keep(&mut conn, id, request.guild, request.actor, body).await?;
        Ok(id)
    }

    /// What the caller kept.
    ///
    /// # Errors
    /// [`ServiceError::DraftGone`] if it is forgotten, or was never the caller's.
    pub async fn draft<T: DeserializeOwned>(
        &self,
        request: &Request,
        id: DraftId,
    ) -> Result<T, ServiceError> {
        let mut conn = self.connection().await?;
        let found = drafts::find(&mut conn, id, request.guild).await?;
        found
            .filter(|(author, _)| *author == request.actor)
            .map(|(_, body)| body)
            .ok_or(ServiceError::DraftGone)
    }

    /// A reference for an internal error: 8 characters that stand in the answer and in the log.
    #[must_use]
    pub fn reference(&self) -> String {
        let mut reference = hex::encode(self.entropy.bytes());
        reference.truncate(8);
        reference
    }
}
