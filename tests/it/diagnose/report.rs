//! The real binary's `diagnose --json`, as programs read it.

use std::collections::BTreeMap;
use std::path::Path;

use fake_discord::FakeDiscord;
use serde_json::Value;

use crate::support::app::command;

/// Texts that must never be printed.
pub const SECRETS: [&str; 3] = ["hemlig-token", "hemlig-password", "hemlig-key"];

/// What is set for a look. What is left out makes no finding that fails, but for the token.
pub struct Setting {
    variables: BTreeMap<String, String>,
    secrets: Vec<String>,
    home: tempfile::TempDir,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    pub code: Option<i32>,
    json: Value,
}

impl Setting {
    /// With a database of this address.
    pub fn database(url: &str) -> Self {
        Self::empty().with("PUNCTAJ_DATABASE_URL", url)
    }

    /// With nothing but a data folder.
    pub fn empty() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let setting = Self {
            variables: BTreeMap::new(),
            secrets: SECRETS.map(str::to_owned).to_vec(),
            home,
        };
        setting.with("PUNCTAJ_DATA_DIR", data.to_str().unwrap())
    }

    /// With a stand-in for Discord, and the token that it knows.
    pub fn discord(self, discord: &FakeDiscord) -> Self {
        self.with("DISCORD_API_URL", discord.url())
            .with("PUNCTAJ_DISCORD_RATELIMIT", "off")
            .with("DISCORD_TOKEN", discord.token())
    }

    /// With a variable more.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let password = url::Url::parse(value).ok();
        let password = password.and_then(|url| url.password().map(str::to_owned));
        self.secrets.extend(password);
        if name == "DISCORD_TOKEN" || name == "SUPABASE_SERVICE_KEY" {
            self.secrets.push(value.to_owned());
        }
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        Path::new(&self.variables["PUNCTAJ_DATA_DIR"])
    }

    /// What the binary finds.
    pub async fn report(&self) -> Report {
        self.report_by(&[]).await
    }

    /// What the binary finds, started by a program that runs the rest of its arguments.
    pub async fn report_by(&self, starter: &[&str]) -> Report {
        let (code, text) = self.run(starter, &["diagnose", "--json"]).await;
        let json = serde_json::from_str(&text);
        let json = json.expect(&text);
        Report { code, json }
    }

    /// Its code and what it prints, in which no secret is.
    pub async fn run(&self, starter: &[&str], arguments: &[&str]) -> (Option<i32>, String) {
        let binary = command();
        let binary = binary.as_std().get_program().to_owned();
        let mut command = command();
        if let [program, before @ ..] = starter {
            let mut other = tokio::process::Command::new(program);
            other.args(before).arg(&binary).env_clear();
            other.env("PATH", std::env::var("PATH").unwrap_or_default());
            other.current_dir(std::env::temp_dir());
            command = other;
        }
        let command = command.args(arguments).env("HOME", self.home.path());
        let output = command.envs(&self.variables).output().await.unwrap();
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        for secret in &self.secrets {
            assert!(!out.contains(secret) && !err.contains(secret), "{out}{err}");
        }
        (output.status.code(), out)
    }
}

impl Report {
    fn checks(&self) -> &[Value] {
        self.json["checks"].as_array().unwrap()
    }

    /// The check of this id: `level: message -> remedy`. Empty if it was not made.
    pub fn check(&self, id: &str) -> String {
        let found = self.checks().iter().find(|check| check["id"] == id);
        let line = |check: &Value| {
            let text = |field: &str| check[field].as_str().unwrap_or("-").to_owned();
            format!(
                "{}: {} -> {}",
                text("level"),
                text("message"),
                text("remedy")
            )
        };
        found.map(line).unwrap_or_default()
    }

    /// Asserts that a check says all of these, the first of them being its level.
    #[track_caller]
    pub fn says(&self, id: &str, level: &str, parts: &[&str]) {
        let line = self.check(id);
        assert!(
            line.starts_with(level),
            "{id} is no {level}: {line:?}\n{:#}",
            self.json
        );
        for part in parts {
            assert!(line.contains(part), "{part:?} is not in {id}: {line}");
        }
        if level != "ok" {
            assert!(!line.ends_with("-> -"), "{id} has no remedy: {line}");
        }
        self.adds_up();
    }

    /// The checks that are not well, but for these.
    pub fn ill_but(&self, known: &[&str]) -> Vec<String> {
        let ill = self.checks().iter().filter(|check| check["level"] != "ok");
        let ids = ill.map(|check| check["id"].as_str().unwrap().to_owned());
        ids.filter(|id| !known.contains(&id.as_str())).collect()
    }

    /// The counts are those of the checks, and the exit code follows from them.
    #[track_caller]
    fn adds_up(&self) {
        for (field, level) in [("ok", "ok"), ("warnings", "warning"), ("failed", "failed")] {
            let of_level = self.checks().iter().filter(|it| it["level"] == level);
            assert_eq!(self.json[field], of_level.count(), "{field}");
        }
        let code = i32::from(self.json["failed"] != 0);
        assert_eq!(self.code, Some(code), "{:#}", self.json);
    }
}
