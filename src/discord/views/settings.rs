//! The guild's settings.

use super::words::{field, language, value};
use super::{card, shown};
use crate::discord::reply::Reply;
use crate::i18n::{Locale, Message, keys};
use crate::service::settings::SettingsShown;

/// The settings as they stand, with what is wrong with them.
#[must_use]
pub fn settings(shown_now: &SettingsShown, locale: Locale) -> Reply {
    let settings = &shown_now.settings;
    let line = |name: &str, what: String| {
        let line = Message::new(keys::SETTINGS_LINE)
            .with("field", field(name, locale))
            .with("value", what);
        locale.text(&line)
    };
    let channel = settings.log_channel.map(|id| id.to_string());
    let mut lines = vec![
        line("language", language(settings.language().as_str())),
        line("timezone", shown(settings.timezone().name())),
        line("log_channel", value("log_channel", &channel.into(), locale)),
    ];
    if let Some(problem) = &shown_now.log_problem {
        let problem = Message::new(keys::SETTINGS_LOG_PROBLEM).with("problem", shown(problem));
        lines.push(locale.text(&problem));
    }
    let title = locale.text(&keys::SETTINGS_TITLE.into());
    Reply::card(card(&title, &lines, None, locale))
}
