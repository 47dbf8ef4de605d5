//! The rules, as tables.

use super::*;

type Variables<'a> = &'a [(&'a str, &'a str)];

const DATABASE: (&str, &str) = ("PUNCTAJ_DATABASE_URL", "postgres://u:hunter2@localhost/db");

fn load(variables: Variables<'_>) -> Loaded {
    let environment = Environment::from_variables(variables.iter().copied());
    let environment = environment.with_user_data_dir("/home/u/share");
    Config::load(&environment, Path::new("/nowhere"))
}

fn config(variables: Variables<'_>) -> Config {
    load(variables).into_config(false).unwrap()
}

fn texts(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// Loads with a `.env` of this content.
fn load_file(content: impl AsRef<[u8]>, variables: Variables<'_>) -> (Loaded, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    std::fs::write(&file, content).unwrap();
    let environment = Environment::from_variables(variables.iter().copied());
    let environment = environment.with_user_data_dir("/home/u/share");
    (Config::load(&environment, folder.path()), file)
}

#[test]
fn defaults() {
    let config = config(&[]);
    assert!(config.discord.token.is_none());
    assert_eq!(config.discord.api_url.as_str(), "https://discord.com/");
    assert_eq!(config.discord.custom_api_url(), None);
    assert!(config.discord.ratelimit && config.discord.presence);
    assert_eq!(config.discord.shards, Shards::Auto);
    assert_eq!(config.database, Database::Embedded);
    assert_eq!(config.database_pool, 5);
    assert!(config.supabase.is_none());
    assert_eq!(config.data_dir, Path::new("/home/u/share/punctaj"));
    assert_eq!(config.http_addr, None);
    assert_eq!(config.log, Log::default());
    assert_eq!(config.sessions.idle, Duration::from_hours(12));
    assert_eq!(config.sessions.lifetime, Duration::from_hours(168));
}

#[test]
fn everything_set() {
    let config = config(&[
        ("DISCORD_TOKEN", "  a.b.c  "),
        ("DISCORD_API_URL", "http://127.0.0.1:9000"),
        ("PUNCTAJ_DISCORD_RATELIMIT", "OFF"),
        ("PUNCTAJ_PRESENCE", "off"),
        ("PUNCTAJ_SHARDS", "0-3/8"),
        ("PUNCTAJ_DATABASE_URL", "postgresql://u@[::1]:5432/db"),
        ("PUNCTAJ_DATABASE_POOL", "100"),
        ("SUPABASE_URL", "https://x.supabase.co"),
        ("SUPABASE_SERVICE_KEY", "key"),
        ("PUNCTAJ_DATA_DIR", "/var/lib/punctaj"),
        ("PUNCTAJ_HTTP_ADDR", "[::]:8080"),
        ("RUST_LOG", "warn,punctaj=trace"),
        ("PUNCTAJ_LOG_FORMAT", "json"),
        ("PATH", "/bin"),
    ]);
    assert_eq!(config.discord.token.as_ref().unwrap().expose(), "a.b.c");
    assert_eq!(config.discord.custom_api_url().unwrap().port(), Some(9000));
    assert!(!config.discord.ratelimit && !config.discord.presence);
    assert_eq!(config.discord.shards.to_string(), "0-3/8");
    assert!(matches!(config.database, Database::Url(url) if url.host() == "[::1]"));
    assert_eq!(config.database_pool, 100);
    assert_eq!(config.supabase.unwrap().service_key.expose(), "key");
    assert_eq!(config.data_dir, Path::new("/var/lib/punctaj"));
    assert_eq!(config.http_addr.unwrap().port(), 8080);
    assert_eq!(config.log.filter.as_deref(), Some("warn,punctaj=trace"));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.search_path, [Path::new("/bin")]);
}

#[test]
fn an_empty_value_counts_as_unset() {
    for setting in Setting::ALL {
        let Some(name) = setting.variable() else {
            continue;
        };
        for value in ["", "  "] {
            let loaded = load(&[(name, value)]);
            assert_eq!(loaded.origin(setting), None, "{name}");
            assert_eq!(texts(loaded.problems()), [""; 0], "{name}");
        }
    }
}

