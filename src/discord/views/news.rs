//! What changed since a session last asked.

use super::words::{actor, ago};
use super::{card, fits, receipt};
use crate::discord::reply::Reply;
use crate::i18n::{Locale, Message, keys};
use crate::service::Receipt;
use crate::service::news::News;
use crate::service::operation::Aside;

/// Lines of one change; the rest is in the history.
const EDIT_LINES: usize = 4;

/// The changes, oldest first, as many as fit; and how many these are.
#[must_use]
pub fn news(news: &News, locale: Locale) -> (Reply, usize) {
    let aside = Aside {
        missed: 0,
        parked: news.parked,
    };
    if news.total == 0 {
        let none = Reply::text(locale.text(&keys::NEWS_NONE.into()));
        return (none.aside(aside), 0);
    }
    let rest = |count: usize| {
        let more = news
            .total
            .saturating_sub(i64::try_from(count).unwrap_or(i64::MAX));
        (more > 0).then(|| locale.text(&Message::new(keys::NEWS_MORE).with("count", more)))
    };
    let (mut lines, mut count) = (Vec::new(), 0);
    for receipt in &news.receipts {
        let told = edit(receipt, locale);
        let with_it: Vec<String> = [&lines[..], &told, rest(count).as_slice()].concat();
        // The first is told in any case, with as many of its lines as fit.
        if count > 0 && !fits(&with_it) {
            break;
        }
        lines.extend(told);
        count += 1;
    }
    lines.extend(rest(count));
    let title = locale.text(&Message::new(keys::NEWS_TITLE).with("count", news.total));
    let reply = Reply::card(card(&title, &lines, None, locale));
    (reply.aside(aside), count)
}

fn edit(receipt: &Receipt, locale: Locale) -> Vec<String> {
    let event = &receipt.event;
    let head = Message::new(keys::NEWS_LINE)
        .with("event", event.seq.to_string())
        .with("title", receipt::title(receipt, locale))
        .with("who", actor(event, locale))
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
