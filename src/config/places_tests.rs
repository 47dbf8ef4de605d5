//! Configuration files in every place, over temporary folders.

use tempfile::TempDir;

use super::*;
use crate::config::service_key::tests::jwt;
use crate::config::{Config, Database, Folders, Loaded, Origin, Setting};

/// Places in their order, below a folder that stands for the machine.
const PLACES: [(&str, &str); 12] = [
    ("--config", "named"),
    ("PUNCTAJ_CONFIG", "variable"),
    ("working folder", "work"),
    ("working folder's config", "work/config"),
    ("program's folder", "program"),
    ("program's folder's config", "program/config"),
    ("user's configuration folder", "home/.config/Punctaj"),
    ("user's configuration folder", "home/.config/punctaj"),
    ("documents", "home/Documents/Punctaj"),
    ("home folder", "home/Punctaj"),
    ("machine-wide folder", "etc/punctaj"),
    ("installed programs", "Program Files/Punctaj"),
];

/// A machine of its own.
struct Machine {
    root: TempDir,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let machine = Self { root };
        fs::create_dir(machine.at("work")).unwrap();
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn environment(&self, variables: &[(&str, &str)]) -> Environment {
        let folders = Folders {
            user_data: Some(self.at("home/.local/share")),
            user_config: Some(self.at("home/.config")),
            home: Some(self.at("home")),
            program: Some(self.at("program")),
            machine: Some(self.at("etc/punctaj")),
            installed: Some(self.at("Program Files/Punctaj")),
        };
        Environment::from_variables(variables.iter().copied()).with_folders(folders)
    }

    fn load(&self, variables: &[(&str, &str)]) -> Loaded {
        Config::load(&self.environment(variables), &self.at("work"))
    }

    /// Loads what is in `punctaj.toml` in the working folder.
    fn toml(&self, content: &str) -> Loaded {
        self.write("work/punctaj.toml", content);
        self.load(&[])
    }

    /// Loads what is in `supabase_config.ini` in the working folder.
    fn ini(&self, content: &str) -> Loaded {
        self.write("work/supabase_config.ini", content);
        self.load(&[("PUNCTAJ_DATABASE_URL", "postgres://localhost/db")])
    }
}