#[test]
fn unusable_values() {
    let cases: [(&str, &[&str], &str); 12] = [
        (
            "DISCORD_TOKEN",
            &["hun ter2", "hunter2\u{e9}"],
            "no token has",
        ),
        (
            "DISCORD_API_URL",
            &[
                "discord.com",
                "ftp://discord.com",
                "https://u:hunter2@d.com",
            ],
            "must",
        ),
        ("PUNCTAJ_DISCORD_RATELIMIT", &["no", "0"], "`on` or `off`"),
        ("PUNCTAJ_PRESENCE", &["yes"], "`on` or `off`"),
        (
            "PUNCTAJ_SHARDS",
            &["1", "3-1/8", "0-8/8", "0-1/0", "-1-2/3", "a-b/c", "0-3"],
            "such as 0-3/8",
        ),
        (
            "PUNCTAJ_DATABASE_POOL",
            &["0", "101", "-1", "5.5", "x"],
            "from 1 to 100",
        ),
        ("PUNCTAJ_DATABASE_INSECURE", &["yes", "true"], "`allow`"),
        ("PUNCTAJ_DATA_DIR", &["~/punctaj", "~"], "whole path"),
        (
            "PUNCTAJ_HTTP_ADDR",
            &["8080", "localhost:80", "1.2.3.4"],
            "127.0.0.1:8080",
        ),
        ("RUST_LOG", &["punctaj=loud"], "tracing filter"),
        ("PUNCTAJ_LOG_FORMAT", &["xml"], "`text` or `json`"),
        (
            "PUNCTAJ_DATABASE_URL",
            &[
                "mysql://u:hunter2@h/db",
                "hunter2",
                "postgres://u:hunter2@h:x/db",
            ],
            "",
        ),
    ];
    for (name, values, expected) in cases {
        for value in values {
            let loaded = load(&[(name, value)]);
            let problems = texts(loaded.problems());
            assert_eq!(problems.len(), 1, "{name}={value}: {problems:?}");
            assert!(problems[0].starts_with(name), "{problems:?}");
            assert!(problems[0].contains(expected), "{problems:?}");
            let shown: Vec<String> = Setting::ALL.map(|s| loaded.shown(s)).into();
            let all = format!("{loaded:?} {shown:?}");
            assert!(!all.contains("hunter2"), "{all}");
            loaded.into_config(false).unwrap_err();
        }
    }
}

#[test]
fn database_rules() {
    const PORT: &str = "has port 6543";
    const TLS: &str = "remote host without insisting on TLS";
    for (url, insecure, problem, warning) in [
        ("postgres://localhost/db", false, None, None),
        ("postgres://127.3.4.5/db?sslmode=disable", false, None, None),
        ("postgres:///db?host=/run/postgresql", false, None, None),
        ("postgres://h.example/db", false, Some(TLS), None),
        (
            "postgres://h.example/db?sslmode=prefer",
            false,
            Some(TLS),
            None,
        ),
        (
            "postgres://localhost/db?host=h.example",
            false,
            Some(TLS),
            None,
        ),
        (
            "postgres://h.example/db",
            true,
            None,
            Some("can be read on the way"),
        ),
        (
            "postgres://h.example/db?sslmode=require",
            false,
            None,
            Some("verify-full does"),
        ),
        (
            "postgres://h.example/db?sslmode=verify-ca",
            false,
            None,
            None,
        ),
        (
            "postgres://h.example/db?sslmode=verify-full",
            false,
            None,
            None,
        ),
        (
            "postgres://h.example:6543/db?sslmode=verify-full",
            false,
            Some(PORT),
            None,
        ),
        ("postgres://localhost:6543/db", false, Some(PORT), None),
        ("postgres://localhost/db?port=6543", true, Some(PORT), None),
        (
            "postgres://localhost/db?pgbouncer=true",
            false,
            None,
            Some("`pgbouncer`"),
        ),
    ] {
        let insecure = if insecure { "allow" } else { "" };
        let loaded = load(&[
            ("PUNCTAJ_DATABASE_URL", url),
            ("PUNCTAJ_DATABASE_INSECURE", insecure),
        ]);
        for (found, expected) in [(loaded.problems(), problem), (loaded.warnings(), warning)] {
            let found = texts(found);
            assert_eq!(
                found.len(),
                usize::from(expected.is_some()),
                "{url}: {found:?}"
            );
            let expected = expected.unwrap_or_default();
            assert!(
                found.iter().all(|text| text.contains(expected)),
                "{url}: {found:?}"
            );
        }
    }
}

