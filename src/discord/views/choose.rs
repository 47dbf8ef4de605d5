//! Asking which table is meant.

use serenity::builder::{
    CreateActionRow, CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption,
};

use crate::discord::custom_id::Press;
use crate::discord::reply::{Reply, Upshot};
use crate::domain::ids::{DeviceId, DraftId};
use crate::i18n::{Locale, keys};
use crate::render;
use crate::service::error::TableChoice;

/// Options in a menu.
const MAX_OPTIONS: usize = 25;

/// Characters of an option.
const MAX_LABEL: usize = 100;

/// A menu of tables; the command waits in the draft.
#[must_use]
pub fn table(tables: &[TableChoice], device: DeviceId, draft: DraftId, locale: Locale) -> Reply {
    let option = |table: &TableChoice| {
        CreateSelectMenuOption::new(render::clip(&table.address, MAX_LABEL), table.id.short())
    };
    let options = tables.iter().take(MAX_OPTIONS).map(option).collect();
    let press = Press::Choose {
        device: Some(device),
        draft,
    };
    let menu = CreateSelectMenu::new(press.encode(), CreateSelectMenuKind::String { options })
        .placeholder(locale.text(&keys::CHOOSE_TABLE_MENU.into()));
    Reply::text(locale.text(&keys::CHOOSE_TABLE.into()))
        .row(CreateActionRow::SelectMenu(menu))
        .but(Upshot::Asks)
}