fn texts(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// The files and folders of the list, each with what is said about it.
fn listed(loaded: &Loaded) -> Vec<(PathBuf, String)> {
    let places = loaded.places().iter();
    places
        .filter_map(|place| Some((place.path.clone()?, place.found.to_string())))
        .collect()
}

#[track_caller]
fn assert_listed(loaded: &Loaded, path: &Path, expected: &str) {
    let listed = listed(loaded);
    let found = listed.iter().find(|(found, _)| found == path);
    let said = found.map(|(_, said)| said.as_str());
    assert_eq!(said, Some(expected), "{} in {listed:?}", path.display());
}

#[test]
fn every_place_is_found_and_wins_over_all_later_ones() {
    const FILES: [(&str, &str); 3] = [
        ("punctaj.toml", "[http]\naddr = '127.0.0.1:1'\n"),
        (
            "supabase_config.ini",
            "[supabase]\nurl = https://1.supabase.co\n",
        ),
        ("discord_config.ini", "[discord]\nTOKEN = one\n"),
    ];
    for (index, (kind, folder)) in PLACES.into_iter().enumerate() {
        for (name, content) in FILES {
            for later in [false, true] {
                let machine = Machine::new();
                let expected = machine.write(&format!("{folder}/{name}"), content);
                let others = if later { &PLACES[index + 1..] } else { &[] };
                for (_, other) in others {
                    machine.write(&format!("{other}/punctaj.toml"), "broken with hunter2");
                }
                let variable = machine.at("variable");
                let named = |path: &str| machine.at(path).exists().then(|| machine.at(path));
                let variables =
                    named("variable").map(|_| ("PUNCTAJ_CONFIG", variable.to_str().unwrap()));
                let environment = machine
                    .environment(variables.as_slice())
                    .with_config(named("named"));
                let loaded = Config::load(&environment, &machine.at("work"));

                assert_listed(&loaded, &expected, "found, 1 setting");
                let set = Setting::ALL.into_iter().filter_map(|s| loaded.origin(s));
                assert_eq!(
                    set.collect::<Vec<_>>()
                        .iter()
                        .filter(|o| **o != &Origin::Environment)
                        .collect::<Vec<_>>(),
                    [&&Origin::File(expected.clone())],
                    "{kind}"
                );
                let kinds: Vec<&str> = loaded.places().iter().map(|place| place.kind).collect();
                assert_eq!(kinds[..2], ["environment", ".env"]);
                assert_eq!(kinds[2..], PLACES.map(|(kind, _)| kind));
                for (other, (_, folder)) in PLACES.into_iter().enumerate().skip(2) {
                    let file = machine.at(folder).join("punctaj.toml");
                    if other > index && later {
                        let reason = if index < 2 { "was named" } else { "has files" };
                        let said = format!("not used: an earlier place {reason}");
                        assert_listed(&loaded, &file, &said);
                    } else if other != index {
                        assert_listed(&loaded, &machine.at(folder), "not found");
                    }
                }
                assert!(!format!("{loaded:?}").contains("hunter2"));
            }
        }
    }
}

#[test]
fn a_file_can_be_named_too() {
    for (name, content, setting) in [
        ("other.toml", "[http]\naddr = 'x'", Setting::HttpAddr),
        ("other", "[http]\naddr = 'x'", Setting::HttpAddr),
        ("other.INI", "[discord]\ntoken = x", Setting::DiscordToken),
    ] {
        let machine = Machine::new();
        let file = machine.write(&format!("work/a/{name}"), content);
        machine.write("work/punctaj.toml", "");
        machine.write("work/.env", format!("PUNCTAJ_CONFIG=a/{name}\n"));
        let relative = Some(Path::new("a").join(name));
        for loaded in [
            machine.load(&[]),
            machine.load(&[("PUNCTAJ_CONFIG", file.to_str().unwrap())]),
            Config::load(
                &machine.environment(&[]).with_config(relative),
                &machine.at("work"),
            ),
        ] {
            assert_eq!(loaded.origin(setting), Some(&Origin::File(file.clone())));
            let own = machine.at("work/punctaj.toml");
            assert_listed(&loaded, &own, "not used: an earlier place was named");
        }
    }
}

#[test]
fn what_was_named_has_to_be_there() {
    for (kind, named, expected) in [
        ("--config", "absent", "absent, which is not there"),
        (
            "PUNCTAJ_CONFIG",
            "absent.toml",
            "absent.toml, which is not there",
        ),
        (
            "PUNCTAJ_CONFIG",
            "empty",
            "empty, which has neither punctaj.toml nor supabase_config.ini nor discord_config.ini",
        ),
        ("--config", "loop", "loop, which can't be read: "),
    ] {
        let machine = Machine::new();
        fs::create_dir(machine.at("work/empty")).unwrap();
        symlink_loop(&machine.at("work/loop"));
        machine.write("work/punctaj.toml", "[http]\naddr = '127.0.0.1:1'\n");
        let (option, variables) = if kind == "--config" {
            (Some(named.into()), vec![])
        } else {
            (None, vec![("PUNCTAJ_CONFIG", named)])
        };
        let environment = machine.environment(&variables).with_config(option);
        let loaded = Config::load(&environment, &machine.at("work"));
        let problems = texts(loaded.problems());
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with(&format!("{kind} names ")),
            "{problems:?}"
        );
        assert!(problems[0].contains(expected), "{problems:?}");
        assert_eq!(
            loaded.origin(Setting::HttpAddr),
            None,
            "no other place is used"
        );
    }
}

#[test]
fn an_empty_variable_names_nothing() {
    let machine = Machine::new();
    let file = machine.write("work/punctaj.toml", "[http]\naddr = '127.0.0.1:1'\n");
    let loaded = machine.load(&[("PUNCTAJ_CONFIG", "")]);
    assert_eq!(loaded.origin(Setting::HttpAddr), Some(&Origin::File(file)));
}

#[cfg(unix)]
fn symlink_loop(path: &Path) {
    std::os::unix::fs::symlink(path, path).unwrap();
}