#[test]
fn supabase_needs_its_database() {
    let url = ("SUPABASE_URL", "https://x.supabase.co");
    let key = ("SUPABASE_SERVICE_KEY", "hunter2");
    for (variables, problems, warnings, used) in [
        (&[url, key, DATABASE][..], 0, 0, true),
        (&[url, DATABASE], 0, 1, false),
        (&[key, DATABASE], 0, 1, false),
        (&[url, key], 1, 0, true),
        (&[url], 1, 1, false),
        (&[key], 1, 1, false),
    ] {
        let loaded = load(variables);
        assert_eq!(loaded.problems().len(), problems, "{loaded:?}");
        assert_eq!(loaded.warnings().len(), warnings, "{loaded:?}");
        assert_eq!(loaded.config.supabase.is_some(), used);
        if problems == 1 {
            let text = loaded.problems()[0].to_string();
            assert!(
                text.starts_with("PUNCTAJ_DATABASE_URL is not set, but Supabase"),
                "{text}"
            );
        }
    }
}

#[test]
fn the_token_is_for_run_only() {
    load(&[]).into_config(false).unwrap();
    load(&[("DISCORD_TOKEN", "t")]).into_config(true).unwrap();
    let error = load(&[]).into_config(true).unwrap_err().to_string();
    assert!(error.contains("\n  - DISCORD_TOKEN is not set;"), "{error}");
    let error = load(&[("DISCORD_TOKEN", "a b")])
        .into_config(true)
        .unwrap_err();
    assert_eq!(error.problems().len(), 1, "{error}");
}

#[test]
fn all_problems_at_once() {
    let (loaded, _) = load_file(
        "PUNCTAJ_SHARDS=x\nbroken line with hunter2\n",
        &[("PUNCTAJ_DATABASE_POOL", "0"), ("PUNCTAJ_PRESENCE", "x")],
    );
    let error = loaded.into_config(true).unwrap_err();
    assert_eq!(error.problems().len(), 5, "{error}");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let (loaded, file) = load_file(
        "PUNCTAJ_DATABASE_POOL=7\nexport PUNCTAJ_PRESENCE=off\nPUNCTAJ_SHARDS='0-1/2' # all\n",
        &[("PUNCTAJ_DATABASE_POOL", "9"), ("PUNCTAJ_PRESENCE", "")],
    );
    let file = Origin::File(file);
    for (setting, origin) in [
        (Setting::DatabasePool, Some(&Origin::Environment)),
        (Setting::Presence, Some(&file)),
        (Setting::Shards, Some(&file)),
        (Setting::LogFormat, None),
    ] {
        assert_eq!(loaded.origin(setting), origin, "{setting:?}");
    }
    let config = loaded.into_config(false).unwrap();
    assert_eq!(config.database_pool, 9);
    assert!(!config.discord.presence);
}

