//! `punctaj config`: the effective configuration, and the places that were searched.

use std::io;

use crate::config::{Found, Loaded, Problem, Setting};

/// Prints what is in effect and where it came from. Needs neither a token nor a configuration
/// without problems.
///
/// # Errors
/// When nothing can be written.
pub fn print(loaded: &Loaded, out: &mut impl io::Write) -> io::Result<()> {
    writeln!(out, "Settings:")?;
    for setting in Setting::ALL {
        let origin = loaded
            .origin(setting)
            .map_or_else(|| "default".to_owned(), ToString::to_string);
        let (name, value) = (setting.name(), loaded.shown(setting));
        writeln!(out, "  {name:<26} {value}  ({origin})")?;
    }
    writeln!(
        out,
        "\nPlaces searched, for each setting the first one that has it wins:"
    )?;
    for place in loaded.places() {
        writeln!(out, "  {}", plain(&place.to_string()))?;
        if let Found::Read { unused, .. } = &place.found
            && !unused.is_empty()
        {
            writeln!(out, "    read but unused: {}", unused.join(", "))?;
        }
    }
    list(out, "Warnings", loaded.warnings())?;
    list(out, "Problems", loaded.problems())
}

fn list(out: &mut impl io::Write, title: &str, problems: &[Problem]) -> io::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}:")?;
    problems
        .iter()
        .try_for_each(|problem| writeln!(out, "  - {}", plain(&problem.to_string())))
}

/// Nothing in a path may move the terminal's cursor.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment};

    fn printed(loaded: &Loaded) -> String {
        let mut out = Vec::new();
        print(loaded, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_broken_configuration_is_shown_without_its_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env");
        let text = "DISCORD_TOKEN=hunter1\nPUNCTAJ_DATABASE_POOL=0\nPUNCTAJ_SHARDS=\n";
        std::fs::write(&file, text).unwrap();
        let environment = Environment::from_variables([
            (
                "PUNCTAJ_DATABASE_URL",
                "postgres://u:hunter2@h.example:6543/db",
            ),
            ("SUPABASE_SERVICE_KEY", "hunter3"),
            ("PUNCTAJ_PRESENCE", "off\u{1b}[2J"),
            ("PUNCTAJ_DATA_DIR", "data"),
        ]);
        let text = printed(&Config::load(&environment, folder.path()));
        let file = file.display();
        let data = folder.path().join("data");
        for line in [
            format!("  DISCORD_TOKEN              ***  ({file})"),
            "  PUNCTAJ_DATABASE_URL       postgres://u:***@h.example:6543/db  (environment)".into(),
            format!("  PUNCTAJ_DATABASE_POOL      0  ({file})"),
            "  SUPABASE_SERVICE_KEY       ***  (environment)".into(),
            "  SUPABASE_URL               not set  (default)".into(),
            "  PUNCTAJ_PRESENCE           off\u{fffd}[2J  (environment)".into(),
            "  PUNCTAJ_SHARDS             auto  (default)".into(),
            format!(
                "  PUNCTAJ_DATA_DIR           {}  (environment)",
                data.display()
            ),
            "  sessions.idle              12h  (default)".into(),
            "  sessions.lifetime          7d  (default)".into(),
            "  environment: found, 4 settings".into(),
            format!("  .env, {file}: found, 2 settings"),
            "  --config: not given".into(),
            "  PUNCTAJ_CONFIG: not given".into(),
            format!("  working folder, {}: not found", folder.path().display()),
            format!("  - PUNCTAJ_DATABASE_POOL must be a number from 1 to 100 ({file})"),
            "  - PUNCTAJ_PRESENCE must be `on` or `off`".into(),
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\nis not in\n{text}");
        }
        assert!(
            text.contains("  - PUNCTAJ_DATABASE_URL has port 6543"),
            "{text}"
        );
        assert!(!text.contains("hunter"), "{text}");
    }

    #[cfg(feature = "embedded")]
    #[test]
    fn an_empty_configuration_is_shown_too() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::default().with_user_data_dir("/home/u/share");
        let text = printed(&Config::load(&environment, folder.path()));
        for part in [
            "DISCORD_TOKEN              not set  (default)",
            "DISCORD_API_URL            https://discord.com/  (default)",
            "PUNCTAJ_DATABASE_URL       embedded, in /home/u/share/punctaj  (default)",
            "  environment: found, 0 settings",
            "/.env: not found",
        ] {
            assert!(text.contains(part), "{part}\nis not in\n{text}");
        }
        assert!(
            !text.contains("Problems") && !text.contains("Warnings"),
            "{text}"
        );
    }
}