/// Something else that can't be opened.
#[cfg(not(unix))]
fn symlink_loop(path: &Path) {
    fs::create_dir(path).unwrap();
    fs::create_dir(path.join("punctaj.toml")).unwrap();
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_is_said_and_passed() {
    let machine = Machine::new();
    symlink_loop(&machine.at("program"));
    let file = machine.write("etc/punctaj/punctaj.toml", "");
    let loaded = machine.load(&[]);
    assert_listed(&loaded, &file, "found, 0 settings");
    let (_, said) = &listed(&loaded)[3];
    assert!(said.starts_with("not used: it can't be read: "), "{said}");
}

#[test]
fn the_same_folder_is_used_once() {
    let machine = Machine::new();
    machine.write("work/punctaj.toml", "");
    let mut folders = machine.environment(&[]).folders().clone();
    folders.program = Some(machine.at("work"));
    let environment = Environment::default().with_folders(folders);
    let loaded = Config::load(&environment, &machine.at("work"));
    let said: Vec<String> = loaded.places().iter().map(ToString::to_string).collect();
    let again = "program's folder, ";
    assert!(
        said.iter().any(|text| text.starts_with(again)
            && text.ends_with(": not used: the same folder as above")),
        "{said:?}"
    );
}

#[test]
fn the_environment_wins_over_dot_env_and_that_over_files() {
    let machine = Machine::new();
    let toml = machine.write(
        "work/punctaj.toml",
        "[database]\npool = 1\n[discord]\nshards = '0-0/1'\ntoken = 'file'\n",
    );
    let dot_env = machine.write(
        "work/.env",
        "PUNCTAJ_DATABASE_POOL=2\nPUNCTAJ_SHARDS=0-0/2\n",
    );
    let loaded = machine.load(&[("PUNCTAJ_DATABASE_POOL", "3")]);
    for (setting, origin) in [
        (Setting::DatabasePool, Origin::Environment),
        (Setting::Shards, Origin::File(dot_env)),
        (Setting::DiscordToken, Origin::File(toml)),
    ] {
        assert_eq!(loaded.origin(setting), Some(&origin));
    }
    let config = loaded.into_config(true).unwrap();
    assert_eq!(config.database_pool, 3);
    assert_eq!(config.discord.shards.to_string(), "0-0/2");
}

#[test]
fn the_own_file_wins_over_the_old_ones_which_complement_each_other() {
    let machine = Machine::new();
    let supabase = machine.write(
        "work/supabase_config.ini",
        "[supabase]\nurl = https://x.supabase.co\nkey = sb_secret_hunter2\n",
    );
    let discord = machine.write("work/discord_config.ini", "[discord]\ntoken = hunter3\n");
    let database = ("PUNCTAJ_DATABASE_URL", "postgres://localhost/db");
    let loaded = machine.load(&[database]);
    for (setting, file) in [
        (Setting::SupabaseUrl, &supabase),
        (Setting::SupabaseServiceKey, &supabase),
        (Setting::DiscordToken, &discord),
    ] {
        assert_eq!(loaded.origin(setting), Some(&Origin::File(file.clone())));
    }
    let supabase_api = loaded.into_config(true).unwrap().supabase.unwrap();
    assert_eq!(supabase_api.service_key.expose(), "sb_secret_hunter2");

    machine.write("work/punctaj.toml", "");
    let loaded = machine.load(&[database]);
    for file in [supabase, discord] {
        assert_listed(
            &loaded,
            &file,
            "not used: punctaj.toml in the same folder wins",
        );
    }
    assert!(loaded.into_config(true).is_err());
}

#[test]
fn every_key_of_the_own_file() {
    let machine = Machine::new();
    let loaded = machine.toml(
        r#"
        [discord]
        token = "a.b.c"
        api_url = "http://127.0.0.1:9000"
        ratelimit = "off"
        presence = false
        shards = "0-3/8"
        [database]
        url = "postgres://u@db.example/x"
        pool = 1_0
        insecure = true
        [supabase]
        url = "https://x.supabase.co"
        service_key = "sb_secret_x"
        [data]
        dir = "/var/lib/punctaj"
        [http]
        addr = "[::]:8080"
        [log]
        filter = "warn,punctaj=trace"
        format = "json"
        [sessions]
        idle = "30m"
        lifetime = "2d"
        "#,
    );
    assert_eq!(texts(loaded.problems()), [""; 0]);
    let file = Origin::File(machine.at("work/punctaj.toml"));
    for setting in Setting::ALL {
        assert_eq!(loaded.origin(setting), Some(&file), "{setting:?}");
    }
    let config = loaded.into_config(true).unwrap();
    assert!(!config.discord.ratelimit && !config.discord.presence);
    assert!(matches!(config.database, Database::Url(url) if url.host() == "db.example"));
    assert_eq!(config.database_pool, 10);
    assert_eq!(config.data_dir, Path::new("/var/lib/punctaj"));
    assert_eq!(config.sessions.idle.as_secs(), 30 * 60);
    assert_eq!(config.sessions.lifetime.as_secs(), 2 * 86_400);
}

#[test]
fn other_ways_to_write_values() {
    for (content, setting, shown) in [
        ("database = { pool = 0x10 }", Setting::DatabasePool, "16"),
        ("database.pool = \"7\"", Setting::DatabasePool, "7"),
        ("discord.ratelimit = true", Setting::DiscordRatelimit, "on"),
        (
            "database.insecure = \"allow\"",
            Setting::DatabaseInsecure,
            "allow",
        ),
        (
            "database.insecure = false",
            Setting::DatabaseInsecure,
            "not set",
        ),
        ("http.addr = \"\"", Setting::HttpAddr, "off"),
        (
            "\u{feff}discord.presence = 'off'\r\n",
            Setting::Presence,
            "off",
        ),
    ] {
        let loaded = Machine::new().toml(content);
        assert_eq!(texts(loaded.problems()), [""; 0], "{content}");
        assert_eq!(loaded.shown(setting), shown, "{content}");
    }
}

#[test]
fn broken_own_files_are_explained_without_their_content() {
    for (content, expected) in [
        (
            "[discord]\ntoken = hunter2\n",
            "punctaj.toml is no valid TOML at line 2, column 9",
        ),
        (
            "[discord]\ntoken = \"hunter2\n",
            "punctaj.toml is no valid TOML at line 2, column ",
        ),
        (
            "[discord]\n\n'ș' = hunter2",
            "punctaj.toml is no valid TOML at line 3, column 7",
        ),
        (
            "[discord]\ntoken = 'hunter2'\ntoken = 'hunter3'\n",
            "punctaj.toml is no valid TOML at line 3, column 1",
        ),
        (
            "hunter2",
            "punctaj.toml is no valid TOML at line 1, column ",
        ),
        (
            "[discord]\ntoken = [\n 'hunter2']\n",
            "discord.token must be a text in quotes (",
        ),
        (
            "[discord]\ntoken = [\n 'hunter2']\n",
            "punctaj.toml at line 2, column 9)",
        ),
        ("[discord]\npresence = 1", "discord.presence must be a text"),
        ("[sessions]\nidle = 5", "sessions.idle must be a text"),
        (
            "[database]\npool = 0",
            "PUNCTAJ_DATABASE_POOL must be a number from 1 to 100 (/",
        ),
        (
            "[database]\npool = 99999999999999999999",
            "must be a number from 1 to 100",
        ),
        (
            "[data]\ndir = '~/x'",
            "PUNCTAJ_DATA_DIR must be a whole path",
        ),
    ] {
        let loaded = Machine::new().toml(content);
        let problems = texts(loaded.problems());
        assert_eq!(problems.len(), 1, "{content}: {problems:?}");
        assert!(problems[0].contains(expected), "{content}: {problems:?}");
        let all = format!("{loaded:?}");
        assert!(!all.contains("hunter"), "{all}");
        loaded.into_config(false).unwrap_err();
    }
    let machine = Machine::new();
    machine.write("work/punctaj.toml", b"x = '\xff'");
    let problems = texts(machine.load(&[]).problems());
    assert!(problems[0].ends_with("punctaj.toml is not valid UTF-8 text"));
    let machine = Machine::new();
    fs::create_dir(machine.at("work/punctaj.toml")).unwrap();
    let problems = texts(machine.load(&[]).problems());
    assert!(
        problems[0].contains("punctaj.toml can't be read: "),
        "{problems:?}"
    );
}

#[test]
fn unknown_keys_are_named() {
    for (content, expected) in [
        ("[discord]\ntokn = 'hunter2'", Some("discord.tokn")),
        ("[disc]\ntoken = 'hunter2'", Some("disc.token")),
        ("[disc]\n", Some("disc")),
        ("token = 'hunter2'", Some("token")),
        ("discord = 'hunter2'", Some("discord")),
        ("[[discord]]\ntoken = 'hunter2'", Some("discord")),
        ("[discord.token]\nx = 'hunter2'", None),
        ("\"\\u0007hunter2\" = 1", Some("(a strange name)")),
        ("[log]\n", None),
    ] {
        let loaded = Machine::new().toml(content);
        let warnings = texts(loaded.warnings());
        let expected = expected.map(|name| format!("{name} is no setting (/"));
        assert_eq!(warnings.len(), usize::from(expected.is_some()), "{content}");
        let named = |text: &String| text.starts_with(expected.as_deref().unwrap());
        assert!(warnings.iter().all(named), "{content}: {warnings:?}");
        assert!(!format!("{loaded:?}").contains("hunter"), "{loaded:?}");
    }
}

#[test]
fn odd_old_files() {
    const URL: &str = "https://x.supabase.co";
    for (content, key, unused) in [
        (
            "[supabase]\nurl = https://x.supabase.co\nkey = k\n",
            Some("k"),
            vec![],
        ),
        (
            "\u{feff}; ș\r\n[SUPABASE]\r\nURL: https://x.supabase.co\r\nANON_KEY=k\r\n",
            Some("k"),
            vec![],
        ),
        (
            "[Supabase]\n  # note\n  url = \"https://x.supabase.co\"\n  Anon_Key = 'k'\n",
            Some("k"),
            vec![],
        ),
        (
            "[supabase]\nurl = https://x.supabase.co\nanon_key = public\nkey = k;#\n",
            Some("k;#"),
            vec![],
        ),
        (
            "[supabase]\nurl = https://x.supabase.co\nkey =\nANON_KEY = k\nTable_Sync = hunter2\n\
             [sync]\nenabled = true\n[Discord]\nCLIENT_ID = hunter2\nCLIENT_SECRET = hunter2\n\
             WEBHOOK_URL = https://discord.com/api/webhooks/1/hunter2\n",
            Some("k"),
            vec![
                "[discord] client_id",
                "[discord] client_secret",
                "[discord] webhook_url",
                "[supabase] table_sync",
                "[sync] enabled",
            ],
        ),
        (
            "url = https://hunter2\n[supabase]\nurl = https://x.supabase.co\n\
             eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.hunter2=\n",
            None,
            vec!["[default] url", "[supabase] (a strange name)"],
        ),
    ] {
        let loaded = Machine::new().ini(content);
        assert_eq!(texts(loaded.problems()), [""; 0], "{content}");
        let found = &loaded.places()[4].found;
        let expected = Found::Read {
            settings: 1 + usize::from(key.is_some()),
            unused: unused.into_iter().map(str::to_owned).collect(),
        };
        assert_eq!(found, &expected, "{content}");
        assert!(!format!("{loaded:?}").contains("hunter"), "{loaded:?}");
        assert_eq!(loaded.shown(Setting::SupabaseUrl), URL, "{content}");
        let supabase = loaded.into_config(false).unwrap().supabase;
        let found = supabase.as_ref().map(|api| api.service_key.expose());
        assert_eq!(found, key, "{content}");
    }
}

#[test]
fn broken_old_files_are_explained_without_their_content() {
    for (content, line, column) in [
        ("[supabase]\nurl = x\n  hunter2 Hunter\nkey = k\n", 3, 3),
        ("[supabase\nurl = hunter2\n", 1, 1),
        ("[supabase]\n\n = hunter2\n", 3, 2),
        ("hunter2", 1, 1),
    ] {
        let loaded = Machine::new().ini(content);
        let problems = texts(loaded.problems());
        assert_eq!(problems.len(), 1, "{problems:?}");
        let expected = format!(
            "supabase_config.ini can't be read at line {line}, column {column}; expected [section] or option = value"
        );
        assert!(problems[0].ends_with(&expected), "{problems:?}");
        let all = format!("{loaded:?}");
        assert!(!all.to_lowercase().contains("hunter"), "{all}");
    }
}

#[test]
fn a_public_key_is_refused_where_the_service_key_is_needed() {
    let anon = jwt(r#"{"role":"anon"}"#);
    let service = jwt(r#"{"role":"service_role"}"#);
    for (key, kind) in [
        (anon.as_str(), Some("anon")),
        ("sb_publishable_hunter2", Some("publishable")),
        (service.as_str(), None),
        ("sb_secret_hunter2", None),
    ] {
        let machine = Machine::new();
        let database = ("PUNCTAJ_DATABASE_URL", "postgres://localhost/db");
        let url = ("SUPABASE_URL", "https://x.supabase.co");
        let in_variable = machine.load(&[database, url, ("SUPABASE_SERVICE_KEY", key)]);
        let file = format!("[supabase]\nurl = https://x.supabase.co\nANON_KEY = {key}\n");
        for loaded in [in_variable, machine.ini(&file)] {
            let problems = texts(loaded.problems());
            assert_eq!(problems.len(), usize::from(kind.is_some()), "{problems:?}");
            for problem in problems {
                let start = format!(
                    "SUPABASE_SERVICE_KEY is a public key (`{}`)",
                    kind.unwrap_or_default()
                );
                assert!(problem.starts_with(&start), "{problem}");
                assert!(problem.contains("`service_role`"), "{problem}");
            }
            let shown = Setting::ALL.map(|setting| loaded.shown(setting));
            let all = format!("{loaded:?} {shown:?}");
            assert!(!all.contains("hunter2") && !all.contains(key), "{all}");
        }
    }
}

#[test]
fn the_old_files_are_no_database() {
    let machine = Machine::new();
    machine.write(
        "work/supabase_config.ini",
        "[supabase]\nurl = https://x.supabase.co\nkey = sb_secret_x\n",
    );
    let problems = texts(machine.load(&[]).problems());
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].starts_with("PUNCTAJ_DATABASE_URL is not set, but Supabase settings are"),
        "{problems:?}"
    );
}

#[test]
fn a_data_folder_is_relative_to_the_file_that_names_it() {
    let machine = Machine::new();
    machine.write("work/config/punctaj.toml", "[data]\ndir = '../data'\n");
    let config = machine.load(&[]).into_config(false).unwrap();
    assert_eq!(config.data_dir, machine.at("work/config/../data"));
    let variables = [("PUNCTAJ_DATA_DIR", "other")];
    let config = machine.load(&variables).into_config(false).unwrap();
    assert_eq!(config.data_dir, machine.at("work/other"));
}

#[test]
fn the_examples_are_valid_and_set_nothing() {
    let machine = Machine::new();
    let toml = include_str!("../../config/punctaj.example.toml");
    let loaded = machine.toml(toml);
    assert_eq!(texts(loaded.problems()), [""; 0]);
    assert_eq!(texts(loaded.warnings()), [""; 0]);
    for setting in Setting::ALL {
        assert_eq!(loaded.origin(setting), None, "{setting:?}");
    }
    // With every line that is commented out, it names every setting.
    let line = |line: &str| {
        let setting = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
        setting.unwrap_or(line).to_owned()
    };
    let all: Vec<String> = toml.lines().map(line).collect();
    let loaded = machine.toml(&all.join("\n"));
    assert_eq!(texts(loaded.problems()), [""; 0]);
    for setting in Setting::ALL {
        assert!(loaded.origin(setting).is_some(), "{setting:?}");
    }

    let machine = Machine::new();
    for (name, content) in [
        (
            OLD[0],
            include_str!("../../config/supabase_config.example.ini"),
        ),
        (
            OLD[1],
            include_str!("../../config/discord_config.example.ini"),
        ),
    ] {
        machine.write(&format!("work/{name}"), content);
    }
    let loaded = machine.load(&[]);
    assert_eq!(texts(loaded.problems()), [""; 0]);
    for setting in Setting::ALL {
        assert_eq!(loaded.origin(setting), None, "{setting:?}");
    }
    let listed = listed(&loaded);
    assert_eq!(
        listed[1..3]
            .iter()
            .map(|(_, said)| said.as_str())
            .collect::<Vec<_>>(),
        ["found, 0 settings"; 2]
    );
}
