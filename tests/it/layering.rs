//! The direction of data, held: who may name what.

use std::path::{Path, PathBuf};

/// A folder below `src`, what its code must not name, and why.
const RULES: &[(&str, &[&str], &str)] = &[
    (
        "domain",
        &[
            "sqlx",
            "serenity",
            "poise",
            "tokio",
            "crate::store",
            "crate::service",
            "crate::discord",
            "crate::metrics",
        ],
        "plain types and rules",
    ),
    (
        "discord/commands",
        &["sqlx", "store::"],
        "a command parses, calls one service, shows one view",
    ),
    (
        "discord/views",
        &["sqlx", "tokio", ".await"],
        "views are pure",
    ),
    (
        "service",
        &[
            "serenity",
            "poise",
            "query!",
            "crate::discord",
            "crate::i18n",
        ],
        "no Discord, no SQL, no text",
    ),
    (
        "store",
        &[
            "serenity",
            "poise",
            "crate::discord",
            "crate::service",
            "crate::i18n",
        ],
        "SQL and nothing else",
    ),
    (
        "render",
        &[
            "sqlx",
            "serenity",
            "poise",
            "crate::store",
            "crate::service",
        ],
        "pure layouts",
    ),
    (
        "i18n",
        &[
            "sqlx",
            "serenity",
            "poise",
            "crate::store",
            "crate::service",
        ],
        "texts only",
    ),
    (
        "http",
        &["sqlx", "serenity", "poise", "crate::store", "crate::i18n"],
        "asks the others how they are",
    ),
    (
        "diagnose",
        &["sqlx", "query!", "serenity", "poise"],
        "says what others found",
    ),
    (
        "exchange",
        &["sqlx::", "serenity", "poise", "crate::discord"],
        "formats only",
    ),
];

#[test]
fn layers_name_only_what_lies_below_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = Vec::new();
    for (folder, forbidden, why) in RULES {
        let files = rust_files(&src.join(folder));
        assert!(!files.is_empty(), "src/{folder} has no code");
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in forbidden.iter().filter(|word| code.contains(**word)) {
                    broken.push(format!(
                        "{}:{}: `{word}` ({why})",
                        file.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// What stands in quotation marks after this beginning of a line.
fn quoted(file: &str, beginning: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .filter_map(|line| line.trim().strip_prefix(beginning)?.split('"').nth(1))
        .map(ToOwned::to_owned)
        .collect()
}

/// `cargo deny` checks this and more, where it is installed.
#[test]
fn no_banned_crate_is_locked() {
    let banned = quoted("deny.toml", "{ crate = ");
    let locked = quoted("Cargo.lock", "name = ");
    assert!(locked.contains(&"rustls".to_owned()) && banned.contains(&"openssl".to_owned()));
    let found: Vec<_> = banned.iter().filter(|name| locked.contains(name)).collect();
    assert!(found.is_empty(), "{found:?}");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}