#[test]
fn odd_files() {
    for (content, pool, problem) in [
        (&b"\xef\xbb\xbfPUNCTAJ_DATABASE_POOL=7\r\n"[..], 7, None),
        (
            b"PUNCTAJ_DATABASE_POOL=7\nPUNCTAJ_DATABASE_POOL=8\n",
            8,
            None,
        ),
        (b"# nothing\n\n", 5, None),
        (
            b"PUNCTAJ_DATABASE_POOL=\xff\n",
            5,
            Some(".env is not valid UTF-8 text"),
        ),
        (
            b"PUNCTAJ_DATABASE_POOL=7\n\nDISCORD_TOKEN=hunter2 x\n",
            7,
            Some(".env line 3 can't be read;"),
        ),
        (
            b"DISCORD_TOKEN='hunter2\nx=y\n",
            5,
            Some(".env line 1 can't be read;"),
        ),
    ] {
        let (loaded, _) = load_file(content, &[]);
        let problems = texts(loaded.problems());
        assert_eq!(
            problems.len(),
            usize::from(problem.is_some()),
            "{problems:?}"
        );
        assert!(
            problems.iter().all(|text| text.contains(problem.unwrap())),
            "{problems:?}"
        );
        assert!(!format!("{loaded:?}").contains("hunter2"));
        assert_eq!(loaded.config.database_pool, pool);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".env")).unwrap();
    let environment = Environment::default().with_user_data_dir("/home/u");
    let loaded = Config::load(&environment, folder.path());
    let problems = texts(loaded.problems());
    assert!(problems[0].contains(".env can't be read: "), "{problems:?}");
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_a_problem() {
    use std::os::unix::ffi::OsStringExt as _;
    let value = std::ffi::OsString::from_vec(b"hunter2\xff".to_vec());
    for name in ["DISCORD_TOKEN", "PUNCTAJ_DATA_DIR"] {
        let environment = Environment::from_variables([(name, value.clone())]);
        let environment = environment.with_user_data_dir("/home/u");
        let loaded = Config::load(&environment, Path::new("/nowhere"));
        let error = loaded.into_config(true).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&format!("{name} is not valid UTF-8 text")),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn misspelt_names_are_noticed() {
    for (name, warnings) in [
        ("PUNCTAJ_DATABASE_UR", 1),
        ("PUNCTAJ_CONFIG", 0),
        ("PUNCTAJ_SHARDS", 0),
        ("OTHER", 0),
    ] {
        assert_eq!(load(&[(name, "auto")]).warnings().len(), warnings, "{name}");
        let (loaded, _) = load_file(format!("{name}=auto\n"), &[]);
        assert_eq!(loaded.warnings().len(), warnings, "{name}");
    }
}

#[test]
fn a_stand_in_for_discord_needs_the_limiter_off() {
    let api = ("DISCORD_API_URL", "http://localhost:1");
    assert_eq!(load(&[api]).warnings().len(), 1);
    let off = ("PUNCTAJ_DISCORD_RATELIMIT", "off");
    assert_eq!(load(&[api, off]).warnings().len(), 0);
}

#[test]
fn the_data_folder() {
    let nowhere = Path::new("/srv");
    for (value, home, expected) in [
        (Some("/data"), None, Some("/data")),
        (Some("data"), Some("/home/u"), Some("/srv/data")),
        (None, Some("/home/u"), Some("/home/u/punctaj")),
        (None, None, None),
    ] {
        let variables = value.map(|value| ("PUNCTAJ_DATA_DIR", value));
        let mut environment = Environment::from_variables(variables);
        if let Some(home) = home {
            environment = environment.with_user_data_dir(home);
        }
        let config = Config::load(&environment, nowhere).into_config(false);
        let folder = config.ok().map(|config| config.data_dir);
        assert_eq!(folder.as_deref(), expected.map(Path::new));
    }
}

#[test]
fn durations() {
    for (text, expected) in [
        ("90s", Some((90, "90s"))),
        ("30m", Some((1_800, "30m"))),
        ("12h", Some((43_200, "12h"))),
        ("24h", Some((86_400, "1d"))),
        ("7d", Some((604_800, "7d"))),
        ("0h", None),
        ("12", None),
        ("h", None),
        ("-1h", None),
        ("1.5h", None),
        ("99999999999d", None),
    ] {
        let parsed = parse_duration(text).ok();
        assert_eq!(parsed.map(|d| d.as_secs()), expected.map(|e| e.0), "{text}");
        assert_eq!(parsed.map(shown_duration).as_deref(), expected.map(|e| e.1));
    }
}

#[test]
fn no_secret_is_printed() {
    let loaded = load(&[
        ("DISCORD_TOKEN", "hunter1"),
        ("SUPABASE_URL", "https://x.supabase.co"),
        ("SUPABASE_SERVICE_KEY", "hunter3"),
        DATABASE,
    ]);
    let shown = format!("{loaded:?}");
    assert!(!shown.contains("hunter"), "{shown}");
    let config = loaded.into_config(true).unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(shown.contains("postgres://u:***@localhost/db"), "{shown}");
}

#[test]
fn the_example_names_every_variable_and_sets_none() {
    let example = include_str!("../../.env.example");
    let (loaded, _) = load_file(example, &[]);
    assert_eq!(texts(loaded.problems()), [""; 0]);
    for setting in Setting::ALL {
        assert_eq!(loaded.origin(setting), None, "{setting:?}");
        let Some(name) = setting.variable() else {
            continue;
        };
        let names = |line: &str| {
            line.trim_start_matches('#')
                .starts_with(&format!("{name}="))
        };
        assert!(example.lines().any(names), "{name}");
    }
}
