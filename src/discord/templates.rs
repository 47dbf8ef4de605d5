//! What a new table can begin with. The titles are in the catalogues, as comma-separated lists.

use crate::domain::field::{ExtraField, FieldKind};
use crate::domain::table::Rank;
use crate::i18n::{Key, Locale, keys};

/// The template without anything.
pub const PLAIN: &str = "plain";

/// The templates, with the lists of their ranks (from the lowest) and extra fields.
const TEMPLATES: [(&str, Option<Key>, Option<Key>); 4] = [
    (PLAIN, None, None),
    (
        "police",
        Some(keys::TEMPLATE_POLICE_RANKS),
        Some(keys::TEMPLATE_POLICE_FIELDS),
    ),
    (
        "clan",
        Some(keys::TEMPLATE_CLAN_RANKS),
        Some(keys::TEMPLATE_CLAN_FIELDS),
    ),
    ("class", None, Some(keys::TEMPLATE_CLASS_FIELDS)),
];

/// The names of all templates.
pub const NAMES: [&str; 4] = [PLAIN, "police", "clan", "class"];

/// The ranks and extra fields of a template; `None` if there is none of that name.
#[must_use]
pub fn of(name: &str, locale: Locale) -> Option<(Vec<Rank>, Vec<ExtraField>)> {
    let (_, ranks, fields) = TEMPLATES.into_iter().find(|(known, ..)| *known == name)?;
    let rank = |(number, title)| Rank {
        number,
        title,
        promote_at: None,
        demote_below: None,
        role: None,
    };
    let field = |(number, name)| ExtraField {
        number,
        name,
        kind: FieldKind::Text,
        pattern: None,
        removed: false,
    };
    Some((
        listed(ranks, locale).map(rank).collect(),
        listed(fields, locale).map(field).collect(),
    ))
}

fn listed(key: Option<Key>, locale: Locale) -> impl Iterator<Item = (i32, String)> {
    let list = key.map(|key| locale.text(&key.into())).unwrap_or_default();
    let titles: Vec<String> = list
        .split(',')
        .map(|title| title.trim().to_owned())
        .collect();
    (1..).zip(titles.into_iter().filter(|title| !title.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::name::Name;

    #[test]
    fn every_template_is_legal_and_as_long_in_each_language() {
        for name in NAMES {
            let english = of(name, Locale::En).unwrap();
            let romanian = of(name, Locale::Ro).unwrap();
            assert_eq!(
                (english.0.len(), english.1.len()),
                (romanian.0.len(), romanian.1.len())
            );
            let titles = |(ranks, fields): (Vec<Rank>, Vec<ExtraField>)| {
                let ranks = ranks.into_iter().map(|rank| rank.title);
                ranks
                    .chain(fields.into_iter().map(|field| field.name))
                    .collect::<Vec<_>>()
            };
            for title in [titles(english), titles(romanian)].concat() {
                assert!(Name::parse(&title).is_ok(), "{title}");
            }
        }
        assert!(of("other", Locale::En).is_none());
    }
}
