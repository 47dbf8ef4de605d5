use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn points(count: impl Into<Value>) -> Message {
    Message::new(keys::POINTS).with("count", count)
}

/// The messages and attributes of a catalogue with their parts, found line by line.
fn entries(locale: Locale) -> BTreeMap<String, String> {
    let mut entries = BTreeMap::<String, String>::new();
    let (mut message, mut current) = (String::new(), String::new());
    for line in locale
        .catalogue()
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let (head, text) = line.split_once('=').unwrap_or((line, ""));
        let head = head.trim();
        let text = if line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '-') {
            message = head.to_owned();
            current.clone_from(&message);
            text
        } else if head.starts_with('.') {
            current = format!("{message}{head}");
            text
        } else {
            line
        };
        if !text.trim().is_empty() {
            let entry = entries.entry(current.clone()).or_default();
            entry.extend([text, "\n"]);
        }
    }
    entries
}

/// The variables in the text of an entry.
fn variables(text: &str) -> BTreeSet<String> {
    let name = |part: &str| {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        part[..end.unwrap_or(part.len())].to_owned()
    };
    let names = text.split('$').skip(1).map(name);
    names
        .filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
        .collect()
}

/// The keys and the catalogues' entries that need one. The command manifest checks its own.
fn ids(locale: Locale) -> BTreeSet<String> {
    let ids = entries(locale).into_keys();
    ids.filter(|id| !id.starts_with("cmd-") && !id.starts_with('-'))
        .collect()
}

#[test]
fn discord_locales_are_mapped() {
    for (code, locale) in [
        ("ro", Locale::Ro),
        ("en-US", Locale::En),
        ("en-GB", Locale::En),
        ("de", Locale::En),
        ("", Locale::En),
    ] {
        assert_eq!(Locale::from_discord(code), locale);
    }
    for locale in Locale::ALL {
        assert_eq!(Locale::from_discord(locale.discord_code()), locale);
    }
}

#[test]
fn catalogues_parse_whole() {
    for locale in Locale::ALL {
        let parsed = FluentResource::try_new(locale.catalogue().to_owned());
        let resource = parsed.unwrap_or_else(|(_, errors)| panic!("{locale:?}: {errors:?}"));
        let mut bundle = FluentBundle::new_concurrent(vec![]);
        assert_eq!(bundle.add_resource(resource), Ok(()), "{locale:?}");
    }
}

#[test]
fn keys_and_catalogues_have_the_same_messages() {
    let keys: BTreeSet<_> = keys::ALL.iter().map(|key| key.id().to_owned()).collect();
    assert_eq!(keys.len(), keys::ALL.len(), "a key is there twice");
    for locale in Locale::ALL {
        let ids = ids(locale);
        let missing: Vec<_> = keys.difference(&ids).collect();
        let unused: Vec<_> = ids.difference(&keys).collect();
        assert!(missing.is_empty(), "{locale:?} lacks {missing:?}");
        assert!(
            unused.is_empty(),
            "{locale:?} has entries without a key: {unused:?}"
        );
    }
}

#[test]
fn every_message_is_found_and_refers_to_what_there_is() {
    for (locale, key) in Locale::ALL
        .into_iter()
        .flat_map(|locale| keys::ALL.iter().map(move |key| (locale, key)))
    {
        let mut errors = Vec::new();
        assert!(
            locale
                .format(key.id(), &FluentArgs::new(), &mut errors)
                .is_some(),
            "{key:?}"
        );
        for error in errors {
            let error = format!("{error:?}");
            assert!(error.contains("Variable"), "{locale:?} {key:?}: {error}");
        }
    }
}

#[test]
fn catalogues_use_the_same_variables() {
    let (english, romanian) = (entries(Locale::En), entries(Locale::Ro));
    for id in ids(Locale::En) {
        let (english, romanian) = (&english[&id], &romanian[&id]);
        assert_eq!(variables(english), variables(romanian), "{id}");
    }
}

#[test]
fn plurals_have_the_forms_of_their_language() {
    for (id, text) in entries(Locale::Ro) {
        let count = |form| text.matches(form).count();
        assert_eq!(count("[one]"), count("[few]"), "{id}");
    }
    assert!(!Locale::En.catalogue().contains("[few]"));
}

#[test]
fn romanian_has_commas_below_and_no_cedillas() {
    let cedilla = |c: char| ['ş', 'Ş', 'ţ', 'Ţ'].contains(&c);
    assert!(!Locale::Ro.catalogue().contains(cedilla));
    assert!(
        !Locale::Ro.catalogue().contains(['\u{326}', '\u{327}']),
        "diacritics are precomposed"
    );
    assert!(Locale::Ro.catalogue().contains('ț'));
}

