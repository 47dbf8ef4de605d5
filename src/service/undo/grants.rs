//! What was granted is taken away, what was revoked comes back.

use crate::domain::access::Grant;
use crate::service::error::{Conflict, ConflictKind};
use crate::service::{ServiceError, access};
use crate::store::{events, grants};

use super::{Undoing, told};

impl Undoing<'_, '_> {
    /// What was granted is taken away, what was revoked is granted again; what is so already stays.
    pub(super) async fn grants(&mut self) -> Result<(), ServiceError> {
        for (grant, was_granted) in Grant::told_by(self.event) {
            let (guild, scope) = (self.request.guild, &grant.scope);
            let conn = self.op.conn();
            let stands = grants::find(conn, guild, grant.who, grant.granted, scope).await?;
            match (was_granted, stands) {
                (true, Some(stands)) => {
                    if stands.id != grant.id {
                        self.granted_anew(&stands).await?;
                    }
                    self.op.revoke(&stands);
                }
                (false, None) => {
                    access::require_unranked(self.op, self.request, &grant).await?;
                    self.op.grant(grant);
                }
                (true, None) | (false, Some(_)) => {}
            }
        }
        Ok(())
    }

    /// What the event granted was revoked since, and somebody granted the same anew.
    async fn granted_anew(&mut self, stands: &Grant) -> Result<(), ServiceError> {
        let granting = stands.told(true);
        let by = match granting.iter().find(|change| change.is_creation()) {
            Some(change) => events::last_of_thing(self.op.conn(), self.event, change).await?,
            None => None,
        };
        self.conflicts.push(Conflict {
            kind: ConflictKind::GrantedAnew,
            name: stands.who.to_string(),
            field: "right".to_owned(),
            extra: false,
            now: stands.granted.as_str().into(),
            back: serde_json::Value::Null,
            by: by.as_ref().map(told),
        });
        Ok(())
    }
}
