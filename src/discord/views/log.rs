//! What the log channel reads: edits and the daily head of the chain.

use super::words::person;
use super::{CONTENT, fitted, receipt};
use crate::i18n::{Locale, Message, keys};
use crate::render::length;
use crate::service::Receipt;
use crate::service::notices::Told;

/// Lines of one edit; the rest is in the history.
const EDIT_LINES: usize = 8;

/// One message, in the guild's language.
#[must_use]
pub fn post(news: &[Told], locale: Locale) -> String {
    let told: Vec<Vec<String>> = news
        .iter()
        .map(|told| match told {
            Told::Edit(receipt) => edit(receipt, locale),
            Told::Head { seq, hash } => {
                let head = Message::new(keys::LOG_HEAD)
                    .with("event", seq.to_string())
                    .with("hash", hash.as_str());
                vec![locale.text(&head)]
            }
        })
        .collect();
    let whole = told.concat().join("\n");
    if length(&whole) <= CONTENT {
        return whole;
    }
    // Of each something is told, before more is told of any.
    let share = (CONTENT / told.len()).saturating_sub(1);
    let fitted = told.iter().map(|lines| fitted(lines, share, locale));
    fitted.collect::<Vec<_>>().join("\n")
}

fn edit(receipt: &Receipt, locale: Locale) -> Vec<String> {
    let event = &receipt.event;
    let head = Message::new(keys::LOG_EDIT)
        .with("event", event.seq.to_string())
        .with("title", receipt::title(receipt, locale))
        .with("who", person(event.actor_id, locale));
    let mut lines = vec![locale.text(&head)];
    let changes = receipt::lines(event, &receipt.ranks, locale);
    let more = changes.len().saturating_sub(EDIT_LINES);
    lines.extend(changes.into_iter().take(EDIT_LINES));
    if more > 0 {
        lines.push(locale.text(&Message::new(keys::MORE_LINES).with("count", more)));
    }
    lines.extend(receipt::reason_note(event, locale));
    lines
}
