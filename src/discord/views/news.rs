//! What changed since a session last asked.

use super::words::{ago, person};
use super::{card, receipt};
use crate::discord::reply::Reply;
use crate::i18n::{Locale, Message, keys};
use crate::service::Receipt;
use crate::service::news::News;

/// Lines of one change; the rest is in the history.
const EDIT_LINES: usize = 4;

/// The changes, newest first, and how many there are besides.
#[must_use]
pub fn news(news: &News, locale: Locale) -> Reply {
    if news.total == 0 {
        return Reply::text(locale.text(&keys::NEWS_NONE.into()));
    }
    let mut lines: Vec<String> = news
        .receipts
        .iter()
        .flat_map(|receipt| edit(receipt, locale))
        .collect();
    let shown = i64::try_from(news.receipts.len()).unwrap_or(i64::MAX);
    let more = news.total.saturating_sub(shown);
    if more > 0 {
        lines.push(locale.text(&Message::new(keys::NEWS_MORE).with("count", more)));
    }
    let title = locale.text(&Message::new(keys::NEWS_TITLE).with("count", news.total));
    Reply::card(card(&title, &lines, None, locale))
}

fn edit(receipt: &Receipt, locale: Locale) -> Vec<String> {
    let event = &receipt.event;
    let head = Message::new(keys::NEWS_LINE)
        .with("event", event.seq.to_string())
        .with("title", receipt::title(receipt, locale))
        .with("who", person(event.actor_id, locale))
        .with("when", ago(event.at));
    let changes = receipt::lines(event, &receipt.ranks, locale);
    let more = changes.len().saturating_sub(EDIT_LINES);
    let mut lines = vec![locale.text(&head)];
    lines.extend(changes.into_iter().take(EDIT_LINES));
    if more > 0 {
        lines.push(locale.text(&Message::new(keys::MORE_LINES).with("count", more)));
    }
    lines
}
