//! The configuration, Discord, Supabase, the disk, and the private Postgres.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use fake_discord::{FakeDiscord, Fault};
use punctaj::config::DataDir;
use punctaj::domain::ids::{GuildId, OpId, UserId};
use punctaj::journal::{Edits, Origin};
use tokio::net::TcpListener;

use super::report::{SECRETS, Setting};
use crate::support::app::{Process, until};
use crate::support::db::{TestDb, reachable_folder};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn a_broken_configuration_is_a_finding_and_keeps_nothing_else_from_being_looked_at() {
    let discord = FakeDiscord::start().await.unwrap();
    let setting = Setting::empty()
        .discord(&discord)
        .with(
            "PUNCTAJ_DATABASE_URL",
            "postgres://u:hemlig-password@h.example:6543/db?sslmode=require",
        )
        .with("PUNCTAJ_PRESENCE", "perhaps")
        .with("PUNCTAJ_SHARDS", "auto");
    let report = setting.report().await;
    report.says(
        "configuration.database.url",
        "failed",
        &["6543", "u:***@", "environment", "session pooler"],
    );
    report.says(
        "configuration.discord.presence",
        "failed",
        &["perhaps", "`on` or `off`"],
    );
    report.says(
        "configuration.discord.shards",
        "ok",
        &["auto", "environment"],
    );
    report.says("configuration.discord.token", "ok", &["***"]);
    report.says("configuration.places", "ok", &["environment"]);
    report.says("database.reachable", "failed", &["Not looked at"]);
    report.says("discord.token", "ok", &["punctaj"]);
    let (code, text) = setting.run(&[], &["diagnose"]).await;
    assert_eq!(code, Some(1));
    for part in [
        "Configuration:\n",
        "  failed   PUNCTAJ_PRESENCE: perhaps",
        "           -> ",
        "Disk:\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    discord.stop().await;
}

#[tokio::test]
async fn files_that_are_named_and_not_there() {
    let setting = Setting::empty().with("PUNCTAJ_CONFIG", "/nowhere/punctaj.toml");
    let report = setting.report().await;
    let line = report.check("configuration.file") + &report.check("configuration.config");
    assert!(
        line.starts_with("failed") && line.contains("/nowhere"),
        "{line}"
    );
}

#[tokio::test]
async fn what_discord_says() {
    let (db, discord) = (TestDb::new().await, FakeDiscord::start().await.unwrap());
    let setting = Setting::database(db.url()).discord(&discord);
    let report = setting.report().await;
    report.says("discord.token", "ok", &["punctaj"]);
    report.says("discord.intents", "ok", &[]);
    report.says("discord.gateway", "ok", &["1,000"]);
    report.says("clock.discord", "ok", &[]);
    report.says(
        "discord.commands",
        "warning",
        &["punctaj-admin", "Start the bot"],
    );

    let bot = Process::start(&discord, &db);
    discord.ready().await;
    let report = setting.report().await;
    assert_eq!(report.ill_but(&[]), Vec::<String>::new());
    assert_eq!(bot.terminate().await, Some(0));

    discord.clock_ahead(-120);
    discord.starts_used(998);
    let report = setting.report().await;
    report.says("clock.discord", "warning", &["ahead of", "Discord"]);
    report.says("discord.gateway", "warning", &["2 of 1,000", "restarts"]);
    discord.starts_used(1000);
    setting
        .report()
        .await
        .says("discord.gateway", "failed", &["0 of 1,000"]);
    discord.starts_used(0);
    discord.recommend_shards(2);
    let two = Setting::empty().discord(&discord);
    let few = two.with("PUNCTAJ_SHARDS", "0-0/1");
    few.report().await.says(
        "discord.gateway",
        "warning",
        &["one shard in all", "recommends 2", "PUNCTAJ_SHARDS"],
    );
    let enough = few.with("PUNCTAJ_SHARDS", "0-0/2");
    enough.report().await.says("discord.gateway", "ok", &[]);
    discord.recommend_shards(1);
    let wrong = setting
        .with("PUNCTAJ_SHARDS", "0-1/2")
        .with("DISCORD_TOKEN", "hemlig-token");
    let report = wrong.report().await;
    report.says("discord.token", "failed", &["does not know", "Reset Token"]);
    // The time is in that answer too.
    report.says("clock.discord", "warning", &[]);
    discord.stop().await;
}

#[tokio::test]
async fn what_discord_refuses_or_does_not_say() {
    let discord = FakeDiscord::builder()
        .refuse_presence()
        .start()
        .await
        .unwrap();
    let setting = Setting::empty().discord(&discord);
    let report = setting.report().await;
    report.says("discord.intents", "warning", &["Presence Intent"]);
    for (path, id) in [
        ("/users/@me", "discord.token"),
        ("/applications/@me", "discord.intents"),
        ("/gateway/bot", "discord.gateway"),
        ("/commands", "discord.commands"),
    ] {
        discord.inject(Fault::status(503).on("GET", path));
        setting
            .report()
            .await
            .says(id, "failed", &["503", "discordstatus"]);
        discord.clear_faults();
    }
    discord.inject(Fault::rate_limit(std::time::Duration::from_secs(3)).on("GET", "/gateway/bot"));
    setting
        .report()
        .await
        .says("discord.gateway", "warning", &["limits", "Wait a minute"]);
    discord.clear_faults();
    let setting = setting.with("PUNCTAJ_PRESENCE", "off");
    setting
        .report()
        .await
        .says("discord.intents", "ok", &["PUNCTAJ_PRESENCE=off"]);
    let setting = setting.with("DISCORD_API_URL", NOWHERE);
    setting
        .report()
        .await
        .says("discord.token", "failed", &["refused", "network"]);
    let report = Setting::empty().report().await;
    report.says("discord.token", "failed", &["not set"]);
    discord.stop().await;
}

/// What a project of Supabase's answers.
#[derive(Debug, Clone, Copy, Default)]
struct Project {
    /// Its answer to a question about the schema: the status and the number of the error.
    schema: Option<(u16, &'static str)>,
    /// Its status for everything about storage.
    storage: Option<u16>,
    /// It answers everything with that status.
    all: Option<u16>,
}

async fn answer(State(project): State<Arc<Project>>, uri: Uri, headers: HeaderMap) -> Response {
    let status = |status: u16| StatusCode::from_u16(status).unwrap();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_let_in = header("apikey") == Some(SECRETS[2])
        && header("authorization") == Some(&format!("Bearer {}", SECRETS[2]));
    if let Some(all) = project.all {
        return (status(all), "hemlig-key").into_response();
    }
    if !is_let_in {
        return (status(401), r#"{"message":"Invalid API key"}"#).into_response();
    }
    match (uri.path(), header("accept-profile")) {
        ("/rest/v1/", None) => (status(200), "{}").into_response(),
        ("/rest/v1/guilds", Some("punctaj")) => {
            let (code, name) = project.schema.unwrap_or((406, "PGRST106"));
            (status(code), format!(r#"{{"code":"{name}"}}"#)).into_response()
        }
        ("/storage/v1/bucket", None) => {
            (status(project.storage.unwrap_or(200)), "[]").into_response()
        }
        _ => status(404).into_response(),
    }
}

/// The setting of a look at a project with the right key.
async fn project(project: Project) -> Setting {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().fallback(answer).with_state(Arc::new(project));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Setting::database("postgres://u:hemlig-password@127.0.0.1:9/x")
        .with("SUPABASE_URL", &url)
        .with("SUPABASE_SERVICE_KEY", SECRETS[2])
}

#[tokio::test]
async fn what_the_api_of_supabase_answers() {
    let report = project(Project::default()).await.report().await;
    for id in ["supabase.rest", "supabase.exposure", "supabase.storage"] {
        report.says(id, "ok", &[]);
    }
    let wrong = project(Project::default()).await;
    let wrong = wrong.with("SUPABASE_SERVICE_KEY", "hemlig-key-of-another-project");
    let report = wrong.report().await;
    for id in ["supabase.rest", "supabase.storage"] {
        report.says(id, "failed", &["refuses the key", "SUPABASE_SERVICE_KEY"]);
    }
    for (answers, id, level, part) in [
        (
            Project {
                schema: Some((200, "")),
                ..Project::default()
            },
            "supabase.exposure",
            "failed",
            "exposed schemas",
        ),
        (
            Project {
                schema: Some((403, "42501")),
                ..Project::default()
            },
            "supabase.exposure",
            "warning",
            "exposed schemas",
        ),
        (
            Project {
                storage: Some(404),
                ..Project::default()
            },
            "supabase.storage",
            "warning",
            "no Storage",
        ),
        (
            Project {
                storage: Some(400),
                ..Project::default()
            },
            "supabase.storage",
            "failed",
            "refuses the key",
        ),
        (
            Project {
                all: Some(404),
                ..Project::default()
            },
            "supabase.rest",
            "failed",
            "404",
        ),
        (
            Project {
                all: Some(540),
                ..Project::default()
            },
            "supabase.rest",
            "failed",
            "paused",
        ),
        (
            Project {
                all: Some(302),
                ..Project::default()
            },
            "supabase.storage",
            "failed",
            "302",
        ),
    ] {
        project(answers)
            .await
            .report()
            .await
            .says(id, level, &[part]);
    }
    let nowhere = project(Project::default())
        .await
        .with("SUPABASE_URL", NOWHERE);
    nowhere
        .report()
        .await
        .says("supabase.rest", "failed", &["refused", "SUPABASE_URL"]);
    Setting::empty()
        .report()
        .await
        .says("supabase.rest", "ok", &["not configured"]);
}

#[tokio::test]
async fn a_folder_that_can_not_be_used() {
    let setting = Setting::empty();
    std::fs::write(setting.data(), "").unwrap();
    setting
        .report()
        .await
        .says("disk.folder", "failed", &["PUNCTAJ_DATA_DIR"]);
    let below = setting.data().join("below");
    let setting = Setting::empty().with("PUNCTAJ_DATA_DIR", below.to_str().unwrap());
    setting
        .report()
        .await
        .says("disk.folder", "failed", &["PUNCTAJ_DATA_DIR"]);
    let setting = Setting::empty();
    setting
        .report()
        .await
        .says("disk.folder", "ok", &["first start"]);
    assert!(!setting.data().exists(), "looking has made the folder");
}

#[tokio::test]
async fn a_folder_whose_way_is_shut() {
    let setting = Setting::empty();
    std::os::unix::fs::symlink("/nowhere/at/all", setting.data()).unwrap();
    setting
        .report()
        .await
        .says("disk.folder", "failed", &["PUNCTAJ_DATA_DIR"]);
    let setting = Setting::empty();
    let above = setting.data().join("above");
    std::fs::create_dir_all(&above).unwrap();
    let below = above.join("a/b");
    let setting = setting.with("PUNCTAJ_DATA_DIR", below.to_str().unwrap());
    setting
        .report()
        .await
        .says("disk.folder", "ok", &["first start"]);
    let shut = std::fs::Permissions::from_mode(0o555);
    std::fs::set_permissions(&above, shut).unwrap();
    // Nothing holds root up.
    let level = if rustix::process::geteuid().is_root() {
        "ok"
    } else {
        "failed"
    };
    setting.report().await.says("disk.folder", level, &[]);
    assert!(!below.exists(), "looking has made the folder");
}

#[tokio::test]
async fn a_folder_that_can_not_be_made() {
    if !may_mount().await {
        return;
    }
    let setting = Setting::empty();
    let above = setting.data().parent().unwrap();
    let mount = format!(
        "mount -t tmpfs -o ro tmpfs {} && exec \"$@\"",
        above.display()
    );
    let report = setting
        .report_by(&["unshare", "-rm", "sh", "-c", &mount, "sh"])
        .await;
    report.says("disk.folder", "failed", &["Read-only", "PUNCTAJ_DATA_DIR"]);
}

/// Whether a disk of one's own can be had here. Where not, the decisions alone are tested, beside
/// them.
async fn may_mount() -> bool {
    is_let(&["unshare", "-rm"]).await
}

/// Whether a program may be started so.
async fn is_let(starter: &[&str]) -> bool {
    let tried = tokio::process::Command::new(starter[0])
        .args(&starter[1..])
        .arg("true")
        .output()
        .await;
    let may = tried.is_ok_and(|tried| tried.status.success());
    if !may {
        println!("refused: {}", starter.join(" "));
    }
    may
}

#[tokio::test]
async fn a_disk_that_takes_nothing() {
    let setting = Setting::empty();
    punctaj::config::create_private_dir(setting.data()).unwrap();
    setting.report().await.says("disk.journal", "ok", &[]);
    // A write beyond the limit fails, and does not end the process.
    let full = ["sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"];
    let report = setting.report_by(&full).await;
    report.says("disk.journal", "failed", &["PUNCTAJ_DATA_DIR"]);
    let left = std::fs::read_dir(setting.data()).unwrap().count();
    assert_eq!(left, 0, "the file of the self-test stays");
}

#[tokio::test]
async fn a_disk_with_little_room() {
    if !may_mount().await {
        return;
    }
    let setting = Setting::empty();
    punctaj::config::create_private_dir(setting.data()).unwrap();
    for (size, level) in [("20m", "failed"), ("200m", "warning")] {
        let mount = format!(
            "mount -t tmpfs -o mode=700,size={size} tmpfs {} && exec \"$@\"",
            setting.data().display()
        );
        let report = setting
            .report_by(&["unshare", "-rm", "sh", "-c", &mount, "sh"])
            .await;
        report.says("disk.free", level, &["MB", "PUNCTAJ_DATA_DIR"]);
    }
}

#[tokio::test]
async fn who_has_the_folder_and_what_is_in_it() {
    let setting = Setting::empty();
    let held = DataDir::open(setting.data()).unwrap();
    let report = setting.report().await;
    report.says("disk.use", "ok", &["running bot"]);
    report.says("disk.privacy", "ok", &[]);
    drop(held);
    setting.report().await.says("disk.use", "ok", &["No bot"]);

    let edits = Edits::open(setting.data()).unwrap();
    let origin = Origin {
        guild: GuildId::from_db(1),
        person: UserId::from_db(2),
        op: OpId::new("3".to_owned()),
    };
    edits.keep(origin, &"anything").await.unwrap();
    let report = setting.report().await;
    report.says("disk.use", "warning", &["can't be told"]);
    edits.probe().await.unwrap();
    drop(edits);
    setting
        .report()
        .await
        .says("disk.use", "warning", &["one edit waits", "Start the bot"]);

    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(setting.data(), open).unwrap();
    std::fs::write(setting.data().join("journal.redb.damaged-1"), "").unwrap();
    let report = setting.report().await;
    report.says("disk.privacy", "warning", &["755", "chmod 700"]);
    report.says("disk.damaged", "warning", &["journal.redb.damaged-1"]);
}

#[tokio::test]
async fn the_private_postgres_is_looked_at_and_never_made() {
    let setting = Setting::empty();
    let report = setting.report().await;
    report.says("database.programs", "ok", &["PostgreSQL"]);
    report.says("database.embedded", "ok", &["first start"]);
    assert!(!setting.data().exists());
    let cluster = setting.data().join("postgres");
    std::fs::create_dir_all(&cluster).unwrap();
    std::fs::write(cluster.join("PG_VERSION"), "9\n").unwrap();
    setting
        .report()
        .await
        .says("database.programs", "failed", &["9"]);
    std::fs::remove_file(cluster.join("PG_VERSION")).unwrap();
    std::fs::write(cluster.join("base"), "").unwrap();
    setting
        .report()
        .await
        .says("database.programs", "failed", &["PG_VERSION"]);
}

#[tokio::test]
async fn the_private_postgres_is_out_of_its_users_reach() {
    let setting = Setting::empty();
    let above = setting.data().parent().unwrap();
    let shut = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(above, shut).unwrap();
    let report = setting.report().await;
    // Only root starts it as somebody else.
    if rustix::process::geteuid().is_root() {
        let words = ["can't enter", "/var/lib/punctaj"];
        report.says("database.embedded", "failed", &words);
    } else {
        report.says("database.embedded", "ok", &[]);
    }
}

#[tokio::test]
async fn the_private_postgres_is_not_looked_for_where_the_folder_can_not_be_used() {
    let setting = Setting::empty().with("PUNCTAJ_DATA_DIR", "~/somewhere");
    let report = setting.report().await;
    report.says("configuration.data.dir", "failed", &["whole path"]);
    report.says("database.embedded", "failed", &["PUNCTAJ_DATA_DIR"]);
    assert_eq!(report.check("database.programs"), "");
}

#[tokio::test]
async fn the_private_postgres_without_programs_is_downloaded() {
    let hide = "mount -t tmpfs tmpfs /usr/lib/postgresql && exec \"$@\"";
    let starter = ["unshare", "-rm", "sh", "-c", hide, "sh"];
    if !is_let(&starter).await {
        return;
    }
    let report = Setting::empty().report_by(&starter).await;
    report.says(
        "database.programs",
        "warning",
        &["downloads it", "PostgreSQL 15 or newer"],
    );
}

#[tokio::test]
async fn the_private_postgres_of_a_running_bot_is_looked_into() {
    let (folder, discord) = (reachable_folder(), FakeDiscord::start().await.unwrap());
    let bot = Process::with_embedded(&discord, folder.path());
    discord.ready().await;
    let setting = Setting::empty().discord(&discord);
    let setting = setting.with("PUNCTAJ_DATA_DIR", folder.path().to_str().unwrap());
    let is_up = async || {
        setting
            .report()
            .await
            .check("database.schema")
            .starts_with("ok")
    };
    until("the schema is there", is_up).await;
    let report = setting.report().await;
    report.says("database.embedded", "ok", &["runs"]);
    report.says("database.reachable", "ok", &["postgres:***@"]);
    report.says("disk.use", "ok", &["running bot"]);
    assert_eq!(report.ill_but(&["disk.privacy"]), Vec::<String>::new());
    assert_eq!(bot.terminate().await, Some(0));
    setting
        .report()
        .await
        .says("database.embedded", "ok", &["does not run"]);
    discord.stop().await;
}