#[test]
fn plural_forms_are_chosen() {
    for (count, english, romanian) in [
        (0, "0 points", "0 puncte"),
        (1, "1 point", "1 punct"),
        (-1, "-1 point", "-1 punct"),
        (2, "2 points", "2 puncte"),
        (19, "19 points", "19 puncte"),
        (20, "20 points", "20 de puncte"),
        (-101, "-101 points", "-101 puncte"),
        (-20, "-20 points", "-20 de puncte"),
        (100, "100 points", "100 de puncte"),
        (101, "101 points", "101 puncte"),
        (120, "120 points", "120 de puncte"),
        (1_234_567, "1,234,567 points", "1.234.567 de puncte"),
        (1_000_002, "1,000,002 points", "1.000.002 puncte"),
    ] {
        assert_eq!(Locale::En.text(&points(count)), english);
        assert_eq!(Locale::Ro.text(&points(count)), romanian);
    }
    let entries = Message::new(keys::ENTRIES_COUNT).with("count", 3_usize);
    assert_eq!(Locale::En.text(&entries), "3 entries");
    assert_eq!(Locale::Ro.text(&entries), "3 înregistrări");
}

#[test]
fn numbers_are_exact() {
    for (number, english) in [
        (9_000_000_000_000_000_i128, "9,000,000,000,000,000"),
        (-8_999_999_999_999_999, "-8,999,999,999,999,999"),
        (9_007_199_254_740_993, "9,007,199,254,740,993"),
        (i64::MIN.into(), "-9,223,372,036,854,775,808"),
        (u64::MAX.into(), "18,446,744,073,709,551,615"),
    ] {
        assert_eq!(Locale::En.integer(number), english);
        assert_eq!(Locale::Ro.integer(number), english.replace(',', "."));
        assert_eq!(
            Locale::En.text(&points(number)),
            format!("{english} points")
        );
    }
    for (number, romanian) in [
        (
            9_000_000_000_000_000_i128,
            "9.000.000.000.000.000 de puncte",
        ),
        (8_999_999_999_999_919, "8.999.999.999.999.919 puncte"),
        (8_999_999_999_999_901, "8.999.999.999.999.901 puncte"),
        (-9_007_199_254_741_001, "-9.007.199.254.741.001 puncte"),
        (i64::MAX.into(), "9.223.372.036.854.775.807 puncte"),
        (
            i128::MIN,
            "-170.141.183.460.469.231.731.687.303.715.884.105.728 de puncte",
        ),
    ] {
        assert_eq!(Locale::Ro.text(&points(number)), romanian);
    }
}

#[test]
fn changes_have_a_sign() {
    for (number, text) in [(5_000, "+5.000"), (0, "0"), (-3, "-3")] {
        assert_eq!(Locale::Ro.signed(number), text);
        let message = points(Value::change(number));
        assert_eq!(Locale::Ro.text(&message), format!("{text} de puncte"));
    }
}

#[test]
fn messages_and_keys_can_be_arguments() {
    let romanian = Locale::Ro.text(&points(Message::new(keys::BUTTON_UNDO)));
    assert_eq!(romanian, "Desfă de puncte");
    assert_eq!(Locale::En.text(&points(keys::BUTTON_LINK)), "Link points");
}

#[test]
fn text_is_shown_as_it_is() {
    assert_eq!(
        Locale::En.text(&points("{ $count } \u{202E}")),
        "{ $count } \u{202E} points"
    );
}

#[test]
fn buttons_have_their_fixed_labels() {
    for (key, english, romanian) in [
        (keys::BUTTON_CONFIRM, "Confirm", "Confirmă"),
        (keys::BUTTON_CANCEL, "Cancel", "Renunță"),
        (keys::BUTTON_UNDO, "Undo", "Desfă"),
        (
            keys::BUTTON_RESTORE_MINE,
            "Restore mine",
            "Restaurează varianta mea",
        ),
        (keys::BUTTON_LINK, "Link", "Leagă"),
        (keys::BUTTON_NEXT, "Next", "Înainte"),
        (keys::BUTTON_BACK, "Back", "Înapoi"),
    ] {
        assert_eq!(Locale::En.text(&key.into()), english);
        assert_eq!(Locale::Ro.text(&key.into()), romanian);
        assert_eq!(Locale::Ro.lookup(key.id()).as_deref(), Some(romanian));
    }
}

#[test]
fn what_is_missing_does_not_fail() {
    for missing in [
        "no-such-message",
        "points.no-such-attribute",
        "no-such-message.attribute",
        "",
    ] {
        assert_eq!(
            Locale::Ro.text(&Key(missing).into()),
            format!("[{missing}]")
        );
        assert_eq!(Locale::Ro.lookup(missing), None);
    }
    assert_eq!(Locale::En.text(&keys::POINTS.into()), "{$count} points");
}

#[test]
fn the_catalogue_reader_of_these_tests_reads() {
    assert_eq!(
        variables("{ $count -> [one] {$a-b} *[other] $5 }{$count}"),
        ["a-b", "count"].map(str::to_owned).into()
    );
    assert!(entries(Locale::En)["points"].contains("*[other] { $count } points"));
}
