//! The private Postgres: what a start would find.

use super::Finding;
use crate::embedded::Look;
use crate::i18n::{Message, keys};

/// What a start would find. Whether the server runs, only the bot's own user can tell.
#[must_use]
pub fn findings(look: &Look) -> Vec<Finding> {
    vec![programs(look), server(look)]
}

fn programs(look: &Look) -> Finding {
    let id = "database.programs";
    match &look.programs {
        Ok(Some((folder, major))) => Finding::ok(
            id,
            Message::new(keys::DIAGNOSE_PROGRAMS)
                .with("version", major.to_string())
                .with("folder", folder.display().to_string()),
        ),
        Ok(None) => Finding::warning(
            id,
            keys::DIAGNOSE_PROGRAMS_NONE,
            keys::DIAGNOSE_PROGRAMS_REMEDY,
        ),
        Err(error) => Finding::failed(
            id,
            Message::new(keys::DIAGNOSE_SAID).with("text", error.to_string()),
            keys::DIAGNOSE_PROGRAMS_REMEDY,
        ),
    }
}

fn server(look: &Look) -> Finding {
    let id = "database.embedded";
    if let Some(error) = &look.in_the_way {
        let said = Message::new(keys::DIAGNOSE_SAID).with("text", error.to_string());
        return Finding::failed(id, said, keys::DIAGNOSE_EMBEDDED_REMEDY);
    }
    let key = match (&look.running, look.cluster) {
        (Some(_), _) => keys::DIAGNOSE_EMBEDDED_RUNS,
        (None, Some(_)) => keys::DIAGNOSE_EMBEDDED_RESTS,
        (None, None) => keys::DIAGNOSE_EMBEDDED_NONE,
    };
    let folder = look.folder.display().to_string();
    Finding::ok(id, Message::new(key).with("folder", folder))
}
