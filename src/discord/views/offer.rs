//! Asking before members are linked to entries that only bear their names.

use serenity::all::ButtonStyle;
use serenity::builder::CreateActionRow;

use super::words::person;
use super::{CONTENT, button, fitted, shown};
use crate::discord::custom_id::Press;
use crate::discord::reply::{Reply, Upshot};
use crate::domain::ids::{DeviceId, DraftId};
use crate::i18n::{Locale, Message, keys};
use crate::service::error::OfferedLink;

/// Which links are offered, and whether to make them; the award waits in the draft.
#[must_use]
pub fn links(
    table: &str,
    offered: &[OfferedLink],
    device: DeviceId,
    draft: DraftId,
    locale: Locale,
) -> Reply {
    let told = |link: &OfferedLink| {
        let message = Message::new(keys::OFFER_LINE)
            .with("member", person(Some(link.member), locale))
            .with("name", shown(&link.name));
        locale.text(&message)
    };
    let head = locale.text(&head(table, offered));
    let lines: Vec<String> = [head].into_iter().chain(offered.iter().map(told)).collect();
    let agree = Press::Link {
        device: Some(device),
        draft,
    };
    let cancel = Press::Cancel;
    let reply = Reply::text(fitted(&lines, CONTENT, locale));
    reply
        .row(CreateActionRow::Buttons(vec![
            button(&agree, keys::BUTTON_LINK, ButtonStyle::Primary, locale),
            button(&cancel, keys::BUTTON_CANCEL, ButtonStyle::Secondary, locale),
        ]))
        .but(Upshot::Asks)
}

/// What it is about.
pub(super) fn head(table: &str, links: &[OfferedLink]) -> Message {
    Message::new(keys::OFFER_LINK)
        .with("count", links.len())
        .with("table", shown(table))
}
